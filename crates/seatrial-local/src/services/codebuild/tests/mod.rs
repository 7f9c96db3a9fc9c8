//! Builds that really run: bash and sh, real zips, a restart in between.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::store::Build;
use super::*;
use crate::archive;
use crate::services::logs::GetLogEvents;
use crate::services::s3::objects::{self, Place};
use crate::tests::{cloud_with, operator, prepare_builds};

mod role;
mod secrets;

fn cloud(dir: &Path) -> Cloud {
    cloud_with(dir, dir, 1.0, crate::services::register)
}

/// Each file of `files` as a zip at `bucket/source.zip`.
async fn put_source(cloud: &Cloud, dir: &Path, files: &[(&str, &str)]) {
    let tree = dir.join("tree");
    for (name, text) in files {
        let path = tree.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let bytes = archive::pack(&archive::walk(&tree, |_| true).unwrap()).unwrap();
    objects::put(cloud, &operator(), Place::latest("bucket", "source.zip"), &bytes).await.unwrap();
}

async fn call(cloud: &Cloud, operation: &str, input: Value) -> Value {
    crate::tests::call(cloud, &format!("codebuild:{operation}"), input).await.unwrap()
}

async fn create_project(cloud: &Cloud) {
    prepare_builds(cloud).await;
    let input = json!({
        "name": "app-build",
        "source": { "type": "S3", "location": "bucket/source.zip" },
        "artifacts": { "type": "S3", "location": "bucket", "name": "out.zip", "packaging": "ZIP" },
        "cache": { "type": "LOCAL", "modes": ["LOCAL_CUSTOM_CACHE"] },
        "environment": {
            "type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0", "computeType": "BUILD_GENERAL1_SMALL",
            "environmentVariables": [{ "name": "LEVEL", "value": "project" }, { "name": "OTHER", "value": "project" }],
        },
        "serviceRole": "arn:aws:iam::000000000000:role/build",
    });
    call(cloud, "CreateProject", input).await;
}

async fn start(cloud: &Cloud, input: Value) -> String {
    let mut input = input;
    input["projectName"] = json!("app-build");
    let answer = call(cloud, "StartBuild", input).await;
    answer["build"]["id"].as_str().unwrap().to_owned()
}

async fn wait(cloud: &Cloud, id: &str, reached: impl Fn(&Build) -> bool) -> Build {
    let part = cloud.part::<store::CodeBuild>();
    let find = || part.builds.get(id).map(|record| record.build).filter(|build| reached(build));
    match cloud.wait_until(Duration::from_secs(20), find).await {
        Some(build) => build,
        None => panic!("{:#?}", part.builds.get(id)),
    }
}

async fn build(cloud: &Cloud, buildspec: &str) -> Build {
    let id = start(cloud, json!({ "buildspecOverride": buildspec })).await;
    wait(cloud, &id, Build::ended).await
}

/// The lines of the build's log stream.
async fn lines(cloud: &Cloud, build: &Build) -> Vec<String> {
    let input = GetLogEvents {
        log_group_name: build.logs.group_name.clone(),
        log_stream_name: build.logs.stream_name.clone().unwrap(),
        start_from_head: Some(true),
        ..GetLogEvents::default()
    };
    let answer = cloud.call(&operator(), input).await.unwrap();
    answer.events.into_iter().map(|event| event.message.trim_end().to_owned()).collect()
}

fn phase<'a>(build: &'a Build, name: &str) -> Option<&'a store::Phase> {
    build.phases.iter().find(|phase| phase.phase_type == name)
}

#[tokio::test]
async fn a_build_runs_the_buildspec_of_its_source_and_uploads_what_it_names() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud(dir.path());
    create_project(&cloud).await;
    let spec = "version: 0.2\nenv:\n  shell: bash\n  variables: {LEVEL: spec, FROM: spec}\n  \
                secrets-manager: {PASSWORD: 'db:password'}\n  exported-variables: [RESULT, PASSWORD]\n\
                phases:\n  install: {commands: ['[[ -z ${AWS_PROFILE:-} ]]', 'set -euo pipefail']}\n  \
                build:\n    commands:\n      - export RESULT=$FROM-$LEVEL-$OTHER\n      - |\n        \
                echo \"password $PASSWORD\"\n        mkdir -p out/deep\n  \
                post_build: {commands: ['echo $RESULT > out/deep/result.txt', 'env > out/env']}\n\
                artifacts: {files: ['**/*'], base-directory: out}\n";
    put_source(&cloud, dir.path(), &[("buildspec.yml", spec)]).await;
    let before = cloud.journal().entries().len();

    let id =
        start(&cloud, json!({ "environmentVariablesOverride": [{ "name": "LEVEL", "value": "build" }] }));
    let built = wait(&cloud, &id.await, Build::ended).await;

    assert_eq!(built.build_status, "SUCCEEDED", "{built:#?}");
    let names: Vec<_> = built.phases.iter().map(|phase| phase.phase_type.as_str()).collect();
    let all = "SUBMITTED QUEUED PROVISIONING DOWNLOAD_SOURCE INSTALL PRE_BUILD BUILD POST_BUILD UPLOAD_ARTIFACTS \
               FINALIZING COMPLETED";
    assert_eq!(names.join(" "), all);
    let exported: Vec<_> = built.exported_environment_variables.iter().map(|v| v.value.as_str()).collect();
    assert_eq!(exported, ["spec-build-project"]);
    let by_role =
        |entry: &crate::journal::Entry| entry.principal.contains(":assumed-role/build/AWSCodeBuild-");
    let entries = cloud.journal().entries();
    assert!(entries[before..].iter().filter(|entry| entry.service == "s3").all(by_role));
    let zip = objects::get(&cloud, &operator(), Place::latest("bucket", "out.zip")).await.unwrap();
    assert_eq!(archive::read(&zip, "deep/result.txt").unwrap().unwrap(), b"spec-build-project\n");
    let env = String::from_utf8(archive::read(&zip, "env").unwrap().unwrap()).unwrap();
    assert!(!env.contains("AWS_ACCESS_KEY_ID") && !env.contains("AWS_SECRET"), "{env}");
    assert!(!env.contains("CARGO_PKG_NAME"), "{env}");
    let log = lines(&cloud, &built).await.join("\n");
    assert!(log.contains("password ***") && !log.contains("hunter22"), "{log}");
    assert!(log.contains("Phase complete: POST_BUILD State: SUCCEEDED"));
}

#[tokio::test]
async fn a_failed_build_runs_post_build_unless_it_aborts_and_finally_always() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud(dir.path());
    create_project(&cloud).await;
    put_source(&cloud, dir.path(), &[("a", "a")]).await;
    let spec = |on_failure: &str| {
        format!(
            "version: 0.2\nphases:\n  build:\n    {on_failure}\n    commands: ['echo try', 'exit 3', 'echo not']\n    \
             finally: ['echo cleanup']\n  post_build: {{commands: ['echo post $CODEBUILD_BUILD_SUCCEEDING']}}\n"
        )
    };

    let built = build(&cloud, &spec("")).await;
    let aborted = build(&cloud, &spec("on-failure: ABORT")).await;
    let retried = build(&cloud, &spec("on-failure: RETRY-2")).await;

    assert_eq!((built.build_status.as_str(), aborted.build_status.as_str()), ("FAILED", "FAILED"));
    let first = lines(&cloud, &built).await;
    let failed = phase(&built, "BUILD").unwrap();
    assert_eq!(failed.contexts[0].status_code, "COMMAND_EXECUTION_ERROR");
    assert!(failed.contexts[0].message.ends_with("exit 3. Reason: exit status 3"));
    for expected in ["cleanup", "post 0"] {
        assert!(first.iter().any(|line| line == expected), "{expected}: {first:#?}");
    }
    assert!(!first.iter().any(|line| line == "not"));
    assert!(phase(&built, "POST_BUILD").is_some() && phase(&aborted, "POST_BUILD").is_none());
    assert!(phase(&aborted, "UPLOAD_ARTIFACTS").is_some());
    assert_eq!(retried.build_status, "FAILED");
    let tries = async |build| lines(&cloud, build).await.iter().filter(|line| *line == "try").count();
    assert_eq!((tries(&aborted).await, tries(&retried).await), (1, 3));
}

/// Recorded logs of CodeBuild have the whole script, with the line break at its end.
#[tokio::test]
async fn a_script_of_several_lines_that_fails_is_told_whole() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud(dir.path());
    create_project(&cloud).await;
    put_source(&cloud, dir.path(), &[("a", "a")]).await;

    let built = build(
        &cloud,
        "version: 0.2\nphases:\n  build:\n    commands:\n      - |\n        echo one\n        false\n",
    )
    .await;

    let context = &phase(&built, "BUILD").unwrap().contexts[0];
    assert_eq!(context.status_code, "COMMAND_EXECUTION_ERROR");
    assert_eq!(context.message, "Error while executing command: echo one\nfalse\n. Reason: exit status 1");
}

#[tokio::test]
async fn builds_beyond_their_projects_limit_wait_in_line() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud(dir.path());
    create_project(&cloud).await;
    put_source(&cloud, dir.path(), &[("a", "a")]).await;
    call(&cloud, "UpdateProject", json!({ "name": "app-build", "concurrentBuildLimit": 1 })).await;
    let spec = |command: &str| {
        let spec = format!(
            "version: 0.2\nphases: {{build: {{commands: ['{command}']}}}}\nartifacts: {{files: [a]}}\n"
        );
        json!({ "buildspecOverride": spec })
    };
    let is_queued = |build: &Build| build.current_phase == "QUEUED" && !build.ended();

    let first = start(&cloud, spec("sleep 600")).await;
    wait(&cloud, &first, |build| build.current_phase == "BUILD").await;
    let second = start(&cloud, spec("true")).await;
    let third = start(&cloud, spec("true")).await;
    let mut late = spec("true");
    late["queuedTimeoutInMinutesOverride"] = json!(0);
    let late = start(&cloud, late).await;
    let late = wait(&cloud, &late, Build::ended).await;
    wait(&cloud, &second, is_queued).await;
    wait(&cloud, &third, is_queued).await;
    call(&cloud, "StopBuild", json!({ "id": second })).await;
    let second = wait(&cloud, &second, Build::ended).await;
    wait(&cloud, &third, is_queued).await;
    call(&cloud, "StopBuild", json!({ "id": first })).await;
    let third = wait(&cloud, &third, Build::ended).await;

    assert_eq!(late.build_status, "TIMED_OUT");
    assert_eq!(second.build_status, "STOPPED");
    assert_eq!(phase(&second, "QUEUED").unwrap().phase_status.as_deref(), Some("STOPPED"));
    assert!(phase(&second, "PROVISIONING").is_none());
    assert_eq!(third.build_status, "SUCCEEDED");
    call(&cloud, "UpdateProject", json!({ "name": "app-build", "concurrentBuildLimit": -1 })).await;
    let project = call(&cloud, "BatchGetProjects", json!({ "names": ["app-build"] })).await;
    assert!(project["projects"][0].get("concurrentBuildLimit").is_none());
}

#[tokio::test]
async fn a_build_that_takes_too_long_is_ended_and_secondary_artifacts_go_where_they_belong() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud(dir.path());
    create_project(&cloud).await;
    put_source(&cloud, dir.path(), &[("a", "a"), ("b", "b")]).await;
    let spec = "version: 0.2\nphases: {build: {commands: ['true']}}\nartifacts:\n  files: [a]\n  \
                secondary-artifacts: {other: {files: [b], name: other.zip}}\n";
    let other = json!([{
        "type": "S3", "location": "bucket", "name": "other.zip", "packaging": "ZIP", "artifactIdentifier": "other",
    }]);
    let input = json!({ "buildspecOverride": spec, "secondaryArtifactsOverride": other });
    let mut hurried = input.clone();
    hurried["timeoutInMinutesOverride"] = json!(0);

    let built = start(&cloud, input).await;
    let built = wait(&cloud, &built, Build::ended).await;
    let hurried = start(&cloud, hurried).await;
    let hurried = wait(&cloud, &hurried, Build::ended).await;

    assert_eq!(built.build_status, "SUCCEEDED", "{built:#?}");
    assert_eq!(built.secondary_artifacts[0].artifact_identifier.as_deref(), Some("other"));
    let zip = objects::get(&cloud, &operator(), Place::latest("bucket", "other.zip")).await.unwrap();
    assert_eq!(archive::read(&zip, "b").unwrap().unwrap(), b"b");
    assert!(archive::read(&zip, "a").unwrap().is_none());
    assert_eq!(hurried.build_status, "TIMED_OUT");
}

#[tokio::test]
async fn a_missing_or_faulty_buildspec_fails_download_source() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud(dir.path());
    create_project(&cloud).await;
    put_source(&cloud, dir.path(), &[("a", "a")]).await;

    let faulty = build(&cloud, "version: 0.2\nphases: {nothing: {}}\n").await;
    let missing = start(&cloud, json!({})).await;
    let missing = wait(&cloud, &missing, Build::ended).await;

    for (built, message) in [(&faulty, "Unknown phase: nothing"), (&missing, "no such file or directory")] {
        assert_eq!(built.build_status, "FAILED");
        let context = &phase(built, "DOWNLOAD_SOURCE").unwrap().contexts[0];
        assert_eq!(context.status_code, "YAML_FILE_ERROR");
        assert!(context.message.contains(message), "{context:?}");
        assert!(phase(built, "INSTALL").is_none());
    }
}

#[tokio::test]
async fn the_cache_is_there_for_the_next_build_and_paths_stay_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud(dir.path());
    create_project(&cloud).await;
    put_source(&cloud, dir.path(), &[("a", "a")]).await;
    let spec = "version: 0.2\nenv: {exported-variables: [N, PLACE]}\nphases:\n  build:\n    commands:\n      - mkdir -p target\n      \
                - echo x >> target/count\n      - export N=$(wc -l < target/count) PLACE=$PWD\n\
                artifacts: {files: [a]}\ncache: {paths: ['target/**/*']}\n";

    let mut exported = Vec::new();
    for _ in 0..2 {
        exported.push(build(&cloud, spec).await.exported_environment_variables);
    }

    let value = |round: usize, name: &str| {
        exported[round].iter().find(|variable| variable.name == name).unwrap().value.clone()
    };
    assert_eq!((value(0, "N"), value(1, "N")), ("1".to_owned(), "2".to_owned()));
    assert_eq!(value(0, "PLACE"), value(1, "PLACE"));
}

#[tokio::test]
async fn a_build_is_stopped_and_one_whose_host_died_ends_as_a_fault() {
    let dir = tempfile::tempdir().unwrap();
    let first = cloud(dir.path());
    create_project(&first).await;
    put_source(&first, dir.path(), &[("a", "a")]).await;
    let spec = json!({ "buildspecOverride": "version: 0.2\nphases: {build: {commands: [sleep 600]}}\n" });
    let in_build = |build: &Build| build.current_phase == "BUILD";

    let stopped = start(&first, spec.clone()).await;
    wait(&first, &stopped, in_build).await;
    call(&first, "StopBuild", json!({ "id": stopped })).await;
    let stopped = wait(&first, &stopped, Build::ended).await;
    let lost = start(&first, spec).await;
    wait(&first, &lost, in_build).await;
    first.drivers().shutdown(Duration::from_secs(5)).await;
    let second = cloud(dir.path());
    resume(&second).await;
    let lost = wait(&second, &lost, Build::ended).await;

    assert_eq!(stopped.build_status, "STOPPED");
    assert_eq!(phase(&stopped, "BUILD").unwrap().phase_status.as_deref(), Some("STOPPED"));
    assert_eq!(lost.build_status, "FAULT");
}
