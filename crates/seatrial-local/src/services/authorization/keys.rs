//! What KMS knows of a request beside who asks: the encryption context, for whom, under which names.

use std::collections::BTreeMap;

use seatrial_actions::{Place, Record, ResourceRule};
use serde_json::Value;

use crate::operation::Asked;
use crate::services::{kms, s3};

const CONTEXT: &str = "kms:EncryptionContext:";

/// The condition keys of an action of KMS (developer guide, "AWS KMS condition keys"); none of another service's.
pub(super) fn conditions(
    asked: &Asked<'_>,
    encrypted: &str,
    action: &str,
    key_arn: &str,
) -> Vec<(String, Vec<String>)> {
    if !action.starts_with("kms:") {
        return Vec::new();
    }
    let context = match asked.service {
        "kms" => given(asked, action),
        _ => forwarded(asked, encrypted).into_iter().collect(),
    };
    let mut found = vec![("kms:CallerAccount".to_owned(), vec![asked.cloud.account().to_owned()])];
    if !context.is_empty() {
        let names = context.iter().map(|(name, _)| name.clone()).collect();
        found.push(("kms:EncryptionContextKeys".to_owned(), names));
    }
    found.extend(context.into_iter().map(|(name, value)| (format!("{CONTEXT}{name}"), vec![value])));
    if action == "kms:CreateGrant" {
        let is_for_service = asked.service != "kms";
        found.push(("kms:GrantIsForAWSResource".to_owned(), vec![is_for_service.to_string()]));
    }
    let aliases = kms::aliases_of(asked.cloud, key_arn);
    if !aliases.is_empty() {
        found.push(("kms:ResourceAliases".to_owned(), aliases));
    }
    found
}

/// What a caller of KMS gives; of `ReEncrypt` the one for the side that is asked for.
fn given(asked: &Asked<'_>, action: &str) -> Vec<(String, String)> {
    let member = match action {
        "kms:ReEncryptFrom" => "SourceEncryptionContext",
        "kms:ReEncryptTo" => "DestinationEncryptionContext",
        _ => "EncryptionContext",
    };
    let pairs = asked.input.get(member).and_then(Value::as_object).into_iter().flatten();
    pairs.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}

/// The ARN of what is encrypted with the key that a rule tells.
pub(super) fn encrypted(asked: &Asked<'_>, place: Place<'_>, rule: &ResourceRule) -> String {
    match rule {
        ResourceRule::Recorded(Record::KeyOf(arn)) => place.fill(arn),
        _ => asked.resource.to_owned(),
    }
}

/// What a service gives that asks with its caller's session, by the page of each on encryption: S3 (with a bucket key the
/// bucket's ARN), Secrets Manager, Parameter Store, ECR.
fn forwarded(asked: &Asked<'_>, encrypted: &str) -> Option<(String, String)> {
    let (name, arn) = match asked.service {
        "s3" => ("aws:s3:arn", s3::context_of(asked.cloud, encrypted)),
        // Of a secret that is only being made, the end of the ARN is not known.
        "secretsmanager" if asked.operation == "CreateSecret" => ("SecretARN", format!("{encrypted}-??????")),
        "secretsmanager" => ("SecretARN", encrypted.to_owned()),
        "ssm" => ("PARAMETER_ARN", encrypted.to_owned()),
        "ecr" => ("aws:ecr:arn", encrypted.to_owned()),
        _ => return None,
    };
    Some((name.to_owned(), arn))
}

/// Whether a grant allows what no policy does.
pub(super) fn is_granted(
    asked: &Asked<'_>,
    action: &str,
    key_arn: &str,
    conditions: &BTreeMap<String, Vec<String>>,
) -> bool {
    let Some(operation) = action.strip_prefix("kms:") else { return false };
    let pair = |(key, values): (&String, &Vec<String>)| {
        Some((key.strip_prefix(CONTEXT)?.to_owned(), values.first()?.clone()))
    };
    let context: Vec<_> = conditions.iter().filter_map(pair).collect();
    let principal = asked.principal;
    let grantee: Vec<&str> =
        [Some(principal.arn.as_str()), principal.role_arn.as_deref()].into_iter().flatten().collect();
    kms::is_granted(asked.cloud, key_arn, (&grantee, operation), &context)
}
