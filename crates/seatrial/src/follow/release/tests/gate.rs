//! What is done at a rollout that waits for somebody's word.

use std::sync::atomic::AtomicBool;

use super::*;
use crate::rollout::RolloutStep;

/// A rollout that waits until it is told to go on, and then ends well; or that nobody continues.
#[derive(Default)]
struct Waiting {
    went_on: AtomicUsize,
    looks: AtomicUsize,
    previews: AtomicUsize,
    /// After so many looks it is over: stopped.
    is_given_up_after: Option<usize>,
    denied: AtomicBool,
}

impl Strategy for Waiting {
    const PROVIDER: &'static str = "CodeDeployToECS";

    async fn look(&self, id: &RolloutId) -> Result<Rollout, AwsError> {
        let looks = self.looks.fetch_add(1, Ordering::SeqCst);
        let given_up = self.is_given_up_after.is_some_and(|most| looks >= most);
        let (progress, status) = match self.went_on.load(Ordering::SeqCst) {
            0 if given_up => (Progress::Failed, "Stopped"),
            0 => (Progress::Running, "Ready"),
            _ => (Progress::Succeeded, "Succeeded"),
        };
        Ok(Rollout {
            id: id.clone(),
            status: status.to_owned(),
            steps: vec![RolloutStep {
                name: "AfterAllowTestTraffic".to_owned(),
                status: "Succeeded".to_owned(),
                progress: Some(Progress::Succeeded),
                time: None,
                diagnostics: None,
            }],
            ..Rollout::of_test(progress)
        })
    }

    async fn stop(&self, _: &RolloutId) -> Result<bool, AwsError> {
        Ok(true)
    }

    async fn go_on(&self, _: &RolloutId) -> Result<bool, AwsError> {
        if self.denied.load(Ordering::SeqCst) {
            return Err(error("AccessDeniedException", "you may not", false));
        }
        self.went_on.fetch_add(1, Ordering::SeqCst);
        Ok(true)
    }

    async fn preview(&self) -> Result<Option<String>, AwsError> {
        self.previews.fetch_add(1, Ordering::SeqCst);
        Ok(Some("http://127.0.0.1:8080".to_owned()))
    }

    async fn newest(&self) -> Result<Option<RolloutId>, AwsError> {
        Ok(None)
    }

    async fn weights(&self) -> Result<Vec<Weight>, AwsError> {
        Ok(Vec::new())
    }
}

/// Follows it by its id.
async fn followed(waiting: &Waiting, following: Following<'_>) -> anyhow::Result<Followed> {
    let (aws, _) = stub(|_, _, _| json!({ "taskArns": [] })).await;
    let session = Session::new(Printer::new(Format::Text), "cargo xtask");
    let watch = Watch { aws: &aws, session: &session };
    follow_rollout(watch, waiting, (RolloutId("d-1".to_owned()), following)).await
}

fn opening() -> Following<'static> {
    Following { gate: Gate { opens: true, ..Gate::default() }, ..following() }
}

#[tokio::test]
async fn a_rollout_that_waits_is_continued_once_where_that_was_asked_for() {
    let waiting = Waiting::default();

    let end = followed(&waiting, opening()).await.unwrap();

    assert_eq!(waiting.went_on.load(Ordering::SeqCst), 1);
    assert_eq!(end.rollout.unwrap().status, "Succeeded");
}

#[tokio::test]
async fn a_rollout_that_waits_for_somebody_else_is_told_once_and_left_alone() {
    let waiting = Waiting { is_given_up_after: Some(4), ..Waiting::default() };

    let end = followed(&waiting, following()).await.unwrap();

    assert_eq!(waiting.went_on.load(Ordering::SeqCst), 0);
    assert_eq!(waiting.previews.load(Ordering::SeqCst), 1);
    assert_eq!(end.rollout.unwrap().status, "Stopped");
}

#[tokio::test]
async fn a_rollout_is_followed_as_far_as_was_asked_and_then_waits_on() {
    let waiting = Waiting::default();
    let until = Following { until: Some("AfterAllowTestTraffic"), ..following() };

    let end = followed(&waiting, until).await.unwrap();

    assert_eq!(end.reached, Some("AfterAllowTestTraffic"));
    assert!(end.rollout.unwrap().awaits_word());
}

#[tokio::test]
async fn whoever_may_not_continue_a_rollout_is_told_so() {
    let waiting = Waiting { denied: AtomicBool::new(true), ..Waiting::default() };

    let refused = followed(&waiting, opening()).await.unwrap_err();

    assert!(format!("{refused:#}").contains("you may not"), "{refused:#}");
}

#[tokio::test]
async fn whoever_has_less_time_for_a_word_here_is_told_how_long_aws_waits() {
    let four_hours = Some(Duration::from_secs(4 * 60 * 60));
    let gate = Gate { command: Some("go on".to_owned()), on_aws: four_hours, ..Gate::default() };
    let (waiting, id) = (Waiting::default(), RolloutId("d-1".to_owned()));

    let told = gate.meet(&waiting, (&id, Some("4:00 left".to_owned()))).await.unwrap().unwrap();

    assert!(told.ends_with("`go on` moves traffic; 4:00 left (AWS waits 4:00:00)"), "{told}");
}
