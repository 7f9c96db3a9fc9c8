//! Secrets Manager and SSM: whether what a project names is there. No value is read.

use seatrial_query::{Place, Protocol, Service};
use serde_json::{Value, json};

use super::Aws;
use super::error::AwsError;

const SECRETS_MANAGER: Service = Service {
    name: "Secrets Manager",
    signing_name: "secretsmanager",
    protocol: Protocol::Json { prefix: "secretsmanager" },
    place: Place::Regional,
};
const SSM: Service = Service {
    name: "SSM",
    signing_name: "ssm",
    protocol: Protocol::Json { prefix: "AmazonSSM" },
    place: Place::Regional,
};

impl Aws {
    /// Whether there is a secret of this name or ARN; one that is to be deleted is read by nobody, and is not.
    pub(crate) async fn secret_exists(&self, id: &str) -> Result<bool, AwsError> {
        let input = json!({ "SecretId": id }).to_string();
        let attempt = || format!("describe secret `{id}`");
        match self.call_rarely(&SECRETS_MANAGER, ("DescribeSecret", input), attempt).await {
            Err(error) if error.is("ResourceNotFoundException") => Ok(false),
            answer => {
                let answer: Value = serde_json::from_str(&answer?).unwrap_or_default();
                Ok(answer.get("DeletedDate").is_none_or(Value::is_null))
            }
        }
    }

    /// Whether there is a parameter of this name. Of a secure one the answer has the value as it is sealed.
    pub(crate) async fn parameter_exists(&self, name: &str) -> Result<bool, AwsError> {
        let input = json!({ "Name": name, "WithDecryption": false }).to_string();
        let attempt = || format!("look for parameter `{name}`");
        match self.call_rarely(&SSM, ("GetParameter", input), attempt).await {
            Err(error) if error.is("ParameterNotFound") => Ok(false),
            answer => answer.map(|_| true),
        }
    }
}
