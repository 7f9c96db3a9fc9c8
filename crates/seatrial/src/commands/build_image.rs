//! `cargo xtask build-image`: builds the application's image, and pushes it if told to.
//!
//! Changes in AWS: with `--push`, an image and its tags in the environment's repository.

use std::fmt;

use seatrial_image::{BuildImage, BuildRequest, Credentials};
use serde::Serialize;

use super::deployed::Deployed;
use crate::cli::{BuildImageArgs, Globals};
use crate::context::{Ctx, find_root, load_environment};
use crate::image;
use crate::outcome::Report;
use crate::output::Whole;
use crate::plan::given::given_by_stacks;
use crate::plan::owned::Owned;
use crate::session::Session;

const SUBJECT: &str = "build-image";
/// What is in work.
const IMAGE: &str = "image";

/// What `build-image` prints.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Building {
    Planned { repository: String, push: bool },
    Built(BuildImage),
}

impl fmt::Display for Building {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Planned { repository, push } => {
                let push = if *push { " and push it" } else { "" };
                write!(f, "would build an image for `{repository}`{push}")
            }
            Self::Built(image) => {
                writeln!(f, "{}", image.uri)?;
                write!(f, "tags {}, {} bytes", image.tags.join(", "), image.size_bytes)
            }
        }
    }
}

pub(crate) async fn run(
    session: &Session,
    globals: &Globals,
    args: &BuildImageArgs,
) -> anyhow::Result<Report<Building>> {
    let root = find_root()?;
    let environment = load_environment(&root, globals)?;
    // Only what needs the repository asks AWS: an image can be built without any account.
    let target = match args.push || args.artifacts.is_some() {
        true => {
            let ctx = Ctx::for_environment(session, root.clone(), environment.clone()).await?;
            let deployed = Deployed::read(&ctx).await?;
            Some((ctx, deployed))
        }
        false => None,
    };
    let repository = match &target {
        Some((_, deployed)) => deployed.required(Owned::RepositoryUri)?.to_owned(),
        None => environment.full_name(),
    };
    if args.dry_run {
        return Ok(Report::done(Building::Planned { repository, push: args.push }));
    }
    let push = match &target {
        Some((ctx, _)) if args.push => Some(Credentials::Ecr(Box::new(ctx.aws.config().clone()))),
        _ => None,
    };
    let mut request = BuildRequest::of(&root, &environment, repository, push);
    request.builder = args.builder.unwrap_or(request.builder);
    let report = |line: &str| session.printer.event(SUBJECT, line);
    let shown = session.printer.together(SUBJECT, Whole { prefix: String::new(), count: 0, expected: None });
    // Of a build that was ended early nobody asks what it wrote last: that is no failure of its.
    let build = async {
        match image::build((session, IMAGE), request, &report).await {
            Err(error) if session.cancel.is_cancelled() => Ok(Err(error)),
            built => built.map(Ok),
        }
    };
    let image = session.printer.one(IMAGE, build, Result::is_ok).await??;
    drop(shown);
    if let (Some(directory), Some((ctx, deployed))) = (&args.artifacts, &target) {
        let given = given_by_stacks(ctx.aws.region(), &deployed.outputs());
        seatrial_image::write_artifacts(&root, directory, &image.uri, &environment, &given)?;
    }
    Ok(Report::done(Building::Built(image)))
}
