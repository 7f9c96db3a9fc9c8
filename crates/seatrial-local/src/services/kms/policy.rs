//! Policies of keys: the usual one, and what AWS refuses.

use seatrial_policy::{Context, NamedPolicy, Policies, Policy, PolicyKind, Request};
use serde_json::{Value, json};

use super::refusals::malformed;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::principal::Principal;
use crate::services::iam;

/// What everybody may whose account lets them.
const EVERYTHING: &str = r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#;

fn root(cloud: &Cloud) -> Value {
    json!({
        "Sid": "Enable IAM User Permissions", "Effect": "Allow", "Action": "kms:*", "Resource": "*",
        "Principal": {"AWS": format!("arn:aws:iam::{}:root", cloud.account())},
    })
}

/// The policy of a key that is made without one (recorded: `test_replicate_key`).
pub(super) fn usual(cloud: &Cloud) -> String {
    json!({"Version": "2012-10-17", "Id": "key-default-1", "Statement": [root(cloud)]}).to_string()
}

/// The same, and what CloudWatch Logs needs (user guide, encrypt-log-data-kms: step 2).
pub(super) fn for_logs(cloud: &Cloud) -> String {
    let (region, account) = (cloud.region(), cloud.account());
    let logs = json!({
        "Sid": "Logs", "Effect": "Allow", "Resource": "*",
        "Principal": {"Service": format!("logs.{region}.amazonaws.com")},
        "Action": ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
        "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": format!("arn:aws:logs:{region}:{account}:*")}},
    });
    json!({"Version": "2012-10-17", "Statement": [root(cloud), logs]}).to_string()
}

/// # Errors
/// `MalformedPolicyDocumentException`: it is none, it names roles that are not there, or, unless `bypass`, its caller could
/// not change it again (API reference, `PutKeyPolicy`: "BypassPolicyLockoutSafetyCheck").
pub(super) fn check(
    cloud: &Cloud,
    caller: &Principal,
    (key_arn, text): (&str, &str),
    bypass: bool,
) -> Result<(), ServiceError> {
    let policy = Policy::parse(PolicyKind::Key, text).map_err(|error| malformed(error.to_string()))?;
    let document: Value = serde_json::from_str(text).map_err(|error| malformed(error.to_string()))?;
    if roles(&document).iter().any(|role| is_missing(cloud, role)) {
        return Err(malformed("Policy contains a statement with one or more invalid principals."));
    }
    if !bypass && !may_change(cloud, caller, key_arn, policy) {
        return Err(malformed(
            "The new key policy will not allow you to update the key policy in the future.",
        ));
    }
    Ok(())
}

/// The ARNs that the statements name.
fn roles(document: &Value) -> Vec<String> {
    let list = |value: &Value| match value {
        Value::Array(items) => items.clone(),
        Value::Null => Vec::new(),
        one => vec![one.clone()],
    };
    let statements = list(&document["Statement"]).into_iter();
    let named = statements.flat_map(|statement| {
        let of = |member: &str| list(&statement[member]["AWS"]);
        [of("Principal"), of("NotPrincipal")].concat()
    });
    named.filter_map(|one| one.as_str().map(str::to_owned)).filter(|one| one.contains(":role/")).collect()
}

fn is_missing(cloud: &Cloud, role: &str) -> bool {
    role.split(':').nth(4) == Some(cloud.account()) && iam::policies_of(cloud, role).is_none()
}

fn may_change(cloud: &Cloud, caller: &Principal, key_arn: &str, policy: Policy) -> bool {
    use seatrial_policy::Principal as Who;
    let arn = caller.arn.clone();
    let who = match &caller.role_arn {
        Some(role_arn) => Who::RoleSession { arn, role_arn: role_arn.clone() },
        None => Who::User { arn },
    };
    let identity = Policy::parse(PolicyKind::Identity, EVERYTHING)
        .map(|policy| NamedPolicy { name: String::new(), policy });
    let identity: Vec<_> = identity.into_iter().collect();
    let resource = NamedPolicy { name: "key policy".to_owned(), policy };
    let mut context = Context::of(&who);
    context.insert("kms:CallerAccount", [cloud.account()]);
    let request = Request {
        principal: &who,
        action: "kms:PutKeyPolicy",
        resource: key_arn,
        resource_account: Some(cloud.account()),
        context: &context,
    };
    let policies = Policies { identity: &identity, resource: Some(&resource), ..Policies::default() };
    policies.decide(&request).is_allowed()
}

/// A policy that lets everybody do everything, for tests.
#[cfg(test)]
pub(super) const EVERYBODY: &str = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*",
    "Action": "kms:*", "Resource": "*"}]}"#;
