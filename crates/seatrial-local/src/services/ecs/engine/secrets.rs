//! The secrets that a container gets in its environment, read under the execution role.

use serde_json::Value;

use crate::cloud::Cloud;
use crate::principal::Principal;
use crate::services::ecs::definition::Secret;
use crate::services::secretsmanager::GetSecretValue;

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
        let value = read(cloud, principal, &secret.value_from).await.map_err(|error| {
            format!("unable to retrieve secret from asm: service call has been retried 1 time(s): {error}")
        })?;
        resolved.push((secret.name.clone(), value));
    }
    Ok(resolved)
}

async fn read(cloud: &Cloud, principal: &Principal, value_from: &str) -> Result<String, String> {
    let parts: Vec<&str> = value_from.split(':').collect();
    if parts.get(2) != Some(&"secretsmanager") {
        return Err(format!("the local cloud reads secrets of Secrets Manager only, found {value_from}"));
    }
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
