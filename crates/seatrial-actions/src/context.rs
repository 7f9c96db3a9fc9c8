//! The condition keys of a request that its input tells.
//!
//! Only keys that the reference has for the action are given. What the caller or the resource tells
//! (`aws:PrincipalTag`, `aws:ResourceTag`, `aws:SourceIp`) is the door's.

use serde_json::Value;

use crate::input::{tags, texts};
use crate::on::{arn, made};
use crate::reference;

/// How a key's values are found in the input.
pub(crate) enum From {
    Text(&'static str),
    /// An ARN of ECS, of a template as tables have it.
    Ecs(&'static str),
}

/// Condition keys by service that is called, each with where the input has it.
pub(crate) const KEYS: &[(&str, &str, From)] = &[
    ("ecs", "ecs:cluster", From::Ecs("cluster/{cluster/|default}")),
    ("ecs", "ecs:service", From::Ecs("service/{cluster/|default}/{service/}")),
    // Of a bare family the door adds the revision.
    ("ecs", "ecs:task-definition", From::Ecs("task-definition/{taskDefinition/}")),
    ("ecs", "ecs:enable-execute-command", From::Text("enableExecuteCommand")),
    ("ecs", "ecs:propagate-tags", From::Text("propagateTags")),
    ("ecs", "ecs:subnet", From::Text("networkConfiguration.awsvpcConfiguration.subnets[]")),
    (
        "ecs",
        "ecs:auto-assign-public-ip",
        From::Text("networkConfiguration.awsvpcConfiguration.assignPublicIp"),
    ),
    ("ecs", "ecs:task-cpu", From::Text("cpu")),
    ("ecs", "ecs:task-memory", From::Text("memory")),
    ("s3", "s3:x-amz-acl", From::Text("ACL")),
    ("s3", "s3:x-amz-grant-full-control", From::Text("GrantFullControl")),
    ("s3", "s3:x-amz-grant-read", From::Text("GrantRead")),
    ("s3", "s3:x-amz-grant-read-acp", From::Text("GrantReadACP")),
    ("s3", "s3:x-amz-grant-write", From::Text("GrantWrite")),
    ("s3", "s3:x-amz-grant-write-acp", From::Text("GrantWriteACP")),
    ("s3", "s3:x-amz-copy-source", From::Text("CopySource")),
    ("s3", "s3:x-amz-object-ownership", From::Text("ObjectOwnership")),
    ("s3", "s3:x-amz-server-side-encryption", From::Text("ServerSideEncryption")),
    ("s3", "s3:x-amz-server-side-encryption-aws-kms-key-id", From::Text("SSEKMSKeyId")),
    ("s3", "s3:x-amz-storage-class", From::Text("StorageClass")),
    ("s3", "s3:prefix", From::Text("Prefix")),
    ("s3", "s3:delimiter", From::Text("Delimiter")),
    ("s3", "s3:max-keys", From::Text("MaxKeys")),
    ("s3", "s3:versionid", From::Text("VersionId")),
    ("iam", "iam:PermissionsBoundary", From::Text("PermissionsBoundary")),
    ("iam", "iam:PolicyARN", From::Text("PolicyArn")),
    ("iam", "iam:AWSServiceName", From::Text("AWSServiceName")),
    ("sts", "sts:RoleSessionName", From::Text("RoleSessionName")),
    ("sts", "sts:ExternalId", From::Text("ExternalId")),
    ("sts", "sts:SourceIdentity", From::Text("SourceIdentity")),
    ("sts", "sts:TransitiveTagKeys", From::Text("TransitiveTagKeys[]")),
    ("codebuild", "codebuild:serviceRole", From::Text("serviceRoleOverride")),
    ("codebuild", "codebuild:serviceRole", From::Text("serviceRole")),
    ("codebuild", "codebuild:source.location", From::Text("sourceLocationOverride")),
    ("codebuild", "codebuild:source.location", From::Text("source.location")),
    ("codebuild", "codebuild:source.buildspec", From::Text("buildspecOverride")),
    ("codebuild", "codebuild:environment.privilegedMode", From::Text("privilegedModeOverride")),
    ("codebuild", "codebuild:environment.image", From::Text("imageOverride")),
    ("cloudformation", "cloudformation:RoleArn", From::Text("RoleARN")),
    ("cloudformation", "cloudformation:ChangeSetName", From::Text("ChangeSetName")),
    ("cloudformation", "cloudformation:TemplateUrl", From::Text("TemplateURL")),
    ("cloudformation", "cloudformation:StackPolicyUrl", From::Text("StackPolicyURL")),
    ("cloudformation", "cloudformation:ResourceTypes", From::Text("ResourceTypes[]")),
    ("codeconnections", "codeconnections:FullRepositoryId", From::Text("FullRepositoryId")),
    ("codeconnections", "codeconnections:BranchName", From::Text("BranchName")),
    ("codeconnections", "codeconnections:ProviderAction", From::Text("ProviderAction")),
    ("codeconnections", "codestar-connections:FullRepositoryId", From::Text("FullRepositoryId")),
    ("codeconnections", "codestar-connections:BranchName", From::Text("BranchName")),
    ("codeconnections", "codestar-connections:ProviderAction", From::Text("ProviderAction")),
    ("secretsmanager", "secretsmanager:Name", From::Text("Name")),
    ("secretsmanager", "secretsmanager:SecretId", From::Text("SecretId")),
    ("secretsmanager", "secretsmanager:VersionId", From::Text("VersionId")),
    ("secretsmanager", "secretsmanager:VersionStage", From::Text("VersionStage")),
    ("secretsmanager", "secretsmanager:KmsKeyId", From::Text("KmsKeyId")),
    ("secretsmanager", "secretsmanager:ForceDeleteWithoutRecovery", From::Text("ForceDeleteWithoutRecovery")),
    ("secretsmanager", "secretsmanager:RecoveryWindowInDays", From::Text("RecoveryWindowInDays")),
    ("application-autoscaling", "application-autoscaling:service-namespace", From::Text("ServiceNamespace")),
    (
        "application-autoscaling",
        "application-autoscaling:scalable-dimension",
        From::Text("ScalableDimension"),
    ),
    ("kms", "kms:BypassPolicyLockoutSafetyCheck", From::Text("BypassPolicyLockoutSafetyCheck")),
    ("kms", "kms:EncryptionAlgorithm", From::Text("EncryptionAlgorithm")),
    ("kms", "kms:GrantOperations", From::Text("Operations[]")),
    ("kms", "kms:GranteePrincipal", From::Text("GranteePrincipal")),
    ("kms", "kms:RetiringPrincipal", From::Text("RetiringPrincipal")),
    ("kms", "kms:ScheduleKeyDeletionPendingWindowInDays", From::Text("PendingWindowInDays")),
    ("rds", "rds:PubliclyAccessible", From::Text("PubliclyAccessible")),
    ("rds", "rds:ManageMasterUserPassword", From::Text("ManageMasterUserPassword")),
    ("elasticloadbalancing", "elasticloadbalancing:Scheme", From::Text("Scheme")),
    ("elasticloadbalancing", "elasticloadbalancing:SecurityPolicy", From::Text("SslPolicy")),
    ("elasticloadbalancing", "elasticloadbalancing:ListenerProtocol", From::Text("Protocol")),
    ("elasticloadbalancing", "elasticloadbalancing:SecurityGroup", From::Text("SecurityGroups[]")),
    ("elasticloadbalancing", "elasticloadbalancing:Subnet", From::Text("Subnets[]")),
];

/// The keys of `action`, checked when `operation` of `service` is called with `input`.
pub(crate) fn of(service: &str, operation: &str, action: &str, input: &Value) -> Vec<(String, Vec<String>)> {
    let Some(known) = reference::lookup(action) else { return Vec::new() };
    let has = |key: &str| known.keys.iter().any(|known| known.eq_ignore_ascii_case(key));
    let mut context: Vec<(String, Vec<String>)> = Vec::new();
    for (_, key, from) in KEYS.iter().filter(|(of, key, _)| *of == service && has(key)) {
        let values = match from {
            From::Text(path) => texts(input, path),
            From::Ecs(template) => made(template, input).iter().map(|rest| arn("ecs", rest)).collect(),
        };
        if !values.is_empty() && context.iter().all(|(known, _)| known != key) {
            context.push(((*key).to_owned(), values));
        }
    }
    // What a call takes away is not what it gives.
    let is_removed = action.ends_with(":UntagResource") && operation != "UntagResource";
    let tags = if is_removed { Vec::new() } else { tags(input) };
    let is_taking = ["Delete", "Remove", "Untag"].iter().any(|verb| operation.starts_with(verb));
    if has("aws:RequestTag/${TagKey}") && !is_taking {
        context
            .extend(tags.iter().map(|(key, value)| (format!("aws:RequestTag/{key}"), vec![value.clone()])));
    }
    if has("aws:TagKeys") {
        let removed = ["TagKeys[]", "tagKeys[]"].into_iter().flat_map(|path| texts(input, path));
        let keys: Vec<_> = tags.into_iter().map(|(key, _)| key).chain(removed).collect();
        context.extend((!keys.is_empty()).then(|| ("aws:TagKeys".to_owned(), keys)));
    }
    // Says by which call a resource is tagged that is only being made.
    let creates = known.keys.iter().find(|key| key.ends_with(":CreateAction"));
    if let Some(key) = creates.filter(|_| action.rsplit(':').next() != Some(operation)) {
        context.push((key.clone(), vec![operation.to_owned()]));
    }
    context
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tags_become_keys_where_the_action_knows_them() {
        let input = json!({"tags": [{"key": "team", "value": "blue"}], "cluster": "app"});

        let context = of("ecs", "CreateService", "ecs:TagResource", &input);

        assert_eq!(
            context,
            [
                ("aws:RequestTag/team".to_owned(), vec!["blue".to_owned()]),
                ("aws:TagKeys".to_owned(), vec!["team".to_owned()]),
                ("ecs:CreateAction".to_owned(), vec!["CreateService".to_owned()]),
            ]
        );
        assert!(of("ecs", "UpdateService", "iam:PassRole", &input).is_empty());
    }

    #[test]
    fn a_cluster_is_told_by_its_arn_also_where_none_is_named() {
        let cluster = |input| of("ecs", "RunTask", "ecs:RunTask", &input).remove(0);

        assert_eq!(
            cluster(json!({"cluster": "app"})).1,
            ["arn:${Partition}:ecs:${Region}:${Account}:cluster/app"]
        );
        assert_eq!(cluster(json!({})).1, ["arn:${Partition}:ecs:${Region}:${Account}:cluster/default"]);
    }

    #[test]
    fn every_key_is_one_that_the_reference_has_for_some_action() {
        let missing: Vec<_> =
            KEYS.iter().map(|(_, key, _)| *key).filter(|key| !reference::has_key(key)).collect();

        assert!(missing.is_empty(), "{missing:?}");
    }
}
