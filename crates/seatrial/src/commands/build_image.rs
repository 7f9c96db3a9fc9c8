//! `cargo xtask build-image`: builds the application's image, and pushes it if told to.
//!
//! Changes in AWS: with `--push`, an image and its tags in the environment's repository.

use std::fmt;

use anyhow::Context as _;
use seatrial_image::{BuildImage, BuildRequest, Credentials, ImageOptions, ProjectFacts};
use serde::Serialize;

use super::deployed::Deployed;
use super::provision::task_variables;
use crate::cli::{BuildImageArgs, Globals};
use crate::context::{Ctx, find_root, load_environment};
use crate::exit::ExitStatus;
use crate::output::Printer;
use crate::project::{Environment, ImageBuilder};

pub(crate) async fn run(
    globals: Globals,
    printer: Printer,
    args: BuildImageArgs,
) -> anyhow::Result<ExitStatus> {
    let root = find_root()?;
    let environment = load_environment(&root, &globals)?;
    let facts = ProjectFacts::read(&root, Some(&environment.name))?;
    let builder = args.builder.unwrap_or_else(|| builder_of(&environment));
    // Only what needs the repository asks AWS: an image can be built without any account.
    let ctx = match args.push || args.artifacts.is_some() {
        true => Some(Ctx::for_environment(root.clone(), environment.clone(), printer.clone()).await?),
        false => None,
    };
    let deployed = match &ctx {
        Some(ctx) => Some(Deployed::read(&ctx.aws, &ctx.environment).await?),
        None => None,
    };
    let repository = match &deployed {
        Some(deployed) => deployed.required("RepositoryUri")?.to_owned(),
        None => format!("{}-{}", environment.project, environment.name),
    };
    let push = match &ctx {
        Some(ctx) if args.push => Some(Credentials::Ecr(Box::new(ctx.aws.config().clone()))),
        _ => None,
    };
    let request = BuildRequest {
        workspace: root.clone(),
        cache: seatrial_image::default_cache(&root),
        options: options_of(&environment),
        architecture: facts.architecture,
        library: facts.library,
        builder,
        repository,
        push,
    };
    if args.dry_run {
        printer.result(&Plan { repository: request.repository, push: args.push })?;
        return Ok(ExitStatus::Done);
    }
    let report = |line: &str| printer.event("build-image", line);
    let image = seatrial_image::run(&request, &report).await?;
    if let (Some(directory), Some(deployed), Some(ctx)) = (&args.artifacts, &deployed, &ctx) {
        let variables = task_variables(&facts, ctx.aws.region(), &deployed.outputs());
        let written = seatrial_image::write_artifacts(&root, directory, &image.uri, &variables);
        match args.push {
            // A refusal after the push is none: the image is there.
            true => written.with_context(|| format!("failed to write the artifacts of `{}`", image.uri))?,
            false => written?,
        }
    }
    printer.result(&Built(image))?;
    Ok(ExitStatus::Done)
}

pub(crate) fn builder_of(environment: &Environment) -> seatrial_image::Builder {
    match environment.image.builder {
        ImageBuilder::Cargo => seatrial_image::Builder::Cargo,
        ImageBuilder::Docker => seatrial_image::Builder::Docker,
    }
}

pub(crate) fn options_of(environment: &Environment) -> ImageOptions {
    ImageOptions {
        package: environment.image.package.clone(),
        binary: environment.image.binary.clone(),
        port: environment.app.port,
    }
}

#[derive(Serialize)]
struct Plan {
    repository: String,
    push: bool,
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let push = if self.push { " and push it" } else { "" };
        write!(f, "would build an image for `{}`{push}", self.repository)
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Built(BuildImage);

impl fmt::Display for Built {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let image = &self.0;
        writeln!(f, "{}", image.uri)?;
        write!(f, "tags {}, {} bytes", image.tags.join(", "), image.size_bytes)
    }
}
