//! The first image and the first revision of the task definition, which no template holds: made only where there is no
//! service yet. So there is no deadlock between a service that needs an image and a pipeline that needs a service.

use std::collections::BTreeMap;

use anyhow::Context as _;
use seatrial_image::{BuildRequest, Credentials};
use seatrial_project::render::{self, Variables};
use tokio::sync::OnceCell;

use super::seed::seed;
use crate::aws::status::{Progress, build_progress};
use crate::aws::{Build, FirstBuild, Revision};
use crate::cli::ProvisionArgs;
use crate::commands::deployed::Deployed;
use crate::context::Ctx;
use crate::exit::{Failed, Refused};
use crate::follow::follow_build;
use crate::git::Head;
use crate::image;
use crate::plan::given::given_by_stacks;
use crate::plan::owned::Owned;

/// Where the sources of first builds are put, each under a name of its own: two operators may provision at once.
/// CodeBuild's cache and CodePipeline's artifacts are elsewhere.
const SOURCE_FOLDER: &str = "first-image";
/// The variable that `.aws/buildspec.yml` exports.
const EXPORTED_IMAGE: &str = "IMAGE_URI";

/// What a service is to start with that is to be made.
pub(super) struct FirstRevision {
    /// The service is there: a release changes what it runs, and nobody else.
    done: bool,
    /// The revision that the last successful deployment made live.
    live: Option<String>,
    here: bool,
    image: OnceCell<String>,
}

/// What an earlier run has left that serves.
enum Before {
    Nothing,
    /// An image in the repository.
    Image(String),
    /// A revision, as it is.
    Revision,
}

impl FirstRevision {
    /// Asks what was live, where there is no service.
    pub(super) async fn look(ctx: &Ctx, deployed: &Deployed, args: &ProvisionArgs) -> anyhow::Result<Self> {
        let done = deployed.output(Owned::ServiceName).is_some();
        let output = |owned| deployed.output(owned).filter(|_| !done);
        let live = match (output(Owned::CodeDeployApplicationName), output(Owned::DeploymentGroupName)) {
            (Some(application), Some(group)) => {
                ctx.reading(ctx.aws.live_task_definition(application, group)).await?
            }
            _ => None,
        };
        Ok(Self { done, live, here: args.local_image, image: OnceCell::new() })
    }

    /// Takes the image that was live, or of this commit; else has CodeBuild build the commit, or builds it here. Whether
    /// one was built.
    pub(super) async fn build(&self, ctx: &Ctx, values: &BTreeMap<String, String>) -> anyhow::Result<bool> {
        if self.done {
            return Ok(false);
        }
        let (uri, built) = match self.made_before(ctx, needed(values, "RepositoryUri")?).await? {
            Before::Revision => return Ok(false),
            Before::Image(uri) => (uri, false),
            Before::Nothing if self.here => (build_here(ctx, values).await?, true),
            Before::Nothing => (build_remotely(ctx, values).await?, true),
        };
        ctx.printer().event("first image", &uri);
        self.image.set(uri)?;
        Ok(built)
    }

    /// What of before serves: the image of the revision that was live, or of the newest if that is this commit's and the
    /// repository has it. Without git no commit is known, and the newest revision is taken as it is.
    async fn made_before(&self, ctx: &Ctx, repository: &str) -> anyhow::Result<Before> {
        let family = ctx.environment.full_name();
        let head = Head::of(&ctx.root)?;
        let revision = match &self.live {
            Some(live) => Some(live.clone()),
            None => ctx.reading(ctx.aws.active_task_definition(&family)).await?,
        };
        let Some(revision) = revision else { return Ok(Before::Nothing) };
        if self.live.is_none() && head.is_none() {
            return Ok(Before::Revision);
        }
        let image = ctx.reading(ctx.aws.revision(&revision)).await?.image;
        let (Some((_, digest)), Some((_, name))) = (image.split_once('@'), repository.split_once('/')) else {
            return Ok(Before::Nothing);
        };
        let Some(found) = ctx.reading(ctx.aws.image(name, digest)).await? else { return Ok(Before::Nothing) };
        let head = head.filter(|head| !(self.here && head.dirty));
        let of_commit =
            head.is_some_and(|head| found.tags.iter().any(|tag| head.commit.starts_with(tag.as_str())));
        Ok(if self.live.is_some() || of_commit { Before::Image(image) } else { Before::Nothing })
    }

    /// Makes the family's newest revision the one that the service is to start: a bare family takes the newest, which may
    /// be that of a release that failed. What was live is registered once more; else `.aws/taskdef.json` is rendered with
    /// the function that the pipeline's build uses. Whether a revision was made.
    pub(super) async fn register(
        &self,
        ctx: &Ctx,
        values: &BTreeMap<String, String>,
    ) -> anyhow::Result<bool> {
        let Some(image) = self.image.get() else { return Ok(false) };
        let given = given_by_stacks(ctx.aws.region(), values);
        let definition = render::task_definition(&ctx.root, &ctx.environment, &given)?.with_image(image);
        let wanted = Revision::of(&definition);
        let family = ctx.environment.full_name();
        let newest = ctx.reading(ctx.aws.active_task_definition(&family)).await?;
        let fitting = match (&self.live, &newest) {
            (Some(live), _) => {
                let found = ctx.reading(ctx.aws.revision(live)).await?;
                fits(&found, &wanted, &given).then_some(live)
            }
            (None, Some(newest)) => {
                let found = ctx.reading(ctx.aws.revision(newest)).await?;
                (found == wanted).then_some(newest)
            }
            (None, None) => None,
        };
        let arn = match fitting {
            Some(arn) if newest.as_ref() == Some(arn) => return Ok(false),
            Some(arn) => ctx.aws.register_again(arn).await?,
            None => ctx.aws.register_task_definition(definition).await?,
        };
        ctx.printer().event("task definition", arn);
        Ok(true)
    }
}

/// Whether a revision of before still takes what comes from the stacks: what it took from a stack that was made anew is
/// gone.
fn fits(found: &Revision, wanted: &Revision, given: &Variables) -> bool {
    let from_stacks =
        |value: &str| given.values().any(|given| value == given || value.starts_with(&format!("{given}:")));
    let same = |found: &BTreeMap<String, String>, wanted: &BTreeMap<String, String>| {
        let mut taken = wanted.iter().filter(|(_, value)| from_stacks(value));
        taken.all(|(name, value)| found.get(name) == Some(value))
    };
    found.roles == wanted.roles
        && same(&found.environment, &wanted.environment)
        && same(&found.secrets, &wanted.secrets)
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
    let begun = match ctx.reading(ctx.aws.running_build(project, &revision)).await? {
        Some((id, source)) => {
            ctx.printer().event("first image", format_args!("build {id} of this commit runs already"));
            let key = source.strip_prefix(&format!("{bucket}/")).map(str::to_owned);
            Begun { id, key }
        }
        None => begin(ctx, (bucket, project), (&revision, zip)).await?,
    };
    let ended = follow_build(ctx.watch(), &begun.id).await?;
    // Only now: a build that is not waited for any more goes on, and may not have read its source yet.
    if let Some(key) = begun.key.filter(|key| key.starts_with(SOURCE_FOLDER)) {
        remove_source(ctx, (bucket, &key)).await;
    }
    exported_image(&begun.id, ended)
}

/// Removes the source of a build. One that is left is told and no more, for how the build ended says more; the bucket
/// forgets it in time.
async fn remove_source(ctx: &Ctx, (bucket, key): (&str, &str)) {
    let removed = async {
        let versions = ctx.aws.first_objects(bucket, key).await?;
        ctx.aws.delete_objects(bucket, versions).await
    };
    if let Err(error) = removed.await {
        ctx.printer().warning(format_args!("the source of the first build is left: {error}"));
    }
}

/// A build that runs, and where its source lies.
struct Begun {
    id: String,
    key: Option<String>,
}

async fn begin(
    ctx: &Ctx,
    (bucket, project): (&str, &str),
    (revision, zip): (&str, Vec<u8>),
) -> anyhow::Result<Begun> {
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
    let key = source_key(revision);
    ctx.aws.put_object(bucket, &key, zip).await?;
    let source = format!("{bucket}/{key}");
    match ctx.aws.start_build(&FirstBuild { project, source: &source, revision }).await {
        Ok(id) => {
            ctx.printer().event("first image", format_args!("build {id}"));
            Ok(Begun { id, key: Some(key) })
        }
        Err(error) => {
            remove_source(ctx, (bucket, &key)).await;
            Err(error.into())
        }
    }
}

fn source_key(revision: &str) -> String {
    format!("{SOURCE_FOLDER}/{revision}-{:08x}.zip", rand::random::<u32>())
}

/// The image that a build exports which has ended.
fn exported_image(id: &str, build: Build) -> anyhow::Result<String> {
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
    let push = Credentials::Ecr(Box::new(ctx.aws.config().clone()));
    let repository = needed(values, "RepositoryUri")?;
    let request = BuildRequest::of(&ctx.root, &ctx.environment, repository, Some(push));
    let report = |line: &str| ctx.printer().event("first image", line);
    Ok(image::build((&ctx.session, "first image"), request, &report).await?.uri)
}

fn needed<'a>(values: &'a BTreeMap<String, String>, name: &str) -> Result<&'a str, Refused> {
    let value = values.get(name).map(String::as_str);
    value.ok_or_else(|| Refused::new(format!("no stack has an output `{name}`")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_fits_only_the_roles_and_the_database_that_are_there_now() {
        let map = |entries: &[(&str, &str)]| -> BTreeMap<String, String> {
            entries.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let given = map(&[("DB_HOST", "new.example"), ("DB_SECRET_ARN", "arn:secret")]);
        let wanted = Revision {
            roles: ["arn:execution".to_owned(), "arn:task".to_owned()],
            environment: map(&[("DB_HOST", "new.example"), ("GREETING", "hello")]),
            secrets: map(&[("DB_PASSWORD", "arn:secret:password::"), ("KEY", "arn:other")]),
            ..Revision::default()
        };
        // What comes by a release may differ.
        let older = Revision {
            cpu: "512".to_owned(),
            environment: map(&[("DB_HOST", "new.example"), ("GREETING", "good day")]),
            secrets: map(&[("DB_PASSWORD", "arn:secret:password::")]),
            ..wanted.clone()
        };
        assert!(fits(&older, &wanted, &given));
        for stale in [
            Revision { roles: ["arn:gone".to_owned(), "arn:task".to_owned()], ..older.clone() },
            Revision { environment: map(&[("DB_HOST", "old.example")]), ..older.clone() },
            Revision { secrets: map(&[("DB_PASSWORD", "arn:gone:password::")]), ..older.clone() },
        ] {
            assert!(!fits(&stale, &wanted, &given), "{stale:?}");
        }
    }

    #[test]
    fn the_source_of_a_first_build_has_a_key_of_its_run_and_its_commit() {
        let keys: std::collections::BTreeSet<String> = (0..100).map(|_| source_key("0a1b2c")).collect();

        assert_eq!(keys.len(), 100);
        assert!(keys.iter().all(|key| key.starts_with("first-image/0a1b2c-") && key.ends_with(".zip")));
    }
}
