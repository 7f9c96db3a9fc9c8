//! A real terminal emulator, tmux's, with a server of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A window in which one command runs; it stays when that has ended.
pub(super) struct Tmux {
    socket: PathBuf,
    ended: PathBuf,
    // Of each its own: a server that ends would take the next one's session with it.
    _folder: TempDir,
}

impl Drop for Tmux {
    fn drop(&mut self) {
        // Its own server, which nobody else is at.
        let _ = self.ask(&["kill-server"]);
    }
}

/// Waits for the command also where it is interrupted, and tells how it ended.
const SCRIPT: &str = "trap : INT; \"$@\"; echo $? > \"$0\"; exec sleep 86400";

impl Tmux {
    /// Runs a command in a window of so many columns and rows. `folder`: where the server has its socket, which must have a
    /// short name.
    pub(super) fn run(folder: &Path, (columns, rows): (u16, u16), command: &Command) -> Result<Self, String> {
        let folder =
            tempfile::tempdir_in(folder).map_err(|error| format!("failed to make a folder: {error}"))?;
        let tmux =
            Self { socket: folder.path().join("s"), ended: folder.path().join("ended"), _folder: folder };
        let mut begin = tmux.command();
        begin.args(["new-session", "-d", "-x", &columns.to_string(), "-y", &rows.to_string()]);
        begin.arg("sh").args(["-c", SCRIPT]).arg(&tmux.ended);
        begin.arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => begin.env(name, value),
                None => begin.env_remove(name),
            };
        }
        begin.current_dir(command.get_current_dir().unwrap_or(Path::new(".")));
        told(begin.output())?;
        Ok(tmux)
    }

    fn command(&self) -> Command {
        let mut command = Command::new("tmux");
        command.args(["-f", "/dev/null", "-S"]).arg(&self.socket).stdin(Stdio::null());
        // A tmux that this may run in is none of its business.
        command.env_remove("TMUX").env_remove("NO_COLOR");
        command
    }

    fn ask(&self, arguments: &[&str]) -> Result<String, String> {
        told(self.command().args(arguments).output())
    }

    /// The rows that are seen.
    pub(super) fn screen(&self) -> Result<Vec<String>, String> {
        self.captured(&[])
    }

    /// All rows, those that were scrolled away too.
    pub(super) fn history(&self) -> Result<Vec<String>, String> {
        self.captured(&["-S", "-"])
    }

    fn captured(&self, more: &[&str]) -> Result<Vec<String>, String> {
        let text = self.ask(&[&["capture-pane", "-p"], more].concat())?;
        Ok(text.trim_end().lines().map(str::to_owned).collect())
    }

    pub(super) fn resize(&self, (columns, rows): (u16, u16)) -> Result<(), String> {
        self.ask(&["resize-window", "-x", &columns.to_string(), "-y", &rows.to_string()]).map(drop)
    }

    pub(super) fn key(&self, key: &str) -> Result<(), String> {
        self.ask(&["send-keys", key]).map(drop)
    }

    /// The exit code, once the command has ended.
    pub(super) fn ended(&self) -> Option<i32> {
        std::fs::read_to_string(&self.ended).ok()?.trim().parse().ok()
    }
}

fn told(output: std::io::Result<Output>) -> Result<String, String> {
    let output = output.map_err(|error| format!("tmux cannot be run: {error}"))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(format!("tmux: {}", String::from_utf8_lossy(&output.stderr).trim())),
    }
}
