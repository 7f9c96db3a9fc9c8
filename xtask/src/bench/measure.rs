//! Runs a program and says how long it took and how much memory it had at its most.

use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use seatrial::Running;

/// How often it is looked whether the program has ended: the error of every time.
const LOOK: Duration = Duration::from_millis(5);
/// No command of a benchmark takes longer.
const LIMIT: Duration = Duration::from_secs(20 * 60);

/// What a run of a program took.
#[derive(Debug, Clone)]
pub(super) struct Measured {
    pub took: Duration,
    /// When the words that were waited for were printed; the end, where none were.
    pub until: Duration,
    /// The most memory that the process itself held; none where the system does not tell it.
    pub peak_kib: Option<u64>,
    /// What it printed, on both streams.
    pub printed: String,
}

/// Runs a program to its end; what it prints goes to `log`. `words` are looked for in that.
///
/// # Errors
/// A program that cannot be started, fails, takes too long, or whose run is to end.
pub(super) fn timed(
    running: &Running<'_>,
    (mut command, log): (Command, &Path),
    words: Option<&str>,
) -> Result<Measured, String> {
    let shown = format!("{command:?}").chars().take(300).collect::<String>();
    let failed = |error: std::io::Error| format!("failed to run {shown}: {error}");
    let file = File::create(log).map_err(failed)?;
    command.stdin(Stdio::null()).stdout(file.try_clone().map_err(failed)?).stderr(file).process_group(0);
    let began = Instant::now();
    let mut child = command.spawn().map_err(failed)?;
    let (mut peak, mut until) = (None, None);
    let status = loop {
        peak = peak_of(child.id()).or(peak);
        if let Some(status) = child.try_wait().map_err(failed)? {
            break status;
        }
        let said = |words: &str| fs::read_to_string(log).is_ok_and(|printed| printed.contains(words));
        if until.is_none() && words.is_some_and(said) {
            until = Some(began.elapsed());
        }
        if running.is_interrupted() || began.elapsed() > LIMIT {
            end(&mut child);
            return Err(format!("{shown} was ended; it printed into `{}`", log.display()));
        }
        sleep(LOOK);
    };
    let took = began.elapsed();
    let printed = fs::read_to_string(log).map_err(failed)?;
    if !status.success() {
        let last: Vec<&str> = printed.lines().rev().take(8).collect();
        let last: Vec<&str> = last.into_iter().rev().collect();
        return Err(format!(
            "{shown} ended with {status}; `{}` ends with\n{}",
            log.display(),
            last.join("\n")
        ));
    }
    Ok(Measured { took, until: until.unwrap_or(took), peak_kib: peak, printed })
}

fn end(child: &mut Child) {
    let group = Pid::from_raw(i32::try_from(child.id()).unwrap_or(i32::MAX));
    let _ = killpg(group, Signal::SIGTERM);
    for _ in 0..500 {
        if matches!(child.try_wait(), Ok(Some(_))) {
            return;
        }
        sleep(Duration::from_millis(20));
    }
    let _ = killpg(group, Signal::SIGKILL);
    let _ = child.wait();
}

/// Linux keeps the peak of the program that a process runs now: the last that is seen is not cargo's any more.
fn peak_of(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok()
}

/// The value in the middle; of an even number the lower of the two.
pub(super) fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len().saturating_sub(1) / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_value_in_the_middle() {
        let seconds =
            |list: &[u64]| median(list.iter().copied().map(Duration::from_secs).collect()).as_secs();
        assert_eq!(seconds(&[5, 1, 3]), 3);
        assert_eq!(seconds(&[4, 1, 3, 2]), 2);
        assert_eq!(seconds(&[]), 0);
    }
}
