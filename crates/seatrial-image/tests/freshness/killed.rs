//! Builds that are killed in the middle of a compilation.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::fixture::{Clock, Fixture, domain};

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

fn pipes(fixture: &Fixture) -> PathBuf {
    let folder = fixture.beside().join("pipes");
    fs::create_dir(&folder).unwrap();
    let made = Command::new("mkfifo").arg(folder.join("started")).arg(folder.join("gate")).status().unwrap();
    assert!(made.success());
    folder
}

/// The two states of the sources, both dated so that cargo sees no difference.
fn sources(fixture: &Fixture, version: u32) {
    fixture.write("crates/domain/src/lib.rs", &domain(version), Clock::Year2000);
    fixture.write("data/data.txt", &version.to_string(), Clock::Year2000);
}

/// A build that has begun, and is in the middle of it.
fn half_built(fixture: &Fixture, pipes: &Path) -> Child {
    let build = start(fixture, Some(pipes));
    // Blocks until the build script is there: its list of the data is made, the library perhaps compiled.
    fs::read(pipes.join("started")).unwrap();
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
    let pipes = pipes(&fixture);
    sources(&fixture, 1);
    finish(start(&fixture, None));
    // Back to what was there before the killed build, and on to what never was.
    for version in [1, 3] {
        sources(&fixture, 2);
        let mut build = half_built(&fixture, &pipes);
        let group = format!("-{}", build.id());
        assert!(Command::new("kill").args(["-KILL", "--", &group]).status().unwrap().success());
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
    let pipes = pipes(&fixture);
    let mut build = half_built(&fixture, &pipes);
    build.kill().unwrap();
    build.wait().unwrap();
    sources(&fixture, 2);

    let mut next = start(&fixture, None);
    let mut lines = BufReader::new(next.stderr.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("waiting for another build") {
        line.clear();
        assert_ne!(lines.read_line(&mut line).unwrap(), 0, "it did not wait");
    }
    // Opens the gate: the left compiler goes on.
    fs::write(pipes.join("gate"), "").unwrap();
    let mut rest = String::new();
    lines.read_to_string(&mut rest).unwrap();
    assert!(next.wait().unwrap().success(), "{rest}");
    must_be_as_from_nothing(&fixture, 2).await;
}
