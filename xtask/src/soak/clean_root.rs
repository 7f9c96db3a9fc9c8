//! `cargo xtask soak clean-root`: the commands of the generated buildspec in a root that has no Rust. What is in it is what
//! AWS's Ubuntu image is known to bring besides: a C compiler, curl, git, certificates. They install the toolchain that the
//! repository names, compile `seatrial-image`, and that builds the application's image.
//!
//! The network ends at Debian's packages, of which the root is made. So sh.rustup.rs and `rustup toolchain install` are
//! played with this machine's rustup and toolchain, crates come from this machine's copies, and nothing is pushed.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::unistd::Uid;
use seatrial::Running;
use seatrial_template::Node;

/// Of `aws/codebuild/standard`, as its Dockerfile installs them (aws-codebuild-docker-images, ubuntu/standard).
const PACKAGES: &str = "build-essential,ca-certificates,curl,git";
const SUITE: &str = "bookworm";
const BUILDSPEC: &str = ".aws/buildspec.yml";
/// Where CodeBuild unpacks a source.
const SOURCE: &str = "codebuild/src";

/// In the place of `curl`: the installer, if it is asked for as rustup's own page says.
const CURL: &str = r#"#!/bin/sh
case "$*" in
"--proto =https --tlsv1.2 "*" --output rustup-init.sh https://sh.rustup.rs") cp /opt/played/rustup-init.sh . ;;
*) exec /usr/bin/curl "$@" ;;
esac
"#;
const INSTALLER: &str = r#"set -e
[ "$*" = "-y --quiet --no-modify-path --profile minimal --default-toolchain none" ]
mkdir -p ~/.cargo/bin ~/.rustup/toolchains
for proxy in cargo rustc rustdoc; do cp /opt/played/bin/rustup ~/.cargo/bin/$proxy; done
cp /opt/played/rustup ~/.cargo/bin/
"#;
const RUSTUP: &str = r#"#!/bin/sh
[ "$1 $2" = "toolchain install" ] || exec /opt/played/bin/rustup "$@"
for version; do :; done
echo "played: Rust $version is this machine's"
ln -s /opt/toolchain ~/.rustup/toolchains/$version-$(uname -m)-unknown-linux-gnu
"#;
/// Runs a script in the root `$1`, with the toolchain `$2`, in mounts of its own, which end with it.
const ENTER: &str = r#"set -e
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
mount --bind -o ro "$2" "$1/opt/toolchain"
exec chroot "$1" /usr/bin/env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  CODEBUILD_SRC_DIR="/$4" CODEBUILD_BUILD_ID=web:1 CODEBUILD_INITIATOR=soak CODEBUILD_RESOLVED_SOURCE_VERSION="$5" \
  REPOSITORY_URI=127.0.0.1:1/web ENVIRONMENT_NAME=local AWS_ENDPOINT_URL=http://127.0.0.1:1 AWS_REGION=eu-central-1 \
  CARGO_NET_OFFLINE=true bash "/$3"
"#;

/// Plays it once, with the last commit; answers how many findings there were.
pub(super) fn play(running: &Running<'_>) -> Result<usize, String> {
    if !Uid::effective().is_root() {
        return Err("a root directory is changed to, which only root may: use sudo".to_owned());
    }
    let folder = tempfile::Builder::new().prefix("soak-").tempdir();
    let folder = folder.map_err(|error| format!("failed to make a folder: {error}"))?;
    let root = Root { running, path: folder.path().join("root") };
    root.make()?;
    let commit = root.unpack()?;
    let mut findings = Vec::new();
    if root.enter("which.sh", "command -v cargo rustc rustup\n", &commit)? == Some(0) {
        findings.push("the root has Rust before anything is installed".to_owned());
    }
    for phase in ["install", "build"] {
        running.say(format_args!("phase {phase}"));
        let script = commands(phase)?.replace("\"$tool\" --push", "\"$tool\"");
        let script = format!("{script}\n[ {phase} = install ] || echo \"image: $IMAGE_URI\"\n");
        match root.enter(&format!("{phase}.sh"), &script, &commit)? {
            Some(0) => {}
            code => {
                findings.push(format!("phase {phase} ended with {code:?}"));
                break;
            }
        }
    }
    findings.iter().for_each(|one| running.say(format_args!("FINDING: {one}")));
    Ok(findings.len())
}

/// The commands of a phase of the generated buildspec.
fn commands(phase: &str) -> Result<String, String> {
    let text = fs::read(BUILDSPEC).map_err(|error| format!("failed to read `{BUILDSPEC}`: {error}"))?;
    let document = seatrial_template::parse(BUILDSPEC, &text).map_err(|error| error.to_string())?;
    let commands = document.root.find(&["phases", phase, "commands"]).and_then(Node::as_sequence);
    let texts: Vec<&str> = commands.unwrap_or_default().iter().filter_map(Node::as_text).collect();
    match texts.is_empty() {
        true => Err(format!("`{BUILDSPEC}` has no phase `{phase}`")),
        false => Ok(texts.join("\n")),
    }
}

struct Root<'a> {
    running: &'a Running<'a>,
    path: PathBuf,
}

impl Root<'_> {
    fn make(&self) -> Result<(), String> {
        let mut debootstrap = Command::new("debootstrap");
        debootstrap.args(["--variant=minbase", &format!("--include={PACKAGES}"), SUITE]).arg(&self.path);
        self.run(debootstrap).map_err(|error| format!("{error}; `apt-get install debootstrap`?"))?;
        let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
        let home = home.or_else(|| Some(std::env::home_dir()?.join(".cargo"))).unwrap_or_default();
        for folder in ["opt/played/bin", "opt/toolchain", SOURCE, "root/.cargo/registry"] {
            fs::create_dir_all(self.path.join(folder))
                .map_err(|error| format!("failed to make `{folder}`: {error}"))?;
        }
        self.write("usr/local/bin/curl", CURL)?;
        self.write("opt/played/rustup-init.sh", INSTALLER)?;
        self.write("opt/played/rustup", RUSTUP)?;
        self.copy(&home.join("bin/rustup"), "opt/played/bin/rustup")?;
        for folder in ["cache", "index"] {
            self.copy(&home.join("registry").join(folder), "root/.cargo/registry/")?;
        }
        Ok(())
    }

    /// The last commit, as an archive brings it; answers which it is.
    fn unpack(&self) -> Result<String, String> {
        let here = Path::new(".");
        let git =
            |arguments: &[&str]| seatrial_git::bytes(here, arguments).map_err(|error| error.to_string());
        let archive = self.path.join("source.tar");
        git(&["archive", "--output", &archive.to_string_lossy(), "HEAD"])?;
        let mut tar = Command::new("tar");
        tar.arg("-xf").arg(&archive).arg("-C").arg(self.path.join(SOURCE));
        self.run(tar)?;
        let commit = git(&["rev-parse", "HEAD"])?;
        Ok(String::from_utf8_lossy(&commit).trim().to_owned())
    }

    fn write(&self, path: &str, text: &str) -> Result<(), String> {
        let told = |error: std::io::Error| format!("failed to write `{path}`: {error}");
        let path = self.path.join(path);
        fs::write(&path, text).map_err(told)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).map_err(told)
    }

    fn copy(&self, from: &Path, to: &str) -> Result<(), String> {
        let mut copy = Command::new("cp");
        copy.args(["--recursive", "--dereference"]).arg(from).arg(self.path.join(to));
        self.run(copy)
    }

    fn run(&self, command: Command) -> Result<(), String> {
        let name = command.get_program().to_string_lossy().into_owned();
        let ended = self.running.run(command)?;
        if ended.success() { Ok(()) } else { Err(format!("`{name}` ended with {ended}")) }
    }

    /// Runs a script in the root, as root, with the variables that CodeBuild gives; its exit code.
    fn enter(&self, name: &str, script: &str, commit: &str) -> Result<Option<i32>, String> {
        self.write(name, script)?;
        let sysroot = Command::new("rustc").args(["--print", "sysroot"]).output();
        let sysroot = sysroot.map_err(|error| format!("failed to find the toolchain: {error}"))?;
        let sysroot = String::from_utf8_lossy(&sysroot.stdout).trim().to_owned();
        let mut unshare = Command::new("unshare");
        unshare.args(["--mount", "sh", "-c", ENTER, "sh"]).arg(&self.path);
        unshare.args([sysroot.as_str(), name, SOURCE, commit]).stdin(Stdio::null());
        Ok(self.running.run(unshare)?.code())
    }
}
