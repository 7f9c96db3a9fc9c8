//! Dynamic references: `{{resolve:secretsmanager:…}}`, looked up when a resource is made and never stored.

use serde_json::Value;

use super::super::resources::stored_parameter;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::principal::Principal;
use crate::services::secretsmanager::GetSecretValue;

const OPENING: &str = "{{resolve:";

/// The value with every dynamic reference replaced by what it names, with the rights of `principal`.
///
/// # Errors
/// What the other service answers, or `ValidationError` for a reference that is malformed or of a service
/// that is not served.
pub(in super::super) async fn resolve_dynamic(
    cloud: &Cloud,
    principal: &Principal,
    value: Value,
) -> Result<Value, ServiceError> {
    let mut text = value.to_string();
    if !text.contains(OPENING) {
        return Ok(value);
    }
    // Over the JSON text: a reference holds no character that JSON escapes, its value is escaped here.
    // What was looked up is not looked at again: a secret may look like a reference.
    let mut from = 0;
    while let Some(start) = text[from..].find(OPENING).map(|start| from + start) {
        let Some(end) = text[start..].find("}}").map(|end| start + end) else {
            return Err(malformed(&text[start..]));
        };
        let found = look_up(cloud, principal, &text[start + OPENING.len()..end]).await?;
        let quoted = Value::String(found).to_string();
        let escaped = &quoted[1..quoted.len() - 1];
        text.replace_range(start..end + 2, escaped);
        from = start + escaped.len();
    }
    serde_json::from_str(&text).map_err(|error| ServiceError::internal(error.to_string()))
}

async fn look_up(cloud: &Cloud, principal: &Principal, reference: &str) -> Result<String, ServiceError> {
    let (service, rest) = reference.split_once(':').ok_or_else(|| malformed(reference))?;
    match service {
        "secretsmanager" => {}
        // Of the versions there is the latest alone.
        "ssm" => {
            let name = rest.split(':').next().unwrap_or(rest);
            return stored_parameter(cloud, name).ok_or_else(|| {
                ServiceError::validation(format!("Parameters: [ssm:{rest}] cannot be found."))
            });
        }
        _ => {
            return Err(ServiceError::validation(format!(
                "Incorrect format is used in the following dynamic reference: the local cloud does not serve \
                 `{service}` in {{{{resolve:{reference}}}}}"
            )));
        }
    }
    let secret = Secret::parse(rest);
    let input = GetSecretValue {
        secret_id: secret.id.to_owned(),
        version_id: secret.version.map(str::to_owned),
        version_stage: secret.stage.map(str::to_owned),
    };
    let text = cloud.call(principal, input).await?.secret_string.unwrap_or_default();
    let Some(key) = secret.json_key else { return Ok(text) };
    let member = serde_json::from_str::<Value>(&text).ok().and_then(|value| value.get(key).cloned());
    match member {
        Some(Value::String(value)) => Ok(value),
        Some(value) => Ok(value.to_string()),
        None => Err(ServiceError::validation(format!(
            "Could not find a value associated with JSONKey in SecretString: {key} of {}",
            secret.id
        ))),
    }
}

/// `ID:SecretString:JSON_KEY:VERSION_STAGE:VERSION_ID`, where `ID` may be an ARN.
struct Secret<'a> {
    id: &'a str,
    json_key: Option<&'a str>,
    stage: Option<&'a str>,
    version: Option<&'a str>,
}

impl<'a> Secret<'a> {
    fn parse(text: &'a str) -> Self {
        let (id, rest) = text.split_once(":SecretString").unwrap_or((text, ""));
        let mut parts =
            rest.trim_start_matches(':').split(':').map(|part| (!part.is_empty()).then_some(part));
        let mut next = || parts.next().flatten();
        Self { id, json_key: next(), stage: next(), version: next() }
    }
}

fn malformed(reference: &str) -> ServiceError {
    ServiceError::validation(format!(
        "Incorrect format is used in the following dynamic reference: {reference}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_named_by_arn_or_name_and_parts_may_be_empty() {
        let secret = Secret::parse("arn:aws:secretsmanager:r:1:secret:a-b:SecretString:password::v1");
        assert_eq!(secret.id, "arn:aws:secretsmanager:r:1:secret:a-b");
        assert_eq!((secret.json_key, secret.stage, secret.version), (Some("password"), None, Some("v1")));
        let whole = Secret::parse("name");
        assert_eq!((whole.id, whole.json_key), ("name", None));
    }
}
