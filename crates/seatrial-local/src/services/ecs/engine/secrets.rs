//! The secrets that a container gets in its environment, read under the execution role.

use serde_json::Value;

use crate::cloud::Cloud;
use crate::principal::Principal;
use crate::services::ecs::definition::Secret;
use crate::services::secretsmanager::GetSecretValue;
use crate::services::ssm::GetParameters;

/// `arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME` has this many parts; what follows is ours.
const ARN_PARTS: usize = 7;

/// Reads `secrets`. The error is what AWS's agent says of it.
pub(super) async fn resolve(
    cloud: &Cloud,
    principal: &Principal,
    secrets: &[Secret],
) -> Result<Vec<(String, String)>, String> {
    let mut resolved = Vec::new();
    for secret in secrets {
        let from = &secret.value_from;
        // Whatever is no ARN of Secrets Manager is a parameter, by ARN or by name.
        let (read, what) = match from.split(':').nth(2) {
            Some("secretsmanager") => (read(cloud, principal, from).await, "secret from asm"),
            _ => (parameter(cloud, principal, from).await, "secrets from ssm"),
        };
        let value = read.map_err(|error| {
            format!("unable to retrieve {what}: service call has been retried 1 time(s): {error}")
        })?;
        resolved.push((secret.name.clone(), value));
    }
    Ok(resolved)
}

async fn parameter(cloud: &Cloud, principal: &Principal, value_from: &str) -> Result<String, String> {
    let input = GetParameters { names: vec![value_from.to_owned()], with_decryption: true };
    let answer = cloud.call(principal, input).await;
    let answer = answer.map_err(|error| format!("{}: {}", error.code, error.message))?;
    let found = answer.parameters.into_iter().next().map(|parameter| parameter.value);
    found.ok_or_else(|| format!("invalid ssm parameters: {value_from}"))
}

async fn read(cloud: &Cloud, principal: &Principal, value_from: &str) -> Result<String, String> {
    let parts: Vec<&str> = value_from.split(':').collect();
    let arn = parts.iter().take(ARN_PARTS).copied().collect::<Vec<_>>().join(":");
    let part = |index: usize| parts.get(ARN_PARTS + index).copied().filter(|part| !part.is_empty());
    let input = GetSecretValue {
        secret_id: arn.clone(),
        version_stage: part(1).map(str::to_owned),
        version_id: part(2).map(str::to_owned),
    };
    let answer = cloud.call(principal, input).await.map_err(|error| {
        format!("failed to fetch secret {arn} from secrets manager: {}: {}", error.code, error.message)
    })?;
    let text = answer.secret_string.ok_or_else(|| format!("secret {arn} holds no string"))?;
    let Some(key) = part(0) else { return Ok(text) };
    let object: Value = serde_json::from_str(&text).unwrap_or_default();
    match &object[key] {
        Value::String(value) => Ok(value.clone()),
        Value::Null => Err(format!("retrieved secret from Secrets Manager did not contain json key {key}")),
        value => Ok(value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::tests::{ACCOUNT, call, cloud_in};

    #[tokio::test]
    async fn a_parameter_of_ssm_is_a_secret_too_by_name_or_arn_and_one_that_is_missing_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let cloud = cloud_in(dir.path());
        let put = json!({"Name": "/web/key", "Value": "hidden", "Type": "SecureString"});
        call(&cloud, "ssm:PutParameter", put).await.unwrap();
        let principal = Principal::operator(ACCOUNT);
        let secret = |from: &str| [Secret { name: "KEY".to_owned(), value_from: from.to_owned() }];

        let arn = format!("arn:aws:ssm:eu-central-1:{ACCOUNT}:parameter/web/key");
        for from in [arn.as_str(), "/web/key"] {
            let resolved = resolve(&cloud, &principal, &secret(from)).await.unwrap();
            assert_eq!(resolved, [("KEY".to_owned(), "hidden".to_owned())], "{from}");
        }
        let missing = resolve(&cloud, &principal, &secret("/web/none")).await.unwrap_err();
        assert!(missing.ends_with("invalid ssm parameters: /web/none"), "{missing}");
    }
}
