//! Policy documents of what somebody needs, each no longer than a managed policy may be.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::need::Need;

/// Characters without white space (AWS: IAM quotas, managed policies; ten of them may be attached to a role).
const LONGEST: usize = 6_144;

/// Statements that allow all of `needs`: those of the same resources and conditions are one, and so are those that differ
/// in a condition's value alone. `sid` and a number name them, where it is given.
pub fn statements(needs: &BTreeSet<Need>, sid: Option<&str>) -> Vec<Value> {
    type Texts<'a> = BTreeSet<&'a str>;
    type Condition<'a> = Option<(&'a str, Texts<'a>)>;
    let mut values: BTreeMap<(&str, Option<&str>), (Texts<'_>, Texts<'_>)> = BTreeMap::new();
    for need in needs {
        let key = need.condition.as_ref().map(|(key, _)| key.as_str());
        let (values, resources) = values.entry((&need.action, key)).or_default();
        values.extend(need.condition.as_ref().map(|(_, value)| value.as_str()));
        resources.insert(&need.resource);
    }
    let mut grouped: BTreeMap<(Condition<'_>, Texts<'_>), Texts<'_>> = BTreeMap::new();
    for ((action, key), (values, resources)) in values {
        grouped.entry((key.map(|key| (key, values)), widest(&resources))).or_default().insert(action);
    }
    let statement =
        |(number, ((condition, resources), actions)): (usize, ((Condition<'_>, Texts<'_>), _))| {
            let actions: Texts<'_> = actions;
            let mut statement = json!({ "Effect": "Allow", "Action": actions, "Resource": resources });
            if let Some(sid) = sid {
                statement["Sid"] = json!(format!("{sid}{number}"));
            }
            if let Some((key, values)) = condition {
                statement["Condition"] = json!({ "StringEquals": { key: values } });
            }
            statement
        };
    (1..).zip(grouped).map(statement).collect()
}

/// As few documents as hold the statements one after the other.
pub fn documents(statements: Vec<Value>) -> Vec<Value> {
    let document = |statements: &[Value]| json!({ "Version": "2012-10-17", "Statement": statements });
    let is_short = |statements: &[Value]| document(statements).to_string().len() <= LONGEST;
    let mut documents: Vec<Vec<Value>> = Vec::new();
    for statement in statements {
        match documents.last_mut() {
            Some(last) if is_short(&[last.as_slice(), std::slice::from_ref(&statement)].concat()) => {
                last.push(statement);
            }
            _ => documents.push(vec![statement]),
        }
    }
    documents.iter().map(|statements| document(statements)).collect()
}

/// Those that none of the others covers.
fn widest<'a>(resources: &BTreeSet<&'a str>) -> BTreeSet<&'a str> {
    let covered =
        |one: &&str| resources.iter().any(|other| other != one && seatrial_policy::covers(other, one));
    resources.iter().copied().filter(|one| !covered(one)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn need(action: &str, resource: &str, condition: Option<(&str, &str)>) -> Need {
        let condition = condition.map(|(key, value)| (key.to_owned(), value.to_owned()));
        Need { action: action.to_owned(), resource: resource.to_owned(), condition }
    }

    #[test]
    fn actions_of_the_same_resources_and_values_of_the_same_condition_are_one_statement() {
        let service = |service| Some(("iam:PassedToService", service));
        let needs = [
            need("a:X", "1", None),
            need("a:X", "2-*", None),
            need("a:X", "2-3", None),
            need("a:Y", "1", None),
            need("a:Y", "2-*", None),
            need("a:Z", "1", None),
            need("iam:PassRole", "r", service("ecs")),
            need("iam:PassRole", "r", service("codebuild")),
        ];
        let found = statements(&needs.into(), Some("Seen"));
        assert_eq!(found.len(), 3, "{found:?}");
        let both =
            json!({ "Sid": "Seen2", "Effect": "Allow", "Action": ["a:X", "a:Y"], "Resource": ["1", "2-*"] });
        assert!(found.contains(&both), "{found:?}");
        assert_eq!(
            found[2]["Condition"],
            json!({ "StringEquals": { "iam:PassedToService": ["codebuild", "ecs"] } })
        );
    }

    #[test]
    fn documents_are_as_long_as_a_managed_policy_may_be_and_hold_every_statement_once() {
        let needs =
            (0..400).map(|number| need(&format!("ec2:Action{number}"), &format!("arn:{number}"), None));
        let statements = statements(&needs.collect(), None);
        let documents = documents(statements.clone());
        assert!(documents.iter().all(|document| document.to_string().len() <= LONGEST));
        let held = documents.iter().flat_map(|document| document["Statement"].as_array().unwrap().clone());
        assert_eq!(held.collect::<Vec<_>>(), statements);
        let fewest = statements.iter().map(|one| one.to_string().len()).sum::<usize>().div_ceil(LONGEST);
        assert!(documents.len() <= fewest + 1, "{}", documents.len());
    }
}
