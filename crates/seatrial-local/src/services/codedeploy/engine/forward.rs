//! A deployment on its way: the replacement task set, its traffic, the end of the original.

use super::judge;
use super::turn::{GLANCE, LOOK, Trouble, Turn};
use crate::engine::Next;
use crate::services::codedeploy::deployment::{Phase, Set, TargetGroup};
use crate::services::codedeploy::shapes::{EcsService, ReadyOption, Termination};
use crate::services::ecs::{CreateTaskSet, LoadBalancer, Service, TaskSet};

impl Turn<'_> {
    /// Makes the replacement, unless a try before a restart made it already.
    pub(super) async fn install(mut self) -> Result<Next, Trouble> {
        let service = self.service().await?;
        let id = self.row.info.deployment_id.clone();
        let made = service.task_sets.iter().find(|set| set.external_id.as_deref() == Some(id.as_str()));
        let set = match made {
            Some(set) => set.clone(),
            None => self.create_task_set().await?,
        };
        self.row.green = Some(Set { target_group: self.row.vacant.clone(), ..Set::of(&set) });
        self.see(&service);
        self.enter(Phase::Steady)
    }

    async fn create_task_set(&self) -> Result<TaskSet, Trouble> {
        let Some(spec) = self.row.spec.clone() else {
            let message = "The revision has no AppSpec".to_owned();
            return Err(Trouble::Fatal { code: "INVALID_REVISION", message });
        };
        let EcsService { cluster_name, service_name } = self.ecs_service();
        let input = CreateTaskSet {
            cluster: cluster_name,
            service: service_name,
            external_id: Some(self.row.info.deployment_id.clone()),
            task_definition: spec.task_definition,
            network_configuration: spec.network_configuration,
            load_balancers: vec![LoadBalancer {
                target_group_arn: Some(self.row.vacant.arn.clone()),
                container_name: Some(spec.container_name),
                container_port: Some(spec.container_port),
            }],
            platform_version: spec.platform_version,
            ..CreateTaskSet::default()
        };
        Ok(self.ecs(input).await?.task_set)
    }

    /// ECS calls a task set steady when all its tasks run and their targets are healthy.
    pub(super) async fn await_steady(mut self) -> Result<Next, Trouble> {
        let service = self.service().await?;
        self.see(&service);
        let green = self.row.green.clone().unwrap_or_default();
        let Some(set) = service.task_sets.iter().find(|set| set.id == green.id) else {
            return Err(lost(&green.id));
        };
        if set.stability_status != "STEADY_STATE" {
            let waited = self.cloud.clock().now().since(self.row.since);
            self.save(LOOK)?;
            return match judge::given_up(waited) {
                Some(message) => {
                    Err(Trouble::Fatal { code: "HEALTH_CONSTRAINTS", message: message.to_owned() })
                }
                None => Ok(Next::After(LOOK)),
            };
        }
        let now = self.cloud.clock().now();
        self.row.succeed("Install", now);
        self.row.succeed("AfterInstall", now);
        if self.row.group.settings.pair().is_some_and(|pair| pair.test_listener().is_some()) {
            self.row.begin("AllowTestTraffic", now);
            return self.enter(Phase::Test);
        }
        self.enter_ready()
    }

    /// The test listener shows the replacement.
    pub(super) async fn test(mut self) -> Result<Next, Trouble> {
        let listener =
            self.row.group.settings.pair().and_then(|pair| pair.test_listener()).map(str::to_owned);
        let (blue, green) = self.groups();
        if let Some(listener) = listener {
            self.route(&listener, [(&blue, 0), (&green, 100)]).await?;
        }
        let now = self.cloud.clock().now();
        self.row.succeed("AllowTestTraffic", now);
        self.row.succeed("AfterAllowTestTraffic", now);
        self.enter_ready()
    }

    fn ready_option(&self) -> ReadyOption {
        let blue_green = self.row.group.settings.blue_green_deployment_configuration.clone();
        blue_green.unwrap_or_default().deployment_ready_option.unwrap_or_default()
    }

    fn enter_ready(mut self) -> Result<Next, Trouble> {
        if self.ready_option().action_on_timeout.as_deref() == Some("STOP_DEPLOYMENT") {
            self.row.set_status("Ready");
            return self.enter(Phase::Ready);
        }
        self.enter_shift()
    }

    fn enter_shift(mut self) -> Result<Next, Trouble> {
        let now = self.cloud.clock().now();
        self.row.succeed("BeforeAllowTraffic", now);
        self.row.begin("AllowTraffic", now);
        self.enter(Phase::Shift)
    }

    /// `ContinueDeployment` moves the traffic, the end of the wait stops the deployment.
    pub(super) fn await_word(mut self) -> Result<Next, Trouble> {
        if self.row.go_on {
            self.row.set_status("InProgress");
            return self.enter_shift();
        }
        if !self.has_waited(self.ready_option().wait_time_in_minutes.unwrap_or_default()) {
            return Ok(Next::After(GLANCE));
        }
        Err(Trouble::Stop {
            code: "TIMEOUT",
            message: "The deployment was stopped because nobody continued it before the wait time ended"
                .to_owned(),
            event: "DEPLOYMENT_STOP_ON_REQUEST",
        })
    }

    /// One step of the deployment configuration.
    pub(super) async fn shift(mut self) -> Result<Next, Trouble> {
        let steps = self.row.routing.steps();
        let share = steps.get(self.row.shifted).copied().unwrap_or(100);
        let (blue, green) = self.groups();
        let listener = self.production_listener()?;
        let traffic = self.route(&listener, [(&blue, 100 - share), (&green, share)]).await?;
        self.note_traffic(&traffic);
        self.row.shifted += 1;
        let next = if self.row.shifted < steps.len() { Phase::Bake } else { Phase::Promote };
        self.enter(next)
    }

    pub(super) async fn bake(mut self) -> Result<Next, Trouble> {
        self.look().await?;
        match self.has_waited(self.row.routing.interval()) {
            true => self.enter(Phase::Shift),
            false => self.save(GLANCE),
        }
    }

    /// The replacement becomes the service's primary task set.
    pub(super) async fn promote(mut self) -> Result<Next, Trouble> {
        let green = self.row.green.clone().unwrap_or_default();
        self.make_primary(&green.id).await?;
        self.look().await?;
        let now = self.cloud.clock().now();
        self.row.succeed("AllowTraffic", now);
        self.row.succeed("AfterAllowTraffic", now);
        if self.termination().action.as_deref() == Some("KEEP_ALIVE") {
            return self.succeed();
        }
        self.row.info.instance_termination_wait_time_started = true;
        self.enter(Phase::Wait)
    }

    fn termination(&self) -> Termination {
        let blue_green = self.row.group.settings.blue_green_deployment_configuration.clone();
        blue_green.unwrap_or_default().terminate_blue_instances_on_deployment_success.unwrap_or_default()
    }

    pub(super) async fn await_termination(mut self) -> Result<Next, Trouble> {
        let minutes = self.termination().termination_wait_time_in_minutes.unwrap_or_default();
        if self.row.terminate_now || self.has_waited(minutes) {
            return self.enter(Phase::Terminate);
        }
        self.look().await?;
        self.save(GLANCE)
    }

    pub(super) async fn terminate(mut self) -> Result<Next, Trouble> {
        let blue = self.row.blue.clone().unwrap_or_default();
        self.delete_task_set(&blue.id).await?;
        self.look().await?;
        self.enter(Phase::Gone)
    }

    /// The two target groups of this deployment, the original's first.
    pub(super) fn groups(&self) -> (TargetGroup, TargetGroup) {
        let blue = self.row.blue.clone().unwrap_or_default();
        (blue.target_group, self.row.vacant.clone())
    }

    /// Asks ECS for both task sets.
    pub(super) async fn look(&mut self) -> Result<Service, Trouble> {
        let service = self.service().await?;
        self.see(&service);
        Ok(service)
    }

    /// Notes how both task sets are; one that is gone has no tasks.
    pub(super) fn see(&mut self, service: &Service) {
        for known in self.row.blue.iter_mut().chain(self.row.green.iter_mut()) {
            let Some(found) = service.task_sets.iter().find(|set| set.id == known.id) else {
                if known.status == "DRAINING" {
                    (known.desired, known.pending, known.running) = (0, 0, 0);
                }
                continue;
            };
            let seen = Set::of(found);
            *known = Set { target_group: known.target_group.clone(), weight: known.weight, ..seen };
        }
    }
}

fn lost(id: &str) -> Trouble {
    let message = format!("The replacement task set {id} was deleted while the deployment waited for it");
    Trouble::Fatal { code: "ECS_UPDATE_ERROR", message }
}
