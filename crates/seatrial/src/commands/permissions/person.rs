//! The least policy of a person: what the commands that it types were seen to need, and what CloudFormation's handlers
//! may call with its session.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use seatrial_permissions::Need;
use seatrial_project::Environment;
use serde_json::{Value, json};

use crate::cli::Person;
use crate::plan::template::StackTemplate;

/// What each command was seen to need, by its name; `cargo xtask soak permissions` writes it.
static NEEDS: LazyLock<BTreeMap<String, Vec<Need>>> =
    LazyLock::new(|| serde_json::from_str(include_str!("needs.json")).unwrap_or_default());

const READING: [&str; 4] = ["diff", "explain", "logs", "status"];
const RELEASING: [&str; 3] = ["release", "rollback", "run"];

impl Person {
    fn types(self, command: &str) -> bool {
        match self {
            Self::Operator => true,
            Self::Releaser => RELEASING.contains(&command) || Self::Reader.types(command),
            Self::Reader => READING.contains(&command),
        }
    }
}

/// The policy document for an environment whose stacks these templates make.
pub(super) fn policy(person: Person, environment: &Environment, templates: &[StackTemplate]) -> Value {
    let name = format!("{}-{}", environment.project, environment.name);
    let place = (environment.account.as_str(), environment.region.as_str(), name.as_str());
    let of = NEEDS.iter().filter(|(command, _)| person.types(command)).flat_map(|(_, needs)| needs);
    let needs: BTreeSet<Need> = of.map(|need| need.in_place(place)).collect();
    let mut statements = seatrial_permissions::statements(&needs);
    if person == Person::Operator {
        statements.extend(by_schema(templates, &needs));
    }
    json!({ "Version": "2012-10-17", "Statement": statements })
}

/// What handlers of the types in the templates may call on AWS beyond what was seen here (AWS: resource type schemas,
/// `handlers`), with the session of whoever provisions: more than they ever call, so that it is marked.
fn by_schema(templates: &[StackTemplate], needs: &BTreeSet<Need>) -> Option<Value> {
    let resources = templates.iter().flat_map(|template| &template.resources);
    let types: BTreeSet<&str> = resources.map(|resource| resource.kind.as_str()).collect();
    let known = types.into_iter().filter_map(seatrial_actions::handlers);
    let actions = known.flat_map(|of| of.create.iter().chain(&of.read).chain(&of.update).chain(&of.delete));
    let seen: BTreeSet<&str> = needs.iter().map(|need| need.action.as_str()).collect();
    let actions: BTreeSet<&str> = actions.copied().filter(|action| !seen.contains(action)).collect();
    let statement = json!({ "Sid": "BySchema", "Effect": "Allow", "Action": actions, "Resource": "*" });
    (!actions.is_empty()).then_some(statement)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_person_may_what_those_may_who_do_less() {
        let count = |person: Person| NEEDS.keys().filter(|command| person.types(command)).count();
        assert_eq!(
            (count(Person::Reader), count(Person::Releaser)),
            (READING.len(), READING.len() + RELEASING.len())
        );
        assert!(count(Person::Operator) > count(Person::Releaser), "{:?}", NEEDS.keys());
        assert!(NEEDS.values().all(|needs| !needs.is_empty()));
        // Who looks changes nothing.
        let reading = NEEDS.iter().filter(|(command, _)| Person::Reader.types(command));
        let verbs = ["Batch", "Describe", "Detect", "Filter", "Get", "List"];
        let changing = reading.flat_map(|(_, needs)| needs).filter(|need| {
            let verb = need.action.split(':').nth(1).unwrap_or_default();
            !verbs.iter().any(|known| verb.starts_with(known))
        });
        let changing: Vec<&Need> = changing.collect();
        assert!(changing.is_empty(), "{changing:?}");
    }
}
