//! A deployment: what AWS shows of it, and what its engine keeps to go on after a restart.

use serde::{Deserialize, Serialize};

use super::appspec::AppSpec;
use super::shapes::{AutoRollback, BlueGreen, DeploymentStyle, Group, LoadBalancerInfo, Revision, Routing};
use crate::clock::Epoch;
use crate::cloud::Cloud;

/// What `GetDeployment` answers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Info {
    pub application_name: String,
    pub deployment_group_name: String,
    pub deployment_config_name: String,
    pub deployment_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_revision: Option<Revision>,
    pub revision: Revision,
    /// `Created`, `Queued`, `InProgress`, `Ready`, `Succeeded`, `Failed` or `Stopped`.
    pub status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_information: Option<ErrorInformation>,
    pub create_time: Option<Epoch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Epoch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub complete_time: Option<Epoch>,
    pub deployment_overview: Overview,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// `user` or `codeDeployRollback`.
    pub creator: String,
    pub ignore_application_stop_failures: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_rollback_configuration: Option<AutoRollback>,
    pub update_outdated_instances_only: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollback_info: Option<RollbackInfo>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment_style: Option<DeploymentStyle>,
    pub instance_termination_wait_time_started: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blue_green_deployment_configuration: Option<BlueGreen>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_balancer_info: Option<LoadBalancerInfo>,
    pub file_exists_behavior: String,
    pub deployment_status_messages: Vec<String>,
    pub compute_platform: String,
}

impl Info {
    pub(super) fn has_ended(&self) -> bool {
        matches!(self.status.as_str(), "Succeeded" | "Failed" | "Stopped")
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ErrorInformation {
    /// `HEALTH_CONSTRAINTS`, `ALARM_ACTIVE`, `MANUAL_STOP`, …
    pub code: String,
    pub message: String,
}

/// Targets by state; an ECS deployment has one.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Overview {
    pub pending: i64,
    pub in_progress: i64,
    pub succeeded: i64,
    pub failed: i64,
    pub skipped: i64,
    pub ready: i64,
}

impl Overview {
    pub(super) fn of(status: &str) -> Self {
        let mut overview = Self::default();
        match status {
            "InProgress" => overview.in_progress = 1,
            "Ready" => overview.ready = 1,
            "Succeeded" => overview.succeeded = 1,
            "Failed" => overview.failed = 1,
            "Stopped" => overview.skipped = 1,
            _ => overview.pending = 1,
        }
        overview
    }
}

/// How a deployment and its rollback find each other.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct RollbackInfo {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollback_deployment_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollback_triggering_deployment_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollback_message: Option<String>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct LifecycleEvent {
    pub lifecycle_event_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diagnostics: Option<Diagnostics>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Epoch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_time: Option<Epoch>,
    /// `Pending`, `InProgress`, `Succeeded`, `Failed` or `Skipped`.
    pub status: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Diagnostics {
    pub error_code: String,
    pub script_name: String,
    pub message: String,
    pub log_tail: String,
}

/// Where a deployment stands: what its engine does next.
///
/// ```text
/// Created > Queued > Prepare > Install > Steady > Test > Ready > Shift (> Bake > Shift)* > Promote > Wait
///         > Terminate > Gone > Ended
/// of a rollback: Created > Queued > Back > Remove > Gone > Ended
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Phase {
    Created,
    Queued,
    /// Reads the service and its listeners, and clears away what an earlier deployment left.
    Prepare,
    Install,
    /// The replacement task set gets healthy.
    Steady,
    Test,
    /// Somebody's word is waited for.
    Ready,
    Shift,
    /// Between two shares of the traffic.
    Bake,
    Promote,
    /// The original task set stays for a way back.
    Wait,
    Terminate,
    /// A rollback takes the traffic back.
    Back,
    /// A rollback deletes the replacement task set.
    Remove,
    /// The deleted task set drains.
    Gone,
    Ended,
}

/// A task set of a deployment, as it was seen last.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Set {
    /// `ecs-svc/` and 19 digits.
    pub id: String,
    pub target_group: TargetGroup,
    pub status: String,
    /// Percent of production's traffic.
    pub weight: f64,
    pub desired: i64,
    pub pending: i64,
    pub running: i64,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct TargetGroup {
    pub arn: String,
    pub name: String,
}

/// Somebody asked to stop.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Stop {
    pub rolls_back: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Row {
    pub info: Info,
    /// The group as it was when the deployment was made.
    pub group: Group,
    pub routing: Routing,
    pub phase: Phase,
    /// When the phase began.
    pub since: Epoch,
    pub updated: Epoch,
    pub events: Vec<LifecycleEvent>,
    /// Read when it is needed: `Prepare` refuses what is wrong with it.
    pub spec: Option<AppSpec>,
    /// The target group that gets the replacement.
    pub vacant: TargetGroup,
    /// The original.
    pub blue: Option<Set>,
    /// The replacement.
    pub green: Option<Set>,
    /// How many steps of the traffic were made.
    pub shifted: usize,
    /// Calls that failed for a passing reason, one after another.
    pub tries: u32,
    pub stop: Option<Stop>,
    /// `READY_WAIT` was ended by a call.
    pub go_on: bool,
    /// `TERMINATION_WAIT` was ended by a call.
    pub terminate_now: bool,
}

/// What calls write while the engine works: it must not write over them.
impl Row {
    pub(super) fn keep_requests_of(&mut self, stored: &Self) {
        self.stop.clone_from(&stored.stop);
        self.go_on = stored.go_on;
        self.terminate_now = stored.terminate_now;
    }

    pub(super) fn is_rollback(&self) -> bool {
        self.info.creator == "codeDeployRollback"
    }

    /// Whether the original task set is being ended, or all is over.
    pub(super) fn is_past_return(&self) -> bool {
        self.phase >= Phase::Terminate
    }

    pub(super) fn set_status(&mut self, status: &str) {
        self.info.status = status.to_owned();
        self.info.deployment_overview = Overview::of(status);
    }

    pub(super) fn enter(&mut self, phase: Phase, now: Epoch) {
        self.phase = phase;
        self.since = now;
        self.tries = 0;
    }

    pub(super) fn begin(&mut self, event: &str, now: Epoch) {
        self.note(event, "InProgress", now);
    }

    pub(super) fn succeed(&mut self, event: &str, now: Epoch) {
        self.note(event, "Succeeded", now);
    }

    pub(super) fn skip(&mut self, event: &str, now: Epoch) {
        self.note(event, "Skipped", now);
    }

    fn note(&mut self, name: &str, status: &str, now: Epoch) {
        let Some(event) = self.events.iter_mut().find(|event| event.lifecycle_event_name == name) else {
            return;
        };
        event.status = status.to_owned();
        event.start_time.get_or_insert(now);
        if status != "InProgress" {
            event.end_time = Some(now);
        }
        self.updated = now;
    }

    /// The event that is under way fails with `message`, the ones after it are skipped.
    pub(super) fn break_off(&mut self, message: &str, now: Epoch) {
        let running = self.events.iter().position(|event| event.status == "InProgress");
        if let Some(event) = running.and_then(|index| self.events.get_mut(index)) {
            event.status = "Failed".to_owned();
            event.end_time = Some(now);
            event.diagnostics = Some(Diagnostics {
                error_code: "UnknownError".to_owned(),
                script_name: String::new(),
                message: message.to_owned(),
                log_tail: String::new(),
            });
        }
        for event in self.events.iter_mut().filter(|event| event.status == "Pending") {
            event.status = "Skipped".to_owned();
        }
        self.updated = now;
    }
}

/// The lifecycle events of a deployment, in AWS's order.
pub(crate) fn lifecycle(has_test_listener: bool) -> Vec<LifecycleEvent> {
    const TEST: [&str; 2] = ["AllowTestTraffic", "AfterAllowTestTraffic"];
    let names = [
        "BeforeInstall",
        "Install",
        "AfterInstall",
        TEST[0],
        TEST[1],
        "BeforeAllowTraffic",
        "AllowTraffic",
        "AfterAllowTraffic",
    ];
    let kept = names.into_iter().filter(|name| has_test_listener || !TEST.contains(name));
    let event = |name: &str| LifecycleEvent {
        lifecycle_event_name: name.to_owned(),
        status: "Pending".to_owned(),
        ..LifecycleEvent::default()
    };
    kept.map(event).collect()
}

/// A deployment of `revision` that has not begun.
pub(super) fn new_row(cloud: &Cloud, group: Group, revision: Revision, routing: Routing) -> Row {
    let now = cloud.clock().now();
    let settings = &group.settings;
    let info = Info {
        application_name: group.application_name.clone(),
        deployment_group_name: group.deployment_group_name.clone(),
        deployment_config_name: group.deployment_config_name.clone(),
        deployment_id: format!("d-{}", crate::id::upper(9)),
        previous_revision: group.target_revision.clone(),
        revision,
        status: "Created".to_owned(),
        create_time: Some(now),
        deployment_overview: Overview::of("Created"),
        auto_rollback_configuration: settings.auto_rollback_configuration.clone(),
        deployment_style: settings.deployment_style.clone(),
        blue_green_deployment_configuration: settings.blue_green_deployment_configuration.clone(),
        load_balancer_info: settings.load_balancer_info.clone(),
        file_exists_behavior: "DISALLOW".to_owned(),
        compute_platform: "ECS".to_owned(),
        ..Info::default()
    };
    let has_test_listener = settings.pair().is_some_and(|pair| pair.test_listener().is_some());
    Row {
        info,
        group,
        routing,
        phase: Phase::Created,
        since: now,
        updated: now,
        events: lifecycle(has_test_listener),
        spec: None,
        vacant: TargetGroup::default(),
        blue: None,
        green: None,
        shifted: 0,
        tries: 0,
        stop: None,
        go_on: false,
        terminate_now: false,
    }
}
