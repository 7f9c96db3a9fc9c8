//! The verdict of a rehearsal, and the object it prints.

use std::fmt;

use serde::Serialize;
use serde_json::{Value, json};

use super::stage::Stage;
use crate::commands::deployed::Deployed;
use crate::commands::explain::Kind;
use crate::commands::provision::{Provisioned, StackResult};
use crate::commands::released::Release;
use crate::context::{Ctx, TIME_SCALE};
use crate::exit::Failed;
use crate::outcome::Report;
use crate::plan::owned::Owned;
use crate::session::Session;
use seatrial_permissions::{Judgement as Permissions, Record, Use};
use seatrial_project::Deployment;

/// A wait that an environment's releases have on purpose.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Wait {
    what: &'static str,
    here_s: f64,
    on_aws_s: f64,
}

impl Wait {
    fn of(deployment: &Deployment) -> Vec<Self> {
        let wait = |what, minutes: u64| {
            let on_aws_s = 60.0 * minutes as f64;
            (minutes > 0).then_some(Self { what, here_s: on_aws_s / TIME_SCALE, on_aws_s })
        };
        let waits = [
            wait("until all traffic has moved", deployment.traffic.minutes()),
            wait("until the original tasks end", u64::from(deployment.terminate_blue_after.0)),
        ];
        waits.into_iter().flatten().collect()
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, here_s, on_aws_s } = self;
        write!(f, "{what}: here {here_s:.0} s; on AWS {:.0} min", on_aws_s / 60.0)
    }
}

/// How a scenario must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expectation {
    Released,
    /// For this reason, and no other.
    RolledBack(Kind),
    /// Likewise, and before anything was deployed.
    StoppedBefore(Kind),
}

/// The object of `rehearse --output json`. Its names are a contract: added to, never renamed.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Verdict {
    verdict: Judgement,
    duration_s: f64,
    url: String,
    /// Whose settings were rehearsed.
    environment: String,
    /// What project.yml names by its ARN and was made up.
    stand_ins: Vec<String>,
    /// What the environment has and was not rehearsed, a line each.
    left_out: Vec<String>,
    stacks: Vec<StackResult>,
    image: Image,
    releases: Vec<Played>,
    /// What the environment waits for on purpose, which passes faster here.
    waits: Vec<Wait>,
    /// `null` where nothing was asked of the local cloud.
    authorization: Option<Authorization>,
    /// What did not end as it should.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    faults: Vec<String>,
}

/// Permissions that calls needed, counted each time.
#[derive(Debug, Clone, Serialize)]
struct Authorization {
    allowed: u64,
    denied: u64,
    /// What roles of the stacks were denied, a line each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    denials: Vec<String>,
}

/// A release, and whether it ended as its scenario wants it.
#[derive(Debug, Serialize)]
struct Played {
    #[serde(flatten)]
    release: Release,
    as_it_should: bool,
    /// How, of one that did not go well and was not to.
    #[serde(skip)]
    words: Option<&'static str>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Judgement {
    Pass,
    /// Also of a rehearsal that did not come to its end.
    #[default]
    Fail,
}

#[derive(Debug, Default, Serialize)]
struct Image {
    uri: String,
    digest: String,
    size_bytes: i64,
}

impl Expectation {
    /// Of what did not go well, and was not to.
    fn words(self) -> Option<&'static str> {
        match self {
            Self::Released => None,
            Self::RolledBack(_) => Some("rolled back, as it should"),
            Self::StoppedBefore(_) => Some("stopped before any traffic was moved, as it should"),
        }
    }
}

impl Verdict {
    /// The stacks and the first release, before any scenario.
    pub(super) fn begin(&mut self, provisioned: Provisioned, stage: &Stage) {
        self.waits = Wait::of(&stage.environment.deployment);
        self.environment.clone_from(&stage.environment.name);
        self.stand_ins.clone_from(&stage.stand_ins);
        self.left_out.clone_from(&stage.left_out);
        self.url = provisioned.outputs.get("Url").cloned().unwrap_or_default();
        self.stacks = provisioned.stacks;
        if let Some(first) = provisioned.release {
            self.add(first, Expectation::Released);
        }
    }

    pub(super) fn add(&mut self, release: Release, expectation: Expectation) {
        let faults = faults_of(&release, expectation);
        let words = expectation.words().filter(|_| faults.is_empty());
        self.releases.push(Played { release, as_it_should: faults.is_empty(), words });
        self.faults.extend(faults);
    }

    /// Whether a release after the first went through.
    pub(super) fn has_replaced(&self) -> bool {
        self.releases.iter().skip(1).any(|played| played.release.status == "Succeeded")
    }

    /// What was asked for, and denied to roles of the stacks; what keeps it from being known is told.
    pub(super) fn permissions(&mut self, session: &Session, kept: anyhow::Result<(Record, Permissions)>) {
        match kept {
            Ok((record, judgement)) => {
                let sum = |of: fn(&Use) -> u64| record.uses.iter().map(of).sum();
                self.authorization = Some(Authorization {
                    allowed: sum(|used| used.allowed),
                    denied: sum(|used| used.denied),
                    denials: judgement.denied.iter().map(ToString::to_string).collect(),
                });
            }
            Err(why) => session.printer.warning(format_args!("what the roles did is not known: {why:#}")),
        }
    }

    /// Asks for the image that is live in the end.
    pub(super) async fn look_at_image(&mut self, ctx: &Ctx) -> anyhow::Result<()> {
        self.image = image(ctx).await?;
        Ok(())
    }

    /// What the page is told: the object that is printed, as it stands; `ended`: it is over, and nothing has gone wrong besides.
    pub(super) fn told(&self, session: &Session, ended: Option<bool>) -> Value {
        let mut told = serde_json::to_value(self).unwrap_or_default();
        let word = match ended {
            None => "running",
            Some(well) if well && self.faults.is_empty() => "pass",
            Some(_) => "fail",
        };
        told["verdict"] = json!(word);
        told["duration_s"] = json!(seconds(session));
        told
    }

    /// The verdict, with what kept it from being complete.
    pub(super) fn concluded(mut self, session: &Session, mut errors: Vec<anyhow::Error>) -> Report<Self> {
        self.duration_s = seconds(session);
        errors.extend(self.faults.iter().map(|fault| Failed(fault.clone()).into()));
        self.verdict = if errors.is_empty() { Judgement::Pass } else { Judgement::Fail };
        Report { fields: self, errors }
    }
}

fn seconds(session: &Session) -> f64 {
    (session.printer.elapsed().as_secs_f64() * 10.0).round() / 10.0
}

fn faults_of(release: &Release, expectation: Expectation) -> Vec<String> {
    let mut faults = Vec::new();
    let name = &release.scenario;
    let succeeded = release.succeeded();
    match expectation {
        Expectation::Released if !succeeded => {
            faults.push(format!("`{name}` ended {} instead of Succeeded", release.status));
        }
        Expectation::StoppedBefore(_) if succeeded || release.deployment_id.is_some() => {
            faults.push(format!("`{name}` ended {} and came to its deployment", release.status));
        }
        Expectation::RolledBack(_) if succeeded || !release.rolled_back => {
            faults.push(format!("`{name}` ended {} without a rollback", release.status));
        }
        Expectation::RolledBack(cause) | Expectation::StoppedBefore(cause) => {
            let told = release.explanation.as_ref().map(|story| story.cause);
            if told != Some(cause) {
                faults.push(format!("`{name}` ended {} for {told:?}, not for {cause:?}", release.status));
            }
        }
        Expectation::Released => {}
    }
    faults.extend(release.doubt().map(|what| format!("`{name}`: {what}")));
    faults
}

/// The image that is live: the one of the primary task set.
async fn image(ctx: &Ctx) -> anyhow::Result<Image> {
    let deployed = Deployed::read(ctx).await?;
    let (cluster, service) = (deployed.required(Owned::ClusterName)?, deployed.required(Owned::ServiceName)?);
    let images = match ctx.aws.primary_task_set(cluster, service).await? {
        Some(primary) => ctx.aws.task_definition_images(&primary.task_definition).await?,
        None => Vec::new(),
    };
    let uri = images.into_iter().next().unwrap_or_default();
    let digest = uri.rsplit_once('@').map(|(_, digest)| digest.to_owned()).unwrap_or_default();
    let found = ctx.aws.image(deployed.required(Owned::RepositoryName)?, &digest).await?;
    Ok(Image { size_bytes: found.map_or(0, |image| image.size_bytes), uri, digest })
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.stacks.is_empty() {
            // Nothing was rehearsed: what is wrong is told as an error.
            return Ok(());
        }
        for Played { release, words, .. } in &self.releases {
            let words = words.map(|words| format!("{words}: ")).unwrap_or_default();
            write!(f, "[{}] {words}{release:#}", release.scenario)?;
        }
        if !self.stand_ins.is_empty() {
            writeln!(f, "made up, not as in the account: {}", self.stand_ins.join(", "))?;
        }
        self.left_out.iter().try_for_each(|line| writeln!(f, "not as in `{}`: {line}", self.environment))?;
        self.waits.iter().try_for_each(|wait| writeln!(f, "{wait}"))?;
        if let Some(Authorization { denials, .. }) = &self.authorization {
            denials.iter().try_for_each(|line| writeln!(f, "denied: {line}"))?;
        }
        if !self.image.uri.is_empty() {
            writeln!(f, "image {} ({} bytes)", self.image.uri, self.image.size_bytes)?;
        }
        let verdict = if self.verdict == Judgement::Pass { "pass" } else { "fail" };
        write!(f, "rehearsal: {verdict} in {:.0} s", self.duration_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::explain::Story;
    use crate::follow::{Cause, Requests};

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
            unprobed: None,
            left: None,
            at_least: 10,
            reached: None,
            continue_with: None,
            sign: None,
            url: String::new(),
            reasons: Vec::new(),
            explanation: None,
            evidence: None,
        }
    }

    #[test]
    fn a_bad_release_passes_only_when_it_was_rolled_back_for_its_cause_without_a_failed_request() {
        let rolled_back = Expectation::RolledBack(Kind::Task(Cause::Exited));
        let of = |status: &str, rolled_back: bool, failed: u64, cause: Kind| {
            let mut release = release(status, rolled_back, failed);
            let what = String::new();
            let (evidence, users, next) = (Vec::new(), String::new(), Vec::new());
            release.explanation = Some(Story { cause, what, evidence, users, next });
            release
        };
        assert!(faults_of(&of("Failed", true, 0, Kind::Task(Cause::Exited)), rolled_back).is_empty());
        assert_eq!(faults_of(&of("Failed", true, 0, Kind::Task(Cause::Unhealthy)), rolled_back).len(), 1);
        assert_eq!(faults_of(&of("Failed", false, 0, Kind::Task(Cause::Exited)), rolled_back).len(), 1);
        assert_eq!(faults_of(&of("Succeeded", false, 0, Kind::Task(Cause::Exited)), rolled_back).len(), 1);
        assert_eq!(faults_of(&of("Failed", true, 3, Kind::Task(Cause::Exited)), rolled_back).len(), 1);
        assert_eq!(faults_of(&release("Failed", true, 0), Expectation::Released).len(), 1);
    }

    #[test]
    fn a_bad_migration_passes_only_when_nothing_was_deployed_for_it() {
        let of = |status: &str, deployment: Option<&str>, cause: Kind| {
            let mut release = release(status, false, 0);
            let what = String::new();
            let (evidence, users, next) = (Vec::new(), String::new(), Vec::new());
            release.explanation = Some(Story { cause, what, evidence, users, next });
            release.deployment_id = deployment.map(str::to_owned);
            release
        };
        let stopped = Expectation::StoppedBefore(Kind::Migration);
        assert!(faults_of(&of("Failed", None, Kind::Migration), stopped).is_empty());
        assert_eq!(faults_of(&of("Failed", Some("d-1"), Kind::Migration), stopped).len(), 1);
        assert_eq!(faults_of(&of("Failed", None, Kind::Build), stopped).len(), 1);
        assert_eq!(faults_of(&of("Succeeded", None, Kind::Migration), stopped).len(), 1);

        let mut verdict = Verdict::default();
        verdict.add(of("Failed", None, Kind::Migration), stopped);
        verdict.add(of("Failed", None, Kind::Build), stopped);
        let told: Vec<_> = verdict.releases.iter().map(|played| played.words).collect();
        assert_eq!(told, [Some("stopped before any traffic was moved, as it should"), None]);
    }

    #[test]
    fn only_a_release_after_the_first_that_went_through_shows_what_nothing_uses() {
        let mut verdict = Verdict::default();
        let mut add = |status: &str, expectation| {
            verdict.add(release(status, status == "Failed", 0), expectation);
            verdict.has_replaced()
        };
        assert!(!add("Succeeded", Expectation::Released), "the first replaces nothing");
        assert!(!add("Failed", Expectation::RolledBack(Kind::Alarm)));
        assert!(add("Succeeded", Expectation::Released));
    }

    #[test]
    fn a_wait_that_passes_faster_here_is_told_with_what_it_takes_on_aws() {
        let mut deployment = Deployment::default();
        deployment.terminate_blue_after.0 = 60;

        let told: Vec<String> = Wait::of(&deployment).iter().map(ToString::to_string).collect();

        assert_eq!(told, ["until the original tasks end: here 60 s; on AWS 60 min"]);
    }

    #[test]
    fn what_was_rolled_back_as_it_should_be_is_told_so_and_what_was_not_is_not() {
        let (name, status) = ("web-local-network".to_owned(), "CREATE_COMPLETE".to_owned());
        let stack = StackResult { name, status, changed: true, duration_s: 1.0 };
        let mut verdict = Verdict { stacks: vec![stack], ..Verdict::default() };
        verdict.add(release("Failed", true, 0), Expectation::Released);
        assert!(!verdict.to_string().contains("as it should"), "{verdict}");

        let mut bad = release("Failed", true, 0);
        let (what, evidence, users, next) = Default::default();
        let cause = Kind::Alarm;
        bad.explanation = Some(Story { cause, what, evidence, users, next });
        verdict.add(bad, Expectation::RolledBack(Kind::Alarm));
        assert!(verdict.to_string().contains("[x] rolled back, as it should: release of"), "{verdict}");
        let json = serde_json::to_value(&verdict).unwrap();
        assert_eq!(json["releases"][1]["as_it_should"], true);
        assert_eq!(json["releases"][1]["scenario"], "x");
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
