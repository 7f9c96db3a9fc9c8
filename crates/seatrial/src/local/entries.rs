//! What this program makes in a data directory, beside the local cloud itself, by name.

use std::path::{Path, PathBuf};

/// What a project's own command line hands on to this tool, which then is the agent of a task.
pub(crate) const TASK_AGENT: [&str; 2] = ["local", "task-agent"];

const CONNECTION: &str = "daemon.json";
const LOG: &str = "daemon.log";
/// The program that the daemon runs: a name of its own for this one's file, which a later build may replace.
pub(super) const PROGRAM: &str = "daemon";
/// Says that the local cloud is to outlive its owner.
pub(super) const DISOWNED: &str = "disowned";
/// All of them; `daemon.new` becomes `daemon.json`.
pub(super) const DAEMON_ENTRIES: [&str; 5] = [CONNECTION, "daemon.new", LOG, PROGRAM, DISOWNED];

/// Where the daemon says how to reach it.
pub(super) fn connection_file(data_dir: &Path) -> PathBuf {
    data_dir.join(CONNECTION)
}

pub(super) fn log_file(data_dir: &Path) -> PathBuf {
    data_dir.join(LOG)
}
