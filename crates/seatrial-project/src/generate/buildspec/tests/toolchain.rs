//! Which toolchain a build takes, whatever it finds: the install phase and the head of the build phase, run by bash with a
//! `cargo` and a `rustup` that know some versions by name.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

/// `cargo` as rustup's proxy is: of the version that is selected, if it is there.
const CARGO: &str = r#"#!/bin/bash
version=${RUSTUP_TOOLCHAIN:-$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml 2>/dev/null || cat "$STATE/default")}
[ -n "$version" ] || version=$(cat "$STATE/default")
grep -qx "$version" "$STATE/installed" || {
  [ "${RUSTUP_AUTO_INSTALL:-1}" = 1 ] || exit 1
  echo "$version" >>"$STATE/installed"
}
echo "cargo $version (0000000 2026-01-01)"
"#;
const RUSTUP: &str = r#"#!/bin/bash
echo "rustup $*" >>"$STATE/asked"
case "$1 $2" in
"toolchain install")
  version=${*: -1}
  [ "${version#-}" = "$version" ] || version=$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)
  echo "$version" >>"$STATE/installed"
  ;;
esac
"#;
/// Without rustup: of one version, whatever is selected.
const DISTRIBUTIONS: &str = "#!/bin/bash\necho \"cargo $(cat \"$STATE/default\") (Debian)\"\n";
/// Whoever asks for an installer gets one that brings the two above.
const CURL: &str = "#!/bin/bash\necho 'cp \"$STATE\"/later/* \"$CARGO_HOME/bin/\"' >rustup-init.sh\n";
const CC: &str = "#!/bin/bash\n[ -e \"$STATE/static\" ] && echo \"$STATE/static\" || echo libc.a\n";
const DNF: &str = "#!/bin/bash\necho \"dnf $*\" >>\"$STATE/asked\"\ntouch \"$STATE/static\"\n";

/// A machine on which a project is built.
struct Machine(tempfile::TempDir);

impl Machine {
    /// With the toolchains that rustup has, of which the first is its default; without any there is no rustup.
    fn new(installed: &[&str]) -> Self {
        let machine = Self(tempfile::tempdir().unwrap());
        for folder in ["bin", "state/later", "project/xtask"] {
            fs::create_dir_all(machine.path(folder)).unwrap();
        }
        for (name, text) in [("cargo", CARGO), ("rustup", RUSTUP)] {
            machine.program(&format!("state/later/{name}"), text);
            if !installed.is_empty() {
                machine.program(&format!("bin/{name}"), text);
            }
        }
        for (name, text) in [("curl", CURL), ("cc", CC), ("dnf", DNF)] {
            machine.program(&format!("bin/{name}"), text);
        }
        machine.write("state/default", installed.first().copied().unwrap_or_default());
        machine.write("state/installed", &(installed.join("\n") + "\n"));
        machine.write("state/static", "");
        machine.write("project/Cargo.toml", "[workspace]\n");
        machine
    }

    fn path(&self, path: &str) -> std::path::PathBuf {
        self.0.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        fs::write(self.path(path), text).unwrap();
    }

    fn program(&self, path: &str, text: &str) {
        self.write(path, text);
        fs::set_permissions(self.path(path), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// The version that compiles, and what else was said and asked for.
    fn compiles_by(&self, facts: &Facts, variables: &[(&str, &str)]) -> (String, String) {
        let phases = buildspec(facts).phases;
        let head = phases.build.commands[0].split("# The project's own folder").next().unwrap().to_owned();
        let output = Command::new("bash")
            .args(["-c", &format!("( {} )\n{head}\ncargo --version", phases.install.commands[0])])
            .current_dir(self.path("project"))
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", self.path("bin").display()))
            .env("HOME", self.0.path())
            .env("CARGO_HOME", self.0.path())
            .env("STATE", self.path("state"))
            .env("RUSTUP_TOOLCHAIN", "1.60.0")
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        let last = said.lines().last().unwrap_or_default().split(' ').nth(1).unwrap_or_default().to_owned();
        let asked = fs::read_to_string(self.path("state/asked")).unwrap_or_default();
        (last, said + &asked)
    }
}

fn gnu() -> Facts {
    facts(ImageBuilder::Cargo, ImageTarget::Gnu, Layout::Member)
}

#[test]
fn the_toolchain_that_the_repository_names_is_installed_and_taken_whatever_the_build_image_brings() {
    let file = "[toolchain]\nchannel = \"1.96.1\"\n";
    let newer = "[workspace.package]\nrust-version = \"1.98.2\"\n";
    let older = "[package]\nrust-version = \"1.70\"\n";
    // What rustup has, the project's manifest, its toolchain file, what compiles, and whether that is installed first.
    let cases = [
        (&["1.93.0"][..], "", "", TOOLCHAIN, true),
        (&["1.97.0"], "", "", TOOLCHAIN, true),
        (&["1.97.0", TOOLCHAIN], "", "", TOOLCHAIN, false),
        (&[TOOLCHAIN], older, "", TOOLCHAIN, false),
        (&[TOOLCHAIN], newer, "", "1.98.2", true),
        (&[TOOLCHAIN], "", file, "1.96.1", true),
        (&[TOOLCHAIN, "1.96.1"], newer, file, "1.96.1", false),
        (&[], "", "", TOOLCHAIN, true),
        (&[], "", file, "1.96.1", true),
    ];
    for (installed, manifest, named, expected, installs) in cases {
        let machine = Machine::new(installed);
        machine.write("project/Cargo.toml", manifest);
        if !named.is_empty() {
            machine.write("project/rust-toolchain.toml", named);
        }

        let (version, said) = machine.compiles_by(&gnu(), &[]);

        assert_eq!(version, expected, "{installed:?} {manifest:?} {named:?}: {said}");
        assert_eq!(
            said.contains("toolchain install"),
            installs,
            "{installed:?} {manifest:?} {named:?}: {said}"
        );
    }
}

#[test]
fn a_rehearsal_takes_a_newer_toolchain_that_is_here_and_says_so_and_downloads_none() {
    let here = [("LOCAL_CLOUD_BUILD_ADDRESS", "127.9.9.9")];
    let newer = Machine::new(&["1.99.0"]).compiles_by(&gnu(), &here);
    assert_eq!(newer.0, "1.99.0");
    assert!(
        newer.1.contains(&format!("Rust {TOOLCHAIN}, which builds it on AWS, is not installed")),
        "{newer:?}"
    );
    assert!(!newer.1.contains("toolchain install"), "{newer:?}");

    let older = Machine::new(&["1.80.0"]).compiles_by(&gnu(), &here);
    assert_eq!(older.0, TOOLCHAIN, "{older:?}");
    let both = Machine::new(&["1.99.0", TOOLCHAIN]).compiles_by(&gnu(), &here);
    assert_eq!(both.0, TOOLCHAIN, "{both:?}");
}

#[test]
fn a_cargo_without_rustup_is_used_as_it_is() {
    let machine = Machine::new(&[]);
    machine.program("bin/cargo", DISTRIBUTIONS);
    machine.write("state/default", "1.99.0");

    let (version, said) = machine.compiles_by(&gnu(), &[]);

    assert_eq!(version, "1.99.0", "{said}");
    assert!(!said.contains("rustup"), "{said}");
}

#[test]
fn the_c_librarys_archive_is_installed_only_where_it_is_missing_and_wanted() {
    for (target, is_here, expected) in
        [(ImageTarget::Gnu, false, true), (ImageTarget::Gnu, true, false), (ImageTarget::Musl, false, false)]
    {
        let machine = Machine::new(&[TOOLCHAIN]);
        if !is_here {
            fs::remove_file(machine.path("state/static")).unwrap();
        }

        let (_, said) = machine.compiles_by(&facts(ImageBuilder::Cargo, target, Layout::Member), &[]);

        assert_eq!(said.contains("dnf install --quiet --assumeyes glibc-static"), expected, "{said}");
        let wants_target = target == ImageTarget::Musl;
        assert_eq!(said.contains("rustup target add"), wants_target, "{said}");
    }
}
