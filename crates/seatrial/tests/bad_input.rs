//! Bad input: a clear error led by its place, exit code 3, nothing changed, nothing started.

mod support;

use support::Project;

/// `provision` is what would change most: each mistake must stop it before anything is started.
#[track_caller]
fn provision_is_refused(project: &Project, start: &str) {
    project.run(&["provision", "--yes"]).refused(start);
    assert!(!project.path("local-cloud").exists(), "the local cloud was started");
}

#[test]
fn a_key_that_does_not_exist_is_refused_with_its_place() {
    let project = Project::new();
    project.edit("project: web", "project: web\nprojekt: other");
    provision_is_refused(&project, "infra/project.yml:");
}

#[test]
fn a_value_of_the_wrong_type_is_refused_with_its_place() {
    let project = Project::new();
    project.edit("port: 8731", "port: many");
    provision_is_refused(&project, "infra/project.yml:");
}

#[test]
fn a_file_that_is_not_yaml_is_refused_with_its_place() {
    let project = Project::new();
    project.write("infra/project.yml", "project: [web");
    provision_is_refused(&project, "infra/project.yml:");
}

#[test]
fn a_missing_project_file_is_refused_by_name() {
    let project = Project::new();
    std::fs::remove_file(project.path("infra/project.yml")).unwrap();
    project.write("Cargo.lock", "");
    provision_is_refused(&project, "failed to read `infra/project.yml`");
}

#[test]
fn a_bad_name_is_refused_with_its_place() {
    let project = Project::new();
    project.edit("project: web", "project: My_App");
    provision_is_refused(&project, "infra/project.yml:");
}

#[test]
fn an_unknown_environment_is_refused_with_those_that_are_known() {
    let project = Project::new();
    let ended = project.run(&["provision", "--yes", "--environment", "staging"]);
    ended.refused("environment `staging` is not in `infra/project.yml`");
    assert!(ended.stderr.contains("`production`"), "{}", ended.stderr);
}

#[test]
fn a_template_that_does_not_parse_is_refused_with_its_place() {
    let project = Project::new();
    project.write("infra/stacks/network.yml", "Resources:\n  Vpc: [\n");
    provision_is_refused(&project, "infra/stacks/network.yml:");
}

#[test]
fn a_binary_template_is_refused_with_its_place() {
    let project = Project::new();
    project.write("infra/stacks/network.yml", [0x7f, b'E', b'L', b'F', 0, 1, 2, 0xff]);
    provision_is_refused(&project, "infra/stacks/network.yml:");
}

#[test]
fn a_parameter_that_nothing_fills_is_refused_with_its_place() {
    let project = Project::new();
    let template =
        "Parameters:\n  Nowhere:\n    Type: String\nResources:\n  G:\n    Type: AWS::Logs::LogGroup\n";
    project.write("infra/stacks/extra.yml", template);
    provision_is_refused(&project, "infra/stacks/extra.yml:2:3");
}

#[test]
fn an_output_that_two_stacks_offer_and_a_third_needs_is_refused_with_all_places() {
    let project = Project::new();
    let offer = "Resources:\n  G:\n    Type: AWS::Logs::LogGroup\nOutputs:\n  Shared:\n    Value: !Ref G\n";
    project.write("infra/stacks/one.yml", offer);
    project.write("infra/stacks/two.yml", offer);
    let need = "Parameters:\n  Shared:\n    Type: String\nResources:\n  G:\n    Type: AWS::Logs::LogGroup\n";
    project.write("infra/stacks/three.yml", need);
    let ended = project.run(&["provision", "--yes"]);
    ended.refused("infra/stacks/three.yml:2:3");
    assert!(ended.stderr.contains("infra/stacks/one.yml") && ended.stderr.contains("infra/stacks/two.yml"));
}

#[test]
fn stacks_that_wait_for_each_other_are_refused_with_the_cycle() {
    let project = Project::new();
    let stack = |takes: &str, gives: &str| {
        format!(
            "Parameters:\n  {takes}:\n    Type: String\nResources:\n  G:\n    Type: AWS::Logs::LogGroup\nOutputs:\n  {gives}:\n    Value: !Ref G\n"
        )
    };
    project.write("infra/stacks/chicken.yml", stack("Egg", "Hen"));
    project.write("infra/stacks/egg.yml", stack("Hen", "Egg"));
    let ended = project.run(&["provision", "--yes"]);
    ended.refused("infra/stacks/");
    assert!(ended.stderr.contains("wait for each other"), "{}", ended.stderr);
}

#[test]
fn a_port_that_is_taken_is_refused_by_number() {
    let project = Project::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let ended = project.run(&["local", "start", "--port", &port]);
    ended.refused("the local cloud did not start: ");
    assert!(ended.stderr.contains(&port), "{}", ended.stderr);
}

#[test]
fn a_data_directory_that_cannot_be_written_is_refused_by_name() {
    let project = Project::new();
    // A file in its way stops root too, whom permissions do not stop.
    project.write("local-cloud", "in the way");
    let ended = project.run(&["local", "start"]);
    ended.refused("data directory `");
    assert!(ended.stderr.contains("is not writable"), "{}", ended.stderr);
}

#[test]
fn a_missing_postgres_is_refused_with_what_to_type() {
    let project = Project::new();
    std::fs::create_dir(project.path("empty")).unwrap();
    for arguments in [&["rehearse"][..], &["provision", "--yes"]] {
        let mut command = project.xtask(arguments);
        command.env("XTASK_POSTGRES_BIN", project.path("empty"));
        let ended = support::Ended::of(command.output().unwrap());
        ended.refused("no Postgres server found");
        assert!(
            ended.stderr.contains("--install-missing` installs it; by hand: `sudo apt-get"),
            "{}",
            ended.stderr
        );
    }
    assert!(!project.path("local-cloud").exists());
}

#[test]
fn a_rehearsal_of_another_environment_is_refused() {
    let ended = Project::new().run(&["rehearse", "--environment", "production"]);

    ended.refused("a rehearsal is in environment `local`, not in `production`");
}
