//! The inferred order, and every way in which it cannot be inferred.

use seatrial_project::Project;

use super::*;
use crate::plan;

/// A template with these parameters (name and type, with Default) and outputs (name and value).
fn template(name: &str, parameters: &[(&str, &str)], outputs: &[(&str, &str)]) -> StackTemplate {
    let mut text = "Resources:\n  Thing: {Type: AWS::S3::Bucket}\n".to_owned();
    for (section, entries) in [("Parameters", parameters), ("Outputs", outputs)] {
        if !entries.is_empty() {
            text.push_str(&format!("{section}:\n"));
        }
        for (name, body) in entries {
            text.push_str(&format!("  {name}: {{{body}}}\n"));
        }
    }
    plan::template::parse(name, &format!("infra/stacks/{name}.yml"), text.as_bytes()).unwrap()
}

fn project(settings: &str) -> Project {
    let text = format!("project: p\nsource: {{repository: o/n}}\nenvironments:\n  local: {{{settings}}}\n");
    Project::parse(text.as_bytes()).unwrap()
}

fn infer(settings: &str, templates: Vec<StackTemplate>) -> Result<Graph, String> {
    let project = project(settings);
    Graph::infer(templates, &project, project.environment(None).unwrap()).map_err(|error| error.to_string())
}

fn order(graph: &Graph) -> Vec<String> {
    graph.order().iter().map(ToString::to_string).collect()
}

const TEXT: &str = "Type: String";
const LIST: &str = "Type: CommaDelimitedList";

#[test]
fn the_order_follows_from_the_names() {
    let templates = vec![
        template("a", &[("B", TEXT), ("AppPort", "Type: Number"), ("Memory", "Type: Number")], &[]),
        template("b", &[("Cs", LIST), ("Size", "Type: Number, Default: 3")], &[("B", "Value: !Ref Thing")]),
        template("c", &[("Own", TEXT)], &[("Cs", "Value: !Join [',', [x]]"), ("Own", "Value: 1")]),
    ];
    let graph = infer("app: {memory: 1024}, parameters: {c.Own: x, Own: y}", templates).unwrap();
    assert_eq!(order(&graph), ["c", "b", "a"]);
    assert_eq!(
        graph.after(&NodeId::Stack("a".to_owned())).collect::<Vec<_>>(),
        [&NodeId::Stack("b".to_owned())]
    );
    assert_eq!(graph.used_resources("b")["Thing"], ["B (a)"]);
    let expected = "\
c  (infra/stacks/c.yml)
  Own      x  from infra/project.yml, parameters `c.Own`

b <- c  (infra/stacks/b.yml)
  Cs       output c.Cs
  Size     3  default

a <- b  (infra/stacks/a.yml)
  AppPort  4000  default
  B        output b.B
  Memory   1024  from infra/project.yml
";
    assert_eq!(graph.view().to_string(), expected);
}

#[test]
fn an_unfilled_parameter_is_an_error_with_its_place() {
    let found = infer("", vec![template("a", &[("X", TEXT)], &[("X", "Value: 1")])]).unwrap_err();
    let expected = "infra/stacks/a.yml:4:3: parameter `X` has no value: no other stack has an output of that name, \
        and it is neither in `environments.local.parameters` in `infra/project.yml` nor has a Default";
    assert_eq!(found, expected);
}

#[test]
fn an_ambiguous_output_is_an_error_only_where_it_is_needed() {
    let offers = || vec![template("a", &[], &[("X", "Value: 1")]), template("b", &[], &[("X", "Value: 2")])];
    assert!(infer("", offers()).is_ok());
    let with = |settings| infer(settings, [offers(), vec![template("c", &[("X", TEXT)], &[])]].concat());
    let expected = "infra/stacks/c.yml:4:3: `X` of `c` is ambiguous: more than one stack has an output of that name \
        (infra/stacks/a.yml:4:3, infra/stacks/b.yml:4:3); set it under `parameters` in `infra/project.yml`, or rename one";
    assert_eq!(with("").unwrap_err(), expected);
    assert!(with("parameters: {X: 1}").is_ok());
}

#[test]
fn a_users_stack_that_offers_an_output_of_ours_makes_no_parameter_ambiguous() {
    let offers = |name: &str| template(name, &[], &[("ClusterName", "Value: 1")]);
    let takes = template("deployment", &[("ClusterName", TEXT)], &[]);

    let graph = infer("", vec![offers("aaa"), offers("cluster"), offers("zzz"), takes]).unwrap();

    assert_eq!(order(&graph).iter().filter(|stack| *stack == "cluster").count(), 1);
    let told = graph.view().to_string();
    assert!(told.contains("ClusterName  output cluster.ClusterName"), "{told}");
}

#[test]
fn a_cycle_names_every_step() {
    let templates = vec![
        template("a", &[("B", TEXT)], &[("A", "Value: 1")]),
        template("b", &[("C", TEXT)], &[("B", "Value: 1")]),
        template("c", &[("B", TEXT)], &[("C", "Value: 1")]),
    ];
    let expected = "infra/stacks/b.yml:4:3: stacks wait for each other: `b` takes `C` from `c` (infra/stacks/c.yml:6:3), \
        `c` takes `B` from `b` (infra/stacks/b.yml:6:3)";
    assert_eq!(infer("", templates).unwrap_err(), expected);
}

#[test]
fn lists_feed_only_lists() {
    let join = "Value: !Join [',', [a, b]]";
    let found = infer("", vec![template("a", &[("X", TEXT)], &[]), template("b", &[], &[("X", join)])]);
    let expected = "infra/stacks/a.yml:4:3: parameter `X` is one value (`String`), but what fills it is a list (infra/stacks/b.yml:4:3)";
    assert_eq!(found.unwrap_err(), expected);
    let found = infer("", vec![template("a", &[("X", LIST)], &[]), template("b", &[], &[("X", "Value: a")])]);
    assert!(
        found
            .unwrap_err()
            .contains("parameter `X` is a list (`CommaDelimitedList`), but what fills it is one value")
    );
    let found = infer("", vec![template("a", &[("AppPort", LIST)], &[])]);
    assert!(found.unwrap_err().contains("one value (infra/project.yml)"));
}

#[test]
fn secrets_and_ssm_parameters_are_never_wired() {
    let offer = template("b", &[], &[("X", "Value: 1")]);
    for kind in ["Type: String, NoEcho: true", "Type: 'AWS::SSM::Parameter::Value<String>'"] {
        let found = infer("", vec![template("a", &[("X", kind)], &[]), offer.clone()]).unwrap_err();
        assert!(found.contains("are filled only by `environments.local.parameters`"), "{found}");
        let graph =
            infer("parameters: {X: hush}", vec![template("a", &[("X", kind)], &[]), offer.clone()]).unwrap();
        assert_eq!(graph.view().to_string().contains("hush"), !kind.contains("NoEcho"));
    }
}

#[test]
fn an_absent_conditional_output_counts_as_none() {
    let offer = template("b", &[], &[("X", "Condition: C, Value: 1")]);
    let a = NodeId::Stack("a".to_owned());
    let outputs = |pairs: &[(&str, &str)]| {
        let pairs = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Outputs::from([("b".to_owned(), pairs)])
    };
    let graph =
        infer("", vec![template("a", &[("X", "Type: String, Default: d")], &[]), offer.clone()]).unwrap();
    assert_eq!(graph.values(&a, &Outputs::new()).pending["X"], "b");
    assert_eq!(graph.complete_values(&a, &outputs(&[])).unwrap()["X"], "d");
    assert_eq!(graph.complete_values(&a, &outputs(&[("X", "1")])).unwrap()["X"], "1");
    let graph = infer("", vec![template("a", &[("X", TEXT)], &[]), offer]).unwrap();
    let found = graph.complete_values(&a, &outputs(&[])).unwrap_err().to_string();
    assert_eq!(
        found,
        "infra/stacks/a.yml:4:3: `X` of `a` has no value: stack `b` has no output of that name now"
    );
}

#[test]
fn a_skipped_stack_is_replaced_by_settings() {
    let templates =
        || vec![template("a", &[("VpcId", TEXT)], &[]), template("vpc", &[], &[("VpcId", "Value: 1")])];
    let graph = infer("skip: [vpc], parameters: {VpcId: vpc-1}", templates()).unwrap();
    assert_eq!(order(&graph), ["a"]);
    assert!(infer("skip: [vpc]", templates()).unwrap_err().contains("parameter `VpcId` has no value"));
    let found = infer("skip: [vpn]", templates()).unwrap_err();
    assert_eq!(
        found,
        "infra/project.yml:4:17: `environments.local.skip` must name stacks of `infra/stacks`, found `vpn`"
    );
}

#[test]
fn a_setting_that_nothing_takes_is_an_error() {
    let found = infer("parameters: {Vpc: 1}", vec![template("a", &[], &[])]).unwrap_err();
    assert_eq!(
        found,
        "infra/project.yml:4:29: `environments.local.parameters.Vpc` must name a parameter of a stack in `infra/stacks`, found none"
    );
}

#[test]
fn first_image_and_task_definition_stand_between_the_build_and_the_service() {
    let root = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let graph = infer("", plan::load(root).unwrap()).unwrap();
    let order = order(&graph);
    let place = |name: &str| order.iter().position(|id| id == name).unwrap();
    let chain = [
        "registry",
        "cluster",
        "build",
        "first image",
        "task definition",
        "service",
        "deployment",
        "pipeline",
    ];
    assert!(chain.windows(2).all(|pair| place(pair[0]) < place(pair[1])), "{order:?}");
    assert!(place("database") < place("task definition") && place("connection") < place("pipeline"));
    let waiting: Vec<&NodeId> = graph.order().iter().filter(|id| graph.waits_for_connection(id)).collect();
    assert_eq!(waiting, [&NodeId::Stack("pipeline".to_owned())]);
}

#[test]
fn a_service_without_a_repository_is_an_error() {
    let text = "Resources:\n  Service: {Type: AWS::ECS::Service}\n";
    let service = plan::template::parse("service", "infra/stacks/service.yml", text.as_bytes()).unwrap();
    let found = infer("", vec![service]).unwrap_err();
    assert!(
        found.contains("infra/stacks/service.yml:1:1: the first image of this service needs `RepositoryUri`"),
        "{found}"
    );
}

/// What the first image and the task definition need, each from the stack that owns it.
fn a_service_with_its_needs() -> Vec<StackTemplate> {
    let service = "Resources:\n  Service: {Type: AWS::ECS::Service}\n";
    let service = plan::template::parse("service", "infra/stacks/service.yml", service.as_bytes()).unwrap();
    let outputs = |names: &[&'static str]| -> Vec<(&'static str, &'static str)> {
        names.iter().map(|name| (*name, "Value: !Ref Thing")).collect()
    };
    let cluster = outputs(&["ApplicationLogGroupName", "ExecutionRoleArn", "TaskRoleArn"]);
    vec![
        service,
        template("build", &[], &outputs(&["ArtifactBucketName", "BuildProjectName"])),
        template("cluster", &[], &cluster),
        template("registry", &[], &outputs(&["RepositoryUri"])),
    ]
}

#[test]
fn what_the_first_release_needs_comes_from_the_stack_that_owns_it_whoever_else_offers_it() {
    for name in FIRST_IMAGE_NEEDS.iter().chain(&TASK_DEFINITION_NEEDS) {
        let theirs = template("a-users-own", &[], &[(name, "Value: theirs")]);
        let graph = infer("", [a_service_with_its_needs(), vec![theirs]].concat()).unwrap();

        let owner = crate::plan::owned::Owned::of_name(name).unwrap().stack();
        for id in [NodeId::FirstImage, NodeId::TaskDefinition] {
            let source = graph.inputs(&id).unwrap().sources.get(*name);
            let from_owner =
                |source: &Source| matches!(source, Source::Output { stack, .. } if stack == owner);
            assert!(source.is_none_or(from_owner), "{name} of {id}: {source:?}");
            assert!(
                !graph.after(&id).any(|other| *other == NodeId::Stack("a-users-own".to_owned())),
                "{name}"
            );
        }
    }
}

#[test]
fn how_traffic_moves_may_be_made_anew_whoever_uses_its_name() {
    let of = |kind: &str| {
        let text = format!("Resources:\n  It: {{Type: {kind}}}\nOutputs:\n  Name: {{Value: !Ref It}}\n");
        let owner = plan::template::parse("owner", "infra/stacks/owner.yml", text.as_bytes()).unwrap();
        let graph = infer("", vec![owner, template("user", &[("Name", TEXT)], &[])]).unwrap();
        graph.used_resources("owner").into_keys().collect::<Vec<_>>()
    };

    assert_eq!(of("AWS::EC2::VPC"), ["It"]);
    assert_eq!(of("AWS::CodeDeploy::DeploymentConfig"), Vec::<String>::new());
}
