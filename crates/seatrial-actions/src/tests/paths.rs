//! The members that tables read are members of AWS's models.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::beyond;
use crate::context::{From, KEYS};
use crate::on::On;
use crate::own;
use crate::row::{Row, When};

/// The model that the local cloud has of a service, by signing name.
fn model(service: &str) -> Value {
    let file = match service {
        "elasticloadbalancing" => "elbv2",
        "monitoring" => "cloudwatch",
        other => other,
    };
    let path = format!("{}/../seatrial-local/models/{file}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// Whether the input of an operation has a member at `path`; true where the model is without the operation.
fn has(model: &Value, operation: &str, path: &str) -> bool {
    let Some(shape) = model["operations"][operation]["input"]["shape"].as_str() else { return true };
    let mut shape = shape.to_owned();
    for part in path.split('.') {
        let (name, is_list) = part.strip_suffix("[]").map_or((part, false), |name| (name, true));
        let of = &model["shapes"][&shape];
        let member = match of["type"].as_str() {
            // Maps of text: the members of an action's configuration are its provider's.
            Some("map") => return true,
            _ => of["members"][name]["shape"].as_str(),
        };
        let Some(member) = member else { return false };
        shape = member.to_owned();
        if is_list {
            let Some(inner) = model["shapes"][&shape]["member"]["shape"].as_str() else { return false };
            shape = inner.to_owned();
        }
    }
    true
}

/// What stands in braces of a template.
fn placeholders(template: &str) -> Vec<String> {
    let inside =
        template.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(inside, _)| inside);
    inside.map(|text| text.split('|').next().unwrap().trim_end_matches('/').to_owned()).collect()
}

fn paths(row: &Row) -> Vec<String> {
    let owned = |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>();
    let mut paths = match row.on {
        On::Arns(paths) | On::Roles(paths) | On::Keys(paths) => owned(paths),
        On::Made(_, template) => placeholders(template),
        On::Each { below, path, .. } => [placeholders(below), owned(&[path])].concat(),
        On::Ec2(path)
        | On::Below(path, ..)
        | On::ObjectAt(path)
        | On::TaskDefinition(path)
        | On::DeploymentGroups(path)
        | On::Parameters(path)
        | On::KeysOfParameters(path)
        | On::ProjectsOfBuilds(path)
        | On::RolesOf(path) => owned(&[path]),
        On::CopySource { .. } | On::KeyOfCopySource => owned(&["CopySource"]),
        On::Objects { .. } => owned(&["Bucket", "Delete.Objects[].Key", "Delete.Objects[].VersionId"]),
        _ => Vec::new(),
    };
    match row.when {
        When::Given(given) | When::Absent(given) => paths.extend(owned(given)),
        When::Is(path, _) => paths.push(path.to_owned()),
        When::Always => {}
    }
    paths
}

#[test]
fn a_path_is_a_member_of_the_input_of_one_of_its_rows_operations_at_least() {
    let mut faults = BTreeSet::new();
    for row in own::rows().chain(beyond::rows()) {
        for path in paths(row) {
            let found = row.operations.iter().any(|called| {
                let (service, operation) = called.split_once(':').unwrap();
                has(&model(service), operation, &path)
            });
            if !found {
                faults.insert(format!("row {}: {:?} has no {path}", row.number, row.operations));
            }
        }
    }

    assert!(faults.is_empty(), "{}", faults.into_iter().collect::<Vec<_>>().join("\n"));
}

#[test]
fn a_condition_key_is_read_from_a_member_of_some_operation() {
    let mut faults = Vec::new();
    // Using a connection is no operation of the API: only a permission.
    for (service, key, from) in KEYS.iter().filter(|(service, ..)| *service != "codeconnections") {
        let model = model(service);
        let paths = match from {
            From::Text(path) => vec![(*path).to_owned()],
            From::Ecs(template) => placeholders(template),
        };
        let operations = model["operations"].as_object().unwrap();
        for path in paths {
            let mut shaped =
                operations.iter().filter(|(_, operation)| operation["input"]["shape"].is_string());
            if !shaped.any(|(operation, _)| has(&model, operation, &path)) {
                faults.push(format!("{key}: no operation of {service} has {path}"));
            }
        }
    }

    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_member_that_is_not_there_is_found_out() {
    let ecs = model("ecs");

    assert!(has(&ecs, "RunTask", "overrides.taskRoleArn"));
    assert!(has(&ecs, "CreateService", "volumeConfigurations[].managedEBSVolume.roleArn"));
    assert!(!has(&ecs, "RunTask", "overrides.taskRole"));
    assert!(!has(&ecs, "CreateService", "volumeConfigurations.managedEBSVolume"));
}
