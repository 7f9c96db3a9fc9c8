//! The command line itself: help, usage errors, commands that need nothing but files.

mod support;

use support::Project;
use support::fixture::git;

#[test]
fn help_names_every_command() {
    let ended = Project::new().run(&["--help"]);

    assert_eq!(ended.code, Some(0));
    for command in
        ["provision", "generate", "build-image", "release", "status", "destroy", "local", "rehearse"]
    {
        assert!(ended.stdout.contains(&format!("\n  {command} ")), "{command}: {}", ended.stdout);
    }
}

#[test]
fn an_unknown_option_is_a_usage_error() {
    assert_eq!(Project::new().run(&["status", "--colour"]).code, Some(2));
}

#[test]
fn the_graph_is_told_without_any_cloud() {
    let project = Project::new();

    let text = project.run(&["graph"]);
    let json = project.run(&["graph", "--output", "json"]);

    assert_eq!(text.code, Some(0), "{}", text.stderr);
    assert!(text.stdout.contains("output network.VpcId"), "{}", text.stdout);
    let graph: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    // Eleven stacks, the first image and the task definition.
    assert_eq!(graph["nodes"].as_array().unwrap().len(), 13);
    assert!(!project.path("local-cloud").exists());
}

/// On AWS, and so here, a build gets the whole repository.
#[test]
fn the_build_is_told_where_in_its_repository_the_project_is() {
    let told = |project: &Project| {
        let graph = project.run(&["graph", "--output", "json"]);
        assert_eq!(graph.code, Some(0), "{}", graph.stderr);
        let graph: serde_json::Value = serde_json::from_str(&graph.stdout).unwrap();
        let nodes = graph["nodes"].as_array().unwrap();
        let build = nodes.iter().find(|node| node["name"] == "build").unwrap();
        let mut parameters = build["parameters"].as_array().unwrap().iter();
        parameters.find(|parameter| parameter["name"] == "ProjectDirectory").unwrap()["source"].clone()
    };
    let project = Project::below("services/web");
    let nowhere = serde_json::json!({"kind": "default", "value": ""});
    assert_eq!(told(&project), nowhere);
    git(project.top(), &["init", "--quiet"]);
    assert_eq!(told(&project), serde_json::json!({"kind": "fact", "value": "services/web/"}));

    let at_the_top = Project::new();
    git(at_the_top.top(), &["init", "--quiet"]);
    assert_eq!(told(&at_the_top), nowhere);
}

#[test]
fn generated_files_that_differ_are_refused_and_then_written() {
    let project = Project::new();
    project.write(".aws/appspec.yaml", "version: 0.0\n");

    project.run(&["generate", "--check"]).refused(".aws/appspec.yaml must be as infra/project.yml makes it");
    assert_eq!(project.run(&["generate"]).stdout, "wrote .aws/appspec.yaml\n");
    assert_eq!(project.run(&["generate", "--check"]).code, Some(0));
}

#[test]
fn nothing_is_destroyed_where_nobody_can_confirm() {
    let ended = Project::new().run(&["local", "reset"]);

    ended.refused("`local reset` deletes all data");
}
