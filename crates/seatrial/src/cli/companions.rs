//! What can be typed beside a release: its logs, and its image run once.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::value::{duration, task};

/// Whose log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LogSource {
    /// What the application's tasks write
    #[default]
    Application,
    /// What the builds of the pipeline write
    Build,
    /// What CodeDeploy and the service tell of deployments and tasks
    Deployment,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct LogsArgs {
    /// Whose log
    #[arg(long, value_enum, default_value_t)]
    pub source: LogSource,
    /// Show what comes from now on, too, until Ctrl-C
    #[arg(long, short)]
    pub follow: bool,
    /// From so long ago on, as `30m` or `2h`
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = duration)]
    pub since: Duration,
    /// Only lines that fit a filter pattern of CloudWatch's, as `ERROR` or `"two words" -debug`
    #[arg(long, value_name = "PATTERN", allow_hyphen_values = true)]
    pub filter: Option<String>,
    /// Only this task's lines: its id, or how that begins
    #[arg(long, value_name = "ID", value_parser = task)]
    pub task: Option<String>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct RunArgs {
    /// Start it and do not follow it
    #[arg(long)]
    pub no_wait: bool,
    /// Show what would be run, and run nothing
    #[arg(long, conflicts_with = "no_wait")]
    pub dry_run: bool,
    /// What the image's entry point is given, or what is run where it has none; everybody who may read the environment's
    /// tasks can read it
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}
