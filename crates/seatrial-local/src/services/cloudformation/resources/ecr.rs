//! Resource types of ECR.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Attributes, Change, Created, Flag, Resource, ResourceContext, ResourceTypes, Tag, answered, capitalized,
    gone, told,
};
use crate::error::ServiceError;
use crate::services::ecr::{
    CreateRepository, DeleteLifecyclePolicy, DeleteRepository, DeleteRepositoryPolicy, DescribeRepositories,
    Encryption, ExclusionFilter, Mutability, PutImageScanningConfiguration, PutImageTagMutability,
    PutLifecyclePolicy, Scanning, SetRepositoryPolicy, TagResource, UntagResource,
};
use crate::tags;

pub(super) fn register(types: &mut ResourceTypes) {
    types.add::<Repository>();
}

struct Repository;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Properties {
    repository_name: Option<String>,
    #[serde(default)]
    empty_on_delete: Flag,
    #[serde(default)]
    image_tag_mutability: Mutability,
    #[serde(default)]
    image_tag_mutability_exclusion_filters: Vec<Filter>,
    image_scanning_configuration: Option<ScanningProperties>,
    encryption_configuration: Option<EncryptionProperties>,
    lifecycle_policy: Option<LifecycleProperties>,
    repository_policy_text: Option<Value>,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
struct Filter {
    #[serde(rename = "ImageTagMutabilityExclusionFilterType")]
    filter_type: String,
    #[serde(rename = "ImageTagMutabilityExclusionFilterValue")]
    filter: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ScanningProperties {
    #[serde(default)]
    scan_on_push: Flag,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct EncryptionProperties {
    encryption_type: String,
    kms_key: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LifecycleProperties {
    lifecycle_policy_text: Option<Value>,
}

impl Properties {
    fn filters(&self) -> Vec<ExclusionFilter> {
        let filters = self.image_tag_mutability_exclusion_filters.iter();
        let filter = |one: &Filter| ExclusionFilter {
            filter_type: one.filter_type.clone(),
            filter: one.filter.clone(),
        };
        filters.map(filter).collect()
    }

    fn scanning(&self) -> Scanning {
        let scanning = self.image_scanning_configuration.as_ref();
        Scanning { scan_on_push: scanning.is_some_and(|scanning| scanning.scan_on_push.0) }
    }

    fn own_policy(&self) -> Option<String> {
        self.repository_policy_text.as_ref().map(text)
    }

    fn lifecycle_policy(&self) -> Option<String> {
        let text = self.lifecycle_policy.as_ref()?.lifecycle_policy_text.as_ref()?;
        Some(self::text(text))
    }
}

/// A document may be given as an object or as its text.
fn text(document: &Value) -> String {
    document.as_str().map_or_else(|| document.to_string(), str::to_owned)
}

impl Resource for Repository {
    const TYPE: &'static str = "AWS::ECR::Repository";
    type Properties = Properties;

    async fn create(ctx: &ResourceContext, properties: Properties) -> Result<Created, ServiceError> {
        let generated = || ctx.generated_name(256).to_lowercase();
        let name = properties.repository_name.clone().unwrap_or_else(generated);
        let encryption = properties.encryption_configuration.as_ref().map(|encryption| Encryption {
            encryption_type: encryption.encryption_type.clone(),
            kms_key: encryption.kms_key.clone(),
        });
        let input = CreateRepository {
            repository_name: name.clone(),
            tags: ctx.tag_list(&properties.tags),
            image_tag_mutability: properties.image_tag_mutability,
            image_tag_mutability_exclusion_filters: properties.filters(),
            image_scanning_configuration: properties.scanning(),
            encryption_configuration: encryption,
        };
        match ctx.cloud.call(&ctx.principal, input).await {
            Ok(_) => {}
            Err(error) if ctx.retried && error.code == "RepositoryAlreadyExistsException" => {}
            Err(error) => return Err(error),
        }
        ctx.initiated(&name);
        if let Some(policy) = properties.lifecycle_policy() {
            put_policy(ctx, &name, policy).await?;
        }
        set_own_policy(ctx, &name, (None, properties.own_policy())).await?;
        Ok(Created { attributes: attributes(ctx, &name).await?, physical_id: name })
    }

    async fn update(
        ctx: &ResourceContext,
        physical_id: &str,
        change: Change<Properties>,
    ) -> Result<Attributes, ServiceError> {
        let (old, new) = (change.old, change.new);
        let name = physical_id.to_owned();
        let mutability = PutImageTagMutability {
            repository_name: name.clone(),
            image_tag_mutability: new.image_tag_mutability,
            image_tag_mutability_exclusion_filters: new.filters(),
        };
        ctx.cloud.call(&ctx.principal, mutability).await?;
        let scanning = PutImageScanningConfiguration {
            repository_name: name.clone(),
            image_scanning_configuration: new.scanning(),
        };
        ctx.cloud.call(&ctx.principal, scanning).await?;
        match new.lifecycle_policy() {
            Some(policy) => put_policy(ctx, &name, policy).await?,
            None if old.lifecycle_policy.is_some() => remove_policy(ctx, &name).await?,
            None => {}
        }
        set_own_policy(ctx, &name, (old.own_policy(), new.own_policy())).await?;
        let resource_arn = ctx.cloud.arn("ecr", &format!("repository/{name}"));
        let tags: Vec<tags::Tag> = ctx.tag_list(&new.tags);
        let tag_keys = tags::dropped(&old.tags, &tags);
        if !tag_keys.is_empty() {
            let input = UntagResource { resource_arn: resource_arn.clone(), tag_keys };
            ctx.cloud.call(&ctx.principal, input).await?;
        }
        ctx.cloud.call(&ctx.principal, TagResource { resource_arn, tags }).await?;
        attributes(ctx, &name).await
    }

    const READABLE: bool = true;

    /// Its policies are not read.
    async fn read(ctx: &ResourceContext, id: &str, _: Properties) -> Result<Option<Value>, ServiceError> {
        let input = DescribeRepositories { repository_names: vec![id.to_owned()], ..Default::default() };
        let found = ctx.cloud.call(&ctx.principal, input).await;
        let Some(answer) = answered(found, "RepositoryNotFoundException")? else { return Ok(None) };
        let shown = capitalized(answer["repositories"][0].clone());
        let names = ["RepositoryName", "ImageTagMutability", "ImageScanningConfiguration"];
        let mut read = told(&shown, names);
        read.extend(told(&shown, ["EncryptionConfiguration"]));
        Ok(Some(read.into()))
    }

    const IMPORTABLE: bool = true;

    async fn attributes(ctx: &ResourceContext, id: &str) -> Result<Attributes, ServiceError> {
        attributes(ctx, id).await
    }

    /// Fails where it holds images, unless `EmptyOnDelete` was set before.
    async fn delete(
        ctx: &ResourceContext,
        physical_id: &str,
        properties: Properties,
    ) -> Result<(), ServiceError> {
        let force = properties.empty_on_delete.0;
        let input = DeleteRepository { repository_name: physical_id.to_owned(), force };
        match ctx.cloud.call(&ctx.principal, input).await {
            Err(error) if error.code != "RepositoryNotFoundException" => Err(error),
            _ => Ok(()),
        }
    }
}

async fn set_own_policy(
    ctx: &ResourceContext,
    name: &str,
    (old, new): (Option<String>, Option<String>),
) -> Result<(), ServiceError> {
    let repository_name = name.to_owned();
    match (old, new) {
        (old, new) if old == new => Ok(()),
        (_, Some(policy_text)) => {
            let input = SetRepositoryPolicy { repository_name, policy_text };
            ctx.cloud.call(&ctx.principal, input).await.map(drop)
        }
        (_, None) => {
            let removed = ctx.cloud.call(&ctx.principal, DeleteRepositoryPolicy { repository_name }).await;
            gone(removed, "RepositoryPolicyNotFoundException")
        }
    }
}

async fn put_policy(ctx: &ResourceContext, name: &str, policy: String) -> Result<(), ServiceError> {
    let input = PutLifecyclePolicy { repository_name: name.to_owned(), lifecycle_policy_text: policy };
    ctx.cloud.call(&ctx.principal, input).await.map(drop)
}

async fn remove_policy(ctx: &ResourceContext, name: &str) -> Result<(), ServiceError> {
    let input = DeleteLifecyclePolicy { repository_name: name.to_owned() };
    match ctx.cloud.call(&ctx.principal, input).await {
        Err(error) if error.code != "LifecyclePolicyNotFoundException" => Err(error),
        _ => Ok(()),
    }
}

async fn attributes(ctx: &ResourceContext, name: &str) -> Result<Attributes, ServiceError> {
    let input = DescribeRepositories { repository_names: vec![name.to_owned()], ..Default::default() };
    let found = ctx.cloud.call(&ctx.principal, input).await?;
    let repository = found.repositories.into_iter().next();
    let repository =
        repository.ok_or_else(|| ServiceError::internal(format!("repository `{name}` is gone")))?;
    Ok(super::attributes([
        ("Arn", json!(repository.repository_arn)),
        ("RepositoryUri", json!(repository.repository_uri)),
    ]))
}
