//! The command line itself: help, usage errors, commands that need nothing but files.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot be prepared has failed")]

mod support;

use support::fixture::git;
use support::{Ended, Project};

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

/// The rows of a table under a head, each by its cells' words in backquotes.
fn rows(document: &str, head: &str) -> Vec<Vec<Vec<String>>> {
    let lines = document.lines().skip_while(|line| !line.starts_with(head)).skip(2);
    let words = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    lines
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(words).collect())
        .collect()
}

#[test]
fn each_stack_can_be_left_out_with_the_parameters_that_are_documented_and_with_none_less() {
    let project = Project::new();
    let original = std::fs::read_to_string(project.path("infra/project.yml")).unwrap();
    let graph = |stack: &str, given: &[String]| {
        let list = |name: &String| if name.ends_with("SubnetIds") { "'subnet-1,subnet-2'" } else { "x" };
        let given: Vec<String> = given.iter().map(|name| format!("{name}: {}", list(name))).collect();
        let local = format!("  local: {{skip: [{stack}], parameters: {{{}}}}}\n", given.join(", "));
        let (before, after) = original.split_once("  local:").unwrap();
        let (_, after) = after.split_once('\n').unwrap();
        project.write("infra/project.yml", format!("{before}{local}{after}"));
        project.run(&["graph"])
    };
    let documented = rows(include_str!("../../../docs/project-yml.md"), "| left out |");
    let stacks = std::fs::read_dir(project.path("infra/stacks")).unwrap();
    let mut stacks: Vec<String> =
        stacks.map(|file| file.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned()).collect();
    stacks.sort();
    let mut named: Vec<String> = documented.iter().map(|row| row[0][0].clone()).collect();
    named.sort();
    assert_eq!(named, stacks);
    let none = original.replacen("  local: {}", "  local: {database: none}", 1);
    assert_ne!(none, original);
    project.write("infra/project.yml", none);
    let without = project.run(&["graph", "--output", "json"]);
    assert_eq!(without.code, Some(0), "{}", without.stderr);
    assert!(
        !without.stdout.contains("\"name\":\"database\"") && without.stdout.contains("\"name\":\"service\"")
    );
    for row in &documented {
        let stack = &row[0][0];
        // What stands behind a parenthesis or a comma is for commands that use it.
        let needed: Vec<String> = row[1]
            .iter()
            .take_while(|word| !word.contains(['.', ' ']) && *word != "release")
            .cloned()
            .collect();

        let left_out = graph(stack, &needed);

        assert_eq!(left_out.code, Some(0), "{stack}: {}", left_out.stderr);
        for missing in 0..needed.len() {
            let mut less = needed.clone();
            let name = less.remove(missing);
            let refused = graph(stack, &less);
            assert_eq!(refused.code, Some(3), "{stack} without {name}");
            assert!(refused.stderr.contains(&format!("`{name}`")), "{stack}: {}", refused.stderr);
        }
    }
}

#[test]
fn the_graph_is_drawn_as_a_flowchart_and_as_a_picture_of_all_stacks_and_their_edges() {
    let project = Project::new();
    let json = project.run(&["graph", "--output", "json"]);
    let graph: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    let nodes = graph["nodes"].as_array().unwrap();
    let edges: usize = nodes.iter().map(|node| node["after"].as_array().unwrap().len()).sum();

    let mermaid = project.run(&["graph", "--format", "mermaid"]);
    let svg = project.run(&["graph", "--format", "svg"]);

    assert_eq!(mermaid.code, Some(0), "{}", mermaid.stderr);
    let mut lines = mermaid.stdout.lines();
    assert_eq!(lines.next(), Some("flowchart LR"));
    let (arrows, boxes): (Vec<&str>, Vec<&str>) = lines.partition(|line| line.contains(" -->"));
    assert_eq!((boxes.len(), arrows.len()), (nodes.len(), edges), "{}", mermaid.stdout);
    assert!(boxes.iter().all(|line| line.starts_with("  n") && line.ends_with("\"]")), "{boxes:?}");
    assert!(mermaid.stdout.contains("-->|\"IsolatedSubnetIds\"|"), "{}", mermaid.stdout);
    assert_eq!(svg.code, Some(0), "{}", svg.stderr);
    assert!(svg.stdout.starts_with("<svg ") && svg.stdout.ends_with("</svg>\n"), "{}", svg.stdout);
    let count = |words: &str| svg.stdout.matches(words).count();
    assert_eq!((count("<rect "), count("marker-end=")), (nodes.len(), edges));
    assert!(svg.stdout.contains("<title>network to database: IsolatedSubnetIds</title>"), "{}", svg.stdout);
    let both = project.run(&["graph", "--format", "svg", "--output", "json"]);
    assert_eq!(both.code, Some(3));
    assert!(both.stderr.contains("`--format` is a form of the text"), "{}", both.stderr);
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

/// Where the tool would keep a local cloud, as a reset tells it where there is none.
#[track_caller]
fn data_dir(project: &Project, variables: &[(&str, &str)]) -> String {
    let mut command = project.xtask(&["local", "reset", "--yes"]);
    command.env_remove("XTASK_LOCAL_DATA_DIR").envs(variables.iter().copied());
    let ended = Ended::of(command.output().unwrap());
    let path = ended.stdout.strip_prefix("nothing is there: `").and_then(|rest| rest.strip_suffix("`\n"));
    path.unwrap_or_else(|| panic!("{ended:?}")).to_owned()
}

#[test]
fn the_local_clouds_data_is_never_kept_where_a_relative_or_an_empty_variable_leads() {
    let project = Project::new();
    let top = project.top().canonicalize().unwrap();
    let home = project.top().join(".local/state/seatrial/web-");
    for variables in
        [[("XDG_STATE_HOME", "relative")], [("XDG_STATE_HOME", "")], [("XTASK_LOCAL_DATA_DIR", "")]]
    {
        let found = data_dir(&project, &variables);
        assert!(found.starts_with(home.to_str().unwrap()), "{variables:?}: {found}");
    }
    // The project's folder is where it was typed.
    let typed = data_dir(&project, &[("XTASK_LOCAL_DATA_DIR", "here")]);
    assert_eq!(typed, top.join("here").display().to_string());
    let state = data_dir(&project, &[("XDG_STATE_HOME", "/nowhere/state")]);
    assert!(state.starts_with("/nowhere/state/seatrial/web-"), "{state}");
}

#[test]
fn an_environment_variable_that_is_empty_names_no_environment() {
    let project = Project::new();
    let mut command = project.xtask(&["graph"]);
    let ended = Ended::of(command.env("XTASK_ENVIRONMENT", "").output().unwrap());
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);

    // What was typed is meant.
    project.run(&["graph", "--environment", ""]).refused("environment `` is not in");
}
