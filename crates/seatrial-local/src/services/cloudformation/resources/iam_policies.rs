//! Policies as resources of their own: inline ones of one role, and managed ones.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Attributes, Change, Created, Resource, ResourceContext, ResourceTypes, attributes, gone};
use crate::error::ServiceError;
use crate::services::iam::{
    AttachRolePolicy, CreatePolicy, CreatePolicyVersion, DeletePolicy, DeletePolicyVersion, DeleteRolePolicy,
    DetachRolePolicy, ListPolicyVersions, PutRolePolicy,
};

/// IAM's code for what does not exist.
const MISSING: &str = "NoSuchEntity";

pub(super) fn register(types: &mut ResourceTypes) {
    types.add::<RolePolicy>();
    types.add::<ManagedPolicy>();
}

struct RolePolicy;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RolePolicyProperties {
    policy_name: String,
    role_name: String,
    #[serde(default)]
    policy_document: Value,
}

/// A document may be given as an object or as its text.
fn text(document: &Value) -> String {
    document.as_str().map_or_else(|| document.to_string(), str::to_owned)
}

async fn put(ctx: &ResourceContext, policy: &RolePolicyProperties) -> Result<(), ServiceError> {
    let input = PutRolePolicy {
        role_name: policy.role_name.clone(),
        policy_name: policy.policy_name.clone(),
        policy_document: text(&policy.policy_document),
    };
    ctx.cloud.call(&ctx.principal, input).await.map(drop)
}

impl Resource for RolePolicy {
    const TYPE: &'static str = "AWS::IAM::RolePolicy";
    type Properties = RolePolicyProperties;

    async fn create(
        ctx: &ResourceContext,
        properties: RolePolicyProperties,
    ) -> Result<Created, ServiceError> {
        put(ctx, &properties).await?;
        let physical_id = format!("{}|{}", properties.policy_name, properties.role_name);
        Ok(Created { physical_id, attributes: Attributes::new() })
    }

    async fn update(
        ctx: &ResourceContext,
        _physical_id: &str,
        change: Change<RolePolicyProperties>,
    ) -> Result<Attributes, ServiceError> {
        put(ctx, &change.new).await?;
        Ok(Attributes::new())
    }

    async fn delete(
        ctx: &ResourceContext,
        _physical_id: &str,
        properties: RolePolicyProperties,
    ) -> Result<(), ServiceError> {
        let RolePolicyProperties { policy_name, role_name, .. } = properties;
        gone(ctx.cloud.call(&ctx.principal, DeleteRolePolicy { role_name, policy_name }).await, MISSING)
    }
}

struct ManagedPolicy;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct ManagedPolicyProperties {
    managed_policy_name: Option<String>,
    path: Option<String>,
    description: Option<String>,
    policy_document: Value,
    roles: Vec<String>,
}

async fn attach(
    ctx: &ResourceContext,
    policy_arn: &str,
    (old, new): (&[String], &[String]),
) -> Result<(), ServiceError> {
    for role_name in new.iter().filter(|role| !old.contains(role)) {
        let input = AttachRolePolicy { role_name: role_name.clone(), policy_arn: policy_arn.to_owned() };
        ctx.cloud.call(&ctx.principal, input).await?;
    }
    for role_name in old.iter().filter(|role| !new.contains(role)) {
        let input = DetachRolePolicy { role_name: role_name.clone(), policy_arn: policy_arn.to_owned() };
        gone(ctx.cloud.call(&ctx.principal, input).await, MISSING)?;
    }
    Ok(())
}

/// Puts a new version in force, and answers its id; the ones before are of no more use.
async fn renew(ctx: &ResourceContext, arn: &str, policy_document: String) -> Result<String, ServiceError> {
    forget_versions(ctx, arn).await?;
    let input = CreatePolicyVersion { policy_arn: arn.to_owned(), policy_document, set_as_default: true };
    Ok(ctx.cloud.call(&ctx.principal, input).await?.policy_version.version_id)
}

/// Deletes the versions that are not in force, and answers the one that is.
async fn forget_versions(ctx: &ResourceContext, arn: &str) -> Result<Option<String>, ServiceError> {
    let listed = ctx.cloud.call(&ctx.principal, ListPolicyVersions { policy_arn: arn.to_owned() }).await;
    let versions = match listed {
        Err(error) if error.code == MISSING => return Ok(None),
        listed => listed?.versions,
    };
    let mut current = None;
    for version in versions {
        if version.is_default_version {
            current = Some(version.version_id);
            continue;
        }
        let input = DeletePolicyVersion { policy_arn: arn.to_owned(), version_id: version.version_id };
        gone(ctx.cloud.call(&ctx.principal, input).await, MISSING)?;
    }
    Ok(current)
}

fn values(arn: &str, version: &str) -> Attributes {
    attributes([
        ("PolicyArn", json!(arn)),
        ("DefaultVersionId", json!(version)),
        ("IsAttachable", json!(true)),
    ])
}

impl Resource for ManagedPolicy {
    const TYPE: &'static str = "AWS::IAM::ManagedPolicy";
    type Properties = ManagedPolicyProperties;

    async fn create(
        ctx: &ResourceContext,
        properties: ManagedPolicyProperties,
    ) -> Result<Created, ServiceError> {
        let name = properties.managed_policy_name.unwrap_or_else(|| ctx.generated_name(128));
        let path = properties.path.as_deref().unwrap_or("/");
        let arn = format!("arn:aws:iam::{}:policy{path}{name}", ctx.cloud.account());
        let input = CreatePolicy {
            policy_name: name,
            path: properties.path,
            policy_document: text(&properties.policy_document),
            description: properties.description,
            ..CreatePolicy::default()
        };
        ctx.made(ctx.cloud.call(&ctx.principal, input).await, "EntityAlreadyExists")?;
        ctx.initiated(&arn);
        attach(ctx, &arn, (&[], &properties.roles)).await?;
        Ok(Created { attributes: values(&arn, "v1"), physical_id: arn })
    }

    async fn update(
        ctx: &ResourceContext,
        physical_id: &str,
        change: Change<ManagedPolicyProperties>,
    ) -> Result<Attributes, ServiceError> {
        let Change { old, new } = change;
        let mut version = None;
        if old.policy_document != new.policy_document {
            version = Some(renew(ctx, physical_id, text(&new.policy_document)).await?);
        }
        attach(ctx, physical_id, (&old.roles, &new.roles)).await?;
        let version = match version {
            Some(version) => version,
            None => forget_versions(ctx, physical_id).await?.unwrap_or_else(|| "v1".to_owned()),
        };
        Ok(values(physical_id, &version))
    }

    async fn delete(
        ctx: &ResourceContext,
        physical_id: &str,
        properties: ManagedPolicyProperties,
    ) -> Result<(), ServiceError> {
        attach(ctx, physical_id, (&properties.roles, &[])).await?;
        let policy_arn = physical_id.to_owned();
        forget_versions(ctx, physical_id).await?;
        gone(ctx.cloud.call(&ctx.principal, DeletePolicy { policy_arn }).await, MISSING)
    }
}
