//! Resource types of IAM.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Attributes, Change, Created, Number, Resource, ResourceContext, ResourceTypes, Tag, answered, gone, told,
};
use crate::error::ServiceError;
use crate::services::iam::{
    AttachRolePolicy, CreateRole, DeleteRole, DeleteRolePermissionsBoundary, DeleteRolePolicy,
    DetachRolePolicy, GetRole, GetRolePolicy, ListAttachedRolePolicies, PutRolePermissionsBoundary,
    PutRolePolicy, TagRole, UpdateAssumeRolePolicy, UpdateRole,
};
use crate::tags;

/// IAM's code for what does not exist.
const MISSING: &str = "NoSuchEntity";

pub(super) fn register(types: &mut ResourceTypes) {
    types.add::<Role>();
    types.add::<Policy>();
}

struct Role;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct RoleProperties {
    role_name: Option<String>,
    path: Option<String>,
    assume_role_policy_document: Value,
    description: Option<String>,
    max_session_duration: Option<Number>,
    managed_policy_arns: Vec<String>,
    permissions_boundary: Option<String>,
    policies: Vec<InlinePolicy>,
    tags: Vec<Tag>,
}

#[derive(Deserialize, Clone, PartialEq)]
#[serde(rename_all = "PascalCase")]
struct InlinePolicy {
    policy_name: String,
    policy_document: Value,
}

/// A document may be given as an object or as its text.
fn text(document: &Value) -> String {
    document.as_str().map_or_else(|| document.to_string(), str::to_owned)
}

/// A document as IAM shows it: percent-encoded JSON.
fn decoded(document: &Value) -> Value {
    let text = percent_encoding::percent_decode_str(document.as_str().unwrap_or_default());
    serde_json::from_str(&text.decode_utf8_lossy()).unwrap_or_default()
}

async fn role_attributes(ctx: &ResourceContext, name: &str) -> Result<Attributes, ServiceError> {
    let role = ctx.cloud.call(&ctx.principal, GetRole { role_name: name.to_owned() }).await?.role;
    Ok(super::attributes([("Arn", json!(role.arn)), ("RoleId", json!(role.role_id))]))
}

fn tags(ctx: &ResourceContext, own: &[Tag]) -> Vec<tags::Tag> {
    let mut tags = ctx.tags_with(own);
    // IAM keeps the prefix `aws:` to itself.
    tags.retain(|key, _| !key.starts_with("aws:"));
    tags::list(tags)
}

async fn put_policies(
    ctx: &ResourceContext,
    role_name: &str,
    (old, new): (&[InlinePolicy], &[InlinePolicy]),
) -> Result<(), ServiceError> {
    for policy in new.iter().filter(|policy| !old.contains(policy)) {
        let input = PutRolePolicy {
            role_name: role_name.to_owned(),
            policy_name: policy.policy_name.clone(),
            policy_document: text(&policy.policy_document),
        };
        ctx.cloud.call(&ctx.principal, input).await?;
    }
    for policy in old.iter().filter(|old| new.iter().all(|new| new.policy_name != old.policy_name)) {
        let policy_name = policy.policy_name.clone();
        let input = DeleteRolePolicy { role_name: role_name.to_owned(), policy_name };
        gone(ctx.cloud.call(&ctx.principal, input).await, MISSING)?;
    }
    Ok(())
}

async fn attach(
    ctx: &ResourceContext,
    role_name: &str,
    (old, new): (&[String], &[String]),
) -> Result<(), ServiceError> {
    for policy_arn in new.iter().filter(|arn| !old.contains(arn)) {
        let input = AttachRolePolicy { role_name: role_name.to_owned(), policy_arn: policy_arn.clone() };
        ctx.cloud.call(&ctx.principal, input).await?;
    }
    for policy_arn in old.iter().filter(|arn| !new.contains(arn)) {
        let input = DetachRolePolicy { role_name: role_name.to_owned(), policy_arn: policy_arn.clone() };
        gone(ctx.cloud.call(&ctx.principal, input).await, MISSING)?;
    }
    Ok(())
}

async fn bound(
    ctx: &ResourceContext,
    role_name: &str,
    (old, new): (Option<String>, Option<String>),
) -> Result<(), ServiceError> {
    let role_name = role_name.to_owned();
    if old == new {
        return Ok(());
    }
    match new {
        Some(permissions_boundary) => {
            let input = PutRolePermissionsBoundary { role_name, permissions_boundary };
            ctx.cloud.call(&ctx.principal, input).await.map(drop)
        }
        None => {
            gone(ctx.cloud.call(&ctx.principal, DeleteRolePermissionsBoundary { role_name }).await, MISSING)
        }
    }
}

impl Resource for Role {
    const TYPE: &'static str = "AWS::IAM::Role";
    type Properties = RoleProperties;

    async fn create(ctx: &ResourceContext, properties: RoleProperties) -> Result<Created, ServiceError> {
        let name = properties.role_name.clone().unwrap_or_else(|| ctx.generated_name(64));
        let input = CreateRole {
            role_name: name.clone(),
            path: properties.path,
            assume_role_policy_document: text(&properties.assume_role_policy_document),
            description: properties.description,
            max_session_duration: properties.max_session_duration.map(|number| number.0),
            permissions_boundary: properties.permissions_boundary,
            tags: tags(ctx, &properties.tags),
        };
        ctx.made(ctx.cloud.call(&ctx.principal, input).await, "EntityAlreadyExists")?;
        ctx.initiated(&name);
        put_policies(ctx, &name, (&[], &properties.policies)).await?;
        attach(ctx, &name, (&[], &properties.managed_policy_arns)).await?;
        Ok(Created { attributes: role_attributes(ctx, &name).await?, physical_id: name })
    }

    async fn update(
        ctx: &ResourceContext,
        physical_id: &str,
        change: Change<RoleProperties>,
    ) -> Result<Attributes, ServiceError> {
        let Change { old, new } = change;
        let role_name = physical_id.to_owned();
        if old.assume_role_policy_document != new.assume_role_policy_document {
            let policy_document = text(&new.assume_role_policy_document);
            let input = UpdateAssumeRolePolicy { role_name: role_name.clone(), policy_document };
            ctx.cloud.call(&ctx.principal, input).await?;
        }
        if (old.description != new.description) || (old.max_session_duration != new.max_session_duration) {
            let input = UpdateRole {
                role_name: role_name.clone(),
                description: new.description,
                max_session_duration: Some(new.max_session_duration.map_or(3600, |number| number.0)),
            };
            ctx.cloud.call(&ctx.principal, input).await?;
        }
        bound(ctx, physical_id, (old.permissions_boundary, new.permissions_boundary)).await?;
        put_policies(ctx, physical_id, (&old.policies, &new.policies)).await?;
        attach(ctx, physical_id, (&old.managed_policy_arns, &new.managed_policy_arns)).await?;
        ctx.cloud.call(&ctx.principal, TagRole { role_name, tags: tags(ctx, &new.tags) }).await?;
        role_attributes(ctx, physical_id).await
    }

    const READABLE: bool = true;

    /// Of its policies those that it names: others may belong to resources of their own.
    async fn read(
        ctx: &ResourceContext,
        id: &str,
        properties: RoleProperties,
    ) -> Result<Option<Value>, ServiceError> {
        let found = ctx.cloud.call(&ctx.principal, GetRole { role_name: id.to_owned() }).await;
        let Some(answer) = answered(found, MISSING)? else { return Ok(None) };
        let mut read = told(&answer["Role"], ["RoleName", "Path", "Description", "MaxSessionDuration"]);
        let boundary = answer["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"].clone();
        read.insert("PermissionsBoundary".to_owned(), boundary);
        let document = decoded(&answer["Role"]["AssumeRolePolicyDocument"]);
        read.insert("AssumeRolePolicyDocument".to_owned(), document);
        let mut inline = Vec::new();
        for InlinePolicy { policy_name, .. } in properties.policies {
            let input = GetRolePolicy { role_name: id.to_owned(), policy_name };
            let Some(policy) = answered(ctx.cloud.call(&ctx.principal, input).await, MISSING)? else {
                continue;
            };
            let document = decoded(&policy["PolicyDocument"]);
            inline.push(json!({"PolicyName": policy["PolicyName"], "PolicyDocument": document}));
        }
        read.insert("Policies".to_owned(), inline.into());
        let input = ListAttachedRolePolicies { role_name: id.to_owned() };
        let attached = ctx.cloud.call(&ctx.principal, input).await?.attached_policies;
        let named = properties.managed_policy_arns.into_iter();
        let named = named.filter(|arn| attached.iter().any(|policy| policy.policy_arn == *arn));
        read.insert("ManagedPolicyArns".to_owned(), named.map(Value::String).collect());
        Ok(Some(read.into()))
    }

    const IMPORTABLE: bool = true;

    async fn attributes(ctx: &ResourceContext, id: &str) -> Result<Attributes, ServiceError> {
        role_attributes(ctx, id).await
    }

    async fn delete(
        ctx: &ResourceContext,
        physical_id: &str,
        properties: RoleProperties,
    ) -> Result<(), ServiceError> {
        put_policies(ctx, physical_id, (&properties.policies, &[])).await?;
        attach(ctx, physical_id, (&properties.managed_policy_arns, &[])).await?;
        let input = DeleteRole { role_name: physical_id.to_owned() };
        gone(ctx.cloud.call(&ctx.principal, input).await, MISSING)
    }
}

/// An inline policy that is put on several roles.
struct Policy;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct PolicyProperties {
    policy_name: String,
    policy_document: Value,
    roles: Vec<String>,
    /// Users and groups are records here: a policy does nothing to them.
    users: Vec<String>,
    groups: Vec<String>,
}

impl PolicyProperties {
    fn require_principal(&self) -> Result<(), ServiceError> {
        if !(self.roles.is_empty() && self.users.is_empty() && self.groups.is_empty()) {
            return Ok(());
        }
        let text = "At least one of [Groups,Roles,Users] must be non-empty.";
        Err(ServiceError::new("InvalidRequest", text))
    }

    fn by_role(&self) -> BTreeMap<&str, InlinePolicy> {
        let policy = InlinePolicy {
            policy_name: self.policy_name.clone(),
            policy_document: self.policy_document.clone(),
        };
        self.roles.iter().map(|role| (role.as_str(), policy.clone())).collect()
    }
}

async fn put_on_roles(
    ctx: &ResourceContext,
    old: &PolicyProperties,
    new: &PolicyProperties,
) -> Result<(), ServiceError> {
    let (old, new) = (old.by_role(), new.by_role());
    for (role, policy) in &new {
        put_policies(ctx, role, (&[], std::slice::from_ref(policy))).await?;
    }
    for (role, policy) in &old {
        if new.get(role).is_none_or(|new| new.policy_name != policy.policy_name) {
            put_policies(ctx, role, (std::slice::from_ref(policy), &[])).await?;
        }
    }
    Ok(())
}

impl Resource for Policy {
    const TYPE: &'static str = "AWS::IAM::Policy";
    type Properties = PolicyProperties;

    async fn create(ctx: &ResourceContext, properties: PolicyProperties) -> Result<Created, ServiceError> {
        properties.require_principal()?;
        put_on_roles(ctx, &PolicyProperties::default(), &properties).await?;
        let physical_id = ctx.generated_name(128);
        Ok(Created { attributes: id_attribute(&physical_id), physical_id })
    }

    async fn update(
        ctx: &ResourceContext,
        physical_id: &str,
        change: Change<PolicyProperties>,
    ) -> Result<Attributes, ServiceError> {
        change.new.require_principal()?;
        put_on_roles(ctx, &change.old, &change.new).await?;
        Ok(id_attribute(physical_id))
    }

    async fn delete(
        ctx: &ResourceContext,
        _physical_id: &str,
        properties: PolicyProperties,
    ) -> Result<(), ServiceError> {
        put_on_roles(ctx, &properties, &PolicyProperties::default()).await
    }
}

fn id_attribute(id: &str) -> Attributes {
    super::attributes([("Id", json!(id))])
}
