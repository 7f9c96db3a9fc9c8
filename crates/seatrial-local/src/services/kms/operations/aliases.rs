//! Aliases of keys.

use serde::{Deserialize, Serialize};

use super::super::managed;
use super::super::refusals::{invalid, no_such_alias};
use super::super::store::{AliasRecord, KeyStore};
use super::{Empty, operations};
use crate::clock::Epoch;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::Call;

const PREFIX: &str = "alias/";

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreateAlias {
    pub alias_name: String,
    /// Id or ARN.
    pub target_key_id: String,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UpdateAlias {
    pub alias_name: String,
    pub target_key_id: String,
}

/// Recorded: `test_create_alias`.
fn check_name(name: &str) -> Result<(), ServiceError> {
    if !name.starts_with(PREFIX) {
        return Err(invalid(
            "Alias must start with the prefix \"alias/\". Please see \
             https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html",
        ));
    }
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"/_-".contains(&byte);
    if name.len() == PREFIX.len() || !name.bytes().all(fits) {
        let message =
            "Alias must contain only alphanumeric characters, forward slashes, underscores and dashes.";
        return Err(ServiceError::new("InvalidAliasNameException", message));
    }
    if name.starts_with(managed::ALIAS) {
        return Err(ServiceError::new("NotAuthorizedException", ""));
    }
    Ok(())
}

/// The id of a key that an alias may have.
fn target(cloud: &Cloud, name: &str) -> Result<String, ServiceError> {
    if name.starts_with(PREFIX) || name.contains(":alias/") {
        return Err(invalid("Aliases must refer to keys. Not aliases"));
    }
    let key = cloud.part::<KeyStore>().find_key(cloud, name)?;
    key.kept()?;
    Ok(key.id)
}

fn create(input: CreateAlias, call: &Call) -> Result<Empty, ServiceError> {
    check_name(&input.alias_name)?;
    let now = call.cloud.clock().now();
    let key_id = target(&call.cloud, &input.target_key_id)?;
    let record = AliasRecord { name: input.alias_name, key_id, created: now, updated: now };
    if !call.cloud.part::<KeyStore>().aliases.insert_new(&record.name, &record)? {
        let arn = call.cloud.arn("kms", &record.name);
        let message = format!("An alias with the name {arn} already exists");
        return Err(ServiceError::new("AlreadyExistsException", message));
    }
    Ok(Empty {})
}

fn update(input: UpdateAlias, call: &Call) -> Result<Empty, ServiceError> {
    check_name(&input.alias_name)?;
    let now = call.cloud.clock().now();
    let key_id = target(&call.cloud, &input.target_key_id)?;
    let change = |alias: &mut AliasRecord| (alias.key_id, alias.updated) = (key_id, now);
    let changed = call.cloud.part::<KeyStore>().aliases.update(&input.alias_name, change)?;
    changed.map(|()| Empty {}).ok_or_else(|| no_such_alias(&call.cloud, &input.alias_name))
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeleteAlias {
    pub alias_name: String,
}

fn delete(input: DeleteAlias, call: &Call) -> Result<Empty, ServiceError> {
    check_name(&input.alias_name)?;
    let removed = call.cloud.part::<KeyStore>().aliases.remove(&input.alias_name)?;
    removed.map(|_| Empty {}).ok_or_else(|| no_such_alias(&call.cloud, &input.alias_name))
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListAliases {
    /// Of this key only.
    #[serde(default)]
    pub key_id: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListAliasesOutput {
    pub aliases: Vec<AliasEntry>,
    pub truncated: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AliasEntry {
    pub alias_name: String,
    pub alias_arn: String,
    pub target_key_id: String,
    pub creation_date: Epoch,
    pub last_updated_date: Epoch,
}

fn list(input: ListAliases, call: &Call) -> Result<ListAliasesOutput, ServiceError> {
    let store = call.cloud.part::<KeyStore>();
    let key = input.key_id.map(|name| store.find_key(&call.cloud, &name)).transpose()?;
    let wanted = |alias: &AliasRecord| key.as_ref().is_none_or(|key| key.id == alias.key_id);
    let entry = |alias: AliasRecord| AliasEntry {
        alias_arn: call.cloud.arn("kms", &alias.name),
        alias_name: alias.name,
        target_key_id: alias.key_id,
        creation_date: alias.created,
        last_updated_date: alias.updated,
    };
    let aliases = store.aliases.values().into_iter().filter(wanted).map(entry).collect();
    Ok(ListAliasesOutput { aliases, truncated: false })
}

operations! {
    CreateAlias -> Empty = create, on |input, cloud| cloud.arn("kms", &input.alias_name);
    UpdateAlias -> Empty = update, on |input, cloud| cloud.arn("kms", &input.alias_name);
    DeleteAlias -> Empty = delete, on |input, cloud| cloud.arn("kms", &input.alias_name);
    ListAliases -> ListAliasesOutput = list, on |_, _| "*".to_owned();
}
