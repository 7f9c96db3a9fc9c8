//! Compiles the application into one static binary, in a target directory of its own.

use std::fs;
use std::path::{Path, PathBuf};

use object::read::elf::{FileHeader as _, ProgramHeader as _};
use object::{Endianness, elf};
use xshell::{Shell, cmd};

use crate::architecture::Architecture;
use crate::error::ImageError;
use crate::freshness::SourceStamp;

/// Profile of the workspace's `Cargo.toml` for what goes into the image.
const PROFILE: &str = "image";
/// What `cargo run` tells the program it runs about that program. Build scripts that watch one of these (ring's does)
/// would run again for every caller, and with them most of the compilation.
const OF_OUR_OWN_PACKAGE: &[&str] =
    &["CARGO_BIN_", "CARGO_CRATE_NAME", "CARGO_MANIFEST_", "CARGO_PKG_", "CARGO_PRIMARY_PACKAGE"];

/// One compilation.
pub(crate) struct Compilation {
    pub(crate) workspace: PathBuf,
    pub(crate) target_directory: PathBuf,
    pub(crate) architecture: Architecture,
    pub(crate) target: &'static str,
}

impl Compilation {
    /// Gives the path of the checked binary. Blocks for as long as cargo works.
    pub(crate) fn run(&self) -> Result<PathBuf, ImageError> {
        let shell = Shell::new().map_err(|error| ImageError::failed("open a shell", error))?;
        shell.change_dir(&self.workspace);
        self.require_target(&shell)?;
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let (target, directory) = (self.target, &self.target_directory);
        let flags = self.rustc_flags(&shell)?;

        let stamp = SourceStamp::take(&self.workspace.join("app"), directory, target)?;
        if stamp.is_outdated() {
            cmd!(shell, "{cargo} clean --quiet --locked --package app --profile {PROFILE}")
                .args(["--target", target])
                .arg("--target-dir")
                .arg(directory)
                .run()
                .map_err(|error| ImageError::failed("remove the application's outdated products", error))?;
        }
        // Encoded, because paths may hold blanks; it also takes the place of flags that a user configured.
        let mut build = cmd!(
            shell,
            "{cargo} build --locked --package app --bin app --profile {PROFILE} --target {target}"
        )
        .arg("--target-dir")
        .arg(directory)
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"))
        .env_remove("RUSTFLAGS")
        .env("CARGO_INCREMENTAL", "0");
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| OF_OUR_OWN_PACKAGE.iter().any(|of| name.starts_with(of))) {
                build = build.env_remove(name);
            }
        }
        build.run().map_err(|error| ImageError::failed("compile the application", error))?;
        stamp.keep()?;

        let binary = directory.join(target).join(PROFILE).join("app");
        check_binary(&binary, self.architecture)?;
        Ok(binary)
    }

    /// cargo's own message for a missing target is hundreds of unresolved names.
    fn require_target(&self, shell: &Shell) -> Result<(), ImageError> {
        let target = self.target;
        let libraries =
            cmd!(shell, "rustc --print target-libdir --target {target}").quiet().ignore_stderr().read();
        if libraries.is_ok_and(|directory| Path::new(&directory).is_dir()) {
            return Ok(());
        }
        Err(ImageError::refused(format!("Rust target `{target}` is not installed"))
            .with_hint(format!("run `rustup target add {target}`, or let CodeBuild build the image")))
    }

    /// Static linking, and no path of this machine in the binary: one commit gives one digest, wherever the
    /// checkout, cargo's home and the toolchain are. Paths of the workspace are relative already.
    fn rustc_flags(&self, shell: &Shell) -> Result<Vec<String>, ImageError> {
        let read = |what: &str, arguments: &[&str]| {
            cmd!(shell, "rustc")
                .args(arguments)
                .quiet()
                .read()
                .map_err(|error| ImageError::failed(what, error))
        };
        let sysroot = read("find the Rust toolchain", &["--print", "sysroot"])?;
        let version = read("read the Rust version", &["--version", "--verbose"])?;
        let commit = version.lines().find_map(|line| line.strip_prefix("commit-hash: ")).unwrap_or("unknown");
        let home = std::env::var_os("CARGO_HOME")
            .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cargo").into()))
            .unwrap_or_default();
        let home = fs::canonicalize(&home).unwrap_or_else(|_| home.into());
        // By default the crate getrandom looks the system call up in a shared library; a static binary has none, and
        // the way out, /dev/urandom, need not be there.
        let mut flags = vec![
            "-Ctarget-feature=+crt-static".to_owned(),
            "--cfg=getrandom_backend=\"linux_getrandom\"".to_owned(),
        ];
        if !home.as_os_str().is_empty() {
            flags.push(format!("--remap-path-prefix={}=/cargo", home.display()));
        }
        // Without the component rust-src the standard library's paths have this form already.
        flags.push(format!("--remap-path-prefix={sysroot}/lib/rustlib/src/rust=/rustc/{commit}"));
        Ok(flags)
    }
}

/// The binary must run on `architecture`, alone in an empty file system.
fn check_binary(path: &Path, architecture: Architecture) -> Result<(), ImageError> {
    let bytes =
        fs::read(path).map_err(|error| ImageError::failed(format!("read `{}`", path.display()), error))?;
    let Ok((machine, is_dynamic)) = read_elf(&bytes) else {
        let rule = "must be a 64-bit little-endian ELF binary";
        return Err(ImageError::refused(format!("`{}` {rule}", path.display())));
    };
    let expected = architecture.elf_machine();
    if machine != expected {
        return Err(ImageError::refused(format!(
            "`{}` is for ELF machine {machine}, expected {expected} ({})",
            path.display(),
            architecture.ecs()
        )));
    }
    if is_dynamic {
        return Err(ImageError::refused(format!(
            "`{}` is linked dynamically, expected statically",
            path.display()
        ))
        .with_hint("use a target whose C runtime can be linked statically: glibc or musl on Linux"));
    }
    Ok(())
}

/// The machine, and whether the binary names an interpreter, which only a dynamically linked one does.
fn read_elf(bytes: &[u8]) -> object::read::Result<(u16, bool)> {
    let header = elf::FileHeader64::<Endianness>::parse(bytes)?;
    let endian = header.endian()?;
    if endian != Endianness::Little {
        return Ok((elf::EM_NONE.0, false));
    }
    let segments = header.program_headers(endian, bytes)?;
    let is_dynamic = segments.iter().any(|segment| segment.p_type(endian) == elf::PT_INTERP);
    Ok((header.e_machine(endian).0, is_dynamic))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header (ELFCLASS64, ELFDATA2LSB, EV_CURRENT) with one program header of type `kind`.
    fn binary(machine: u16, kind: u32) -> Vec<u8> {
        let mut bytes = vec![0; 64 + 56];
        bytes[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
        bytes[18..20].copy_from_slice(&machine.to_le_bytes());
        bytes[32..40].copy_from_slice(&64_u64.to_le_bytes());
        bytes[54..56].copy_from_slice(&56_u16.to_le_bytes());
        bytes[56..58].copy_from_slice(&1_u16.to_le_bytes());
        bytes[64..68].copy_from_slice(&kind.to_le_bytes());
        bytes
    }

    fn check(bytes: &[u8], architecture: Architecture) -> Result<(), String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), bytes).unwrap();
        check_binary(file.path(), architecture)
            .map_err(|error| error.to_string().replace(&file.path().display().to_string(), "app"))
    }

    #[test]
    fn a_static_binary_of_the_architecture_is_accepted() {
        assert_eq!(check(&binary(62, 1), Architecture::X86_64), Ok(()));
        assert_eq!(check(&binary(183, 1), Architecture::Arm64), Ok(()));
    }

    #[test]
    fn a_binary_of_another_architecture_is_refused() {
        let error = check(&binary(183, 1), Architecture::X86_64).unwrap_err();
        assert_eq!(error, "`app` is for ELF machine 183, expected 62 (X86_64)");
    }

    #[test]
    fn a_dynamic_binary_and_no_binary_at_all_are_refused() {
        assert!(
            check(&binary(62, elf::PT_INTERP.0), Architecture::X86_64).unwrap_err().contains("dynamically")
        );
        for bytes in [&b"#!/bin/sh"[..], b"", &binary(62, 1)[..66]] {
            assert!(check(bytes, Architecture::X86_64).is_err());
        }
    }
}
