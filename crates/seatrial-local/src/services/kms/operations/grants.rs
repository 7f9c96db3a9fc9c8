//! Grants: who may use a key beside those whom its policy lets.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::refusals::{invalid, not_found};
use super::super::store::{GrantRecord, KeyStore};
use super::{Empty, key, operations};
use crate::clock::Epoch;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::Call;

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct CreateGrant {
    pub key_id: String,
    pub grantee_principal: Option<String>,
    pub retiring_principal: Option<String>,
    pub operations: Vec<String>,
    pub constraints: Option<Value>,
    pub name: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreateGrantOutput {
    pub grant_token: String,
    pub grant_id: String,
}

fn create(input: CreateGrant, call: &Call) -> Result<CreateGrantOutput, ServiceError> {
    let store = call.cloud.part::<KeyStore>();
    let key = store.find_key(&call.cloud, &input.key_id)?;
    key.usable()?;
    let grantee = input.grantee_principal.ok_or_else(|| invalid("GranteePrincipal is required."))?;
    // A grant that is made again under its name is the same (API reference, `CreateGrant`, `Name`).
    let same = |grant: &GrantRecord| {
        (input.name.is_some() && grant.name == input.name)
            && (&grant.key_id, &grant.grantee, &grant.operations) == (&key.id, &grantee, &input.operations)
    };
    if let Some(grant) = store.grants.find(same) {
        return Ok(CreateGrantOutput { grant_token: grant.token, grant_id: grant.id });
    }
    let grant = GrantRecord {
        id: crate::id::hex(64),
        token: crate::id::secret(128),
        key_id: key.id,
        created: call.cloud.clock().now(),
        grantee,
        retiring: input.retiring_principal,
        operations: input.operations,
        constraints: input.constraints,
        name: input.name,
    };
    store.grants.put(&grant.id, &grant)?;
    Ok(CreateGrantOutput { grant_token: grant.token, grant_id: grant.id })
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListGrants {
    pub key_id: String,
    #[serde(default)]
    pub grant_id: Option<String>,
    #[serde(default)]
    pub grantee_principal: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListGrantsOutput {
    pub grants: Vec<GrantEntry>,
    pub truncated: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GrantEntry {
    /// The ARN.
    pub key_id: String,
    pub grant_id: String,
    pub name: Option<String>,
    pub creation_date: Epoch,
    pub grantee_principal: String,
    pub retiring_principal: Option<String>,
    pub issuing_account: String,
    pub operations: Vec<String>,
    pub constraints: Option<Value>,
}

fn list(input: ListGrants, call: &Call) -> Result<ListGrantsOutput, ServiceError> {
    let store = call.cloud.part::<KeyStore>();
    let key = store.find_key(&call.cloud, &input.key_id)?;
    let wanted = |grant: &GrantRecord| {
        grant.key_id == key.id
            && input.grant_id.as_ref().is_none_or(|id| *id == grant.id)
            && input.grantee_principal.as_ref().is_none_or(|grantee| *grantee == grant.grantee)
    };
    let entry = |grant: GrantRecord| GrantEntry {
        key_id: key.arn.clone(),
        grant_id: grant.id,
        name: grant.name,
        creation_date: grant.created,
        grantee_principal: grant.grantee,
        retiring_principal: grant.retiring,
        issuing_account: format!("arn:aws:iam::{}:root", call.cloud.account()),
        operations: grant.operations,
        constraints: grant.constraints,
    };
    let grants = store.grants.values().into_iter().filter(wanted).map(entry).collect();
    Ok(ListGrantsOutput { grants, truncated: false })
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RevokeGrant {
    pub key_id: String,
    pub grant_id: String,
}

fn revoke(input: RevokeGrant, call: &Call) -> Result<Empty, ServiceError> {
    let key = call.cloud.part::<KeyStore>().find_key(&call.cloud, &input.key_id)?;
    end(&call.cloud, |grant| grant.id == input.grant_id && grant.key_id == key.id, &input.grant_id)
}

/// By its token, or by key and id.
#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct RetireGrant {
    pub grant_token: Option<String>,
    pub key_id: Option<String>,
    pub grant_id: Option<String>,
}

fn retire(input: RetireGrant, call: &Call) -> Result<Empty, ServiceError> {
    match (input.grant_token, input.key_id, input.grant_id) {
        (Some(token), None, None) => end(&call.cloud, |grant| grant.token == token, &token),
        (None, Some(key_id), Some(grant_id)) => revoke(RevokeGrant { key_id, grant_id }, call),
        _ => Err(invalid("Specify either a grant token, or a key and the ID of a grant.")),
    }
}

fn end(cloud: &Cloud, is_meant: impl Fn(&GrantRecord) -> bool, named: &str) -> Result<Empty, ServiceError> {
    let store = cloud.part::<KeyStore>();
    let missing = || not_found(format!("Grant ID {named} not found"));
    let grant = store.grants.find(is_meant).ok_or_else(missing)?;
    store.grants.remove(&grant.id)?;
    Ok(Empty {})
}

/// The key of a grant by its token.
fn retired_key(input: &RetireGrant, cloud: &Cloud) -> String {
    let store = cloud.part::<KeyStore>();
    let by_token = |token: &String| store.grants.find(|grant| grant.token == *token);
    let key_id = input.grant_token.as_ref().and_then(by_token).map(|grant| grant.key_id);
    let key_id = key_id.or_else(|| input.key_id.clone());
    key_id.map_or_else(|| "*".to_owned(), |id| store.arn_of(cloud, &id))
}

/// Whether a grant's constraints on the encryption context hold (API reference, `GrantConstraints`).
pub(in super::super) fn constraints_met(constraints: Option<&Value>, context: &[(String, String)]) -> bool {
    let pairs = |member: &str| -> Option<BTreeMap<String, String>> {
        serde_json::from_value(constraints?.get(member)?.clone()).ok()
    };
    let given: BTreeMap<String, String> = context.iter().cloned().collect();
    let has = |(key, value): (&String, &String)| given.get(key) == Some(value);
    pairs("EncryptionContextEquals").is_none_or(|wanted| wanted == given)
        && pairs("EncryptionContextSubset").is_none_or(|wanted| wanted.iter().all(has))
}

operations! {
    CreateGrant -> CreateGrantOutput = create, on key!();
    ListGrants -> ListGrantsOutput = list, on key!();
    RevokeGrant -> Empty = revoke, on key!();
    RetireGrant -> Empty = retire, on retired_key;
}
