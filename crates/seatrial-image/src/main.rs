//! `seatrial-image`: what the pipeline's builds run. Without a subcommand it builds the image, pushes it and renders the
//! files of the deploy action; subcommands are the steps around a deployment.
//!
//! Standard output of a build is one JSON object, the outcome; progress goes to standard error.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand, ValueEnum};
use seatrial_image::one_off::{Clients, Network, OneOff, Pace, definition};
use seatrial_image::{BuildRequest, Builder, Credentials, ImageError, run, write_artifacts};
use seatrial_project::{Project, ProjectError, render::Variables};
use tokio::signal::unix::{SignalKind, signal};

/// Builds the application's image, or runs a step around its deployment.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
struct Arguments {
    #[command(flatten)]
    build: BuildArguments,
    #[command(subcommand)]
    step: Option<Step>,
}

#[derive(Debug, Args)]
struct BuildArguments {
    /// Who packs and pushes the image [default: `image.builder` of the environment].
    #[arg(long, value_enum)]
    builder: Option<Builder>,
    /// Pushes the image to the repository, with credentials from ECR.
    #[arg(long)]
    push: bool,
    /// `registry/repository`, without tag.
    #[arg(long, env = "REPOSITORY_URI", required = true)]
    repository: Option<String>,
    /// Environment of `infra/project.yml`.
    #[arg(long, env = "ENVIRONMENT_NAME")]
    environment: Option<String>,
    /// Directory for imageDetail.json, taskdef.json and appspec.yaml.
    #[arg(long, value_name = "DIR")]
    artifacts: Option<PathBuf>,
    /// The workspace's root.
    #[arg(long, default_value = ".")]
    workspace: PathBuf,
}

/// Steps of the pipeline's stage Deploy; the stack `deployment` gives their arguments as variables of the build.
#[derive(Debug, Subcommand)]
enum Step {
    /// Runs the new image with another command, before any traffic goes to it.
    Migrate(MigrateArguments),
}

#[derive(Debug, Args)]
struct MigrateArguments {
    /// Directory with the build's imageDetail.json and taskdef.json.
    #[arg(long, value_name = "DIR", env = "CODEBUILD_SRC_DIR_BuildOutput")]
    artifacts: PathBuf,
    /// Takes the place of the image's command: a JSON list of words.
    #[arg(long, value_name = "JSON", env = "MIGRATE_COMMAND")]
    command: Words,
    /// Family of the task definitions that migrate.
    #[arg(long, env = "MIGRATE_FAMILY")]
    family: String,
    /// Minutes after which the task is stopped.
    #[arg(long, env = "MIGRATE_TIMEOUT_MINUTES", default_value_t = 60)]
    timeout_minutes: u32,
    #[command(flatten)]
    place: PlaceArguments,
}

/// Where tasks run, as the service's do.
#[derive(Debug, Args)]
struct PlaceArguments {
    /// Cluster of the service.
    #[arg(long, env = "CLUSTER_NAME")]
    cluster: String,
    /// Subnets of the tasks, separated by commas.
    #[arg(long, env = "SUBNET_IDS", value_delimiter = ',', required = true)]
    subnets: Vec<String>,
    /// Security groups of the tasks, separated by commas.
    #[arg(long, env = "SECURITY_GROUP_IDS", value_delimiter = ',', required = true)]
    security_groups: Vec<String>,
    /// Whether tasks have public addresses.
    #[arg(long, env = "ASSIGN_PUBLIC_IP", value_enum)]
    public_address: PublicAddress,
    /// The build that asks: it starts one task, however often it asks.
    #[arg(long, env = "CODEBUILD_BUILD_ID")]
    build: Option<String>,
}

/// As ECS spells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "UPPERCASE")]
enum PublicAddress {
    Enabled,
    Disabled,
}

/// A command, word by word.
#[derive(Debug, Clone)]
struct Words(Vec<String>);

impl FromStr for Words {
    type Err = serde_json::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        serde_json::from_str(text).map(Self)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.step {
        Some(Step::Migrate(step)) => migrate(step).await,
        None => build(arguments.build).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let refused = error.is::<ProjectError>()
                || error.downcast_ref::<ImageError>().is_some_and(ImageError::is_refusal);
            report(&format!("error: {error}"));
            error.chain().skip(1).for_each(|cause| report(&format!("  caused by: {cause}")));
            if let Some(hint) = error.downcast_ref::<ImageError>().and_then(ImageError::hint) {
                report(&format!("hint: {hint}"));
            }
            ExitCode::from(if refused { 3 } else { 1 })
        }
    }
}

async fn build(arguments: BuildArguments) -> anyhow::Result<()> {
    let workspace = std::path::absolute(&arguments.workspace)?;
    let project = Project::load(&workspace)?;
    let environment = project.environment(arguments.environment.as_deref())?;
    let push = if arguments.push { Some(Credentials::ecr_from_env().await) } else { None };
    let repository = arguments.repository.context("no repository is named")?;
    let mut request = BuildRequest::of(&workspace, environment, repository, push);
    request.builder = arguments.builder.unwrap_or(request.builder);
    let image = run(&request, &report, &|| {}).await?;
    if let Some(directory) = &arguments.artifacts {
        write_artifacts(&workspace, directory, &image.uri, environment, &given())?;
        report(&format!("wrote imageDetail.json, taskdef.json and appspec.yaml to {}", directory.display()));
    }
    writeln!(std::io::stdout(), "{}", serde_json::to_string(&image)?)?;
    Ok(())
}

async fn migrate(arguments: MigrateArguments) -> anyhow::Result<()> {
    // Heard from the beginning: a build that is ended must not leave a task behind.
    let mut terminated = signal(SignalKind::terminate())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    let ended = async {
        tokio::select! {
            _ = terminated.recv() => {}
            _ = interrupted.recv() => {}
        }
    };
    let Words(command) = arguments.command;
    let place = arguments.place;
    let task = OneOff {
        what: "migrate",
        definition: definition(&arguments.artifacts, ("migrate", &arguments.family), command)?,
        cluster: place.cluster,
        network: Network {
            subnets: place.subnets,
            security_groups: place.security_groups,
            public_address: place.public_address == PublicAddress::Enabled,
        },
        // The id is behind the project's name.
        token: place.build.and_then(|build| Some(build.rsplit_once(':')?.1.to_owned())),
        patience: Duration::from_secs(60 * u64::from(arguments.timeout_minutes)),
        pace: Pace::default(),
    };
    task.run(&Clients::from_env().await, &report, ended).await?;
    report("migrated");
    Ok(())
}

/// What the stacks give the build, by variables. Those that are not UTF-8 cannot be meant for a template.
fn given() -> Variables {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

fn report(line: &str) {
    // Nothing can be said when standard error is gone.
    let _ = writeln!(std::io::stderr(), "{line}");
}
