//! Evaluation of templates: parameters, conditions, intrinsic functions.
//!
//! A [`Scope`] is a template with its parameters in effect and its conditions decided; what resources answer
//! to `Ref` and `Fn::GetAtt` comes from a [`Lookup`], for it is known only once they are made.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::graph::Graph;
use super::schema;
use super::template::{ResourceDeclaration, Template, format_error};
use crate::error::ServiceError;

mod cidr;
mod conditions;
mod dynamic;
mod imports;
mod intrinsics;
mod names;
mod parameters;
mod references;
mod rules;
mod scope;

pub(super) use dynamic::resolve_dynamic;
pub(super) use names::check_names;
pub(super) use parameters::{Declared, Parameter, Supplied, declared, resolve, resolve_stored};
pub(super) use references::Reference;
use references::references;
pub(super) use scope::{Lookup, Scope, Surroundings, UNKNOWN};

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
        names::check_outputs(&scope)?;
        rules::assert_all(&scope)?;
        Ok(scope)
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

    /// The properties of an active resource.
    pub(super) fn properties(
        &self,
        resource: &ResourceDeclaration,
        lookup: &dyn Lookup,
    ) -> Result<Value, ServiceError> {
        let value = self.evaluate(&resource.properties, lookup)?;
        Ok(value.unwrap_or_else(|| Value::Object(Map::new())))
    }

    /// The `Metadata` of an active resource, evaluated; null where there is none.
    pub(super) fn metadata(
        &self,
        resource: &ResourceDeclaration,
        lookup: &dyn Lookup,
    ) -> Result<Value, ServiceError> {
        Ok(self.evaluate(&resource.metadata, lookup)?.unwrap_or_default())
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

/// What each resource of a template needs in whatever branch: for a look at a template without values.
pub(super) fn whole_graph(template: &Template) -> Graph {
    let needs = |resource: &ResourceDeclaration| {
        let found = references(&resource.properties, None).into_iter().filter_map(|found| match found {
            Reference::Ref(target) | Reference::Attribute(target, _) => Some(target),
            _ => None,
        });
        let ids = found.chain(resource.depends_on.iter().cloned());
        ids.filter(|id| template.resource(id).is_some()).collect()
    };
    template.resources.iter().map(|resource| (resource.logical_id.clone(), needs(resource))).collect()
}

#[cfg(test)]
mod tests;
