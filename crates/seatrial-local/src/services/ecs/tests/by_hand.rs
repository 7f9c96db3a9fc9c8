//! Deployments driven by hand with AWS's own client.

use std::path::PathBuf;

use serde_json::Value;

use super::alarms::{make_deployment_group, revision, watch};
use super::*;
use crate::tests::aws::AwsCli;
use crate::tests::call as ask;

struct ByHand {
    cloud: Cloud,
    aws: AwsCli,
    revision: PathBuf,
}

impl ByHand {
    /// Starts a deployment and answers its id.
    async fn deploy(&self) -> String {
        let made = self.aws.json(&create(&self.revision)).await;
        made["deploymentId"].as_str().unwrap().to_owned()
    }

    /// The deployment once `reached` says so.
    async fn when(&self, id: &str, reached: impl Fn(&Value) -> bool) -> Value {
        let deadline = tokio::time::Instant::now() + LONG;
        loop {
            let input = json!({ "deploymentId": id });
            let mut answer = ask(&self.cloud, "codedeploy:GetDeployment", input).await.unwrap();
            let info = answer["deploymentInfo"].take();
            if reached(&info) {
                return info;
            }
            assert!(tokio::time::Instant::now() < deadline, "{info:#}");
            self.cloud.wait_until(Duration::from_millis(20), || None::<()>).await;
        }
    }

    async fn ready(&self) -> String {
        let id = self.deploy().await;
        self.when(&id, |info| info["status"] == "Ready").await;
        id
    }

    async fn ended(&self, id: &str) -> Value {
        self.when(id, |info| !info["completeTime"].is_null()).await
    }
}

fn create(revision: &Path) -> String {
    format!(
        "deploy create-deployment --application-name app --deployment-group-name group --revision file://{}",
        revision.display()
    )
}

async fn by_hand(dir: &Path) -> ByHand {
    let cloud = make(dir).await;
    let definition = define(&cloud, json!({})).await;
    make_service(&cloud, &definition).await;
    when(&cloud, is_steady).await;
    watch(&cloud, "Blue").await;
    watch(&cloud, "Green").await;
    let ready = json!({ "actionOnTimeout": "STOP_DEPLOYMENT", "waitTimeInMinutes": 2880 });
    make_deployment_group(&cloud, ready).await;
    let file = dir.join("revision.json");
    std::fs::write(&file, revision(&definition, &json!([])).to_string()).unwrap();
    ByHand { aws: AwsCli::new(&cloud), cloud, revision: file }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_is_continued_scaled_and_ended_by_hand() {
    let dir = tempfile::tempdir().unwrap();
    let hand = by_hand(dir.path()).await;

    let id = hand.ready().await;
    let early =
        format!("deploy continue-deployment --deployment-id {id} --deployment-wait-type TERMINATION_WAIT");
    let refused = hand.aws.refusal(&early).await;
    assert!(refused.contains("DeploymentIsNotInReadyStateException"), "{refused}");
    let go_on = format!("deploy continue-deployment --deployment-id {id} --deployment-wait-type READY_WAIT");
    hand.aws.json(&go_on).await;
    hand.when(&id, |info| info["instanceTerminationWaitTimeStarted"] == true).await;
    let shown = hand.aws.json(&format!("deploy get-deployment --deployment-id {id}")).await;
    assert_eq!(shown["deploymentInfo"]["status"], "InProgress");
    let targets = hand.aws.json(&format!("deploy list-deployment-targets --deployment-id {id}")).await;
    assert_eq!(targets["targetIds"], json!(["c:s"]));
    let second = hand.aws.refusal(&create(&hand.revision)).await;
    assert!(second.contains("DeploymentLimitExceededException"), "{second}");
    let scaled = hand.aws.json("ecs update-service --cluster c --service s --desired-count 3").await;
    assert_eq!(scaled["service"]["desiredCount"], 3);
    let forced = "ecs update-service --cluster c --service s --force-new-deployment";
    assert!(hand.aws.refusal(forced).await.contains("CODE_DEPLOY deployment controller"));
    hand.aws.json(&early).await;
    let ended = hand.ended(&id).await;
    assert_eq!(ended["status"], "Succeeded", "{ended:#}");
    let late = hand.aws.refusal(&format!("deploy stop-deployment --deployment-id {id}")).await;
    assert!(late.contains("DeploymentAlreadyCompletedException"), "{late}");
    close(&hand.cloud).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_is_stopped_by_hand_and_by_an_alarm_that_was_set() {
    let dir = tempfile::tempdir().unwrap();
    let hand = by_hand(dir.path()).await;

    let id = hand.ready().await;
    let stop = format!("deploy stop-deployment --deployment-id {id} --auto-rollback-enabled");
    assert_eq!(hand.aws.json(&stop).await["status"], "Pending");
    let stopped = hand.ended(&id).await;
    assert_eq!(stopped["errorInformation"]["code"], "MANUAL_STOP");
    let back = stopped["rollbackInfo"]["rollbackDeploymentId"].as_str().unwrap();
    assert_eq!(hand.ended(back).await["status"], "Succeeded");

    let hooks = json!([{ "BeforeInstall": "check" }]);
    let hooked = dir.path().join("hooked.json");
    std::fs::write(&hooked, revision("app", &hooks).to_string()).unwrap();
    let hooked = hand.aws.json(&create(&hooked)).await;
    let failed = hand.ended(hooked["deploymentId"].as_str().unwrap()).await;
    let message = failed["errorInformation"]["message"].as_str().unwrap();
    assert!(failed["status"] == "Failed" && message.contains("BeforeInstall"), "{failed:#}");

    let id = hand.ready().await;
    hand.aws
        .json(
            "cloudwatch set-alarm-state --alarm-name GreenErrors --state-value ALARM --state-reason by-hand",
        )
        .await;
    let stopped = hand.ended(&id).await;
    assert_eq!(stopped["errorInformation"]["code"], "ALARM_ACTIVE");
    let back = stopped["rollbackInfo"]["rollbackDeploymentId"].as_str().unwrap();
    assert_eq!(hand.ended(back).await["status"], "Succeeded");

    let statistics = hand.aws.json(
        "cloudwatch get-metric-statistics --namespace AWS/ApplicationELB --metric-name HealthyHostCount --period 60 \
         --statistics Maximum --start-time 2026-01-01T00:00:00Z --end-time 2026-01-01T01:00:00Z",
    );
    assert_eq!(statistics.await["Label"], "HealthyHostCount");
    close(&hand.cloud).await;
}
