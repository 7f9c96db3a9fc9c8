//! What is told of each way in which a release goes wrong.

use clap::ValueEnum as _;

use super::*;
use crate::aws::{ActionRun, Build, BuildPhase, Execution, LogLine, StoppedTask, TrafficShare};
use crate::cli::Scenario;
use crate::commands::explain::facts::Roles;
use crate::follow::{Cause, Requests, Sign, TaskEvidence};
use crate::rollout::{Rollout, RolloutId, RolloutStep};

/// An execution whose action of that provider failed with these words.
fn failed(provider: &str, error: &str) -> Facts {
    let (stage, action) = match provider {
        "CodeStarSourceConnection" => ("Source", "Source"),
        "CodeBuild" => ("Build", "Build"),
        _ => ("Deploy", "Deploy"),
    };
    Facts {
        execution: Execution { id: "e".to_owned(), status: "Failed".to_owned(), revision: None },
        failed: Some(ActionRun {
            stage: stage.to_owned(),
            action: action.to_owned(),
            provider: provider.to_owned(),
            status: "Failed".to_owned(),
            error: Some(error.to_owned()),
            ..ActionRun::default()
        }),
        ..Facts::default()
    }
}

fn built(status: &str, context: &str, log: &[&str]) -> Facts {
    let phase = BuildPhase {
        name: "BUILD".to_owned(),
        status: Some("FAILED".to_owned()),
        time: None,
        duration_s: Some(3),
        contexts: vec![context.to_owned()],
    };
    let build = Build {
        status: status.to_owned(),
        phases: vec![phase],
        log_group: None,
        log_stream: None,
        exported: Vec::new(),
    };
    let log = log.iter().map(|line| (*line).to_owned()).collect();
    let words = "Build terminated with state: FAILED";
    Facts { build: Some((build, log)), ..failed("CodeBuild", words) }
}

fn deployed(error: &str) -> Facts {
    let step = |name: &str, progress| RolloutStep {
        name: name.to_owned(),
        status: String::new(),
        progress,
        time: None,
        diagnostics: None,
    };
    let share = |id: &str, label: &str, weight, running| TrafficShare {
        id: id.to_owned(),
        label: label.to_owned(),
        weight,
        desired: 2,
        pending: 0,
        running,
    };
    let rollout = Rollout {
        id: RolloutId("d-1".to_owned()),
        error: Some(error.to_owned()),
        steps: vec![step("Install", Some(Progress::Failed)), step("AllowTraffic", None)],
        traffic: vec![share("ecs-svc/1", "Blue", 100.0, 2), share("ecs-svc/2", "Green", 0.0, 0)],
        ..Rollout::of_test(Progress::Failed)
    };
    Facts { rollout: Some(rollout), ..failed("CodeDeployToECS", "Deployment d-1 failed") }
}

fn stopped(code: &str, reason: &str, log: &str) -> Facts {
    let task = StoppedTask {
        arn: "arn:task/c/0a1b".to_owned(),
        started_by: "ecs-svc/2".to_owned(),
        code: code.to_owned(),
        reason: reason.to_owned(),
        ..StoppedTask::default()
    };
    let log = vec![LogLine { time: None, text: log.to_owned() }];
    let evidence = TaskEvidence { id: "0a1b".to_owned(), stopped: Some(task.clone()), log };
    let sign = Sign::Task { cause: Cause::of(&task, &[]), task };
    let mut facts = deployed("MANUAL_STOP: The deployment was stopped.");
    (facts.sign, facts.tasks) = (Some(sign), vec![evidence]);
    facts
}

/// A way to go wrong, with its first cause and a word that must be told.
type Case = (Facts, Kind, &'static str);

fn cases() -> Vec<Case> {
    [of_the_source(), of_the_build(), of_the_migration(), of_the_rollout(), of_the_tasks()]
        .into_iter()
        .flatten()
        .collect()
}

/// A build that came no further.
fn of_download(context: &str) -> Facts {
    let mut facts = built("FAILED", context, &[]);
    let (build, _) = facts.build.as_mut().unwrap();
    build.phases[0].name = "DOWNLOAD_SOURCE".to_owned();
    facts
}

/// The action `Migrate` failed in a build with this log.
fn migrated(status: &str, log: &[&str]) -> Facts {
    let mut facts =
        built(status, "Error while executing command: \"$CODEBUILD_SRC_DIR/seatrial-image\"", log);
    let failed = facts.failed.as_mut().unwrap();
    (failed.stage, failed.action) = ("Deploy".to_owned(), "Migrate".to_owned());
    facts
}

fn of_the_migration() -> Vec<Case> {
    let ended = "error: failed to migrate: task 7 ended with exit code 1";
    let reason = "  caused by: Essential container in task exited";
    let lines = ["task 7: RUNNING", "| error: relation \"entries\" does not exist", ended, reason];
    let denied = "  caused by: AccessDeniedException: User: arn:aws:sts::1:assumed-role/web-release/b is not authorized to \
                  perform: iam:PassRole on resource: arn:aws:iam::1:role/web because no policy allows it";
    vec![
        (migrated("FAILED", &lines), Kind::Migration, "relation \"entries\" does not exist"),
        (migrated("FAILED", &lines), Kind::Migration, "exit code 1"),
        (migrated("FAILED", &["error: failed to run the task", denied]), Kind::Denied, "iam:PassRole"),
        (migrated("STOPPED", &["| one", "task 7: RUNNING"]), Kind::Stopped, "stopped the build"),
        (migrated("TIMED_OUT", &["| one"]), Kind::BuildTimedOut, "longer"),
    ]
}

/// Before anything is built.
fn of_the_source() -> Vec<Case> {
    let mut superseded = failed("", "");
    superseded.execution.status = "Superseded".to_owned();
    vec![
        (superseded, Kind::Superseded, "newer commit"),
        (
            failed(
                "CodeStarSourceConnection",
                "[GitHub] Unable to use Connection: arn:c. The connection is in status PENDING",
            ),
            Kind::Connection,
            "handshake",
        ),
        (
            failed("CodeStarSourceConnection", "No Branch [gone] found for FullRepositoryName [o/n]"),
            Kind::Source,
            "branch",
        ),
        (
            failed(
                "CodeStarSourceConnection",
                "User: arn:aws:sts::1:assumed-role/web-pipeline/1 is not authorized to perform: s3:PutObjectAcl on resource: \"arn:aws:s3:::b/k\"",
            ),
            Kind::Denied,
            "s3:PutObjectAcl",
        ),
    ]
}

/// In the build.
fn of_the_build() -> Vec<Case> {
    vec![
        (
            built(
                "FAILED",
                "COMMAND_EXECUTION_ERROR: Error while executing command: set -e …. Reason: exit status 101",
                &[
                    "[Container] Running command set -e",
                    "   Compiling app v0.1.0",
                    "error[E0425]: cannot find value `x` in this scope",
                    "  --> app/src/main.rs:7:5",
                    "   |",
                ],
            ),
            Kind::Build,
            "E0425",
        ),
        (
            built(
                "FAILED",
                "COMMAND_EXECUTION_ERROR: Error while executing command: set -e …. Reason: exit status 101",
                &[
                    "[Container] Running command set -e",
                    "error: failed to get `hidden` as a dependency of package `app v0.1.0`",
                    "Caused by:",
                    "  failed to authenticate when downloading repository: https://github.com/me/hidden",
                ],
            ),
            Kind::Build,
            "image.registry_secrets",
        ),
        (of_download("parameter does not exist: /ci/git"), Kind::Build, "`doctor` tells it"),
        (built("TIMED_OUT", "BUILD_TIMED_OUT: Build has timed out.", &[]), Kind::BuildTimedOut, "longer"),
        (
            failed(
                "CodeBuild",
                "Error calling startBuild: Cannot have more than 1 builds in queue for the account",
            ),
            Kind::BuildQueue,
            "quota",
        ),
    ]
}

/// In the deployment, or before there is one.
fn of_the_rollout() -> Vec<Case> {
    let mut requests = deployed("MANUAL_STOP: The deployment was stopped.");
    let (failures, example) = (9, "status 503".to_owned());
    requests.sign = Some(Sign::Requests { failed: failures, budget: 5, example });
    // In whatever words AWS tells it: the new tasks stood, and traffic had not moved.
    let mut unplaced = deployed("MANUAL_STOP: The deployment was stopped.");
    let full = "(service web, taskSet ecs-svc/2) was unable to place a task. Reason: Capacity is unavailable at this time.";
    unplaced.sign = Some(Sign::Unplaced(full.to_owned()));
    let ready = |error: &str| {
        let mut facts = deployed(error);
        let steps = facts.rollout.iter_mut().flat_map(|rollout| &mut rollout.steps);
        for step in steps.filter(|step| step.name == "Install") {
            (step.name, step.progress) = ("AfterInstall".to_owned(), Some(Progress::Succeeded));
        }
        facts
    };
    vec![
        (unplaced, Kind::Task(Cause::Capacity), "Reason: Capacity is unavailable"),
        (ready("TIMEOUT: The deployment timed out."), Kind::NotContinued, "release --continue"),
        (
            failed(
                "CodeDeployToECS",
                "Exception while trying to read the task definition artifact file from: BuildArtifact",
            ),
            Kind::Artifacts,
            "buildspec",
        ),
        (
            failed("CodeDeployToECS", "The AppSpec file cannot be validated: container name app"),
            Kind::AppSpec,
            "generate",
        ),
        (
            failed("CodeDeployToECS", "Deployment group has already an active deployment 'd-9'"),
            Kind::Busy,
            "another deployment",
        ),
        (
            deployed("ALARM_ACTIVE: One or more alarms have been activated: web-blue-errors"),
            Kind::Alarm,
            "web-blue-errors",
        ),
        (
            deployed(
                "TIMEOUT: The deployment timed out while waiting for the replacement task set to become healthy.",
            ),
            Kind::TimedOut,
            "in vain",
        ),
        (deployed("MANUAL_STOP: The deployment was stopped."), Kind::Stopped, "by hand"),
        (ready("MANUAL_STOP: The deployment was stopped."), Kind::Stopped, "by hand"),
        (deployed("SCRIPT_FAILED: A hook failed."), Kind::LifecycleEvent, "lifecycle event"),
        (requests, Kind::Requests, "9 requests failed"),
        (failed("CodeDeployToECS", "Something that nobody has seen"), Kind::Other, "nobody has seen"),
    ]
}

/// By the new revision's tasks.
fn of_the_tasks() -> Vec<Case> {
    let not_started = |reason: &str| stopped("TaskFailedToStart", reason, "");
    vec![
        (
            stopped(
                "EssentialContainerExited",
                "Essential container in task exited",
                "thread 'main' panicked: Address already in use",
            ),
            Kind::Task(Cause::Exited),
            "Address already in use",
        ),
        (
            stopped(
                "EssentialContainerExited",
                "Essential container in task exited",
                "exec /app: exec format error",
            ),
            Kind::Task(Cause::Architecture),
            "app.architecture",
        ),
        (
            not_started("ResourceInitializationError: failed to fetch secret x: ResourceNotFoundException"),
            Kind::Task(Cause::MissingSecret),
            "app.secrets",
        ),
        (
            not_started(
                "ResourceInitializationError: not authorized to perform: secretsmanager:GetSecretValue",
            ),
            Kind::Task(Cause::DeniedSecret),
            "execution role",
        ),
        (
            not_started("CannotPullContainerError: failed to resolve ref r@sha256:0: not found"),
            Kind::Task(Cause::MissingImage),
            "repository",
        ),
        (
            not_started("CannotPullContainerError: dial tcp 10.0.0.1:443: i/o timeout"),
            Kind::Task(Cause::Unreachable),
            "subnets",
        ),
        (
            not_started("CannotStartContainerError: exec: \"/app\": stat /app: no such file or directory"),
            Kind::Task(Cause::MissingProgram),
            "program",
        ),
        (
            not_started("CannotPullContainerError: AccessDeniedException: not authorized"),
            Kind::Task(Cause::DeniedImage),
            "pull",
        ),
        (
            not_started("Timeout waiting for network interface provisioning"),
            Kind::Task(Cause::NotStarted),
            "did not start",
        ),
        (not_started("Capacity is unavailable at this time."), Kind::Task(Cause::Capacity), "quota"),
        (
            stopped("EssentialContainerExited", "OutOfMemoryError: Container killed due to memory usage", ""),
            Kind::Task(Cause::Memory),
            "app.memory",
        ),
        (
            stopped("ServiceSchedulerInitiated", "Task failed ELB health checks in (target-group tg)", ""),
            Kind::Task(Cause::Unhealthy),
            "0.0.0.0",
        ),
    ]
}

#[test]
fn the_first_cause_is_told_with_what_shows_it_and_what_to_do() {
    for (facts, kind, word) in cases() {
        let story = tell(&facts).unwrap();
        let told = story.to_string();
        assert_eq!(story.cause, kind, "{told}");
        assert!(told.contains(word), "`{word}` is not in: {told}");
        assert!(!story.next.is_empty() && !story.users.is_empty(), "{told}");
    }
}

#[test]
fn each_cause_has_its_row_in_the_runbook() {
    let runbook = include_str!("../../../../../../docs/runbook.md");
    let rows: Vec<&str> = runbook.lines().filter(|line| line.starts_with("| `")).collect();
    for (_, kind, _) in cases() {
        let name = serde_json::to_value(kind).unwrap();
        let cell = format!("`{}`", name.as_str().unwrap());
        let causes = |row: &&&str| row.split('|').nth(1).is_some_and(|causes| causes.contains(&cell));
        assert_eq!(rows.iter().filter(causes).count(), 1, "{cell}");
    }
}

#[test]
fn each_scenario_that_goes_wrong_stands_in_the_runbook_and_no_row_lacks_what_to_type() {
    let runbook = include_str!("../../../../../../docs/runbook.md");
    for scenario in Scenario::value_variants() {
        let name = scenario.to_possible_value().unwrap().get_name().to_owned();
        let named = runbook.contains(&format!("`rehearse --scenario {name}`"));
        assert!(named || *scenario == Scenario::Deploy, "{name}");
    }
    let is_row = |line: &&str| line.starts_with("| `") && !line.starts_with("| `cause`");
    for row in runbook.lines().filter(is_row) {
        for word in row.split('|').nth(1).unwrap().split(',') {
            let word = word.trim().trim_matches('`');
            let known = serde_json::from_value::<Kind>(word.into());
            assert!(known.is_ok(), "no release has the cause `{word}`");
        }
        // What is seen, what it means, what to type, what practises it; a bar in a cell would shift them.
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        assert!(cells.len() == 5 && cells.iter().all(|cell| !cell.is_empty()), "{row}");
    }
}

#[test]
fn a_script_is_not_told_where_the_compiler_has_a_line() {
    let (facts, ..) = cases().into_iter().find(|(_, kind, _)| *kind == Kind::Build).unwrap();
    let story = tell(&facts).unwrap();
    assert!(story.evidence.iter().any(|line| line == "|   --> app/src/main.rs:7:5"), "{story}");
    assert!(!story.to_string().contains("Running command"), "{story}");
    assert_eq!(story.users, "nothing was deployed");
}

#[test]
fn users_are_told_of_by_where_the_traffic_went_and_what_they_met() {
    let (mut facts, ..) =
        cases().into_iter().find(|(_, kind, _)| *kind == Kind::Task(Cause::Exited)).unwrap();
    let users = |facts: &Facts| tell(facts).unwrap().users;
    assert_eq!(users(&facts), "traffic never left the revision of before");

    facts.requests = Some(Requests { sent: 20, failed: 0, ..Requests::default() });
    assert_eq!(users(&facts), "traffic never left the revision of before; no request of 20 failed");

    facts.rollout.as_mut().unwrap().steps[1].progress = Some(Progress::Running);
    let mut rollback = facts.rollout.clone().unwrap();
    rollback.progress = Progress::Succeeded;
    (facts.rollback, facts.requests) = (Some(rollback), None);
    assert_eq!(users(&facts), "traffic is back on the revision of before");
}

#[test]
fn what_went_well_and_what_still_runs_needs_no_explanation() {
    for status in ["Succeeded", "InProgress"] {
        let mut facts = failed("", "");
        facts.execution.status = status.to_owned();
        assert!(tell(&facts).is_none(), "{status}");
    }
}

#[test]
fn what_is_kept_is_found_again_and_no_id_leads_out_of_its_folder() {
    let root = tempfile::tempdir().unwrap();
    let (facts, ..) = cases().into_iter().find(|(_, kind, _)| *kind == Kind::Task(Cause::Exited)).unwrap();
    let kept = Kept::of(root.path(), "../../0a-1b");
    assert!(kept.there().is_none() && kept.story("Failed").is_none());

    let evidence = crate::follow::Evidence { tasks: facts.tasks.clone(), targets: Vec::new() };
    kept.keep(&evidence).unwrap();
    let story = tell(&facts).unwrap();
    kept.tell(("Failed", &story), &facts.rollout.map(|rollout| rollout.steps)).unwrap();

    assert_eq!(kept.there().as_deref(), Some("target/releases/0a-1b"));
    // An action that was tried again, and went well, is not told by its first attempt.
    assert_eq!((kept.story("Succeeded"), kept.story("Failed")), (None, Some(story)));
    let log = std::fs::read_to_string(root.path().join("target/releases/0a-1b/tasks/0a1b.log")).unwrap();
    assert!(log.contains("Address already in use") && log.contains("EssentialContainerExited"), "{log}");
}

#[test]
fn a_role_that_is_denied_something_is_told_with_its_line() {
    let template = "Resources:\n  Pipe:\n    Type: AWS::IAM::Role\n";
    let document = seatrial_template::parse("infra/stacks/line.yml", template.as_bytes()).unwrap();
    let mut roles = Roles { prefix: "web-a-".to_owned(), ..Roles::default() };
    roles.sources.add("line", &document).unwrap();
    let error = "User: arn:aws:sts::1:assumed-role/web-a-line-Pipe-1X/s is not authorized to perform: s3:PutObjectAcl on \
                 resource: \"arn:aws:s3:::b/k\"";
    let facts = Facts { roles, ..failed("CodeStarSourceConnection", error) };

    let story = tell(&facts).unwrap();

    assert_eq!(story.cause, Kind::Denied);
    assert_eq!(story.next[0], "role `web-a-line-Pipe-1X` stands at infra/stacks/line.yml:2");
}
