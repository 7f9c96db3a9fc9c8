//! `cargo xtask logs`: what the application, its builds or its deployments wrote, to stdout line by line.
//!
//! Changes nothing. Whoever follows reads a little of what was read once more each time, for CloudWatch shows the lines of
//! different streams seconds apart; what was shown is known by its id.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::deployed::{Deployed, Place};
use crate::aws::status::Progress;
use crate::aws::{AwsError, FoundLine, LogQuery};
use crate::cli::{LogSource, LogsArgs};
use crate::context::Ctx;
use crate::exit::Refused;
use crate::follow::{Look, Watch};
use crate::outcome::Report;
use crate::plan::owned::Owned;
use crate::rollout::{Rollout, RolloutId, Strategy as _};

/// So much of the newest is read again, in milliseconds.
const OVERLAP: i64 = 10_000;
/// Nobody follows a log for longer.
const PATIENCE: Duration = Duration::from_secs(365 * 24 * 60 * 60);
/// Deployments that are looked back at.
const DEPLOYMENTS: usize = 20;

/// What `logs` prints behind the lines.
#[derive(Debug, Serialize)]
pub(crate) struct Logged {
    source: LogSource,
    /// `null` of deployments: CodeDeploy and ECS are asked themselves.
    log_group: Option<String>,
    /// How many were shown.
    lines: u64,
}

impl fmt::Display for Logged {
    /// The lines stand on stdout already.
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

/// One line; with `--output json` an object of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Line {
    time: Option<Timestamp>,
    /// The log stream, or which service tells it.
    stream: String,
    text: String,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.time.map(|time| time.strftime("%FT%T%.3fZ").to_string()).unwrap_or_default();
        // Of a task's stream, `PREFIX/CONTAINER/TASK`, as much as tells it from others.
        let stream: String = self.stream.rsplit('/').next().unwrap_or_default().chars().take(12).collect();
        write!(f, "{time} {stream:<12} {}", self.text)
    }
}

pub(crate) async fn run(ctx: &Ctx, args: &LogsArgs) -> anyhow::Result<Report<Logged>> {
    let deployed = Deployed::read(ctx).await?;
    if args.source != LogSource::Application && args.task.is_some() {
        return Err(Refused::new("only the application's log is written by tasks")
            .hint("leave --task out")
            .into());
    }
    let ago = ago(Timestamp::now(), args.since);
    let mut shown = Shown::new(|lines| ctx.printer().data(lines));
    let log_group = match args.source {
        LogSource::Deployment if args.filter.is_some() => {
            let refused = "a filter pattern is CloudWatch's, and deployments are not told there";
            return Err(Refused::new(refused).hint("leave --filter out").into());
        }
        LogSource::Deployment => {
            let place = Place::of(&deployed)?;
            let mut tail =
                DeploymentTail { place: &place, since: ago, told: BTreeSet::new(), settled: BTreeSet::new() };
            show(ctx, args.follow, async || tail.look(ctx.watch(), &mut shown).await).await?;
            None
        }
        LogSource::Application | LogSource::Build => {
            let query = query(ctx, &deployed, args, ago).await?;
            let group = query.group.clone();
            let mut tail = GroupTail::new(query);
            show(ctx, args.follow, async || tail.look(ctx.watch(), &mut shown).await).await?;
            Some(group)
        }
    };
    let lines = shown.lines;
    if lines == 0 {
        let since = ago.strftime("%FT%TZ");
        ctx.printer()
            .note(format_args!("nothing was written since {since}; `--since 2h` looks further back"));
    }
    Ok(Report::done(Logged { source: args.source, log_group, lines }))
}

/// The moment so long before another; the first of all where there is none.
fn ago(now: Timestamp, since: Duration) -> Timestamp {
    let since = jiff::SignedDuration::try_from(since).unwrap_or(jiff::SignedDuration::MAX);
    now.checked_sub(since).unwrap_or(Timestamp::UNIX_EPOCH).max(Timestamp::UNIX_EPOCH)
}

/// What is to be looked for.
async fn query(ctx: &Ctx, deployed: &Deployed, args: &LogsArgs, ago: Timestamp) -> anyhow::Result<LogQuery> {
    let owner = match args.source {
        LogSource::Build => Owned::BuildLogGroupName,
        _ => Owned::ApplicationLogGroupName,
    };
    let (mut group, mut streams) = (deployed.required(owner)?.to_owned(), None);
    if let Some(task) = &args.task {
        let place = Place::of(deployed)?;
        let nothing = || Refused::new("nothing is live, so no task has a log");
        let live =
            ctx.reading(ctx.aws.live_task(&place.cluster, &place.service)).await?.ok_or_else(nothing)?;
        let found = ctx.reading(ctx.aws.log_streams(&live.task_definition, task)).await?;
        let none = || Refused::new("the application's container writes to no log group");
        let (of_container, stream) = found.into_iter().next().ok_or_else(none)?;
        (group, streams) = (of_container, Some(stream));
    }
    Ok(LogQuery { group, streams, pattern: args.filter.clone(), since: ago.as_millisecond() })
}

/// Looks once, or until nobody wants it any more.
async fn show(
    ctx: &Ctx,
    follows: bool,
    mut look: impl AsyncFnMut() -> anyhow::Result<Seen>,
) -> anyhow::Result<()> {
    let mut poll = ctx.watch().poll("the log", PATIENCE);
    poll.until(async || {
        Ok(match look().await? {
            Seen::Unread => Look::Ended(()),
            _ if !follows => Look::Ended(()),
            Seen::News => Look::News,
            Seen::Nothing => Look::Nothing,
        })
    })
    .await
}

/// What a look saw.
enum Seen {
    News,
    Nothing,
    /// Whoever was to read it has gone.
    Unread,
}

/// Takes lines, and answers whether somebody still reads.
type Out<'a> = Box<dyn FnMut(&[Line]) -> anyhow::Result<bool> + 'a>;

/// Where lines go.
struct Shown<'a> {
    out: Out<'a>,
    lines: u64,
    is_read: bool,
}

impl<'a> Shown<'a> {
    fn new(out: impl FnMut(&[Line]) -> anyhow::Result<bool> + 'a) -> Self {
        Self { out: Box::new(out), lines: 0, is_read: true }
    }

    fn show(&mut self, lines: &[Line]) -> anyhow::Result<()> {
        if !lines.is_empty() {
            self.is_read = (self.out)(lines)?;
            self.lines += lines.len() as u64;
        }
        Ok(())
    }

    fn since(&self, before: u64) -> Seen {
        match self.is_read {
            false => Seen::Unread,
            true if self.lines > before => Seen::News,
            true => Seen::Nothing,
        }
    }
}

/// A log group, looked through from one moment on.
struct GroupTail {
    query: LogQuery,
    token: Option<String>,
    /// The newest moment of a line, and the lines shown of the last moments before it.
    newest: i64,
    seen: BTreeSet<(i64, String)>,
}

impl GroupTail {
    fn new(query: LogQuery) -> Self {
        Self { newest: query.since, query, token: None, seen: BTreeSet::new() }
    }

    /// Shows page by page what is new: an error in between loses nothing.
    async fn look(&mut self, watch: Watch<'_>, shown: &mut Shown<'_>) -> anyhow::Result<Seen> {
        let before = shown.lines;
        loop {
            let page = watch.aws.filter_log_events(&self.query, self.token.clone()).await;
            let (found, next) = page.map_err(|error| self.refused(watch, error))?;
            shown.show(&self.fresh(found))?;
            let is_last = next.is_none() || next == self.token || !shown.is_read;
            self.token = next.filter(|_| !is_last);
            if is_last {
                self.query.since = self.query.since.max(self.newest.saturating_sub(OVERLAP));
                return Ok(shown.since(before));
            }
        }
    }

    fn fresh(&mut self, found: Vec<FoundLine>) -> Vec<Line> {
        let mut fresh = Vec::new();
        for FoundLine { id, stream, millis, text } in found {
            if self.seen.insert((millis, id)) {
                self.newest = self.newest.max(millis);
                let time = Timestamp::from_millisecond(millis).ok();
                fresh.push(Line { time, stream, text: text.trim_end().to_owned() });
            }
        }
        self.seen = self.seen.split_off(&(self.newest.saturating_sub(OVERLAP), String::new()));
        fresh
    }

    fn refused(&self, watch: Watch<'_>, error: AwsError) -> anyhow::Error {
        let LogQuery { group, pattern, .. } = &self.query;
        if error.is("ResourceNotFoundException") {
            let provision = watch.session.command("provision");
            let refused = Refused::new(format!("log group `{group}` is not there"));
            return refused
                .hint(format!("`{provision}` makes it; `status --drift` tells what else is gone"))
                .into();
        }
        match pattern {
            Some(pattern) if error.is("InvalidParameterException") => {
                let refused =
                    Refused::new(format!("filter pattern `{pattern}` is not understood: {}", error.reason));
                refused.hint("terms are words; others stand in quotes: '\"GET /\"'").into()
            }
            _ => error.into(),
        }
    }
}

/// The deployments of a group and what its service tells, from one moment on.
struct DeploymentTail<'a> {
    place: &'a Place,
    since: Timestamp,
    told: BTreeSet<String>,
    /// Deployments that are over, and were told.
    settled: BTreeSet<String>,
}

impl DeploymentTail<'_> {
    async fn look(&mut self, watch: Watch<'_>, shown: &mut Shown<'_>) -> anyhow::Result<Seen> {
        let (before, place) = (shown.lines, self.place);
        let (application, group) = place.deployment_group();
        let strategy = place.strategy(watch.aws);
        let mut lines = Vec::new();
        let newest = watch.aws.list_deployments(application, group).await?;
        for id in newest.into_iter().take(DEPLOYMENTS) {
            if self.settled.contains(&id) {
                continue;
            }
            let rollout = strategy.look(&RolloutId(id.clone())).await?;
            lines.extend(self.of_rollout(&rollout));
            let is_over = rollout.progress != Progress::Running;
            if is_over {
                self.settled.insert(id);
            }
            // Those that are older ended before it.
            if is_over && rollout.time.is_some_and(|time| time < self.since) {
                break;
            }
        }
        for event in watch.aws.service_events(&place.cluster, &place.service).await? {
            lines.extend(self.line((event.id, event.time), "ECS", event.text));
        }
        lines.sort_by_key(|line| line.time);
        shown.show(&lines)?;
        Ok(shown.since(before))
    }

    fn of_rollout(&mut self, rollout: &Rollout) -> Vec<Line> {
        let Rollout { id, status, time, error, .. } = rollout;
        let because = |why: &Option<String>| why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        let text = format!("deployment {id} {status}{}", because(error));
        let mut lines: Vec<Line> =
            self.line((format!("{id} {status}"), *time), "CodeDeploy", text).into_iter().collect();
        for step in rollout.steps.iter().filter(|step| step.progress.is_some()) {
            let (name, status) = (&step.name, &step.status);
            let text = format!("deployment {id}: {name} {status}{}", because(&step.diagnostics));
            lines.extend(self.line((format!("{id} {name} {status}"), step.time), "CodeDeploy", text));
        }
        lines
    }

    /// A line, if it is new and not too old.
    fn line(&mut self, (id, time): (String, Option<Timestamp>), stream: &str, text: String) -> Option<Line> {
        let counts = time.is_none_or(|time| time >= self.since) && self.told.insert(id);
        counts.then(|| Line { time, stream: stream.to_owned(), text })
    }
}

#[cfg(test)]
mod tests;
