//! The exports of other stacks that a template takes.

use std::collections::BTreeSet;

use serde_json::Value;

use super::scope::{Nothing, Scope};

impl Scope {
    /// The names of the exports that active resources and outputs import.
    pub(in super::super) fn imports(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for resource in self.active() {
            self.imported(&resource.properties, &mut names);
        }
        for output in self.template.outputs.values() {
            self.imported(output, &mut names);
        }
        names
    }

    fn imported(&self, value: &Value, names: &mut BTreeSet<String>) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.imported(item, names)),
            Value::Object(members) => {
                if let Some(argument) = members.get("Fn::ImportValue") {
                    // An import's name takes nothing of resources.
                    let name = self.evaluate(argument, &Nothing).ok().flatten();
                    names.extend(name.as_ref().and_then(Value::as_str).map(str::to_owned));
                }
                members.values().for_each(|member| self.imported(member, names));
            }
            _ => {}
        }
    }
}
