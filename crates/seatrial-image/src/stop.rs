//! Ending a build early: cargo ends, and all that it started with it.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

/// From SIGTERM to SIGKILL; cargo and rustc need no time to end.
const GRACE: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(20);

/// Tells a build to end; all clones tell the same one.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    stopped: bool,
    /// The program that runs leads this group.
    group: Option<Pid>,
}

impl Stop {
    /// Ends the program that runs and returns when it is gone; none is started any more.
    pub async fn now(&self) {
        self.state().stopped = true;
        self.signal(Signal::TERM);
        let gone = async {
            while self.state().group.is_some() {
                tokio::time::sleep(POLL).await;
            }
        };
        if tokio::time::timeout(GRACE, gone).await.is_err() {
            self.signal(Signal::KILL);
        }
    }

    /// Runs a program in a process group of its own, as [`Command::output`] would.
    pub(crate) fn output(&self, command: &mut Command) -> io::Result<Output> {
        let child = {
            let mut state = self.state();
            if state.stopped {
                return Err(io::Error::new(io::ErrorKind::Interrupted, "the build was ended"));
            }
            let child = command.process_group(0).stdout(Stdio::piped()).spawn()?;
            state.group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
            child
        };
        let output = child.wait_with_output();
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
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_program_that_runs_ends_with_its_children_and_none_is_started_later() {
        let stop = Stop::default();
        let (read, write) = io::pipe().unwrap();
        let running = std::thread::spawn({
            let stop = stop.clone();
            move || {
                let mut command = Command::new("sh");
                command.args(["-c", "sleep 600 & echo started >&2; wait"]).stderr(write);
                stop.output(&mut command)
            }
        });
        let mut told = io::BufReader::new(read);
        io::BufRead::read_line(&mut told, &mut String::new()).unwrap();

        stop.now().await;

        // The child holds standard output open: that it was read to its end says that the child has ended, too.
        assert!(!running.join().unwrap().unwrap().status.success());
        assert!(stop.output(&mut Command::new("true")).is_err());
    }
}
