//! What a drift-aware change set adds: the comparison with what is really there.
//!
//! The fields are as CloudFormation's API reference has them (`ResourceChange`, `ResourceTargetDefinition`,
//! `LiveResourceDrift`) and as change sets of accounts were seen to fill them: a resource that was deleted is an
//! addition with its old physical ID, causes are told without a direct modification beside them.

use serde_json::{Value, json};

use super::super::drift::{Live, compared, differences, is_managed, seen, untold};
use super::super::schema::same;
use super::super::store::Resource;
use super::Wanted;
use super::details::{Cause, target};
use super::values::{Edit, Secrets, below, edits};
use crate::clock::Epoch;

/// A resource before a change: as it was deployed, and as it is compared.
pub(super) struct Before<'a> {
    pub deployed: &'a Resource,
    pub compared: Resource,
    /// Where the change set is drift-aware.
    pub live: Option<&'a Live>,
}

impl<'a> Before<'a> {
    pub(super) fn of(deployed: &'a Resource, wanted: &Wanted, live: Option<&'a Live>) -> Self {
        let mut compared = deployed.clone();
        if let Some(Live::There(actual)) = live {
            let (old, new) = (&deployed.properties, &wanted.properties);
            compared.properties = seen(&deployed.resource_type, old, new, actual);
        }
        Self { deployed, compared, live }
    }

    /// `IN_SYNC`, `MODIFIED`, `DELETED` or `NOT_CHECKED`.
    pub(super) fn status(&self) -> &'static str {
        match self.live {
            Some(Live::There(actual)) => {
                let (mut expected, mut found) = compared(&self.deployed.properties, actual);
                for side in [&mut expected, &mut found] {
                    if let Value::Object(members) = side {
                        members.retain(|name, _| !is_managed(&self.deployed.resource_type, name));
                    }
                }
                if differences(&expected, &found).is_empty() { "IN_SYNC" } else { "MODIFIED" }
            }
            Some(Live::Gone) => "DELETED",
            _ => "NOT_CHECKED",
        }
    }

    /// What the comparison passes over: `ResourceDriftIgnoredAttributes`.
    pub(super) fn ignored(&self, wanted: &Wanted) -> Vec<Value> {
        let Some(Live::There(actual)) = self.live else { return Vec::new() };
        let deployed = &self.deployed.properties;
        let entry =
            |name: &str, reason: &str| json!({"Path": format!("/Properties/{name}"), "Reason": reason});
        let untold = untold(&wanted.properties, actual).map(|name| entry(name, "WRITE_ONLY_PROPERTY"));
        let names = deployed.as_object().into_iter().flat_map(|members| members.keys());
        let managed = names.filter(|name| {
            let kept = same(deployed.get(name.as_str()), wanted.properties.get(name.as_str()));
            is_managed(&self.deployed.resource_type, name) && kept
        });
        untold.chain(managed.map(|name| entry(name, "MANAGED_BY_AWS"))).collect()
    }

    /// Why a value differs for which nothing is to blame that the template refers to.
    pub(super) fn uncaused(&self, path: &[String], wanted: &Wanted) -> Cause {
        let edited = !same(at(&self.deployed.properties, path), at(&wanted.properties, path));
        if self.live.is_some() && !edited { Cause::Drift } else { Cause::Direct { dynamic: false } }
    }

    /// Adds where the values of a target come from, and its drift.
    pub(super) fn complete(&self, target: &mut Value, edit: &Edit, secrets: &Secrets, now: Epoch) {
        let Some(live) = self.live else { return };
        let readable = matches!(live, Live::There(_));
        let from = if readable { "ACTUAL_STATE" } else { "PREVIOUS_DEPLOYMENT_STATE" };
        if edit.before.is_some() {
            target["BeforeValueFrom"] = json!(from);
        }
        if edit.after.is_some() {
            target["AfterValueFrom"] = json!("TEMPLATE");
        }
        let previous = at(&self.deployed.properties, &edit.path);
        let actual = at(&self.compared.properties, &edit.path);
        if same(previous, actual) {
            return;
        }
        let mut drift = json!({"DriftDetectionTimestamp": now});
        for (name, value) in [("PreviousValue", previous), ("ActualValue", actual)] {
            if let Some(value) = value {
                drift[name] = json!(secrets.text(value));
            }
        }
        target["Drift"] = drift;
    }

    /// Details of what the template now says as it really is: nothing is done to it.
    pub(super) fn synchronized(&self, wanted: &Wanted, secrets: &Secrets, now: Epoch) -> Vec<Value> {
        let Some(Live::There(_)) = self.live else { return Vec::new() };
        let names = wanted.properties.as_object().into_iter().flatten();
        let same = names.filter(|(name, value)| same(self.compared.properties.get(*name), Some(value)));
        let details = same.flat_map(|(name, value)| {
            let found = edits(name, self.deployed.properties.get(name), Some(value));
            found.into_iter().map(|edit| {
                let mut target = target(name, super::Recreation::Never);
                target["Path"] = json!(edit.path_text());
                target["AttributeChangeType"] = json!("SyncWithActual");
                let shown = Edit { before: edit.after.clone(), ..edit };
                for (key, value) in [("BeforeValue", &shown.before), ("AfterValue", &shown.after)] {
                    if let Some(value) = value {
                        target[key] = json!(secrets.text(value));
                    }
                }
                self.complete(&mut target, &shown, secrets, now);
                Cause::Direct { dynamic: false }.detail(&target)
            })
        });
        details.collect()
    }
}

fn at<'a>(properties: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(properties, |value, step| below(Some(value), step))
}
