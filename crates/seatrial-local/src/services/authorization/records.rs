//! On which resources an action is checked, where the input alone does not tell.

use serde_json::Value;

use seatrial_actions::{Place, Record, ResourceRule};

use crate::operation::Asked;
use crate::services::{cloudformation, codedeploy, ecs, iam, kms, s3, secretsmanager, ssm};

/// The ARNs, or `*`; nothing where there is nothing to check.
pub(super) fn resources(asked: &Asked<'_>, place: Place<'_>, rule: &ResourceRule) -> Vec<String> {
    match rule {
        ResourceRule::Own => vec![asked.resource.to_owned()],
        ResourceRule::Any => vec!["*".to_owned()],
        ResourceRule::Arn(arn) => vec![named(asked, place.fill(arn))],
        ResourceRule::IfMissing(arn) => {
            let arn = place.fill(arn);
            if iam::policies_of(asked.cloud, &arn).is_some() { Vec::new() } else { vec![arn] }
        }
        ResourceRule::Recorded(record) => recorded(asked, place, record),
    }
}

fn recorded(asked: &Asked<'_>, place: Place<'_>, record: &Record) -> Vec<String> {
    let cloud = asked.cloud;
    match record {
        Record::TaskDefinition(name) => ecs::definition_arn(cloud, name).into_iter().collect(),
        Record::Roles { task_definition, replaced } => {
            let roles = ecs::definition_roles(cloud, task_definition).into_iter();
            roles.filter(|(member, _)| !replaced.contains(member)).map(|(_, arn)| arn).collect()
        }
        Record::DeploymentConfig => codedeploy::config_of_group(cloud, asked.resource).into_iter().collect(),
        Record::DeploymentGroup(id) => vec![codedeploy::group_of_deployment(cloud, id)],
        Record::Key => key_of(asked, asked.resource),
        Record::KeyOf(arn) => key_of(asked, &place.fill(arn)),
        Record::StackGivenTags => stack(asked, |_, new| !new.is_empty()),
        Record::StackLosingTags => stack(asked, |old, new| old.iter().any(|key| !new.contains(key))),
    }
}

/// Of a key's alias the key: KMS checks that. What is done to an alias itself is checked on it, too.
fn named(asked: &Asked<'_>, arn: String) -> String {
    let is_on_alias = asked.service == "kms" && asked.operation.ends_with("Alias");
    if arn.contains(":kms:") && !is_on_alias { kms::arn_of(asked.cloud, &arn) } else { arn }
}

/// The customer's key that encrypts an object, a secret, a parameter; that of an alias. Repositories are read by grant.
fn key_of(asked: &Asked<'_>, arn: &str) -> Vec<String> {
    let cloud = asked.cloud;
    let key = match arn.strip_prefix("arn:aws:s3:::") {
        Some(object) => s3::key_of(cloud, object, (asked.operation, asked.input)),
        None if arn.contains(":secretsmanager:") => secretsmanager::key_of(cloud, arn),
        None if arn.contains(":ssm:") => ssm::key_of(cloud, arn),
        None if arn.contains(":kms:") => Some(arn.to_owned()),
        None => None,
    };
    let own = key.filter(|key| !key.contains("alias/aws/"));
    own.map(|key| kms::arn_of(cloud, &key)).filter(|key| key.contains(":key/")).into_iter().collect()
}

/// The stack, if its tags and those that it would have are as asked: by a change set, or by the call itself.
fn stack(asked: &Asked<'_>, is_meant: impl Fn(&[String], &[String]) -> bool) -> Vec<String> {
    let text = |member: &str| asked.input.get(member).and_then(Value::as_str);
    let Some(tags) = cloudformation::tag_keys(asked.cloud, asked.resource) else { return Vec::new() };
    let new = match text("ChangeSetName").filter(|_| asked.operation == "ExecuteChangeSet") {
        Some(name) => cloudformation::tag_keys_of_change_set(asked.cloud, asked.resource, name),
        None => given_tags(asked.input),
    };
    // Who says nothing of tags keeps them (CloudFormation API reference, UpdateStack: Tags).
    let Some(new) = new else { return Vec::new() };
    if is_meant(&tags, &new) { vec![asked.resource.to_owned()] } else { Vec::new() }
}

fn given_tags(input: &Value) -> Option<Vec<String>> {
    let keys = input.get("Tags")?.as_array()?.iter().filter_map(|tag| tag.get("Key")?.as_str());
    Some(keys.map(str::to_owned).collect())
}
