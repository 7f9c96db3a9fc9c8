//! What CloudFormation's handlers of resource types may call, by the types' schemas: `data/handlers.json`.

use std::collections::HashMap;
use std::sync::{LazyLock, OnceLock};

use serde::Deserialize;

/// The permissions that a type's schema lists for its handlers, each with its prefix (`ecs:CreateCluster`), sorted.
///
/// A list is what the handler may ever need, optional features and keys among it; AWS checks only the calls that it
/// makes (CloudFormation CLI user guide, Resource type schema: `handlers`). Some have patterns, as `ec2:Describe*`.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Handlers {
    #[serde(borrow)]
    pub create: Vec<&'static str>,
    /// Also after a creation and an update, for the attributes, by drift detection, and before an import.
    #[serde(borrow)]
    pub read: Vec<&'static str>,
    /// Empty where every change is a replacement.
    #[serde(borrow)]
    pub update: Vec<&'static str>,
    #[serde(borrow)]
    pub delete: Vec<&'static str>,
    /// No stack operation lists.
    #[serde(borrow)]
    pub list: Vec<&'static str>,
}

/// A line of the table, which is parsed when its type is first asked for: all of them are a megabyte.
struct Row {
    text: &'static str,
    parsed: OnceLock<Option<Handlers>>,
}

static ROWS: LazyLock<HashMap<&'static str, Row>> = LazyLock::new(|| {
    let row = |line: &'static str| {
        let (name, text) = line.strip_prefix('"')?.split_once("\": ")?;
        let text = text.strip_suffix(',').unwrap_or(text);
        name.contains("::").then(|| (name, Row { text, parsed: OnceLock::new() }))
    };
    include_str!("../data/handlers.json").lines().filter_map(row).collect()
});

/// What the handlers of `resource_type` (`AWS::ECS::Cluster`) may call.
///
/// `None` for types that the table does not have, and for those that CloudFormation makes without such handlers, of which
/// nobody lists what it calls: `AWS::CodeBuild::Project`, `AWS::IAM::AccessKey`.
pub fn handlers(resource_type: &str) -> Option<&'static Handlers> {
    let row = ROWS.get(resource_type)?;
    // A line that cannot be read would be none, which a test would have told.
    row.parsed.get_or_init(|| serde_json::from_str(row.text).ok()).as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_read() {
        let unread: Vec<_> = ROWS.keys().filter(|name| handlers(name).is_none()).collect();

        assert_eq!(unread, [&""; 0]);
        assert!(ROWS.len() > 1_700, "{}", ROWS.len());
    }

    #[test]
    fn a_types_handlers_are_told_as_its_schema_has_them() {
        let cluster = handlers("AWS::ECS::Cluster").unwrap();

        assert_eq!(
            cluster.create,
            [
                "ecs:CreateCluster",
                "ecs:DescribeClusters",
                "ecs:TagResource",
                "iam:CreateServiceLinkedRole",
                "kms:DescribeKey"
            ]
        );
        assert_eq!(cluster.delete, ["ecs:DeleteCluster", "ecs:DescribeClusters", "kms:DescribeKey"]);
        assert_eq!(cluster.list, ["ecs:DescribeClusters", "ecs:ListClusters"]);
        assert_eq!(handlers("AWS::CodeBuild::Project"), None);
        assert_eq!(handlers("AWS::ECS::Clusters"), None);
    }

    #[test]
    fn what_handlers_call_has_a_prefix_and_a_name() {
        let faults = ROWS.keys().filter_map(|name| {
            let handlers = handlers(name)?;
            let Handlers { create, read, update, delete, list } = handlers;
            let listed = [create, read, update, delete, list].into_iter().flatten();
            let odd = listed.filter(
                |action| !matches!(action.split_once(':'), Some((a, b)) if !a.is_empty() && !b.is_empty()),
            );
            let odd: Vec<_> = odd.collect();
            (!odd.is_empty()).then(|| (*name, odd))
        });

        assert_eq!(faults.collect::<Vec<_>>(), []);
    }
}
