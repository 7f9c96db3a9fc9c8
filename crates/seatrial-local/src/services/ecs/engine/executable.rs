//! Whether a container's program can be run, before it is: asked of its file, for the C library would hand what the
//! kernel refuses to this machine's shell.
//!
//! What the runtime finds before it starts a container is the task's `stoppedReason`. What the kernel refuses afterwards
//! is the last line of the container's log, and the task ends as any other whose container has exited: the runtime's
//! `exec PATH: exec format error` (aws-containers/ecs-anywhere-tutorial#2, an image of another architecture).

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Where the 64-bit ELF header names the machine, and its length.
const MACHINE: usize = 18;
const HEADER: usize = 64;
/// `e_machine` of what this program itself runs on (elf.h).
const OWN_MACHINE: u16 = if cfg!(target_arch = "aarch64") { 183 } else { 62 };

#[derive(Debug, PartialEq)]
pub(super) enum Refusal {
    /// The container is never started.
    BeforeStart(&'static str),
    /// It is, and ends at once.
    OnExec(&'static str),
}

/// Why `program`, a file of an unpacked image, cannot be run.
pub(super) fn refusal(program: &Path) -> Option<Refusal> {
    let mode = program.metadata().ok()?.permissions().mode();
    if mode & 0o111 == 0 {
        return Some(Refusal::BeforeStart("permission denied"));
    }
    let mut head = Vec::new();
    File::open(program).ok()?.take(HEADER as u64).read_to_end(&mut head).ok()?;
    // Its interpreter is this machine's: the image is no root of its own here.
    if head.starts_with(b"#!") {
        return None;
    }
    let machine = head.get(MACHINE..MACHINE + 2).map(|bytes| u16::from_le_bytes([bytes[0], bytes[1]]));
    let is_own = head.len() >= HEADER && head.starts_with(b"\x7fELF") && machine == Some(OWN_MACHINE);
    // Other systems have other formats: there the kernel is asked.
    (cfg!(target_os = "linux") && !is_own).then_some(Refusal::OnExec("exec format error"))
}

/// What stands in for a program that is refused on its execution: it says so as the runtime does, and ends.
pub(super) fn last_words(command: &str, why: &str) -> (PathBuf, Vec<String>) {
    let script = "printf 'exec %s: %s\\n' \"$1\" \"$2\" >&2; exit 1";
    let args = ["-c", script, "sh", command, why].map(str::to_owned);
    (PathBuf::from("/bin/sh"), args.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(program: &[u8], mode: u32) -> Option<Refusal> {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("app");
        std::fs::write(&file, program).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        refusal(&file)
    }

    #[test]
    fn what_the_kernel_would_refuse_is_refused_before_this_machines_shell_gets_it() {
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let mut other = own[..HEADER].to_vec();
        other[MACHINE..MACHINE + 2].copy_from_slice(&(OWN_MACHINE ^ 245).to_le_bytes());
        let format = || Some(Refusal::OnExec("exec format error"));
        let cases = [
            (&own[..], 0o755, None),
            (&own[..], 0o644, Some(Refusal::BeforeStart("permission denied"))),
            (&other[..], 0o755, format()),
            (b"echo of a script without its first line\n", 0o755, format()),
            (b"", 0o755, format()),
            (b"#!/bin/sh\necho there\n", 0o755, None),
        ];
        for (program, mode, expected) in cases {
            assert_eq!(
                refused(program, mode),
                expected,
                "{}",
                String::from_utf8_lossy(&program[..program.len().min(30)])
            );
        }
    }
}
