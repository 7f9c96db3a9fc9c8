//! Values that a build's variables only name, in Secrets Manager or the Parameter Store, read with the build's role
//! before its first command. A name that has none fails DOWNLOAD_SOURCE.
//!
//! The status codes and the words of a missing parameter are those of logs that people published: aws-cdk#11032,
//! terraform-aws-cicd#107, aws-codebuild-docker-images#475.

use serde_json::Value;

use super::super::store::{PhaseContext, Variable};
use super::host::Host;
use crate::retry;
use crate::services::secretsmanager::GetSecretValue;
use crate::services::ssm::GetParameters;

/// The types of variables that are read.
pub(super) const PARAMETER_STORE: &str = "PARAMETER_STORE";
pub(super) const SECRETS_MANAGER: &str = "SECRETS_MANAGER";

/// The value that `variable` names; `None`: it has its own.
pub(super) async fn read(host: &Host, variable: &Variable) -> Result<Option<String>, PhaseContext> {
    let (read, status_code) = match variable.kind.as_str() {
        SECRETS_MANAGER => (secret(host, &variable.value).await, "Secrets Manager Error"),
        PARAMETER_STORE => (parameter(host, &variable.value).await, "Decrypted Variables Error"),
        _ => return Ok(None),
    };
    read.map(Some).map_err(|message| PhaseContext { status_code: status_code.to_owned(), message })
}

async fn parameter(host: &Host, name: &str) -> Result<String, String> {
    // The guide speaks of names alone (CodeBuild, build-spec-ref, env/parameter-store): an ARN, which SSM would take, is
    // the name of nothing.
    if name.starts_with("arn:") {
        return Err(format!("parameter does not exist: {name}"));
    }
    let input = GetParameters { names: vec![name.to_owned()], with_decryption: true };
    let answer = retry::call(&host.cloud, host.role.principal(), input).await;
    let answer = answer.map_err(|error| error.to_string())?;
    let found = answer.parameters.into_iter().next().map(|parameter| parameter.value);
    found.ok_or_else(|| format!("parameter does not exist: {name}"))
}

async fn secret(host: &Host, reference: &str) -> Result<String, String> {
    let Reference { id, key, version_stage, version_id } = Reference::of(reference);
    let input = GetSecretValue { secret_id: id, version_stage, version_id };
    let answer = retry::call(&host.cloud, host.role.principal(), input).await;
    let answer = answer.map_err(|error| error.to_string())?;
    let Some(text) = answer.secret_string else {
        return Err(format!("the secret has no text (`{reference}`)"));
    };
    let Some(key) = key else { return Ok(text) };
    let object: Value =
        serde_json::from_str(&text).map_err(|_| format!("the secret is no JSON object (`{reference}`)"))?;
    match object.get(&key) {
        Some(Value::String(value)) => Ok(value.clone()),
        Some(value) => Ok(value.to_string()),
        None => Err(format!("the secret has no key `{key}` (`{reference}`)")),
    }
}

/// `SECRET[:JSON-KEY[:VERSION-STAGE[:VERSION-ID]]]` (CodeBuild, build-spec-ref, env/secrets-manager).
#[derive(Debug, PartialEq, Eq)]
struct Reference {
    /// A name or an ARN, whose first seven parts are split by colons as well.
    id: String,
    key: Option<String>,
    version_stage: Option<String>,
    version_id: Option<String>,
}

impl Reference {
    fn of(text: &str) -> Self {
        let parts: Vec<_> = text.split(':').collect();
        let length = if text.starts_with("arn:") { 7.min(parts.len()) } else { 1 };
        let part = |index: usize| {
            parts.get(length + index).filter(|part| !part.is_empty()).map(|part| (*part).to_owned())
        };
        Self { id: parts[..length].join(":"), key: part(0), version_stage: part(1), version_id: part(2) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_reference_is_split_into_secret_key_and_version() {
        let arn = "arn:aws:secretsmanager:eu-central-1:000000000000:secret:db-AbCdEf";
        let of = |text: &str| {
            let Reference { id, key, version_stage, version_id } = Reference::of(text);
            [Some(id), key, version_stage, version_id].map(Option::unwrap_or_default)
        };
        assert_eq!(of("db"), ["db", "", "", ""]);
        assert_eq!(of("db:password::"), ["db", "password", "", ""]);
        assert_eq!(of("db:password:AWSPREVIOUS"), ["db", "password", "AWSPREVIOUS", ""]);
        assert_eq!(of(arn), [arn, "", "", ""]);
        assert_eq!(of(&format!("{arn}:password::7")), [arn, "password", "", "7"]);
    }
}
