//! The guard: what a change set must not do.
//!
//! Pure: it looks at the changes AWS announced and says which are refused, with the safe route. Refused always:
//! any change of a service under CodeDeploy (CloudFormation would send the task definition along, which ECS
//! refuses), what would send traffic elsewhere, and the replacement of what serves production. Refused unless allowed by
//! name: replacement or removal of what holds data, or of what another stack uses. Refused unless allowed at all: what
//! makes a database stop.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::Serialize;
use serde_json::Value;

use super::resource_name::ResourceName;
use super::traffic::Route;

/// What holds data, or takes a person to make again: cfn-lint's list of stateful types (`StatefulResources.json`), and
/// connections, log groups and secrets.
const STATEFUL: [&str; 35] = [
    "AWS::Backup::BackupVault",
    "AWS::CloudFormation::Stack",
    "AWS::CodeConnections::Connection",
    "AWS::CodeStarConnections::Connection",
    "AWS::Cognito::UserPool",
    "AWS::DocDB::DBCluster",
    "AWS::DocDB::DBInstance",
    "AWS::DynamoDB::GlobalTable",
    "AWS::DynamoDB::Table",
    "AWS::EC2::Volume",
    "AWS::ECR::Repository",
    "AWS::EFS::FileSystem",
    "AWS::EMR::Cluster",
    "AWS::ElastiCache::CacheCluster",
    "AWS::ElastiCache::ReplicationGroup",
    "AWS::Elasticsearch::Domain",
    "AWS::FSx::FileSystem",
    "AWS::KMS::Key",
    "AWS::Kinesis::Stream",
    "AWS::Logs::LogGroup",
    "AWS::Neptune::DBCluster",
    "AWS::Neptune::DBInstance",
    "AWS::OpenSearchService::Domain",
    "AWS::Organizations::Account",
    "AWS::QLDB::Ledger",
    "AWS::RDS::DBCluster",
    "AWS::RDS::DBInstance",
    "AWS::Redshift::Cluster",
    "AWS::S3::Bucket",
    "AWS::SDB::Domain",
    "AWS::SQS::Queue",
    "AWS::SSM::Parameter",
    "AWS::SecretsManager::Secret",
    "AWS::Timestream::Database",
    "AWS::Timestream::Table",
];
const DATABASES: [&str; 2] = ["AWS::RDS::DBCluster", "AWS::RDS::DBInstance"];
/// Properties of databases whose change stops nothing. The others' pages say "some interruptions", or nothing; and
/// CloudFormation applies changes at once, not in the maintenance window.
const CALM: [&str; 15] = [
    "AllowMajorVersionUpgrade",
    "AllocatedStorage",
    "AutoMinorVersionUpgrade",
    "CopyTagsToSnapshot",
    "DeleteAutomatedBackups",
    "DeletionProtection",
    "EnableCloudwatchLogsExports",
    "EnablePerformanceInsights",
    "MaxAllocatedStorage",
    "PerformanceInsightsRetentionPeriod",
    "PreferredBackupWindow",
    "PreferredMaintenanceWindow",
    "PubliclyAccessible",
    "Tags",
    "VPCSecurityGroups",
];
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
    pub(crate) physical_id: Option<String>,
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
    /// The stack's short name, and the resources whose replacement or removal the user allowed.
    pub(crate) stack: &'a str,
    pub(crate) allow_replace: &'a [ResourceName],
    /// Whether what makes a database stop for a while may be changed.
    pub(crate) allow_interruption: bool,
    pub(crate) traffic: Traffic<'a>,
}

/// What the guard has to know of the way to the application.
#[derive(Debug, Clone, Default)]
pub(crate) struct Traffic<'a> {
    /// Whether this is the stack whose traffic rules deployments move.
    pub(crate) is_owner: bool,
    /// What leads to blue or green in the template that is deployed, and in the new one.
    pub(crate) deployed: BTreeSet<Route>,
    pub(crate) wanted: BTreeSet<Route>,
    /// The target group the change set was made with, and the one that is live; `None` where unknown.
    pub(crate) sent: Option<&'a str>,
    pub(crate) live: Option<&'a str>,
    /// Physical IDs of what serves production: load balancer, listener, live target group.
    pub(crate) carriers: BTreeSet<String>,
    /// Whether the rules are made before the listeners are emptied.
    pub(crate) bridged: bool,
}

impl Traffic<'_> {
    /// Whether a change depends on which group is live: it makes, changes or takes away what leads to one of the two.
    pub(crate) fn depends_on_live(&self, change: &Change) -> bool {
        names(&self.deployed, &change.logical_id) || names(&self.wanted, &change.logical_id)
    }

    /// Whether a change would send again what leads to one of the two, and goes on to.
    pub(crate) fn sends_again(&self, change: &Change) -> bool {
        let stays = names(&self.deployed, &change.logical_id) && names(&self.wanted, &change.logical_id);
        stays && change.action != Action::Remove
    }
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
        frozen(change, rules)
            .or_else(|| moves_traffic(change, changes, rules))
            .or_else(|| carries_production(change, changes, rules))
            .or_else(|| loses(change, rules))
            .or_else(|| interrupts(change, rules))
    };
    changes.iter().filter_map(refused).collect()
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

/// Whether a type holds data, or takes a person to make again.
pub(crate) fn is_stateful(kind: &str) -> bool {
    STATEFUL.contains(&kind)
}

/// Whether a type is a database, which may stop while it is changed.
pub(crate) fn is_database(kind: &str) -> bool {
    DATABASES.contains(&kind)
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

/// No edit ever moves traffic: what leads requests to blue or green is made, changed or taken away only where what is
/// sent agrees with what is live.
fn moves_traffic(change: &Change, changes: &[Change], rules: &Rules<'_>) -> Option<Refusal> {
    let traffic = &rules.traffic;
    let id = &change.logical_id;
    let (was, becomes) = (names(&traffic.deployed, id), names(&traffic.wanted, id));
    if !was && !becomes {
        return None;
    }
    if !traffic.is_owner {
        let hint = "forward to a target group of your own";
        let reason = "would forward to a target group that deployments move".to_owned();
        // Whoever mends such a rule may.
        let forwards = becomes && change.action != Action::Remove;
        return forwards.then(|| refusal(change, reason, hint));
    }
    if change.action == Action::Remove {
        let added = changes.iter().filter(|other| other.action == Action::Add);
        let successor = added.into_iter().any(|other| names(&traffic.wanted, &other.logical_id));
        let reason = "would be removed, and with it the way to the application".to_owned();
        return (!successor).then(|| refusal(change, reason, "leave it in the template"));
    }
    if was && !becomes {
        let mut rules = traffic.deployed.iter().chain(traffic.wanted.iter().filter(|_| traffic.bridged));
        let covered = rules.any(|route| route.listener.as_ref() == Some(id));
        let reason = "would no longer lead to the application, and no rule does in its place".to_owned();
        return (!covered)
            .then(|| refusal(change, reason, "give it a traffic rule, as `load-balancer.yml` has"));
    }
    if traffic.live.is_none() && change.action == Action::Add {
        return None;
    }
    if traffic.sent.is_some() && traffic.sent == traffic.live {
        return None;
    }
    let shown = |group: Option<&str>| {
        group.map_or_else(|| "an unknown group".to_owned(), |group| format!("`{group}`"))
    };
    let reason = format!(
        "would move traffic: it would be sent with {}, while {} is live (change of {})",
        shown(traffic.sent),
        shown(traffic.live),
        properties(change)
    );
    Some(refusal(change, reason, "wait until no deployment is in progress, then provision again"))
}

fn names(routes: &BTreeSet<Route>, logical_id: &str) -> bool {
    routes.iter().any(|route| route.logical_id == logical_id)
}

/// How the resource of before ends; `None` where it goes on.
fn end_of(change: &Change) -> Option<&'static str> {
    match (change.action, change.replacement) {
        (Action::Remove, _) => Some("would be removed"),
        (Action::Add | Action::Import, _) | (_, Replacement::False) => None,
        (_, Replacement::Conditional) => Some("may be replaced"),
        (_, Replacement::True) => Some("would be replaced"),
    }
}

/// What carries production is not made anew under it, whoever allows it.
fn carries_production(change: &Change, changes: &[Change], rules: &Rules<'_>) -> Option<Refusal> {
    let id = change.physical_id.as_ref()?;
    if !rules.traffic.carriers.contains(id) {
        return None;
    }
    let what = end_of(change)?;
    // A listener goes where HTTPS does: its successor has the traffic before.
    let added = changes.iter().filter(|other| other.action == Action::Add);
    let is_listener = change.kind.ends_with("::Listener");
    let moved = added.into_iter().any(|other| names(&rules.traffic.wanted, &other.logical_id));
    if is_listener && change.action == Action::Remove && moved {
        return None;
    }
    let reason = format!("{what} by a change of {}; it serves production now", properties(change));
    let hint = "undo the change; what cannot be changed in place is made in another environment, to which the \
                domain then points";
    Some(refusal(change, reason, hint))
}

fn loses(change: &Change, rules: &Rules<'_>) -> Option<Refusal> {
    if rules.allow_replace.iter().any(|allowed| allowed.is(rules.stack, &change.logical_id)) {
        return None;
    }
    let what = end_of(change)?;
    let because = if let Some(uses) = rules.used.get(&change.logical_id) {
        format!("other stacks use it: {}", uses.join(", "))
    } else if is_stateful(&change.kind) {
        "it holds what is not made again".to_owned()
    } else {
        return None;
    };
    let cause = if change.properties.is_empty() {
        String::new()
    } else {
        format!(" by a change of {}", properties(change))
    };
    let name = format!("{}.{}", rules.stack, change.logical_id);
    let hint = format!("undo the change, or allow it with `--allow-replace {name}`");
    Some(refusal(change, format!("{what}{cause}; {because}"), hint))
}

fn interrupts(change: &Change, rules: &Rules<'_>) -> Option<Refusal> {
    let changed = matches!(change.action, Action::Modify | Action::Dynamic | Action::SyncWithActual);
    let loud = stopping(&change.kind, &change.properties);
    if rules.allow_interruption || !changed || loud.is_empty() {
        return None;
    }
    let reason = format!("would stop for a while, at once, by a change of `{}`", loud.join("`, `"));
    Some(refusal(change, reason, "choose a quiet hour, and allow it with `--allow-interruption`"))
}

/// The properties whose change makes a database stop for a while; none of any other type.
pub(crate) fn stopping<'a>(kind: &str, properties: &'a [String]) -> Vec<&'a str> {
    let attributes = ["Metadata", "DeletionPolicy", "UpdateReplacePolicy", "UpdatePolicy", "CreationPolicy"];
    let stops = |name: &&str| DATABASES.contains(&kind) && !CALM.contains(name) && !attributes.contains(name);
    properties.iter().map(String::as_str).filter(stops).collect()
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
mod tests;
