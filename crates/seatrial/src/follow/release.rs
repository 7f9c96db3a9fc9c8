//! Follows a pipeline execution to its end: stages, build log, lifecycle events, traffic, stopped tasks, and
//! the probe that asks the production listener all the while the deployment runs.

use std::collections::BTreeSet;
use std::time::Duration;

use super::build::BuildTold;
use super::deployment::DeploymentTold;
use super::{Event, Pace, Probe, ProbeTarget, Requests, Sink};
use crate::aws::status::{Progress, deployment_progress, execution_progress};
use crate::aws::{ActionRun, Aws, Deployment, Execution, StoppedTask};

/// CodeDeploy waits up to an hour for steady tasks, and keeps the original ones for as long as it was told.
const PATIENCE: Duration = Duration::from_secs(4 * 60 * 60);

/// What to watch.
pub(crate) struct ReleaseWatch<'a> {
    pub pipeline: &'a str,
    pub execution: &'a str,
    pub cluster: &'a str,
    pub service: &'a str,
    /// Asked from the deployment's first moment to its last; `None` before there is anything to ask.
    pub probe: Option<ProbeTarget>,
}

/// How it ended.
#[derive(Debug)]
pub(crate) struct ReleaseEnd {
    pub execution: Execution,
    pub actions: Vec<ActionRun>,
    pub deployment: Option<Deployment>,
    /// The deployment that rolled it back, where one did, at its end.
    pub rollback: Option<Deployment>,
    pub requests: Option<Requests>,
    /// Tasks that ended while it ran: a rollback deletes them, so they are noted while they are there.
    pub stopped: Vec<StoppedTask>,
}

/// Tells an execution to its end.
pub(crate) async fn follow_release(
    aws: &Aws,
    watch: ReleaseWatch<'_>,
    sink: Sink<'_>,
) -> anyhow::Result<ReleaseEnd> {
    let mut follower = Follower::new(aws, watch, sink).await?;
    let mut pace = Pace::new(aws.is_local(), PATIENCE);
    loop {
        let execution = aws.get_execution(follower.watch.pipeline, follower.watch.execution).await?;
        if follower.look().await? {
            pace.reset();
        }
        if execution_progress(&execution.status) != Progress::Running {
            return follower.finish(execution, pace).await;
        }
        pace.pause(|| format!("execution `{}`", follower.watch.execution)).await?;
    }
}

struct Follower<'a> {
    aws: &'a Aws,
    watch: ReleaseWatch<'a>,
    sink: Sink<'a>,
    actions: Vec<ActionRun>,
    build: BuildTold,
    deployment_told: DeploymentTold,
    deployment: Option<Deployment>,
    probe: Option<Probe>,
    stopped: Vec<StoppedTask>,
    /// Tasks that had ended before: not ours.
    earlier: BTreeSet<String>,
}

impl<'a> Follower<'a> {
    async fn new(aws: &'a Aws, watch: ReleaseWatch<'a>, sink: Sink<'a>) -> anyhow::Result<Self> {
        let earlier = aws.stopped_tasks(watch.cluster, watch.service).await?;
        Ok(Self {
            aws,
            watch,
            sink,
            actions: Vec::new(),
            build: BuildTold::default(),
            deployment_told: DeploymentTold::default(),
            deployment: None,
            probe: None,
            stopped: Vec::new(),
            earlier: earlier.into_iter().map(|task| task.arn).collect(),
        })
    }

    /// Looks at everything once; whether there was news.
    async fn look(&mut self) -> anyhow::Result<bool> {
        let actions = self.aws.action_runs(self.watch.pipeline, self.watch.execution).await?;
        let mut news = self.tell_actions(&actions);
        self.actions = actions;
        if let Some(id) = self.external_id("Build") {
            let build = self.aws.get_build(&id).await?;
            news |= self.build.tell(self.aws, &build, self.sink).await?;
        }
        if let Some(id) = self.external_id("Deploy") {
            if self.probe.is_none() {
                self.probe = self.watch.probe.take().map(Probe::start);
            }
            let deployment = self.aws.get_deployment(&id).await?;
            news |= self.deployment_told.tell(&deployment, self.sink);
            self.deployment = Some(deployment);
            news |= self.tell_stopped().await?;
        }
        Ok(news)
    }

    fn external_id(&self, stage: &str) -> Option<String> {
        self.actions.iter().find(|run| run.stage == stage).and_then(|run| run.external_id.clone())
    }

    fn tell_actions(&self, actions: &[ActionRun]) -> bool {
        let mut news = false;
        for run in actions {
            let known = self
                .actions
                .iter()
                .any(|old| (&old.stage, &old.action, &old.status) == (&run.stage, &run.action, &run.status));
            if !known {
                news = true;
                let detail = run.error.clone().or_else(|| run.summary.clone());
                let (stage, action, status) = (run.stage.clone(), run.action.clone(), run.status.clone());
                (self.sink)(Event::Action { stage, action, status, detail });
            }
        }
        news
    }

    async fn tell_stopped(&mut self) -> anyhow::Result<bool> {
        let mut news = false;
        for task in self.aws.stopped_tasks(self.watch.cluster, self.watch.service).await? {
            let known =
                self.earlier.contains(&task.arn) || self.stopped.iter().any(|old| old.arn == task.arn);
            if known || task.reason.is_empty() {
                continue;
            }
            news = true;
            let containers: String = task.containers.iter().map(|text| format!("; {text}")).collect();
            let reason = format!("{}{containers}", task.reason);
            (self.sink)(Event::StoppedTask { task: task.arn.clone(), reason });
            self.stopped.push(task);
        }
        Ok(news)
    }

    /// The execution has ended; a rollback may still run, and counts: requests are watched to its end.
    async fn finish(mut self, execution: Execution, mut pace: Pace) -> anyhow::Result<ReleaseEnd> {
        self.look().await?;
        let rollback = match self.deployment.as_ref().and_then(|deployment| deployment.rollback_id.clone()) {
            Some(id) => Some(self.follow_rollback(&id, &mut pace).await?),
            None => None,
        };
        let requests = match self.probe.take() {
            Some(probe) => Some(probe.finish().await),
            None => None,
        };
        Ok(ReleaseEnd {
            execution,
            actions: self.actions,
            deployment: self.deployment,
            rollback,
            requests,
            stopped: self.stopped,
        })
    }

    async fn follow_rollback(&mut self, id: &str, pace: &mut Pace) -> anyhow::Result<Deployment> {
        let mut told = DeploymentTold::default();
        loop {
            let deployment = self.aws.get_deployment(id).await?;
            let news = told.tell(&deployment, self.sink);
            if self.tell_stopped().await? || news {
                pace.reset();
            }
            if deployment_progress(&deployment.status) != Progress::Running {
                return Ok(deployment);
            }
            pace.pause(|| format!("rollback `{id}`")).await?;
        }
    }
}
