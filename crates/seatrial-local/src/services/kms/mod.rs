//! Key Management Service: symmetric keys, their policies, aliases and grants, and real encryption with them.
//!
//! Keys are in the data directory, as everything is; nobody but a test needs them secret. Other services do not encrypt
//! what they keep: they ask whether they could, which is what fails on AWS.

mod cipher;
mod find;
mod managed;
mod operations;
mod policy;
mod refusals;
mod store;

pub(crate) use operations::*;

use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::Operations;
use store::{AliasRecord, GrantRecord, KeyStore};

/// The ARN of the key that is named, by id, ARN or alias; of one that is not there as it would be.
pub(crate) fn arn_of(cloud: &Cloud, name: &str) -> String {
    cloud.part::<KeyStore>().arn_of(cloud, name)
}

/// The policy of a key, by its ARN.
pub(crate) fn policy_of(cloud: &Cloud, arn: &str) -> Option<String> {
    Some(cloud.part::<KeyStore>().find(cloud, arn).ok()?.policy)
}

/// The tags of a key, by its ARN.
pub(crate) fn tags_of(cloud: &Cloud, arn: &str) -> Option<Vec<(String, String)>> {
    Some(cloud.part::<KeyStore>().find(cloud, arn).ok()?.tags.into_iter().collect())
}

/// The aliases of a key, by its ARN.
pub(crate) fn aliases_of(cloud: &Cloud, arn: &str) -> Vec<String> {
    let store = cloud.part::<KeyStore>();
    let Ok(key) = store.find(cloud, arn) else { return Vec::new() };
    let of_key = |alias: AliasRecord| (alias.key_id == key.id).then_some(alias.name);
    store.aliases.values().into_iter().filter_map(of_key).collect()
}

/// The ARN of a key that a service is to encrypt with, or has encrypted with.
///
/// # Errors
/// `NotFoundException`, `DisabledException`, `KMSInvalidStateException`, as KMS answers them to the service.
pub(crate) fn usable(cloud: &Cloud, name: &str) -> Result<String, ServiceError> {
    let key = cloud.part::<KeyStore>().find(cloud, name)?;
    key.usable()?;
    Ok(key.arn)
}

/// Grants a service what it needs of a key for `resource`, as services do that work when nobody calls.
///
/// # Errors
/// As [`usable`].
pub(crate) fn grant_to_service(
    cloud: &Cloud,
    name: &str,
    (service, resource): (&str, &str),
    operations: &[&str],
) -> Result<String, ServiceError> {
    let arn = usable(cloud, name)?;
    let store = cloud.part::<KeyStore>();
    let key_id = store.find(cloud, &arn)?.id;
    let grant = GrantRecord {
        id: crate::id::hex(64),
        token: crate::id::secret(128),
        key_id,
        created: cloud.clock().now(),
        grantee: format!("{service}.{}.amazonaws.com", cloud.region()),
        retiring: Some(format!("{service}.{}.amazonaws.com", cloud.region())),
        operations: operations.iter().map(|operation| (*operation).to_owned()).collect(),
        constraints: None,
        name: Some(resource.to_owned()),
    };
    store.grants.put(&grant.id, &grant)?;
    Ok(arn)
}

/// Whether a grant lets `grantee`, an ARN or a service's name, do `operation` with the key, which is asked for with this
/// encryption context. Of a session its role may be the grantee.
pub(crate) fn is_granted(
    cloud: &Cloud,
    arn: &str,
    (grantee, operation): (&[&str], &str),
    context: &[(String, String)],
) -> bool {
    let store = cloud.part::<KeyStore>();
    let Ok(key) = store.find(cloud, arn) else { return false };
    let lets = |grant: &GrantRecord| {
        grant.key_id == key.id
            && grantee.contains(&grant.grantee.as_str())
            && grant.operations.iter().any(|one| one == operation)
            && operations::constraints_met(grant.constraints.as_ref(), context)
    };
    store.grants.find(lets).is_some()
}

/// A key under an ARN that a project names: what its policy says, nobody here knows, so it is the one that the project's
/// documentation asks for.
///
/// # Errors
/// It is no ARN of a key, or one of its id is there.
pub(crate) fn stand_in(cloud: &Cloud, arn: &str) -> Result<(), ServiceError> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let id = match parts[..] {
        [_, _, "kms", _, _, resource] => resource.strip_prefix("key/"),
        _ => None,
    };
    let id = id.ok_or_else(|| refusals::invalid(format!("`{arn}` is no ARN of a key.")))?;
    let mut key = managed::new_key(cloud, policy::for_logs(cloud));
    key.id = id.to_owned();
    key.arn = arn.to_owned();
    key.description = "Stands in for one of an account".to_owned();
    match cloud.part::<KeyStore>().keys.insert_new(id, &key)? {
        true => Ok(()),
        false => Err(ServiceError::new("AlreadyExistsException", format!("Key '{arn}' is there already"))),
    }
}

pub(crate) fn register(operations: &mut Operations) {
    operations.add::<CreateKey>();
    operations.add::<DescribeKey>();
    operations.add::<ListKeys>();
    operations.add::<UpdateKeyDescription>();
    operations.add::<EnableKey>();
    operations.add::<DisableKey>();
    operations.add::<ScheduleKeyDeletion>();
    operations.add::<CancelKeyDeletion>();
    operations.add::<EnableKeyRotation>();
    operations.add::<DisableKeyRotation>();
    operations.add::<GetKeyRotationStatus>();
    operations.add::<GetKeyPolicy>();
    operations.add::<PutKeyPolicy>();
    operations.add::<ListKeyPolicies>();
    operations.add::<CreateAlias>();
    operations.add::<UpdateAlias>();
    operations.add::<DeleteAlias>();
    operations.add::<ListAliases>();
    operations.add::<TagResource>();
    operations.add::<UntagResource>();
    operations.add::<ListResourceTags>();
    operations.add::<Encrypt>();
    operations.add::<Decrypt>();
    operations.add::<ReEncrypt>();
    operations.add::<GenerateDataKey>();
    operations.add::<GenerateDataKeyWithoutPlaintext>();
    operations.add::<CreateGrant>();
    operations.add::<ListGrants>();
    operations.add::<RevokeGrant>();
    operations.add::<RetireGrant>();
}

#[cfg(test)]
mod tests;
