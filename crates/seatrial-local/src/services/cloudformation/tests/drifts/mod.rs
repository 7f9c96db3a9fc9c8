//! Drift of each type in this repository's templates: untouched it has none, edited by hand its property is named and can
//! be put back, deleted by hand it is gone.

mod edits;
mod running;
mod stacks;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::store::Store;
use crate::Cloud;
use crate::error::ServiceError;
use crate::tests::{call, cloud_in};
use edits::{ByHand, Edit, deletions, edits};
use stacks::{STANDING, checked, events, physical_id, settled, standing, with_ids};

/// Types that AWS does not check: their schemas have no read handler (cfn-lint's copy of AWS's schemas, version 1.58;
/// user guide, "Resource type support": drift is detected of provisionable types).
const UNSUPPORTED: [&str; 3] =
    ["AWS::CodeBuild::Project", "AWS::IAM::Policy", "AWS::CloudFormation::WaitConditionHandle"];

async fn by_hand(cloud: &Cloud, (operation, input): &ByHand) -> Result<(), ServiceError> {
    call(cloud, operation, with_ids(cloud, input).await).await.map(drop)
}

async fn drifted(cloud: &Cloud, stack: &str) -> Vec<String> {
    let all = checked(cloud, stack).await.into_iter();
    all.filter(|(_, _, status, _)| status != "IN_SYNC").map(|(_, id, _, _)| id).collect()
}

#[tokio::test]
async fn what_was_just_made_is_in_sync_and_every_type_is_checked_or_known_not_to_be() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    standing(&cloud).await;
    let mut types = BTreeSet::new();
    let (mut seen, mut wrong) = (BTreeSet::new(), Vec::new());
    let folder = format!("{}/../../infra/stacks", env!("CARGO_MANIFEST_DIR"));
    for file in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let resources = text.split("\nResources:\n").nth(1).unwrap();
        types.extend(resources.lines().filter_map(|line| Some(line.strip_prefix("    Type: ")?.to_owned())));
    }
    for stack in STANDING {
        for (kind, id, status, paths) in checked(&cloud, stack).await {
            if status != "IN_SYNC" {
                wrong.push(format!("{stack}.{id}: {status} {paths:?}"));
            }
            seen.insert(kind);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let handled = cloud.part::<Store>();
    for kind in &types {
        let expected = !UNSUPPORTED.contains(&kind.as_str());
        let readable = handled.handler(kind).is_some_and(|handler| handler.read.is_some());
        assert_eq!(readable, expected, "{kind}");
        assert!(expected || !seen.contains(kind), "{kind}");
    }
}

#[tokio::test]
async fn an_edit_by_hand_is_told_with_its_property_and_of_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    let known = standing(&cloud).await;
    let mut wrong = Vec::new();
    for edit in edits(&known) {
        if let Err(why) = told(&cloud, &edit).await {
            wrong.push(format!("{}.{}: {why}", edit.stack, edit.id));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let pipeline = Edit { stack: "pipeline", id: "Pipeline", calls: Vec::new(), property: BRANCH };
    edit_the_pipeline(&cloud).await;
    assert_eq!(told(&cloud, &pipeline).await, Ok(()));
}

/// Edits, and compares what has drifted since.
async fn told(cloud: &Cloud, edit: &Edit) -> Result<(), String> {
    let before = match edit.calls.is_empty() {
        true => Vec::new(),
        false => drifted(cloud, edit.stack).await,
    };
    for one in &edit.calls {
        by_hand(cloud, one).await.map_err(|error| error.message)?;
    }
    let mut found = checked(cloud, edit.stack).await;
    found.retain(|(_, one, status, _)| status != "IN_SYNC" && !before.contains(one));
    let is_told = matches!(&found[..], [(_, one, status, paths)] if one == edit.id && status == "MODIFIED"
        && !paths.is_empty() && paths.iter().all(|path| path.starts_with(edit.property)));
    if is_told { Ok(()) } else { Err(format!("{found:?}")) }
}

const BRANCH: &str = "/Stages/0/Actions/0/Configuration/BranchName";

/// Its whole declaration is sent, with one value changed.
async fn edit_the_pipeline(cloud: &Cloud) {
    let name = physical_id(cloud, "pipeline", "Pipeline").await;
    let mut shown = call(cloud, "codepipeline:GetPipeline", json!({"name": name})).await.unwrap();
    shown["pipeline"]["stages"][0]["actions"][0]["configuration"]["BranchName"] = json!("another");
    call(cloud, "codepipeline:UpdatePipeline", json!({"pipeline": shown["pipeline"]})).await.unwrap();
}

#[tokio::test]
async fn what_was_deleted_by_hand_is_told_as_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    let known = standing(&cloud).await;
    let mut wrong = Vec::new();
    for (stack, id, deletion) in deletions(&known) {
        if let Err(error) = by_hand(&cloud, &deletion).await {
            wrong.push(format!("{stack}.{id}: {}", error.message));
        }
        let found = checked(&cloud, stack).await;
        let status = found.iter().find(|(_, one, _, _)| one == id).map(|(_, _, status, _)| status.as_str());
        if status != Some("DELETED") {
            wrong.push(format!("{stack}.{id}: {status:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn what_was_edited_by_hand_is_shown_and_put_back_by_a_drift_aware_change_set() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    let known = standing(&cloud).await;
    let mut wrong = Vec::new();
    for edit in edits(&known) {
        for one in &edit.calls {
            by_hand(&cloud, one).await.unwrap();
        }
        if let Err(why) = put_back(&cloud, &edit).await {
            wrong.push(format!("{}.{}: {why}", edit.stack, edit.id));
        }
    }
    edit_the_pipeline(&cloud).await;
    let pipeline = Edit { stack: "pipeline", id: "Pipeline", calls: Vec::new(), property: BRANCH };
    if let Err(why) = put_back(&cloud, &pipeline).await {
        wrong.push(format!("pipeline.Pipeline: {why}"));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Makes a change set of nothing but what has drifted, and executes it.
async fn put_back(cloud: &Cloud, edit: &Edit) -> Result<(), String> {
    let set = drift_aware(cloud, edit.stack).await;
    let changes = set["Changes"].as_array().into_iter().flatten().map(|change| &change["ResourceChange"]);
    let is_own = |change: &&Value| change["LogicalResourceId"] == edit.id;
    let Some(change) = changes.clone().find(is_own) else { return Err(format!("is not shown: {set:#}")) };
    let shown = (&change["Action"], &change["ResourceDriftStatus"]);
    if shown != (&json!("Modify"), &json!("MODIFIED")) || change["Replacement"] == "True" {
        return Err(format!("is shown as {change:#}"));
    }
    // Others may be shown because they refer to it.
    if let Some(other) =
        changes.clone().find(|change| !is_own(change) && change["ResourceDriftStatus"] != "IN_SYNC")
    {
        return Err(format!("shows {other:#}"));
    }
    let path = |detail: &Value| detail["Target"]["Path"].as_str().map(str::to_owned).unwrap_or_default();
    let details = change["Details"].as_array().unwrap().iter();
    let property = format!("/Properties{}", edit.property);
    if !details
        .clone()
        .all(|detail| path(detail).starts_with(&property) && !detail["Target"]["Drift"].is_null())
    {
        return Err(format!("is shown with {change:#}"));
    }
    let execute = json!({"ChangeSetName": set["ChangeSetId"]});
    call(cloud, "cloudformation:ExecuteChangeSet", execute).await.map_err(|error| error.message)?;
    let status = settled(cloud, edit.stack).await;
    if status != "UPDATE_COMPLETE" {
        return Err(format!("{status}: {:#}", events(cloud, edit.stack).await));
    }
    match drifted(cloud, edit.stack).await {
        left if left.is_empty() => Ok(()),
        left => Err(format!("{left:?} are left")),
    }
}

async fn drift_aware(cloud: &Cloud, stack: &str) -> Value {
    let described = call(cloud, "cloudformation:DescribeStacks", json!({"StackName": stack})).await.unwrap();
    let parameters = described["Stacks"][0]["Parameters"].as_array().into_iter().flatten();
    let kept = parameters.map(|one| json!({"ParameterKey": one["ParameterKey"], "UsePreviousValue": true}));
    let input = json!({
        "StackName": stack, "ChangeSetName": format!("put-back-{}", crate::id::hex(8)), "UsePreviousTemplate": true,
        "Parameters": kept.collect::<Vec<_>>(), "Capabilities": ["CAPABILITY_NAMED_IAM"],
        "DeploymentMode": "REVERT_DRIFT",
    });
    let id = call(cloud, "cloudformation:CreateChangeSet", input).await.unwrap()["Id"].clone();
    let describe = json!({"ChangeSetName": id, "IncludePropertyValues": true});
    call(cloud, "cloudformation:DescribeChangeSet", describe).await.unwrap()
}
