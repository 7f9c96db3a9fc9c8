//! How a call names a key.

use super::managed;
use super::refusals::{no_such_alias, not_found};
use super::store::{KeyRecord, KeyStore};
use crate::cloud::Cloud;
use crate::error::ServiceError;

impl KeyStore {
    /// By id, ARN, alias or an alias's ARN.
    ///
    /// # Errors
    /// `NotFoundException`, in the words that were recorded (`test_get_key_does_not_exist`, `test_get_key_invalid_uuid`,
    /// `test_get_key_in_different_region`).
    pub fn find(&self, cloud: &Cloud, name: &str) -> Result<KeyRecord, ServiceError> {
        let resource = match name.starts_with("arn:") {
            false => name,
            true => {
                let foreign = || self.keys.find(|key| key.arn == name);
                let parts: Vec<&str> = name.splitn(6, ':').collect();
                match parts[..] {
                    [_, _, "kms", region, account, resource]
                        if region == cloud.region() && account == cloud.account() =>
                    {
                        resource.strip_prefix("key/").unwrap_or(resource)
                    }
                    _ if foreign().is_some() => return foreign().ok_or_else(|| not_found(String::new())),
                    [_, _, "kms", region, _, _] if region != cloud.region() => {
                        return Err(not_found(format!("Invalid arn {region}")));
                    }
                    _ => return Err(not_found(format!("Key '{name}' does not exist"))),
                }
            }
        };
        if resource.starts_with("alias/") {
            managed::ensure(cloud, resource)?;
            let target = self.aliases.get(resource).and_then(|alias| self.key(cloud, &alias.key_id));
            return target.ok_or_else(|| no_such_alias(cloud, resource));
        }
        if !is_id(resource) {
            return Err(not_found(format!("Invalid keyId '{resource}'")));
        }
        let missing =
            || not_found(format!("Key '{}' does not exist", cloud.arn("kms", &format!("key/{resource}"))));
        self.key(cloud, resource).ok_or_else(missing)
    }

    /// As [`KeyStore::find`], for operations that take no alias (API reference, `KeyId` of each).
    pub fn find_key(&self, cloud: &Cloud, name: &str) -> Result<KeyRecord, ServiceError> {
        let is_alias = name.starts_with("alias/") || name.contains(":alias/");
        if is_alias { Err(not_found(format!("Invalid keyId '{name}'"))) } else { self.find(cloud, name) }
    }

    /// Changes a key that `may` be changed as it is.
    pub fn change(
        &self,
        cloud: &Cloud,
        name: &str,
        change: impl FnOnce(&mut KeyRecord) -> Result<(), ServiceError>,
    ) -> Result<KeyRecord, ServiceError> {
        let key = self.find_key(cloud, name)?;
        let changed = self.keys.try_update(&key.id, |row| change(row).map(|()| row.clone()))?;
        changed.ok_or_else(|| not_found(format!("Key '{}' does not exist", key.arn)))
    }

    /// The full ARN of what `name` names, for policies: of a key that is not there as it would be.
    pub fn arn_of(&self, cloud: &Cloud, name: &str) -> String {
        self.find(cloud, name).map_or_else(
            |_| match name {
                _ if name.starts_with("arn:") => name.to_owned(),
                _ if name.starts_with("alias/") => cloud.arn("kms", name),
                _ => cloud.arn("kms", &format!("key/{name}")),
            },
            |key| key.arn,
        )
    }
}

fn is_id(text: &str) -> bool {
    if let Some(digits) = text.strip_prefix("mrk-") {
        return digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    }
    text.len() == 36 && uuid::Uuid::try_parse(text).is_ok()
}
