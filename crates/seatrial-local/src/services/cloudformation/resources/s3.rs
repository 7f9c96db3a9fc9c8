//! Resource types of S3.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Attributes, Change, Created, Resource, ResourceContext, ResourceTypes, Tag, answered, attributes, gone,
};
use crate::error::ServiceError;
use crate::services::s3::{
    CreateBucket, DeleteBucket, DeleteBucketPolicy, GetBucketEncryption, GetBucketOwnershipControls,
    GetBucketPolicy, GetBucketVersioning, GetPublicAccessBlock, PutBucketEncryption,
    PutBucketLifecycleConfiguration, PutBucketOwnershipControls, PutBucketPolicy, PutBucketTagging,
    PutBucketVersioning, PutPublicAccessBlock, VersioningConfiguration,
};
use crate::tags;

/// S3's code for a bucket that does not exist.
const MISSING: &str = "NoSuchBucket";

pub(super) fn register(types: &mut ResourceTypes) {
    types.add::<Bucket>();
    types.add::<BucketPolicy>();
}

struct Bucket;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct BucketProperties {
    bucket_name: Option<String>,
    versioning_configuration: Option<VersioningConfiguration>,
    bucket_encryption: Option<Value>,
    lifecycle_configuration: Option<Value>,
    public_access_block_configuration: Option<Value>,
    ownership_controls: Option<Value>,
    tags: Vec<Tag>,
}

fn bucket_attributes(ctx: &ResourceContext, name: &str) -> Attributes {
    let region = ctx.cloud.region();
    attributes([
        ("Arn", json!(format!("arn:aws:s3:::{name}"))),
        ("DomainName", json!(format!("{name}.s3.amazonaws.com"))),
        ("RegionalDomainName", json!(format!("{name}.s3.{region}.amazonaws.com"))),
        ("WebsiteURL", json!(format!("http://{name}.s3-website.{region}.amazonaws.com"))),
    ])
}

/// Sets all that the properties name. What they no longer name stays: a difference from AWS.
async fn configure(
    ctx: &ResourceContext,
    name: &str,
    properties: BucketProperties,
) -> Result<(), ServiceError> {
    let (cloud, principal) = (&ctx.cloud, &ctx.principal);
    if let Some(versioning_configuration) = properties.versioning_configuration {
        let input = PutBucketVersioning { bucket: name.to_owned(), versioning_configuration };
        cloud.call(principal, input).await?;
    }
    if let Some(value) = properties.bucket_encryption {
        // The template names one member otherwise than the API.
        let text =
            value.to_string().replace("ServerSideEncryptionByDefault", "ApplyServerSideEncryptionByDefault");
        let value: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        let rules = json!({ "Rules": value["ServerSideEncryptionConfiguration"] });
        cloud.call(principal, PutBucketEncryption::of(name, rules)).await?;
    }
    if let Some(value) = properties.lifecycle_configuration {
        cloud.call(principal, PutBucketLifecycleConfiguration::of(name, lifecycle(&value))).await?;
    }
    if let Some(value) = properties.public_access_block_configuration {
        cloud.call(principal, PutPublicAccessBlock::of(name, value)).await?;
    }
    if let Some(value) = properties.ownership_controls {
        cloud.call(principal, PutBucketOwnershipControls::of(name, value)).await?;
    }
    let tags: Vec<tags::Tag> = ctx.tag_list(&properties.tags);
    cloud.call(principal, PutBucketTagging::of(name, json!({ "TagSet": tags }))).await?;
    Ok(())
}

/// Rules of a template as rules of the API.
fn lifecycle(value: &Value) -> Value {
    let rules = value["Rules"].as_array().map(Vec::as_slice).unwrap_or_default();
    let rules = rules.iter().map(|rule| {
        json!({
            "ID": rule["Id"],
            "Status": rule["Status"],
            "Filter": { "Prefix": rule["Prefix"].as_str().unwrap_or_default() },
            "Expiration": rule.get("ExpirationInDays").map(|days| json!({ "Days": number(days) })),
            "NoncurrentVersionExpiration": rule.get("NoncurrentVersionExpiration")
                .map(|it| json!({ "NoncurrentDays": number(&it["NoncurrentDays"]) })),
            "AbortIncompleteMultipartUpload": rule.get("AbortIncompleteMultipartUpload")
                .map(|it| json!({ "DaysAfterInitiation": number(&it["DaysAfterInitiation"]) })),
        })
    });
    json!({ "Rules": rules.collect::<Vec<_>>() })
}

/// A number, which a template may give as a string.
fn number(value: &Value) -> Value {
    value.as_str().and_then(|text| text.parse::<i64>().ok()).map_or_else(|| value.clone(), Value::from)
}

impl Resource for Bucket {
    const TYPE: &'static str = "AWS::S3::Bucket";
    type Properties = BucketProperties;

    async fn create(ctx: &ResourceContext, properties: BucketProperties) -> Result<Created, ServiceError> {
        let generated = || ctx.generated_name(63).to_lowercase();
        let name = properties.bucket_name.clone().unwrap_or_else(generated);
        let made = ctx.cloud.call(&ctx.principal, CreateBucket { bucket: name.clone() }).await;
        ctx.made(made, "BucketAlreadyOwnedByYou")?;
        ctx.initiated(&name);
        configure(ctx, &name, properties).await?;
        Ok(Created { attributes: bucket_attributes(ctx, &name), physical_id: name })
    }

    async fn update(
        ctx: &ResourceContext,
        physical_id: &str,
        change: Change<BucketProperties>,
    ) -> Result<Attributes, ServiceError> {
        configure(ctx, physical_id, change.new).await?;
        Ok(bucket_attributes(ctx, physical_id))
    }

    const READABLE: bool = true;

    /// Lifecycle rules are not read: they come back in another form than they were given.
    async fn read(
        ctx: &ResourceContext,
        id: &str,
        _: BucketProperties,
    ) -> Result<Option<Value>, ServiceError> {
        let input = GetBucketVersioning { bucket: id.to_owned() };
        let found = answered(ctx.cloud.call(&ctx.principal, input).await, MISSING)?;
        let versioning = |shown: Value| {
            let status = shown.get("Status").filter(|status| !status.is_null()).cloned();
            status.map_or(Value::Null, |status| json!({"Status": status}))
        };
        let Some(shown) = found else { return Ok(None) };
        let mut read = json!({"BucketName": id, "VersioningConfiguration": versioning(shown)});
        let (cloud, principal) = (&ctx.cloud, &ctx.principal);
        let of =
            |setting: Option<Value>, member: &str| setting.map_or(Value::Null, |all| all[member].clone());
        let access = cloud.call(principal, GetPublicAccessBlock::of(id, Value::Null)).await;
        let access = answered(access, "NoSuchPublicAccessBlockConfiguration")?;
        read["PublicAccessBlockConfiguration"] = of(access, "PublicAccessBlockConfiguration");
        let ownership = cloud.call(principal, GetBucketOwnershipControls::of(id, Value::Null)).await;
        let ownership = answered(ownership, "OwnershipControlsNotFoundError")?;
        read["OwnershipControls"] = of(ownership, "OwnershipControls");
        let encryption = cloud.call(principal, GetBucketEncryption::of(id, Value::Null)).await;
        let encryption = answered(encryption, "ServerSideEncryptionConfigurationNotFoundError")?;
        let rules = of(encryption, "ServerSideEncryptionConfiguration")["Rules"].clone();
        // The template names one member otherwise than the API.
        let text =
            rules.to_string().replace("ApplyServerSideEncryptionByDefault", "ServerSideEncryptionByDefault");
        let rules: Value = serde_json::from_str(&text).unwrap_or_default();
        read["BucketEncryption"] = json!({ "ServerSideEncryptionConfiguration": rules });
        Ok(Some(read))
    }

    const IMPORTABLE: bool = true;

    async fn attributes(ctx: &ResourceContext, id: &str) -> Result<Attributes, ServiceError> {
        Ok(bucket_attributes(ctx, id))
    }

    async fn delete(
        ctx: &ResourceContext,
        physical_id: &str,
        _properties: BucketProperties,
    ) -> Result<(), ServiceError> {
        let input = DeleteBucket { bucket: physical_id.to_owned() };
        gone(ctx.cloud.call(&ctx.principal, input).await, MISSING)
    }
}

struct BucketPolicy;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BucketPolicyProperties {
    bucket: String,
    policy_document: Value,
}

impl BucketPolicyProperties {
    async fn put(self, ctx: &ResourceContext) -> Result<(), ServiceError> {
        let text = self.policy_document.as_str().map(str::to_owned);
        let text = text.unwrap_or_else(|| self.policy_document.to_string());
        ctx.cloud.call(&ctx.principal, PutBucketPolicy::of(&self.bucket, json!(text))).await?;
        Ok(())
    }
}

impl Resource for BucketPolicy {
    const TYPE: &'static str = "AWS::S3::BucketPolicy";
    type Properties = BucketPolicyProperties;

    async fn create(
        ctx: &ResourceContext,
        properties: BucketPolicyProperties,
    ) -> Result<Created, ServiceError> {
        let physical_id = properties.bucket.clone();
        properties.put(ctx).await?;
        Ok(Created { physical_id, attributes: Attributes::new() })
    }

    async fn update(
        ctx: &ResourceContext,
        _physical_id: &str,
        change: Change<BucketPolicyProperties>,
    ) -> Result<Attributes, ServiceError> {
        change.new.put(ctx).await?;
        Ok(Attributes::new())
    }

    const READABLE: bool = true;

    async fn read(
        ctx: &ResourceContext,
        id: &str,
        _: BucketPolicyProperties,
    ) -> Result<Option<Value>, ServiceError> {
        let found = ctx.cloud.call(&ctx.principal, GetBucketPolicy::of(id, Value::Null)).await;
        let found = match answered(found, "NoSuchBucketPolicy") {
            Err(error) if error.code == MISSING => None,
            found => found?,
        };
        Ok(found.map(|answer| {
            let text = answer["Policy"].as_str().unwrap_or_default();
            let document: Value = serde_json::from_str(text).unwrap_or_default();
            json!({"Bucket": id, "PolicyDocument": document})
        }))
    }

    async fn delete(
        ctx: &ResourceContext,
        _physical_id: &str,
        properties: BucketPolicyProperties,
    ) -> Result<(), ServiceError> {
        let input = DeleteBucketPolicy::of(&properties.bucket, Value::Null);
        gone(ctx.cloud.call(&ctx.principal, input).await, MISSING)
    }
}
