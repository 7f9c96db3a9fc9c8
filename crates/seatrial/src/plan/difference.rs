//! What would be sent to CloudFormation, and whether it differs from what is there.
//!
//! Two calls tell it, DescribeStacks and GetTemplate: no fingerprint is stored anywhere.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use seatrial_project::Environment;
use serde::Serialize;
use serde_json::{Map, Value};

use super::resolved::{Values, pseudo_parameters, resolved, values};
use super::template::{Parameter, StackTemplate, parse};

/// Parameters that keep the value they have: deployments change what the first stands for, so that sending it again
/// would move traffic; the second is of the frozen service.
const STICKY: [&str; 2] = [super::traffic::LIVE, EXECUTE_COMMAND];

/// Of services that are older than the parameter only its Default is true: the template without it.
const EXECUTE_COMMAND: &str = "ExecuteCommand";

/// Parameter to value; `None` asks CloudFormation to keep the value it has.
pub(crate) type SentParameters = BTreeMap<String, Option<String>>;

/// A stack as DescribeStacks and GetTemplate (stage Original) return it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deployed<'a> {
    /// Its ARN.
    pub(crate) id: &'a str,
    pub(crate) template: &'a str,
    pub(crate) parameters: &'a BTreeMap<String, String>,
    pub(crate) capabilities: &'a BTreeSet<String>,
}

/// Why a change set is worth making.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Difference {
    Template,
    /// Values are left out where AWS does not show them.
    Parameter {
        name: String,
        from: Option<String>,
        to: Option<String>,
    },
    Capability {
        name: String,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |value: &Option<String>| {
            value.as_ref().map_or_else(|| "none".to_owned(), |value| format!("`{value}`"))
        };
        match self {
            Self::Template => write!(f, "template"),
            Self::Parameter { name, from: None, to: None } => {
                write!(f, "parameter `{name}` (value not shown)")
            }
            Self::Parameter { name, from, to } => {
                write!(f, "parameter `{name}`: {} -> {}", shown(from), shown(to))
            }
            Self::Capability { name } => write!(f, "capability `{name}`"),
        }
    }
}

/// The tag that holds a stack's short name.
pub(crate) const PROJECT_TAG: &str = "seatrial:project";
pub(crate) const ENVIRONMENT_TAG: &str = "seatrial:environment";
pub(crate) const STACK_TAG: &str = "seatrial:stack";

/// The three tags that make a stack ours. They reach every resource in it, so they never change: a changing tag would be
/// a change of the frozen service. They bear the tool's name, so that no other tool's tags are taken for them.
pub(crate) fn stack_tags(environment: &Environment, stack: &str) -> BTreeMap<String, String> {
    let tags = [
        (PROJECT_TAG, environment.project.as_str()),
        (ENVIRONMENT_TAG, &environment.name),
        (STACK_TAG, stack),
    ];
    tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

/// Whether a stack's tags make it the stack of that short name, whatever others it carries.
pub(crate) fn has_our_tags(tags: &BTreeMap<String, String>, environment: &Environment, stack: &str) -> bool {
    stack_tags(environment, stack).iter().all(|(tag, value)| tags.get(tag) == Some(value))
}

/// The tags to send with a change set, which replaces all that a stack has: those it carries stay. The user's own are
/// given to a stack that is made, `deployed` being `None`, and never changed.
pub(crate) fn sent_tags(
    environment: &Environment,
    stack: &str,
    deployed: Option<&BTreeMap<String, String>>,
) -> BTreeMap<String, String> {
    let mut tags = deployed.unwrap_or(&environment.tags).clone();
    tags.extend(stack_tags(environment, stack));
    tags
}

/// The parameters to send, given their values and, for a stack that is there, the values it has.
pub(crate) fn sent_parameters(
    values: &BTreeMap<String, String>,
    deployed: Option<&BTreeMap<String, String>>,
) -> SentParameters {
    let keeps =
        |name: &str| STICKY.contains(&name) && deployed.is_some_and(|deployed| deployed.contains_key(name));
    let older = deployed.is_some_and(|deployed| !deployed.contains_key(EXECUTE_COMMAND));
    let sent = |(name, value): (&String, &String)| (name.clone(), (!keeps(name)).then(|| value.clone()));
    values.iter().filter(|(name, _)| !(older && *name == EXECUTE_COMMAND)).map(sent).collect()
}

/// How what would be sent differs from what is there; nothing means unchanged. Tags never do: see [`sent_tags`]. Parameters whose value is not
/// shown (NoEcho) or is looked up by CloudFormation (SSM) count as different: only a change set can tell.
pub(crate) fn differences(
    template: &StackTemplate,
    parameters: &SentParameters,
    deployed: &Deployed<'_>,
) -> Vec<Difference> {
    let mut found = Vec::new();
    let before = parse("deployed", "the deployed template", deployed.template.as_bytes()).ok();
    let same =
        before.as_ref().is_some_and(|before| comes_to_the_same(template, parameters, (before, deployed)));
    if !same && before.is_none_or(|before| essential(&template.json) != essential(&before.json)) {
        found.push(Difference::Template);
    }
    for name in union(parameters, deployed.parameters) {
        let (from, to) = (deployed.parameters.get(name), parameters.get(name));
        let declared = template.parameter(name);
        if same && declared.is_none_or(Parameter::is_wired) {
            continue;
        }
        match to {
            Some(None) => {}
            Some(Some(_)) if declared.is_some_and(|parameter| !parameter.is_wired()) => {
                found.push(Difference::Parameter { name: name.clone(), from: None, to: None });
            }
            Some(Some(to)) if from == Some(to) => {}
            _ => found.push(Difference::Parameter {
                name: name.clone(),
                from: from.cloned(),
                to: to.cloned().flatten(),
            }),
        }
    }
    let missing = template.capabilities().into_iter().filter(|name| !deployed.capabilities.contains(*name));
    found.extend(missing.map(|name| Difference::Capability { name: name.to_owned() }));
    found
}

fn union<'a, A, B>(left: &'a BTreeMap<String, A>, right: &'a BTreeMap<String, B>) -> BTreeSet<&'a String> {
    left.keys().chain(right.keys()).collect()
}

/// True if both templates mean the same with their values: comments, layout, short forms, descriptions and metadata
/// aside, and whatever parameters they have for it.
fn comes_to_the_same(
    template: &StackTemplate,
    parameters: &SentParameters,
    (before, deployed): (&StackTemplate, &Deployed<'_>),
) -> bool {
    let sent = parameters.iter().filter_map(|(name, value)| {
        let value = value.as_ref().or_else(|| deployed.parameters.get(name))?;
        Some((name, value))
    });
    let with_pseudo = |mut values: Values| {
        values.extend(pseudo_parameters(deployed.id));
        values
    };
    let after = resolved(&template.json, &with_pseudo(values(template, &sent.collect())));
    let had = with_pseudo(values(before, &deployed.parameters.iter().collect()));
    essential(&after) == essential(&resolved(&before.json, &had))
}

/// A template without what changes nothing: Description and Metadata, wherever they belong to the template and
/// not to a resource's properties.
pub(crate) fn essential(template: &Value) -> Value {
    let Value::Object(sections) = template else { return template.clone() };
    let mut essential = without(sections);
    for name in ["Parameters", "Resources", "Outputs"] {
        if let Some(Value::Object(section)) = essential.get_mut(name) {
            for (_, entry) in section.iter_mut() {
                if let Value::Object(fields) = entry {
                    *fields = without(fields);
                }
            }
        }
    }
    Value::Object(essential)
}

fn without(fields: &Map<String, Value>) -> Map<String, Value> {
    let kept = fields.iter().filter(|(key, _)| !matches!(key.as_str(), "Description" | "Metadata"));
    kept.map(|(key, value)| (key.clone(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = "
Description: one
Parameters:
  Port: {Type: Number, Default: 4000}
  LiveTargetGroup: {Type: String, Default: blue}
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties: {Description: kept, Path: !Sub '/${Port}/'}
";

    fn map(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
        entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    /// The differences between the template above and a stack with this template and these parameters.
    fn compare(template: &str, parameters: &[(&str, &str)]) -> Vec<String> {
        let ours = super::super::template::parse("a", "a.yml", TEMPLATE.as_bytes()).unwrap();
        let parameters = map(parameters);
        let sent = sent_parameters(&map(&[("Port", "4000"), ("LiveTargetGroup", "blue")]), Some(&parameters));
        let capabilities = BTreeSet::from(["CAPABILITY_NAMED_IAM".to_owned()]);
        let deployed = Deployed { id: ID, template, parameters: &parameters, capabilities: &capabilities };
        differences(&ours, &sent, &deployed).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_comes_to_the_same_with_other_parameters_is_no_change() {
        let named = [("Port", "4000"), ("LiveTargetGroup", "green"), ("Middle", "/4000/"), ("Unused", "1")];
        let other = TEMPLATE
            .replace("!Sub '/${Port}/'", "!Ref Middle")
            .replace("  Port:", "  Middle: {Type: String}\n  Port:");
        assert_eq!(compare(&other, &named), [""; 0]);
        let named = [("Port", "4000"), ("LiveTargetGroup", "green"), ("Middle", "/80/")];
        assert_eq!(compare(&other, &named), ["template", "parameter `Middle`: `/80/` -> none"]);
    }

    const ID: &str = "arn:aws:cloudformation:eu-central-1:123456789012:stack/a/1";

    const SAME: [(&str, &str); 2] = [("Port", "4000"), ("LiveTargetGroup", "green")];

    #[test]
    fn layout_comments_descriptions_and_the_live_group_are_no_change() {
        assert_eq!(compare(TEMPLATE, &SAME), [""; 0]);
        let other = r#"{"Description": "two", "Resources": {"Role": {"Metadata": {"a": 1}, "Type": "AWS::IAM::Role",
            "Properties": {"Path": {"Fn::Sub": "/${Port}/"}, "Description": "kept"}}},
            "Parameters": {"Port": {"Type": "Number", "Default": 4000, "Description": "p"},
            "LiveTargetGroup": {"Type": "String", "Default": "blue"}}}"#;
        assert_eq!(compare(other, &SAME), [""; 0]);
    }

    #[test]
    fn every_other_difference_is_told() {
        assert_eq!(compare(&TEMPLATE.replace("kept", "new"), &SAME), ["template"]);
        assert_eq!(compare("not: [a template", &SAME), ["template"]);
        let parameters = [("Port", "80"), ("LiveTargetGroup", "blue"), ("Old", "1")];
        let expected = ["parameter `Old`: `1` -> none", "parameter `Port`: `80` -> `4000`"];
        assert_eq!(compare(TEMPLATE, &parameters), expected);
    }

    #[test]
    fn tags_of_others_are_sent_along() {
        let project = "project: web\nsource: {repository: o/n}\nenvironments:\n  local:\n";
        let project = seatrial_project::Project::parse(project.as_bytes()).unwrap();
        let environment = project.environment(None).unwrap();
        let mut theirs = map(&[("team", "platform")]);
        assert!(!has_our_tags(&theirs, environment, "network"));

        let sent = sent_tags(environment, "network", Some(&theirs));
        let ours = [
            ("seatrial:environment", "local"),
            ("seatrial:project", "web"),
            ("seatrial:stack", "network"),
            ("team", "platform"),
        ];
        assert_eq!(sent, map(&ours));

        theirs.extend(sent);
        assert!(has_our_tags(&theirs, environment, "network"));
        assert!(!has_our_tags(&theirs, environment, "database"));
    }

    #[test]
    fn a_value_that_aws_does_not_show_is_never_taken_for_unchanged() {
        let text = "Parameters: {Key: {Type: String, NoEcho: true}}\nResources: {B: {Type: AWS::S3::Bucket}}";
        let ours = super::super::template::parse("a", "a.yml", text.as_bytes()).unwrap();
        let parameters = map(&[("Key", "****")]);
        let deployed =
            Deployed { id: ID, template: text, parameters: &parameters, capabilities: &BTreeSet::new() };
        let sent = sent_parameters(&map(&[("Key", "****")]), Some(&parameters));
        let found = differences(&ours, &sent, &deployed);
        assert_eq!(
            found.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["parameter `Key` (value not shown)"]
        );
    }

    #[test]
    fn a_service_that_was_made_without_a_way_to_a_shell_stays_without_and_one_with_it_keeps_it() {
        let values = map(&[(EXECUTE_COMMAND, "true"), ("Port", "4000")]);
        assert_eq!(sent_parameters(&values, None)[EXECUTE_COMMAND].as_deref(), Some("true"));
        let older = sent_parameters(&values, Some(&map(&[("Port", "4000")])));
        assert!(!older.contains_key(EXECUTE_COMMAND), "{older:?}");
        for had in ["true", "false"] {
            let kept = sent_parameters(&values, Some(&map(&[(EXECUTE_COMMAND, had)])));
            assert_eq!(kept[EXECUTE_COMMAND], None);
        }
    }

    #[test]
    fn the_live_group_is_sent_only_to_a_new_stack() {
        let values = map(&[("LiveTargetGroup", "blue"), ("Port", "4000")]);
        assert_eq!(sent_parameters(&values, None)["LiveTargetGroup"].as_deref(), Some("blue"));
        let kept = sent_parameters(&values, Some(&map(&SAME)));
        assert_eq!((kept["LiveTargetGroup"].as_deref(), kept["Port"].as_deref()), (None, Some("4000")));
    }
}
