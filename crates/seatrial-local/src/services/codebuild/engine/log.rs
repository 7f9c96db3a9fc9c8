//! A build's log: lines go to its CloudWatch log stream in batches while the build runs.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::clock::{Clock, Epoch};

/// Lines that may wait for the log service before the build's output is held back.
const WAITING: usize = 4096;
/// Lines are sent when so many wait or so much time has passed.
const BATCH: usize = 500;
const PAUSE: Duration = Duration::from_millis(250);
/// PutLogEvents takes events of up to 256 KB.
const LONGEST: usize = 250_000;

/// Shorter lines of a secret with several are shown.
const SHORTEST_LINE: usize = 4;

/// One event of the log.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub time: Epoch,
    pub text: String,
}

/// Takes lines; cheap to clone.
#[derive(Clone)]
pub(super) struct BuildLog {
    sender: mpsc::Sender<Line>,
    clock: Clock,
    /// Values of secrets, shown as `***`.
    secrets: Vec<String>,
}

/// Where batches go.
pub(super) trait Sink: Send + 'static {
    fn send(&mut self, lines: Vec<Line>) -> impl Future<Output = ()> + Send;
}

impl BuildLog {
    /// A log and the task that empties it into `sink`, which ends when all clones of the log are dropped.
    pub fn open(clock: Clock, mut sink: impl Sink) -> (Self, JoinHandle<()>) {
        let (sender, mut lines) = mpsc::channel(WAITING);
        let task = tokio::spawn(async move {
            let mut batch = Vec::new();
            while lines.recv_many(&mut batch, BATCH).await > 0 {
                let full = tokio::time::timeout(PAUSE, async {
                    while batch.len() < BATCH && lines.recv_many(&mut batch, BATCH).await > 0 {}
                });
                // Out of time is the usual case: what has come so far is sent.
                let _ = full.await;
                sink.send(std::mem::take(&mut batch)).await;
            }
        });
        (Self { sender, clock, secrets: Vec::new() }, task)
    }

    /// The log is one of lines: a secret of several is masked line by line, but for lines so short that they tell
    /// nothing and stand everywhere, such as a closing brace.
    pub fn mask(&mut self, secrets: Vec<String>) {
        let lines = |secret: &String| {
            let lines: Vec<&str> = secret.lines().map(str::trim).collect();
            let least = if lines.len() > 1 { SHORTEST_LINE } else { 1 };
            lines.into_iter().filter(|line| line.len() >= least).map(str::to_owned).collect::<Vec<_>>()
        };
        self.secrets = secrets.iter().flat_map(lines).collect();
        // One may hold another: the longer goes first, or its rest would be shown.
        self.secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    }

    /// A line of CodeBuild's own, in its form.
    pub async fn note(&self, text: impl AsRef<str>) {
        let now = self.clock.now();
        let time = jiff::Timestamp::from_microsecond((now.0 * 1e6) as i64).unwrap_or_default();
        let time = time.strftime("%Y/%m/%d %H:%M:%S%.6f");
        self.put(format!("[Container] {time} {}", text.as_ref())).await;
    }

    /// A line of a command's output.
    pub async fn output(&self, line: &[u8]) {
        for part in line.chunks(LONGEST) {
            let text = String::from_utf8_lossy(part);
            self.put(text.trim_end_matches('\r').to_owned()).await;
        }
    }

    async fn put(&self, mut text: String) {
        for secret in &self.secrets {
            text = text.replace(secret, "***");
        }
        // CloudWatch refuses empty events.
        if text.is_empty() {
            text.push(' ');
        }
        // The receiver is gone only when the build is being dropped.
        let _ = self.sender.send(Line { time: self.clock.now(), text }).await;
    }
}

#[cfg(test)]
pub(super) struct Captured(std::sync::Mutex<mpsc::Receiver<Line>>);

#[cfg(test)]
impl Captured {
    /// What was logged since the last time.
    pub fn texts(&self) -> Vec<String> {
        let mut lines = self.0.lock().unwrap();
        std::iter::from_fn(|| lines.try_recv().ok()).map(|line| line.text).collect()
    }
}

#[cfg(test)]
impl BuildLog {
    pub fn captured() -> (Self, Captured) {
        let (sender, lines) = mpsc::channel(WAITING);
        let log = Self { sender, clock: Clock::new(1.0), secrets: Vec::new() };
        (log, Captured(std::sync::Mutex::new(lines)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_line_of_a_secret_is_masked_and_one_that_holds_another_whole() {
        let (mut log, captured) = BuildLog::captured();
        let key = "-----BEGIN KEY-----\nMIIEvQIBADAN\r\n  Bgkqhkiq\n}\n-----END KEY-----\n";
        log.mask(vec!["word".to_owned(), "password1".to_owned(), key.to_owned(), String::new()]);

        for line in key.split('\n') {
            log.output(line.as_bytes()).await;
        }
        log.output(b"password1 word { }").await;

        let texts = captured.texts();
        assert_eq!(texts, ["***", "***", "  ***", "}", "***", "*** *** { }"]);
    }
}
