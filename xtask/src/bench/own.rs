//! The eleven stacks of the sample application, as this repository has them: by ours, and by a loop of the AWS CLI.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::measure::{Measured, median};
use super::path::{Creations, Node, longest, of_template};
use super::place::{Place, TIME_SCALE};
use super::results::Own;
use super::tools::deploy_command;

/// Runs of a no-op, in turns.
const TURNS: u32 = 3;
const PROJECT: &str = "myapp-local";
/// What ours says when its stacks are done and the first release goes on.
const DONE: &str = "stacks done in ";
/// Services that have a role of their own in every account that uses them.
const LINKED: [&str; 4] = ["ecs", "elasticloadbalancing", "rds", "ecs.application-autoscaling"];
const OURS: [&str; 4] = ["provision", "--yes", "--environment", "local"];

/// Names and values.
type Pairs = BTreeMap<String, String>;

/// What one run of ours made: enough to make it again.
struct Made {
    /// In an order in which each finds what it takes.
    order: Vec<String>,
    graph: Vec<Value>,
    /// By short name.
    stacks: BTreeMap<String, Stack>,
    definition: Value,
}

struct Stack {
    parameters: Pairs,
    outputs: Pairs,
    tags: Pairs,
}

pub(super) fn measure(place: &mut Place<'_>, creations: &Creations) -> Result<Own, String> {
    // What the image is made of is compiled once, for the build that is measured: CodeBuild has a cache, too.
    let cache = std::env::home_dir().unwrap_or_default().join(".cache/image-build").join(PROJECT);
    if !cache.exists() {
        place.start_afresh()?;
        place.timed_until(place.ours(&place.root, &OURS), "own-ours-first", Some(DONE))?;
    }
    place.start_afresh()?;
    let fresh = place.timed_until(place.ours(&place.root, &OURS), "own-ours-fresh", Some(DONE))?;
    let made = look(place)?;
    let mut own = Own { fresh: fresh.until, ..Own::default() };
    paths(place, (&made, creations), &mut own)?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for turn in 1..=TURNS {
        ours.push(place.timed(place.ours(&place.root, &OURS), &format!("own-ours-no-op-{turn}"))?.took);
        theirs.push(no_op_by_loop(place, &made)?);
    }
    (own.no_op, own.no_op_by_loop) = (median(ours), median(theirs));
    let image = place.folder.join("image");
    copy_image(place, (&registry(&made)?, &format!("dir:{}", image.display())))?;
    place.start_afresh()?;
    own.by_loop = by_loop(place, &made)? + own.image_build;
    Ok(own)
}

fn short(name: &str) -> Option<&str> {
    name.strip_prefix(PROJECT)?.strip_prefix('-')
}

fn pairs(stack: &Value, (list, key, value): (&str, &str, &str)) -> Pairs {
    let text = |one: &Value, name: &str| one[name].as_str().unwrap_or_default().to_owned();
    let all = stack[list].as_array().into_iter().flatten();
    all.map(|one| (text(one, key), text(one, value))).collect()
}

fn outputs(stack: &Value) -> Pairs {
    pairs(stack, ("Outputs", "OutputKey", "OutputValue"))
}

fn look(place: &Place<'_>) -> Result<Made, String> {
    let graph = place.running.output(place.ours(&place.root, &["graph", "--output", "json"]))?;
    let graph: Value = serde_json::from_slice(&graph.stdout).map_err(|error| error.to_string())?;
    let graph = graph["nodes"].as_array().cloned().unwrap_or_default();
    let order = graph.iter().filter(|node| node["file"].is_string());
    let order = order.filter_map(|node| node["name"].as_str().map(str::to_owned)).collect();
    let described = place.asked(&["cloudformation", "describe-stacks"])?;
    let stacks = described["Stacks"].as_array().into_iter().flatten().filter_map(|stack| {
        let parameters = pairs(stack, ("Parameters", "ParameterKey", "ParameterValue"));
        let mut tags = pairs(stack, ("Tags", "Key", "Value"));
        tags.retain(|key, _| !key.starts_with("aws:"));
        let made = Stack { parameters, outputs: outputs(stack), tags };
        Some((short(stack["StackName"].as_str()?)?.to_owned(), made))
    });
    let definition = ["ecs", "describe-task-definition", "--task-definition", PROJECT];
    let definition = place.asked(&definition)?["taskDefinition"].clone();
    Ok(Made { order, graph, stacks: stacks.collect(), definition })
}

/// The critical path of what was made, and how long it is in a row.
fn paths(place: &Place<'_>, (made, creations): (&Made, &Creations), own: &mut Own) -> Result<(), String> {
    let project = made.stacks.get("build").and_then(|stack| stack.outputs.get("BuildProjectName"));
    let project = project.ok_or("stack `build` has no project")?;
    let list =
        ["codebuild", "list-builds-for-project", "--sort-order", "ASCENDING", "--project-name", project];
    let builds = place.asked(&list)?;
    let first = builds["ids"][0].as_str().unwrap_or_default();
    let build = place.asked(&["codebuild", "batch-get-builds", "--ids", first])?["builds"][0].clone();
    own.image_build = lasted(&build)?;
    let mut nodes = BTreeMap::new();
    for node in &made.graph {
        let name = node["name"].as_str().unwrap_or_default();
        let needs: BTreeSet<String> = node["after"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|it| it.as_str().map(str::to_owned))
            .collect();
        let seconds = match node["file"].as_str() {
            Some(file) => {
                let stack = format!("{PROJECT}-{name}");
                let listed =
                    place.asked(&["cloudformation", "describe-stack-resources", "--stack-name", &stack])?;
                let listed = listed["StackResources"].as_array().into_iter().flatten();
                let ids =
                    listed.filter_map(|it| it["LogicalResourceId"].as_str().map(str::to_owned)).collect();
                let text = fs::read_to_string(place.root.join(file)).map_err(|error| error.to_string())?;
                of_template(&text, &ids, creations)? / f64::from(TIME_SCALE)
            }
            None if name == "first image" => own.image_build.as_secs_f64(),
            None => 0.0,
        };
        nodes.insert(name.to_owned(), Node { needs, seconds });
    }
    own.critical_path = Duration::from_secs_f64(longest(&nodes));
    own.in_turn = Duration::from_secs_f64(nodes.values().map(|node| node.seconds).sum());
    Ok(())
}

/// From the first phase's beginning to the last one's end.
fn lasted(build: &Value) -> Result<Duration, String> {
    let phases = build["phases"].as_array().into_iter().flatten();
    let seconds = phases.filter_map(|phase| phase["durationInSeconds"].as_f64()).sum::<f64>();
    let at = |name: &str| build[name].as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    match (at("startTime"), at("endTime")) {
        (Some(start), Some(end)) => Duration::try_from(end - start).map_err(|error| error.to_string()),
        _ if seconds > 0.0 => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("the image build tells no times".to_owned()),
    }
}

/// With the tags of ours: without, the CLI takes away those that there are.
fn deploy_one(place: &Place<'_>, made: &Made, name: &str) -> Command {
    let mut deploy = deploy_command(place, &format!("{PROJECT}-{name}"));
    deploy.arg("--template-file").arg(place.root.join(format!("infra/stacks/{name}.yml")));
    let tags = made.stacks.get(name).into_iter().flat_map(|stack| &stack.tags);
    deploy.arg("--tags").args(tags.map(|(key, value)| format!("{key}={value}")));
    deploy
}

fn no_op_by_loop(place: &Place<'_>, made: &Made) -> Result<Duration, String> {
    let mut took = Duration::ZERO;
    for name in &made.order {
        let deploy = deploy_one(place, made, name);
        took += place.quietly_timed(deploy, "own-loop-no-op")?.took;
    }
    Ok(took)
}

/// Where the repository of images is, as skopeo names it.
fn registry(made: &Made) -> Result<String, String> {
    let image = made.definition["containerDefinitions"][0]["image"].as_str();
    image
        .map(|image| format!("docker://{image}"))
        .ok_or_else(|| "the task definition has no image".to_owned())
}

fn copy_image(place: &Place<'_>, (from, to): (&str, &str)) -> Result<(), String> {
    let password = place.timed(place.aws(&["ecr", "get-login-password"]), "own-password")?.printed;
    let key = format!("AWS:{}", password.trim());
    let mut copy = Command::new("skopeo");
    copy.args(["copy", "--quiet", "--preserve-digests", "--src-tls-verify=false", "--dest-tls-verify=false"]);
    let whose = if from.starts_with("docker:") { "--src-creds" } else { "--dest-creds" };
    copy.args([whose, &key, from, to]);
    place.timed(copy, "own-image").map(drop)
}

/// The same stacks with the same parameters, what they take from each other asked for anew. The image is not built but
/// copied, outside the time: the caller adds how long its build took.
fn by_loop(place: &Place<'_>, made: &Made) -> Result<Duration, String> {
    let mut took = Duration::ZERO;
    let mut now: BTreeMap<String, Pairs> = BTreeMap::new();
    // An account has them from its first use of a service on; ours makes them.
    for service in LINKED {
        let name = format!("{service}.amazonaws.com");
        place.asked(&["iam", "create-service-linked-role", "--aws-service-name", &name])?;
    }
    for name in &made.order {
        if name == "service" {
            let image = place.folder.join("image");
            let moved = replaced(&registry(made)?, made, &now);
            copy_image(place, (&format!("dir:{}", image.display()), &moved))?;
            took += register(place, made, &now)?.took;
        }
        let stack = format!("{PROJECT}-{name}");
        let mut deploy = deploy_one(place, made, name);
        let parameters = made.stacks.get(name).map(|stack| &stack.parameters);
        let given = parameters.into_iter().flatten();
        let given: Vec<String> =
            given.map(|(key, value)| format!("{key}={}", replaced(value, made, &now))).collect();
        deploy.arg("--parameter-overrides").args(given);
        took += place.quietly_timed(deploy, &format!("own-loop-{name}"))?.took;
        // Asked once for each stack, by whoever wrote the loop.
        let ask =
            place.aws(&["cloudformation", "describe-stacks", "--output", "json", "--stack-name", &stack]);
        let asked = place.quietly_timed(ask, "own-loop-outputs")?;
        took += asked.took;
        let described: Value = serde_json::from_str(&asked.printed).map_err(|error| error.to_string())?;
        now.insert(name.clone(), outputs(&described["Stacks"][0]));
        place.running.say(format_args!("own-loop-{name}: {:.2} s in all", took.as_secs_f64()));
    }
    Ok(took)
}

/// A text of the first run in terms of this one: what stacks answered then is what they answer now.
fn replaced(text: &str, made: &Made, now: &BTreeMap<String, Pairs>) -> String {
    let mut answers: Vec<(&str, &str)> = Vec::new();
    for (stack, outputs) in now {
        let Some(Stack { outputs: then, .. }) = made.stacks.get(stack) else { continue };
        answers.extend(
            outputs.iter().filter_map(|(name, value)| Some((then.get(name)?.as_str(), value.as_str()))),
        );
    }
    // Longer ones first, for one may be part of another; short ones name nothing that was made.
    answers.retain(|(then, now)| then.len() > 8 && then != now);
    answers.sort_by_key(|(then, _)| std::cmp::Reverse(then.len()));
    answers.iter().fold(text.to_owned(), |text, (then, now)| text.replace(then, now))
}

fn register(place: &Place<'_>, made: &Made, now: &BTreeMap<String, Pairs>) -> Result<Measured, String> {
    let mut definition = made.definition.clone();
    if let Some(fields) = definition.as_object_mut() {
        let told = ["taskDefinitionArn", "revision", "status", "requiresAttributes", "compatibilities"];
        fields.retain(|name, _| !told.contains(&name.as_str()) && !name.starts_with("registered"));
    }
    // A port is too short to be told from other numbers.
    let port = now.get("database").and_then(|outputs| outputs.get("DatabasePort"));
    let variables = definition["containerDefinitions"][0]["environment"].as_array_mut();
    for variable in variables.into_iter().flatten().filter(|variable| variable["name"] == "DB_PORT") {
        variable["value"] = port.map_or(Value::Null, |port| Value::from(port.as_str()));
    }
    let text = replaced(&definition.to_string(), made, now);
    let file = place.write("task-definition.json", &text)?;
    let input = format!("file://{}", file.display());
    place.quietly_timed(
        place.aws(&["ecs", "register-task-definition", "--cli-input-json", &input]),
        "own-definition",
    )
}
