//! A cluster on disk: made by `initdb`, and changed by `postgres --single` while no server runs.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::{PostgresBinaries, PostgresError, account};
use crate::runtime::limits;

/// A cluster and the programs that work on it.
pub(crate) struct Cluster {
    pub binaries: PostgresBinaries,
    /// From [`super::find_place`].
    pub place: PathBuf,
}

/// The owner of everything in the cluster, and its database.
pub(crate) struct Owner<'a> {
    pub user: &'a str,
    pub password: &'a str,
    pub database: Option<&'a str>,
}

impl Cluster {
    pub(crate) fn data(&self) -> PathBuf {
        self.place.join("data")
    }

    /// Makes the cluster with its owner and database. The password goes through a file that only the
    /// server's user can read and that is gone afterwards.
    pub(crate) async fn initialize(&self, owner: &Owner<'_>) -> Result<(), PostgresError> {
        let file = self.place.join("password");
        let io = |source| PostgresError::Io { what: "write", path: file.clone(), source };
        write_private(&file, owner.password).map_err(io)?;
        let mut command = self.command(&self.binaries.initdb);
        command.arg("-D").arg(self.data()).arg(format!("--username={}", owner.user));
        command.arg(format!("--pwfile={}", file.display()));
        command.args([
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
            "--no-instructions",
        ]);
        let made = run("initdb", command, String::new()).await;
        let _ = std::fs::remove_file(&file);
        made?;
        match owner.database {
            Some(name) => {
                self.execute(&format!("CREATE DATABASE {} OWNER {}", quoted(name), quoted(owner.user))).await
            }
            None => Ok(()),
        }
    }

    /// Makes the cluster as a copy of the one in `from`, of which no server may run.
    pub(crate) async fn copy_from(&self, from: &Path) -> Result<(), PostgresError> {
        let mut command = self.command(Path::new("cp"));
        command.arg("-Rp").arg(from.join("data")).arg(self.data());
        run("cp", command, String::new()).await.map(drop)
    }

    pub(crate) async fn set_password(&self, user: &str, password: &str) -> Result<(), PostgresError> {
        let literal = password.replace('\'', "''");
        self.execute(&format!("ALTER ROLE {} PASSWORD '{literal}'", quoted(user))).await
    }

    /// Executes one statement; no server may run.
    async fn execute(&self, statement: &str) -> Result<(), PostgresError> {
        let mut command = self.command(&self.binaries.postgres);
        command.args(["--single", "-F", "-j", "-D"]).arg(self.data()).arg("postgres");
        let output = run("postgres --single", command, format!("{statement};\n\n")).await?;
        match output.contains("ERROR:") {
            // The statement may hold a password: it is not repeated.
            true => Err(PostgresError::Failed { program: "postgres --single", output: first_error(&output) }),
            false => Ok(()),
        }
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("LC_ALL", "C").env("PATH", "/usr/bin:/bin").current_dir(&self.place);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        if let Some((user, group)) = account() {
            command.uid(user).gid(group);
        }
        limits::restore_in(&mut command);
        command
    }
}

fn write_private(file: &Path, text: &str) -> std::io::Result<()> {
    let mut out = std::fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(file)?;
    writeln!(out, "{text}")?;
    if let Some((user, group)) = account() {
        std::os::unix::fs::chown(file, Some(user), Some(group))?;
    }
    Ok(())
}

/// Runs a program to its end with `input`; answers what it wrote.
async fn run(program: &'static str, mut command: Command, input: String) -> Result<String, PostgresError> {
    let failed = |error: std::io::Error| PostgresError::Failed { program, output: error.to_string() };
    let mut child = command.spawn().map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that reads nothing may be gone already.
        let _ = stdin.write_all(input.as_bytes()).await;
    }
    let output = child.wait_with_output().await.map_err(failed)?;
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    match output.status.success() {
        true => Ok(text),
        false => Err(PostgresError::Failed { program, output: tail(&text) }),
    }
}

fn first_error(text: &str) -> String {
    text.lines().find(|line| line.contains("ERROR:")).unwrap_or_default().to_owned()
}

fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines.iter().skip(lines.len().saturating_sub(5)).copied().collect::<Vec<_>>().join("; ")
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
