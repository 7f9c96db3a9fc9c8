//! What CloudFormation's handlers of resource types may call, by the types' schemas: `data/handlers.json`.

use std::collections::{BTreeMap, HashMap};
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

/// What a handler does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handling {
    Creation,
    Update,
    Deletion,
}

impl Handling {
    const fn verbs(self) -> &'static [&'static str] {
        match self {
            Self::Creation => &["Create", "Put", "Register"],
            Self::Update => &["Update", "Modify", "Put", "Set"],
            Self::Deletion => &["Delete", "Deregister"],
        }
    }
}

/// Verbs with which a handler looks whether what it did has come about. Not `List`: `s3:ListBucket` lists objects.
const LOOKS: &[&str] = &["Describe", "Get"];

/// Types of which the service has another word than CloudFormation.
const NOUNS: &[(&str, &str)] =
    &[("AWS::EC2::EIP", "Address"), ("AWS::ElasticLoadBalancingV2::ListenerRule", "Rule")];

/// What a handler calls for certain, of all that its schema lists: by which it does its work, and by which it looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Certain {
    /// `sqs:CreateQueue`.
    pub does: Option<&'static str>,
    /// `ecs:DescribeClusters`.
    pub looks: Option<&'static str>,
}

impl Handlers {
    /// The actions of the type's own service that are named by a verb of `handling`, or one of looking, and the type
    /// itself. Where several are, none is certain: the schema may list one for each way to do it.
    fn certain(&self, resource_type: &str, handling: Handling) -> Certain {
        let listed = match handling {
            Handling::Creation => &self.create,
            Handling::Update => &self.update,
            Handling::Deletion => &self.delete,
        };
        let noun = NOUNS.iter().find(|(named, _)| *named == resource_type).map(|(_, noun)| *noun);
        let noun = noun.or_else(|| resource_type.rsplit("::").next()).unwrap_or_default();
        let own = self.own_prefix(resource_type);
        let only = |verbs: &[&str]| {
            let is_named = |action: &str| {
                let called = action.strip_prefix(own).and_then(|rest| rest.strip_prefix(':'));
                called.is_some_and(|called| {
                    verbs.iter().filter_map(|verb| called.strip_prefix(verb)).any(|rest| is_noun(rest, noun))
                })
            };
            let mut named = listed.iter().copied().filter(|action| is_named(action));
            named.next().filter(|_| named.next().is_none())
        };
        Certain { does: only(handling.verbs()), looks: only(LOOKS) }
    }

    /// The type's own service: that of its name, or where IAM calls it otherwise (`ElasticLoadBalancingV2`), the one that most
    /// of the actions are of.
    fn own_prefix(&self, resource_type: &str) -> &'static str {
        let Self { create, read, update, delete, list } = self;
        let service = resource_type.split("::").nth(1).unwrap_or_default();
        let mut counts = BTreeMap::<&str, usize>::new();
        for action in [create, read, update, delete, list].into_iter().flatten() {
            *counts.entry(action.split(':').next().unwrap_or_default()).or_default() += 1;
        }
        let best =
            counts.into_iter().max_by_key(|(prefix, count)| (prefix.eq_ignore_ascii_case(service), *count));
        best.map_or("", |(prefix, _)| prefix)
    }
}

/// Whether `word` is the noun, or its plural: `DescribeVpcs` of a `VPC`, `DescribeRepositories`.
fn is_noun(word: &str, noun: &str) -> bool {
    let (word, noun) = (word.to_ascii_lowercase(), noun.to_ascii_lowercase());
    let plural = noun.strip_suffix('y').map(|stem| format!("{stem}ies"));
    word == noun || word == format!("{noun}s") || word == format!("{noun}es") || plural == Some(word)
}

/// What CloudFormation calls for certain when it handles a resource of this type; nothing of types without a list.
pub fn certain(resource_type: &str, handling: Handling) -> Certain {
    handlers(resource_type).map(|handlers| handlers.certain(resource_type, handling)).unwrap_or_default()
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
    fn what_is_certain_is_named_by_the_type_itself() {
        use Handling::{Creation, Deletion, Update};
        let cases = [
            ("AWS::ECS::Cluster", Creation, Some("ecs:CreateCluster"), Some("ecs:DescribeClusters")),
            ("AWS::SQS::Queue", Creation, Some("sqs:CreateQueue"), None),
            ("AWS::SQS::Queue", Deletion, Some("sqs:DeleteQueue"), None),
            ("AWS::EC2::VPC", Deletion, Some("ec2:DeleteVpc"), Some("ec2:DescribeVpcs")),
            ("AWS::ECR::Repository", Update, None, Some("ecr:DescribeRepositories")),
            ("AWS::EC2::EIP", Creation, None, Some("ec2:DescribeAddresses")),
            (
                "AWS::ElasticLoadBalancingV2::ListenerRule",
                Update,
                Some("elasticloadbalancing:ModifyRule"),
                Some("elasticloadbalancing:DescribeRules"),
            ),
            // `s3:ListBucket` lists objects.
            ("AWS::S3::Bucket", Creation, Some("s3:CreateBucket"), None),
            // Of another service, and two ways.
            ("AWS::Glue::Table", Creation, Some("glue:CreateTable"), Some("glue:GetTable")),
            ("AWS::DMS::DataProvider", Update, None, None),
            ("AWS::CodeBuild::Project", Creation, None, None),
        ];
        for (resource_type, handling, does, looks) in cases {
            assert_eq!(
                certain(resource_type, handling),
                Certain { does, looks },
                "{resource_type} {handling:?}"
            );
        }
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
            (!odd.is_empty()).then_some((*name, odd))
        });

        assert_eq!(faults.collect::<Vec<_>>(), []);
    }
}
