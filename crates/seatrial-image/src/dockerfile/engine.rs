//! Who follows a Dockerfile: docker, else podman, else buildah, whichever is here and can.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use seatrial_project::Architecture;

use crate::architecture::ArchitectureNames as _;
use crate::error::ImageError;
use crate::request::ImageOptions;
use crate::stop::{Heard, Stop, run, run_told};

/// The variable that names the configuration of podman and buildah (containers-registries.conf(5)).
const REGISTRIES: &str = "CONTAINERS_REGISTRIES_CONF";
const SUBORDINATE_IDS: &str = "/etc/subuid";

/// A program that follows Dockerfiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Engine {
    Docker,
    Podman,
    Buildah,
}

/// What is to be built.
pub(super) struct Build<'a> {
    pub(super) dockerfile: PathBuf,
    pub(super) context: PathBuf,
    pub(super) options: &'a ImageOptions,
    pub(super) architecture: Architecture,
    pub(super) tags: Vec<String>,
}

impl Engine {
    const ALL: [Self; 3] = [Self::Docker, Self::Podman, Self::Buildah];

    /// The first that can build here. `DOCKER_HOST` and contexts are docker's own affair.
    ///
    /// # Errors
    /// Refused where there is none, with what is wrong with each.
    pub(super) fn find(stop: Option<&Stop>) -> Result<Self, ImageError> {
        let mut wrong = Vec::new();
        for engine in Self::ALL {
            match engine.ready(stop) {
                Ok(()) => return Ok(engine),
                Err(why) => wrong.push(format!("{} {why}", engine.program())),
            }
        }
        let refused =
            ImageError::refused(format!("nobody here can follow a Dockerfile: {}", wrong.join("; ")));
        Err(refused.with_hint(hint(&wrong)))
    }

    pub(super) fn program(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
            Self::Buildah => "buildah",
        }
    }

    fn command(self) -> Command {
        let mut command = Command::new(self.program());
        command.stdin(Stdio::null());
        // Neither runc nor crun is needed so, for the Dockerfile is the project's own; and what was built once is kept.
        let settings = [("BUILDAH_ISOLATION", "chroot"), ("BUILDAH_LAYERS", "true")];
        for (name, value) in settings.into_iter().filter(|_| self == Self::Buildah) {
            if std::env::var_os(name).is_none() {
                command.env(name, value);
            }
        }
        command
    }

    /// Or why it cannot build.
    fn ready(self, stop: Option<&Stop>) -> Result<(), String> {
        let question: &[&str] = match self {
            // The client alone answers, too; the server's version is the server's.
            Self::Docker => &["version", "--format", "{{.Server.Version}}"],
            Self::Podman | Self::Buildah => &["info"],
        };
        let mut command = self.command();
        command.args(question).stdout(Stdio::piped()).stderr(Stdio::piped());
        let answered = match stop {
            Some(stop) => stop.output(&mut command, Heard::Nothing),
            None => command.output(),
        };
        let answered = answered.map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => "is not installed".to_owned(),
            _ => format!("cannot be run: {error}"),
        })?;
        if !answered.status.success() {
            let said = String::from_utf8_lossy(&answered.stderr);
            return Err(format!("says: {}", said.trim().lines().last().unwrap_or("nothing")));
        }
        if self == Self::Docker { Ok(()) } else { has_subordinate_ids() }
    }

    /// Follows the Dockerfile and gives the image's name; what it says is the user's progress.
    pub(super) fn build(
        self,
        build: &Build<'_>,
        id: &Path,
        stop: Option<&Stop>,
    ) -> Result<String, ImageError> {
        let mut command = self.command();
        command.arg("build").arg("--file").arg(&build.dockerfile).arg("--iidfile").arg(id);
        // What describes how an image was built makes a list of one, which ECS takes for an image of no platform.
        command.env("BUILDX_NO_DEFAULT_ATTESTATIONS", "1");
        for (name, value) in &build.options.build_args {
            command.arg("--build-arg").arg(format!("{name}={value}"));
        }
        if let Some(stage) = &build.options.target_stage {
            command.arg("--target").arg(stage);
        }
        // The legacy builder knows `--platform` only as an experiment, so it is left out where it changes nothing.
        if std::env::consts::ARCH != build.architecture.rust() {
            command.arg("--platform").arg(format!("linux/{}", build.architecture.oci()));
        }
        for tag in &build.tags {
            command.arg("--tag").arg(tag);
        }
        let action = format!("build the image with {}", self.program());
        if let Some(file) = self.short_names(id).map_err(|error| ImageError::failed(&*action, error))? {
            command.env(REGISTRIES, file);
        }
        run_told(stop, &action, command.arg(&build.context))?;
        let id = fs::read_to_string(id).map_err(|error| ImageError::failed(action, error))?;
        Ok(id.trim().to_owned())
    }

    /// `FROM python:3.13` means Docker Hub to docker, and so in CodeBuild; to the others it means nothing until somebody
    /// configures it. A file that does, beside `id`, where nobody has configured anything.
    fn short_names(self, id: &Path) -> std::io::Result<Option<PathBuf>> {
        if self == Self::Docker || std::env::var_os(REGISTRIES).is_some() {
            return Ok(None);
        }
        let home = std::env::home_dir().unwrap_or_default();
        let files =
            [home.join(".config/containers/registries.conf"), "/etc/containers/registries.conf".into()];
        if files.iter().any(|file| fs::read_to_string(file).is_ok_and(|text| configures(&text))) {
            return Ok(None);
        }
        let file = id.with_extension("registries.conf");
        fs::write(&file, "unqualified-search-registries = [\"docker.io\"]\n")?;
        Ok(Some(file))
    }

    /// Writes the image into a file, in docker's form of an archive, which all three write.
    pub(super) fn save(self, image: &str, file: &Path, stop: Option<&Stop>) -> Result<(), ImageError> {
        let mut command = self.command();
        match self {
            Self::Docker => command.arg("save").arg("--output").arg(file).arg(image),
            Self::Podman => command
                .args(["save", "--quiet", "--format", "docker-archive", "--output"])
                .arg(file)
                .arg(image),
            Self::Buildah => {
                command.args(["push", "--quiet", image]).arg(format!("docker-archive:{}", file.display()))
            }
        };
        run(stop, &format!("take the image from {}", self.program()), &mut command).map(drop)
    }
}

/// Whether a configuration says anything: packages bring one of comments.
fn configures(text: &str) -> bool {
    text.lines().map(str::trim).any(|line| !line.is_empty() && !line.starts_with('#'))
}

/// Who is not root needs a range of user ids of his own, as the files of an image have several owners.
fn has_subordinate_ids() -> Result<(), String> {
    if rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let uid = rustix::process::geteuid().as_raw().to_string();
    let name = std::env::var("USER").unwrap_or_default();
    let ranges = fs::read_to_string(SUBORDINATE_IDS).unwrap_or_default();
    match owns_a_range(&ranges, &name, &uid) {
        true => Ok(()),
        false => Err(format!("wants a range of user ids, and `{SUBORDINATE_IDS}` has none for user {uid}")),
    }
}

/// Whether a line of subuid(5), `NAME-OR-ID:FIRST:COUNT`, is this user's.
fn owns_a_range(ranges: &str, name: &str, uid: &str) -> bool {
    let mut owners = ranges.lines().filter_map(|line| line.split(':').next());
    owners.any(|owner| owner == uid || (!name.is_empty() && owner == name))
}

/// The one thing to do.
fn hint(wrong: &[String]) -> String {
    match wrong.iter().any(|why| why.contains(SUBORDINATE_IDS)) {
        true => "run `sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 \"$USER\"`, or build as root"
            .to_owned(),
        false => "start docker, or install one of them (Debian: `apt-get install buildah`), or let CodeBuild build the \
                  image"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_belongs_to_whom_a_line_names_by_name_or_by_number() {
        let ranges = "ada:100000:65536\n1001:165536:65536\n";
        assert!(owns_a_range(ranges, "ada", "1000") && owns_a_range(ranges, "", "1001"));
        assert!(!owns_a_range(ranges, "ad", "100000") && !owns_a_range(ranges, "", "1000"));
        assert!(!owns_a_range("", "ada", "1000"));
    }

    #[test]
    fn a_configuration_of_comments_says_nothing() {
        assert!(!configures("# unqualified-search-registries = [\"example.com\"]\n\n  # more\n"));
        assert!(configures("# a\n[[registry]]\n"));
    }

    #[test]
    fn who_has_no_range_is_told_the_command_that_makes_one() {
        let range =
            format!("buildah wants a range of user ids, and `{SUBORDINATE_IDS}` has none for user 1000");
        assert!(hint(&["docker is not installed".to_owned(), range]).contains("usermod --add-subuids"));
        assert!(hint(&["docker says: no daemon".to_owned()]).contains("apt-get install buildah"));
    }
}
