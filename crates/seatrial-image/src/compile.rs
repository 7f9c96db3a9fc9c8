//! Compiles the application into one static binary, in the build cache.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use object::read::elf::{FileHeader as _, ProgramHeader as _};
use object::{Endianness, elf};
use seatrial_project::Architecture;

use crate::architecture::ArchitectureNames as _;
use crate::cache::BuildCache;
use crate::cargo::Cargo;
use crate::crosswise::Crosswise;
use crate::error::ImageError;
use crate::request::ImageOptions;
use crate::sbom::{self, Sbom};
use crate::source::{self, Revision};
use crate::stop::{self, Stop};
use crate::tree::Tree;

/// Profile of the workspace's `Cargo.toml` for what goes into the image.
const PROFILE: &str = "image";
/// A workspace that does not know the profile gets it like this.
const PROFILE_CONFIG: &str = "profile.image.inherits=\"release\"";

/// One compilation.
pub(crate) struct Compilation {
    pub(crate) workspace: PathBuf,
    pub(crate) options: ImageOptions,
    pub(crate) architecture: Architecture,
    pub(crate) target: &'static str,
    /// Of the sources, as they were found.
    pub(crate) revision: Revision,
    pub(crate) stop: Option<Stop>,
}

/// A program, and what it was made of.
pub(crate) struct Compiled {
    /// The checked binary, in the cache.
    pub(crate) binary: PathBuf,
    /// What its image is named after.
    pub(crate) revision: Revision,
    pub(crate) sbom: Sbom,
}

impl Compilation {
    /// Blocks for as long as cargo works.
    pub(crate) fn run(&self, cache: &BuildCache) -> Result<Compiled, ImageError> {
        let crosswise = Crosswise::of(self.architecture, self.target)?;
        self.require_target()?;
        let (flags, host) = self.rustc_flags(crosswise.as_ref())?;
        let cargo = Cargo { workspace: &self.workspace, cache, flags, stop: self.stop.as_ref() };

        let tree = Tree::list(&self.workspace)?;
        let sources = tree.hash()?;
        // What they make of the sources, git ignores; else the revision at the end is another one, and that is refused.
        self.run_before(&cargo)?;
        let metadata = cargo.metadata(&[self.target, &host])?;
        metadata.refuse_outsiders(&tree)?;
        let choice = metadata.choose(&self.options)?;
        if let Some(crosswise) = &crosswise {
            crosswise.refuse_c(&metadata.compiling_c(&choice.package))?;
        }
        let stamp = cache.stamp(self.target, sources)?;
        if stamp.is_outdated {
            self.clean(&cargo, &metadata.local_packages(&tree))?;
        }
        let arguments = ["build", "--locked", "--package", &choice.package, "--bin", &choice.binary];
        cargo.run("compile the application", &[&arguments[..], &self.products()].concat())?;
        let sbom = sbom::of_binary(&cargo, &metadata, &choice.package, self.target)?;
        let revision = self.revision_of_products()?;
        // What was written meanwhile (by a build script into the sources, say) may be in the products or not.
        if Tree::list(&self.workspace)?.hash()? == stamp.sources {
            stamp.keep()?;
        }

        let binary = cache.folder.join(self.target).join(PROFILE).join(choice.binary);
        check_binary(&binary, self.architecture)?;
        Ok(Compiled { binary, revision, sbom })
    }

    /// What an application with a front end, say, compiles first.
    fn run_before(&self, cargo: &Cargo<'_>) -> Result<(), ImageError> {
        for command in &self.options.before {
            let mut shell = Command::new("sh");
            shell.args(["-c", command]).current_dir(cargo.workspace).stdin(Stdio::null());
            stop::run_told(cargo.stop, &format!("run `{command}` of `image.before`"), &mut shell)?;
        }
        Ok(())
    }

    fn products(&self) -> [&str; 6] {
        ["--profile", PROFILE, "--target", self.target, "--config", PROFILE_CONFIG]
    }

    /// Removes the products of `packages`, those for this machine (macros, build scripts) included.
    fn clean(&self, cargo: &Cargo<'_>, packages: &[&str]) -> Result<(), ImageError> {
        let folder = &cargo.cache.folder;
        if !folder.join(self.target).is_dir() && !folder.join(PROFILE).is_dir() {
            return Ok(());
        }
        let packages = packages.iter().flat_map(|name| ["--package", name]);
        let arguments: Vec<&str> =
            ["clean", "--quiet", "--locked"].into_iter().chain(self.products()).chain(packages).collect();
        cargo.run("remove outdated products", &arguments).map(drop)
    }

    /// An image named after one revision must not hold another, to which the checkout was switched meanwhile.
    fn revision_of_products(&self) -> Result<Revision, ImageError> {
        let now = source::discover(&Tree::list(&self.workspace)?)?;
        self.revision.until(&now).ok_or_else(|| {
            ImageError::refused(format!(
                "the sources are revision `{}` after the compilation, expected `{}` as before it",
                now.id, self.revision.id
            ))
            .with_hint("build again, and leave the checkout alone meanwhile")
        })
    }

    /// cargo's own message for a missing target is hundreds of unresolved names.
    fn require_target(&self) -> Result<(), ImageError> {
        let target = self.target;
        let libraries = self.rustc("find the Rust target", &["--print", "target-libdir", "--target", target]);
        match libraries {
            Ok(directory) if Path::new(&directory).is_dir() => return Ok(()),
            Err(error) if error.is_missing_program() => {
                return Err(ImageError::refused("rustc is not on PATH")
                    .with_hint("install Rust (https://rustup.rs), or let CodeBuild build the image"));
            }
            _ => {}
        }
        Err(ImageError::refused(format!("Rust target `{target}` is not installed"))
            .with_hint(format!("run `rustup target add {target}`, or let CodeBuild build the image")))
    }

    /// Static linking, and no path of this machine in the binary: one commit gives one digest, wherever the
    /// checkout, cargo's home and the toolchain are. Paths of the workspace are relative already. Also gives this
    /// machine's target.
    fn rustc_flags(&self, crosswise: Option<&Crosswise>) -> Result<(String, String), ImageError> {
        let sysroot = self.rustc("find the Rust toolchain", &["--print", "sysroot"])?;
        let version = self.rustc("read the Rust version", &["--version", "--verbose"])?;
        let commit = version.lines().find_map(|line| line.strip_prefix("commit-hash: ")).unwrap_or("unknown");
        let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or(self.target);
        let home = std::env::var_os("CARGO_HOME")
            .filter(|home| !home.is_empty())
            .or_else(|| std::env::home_dir().map(|home| home.join(".cargo").into()))
            .unwrap_or_default();
        let home = fs::canonicalize(&home).unwrap_or_else(|_| home.into());
        // By default the crate getrandom looks the system call up in a shared library; a static binary has none, and
        // the way out, /dev/urandom, need not be there.
        let mut flags = vec![
            "-Ctarget-feature=+crt-static".to_owned(),
            "--cfg=getrandom_backend=\"linux_getrandom\"".to_owned(),
        ];
        flags.extend(crosswise.into_iter().flat_map(Crosswise::flags));
        if !home.as_os_str().is_empty() {
            flags.push(format!("--remap-path-prefix={}=/cargo", home.display()));
        }
        // Without the component rust-src the standard library's paths have this form already.
        flags.push(format!("--remap-path-prefix={sysroot}/lib/rustlib/src/rust=/rustc/{commit}"));
        Ok((flags.join("\x1f"), host.to_owned()))
    }

    /// What rustc prints. It may take long: rustup installs the toolchain that the workspace names.
    fn rustc(&self, action: &str, arguments: &[&str]) -> Result<String, ImageError> {
        let mut command = Command::new("rustc");
        command.args(arguments).current_dir(&self.workspace).stdin(Stdio::null());
        let printed = stop::run(self.stop.as_ref(), action, &mut command)?;
        Ok(String::from_utf8_lossy(&printed).trim().to_owned())
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
