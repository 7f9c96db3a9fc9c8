//! Rules that every template under `infra/stacks` keeps, beyond what cfn-lint knows. Each rule is also seen to find
//! the fault it is for.

#![expect(clippy::unwrap_used, reason = "a test that cannot be prepared has failed")]

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Map, Value};

/// Every template of this repository, short forms expanded, by file name.
fn templates() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/stacks");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let read = |path: std::path::PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let document = seatrial_template::parse(&name, &std::fs::read(&path).unwrap()).unwrap();
        (name, document.to_json())
    };
    files.map(read).collect()
}

fn template_of(text: &str) -> Value {
    seatrial_template::parse("test.yml", text.as_bytes()).unwrap().to_json()
}

fn resources<'a>(template: &'a Value, kind: &str) -> Vec<(&'a String, &'a Value)> {
    let all = template["Resources"].as_object().into_iter().flatten();
    all.filter(|(_, resource)| resource["Type"] == kind).collect()
}

/// One value or a list of them.
fn listed(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

/// The logical IDs and parameters that a value refers to.
fn references(value: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect(value, &mut found);
    found
}

fn collect(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("Ref").and_then(Value::as_str).map(str::to_owned));
            found.extend(members.get("Fn::GetAtt").and_then(|parts| parts[0].as_str()).map(str::to_owned));
            for (key, inner) in members {
                if let ("Fn::Sub", Some(text)) = (key.as_str(), inner.as_str().or(inner[0].as_str())) {
                    let names = text.split("${").skip(1).filter_map(|rest| rest.split(['}', '.']).next());
                    found.extend(names.map(str::to_owned));
                }
                collect(inner, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        _ => {}
    }
}

/// What CodePipeline's guide lists for the connection's source action on the objects of the artifact bucket: it
/// uploads with an ACL, whose permission is asked for also where the bucket owner owns every object.
const SOURCE_ACTION: [&str; 4] = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:PutObjectAcl"];

/// What the roles of the template's source actions from a connection are not allowed. A pipeline's action runs with
/// its own role, else with the pipeline's.
fn missing_permissions(template: &Value) -> Vec<String> {
    let mut missing = Vec::new();
    for (name, pipeline) in resources(template, "AWS::CodePipeline::Pipeline") {
        let properties = &pipeline["Properties"];
        let stages = listed(&properties["Stages"]);
        for action in stages.into_iter().flat_map(|stage| listed(&stage["Actions"])) {
            if action["ActionTypeId"]["Provider"] != "CodeStarSourceConnection" {
                continue;
            }
            let role = [&action["RoleArn"], &properties["RoleArn"]].into_iter().find(|role| !role.is_null());
            let roles = references(role.unwrap());
            let granted: Vec<String> = roles.iter().flat_map(|role| on_objects(template, role)).collect();
            for needed in SOURCE_ACTION {
                if !granted.iter().any(|action| allows(action, needed)) {
                    missing.push(format!("{name}: {needed}"));
                }
            }
        }
    }
    missing
}

fn allows(granted: &str, needed: &str) -> bool {
    match granted.strip_suffix('*') {
        Some(start) => needed.starts_with(start),
        None => granted == needed,
    }
}

/// The actions that a role is allowed on objects of a bucket.
fn on_objects(template: &Value, role: &str) -> Vec<String> {
    let of_role = &template["Resources"][role]["Properties"]["Policies"];
    let inline = listed(of_role).into_iter().map(|policy| &policy["PolicyDocument"]);
    let attached =
        resources(template, "AWS::IAM::Policy").into_iter().map(|(_, policy)| &policy["Properties"]);
    let attached = attached.filter(|policy| references(&policy["Roles"]).contains(role));
    let documents = inline.chain(attached.map(|policy| &policy["PolicyDocument"]));
    let statements = documents.flat_map(|document| listed(&document["Statement"]));
    let allowed = statements.filter(|statement| {
        let objects = |resource: &&Value| {
            let text = resource.as_str().or(resource["Fn::Sub"].as_str());
            text.is_some_and(|text| text.ends_with("/*") || text == "*")
        };
        statement["Effect"] == "Allow" && listed(&statement["Resource"]).iter().any(objects)
    });
    let actions = allowed.flat_map(|statement| listed(&statement["Action"]));
    actions.filter_map(Value::as_str).map(str::to_owned).collect()
}

#[test]
fn every_role_of_a_source_action_from_a_connection_may_upload_with_an_acl() {
    let templates = templates();
    let pipelines =
        templates.iter().map(|(_, template)| resources(template, "AWS::CodePipeline::Pipeline").len());
    assert!(pipelines.sum::<usize>() > 0);
    for (name, template) in &templates {
        assert_eq!(missing_permissions(template), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn the_role_of_the_action_counts_before_the_pipelines_and_attached_policies_count_too() {
    let pipeline = |role: &str| {
        template_of(&format!(
            "
Resources:
  P:
    Type: AWS::CodePipeline::Pipeline
    Properties:
      RoleArn: !GetAtt Full.Arn
      Stages: [{{Actions: [{{ActionTypeId: {{Provider: CodeStarSourceConnection}}{role}}}]}}]
  Full:
    Type: AWS::IAM::Role
    Properties:
      Policies:
        - PolicyDocument: {{Statement: {{Effect: Allow, Action: ['s3:GetObject*', 's3:PutObject*'], Resource: 'b/*'}}}}
  Bare: {{Type: AWS::IAM::Role}}
  Attached:
    Type: AWS::IAM::Policy
    Properties:
      Roles: [!Ref Bare]
      PolicyDocument:
        Statement:
          - {{Effect: Allow, Action: ['s3:GetObject', 's3:GetObjectVersion', 's3:PutObject'], Resource: !Sub '${{B.Arn}}/*'}}
          - {{Effect: Allow, Action: 's3:PutObjectAcl', Resource: !GetAtt B.Arn}}
          - {{Effect: Deny, Action: 's3:*', Resource: '*'}}
"
        ))
    };

    assert_eq!(missing_permissions(&pipeline("")), Vec::<String>::new());
    assert_eq!(missing_permissions(&pipeline(", RoleArn: !GetAtt Bare.Arn")), ["P: s3:PutObjectAcl"]);
}

/// A literal, or the literal that `Fn::Select` takes from a list.
fn literal(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Object(members) => {
            let [index, list] = &members.get("Fn::Select")?.as_array()?[..] else { return None };
            literal(list.get(literal(index)?.parse::<usize>().ok()?)?)
        }
        _ => None,
    }
}

/// Every `RedirectConfig` below a value.
fn redirects<'a>(value: &'a Value, found: &mut Vec<&'a Map<String, Value>>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("RedirectConfig").and_then(Value::as_object));
            members.values().for_each(|inner| redirects(inner, found));
        }
        Value::Array(items) => items.iter().for_each(|item| redirects(item, found)),
        _ => {}
    }
}

/// Listeners and rules that redirect to a port which nobody serves yet when they begin to.
fn early_redirects(template: &Value) -> Vec<String> {
    let listeners = resources(template, "AWS::ElasticLoadBalancingV2::Listener");
    let rules = resources(template, "AWS::ElasticLoadBalancingV2::ListenerRule");
    let mut early = Vec::new();
    for (name, resource) in listeners.iter().chain(&rules) {
        let mut found = Vec::new();
        redirects(&resource["Properties"], &mut found);
        for redirect in found {
            let port = redirect.get("Port").and_then(literal);
            let serves = |(other, listener): &&(&String, &Value)| {
                other != name && literal(&listener["Properties"]["Port"]) == port
            };
            let Some((target, listener)) = listeners.iter().find(serves) else {
                early.push(format!("{name}: nobody serves {port:?}"));
                continue;
            };
            // CloudFormation's guide: if a resource with a condition is not created, what depends on it is not
            // either. So only the branch that redirects may need a listener that others do without.
            let named = references(&Value::Object(redirect.clone())).contains(*target);
            let depends = listed(&resource["DependsOn"]).iter().any(|on| *on == target.as_str());
            let together = listener["Condition"].is_null() || listener["Condition"] == resource["Condition"];
            if depends && !together {
                early.push(format!("{name}: is not made where {target} is not"));
            } else if !named && !depends {
                early.push(format!("{name}: does not depend on {target}"));
            }
        }
    }
    early
}

#[test]
fn whatever_redirects_to_a_port_depends_on_the_listener_of_that_port() {
    let templates = templates();
    let mut found = Vec::new();
    templates.iter().for_each(|(_, template)| redirects(template, &mut found));
    assert!(!found.is_empty());
    for (name, template) in &templates {
        assert_eq!(early_redirects(template), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn a_redirect_that_is_early_or_hangs_on_a_condition_is_found() {
    let of = |port: &str, depends: &str, condition: &str| {
        early_redirects(&template_of(&format!(
            "
Resources:
  Plain:
    Type: AWS::ElasticLoadBalancingV2::Listener{depends}
    Properties:
      Port: 80
      DefaultActions: [!If [C, {{Type: redirect, RedirectConfig: {{Port: {port}}}}}, {{Type: forward}}]]
  Secure:
    Type: AWS::ElasticLoadBalancingV2::Listener{condition}
    Properties: {{Port: 443}}
"
        )))
    };
    let (depends, condition) = ("\n    DependsOn: Secure", "\n    Condition: C");

    assert_eq!(of("'443'", "", ""), ["Plain: does not depend on Secure"]);
    assert_eq!(of("'443'", depends, condition), ["Plain: is not made where Secure is not"]);
    assert_eq!(of("'8443'", depends, ""), ["Plain: nobody serves Some(\"8443\")"]);
    assert_eq!(of("!Select [0, ['443', !Ref Other]]", "", condition), ["Plain: does not depend on Secure"]);
    assert!(of("'443'", depends, "").is_empty());
    assert!(of("!Select [0, ['443', !Ref Secure]]", "", condition).is_empty());
}

/// Whether there are values of the parameters with which a template has no resource at all, which CloudFormation
/// refuses. One condition and its opposite cannot both be false.
fn may_be_empty(template: &Value) -> bool {
    let resources: Vec<&Value> = template["Resources"].as_object().unwrap().values().collect();
    let used: BTreeSet<&str> = resources.iter().filter_map(|it| it["Condition"].as_str()).collect();
    let opposite = |one: &str| {
        let not = template["Conditions"][one]["Fn::Not"][0]["Condition"].as_str();
        not.is_some_and(|other| used.contains(other))
    };
    !resources.iter().any(|it| it["Condition"].is_null()) && !used.iter().any(|one| opposite(one))
}

#[test]
fn whatever_the_parameters_are_a_template_has_a_resource() {
    for (name, template) in &templates() {
        assert!(!may_be_empty(template), "{name}");
    }
}

#[test]
fn a_template_that_may_have_no_resource_is_found() {
    let of = |resources: &str| {
        let conditions = "{C: !Equals [!Ref P, a], D: !Equals [!Ref P, b], N: !Not [!Condition C]}";
        may_be_empty(&template_of(&format!("Conditions: {conditions}\nResources: {{{resources}}}")))
    };
    assert!(of("A: {Type: T, Condition: C}"));
    assert!(of("A: {Type: T, Condition: C}, B: {Type: T, Condition: D}"));
    assert!(!of("A: {Type: T, Condition: C}, B: {Type: T, Condition: N}"));
    assert!(!of("A: {Type: T, Condition: C}, B: {Type: T}"));
}

/// What our roles may do to anything, each with the reason why it cannot be narrowed; docs/aws-checked.md has the
/// sources.
const UNSCOPED: [&str; 16] = [
    // No resource (service authorization reference).
    "codedeploy:ContinueDeployment",
    "codedeploy:StopDeployment",
    "ec2:DescribeSecurityGroupRules",
    "ecr:GetAuthorizationToken",
    "ecs:DescribeTaskDefinition",
    "elasticloadbalancing:DescribeListeners",
    "elasticloadbalancing:DescribeRules",
    "elasticloadbalancing:DescribeTargetGroups",
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
    // AWS's own policies have no narrower form.
    "cloudwatch:DescribeAlarms",
    "ecs:RegisterTaskDefinition",
    // Narrowed by conditions: who asks for it and what is decrypted; the cluster.
    "kms:Decrypt",
    "ecs:ListTasks",
];

/// The statements of all identity policies of a template.
fn statements(template: &Value) -> impl Iterator<Item = &Value> {
    let roles = resources(template, "AWS::IAM::Role").into_iter();
    let inline = roles.flat_map(|(_, role)| listed(&role["Properties"]["Policies"]));
    let attached =
        resources(template, "AWS::IAM::Policy").into_iter().map(|(_, policy)| &policy["Properties"]);
    let statements = inline.chain(attached).flat_map(|policy| listed(&policy["PolicyDocument"]["Statement"]));
    // A statement may hang on a condition of the template.
    statements.map(|one| if one["Fn::If"].is_null() { one } else { &one["Fn::If"][1] })
}

/// Actions of identity policies that are allowed on everything, or on everything of an account.
fn allowed_on_everything(template: &Value) -> BTreeSet<String> {
    let wide = |resource: &&Value| {
        let text = resource.as_str().or(resource["Fn::Sub"].as_str()).unwrap_or_default();
        // Pseudo parameters have colons of their own.
        let text = text.replace("${AWS::", "${");
        text == "*" || text.split(':').nth(5).is_some_and(|it| it == "*" || it.ends_with("key/*"))
    };
    let wide = statements(template)
        .filter(|one| one["Effect"] == "Allow" && listed(&one["Resource"]).iter().any(wide));
    let actions = wide.flat_map(|one| listed(&one["Action"]));
    actions.filter_map(Value::as_str).map(str::to_owned).collect()
}

#[test]
fn a_role_is_allowed_on_everything_only_what_cannot_be_narrowed() {
    let found: BTreeSet<String> =
        templates().iter().flat_map(|(_, template)| allowed_on_everything(template)).collect();
    assert_eq!(found, UNSCOPED.map(str::to_owned).into());
}

#[test]
fn a_statement_that_is_too_wide_is_found_wherever_it_stands() {
    let of = |statement: &str| {
        let template = format!(
            "Resources: {{P: {{Type: AWS::IAM::Policy, Properties: {{PolicyDocument: {{Statement: [{statement}]}}}}}}}}"
        );
        allowed_on_everything(&template_of(&template)).len()
    };
    assert_eq!(of("{Effect: Allow, Action: 'a:B', Resource: '*'}"), 1);
    assert_eq!(
        of("!If [C, {Effect: Allow, Action: ['a:B', 'a:C'], Resource: ['x', '*']}, !Ref 'AWS::NoValue']"),
        2
    );
    assert_eq!(of("{Effect: Allow, Action: 'a:B', Resource: !Sub 'arn:x:ecs:${AWS::Region}:1:*'}"), 1);
    assert_eq!(of("{Effect: Allow, Action: 'a:B', Resource: !Sub 'arn:x:ecs:r:1:task-set/c/s/*'}"), 0);
    assert_eq!(of("{Effect: Deny, Action: 'a:B', Resource: '*'}"), 0);
}

#[test]
fn every_action_that_a_role_is_allowed_has_its_source_in_the_docs() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/aws-checked.md");
    let page = std::fs::read_to_string(page).unwrap();
    let templates = templates();
    let allowed = templates.iter().flat_map(|(_, template)| statements(template));
    let actions: BTreeSet<&str> =
        allowed.flat_map(|one| listed(&one["Action"])).filter_map(Value::as_str).collect();
    assert!(actions.len() > 40, "{actions:?}");
    for action in actions {
        let (_, name) = action.split_once(':').unwrap();
        assert!(page.contains(&format!("`{action}`")) || page.contains(&format!("`{name}`")), "{action}");
    }
}

fn template_named(name: &str) -> Value {
    templates().into_iter().find(|(file, _)| file == name).unwrap().1
}

/// The template with its conditions decided: what is not there is gone, as CloudFormation leaves it.
fn decided(value: &Value, is_true: &dyn Fn(&str) -> bool) -> Option<Value> {
    let object = match value {
        Value::Array(items) => return Some(items.iter().filter_map(|item| decided(item, is_true)).collect()),
        Value::Object(members) => members,
        scalar => return Some(scalar.clone()),
    };
    if let Some(branches) = object.get("Fn::If").and_then(Value::as_array) {
        return decided(if is_true(branches[0].as_str()?) { &branches[1] } else { &branches[2] }, is_true);
    }
    if object.get("Ref").is_some_and(|name| name == "AWS::NoValue") {
        return None;
    }
    if object.get("Condition").and_then(Value::as_str).is_some_and(|name| !is_true(name)) {
        return None;
    }
    let members = object.iter().filter_map(|(key, value)| Some((key.clone(), decided(value, is_true)?)));
    Some(Value::Object(members.collect()))
}

/// Names of the actions of the stage Deploy, each with its run order; and the build's output artifacts.
fn deploy_stage(is_true: &dyn Fn(&str) -> bool) -> (Vec<(String, u64)>, usize) {
    let pipeline = decided(&template_named("pipeline.yml")["Resources"], is_true).unwrap();
    let stages = &pipeline["Pipeline"]["Properties"]["Stages"];
    let action =
        |action: &Value| (action["Name"].as_str().unwrap().to_owned(), action["RunOrder"].as_u64().unwrap());
    let outputs = listed(&stages[1]["Actions"][0]["OutputArtifacts"]).len();
    (listed(&stages[2]["Actions"]).into_iter().map(action).collect(), outputs)
}

#[test]
fn a_stack_without_a_migration_is_as_it_was_and_one_with_it_migrates_before_it_deploys() {
    let without = |name: &str| {
        !matches!(name, "HasMigration" | "HasChecks" | "HasReleaseProject" | "HasReleaseProgram")
    };
    let with = |_: &str| true;
    let names = |is_true: &dyn Fn(&str) -> bool| {
        let resources = decided(&template_named("deployment.yml")["Resources"], is_true).unwrap();
        resources.as_object().unwrap().keys().cloned().collect::<BTreeSet<String>>()
    };
    let before = ["Application", "DeploymentConfiguration", "DeploymentGroup", "DeploymentRole"];
    assert_eq!(names(&without), before.map(str::to_owned).into());
    assert_eq!(deploy_stage(&without), (vec![("Deploy".to_owned(), 1)], 1));

    let more = ["CheckPolicy", "TaskPolicy", "ReleaseLogGroup", "ReleaseProject", "ReleaseRole"];
    let more: BTreeSet<String> = more.map(str::to_owned).into();
    assert!(names(&with).is_superset(&more), "{:?}", names(&with));
    let stage = [("Migrate", 1), ("Deploy", 2), ("Check", 2)];
    assert_eq!(deploy_stage(&with), (stage.map(|(name, order)| (name.to_owned(), order)).into(), 2));
    let unmigrated = |name: &str| name != "HasMigration";
    let stage = [("Deploy", 1), ("Check", 1)];
    assert_eq!(deploy_stage(&unmigrated), (stage.map(|(name, order)| (name.to_owned(), order)).into(), 2));
}

/// What the program of the steps asks for is what the project gives it.
#[test]
fn the_release_project_gives_the_program_the_variables_that_it_reads() {
    let template = decided(&template_named("deployment.yml")["Resources"], &|_| true).unwrap();
    let environment = &template["ReleaseProject"]["Properties"]["Environment"]["EnvironmentVariables"];
    let given: BTreeSet<&str> =
        listed(environment).iter().filter_map(|variable| variable["Name"].as_str()).collect();
    let source = include_str!("../../seatrial-image/src/steps.rs");
    let step = source.split("struct MigrateArguments").nth(1).unwrap();
    let read: BTreeSet<&str> =
        step.split("env = \"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    // What CodeBuild gives by itself, what only the local cloud gives, and what has a default.
    let others = ["CODEBUILD_", "LOCAL_CLOUD_", "CHECK_TIMEOUT_MINUTES"];
    let of_project = |name: &&str| !others.iter().any(|other| name.starts_with(other));
    assert_eq!(given, read.into_iter().filter(of_project).collect());
}
