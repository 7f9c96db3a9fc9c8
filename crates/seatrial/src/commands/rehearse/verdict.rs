//! The verdict of a rehearsal, and the object it prints.

use std::fmt;

use serde::Serialize;

use crate::commands::deployed::Deployed;
use crate::commands::provision::{Provisioned, StackResult};
use crate::commands::released::Release;
use crate::context::Ctx;
use crate::exit::Failed;
use crate::outcome::Report;
use crate::plan::owned::Owned;

/// How a scenario must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expectation {
    Released,
    RolledBack,
}

/// The object of `rehearse --output json`. Its names are a contract: added to, never renamed.
#[derive(Debug, Serialize)]
pub(crate) struct Verdict {
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

#[derive(Debug, Default, Serialize)]
struct Image {
    uri: String,
    digest: String,
    size_bytes: i64,
}

impl Verdict {
    /// With the stacks and the first release, before any scenario.
    pub(super) fn new(provisioned: Provisioned) -> Self {
        let mut verdict = Self {
            verdict: "fail",
            duration_s: 0.0,
            url: provisioned.outputs.get("Url").cloned().unwrap_or_default(),
            stacks: provisioned.stacks,
            image: Image::default(),
            releases: Vec::new(),
            authorization: None,
            faults: Vec::new(),
        };
        if let Some(first) = provisioned.release {
            verdict.add(first, Expectation::Released);
        }
        verdict
    }

    pub(super) fn add(&mut self, release: Release, expectation: Expectation) {
        self.faults.extend(faults_of(&release, expectation));
        self.releases.push(release);
    }

    /// The verdict, with what kept it from being complete.
    pub(super) async fn concluded(
        mut self,
        ctx: &Ctx,
        mut errors: Vec<anyhow::Error>,
    ) -> anyhow::Result<Report<Self>> {
        self.duration_s = (ctx.printer().elapsed().as_secs_f64() * 10.0).round() / 10.0;
        if errors.is_empty() {
            match image(ctx).await {
                Ok(image) => self.image = image,
                Err(error) => errors.push(error),
            }
        }
        errors.extend(self.faults.iter().map(|fault| Failed(fault.clone()).into()));
        self.verdict = if errors.is_empty() { "pass" } else { "fail" };
        Ok(Report { fields: self, errors })
    }
}

fn faults_of(release: &Release, expectation: Expectation) -> Vec<String> {
    let mut faults = Vec::new();
    let name = &release.scenario;
    let succeeded = release.succeeded();
    match expectation {
        Expectation::Released if !succeeded => {
            faults.push(format!("`{name}` ended {} instead of Succeeded", release.status));
        }
        Expectation::RolledBack if succeeded || !release.rolled_back => {
            faults.push(format!("`{name}` ended {} without a rollback", release.status));
        }
        Expectation::Released | Expectation::RolledBack => {}
    }
    faults.extend(release.outage().map(|what| format!("`{name}`: {what}")));
    faults
}

/// The image that is live: the one of the primary task set.
async fn image(ctx: &Ctx) -> anyhow::Result<Image> {
    let deployed = Deployed::read(ctx).await?;
    let (cluster, service) = (deployed.required(Owned::ClusterName)?, deployed.required(Owned::ServiceName)?);
    let images = match ctx.aws.primary_task_definition(cluster, service).await? {
        Some(definition) => ctx.aws.task_definition_images(&definition).await?,
        None => Vec::new(),
    };
    let uri = images.into_iter().next().unwrap_or_default();
    let digest = uri.rsplit_once('@').map(|(_, digest)| digest.to_owned()).unwrap_or_default();
    let found = ctx.aws.image(deployed.required(Owned::RepositoryName)?, &digest).await?;
    Ok(Image { size_bytes: found.map_or(0, |image| image.size_bytes), uri, digest })
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for release in &self.releases {
            write!(f, "[{}] {release:#}", release.scenario)?;
        }
        writeln!(f, "image {} ({} bytes)", self.image.uri, self.image.size_bytes)?;
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
            at_least: 10,
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

    #[test]
    fn a_release_without_the_promised_requests_has_shown_nothing() {
        let mut unasked = release("Succeeded", false, 0);
        unasked.requests = Requests::default();
        assert_eq!(faults_of(&unasked, Expectation::Released), ["`x`: only 0 of 10 requests were sent"]);

        unasked.requests.broken = Some("it panicked".to_owned());
        assert_eq!(faults_of(&unasked, Expectation::Released), ["`x`: the probe broke off (it panicked)"]);
    }
}
