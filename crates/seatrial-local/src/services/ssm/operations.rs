//! The operations on parameters.

use serde::{Deserialize, Serialize};

use super::store::{ParameterRecord, ParameterStore, parameter_arn};
use crate::clock::Epoch;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};
use crate::services::kms;
use crate::tags::{self, Tag};

/// Characters of a value of the standard tier.
const LONGEST_VALUE: usize = 4096;
const DEEPEST: usize = 15;
pub(super) const SECURE: &str = "SecureString";

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct PutParameter {
    pub name: String,
    pub value: String,
    pub r#type: Option<String>,
    pub description: Option<String>,
    pub key_id: Option<String>,
    pub overwrite: bool,
    pub allowed_pattern: Option<String>,
    pub tier: Option<String>,
    pub policies: Option<String>,
    pub data_type: Option<String>,
    pub tags: Vec<Tag>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PutParameterOutput {
    pub version: i64,
    pub tier: String,
}

impl Operation for PutParameter {
    type Output = PutParameterOutput;
    const SERVICE: &'static str = "ssm";
    const NAME: &'static str = "PutParameter";

    fn resource(&self, cloud: &Cloud) -> String {
        parameter_arn(cloud, &self.name)
    }

    async fn handle(self, call: &Call) -> Result<PutParameterOutput, ServiceError> {
        self.check()?;
        let store = call.cloud.part::<ParameterStore>();
        let known = store.parameters.get(&self.name);
        if known.is_some() && !self.overwrite {
            return Err(exists());
        }
        let kind = self.r#type.or_else(|| known.as_ref().map(|known| known.kind.clone()));
        let kind =
            kind.ok_or_else(|| invalid("A parameter type is required when you create a parameter."))?;
        if let Some(key) = self.key_id.as_deref().filter(|_| kind == SECURE) {
            can_use(&call.cloud, key)?;
        }
        let record = ParameterRecord {
            kind,
            value: self.value,
            version: known.as_ref().map_or(1, |known| known.version + 1),
            changed: call.cloud.clock().now(),
            description: self.description,
            key_id: self.key_id,
            tags: known.map_or_else(|| tags::map(self.tags), |known| known.tags),
            name: self.name,
        };
        store.parameters.put(&record.name, &record)?;
        Ok(PutParameterOutput { version: record.version, tier: "Standard".to_owned() })
    }
}

impl PutParameter {
    fn check(&self) -> Result<(), ServiceError> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-/".contains(&byte);
        if self.name.is_empty() || !self.name.bytes().all(fits) {
            return Err(invalid(
                "Parameter name: only a mix of letters, numbers and the symbols .-_/ is allowed.",
            ));
        }
        let first = self.name.trim_start_matches('/').to_ascii_lowercase();
        if first.starts_with("aws") || first.starts_with("ssm") {
            let message = format!("No access to reserved parameter name: {}.", self.name);
            return Err(ServiceError::new("AccessDeniedException", message));
        }
        if self.name.matches('/').count() > DEEPEST {
            let message = format!("A parameter's hierarchy has at most {DEEPEST} levels.");
            return Err(ServiceError::new("HierarchyLevelLimitExceededException", message));
        }
        if self.r#type.as_deref().is_some_and(|kind| !["String", "StringList", SECURE].contains(&kind)) {
            let message = "The parameter type is not supported.";
            return Err(ServiceError::new("UnsupportedParameterType", message));
        }
        if self.value.is_empty() || self.value.chars().count() > LONGEST_VALUE {
            return Err(invalid(format!(
                "Standard tier parameters support a maximum parameter value of {LONGEST_VALUE} characters."
            )));
        }
        if self.overwrite && !self.tags.is_empty() {
            return Err(invalid("Invalid request: tags and overwrite can't be used together."));
        }
        let other = |given: &Option<String>, usual: &str| given.as_ref().is_some_and(|it| it != usual);
        for (name, unusual) in [
            ("Tier", other(&self.tier, "Standard")),
            ("DataType", other(&self.data_type, "text")),
            ("AllowedPattern", self.allowed_pattern.is_some()),
            ("Policies", self.policies.is_some()),
        ] {
            if unusual {
                return Err(invalid(format!("The local cloud serves no such {name} of a parameter.")));
            }
        }
        Ok(())
    }
}

pub(super) fn exists() -> ServiceError {
    let message = "The parameter already exists. To overwrite this value, set the overwrite option in the request to \
                   true.";
    ServiceError::new("ParameterAlreadyExists", message)
}

/// # Errors
/// It is to be decrypted, and its key cannot be used.
fn check_key(cloud: &Cloud, record: &ParameterRecord, decrypt: bool) -> Result<(), ServiceError> {
    let key = record.key_id.as_deref().filter(|_| decrypt && record.kind == SECURE);
    key.map_or(Ok(()), |key| can_use(cloud, key))
}

/// # Errors
/// `InvalidKeyId`, as the API reference of `PutParameter` and `GetParameter` has it, with KMS's own words.
fn can_use(cloud: &Cloud, key: &str) -> Result<(), ServiceError> {
    kms::usable(cloud, key)
        .map(|_| ())
        .map_err(|error| ServiceError { code: "InvalidKeyId".to_owned(), ..error })
}

fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::new("ValidationException", message)
}

/// A parameter as it is answered. Without `Debug`, so that no value is printed by accident.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Parameter {
    pub name: String,
    pub r#type: String,
    pub value: String,
    pub version: i64,
    pub last_modified_date: Epoch,
    #[serde(rename = "ARN")]
    pub arn: String,
    pub data_type: String,
}

/// Of a secure string nobody gets the value who does not ask for it in the clear.
fn answered(cloud: &Cloud, record: ParameterRecord, decrypt: bool) -> Parameter {
    let sealed = record.kind == SECURE && !decrypt;
    Parameter {
        arn: parameter_arn(cloud, &record.name),
        name: record.name,
        r#type: record.kind,
        value: if sealed { format!("AQICAH{}", crate::id::hex(64)) } else { record.value },
        version: record.version,
        last_modified_date: record.changed,
        data_type: "text".to_owned(),
    }
}

/// Reads a parameter; `name:VERSION` its newest version only.
#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct GetParameter {
    pub name: String,
    pub with_decryption: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetParameterOutput {
    pub parameter: Parameter,
}

impl Operation for GetParameter {
    type Output = GetParameterOutput;
    const SERVICE: &'static str = "ssm";
    const NAME: &'static str = "GetParameter";

    fn resource(&self, cloud: &Cloud) -> String {
        parameter_arn(cloud, &self.name)
    }

    async fn handle(self, call: &Call) -> Result<GetParameterOutput, ServiceError> {
        let store = call.cloud.part::<ParameterStore>();
        let (name, version) = match self.name.rsplit_once(':') {
            Some((name, version)) if version.bytes().all(|byte| byte.is_ascii_digit()) => {
                (name, Some(version))
            }
            _ => (self.name.as_str(), None),
        };
        let found = store.find(name);
        let record = found.ok_or_else(|| ServiceError::new("ParameterNotFound", ""))?;
        if version.is_some_and(|version| version != record.version.to_string()) {
            let message =
                "Systems Manager could not find this version; the local cloud keeps the newest alone.";
            return Err(ServiceError::new("ParameterVersionNotFound", message));
        }
        check_key(&call.cloud, &record, self.with_decryption)?;
        Ok(GetParameterOutput { parameter: answered(&call.cloud, record, self.with_decryption) })
    }
}

/// Reads up to ten; what is not there is told beside what is.
#[derive(Deserialize, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct GetParameters {
    pub names: Vec<String>,
    pub with_decryption: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetParametersOutput {
    pub parameters: Vec<Parameter>,
    pub invalid_parameters: Vec<String>,
}

impl Operation for GetParameters {
    type Output = GetParametersOutput;
    const SERVICE: &'static str = "ssm";
    const NAME: &'static str = "GetParameters";

    fn resource(&self, cloud: &Cloud) -> String {
        self.names.first().map_or_else(|| "*".to_owned(), |name| parameter_arn(cloud, name))
    }

    async fn handle(self, call: &Call) -> Result<GetParametersOutput, ServiceError> {
        let store = call.cloud.part::<ParameterStore>();
        let mut output = GetParametersOutput { parameters: Vec::new(), invalid_parameters: Vec::new() };
        for name in self.names {
            match store.find(&name) {
                Some(record) => {
                    check_key(&call.cloud, &record, self.with_decryption)?;
                    output.parameters.push(answered(&call.cloud, record, self.with_decryption));
                }
                None => output.invalid_parameters.push(name),
            }
        }
        Ok(output)
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeleteParameter {
    pub name: String,
}

/// The answer of an operation that answers nothing.
#[derive(Serialize)]
pub(crate) struct Nothing {}

impl Operation for DeleteParameter {
    type Output = Nothing;
    const SERVICE: &'static str = "ssm";
    const NAME: &'static str = "DeleteParameter";

    fn resource(&self, cloud: &Cloud) -> String {
        parameter_arn(cloud, &self.name)
    }

    async fn handle(self, call: &Call) -> Result<Nothing, ServiceError> {
        let removed = call.cloud.part::<ParameterStore>().parameters.remove(&self.name)?;
        removed.map(|_| Nothing {}).ok_or_else(|| ServiceError::new("ParameterNotFound", ""))
    }
}
