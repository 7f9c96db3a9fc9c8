//! Builds that are killed in the middle of a compilation.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use crate::fixture::{Clock, Fixture, domain};

/// Long enough for a compilation on a busy machine; a build that skips what it should compile is not waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// `seatrial-image` on the fixture, in a process group of its own.
fn start(fixture: &Fixture, pipes: Option<&Path>) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seatrial-image"));
    command.args(["--repository", "localhost:1/shop"]).current_dir(fixture.path(""));
    // The tool adds `image` to it.
    command.env("BUILD_CACHE_DIR", fixture.beside()).env_remove("ENVIRONMENT_NAME");
    command.envs(pipes.map(|pipes| ("FIXTURE_PIPES", pipes)));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).process_group(0);
    command.spawn().unwrap()
}

/// By which the build script of the fixture and the test tell each other where they are.
struct Pipes(PathBuf);

impl Pipes {
    fn new(fixture: &Fixture) -> Self {
        let folder = fixture.beside().join("pipes");
        fs::create_dir(&folder).unwrap();
        let mut command = Command::new("mkfifo");
        assert!(command.arg(folder.join("started")).arg(folder.join("gate")).status().unwrap().success());
        Self(folder)
    }
}

impl Drop for Pipes {
    /// Whoever still waits at the gate of a test that has failed may go; opened both ways, a pipe blocks nobody.
    fn drop(&mut self) {
        let _ = File::options().read(true).write(true).open(self.0.join("gate"));
    }
}

/// The two states of the sources, both dated so that cargo sees no difference.
fn sources(fixture: &Fixture, version: u32) {
    fixture.write("crates/domain/src/lib.rs", &domain(version), Clock::Year2000);
    fixture.write("data/data.txt", &version.to_string(), Clock::Year2000);
}

/// A build that has begun, and is in the middle of it.
fn half_built(fixture: &Fixture, pipes: &Pipes) -> Child {
    let build = start(fixture, Some(&pipes.0));
    // Read as soon as the build script is there: its list of the data is made, the library perhaps compiled.
    let (sender, receiver) = mpsc::channel();
    let started = pipes.0.join("started");
    std::thread::spawn(move || sender.send(fs::read(started)));
    receiver.recv_timeout(PATIENCE).unwrap().unwrap();
    build
}

async fn must_be_as_from_nothing(fixture: &Fixture, version: u32) {
    let output = Command::new(fixture.binary_of_tool()).output().unwrap();
    let output = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output, fixture.build_from_nothing().await.output);
    assert!(output.contains(&format!("constant {version}\n")), "{output}");
}

#[track_caller]
fn finish(build: Child) {
    let output = build.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn after_a_build_that_was_killed_with_its_compiler_every_next_one_is_right() {
    let fixture = Fixture::new();
    let pipes = Pipes::new(&fixture);
    sources(&fixture, 1);
    finish(start(&fixture, None));
    // Back to what was there before the killed build, and on to what never was.
    for version in [1, 3] {
        sources(&fixture, 2);
        let mut build = half_built(&fixture, &pipes);
        let group = Pid::from_raw(build.id().try_into().unwrap()).unwrap();
        kill_process_group(group, Signal::KILL).unwrap();
        build.wait().unwrap();
        sources(&fixture, version);
        finish(start(&fixture, None));
        must_be_as_from_nothing(&fixture, version).await;
    }
}

/// The compiler lives on, with what it read before.
#[tokio::test]
async fn after_a_build_that_was_killed_alone_the_next_waits_for_the_compiler_that_was_left() {
    let fixture = Fixture::new();
    let pipes = Pipes::new(&fixture);
    let mut build = half_built(&fixture, &pipes);
    build.kill().unwrap();
    build.wait().unwrap();
    sources(&fixture, 2);

    let mut next = start(&fixture, None);
    let lines = BufReader::new(next.stderr.take().unwrap()).lines();
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| sender.send(line)));
    while !receiver.recv_timeout(PATIENCE).unwrap().starts_with("waiting for another build") {}
    // Opens the gate: the left compiler goes on.
    fs::write(pipes.0.join("gate"), "").unwrap();
    assert!(next.wait().unwrap().success(), "{:?}", receiver.iter().collect::<Vec<_>>());
    must_be_as_from_nothing(&fixture, 2).await;
}
