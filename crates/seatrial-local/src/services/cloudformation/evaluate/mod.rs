//! Evaluation of templates: parameters, conditions, intrinsic functions.
//!
//! A [`Scope`] is a template with its parameters in effect and its conditions decided; what resources answer
//! to `Ref` and `Fn::GetAtt` comes from a [`Lookup`], for it is known only once they are made.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::graph::Graph;
use super::schema;
use super::template::{ResourceDeclaration, Template, format_error, template_error};
use crate::error::ServiceError;

mod cidr;
mod conditions;
mod dynamic;
mod intrinsics;
mod names;
mod parameters;
mod references;

pub(super) use dynamic::resolve_dynamic;
pub(super) use names::check_names;
pub(super) use parameters::{Declared, Parameter, Supplied, declared, resolve};
pub(super) use references::{Reference, references};

/// What stands where a value is known only after the change set is executed.
pub(super) const UNKNOWN: &str = "{{changeSet:KNOWN_AFTER_APPLY}}";

/// What resources answer.
pub(super) trait Lookup {
    /// `Ref`; `None`: the resource is not there.
    fn reference(&self, logical_id: &str) -> Option<Value>;
    /// `Fn::GetAtt`; `None`: it has no such attribute.
    fn attribute(&self, logical_id: &str, attribute: &str) -> Option<Value>;
}

/// Where no resource may be referred to.
struct Nothing;

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
pub(super) struct Surroundings {
    pub account: String,
    pub region: String,
    pub stack_name: String,
    pub stack_id: String,
    pub notification_arns: Vec<String>,
    pub exports: BTreeMap<String, String>,
}

/// A template ready to be evaluated.
#[derive(Debug, Clone)]
pub(super) struct Scope {
    pub template: Template,
    parameters: BTreeMap<String, Value>,
    surroundings: Surroundings,
    conditions: BTreeMap<String, bool>,
}

/// An output in effect.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    pub output_key: String,
    pub output_value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub export_name: Option<String>,
}

impl Scope {
    /// Checks all names the template uses and decides its conditions.
    ///
    /// # Errors
    /// `ValidationError` in CloudFormation's words.
    pub(super) fn new(
        template: Template,
        parameters: &[Parameter],
        surroundings: Surroundings,
    ) -> Result<Self, ServiceError> {
        let parameters = parameters.iter().map(|one| (one.key.clone(), one.referenced())).collect();
        let mut scope = Self { template, parameters, surroundings, conditions: BTreeMap::new() };
        scope.conditions = conditions::decide(&scope)?;
        check_names(&scope.template)?;
        Ok(scope)
    }

    /// Whether the condition holds; no condition holds always.
    fn holds(&self, condition: Option<&str>) -> bool {
        condition.is_none_or(|name| self.conditions.get(name).copied().unwrap_or(false))
    }

    /// The resources whose condition holds, in the template's order.
    pub(super) fn active(&self) -> impl Iterator<Item = &ResourceDeclaration> {
        self.template.resources.iter().filter(|resource| self.holds(resource.condition.as_deref()))
    }

    /// The active resource of this logical ID.
    pub(super) fn active_resource(&self, logical_id: &str) -> Option<&ResourceDeclaration> {
        self.template.resource(logical_id).filter(|resource| self.holds(resource.condition.as_deref()))
    }

    /// What each active resource needs, by `DependsOn` and by references in branches that are taken.
    pub(super) fn graph(&self) -> Graph {
        let ids: BTreeSet<&str> = self.active().map(|resource| resource.logical_id.as_str()).collect();
        let needs = |resource: &ResourceDeclaration| {
            let found =
                self.taken(&resource.properties).into_iter().filter_map(|reference| match reference {
                    Reference::Ref(target) | Reference::Attribute(target, _) => Some(target),
                    _ => None,
                });
            found.chain(resource.depends_on.iter().cloned()).filter(|id| ids.contains(id.as_str())).collect()
        };
        self.active().map(|resource| (resource.logical_id.clone(), needs(resource))).collect()
    }

    /// The references in `value`, in branches that are taken.
    pub(super) fn taken(&self, value: &Value) -> Vec<Reference> {
        references(value, Some(&self.conditions))
    }

    /// The properties of an active resource.
    pub(super) fn properties(
        &self,
        resource: &ResourceDeclaration,
        lookup: &dyn Lookup,
    ) -> Result<Value, ServiceError> {
        let value = self.evaluate(&resource.properties, lookup)?;
        Ok(value.unwrap_or_else(|| Value::Object(Map::new())))
    }

    /// The outputs whose condition holds.
    pub(super) fn outputs(&self, lookup: &dyn Lookup) -> Result<Vec<Output>, ServiceError> {
        let mut outputs = Vec::new();
        for (name, declared) in &self.template.outputs {
            if !self.holds(declared.get("Condition").and_then(Value::as_str)) {
                continue;
            }
            let text = |value: Option<&Value>| -> Result<Option<String>, ServiceError> {
                let Some(value) = value else { return Ok(None) };
                match self.evaluate(value, lookup)? {
                    Some(Value::Array(_) | Value::Object(_)) => Err(format_error(format!(
                        "Output {name} is malformed. The Value field of every Outputs member must evaluate \
                         to a String."
                    ))),
                    other => Ok(other.as_ref().map(schema::text_of)),
                }
            };
            let export = declared.get("Export").and_then(|export| export.get("Name"));
            outputs.push(Output {
                output_key: name.clone(),
                output_value: text(declared.get("Value"))?.unwrap_or_default(),
                description: declared.get("Description").map(schema::text_of),
                export_name: text(export)?,
            });
        }
        Ok(outputs)
    }
}

fn no_attribute(resource_type: &str, attribute: &str) -> ServiceError {
    template_error(format!(
        "resource type {resource_type} does not support attribute {{{attribute}}} in Fn::GetAtt"
    ))
}

fn unresolved(name: &str, block: &str) -> ServiceError {
    format_error(format!("Unresolved resource dependencies [{name}] in the {block} block of the template"))
}

#[cfg(test)]
mod tests;
