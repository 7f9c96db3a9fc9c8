//! `database`: `none`, or what it is.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{self, Visitor},
};

use super::rules::{InstanceClass, SnapshotId};

/// What the database is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Database {
    /// RDS's name of a size.
    pub instance_class: InstanceClass,
    /// From 20 to 65,536; RDS grows it, never shrinks it.
    pub storage_gib: u32,
    /// A standby in a second zone.
    pub multi_az: bool,
    /// What it is made from; without it, empty. It has to stay: without the name that an instance was made from,
    /// CloudFormation replaces it by an empty one (AWS: AWS::RDS::DBInstance, DBSnapshotIdentifier).
    pub snapshot: Option<SnapshotId>,
}

impl Default for Database {
    fn default() -> Self {
        Self { instance_class: InstanceClass::smallest(), storage_gib: 30, multi_az: false, snapshot: None }
    }
}

/// As the file says it.
#[derive(Debug, Clone)]
pub(super) struct DatabaseSettings(pub(super) Option<Database>);

impl Default for DatabaseSettings {
    fn default() -> Self {
        Self(Some(Database::default()))
    }
}

impl<'de> Deserialize<'de> for DatabaseSettings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Form)
    }
}

struct Form;

impl<'de> Visitor<'de> for Form {
    type Value = DatabaseSettings;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`none`, or a mapping")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<DatabaseSettings, E> {
        match text {
            "none" => Ok(DatabaseSettings(None)),
            _ => Err(E::custom("must be `none`, or a mapping")),
        }
    }

    fn visit_map<A: de::MapAccess<'de>>(self, entries: A) -> Result<DatabaseSettings, A::Error> {
        let database = Database::deserialize(de::value::MapAccessDeserializer::new(entries))?;
        Ok(DatabaseSettings(Some(database)))
    }
}
