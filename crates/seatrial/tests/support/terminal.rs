//! A terminal of its own for what asks.

use std::process::{Command, Stdio};

/// `script`, which runs a line of the shell at a terminal; what is typed comes through its standard input.
pub fn script(line: &str) -> Command {
    let mut script = Command::new("script");
    match cfg!(target_os = "macos") {
        true => script.args(["-q", "/dev/null", "/bin/sh", "-c", line]),
        false => script.args(["-q", "-e", "-c", line, "/dev/null"]),
    };
    script.stdin(Stdio::piped()).stdout(Stdio::piped());
    script
}
