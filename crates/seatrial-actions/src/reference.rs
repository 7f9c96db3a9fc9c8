//! What AWS's service authorization reference says of an action: `data/reference.json`.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use serde::Deserialize;

#[derive(Deserialize, Default)]
struct Reference {
    source: String,
    services: HashMap<String, Service>,
}

#[derive(Deserialize)]
struct Service {
    /// Actions of which the table has the name alone.
    others: Vec<String>,
    /// ARNs of types of resources, with placeholders: `arn:${Partition}:s3:::${BucketName}`.
    types: BTreeMap<String, String>,
    actions: HashMap<String, Action>,
}

/// An action as IAM knows it.
#[derive(Debug, Deserialize)]
pub struct Action {
    /// AWS's access levels, as AWS lists them: `Tagging, Write`.
    pub level: String,
    /// The types of resources that it is checked on, and whether one of that type must be given.
    #[serde(default)]
    pub resources: BTreeMap<String, bool>,
    /// Condition keys that are the service's own or of tags; `aws:RequestTag/${TagKey}` stands for one a tag.
    #[serde(default)]
    pub keys: Vec<String>,
}

/// Empty, should the file be no such table, which a test would have told.
static REFERENCE: LazyLock<Reference> =
    LazyLock::new(|| serde_json::from_str(include_str!("../data/reference.json")).unwrap_or_default());

/// Where the data is from: package, version, its time and licence.
pub fn source() -> &'static str {
    &REFERENCE.source
}

/// What is known of `action` (`ecs:RunTask`), where the table has more of it than its name.
pub fn lookup(action: &str) -> Option<&'static Action> {
    let (prefix, name) = action.split_once(':')?;
    REFERENCE.services.get(prefix)?.actions.get(name)
}

/// Whether IAM has this action; `None` for services that the table is without.
pub fn known(action: &str) -> Option<bool> {
    let (prefix, name) = action.split_once(':')?;
    let service = REFERENCE.services.get(prefix)?;
    Some(service.actions.contains_key(name) || service.others.iter().any(|other| other == name))
}

/// The ARNs of the types of resources that `action` is checked on, with AWS's placeholders.
pub fn arns(action: &str) -> Vec<&'static str> {
    let types = action.split_once(':').and_then(|(prefix, _)| REFERENCE.services.get(prefix));
    let named = lookup(action).into_iter().flat_map(|action| action.resources.keys());
    named.filter_map(|name| types?.types.get(name).map(String::as_str)).collect()
}

/// Whether any action has this condition key.
#[cfg(test)]
pub(crate) fn has_key(key: &str) -> bool {
    let mut actions = REFERENCE.services.values().flat_map(|service| service.actions.values());
    actions.any(|action| action.keys.iter().any(|known| known.eq_ignore_ascii_case(key)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_found_with_its_resources_and_keys() {
        let action = lookup("ecs:RunTask").unwrap();

        assert_eq!(action.resources.get("task-definition"), Some(&true));
        assert!(action.keys.iter().any(|key| key == "ecs:cluster"));
        assert_eq!(
            arns("ecs:RunTask"),
            ["arn:${Partition}:ecs:${Region}:${Account}:task-definition/${TaskDefinitionFamilyName}:\
              ${TaskDefinitionRevisionNumber}"]
        );
    }

    #[test]
    fn an_action_that_iam_does_not_have_is_told_from_one_of_an_unknown_service() {
        assert_eq!(known("ecs:ExecuteCommand"), Some(true));
        assert_eq!(known("ecs:RunTasks"), Some(false));
        assert_eq!(known("sqs:SendMessage"), None);
    }
}
