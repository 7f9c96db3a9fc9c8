//! One environment of a scratch checkout on a local cloud of its own, and what is done in it.

use std::fs;
use std::io::{Read as _, Seek as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use seatrial::Running;
use serde_json::Value;

use super::interrupts::wait;
use super::records::Records;
use super::scratch::Scratch;
use super::traffic::{last_lines, object};
use crate::load::Target;

/// The environment that has a local cloud by itself.
pub(crate) const LOCAL: &str = "local";
/// One with an account, which the local cloud is AWS to: the tool asks it no more often than AWS.
pub(super) const SOAK: &str = "soak";
const ACCOUNT: &str = "account: \"000000000000\", region: eu-central-1";
/// The first run compiles the application.
const PATIENCE: Duration = Duration::from_secs(1200);
const POLL: Duration = Duration::from_millis(50);
/// Between two looks for a connection that waits for a person.
const GLANCE: Duration = Duration::from_millis(500);

/// An environment and its cloud.
pub(crate) struct Stage<'a> {
    pub(crate) scratch: &'a Scratch,
    environment: &'static str,
    variables: Vec<(&'static str, String)>,
    /// Variables of somebody else's session, which commands are run with.
    session: Vec<(&'static str, String)>,
    /// What `local start` told of the cloud.
    pub(super) cloud: Value,
}

impl<'a> Stage<'a> {
    /// Starts the cloud. Nothing is provisioned yet.
    pub(crate) fn begin(
        scratch: &'a Scratch,
        environment: &'static str,
        time_scale: Option<u32>,
    ) -> Result<Self, String> {
        let mut start = scratch.tool(&scratch.checkout(), &["local", "start", "--port", "0"]);
        start.args(["--output", "json"]);
        if let Some(scale) = time_scale {
            start.args(["--time-scale", &scale.to_string()]);
        }
        let started = start.output().map_err(|error| format!("failed to start a local cloud: {error}"))?;
        let cloud = object(&started);
        let text = |name: &str| cloud[name].as_str().unwrap_or_default().to_owned();
        if cloud["pid"].is_null() {
            return Err(format!("no local cloud was started: {}", last_lines(&started)));
        }
        let mut variables = Vec::new();
        if environment == SOAK {
            variables.push(("AWS_ENDPOINT_URL", text("endpoint")));
            variables.push(("AWS_ACCESS_KEY_ID", text("access_key_id")));
            variables.push(("AWS_SECRET_ACCESS_KEY", text("secret_access_key")));
        }
        Ok(Self { scratch, environment, variables, session: Vec::new(), cloud })
    }

    /// Lets commands be run with this session, by its variables; without one, as whoever the account belongs to.
    pub(super) fn act_as(&mut self, session: Option<Vec<(&'static str, String)>>) {
        self.session = session.unwrap_or_default();
    }

    /// The cloud's own process.
    pub(super) fn pid(&self) -> i32 {
        self.cloud["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok()).unwrap_or_default()
    }

    /// Writes the environment's settings, with commas between them. A build reads those of the commit, which know an
    /// environment only once it is committed.
    pub(crate) fn set(&self, settings: &str) -> Result<(), String> {
        let account = if self.environment == SOAK { ACCOUNT } else { "" };
        let parts: Vec<&str> = [account, settings].into_iter().filter(|part| !part.is_empty()).collect();
        let line = format!("  {}: {{{}}}", self.environment, parts.join(", "));
        let path = self.scratch.checkout().join("infra/project.yml");
        let text =
            fs::read_to_string(&path).map_err(|error| format!("failed to read project.yml: {error}"))?;
        let name = format!("  {}:", self.environment);
        let mut lines: Vec<&str> = text.lines().filter(|line| !line.starts_with(&name)).collect();
        let at = lines.iter().position(|line| *line == "environments:").ok_or("no environments")?;
        lines.insert(at + 1, &line);
        let text = lines.join("\n") + "\n";
        fs::write(&path, text).map_err(|error| format!("failed to write project.yml: {error}"))
    }

    /// Brings the environment to its settings and templates.
    pub(crate) fn provision(&self) -> Result<(), String> {
        let output = self.run(&["provision", "--yes"])?;
        match output.status.success() {
            true => Ok(()),
            false => Err(format!("the project cannot be provisioned: {}", last_lines(&output))),
        }
    }

    /// The tool in this environment, answering by an object.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        // What stands behind `--` is another program's.
        let own = arguments.iter().position(|one| *one == "--").unwrap_or(arguments.len());
        let (own, program) = arguments.split_at(own);
        let arguments = [own, &["--environment", self.environment, "--output", "json"], program].concat();
        let mut command = self.scratch.tool(&self.scratch.checkout(), &arguments);
        let variables = self.variables.iter().chain(&self.session);
        command.envs(variables.map(|(name, value)| (name, value)));
        command
    }

    /// Runs the tool to its end; a person completes the handshake meanwhile.
    pub(crate) fn run(&self, arguments: &[&str]) -> Result<Output, String> {
        let run = || self.run_to_its_end(arguments);
        run().map_err(|error| format!("failed to run `{}`: {error}", arguments.join(" ")))
    }

    fn run_to_its_end(&self, arguments: &[&str]) -> std::io::Result<Output> {
        let (mut stdout, mut stderr) = (tempfile::tempfile()?, tempfile::tempfile()?);
        let mut command = self.command(arguments);
        command.stdin(Stdio::null()).stdout(stdout.try_clone()?).stderr(stderr.try_clone()?);
        let mut child = command.spawn()?;
        let until = Instant::now() + PATIENCE;
        let mut status = None;
        let handshakes = self.environment == SOAK && arguments.contains(&"provision");
        while status.is_none() && Instant::now() < until {
            if handshakes {
                for id in self.records().pending_connections() {
                    self.complete(&id)?;
                }
            }
            status = wait(&mut child, if handshakes { GLANCE } else { POLL }, || false)?;
        }
        let status = match status {
            Some(status) => status,
            None => child.kill().and_then(|()| child.wait())?,
        };
        let mut output = Output { status, stdout: Vec::new(), stderr: Vec::new() };
        for (file, bytes) in [(&mut stdout, &mut output.stdout), (&mut stderr, &mut output.stderr)] {
            file.rewind()?;
            file.read_to_end(bytes)?;
        }
        Ok(output)
    }

    /// Makes the files anew that follow from the settings.
    pub(super) fn generate(&self) -> Result<(), String> {
        let made = self.scratch.tool(&self.scratch.checkout(), &["generate"]).output();
        let made = made.map_err(|error| format!("failed to run `generate`: {error}"))?;
        match made.status.success() {
            true => Ok(()),
            false => Err(format!("`generate` failed: {}", last_lines(&made))),
        }
    }

    /// Asks the cloud by the AWS CLI, the checkout's own where it was installed.
    pub(super) fn aws(&self, running: &Running<'_>, arguments: &[&str]) -> Result<Output, String> {
        let checkout = self.scratch.checkout();
        let installed = checkout.join("target/python/bin/aws");
        let program = if installed.exists() { installed.as_path() } else { Path::new("aws") };
        let mut request = Command::new(program);
        request.args(arguments).args(["--output", "json"]).current_dir(&checkout);
        let text = |name: &str| self.cloud[name].as_str().unwrap_or_default().to_owned();
        request.env("AWS_ENDPOINT_URL", text("endpoint")).env("AWS_DEFAULT_REGION", text("region"));
        request.env("AWS_ACCESS_KEY_ID", text("access_key_id"));
        request.env("AWS_SECRET_ACCESS_KEY", text("secret_access_key"));
        request.env("AWS_CONFIG_FILE", "/dev/null").env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
        let output = running.output(request)?;
        match output.status.success() {
            true => Ok(output),
            false => Err(format!("`aws {}` failed: {}", arguments.join(" "), last_lines(&output))),
        }
    }

    /// A certificate of the local cloud's own authority: whoever owns the domain has made the records that it wants.
    pub(super) fn certificate(&self, running: &Running<'_>, domain: &str) -> Result<String, String> {
        let request = ["acm", "request-certificate", "--domain-name", domain, "--validation-method", "DNS"];
        let requested = self.aws(running, &request)?;
        let arn = object(&requested)["CertificateArn"].as_str().map(str::to_owned);
        let arn = arn.ok_or_else(|| format!("no certificate by `aws`: {}", last_lines(&requested)))?;
        let id = arn.rsplit('/').next().unwrap_or_default();
        self.post(&format!("/_local/certificates/{id}/validate"), "{}")?;
        Ok(arn)
    }

    /// What a person does in the console.
    fn complete(&self, id: &str) -> std::io::Result<()> {
        self.exchange("POST", &format!("/_local/connections/{id}/complete"), "{}").map(drop)
    }

    /// Arms a fault, by the local cloud's word for it.
    pub(super) fn arm(&self, fault: &str) -> Result<(), String> {
        self.post("/_local/faults", &format!("{{\"kind\": \"{fault}\"}}"))
    }

    /// Asks for something that changes the cloud.
    pub(super) fn post(&self, path: &str, body: &str) -> Result<(), String> {
        let answer = self.exchange("POST", path, body).map_err(|error| format!("POST {path}: {error}"))?;
        match answer.starts_with("HTTP/1.1 2") {
            true => Ok(()),
            false => Err(format!("POST {path}: {}", answer.lines().next().unwrap_or("no answer"))),
        }
    }

    /// What the cloud tells at one of its own routes.
    pub(crate) fn get(&self, path: &str) -> Result<Value, String> {
        let answer = self.exchange("GET", path, "").map_err(|error| format!("GET {path}: {error}"))?;
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        serde_json::from_str(body).map_err(|error| format!("GET {path}: {error}"))
    }

    /// One request of HTTP/1.0, so that the answer is in one piece.
    fn exchange(&self, method: &str, path: &str, body: &str) -> std::io::Result<String> {
        let host = self.cloud["endpoint"].as_str().unwrap_or_default().trim_start_matches("http://");
        let mut stream = TcpStream::connect(host)?;
        let (length, token) = (body.len(), self.cloud["token"].as_str().unwrap_or_default());
        let head = format!("{method} {path} HTTP/1.0\r\nhost: {host}\r\ncontent-type: application/json");
        let head = format!("{head}\r\nx-seatrial-token: {token}");
        write!(stream, "{head}\r\ncontent-length: {length}\r\n\r\n{body}")?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        // The version is the client's own.
        Ok(String::from_utf8_lossy(&answer).replacen("HTTP/1.0", "HTTP/1.1", 1))
    }

    pub(crate) fn records(&self) -> Records {
        Records::read(&self.scratch.data_dir())
    }

    /// Where users ask: the listener of production.
    pub(crate) fn target(&self, rate: u32, domain: Option<&str>) -> Result<Target, String> {
        let (port, protocol) = if domain.is_some() { (443, "HTTPS") } else { (80, "HTTP") };
        let listeners = self.get("/_local/listeners")?;
        let found = listeners.as_array().into_iter().flatten();
        let mut found = found.filter(|one| one["port"] == port && one["protocol"] == protocol);
        let address = found.next().and_then(|one| one["address"].as_str());
        let address = address.ok_or("production has no listener")?.to_owned();
        let authority = self.cloud["certificate_authority"].as_str().map(PathBuf::from);
        let host = domain.map_or_else(|| address.clone(), str::to_owned);
        Ok(Target { host, authority: authority.filter(|_| domain.is_some()), address, rate })
    }

    /// What must be so whenever nothing runs: every rule of production sends all traffic to the primary task set, and
    /// nothing is held. A deployment that is stopped once its tasks were shown to testers leaves the test listener at
    /// them; the next one moves it.
    pub(super) fn disorder(&self) -> Result<Vec<String>, String> {
        let mut found = self.records().left_over();
        let status = self.run(&["status"])?;
        let told = object(&status);
        let Some(astray) = told["astray"].as_array() else {
            return Err(format!("status says nothing of traffic: {}", last_lines(&status)));
        };
        let listeners = self.get("/_local/listeners")?;
        let listeners = listeners.as_array().into_iter().flatten();
        let production = listeners.filter(|one| one["port"] == 80 || one["port"] == 443);
        // A rule's ARN is its listener's, with another word and an id behind it.
        let production: Vec<String> = production
            .filter_map(|one| Some(one["listener_arn"].as_str()?.replace(":listener/", ":listener-rule/")))
            .collect();
        let of_production =
            |rule: &&str| production.iter().any(|listener| rule.starts_with(listener.as_str()));
        let astray = astray.iter().filter_map(Value::as_str).filter(of_production);
        found.extend(astray.map(|rule| format!("a rule disagrees with the primary task set: {rule}")));
        Ok(found)
    }
}

/// Waits, unless the soak is to end.
pub(super) fn pause(running: &Running<'_>, duration: Duration) -> Result<(), String> {
    let until = Instant::now() + duration;
    while Instant::now() < until {
        if running.is_interrupted() {
            return Err("interrupted".to_owned());
        }
        std::thread::sleep(POLL.min(until.saturating_duration_since(Instant::now())));
    }
    Ok(())
}
