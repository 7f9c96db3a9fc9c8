//! The service's scaling while a release is followed: suspended once its build is done, resumed whichever way it ends.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use super::released_where;
use crate::cli::ReleaseArgs;
use crate::output::{Format, Printer};
use crate::session::Session;

/// How a release comes to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exit {
    Succeeded,
    Failed,
    Deadline,
    Interrupted,
    /// A call that is refused.
    Refused,
    /// Its build fails, and nothing is deployed.
    Unbuilt,
}

/// The answers of a pipeline that builds, then deploys, and ends so.
fn answers(
    exit: Exit,
    session: Session,
    state: Arc<Mutex<Value>>,
) -> impl Fn(&str, usize, &Value) -> Option<Value> + Send + Sync + 'static {
    let run = |name: &str, provider: &str, status: &str| {
        let kind = json!({ "category": name, "owner": "AWS", "provider": provider, "version": "1" });
        json!({ "actionExecutionId": name, "stageName": name, "actionName": name, "status": status,
            "input": { "actionTypeId": kind },
            "output": { "executionResult": { "externalExecutionId": format!("{name}-1") } } })
    };
    move |operation, before, input| {
        let is_left = matches!(exit, Exit::Deadline | Exit::Interrupted | Exit::Refused);
        Some(match operation {
            "GetPipelineExecution" => {
                let status = match exit {
                    Exit::Succeeded if before > 1 => "Succeeded",
                    Exit::Failed | Exit::Unbuilt if before > 1 => "Failed",
                    _ => "InProgress",
                };
                json!({ "pipelineExecution": { "pipelineExecutionId": "e", "status": status } })
            }
            "ListActionExecutions" if before == 0 => {
                json!({ "actionExecutionDetails": [run("Build", "CodeBuild", "InProgress")] })
            }
            "ListActionExecutions" if exit == Exit::Unbuilt => {
                json!({ "actionExecutionDetails": [run("Build", "CodeBuild", "Failed")] })
            }
            "ListActionExecutions" => {
                let runs =
                    [run("Deploy", "CodeDeployToECS", "InProgress"), run("Build", "CodeBuild", "Succeeded")];
                json!({ "actionExecutionDetails": runs })
            }
            "BatchGetBuilds" => {
                let status = if exit == Exit::Unbuilt { "FAILED" } else { "SUCCEEDED" };
                json!({ "builds": [{ "id": "Build-1", "buildStatus": status }] })
            }
            "GetDeployment" if exit == Exit::Refused => {
                json!({ "__type": "AccessDeniedException", "__status": 400, "message": "no" })
            }
            "GetDeployment" => {
                if exit == Exit::Interrupted && before == 1 {
                    session.cancel.cancel();
                }
                let status = match exit {
                    Exit::Succeeded if before > 1 => "Succeeded",
                    Exit::Failed if before > 1 => "Failed",
                    _ => "InProgress",
                };
                json!({ "deploymentInfo": { "deploymentId": "Deploy-1", "status": status } })
            }
            "ListDeployments" => {
                json!({ "deployments": if is_left { json!(["Deploy-1"]) } else { json!([]) } })
            }
            "DescribeScalableTargets" => {
                json!({ "ScalableTargets": [{ "SuspendedState": state.lock().unwrap().clone() }] })
            }
            "RegisterScalableTarget" => {
                *state.lock().unwrap() = input["SuspendedState"].clone();
                json!({})
            }
            _ => return None,
        })
    }
}

#[tokio::test(start_paused = true)]
async fn scaling_is_suspended_behind_the_build_and_resumed_on_every_exit() {
    let suspended = json!({ "DynamicScalingInSuspended": true, "DynamicScalingOutSuspended": false,
        "ScheduledScalingSuspended": false });
    // How it ends, with which code.
    let exits = [
        (Exit::Succeeded, 0),
        (Exit::Failed, 4),
        (Exit::Deadline, 5),
        (Exit::Interrupted, 130),
        (Exit::Refused, 4),
        (Exit::Unbuilt, 4),
    ];
    for (exit, expected) in exits {
        let state = Arc::new(Mutex::new(suspended.clone()));
        let session = Session::new(Printer::new(Format::Text), "cargo seatrial");
        let answers = answers(exit, session.clone(), Arc::clone(&state));
        let timeout = (exit == Exit::Deadline).then_some(Duration::from_secs(60));

        let args = ReleaseArgs { timeout, ..ReleaseArgs::default() };
        let (code, object, made) = released_where(args, session, answers).await;

        assert_eq!(*state.lock().unwrap(), suspended, "{exit:?}");
        assert_eq!(code, expected, "{exit:?}: {object}");
        let of = |name: &str| made.iter().position(|call| call == name);
        let written = made.iter().filter(|call| *call == "RegisterScalableTarget").count();
        if exit == Exit::Unbuilt {
            assert_eq!(written, 0);
            continue;
        }
        assert_eq!(written, 2, "{exit:?}: {made:?}");
        assert_eq!(made.iter().filter(|call| *call == "DescribeScalableTargets").count(), 2, "{exit:?}");
        let (built, suspended, deployed) =
            (of("BatchGetBuilds"), of("RegisterScalableTarget"), of("GetDeployment"));
        assert!(built < suspended && suspended < deployed, "{exit:?}: {made:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_may_not_suspend_scaling_releases_all_the_same() {
    let session = Session::new(Printer::new(Format::Text), "cargo seatrial");
    let answers = answers(Exit::Succeeded, session.clone(), Arc::default());
    let denied = json!({ "__type": "AccessDeniedException", "__status": 400, "Message": "no" });
    let answers = move |operation: &str, before, input: &Value| match operation {
        "DescribeScalableTargets" => Some(denied.clone()),
        _ => answers(operation, before, input),
    };

    let (code, object, made) = released_where(ReleaseArgs::default(), session, answers).await;

    assert_eq!(code, 0, "{object}");
    assert_eq!(made.iter().filter(|call| call.ends_with("ScalableTargets")).count(), 1, "{made:?}");
}
