//! What CodeDeploy calls: a service with two target groups, in memory.

use std::sync::Mutex;

use crate::clock::Epoch;
use crate::cloud::{Part, Setup};
use crate::operation::{Operation, Operations};
use crate::services::ecs::{
    CreateTaskSet, DeleteTaskSet, DeploymentController, DescribeServices, DescribeServicesOutput,
    LoadBalancer, Service, ServiceEvent, TaskSet, TaskSetOutput, UpdateServicePrimaryTaskSet,
};
use crate::services::elbv2::{
    Action, DescribeListeners, DescribeRules, DescribeTargetGroups, ForwardConfig, ListenersOutput,
    ModifyRule, Rule, RulesOutput, TargetGroup, TargetGroupsOutput, WeightedTargetGroup,
};

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
            ("test".to_owned(), vec![("blue".to_owned(), 1)]),
        ];
        Self(Mutex::new(State { sets: vec![blue], routes, is_spoiled: false }))
    }
}

impl Neighbours {
    pub(super) fn spoil(&self) {
        self.0.lock().unwrap().is_spoiled = true;
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
    fn shape(&self, set: &Set) -> TaskSet {
        let is_bad = self.is_spoiled && set.external_id.is_some();
        TaskSet {
            id: set.id.clone(),
            external_id: set.external_id.clone(),
            status: set.status.clone(),
            computed_desired_count: 1,
            running_count: 1,
            load_balancers: vec![LoadBalancer {
                target_group_arn: Some(set.group.clone()),
                ..LoadBalancer::default()
            }],
            stability_status: if is_bad { "STABILIZING" } else { "STEADY_STATE" }.to_owned(),
            ..TaskSet::default()
        }
    }

    fn service(&self) -> Service {
        let bad = self.sets.iter().filter(|set| self.is_spoiled && set.external_id.is_some());
        let event = |set: &Set| ServiceEvent {
            id: "1".to_owned(),
            created_at: Epoch(0.0),
            message: format!("(service s, taskSet {}) has started 1 tasks: (task a).", set.id),
        };
        Service {
            service_name: "s".to_owned(),
            status: "ACTIVE".to_owned(),
            deployment_controller: DeploymentController { r#type: "CODE_DEPLOY".to_owned() },
            task_sets: self.sets.iter().map(|set| self.shape(set)).collect(),
            events: bad.flat_map(|set| [event(set), event(set), event(set), event(set)]).collect(),
            ..Service::default()
        }
    }

    /// The one rule of a listener, called like it.
    fn rules(&self, listener: &str) -> RulesOutput {
        let shares = &self.routes.iter().rev().find(|route| route.0 == listener).unwrap().1;
        let group = |(arn, weight): &(String, i64)| WeightedTargetGroup {
            target_group_arn: arn.clone(),
            weight: Some(*weight),
        };
        let target_groups = shares.iter().map(group).collect();
        let config = ForwardConfig { target_groups, ..ForwardConfig::default() };
        let action = Action { kind: "forward".to_owned(), forward_config: Some(config), ..Action::default() };
        let rule = Rule {
            rule_arn: listener.to_owned(),
            priority: "50000".to_owned(),
            conditions: Vec::new(),
            actions: vec![action],
            is_default: false,
        };
        RulesOutput { rules: vec![rule] }
    }
}

fn describe_services(_input: DescribeServices, state: &mut State) -> DescribeServicesOutput {
    let services = vec![state.service()];
    // What drained is gone at the next look.
    state.sets.retain(|set| set.status != "DRAINING");
    DescribeServicesOutput { services, failures: Vec::new() }
}

fn create_task_set(input: CreateTaskSet, state: &mut State) -> TaskSetOutput {
    let set = Set {
        id: format!("ecs-svc/{}", state.sets.len() + 1),
        group: input.load_balancers[0].target_group_arn.clone().unwrap(),
        status: "ACTIVE".to_owned(),
        external_id: input.external_id,
    };
    state.sets.push(set.clone());
    TaskSetOutput { task_set: state.shape(&set) }
}

fn update_primary(input: UpdateServicePrimaryTaskSet, state: &mut State) -> TaskSetOutput {
    for set in &mut state.sets {
        let is_meant = input.primary_task_set == set.id;
        set.status = if is_meant { "PRIMARY" } else { "ACTIVE" }.to_owned();
    }
    TaskSetOutput { task_set: TaskSet::default() }
}

fn delete_task_set(input: DeleteTaskSet, state: &mut State) -> TaskSetOutput {
    let found = state.sets.iter_mut().find(|set| input.task_set == set.id).unwrap();
    assert_ne!(found.status, "PRIMARY");
    found.status = "DRAINING".to_owned();
    TaskSetOutput { task_set: TaskSet::default() }
}

fn describe_target_groups(input: DescribeTargetGroups, _state: &mut State) -> TargetGroupsOutput {
    let group = |name: String| TargetGroup {
        target_group_arn: name.clone(),
        target_group_name: name,
        load_balancer_arns: vec!["balancer".to_owned()],
        ..TargetGroup::default()
    };
    TargetGroupsOutput { target_groups: input.names.into_iter().map(group).collect() }
}

/// CodeDeploy asks, and has no use for the answer here.
fn describe_listeners(_input: DescribeListeners, _state: &mut State) -> ListenersOutput {
    ListenersOutput { listeners: Vec::new() }
}

fn describe_rules(input: DescribeRules, state: &mut State) -> RulesOutput {
    state.rules(&input.listener_arn.unwrap())
}

fn modify_rule(input: ModifyRule, state: &mut State) -> RulesOutput {
    let actions = input.actions.unwrap();
    let share = |group: &WeightedTargetGroup| (group.target_group_arn.clone(), group.weight.unwrap());
    state.routes.push((input.rule_arn.clone(), actions[0].target_groups().iter().map(share).collect()));
    state.rules(&input.rule_arn)
}

/// Has `answer` stand in for `O`, which nobody but the deployment group's role may call.
fn stand_in<O: Operation>(operations: &mut Operations, answer: fn(O, &mut State) -> O::Output) {
    operations.stand_in(move |input: O, call| {
        assert!(call.principal.role_arn.is_some(), "{} by {}", O::NAME, call.principal.arn);
        let neighbours = call.cloud.part::<Neighbours>();
        let mut state = neighbours.0.lock().unwrap();
        Ok(answer(input, &mut state))
    });
}

pub(super) fn register(operations: &mut Operations) {
    stand_in(operations, describe_services);
    stand_in(operations, create_task_set);
    stand_in(operations, update_primary);
    stand_in(operations, delete_task_set);
    stand_in(operations, describe_target_groups);
    stand_in(operations, describe_listeners);
    stand_in(operations, describe_rules);
    stand_in(operations, modify_rule);
}
