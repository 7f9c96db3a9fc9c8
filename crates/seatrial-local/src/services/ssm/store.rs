//! Parameters by name.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clock::Epoch;
use crate::cloud::{Cloud, Part, Setup};
use crate::persist::Table;

/// Without `Debug`, so that no value is printed by accident.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct ParameterRecord {
    pub name: String,
    /// `String`, `StringList` or `SecureString`.
    pub kind: String,
    pub value: String,
    pub version: i64,
    pub changed: Epoch,
    pub description: Option<String>,
    pub key_id: Option<String>,
    pub tags: BTreeMap<String, String>,
}

pub(super) struct ParameterStore {
    pub parameters: Table<ParameterRecord>,
}

impl Part for ParameterStore {
    fn open(setup: &Setup) -> Self {
        Self { parameters: setup.database.table("ssm-parameters") }
    }
}

impl ParameterStore {
    /// Finds by name or ARN; in an ARN the slash at the name's start is not told from the one before it.
    pub fn find(&self, id: &str) -> Option<ParameterRecord> {
        let named = match id.split_once(":parameter/") {
            Some((_, rest)) if id.starts_with("arn:") => {
                return self.parameters.get(&format!("/{rest}")).or_else(|| self.parameters.get(rest));
            }
            _ => id,
        };
        self.parameters.get(named)
    }
}

/// The ARN of a parameter, by name or ARN.
pub(super) fn parameter_arn(cloud: &Cloud, id: &str) -> String {
    match id.starts_with("arn:") {
        true => id.to_owned(),
        false => cloud.arn("ssm", &format!("parameter/{}", id.trim_start_matches('/'))),
    }
}
