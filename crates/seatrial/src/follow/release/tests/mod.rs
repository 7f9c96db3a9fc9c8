//! What is asked in each look: nothing that can no longer change.

/// The rest of a rollout's strategy that waits for nobody's word, and is asked nothing else.
macro_rules! waits_for_nobody {
    () => {
        async fn go_on(&self, _: &RolloutId) -> Result<bool, AwsError> {
            Ok(false)
        }

        async fn preview(&self) -> Result<Option<String>, AwsError> {
            Ok(None)
        }

        async fn newest(&self) -> Result<Option<RolloutId>, AwsError> {
            Ok(None)
        }

        async fn weights(&self) -> Result<Vec<Weight>, AwsError> {
            Ok(Vec::new())
        }
    };
}

mod behind;
mod gate;
mod judged;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::aws::AwsError;
use crate::aws::tests::{error, stub};
use crate::follow::{Address, ProbeTarget};
use crate::output::{Format, Printer};
use crate::rollout::Weight;
use crate::session::Session;

/// Looks that find a build or a rollout under way.
const LOOKS: usize = 3;

/// A rollout that ends well at its last look.
struct Rolling {
    looks: AtomicUsize,
    /// Looks that find it under way.
    lasts: usize,
}

impl Default for Rolling {
    fn default() -> Self {
        Self { looks: AtomicUsize::new(0), lasts: LOOKS }
    }
}

impl Strategy for Rolling {
    const PROVIDER: &'static str = "CodeDeployToECS";

    async fn look(&self, id: &RolloutId) -> Result<Rollout, AwsError> {
        let before = self.looks.fetch_add(1, Ordering::SeqCst);
        let progress = if before < self.lasts { Progress::Running } else { Progress::Succeeded };
        Ok(Rollout { id: id.clone(), ..Rollout::of_test(progress) })
    }

    async fn stop(&self, _: &RolloutId) -> Result<bool, AwsError> {
        Ok(true)
    }

    waits_for_nobody!();
}

/// One action run as ListActionExecutions answers it.
fn action(stage: &str, provider: &str, status: &str) -> Value {
    let kind = json!({ "category": stage, "owner": "AWS", "provider": provider, "version": "1" });
    json!({
        "actionExecutionId": stage,
        "stageName": stage,
        "actionName": stage,
        "status": status,
        "input": { "actionTypeId": kind },
        "output": { "executionResult": { "externalExecutionId": format!("{stage}:1") } },
    })
}

/// One attempt of an action in a stage, each with a name of its own.
fn attempt((stage, name): (&str, &str), provider: &str, (number, status): (u32, &str)) -> Value {
    let mut run = action(stage, provider, status);
    run["actionName"] = name.into();
    run["actionExecutionId"] = format!("{name}-{number}").into();
    run["output"]["executionResult"]["externalExecutionId"] = format!("{name}:{number}").into();
    run
}

#[tokio::test]
async fn the_latest_attempt_of_an_action_is_followed_whatever_it_and_its_stage_are_called() {
    let (packing, going_live) = (("Make", "packing"), ("Ship", "going-live"));
    let (aws, calls) = stub(move |operation, before, input| {
        let pack = |number, status| attempt(packing, "CodeBuild", (number, status));
        let go_live = |number, status| attempt(going_live, "CodeDeployToECS", (number, status));
        match operation {
            "GetPipelineExecution" => {
                let status = if before < 3 { "InProgress" } else { "Succeeded" };
                json!({ "pipelineExecution": { "pipelineExecutionId": "e", "status": status } })
            }
            // Newest first: both stages were tried again, the second one after the first one's second attempt.
            "ListActionExecutions" if before == 0 => {
                json!({ "actionExecutionDetails": [pack(2, "InProgress"), pack(1, "Failed")] })
            }
            "ListActionExecutions" => {
                let earlier = [pack(2, "Succeeded"), pack(1, "Failed")];
                let runs: Vec<_> =
                    [go_live(2, "InProgress"), go_live(1, "Failed")].into_iter().chain(earlier).collect();
                json!({ "actionExecutionDetails": runs })
            }
            // The first attempt would never end.
            "BatchGetBuilds" if input["ids"] == json!(["packing:2"]) => {
                json!({ "builds": [{ "id": "packing:2", "buildStatus": "SUCCEEDED" }] })
            }
            "BatchGetBuilds" => json!({ "builds": [] }),
            _ => json!({ "taskArns": [] }),
        }
    })
    .await;
    let session = Session::new(Printer::new(Format::Text), "cargo xtask");

    let watch = Watch { aws: &aws, session: &session };
    let followed = follow_release(watch, &Rolling::default(), following()).await.unwrap();

    assert_eq!(followed.rollout.map(|rollout| rollout.id.0).as_deref(), Some("going-live:2"));
    assert_eq!(calls.made().iter().filter(|call| *call == "BatchGetBuilds").count(), 1);
}

/// A pipeline whose actions go on each time they are listed: Build runs, Deploy runs, all is done.
fn pipeline(operation: &str, before: usize, _: &Value) -> Value {
    match operation {
        // Ends some looks after its last action.
        "GetPipelineExecution" => {
            let status = if before < 4 { "InProgress" } else { "Succeeded" };
            json!({ "pipelineExecution": { "pipelineExecutionId": "e", "status": status } })
        }
        "ListActionExecutions" => {
            let build = if before == 0 { "InProgress" } else { "Succeeded" };
            let deploy = if before <= 1 { "InProgress" } else { "Succeeded" };
            let deploy = (before > 0).then(|| action("Deploy", "CodeDeployToECS", deploy));
            let runs: Vec<Value> = deploy.into_iter().chain([action("Build", "CodeBuild", build)]).collect();
            json!({ "actionExecutionDetails": runs })
        }
        "BatchGetBuilds" => {
            let status = if before < LOOKS { "IN_PROGRESS" } else { "SUCCEEDED" };
            json!({ "builds": [{ "id": "Build:1", "buildStatus": status }] })
        }
        "ListTasks" => json!({ "taskArns": [] }),
        _ => json!({}),
    }
}

fn following() -> Following<'static> {
    Following {
        pipeline: "p",
        execution: "e",
        cluster: "c",
        service: "s",
        groups: ["blue", "green"],
        patience: Duration::from_secs(60),
        waits: Waits::default(),
        gate: Gate { command: Some("go on".to_owned()), ..Gate::default() },
        scaling: None,
        until: None,
        probe: None,
        budget: 5,
        keep: &|_| {},
    }
}

#[tokio::test]
async fn how_the_actions_ended_is_asked_again_where_aws_fails_at_the_end() {
    let answer = |operation: &str, before: usize, _: &Value| match (operation, before) {
        ("GetPipelineExecution", 0) => json!({ "pipelineExecution": { "status": "InProgress" } }),
        ("GetPipelineExecution", _) => json!({ "pipelineExecution": { "status": "Failed" } }),
        (_, 0) => json!({ "actionExecutionDetails": [action("Source", "GitHub", "InProgress")] }),
        (_, 1) => json!({ "__type": "InternalFailure" }),
        _ => json!({ "actionExecutionDetails": [action("Source", "GitHub", "Failed")] }),
    };
    let (aws, _) = stub(answer).await;
    let session = Session::new(Printer::new(Format::Text), "cargo xtask");
    let watch = Watch { aws: &aws, session: &session };

    let followed = follow_release(watch, &Rolling::default(), following()).await.unwrap();

    assert_eq!(followed.execution.status, "Failed");
    assert_eq!(followed.actions[0].status, "Failed");
}

/// A rollout of which AWS tells nothing.
struct Denied;

impl Strategy for Denied {
    const PROVIDER: &'static str = "CodeDeployToECS";

    async fn look(&self, _: &RolloutId) -> Result<Rollout, AwsError> {
        Err(AwsError { attempt: "look".to_owned(), ..error("AccessDenied", "no", false) })
    }

    async fn stop(&self, _: &RolloutId) -> Result<bool, AwsError> {
        Ok(true)
    }

    waits_for_nobody!();
}

#[tokio::test]
async fn a_release_that_cannot_be_followed_any_further_does_not_wait_for_its_probe() {
    let (aws, _) = stub(pipeline).await;
    let session = Session::new(Printer::new(Format::Text), "cargo xtask");
    let address =
        Address { url: "http://127.0.0.1:1".to_owned(), load_balancer: String::new(), trusted: Vec::new() };
    let expected = vec![200..=200];
    let endless = ProbeTarget { address, path: "/".to_owned(), expected, rate: 1, at_least: u64::MAX };
    let following = Following { probe: Some(endless), ..following() };
    let watch = Watch { aws: &aws, session: &session };

    let followed = follow_release(watch, &Denied, following);

    let error = tokio::time::timeout(Duration::from_secs(60), followed).await.unwrap().unwrap_err();
    assert!(error.to_string().contains("look"), "{error}");
}

#[tokio::test]
async fn each_look_asks_for_what_runs_and_for_nothing_that_waits_for_it_or_has_ended() {
    let (aws, calls) = stub(pipeline).await;
    let session = Session::new(Printer::new(Format::Text), "cargo xtask");
    let rolling = Rolling::default();

    let followed =
        follow_release(Watch { aws: &aws, session: &session }, &rolling, following()).await.unwrap();

    assert_eq!(followed.execution.status, "Succeeded");
    let made = calls.made();
    let looks: Vec<&[String]> = made.split(|call| call == "GetPipelineExecution").skip(1).collect();
    // The first finds the build, which is asked alone until it has ended.
    let build = ["BatchGetBuilds"; LOOKS + 1];
    assert_eq!(looks[0], [&["ListActionExecutions"], &build[..]].concat());
    // Who is next? The tasks that ended before the rollout are noted once; then the rollout is asked, and its tasks.
    let rollout = ["ListTasks"; LOOKS + 2];
    assert_eq!(looks[1], [&["ListActionExecutions"], &rollout[..]].concat());
    // All of it is over but the execution itself.
    for look in &looks[2..] {
        assert_eq!(*look, ["ListActionExecutions"]);
    }
    assert_eq!(rolling.looks.load(Ordering::SeqCst), LOOKS + 1);
}
