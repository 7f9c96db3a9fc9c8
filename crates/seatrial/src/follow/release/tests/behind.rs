//! What comes behind the end: a rollback that is named late, and what is left.

use super::*;
use crate::aws::tests::of_account;
use crate::session::Changes;

/// A rollout that fails and names its rollback only after so many looks; the rollback is over at once.
struct Late {
    looks: AtomicUsize,
    named_after: usize,
}

impl Strategy for Late {
    const PROVIDER: &'static str = "CodeDeployToECS";

    async fn look(&self, id: &RolloutId) -> Result<Rollout, AwsError> {
        if id.0 == "back" {
            return Ok(Rollout { id: id.clone(), ..Rollout::of_test(Progress::Succeeded) });
        }
        let before = self.looks.fetch_add(1, Ordering::SeqCst);
        let progress = if before == 0 { Progress::Running } else { Progress::Failed };
        let rolled_back_by = (before >= self.named_after).then(|| RolloutId("back".to_owned()));
        Ok(Rollout { id: id.clone(), rolled_back_by, ..Rollout::of_test(progress) })
    }

    async fn stop(&self, _: &RolloutId) -> Result<bool, AwsError> {
        Ok(true)
    }

    waits_for_nobody!();
}

/// A pipeline whose rollout fails, and it with it.
fn failing(operation: &str, before: usize, _: &Value) -> Value {
    match operation {
        "GetPipelineExecution" => {
            let status = if before < 1 { "InProgress" } else { "Failed" };
            json!({ "pipelineExecution": { "pipelineExecutionId": "e", "status": status } })
        }
        "ListActionExecutions" => {
            json!({ "actionExecutionDetails": [action("Deploy", "CodeDeployToECS", "InProgress")] })
        }
        "ListTasks" => json!({ "taskArns": [] }),
        _ => json!({}),
    }
}

#[tokio::test(start_paused = true)]
async fn a_rollback_that_is_named_moments_after_the_end_is_followed_and_one_that_never_is_for_a_minute() {
    for (named_after, expected) in [(8, Some("back")), (usize::MAX, None)] {
        let (aws, _) = stub(failing).await;
        let aws = of_account(&aws, Changes::default());
        let session = Session::new(Printer::new(Format::Text), "cargo xtask");
        let strategy = Late { looks: AtomicUsize::new(0), named_after };
        let began = session.clock.now();

        let patience = Duration::from_secs(3600);
        let following = Following { patience, ..following() };
        let followed =
            follow_release(Watch { aws: &aws, session: &session }, &strategy, following).await.unwrap();

        assert_eq!(followed.rollback.map(|back| back.id.0).as_deref(), expected);
        assert!(began.elapsed() < Duration::from_secs(120), "{:?}", began.elapsed());
    }
}

#[tokio::test]
async fn what_the_probe_counted_is_not_lost_with_the_deadline() {
    let (aws, _) = stub(|operation, before, input| match operation {
        "GetPipelineExecution" => json!({ "pipelineExecution": { "status": "InProgress" } }),
        _ => failing(operation, before, input),
    })
    .await;
    let session = Session::new(Printer::new(Format::Text), "cargo xtask");
    let address =
        Address { url: "http://127.0.0.1:1".to_owned(), load_balancer: String::new(), trusted: Vec::new() };
    let expected = vec![200..=200];
    let probe = ProbeTarget { address, path: "/".to_owned(), expected, rate: 200, at_least: u64::MAX };
    let following = Following { probe: Some(probe), patience: Duration::from_secs(1), ..following() };
    let strategy = Rolling { looks: AtomicUsize::new(0), lasts: usize::MAX };

    let followed =
        follow_release(Watch { aws: &aws, session: &session }, &strategy, following).await.unwrap();

    assert!(matches!(followed.left, Some(Left::Deadline(_))), "{:?}", followed.left);
    let requests = followed.requests.unwrap();
    assert!(requests.sent > 0 && requests.sent == requests.failed, "{requests:?}");
}
