//! `seatrial-image`: what the pipeline's builds run. Without a subcommand it builds the image, pushes it and renders the
//! files of the deploy action; subcommands are the steps around a deployment.
//!
//! Standard output of a build is one JSON object, the outcome; progress goes to standard error.

mod say;
mod steps;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Parser};
use seatrial_image::{BuildRequest, Builder, Credentials, ImageError, read_outputs, run, write_artifacts};
use seatrial_project::{Project, ProjectError, render::Variables};

use say::report;

/// Builds the application's image, or runs a step around its deployment.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
struct Arguments {
    #[command(flatten)]
    build: BuildArguments,
    #[command(subcommand)]
    step: Option<steps::Step>,
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

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.step {
        Some(step) => step.run().await,
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
        let mut given = given();
        if !environment.app.outputs.is_empty() {
            given.extend(read_outputs(&workspace, environment).await?);
        }
        write_artifacts(&workspace, directory, &image.uri, environment, &given)?;
        report(&format!("wrote imageDetail.json, taskdef.json and appspec.yaml to {}", directory.display()));
    }
    writeln!(std::io::stdout(), "{}", serde_json::to_string(&image)?)?;
    Ok(())
}

/// What the stacks give the build, by variables. Those that are not UTF-8 cannot be meant for a template.
fn given() -> Variables {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}
