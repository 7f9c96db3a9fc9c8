//! The guard: what a change set must not do.
//!
//! Pure: it looks at the changes AWS announced and says which are refused, with the safe route. Refused always:
//! any change of a service under CodeDeploy (CloudFormation would send the task definition along, which ECS
//! refuses), and a listener that would send traffic elsewhere. Refused unless allowed by name: replacement or
//! removal of what holds data, or of what another stack uses.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::Serialize;
use serde_json::Value;

/// What holds data, or takes a person to make again.
const STATEFUL: [&str; 10] = [
    "AWS::CodeConnections::Connection",
    "AWS::CodeStarConnections::Connection",
    "AWS::DynamoDB::Table",
    "AWS::ECR::Repository",
    "AWS::EFS::FileSystem",
    "AWS::Logs::LogGroup",
    "AWS::RDS::DBCluster",
    "AWS::RDS::DBInstance",
    "AWS::S3::Bucket",
    "AWS::SecretsManager::Secret",
];
const LISTENERS: [&str; 2] =
    ["AWS::ElasticLoadBalancingV2::Listener", "AWS::ElasticLoadBalancingV2::ListenerRule"];
const SERVICE: &str = "AWS::ECS::Service";

/// What is to happen to a resource (AWS: ChangeAction).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) enum Action {
    Add,
    Modify,
    Remove,
    Import,
    /// AWS cannot tell yet.
    Dynamic,
    SyncWithActual,
}

impl Action {
    /// The action as AWS spells it; one that is not known is treated like one AWS cannot tell.
    pub(crate) fn from_aws(text: &str) -> Self {
        match text {
            "Add" => Self::Add,
            "Modify" => Self::Modify,
            "Remove" => Self::Remove,
            "Import" => Self::Import,
            "SyncWithActual" => Self::SyncWithActual,
            _ => Self::Dynamic,
        }
    }
}

/// Whether a modified resource is made anew (AWS: Replacement).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) enum Replacement {
    False,
    /// It depends on a value that is not known yet.
    Conditional,
    True,
}

impl Replacement {
    /// The replacement as AWS spells it; AWS leaves it out where nothing is replaced.
    pub(crate) fn from_aws(text: Option<&str>) -> Self {
        match text {
            None | Some("False" | "") => Self::False,
            Some("True") => Self::True,
            Some(_) => Self::Conditional,
        }
    }
}

/// One resource change of a change set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Change {
    pub(crate) logical_id: String,
    /// `AWS::ECS::Service`, …
    pub(crate) kind: String,
    pub(crate) action: Action,
    pub(crate) replacement: Replacement,
    /// The names of the properties that change.
    pub(crate) properties: Vec<String>,
    /// Properties, Metadata, Tags, … (AWS: ResourceAttribute).
    pub(crate) scope: Vec<String>,
}

/// What the guard has to know besides the changes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rules<'a> {
    /// Logical IDs of services under CodeDeploy, in the template that is deployed or the new one; see
    /// [`code_deploy_services`].
    pub(crate) code_deploy_services: BTreeSet<String>,
    /// What other nodes use; see `Graph::used_resources`.
    pub(crate) used: BTreeMap<String, Vec<String>>,
    /// Logical IDs whose replacement or removal the user allowed.
    pub(crate) allow_replace: &'a [String],
    /// The target group the change set was made with, and the one that has the traffic; `None` where unknown.
    pub(crate) sent_live: Option<&'a str>,
    pub(crate) actual_live: Option<&'a str>,
}

/// A change that is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Refusal {
    pub(crate) logical_id: String,
    pub(crate) kind: String,
    pub(crate) reason: String,
    /// The safe route.
    pub(crate) hint: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}` {}", self.kind, self.logical_id, self.reason)
    }
}

/// The changes of one stack that are refused; none means the change set may be executed.
pub(crate) fn refusals(changes: &[Change], rules: &Rules<'_>) -> Vec<Refusal> {
    let refused = |change| {
        frozen(change, rules).or_else(|| moves_traffic(change, rules)).or_else(|| loses(change, rules))
    };
    changes.iter().filter_map(refused).collect()
}

/// True if a listener would be changed: then the change set has to be made again with `LiveTargetGroup` set to
/// the group that has the traffic.
pub(crate) fn touches_listener(changes: &[Change]) -> bool {
    changes.iter().any(|change| is_listener(change) && change.action != Action::Add)
}

/// The services of a template (with long forms) that CodeDeploy deploys.
pub(crate) fn code_deploy_services(template: &Value) -> BTreeSet<String> {
    let resources = template.get("Resources").and_then(Value::as_object);
    let under_code_deploy = |resource: &Value| {
        let kind = resource.get("Type").and_then(Value::as_str);
        let controller = resource.pointer("/Properties/DeploymentController/Type").and_then(Value::as_str);
        kind == Some(SERVICE) && controller == Some("CODE_DEPLOY")
    };
    let services = resources.into_iter().flatten().filter(|(_, resource)| under_code_deploy(resource));
    services.map(|(logical_id, _)| logical_id.clone()).collect()
}

fn frozen(change: &Change, rules: &Rules<'_>) -> Option<Refusal> {
    let frozen = change.kind == SERVICE && rules.code_deploy_services.contains(&change.logical_id);
    // Its removal loses it, which is another rule.
    if !frozen || matches!(change.action, Action::Add | Action::Import | Action::Remove) {
        return None;
    }
    let hint = "cpu, memory, image and variables change by a release; network and platform version in \
                .aws/appspec.yaml; anything else by taking the service out of the template and putting it back";
    Some(refusal(
        change,
        format!("is frozen while CodeDeploy deploys it, found a change of {}", properties(change)),
        hint,
    ))
}

fn moves_traffic(change: &Change, rules: &Rules<'_>) -> Option<Refusal> {
    let changed = !matches!(change.action, Action::Add | Action::Import | Action::Remove);
    if !is_listener(change) || !changed || change.replacement != Replacement::False {
        return None;
    }
    if rules.sent_live.is_some() && rules.sent_live == rules.actual_live {
        return None;
    }
    let shown = |group: Option<&str>| {
        group.map_or_else(|| "an unknown group".to_owned(), |group| format!("`{group}`"))
    };
    let reason = format!(
        "would move traffic: its default action would be sent again with {}, while {} has the traffic (change of {})",
        shown(rules.sent_live),
        shown(rules.actual_live),
        properties(change)
    );
    Some(refusal(change, reason, "wait until no deployment is in progress, then provision again"))
}

fn loses(change: &Change, rules: &Rules<'_>) -> Option<Refusal> {
    if rules.allow_replace.contains(&change.logical_id) {
        return None;
    }
    let what = match (change.action, change.replacement) {
        (Action::Remove, _) => "would be removed",
        (Action::Add | Action::Import, _) | (_, Replacement::False) => return None,
        (_, Replacement::Conditional) => "may be replaced",
        (_, Replacement::True) => "would be replaced",
    };
    let because = if let Some(uses) = rules.used.get(&change.logical_id) {
        format!("other stacks use it: {}", uses.join(", "))
    } else if STATEFUL.contains(&change.kind.as_str()) {
        "it holds what is not made again".to_owned()
    } else {
        return None;
    };
    let cause = if change.properties.is_empty() {
        String::new()
    } else {
        format!(" by a change of {}", properties(change))
    };
    let hint = format!("undo the change, or allow it with `--allow-replace {}`", change.logical_id);
    Some(refusal(change, format!("{what}{cause}; {because}"), hint))
}

fn is_listener(change: &Change) -> bool {
    LISTENERS.contains(&change.kind.as_str())
}

fn properties(change: &Change) -> String {
    let names = if change.properties.is_empty() { &change.scope } else { &change.properties };
    if names.is_empty() {
        "something AWS does not name".to_owned()
    } else {
        format!("`{}`", names.join("`, `"))
    }
}

fn refusal(change: &Change, reason: String, hint: impl Into<String>) -> Refusal {
    Refusal { logical_id: change.logical_id.clone(), kind: change.kind.clone(), reason, hint: hint.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(kind: &str, action: Action, replacement: Replacement, property: &str) -> Change {
        let properties = if property.is_empty() { vec![] } else { vec![property.to_owned()] };
        Change {
            logical_id: "It".to_owned(),
            kind: kind.to_owned(),
            action,
            replacement,
            properties,
            scope: vec!["Properties".to_owned()],
        }
    }

    fn refused(change: &Change, rules: &Rules<'_>) -> Option<String> {
        refusals(std::slice::from_ref(change), rules).first().map(ToString::to_string)
    }

    #[test]
    fn any_change_of_a_code_deploy_service_is_refused() {
        let template = serde_json::json!({"Resources": {
            "It": {"Type": SERVICE, "Properties": {"DeploymentController": {"Type": "CODE_DEPLOY"}}},
            "Other": {"Type": SERVICE, "Properties": {}}}});
        let rules = Rules { code_deploy_services: code_deploy_services(&template), ..Rules::default() };
        assert_eq!(Vec::from_iter(&rules.code_deploy_services), ["It"]);
        let tags = change(SERVICE, Action::Modify, Replacement::False, "Tags");
        let expected =
            "AWS::ECS::Service `It` is frozen while CodeDeploy deploys it, found a change of `Tags`";
        assert_eq!(refused(&tags, &rules).unwrap(), expected);
        assert_eq!(refused(&tags, &Rules::default()), None);
        assert_eq!(refused(&change(SERVICE, Action::Add, Replacement::False, ""), &rules), None);
    }

    #[test]
    fn a_listener_may_change_only_with_the_group_that_has_the_traffic() {
        let listener = change(LISTENERS[0], Action::Modify, Replacement::False, "Certificates");
        assert!(touches_listener(std::slice::from_ref(&listener)));
        let rules = |sent, actual| Rules { sent_live: sent, actual_live: actual, ..Rules::default() };
        assert!(
            refused(&listener, &rules(Some("blue"), Some("green")))
                .unwrap()
                .contains("with `blue`, while `green` has")
        );
        assert!(refused(&listener, &rules(None, None)).is_some());
        assert_eq!(refused(&listener, &rules(Some("green"), Some("green"))), None);
    }

    #[test]
    fn what_holds_data_is_replaced_or_removed_only_if_allowed_by_name() {
        let replaced = change("AWS::RDS::DBInstance", Action::Modify, Replacement::True, "StorageEncrypted");
        let expected = "AWS::RDS::DBInstance `It` would be replaced by a change of `StorageEncrypted`; it holds what is not made again";
        assert_eq!(refused(&replaced, &Rules::default()).unwrap(), expected);
        let removed = change("AWS::S3::Bucket", Action::Remove, Replacement::False, "");
        assert!(refused(&removed, &Rules::default()).unwrap().contains("would be removed"));
        let may = change("AWS::Logs::LogGroup", Action::Modify, Replacement::Conditional, "LogGroupName");
        assert!(refused(&may, &Rules::default()).unwrap().contains("may be replaced"));
        let allowed = ["It".to_owned()];
        assert_eq!(refused(&removed, &Rules { allow_replace: &allowed, ..Rules::default() }), None);
        let changed = change("AWS::S3::Bucket", Action::Modify, Replacement::False, "Tags");
        assert_eq!(refused(&changed, &Rules::default()), None);
    }

    #[test]
    fn what_another_stack_uses_is_kept_too() {
        let replaced = change("AWS::EC2::VPC", Action::Modify, Replacement::True, "CidrBlock");
        assert_eq!(refused(&replaced, &Rules::default()), None);
        let used = BTreeMap::from([("It".to_owned(), vec!["VpcId (database)".to_owned()])]);
        let found = refused(&replaced, &Rules { used, ..Rules::default() }).unwrap();
        assert!(found.ends_with("other stacks use it: VpcId (database)"), "{found}");
    }
}
