//! `--timeline`: a chart of what this run did, drawn as text or into a file.

use std::fmt;
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;

use crate::cli::ChartArgs;
use crate::context::Ctx;
use crate::output::{After, Timeline, operations};

/// The chart in the outcome of a command: always in its JSON; in its text where no file was named for it.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(crate) struct Chart {
    timeline: Timeline,
    #[serde(skip)]
    is_in_file: bool,
}

impl fmt::Display for Chart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_in_file { Ok(()) } else { self.timeline.fmt(f) }
    }
}

/// The chart of what was told in this run, where one was asked for and anything was done. A file that cannot be written
/// is one of the errors.
pub(super) fn chart(
    ctx: &Ctx,
    args: &ChartArgs,
    after: &After,
    errors: &mut Vec<anyhow::Error>,
) -> Option<Chart> {
    let file = args.timeline.as_ref()?;
    let prefix = ctx.environment.stack_name("");
    let Some(timeline) = Timeline::of(operations(&ctx.printer().recorded()), &prefix, after) else {
        ctx.printer().note("no stack was changed: there is no timeline");
        return None;
    };
    if let Some(file) = file {
        match write(file, &timeline) {
            Ok(()) => ctx.printer().note(format_args!("the timeline is in `{}`", file.display())),
            Err(error) => errors.push(error),
        }
    }
    Some(Chart { timeline, is_in_file: file.is_some() })
}

fn write(file: &Path, timeline: &Timeline) -> anyhow::Result<()> {
    std::fs::write(file, timeline.svg()).with_context(|| format!("failed to write `{}`", file.display()))
}
