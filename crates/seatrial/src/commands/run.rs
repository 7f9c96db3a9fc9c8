//! `cargo xtask run -- COMMAND`: the live image once, with another command, as a task in the service's network: the live
//! revision of the task definition, with its variables, secrets and roles.
//!
//! Changes in AWS: starts a task, and stops it where the command is interrupted. What the task writes goes to stdout.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::deployed::{Deployed, Place};
use super::remedy;
use crate::aws::{Live, LogLine, OneOff, StoppedTask};
use crate::cli::RunArgs;
use crate::context::Ctx;
use crate::exit::{Failed, Interrupted, Refused, Stuck};
use crate::follow::{Cause, Look, StreamTail, words};
use crate::outcome::Report;

/// A task may do what takes a day; then it goes on alone.
const PATIENCE: Duration = Duration::from_secs(24 * 60 * 60);
/// What a task wrote is in CloudWatch a moment after its end: so often nothing new must come.
const QUIET: u32 = 2;
/// Why ECS says that it stopped.
const REASON: &str = "whoever ran it interrupted it";

/// What `run` prints.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Running {
    Planned(Plan),
    Started(Started),
    Ended(Ended),
}

/// What is to be run; not with which command, which may hold what is nobody's business.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Plan {
    /// ARN of the live revision.
    task_definition: String,
    container: String,
    cluster: String,
}

/// Started, not followed.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Started {
    #[serde(flatten)]
    plan: Plan,
    /// Its id.
    task: String,
    /// What shows what it writes.
    #[serde(skip)]
    logs: String,
}

/// At its end.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Ended {
    #[serde(flatten)]
    plan: Plan,
    task: String,
    /// `null` where the command never ran.
    exit_code: Option<i32>,
    stopped_reason: String,
}

/// One line that the task wrote; with `--output json` an object of its own.
#[derive(Debug, Serialize)]
struct Said {
    time: Option<Timestamp>,
    text: String,
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let revision = self.task_definition.rsplit('/').next().unwrap_or(&self.task_definition);
        write!(
            f,
            "a task of {revision} runs once in cluster {}, its container `{}` with another command",
            self.cluster, self.container
        )
    }
}

impl fmt::Display for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Planned(plan) => plan.fmt(f),
            Self::Started(started) => {
                write!(f, "task {} runs; `{}` shows what it writes", started.task, started.logs)
            }
            // What it wrote is all that stands on stdout.
            Self::Ended(_) => Ok(()),
        }
    }
}

pub(crate) async fn run(ctx: &Ctx, args: &RunArgs) -> anyhow::Result<Report<Running>> {
    let place = Place::of(&Deployed::read(ctx).await?)?;
    let nothing = || {
        let release = ctx.session.command("release");
        Refused::new("nothing is live, so there is no image to run").hint(format!("`{release}` makes it so"))
    };
    let live = ctx.reading(ctx.aws.live_task(&place.cluster, &place.service)).await?.ok_or_else(nothing)?;
    let plan = Plan {
        task_definition: live.task_definition.clone(),
        container: live.container.clone(),
        cluster: place.cluster.clone(),
    };
    if args.dry_run {
        return Ok(Report::done(Running::Planned(plan)));
    }
    ctx.session.cancel.check()?;
    ctx.printer().note(&plan);
    let arn = ctx.aws.run_task(&place.cluster, &live, &args.command).await?;
    let task = arn.rsplit('/').next().unwrap_or(&arn).to_owned();
    if args.no_wait {
        let logs = ctx.session.command(&format!("logs --follow --task {task}"));
        return Ok(Report::done(Running::Started(Started { plan, task, logs })));
    }
    let ended = match follow(ctx, &place, (&live, &arn)).await {
        Err(error) if error.is::<Interrupted>() => {
            // Awaited whatever happens: nobody looks after it any more.
            ctx.aws.stop_task(&place.cluster, &arn, REASON).await?;
            ctx.printer().note(format_args!("task {task} was told to stop"));
            return Err(error);
        }
        ended => ended.map_err(|error| error.context(format!("task {task} goes on")))?,
    };
    Ok(concluded(plan, task, ended))
}

/// Follows it to its end, and shows what it writes.
async fn follow(ctx: &Ctx, place: &Place, (live, arn): (&Live, &str)) -> anyhow::Result<OneOff> {
    let (cluster, container) = (&place.cluster, &live.container);
    let mut logs: Option<Vec<StreamTail>> = None;
    let (mut status, mut quiet) = (String::new(), 0);
    let mut poll = ctx.watch().poll(format!("task `{arn}`"), PATIENCE);
    poll.until(async || {
        if logs.is_none() {
            let streams = ctx.aws.log_streams(&live.task_definition, arn).await?;
            logs = Some(streams.into_iter().map(|(group, stream)| StreamTail::new(group, stream)).collect());
        }
        let gone = || Failed(format!("ECS knows task `{arn}` no more"));
        let task = ctx.aws.one_off(cluster, arn, container).await?.ok_or_else(gone)?;
        let mut news = false;
        for log in logs.iter_mut().flatten() {
            let said: Vec<Said> = log.read(ctx.watch(), "the task's").await?.into_iter().map(said).collect();
            news |= !said.is_empty();
            ctx.printer().data(&said)?;
        }
        if task.last_status != status {
            news = true;
            status.clone_from(&task.last_status);
            ctx.printer().event("run", format_args!("task {}", task.last_status));
        }
        quiet = if task.stopped.is_some() && !news { quiet + 1 } else { 0 };
        Ok(match news {
            _ if quiet >= QUIET => Look::Ended(task),
            true => Look::News,
            false => Look::Nothing,
        })
    })
    .await
}

fn said(line: LogLine) -> Said {
    Said { time: line.time, text: line.text.trim_end().to_owned() }
}

fn concluded(plan: Plan, task: String, ended: OneOff) -> Report<Running> {
    let stopped = ended.stopped.unwrap_or_default();
    let errors = wrong(&stopped, ended.exit_code).into_iter().collect();
    let fields = Ended { plan, task, exit_code: ended.exit_code, stopped_reason: words(&stopped) };
    Report { fields: Running::Ended(fields), errors }
}

/// What was wrong with it: everything but an end with 0.
fn wrong(stopped: &StoppedTask, exit_code: Option<i32>) -> Option<anyhow::Error> {
    let cause = Cause::of(stopped, &[]);
    match exit_code {
        Some(0) if cause == Cause::Exited => None,
        Some(code) if cause == Cause::Exited => {
            Some(Failed(format!("the command ended with exit code {code}")).into())
        }
        // Somebody stopped it, or its container was ended for its memory.
        Some(code) => Some(
            Failed(format!("the command did not end by itself (exit code {code}): {}", words(stopped)))
                .into(),
        ),
        None => {
            let message = format!("the command did not run: {}", words(stopped));
            Some(Stuck { message, hints: vec![remedy::of(cause)] }.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stopped(code: &str, reason: &str) -> StoppedTask {
        StoppedTask { code: code.to_owned(), reason: reason.to_owned(), ..StoppedTask::default() }
    }

    #[test]
    fn only_a_command_that_ended_by_itself_with_zero_went_well() {
        let exited = stopped("EssentialContainerExited", "Essential container in task exited");
        let told = |stopped: &StoppedTask, code| wrong(stopped, code).map(|error| error.to_string());

        assert_eq!(told(&exited, Some(0)), None);
        assert_eq!(told(&exited, Some(3)).as_deref(), Some("the command ended with exit code 3"));
        let by_hand = told(&stopped("UserInitiated", "Task stopped by user"), Some(0)).unwrap();
        assert!(by_hand.starts_with("the command did not end by itself (exit code 0)"), "{by_hand}");
        let never =
            told(&stopped("TaskFailedToStart", "CannotPullContainerError: web:1: not found"), None).unwrap();
        assert!(never.starts_with("the command did not run: CannotPull"), "{never}");
    }
}
