//! Policies that secrets have themselves.

use seatrial_policy::{Policy, PolicyKind};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::store::SecretStore;
use super::arn_of;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};

/// The secret of a policy.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PolicyOfSecret {
    #[serde(rename = "ARN")]
    pub arn: String,
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_policy: Option<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PutResourcePolicy {
    pub secret_id: String,
    /// JSON.
    pub resource_policy: String,
    #[serde(default)]
    pub block_public_policy: Option<bool>,
}

impl Operation for PutResourcePolicy {
    type Output = PolicyOfSecret;
    const SERVICE: &'static str = "secretsmanager";
    const NAME: &'static str = "PutResourcePolicy";

    fn resource(&self, cloud: &Cloud) -> String {
        arn_of(cloud, &self.secret_id)
    }

    async fn handle(self, call: &Call) -> Result<PolicyOfSecret, ServiceError> {
        check(&self.resource_policy, self.block_public_policy == Some(true))?;
        set(call, &self.secret_id, Some(self.resource_policy))
    }
}

/// Refuses what is no policy of a secret: each statement names a resource, which ECR's must not (user guide, "Resource-based
/// policies"). The words are AWS's as awsdocs/aws-cloudformation-user-guide#623 quotes them, and the API reference's of
/// `BlockPublicPolicy`.
fn check(text: &str, blocks_public: bool) -> Result<(), ServiceError> {
    let malformed =
        || ServiceError::new("MalformedPolicyDocumentException", "This policy has invalid syntax.");
    Policy::parse(PolicyKind::Resource, text).map_err(|_| malformed())?;
    let document: Value = serde_json::from_str(text).map_err(|_| malformed())?;
    let statements = document["Statement"].as_array().cloned();
    for statement in statements.unwrap_or_else(|| vec![document["Statement"].clone()]) {
        if statement["Resource"].is_null() && statement["NotResource"].is_null() {
            return Err(malformed());
        }
        let everybody =
            |named: &Value| *named == "*" || named.as_array().is_some_and(|all| all.contains(&"*".into()));
        let named = &statement["Principal"];
        let is_public = statement["Effect"] == "Allow" && statement["Condition"].is_null();
        if blocks_public && is_public && (everybody(named) || everybody(&named["AWS"])) {
            let message = "The BlockPublicPolicy parameter is set to true, and the resource policy did not prevent broad \
                           access to the secret.";
            return Err(ServiceError::new("PublicPolicyException", message));
        }
    }
    Ok(())
}

fn set(call: &Call, secret_id: &str, policy: Option<String>) -> Result<PolicyOfSecret, ServiceError> {
    let store = call.cloud.part::<SecretStore>();
    let secret = store.usable(secret_id)?;
    store.secrets.update(&secret.name, |row| row.policy = policy)?;
    Ok(PolicyOfSecret { arn: secret.arn, name: secret.name, resource_policy: None })
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetResourcePolicy {
    pub secret_id: String,
}

impl Operation for GetResourcePolicy {
    type Output = PolicyOfSecret;
    const SERVICE: &'static str = "secretsmanager";
    const NAME: &'static str = "GetResourcePolicy";

    fn resource(&self, cloud: &Cloud) -> String {
        arn_of(cloud, &self.secret_id)
    }

    async fn handle(self, call: &Call) -> Result<PolicyOfSecret, ServiceError> {
        let secret = call.cloud.part::<SecretStore>().usable(&self.secret_id)?;
        Ok(PolicyOfSecret { arn: secret.arn, name: secret.name, resource_policy: secret.policy })
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeleteResourcePolicy {
    pub secret_id: String,
}

impl Operation for DeleteResourcePolicy {
    type Output = PolicyOfSecret;
    const SERVICE: &'static str = "secretsmanager";
    const NAME: &'static str = "DeleteResourcePolicy";

    fn resource(&self, cloud: &Cloud) -> String {
        arn_of(cloud, &self.secret_id)
    }

    async fn handle(self, call: &Call) -> Result<PolicyOfSecret, ServiceError> {
        set(call, &self.secret_id, None)
    }
}
