//! What CodeDeploy calls: a service with two target groups, in memory.

use std::sync::Mutex;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::cloud::{Part, Setup};
use crate::error::ServiceError;
use crate::operation::{Call, Operation, Operations};

#[derive(Clone)]
struct Set {
    id: String,
    group: String,
    status: String,
    external_id: Option<String>,
}

#[derive(Clone)]
struct State {
    sets: Vec<Set>,
    /// Listener, its target groups with their weights; the last of a listener counts.
    routes: Vec<(String, Vec<(String, i64)>)>,
    is_spoiled: bool,
    alarms: bool,
}

pub(super) struct Neighbours(Mutex<State>);

impl Part for Neighbours {
    fn open(_setup: &Setup) -> Self {
        let blue = Set {
            id: "ecs-svc/1".to_owned(),
            group: "blue".to_owned(),
            status: "PRIMARY".to_owned(),
            external_id: None,
        };
        let routes = vec![
            ("production".to_owned(), vec![("blue".to_owned(), 1)]),
            ("test".to_owned(), vec![("green".to_owned(), 1)]),
        ];
        Self(Mutex::new(State { sets: vec![blue], routes, is_spoiled: false, alarms: false }))
    }
}

impl Neighbours {
    pub(super) fn spoil(&self) {
        self.0.lock().unwrap().is_spoiled = true;
    }

    pub(super) fn alarm(&self) {
        self.0.lock().unwrap().alarms = true;
    }

    pub(super) fn be(&self, other: &Self) {
        let state = other.0.lock().unwrap().clone();
        *self.0.lock().unwrap() = state;
    }

    pub(super) fn weights(&self, listener: &str) -> Vec<(String, i64)> {
        let state = self.0.lock().unwrap();
        state.routes.iter().rev().find(|route| route.0 == listener).unwrap().1.clone()
    }

    /// The weights that a target group was given on a listener, one after another.
    pub(super) fn history(&self, listener: &str, group: &str) -> Vec<i64> {
        let state = self.0.lock().unwrap();
        let of_listener = state.routes.iter().filter(|route| route.0 == listener);
        let weights = of_listener.flat_map(|route| &route.1).filter(|share| share.0 == group);
        weights.map(|share| share.1).collect()
    }

    /// Target group and status of each task set.
    pub(super) fn sets(&self) -> Vec<(String, String)> {
        let state = self.0.lock().unwrap();
        state.sets.iter().map(|set| (set.group.clone(), set.status.clone())).collect()
    }
}

impl State {
    fn shape(&self, set: &Set) -> Value {
        let is_bad = self.is_spoiled && set.external_id.is_some();
        json!({
            "id": set.id, "externalId": set.external_id, "status": set.status,
            "computedDesiredCount": 1, "runningCount": 1, "pendingCount": 0,
            "loadBalancers": [{ "targetGroupArn": set.group }],
            "stabilityStatus": if is_bad { "STABILIZING" } else { "STEADY_STATE" },
        })
    }

    fn service(&self) -> Value {
        let sets: Vec<_> = self.sets.iter().map(|set| self.shape(set)).collect();
        let bad = self.sets.iter().filter(|set| self.is_spoiled && set.external_id.is_some());
        let event = |set: &Set| {
            let message = format!("(service s, taskSet {}) has started 1 tasks: (task a).", set.id);
            json!({ "id": "1", "createdAt": 0.0, "message": message })
        };
        let events: Vec<_> = bad.flat_map(|set| [event(set), event(set), event(set), event(set)]).collect();
        json!({ "services": [{
            "serviceName": "s", "status": "ACTIVE", "deploymentController": { "type": "CODE_DEPLOY" },
            "taskSets": sets, "events": events,
        }] })
    }

    fn listener(&self, arn: &str) -> Value {
        let shares = &self.routes.iter().rev().find(|route| route.0 == arn).unwrap().1;
        let groups: Vec<_> =
            shares.iter().map(|(arn, weight)| json!({ "TargetGroupArn": arn, "Weight": weight })).collect();
        let action = json!({ "Type": "forward", "ForwardConfig": { "TargetGroups": groups } });
        json!({ "Listeners": [{ "ListenerArn": arn, "DefaultActions": [action] }] })
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

macro_rules! stand_in {
    ($name:ident, $service:literal, |$input:ident, $state:ident| $body:expr) => {
        #[derive(Deserialize)]
        struct $name(Value);

        impl Operation for $name {
            type Output = Value;
            const SERVICE: &'static str = $service;
            const NAME: &'static str = stringify!($name);

            async fn handle(self, call: &Call) -> Result<Value, ServiceError> {
                assert!(call.principal.role_arn.is_some(), "{} by {}", Self::NAME, call.principal.arn);
                let neighbours = call.cloud.part::<Neighbours>();
                let ($input, mut guard) = (self.0, neighbours.0.lock().unwrap());
                let $state = &mut *guard;
                $body
            }
        }
    };
}

stand_in!(DescribeServices, "ecs", |_input, state| {
    // What drained is gone at the next look.
    let answer = state.service();
    state.sets.retain(|set| set.status != "DRAINING");
    Ok(answer)
});
stand_in!(CreateTaskSet, "ecs", |input, state| {
    let set = Set {
        id: format!("ecs-svc/{}", state.sets.len() + 1),
        group: text(&input["loadBalancers"][0]["targetGroupArn"]),
        status: "ACTIVE".to_owned(),
        external_id: Some(text(&input["externalId"])),
    };
    state.sets.push(set.clone());
    Ok(json!({ "taskSet": state.shape(&set) }))
});
stand_in!(UpdateServicePrimaryTaskSet, "ecs", |input, state| {
    for set in &mut state.sets {
        let is_meant = input["primaryTaskSet"] == json!(set.id);
        set.status = if is_meant { "PRIMARY" } else { "ACTIVE" }.to_owned();
    }
    Ok(json!({}))
});
stand_in!(DeleteTaskSet, "ecs", |input, state| {
    let found = state.sets.iter_mut().find(|set| input["taskSet"] == json!(set.id)).unwrap();
    assert_ne!(found.status, "PRIMARY");
    found.status = "DRAINING".to_owned();
    Ok(json!({}))
});
stand_in!(DescribeTargetGroups, "elasticloadbalancing", |input, _state| {
    let names = input["Names"].as_array().unwrap();
    let group = |name: &Value| json!({ "TargetGroupArn": name, "TargetGroupName": name, "LoadBalancerArns": ["balancer"] });
    Ok(json!({ "TargetGroups": names.iter().map(group).collect::<Vec<_>>() }))
});
stand_in!(DescribeListeners, "elasticloadbalancing", |input, state| {
    Ok(state.listener(&text(&input["ListenerArns"][0])))
});
stand_in!(ModifyListener, "elasticloadbalancing", |input, state| {
    let arn = text(&input["ListenerArn"]);
    let groups = input["DefaultActions"][0]["ForwardConfig"]["TargetGroups"].as_array().unwrap();
    let share = |group: &Value| (text(&group["TargetGroupArn"]), group["Weight"].as_i64().unwrap());
    state.routes.push((arn.clone(), groups.iter().map(share).collect()));
    Ok(state.listener(&arn))
});
stand_in!(DescribeAlarms, "monitoring", |input, state| {
    let value = if state.alarms { "ALARM" } else { "OK" };
    let name = &input["AlarmNames"][0];
    Ok(json!({ "MetricAlarms": [{ "AlarmName": name, "StateValue": value }] }))
});

pub(super) fn register(operations: &mut Operations) {
    operations.add::<DescribeServices>();
    operations.add::<CreateTaskSet>();
    operations.add::<UpdateServicePrimaryTaskSet>();
    operations.add::<DeleteTaskSet>();
    operations.add::<DescribeTargetGroups>();
    operations.add::<DescribeListeners>();
    operations.add::<ModifyListener>();
    operations.add::<DescribeAlarms>();
}
