//! The committed list of permissions that only rarer scenarios use.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// By template and logical ID the permissions that a rehearsal used, each with the scenarios of that rehearsal. A
/// permission is told by its policy, the statement's number in the template, and the action, resource or service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Listed(BTreeMap<String, BTreeMap<String, BTreeMap<String, String>>>);

/// A permission's place in the list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub file: String,
    pub logical_id: String,
    /// `push-image[1] ecr:PutImage`.
    pub permission: String,
}

impl Listed {
    /// The scenarios that use it.
    pub(crate) fn scenarios(&self, key: &Key) -> Option<&str> {
        self.0.get(&key.file)?.get(&key.logical_id)?.get(&key.permission).map(String::as_str)
    }

    /// Takes in what `scenarios` used, and drops what stands in no template any more: a policy of which something is in
    /// `known` is known whole.
    pub(crate) fn renew<'a>(
        &mut self,
        scenarios: &str,
        (used, known): (impl Iterator<Item = &'a Key>, &[&Key]),
    ) {
        for key in used {
            let role = self.0.entry(key.file.clone()).or_default().entry(key.logical_id.clone()).or_default();
            // What was known first stays: one scenario that uses it is told.
            role.entry(key.permission.clone()).or_insert_with(|| scenarios.to_owned());
        }
        for (file, roles) in &mut self.0 {
            for (id, permissions) in roles.iter_mut() {
                let of = || known.iter().filter(|key| key.file == *file && key.logical_id == *id);
                permissions.retain(|permission, _| {
                    let is_of_policy = |key: &&&Key| policy(&key.permission) == policy(permission);
                    of().all(|key| !is_of_policy(&key)) || of().any(|key| key.permission == *permission)
                });
            }
        }
    }
}

/// The policy's name of `push-image[1] ecr:PutImage`.
fn policy(permission: &str) -> &str {
    permission.split('[').next().unwrap_or_default()
}
