//! The built application as a child process.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The application; killed with the value if it still runs.
pub(crate) struct Application {
    process: Child,
    pub(crate) address: SocketAddr,
    /// Where it serves metrics, if it was told to.
    metrics: Option<SocketAddr>,
    log: Option<JoinHandle<Vec<String>>>,
}

/// An answer, its headers lower-cased.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Application {
    /// Starts on a free port of 127.0.0.1 and waits until it listens.
    pub(crate) fn start(variables: &[(&str, &str)]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_app"))
            .env_clear()
            .envs([
                ("HOST", "127.0.0.1"),
                ("PORT", "0"),
                ("APP_COMMIT", "0123456789abcdef0123"),
                ("TASK_ID", "t-1"),
            ])
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut metrics = None;
        let address = lines
            .find_map(|line| {
                let record: serde_json::Value = serde_json::from_str(&line).unwrap();
                let address = |key| Some(record.get(key)?.as_str()?.parse().unwrap());
                metrics = metrics.or(address("metrics_address"));
                address("address")
            })
            .expect("the application ended before it listened");
        // Read on to the end, so that the application never blocks on a full pipe.
        let log = std::thread::spawn(move || lines.collect());
        Self { process, address, metrics, log: Some(log) }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.request(&format!("GET {path} HTTP/1.1\r\n"), "")
    }

    /// What it counts, as Prometheus text.
    pub(crate) fn metrics(&self) -> String {
        send(self.metrics.expect("METRICS_PORT is not set"), "GET /metrics HTTP/1.1\r\n", "").body
    }

    pub(crate) fn post(&self, path: &str, form: &str) -> Answer {
        self.post_with(path, &[], form)
    }

    /// Posts a form with more headers, lines without their ends.
    pub(crate) fn post_with(&self, path: &str, headers: &[&str], form: &str) -> Answer {
        let mut head = format!(
            "POST {path} HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n",
            form.len()
        );
        head.extend(headers.iter().flat_map(|header| [header, "\r\n"]));
        self.request(&head, form)
    }

    pub(crate) fn request(&self, head: &str, body: &str) -> Answer {
        send(self.address, head, body)
    }

    pub(crate) fn terminate(&self) {
        kill(Pid::from_raw(self.process.id() as i32), Signal::SIGTERM).unwrap();
    }

    /// How it ended, and the log lines since it listened.
    pub(crate) fn wait(mut self) -> (ExitStatus, Vec<String>) {
        let status = super::poll("the application ends", || self.process.try_wait().unwrap());
        (status, self.log.take().unwrap().join().unwrap())
    }
}

fn send(address: SocketAddr, head: &str, body: &str) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    write!(stream, "{head}Host: test\r\nConnection: close\r\n\r\n{body}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_lowercase(), body: body.to_owned() }
}

/// Runs it with `arguments` to its end; how it ended, and its log.
pub(crate) fn run(arguments: &[&str], variables: &[(&str, &str)]) -> (ExitStatus, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_app"));
    let output = command.args(arguments).env_clear().envs(variables.iter().copied()).output().unwrap();
    (output.status, String::from_utf8(output.stdout).unwrap())
}

impl Drop for Application {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
