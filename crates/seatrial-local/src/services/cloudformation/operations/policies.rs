//! Stack policies: `SetStackPolicy`, `GetStackPolicy`.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::policy::StackPolicy;
use super::super::store::Store;
use super::request::from_s3;
use super::{known_stack, living_stack, stack_arn, without_nulls};
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};

/// A policy in a request, as text or in S3.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct PolicySource {
    pub stack_policy_body: Option<String>,
    #[serde(rename = "StackPolicyURL")]
    pub stack_policy_url: Option<String>,
}

/// The same for one update only.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct PolicyDuringUpdate {
    pub stack_policy_during_update_body: Option<String>,
    #[serde(rename = "StackPolicyDuringUpdateURL")]
    pub stack_policy_during_update_url: Option<String>,
}

impl PolicySource {
    /// The policy's text, checked; `None`: none was given.
    pub(super) async fn text(&self, call: &Call) -> Result<Option<String>, ServiceError> {
        checked(call, (&self.stack_policy_body, &self.stack_policy_url), "StackPolicy").await
    }
}

impl PolicyDuringUpdate {
    pub(super) async fn text(&self, call: &Call) -> Result<Option<String>, ServiceError> {
        let given = (&self.stack_policy_during_update_body, &self.stack_policy_during_update_url);
        checked(call, given, "StackPolicyDuringUpdate").await
    }
}

async fn checked(
    call: &Call,
    (body, url): (&Option<String>, &Option<String>),
    name: &str,
) -> Result<Option<String>, ServiceError> {
    let text = match (body, url) {
        (Some(_), Some(_)) => {
            return Err(ServiceError::validation(format!(
                "You cannot specify both {name}URL and {name}Body"
            )));
        }
        (Some(body), None) => body.clone(),
        (None, Some(url)) => from_s3(call, url).await?,
        (None, None) => return Ok(None),
    };
    StackPolicy::parse(&text)?;
    Ok(Some(text))
}

/// `SetStackPolicy`.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SetStackPolicy {
    stack_name: String,
    #[serde(flatten)]
    policy: PolicySource,
}

impl Operation for SetStackPolicy {
    type Output = Value;
    const SERVICE: &'static str = "cloudformation";
    const NAME: &'static str = "SetStackPolicy";

    fn resource(&self, cloud: &Cloud) -> String {
        stack_arn(cloud, &self.stack_name)
    }

    async fn handle(self, call: &Call) -> Result<Value, ServiceError> {
        let stack = living_stack(call, &self.stack_name)?;
        if let Some(text) = self.policy.text(call).await? {
            call.cloud.part::<Store>().stacks.update(&stack.id, |stack| stack.policy = Some(text))?;
        }
        Ok(json!({}))
    }
}

/// `GetStackPolicy`. A stack without a policy has no answer.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetStackPolicy {
    stack_name: String,
}

impl Operation for GetStackPolicy {
    type Output = Value;
    const SERVICE: &'static str = "cloudformation";
    const NAME: &'static str = "GetStackPolicy";

    fn resource(&self, cloud: &Cloud) -> String {
        stack_arn(cloud, &self.stack_name)
    }

    async fn handle(self, call: &Call) -> Result<Value, ServiceError> {
        let stack = known_stack(call, &self.stack_name)?;
        Ok(without_nulls(json!({"StackPolicyBody": stack.policy})))
    }
}
