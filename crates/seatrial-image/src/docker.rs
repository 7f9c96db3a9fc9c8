//! The builder `docker`: the same image from `app/Dockerfile`, by the docker command line.

use std::fs;
use std::path::Path;

use xshell::{Shell, cmd};

use crate::architecture::ArchitectureNames as _;
use crate::error::ImageError;
use crate::push::{Repository, platform, size_of};
use crate::registry::split_address;
use crate::report::Report;
use crate::request::{BuildImage, BuildRequest, outcome};
use crate::source::Revision;

/// One build.
pub(crate) struct Build<'a> {
    pub(crate) request: &'a BuildRequest,
    pub(crate) revision: &'a Revision,
    pub(crate) binary: &'a Path,
}

impl Build<'_> {
    /// Builds; with a repository also pushes and gives the digest under which the registry has it.
    pub(crate) async fn run(
        &self,
        repository: Option<&Repository>,
        report: Report<'_>,
    ) -> Result<BuildImage, ImageError> {
        let shell = Shell::new().map_err(|error| ImageError::failed("open a shell", error))?;
        shell.change_dir(&self.request.workspace);
        let tags: Vec<String> =
            self.revision.tags().iter().map(|tag| format!("{}:{tag}", self.request.repository)).collect();
        self.build(&shell, &tags)?;
        let Some(repository) = repository else {
            // Unpushed, an image has no manifest: docker knows it by its configuration.
            let id = self.inspect(&shell, "{{.Id}}", &tags)?;
            let size = self.inspect(&shell, "{{.Size}}", &tags)?.parse().unwrap_or_default();
            return Ok(outcome(self.request, self.revision, &id, size));
        };
        self.log_in(&shell, repository)?;
        // The commit's own tag last: it says that everything else is there.
        for tag in tags.iter().rev() {
            report(&format!("docker push {tag}"));
            cmd!(shell, "docker push --quiet {tag}")
                .ignore_stdout()
                .run()
                .map_err(|error| ImageError::failed(format!("push `{tag}`"), error))?;
        }
        let digests = self.inspect(&shell, "{{range .RepoDigests}}{{println .}}{{end}}", &tags)?;
        let prefix = format!("{}@", self.request.repository);
        let digest = digests.lines().find_map(|line| line.strip_prefix(&prefix)).ok_or_else(|| {
            ImageError::failed(format!("find the digest of `{}`", tags[0]), "docker names none")
        })?;
        let size = size_of(repository, digest).await?;
        Ok(outcome(self.request, self.revision, digest, size))
    }

    /// The context holds the binary alone, so nothing else can get into the image.
    fn build(&self, shell: &Shell, tags: &[String]) -> Result<(), ImageError> {
        let context =
            tempfile::tempdir().map_err(|error| ImageError::failed("make a build context", error))?;
        fs::copy(self.binary, context.path().join("app"))
            .map_err(|error| ImageError::failed("copy the binary to the build context", error))?;
        let commit = format!("APP_COMMIT={}", self.revision.id);
        let mut command = cmd!(shell, "docker build --quiet --file app/Dockerfile --build-arg {commit}");
        // The legacy builder knows `--platform` only as an experiment, so it is left out where it changes nothing.
        if std::env::consts::ARCH != self.request.architecture.rust() {
            command = command.arg("--platform").arg(platform(self.request.architecture));
        }
        for tag in tags {
            command = command.arg("--tag").arg(tag);
        }
        command
            .arg(context.path())
            .ignore_stdout()
            .run()
            .map_err(|error| ImageError::failed("build the image with docker", error))
    }

    /// The password goes through standard input: arguments can be read by everybody on the machine.
    fn log_in(&self, shell: &Shell, repository: &Repository) -> Result<(), ImageError> {
        let Some((user, password)) = &repository.login else { return Ok(()) };
        let (registry, _) = split_address(&self.request.repository)
            .map_err(|error| ImageError::failed("log in to the registry", error))?;
        cmd!(shell, "docker login --username {user} --password-stdin {registry}")
            .stdin(password)
            .ignore_stdout()
            .run()
            .map_err(|error| ImageError::failed(format!("log in to `{registry}` with docker"), error))
    }

    fn inspect(&self, shell: &Shell, format: &str, tags: &[String]) -> Result<String, ImageError> {
        let tag = &tags[0];
        cmd!(shell, "docker image inspect --format {format} {tag}")
            .quiet()
            .read()
            .map_err(|error| ImageError::failed(format!("inspect `{tag}`"), error))
    }
}
