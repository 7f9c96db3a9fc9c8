//! What a project's checks and rehearsals need besides Rust and a C compiler, found or installed.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use tokio::process::Command;
use xshell::{Shell, cmd};

use crate::exit::Refused;
use crate::process::{self, shell};
use crate::session::Session;

/// Pinned: another version may report something new and turn a commit red that was green.
pub(crate) const CFN_LINT: &str = "cfn-lint==1.58.0";

/// A program under each system's name for its package.
#[derive(Debug, Clone, Copy)]
pub struct Package {
    /// The program.
    pub program: &'static str,
    /// Debian's package and that of its kin.
    pub apt: &'static str,
    /// Fedora's.
    pub dnf: &'static str,
    /// Alpine's.
    pub apk: &'static str,
    /// Homebrew's.
    pub brew: &'static str,
}

const POSTGRES: Package = Package {
    program: "postgres",
    apt: "postgresql",
    dnf: "postgresql-server",
    apk: "postgresql",
    brew: "postgresql",
};

/// Finds a Postgres server, or installs one if told to.
pub(crate) fn ensure_postgres(session: &Session, install: bool) -> anyhow::Result<()> {
    ensure(session, install, ("rehearse", &POSTGRES), || {
        seatrial_local::find_postgres().map(drop).map_err(|error| error.to_string())
    })
}

/// Finds a program of a project's checks on the PATH, or installs it if told to.
pub(crate) fn ensure_program(session: &Session, install: bool, package: &Package) -> anyhow::Result<()> {
    let sh = Shell::new()?;
    ensure(session, install, ("check", package), || match found(&sh, package.program) {
        true => Ok(()),
        false => Err(format!("{} is not installed", package.program)),
    })
}

fn ensure(
    session: &Session,
    install: bool,
    (command, package): (&str, &Package),
    find: impl Fn() -> Result<(), String>,
) -> anyhow::Result<()> {
    let Err(missing) = find() else { return Ok(()) };
    let Package { apt, dnf, apk, brew, .. } = package;
    if !install {
        let here = format!("`cargo xtask {command} --install-missing` installs it");
        let by_hand = format!("by hand: `sudo apt-get install {apt}`, `brew install {brew}`");
        return Err(Refused::new(missing).hint(format!("{here}; {by_hand}")).into());
    }
    session.printer.note(format_args!("installing {apt}"));
    let sh = Shell::new()?;
    if found(&sh, "apt-get") {
        apt_install(session, &sh, &[apt])?;
    } else if found(&sh, "dnf") {
        run(session, "dnf", &["install", "-y", dnf])?;
    } else if found(&sh, "apk") {
        run(session, "apk", &["add", apk])?;
    } else if found(&sh, "brew") {
        run(session, "brew", &["install", brew])?;
    }
    find().map_err(|missing| Refused::new(missing).hint("install it with your package manager").into())
}

/// The `bin` directory of a virtual environment under `target/` that holds a package of PyPI's, pinned as
/// `name==version`.
pub(crate) fn ensure_python(
    session: &Session,
    root: &Path,
    install: bool,
    requirement: &str,
) -> anyhow::Result<PathBuf> {
    let environment = root.join("target/python");
    let bin = environment.join("bin");
    let mark = environment.join(format!("installed-{requirement}"));
    if mark.exists() {
        return Ok(bin);
    }
    if !install {
        return Err(Refused::new(format!("{requirement} is not under `target/python`"))
            .hint("run `cargo xtask check --install-missing`")
            .into());
    }
    session.printer.note(format_args!("installing {requirement} under target/python"));
    let sh = shell(root)?;
    if !bin.join("pip").exists() {
        make_environment(session, &sh, &environment)?;
        ignore(&environment)?;
    }
    let pip = bin.join("pip");
    let arguments = ["install", "--quiet", "--disable-pip-version-check", requirement];
    run(session, pip.as_os_str(), &arguments)?;
    std::fs::write(&mark, "").with_context(|| format!("failed to write `{}`", mark.display()))?;
    Ok(bin)
}

/// Has git overlook a folder that this tool made, also where the project does not ignore `target`.
fn ignore(folder: &Path) -> anyhow::Result<()> {
    let file = folder.join(".gitignore");
    std::fs::write(&file, "*\n").with_context(|| format!("failed to write `{}`", file.display()))
}

fn make_environment(session: &Session, sh: &Shell, environment: &Path) -> anyhow::Result<()> {
    let make = || cmd!(sh, "python3 -m venv --clear {environment}").quiet().ignore_stderr().run();
    if found(sh, "python3") && make().is_ok() {
        return Ok(());
    }
    if !found(sh, "apt-get") {
        return Err(Refused::new("python3 with its venv module is missing").hint("install Python 3").into());
    }
    apt_install(session, sh, &["python3", "python3-venv"])?;
    cmd!(sh, "python3 -m venv --clear {environment}").run()?;
    Ok(())
}

/// Installs Debian packages; by sudo only where it asks for no password, or a person can type it.
fn apt_install(session: &Session, sh: &Shell, packages: &[&str]) -> anyhow::Result<()> {
    // Debian's postgresql package makes a cluster and starts it; ours is made by the local cloud.
    let sh = sh.clone();
    sh.set_var("DEBIAN_FRONTEND", "noninteractive");
    let root = nix::unistd::geteuid().is_root();
    if !root && !may_become_root(&sh) {
        let list = packages.join(" ");
        return Err(Refused::new(format!("installing {list} needs root, and `sudo` cannot be used here"))
            .hint(format!("as root: `apt-get install {list}`; then run this again"))
            .into());
    }
    let sudo: &[&str] = if root { &[] } else { &["sudo"] };
    let apt = |arguments: &[&str]| {
        let words = [sudo, &["apt-get", "-qq"], arguments].concat();
        let (program, rest) = words.split_first().context("no command")?;
        match root {
            true => run(session, program, rest),
            // sudo may ask for a password, so it stays in the terminal's own process group.
            false => Ok(sh.cmd(program).args(rest).ignore_stdout().run()?),
        }
    };
    if packages.contains(&"postgresql") {
        no_default_cluster(&sh, sudo)?;
    }
    apt(&["update"])?;
    apt(&[&["install", "-y", "--no-install-recommends"], packages].concat())
}

/// Runs an installer; it ends with the command.
fn run(session: &Session, program: impl AsRef<OsStr>, arguments: &[&str]) -> anyhow::Result<()> {
    let program = program.as_ref();
    let mut command = Command::new(program);
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
    let status = process::run_blocking(session, command)?;
    if status.success() {
        return Ok(());
    }
    bail!("`{} {}` ended with {status}", program.to_string_lossy(), arguments.join(" "))
}

fn may_become_root(sh: &Shell) -> bool {
    let asks_nothing = || cmd!(sh, "sudo --non-interactive true").quiet().ignore_stderr().run().is_ok();
    found(sh, "sudo") && (std::io::IsTerminal::is_terminal(&std::io::stdin()) || asks_nothing())
}

/// Tells Debian's packaging not to make and start a cluster of its own.
fn no_default_cluster(sh: &Shell, sudo: &[&str]) -> anyhow::Result<()> {
    let conf = Path::new("/etc/postgresql-common/createcluster.conf");
    if conf.exists() {
        return Ok(());
    }
    let script = "mkdir -p /etc/postgresql-common && echo create_main_cluster = false > /etc/postgresql-common/createcluster.conf";
    let words = [sudo, &["sh", "-c", script]].concat();
    let (program, rest) = words.split_first().context("no command")?;
    Ok(sh.cmd(program).args(rest).run()?)
}

fn found(sh: &Shell, program: &str) -> bool {
    cmd!(sh, "sh -c")
        .arg(format!("command -v {program}"))
        .quiet()
        .ignore_stdout()
        .ignore_stderr()
        .run()
        .is_ok()
}
