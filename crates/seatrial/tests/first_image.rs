//! The first image: its source in the artifact bucket, and how a refusal of the image's build ends a command.

#![expect(clippy::unwrap_used, reason = "a test that cannot be prepared has failed")]

mod support;

use std::io::{BufRead as _, BufReader, Lines};
use std::process::{Child, ChildStderr, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use support::emulator::Emulator;
use support::fixture::LOCAL;
use support::{Ended, Project};

#[test]
fn an_image_that_is_refused_ends_with_a_hint_and_nothing_changed() {
    let project = Project::new();
    std::fs::create_dir(project.path("empty")).unwrap();

    let mut command = project.xtask(&["build-image"]);
    let ended = Ended::of(command.env("PATH", project.path("empty")).output().unwrap());

    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    assert!(ended.stderr.contains("error: rustc is not on PATH"), "{}", ended.stderr);
    assert!(ended.stderr.contains("\nhint: install Rust "), "{}", ended.stderr);

    // A toolchain that knows no other target.
    project.write("empty/rustc", "#!/bin/sh\nexit 1\n");
    let all = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(project.path("empty/rustc"), all).unwrap();
    let mut command = project.xtask(&["build-image"]);
    let ended = Ended::of(command.env("PATH", project.path("empty")).output().unwrap());

    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    assert!(ended.stderr.contains("error: Rust target `"), "{}", ended.stderr);
    assert!(ended.stderr.contains("\nhint: run `rustup target add "), "{}", ended.stderr);
}

#[test]
fn a_first_build_that_fails_leaves_no_source_behind_and_two_never_share_one() {
    let emulator = first_image_alone("test -f infra/project.yml && echo the source came, exit 7");

    for _ in 0..2 {
        let ended = emulator.run(&PROVISION);
        assert_eq!(ended.code, Some(4), "{}", ended.stderr);
        assert!(ended.stderr.contains("the source came"), "{}", ended.stderr);
    }

    let sources = emulator.build_sources(LOCAL);
    assert_eq!(sources.len(), 2);
    assert_ne!(sources[0], sources[1]);
    assert_no_source_is_left(&emulator, &sources[0]);
}

#[test]
fn a_first_build_that_was_left_running_keeps_its_source_and_is_joined_by_the_next_run() {
    let emulator = first_image_alone(
        "echo begun, for _ in $(seq 1200); do test -f GO && break; sleep 0.05; done, exit 7",
    );
    let mut first = Told::start(emulator.xtask(&PROVISION));
    first.until("begun");
    first.interrupt();
    assert_eq!(first.end(), Some(130));
    let sources = emulator.build_sources(LOCAL);
    let (bucket, key) = sources[0].split_once('/').unwrap();
    assert_eq!(emulator.keys_of(bucket), Some(vec![key.to_owned()]));

    let mut second = Told::start(emulator.xtask(&PROVISION));
    second.until("runs already");
    emulator.project.write("go", "");

    assert_eq!(second.end(), Some(4));
    assert_eq!(emulator.build_sources(LOCAL), sources);
    assert_no_source_is_left(&emulator, &sources[0]);
}

const PROVISION: [&str; 4] = ["provision", "--yes", "--environment", "local"];

/// A project of which nothing is made but the first image, by these commands; `GO` stands for its file `go`.
fn first_image_alone(commands: &str) -> Emulator {
    let emulator = Emulator::start();
    for file in std::fs::read_dir(emulator.project.path("infra/stacks")).unwrap() {
        let path = file.unwrap().path();
        if !["registry.yml", "cluster.yml", "build.yml"].iter().any(|needed| path.ends_with(needed)) {
            std::fs::remove_file(path).unwrap();
        }
    }
    // A service wants an image; this one waits for it in vain.
    emulator.project.write("infra/stacks/service.yml", "Resources:\n  Service: {Type: AWS::ECS::Service}\n");
    let buildspec = format!("version: 0.2\nphases:\n  build:\n    commands: [{commands}]\n");
    let buildspec = buildspec.replace("GO", emulator.project.path("go").to_str().unwrap());
    emulator.project.write(".aws/buildspec.yml", &buildspec);
    // A commit stays the same while a build writes beside it.
    let identity = ["-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "commit.gpgsign=false"];
    for arguments in
        [&["init", "--quiet"][..], &["add", ".aws", "infra"], &["commit", "--quiet", "-m", "one"]]
    {
        seatrial_git::bytes(&emulator.project.path(""), &[&identity, arguments].concat()).unwrap();
    }
    emulator
}

/// Neither as an object nor as a version that is hidden by a delete marker.
#[track_caller]
fn assert_no_source_is_left(emulator: &Emulator, source: &str) {
    let (bucket, _) = source.split_once('/').unwrap();
    assert_eq!(emulator.keys_of(bucket), Some(Vec::new()));
}

/// A run of the tool whose lines are read while it runs.
struct Told {
    child: Child,
    lines: Lines<BufReader<ChildStderr>>,
}

impl Told {
    fn start(mut command: Command) -> Self {
        let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, lines }
    }

    /// Reads until a line holds this.
    #[track_caller]
    fn until(&mut self, words: &str) {
        let found = self.lines.by_ref().map_while(Result::ok).any(|line| line.contains(words));
        assert!(found, "ended without `{words}`");
    }

    fn interrupt(&self) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), Signal::SIGTERM).unwrap();
    }

    fn end(mut self) -> Option<i32> {
        self.lines.by_ref().for_each(drop);
        self.child.wait().unwrap().code()
    }
}
