//! The policy of a key; each has one, `default`.

use serde::{Deserialize, Serialize};

use super::super::policy;
use super::super::refusals::not_found;
use super::super::store::KeyStore;
use super::{Empty, key, operations};
use crate::error::ServiceError;
use crate::operation::Call;

const NAME: &str = "default";

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct PutKeyPolicy {
    pub key_id: String,
    pub policy_name: Option<String>,
    /// JSON.
    pub policy: String,
    pub bypass_policy_lockout_safety_check: bool,
}

fn put(input: PutKeyPolicy, call: &Call) -> Result<Empty, ServiceError> {
    check_name(input.policy_name.as_deref())?;
    let store = call.cloud.part::<KeyStore>();
    let key = store.find_key(&call.cloud, &input.key_id)?;
    let bypass = input.bypass_policy_lockout_safety_check;
    policy::check(&call.cloud, &call.principal, (&key.arn, &input.policy), bypass)?;
    store.keys.update(&key.id, |row| row.policy = input.policy)?;
    Ok(Empty {})
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetKeyPolicy {
    pub key_id: String,
    #[serde(default)]
    pub policy_name: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetKeyPolicyOutput {
    pub policy: String,
    pub policy_name: &'static str,
}

fn get(input: GetKeyPolicy, call: &Call) -> Result<GetKeyPolicyOutput, ServiceError> {
    let key = call.cloud.part::<KeyStore>().find_key(&call.cloud, &input.key_id)?;
    check_name(input.policy_name.as_deref())?;
    Ok(GetKeyPolicyOutput { policy: key.policy, policy_name: NAME })
}

fn check_name(name: Option<&str>) -> Result<(), ServiceError> {
    let is_other = name.is_some_and(|name| name != NAME);
    if is_other { Err(not_found("No such policy exists".to_owned())) } else { Ok(()) }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListKeyPolicies {
    pub key_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListKeyPoliciesOutput {
    pub policy_names: [&'static str; 1],
    pub truncated: bool,
}

fn list(input: ListKeyPolicies, call: &Call) -> Result<ListKeyPoliciesOutput, ServiceError> {
    call.cloud.part::<KeyStore>().find_key(&call.cloud, &input.key_id)?;
    Ok(ListKeyPoliciesOutput { policy_names: [NAME], truncated: false })
}

operations! {
    PutKeyPolicy -> Empty = put, on key!();
    GetKeyPolicy -> GetKeyPolicyOutput = get, on key!();
    ListKeyPolicies -> ListKeyPoliciesOutput = list, on key!();
}
