//! How a resource in effect differs from what a template asks for: what an update does and a change set shows.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::schema::{self, Recreation, same};
use super::store::Resource;
use super::template::ResourceDeclaration;

mod comparison;
mod details;
mod drifted;
mod values;

pub(super) use comparison::{Comparison, Shown};

/// What a template asks a resource to be, evaluated.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub properties: Value,
    pub metadata: Value,
}

/// What differs.
#[derive(Debug, Default)]
pub(super) struct Difference {
    /// Top-level properties, with what their change does.
    pub properties: Vec<(String, Recreation)>,
    pub stack_tags: bool,
    pub metadata: bool,
    /// `DeletionPolicy`, `UpdateReplacePolicy`.
    pub policies: Vec<&'static str>,
}

impl Difference {
    pub(super) fn of(old: &Resource, new: &ResourceDeclaration, wanted: &Wanted, stack_tags: bool) -> Self {
        let schema = schema::of(&new.resource_type);
        let mut policies = Vec::new();
        if old.deletion_policy != new.deletion_policy {
            policies.push("DeletionPolicy");
        }
        if old.update_replace_policy != new.update_replace_policy {
            policies.push("UpdateReplacePolicy");
        }
        Self {
            properties: changed_properties(&new.resource_type, &old.properties, &wanted.properties),
            stack_tags: stack_tags && schema.is_none_or(|schema| schema.taggable),
            metadata: !same(Some(&old.metadata), Some(&wanted.metadata)),
            policies,
        }
    }

    /// Whether the resource itself must be touched.
    pub(super) fn reaches_resource(&self) -> bool {
        !self.properties.is_empty() || self.stack_tags
    }

    pub(super) fn replaces(&self) -> bool {
        self.properties.iter().any(|(_, recreation)| *recreation == Recreation::Always)
    }
}

/// The top-level properties that differ, with what their change does to the physical resource.
fn changed_properties(resource_type: &str, before: &Value, after: &Value) -> Vec<(String, Recreation)> {
    let none = Map::new();
    let before = before.as_object().unwrap_or(&none);
    let after = after.as_object().unwrap_or(&none);
    let schema = schema::of(resource_type);
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let changed = names.into_iter().filter_map(|name| {
        let (before, after) = (before.get(name), after.get(name));
        let recreation = || schema.map_or(Recreation::Never, |one| one.recreation(name, before, after));
        (!same(before, after)).then(|| (name.clone(), recreation()))
    });
    changed.collect()
}
