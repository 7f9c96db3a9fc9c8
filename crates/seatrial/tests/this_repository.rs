//! This repository's own project: its file is right, what is generated from it is in step, and its stacks give
//! what the generated templates ask for. Its sample application keeps to what the tool gives and expects.

use std::fs;
use std::path::Path;

use seatrial_project::{
    Project,
    generate::{self, BUILDSPEC, Layout},
    render::artifacts,
};

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

#[test]
fn the_committed_files_are_in_step_with_the_project() {
    let project = Project::load(root()).unwrap();
    let outdated = generate::check(root(), &project).unwrap();
    assert_eq!(outdated, Vec::<&str>::new(), "run `cargo xtask generate`");
}

/// The templates and what fills them are written apart: every placeholder must have a giver.
#[test]
fn the_templates_are_filled_by_what_the_stacks_and_the_project_give() {
    let given = [
        "AWS_REGION",
        "DB_HOST",
        "DB_NAME",
        "DB_PORT",
        "DB_SECRET_ARN",
        "DB_USER",
        "EXECUTION_ROLE_ARN",
        "LOG_GROUP",
        "TASK_ROLE_ARN",
    ];
    let given = given.map(|name| (name.to_owned(), format!("value-of-{name}"))).into();
    let project = Project::load(root()).unwrap();
    for environment in project.environments.values() {
        artifacts(root(), environment, &given, "127.0.0.1:5000/shop@sha256:0").unwrap();
    }
}

/// The variables of the stacks' build project and Build action, so that a renamed one is found here.
#[test]
fn the_stacks_give_the_variables_that_the_templates_name() {
    let stacks = ["build", "pipeline"].map(|stack| {
        fs::read_to_string(root().join("infra/stacks").join(stack).with_extension("yml")).unwrap()
    });
    let project = Project::load(root()).unwrap();
    let files = generate::files(&project, &Layout::Member.into()).unwrap();
    for file in files.iter().filter(|file| file.path != BUILDSPEC) {
        let names =
            file.text.split("${").skip(1).filter_map(|piece| piece.split_once('}')).map(|(name, _)| name);
        for name in names.filter(|name| !name.starts_with("APP_") && *name != "AWS_REGION") {
            let declared = [format!("Name: {name}\n"), format!("\"name\":\"{name}\"")];
            let given = stacks.iter().any(|stack| declared.iter().any(|text| stack.contains(text)));
            assert!(given, "`{name}` of {} is given by neither build.yml nor pipeline.yml", file.path);
        }
    }
}

/// `image: {builder: docker, dockerfile: app/Dockerfile}` releases the sample, too.
#[test]
fn the_dockerfile_of_the_sample_compiles_its_package_and_runs_it_as_nobody() {
    let dockerfile = include_str!("../../../app/Dockerfile");
    let project = Project::load(root()).unwrap();
    let environment = project.environment(None).unwrap();
    let compiles = format!("cargo build --locked --profile image --package {}", environment.image.package);
    let expose = format!("EXPOSE {}", environment.app.port);
    for line in [compiles.as_str(), "USER 65532:65532", &expose, "ENTRYPOINT [\"/app\"]"] {
        assert!(dockerfile.contains(line), "no `{line}` in app/Dockerfile");
    }
}
