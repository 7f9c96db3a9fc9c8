//! One build from its provisioning to its end.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::task::JoinHandle;

use super::super::buildspec::{Buildspec, OnFailure, PHASES};
use super::super::store::{BuildRecord, CodeBuild, ExportedVariable, PhaseContext};
use super::book::{Book, End};
use super::environment::{self, Variables};
use super::host::{Host, client_error};
use super::log::BuildLog;
use super::shell::{Shell, ShellSpec};
use super::sink::{LogStream, Refused};
use super::source::{self, BuildspecPlace};
use super::{artifacts, cache, commands};
use crate::cloud::Cloud;
use crate::services::sts::{Actor, RoleSession};

/// AWS does not say how long credentials of builds last; SDKs ask again.
const LIFETIME: Duration = Duration::from_secs(3600);

/// Runs the build in the project's work folder `slot` until it ends, is stopped, or its time is up.
pub(super) async fn run(cloud: &Cloud, book: &Book, record: BuildRecord, slot: usize) {
    let part = cloud.part::<CodeBuild>();
    let project = record.build.project_name.clone();
    let root = part.dir.join(&project).join(slot.to_string());
    let limit = Duration::from_secs(record.build.timeout_in_minutes * 60);
    let stop = part.stopper(book.id());
    book.take_up();
    let end = tokio::select! {
        biased;
        () = stop.cancelled() => End::Stopped,
        () = tokio::time::sleep(limit) => End::TimedOut,
        end = phases(cloud, book, record, &root) => end,
    };
    // Before the build counts as ended, for the next one is to find the folder free.
    if let Err(error) = remove(&root).await {
        tracing::warn!(folder = %root.display(), %error, "a build's folder was not removed");
    }
    part.give_back_slot(&project, slot);
    part.forget_stopper(book.id());
    book.finish(end);
}

/// Removes a folder with all it holds, off the runtime's threads; one that is not there is fine.
async fn remove(folder: &Path) -> std::io::Result<()> {
    let folder = folder.to_owned();
    let removed = tokio::task::spawn_blocking(move || std::fs::remove_dir_all(folder)).await;
    match removed.map_err(std::io::Error::other)? {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

async fn phases(cloud: &Cloud, book: &Book, mut record: BuildRecord, root: &Path) -> End {
    book.enter("PROVISIONING");
    let provisioned = provision(cloud, &record, root).await;
    book.leave(&provisioned.as_ref().map(|_| ()).map_err(Clone::clone));
    let Ok((mut host, log_task, refused)) = provisioned else {
        book.enter("FINALIZING");
        book.leave(&Ok(()));
        return End::Failed;
    };
    let mut build = Phases { book, failed: false };
    let downloaded = build.download(&mut host, &mut record).await;
    if let Some((spec, variables)) = downloaded {
        build.commands(&mut host, &spec, variables).await;
        build.upload(&host, &record, &spec).await;
        build.save_cache(&host, &record, &spec).await;
    }
    let failed = build.failed;
    book.enter("FINALIZING");
    // All lines are in their stream before the build counts as ended.
    drop(host);
    if let Err(error) = log_task.await {
        tracing::error!(build = book.id(), %error, "the log of a build broke off");
    }
    let logged = refused.get().map_or(Ok(()), |why| Err(no_log(&record, "write", why)));
    book.leave(&logged);
    if failed || logged.is_err() { End::Failed } else { End::Succeeded }
}

/// In CodeBuild's words of a log stream that the role may not create (aws/aws-cdk#12179).
fn no_log(record: &BuildRecord, verb: &str, why: &str) -> PhaseContext {
    let (role, build) = (&record.build.service_role, &record.build.arn);
    let what = format!("does not allow AWS CodeBuild to {verb} Amazon CloudWatch Logs log streams for build");
    PhaseContext {
        status_code: "ACCESS_DENIED".to_owned(),
        message: format!("Service role {role} {what} {build}. Error message: {why}"),
    }
}

/// Assumes the project's role, opens the log and makes an empty folder.
async fn provision(
    cloud: &Cloud,
    record: &BuildRecord,
    root: &Path,
) -> Result<(Host, JoinHandle<()>, Refused), PhaseContext> {
    let role = assume_role(cloud, record).await?;
    let unmade = |error: std::io::Error| PhaseContext {
        status_code: "INTERNAL_SERVICE_ERROR".to_owned(),
        message: format!("failed to make the folder `{}`: {error}", root.display()),
    };
    remove(root).await.map_err(unmade)?;
    let folder = root.join("src");
    std::fs::create_dir_all(&folder).map_err(unmade)?;
    // Compilers write real paths into what they cache.
    let root = root.canonicalize().map_err(unmade)?;
    let opened = LogStream::open(cloud, role.principal(), &record.build.logs).await;
    let (sink, refused) = opened.map_err(|error| no_log(record, "create", &error.to_string()))?;
    let (log, task) = BuildLog::open(cloud.clock(), sink);
    log.note(format!("Running on the local cloud as {}", role.principal().arn)).await;
    let folder = root.join("src");
    Ok((Host { cloud: cloud.clone(), role, folder, root, extra_sources: Vec::new(), log }, task, refused))
}

async fn assume_role(cloud: &Cloud, record: &BuildRecord) -> Result<RoleSession, PhaseContext> {
    let role = &record.build.service_role;
    let actor = Actor {
        service: "codebuild.amazonaws.com",
        source_arn: cloud.arn("codebuild", &format!("project/{}", record.build.project_name)),
        role_arn: role.clone(),
        session: format!("AWSCodeBuild-{}", record.build.id.rsplit(':').next().unwrap_or_default()),
        lifetime: LIFETIME,
    };
    RoleSession::open(cloud, actor).await.map_err(|error| PhaseContext {
        status_code: "ACCESS_DENIED".to_owned(),
        message: format!("CodeBuild is not authorized to perform: sts:AssumeRole on {role}: {error}"),
    })
}

/// The phases that run on the host, and whether one has failed.
struct Phases<'a> {
    book: &'a Book,
    failed: bool,
}

impl Phases<'_> {
    async fn enter(&self, log: &BuildLog, phase: &str) {
        log.note(format!("Entering phase {phase}")).await;
        self.book.enter(phase);
    }

    async fn leave(&mut self, log: &BuildLog, phase: &str, result: &Result<(), PhaseContext>) {
        let state = if result.is_ok() { "SUCCEEDED" } else { "FAILED" };
        log.note(format!("Phase complete: {phase} State: {state}")).await;
        let (code, message) = match result {
            Ok(()) => ("", ""),
            Err(context) => (context.status_code.as_str(), context.message.as_str()),
        };
        log.note(format!("Phase context status code: {code} Message: {message}")).await;
        self.failed |= result.is_err();
        self.book.leave(result);
    }

    /// DOWNLOAD_SOURCE: the sources, the buildspec, the cache. `None`: it failed.
    async fn download(
        &mut self,
        host: &mut Host,
        record: &mut BuildRecord,
    ) -> Option<(Buildspec, Variables)> {
        self.book.enter("DOWNLOAD_SOURCE");
        let prepared = self.prepare(host, record).await;
        let log = host.log.clone();
        self.leave(&log, "DOWNLOAD_SOURCE", &prepared.as_ref().map(|_| ()).map_err(Clone::clone)).await;
        prepared.ok()
    }

    async fn prepare(
        &mut self,
        host: &mut Host,
        record: &mut BuildRecord,
    ) -> Result<(Buildspec, Variables), PhaseContext> {
        record.build.resolved_source_version = source::download(host, record).await?;
        let resolved = record.build.resolved_source_version.clone();
        self.book.update(|record| record.build.resolved_source_version = resolved);
        host.log.note("Phase is DOWNLOAD_SOURCE").await;
        host.log.note(format!("CODEBUILD_SRC_DIR={}", host.folder.display())).await;
        let (place, spec) = source::buildspec(host, record)?;
        match place {
            BuildspecPlace::Inline => {
                host.log.note("Using a buildspec given with the project or build").await
            }
            BuildspecPlace::File(path) => host.log.note(format!("YAML location is {}", path.display())).await,
        }
        let variables = environment::variables(host, record, &spec).await?;
        host.log.mask(variables.secrets.clone());
        if let Some(folder) = cache_folder(host, record) {
            let patterns = spec.cache.as_ref().map_or(&[][..], |cache| &cache.paths);
            let restored = cache::restore(&folder, &host.folder, patterns);
            host.log.note(format!("Restored {restored} cache path(s)")).await;
        }
        Ok((spec, variables))
    }

    /// INSTALL to POST_BUILD, and the variables that are exported after it.
    async fn commands(&mut self, host: &mut Host, spec: &Buildspec, variables: Variables) {
        let mut shell = match self.open_shell(host, spec, &variables) {
            Ok(shell) => shell,
            Err(error) => {
                self.enter(&host.log, "INSTALL").await;
                let result = Err(client_error(format!("failed to start the shell: {error}")));
                return self.leave(&host.log, "INSTALL", &result).await;
            }
        };
        for (key, name) in PHASES {
            let phase = spec.phases.get(key);
            self.enter(&host.log, name).await;
            let result = match phase {
                Some(phase) => {
                    if phase.runtime_versions.is_some() {
                        host.log.note("runtime-versions are those of this machine").await;
                    }
                    commands::run(&mut shell, phase, &host.log).await
                }
                None => Ok(()),
            };
            self.leave(&host.log, name, &result).await;
            if result.is_err() {
                let on_failure = phase.map(|phase| phase.on_failure).unwrap_or_default();
                let goes_on = match on_failure {
                    OnFailure::Continue => true,
                    OnFailure::Default => key == "build",
                    OnFailure::Abort | OnFailure::Retry(_) => false,
                };
                if !goes_on {
                    break;
                }
                self.tell_failure(&mut shell, &host.log).await;
            }
        }
        self.export(&mut shell, &host.log, spec, &variables).await;
    }

    fn open_shell(&self, host: &Host, spec: &Buildspec, variables: &Variables) -> std::io::Result<Shell> {
        let mut shell = Shell::new(ShellSpec {
            bash: spec.uses_bash(),
            environment: variables.pairs.clone(),
            folder: host.folder.clone(),
            scratch: host.root.join("commands"),
        })?;
        shell.start()?;
        Ok(shell)
    }

    async fn tell_failure(&self, shell: &mut Shell, log: &BuildLog) {
        if let Err(error) = shell.run("export CODEBUILD_BUILD_SUCCEEDING=0", log).await {
            tracing::warn!(build = self.book.id(), %error, "the build's shell does not answer");
        }
    }

    async fn export(&self, shell: &mut Shell, log: &BuildLog, spec: &Buildspec, variables: &Variables) {
        if spec.env.exported_variables.is_empty() {
            return;
        }
        let exported = match shell.exported(log).await {
            Ok(exported) => exported,
            Err(error) => return log.note(format!("exported-variables were not read: {error}")).await,
        };
        let wanted = |name: &String| spec.env.exported_variables.contains(name) && variables.exportable(name);
        let exported = exported.into_iter().filter(|(name, _)| wanted(name));
        let exported: Vec<_> = exported.map(|(name, value)| ExportedVariable { name, value }).collect();
        self.book.update(|record| record.build.exported_environment_variables = exported);
    }

    async fn upload(&mut self, host: &Host, record: &BuildRecord, spec: &Buildspec) {
        self.enter(&host.log, "UPLOAD_ARTIFACTS").await;
        let result = match artifacts::upload(host, record, spec).await {
            Ok(uploaded) => {
                self.book.update(|record| {
                    record.build.artifacts = uploaded.primary;
                    record.build.secondary_artifacts = uploaded.secondary;
                });
                Ok(())
            }
            Err(context) => Err(context),
        };
        self.leave(&host.log, "UPLOAD_ARTIFACTS", &result).await;
    }

    async fn save_cache(&self, host: &Host, record: &BuildRecord, spec: &Buildspec) {
        if let (Some(folder), Some(paths)) = (cache_folder(host, record), &spec.cache) {
            let saved = cache::save(&folder, &host.folder, &paths.paths);
            host.log.note(format!("Saved {saved} cache path(s)")).await;
        }
    }
}

/// The project's cache beside its builds' folders; `None`: the project has none.
fn cache_folder(host: &Host, record: &BuildRecord) -> Option<PathBuf> {
    let cached = record.build.cache.as_ref().is_some_and(|cache| cache.kind != "NO_CACHE");
    cached.then(|| host.root.parent().map(|project| project.join("cache"))).flatten()
}
