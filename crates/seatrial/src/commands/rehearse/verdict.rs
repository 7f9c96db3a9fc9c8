//! The verdict of a rehearsal, and the object it prints.

use std::fmt;

use serde::Serialize;

use crate::aws::status::{Progress, execution_progress};
use crate::commands::deployed::Deployed;
use crate::commands::provision::{Provisioned, StackResult};
use crate::commands::release::Release;
use crate::context::Ctx;
use crate::exit::ExitStatus;

/// How a scenario must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expectation {
    Released,
    RolledBack,
}

/// The object of `rehearse --output json`. Its names are a contract: added to, never renamed.
#[derive(Debug, Serialize)]
pub(super) struct Verdict {
    verdict: &'static str,
    duration_s: f64,
    url: String,
    stacks: Vec<StackResult>,
    image: Image,
    releases: Vec<Release>,
    /// `null` until policies are enforced.
    authorization: Option<()>,
    /// What did not end as it should.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    faults: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Image {
    uri: String,
    digest: String,
    size_bytes: i64,
}

impl Verdict {
    pub(super) async fn of(
        ctx: &Ctx,
        provisioned: Provisioned,
        releases: Vec<(Release, Expectation)>,
    ) -> anyhow::Result<Self> {
        let deployed = Deployed::read(&ctx.aws, &ctx.environment).await?;
        let faults: Vec<String> =
            releases.iter().flat_map(|(release, end)| faults_of(release, *end)).collect();
        Ok(Self {
            verdict: if faults.is_empty() { "pass" } else { "fail" },
            duration_s: (ctx.printer.elapsed().as_secs_f64() * 10.0).round() / 10.0,
            url: deployed.required("Url")?.to_owned(),
            stacks: provisioned.stacks,
            image: image(ctx, &deployed).await?,
            releases: releases.into_iter().map(|(release, _)| release).collect(),
            authorization: None,
            faults,
        })
    }

    pub(super) fn exit_status(&self) -> ExitStatus {
        if self.faults.is_empty() { ExitStatus::Done } else { ExitStatus::Failed }
    }
}

fn faults_of(release: &Release, expectation: Expectation) -> Vec<String> {
    let mut faults = Vec::new();
    let name = &release.scenario;
    let succeeded = execution_progress(&release.status) == Progress::Succeeded;
    match expectation {
        Expectation::Released if !succeeded => {
            faults.push(format!("`{name}` ended {} instead of Succeeded", release.status));
        }
        Expectation::RolledBack if succeeded || !release.rolled_back => {
            faults.push(format!("`{name}` ended {} without a rollback", release.status));
        }
        Expectation::Released | Expectation::RolledBack => {}
    }
    if release.requests.failed > 0 {
        faults.push(format!(
            "`{name}`: {} of {} requests failed",
            release.requests.failed, release.requests.sent
        ));
    }
    faults
}

/// The image that is live: the one of the primary task set.
async fn image(ctx: &Ctx, deployed: &Deployed) -> anyhow::Result<Image> {
    let (cluster, service) = (deployed.required("ClusterName")?, deployed.required("ServiceName")?);
    let live = ctx.aws.describe_service(cluster, service).await?.unwrap_or_default();
    let primary = live.task_sets.into_iter().find(|set| set.status == "PRIMARY");
    let images = match primary {
        Some(set) => ctx.aws.task_definition_images(&set.task_definition).await?,
        None => Vec::new(),
    };
    let uri = images.into_iter().next().unwrap_or_default();
    let digest = uri.rsplit_once('@').map(|(_, digest)| digest.to_owned()).unwrap_or_default();
    let found = ctx.aws.image(deployed.required("RepositoryName")?, &digest).await?;
    Ok(Image { size_bytes: found.map_or(0, |image| image.size_bytes), uri, digest })
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for release in &self.releases {
            write!(f, "[{}] {release:#}", release.scenario)?;
        }
        writeln!(f, "image {} ({} bytes)", self.image.uri, self.image.size_bytes)?;
        for fault in &self.faults {
            writeln!(f, "FAILED: {fault}")?;
        }
        write!(f, "rehearsal: {} in {:.0} s", self.verdict, self.duration_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::follow::Requests;

    fn release(status: &str, rolled_back: bool, failed: u64) -> Release {
        Release {
            scenario: "x".to_owned(),
            source_revision: String::new(),
            pipeline_execution_id: String::new(),
            deployment_id: None,
            status: status.to_owned(),
            rolled_back,
            duration_s: 0.0,
            requests: Requests { sent: 10, failed, ..Requests::default() },
            url: String::new(),
            reasons: Vec::new(),
        }
    }

    #[test]
    fn a_bad_release_passes_only_when_it_was_rolled_back_without_a_failed_request() {
        assert!(faults_of(&release("Failed", true, 0), Expectation::RolledBack).is_empty());
        assert_eq!(faults_of(&release("Failed", false, 0), Expectation::RolledBack).len(), 1);
        assert_eq!(faults_of(&release("Succeeded", false, 0), Expectation::RolledBack).len(), 1);
        assert_eq!(faults_of(&release("Failed", true, 3), Expectation::RolledBack).len(), 1);
        assert_eq!(faults_of(&release("Failed", true, 0), Expectation::Released).len(), 1);
    }
}
