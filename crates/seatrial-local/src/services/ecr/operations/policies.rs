//! Policies that repositories have themselves.

use seatrial_policy::{Policy, PolicyKind};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::error::{invalid, no_repository};
use super::super::store::Ecr;
use super::arn;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RepositoryPolicy {
    pub registry_id: String,
    pub repository_name: String,
    pub policy_text: String,
}

/// `SetRepositoryPolicy`. That it would lock its author out is not looked at: `force` changes nothing.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SetRepositoryPolicy {
    pub repository_name: String,
    /// JSON.
    pub policy_text: String,
}

/// Refuses what is no policy of a repository: its statements name no resource, for that is the repository. Words as
/// awsdocs/amazon-ecr-user-guide#20 and aws/aws-cdk#24314 quote AWS.
fn check(text: &str) -> Result<(), ServiceError> {
    let refused = "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid repository policy provided'";
    let document = serde_json::from_str::<Value>(text).unwrap_or_default();
    let statements = match &document["Statement"] {
        Value::Array(statements) => statements.as_slice(),
        statement => std::slice::from_ref(statement),
    };
    let names_one =
        |statement: &Value| statement.get("Resource").or_else(|| statement.get("NotResource")).is_some();
    let is_policy = Policy::parse(PolicyKind::Resource, text).is_ok();
    if is_policy && !statements.iter().any(names_one) { Ok(()) } else { Err(invalid(refused)) }
}

impl Operation for SetRepositoryPolicy {
    type Output = RepositoryPolicy;
    const SERVICE: &'static str = "ecr";
    const NAME: &'static str = "SetRepositoryPolicy";

    fn resource(&self, cloud: &Cloud) -> String {
        arn(cloud, &self.repository_name)
    }

    async fn handle(self, call: &Call) -> Result<RepositoryPolicy, ServiceError> {
        check(&self.policy_text)?;
        let (cloud, name) = (&call.cloud, self.repository_name);
        let text = self.policy_text;
        let set = cloud.part::<Ecr>().repositories.update(&name, |row| row.policy = Some(text.clone()))?;
        set.ok_or_else(|| no_repository(cloud, &name))?;
        Ok(answer(cloud, name, text))
    }
}

/// `GetRepositoryPolicy`.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GetRepositoryPolicy {
    pub repository_name: String,
}

impl Operation for GetRepositoryPolicy {
    type Output = RepositoryPolicy;
    const SERVICE: &'static str = "ecr";
    const NAME: &'static str = "GetRepositoryPolicy";

    fn resource(&self, cloud: &Cloud) -> String {
        arn(cloud, &self.repository_name)
    }

    async fn handle(self, call: &Call) -> Result<RepositoryPolicy, ServiceError> {
        let cloud = &call.cloud;
        let row = cloud.part::<Ecr>().repository(cloud, &self.repository_name)?;
        let text = row.policy.ok_or_else(|| no_policy(cloud, &self.repository_name))?;
        Ok(answer(cloud, self.repository_name, text))
    }
}

/// `DeleteRepositoryPolicy`.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeleteRepositoryPolicy {
    pub repository_name: String,
}

impl Operation for DeleteRepositoryPolicy {
    type Output = RepositoryPolicy;
    const SERVICE: &'static str = "ecr";
    const NAME: &'static str = "DeleteRepositoryPolicy";

    fn resource(&self, cloud: &Cloud) -> String {
        arn(cloud, &self.repository_name)
    }

    async fn handle(self, call: &Call) -> Result<RepositoryPolicy, ServiceError> {
        let (cloud, name) = (&call.cloud, self.repository_name);
        let removed = cloud.part::<Ecr>().repositories.update(&name, |row| row.policy.take())?;
        let text = removed.ok_or_else(|| no_repository(cloud, &name))?;
        let text = text.ok_or_else(|| no_policy(cloud, &name))?;
        Ok(answer(cloud, name, text))
    }
}

fn answer(cloud: &Cloud, repository_name: String, policy_text: String) -> RepositoryPolicy {
    RepositoryPolicy { registry_id: cloud.account().to_owned(), repository_name, policy_text }
}

fn no_policy(cloud: &Cloud, name: &str) -> ServiceError {
    let message = format!(
        "Repository policy does not exist for the repository with name '{name}' in the registry with id '{}'",
        cloud.account()
    );
    ServiceError::new("RepositoryPolicyNotFoundException", message)
}
