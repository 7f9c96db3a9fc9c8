//! The first image and the first revision of the task definition, which no template holds: made only where the
//! family has no active revision. So there is no deadlock between a service that needs an image and a pipeline
//! that needs a service.

use std::collections::BTreeMap;

use anyhow::Context as _;
use seatrial_image::{BuildRequest, Credentials};
use seatrial_project::render::{self, Variables};
use tokio::sync::OnceCell;

use super::seed::seed;
use crate::aws::FirstBuild;
use crate::aws::status::{Progress, build_progress};
use crate::cli::ProvisionArgs;
use crate::context::Ctx;
use crate::exit::{Failed, Refused};
use crate::follow::follow_build;
use crate::git::Head;
use crate::image;

/// Where the sources of first builds are put, each under a name of its own: two operators may provision at once.
/// CodeBuild's cache and CodePipeline's artifacts are elsewhere.
const SOURCE_FOLDER: &str = "first-image";
/// The variable that `.aws/buildspec.yml` exports.
const EXPORTED_IMAGE: &str = "IMAGE_URI";

/// What is to be made, if anything.
pub(super) struct FirstRevision {
    needed: bool,
    here: bool,
    image: OnceCell<String>,
}

impl FirstRevision {
    /// Asks whether the family has an active revision.
    pub(super) async fn look(ctx: &Ctx, args: &ProvisionArgs) -> anyhow::Result<Self> {
        let found = ctx.aws.active_task_definition(&family(ctx)).await?;
        Ok(Self { needed: found.is_none(), here: args.local_image, image: OnceCell::new() })
    }

    /// Has CodeBuild build the commit, or builds it here.
    pub(super) async fn build(&self, ctx: &Ctx, values: &BTreeMap<String, String>) -> anyhow::Result<()> {
        if !self.needed {
            return Ok(());
        }
        let uri =
            if self.here { build_here(ctx, values).await? } else { build_remotely(ctx, values).await? };
        ctx.printer().event("first image", &uri);
        self.image.set(uri)?;
        Ok(())
    }

    /// Renders `.aws/taskdef.json` with the function that the pipeline's build uses, and registers it.
    pub(super) async fn register(&self, ctx: &Ctx, values: &BTreeMap<String, String>) -> anyhow::Result<()> {
        let Some(image) = self.image.get() else { return Ok(()) };
        let given = given_by_stacks(ctx.aws.region(), values);
        let definition = render::task_definition(&ctx.root, &ctx.environment, &given)?;
        let arn = ctx.aws.register_task_definition(definition.with_image(image)).await?;
        ctx.printer().event("task definition", arn);
        Ok(())
    }
}

/// The family of the environment's task definitions.
fn family(ctx: &Ctx) -> String {
    format!("{}-{}", ctx.environment.project, ctx.environment.name)
}

/// What only the stacks can fill placeholders with: their outputs under the names that the build project and the
/// pipeline give them.
pub(crate) fn given_by_stacks(region: &str, outputs: &BTreeMap<String, String>) -> Variables {
    let mut variables = Variables::from([("AWS_REGION".to_owned(), region.to_owned())]);
    let names = [
        ("DB_HOST", "DatabaseEndpointAddress"),
        ("DB_NAME", "DatabaseName"),
        ("DB_PORT", "DatabasePort"),
        ("DB_SECRET_ARN", "DatabaseSecretArn"),
        ("DB_USER", "DatabaseUser"),
        ("EXECUTION_ROLE_ARN", "ExecutionRoleArn"),
        ("LOG_GROUP", "ApplicationLogGroupName"),
        ("TASK_ROLE_ARN", "TaskRoleArn"),
    ];
    for (variable, output) in names {
        variables.extend(outputs.get(output).map(|value| (variable.to_owned(), value.clone())));
    }
    variables
}

/// Has CodeBuild build what the pipeline will build: the commit, or the tree where it is no git checkout.
async fn build_remotely(ctx: &Ctx, values: &BTreeMap<String, String>) -> anyhow::Result<String> {
    let (revision, zip) = match Head::of(&ctx.root)? {
        Some(head) => (head.commit.clone(), head.git.archive(&head.commit)?),
        None => {
            let snapshot = seatrial_local::snapshot(&ctx.root).context("failed to pack the tree")?;
            (snapshot.revision, snapshot.zip)
        }
    };
    let (bucket, project) = (needed(values, "ArtifactBucketName")?, needed(values, "BuildProjectName")?);
    if ctx.local.is_some() {
        match seed(project) {
            Ok(true) => {
                ctx.printer()
                    .event("first image", "what this program was compiled with serves the build, too");
            }
            Ok(false) => {}
            Err(error) => ctx
                .printer()
                .event("first image", format_args!("the build compiles everything anew: {error}")),
        }
    }
    let key = source_key(&revision);
    let version = ctx.aws.put_object(bucket, &key, zip).await?;
    let source = format!("{bucket}/{key}");
    let built = build_source(ctx, &FirstBuild { project, source: &source, revision: &revision }).await;
    // Also where the build failed: nobody reads the source again.
    ctx.aws.delete_object(bucket, &key, version).await?;
    built
}

fn source_key(revision: &str) -> String {
    format!("{SOURCE_FOLDER}/{revision}-{:08x}.zip", rand::random::<u32>())
}

async fn build_source(ctx: &Ctx, build: &FirstBuild<'_>) -> anyhow::Result<String> {
    let id = ctx.aws.start_build(build).await?;
    ctx.printer().event("first image", format_args!("build {id}"));
    let build = follow_build(ctx.watch(), &id).await?;
    if build_progress(&build.status) != Progress::Succeeded {
        let contexts: Vec<String> = build.phases.into_iter().flat_map(|phase| phase.contexts).collect();
        let why = contexts.into_iter().rfind(|text| !text.is_empty()).unwrap_or_default();
        return Err(Failed(format!("the first build `{id}` is {}: {why}", build.status)).into());
    }
    let exported = build.exported.into_iter().find(|(name, _)| name == EXPORTED_IMAGE).map(|(_, uri)| uri);
    exported.filter(|uri| uri.contains("@sha256:")).ok_or_else(|| {
        Failed(format!("the first build `{id}` exports no {EXPORTED_IMAGE}; see `.aws/buildspec.yml`")).into()
    })
}

async fn build_here(ctx: &Ctx, values: &BTreeMap<String, String>) -> anyhow::Result<String> {
    let request = BuildRequest {
        workspace: ctx.root.clone(),
        cache: seatrial_image::default_cache(&ctx.root),
        options: (&ctx.environment).into(),
        architecture: ctx.environment.app.architecture,
        library: ctx.environment.image.target,
        builder: ctx.environment.image.builder.into(),
        repository: needed(values, "RepositoryUri")?.to_owned(),
        push: Some(Credentials::Ecr(Box::new(ctx.aws.config().clone()))),
        stop: None,
    };
    let report = |line: &str| ctx.printer().event("first image", line);
    Ok(image::build(&ctx.session, request, &report).await?.uri)
}

fn needed<'a>(values: &'a BTreeMap<String, String>, name: &str) -> Result<&'a str, Refused> {
    let value = values.get(name).map(String::as_str);
    value.ok_or_else(|| Refused::new(format!("no stack has an output `{name}`")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_of_a_first_build_has_a_key_of_its_run_and_its_commit() {
        let keys: std::collections::BTreeSet<String> = (0..100).map(|_| source_key("0a1b2c")).collect();

        assert_eq!(keys.len(), 100);
        assert!(keys.iter().all(|key| key.starts_with("first-image/0a1b2c-") && key.ends_with(".zip")));
    }
}
