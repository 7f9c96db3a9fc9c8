//! Before anything is made: the revision is read, the service and its traffic are looked at, and what an earlier
//! deployment left is cleared away.

use std::time::Duration;

use super::turn::{LOOK, Trouble, Turn};
use crate::engine::Next;
use crate::services::codedeploy::appspec::{self, AppSpec};
use crate::services::codedeploy::deployment::{Phase, Set, TargetGroup};
use crate::services::codedeploy::shapes::EcsService;
use crate::services::ecs::{DeleteTaskSet, LoadBalancer, Service, TaskSet};
use crate::services::elbv2::{self, DescribeListeners, DescribeTargetGroups};
use crate::services::s3::objects::{self, Place};

impl Turn<'_> {
    /// Queued becomes InProgress.
    pub(super) fn begin(mut self) -> Result<Next, Trouble> {
        let now = self.cloud.clock().now();
        self.row.set_status("InProgress");
        self.row.info.start_time = Some(now);
        if self.row.is_rollback() {
            self.enter(Phase::Back)?;
        } else {
            self.row.begin("BeforeInstall", now);
            self.enter(Phase::Prepare)?;
        }
        Ok(Next::After(LOOK))
    }

    pub(super) async fn prepare(mut self) -> Result<Next, Trouble> {
        self.row.spec = Some(self.read_spec().await?);
        let service = self.service().await?;
        if service.deployment_controller.r#type != "CODE_DEPLOY" {
            return Err(invalid_service(
                "Deployment group's ECS service must be configured for a CODE_DEPLOY deployment controller.",
            ));
        }
        let listener = self.production_listener()?;
        let original = original(&service)?;
        let (live, vacant, vacant_is_used) = self.target_groups(original).await?;
        let traffic = self.traffic(&listener, [&live, &vacant]).await?;
        if !traffic.leads_to(&live.arn) {
            // AWS's words, as operators report them of rules that disagree.
            return Err(balancer_refuses(&format!(
                "Primary taskset target group must be behind listener {listener}"
            )));
        }
        self.clear(&service, original).await?;
        let now = self.cloud.clock().now();
        self.row.blue = Some(Set { target_group: live.clone(), ..Set::of(original) });
        self.row.vacant = vacant.clone();
        self.note_traffic(&traffic);
        if !vacant_is_used {
            // A target group on no listener is not checked: it joins without weight.
            self.route(&listener, [(&live, 100), (&vacant, 0)]).await?;
        }
        self.row.succeed("BeforeInstall", now);
        self.row.begin("Install", now);
        self.enter(Phase::Install)?;
        Ok(Next::After(Duration::ZERO))
    }

    async fn read_spec(&self) -> Result<AppSpec, Trouble> {
        let invalid = |message| Trouble::Fatal { code: "INVALID_REVISION", message };
        let revision = &self.row.info.revision;
        if let Some(content) = revision.app_spec_content.as_ref().or(revision.string.as_ref()) {
            return appspec::read(&content.content).map_err(invalid);
        }
        let Some(place) = &revision.s3_location else {
            return Err(invalid("The revision has no AppSpec".to_owned()));
        };
        let object = Place { bucket: &place.bucket, key: &place.key, version: place.version.as_deref() };
        let bytes = objects::get(self.cloud, &self.principal, object).await.map_err(|error| {
            super::remote::of_service(error, "REVISION_MISSING", |error| {
                format!(
                    "The AppSpec s3://{}/{} could not be read: {}",
                    place.bucket, place.key, error.message
                )
            })
        })?;
        let text =
            String::from_utf8(bytes).map_err(|_| invalid("The AppSpec file is not text".to_owned()))?;
        appspec::read(&text).map_err(invalid)
    }

    /// The target group of the primary task set, the other one, and whether that is on a listener too.
    async fn target_groups(&self, original: &TaskSet) -> Result<(TargetGroup, TargetGroup, bool), Trouble> {
        let pair = self.row.group.settings.pair().cloned().unwrap_or_default();
        let names: Vec<_> = pair.target_groups.into_iter().map(|group| group.name).collect();
        let input = DescribeTargetGroups { names: names.clone(), ..DescribeTargetGroups::default() };
        let found = self.elb(input).await?.target_groups;
        // CodeDeploy looks at the listener too: its managed policy and CloudTrail have both calls.
        let listener_arns = vec![self.production_listener()?];
        self.elb(DescribeListeners { listener_arns, ..DescribeListeners::default() }).await?;
        let is_live = |group: &&elbv2::TargetGroup| {
            let behind = |lb: &LoadBalancer| lb.target_group_arn.as_ref() == Some(&group.target_group_arn);
            original.load_balancers.iter().any(behind)
        };
        let (Some(live), Some(vacant)) =
            (found.iter().find(is_live), found.iter().find(|group| !is_live(group)))
        else {
            return Err(balancer_refuses(&format!(
                "the primary task set is behind none of the deployment group's target groups {}",
                names.join(", ")
            )));
        };
        let is_used = !vacant.load_balancer_arns.is_empty();
        Ok((target_group(live), target_group(vacant), is_used))
    }

    /// Deletes task sets that an earlier deployment left behind without a rollback.
    async fn clear(&self, service: &Service, original: &TaskSet) -> Result<(), Trouble> {
        let left = service.task_sets.iter().filter(|set| {
            set.id != original.id
                && set.status != "DRAINING"
                && set.external_id.as_deref() != Some(self.row.info.deployment_id.as_str())
        });
        for set in left {
            self.delete_task_set(&set.id).await?;
        }
        Ok(())
    }

    /// One that is gone already counts as deleted.
    pub(super) async fn delete_task_set(&self, id: &str) -> Result<(), Trouble> {
        let EcsService { cluster_name, service_name } = self.ecs_service();
        let input = DeleteTaskSet {
            cluster: cluster_name,
            service: service_name,
            task_set: id.to_owned(),
            force: true,
        };
        match self.ecs(input).await {
            Err(Trouble::Fatal { message, .. }) if message.contains("TaskSetNotFoundException") => Ok(()),
            Err(trouble) => Err(trouble),
            Ok(_) => Ok(()),
        }
    }
}

impl Set {
    pub(super) fn of(set: &TaskSet) -> Self {
        Self {
            id: set.id.clone(),
            status: set.status.clone(),
            desired: set.computed_desired_count,
            pending: set.pending_count,
            running: set.running_count,
            ..Self::default()
        }
    }
}

/// The task set that serves production, whatever the weights of rules say.
fn original(service: &Service) -> Result<&TaskSet, Trouble> {
    let primary = service.task_sets.iter().find(|set| set.status == "PRIMARY");
    primary.ok_or_else(|| invalid_service("The ECS service has no primary task set."))
}

fn balancer_refuses(why: &str) -> Trouble {
    Trouble::Fatal {
        code: "ELASTIC_LOAD_BALANCING_INVALID",
        message: format!("The ELB could not be updated due to the following error: {why}"),
    }
}

fn target_group(found: &elbv2::TargetGroup) -> TargetGroup {
    TargetGroup { arn: found.target_group_arn.clone(), name: found.target_group_name.clone() }
}

fn invalid_service(message: &str) -> Trouble {
    Trouble::Fatal { code: "INVALID_ECS_SERVICE", message: message.to_owned() }
}
