//! What a build runs beside the runtime, which hears signals meanwhile, and ending it early: cargo or docker ends, and
//! all that it started with it.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use crate::error::ImageError;

/// From SIGTERM to SIGKILL; cargo, rustc and docker need no time to end.
const GRACE: Duration = Duration::from_secs(5);
/// From SIGKILL to the end of what was killed, on a busy machine.
const KILLED: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(20);

/// Hears what programs print, line by line.
pub type Ear = Arc<dyn Fn(&str) + Send + Sync>;

/// What of a program's output is told to whoever hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    Nothing,
    StandardError,
    All,
}

/// Tells a build to end; all clones tell the same one.
#[derive(Clone, Default)]
pub struct Stop {
    state: Arc<Mutex<State>>,
    ear: Option<Ear>,
}

impl std::fmt::Debug for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stop").field("state", &self.state).finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct State {
    stopped: bool,
    /// The program that runs leads this group.
    group: Option<Pid>,
}

impl Stop {
    /// What the build's programs print is told to `ear`, and does not go to standard error.
    pub fn heard_by(ear: Ear) -> Self {
        Self { ear: Some(ear), ..Self::default() }
    }

    /// Ends the program that runs and returns when it is gone; none is started any more.
    pub async fn now(&self) {
        self.end(GRACE).await;
    }

    async fn end(&self, grace: Duration) {
        self.state().stopped = true;
        self.signal(Signal::TERM);
        let gone = async {
            while self.state().group.is_some() {
                tokio::time::sleep(POLL).await;
            }
        };
        tokio::pin!(gone);
        if tokio::time::timeout(grace, &mut gone).await.is_err() {
            self.signal(Signal::KILL);
            // Not for ever: one that has left the group may hold the output open.
            let _ = tokio::time::timeout(KILLED, gone).await;
        }
    }

    /// As [`Command::output`], in a process group of its own; its standard output is wherever the command sends it. What is
    /// heard is not answered.
    pub(crate) fn output(&self, command: &mut Command, heard: Heard) -> io::Result<Output> {
        let mut child = {
            let mut state = self.state();
            if state.stopped {
                return Err(io::Error::new(io::ErrorKind::Interrupted, "the build was ended"));
            }
            let child = command.process_group(0).spawn()?;
            state.group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
            child
        };
        let output = std::thread::scope(|scope| {
            if let Some(ear) = &self.ear {
                let stdout = child.stdout.take_if(|_| heard == Heard::All);
                let stderr = child.stderr.take_if(|_| heard != Heard::Nothing);
                stdout.map(|told| scope.spawn(move || hear(ear, told)));
                stderr.map(|told| scope.spawn(move || hear(ear, told)));
            }
            child.wait_with_output()
        });
        self.state().group = None;
        output
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.state().group {
            // It may have ended already.
            let _ = kill_process_group(group, signal);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs a program to its end and gives its standard output; its standard error is the user's progress. One that
/// nobody may stop stays in our process group, and ends with whoever ends that.
pub(crate) fn run(stop: Option<&Stop>, action: &str, command: &mut Command) -> Result<Vec<u8>, ImageError> {
    end(stop, action, command.stdout(Stdio::piped()), Heard::StandardError)
}

/// The same for a program all of whose output is progress.
pub(crate) fn run_told(stop: Option<&Stop>, action: &str, command: &mut Command) -> Result<(), ImageError> {
    let stdout = if is_heard(stop) { Stdio::piped() } else { io::stderr().into() };
    end(stop, action, command.stdout(stdout), Heard::All).map(drop)
}

fn is_heard(stop: Option<&Stop>) -> bool {
    stop.is_some_and(|stop| stop.ear.is_some())
}

/// Tells a program's lines as they come; what is no text is no line.
fn hear(ear: &Ear, told: impl io::Read) {
    let mut told = io::BufReader::new(told);
    let mut line = Vec::new();
    while io::BufRead::read_until(&mut told, b'\n', &mut line).is_ok_and(|read| read > 0) {
        ear(String::from_utf8_lossy(&line).trim_end());
        line.clear();
    }
}

fn end(
    stop: Option<&Stop>,
    action: &str,
    command: &mut Command,
    heard: Heard,
) -> Result<Vec<u8>, ImageError> {
    command.stderr(if is_heard(stop) { Stdio::piped() } else { Stdio::inherit() });
    let output = match stop {
        Some(stop) => stop.output(command, heard),
        None => command.output(),
    };
    let output = output.map_err(|error| ImageError::failed(action, error))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let program = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy();
    let first = command.get_args().next().unwrap_or_default().to_string_lossy();
    Err(ImageError::failed(action, format!("{program} {first} ended with {}", output.status)))
}

/// Does what blocks: a program that runs, a whole tree that is read.
pub(crate) async fn blocking<T: Send + 'static>(
    action: &str,
    work: impl FnOnce() -> Result<T, ImageError> + Send + 'static,
) -> Result<T, ImageError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| ImageError::failed(action, error))?
}

#[cfg(test)]
mod tests {
    use std::thread::JoinHandle;

    use super::*;

    /// Runs a shell's text that says a line when it has begun.
    fn running(stop: &Stop, text: &'static str) -> JoinHandle<io::Result<Output>> {
        let (read, write) = io::pipe().unwrap();
        let stop = stop.clone();
        let running = std::thread::spawn(move || {
            let mut shell = Command::new("sh");
            stop.output(shell.args(["-c", text]).stdout(Stdio::piped()).stderr(write), Heard::Nothing)
        });
        io::BufRead::read_line(&mut io::BufReader::new(read), &mut String::new()).unwrap();
        running
    }

    #[tokio::test]
    async fn a_program_that_hears_no_signal_is_gone_when_that_is_said() {
        let stop = Stop::default();
        let running = running(&stop, "trap '' TERM; echo started >&2; sleep 600");

        stop.end(Duration::ZERO).await;

        assert_eq!(stop.state().group, None);
        assert!(!running.join().unwrap().unwrap().status.success());
    }

    #[tokio::test]
    async fn a_program_that_runs_ends_with_its_children_and_none_is_started_later() {
        let stop = Stop::default();
        let running = running(&stop, "sleep 600 & echo started >&2; wait");

        stop.now().await;

        // The child holds standard output open: that it was read to its end says that the child has ended, too.
        assert!(!running.join().unwrap().unwrap().status.success());
        assert!(stop.output(&mut Command::new("true"), Heard::Nothing).is_err());
    }

    #[test]
    fn what_a_program_prints_is_heard_line_by_line_and_not_written_where_a_screen_is() {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&heard);
        let stop = Stop::heard_by(Arc::new(move |line: &str| told.lock().unwrap().push(line.to_owned())));
        let text = ["-c", "echo one >&2; echo two"];

        run_told(Some(&stop), "tell", Command::new("sh").args(text)).unwrap();
        let printed = run(Some(&stop), "tell", Command::new("sh").args(text)).unwrap();

        let mut heard = heard.lock().unwrap().clone();
        heard.sort();
        assert_eq!(heard, ["one", "one", "two"]);
        assert_eq!(printed, b"two\n");
    }
}
