//! What earlier runs on this machine have learned: how long resources, stacks and what else is made took.
//!
//! Kept for each checkout and environment under `${XDG_STATE_HOME:-~/.local/state}/seatrial/durations`. It is no state of
//! anything that is deployed: without it nothing is predicted, and nothing else differs.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::context::Ctx;
use crate::local::{name_of_checkout, state_dir};
use crate::output::{Operation, Phase, Span, operations};

const FORMAT: u32 = 1;
/// Of each thing the latest count.
const KEPT: usize = 8;
/// What a stack's operation takes beside its resources.
const STACK: &str = "AWS::CloudFormation::Stack";

/// Durations in seconds, latest last.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Learned {
    format: u32,
    durations: BTreeMap<String, Vec<f64>>,
}

impl Learned {
    /// What is known of the environment; nothing where nothing was learned, or it cannot be read, which is told.
    pub(super) fn of(ctx: &Ctx) -> Self {
        read(ctx).unwrap_or_else(|error| {
            let text =
                format_args!("how long earlier runs took cannot be read, and is learned anew: {error:#}");
            ctx.printer().warning(text);
            Self::default()
        })
    }

    /// How long an operation (`CREATE`, `UPDATE`, `DELETE`) on a resource of this type takes.
    pub(super) fn resource(&self, resource_type: &str, operation: &str) -> Option<Duration> {
        self.typical(&format!("{resource_type} {operation}"))
    }

    /// How long an operation on a stack takes, beside its resources.
    pub(super) fn around(&self, operation: &str) -> Option<Duration> {
        self.resource(STACK, operation)
    }

    /// How long an operation on a stack as a whole takes.
    pub(super) fn stack(&self, name: &str, operation: &str) -> Option<Duration> {
        self.typical(&format!("stack {name} {operation}"))
    }

    /// How long something takes that is no stack.
    pub(super) fn node(&self, name: &str) -> Option<Duration> {
        self.typical(&format!("node {name}"))
    }

    /// The median: one run under an unusual load says little.
    fn typical(&self, key: &str) -> Option<Duration> {
        let mut seconds = self.durations.get(key)?.clone();
        seconds.sort_by(f64::total_cmp);
        Duration::try_from_secs_f64(*seconds.get(seconds.len() / 2)?).ok()
    }

    /// Takes in what went well and was seen from its beginning to its end; `prefix` is what stacks' names begin with.
    fn take(&mut self, operations: &[Operation], prefix: &str) {
        for Operation { own, resources } in operations {
            for resource in resources.iter().filter(|span| is_learned(span)) {
                self.add(format!("{} {}", resource.kind, resource.operation), resource.took());
            }
            if !is_learned(own) {
                continue;
            }
            if own.operation.is_empty() {
                self.add(format!("node {}", own.name), own.took());
                continue;
            }
            let name = own.name.strip_prefix(prefix).unwrap_or(&own.name);
            self.add(format!("stack {name} {}", own.operation), own.took());
            self.add(format!("{STACK} {}", own.operation), own.took().saturating_sub(busy(resources)));
        }
    }

    fn add(&mut self, key: String, took: Duration) {
        let durations = self.durations.entry(key).or_default();
        durations.push((took.as_secs_f64() * 1e3).round() / 1e3);
        let surplus = durations.len().saturating_sub(KEPT);
        durations.drain(..surplus);
    }
}

fn is_learned(span: &Span) -> bool {
    span.is_whole && span.phase == Phase::Done
}

/// The time in which at least one of them went on.
fn busy(spans: &[Span]) -> Duration {
    let mut spans: Vec<_> = spans.iter().map(|span| (span.began, span.ended)).collect();
    spans.sort();
    let (mut busy, mut until) = (Duration::ZERO, None);
    for (began, ended) in spans {
        let began = until.map_or(began, |until| began.max(until));
        busy += Duration::try_from(ended.duration_since(began)).unwrap_or_default();
        until = until.max(Some(ended));
    }
    busy
}

/// Learns from what was told in this run. That it cannot be kept is told, and no more.
pub(super) fn learn(ctx: &Ctx) {
    let operations = operations(&ctx.printer().recorded());
    if operations.is_empty() {
        return;
    }
    if let Err(error) = keep(ctx, &operations) {
        ctx.printer().warning(format_args!("how long this run took is not kept: {error:#}"));
    }
}

fn keep(ctx: &Ctx, operations: &[Operation]) -> anyhow::Result<()> {
    // What cannot be read was told when it was asked for.
    let mut learned = read(ctx).unwrap_or_default();
    learned.take(operations, &ctx.environment.stack_name(""));
    learned.format = FORMAT;
    let file = file(ctx)?;
    let folder = file.parent().context("a file has a folder")?;
    let failed = || format!("failed to write `{}`", file.display());
    std::fs::create_dir_all(folder).with_context(failed)?;
    // Whole or not at all, also if two commands do it at once.
    let mut new = tempfile::NamedTempFile::new_in(folder).with_context(failed)?;
    new.write_all(&serde_json::to_vec(&learned)?).with_context(failed)?;
    new.persist(&file).with_context(failed)?;
    Ok(())
}

fn read(ctx: &Ctx) -> anyhow::Result<Learned> {
    // Who has no home keeps nothing.
    let Ok(file) = file(ctx) else { return Ok(Learned::default()) };
    let failed = || format!("failed to read `{}`", file.display());
    let text = match std::fs::read(&file) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(Learned::default());
        }
        read => read.with_context(failed)?,
    };
    let learned: Learned = serde_json::from_slice(&text).with_context(failed)?;
    anyhow::ensure!(learned.format == FORMAT, "`{}` was written by another version", file.display());
    Ok(learned)
}

fn file(ctx: &Ctx) -> anyhow::Result<PathBuf> {
    let checkout = name_of_checkout(&ctx.root, &ctx.environment.project);
    Ok(state_dir()?.join("durations").join(checkout).join(format!("{}.json", ctx.environment.name)))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn span((name, kind, operation): (&str, &str, &str), (began, ended): (i64, i64), phase: Phase) -> Span {
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        Span {
            name: name.to_owned(),
            kind: kind.to_owned(),
            operation: operation.to_owned(),
            began: at(began),
            ended: at(ended),
            status: String::new(),
            phase,
            reason: None,
            is_whole: true,
        }
    }

    fn stack(times: (i64, i64), resources: Vec<Span>) -> Operation {
        Operation { own: span(("web-a", "", "CREATE"), times, Phase::Done), resources }
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn what_went_well_is_learned_by_type_by_stack_and_by_node_and_what_failed_is_not() {
        let group = ("G", "AWS::Logs::LogGroup", "CREATE");
        let mut learned = Learned::default();
        let resources = vec![
            span(group, (1, 4), Phase::Done),
            span(("H", "AWS::KMS::Key", "CREATE"), (2, 7), Phase::Failed),
            Span { is_whole: false, ..span(("I", "AWS::S3::Bucket", "CREATE"), (8, 9), Phase::Done) },
        ];
        let image =
            Operation { own: span(("first image", "", ""), (0, 30), Phase::Done), resources: Vec::new() };
        learned.take(&[stack((0, 10), resources), image], "web-");

        assert_eq!(learned.resource("AWS::Logs::LogGroup", "CREATE"), Some(SECOND * 3));
        assert_eq!(learned.resource("AWS::Logs::LogGroup", "DELETE"), None);
        assert_eq!(learned.resource("AWS::KMS::Key", "CREATE"), None);
        assert_eq!(learned.resource("AWS::S3::Bucket", "CREATE"), None);
        assert_eq!(learned.stack("a", "CREATE"), Some(SECOND * 10));
        // Of ten seconds some resource was in work from 1 to 7 and from 8 to 9.
        assert_eq!(learned.around("CREATE"), Some(SECOND * 3));
        assert_eq!(learned.node("first image"), Some(SECOND * 30));
    }

    #[test]
    fn of_many_runs_the_latest_eight_count_and_of_those_the_median() {
        let mut learned = Learned::default();
        for seconds in [900, 1, 2, 3, 4, 5, 6, 7, 800] {
            learned.take(&[stack((0, seconds), Vec::new())], "web-");
        }

        assert_eq!(learned.durations["stack a CREATE"].len(), KEPT);
        assert_eq!(learned.stack("a", "CREATE"), Some(SECOND * 5));
        let text = serde_json::to_string(&learned).unwrap();
        let read: Learned = serde_json::from_str(&text).unwrap();
        assert_eq!(read.durations, learned.durations);
    }
}
