//! Who a local cloud belongs to: a rehearsal's, or a test's, ends with the process that started it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;

/// How soon the end of an owner is noticed.
const POLL: Duration = Duration::from_millis(500);
/// Tests name themselves in it: what they start must not outlive them, even if they are killed.
const VARIABLE: &str = "XTASK_LOCAL_OWNER";

/// A process, and when it was started: its number may be given to another later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Owner {
    pid: i32,
    /// As the kernel counts; `None` where it does not say.
    started: Option<u64>,
}

impl Owner {
    pub(crate) fn this_process() -> Self {
        let pid = Pid::this().as_raw();
        Self { pid, started: start_of(pid) }
    }

    /// Returns when the owner has ended.
    pub(super) async fn ended(self) {
        while self.lives() {
            tokio::time::sleep(POLL).await;
        }
    }

    pub(super) fn lives(self) -> bool {
        let exists = !matches!(kill(Pid::from_raw(self.pid), None), Err(Errno::ESRCH));
        exists && (self.started.is_none() || start_of(self.pid) == self.started)
    }
}

/// The owner that the variable names, for tests.
pub(crate) fn owner_of_tests() -> Option<Owner> {
    std::env::var(VARIABLE).ok()?.parse().ok()
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.pid)?;
        self.started.map_or(Ok(()), |started| write!(f, "@{started}"))
    }
}

impl FromStr for Owner {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (pid, started) = text.split_once('@').map_or((text, None), |(pid, at)| (pid, Some(at)));
        let pid = pid.parse().map_err(|_| format!("`{pid}` is no process number"))?;
        match started.map(str::parse) {
            Some(Err(_)) => Err(format!("`{text}` names no start")),
            Some(Ok(started)) => Ok(Self { pid, started: Some(started) }),
            None => Ok(Self { pid, started: start_of(pid) }),
        }
    }
}

/// Field 22 of `/proc/PID/stat` (proc(5)): clock ticks from the system's start to the process's. The second field, a
/// name in parentheses, may hold anything.
fn start_of(pid: i32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_lives_and_another_of_its_number_does_not_count() {
        let this = Owner::this_process();
        assert!(this.lives());
        assert_eq!(this.to_string().parse(), Ok(this));

        let earlier = Owner { started: this.started.map(|started| started + 1), ..this };
        assert_eq!(earlier.lives(), this.started.is_none());
    }
}
