//! What stops a rollout before its time, and what does not.

use std::sync::atomic::AtomicBool;

use super::*;
use crate::aws::TrafficShare;
use crate::follow::Cause;

const EXITED: &str = "Essential container in task exited";

fn share(id: &str, label: &str, weight: f64) -> TrafficShare {
    TrafficShare { id: id.to_owned(), label: label.to_owned(), weight, running: 2, pending: 0, desired: 2 }
}

/// A rollout that never ends by itself; once it is stopped, it has.
#[derive(Default)]
struct Endless {
    stops: AtomicUsize,
    denied: AtomicBool,
}

impl Strategy for Endless {
    const PROVIDER: &'static str = "CodeDeployToECS";

    async fn look(&self, id: &RolloutId) -> Result<Rollout, AwsError> {
        let stopped = self.stops.load(Ordering::SeqCst) > 0;
        let progress = if stopped { Progress::Failed } else { Progress::Running };
        // At its end it knows no task sets any more.
        let traffic = vec![share("ecs-svc/1", "Blue", 100.0), share("ecs-svc/2", "Green", 0.0)];
        let traffic = if stopped { Vec::new() } else { traffic };
        Ok(Rollout { id: id.clone(), traffic, ..Rollout::of_test(progress) })
    }

    async fn stop(&self, _: &RolloutId) -> Result<bool, AwsError> {
        self.stops.fetch_add(1, Ordering::SeqCst);
        match self.denied.load(Ordering::SeqCst) {
            true => Err(error("AccessDeniedException", "you may not", false)),
            false => Ok(true),
        }
    }

    waits_for_nobody!();
}

/// AWS where a task that `started_by` wanted stops once the rollout runs, and the execution fails with the rollout.
fn answer(
    [started_by, code, reason]: [&'static str; 3],
) -> impl Fn(&str, usize, &Value) -> Value + Send + Sync + 'static {
    move |operation, before, _| match operation {
        "GetPipelineExecution" => {
            let status = if before < 1 { "InProgress" } else { "Failed" };
            json!({ "pipelineExecution": { "pipelineExecutionId": "e", "status": status } })
        }
        "ListActionExecutions" => {
            json!({ "actionExecutionDetails": [action("Deploy", "CodeDeployToECS", "InProgress")] })
        }
        // None had stopped before.
        "ListTasks" if before == 0 => json!({ "taskArns": [] }),
        "ListTasks" => json!({ "taskArns": ["arn:task/c/1"] }),
        "DescribeTasks" => json!({ "tasks": [{
            "taskArn": "arn:task/c/1", "startedBy": started_by, "stopCode": code, "stoppedAt": 1_700_000_000,
            "stoppedReason": reason, "taskDefinitionArn": "arn:d:1",
            "containers": [{ "name": "app", "exitCode": 3 }],
        }] }),
        "DescribeTaskDefinition" => {
            let options = json!({ "awslogs-group": "web", "awslogs-stream-prefix": "app" });
            let log = json!({ "logDriver": "awslogs", "options": options });
            json!({ "taskDefinition": { "containerDefinitions": [{ "name": "app", "logConfiguration": log }] } })
        }
        // CloudWatch has a line only some seconds after it was written.
        "GetLogEvents" if before == 0 => json!({ "events": [] }),
        "GetLogEvents" => {
            json!({ "events": [{ "timestamp": 1_700_000_000_000_i64, "message": "last words" }] })
        }
        "DescribeTargetHealth" => json!({}),
        _ => json!({}),
    }
}

async fn followed(strategy: &Endless, stopped: [&'static str; 3]) -> anyhow::Result<(Followed, usize)> {
    let (aws, _) = stub(answer(stopped)).await;
    let session = Session::new(Printer::new(Format::Text), "cargo xtask");
    let kept = AtomicUsize::new(0);
    let keep = |evidence: &Evidence| {
        kept.fetch_add(usize::from(!evidence.tasks.is_empty()), Ordering::SeqCst);
    };
    let following = Following { keep: &keep, patience: Duration::from_secs(2), ..following() };
    let followed = follow_release(Watch { aws: &aws, session: &session }, strategy, following).await?;
    Ok((followed, kept.load(Ordering::SeqCst)))
}

#[tokio::test]
async fn a_task_of_the_new_revision_that_ends_stops_the_rollout_once_and_what_it_showed_is_kept() {
    let strategy = Endless::default();

    let (followed, kept) =
        followed(&strategy, ["ecs-svc/2", "EssentialContainerExited", EXITED]).await.unwrap();

    assert!(matches!(followed.sign, Some(Sign::Task { cause: Cause::Exited, .. })), "{:?}", followed.sign);
    assert_eq!(strategy.stops.load(Ordering::SeqCst), 1);
    // Once at the sign, and again with the words that were late.
    assert_eq!(kept, 2);
    let said = &followed.evidence.unwrap().tasks[0].log;
    assert_eq!(said.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(), ["last words"]);
}

#[tokio::test(start_paused = true)]
async fn a_task_of_the_original_or_one_that_nobody_wanted_any_more_stops_nothing() {
    let scaled_in = "Scaling activity initiated by (deployment ecs-svc/2)";
    let cases = [
        ["ecs-svc/1", "EssentialContainerExited", EXITED],
        ["ecs-svc/2", "ServiceSchedulerInitiated", scaled_in],
        ["ecs-svc/2", "UserInitiated", "Task stopped by user"],
        ["ecs-svc/2", "SpotInterruption", "Your Spot Task was interrupted."],
    ];
    for stopped in cases {
        let strategy = Endless::default();

        let ended = followed(&strategy, stopped).await;

        // Nobody ends it: the patience of the test does.
        assert_eq!(strategy.stops.load(Ordering::SeqCst), 0, "{stopped:?}");
        assert!(ended.unwrap().0.left.is_some());
    }
}

#[tokio::test]
async fn whoever_may_not_stop_it_is_told_and_follows_on() {
    let strategy = Endless::default();
    strategy.denied.store(true, Ordering::SeqCst);

    let (followed, _) = followed(&strategy, ["ecs-svc/2", "EssentialContainerExited", EXITED]).await.unwrap();

    assert!(followed.sign.is_some());
    assert_eq!(strategy.stops.load(Ordering::SeqCst), 1);
}
