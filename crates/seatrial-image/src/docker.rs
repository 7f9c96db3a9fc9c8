//! The builder `docker`: the same image from `app/Dockerfile`, by the docker command line.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::architecture::ArchitectureNames as _;
use crate::cache::BuildCache;
use crate::error::ImageError;
use crate::push::{Repository, platform, size_of};
use crate::registry::split_address;
use crate::report::Report;
use crate::request::{BuildImage, BuildRequest, outcome};
use crate::source::Revision;
use crate::stop::{blocking, run};

/// docker, for one build.
pub(crate) struct Docker<'a> {
    pub(crate) request: &'a BuildRequest,
    pub(crate) revision: &'a Revision,
}

impl Docker<'_> {
    /// Builds the image under all its tags. The cache goes along, so that it stays locked while docker reads from it.
    pub(crate) async fn build(&self, binary: PathBuf, cache: BuildCache) -> Result<(), ImageError> {
        let mut command = self.command(&["build", "--quiet", "--file", "app/Dockerfile"]);
        command.arg("--build-arg").arg(format!("APP_COMMIT={}", self.revision.id));
        // The legacy builder knows `--platform` only as an experiment, so it is left out where it changes nothing.
        if std::env::consts::ARCH != self.request.architecture.rust() {
            command.arg("--platform").arg(platform(self.request.architecture));
        }
        for tag in self.tags() {
            command.arg("--tag").arg(tag);
        }
        let stop = self.request.stop.clone();
        let action = "build the image with docker";
        blocking(action, move || {
            let context = context(&cache.folder, &binary)
                .map_err(|error| ImageError::failed("make docker's build context", error))?;
            let built = run(stop.as_ref(), action, command.arg(context));
            drop(cache);
            built.map(drop)
        })
        .await
    }

    /// Unpushed, an image has no manifest: docker knows it by its configuration.
    pub(crate) async fn unpushed(&self) -> Result<BuildImage, ImageError> {
        let id = self.inspect("{{.Id}}").await?;
        let size = self.inspect("{{.Size}}").await?.parse().unwrap_or_default();
        Ok(outcome(self.request, self.revision, &id, size))
    }

    /// Pushes, once logged in, and gives the digest under which the registry has the image.
    pub(crate) async fn push(
        &self,
        repository: &Repository,
        report: Report<'_>,
    ) -> Result<BuildImage, ImageError> {
        // The commit's own tag last: it says that everything else is there.
        for tag in self.tags().iter().rev() {
            report(&format!("docker push {tag}"));
            self.run(format!("push `{tag}`"), self.command(&["push", "--quiet", tag])).await?;
        }
        let digests = self.inspect("{{range .RepoDigests}}{{println .}}{{end}}").await?;
        let prefix = format!("{}@", self.request.repository);
        let digest = digests.lines().find_map(|line| line.strip_prefix(&prefix)).ok_or_else(|| {
            ImageError::failed(format!("find the digest of `{}`", self.tag()), "docker names none")
        })?;
        let size = size_of(repository, digest).await?;
        Ok(outcome(self.request, self.revision, digest, size))
    }

    /// The password goes through standard input: arguments can be read by everybody on the machine.
    pub(crate) async fn log_in(&self, repository: &Repository) -> Result<(), ImageError> {
        let Some((user, password)) = &repository.login else { return Ok(()) };
        let (registry, _) = split_address(&self.request.repository)
            .map_err(|error| ImageError::failed("log in to the registry", error))?;
        let action = format!("log in to `{registry}` with docker");
        let mut command = self.command(&["login", "--username", user, "--password-stdin", registry]);
        // A few kilobytes: a pipe holds them before anybody reads.
        let written = io::pipe().and_then(|(read, mut write)| {
            command.stdin(read);
            write.write_all(password.as_bytes())
        });
        written.map_err(|error| ImageError::failed(&*action, error))?;
        self.run(action, command).await.map(drop)
    }

    async fn inspect(&self, format: &str) -> Result<String, ImageError> {
        let tag = self.tag();
        let command = self.command(&["image", "inspect", "--format", format, &tag]);
        self.run(format!("inspect `{tag}`"), command).await
    }

    /// What docker prints.
    async fn run(&self, action: String, mut command: Command) -> Result<String, ImageError> {
        let stop = self.request.stop.clone();
        let told = action.clone();
        let printed = blocking(&action, move || run(stop.as_ref(), &told, &mut command)).await?;
        Ok(String::from_utf8_lossy(&printed).trim().to_owned())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("docker");
        command.args(arguments).current_dir(&self.request.workspace).stdin(Stdio::null());
        command
    }

    /// The revision's own.
    fn tag(&self) -> String {
        format!("{}:{}", self.request.repository, self.revision.tag())
    }

    fn tags(&self) -> Vec<String> {
        self.revision.tags().iter().map(|tag| format!("{}:{tag}", self.request.repository)).collect()
    }
}

/// A folder that holds the binary alone, so that nothing else can get into the image. It stays in the cache: nobody has
/// to remove it, whatever ends the build.
fn context(cache: &Path, binary: &Path) -> io::Result<PathBuf> {
    let folder = cache.join("context");
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => fs::create_dir(&folder)?,
    }
    fs::copy(binary, folder.join("app"))?;
    Ok(folder)
}
