//! Where a benchmark runs: a folder under `target/`, the local cloud that is AWS to all tools, and the tools.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;

use seatrial::Running;
use serde_json::Value;

use super::measure::{Measured, timed};

/// How many seconds of AWS pass in one: the slowest resource takes 21 s, a rounding error of a tool's pauses little.
pub(super) const TIME_SCALE: u32 = 20;
/// Pinned: a benchmark of versions that nobody knows says nothing.
pub(super) const AWS_CLI: &str = "awscli==1.45.11";
pub(super) const SCEPTRE: &str = "sceptre==4.7.0";
pub(super) const CDK: [&str; 3] = ["aws-cdk@2.1148.1", "aws-cdk-lib@2.276.0", "constructs@10.8.1"];

/// Below those that systems give to clients, who else may hold it when the local cloud starts anew.
const PORTS: std::ops::Range<u16> = 24_566..24_666;
pub(super) const LATENCIES: &str = include_str!("latencies.yml");
/// A tool's pauses are as long as it thinks right on AWS: they pass as fast as everything else.
const PAUSES_OF_PYTHON: &str = "import os, time
_sleep, _scale = time.sleep, float(os.environ['BENCH_TIME_SCALE'])
time.sleep = lambda seconds: _sleep(seconds / _scale)
";
/// Shorter ones are none, but turns of the event loop.
const PAUSES_OF_NODE: &str =
    "const scale = Number(process.env.BENCH_TIME_SCALE), later = globalThis.setTimeout;
globalThis.setTimeout = Object.assign(
  (what, pause, ...more) => later(what, pause >= 500 ? pause / scale : pause, ...more), later);
";

pub(super) struct Place<'a> {
    pub running: &'a Running<'a>,
    /// The repository.
    pub root: PathBuf,
    /// Everything of the benchmark's.
    pub folder: PathBuf,
    port: u16,
    /// What every AWS client is told.
    client: Vec<(&'static str, String)>,
}

impl<'a> Place<'a> {
    /// In an empty folder `target/bench/provision` of the repository that this is called in; peers that are there stay.
    pub(super) fn make(running: &'a Running<'a>) -> Result<Self, String> {
        let root = std::env::current_dir().map_err(|error| format!("failed to find the folder: {error}"))?;
        if !root.join("xtask/src/bench").is_dir() {
            return Err("the benchmark runs in this repository's top folder".to_owned());
        }
        let folder = root.join("target/bench/provision");
        let free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
        let port = PORTS.clone().find(free).ok_or("no port is free")?;
        let place = Self { running, root, folder, port, client: Vec::new() };
        for part in ["logs", "chains", "pauses"] {
            let _ = fs::remove_dir_all(place.folder.join(part));
            fs::create_dir_all(place.folder.join(part)).map_err(|error| error.to_string())?;
        }
        place.write("latencies.yml", LATENCIES)?;
        place.write("pauses/sitecustomize.py", PAUSES_OF_PYTHON)?;
        place.write("pauses/pauses.cjs", PAUSES_OF_NODE)?;
        Ok(place)
    }

    pub(super) fn write(&self, file: &str, text: &str) -> Result<PathBuf, String> {
        let path = self.folder.join(file);
        let made = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, text));
        made.map_err(|error| format!("failed to write `{}`: {error}", path.display()))?;
        Ok(path)
    }

    /// Installs the peers where they are not there yet, each in a folder of its own.
    pub(super) fn install_peers(&self) -> Result<(), String> {
        for (name, requirement) in [("aws", AWS_CLI), ("sceptre", SCEPTRE)] {
            let folder = self.peers().join(name);
            if self.is_installed(name, requirement) {
                continue;
            }
            let mut make = Command::new("python3");
            make.args(["-m", "venv", "--clear"]).arg(&folder);
            self.timed(make, &format!("install-{name}-venv"))?;
            let mut pip = Command::new(folder.join("bin/pip"));
            pip.args(["install", "--quiet", "--disable-pip-version-check", requirement]);
            self.timed(pip, &format!("install-{name}"))?;
            self.installed(name, requirement)?;
        }
        let wanted = CDK.join(" ");
        if !self.is_installed("cdk", &wanted) {
            let folder = self.peers().join("cdk");
            fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
            let mut npm = Command::new("npm");
            npm.args([
                "install",
                "--no-audit",
                "--no-fund",
                "--ignore-scripts",
                "--loglevel=error",
                "--prefix",
            ]);
            npm.arg(&folder).args(CDK);
            self.timed(npm, "install-cdk")?;
            self.installed("cdk", &wanted)?;
        }
        Ok(())
    }

    fn is_installed(&self, name: &str, wanted: &str) -> bool {
        fs::read_to_string(self.peers().join(name).join("installed")).is_ok_and(|text| text == wanted)
    }

    fn installed(&self, name: &str, wanted: &str) -> Result<(), String> {
        self.write(&format!("peers/{name}/installed"), wanted).map(drop)
    }

    pub(super) fn peers(&self) -> PathBuf {
        self.folder.join("peers")
    }

    /// An empty local cloud, at the same address as the one before.
    pub(super) fn start_afresh(&mut self) -> Result<(), String> {
        self.stop()?;
        let latencies = self.folder.join("latencies.yml").display().to_string();
        let (port, scale) = (self.port.to_string(), TIME_SCALE.to_string());
        let options = ["--port", &port, "--latencies", &latencies, "--time-scale", &scale];
        let mut start = self.this(&["local", "start", "--output", "json"]);
        start.args(options);
        let started = self.running.output(start)?;
        let told: Option<Value> = serde_json::from_slice(&started.stdout).ok();
        let told = told.filter(|_| started.status.success()).ok_or_else(|| {
            let said = [&started.stdout[..], &started.stderr[..]].concat();
            format!("the local cloud did not start: {}", String::from_utf8_lossy(&said))
        })?;
        let text = |name: &str| told[name].as_str().unwrap_or_default().to_owned();
        self.client = vec![
            ("AWS_ENDPOINT_URL", text("endpoint")),
            ("AWS_REGION", text("region")),
            ("AWS_DEFAULT_REGION", text("region")),
            ("AWS_ACCESS_KEY_ID", text("access_key_id")),
            ("AWS_SECRET_ACCESS_KEY", text("secret_access_key")),
        ];
        Ok(())
    }

    /// Ends the local cloud, with its data.
    pub(super) fn stop(&self) -> Result<(), String> {
        let reset = self.running.output(self.this(&["local", "reset", "--yes"]))?;
        if reset.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&reset.stderr).into_owned()) }
    }

    /// This program itself, in the repository: for what is not measured.
    fn this(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap_or_else(|_| PathBuf::from("xtask")));
        command.args(arguments).current_dir(&self.root);
        self.surround(&mut command);
        command
    }

    /// `cargo xtask` in a project, as a user types it.
    pub(super) fn ours(&self, project: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new("cargo");
        command.arg("xtask").args(arguments).current_dir(project);
        self.surround(&mut command);
        command
    }

    /// The same program without cargo in front of it, as an installed one is called.
    pub(super) fn ours_installed(&self, project: &Path, arguments: &[&str]) -> Result<Command, String> {
        let program = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut command = Command::new(program);
        command.args(arguments).current_dir(project);
        self.surround(&mut command);
        Ok(command)
    }

    fn surround(&self, command: &mut Command) {
        for (name, _) in std::env::vars_os() {
            let misleads = ["AWS_", "XTASK_", "CARGO_PKG_", "CARGO_MANIFEST_"];
            if name.to_str().is_some_and(|name| misleads.iter().any(|start| name.starts_with(start))) {
                command.env_remove(name);
            }
        }
        command.env("XTASK_LOCAL_DATA_DIR", self.folder.join("cloud"));
        // It ends with this process, however that ends.
        command.env("XTASK_LOCAL_OWNER", std::process::id().to_string());
    }

    pub(super) fn aws(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.peers().join("aws/bin/aws"));
        command.args(arguments).current_dir(&self.folder);
        self.as_client(&mut command);
        command
    }

    /// What a call of the AWS CLI answers; not measured.
    pub(super) fn asked(&self, arguments: &[&str]) -> Result<Value, String> {
        let mut command = self.aws(arguments);
        command.args(["--output", "json"]);
        let output = self.running.output(command)?;
        if !output.status.success() {
            return Err(format!("aws {arguments:?}: {}", String::from_utf8_lossy(&output.stderr)));
        }
        serde_json::from_slice(&output.stdout).map_err(|error| format!("aws {arguments:?}: {error}"))
    }

    /// Has a peer talk to the local cloud and to nobody else.
    pub(super) fn as_client(&self, command: &mut Command) {
        self.surround(command);
        command.envs(self.client.iter().map(|(name, value)| (name, value)));
        command.env("AWS_EC2_METADATA_DISABLED", "true").env("AWS_PAGER", "");
        command.env("AWS_CONFIG_FILE", "/dev/null").env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
        command.env("CDK_DISABLE_VERSION_CHECK", "1").env("CDK_DISABLE_CLI_TELEMETRY", "true");
        command.env("BENCH_TIME_SCALE", TIME_SCALE.to_string());
        command.env("PYTHONPATH", self.folder.join("pauses"));
        command.env("NODE_OPTIONS", format!("--require={}", self.folder.join("pauses/pauses.cjs").display()));
    }

    /// Runs a program to its end; its output is kept under `logs/`.
    pub(super) fn timed(&self, command: Command, name: &str) -> Result<Measured, String> {
        self.timed_until(command, name, None)
    }

    /// The same; `words` are looked for in what it prints.
    pub(super) fn timed_until(
        &self,
        command: Command,
        name: &str,
        words: Option<&str>,
    ) -> Result<Measured, String> {
        let measured = timed(self.running, (command, &self.folder.join(format!("logs/{name}.log"))), words)?;
        self.running.say(format_args!("{name}: {:.2} s", measured.until.as_secs_f64()));
        Ok(measured)
    }

    /// One of many programs that are measured together.
    pub(super) fn quietly_timed(&self, command: Command, name: &str) -> Result<Measured, String> {
        timed(self.running, (command, &self.folder.join(format!("logs/{name}.log"))), None)
    }
}
