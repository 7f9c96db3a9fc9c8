//! Resource types of KMS.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Attributes, Change, Created, Flag, Number, Resource, ResourceContext, ResourceTypes, Tag, answered, gone,
    told,
};
use crate::error::ServiceError;
use crate::services::kms::{
    CreateAlias, CreateKey, DeleteAlias, DescribeKey, DisableKey, DisableKeyRotation, EnableKey,
    EnableKeyRotation, KeyTag, ListAliases, PutKeyPolicy, ScheduleKeyDeletion, TagResource, UntagResource,
    UpdateAlias, UpdateKeyDescription,
};
use crate::tags;

pub(super) fn register(types: &mut ResourceTypes) {
    types.add::<Key>();
    types.add::<Alias>();
}

struct Key;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct KeyProperties {
    description: Option<String>,
    enabled: Option<Flag>,
    enable_key_rotation: Option<Flag>,
    rotation_period_in_days: Option<Number>,
    key_policy: Option<Value>,
    bypass_policy_lockout_safety_check: Option<Flag>,
    key_spec: Option<String>,
    key_usage: Option<String>,
    origin: Option<String>,
    multi_region: Option<Flag>,
    /// How long it can still be saved once it is deleted: 7 to 30 days.
    pending_window_in_days: Option<Number>,
    tags: Vec<Tag>,
}

impl KeyProperties {
    /// A document may be given as an object or as its text.
    fn policy(&self) -> Option<String> {
        let document = self.key_policy.as_ref()?;
        Some(document.as_str().map_or_else(|| document.to_string(), str::to_owned))
    }

    fn rotates(&self) -> bool {
        self.enable_key_rotation.is_some_and(|flag| flag.0)
    }

    fn is_enabled(&self) -> bool {
        self.enabled.is_none_or(|flag| flag.0)
    }

    fn bypasses(&self) -> bool {
        self.bypass_policy_lockout_safety_check.is_some_and(|flag| flag.0)
    }
}

fn key_tags(ctx: &ResourceContext, own: &[Tag]) -> Vec<KeyTag> {
    let tags: Vec<tags::Tag> = ctx.tag_list(own);
    tags.into_iter().map(|tag| KeyTag { tag_key: tag.key, tag_value: tag.value }).collect()
}

fn attributes(ctx: &ResourceContext, id: &str) -> Attributes {
    let arn = ctx.cloud.arn("kms", &format!("key/{id}"));
    super::attributes([("Arn", json!(arn)), ("KeyId", json!(id))])
}

/// Rotation first: a disabled key's cannot be changed.
async fn set_rotation(ctx: &ResourceContext, id: &str, wanted: &KeyProperties) -> Result<(), ServiceError> {
    let (cloud, principal, key_id) = (&ctx.cloud, &ctx.principal, id.to_owned());
    if wanted.rotates() {
        let days = wanted.rotation_period_in_days.map(|days| u32::try_from(days.0).unwrap_or_default());
        cloud.call(principal, EnableKeyRotation { key_id, rotation_period_in_days: days }).await?;
    } else {
        cloud.call(principal, DisableKeyRotation { key_id }).await?;
    }
    Ok(())
}

async fn set_enabled(ctx: &ResourceContext, id: &str, enabled: bool) -> Result<(), ServiceError> {
    let key_id = id.to_owned();
    if enabled {
        ctx.cloud.call(&ctx.principal, EnableKey { key_id }).await?;
    } else {
        ctx.cloud.call(&ctx.principal, DisableKey { key_id }).await?;
    }
    Ok(())
}

impl Resource for Key {
    const TYPE: &'static str = "AWS::KMS::Key";
    type Properties = KeyProperties;

    async fn create(ctx: &ResourceContext, properties: KeyProperties) -> Result<Created, ServiceError> {
        let input = CreateKey {
            policy: properties.policy(),
            description: properties.description.clone().unwrap_or_default(),
            key_usage: properties.key_usage.clone(),
            key_spec: properties.key_spec.clone(),
            origin: properties.origin.clone(),
            bypass_policy_lockout_safety_check: properties.bypasses(),
            multi_region: properties.multi_region.is_some_and(|flag| flag.0),
            tags: key_tags(ctx, &properties.tags),
            ..CreateKey::default()
        };
        let id = ctx.cloud.call(&ctx.principal, input).await?.key_metadata.key_id;
        ctx.initiated(&id);
        if properties.rotates() {
            set_rotation(ctx, &id, &properties).await?;
        }
        if !properties.is_enabled() {
            set_enabled(ctx, &id, false).await?;
        }
        Ok(Created { attributes: attributes(ctx, &id), physical_id: id })
    }

    async fn update(
        ctx: &ResourceContext,
        physical_id: &str,
        change: Change<KeyProperties>,
    ) -> Result<Attributes, ServiceError> {
        let Change { old, new } = change;
        let (cloud, principal) = (&ctx.cloud, &ctx.principal);
        let key_id = physical_id.to_owned();
        if !old.is_enabled() && new.is_enabled() {
            set_enabled(ctx, physical_id, true).await?;
        }
        if let Some(policy) = new.policy().filter(|policy| old.policy().as_ref() != Some(policy)) {
            let bypass_policy_lockout_safety_check = new.bypasses();
            let key_id = key_id.clone();
            let input =
                PutKeyPolicy { key_id, policy, bypass_policy_lockout_safety_check, ..Default::default() };
            cloud.call(principal, input).await?;
        }
        if old.description != new.description {
            let description = new.description.clone().unwrap_or_default();
            cloud.call(principal, UpdateKeyDescription { key_id: key_id.clone(), description }).await?;
        }
        if (old.rotates(), old.rotation_period_in_days) != (new.rotates(), new.rotation_period_in_days) {
            set_rotation(ctx, physical_id, &new).await?;
        }
        if old.is_enabled() && !new.is_enabled() {
            set_enabled(ctx, physical_id, false).await?;
        }
        let gone_tags = tags::dropped(&old.tags, &new.tags);
        if !gone_tags.is_empty() {
            let input = UntagResource { key_id: key_id.clone(), tag_keys: gone_tags };
            cloud.call(principal, input).await?;
        }
        cloud.call(principal, TagResource { key_id, tags: key_tags(ctx, &new.tags) }).await?;
        Ok(attributes(ctx, physical_id))
    }

    const READABLE: bool = true;

    /// A key that waits for its deletion is gone. Policy and tags are not read.
    async fn read(ctx: &ResourceContext, id: &str, _: KeyProperties) -> Result<Option<Value>, ServiceError> {
        let found = ctx.cloud.call(&ctx.principal, DescribeKey { key_id: id.to_owned() }).await;
        let answer = answered(found, "NotFoundException")?.map(|shown| shown["KeyMetadata"].clone());
        Ok(answer.filter(|shown| shown["KeyState"] != "PendingDeletion").map(|shown| {
            told(&shown, ["Description", "Enabled", "KeySpec", "KeyUsage", "MultiRegion", "Origin"]).into()
        }))
    }

    const IMPORTABLE: bool = true;

    async fn attributes(ctx: &ResourceContext, id: &str) -> Result<Attributes, ServiceError> {
        Ok(attributes(ctx, id))
    }

    async fn delete(
        ctx: &ResourceContext,
        physical_id: &str,
        properties: KeyProperties,
    ) -> Result<(), ServiceError> {
        let days = properties.pending_window_in_days.map(|days| u32::try_from(days.0).unwrap_or_default());
        let input = ScheduleKeyDeletion { key_id: physical_id.to_owned(), pending_window_in_days: days };
        match ctx.cloud.call(&ctx.principal, input).await {
            // It waits already.
            Err(error) if error.code == "KMSInvalidStateException" => Ok(()),
            found => gone(found, "NotFoundException"),
        }
    }
}

struct Alias;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct AliasProperties {
    alias_name: String,
    target_key_id: String,
}

impl Resource for Alias {
    const TYPE: &'static str = "AWS::KMS::Alias";
    type Properties = AliasProperties;

    async fn create(ctx: &ResourceContext, properties: AliasProperties) -> Result<Created, ServiceError> {
        let AliasProperties { alias_name, target_key_id } = properties;
        let input = CreateAlias { alias_name: alias_name.clone(), target_key_id };
        ctx.made(ctx.cloud.call(&ctx.principal, input).await, "AlreadyExistsException")?;
        Ok(Created { attributes: Attributes::new(), physical_id: alias_name })
    }

    async fn update(
        ctx: &ResourceContext,
        physical_id: &str,
        change: Change<AliasProperties>,
    ) -> Result<Attributes, ServiceError> {
        let target_key_id = change.new.target_key_id;
        let input = UpdateAlias { alias_name: physical_id.to_owned(), target_key_id };
        ctx.cloud.call(&ctx.principal, input).await?;
        Ok(Attributes::new())
    }

    const READABLE: bool = true;

    async fn read(
        ctx: &ResourceContext,
        id: &str,
        _: AliasProperties,
    ) -> Result<Option<Value>, ServiceError> {
        let found = ctx.cloud.call(&ctx.principal, ListAliases { key_id: None }).await?.aliases;
        let alias = found.into_iter().find(|alias| alias.alias_name == id);
        Ok(alias.map(|alias| json!({"AliasName": alias.alias_name, "TargetKeyId": alias.target_key_id})))
    }

    async fn delete(
        ctx: &ResourceContext,
        physical_id: &str,
        _properties: AliasProperties,
    ) -> Result<(), ServiceError> {
        let input = DeleteAlias { alias_name: physical_id.to_owned() };
        gone(ctx.cloud.call(&ctx.principal, input).await, "NotFoundException")
    }
}
