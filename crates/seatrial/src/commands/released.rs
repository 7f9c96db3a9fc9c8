//! One release, followed to its end: what `release`, `provision` and `rehearse` report of it.

use std::fmt;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::deployed::Place;
use super::explain::{Facts, Kept, Story, tell};
use crate::aws::status::{Progress, execution_progress};
use crate::context::{Ctx, TIME_SCALE};
use crate::exit::Failed;
use crate::follow::{
    Address, Evidence, Followed, Following, Gate, Left, ProbeTarget, Requests, Scaling, Waits,
    follow_release, follow_rollout,
};
use crate::rollout::RolloutId;
use seatrial_project::Deployment;

/// What a release takes at most besides the waits that were asked for: the build's time-out and its queue, and the
/// hour that CodeDeploy waits for steady tasks.
const PATIENCE: Duration = Duration::from_secs(4 * 60 * 60);

/// So often, and with such pauses, an address is asked before it is given up: one lost request says nothing.
const TRIES: u32 = 3;
const BETWEEN: Duration = Duration::from_secs(1);

/// Of so many requests one may stay without any answer, for a network loses some: where a revision or its going lost
/// them, a load balancer would answer.
const LOST_OF: u64 = 1_000;

/// How long and how far a release is followed; by default to its end, as long as its waits may take.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Patience {
    pub timeout: Option<Duration>,
    /// The lifecycle event that ends the following.
    pub until: Option<&'static str>,
    /// A deployment that waits to be continued is.
    pub continues: bool,
}

/// To its end, without anybody being waited for: who set it off has looked at what it brings, or there is nobody to look.
pub(crate) const CONTINUED: Patience = Patience { timeout: None, until: None, continues: true };

/// How a release is probed; what is not said is as `app.probe` says.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Probing {
    /// Requests a second; none at 0.
    pub rate: Option<u32>,
    /// At the least so many.
    pub at_least: u64,
}

impl Probing {
    /// What to ask; `None` for nothing.
    pub(crate) fn target(self, ctx: &Ctx, place: &Place) -> anyhow::Result<Option<ProbeTarget>> {
        let probe = &ctx.environment.app.probe;
        let rate = self.rate.unwrap_or(probe.rate);
        if rate == 0 {
            return Ok(None);
        }
        Ok(Some(ProbeTarget {
            address: Address {
                url: place.url.clone(),
                load_balancer: place.load_balancer.clone(),
                trusted: ctx.trusted()?,
            },
            path: probe.path.clone(),
            expected: probe.expect.ranges().to_vec(),
            rate,
            at_least: self.at_least,
        }))
    }
}

/// A release that has ended.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Release {
    pub scenario: String,
    pub source_revision: String,
    pub pipeline_execution_id: String,
    pub deployment_id: Option<String>,
    /// The execution's status as AWS spells it.
    pub status: String,
    pub rolled_back: bool,
    pub duration_s: f64,
    pub requests: Requests,
    /// Why no request was sent, where none was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unprobed: Option<String>,
    /// It was left before its end, and goes on.
    #[serde(skip)]
    pub left: Option<Left>,
    /// The first sign that was seen against it, whatever became of it then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sign: Option<String>,
    /// The lifecycle event at which the following ended: the release goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reached: Option<&'static str>,
    /// What to type for a deployment that was left while it waits to be continued.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub continue_with: Option<String>,
    /// So many requests had to be sent.
    #[serde(skip)]
    pub at_least: u64,
    pub url: String,
    /// Why it failed, line by line: `explanation` has the same in parts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<Story>,
    /// Where the evidence lies, from the project's folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
}

impl Release {
    /// As far as the following tells.
    fn of(place: &Place, took: Duration, end: Followed) -> Self {
        let rolled_back = end.rollback.as_ref().is_some_and(|r| r.progress == Progress::Succeeded);
        let alone = end.execution.id.is_empty();
        let status = end.rollout.as_ref().filter(|_| alone).map(|rollout| rollout.status.clone());
        Self {
            scenario: "deploy".to_owned(),
            source_revision: end.execution.revision.unwrap_or_default(),
            pipeline_execution_id: end.execution.id,
            deployment_id: end.rollout.map(|rollout| rollout.id.0),
            status: status.unwrap_or(end.execution.status),
            rolled_back,
            duration_s: (took.as_secs_f64() * 10.0).round() / 10.0,
            requests: end.requests.unwrap_or_default(),
            unprobed: end.unprobed,
            left: end.left,
            sign: end.sign.map(|sign| sign.to_string()),
            reached: end.reached,
            continue_with: None,
            at_least: 0,
            url: place.url.clone(),
            reasons: Vec::new(),
            explanation: None,
            evidence: None,
        }
    }

    /// What went wrong with it, in a word or two: the reasons are in the release itself. `wanted` is the commit that
    /// was to be released.
    pub(crate) fn errors(&self, wanted: Option<&str>) -> Vec<anyhow::Error> {
        let mut errors = Vec::new();
        let revision = short(&self.source_revision);
        if let Some(left) = &self.left {
            // Nothing is known of its end; what was counted so far is told.
            return vec![left.error()];
        }
        if self.reached.is_some() {
            // It goes on.
        } else if !self.succeeded() {
            errors.push(Failed(format!("the release of {revision} is {}", self.status)).into());
        } else if let Some(wanted) = wanted.filter(|wanted| *wanted != self.source_revision) {
            let wanted = short(wanted);
            errors.push(Failed(format!("{revision} was released, not {wanted}")).into());
        }
        if let Some(sign) = self.sign.as_ref().filter(|_| self.succeeded()) {
            errors.push(Failed(format!("it could not be stopped at a sign against it: {sign}")).into());
        }
        errors.extend(self.outage().map(|what| Failed(format!("{what} during the release")).into()));
        errors
    }

    /// What keeps the probe from having shown that production stayed up, if anything does: not what a network loses.
    fn outage(&self) -> Option<String> {
        let Requests { sent, failed, unanswered, .. } = self.requests;
        let lost = unanswered == failed && unanswered <= sent.div_ceil(LOST_OF);
        self.doubt().filter(|_| !lost || self.requests.broken.is_some() || sent < self.at_least)
    }

    /// The same where no network lies between, and nothing may be lost.
    pub(crate) fn doubt(&self) -> Option<String> {
        let Requests { sent, failed, broken, .. } = &self.requests;
        match broken {
            Some(why) => Some(format!("the probe broke off ({why})")),
            None if *failed > 0 => Some(format!("{failed} of {sent} requests failed")),
            None if *sent < self.at_least => {
                Some(format!("only {sent} of {} requests were sent", self.at_least))
            }
            None => None,
        }
    }

    pub(crate) fn succeeded(&self) -> bool {
        execution_progress(&self.status) == Progress::Succeeded
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = match (&self.left, self.rolled_back) {
            (Some(_), _) => ", left before its end",
            (None, true) => " and was rolled back",
            (None, false) => "",
        };
        let revision = short(&self.source_revision);
        match self.reached {
            Some(event) => {
                write!(f, "release of {revision}: {event} is over after {:.1} s; ", self.duration_s)?;
                match &self.continue_with {
                    Some(command) => writeln!(f, "it waits for `{command}`")?,
                    None => writeln!(f, "it goes on in AWS")?,
                }
            }
            None => writeln!(f, "release of {revision}: {}{end} in {:.1} s", self.status, self.duration_s)?,
        }
        if let Some(story) = &self.explanation {
            writeln!(f, "{story}")?;
        }
        // What a rehearsal kept goes with its folder.
        if let Some(evidence) = self.evidence.as_ref().filter(|_| !f.alternate()) {
            writeln!(f, "  evidence: {evidence}")?;
        }
        let r = &self.requests;
        if r.sent > 0 {
            writeln!(
                f,
                "  requests: {} sent, {} failed, {:.0} a second, p50 {} ms, p99 {} ms, slowest {} ms",
                r.sent, r.failed, r.rate, r.p50_ms, r.p99_ms, r.max_ms
            )?;
        }
        if let Some(why) = &self.unprobed {
            writeln!(f, "  no requests: {why}")?;
        }
        for failure in &r.failures {
            writeln!(f, "  failed request: {failure}")?;
        }
        // In the alternate form without the address: that of a rehearsal is gone when it is read.
        if f.alternate() { Ok(()) } else { write!(f, "  {}", self.url) }
    }
}

/// The first digits of a commit; words where none is known, for its source action failed.
pub(crate) fn short(revision: &str) -> &str {
    if revision.is_empty() { "the newest commit" } else { revision.get(..12).unwrap_or(revision) }
}

/// Follows one execution to its end, telling what happens.
pub(crate) async fn follow(
    ctx: &Ctx,
    place: &Place,
    (scenario, execution): (&str, &str),
    (probing, patience): (Probing, Patience),
) -> anyhow::Result<Release> {
    let started = Instant::now();
    let kept = Kept::of(&ctx.root, execution);
    let keep = |evidence: &Evidence| kept.keep(evidence).unwrap_or_else(|error| unkept(ctx, &error));
    let (following, unprobed) = following(ctx, place, (probing, patience), &keep).await?;
    let scaling = place.scaling(ctx);
    let mut following = Following { execution, scaling: Some(&scaling), ..following };
    // Its checks give the word, a step of the execution.
    following.gate.opens &= ctx.environment.checks.is_empty();
    let end = follow_release(ctx.watch(), &place.strategy(&ctx.aws), following).await;
    scaling.resume().await;
    let mut end = end?;
    end.unprobed = unprobed.or(end.unprobed);
    let explanation = match Facts::of(ctx, &end).await {
        Ok(facts) => tell(&facts).map(|story| story.spelled(&ctx.session)),
        // How it ended is known; that nobody may read why is no reason to lose it.
        Err(error) => {
            ctx.printer().warning(format_args!("why it ended so cannot be read: {error:#}"));
            None
        }
    };
    let evidence = explanation.as_ref().and_then(|story| {
        let steps = end.rollout.as_ref().map(|rollout| &rollout.steps);
        kept.tell((&end.execution.status, story), &steps).inspect_err(|error| unkept(ctx, error)).ok()
    });
    Ok(Release {
        scenario: scenario.to_owned(),
        pipeline_execution_id: execution.to_owned(),
        continue_with: end.rollout.as_ref().filter(|r| r.awaits_word()).map(|_| word(ctx)),
        at_least: probing.at_least,
        reasons: explanation
            .iter()
            .flat_map(|story| [&story.what].into_iter().chain(&story.evidence))
            .cloned()
            .collect(),
        explanation,
        evidence,
        ..Release::of(place, started.elapsed(), end)
    })
}

/// What to type to continue a deployment that waits for it.
fn word(ctx: &Ctx) -> String {
    ctx.session.command("release --continue")
}

/// A deployment that no execution started, continued where it waits for that, and followed to its end.
pub(crate) async fn follow_by_hand(
    ctx: &Ctx,
    place: &Place,
    id: RolloutId,
    how: (Probing, Patience),
) -> anyhow::Result<Release> {
    let started = Instant::now();
    let scaling = place.scaling(ctx);
    let end = follow_alone(ctx, (place, &scaling), id, how).await;
    scaling.resume().await;
    Ok(Release::of(place, started.elapsed(), end?))
}

fn unkept(ctx: &Ctx, error: &std::io::Error) {
    ctx.printer().warning(format_args!("what the release showed cannot be kept: {error}"));
}

/// Follows a deployment that no execution of the pipeline started. Whoever asks resumes the scaling, whichever way it ends.
pub(crate) async fn follow_alone(
    ctx: &Ctx,
    (place, scaling): (&Place, &Scaling<'_>),
    id: RolloutId,
    how: (Probing, Patience),
) -> anyhow::Result<Followed> {
    let kept = Kept::of(&ctx.root, &id.0);
    let keep = |evidence: &Evidence| kept.keep(evidence).unwrap_or_else(|error| unkept(ctx, &error));
    let (following, unprobed) = following(ctx, place, how, &keep).await?;
    let following = Following { scaling: Some(scaling), ..following };
    let mut end = follow_rollout(ctx.watch(), &place.strategy(&ctx.aws), (id, following)).await?;
    end.unprobed = unprobed.or(end.unprobed);
    Ok(end)
}

/// How anything is followed there: with its probe, if it can be asked; else why not.
async fn following<'a>(
    ctx: &Ctx,
    place: &'a Place,
    (probing, patience): (Probing, Patience),
    keep: &'a (dyn Fn(&Evidence) + Sync),
) -> anyhow::Result<(Following<'a>, Option<String>)> {
    let environment = &ctx.environment;
    let of = |local| waits(&environment.deployment, environment.ready_wait_minutes(), local);
    let (waits, on_aws) = (of(ctx.local.is_some()), of(false).ready);
    let (probe, unprobed) = match reached(ctx, probing.target(ctx, place)?).await? {
        Ok(target) => (Some(target), None),
        Err(why) => (None, Some(why)),
    };
    let following = Following {
        pipeline: &place.pipeline,
        execution: "",
        cluster: &place.cluster,
        service: &place.service,
        groups: place.groups(),
        patience: patience.timeout.unwrap_or(PATIENCE + waits.ready + waits.shift + waits.termination),
        waits,
        gate: Gate {
            opens: patience.continues,
            command: ctx.environment.checks.is_empty().then(|| word(ctx)),
            on_aws: (waits.ready < on_aws).then_some(on_aws),
        },
        scaling: None,
        until: patience.until,
        probe,
        budget: ctx.environment.app.probe.budget,
        keep,
    };
    Ok((following, unprobed))
}

/// What can be probed, or why nothing is: an address that does not answer as it should before anything is released says
/// nothing of the release.
async fn reached(ctx: &Ctx, target: Option<ProbeTarget>) -> anyhow::Result<Result<ProbeTarget, String>> {
    let Some(target) = target else { return Ok(Err("a rate of 0 was asked for".to_owned())) };
    let mut answer = Ok(());
    for attempt in 0..TRIES {
        if attempt > 0 {
            ctx.session.cancel.unless_cancelled(ctx.session.clock.sleep(BETWEEN)).await?;
        }
        answer = ctx.session.cancel.unless_cancelled(target.answers()).await?;
        if answer.is_ok() {
            break;
        }
    }
    let Err(why) = answer else { return Ok(Ok(target)) };
    let ProbeTarget { address, path, .. } = target;
    let why = format!("{}{path} does not answer as it should before the release ({why})", address.url);
    ctx.printer().warning(format_args!("{why}: no request is counted, the tasks alone are watched"));
    Ok(Err(why))
}

/// The waits that the environment asks for: they pass faster in the local cloud.
fn waits(deployment: &Deployment, ready_wait_minutes: u32, local: bool) -> Waits {
    let wait = |minutes: u64| {
        let wait = Duration::from_secs(60 * minutes);
        if local { wait.div_f64(TIME_SCALE) } else { wait }
    };
    Waits {
        ready: wait(u64::from(ready_wait_minutes)),
        shift: wait(deployment.traffic.minutes()),
        termination: wait(u64::from(deployment.terminate_blue_after.0)),
        scale: if local { TIME_SCALE } else { 1.0 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(status: &str, revision: &str, failed: u64) -> Release {
        Release {
            scenario: "deploy".to_owned(),
            source_revision: revision.to_owned(),
            pipeline_execution_id: String::new(),
            deployment_id: None,
            status: status.to_owned(),
            rolled_back: false,
            duration_s: 0.0,
            requests: Requests { sent: 10, failed, ..Requests::default() },
            unprobed: None,
            left: None,
            at_least: 0,
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
    fn a_release_that_found_no_commit_is_told_without_one() {
        let failed = release("Failed", "", 0);

        assert!(failed.to_string().starts_with("release of the newest commit: Failed in "), "{failed}");
        assert_eq!(failed.errors(None)[0].to_string(), "the release of the newest commit is Failed");
    }

    #[test]
    fn only_the_wanted_commit_without_a_failed_request_is_a_success() {
        assert!(release("Succeeded", "abc", 0).errors(Some("abc")).is_empty());
        assert!(release("Succeeded", "abc", 0).errors(None).is_empty());
        assert_eq!(
            release("Succeeded", "abc", 0).errors(Some("def"))[0].to_string(),
            "abc was released, not def"
        );
        assert_eq!(release("Succeeded", "abc", 3).errors(Some("abc")).len(), 1);
        assert_eq!(release("Superseded", "abc", 0).errors(Some("abc")).len(), 1);
    }

    #[test]
    fn what_a_network_loses_ends_no_good_release_and_what_was_answered_badly_does() {
        let with = |sent, failed, unanswered| {
            let mut release = release("Succeeded", "abc", failed);
            release.requests = Requests { sent, failed, unanswered, ..Requests::default() };
            (release.errors(None).len(), release.doubt().is_some())
        };
        assert_eq!(with(300, 1, 1), (0, true));
        assert_eq!(with(300, 2, 2), (1, true));
        assert_eq!(with(3_500, 4, 4), (0, true));
        // One of them was answered, and badly.
        assert_eq!(with(3_500, 2, 1), (1, true));
        assert_eq!(with(300, 0, 0), (0, false));
    }

    #[test]
    fn a_release_that_was_left_ends_as_what_it_was_left_for_whatever_was_counted() {
        let mut left = release("InProgress", "abc", 3);
        left.left = Some(Left::Interrupted);

        let errors = left.errors(Some("abc"));

        assert!(errors.len() == 1 && errors[0].is::<crate::exit::Interrupted>(), "{errors:?}");
        assert!(left.to_string().contains("10 sent, 3 failed"), "{left}");
    }

    #[test]
    fn a_probe_that_broke_off_has_shown_nothing() {
        let mut broken = release("Succeeded", "abc", 0);
        broken.requests.broken = Some("task 7 panicked".to_owned());

        let told = broken.errors(None)[0].to_string();

        assert_eq!(told, "the probe broke off (task 7 panicked) during the release");
    }

    #[test]
    fn whoever_keeps_the_original_tasks_for_two_days_is_followed_for_two_days() {
        let mut deployment = Deployment::default();
        deployment.terminate_blue_after.0 = 2 * 24 * 60;

        assert_eq!(waits(&deployment, 0, false).termination, Duration::from_secs(48 * 60 * 60));
        assert!(waits(&deployment, 0, true).termination < Duration::from_secs(60 * 60));
    }
}
