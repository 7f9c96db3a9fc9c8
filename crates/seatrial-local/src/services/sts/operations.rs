//! The operations of STS.

use std::time::Duration;

use seatrial_policy::PolicyKind;
use serde::{Deserialize, Serialize};

use crate::clock::Epoch;
use crate::cloud::Cloud;
use crate::credentials::CredentialStore;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};
use crate::principal::Principal;
use crate::services::iam;
use crate::tags::Tag;

/// A session's default length: one hour.
const SESSION: Duration = Duration::from_secs(3600);

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AssumeRole {
    pub role_arn: String,
    pub role_session_name: String,
    /// For which resource a service acts: no part of the call, AWS knows it.
    #[serde(skip)]
    pub source_arn: Option<String>,
    /// JSON, a session policy: the session may what both it and the role's policies allow.
    #[serde(default)]
    pub policy: Option<String>,
    #[serde(default)]
    pub tags: Vec<Tag>,
    /// Keys of `tags` that the sessions have which this one assumes. Checked, not kept.
    #[serde(default)]
    pub transitive_tag_keys: Vec<String>,
    /// How long the session lasts where a service's does not last [`SESSION`]; no role's limit counts for these.
    #[serde(skip)]
    pub lifetime: Option<Duration>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AssumeRoleOutput {
    pub credentials: SessionCredentials,
    pub assumed_role_user: AssumedRoleUser,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SessionCredentials {
    pub access_key_id: String,
    pub secret_access_key: String,
    pub session_token: String,
    pub expiration: Epoch,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AssumedRoleUser {
    pub assumed_role_id: String,
    pub arn: String,
}

/// Recorded: `test_assume_role_tag_validation`.
fn check_tags(tags: &[Tag], transitive: &[String]) -> Result<(), ServiceError> {
    let invalid = |message: &str| Err(ServiceError::new("InvalidParameterValue", message));
    let is_told = |key: &String| tags.iter().any(|tag| tag.key.eq_ignore_ascii_case(key));
    if !transitive.iter().all(is_told) {
        return invalid("The specified transitive tag key must be included in the requested tags.");
    }
    let is_repeated = |(index, tag): (usize, &Tag)| {
        tags[..index].iter().any(|other| other.key.eq_ignore_ascii_case(&tag.key))
    };
    if tags.iter().enumerate().any(is_repeated) {
        return invalid("Duplicate tag keys found. Please note that Tag keys are case insensitive.");
    }
    Ok(())
}

#[derive(Deserialize, Serialize)]
pub(crate) struct GetCallerIdentity {}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CallerIdentity {
    pub user_id: String,
    pub account: String,
    pub arn: String,
}

impl Operation for GetCallerIdentity {
    type Output = CallerIdentity;
    const SERVICE: &'static str = "sts";
    const NAME: &'static str = "GetCallerIdentity";

    async fn handle(self, call: &Call) -> Result<CallerIdentity, ServiceError> {
        let Principal { arn, user_id, account, .. } = call.principal.clone();
        Ok(CallerIdentity { user_id, account, arn })
    }
}

impl Operation for AssumeRole {
    type Output = AssumeRoleOutput;
    const SERVICE: &'static str = "sts";
    const NAME: &'static str = "AssumeRole";

    fn resource(&self, _cloud: &Cloud) -> String {
        self.role_arn.clone()
    }

    /// A service says for which resource of whose account it acts (AWS: The confused deputy problem).
    fn context(&self, cloud: &Cloud) -> Vec<(&'static str, String)> {
        let source = self.source_arn.iter();
        let source = source.flat_map(|arn| {
            [("aws:SourceArn", arn.clone()), ("aws:SourceAccount", cloud.account().to_owned())]
        });
        source.collect()
    }

    async fn handle(self, call: &Call) -> Result<AssumeRoleOutput, ServiceError> {
        let cloud = &call.cloud;
        // Whom it trusts was judged at the door; that it is not there nobody is told.
        if iam::policies_of(cloud, &self.role_arn).is_none() {
            return Err(ServiceError::access_denied(format!(
                "User: {} is not authorized to perform: sts:AssumeRole on resource: {}",
                call.principal.arn, self.role_arn
            )));
        }
        check_tags(&self.tags, &self.transitive_tag_keys)?;
        if let Some(policy) = &self.policy {
            iam::check_document(PolicyKind::Identity, policy)?;
        }
        let mut principal = Principal::assumed_role(&self.role_arn, &self.role_session_name, cloud.account());
        principal.session_policies = self.policy.into_iter().collect();
        let lifetime = self.lifetime.unwrap_or(SESSION);
        let issued = cloud.part::<CredentialStore>().issue(principal.clone(), lifetime)?;
        Ok(AssumeRoleOutput {
            credentials: SessionCredentials {
                access_key_id: issued.access_key_id,
                secret_access_key: issued.secret_access_key,
                session_token: issued.session_token.unwrap_or_default(),
                expiration: issued.expiration.unwrap_or(cloud.clock().now()),
            },
            assumed_role_user: AssumedRoleUser { assumed_role_id: principal.user_id, arn: principal.arn },
        })
    }
}
