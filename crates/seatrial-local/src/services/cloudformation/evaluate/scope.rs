//! A template with its parameters in effect and its conditions decided.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::template::{ResourceDeclaration, Template};
use super::references::{Reference, references};

/// What stands where a value is known only after the change set is executed.
pub(in super::super) const UNKNOWN: &str = "{{changeSet:KNOWN_AFTER_APPLY}}";

/// What resources answer.
pub(in super::super) trait Lookup {
    /// `Ref`; `None`: the resource is not there.
    fn reference(&self, logical_id: &str) -> Option<Value>;
    /// `Fn::GetAtt`; `None`: it has no such attribute.
    fn attribute(&self, logical_id: &str, attribute: &str) -> Option<Value>;
}

/// Where no resource may be referred to.
pub(super) struct Nothing;

impl Lookup for Nothing {
    fn reference(&self, _: &str) -> Option<Value> {
        None
    }

    fn attribute(&self, _: &str, _: &str) -> Option<Value> {
        None
    }
}

/// The names that begin with `AWS::`, and the exports of other stacks.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Surroundings {
    pub account: String,
    pub region: String,
    pub stack_name: String,
    pub stack_id: String,
    pub notification_arns: Vec<String>,
    pub exports: BTreeMap<String, String>,
}

/// A template ready to be evaluated.
#[derive(Debug, Clone)]
pub(in super::super) struct Scope {
    pub template: Template,
    pub(super) parameters: BTreeMap<String, Value>,
    pub(super) surroundings: Surroundings,
    pub(super) conditions: BTreeMap<String, bool>,
}

impl Scope {
    /// Whether the condition holds; no condition holds always.
    pub(super) fn holds(&self, condition: Option<&str>) -> bool {
        condition.is_none_or(|name| self.conditions.get(name).copied().unwrap_or(false))
    }

    /// The resources whose condition holds, in the template's order.
    pub(in super::super) fn active(&self) -> impl Iterator<Item = &ResourceDeclaration> {
        self.template.resources.iter().filter(|resource| self.holds(resource.condition.as_deref()))
    }

    /// The active resource of this logical ID.
    pub(in super::super) fn active_resource(&self, logical_id: &str) -> Option<&ResourceDeclaration> {
        self.template.resource(logical_id).filter(|resource| self.holds(resource.condition.as_deref()))
    }

    /// The references in `value`, in branches that are taken.
    pub(in super::super) fn taken(&self, value: &Value) -> Vec<Reference> {
        references(value, Some(&self.conditions))
    }
}
