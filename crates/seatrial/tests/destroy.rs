//! What `destroy` and `local reset` delete, and what they never do.

mod support;

use std::os::unix::fs::symlink;

use support::emulator::Emulator;
use support::fixture::{LOCAL, PROJECT};
use support::{Ended, Project};

/// A stack of two buckets with names, under one deletion policy.
fn buckets_of(project: &str, short: &str, policy: &str) -> String {
    let bucket = |logical_id: &str, name: &str| {
        let name = format!("{project}-{short}-{name}");
        format!(
            "  {logical_id}:\n    Type: AWS::S3::Bucket\n{policy}    Properties: {{BucketName: {name}}}\n"
        )
    };
    format!("Resources:\n{}{}", bucket("ArtifactBucket", "artifacts"), bucket("Media", "media"))
}

/// Our own stack and a user's, each with a bucket of the artifact bucket's logical ID and one of another, under every
/// policy: only what our own stack deletes is emptied.
#[test]
fn no_bucket_is_emptied_but_the_artifact_bucket_of_a_stack_that_deletes_it() {
    let emulator = Emulator::start();
    let mut before = PROJECT.to_owned();
    let policies = [("", true), ("Delete", true), ("Retain", false), ("RetainExceptOnCreate", false)];
    for (number, (policy, deletes)) in policies.into_iter().enumerate() {
        // A project for each: what is left of one is not the next one's.
        let project = format!("round{number}");
        emulator.project.edit(&format!("project: {before}"), &format!("project: {project}"));
        let attribute =
            if policy.is_empty() { String::new() } else { format!("    DeletionPolicy: {policy}\n") };
        for stack in ["build", "media"] {
            emulator.create_stack(&project, stack, &buckets_of(&project, stack, &attribute));
            for bucket in ["artifacts", "media"] {
                emulator.put_object(&format!("{project}-{stack}-{bucket}"), "object");
            }
        }

        let ended = emulator.run(&["destroy", "--yes", "--environment", "local", "--output", "json"]);

        let outcome: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
        // A bucket that holds something keeps its stack; one that is retained does not.
        assert_eq!(ended.code, Some(if deletes { 4 } else { 0 }), "{policy}: {}", ended.stderr);
        for (stack, bucket) in
            [("build", "artifacts"), ("build", "media"), ("media", "artifacts"), ("media", "media")]
        {
            let name = format!("{project}-{stack}-{bucket}");
            let emptied = deletes && (stack, bucket) == ("build", "artifacts");
            let keys = emulator.keys_of(&name).unwrap_or_default();
            assert_eq!(keys.is_empty(), emptied, "{policy}: {name}: {keys:?}");
            let kept = outcome["kept"].as_array().unwrap().iter();
            let listed = kept.filter(|kept| kept.as_str().unwrap().ends_with(&name)).count();
            assert_eq!(listed, usize::from(!deletes), "{policy}: {name}: {outcome}");
        }
        before = project;
    }
}

#[test]
fn only_an_environment_that_was_typed_is_destroyed_without_a_question() {
    let emulator = Emulator::start();
    emulator.create_stack(PROJECT, "cluster", "Resources:\n  Group: {Type: AWS::Logs::LogGroup}\n");
    let from_variable = |arguments: &[&str]| {
        Ended::of(emulator.xtask(arguments).env("XTASK_ENVIRONMENT", "local").output().unwrap())
    };

    let stack = || emulator.status_of(&format!("{LOCAL}-cluster"));
    for arguments in [&["destroy", "--yes"][..], &["destroy"], &["destroy", "--environment", "local"]] {
        let ended = from_variable(arguments);
        assert_eq!(ended.code, Some(3), "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.contains("error: environment `local` would be deleted"), "{}", ended.stderr);
        assert_eq!(stack().as_deref(), Some("CREATE_COMPLETE"), "{arguments:?}");
    }
    assert_eq!(from_variable(&["--environment", "local", "destroy", "--yes"]).code, Some(0));
    assert_eq!(stack(), None);
}

#[test]
fn a_folder_with_other_files_is_no_data_directory_and_stays_as_it_is() {
    let foreign: [&[&str]; 4] =
        [&["thesis.txt"], &[".hidden"], &["s3", "lock", "state.jsonl"], &["daemon.json"]];
    for foreign in foreign {
        let project = Project::new();
        let folder = project.path("local-cloud");
        std::fs::create_dir(&folder).unwrap();
        foreign.iter().for_each(|file| std::fs::write(folder.join(file), file).unwrap());

        for arguments in
            [&["local", "start"][..], &["local", "reset", "--yes"], &["destroy", "--yes"], &["status"]]
        {
            project.run(arguments).refused("data directory `");
        }

        let mut left: Vec<_> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        let mut expected = foreign.to_vec();
        expected.sort_unstable();
        assert_eq!(left, expected);
        foreign
            .iter()
            .for_each(|file| assert_eq!(std::fs::read_to_string(folder.join(file)).unwrap(), *file));
    }
}

#[test]
fn foreign_files_in_a_data_directory_stay_and_are_named() {
    for arguments in [&["destroy"][..], &["local", "reset", "--yes"]] {
        let project = Project::new();
        let folder = project.path("local-cloud");
        // An empty folder that is there already is as good as a new one.
        std::fs::create_dir(&folder).unwrap();
        let started = project.run(&["local", "start", "--port", "0"]);
        assert_eq!(started.code, Some(0), "{}", started.stderr);
        let random = || tempfile::Builder::new().prefix("").rand_bytes(12).tempfile_in(&folder).unwrap();
        let files: Vec<_> = (0..4).map(|_| random()).collect();
        let nested = folder.join("photos/2026");
        std::fs::create_dir_all(&nested).unwrap();
        std::fs::write(nested.join("one.jpg"), "mine").unwrap();
        // What a link leads to is nobody's business, even if the link has a name of ours.
        let outside = project.path("outside");
        std::fs::create_dir(&outside).unwrap();
        std::fs::write(outside.join("kept"), "mine").unwrap();
        let _ = std::fs::remove_dir_all(folder.join("images"));
        symlink(&outside, folder.join("images")).unwrap();

        let ended = project.run(arguments);

        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert!(files.iter().all(|file| file.path().exists()));
        assert!(nested.join("one.jpg").exists() && outside.join("kept").exists());
        for path in files.iter().map(tempfile::NamedTempFile::path).chain([folder.join("photos").as_path()]) {
            assert!(ended.stdout.contains(&format!("`{}`", path.display())), "{}", ended.stdout);
        }
        assert!(!folder.join("state.jsonl").exists() && !folder.join("images").is_symlink());
        // It is still the local cloud's: it starts there again, and once alone leaves nothing.
        assert_eq!(project.run(&["local", "start", "--port", "0"]).code, Some(0));
        drop(files);
        std::fs::remove_dir_all(folder.join("photos")).unwrap();
        assert_eq!(project.run(&["local", "reset", "--yes"]).code, Some(0));
        assert!(!folder.exists());
    }
}
