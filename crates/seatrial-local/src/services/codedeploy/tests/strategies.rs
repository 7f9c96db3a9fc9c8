//! Every way in which traffic moves, step by step, by a clock that the test sets; and every moment at which a deployment
//! can be ended.

use super::*;
use crate::clock::{Clock, Hands};

const MINUTE: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);

/// A deployment whose time stands still until it is moved.
struct Timed {
    cloud: Cloud,
    hands: &'static Hands,
    id: String,
    _dir: tempfile::TempDir,
}

/// A deployment group of that configuration, which waits `ready` minutes to be continued and keeps the original tasks for
/// `wait` minutes.
async fn group(config: &str, ready: i64, wait: i64) -> Timed {
    let (dir, hands) = (tempfile::tempdir().unwrap(), Hands::new());
    let cloud = tests::cloud_at(dir.path(), dir.path(), Clock::by(hands), |operations| {
        crate::services::register(operations);
        neighbours::register(operations);
    });
    if let Some(routing) = own(config) {
        let input = json!({
            "deploymentConfigName": config, "computePlatform": "ECS", "trafficRoutingConfig": routing,
        });
        ask(&cloud, "CreateDeploymentConfig", input).await.unwrap();
    }
    make_group(&cloud, config, wait).await;
    if ready > 0 {
        let ready = json!({ "actionOnTimeout": "STOP_DEPLOYMENT", "waitTimeInMinutes": ready });
        let input = json!({
            "applicationName": "app", "currentDeploymentGroupName": "group",
            "blueGreenDeploymentConfiguration": {
                "deploymentReadyOption": ready,
                "terminateBlueInstancesOnDeploymentSuccess": {
                    "action": "TERMINATE", "terminationWaitTimeInMinutes": wait,
                },
            },
        });
        ask(&cloud, "UpdateDeploymentGroup", input).await.unwrap();
    }
    let alarm = json!({
        "AlarmName": "errors", "EvaluationPeriods": 1, "Threshold": 0.0, "Period": 60, "Statistic": "Sum",
        "Namespace": "app", "MetricName": "errors", "ComparisonOperator": "GreaterThanThreshold",
    });
    tests::call(&cloud, "monitoring:PutMetricAlarm", alarm).await.unwrap();
    Timed { cloud, hands, id: String::new(), _dir: dir }
}

/// The routing of a configuration that AWS does not have: `Canary33Percent7Minutes`.
fn own(config: &str) -> Option<Value> {
    let numbers = |text: &str| -> Vec<i64> {
        text.split(|letter: char| !letter.is_ascii_digit()).filter_map(|number| number.parse().ok()).collect()
    };
    let (percent, minutes) = match numbers(config)[..] {
        [percent, minutes] if !config.starts_with("CodeDeployDefault") => (percent, minutes),
        _ => return None,
    };
    Some(match config.starts_with("Canary") {
        true => json!({
            "type": "TimeBasedCanary",
            "timeBasedCanary": { "canaryPercentage": percent, "canaryInterval": minutes },
        }),
        false => json!({
            "type": "TimeBasedLinear",
            "timeBasedLinear": { "linearPercentage": percent, "linearInterval": minutes },
        }),
    })
}

impl Timed {
    async fn begin(mut self) -> Self {
        self.id = deploy(&self.cloud).await.unwrap();
        self
    }

    fn shares(&self) -> Vec<i64> {
        self.cloud.part::<Neighbours>().history("production", "green")
    }

    /// The engine looks now, not at its next glance.
    fn wake(&self) {
        self.cloud.start::<Deployments>(&self.id);
    }

    async fn until(&self, what: &str, holds: impl Fn() -> bool) {
        let looks = || {
            self.wake();
            holds().then_some(())
        };
        let reached = self.cloud.wait_until(LONG, looks).await.is_some();
        let row = self.cloud.part::<CodeDeploy>().deployments.get(&self.id);
        assert!(reached, "{what}: {:?}, {row:#?}", self.shares());
    }

    async fn reaches(&self, phase: Phase) {
        let store = self.cloud.part::<CodeDeploy>();
        self.until("the phase", || store.deployments.get(&self.id).is_some_and(|row| row.phase == phase))
            .await;
    }

    /// Moves the time on, and has the engine see it: twice, for a look may be under way.
    async fn pass(&self, duration: Duration) {
        self.hands.advance(duration);
        let looks = describes(&self.cloud);
        self.until("two looks", || describes(&self.cloud) >= looks + 2).await;
    }

    async fn alarm(&self) {
        let state = json!({ "AlarmName": "errors", "StateValue": "ALARM", "StateReason": "test" });
        tests::call(&self.cloud, "monitoring:SetAlarmState", state).await.unwrap();
        // Alarms are read every second at the most.
        self.hands.advance(SECOND);
        self.wake();
    }

    async fn stop(&self, rolls_back: bool) {
        let input = json!({ "deploymentId": self.id, "autoRollbackEnabled": rolls_back });
        assert_eq!(ask(&self.cloud, "StopDeployment", input).await.unwrap()["status"], "Pending");
    }

    async fn ended(&self) -> Value {
        let store = self.cloud.part::<CodeDeploy>();
        self.until("the end", || store.deployments.get(&self.id).is_some_and(|row| row.info.has_ended()))
            .await;
        info(&self.cloud, &self.id).await
    }
}

#[tokio::test]
async fn traffic_moves_by_the_steps_and_pauses_of_its_configuration() {
    let tens: Vec<i64> = (1..=10).map(|step| step * 10).collect();
    let ones: Vec<i64> = vec![49, 98, 100];
    let rows: [(&str, &[i64], u32); 9] = [
        ("CodeDeployDefault.ECSAllAtOnce", &[100], 0),
        ("CodeDeployDefault.ECSCanary10Percent5Minutes", &[10, 100], 5),
        ("CodeDeployDefault.ECSCanary10Percent15Minutes", &[10, 100], 15),
        ("CodeDeployDefault.ECSLinear10PercentEvery1Minutes", &tens, 1),
        ("CodeDeployDefault.ECSLinear10PercentEvery3Minutes", &tens, 3),
        ("Canary1Percent2880Minutes", &[1, 100], 2880),
        ("Canary99Percent7Minutes", &[99, 100], 7),
        ("Linear30PercentEvery2Minutes", &[30, 60, 90, 100], 2),
        ("Linear49PercentEvery60Minutes", &ones, 60),
    ];
    for (config, steps, minutes) in rows {
        let timed = group(config, 0, 7).await.begin().await;

        for (at, share) in steps.iter().enumerate() {
            timed.until(config, || timed.shares().last() == Some(share)).await;
            if at + 1 < steps.len() {
                timed.reaches(Phase::Bake).await;
                timed.pass(MINUTE * minutes - SECOND).await;
                assert_eq!(timed.shares(), steps[..=at], "{config}, a second before the next step");
                timed.hands.advance(SECOND);
            }
        }
        timed.reaches(Phase::Wait).await;
        assert_eq!(timed.shares(), steps, "{config}");
        timed.pass(MINUTE * 7 - SECOND).await;
        assert_eq!(info(&timed.cloud, &timed.id).await["status"], "InProgress", "{config}");
        timed.hands.advance(SECOND);
        assert_eq!(timed.ended().await["status"], "Succeeded", "{config}");
    }
}

/// A canary that waits to be continued, brought to a phase.
async fn brought_to(phase: Phase) -> Timed {
    let timed = group("CodeDeployDefault.ECSCanary10Percent5Minutes", 30, 60).await;
    if phase == Phase::Steady {
        timed.cloud.part::<Neighbours>().spoil();
    }
    let timed = timed.begin().await;
    if matches!(phase, Phase::Bake | Phase::Wait) {
        timed.reaches(Phase::Ready).await;
        let go_on = json!({ "deploymentId": timed.id, "deploymentWaitType": "READY_WAIT" });
        ask(&timed.cloud, "ContinueDeployment", go_on).await.unwrap();
        timed.reaches(Phase::Bake).await;
    }
    if phase == Phase::Wait {
        timed.hands.advance(MINUTE * 5);
    }
    timed.reaches(phase).await;
    timed
}

const PHASES: [Phase; 4] = [Phase::Steady, Phase::Ready, Phase::Bake, Phase::Wait];

/// The way back from the deployment whose end this is: a deployment of its own, by which the original serves alone, without
/// a task being started.
async fn is_led_back(timed: &Timed, ended: &Value) {
    let store = timed.cloud.part::<CodeDeploy>();
    let id = ended["rollbackInfo"]["rollbackDeploymentId"].as_str().unwrap().to_owned();
    let over = || {
        timed.cloud.start::<Deployments>(&id);
        store.deployments.get(&id).is_some_and(|row| row.info.has_ended())
    };
    timed.until("the rollback", over).await;
    let back = info(&timed.cloud, &id).await;
    assert_eq!(back["status"], "Succeeded", "{back:#}");
    assert_eq!(back["creator"], "codeDeployRollback");
    assert_eq!(back["rollbackInfo"], json!({ "rollbackTriggeringDeploymentId": timed.id }));
    assert_eq!(back["deploymentConfigName"], ended["deploymentConfigName"]);
    let neighbours = timed.cloud.part::<Neighbours>();
    assert_eq!(neighbours.sets(), [("blue".to_owned(), "PRIMARY".to_owned())]);
    let weights = neighbours.weights("production");
    assert_eq!(weights.iter().find(|(group, _)| group == "green").map_or(0, |share| share.1), 0);
    let made =
        timed.cloud.journal().entries().iter().filter(|entry| entry.operation == "CreateTaskSet").count();
    assert_eq!(made, 1, "the replacement alone");
}

#[tokio::test]
async fn a_deployment_that_is_stopped_goes_back_from_every_phase() {
    for phase in PHASES {
        let timed = brought_to(phase).await;

        timed.stop(true).await;
        let ended = timed.ended().await;

        assert_eq!(ended["status"], "Stopped", "{phase:?}");
        assert_eq!(ended["errorInformation"]["code"], "MANUAL_STOP", "{phase:?}");
        is_led_back(&timed, &ended).await;
    }
}

#[tokio::test]
async fn an_alarm_stops_a_deployment_and_leads_it_back_from_every_phase() {
    for phase in PHASES {
        let timed = brought_to(phase).await;

        timed.alarm().await;
        let ended = timed.ended().await;

        assert_eq!(ended["status"], "Stopped", "{phase:?}");
        assert_eq!(ended["errorInformation"]["code"], "ALARM_ACTIVE", "{phase:?}");
        is_led_back(&timed, &ended).await;
    }
}

#[tokio::test]
async fn a_deployment_that_is_stopped_without_rollback_leaves_the_traffic_where_it_is() {
    for phase in PHASES {
        let timed = brought_to(phase).await;
        let shares = timed.shares();

        timed.stop(false).await;
        let ended = timed.ended().await;

        assert_eq!(ended["status"], "Stopped", "{phase:?}");
        assert_eq!(ended["rollbackInfo"], Value::Null, "{phase:?}");
        assert_eq!(timed.shares(), shares, "{phase:?}");
        // What it left is cleared away by the next.
        if phase != Phase::Steady {
            let next = Timed { id: deploy(&timed.cloud).await.unwrap(), ..timed };
            next.reaches(Phase::Ready).await;
            assert_eq!(next.cloud.part::<Neighbours>().sets().len(), 2, "{phase:?}");
        }
    }
}

#[tokio::test]
async fn a_deployment_that_nobody_continues_is_stopped_at_its_time_with_nothing_moved() {
    let timed = brought_to(Phase::Ready).await;
    let shown = target(&timed.cloud, &timed.id).await;
    assert_eq!(
        (&shown["status"], info(&timed.cloud, &timed.id).await["status"].clone()),
        (&json!("Ready"), json!("Ready"))
    );
    assert_eq!(timed.cloud.part::<Neighbours>().weights("test")[1], ("green".to_owned(), 100));

    timed.hands.advance(MINUTE * 30 - SECOND);
    timed.wake();
    let second = deploy(&timed.cloud).await.unwrap_err();
    assert_eq!(second.code, "DeploymentLimitExceededException");
    assert_eq!(info(&timed.cloud, &timed.id).await["status"], "Ready");
    timed.hands.advance(SECOND);
    let ended = timed.ended().await;

    assert_eq!(ended["status"], "Stopped", "{ended:#}");
    assert_eq!(timed.shares(), Vec::<i64>::new());
    is_led_back(&timed, &ended).await;
}
