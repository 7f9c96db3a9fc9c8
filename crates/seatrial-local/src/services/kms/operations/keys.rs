//! Keys: making them, and what they are.

use serde::{Deserialize, Serialize};

use super::super::managed::new_key;
use super::super::policy;
use super::super::refusals::not_served;
use super::super::store::{KeyRecord, KeyStore, State};
use super::{Empty, key, operations};
use crate::clock::Epoch;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::Call;

const SYMMETRIC: &str = "SYMMETRIC_DEFAULT";

/// A tag as KMS spells it.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct KeyTag {
    pub tag_key: String,
    pub tag_value: String,
}

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct CreateKey {
    /// JSON.
    pub policy: Option<String>,
    pub description: String,
    pub key_usage: Option<String>,
    pub key_spec: Option<String>,
    pub customer_master_key_spec: Option<String>,
    pub origin: Option<String>,
    pub bypass_policy_lockout_safety_check: bool,
    pub multi_region: bool,
    pub tags: Vec<KeyTag>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct KeyOutput {
    pub key_metadata: KeyMetadata,
}

/// A key as it is answered.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct KeyMetadata {
    #[serde(rename = "AWSAccountId")]
    pub aws_account_id: String,
    pub key_id: String,
    pub arn: String,
    pub creation_date: Epoch,
    pub enabled: bool,
    pub description: String,
    pub key_usage: &'static str,
    pub key_state: &'static str,
    pub deletion_date: Option<Epoch>,
    pub origin: &'static str,
    pub key_manager: &'static str,
    pub customer_master_key_spec: &'static str,
    pub key_spec: &'static str,
    pub encryption_algorithms: [&'static str; 1],
    pub multi_region: bool,
}

pub(super) fn metadata(cloud: &Cloud, key: KeyRecord) -> KeyMetadata {
    let state = key.state();
    KeyMetadata {
        aws_account_id: cloud.account().to_owned(),
        key_id: key.id,
        arn: key.arn,
        creation_date: key.created,
        enabled: state == State::Enabled,
        description: key.description,
        key_usage: "ENCRYPT_DECRYPT",
        key_state: state.name(),
        deletion_date: key.deletion,
        origin: "AWS_KMS",
        key_manager: if key.managed.is_some() { "AWS" } else { "CUSTOMER" },
        customer_master_key_spec: SYMMETRIC,
        key_spec: SYMMETRIC,
        encryption_algorithms: [SYMMETRIC],
        multi_region: false,
    }
}

fn create(input: CreateKey, call: &Call) -> Result<KeyOutput, ServiceError> {
    let cloud = &call.cloud;
    let other = |given: &Option<String>, usual: &str| given.as_ref().is_some_and(|given| given != usual);
    if other(&input.key_spec, SYMMETRIC) || other(&input.customer_master_key_spec, SYMMETRIC) {
        return Err(not_served("keys but symmetric ones"));
    }
    if other(&input.key_usage, "ENCRYPT_DECRYPT") {
        let message = "KeyUsage is not compatible with KeySpec SYMMETRIC_DEFAULT";
        return Err(super::super::refusals::invalid(message));
    }
    if other(&input.origin, "AWS_KMS") || input.multi_region {
        return Err(not_served("keys of several regions, nor material from elsewhere"));
    }
    let mut key = new_key(cloud, policy::usual(cloud));
    if let Some(text) = input.policy {
        let bypass = input.bypass_policy_lockout_safety_check;
        policy::check(cloud, &call.principal, (&key.arn, &text), bypass)?;
        key.policy = text;
    }
    key.description = input.description;
    key.tags = input.tags.into_iter().map(|tag| (tag.tag_key, tag.tag_value)).collect();
    cloud.part::<KeyStore>().keys.put(&key.id, &key)?;
    Ok(KeyOutput { key_metadata: metadata(cloud, key) })
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeKey {
    /// Id, ARN, alias or an alias's ARN.
    pub key_id: String,
}

fn describe(input: DescribeKey, call: &Call) -> Result<KeyOutput, ServiceError> {
    let key = call.cloud.part::<KeyStore>().find(&call.cloud, &input.key_id)?;
    Ok(KeyOutput { key_metadata: metadata(&call.cloud, key) })
}

#[derive(Deserialize, Serialize)]
pub(crate) struct ListKeys {}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListKeysOutput {
    pub keys: Vec<KeyEntry>,
    pub truncated: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct KeyEntry {
    pub key_id: String,
    pub key_arn: String,
}

fn list(_input: ListKeys, call: &Call) -> Result<ListKeysOutput, ServiceError> {
    let store = call.cloud.part::<KeyStore>();
    let kept = store.keys.values().into_iter().filter_map(|key| store.key(&call.cloud, &key.id));
    let keys = kept.map(|key| KeyEntry { key_id: key.id, key_arn: key.arn }).collect();
    Ok(ListKeysOutput { keys, truncated: false })
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UpdateKeyDescription {
    pub key_id: String,
    pub description: String,
}

fn update_description(input: UpdateKeyDescription, call: &Call) -> Result<Empty, ServiceError> {
    call.cloud.part::<KeyStore>().change(&call.cloud, &input.key_id, |key| {
        key.kept()?;
        key.description = input.description;
        Ok(())
    })?;
    Ok(Empty {})
}

operations! {
    CreateKey -> KeyOutput = create, on |_, _| "*".to_owned();
    DescribeKey -> KeyOutput = describe, on key!();
    ListKeys -> ListKeysOutput = list, on |_, _| "*".to_owned();
    UpdateKeyDescription -> Empty = update_description, on key!();
}
