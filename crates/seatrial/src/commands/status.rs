//! `cargo xtask status`: stacks, pipeline, deployment, tasks, target health and the live image on one screen.
//! Changes nothing.

use std::fmt;

use serde::Serialize;

use super::deployed::{Deployed, Place};
use super::dns_record::DnsRecord;
use super::drift::{self, Drifted};
use super::scaling::{self, SuspendedScaling};
use crate::aws::status::{Progress, deployment_progress};
use crate::aws::{Aws, StageState, TargetHealth};
use crate::cli::StatusArgs;
use crate::context::Ctx;
use crate::outcome::Report;
use crate::output::table;
use crate::plan::owned::Owned;
use crate::rollout::{Routes, Strategy as _, Traffic};

pub(crate) async fn run(ctx: &Ctx, args: &StatusArgs) -> anyhow::Result<Report<Status>> {
    let deployed = Deployed::read(ctx).await?;
    let reading = read(&ctx.aws, &ctx.environment.name, &deployed);
    let mut status = ctx.session.cancel.unless_cancelled(reading).await??;
    status.orphans = deployed.without_template(&ctx.root);
    status.provision = ctx.session.command("provision");
    if args.drift {
        status.drift = Some(drift::detect(ctx, &deployed).await?);
    }
    let deployment =
        status.deployment.as_ref().filter(|newest| newest.runs()).map(|newest| newest.id.clone());
    status.scaling = scaling::suspended(ctx, &deployed, deployment).await?;
    status.dns_record = DnsRecord::of(&ctx.environment, &deployed);
    Ok(Report::done(status))
}

/// The screen. What is not there yet is `null`.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Status {
    environment: String,
    stacks: Vec<StackStatus>,
    /// Stacks whose template is gone.
    orphans: Vec<String>,
    pipeline: Option<PipelineStatus>,
    deployment: Option<DeploymentStatus>,
    /// Where some of it is suspended.
    scaling: Option<SuspendedScaling>,
    tasks: Vec<TaskStatus>,
    targets: Vec<GroupStatus>,
    /// ARNs of the rules that do not send all traffic to the primary task set, though nothing is being deployed.
    astray: Vec<String>,
    image: Option<ImageStatus>,
    /// With `--drift`: the resources that are not as their templates say.
    drift: Option<Vec<Drifted>>,
    url: Option<String>,
    /// Where a domain is set: the record that it needs.
    dns_record: Option<DnsRecord>,
    /// What to type where nothing is there, or where rules are astray.
    #[serde(skip)]
    provision: String,
}

#[derive(Debug, Serialize)]
struct StackStatus {
    name: String,
    status: String,
}

#[derive(Debug, Serialize)]
struct PipelineStatus {
    name: String,
    stages: Vec<StageStatus>,
    execution_id: Option<String>,
    source_revision: Option<String>,
}

#[derive(Debug, Serialize)]
struct StageStatus {
    name: String,
    status: String,
    enabled: bool,
}

#[derive(Debug, Serialize)]
struct DeploymentStatus {
    id: String,
    status: String,
    error: Option<String>,
}

impl DeploymentStatus {
    fn runs(&self) -> bool {
        deployment_progress(&self.status) == Progress::Running
    }
}

#[derive(Debug, Serialize)]
struct TaskStatus {
    id: String,
    status: String,
    task_definition: String,
}

#[derive(Debug, Serialize)]
struct GroupStatus {
    /// Blue or green: which target group of the two.
    group: &'static str,
    /// Percent of the production traffic.
    weight: i32,
    #[serde(flatten)]
    health: TargetHealth,
}

#[derive(Debug, Serialize)]
struct ImageStatus {
    uri: String,
    tags: Vec<String>,
    size_bytes: i64,
}

async fn read(aws: &Aws, environment: &str, deployed: &Deployed) -> anyhow::Result<Status> {
    let stacks = deployed.stacks.values();
    let stacks = stacks.map(|stack| StackStatus { name: stack.name.clone(), status: stack.status.clone() });
    let mut status = Status {
        environment: environment.to_owned(),
        stacks: stacks.collect(),
        url: deployed.output(Owned::Url).map(str::to_owned),
        ..Status::default()
    };
    if let Some(name) = deployed.output(Owned::PipelineName) {
        status.pipeline = pipeline(aws, name).await?;
    }
    if let (Some(cluster), Some(service)) =
        (deployed.output(Owned::ClusterName), deployed.output(Owned::ServiceName))
    {
        (status.tasks, status.image) = tasks(aws, deployed, (cluster, service)).await?;
    }
    // Without all stacks there is no rollout and nothing to weigh.
    if let Ok(place) = Place::of(deployed) {
        let strategy = place.strategy(aws);
        if let Some(id) = strategy.newest().await? {
            let found = strategy.look(&id).await?;
            status.deployment = Some(DeploymentStatus { id: id.0, status: found.status, error: found.error });
        }
        if let Some(routes) = deployed.routes(&deployed.outputs_by_stack()) {
            status.astray = astray(aws, &routes, status.deployment.as_ref()).await?;
        }
        for weight in strategy.weights().await? {
            let health = aws.target_health(&weight.arn).await?.into_iter();
            let target = |health| GroupStatus { group: weight.group, weight: weight.weight, health };
            status.targets.extend(health.map(target));
        }
    }
    Ok(status)
}

/// The rules that disagree with the primary task set. While a deployment moves traffic some have to.
async fn astray(
    aws: &Aws,
    routes: &Routes,
    newest: Option<&DeploymentStatus>,
) -> anyhow::Result<Vec<String>> {
    if newest.is_some_and(DeploymentStatus::runs) {
        return Ok(Vec::new());
    }
    let traffic = Traffic::read(aws, routes).await?;
    Ok(traffic.astray().into_iter().map(|rule| rule.arn.clone()).collect())
}

async fn pipeline(aws: &Aws, name: &str) -> anyhow::Result<Option<PipelineStatus>> {
    let Some(stages) = aws.pipeline_state(name).await? else { return Ok(None) };
    let newest =
        aws.list_executions(name, |found| !found.is_empty()).await?.unwrap_or_default().into_iter().next();
    let stage =
        |stage: StageState| StageStatus { name: stage.name, status: stage.status, enabled: stage.enabled };
    Ok(Some(PipelineStatus {
        name: name.to_owned(),
        stages: stages.into_iter().map(stage).collect(),
        execution_id: newest.as_ref().map(|execution| execution.id.clone()),
        source_revision: newest.and_then(|execution| execution.revision),
    }))
}

async fn tasks(
    aws: &Aws,
    deployed: &Deployed,
    (cluster, service): (&str, &str),
) -> anyhow::Result<(Vec<TaskStatus>, Option<ImageStatus>)> {
    let found = aws.tasks(cluster, service).await?;
    let last = |arn: &str| arn.rsplit('/').next().unwrap_or(arn).to_owned();
    let statuses = found.iter().map(|task| TaskStatus {
        id: last(&task.arn),
        status: task.last_status.clone(),
        task_definition: last(&task.task_definition),
    });
    let statuses = statuses.collect();
    let primary = aws.primary_task_set(cluster, service).await?;
    let Some(primary) = primary else { return Ok((statuses, None)) };
    let images = aws.task_definition_images(&primary.task_definition).await?;
    let (Some(uri), Some(repository)) = (images.into_iter().next(), deployed.output(Owned::RepositoryName))
    else {
        return Ok((statuses, None));
    };
    let digest = uri.rsplit_once('@').map(|(_, digest)| digest.to_owned()).unwrap_or_default();
    let image = aws.image(repository, &digest).await?;
    let image = image.map(|image| ImageStatus { uri, tags: image.tags, size_bytes: image.size_bytes });
    Ok((statuses, image))
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "environment {}", self.environment)?;
        if self.stacks.is_empty() {
            return write!(f, "nothing is provisioned; run `{}`", self.provision);
        }
        let rows = self.stacks.iter().map(|stack| vec![stack.name.clone(), stack.status.clone()]);
        writeln!(f, "{}", table(&["stack", "status"], rows))?;
        for orphan in &self.orphans {
            writeln!(
                f,
                "{orphan} has no template any more: `provision` leaves it alone, `destroy` includes it"
            )?;
        }
        if let Some(pipeline) = &self.pipeline {
            let revision = pipeline.source_revision.as_deref().unwrap_or("none");
            writeln!(f, "pipeline {}, source revision {revision}", pipeline.name)?;
            let enabled = |stage: &StageStatus| if stage.enabled { "enabled" } else { "disabled" }.to_owned();
            let rows = pipeline.stages.iter().map(|s| vec![s.name.clone(), s.status.clone(), enabled(s)]);
            writeln!(f, "{}", table(&["stage", "status", "inbound transition"], rows))?;
        }
        if let Some(deployment) = &self.deployment {
            let error = deployment.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
            writeln!(f, "deployment {} {}{error}", deployment.id, deployment.status)?;
        }
        if let Some(scaling) = &self.scaling {
            writeln!(f, "{scaling}")?;
        }
        if !self.tasks.is_empty() {
            let row = |t: &TaskStatus| vec![t.id.clone(), t.status.clone(), t.task_definition.clone()];
            let rows = self.tasks.iter().map(row);
            writeln!(f, "{}", table(&["task", "status", "task definition"], rows))?;
        }
        if !self.targets.is_empty() {
            let rows = self.targets.iter().map(|t| {
                let reason = t.health.reason.clone().unwrap_or_default();
                let weight = format!("{} %", t.weight);
                vec![t.group.to_owned(), weight, t.health.target.clone(), t.health.state.clone(), reason]
            });
            writeln!(f, "{}", table(&["target group", "traffic", "target", "health", "reason"], rows))?;
        }
        for rule in &self.astray {
            writeln!(f, "rule {rule} disagrees with the primary task set about who serves production;")?;
            writeln!(f, "  `{} --repair-traffic` sends everything to the primary task set", self.provision)?;
        }
        match self.drift.as_deref() {
            None => {}
            Some([]) => writeln!(f, "no drift: every resource is as its template says")?,
            Some(drifted) => drifted.iter().try_for_each(|one| writeln!(f, "{one}"))?,
        }
        if let Some(image) = &self.image {
            writeln!(f, "image {} ({}), {} bytes", image.uri, image.tags.join(", "), image.size_bytes)?;
        }
        let record =
            self.dns_record.as_ref().map(|record| format!("\ndns         {record}")).unwrap_or_default();
        self.url.as_ref().map_or(Ok(()), |url| write!(f, "application {url}{record}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_yet_has_no_table() {
        let stack = StackStatus { name: "web-a".to_owned(), status: "CREATE_COMPLETE".to_owned() };
        let status = Status { environment: "a".to_owned(), stacks: vec![stack], ..Status::default() };

        let lines = status.to_string().lines().count();

        // The environment, and the stack under its heading.
        assert_eq!(lines, 3, "{status}");
    }
}
