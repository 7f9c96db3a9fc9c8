//! Policies as resources of their own: inline ones of one role, and managed ones.
//!
//! IAM keeps no managed policies here: one is a name that roles can have attached.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Attributes, Change, Created, Resource, ResourceContext, ResourceTypes, attributes, gone};
use crate::error::ServiceError;
use crate::services::iam::{AttachRolePolicy, DeleteRolePolicy, DetachRolePolicy, PutRolePolicy};

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

fn values(arn: &str) -> Attributes {
    attributes([("PolicyArn", json!(arn)), ("DefaultVersionId", json!("v1")), ("IsAttachable", json!(true))])
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
        ctx.initiated(&arn);
        attach(ctx, &arn, (&[], &properties.roles)).await?;
        Ok(Created { attributes: values(&arn), physical_id: arn })
    }

    async fn update(
        ctx: &ResourceContext,
        physical_id: &str,
        change: Change<ManagedPolicyProperties>,
    ) -> Result<Attributes, ServiceError> {
        attach(ctx, physical_id, (&change.old.roles, &change.new.roles)).await?;
        Ok(values(physical_id))
    }

    async fn delete(
        ctx: &ResourceContext,
        physical_id: &str,
        properties: ManagedPolicyProperties,
    ) -> Result<(), ServiceError> {
        attach(ctx, physical_id, (&properties.roles, &[])).await
    }
}
