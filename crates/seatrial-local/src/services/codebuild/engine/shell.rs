//! The one shell in which all commands of a build run, so that variables, functions and the folder carry over.
//!
//! Commands are files whose names go to the shell's standard input; each is sourced with an empty input of its
//! own. Output and the exit codes, each behind a marker nobody can guess, come back on one pipe, so they stay
//! in order. A command that ends the shell (`exit`, `set -e`) is survived: what was exported and the folder
//! are saved on the way out and a new shell goes on from there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStderr, ChildStdin, Command};

use super::log::BuildLog;
use crate::runtime::limits;

/// How long output is still awaited once the shell has ended, for processes it left may hold the pipe.
const DRAIN: Duration = Duration::from_millis(300);

/// Longer lines come to the log in pieces, in bytes; it takes no longer events either.
const LONGEST_LINE: usize = 250_000;
/// An exit code and the line's end.
const LONGEST_CODE: usize = 5;

/// What the shell is started with.
pub(super) struct ShellSpec {
    pub bash: bool,
    pub environment: Vec<(String, String)>,
    /// Where the first command runs.
    pub folder: PathBuf,
    /// Holds command files and the saved state.
    pub scratch: PathBuf,
}

pub(super) struct Shell {
    spec: ShellSpec,
    marker: String,
    commands: u32,
    process: Option<Process>,
}

struct Process {
    child: Child,
    group: Pid,
    control: ChildStdin,
    output: ChildStderr,
    /// Output that was read and not passed on.
    pending: Vec<u8>,
}

impl Drop for Process {
    fn drop(&mut self) {
        // The group may be gone already, which is as good.
        let _ = killpg(self.group, Signal::SIGKILL);
    }
}

impl Shell {
    pub fn new(spec: ShellSpec) -> std::io::Result<Self> {
        fs::create_dir_all(&spec.scratch)?;
        Ok(Self { spec, marker: crate::id::secret(24), commands: 0, process: None })
    }

    /// Runs one command and answers its exit code. Output goes to `log` as it comes.
    pub async fn run(&mut self, command: &str, log: &BuildLog) -> std::io::Result<i32> {
        self.commands += 1;
        let file = self.spec.scratch.join(format!("{}.sh", self.commands));
        fs::write(&file, format!("{command}\n"))?;
        let mut process = match self.process.take() {
            Some(process) => process,
            None => self.spawn()?,
        };
        let line = format!("{}\n", file.display());
        let sent = process.control.write_all(line.as_bytes()).await;
        let code = match sent {
            Ok(()) => follow(&mut process, &self.marker, log).await?,
            Err(_) => None,
        };
        match code {
            Some(code) => {
                self.process = Some(process);
                Ok(code)
            }
            None => Ok(exit_code(process.child.wait().await?)),
        }
    }

    /// The variables that are exported now.
    pub async fn exported(&mut self, log: &BuildLog) -> std::io::Result<Vec<(String, String)>> {
        let file = self.spec.scratch.join("exported");
        self.run(&format!("env -0 > {}", quoted(&file)), log).await?;
        let bytes = fs::read(&file)?;
        let entries = bytes.split(|byte| *byte == 0).filter_map(|entry| {
            let entry = String::from_utf8_lossy(entry);
            entry.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()))
        });
        Ok(entries.collect())
    }

    /// Starts the shell now instead of with the first command.
    pub fn start(&mut self) -> std::io::Result<()> {
        if self.process.is_none() {
            self.process = Some(self.spawn()?);
        }
        Ok(())
    }

    fn spawn(&self) -> std::io::Result<Process> {
        let shell = if self.spec.bash { "bash" } else { "/bin/sh" };
        let mut command = Command::new(shell);
        command
            .arg("-c")
            .arg(driver(&self.spec.scratch, &self.marker))
            .env_clear()
            .envs(self.spec.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.spec.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        limits::restore_in(&mut command);
        let mut child = command.spawn()?;
        let gone = || std::io::Error::other("the shell ended at once");
        Ok(Process {
            group: Pid::from_raw(child.id().ok_or_else(gone)?.try_into().map_err(std::io::Error::other)?),
            control: child.stdin.take().ok_or_else(gone)?,
            output: child.stderr.take().ok_or_else(gone)?,
            child,
            pending: Vec::new(),
        })
    }
}

/// What the shell itself runs: see the head of this file. `3` and `4` are not passed on to commands.
fn driver(scratch: &Path, marker: &str) -> String {
    let (state, folder) = (quoted(&scratch.join("state")), quoted(&scratch.join("folder")));
    format!(
        "exec 1>&2 3<&0 4>&2 </dev/null\n\
         if [ -f {state} ]; then . {state}; cd \"$(cat {folder})\"; fi\n\
         trap 'export -p > {inner_state}; pwd > {inner_folder}' EXIT\n\
         while IFS= read -r __COMMAND <&3; do\n\
         . \"$__COMMAND\" 3<&- 4>&-\n\
         printf '\\036{marker} %s\\n' \"$?\" >&4\n\
         done\n",
        inner_state = state.replace('\'', "'\\''"),
        inner_folder = folder.replace('\'', "'\\''"),
    )
}

fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', "'\\''"))
}

/// Passes output on until the command's exit code comes. `None`: the shell has ended.
async fn follow(process: &mut Process, marker: &str, log: &BuildLog) -> std::io::Result<Option<i32>> {
    let marker = format!("\u{1e}{marker} ").into_bytes();
    let mut buffer = vec![0; 32 * 1024];
    let mut ended = false;
    loop {
        if let Some(code) = pass_on(&mut process.pending, &marker, log).await {
            return Ok(Some(code));
        }
        let read = process.output.read(&mut buffer);
        let count = if ended {
            tokio::time::timeout(DRAIN, read).await.unwrap_or(Ok(0))?
        } else {
            tokio::select! {
                biased;
                count = read => count?,
                _ = process.child.wait() => { ended = true; continue }
            }
        };
        if count == 0 {
            flush(&mut process.pending, log).await;
            return Ok(None);
        }
        process.pending.extend_from_slice(&buffer[..count]);
        if let Some(piece) = cut(&mut process.pending, marker.len()) {
            log.output(&piece).await;
        }
    }
}

/// Of a line that is so long that looking for its end again and again would take ever longer, all but what may be the
/// beginning of a marker.
fn cut(pending: &mut Vec<u8>, marker: usize) -> Option<Vec<u8>> {
    let kept = marker + LONGEST_CODE;
    let is_long = pending.len() > LONGEST_LINE && !pending.contains(&b'\n');
    is_long.then(|| pending.drain(..pending.len() - kept).collect())
}

/// Sends whole lines of `pending` to the log, up to the marker, whose exit code is answered.
async fn pass_on(pending: &mut Vec<u8>, marker: &[u8], log: &BuildLog) -> Option<i32> {
    loop {
        let end = pending.iter().position(|byte| *byte == b'\n')?;
        let line: Vec<u8> = pending.drain(..=end).collect();
        let line = &line[..line.len() - 1];
        let Some(at) = line.windows(marker.len()).position(|window| window == marker) else {
            log.output(line).await;
            continue;
        };
        if at > 0 {
            log.output(&line[..at]).await;
        }
        return String::from_utf8_lossy(&line[at + marker.len()..]).trim().parse().ok();
    }
}

async fn flush(pending: &mut Vec<u8>, log: &BuildLog) {
    for line in pending.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        log.output(line).await;
    }
    pending.clear();
}

/// As a shell tells it: 128 plus the signal for a process that was killed.
fn exit_code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt as _;
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1)
}

/// Ends what an earlier process of the local cloud left of the build, even what has left its group: each knows
/// the build's id by its environment. Where there is no `/proc`, only the shell itself ends, with its input.
pub(super) fn end_leftovers(build: &str) {
    let variable = format!("CODEBUILD_BUILD_ID={build}");
    for id in processes() {
        let environment = fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
        if environment.split(|byte| *byte == 0).any(|entry| entry == variable.as_bytes()) {
            // It may have ended by itself meanwhile.
            let _ = kill(Pid::from_raw(id), Signal::SIGKILL);
        }
    }
}

fn processes() -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests;

    fn shell(dir: &Path, bash: bool) -> Shell {
        let environment = vec![("PATH".to_owned(), std::env::var("PATH").unwrap())];
        let spec = ShellSpec {
            bash,
            environment,
            folder: dir.to_owned(),
            scratch: dir.join(format!("scratch-{bash}")),
        };
        Shell::new(spec).unwrap()
    }

    #[tokio::test]
    async fn all_commands_share_variables_folder_and_functions() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("sub")).unwrap();
        for bash in [true, false] {
            let (log, lines) = BuildLog::captured();
            let mut shell = shell(dir.path(), bash);
            let commands =
                ["A=1; greet() { printf 'hi %s' \"$A\"; }", "cd sub", "greet", "pwd; cat", "false"];
            let mut codes = Vec::new();
            for command in commands {
                codes.push(shell.run(command, &log).await.unwrap());
            }

            assert_eq!(codes, [0, 0, 0, 0, 1]);
            let folder = dir.path().join("sub").canonicalize().unwrap();
            assert_eq!(lines.texts(), ["hi 1".to_owned(), folder.display().to_string()]);
        }
    }

    #[tokio::test]
    async fn a_command_that_ends_the_shell_fails_and_what_was_exported_lives_on() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("sub")).unwrap();
        for bash in [true, false] {
            let (log, lines) = BuildLog::captured();
            let mut shell = shell(dir.path(), bash);

            shell.run("export A='it is'\nset -eu", &log).await.unwrap();
            shell.run("cd sub", &log).await.unwrap();
            let failed = shell.run("echo before\nfalse\necho after", &log).await.unwrap();
            let ended = shell.run("exit 7", &log).await.unwrap();
            shell.run("echo \"$A\" $(basename $PWD)", &log).await.unwrap();

            assert_eq!((failed, ended), (1, 7));
            assert_eq!(lines.texts(), ["before", "it is sub"]);
            assert!(shell.exported(&log).await.unwrap().contains(&("A".to_owned(), "it is".to_owned())));
        }
    }

    #[tokio::test]
    async fn a_build_has_as_few_open_files_as_the_starter_of_the_cloud_had() {
        const NAME: &str = "a_build_has_as_few_open_files_as_the_starter_of_the_cloud_had";
        if !tests::has_few_files(&format!("services::codebuild::engine::shell::tests::{NAME}")) {
            return;
        }
        limits::raise();
        let dir = tempfile::tempdir().unwrap();
        let (log, lines) = BuildLog::captured();
        shell(dir.path(), false).run("ulimit -Sn", &log).await.unwrap();
        assert_eq!(lines.texts(), [tests::FEW_FILES.to_string()]);
    }

    fn alive(pid: i32) -> bool {
        fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
    }

    async fn ended(pid: i32) {
        let gone = async {
            while alive(pid) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), gone).await.unwrap();
    }

    #[tokio::test]
    async fn dropping_the_shell_ends_what_it_started() {
        let dir = tempfile::tempdir().unwrap();
        let (log, _) = BuildLog::captured();
        let mut shell = shell(dir.path(), true);
        shell.run("sleep 600 & echo $! > pid", &log).await.unwrap();
        let pid: i32 = fs::read_to_string(dir.path().join("pid")).unwrap().trim().parse().unwrap();
        assert!(alive(pid));

        drop(shell);

        ended(pid).await;
    }

    #[test]
    fn a_line_without_end_is_not_looked_through_again_and_again() {
        let mut pending = vec![b'x'; LONGEST_LINE];
        assert_eq!(cut(&mut pending, 10), None);
        pending.extend_from_slice(b"x\x1emarker 12");
        let piece = cut(&mut pending, 10).unwrap();
        assert_eq!((piece.len() + pending.len(), pending.len()), (LONGEST_LINE + 11, 15));
        pending.push(b'\n');
        pending.resize(2 * LONGEST_LINE, b'x');
        assert_eq!(cut(&mut pending, 10), None);
    }

    #[tokio::test]
    async fn leftovers_of_a_build_are_known_by_their_environment() {
        let build = format!("app:{}", crate::id::uuid());
        let start =
            |id: &str| Command::new("sleep").arg("600").env("CODEBUILD_BUILD_ID", id).spawn().unwrap();
        let (left, mut other) = (start(&build), start("app:other"));
        let pid = i32::try_from(left.id().unwrap()).unwrap();

        end_leftovers(&build);

        ended(pid).await;
        assert!(alive(i32::try_from(other.id().unwrap()).unwrap()));
        other.kill().await.unwrap();
    }
}
