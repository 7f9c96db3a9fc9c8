//! Whether a container's program can be run, before it is: asked of the files of its image, for the kernel would find this
//! machine's interpreters, and the C library hand what the kernel refuses to this machine's shell.
//!
//! What the runtime finds before it starts a container is the task's `stoppedReason`: `executable file not found in $PATH`
//! of a bare name (jenkinsci/amazon-ecs-plugin#258), `stat PATH: no such file or directory` of a path
//! (aws/amazon-ecs-agent#2954), `permission denied` (nrdg/cloudknot#309). What the kernel refuses afterwards is the last
//! line of the container's log, `exec PATH: WHY`, and the task ends with "Essential container in task exited" and exit
//! code 1: another architecture (re:Post, "How do I resolve the exec format error when running containers in my Amazon
//! ECS task?"; aws-samples/amazon-bedrock-serverless-prompt-chaining#213), an interpreter that the image has not
//! (ryerkerk/aws-batch-python-tutorial#1, where the script ended its lines as Windows does).

use std::fs::File;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use object::endian::LittleEndian;
use object::read::ReadCache;
use object::read::elf::{FileHeader as _, ProgramHeader as _};

use crate::runtime::unpack::Root;

/// Where the 64-bit ELF header names the machine, and its length.
const MACHINE: usize = 18;
const HEADER: usize = 64;
/// `e_machine` of what this program itself runs on (elf.h).
const OWN_MACHINE: u16 = if cfg!(target_arch = "aarch64") { 183 } else { 62 };
/// As much of a script's first line as the kernel reads (`BINPRM_BUF_SIZE`).
const FIRST_LINE: u64 = 256;
/// As many scripts as may interpret each other (execve(2), "Interpreter scripts").
const MOST_SCRIPTS: usize = 5;

const MISSING: &str = "no such file or directory";
const DENIED: &str = "permission denied";

/// What becomes of a container's program.
#[derive(Debug, PartialEq)]
pub(super) enum Found {
    Runs {
        /// Its path in the image, before links.
        path: PathBuf,
        /// The file of the unpacked image.
        file: PathBuf,
        /// It needs nothing else of its image.
        is_static: bool,
    },
    /// It is started, and ends at once: the kernel refuses the program.
    EndsAtOnce(&'static str),
}

/// The program that `command` names in the image unpacked at `root`, for a container with this working directory and
/// `PATH`: never one of this machine.
///
/// # Errors
/// Why the container is never started, in the runtime's words.
pub(super) fn find(root: &Path, (dir, path): (&str, &str), command: &str) -> Result<Found, String> {
    let image = Root::open(root).map_err(|_| format!("stat {command}: {MISSING}"))?;
    let (path, file) = match command.contains('/') {
        true => named(&image, root, &Path::new("/").join(dir).join(command), command),
        false => searched(&image, root, path, command),
    }?;
    Ok(match refused(&image, (root, dir), &file) {
        Some(why) => Found::EndsAtOnce(why),
        None => Found::Runs { is_static: Form::of(&file) == Form::Static, path, file },
    })
}

/// A program's path in the image, before links, and its file.
type Located = (PathBuf, PathBuf);

fn named(image: &Root, root: &Path, path: &Path, command: &str) -> Result<Located, String> {
    let found = image.find(path).ok_or_else(|| format!("stat {command}: {MISSING}"))?;
    let program = root.join(found);
    match program.is_dir() {
        true => Err("is a directory".to_owned()),
        false if is_executable(&program) => Ok((path.to_owned(), program)),
        false => Err(DENIED.to_owned()),
    }
}

/// What cannot be executed is passed over, as by the runtime's `LookPath`.
fn searched(image: &Root, root: &Path, path: &str, command: &str) -> Result<Located, String> {
    let paths = path.split(':').map(|folder| Path::new("/").join(folder).join(command));
    let mut located = paths.filter_map(|path| Some((root.join(image.find(&path)?), path)));
    let program = located.find(|(program, _)| program.is_file() && is_executable(program));
    program
        .map(|(program, path)| (path, program))
        .ok_or_else(|| "executable file not found in $PATH".to_owned())
}

fn is_executable(program: &Path) -> bool {
    program.metadata().is_ok_and(|found| found.permissions().mode() & 0o111 != 0)
}

/// Why the kernel would not run a file of the image: its own form, or that of the interpreter that it names.
fn refused(image: &Root, (root, dir): (&Path, &str), program: &Path) -> Option<&'static str> {
    let mut program = program.to_owned();
    for _ in 0..MOST_SCRIPTS {
        let interpreter = match Form::of(&program) {
            Form::Script(interpreter) | Form::Dynamic(interpreter) => interpreter,
            Form::Static => return None,
            // Other systems have other formats: there the kernel is asked.
            Form::Other => return cfg!(target_os = "linux").then_some("exec format error"),
        };
        let Some(found) = image.find(&Path::new(dir).join(interpreter)) else { return Some(MISSING) };
        program = root.join(found);
        if !program.is_file() || !is_executable(&program) {
            return Some(DENIED);
        }
    }
    None
}

/// What the kernel sees in a file.
#[derive(Debug, PartialEq)]
enum Form {
    /// `#!` and the path of its interpreter.
    Script(PathBuf),
    /// For this machine, by this loader.
    Dynamic(PathBuf),
    /// For this machine, alone.
    Static,
    /// Nothing that this machine runs.
    Other,
}

impl Form {
    fn of(program: &Path) -> Self {
        let mut head = Vec::new();
        let read = File::open(program).map(|file| file.take(FIRST_LINE).read_to_end(&mut head));
        if !matches!(read, Ok(Ok(_))) {
            return Self::Other;
        }
        if let Some(line) = head.strip_prefix(b"#!") {
            return interpreter(line).map_or(Self::Other, Self::Script);
        }
        let machine = head.get(MACHINE..MACHINE + 2).map(|bytes| u16::from_le_bytes([bytes[0], bytes[1]]));
        let is_own = head.len() >= HEADER && head.starts_with(b"\x7fELF") && machine == Some(OWN_MACHINE);
        match is_own {
            true => loader(program).map_or(Self::Static, Self::Dynamic),
            false => Self::Other,
        }
    }
}

/// What stands behind `#!`, up to a space or the line's end; a carriage return is part of the name.
fn interpreter(line: &[u8]) -> Option<PathBuf> {
    let line = line.split(|byte| *byte == b'\n').next()?.trim_ascii_start();
    let name = line.split(|byte| matches!(byte, b' ' | b'\t')).next()?;
    let is_blank = name.iter().all(u8::is_ascii_whitespace);
    (!is_blank).then(|| PathBuf::from(std::ffi::OsStr::from_bytes(name)))
}

/// The loader that a dynamically linked program names (`PT_INTERP`). What cannot be read is left to the kernel.
fn loader(program: &Path) -> Option<PathBuf> {
    let data = ReadCache::new(File::open(program).ok()?);
    let header = object::elf::FileHeader64::<LittleEndian>::parse(&data).ok()?;
    let segments = header.program_headers(LittleEndian, &data).ok()?;
    let mut named = segments.iter().filter_map(|one| one.interpreter(LittleEndian, &data).ok().flatten());
    named.next().map(|name| PathBuf::from(std::ffi::OsStr::from_bytes(name)))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    const FORMAT: &str = "exec format error";

    /// An image of `files`, each with its mode; `/bin/sh` of it is a static program for this machine.
    fn image(files: &[(&str, &[u8], u32)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let shell = own();
        for (name, content, mode) in files.iter().chain([&("bin/sh", &shell[..], 0o755)]) {
            let file = root.path().join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(&file, content).unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(*mode)).unwrap();
        }
        root
    }

    /// The header of a static program for this machine.
    fn own() -> Vec<u8> {
        let mut header = vec![0; HEADER];
        header[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
        header[MACHINE..MACHINE + 2].copy_from_slice(&OWN_MACHINE.to_le_bytes());
        header
    }

    /// The same with one segment, which names a loader.
    fn dynamic(loader: &str) -> Vec<u8> {
        let mut program = own();
        // e_phoff, e_phentsize, e_phnum; p_type, p_offset, p_filesz (elf.h).
        program[32..40].copy_from_slice(&64_u64.to_le_bytes());
        program[54..56].copy_from_slice(&56_u16.to_le_bytes());
        program[56..58].copy_from_slice(&1_u16.to_le_bytes());
        let mut segment = vec![0; 56];
        segment[..4].copy_from_slice(&3_u32.to_le_bytes());
        segment[8..16].copy_from_slice(&120_u64.to_le_bytes());
        segment[32..40].copy_from_slice(&(loader.len() as u64 + 1).to_le_bytes());
        [&program[..], &segment, loader.as_bytes(), b"\0"].concat()
    }

    fn told(root: &Path, command: &str) -> String {
        match find(root, ("/work", "/none:/data:/bin"), command) {
            Ok(Found::Runs { file, .. }) => format!("runs {}", file.strip_prefix(root).unwrap().display()),
            Err(why) => format!("never starts: {why}"),
            Ok(Found::EndsAtOnce(why)) => format!("ends: {why}"),
        }
    }

    #[test]
    fn what_the_runtime_does_not_find_or_may_not_run_is_never_started() {
        let root = image(&[("data/plain", b"", 0o644), ("work/own", &own(), 0o755), ("data/sh", b"", 0o644)]);
        let cases = [
            ("/absent", "never starts: stat /absent: no such file or directory"),
            ("./absent", "never starts: stat ./absent: no such file or directory"),
            ("absent", "never starts: executable file not found in $PATH"),
            ("", "never starts: executable file not found in $PATH"),
            ("/data/plain", "never starts: permission denied"),
            ("plain", "never starts: executable file not found in $PATH"),
            ("/data", "never starts: is a directory"),
            ("./own", "runs work/own"),
            ("sh", "runs bin/sh"),
        ];
        for (command, expected) in cases {
            assert_eq!(told(root.path(), command), expected, "{command}");
        }
    }

    #[test]
    fn what_the_kernel_would_refuse_ends_before_this_machine_is_asked_for_an_interpreter() {
        let mut other = own();
        other[MACHINE..MACHINE + 2].copy_from_slice(&(OWN_MACHINE ^ 245).to_le_bytes());
        let (musl, glibc) = (dynamic("/lib/ld-musl.so.1"), dynamic("/lib64/ld-linux.so.2"));
        let cases: [(&[u8], Option<&str>); 12] = [
            (&own(), None),
            (&other, Some(FORMAT)),
            (b"echo of a script without its first line\n", Some(FORMAT)),
            (b"", Some(FORMAT)),
            (b"#! /bin/sh -e\necho there\n", None),
            (b"#!/bin/sh\r\necho there\r\n", Some(MISSING)),
            (b"#!/usr/bin/perl\n", Some(MISSING)),
            (b"#!/data/plain", Some(DENIED)),
            (b"#!/data/script\n", Some(MISSING)),
            (b"#!\n", Some(FORMAT)),
            (&musl, None),
            (&glibc, Some(MISSING)),
        ];
        for (program, expected) in cases {
            let root = image(&[
                ("app", program, 0o755),
                ("data/plain", b"", 0o644),
                ("data/script", b"#!/absent\n", 0o755),
                ("lib/ld-musl.so.1", &own(), 0o755),
            ]);
            let expected = expected.map_or("runs app".to_owned(), |why| format!("ends: {why}"));
            let shown = String::from_utf8_lossy(&program[..program.len().min(30)]);
            assert_eq!(told(root.path(), "/app"), expected, "{shown}");
        }
    }

    #[test]
    fn links_lead_to_files_of_the_image_and_never_to_this_machines() {
        let root = image(&[("opt/real", &own(), 0o755), ("app", b"#!/usr/bin/python3\n", 0o755)]);
        std::fs::create_dir_all(root.path().join("usr/bin")).unwrap();
        symlink("/opt/real", root.path().join("usr/bin/python3")).unwrap();
        symlink("/bin", root.path().join("sbin")).unwrap();
        symlink(std::env::current_exe().unwrap(), root.path().join("out")).unwrap();
        let cases = [
            ("/app", "runs app"),
            ("/sbin/sh", "runs bin/sh"),
            ("/out", "never starts: stat /out: no such file or directory"),
        ];
        for (command, expected) in cases {
            assert_eq!(told(root.path(), command), expected, "{command}");
        }
    }
}
