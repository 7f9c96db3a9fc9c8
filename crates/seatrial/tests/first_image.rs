//! The first image: its source in the artifact bucket, and how a refusal of the image's build ends a command.

mod support;

use support::emulator::Emulator;
use support::fixture::LOCAL;
use support::{Ended, Project};

#[test]
fn an_image_that_is_refused_ends_with_a_hint_and_nothing_changed() {
    let project = Project::new();
    std::fs::create_dir(project.path("empty")).unwrap();

    // Without rustc no target is installed.
    let mut command = project.xtask(&["build-image"]);
    let ended = Ended::of(command.env("PATH", project.path("empty")).output().unwrap());

    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    assert!(ended.stderr.contains("error: Rust target `"), "{}", ended.stderr);
    assert!(ended.stderr.contains("\nhint: run `rustup target add "), "{}", ended.stderr);
}

#[test]
fn a_first_build_that_fails_leaves_no_source_behind_and_two_never_share_one() {
    let emulator = Emulator::start();
    for file in std::fs::read_dir(emulator.project.path("infra/stacks")).unwrap() {
        let path = file.unwrap().path();
        if !["registry.yml", "cluster.yml", "build.yml"].iter().any(|needed| path.ends_with(needed)) {
            std::fs::remove_file(path).unwrap();
        }
    }
    // A service wants an image; this one waits for it in vain.
    emulator.project.write("infra/stacks/service.yml", "Resources:\n  Service: {Type: AWS::ECS::Service}\n");
    let buildspec = "version: 0.2\nphases:\n  build:\n    commands: [test -f infra/project.yml && echo the source came, exit 7]\n";
    emulator.project.write(".aws/buildspec.yml", buildspec);

    for _ in 0..2 {
        let ended = emulator.run(&["provision", "--yes", "--environment", "local"]);
        assert_eq!(ended.code, Some(4), "{}", ended.stderr);
        assert!(ended.stderr.contains("the source came"), "{}", ended.stderr);
    }

    let sources = emulator.build_sources(LOCAL);
    assert_eq!(sources.len(), 2);
    assert_ne!(sources[0], sources[1]);
    let (bucket, _) = sources[0].split_once('/').unwrap();
    // Neither as an object nor as a version that is hidden by a delete marker.
    assert_eq!(emulator.keys_of(bucket), Some(Vec::new()));
}
