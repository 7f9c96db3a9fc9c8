//! The buildspec's commands, run by bash in checkouts with a `seatrial-image` that only prints what it is asked.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use super::*;
use crate::generate::Installed;
use crate::generate::{Layout, Place};

mod private;
mod toolchain;

const IMAGE: &str = "[[package]]\nname = \"seatrial-image\"\nversion = \"0.1.0\"\n";
const XTASK: &str =
    "[[package]]\nname = \"xtask\"\nversion = \"0.1.0\"\ndependencies = [\n \"seatrial-image\",\n]\n";

fn facts(builder: ImageBuilder, target: ImageTarget, place: impl Into<Place>) -> Facts {
    Facts { builder, target, place: place.into(), registry_secrets: Vec::new(), hands_over_program: false }
}

fn plain(place: impl Into<Place>) -> BuildSpec {
    buildspec(&facts(ImageBuilder::Cargo, ImageTarget::Gnu, place))
}

fn package(name: &str) -> String {
    format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n")
}

/// A project whose `seatrial-image` prints its arguments after `version`, its files as old as an archive's.
fn unpack(directory: &Path, version: &str, layout: Layout) {
    let source = format!(
        "fn main() {{ let a: Vec<String> = std::env::args().skip(1).collect(); \
         println!(\"{{{{\\\"uri\\\":\\\"{version} {{}}\\\"}}}}\", a.join(\" \")); }}"
    );
    let member = "[workspace]\nmembers = [\"tool/image\", \"xtask\"]\nresolver = \"3\"\n";
    let depends = "[dependencies]\nseatrial-image = { path = \"../tool/image\" }\n";
    let mut files = vec![
        ("tool/image/Cargo.toml", package("seatrial-image")),
        ("tool/image/src/main.rs", source),
        ("tool/image/src/lib.rs", String::new()),
    ];
    files.extend(match layout {
        Layout::Member => [
            ("Cargo.toml", member.to_owned()),
            ("Cargo.lock", format!("version = 4\n\n{IMAGE}\n{XTASK}")),
            ("xtask/Cargo.toml", format!("{}{depends}", package("xtask"))),
            ("xtask/src/main.rs", "fn main() {}\n".to_owned()),
        ]
        .to_vec(),
        // The project itself is nothing that cargo knows.
        Layout::OwnWorkspace => [
            ("xtask/Cargo.toml", format!("[workspace]\n{}{depends}", package("xtask"))),
            ("xtask/Cargo.lock", format!("version = 4\n\n{IMAGE}\n{XTASK}")),
            ("xtask/src/main.rs", "fn main() {}\n".to_owned()),
        ]
        .to_vec(),
    });
    write(directory, &files);
}

/// Writes files as old as an archive's.
fn write(directory: &Path, files: &[(&str, String)]) {
    for (path, text) in files {
        let path = directory.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_500_000_000)).unwrap();
    }
}

/// What a build phase left: `IMAGE_URI` with `top` for the source's folder, and what cargo said.
fn run(checkout: &Path, cache: &Path, layout: Layout, variables: &[(&str, &str)]) -> (String, String) {
    let output = try_run(checkout, cache, layout, variables);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{stderr}");
    assert!(checkout.join("build-output").is_dir());
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let uri = stdout.split("IMAGE_URI=").nth(1).unwrap();
    (uri.replace(&*checkout.to_string_lossy(), "top"), stderr)
}

fn try_run(checkout: &Path, cache: &Path, layout: Layout, variables: &[(&str, &str)]) -> Output {
    run_script(&plain(layout), checkout, cache, variables)
}

fn run_script(buildspec: &BuildSpec, checkout: &Path, cache: &Path, variables: &[(&str, &str)]) -> Output {
    let script = format!("{}\nprintf 'IMAGE_URI=%s' \"$IMAGE_URI\"", buildspec.phases.build.commands[0]);
    Command::new("bash")
        .args(["-c", &script])
        .current_dir(checkout)
        .env("BUILD_CACHE_DIR", cache)
        .env("CODEBUILD_SRC_DIR", checkout)
        .env("CARGO_NET_OFFLINE", "true")
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

/// Runs the build phase in a fresh checkout.
fn build(cache: &Path, version: &str, layout: Layout, initiator: &str) -> (String, String) {
    let checkout = tempfile::tempdir().unwrap();
    unpack(checkout.path(), version, layout);
    run(checkout.path(), cache, layout, &[("CODEBUILD_INITIATOR", initiator)])
}

#[test]
fn a_file_older_than_the_last_build_is_compiled_when_its_content_is_new() {
    for layout in [Layout::Member, Layout::OwnWorkspace] {
        let cache = tempfile::tempdir().unwrap();
        let build = |version: &str, initiator: &str| build(cache.path(), version, layout, initiator);
        assert_eq!(build("one", "codepipeline/p").0, "one --push --artifacts top/build-output");
        assert_eq!(build("two", "user").0, "two --push");
        let (uri, said) = build("two", "user");
        assert_eq!(uri, "two --push");
        assert!(!said.contains("Compiling"), "unchanged sources in another directory: {said}");
        assert_eq!(build("one", "user").0, "one --push");
    }
}

/// They share the cache wherever two checkouts on one machine have a project of the same name.
#[test]
fn builds_that_meet_in_one_cache_each_run_their_own_tool() {
    let cache = tempfile::tempdir().unwrap();
    for _ in 0..5 {
        let run = |version: &'static str| {
            let cache = cache.path().to_owned();
            std::thread::spawn(move || build(&cache, version, Layout::Member, "user").0)
        };
        let (one, two) = (run("one"), run("two"));
        assert_eq!(
            (one.join().unwrap().as_str(), two.join().unwrap().as_str()),
            ("one --push", "two --push")
        );
    }
}

#[test]
fn a_project_below_the_repositorys_top_is_built_there_and_gives_its_files_at_the_top() {
    let (checkout, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    unpack(&checkout.path().join("services/my web"), "one", Layout::Member);

    let variables = [("PROJECT_DIRECTORY", "services/my web/"), ("CODEBUILD_INITIATOR", "codepipeline/p")];
    let (uri, _) = run(checkout.path(), cache.path(), Layout::Member, &variables);

    assert_eq!(uri, "one --push --artifacts top/build-output");
}

/// The application shares a crate with the tool, and turns on a feature of it.
#[test]
fn no_feature_of_the_applications_reaches_the_tool() {
    let (checkout, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let depends = |features: &str| {
        format!("[dependencies]\nshared = {{ path = \"../shared\", features = [{features}] }}\n")
    };
    let locked = |name: &str| {
        format!("[[package]]\nname = \"{name}\"\nversion = \"0.1.0\"\ndependencies = [\n \"shared\",\n]\n\n")
    };
    let lock = [
        "version = 4\n\n",
        &locked("app"),
        &locked("seatrial-image"),
        "[[package]]\nname = \"shared\"\nversion = \"0.1.0\"\n\n",
        XTASK,
    ];
    let main = "fn main() { println!(\"{{\\\"uri\\\":\\\"{}\\\"}}\", if shared::LOUD { \"loud\" } else { \"quiet\" }) }";
    let files = [
        (
            "Cargo.toml",
            "[workspace]\nmembers = [\"app\", \"xtask\"]\nexclude = [\"tool\"]\nresolver = \"3\"\n"
                .to_owned(),
        ),
        ("Cargo.lock", lock.concat()),
        ("app/Cargo.toml", format!("{}{}", package("app"), depends("\"loud\"").replace("../", "../tool/"))),
        ("app/src/main.rs", "fn main() {}\n".to_owned()),
        (
            "xtask/Cargo.toml",
            format!("{}[dependencies]\nseatrial-image = {{ path = \"../tool/image\" }}\n", package("xtask")),
        ),
        ("xtask/src/main.rs", "fn main() {}\n".to_owned()),
        ("tool/image/Cargo.toml", format!("{}{}", package("seatrial-image"), depends(""))),
        ("tool/image/src/main.rs", main.to_owned()),
        ("tool/image/src/lib.rs", String::new()),
        ("tool/shared/Cargo.toml", format!("{}[features]\nloud = []\n", package("shared"))),
        ("tool/shared/src/lib.rs", "pub const LOUD: bool = cfg!(feature = \"loud\");\n".to_owned()),
    ];
    write(checkout.path(), &files);

    assert_eq!(run(checkout.path(), cache.path(), Layout::Member, &[]).0, "quiet");
}

/// A project without an xtask, in a language of any kind.
#[test]
fn a_project_without_a_tool_of_its_own_installs_the_commit_that_it_names_once() {
    let dir = tempfile::tempdir().unwrap();
    let [source, checkout, cache] = ["source", "checkout", "cache"].map(|name| dir.path().join(name));
    // Of different lengths: git looks no further into a file of the same length and time.
    let write_tool = |version: &str| {
        let main = format!("fn main() {{ print!(\"{{{{\\\"uri\\\":\\\"{version}\\\"}}}}\") }}");
        let lock = "version = 4\n\n[[package]]\nname = \"seatrial-image\"\nversion = \"0.1.0\"\n";
        let files = [
            ("Cargo.toml", package("seatrial-image")),
            ("Cargo.lock", lock.to_owned()),
            ("src/main.rs", main),
        ];
        write(&source, &files);
        let git = |arguments: &[&str]| {
            let mut git = Command::new("git");
            git.args(["-c", "user.name=T", "-c", "user.email=t@example.com", "-C"])
                .arg(&source)
                .args(arguments);
            let output = git.output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        git(&["init", "--quiet"]);
        git(&["add", "."]);
        git(&["commit", "--quiet", "--message", version]);
        git(&["rev-parse", "HEAD"])
    };
    write(&checkout, &[("serve.py", String::new())]);
    let build = |commit: &str| {
        let installed = Installed::new(&format!("file://{}", source.display()), commit).unwrap();
        let home = dir.path().join("cargo");
        let buildspec = buildspec(&facts(ImageBuilder::Docker, ImageTarget::Gnu, installed));
        let output = run_script(
            &buildspec,
            &checkout,
            &cache,
            &[("CARGO_HOME", home.to_str().unwrap()), ("CARGO_NET_OFFLINE", "false")],
        );
        let (told, said) =
            (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert!(output.status.success(), "{said}");
        (told.split("IMAGE_URI=").nth(1).unwrap().to_owned(), said.contains("Installing"))
    };

    let one = write_tool("one");
    assert_eq!(build(&one), ("one".to_owned(), true));
    assert_eq!(build(&one), ("one".to_owned(), false));
    let other = write_tool("other");
    assert_eq!(build(&other), ("other".to_owned(), true));
    assert_eq!(build(&one), ("one".to_owned(), true));
}

/// It compiles here, and not where the repository alone is.
#[test]
fn a_tool_from_outside_of_the_repository_is_refused_by_name() {
    let (outside, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    unpack(outside.path(), "one", Layout::OwnWorkspace);
    let checkout = outside.path().join("project");
    fs::create_dir(&checkout).unwrap();
    fs::rename(outside.path().join("xtask"), checkout.join("xtask")).unwrap();
    let manifest = fs::read_to_string(checkout.join("xtask/Cargo.toml")).unwrap();
    fs::write(checkout.join("xtask/Cargo.toml"), manifest.replace("../tool", "../../tool")).unwrap();

    let refused = try_run(&checkout, cache.path(), Layout::OwnWorkspace, &[]);

    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(3), "{said}");
    assert!(said.contains("error: package seatrial-image is in ") && !said.contains("Compiling"), "{said}");
}

#[test]
fn a_tool_in_another_folder_of_a_project_that_is_compiled_for_another_machine_runs_here() {
    let (checkout, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    unpack(checkout.path(), "one", Layout::OwnWorkspace);
    let config = "[build]\ntarget = 'wasm32-unknown-unknown'\n".to_owned();
    write(checkout.path(), &[(".cargo/config.toml", config)]);
    fs::rename(checkout.path().join("xtask"), checkout.path().join("deploy")).unwrap();
    for file in ["Cargo.toml", "Cargo.lock"] {
        let path = checkout.path().join("deploy").join(file);
        let text = fs::read_to_string(&path).unwrap().replace("xtask", "deploy");
        fs::write(path, text).unwrap();
    }
    let place = Place { folder: "deploy".to_owned(), names_target: true, ..Layout::OwnWorkspace.into() };

    for _ in 0..2 {
        let ended = run_script(&plain(place.clone()), checkout.path(), cache.path(), &[]);
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "{said}");
        assert!(String::from_utf8_lossy(&ended.stdout).ends_with("IMAGE_URI=one --push"), "{said}");
    }
}

#[test]
fn the_buildspec_says_what_the_deploy_action_and_the_pipeline_expect() {
    let buildspec = plain(Layout::Member);

    assert_eq!(buildspec.artifacts.files, ["imageDetail.json", "taskdef.json", "appspec.yaml"]);
    assert_eq!(buildspec.env.exported_variables, ["IMAGE_URI"]);
    for phase in [&buildspec.phases.install, &buildspec.phases.build] {
        assert_eq!(phase.on_failure, OnFailure::Abort);
        assert!(phase.commands[0].starts_with("set -euo pipefail\n"));
    }
}

#[test]
fn builder_c_library_and_layout_are_the_only_things_that_change_it() {
    let one = plain(Layout::Member);
    let other = buildspec(&facts(ImageBuilder::Docker, ImageTarget::Musl, Layout::OwnWorkspace));
    let musl = buildspec(&facts(ImageBuilder::Cargo, ImageTarget::Musl, Layout::Member));
    assert!(
        musl.phases.install.commands[0].contains("rustup target add \"$(uname -m)-unknown-linux-musl\"\n")
    );
    let [install, build] = [&other.phases.install, &other.phases.build].map(|phase| &phase.commands[0]);
    assert!(build.contains("--push --builder docker "));
    assert_eq!(build.matches(" --manifest-path xtask/Cargo.toml").count(), 3);
    // A Dockerfile brings what it needs.
    assert!(!install.contains("glibc-static") && !install.contains("target add"));

    let same = build.replace(" --builder docker", "").replace(" --manifest-path xtask/Cargo.toml", "");
    assert_eq!(one.phases.build.commands, [same]);
    assert_eq!((one.env, one.artifacts, one.cache), (other.env, other.artifacts, other.cache));
}

#[test]
fn the_types_that_write_the_buildspec_read_it_back() {
    for layout in [Layout::Member, Layout::OwnWorkspace] {
        let text = render(&facts(ImageBuilder::Docker, ImageTarget::Musl, layout)).unwrap();
        let read: BuildSpec = serde_yaml::from_str(&text).unwrap();
        assert_eq!(read, buildspec(&facts(ImageBuilder::Docker, ImageTarget::Musl, layout)));
        // Who reads the file reads the scripts line by line.
        assert!(text.contains("\n    - |\n      set -euo pipefail\n"), "{text}");
    }
}

#[test]
fn a_member_that_is_not_known_is_refused_by_name() {
    let text = render(&facts(ImageBuilder::Cargo, ImageTarget::Gnu, Layout::Member)).unwrap();
    let error = serde_yaml::from_str::<BuildSpec>(&text.replacen("on-failure:", "on-failrue:", 1));
    assert!(error.unwrap_err().to_string().contains("unknown field `on-failrue`"));
}

#[test]
fn the_pinned_toolchain_is_the_workspaces() {
    let manifest = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml")).unwrap();
    assert!(manifest.contains(&format!("rust-version = \"{}\"", TOOLCHAIN.trim_end_matches(".0"))));
}

#[test]
fn the_program_of_the_steps_is_handed_over_beside_the_deploy_actions_files_only_where_it_is_wanted() {
    let mut facts = facts(ImageBuilder::Cargo, ImageTarget::Gnu, Layout::Member);
    assert!(!render(&facts).unwrap().contains("release-program"));
    assert!(!render(&facts).unwrap().contains("secondary-artifacts"));
    facts.hands_over_program = true;

    let artifacts = buildspec(&facts).artifacts;

    // With several output artifacts CodeBuild looks at the secondary ones alone.
    let [output, program] =
        ["BuildOutput", "ReleaseProgram"].map(|name| &artifacts.secondary_artifacts[name]);
    assert_eq!((&output.base_directory, &output.files), (&artifacts.base_directory, &artifacts.files));
    assert_eq!(program.files, ["seatrial-image"]);
    assert_eq!(artifacts.secondary_artifacts.len(), 2);
    let read: BuildSpec = serde_yaml::from_str(&render(&facts).unwrap()).unwrap();
    assert_eq!(read, buildspec(&facts));
}

#[test]
fn the_program_that_is_handed_over_is_the_one_that_built_the_image() {
    let (checkout, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    unpack(checkout.path(), "one", Layout::Member);
    let mut facts = facts(ImageBuilder::Cargo, ImageTarget::Gnu, Layout::Member);
    facts.hands_over_program = true;

    let built = run_script(&buildspec(&facts), checkout.path(), cache.path(), &[]);

    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let program =
        Command::new(checkout.path().join("release-program/seatrial-image")).arg("migrate").output();
    assert_eq!(String::from_utf8_lossy(&program.unwrap().stdout), "{\"uri\":\"one migrate\"}\n");
}
