//! A toolchain that compiles nothing: programs in the place of rustc, cargo and docker, so that what surrounds a
//! compilation is tested without one.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use super::Project;
use super::fixture::{git, name_the_committer};

const RUSTC: &str = r#"case "$*" in
*target-libdir*|*sysroot*) echo / ;;
*) echo "host: x86_64-unknown-linux-gnu" ;;
esac
"#;

/// Finds the package `web`, and "compiles" it by a copy. Notes what rustc would be told.
const CARGO: &str = r#"case "$1" in
metadata) cat "$0.json" ;;
build)
    while [ "$1" != --target ]; do shift; done
    printf '%s %s' "$2" "$CARGO_ENCODED_RUSTFLAGS" | tr '\037' ' ' >"$0.flags"
    mkdir -p "$CARGO_TARGET_DIR/$2/image"
    cp "$0.elf" "$CARGO_TARGET_DIR/$2/image/web" ;;
esac
"#;

pub struct Toolchain(PathBuf);

impl Toolchain {
    /// Makes the project a checkout with a package `web`. `docker` is a shell's text.
    pub fn of(project: &Project, docker: &str) -> Self {
        let toolchain = Self(project.path("programs"));
        std::fs::create_dir(&toolchain.0).unwrap();
        for (name, text) in [("rustc", RUSTC), ("cargo", CARGO), ("docker", docker)] {
            let path = toolchain.0.join(name);
            std::fs::write(&path, format!("#!/bin/sh\n{text}")).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        let manifest = project.path("web/Cargo.toml");
        std::fs::create_dir(project.path("web")).unwrap();
        std::fs::write(&manifest, "").unwrap();
        let target = serde_json::json!({"name": "web", "kind": ["bin"]});
        let package = serde_json::json!({"name": "web", "id": "web", "source": null, "manifest_path": manifest,
            "default_run": null, "dependencies": [], "targets": [target]});
        let metadata = serde_json::json!({"packages": [package], "workspace_members": ["web"]});
        std::fs::write(toolchain.0.join("cargo.json"), metadata.to_string()).unwrap();
        std::fs::write(toolchain.0.join("cargo.elf"), static_binary()).unwrap();
        // Nothing else is of the commit: neither these programs nor what a local cloud keeps.
        project.write(".gitignore", "*\n");
        let folder = project.path("");
        git(&folder, &["init", "--quiet"]);
        name_the_committer(&folder);
        std::fs::write(project.path("Dockerfile"), "FROM scratch\n").unwrap();
        git(&folder, &["add", "--force", ".gitignore", "infra", "web", "Dockerfile"]);
        git(&folder, &["commit", "--quiet", "--message", "The first commit"]);
        toolchain
    }

    /// What is "compiled" from now on: a static binary for an ELF machine.
    pub fn makes(&self, machine: u8) {
        let mut binary = static_binary();
        binary[18] = machine;
        std::fs::write(self.0.join("cargo.elf"), binary).unwrap();
    }

    /// The target of the last compilation, and the flags for rustc.
    pub fn told(&self) -> String {
        std::fs::read_to_string(self.0.join("cargo.flags")).unwrap()
    }

    /// Has the tool use these programs.
    pub fn serve(&self, command: &mut Command) {
        let paths = std::env::var_os("PATH").unwrap();
        let paths = [self.0.clone()].into_iter().chain(std::env::split_paths(&paths));
        command.env("PATH", std::env::join_paths(paths).unwrap()).env("CARGO", self.0.join("cargo"));
    }
}

/// An ELF header for x86-64 with one loadable segment: enough to be taken for a static binary.
fn static_binary() -> Vec<u8> {
    let mut bytes = vec![0; 64 + 56];
    bytes[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
    bytes[18] = 62;
    bytes[32] = 64;
    bytes[54] = 56;
    bytes[56] = 1;
    bytes[64] = 1;
    bytes
}
