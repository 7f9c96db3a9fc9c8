//! What a change set shows: the changes of all resources, with their causes, with values or without.
//!
//! AWS judges twice. Without values it goes by references: what takes an attribute of a resource that changes
//! in place may change, dynamically. With values it goes by what they evaluate to, and tells a direct
//! modification beside each cause. Both are as in recordings of change sets made on AWS (LocalStack's
//! snapshots `test_change_set_*.snapshot.json` and `test_change_sets.snapshot.json`, Apache-2.0).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::super::drift::Live;
use super::super::evaluate::{Lookup, Output, Parameter, Reference, Scope, UNKNOWN};
use super::super::graph;
use super::super::schema::{self, Recreation};
use super::super::store::Resource;
use super::super::template::ResourceDeclaration;
use super::details::{Cause, expression_at, head, other_target, policies, replacement, scope, target};
use super::drifted::Before;
use super::values::{Edit, Secrets, context, edits};
use super::{Difference, Wanted};
use crate::clock::Epoch;
use crate::error::ServiceError;
use crate::tags::Tag;

/// How much of the changes is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Shown {
    WithoutValues,
    /// As `IncludePropertyValues` asks.
    WithValues,
}

/// What a change set is made from.
pub(in super::super) struct Comparison<'a> {
    pub scope: &'a Scope,
    /// What was deployed before: for what is shown of resources that go.
    pub old: Option<&'a Scope>,
    pub old_parameters: &'a [Parameter],
    pub new_parameters: &'a [Parameter],
    pub stack_tags: (&'a [Tag], &'a [Tag]),
    pub resources: &'a BTreeMap<String, Resource>,
    /// What is really there, where the change set is drift-aware.
    pub live: Option<&'a BTreeMap<String, Live>>,
    pub now: Epoch,
}

/// What changes of resources do to those that refer to them.
#[derive(Debug, Default)]
struct Ripples {
    /// Their physical ID is known only afterwards; whether that is certain.
    renewed: BTreeMap<String, bool>,
    /// They are changed in place: what their attributes answer may change.
    touched: BTreeSet<String>,
}

/// What is answered while the change set is made: known values, or [`UNKNOWN`].
struct Foreseen<'a> {
    resources: &'a BTreeMap<String, Resource>,
    renewed: &'a BTreeMap<String, bool>,
}

impl Foreseen<'_> {
    fn known(&self, logical_id: &str) -> Option<&Resource> {
        self.resources.get(logical_id).filter(|_| !self.renewed.contains_key(logical_id))
    }
}

impl Lookup for Foreseen<'_> {
    fn reference(&self, logical_id: &str) -> Option<Value> {
        let known = self.known(logical_id).and_then(|resource| resource.physical_id.clone());
        Some(known.unwrap_or(UNKNOWN.to_owned()).into())
    }

    fn attribute(&self, logical_id: &str, attribute: &str) -> Option<Value> {
        Some(self.known(logical_id).and_then(|one| one.attribute(attribute)).unwrap_or(UNKNOWN.into()))
    }
}

/// Where no resource is known: what AWS shows of a resource that is about to go.
struct Unknown;

impl Lookup for Unknown {
    fn reference(&self, _: &str) -> Option<Value> {
        Some(UNKNOWN.into())
    }

    fn attribute(&self, _: &str, _: &str) -> Option<Value> {
        Some(UNKNOWN.into())
    }
}

impl Comparison<'_> {
    /// The changes, in the form of `DescribeChangeSet`, ordered by logical ID.
    ///
    /// # Errors
    /// `ValidationError`: a circular dependency, a value that cannot be evaluated, another resource type.
    pub(in super::super) fn changes(&self, shown: Shown) -> Result<Vec<Value>, ServiceError> {
        let graph = self.scope.graph();
        let mut ripples = Ripples::default();
        let mut changes = Vec::new();
        for id in graph::ordered(&graph)? {
            let Some(declared) = self.scope.active_resource(&id) else { continue };
            changes.extend(self.planned(declared, shown, &mut ripples)?.map(|action| (id, action)));
        }
        for (id, resource) in self.resources.iter().filter(|(id, _)| !graph.contains_key(*id)) {
            changes.push((id.clone(), self.removed(resource, shown)));
        }
        changes.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(changes
            .into_iter()
            .map(|(_, change)| json!({"Type": "Resource", "ResourceChange": change}))
            .collect())
    }

    /// Whether the outputs would be others, where no resource changes.
    pub(in super::super) fn outputs_differ(&self, outputs: &[Output]) -> Result<bool, ServiceError> {
        let lookup = Foreseen { resources: self.resources, renewed: &BTreeMap::new() };
        Ok(self.scope.outputs(&lookup)? != outputs)
    }

    fn removed(&self, resource: &Resource, shown: Shown) -> Value {
        let policy = match resource.deletion_policy.as_deref() {
            Some("Retain" | "RetainExceptOnCreate") => "Retain",
            Some("Snapshot") => "Snapshot",
            _ => "Delete",
        };
        let id = &resource.logical_id;
        let mut action = head("Remove", id, &resource.resource_type, resource.physical_id.as_deref());
        action["PolicyAction"] = json!(policy);
        if shown == Shown::WithValues {
            let declared = self.old.and_then(|old| Some((old, old.active_resource(id)?)));
            let evaluated = declared.and_then(|(old, declared)| old.properties(declared, &Unknown).ok());
            let properties = evaluated.as_ref().unwrap_or(&resource.properties);
            action["BeforeContext"] = json!(self.context_of(resource, properties));
        }
        action
    }

    fn planned(
        &self,
        declared: &ResourceDeclaration,
        shown: Shown,
        ripples: &mut Ripples,
    ) -> Result<Option<Value>, ServiceError> {
        let id = &declared.logical_id;
        let wanted = {
            let lookup = Foreseen { resources: self.resources, renewed: &ripples.renewed };
            let metadata = self.scope.metadata(declared, &lookup)?;
            Wanted { properties: self.scope.properties(declared, &lookup)?, metadata }
        };
        let Some(old) = self.resources.get(id).filter(|old| old.physical_id.is_some()) else {
            ripples.renewed.insert(id.clone(), true);
            let mut action = head("Add", id, &declared.resource_type, None);
            if shown == Shown::WithValues {
                action["AfterContext"] = json!(self.context_after(declared, &wanted));
            }
            return Ok(Some(action));
        };
        if old.resource_type != declared.resource_type {
            return Err(ServiceError::validation(format!(
                "Update of resource type is not permitted. The new template modifies resource type of the \
                 following resources: [{id}]"
            )));
        }
        let live = self.live.map(|all| all.get(id).unwrap_or(&Live::Unreadable));
        let before = Before::of(old, &wanted, live);
        if live == Some(&Live::Gone) {
            ripples.renewed.insert(id.clone(), true);
            return Ok(Some(self.made_again(declared, &before, &wanted, shown)));
        }
        let (old_tags, new_tags) = self.stack_tags;
        let difference = Difference::of(&before.compared, declared, &wanted, old_tags != new_tags);
        let mut details = self.details((&before, declared, &wanted), &difference, shown, ripples);
        let synchronized = before.synchronized(&wanted, &self.secrets(), self.now);
        let kind = if details.is_empty() { "SyncWithActual" } else { "Modify" };
        details.extend(synchronized);
        if details.is_empty() {
            return Ok(None);
        }
        let mut action = head(kind, id, &declared.resource_type, old.physical_id.as_deref());
        self.tell_drift(&mut action, &before, &wanted);
        let replacement = replacement(&details);
        action["Replacement"] = json!(replacement);
        action["Scope"] = json!(scope(&details));
        action["Details"] = Value::from(details);
        if replacement == "True" {
            let kept = match declared.update_replace_policy.as_deref() {
                Some("Retain") => "ReplaceAndRetain",
                Some("Snapshot") => "ReplaceAndSnapshot",
                _ => "ReplaceAndDelete",
            };
            action["PolicyAction"] = json!(kept);
        }
        if shown == Shown::WithValues {
            action["BeforeContext"] = json!(self.context_of(old, &before.compared.properties));
            action["AfterContext"] = json!(self.context_after(declared, &wanted));
        }
        if replacement != "False" {
            ripples.renewed.insert(id.clone(), replacement == "True");
        }
        if kind == "Modify" {
            ripples.touched.insert(id.clone());
        }
        Ok(Some(action))
    }

    /// A resource that was deleted behind CloudFormation's back.
    fn made_again(
        &self,
        declared: &ResourceDeclaration,
        before: &Before<'_>,
        wanted: &Wanted,
        shown: Shown,
    ) -> Value {
        let old = before.deployed;
        let mut action = head("Add", &old.logical_id, &old.resource_type, old.physical_id.as_deref());
        self.tell_drift(&mut action, before, wanted);
        if shown == Shown::WithValues {
            action["AfterContext"] = json!(self.context_after(declared, wanted));
        }
        action
    }

    fn tell_drift(&self, action: &mut Value, before: &Before<'_>, wanted: &Wanted) {
        if before.live.is_none() {
            return;
        }
        let status = before.status();
        action["ResourceDriftStatus"] = json!(status);
        action["ResourceDriftIgnoredAttributes"] = json!(before.ignored(wanted));
        if matches!(status, "DELETED" | "MODIFIED") {
            let deployed = self.context_of(before.deployed, &before.deployed.properties);
            action["PreviousDeploymentContext"] = json!(deployed);
        }
    }

    fn details(
        &self,
        (before, declared, wanted): (&Before<'_>, &ResourceDeclaration, &Wanted),
        difference: &Difference,
        shown: Shown,
        ripples: &Ripples,
    ) -> Vec<Value> {
        let mut details = Vec::new();
        for (name, recreation) in &difference.properties {
            let target = target(name, *recreation);
            let edits = match shown {
                Shown::WithoutValues => vec![Edit { path: vec![name.clone()], before: None, after: None }],
                Shown::WithValues => {
                    edits(name, before.compared.properties.get(name), wanted.properties.get(name))
                }
            };
            for edit in edits {
                let mut target = target.clone();
                if shown == Shown::WithValues {
                    target = self.with_values(target, &edit);
                    before.complete(&mut target, &edit, &self.secrets(), self.now);
                }
                let expression = expression_at(&declared.properties, &edit.path);
                let uncaused = before.uncaused(&edit.path, wanted);
                let causes = self.causes_of(expression, uncaused, shown, ripples);
                details.extend(causes.iter().map(|cause| cause.detail(&target)));
            }
        }
        if shown == Shown::WithoutValues {
            self.attribute_details(declared, difference, ripples, &mut details);
        }
        if difference.stack_tags {
            details.push(Cause::Direct { dynamic: false }.detail(&other_target("Tags")));
        }
        if difference.metadata {
            let uncaused = Cause::Direct { dynamic: false };
            let causes = self.causes_of(Some(&declared.metadata), uncaused, shown, ripples);
            details.extend(causes.iter().map(|cause| cause.detail(&other_target("Metadata"))));
        }
        details.extend(policies(difference));
        details
    }

    fn with_values(&self, mut target: Value, edit: &Edit) -> Value {
        let secrets = self.secrets();
        target["Path"] = json!(edit.path_text());
        if let Some(before) = &edit.before {
            target["BeforeValue"] = json!(secrets.text(before));
        }
        if let Some(after) = &edit.after {
            target["AfterValue"] = json!(secrets.text(after));
        }
        target["AttributeChangeType"] = json!(edit.kind());
        target
    }

    /// Why the value of an expression differs: a parameter, a resource that is replaced, else `uncaused`.
    fn causes_of(
        &self,
        expression: Option<&Value>,
        uncaused: Cause,
        shown: Shown,
        ripples: &Ripples,
    ) -> Vec<Cause> {
        let mut causes = BTreeSet::new();
        for reference in expression.map(|value| self.scope.taken(value)).unwrap_or_default() {
            let renewed = |id: &str| ripples.renewed.get(id).map(|certain| !certain);
            causes.extend(match reference {
                Reference::Ref(id) => match renewed(&id) {
                    Some(dynamic) => Some(Cause::Reference { id, dynamic }),
                    None => self.parameter_changed(&id).then_some(Cause::Parameter(id)),
                },
                Reference::Attribute(id, attribute) => renewed(&id)
                    .map(|dynamic| Cause::Attribute { entity: format!("{id}.{attribute}"), dynamic }),
                _ => None,
            });
        }
        let parameters = causes.iter().any(|cause| matches!(cause, Cause::Parameter(_)));
        // An edit that brings a parameter or a replaced resource in is told by that cause.
        if causes.is_empty() {
            causes.insert(uncaused);
        } else if self.live.is_none() && (parameters || shown == Shown::WithValues) {
            causes.insert(Cause::Direct { dynamic: true });
        }
        causes.into_iter().collect()
    }

    /// Properties that take an attribute of a resource changed in place: whether they change is not known.
    fn attribute_details(
        &self,
        declared: &ResourceDeclaration,
        difference: &Difference,
        ripples: &Ripples,
        details: &mut Vec<Value>,
    ) {
        let schema = schema::of(&declared.resource_type);
        let unknown = Value::from(UNKNOWN);
        let properties = declared.properties.as_object().into_iter().flatten();
        let same = properties.filter(|(name, _)| !difference.properties.iter().any(|(it, _)| it == *name));
        for (name, expression) in same {
            for reference in self.scope.taken(expression) {
                let Reference::Attribute(id, attribute) = reference else { continue };
                if ripples.touched.contains(&id) {
                    let recreation = schema
                        .map_or(Recreation::Never, |schema| schema.recreation(name, None, Some(&unknown)));
                    let cause = Cause::Attribute { entity: format!("{id}.{attribute}"), dynamic: true };
                    details.push(cause.detail(&target(name, recreation)));
                }
            }
        }
    }

    fn parameter_changed(&self, key: &str) -> bool {
        let find = |list: &[Parameter]| list.iter().find(|one| one.key == key).map(|one| one.value.clone());
        let new = find(self.new_parameters);
        new.is_some() && new != find(self.old_parameters)
    }

    fn secrets(&self) -> Secrets {
        Secrets::of(self.old_parameters.iter().chain(self.new_parameters))
    }

    fn context_of(&self, resource: &Resource, properties: &Value) -> String {
        let policies = [
            ("DeletionPolicy", resource.deletion_policy.as_ref()),
            ("UpdateReplacePolicy", resource.update_replace_policy.as_ref()),
        ];
        context(&self.secrets(), properties, &resource.metadata, policies)
    }

    fn context_after(&self, declared: &ResourceDeclaration, wanted: &Wanted) -> String {
        let policies = [
            ("DeletionPolicy", declared.deletion_policy.as_ref()),
            ("UpdateReplacePolicy", declared.update_replace_policy.as_ref()),
        ];
        context(&self.secrets(), &wanted.properties, &wanted.metadata, policies)
    }
}
