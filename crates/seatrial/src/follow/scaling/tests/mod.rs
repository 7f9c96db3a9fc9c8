//! What is suspended before, meanwhile and afterwards.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::*;
use crate::aws::Aws;
use crate::aws::tests::{Calls, stub};
use crate::output::{Format, Printer};
use crate::session::Session;

const NOTHING: Suspended = Suspended { scale_in: false, scale_out: false, scheduled: false };
const ALL: Suspended = Suspended { scheduled: true, ..FOR_A_ROLLOUT };

/// What AWS knows.
#[derive(Clone)]
struct Cloud {
    /// `None` for a service that is not scaled.
    target: Arc<Mutex<Option<Suspended>>>,
    deploys: bool,
    executes: bool,
    /// What the first attempts to write are answered instead.
    refusals: Arc<Mutex<Vec<Value>>>,
}

impl Cloud {
    fn with(target: Option<Suspended>) -> Self {
        let target = Arc::new(Mutex::new(target));
        Self { target, deploys: false, executes: false, refusals: Arc::default() }
    }

    fn now(&self) -> Option<Suspended> {
        *self.target.lock().unwrap()
    }

    async fn served(&self) -> (Aws, Calls) {
        let cloud = self.clone();
        stub(move |operation, _, input| match operation {
            "DescribeScalableTargets" => {
                assert_eq!(input["ResourceIds"], json!(["service/c/s"]));
                let shown =
                    |it: Suspended| json!({ "ResourceId": "service/c/s", "SuspendedState": it.members() });
                json!({ "ScalableTargets": cloud.now().map(shown).into_iter().collect::<Vec<_>>() })
            }
            "RegisterScalableTarget" => {
                let refusal = cloud.refusals.lock().unwrap().pop();
                refusal.unwrap_or_else(|| {
                    assert!(
                        input["MinCapacity"].is_null() && input["ResourceId"] == "service/c/s",
                        "{input}"
                    );
                    let of = |name: &str| input["SuspendedState"][name].as_bool().unwrap();
                    let state = Suspended {
                        scale_in: of("DynamicScalingInSuspended"),
                        scale_out: of("DynamicScalingOutSuspended"),
                        scheduled: of("ScheduledScalingSuspended"),
                    };
                    *cloud.target.lock().unwrap() = Some(state);
                    json!({})
                })
            }
            "ListDeployments" => {
                json!({ "deployments": if cloud.deploys { json!(["d-1"]) } else { json!([]) } })
            }
            "ListPipelineExecutions" => {
                let status = if cloud.executes { "InProgress" } else { "Succeeded" };
                json!({ "pipelineExecutionSummaries": [{ "pipelineExecutionId": "e", "status": status }] })
            }
            _ => panic!("{operation}"),
        })
        .await
    }

    /// What is suspended while a rollout runs and afterwards, and how many calls that took; `meanwhile` is what somebody
    /// does.
    async fn followed(&self, meanwhile: impl FnOnce()) -> ([Option<Suspended>; 2], usize) {
        let (aws, calls) = self.served().await;
        let session = Session::new(Printer::new(Format::Text), "cargo xtask");
        let releases = Releases { pipeline: "p", last: "Build", deployments: ("a", "g") };
        let scaling = Scaling::new(Watch { aws: &aws, session: &session }, ("c", "s"), releases);
        scaling.suspend_behind(Some("Test")).await;
        assert!(calls.made().is_empty());
        scaling.suspend_behind(Some("Build")).await;
        scaling.suspend().await;
        let during = self.now();
        meanwhile();
        scaling.resume().await;
        ([during, self.now()], calls.made().len())
    }
}

#[tokio::test]
async fn what_was_suspended_before_is_suspended_afterwards_and_policies_do_nothing_meanwhile() {
    let of = |scale_in, scale_out, scheduled| Suspended { scale_in, scale_out, scheduled };
    // Before, meanwhile, afterwards.
    let cases = [
        (NOTHING, FOR_A_ROLLOUT, NOTHING),
        (of(true, false, false), FOR_A_ROLLOUT, of(true, false, false)),
        (of(false, true, false), FOR_A_ROLLOUT, of(false, true, false)),
        (of(false, false, true), ALL, of(false, false, true)),
        (of(true, false, true), ALL, of(true, false, true)),
        (of(false, true, true), ALL, of(false, true, true)),
        (ALL, ALL, ALL),
        // A run was killed.
        (FOR_A_ROLLOUT, FOR_A_ROLLOUT, NOTHING),
    ];
    for (before, meanwhile, afterwards) in cases {
        let (seen, calls) = Cloud::with(Some(before)).followed(|| {}).await;
        assert_eq!(seen, [Some(meanwhile), Some(afterwards)], "{before:?}");
        assert!(calls <= 4 || before == FOR_A_ROLLOUT, "{calls}");
    }
    assert_eq!(Cloud::with(None).followed(|| {}).await, ([None, None], 1));
}

#[tokio::test]
async fn whoever_joins_neither_suspends_again_nor_resumes_while_anything_is_released() {
    for (deploys, executes) in [(true, false), (false, true)] {
        let cloud = Cloud { deploys, executes, ..Cloud::with(Some(FOR_A_ROLLOUT)) };
        let (seen, _) = cloud.followed(|| {}).await;
        assert_eq!(seen, [Some(FOR_A_ROLLOUT); 2], "{deploys} {executes}");
    }
    // The other run ended first, and resumed it.
    let cloud = Cloud::with(Some(FOR_A_ROLLOUT));
    let resumed = Suspended { scale_in: true, ..NOTHING };
    let (seen, _) = cloud.followed(|| *cloud.target.lock().unwrap() = Some(resumed)).await;
    assert_eq!(seen, [Some(FOR_A_ROLLOUT), Some(resumed)]);
}

#[tokio::test]
async fn what_somebody_changes_meanwhile_stays_as_it_is_then() {
    let cloud = Cloud::with(Some(NOTHING));
    let (seen, _) = cloud.followed(|| *cloud.target.lock().unwrap() = Some(ALL)).await;
    assert_eq!(seen, [Some(FOR_A_ROLLOUT), Some(ALL)]);
}

#[tokio::test]
async fn whoever_may_not_suspend_it_is_asked_once_and_what_may_have_been_done_is_undone() {
    let refused = json!({ "__type": "AccessDeniedException", "__status": 400, "Message": "no" });
    let cloud = Cloud { refusals: Arc::new(Mutex::new(vec![refused])), ..Cloud::with(Some(NOTHING)) };
    assert_eq!(cloud.followed(|| {}).await, ([Some(NOTHING); 2], 2));

    // Nobody knows whether it was carried out; a moment later it shows that it was.
    let broken = json!({ "__type": "InternalFailure" });
    let cloud = Cloud { refusals: Arc::new(Mutex::new(vec![broken])), ..Cloud::with(Some(NOTHING)) };
    let (seen, calls) = cloud.followed(|| *cloud.target.lock().unwrap() = Some(FOR_A_ROLLOUT)).await;
    assert_eq!((seen, calls), ([Some(NOTHING); 2], 4));
    // And where it shows only after the last look.
    let broken = json!({ "__type": "InternalFailure" });
    let cloud = Cloud { refusals: Arc::new(Mutex::new(vec![broken])), ..Cloud::with(Some(NOTHING)) };
    assert_eq!(cloud.followed(|| {}).await, ([Some(NOTHING); 2], 4));
}
