//! How a resource in effect differs from what a template asks for: what an update does and a change set shows.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::evaluate::{Lookup, Output, Parameter, Reference, Scope, UNKNOWN};
use super::graph;
use super::schema::{self, Recreation, same};
use super::store::Resource;
use super::template::{ResourceDeclaration, Template};
use crate::error::ServiceError;
use crate::tags::Tag;

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
    pub(super) fn of(
        old: &Resource,
        new: &ResourceDeclaration,
        properties: &Value,
        stack_tags: bool,
    ) -> Self {
        let none = Map::new();
        let before = old.properties.as_object().unwrap_or(&none);
        let after = properties.as_object().unwrap_or(&none);
        let schema = schema::of(&new.resource_type);
        let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        let changed = names.into_iter().filter_map(|name| {
            let (before, after) = (before.get(name), after.get(name));
            let recreation = || schema.map_or(Recreation::Never, |one| one.recreation(name, before, after));
            (!same(before, after)).then(|| (name.clone(), recreation()))
        });
        let mut policies = Vec::new();
        if old.deletion_policy != new.deletion_policy {
            policies.push("DeletionPolicy");
        }
        if old.update_replace_policy != new.update_replace_policy {
            policies.push("UpdateReplacePolicy");
        }
        Self {
            properties: changed.collect(),
            stack_tags: stack_tags && schema.is_none_or(|schema| schema.taggable),
            metadata: !same(Some(&old.metadata), Some(&new.metadata)),
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

/// What a change set is made from.
pub(super) struct Comparison<'a> {
    pub scope: &'a Scope,
    /// What was deployed before, for the wording of causes.
    pub old_template: Option<&'a Template>,
    pub old_parameters: &'a [Parameter],
    pub new_parameters: &'a [Parameter],
    pub stack_tags: (&'a [Tag], &'a [Tag]),
    pub resources: &'a std::collections::BTreeMap<String, Resource>,
}

/// A change of one resource, in the form of `ResourceChange`, and what it does to those that refer to it.
struct Planned {
    action: Option<Value>,
    /// Its physical ID is known only afterwards.
    renewed: bool,
    /// It is changed in place: what its attributes answer may change.
    touched: bool,
}

/// What is answered while the change set is made: known values, or [`UNKNOWN`].
struct Foreseen<'a> {
    resources: &'a std::collections::BTreeMap<String, Resource>,
    renewed: &'a BTreeSet<String>,
}

impl Lookup for Foreseen<'_> {
    fn reference(&self, logical_id: &str) -> Option<Value> {
        let known = self.resources.get(logical_id).filter(|_| !self.renewed.contains(logical_id));
        Some(known.and_then(|resource| resource.physical_id.clone()).unwrap_or(UNKNOWN.to_owned()).into())
    }

    fn attribute(&self, logical_id: &str, attribute: &str) -> Option<Value> {
        let known = self.resources.get(logical_id).filter(|_| !self.renewed.contains(logical_id));
        Some(known.and_then(|resource| resource.attribute(attribute)).unwrap_or(UNKNOWN.into()))
    }
}

impl Comparison<'_> {
    /// The changes, in the form of `DescribeChangeSet`, ordered by logical ID.
    ///
    /// # Errors
    /// `ValidationError`: a circular dependency, a value that cannot be evaluated, another resource type.
    pub(super) fn changes(&self) -> Result<Vec<Value>, ServiceError> {
        let graph = self.scope.graph();
        let mut renewed = BTreeSet::new();
        let mut touched = BTreeSet::new();
        let mut changes = Vec::new();
        for id in graph::ordered(&graph)? {
            let Some(declared) = self.scope.active_resource(&id) else { continue };
            let planned = self.plan(declared, &renewed, &touched)?;
            if planned.renewed {
                renewed.insert(id.clone());
            }
            if planned.touched {
                touched.insert(id.clone());
            }
            changes.extend(planned.action.map(|action| (id, action)));
        }
        for (id, resource) in self.resources.iter().filter(|(id, _)| !graph.contains_key(*id)) {
            let policy = match resource.deletion_policy.as_deref() {
                Some("Retain" | "RetainExceptOnCreate") => "Retain",
                Some("Snapshot") => "Snapshot",
                _ => "Delete",
            };
            let mut action = head("Remove", id, &resource.resource_type, resource.physical_id.as_deref());
            action["PolicyAction"] = json!(policy);
            changes.push((id.clone(), action));
        }
        changes.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(changes
            .into_iter()
            .map(|(_, change)| json!({"Type": "Resource", "ResourceChange": change}))
            .collect())
    }

    /// Whether the outputs would be others, where no resource changes.
    pub(super) fn outputs_differ(&self, outputs: &[Output]) -> Result<bool, ServiceError> {
        let lookup = Foreseen { resources: self.resources, renewed: &BTreeSet::new() };
        Ok(self.scope.outputs(&lookup)? != outputs)
    }

    fn plan(
        &self,
        declared: &ResourceDeclaration,
        renewed: &BTreeSet<String>,
        touched: &BTreeSet<String>,
    ) -> Result<Planned, ServiceError> {
        let id = &declared.logical_id;
        let lookup = Foreseen { resources: self.resources, renewed };
        let properties = self.scope.properties(declared, &lookup)?;
        let Some(old) = self.resources.get(id).filter(|old| old.physical_id.is_some()) else {
            let action = head("Add", id, &declared.resource_type, None);
            return Ok(Planned { action: Some(action), renewed: true, touched: false });
        };
        if old.resource_type != declared.resource_type {
            return Err(ServiceError::validation(format!(
                "Update of resource type is not permitted. The new template modifies resource type of the \
                 following resources: [{id}]"
            )));
        }
        let (before, after) = self.stack_tags;
        let difference = Difference::of(old, declared, &properties, before != after);
        let mut details = Vec::new();
        for (name, recreation) in &difference.properties {
            self.property_details((name, *recreation), declared, renewed, &mut details);
        }
        self.attribute_details(declared, &difference, touched, &mut details);
        other_details(&difference, &mut details);
        if details.is_empty() {
            return Ok(Planned { action: None, renewed: false, touched: false });
        }
        let replacement = replacement(&details);
        let mut action = head("Modify", id, &declared.resource_type, old.physical_id.as_deref());
        action["Replacement"] = json!(replacement);
        action["Scope"] = json!(scope_of(&details));
        action["Details"] = Value::from(details);
        if replacement == "True" {
            let policy = declared.update_replace_policy.as_deref();
            let kept = match policy {
                Some("Retain") => "ReplaceAndRetain",
                Some("Snapshot") => "ReplaceAndSnapshot",
                _ => "ReplaceAndDelete",
            };
            action["PolicyAction"] = json!(kept);
        }
        Ok(Planned { action: Some(action), renewed: replacement != "False", touched: true })
    }

    /// Why a property differs: an edit, a parameter, a resource that is replaced.
    fn property_details(
        &self,
        (name, recreation): (&str, Recreation),
        declared: &ResourceDeclaration,
        renewed: &BTreeSet<String>,
        details: &mut Vec<Value>,
    ) {
        let expression = declared.properties.get(name);
        let old = self.old_template.and_then(|template| template.resource(&declared.logical_id));
        let edited = !same(old.and_then(|old| old.properties.get(name)), expression);
        let target = target(name, recreation);
        let mut caused = false;
        for reference in expression.map(|value| self.scope.taken(value)).unwrap_or_default() {
            let (source, entity) = match &reference {
                Reference::Ref(id) if renewed.contains(id) => ("ResourceReference", id.clone()),
                Reference::Attribute(id, attribute) if renewed.contains(id) => {
                    ("ResourceAttribute", format!("{id}.{attribute}"))
                }
                Reference::Ref(id) if self.parameter_changed(id) => {
                    let detail = detail(&target, "Static", "ParameterReference", Some(id));
                    details.extend([detail, self::detail(&target, "Dynamic", "DirectModification", None)]);
                    caused = true;
                    continue;
                }
                _ => continue,
            };
            details.push(detail(&target, "Dynamic", source, Some(&entity)));
            caused = true;
        }
        if edited || !caused {
            details.push(detail(&target, "Static", "DirectModification", None));
        }
    }

    /// Properties that take an attribute of a resource changed in place: whether they change is not known.
    fn attribute_details(
        &self,
        declared: &ResourceDeclaration,
        difference: &Difference,
        touched: &BTreeSet<String>,
        details: &mut Vec<Value>,
    ) {
        let properties = declared.properties.as_object().into_iter().flatten();
        for (name, expression) in properties {
            if difference.properties.iter().any(|(changed, _)| changed == name) {
                continue;
            }
            for reference in self.scope.taken(expression) {
                let Reference::Attribute(id, attribute) = reference else { continue };
                if touched.contains(&id) {
                    let schema = schema::of(&declared.resource_type);
                    let unknown = Value::from(UNKNOWN);
                    let recreation = schema
                        .map_or(Recreation::Never, |schema| schema.recreation(name, None, Some(&unknown)));
                    let entity = format!("{id}.{attribute}");
                    let target = target(name, recreation);
                    details.push(detail(&target, "Dynamic", "ResourceAttribute", Some(&entity)));
                }
            }
        }
    }

    fn parameter_changed(&self, key: &str) -> bool {
        let find = |list: &[Parameter]| list.iter().find(|one| one.key == key).map(|one| one.value.clone());
        let new = find(self.new_parameters);
        new.is_some() && new != find(self.old_parameters)
    }
}

fn other_details(difference: &Difference, details: &mut Vec<Value>) {
    let mut add = |attribute: &str| {
        let target = json!({"Attribute": attribute, "RequiresRecreation": "Never"});
        details.push(detail(&target, "Static", "DirectModification", None));
    };
    if difference.stack_tags {
        add("Tags");
    }
    if difference.metadata {
        add("Metadata");
    }
    difference.policies.iter().copied().for_each(&mut add);
}

fn head(action: &str, id: &str, resource_type: &str, physical_id: Option<&str>) -> Value {
    let mut head = json!({"Action": action, "LogicalResourceId": id});
    if let Some(physical_id) = physical_id {
        head["PhysicalResourceId"] = json!(physical_id);
    }
    head["ResourceType"] = json!(resource_type);
    head["Scope"] = json!([]);
    head["Details"] = json!([]);
    head
}

fn target(name: &str, recreation: Recreation) -> Value {
    if name == "Tags" {
        return json!({"Attribute": "Tags", "RequiresRecreation": recreation.name()});
    }
    json!({"Attribute": "Properties", "Name": name, "RequiresRecreation": recreation.name()})
}

fn detail(target: &Value, evaluation: &str, source: &str, entity: Option<&str>) -> Value {
    let mut detail = json!({"Target": target, "Evaluation": evaluation, "ChangeSource": source});
    if let Some(entity) = entity {
        detail["CausingEntity"] = json!(entity);
    }
    detail
}

fn replacement(details: &[Value]) -> &'static str {
    let any = |fits: &dyn Fn(&Value) -> bool| details.iter().any(fits);
    let recreates = |detail: &Value, how: &str| detail["Target"]["RequiresRecreation"] == how;
    if any(&|detail| recreates(detail, "Always") && detail["Evaluation"] == "Static") {
        "True"
    } else if any(&|detail| !recreates(detail, "Never")) {
        "Conditional"
    } else {
        "False"
    }
}

fn scope_of(details: &[Value]) -> BTreeSet<&str> {
    details.iter().filter_map(|detail| detail["Target"]["Attribute"].as_str()).collect()
}
