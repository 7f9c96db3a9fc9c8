//! What can be typed: types only.

mod adoption;
mod companions;
mod manner;
mod permissions;
mod value;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::local::ServeOptions;
use crate::output::Format;
use crate::plan::resource_name::{Import, ResourceName};
use value::{at_least_one, duration, revision, svg_file};

pub(crate) use adoption::{Database, Dependency, InitArgs, UpdateArgs};
pub(crate) use companions::{LogSource, LogsArgs, RunArgs};
pub(crate) use permissions::{PermissionsArgs, Person};

/// How far a release is followed: to its end, or until one of CodeDeploy's lifecycle events is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum WaitUntil {
    /// Its end
    #[default]
    Succeeded,
    /// All traffic goes to the new revision
    TrafficShifted,
    /// The new tasks stand
    Install,
    AfterInstall,
    /// The test listener leads to the new tasks
    AfterAllowTestTraffic,
    BeforeAllowTraffic,
    AfterAllowTraffic,
}

impl WaitUntil {
    /// The lifecycle event that must be over, as CodeDeploy spells it; `None` for the end of all.
    pub(crate) fn event(self) -> Option<&'static str> {
        match self {
            Self::Succeeded => None,
            Self::TrafficShifted => Some("AllowTraffic"),
            Self::Install => Some("Install"),
            Self::AfterInstall => Some("AfterInstall"),
            Self::AfterAllowTestTraffic => Some("AfterAllowTestTraffic"),
            Self::BeforeAllowTraffic => Some("BeforeAllowTraffic"),
            Self::AfterAllowTraffic => Some("AfterAllowTraffic"),
        }
    }
}

/// Takes this workspace's web application from a commit to zero-downtime blue/green on AWS, or rehearses it on
/// this machine.
#[derive(Parser)]
#[command(version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub globals: Globals,
    #[command(subcommand)]
    pub command: Command,
}

/// What every command understands.
#[derive(Debug, Clone, Args)]
pub(crate) struct Globals {
    /// The environment of infra/project.yml; without it the file's default_environment
    #[arg(short, long, global = true, env = "XTASK_ENVIRONMENT", value_name = "NAME")]
    pub environment: Option<String>,
    /// Whether the environment was typed with the command, not taken from XTASK_ENVIRONMENT
    #[arg(skip)]
    pub environment_typed: bool,
    /// What stdout carries; progress goes to stderr
    #[arg(long, global = true, value_enum, default_value_t)]
    pub output: Format,
    /// Leave every line on a terminal; else at most 40 stay when the command ends
    #[arg(long, global = true)]
    pub verbose: bool,
}

impl Globals {
    /// The arguments' ids.
    pub(crate) const ENVIRONMENT: &'static str = "environment";
    pub(crate) const OUTPUT: &'static str = "output";
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Makes a project of a folder, new or with an application: project.yml, stacks, the pipeline's files, xtask
    Init(InitArgs),
    /// Merges what newer versions bring into the project's stacks, and keeps what was edited
    Update(UpdateArgs),
    /// Makes or updates all stacks, builds the first image and follows the first release
    Provision(ProvisionArgs),
    /// Shows what provision would change, and changes nothing
    Diff(DiffArgs),
    /// Writes .aws/buildspec.yml, appspec.yaml and taskdef.json from infra/project.yml
    #[command(alias = "buildspec")]
    Generate(GenerateArgs),
    /// Builds the application's image, and pushes it if told to
    BuildImage(BuildImageArgs),
    /// Releases the current commit through the pipeline and follows it to its end
    Release(ReleaseArgs),
    /// Stops the deployment that runs, else deploys again what was live before
    Rollback(RollbackArgs),
    /// Tells why the last release, or a given one, ended as it did; changes nothing
    Explain(ExplainArgs),
    /// Shows what the application, its builds or its deployments wrote; changes nothing
    Logs(LogsArgs),
    /// Runs the live image once, with another command, as a task in the service's network
    Run(RunArgs),
    /// Shows stacks, pipeline, deployment, tasks, target health and the live image
    Status(StatusArgs),
    /// Deletes everything that provision made
    Destroy(DestroyArgs),
    /// The local cloud that environment `local` uses; started on demand
    #[command(subcommand)]
    Local(LocalCommand),
    /// Runs the whole chain in a throwaway local cloud, under load, with a release that must be rolled back
    Rehearse(RehearseArgs),
    /// Tells which permissions of the roles a rehearsal used, did not use, or missed, each with its line
    Permissions(PermissionsArgs),
    /// The project's own checks: what CI runs
    Check(CheckArgs),
    /// Checks tools, files, account, connection and quotas, and says what to do; changes nothing
    Doctor,
    /// Shows the stacks, their order and where each parameter comes from
    Graph(GraphArgs),
}

/// How a command that changes something is held back or let go.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Consent {
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
    /// Show what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ProvisionArgs {
    #[command(flatten)]
    pub consent: Consent,
    /// Allow the replacement or removal of this stateful resource; may be given more than once
    #[arg(long, value_name = "STACK.LOGICAL_ID")]
    pub allow_replace: Vec<ResourceName>,
    /// Leave this resource as it is where it keeps a rollback from ending; may be given more than once
    #[arg(long, value_name = "STACK.LOGICAL_ID")]
    pub skip_resource: Vec<ResourceName>,
    /// Leave this resource where it keeps a failed stack from being deleted; may be given more than once
    #[arg(long, value_name = "STACK.LOGICAL_ID")]
    pub retain_resource: Vec<ResourceName>,
    /// Allow changes that make a database stop for a while, at once
    #[arg(long)]
    pub allow_interruption: bool,
    /// Take what exists into the stack that is to hold it, by its name; may be given more than once
    #[arg(long, value_name = "STACK.LOGICAL_ID=NAME")]
    pub import: Vec<Import>,
    /// Only send all traffic to the service's primary task set again, where the rules disagree with it
    #[arg(long, conflicts_with_all = ["allow_replace", "skip_resource", "retain_resource", "allow_interruption", "import", "local_image", "timeline"])]
    pub repair_traffic: bool,
    /// Build the first image on this machine instead of in CodeBuild
    #[arg(long)]
    pub local_image: bool,
    #[command(flatten)]
    pub chart: ChartArgs,
}

/// A chart of what was done.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ChartArgs {
    /// Draw when each stack and its slowest resource were made, and the critical path; into this file as a picture
    #[arg(long, value_name = "FILE.svg", value_parser = svg_file, conflicts_with = "dry_run")]
    pub timeline: Option<Option<PathBuf>>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct GraphArgs {
    /// How stdout shows it: words, a Mermaid flowchart, or a picture
    #[arg(long, value_enum)]
    pub format: Option<GraphFormat>,
}

/// A form of the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GraphFormat {
    Text,
    Mermaid,
    Svg,
}

#[derive(Debug, Clone, Default, Args)]
pub(crate) struct StatusArgs {
    /// Compare every resource with its template, too: takes a minute on AWS
    #[arg(long)]
    pub drift: bool,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct DiffArgs {
    /// Exit with 6 where there are changes
    #[arg(long)]
    pub exit_code: bool,
    /// Show the replacement or removal of this stateful resource instead of refusing it; may be given more than once
    #[arg(long, value_name = "STACK.LOGICAL_ID")]
    pub allow_replace: Vec<ResourceName>,
    /// Show changes that make a database stop for a while instead of refusing them
    #[arg(long)]
    pub allow_interruption: bool,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct GenerateArgs {
    /// Write nothing; fail if the files differ
    #[arg(long)]
    pub check: bool,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct BuildImageArgs {
    /// Push to the environment's repository
    #[arg(long)]
    pub push: bool,
    /// Write imageDetail.json, taskdef.json and appspec.yaml into this directory
    #[arg(long, value_name = "DIR")]
    pub artifacts: Option<PathBuf>,
    /// Who packs: this program, or a Docker engine
    #[arg(long, value_enum)]
    pub builder: Option<seatrial_image::Builder>,
    /// Show what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ReleaseArgs {
    /// Show what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Release a commit that is deployed already once more
    #[arg(long)]
    pub again: bool,
    /// Release this commit instead of the one that is checked out; it must be on the branch
    #[arg(long, value_name = "COMMIT", value_parser = revision)]
    pub revision: Option<String>,
    /// Let the deployment that waits to be continued move traffic, and follow it on
    #[arg(long = "continue", conflicts_with_all = ["again", "revision", "no_wait"])]
    pub continues: bool,
    /// Release migrations too that break the version which serves until traffic has moved
    #[arg(long)]
    pub allow_breaking_migration: bool,
    /// Start it and do not follow it
    #[arg(long)]
    pub no_wait: bool,
    /// Follow it only so far; it goes on in AWS
    #[arg(long, value_enum, value_name = "MOMENT", conflicts_with = "no_wait", default_value_t)]
    pub wait_until: WaitUntil,
    /// Follow it at most so long, as `30m` or `2h`; it goes on in AWS [default: what the environment's waits need]
    #[arg(long, value_name = "DURATION", conflicts_with = "no_wait", value_parser = duration)]
    pub timeout: Option<Duration>,
    /// Requests a second that the probe sends to the production listener; 0 for none [default: that of app.probe]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=1000))]
    pub rate: Option<u32>,
    /// Write what happened as one file that opens in any browser, to attach to a pull request
    #[arg(long, value_name = "FILE", conflicts_with = "no_wait")]
    pub report: Option<PathBuf>,
    /// Let no alarm stop it: for the fix of a production whose alarm is active already. They count again at its end
    #[arg(long, conflicts_with = "no_wait")]
    pub ignore_alarms: bool,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct RollbackArgs {
    #[command(flatten)]
    pub consent: Consent,
    /// Go back to this one: a revision of the task definition, or the deployment that brought it
    #[arg(long, value_name = "REVISION", conflicts_with = "list")]
    pub to: Option<String>,
    /// Show what was live, and do nothing
    #[arg(long, conflicts_with_all = ["yes", "dry_run"])]
    pub list: bool,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct ExplainArgs {
    /// The pipeline execution; without it the newest one
    #[arg(value_name = "EXECUTION")]
    pub execution: Option<String>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct DestroyArgs {
    #[command(flatten)]
    pub consent: Consent,
    /// Leave this resource where it kept a stack from being deleted; may be given more than once
    #[arg(long, value_name = "STACK.LOGICAL_ID")]
    pub retain_resource: Vec<ResourceName>,
    /// Keep no final snapshot of the database
    #[arg(long)]
    pub delete_data: bool,
    #[command(flatten)]
    pub chart: ChartArgs,
}

#[derive(Subcommand)]
pub(crate) enum LocalCommand {
    /// Starts it
    Start(LocalStartArgs),
    /// Ends it; its data stays
    Stop,
    /// Shows where it listens and with which key
    Status,
    /// Opens its page in a browser: the chain, live; started on demand
    Open,
    /// Ends it and deletes all its data
    Reset {
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
    /// The local cloud itself, in the foreground
    #[command(hide = true)]
    Serve(ServeOptions),
}

#[derive(Debug, Clone, Args)]
pub(crate) struct LocalStartArgs {
    /// The port to listen on; fails if it is taken
    #[arg(long)]
    pub port: Option<u16>,
    /// A file of resource types, each with the seconds that AWS takes to make one
    #[arg(long, value_name = "FILE")]
    pub latencies: Option<PathBuf>,
    /// Seconds of AWS's waits that pass in one second, at least 1 [default: 60]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub time_scale: Option<f64>,
}

#[derive(Debug, Clone, Default, Args)]
pub(crate) struct RehearseArgs {
    /// Install what is missing on this machine: a Postgres server
    #[arg(long)]
    pub install_missing: bool,
    /// Requests a second that the probe sends to the production listener
    #[arg(long, default_value_t = 400, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub rate: u32,
    /// Only this scenario; may be given more than once
    #[arg(long, value_enum, value_name = "NAME")]
    pub scenario: Vec<Scenario>,
    /// Leave the local cloud running, and say where
    #[arg(long)]
    pub keep: bool,
    /// Open the local cloud's page in a browser, and look at it while it goes
    #[arg(long)]
    pub open: bool,
    /// Write what the page shows in the end as one file that opens anywhere, to attach to a pull request
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Rehearse this environment of project.yml, in a local cloud that stands for its account
    #[arg(long, value_name = "ENVIRONMENT")]
    pub like: Option<String>,
}

/// What a rehearsal does after the first release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// A second release, blue to green, under load
    Deploy,
    /// A release whose tasks answer no health check: it must be rolled back
    Unhealthy,
    /// A release whose program ends as soon as it starts
    Crash,
    /// A release whose program starts slowly, in time; and one whose program starts too late
    SlowStart,
    /// A release whose image is not in the repository
    MissingImage,
    /// A release whose tasks may not read their secrets
    DeniedSecret,
    /// A release whose migration fails: it ends before any traffic moves
    BadMigration,
    /// A release during which an alarm is raised
    Alarm,
    /// A release that somebody stops half-way
    Stop,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct CheckArgs {
    /// Install what is missing on this machine: cfn-lint, and what the project's own checks need
    #[arg(long)]
    pub install_missing: bool,
}
