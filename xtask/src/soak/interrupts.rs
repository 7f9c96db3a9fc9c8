//! `cargo xtask soak interrupts`: a signal at a random moment, and nothing is left but what is meant to stay.
//!
//! `rehearse` and `check` leave no process and no folder; `provision` and `release` leave the persistent local cloud,
//! which `local reset` ends. Each ends with 130 and says in its outcome how to go on.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use seatrial::Running;
use serde_json::Value;

use super::leftovers::{entries, processes};
use super::scratch::Scratch;

/// From the signal to the command's end: tasks drain, and Postgres shuts down.
const PATIENCE: Duration = Duration::from_secs(120);
/// What was killed needs a moment to be gone.
const SETTLING: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_millis(20);
const SIGNALS: [Signal; 3] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];

/// A command and how late it is interrupted, in milliseconds.
pub(super) struct Subject {
    pub(super) name: &'static str,
    arguments: &'static [&'static str],
    latest: u64,
    /// It leaves the persistent local cloud.
    persists: bool,
}

pub(super) const SUBJECTS: [Subject; 4] = [
    Subject { name: "rehearse", arguments: &["rehearse"], latest: 30_000, persists: false },
    Subject { name: "check", arguments: &["check"], latest: 15_000, persists: false },
    Subject { name: "provision", arguments: &["provision", "--yes"], latest: 20_000, persists: true },
    Subject { name: "release", arguments: &["release", "--again"], latest: 6_000, persists: true },
];

/// One interruption.
struct Round<'a> {
    running: &'a Running<'a>,
    subject: &'static Subject,
    signal: Signal,
    after: Duration,
    project: PathBuf,
}

/// Plays the rounds; answers how many findings there were.
pub(super) fn play(running: &Running<'_>, rounds: u64, seed: u64, only: &[String]) -> Result<usize, String> {
    let scratch = Scratch::make(running)?;
    running.say(format_args!("seed {seed}, {rounds} rounds, in {}", scratch.path().display()));
    let subjects: Vec<&'static Subject> =
        SUBJECTS.iter().filter(|s| only.is_empty() || only.iter().any(|name| name == s.name)).collect();
    let mut random = fastrand::Rng::with_seed(seed);
    let mut findings = 0;
    let mut real_check = true;
    for number in 1..=rounds {
        let subject = subjects[random.usize(..subjects.len())];
        // This repository's own check once: what it runs is not cheap.
        let real = subject.name == "check" && std::mem::take(&mut real_check);
        let round = Round {
            running,
            subject,
            signal: SIGNALS[random.usize(..SIGNALS.len())],
            after: Duration::from_millis(random.u64(..subject.latest)),
            project: if subject.name == "check" && !real { scratch.cheap() } else { scratch.checkout() },
        };
        let found = round.play(&scratch)?;
        findings += found.len();
        found.iter().for_each(|finding| running.say(format_args!("FINDING in round {number}: {finding}")));
    }
    Ok(findings)
}

impl Round<'_> {
    fn play(&self, scratch: &Scratch) -> Result<Vec<String>, String> {
        let mut findings = Vec::new();
        let name = self.subject.name;
        if name == "release" {
            // Something must be there that can be released.
            let provisioned = self.running.output(scratch.tool(&self.project, &["provision", "--yes"]));
            if !provisioned.as_ref().is_ok_and(|output| output.status.success()) {
                self.leftovers(scratch);
                return Err(format!("the project cannot be provisioned: {provisioned:?}"));
            }
        }
        let (stdout, stderr) = (scratch.path().join("stdout"), scratch.path().join("stderr"));
        let made = |error: std::io::Error| format!("failed to start `{name}`: {error}");
        let arguments = [self.subject.arguments, &["--output", "json"]].concat();
        let mut command = scratch.tool(&self.project, &arguments);
        command.stdout(File::create(&stdout).map_err(made)?).stderr(File::create(&stderr).map_err(made)?);
        let mut child = command.spawn().map_err(made)?;
        let (status, took) = self.interrupt(&mut child, &mut findings).map_err(made)?;
        let read = |path| std::fs::read_to_string(path).unwrap_or_default();
        let (stdout, stderr) = (read(&stdout), read(&stderr));
        let after = self.after.as_secs_f64();
        let took = took.as_secs_f64();
        self.running
            .say(format_args!("`{name}`, {} after {after:.2} s: {status} after {took:.2} s", self.signal));
        findings.extend(self.judge(status, &stdout, &stderr));
        findings.extend(self.leftovers(scratch));
        if self.running.is_interrupted() {
            return Err("interrupted".to_owned());
        }
        if !findings.is_empty() {
            let last: Vec<&str> = stderr.lines().rev().take(8).collect();
            last.iter().rev().for_each(|line| self.running.say(format_args!("  {line}")));
        }
        Ok(findings)
    }

    /// Sends the signal unless the command ends before; answers how it ended, and how long after the signal. It comes
    /// at once when the soak itself is to end.
    fn interrupt(
        &self,
        child: &mut Child,
        findings: &mut Vec<String>,
    ) -> std::io::Result<(ExitStatus, Duration)> {
        if let Some(status) = wait(child, self.after, || self.running.is_interrupted())? {
            return Ok((status, Duration::ZERO));
        }
        let sent = Instant::now();
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap_or_default());
        kill(pid, self.signal).map_err(std::io::Error::from)?;
        if let Some(status) = wait(child, PATIENCE, || false)? {
            return Ok((status, sent.elapsed()));
        }
        findings.push(format!("it still ran {PATIENCE:?} after {}", self.signal));
        child.kill()?;
        Ok((child.wait()?, sent.elapsed()))
    }

    fn judge(&self, status: ExitStatus, stdout: &str, stderr: &str) -> Vec<String> {
        let Some(code) = status.code() else {
            // The first milliseconds of a process are its loader's, which knows no signals.
            return match stderr.is_empty() {
                true => Vec::new(),
                false => vec![format!("it was killed: {status}")],
            };
        };
        let outcome: Value = serde_json::from_str(stdout).unwrap_or_default();
        let mut findings = Vec::new();
        if !outcome["failures"].is_array() || !outcome["changed"].is_boolean() {
            findings.push(format!("its outcome is no object: `{}`", stdout.trim()));
        }
        // Where the signal comes when all is done already, that is what is told. A check is never done before its end.
        let was_heard = stderr.contains("interrupted: ending");
        let expected = code == 130 || code == 0 && self.subject.name != "check";
        if was_heard && !expected {
            findings.push(format!("it ended with {code}, expected 130"));
        }
        if code == 130 && self.subject.persists && !outcome["resume"].is_string() {
            findings.push("its outcome does not say how to go on".to_owned());
        }
        findings
    }

    fn leftovers(&self, scratch: &Scratch) -> Vec<String> {
        let mut findings = Vec::new();
        if self.subject.persists {
            // Not through `running`: also where that is to end, this is done.
            let reset = scratch.tool(&self.project, &["local", "reset", "--yes"]).output();
            if !reset.as_ref().is_ok_and(|output| output.status.success()) {
                findings.push(format!("`local reset` failed: {reset:?}"));
            }
        }
        let until = Instant::now() + SETTLING;
        let mut left = processes(scratch.path());
        while !left.is_empty() && Instant::now() < until {
            std::thread::sleep(POLL);
            left = processes(scratch.path());
        }
        // The next round starts clean.
        for (pid, line) in left {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
            findings.push(format!("left running: {pid} {line}"));
        }
        let folders = entries(&scratch.temporary()).into_iter().map(|name| scratch.temporary().join(name));
        for folder in folders.chain(scratch.data_dir().exists().then(|| scratch.data_dir())) {
            let _ = std::fs::remove_dir_all(&folder);
            findings.push(format!("left: {}", folder.display()));
        }
        findings
    }
}

/// How a child ended, if it did within `patience` and before there was `enough`.
pub(super) fn wait(
    child: &mut Child,
    patience: Duration,
    enough: impl Fn() -> bool,
) -> std::io::Result<Option<ExitStatus>> {
    let until = Instant::now() + patience;
    loop {
        let ended = child.try_wait()?;
        if ended.is_some() || Instant::now() > until || enough() {
            return Ok(ended);
        }
        std::thread::sleep(POLL);
    }
}
