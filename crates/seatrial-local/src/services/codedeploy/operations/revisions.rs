//! Operations on revisions.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Empty;
use crate::clock::Epoch;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};
use crate::services::codedeploy::shapes::{Content, Revision};
use crate::services::codedeploy::store::{CodeDeploy, RevisionRow, SERVICE, application_arn};

/// A revision with its hash, refused if it names no content or the hash is another's.
pub(super) fn complete(mut revision: Revision) -> Result<Revision, ServiceError> {
    if let Some(content) = revision.app_spec_content.as_mut().or(revision.string.as_mut()) {
        let hash = hash(content);
        if content.sha256.as_ref().is_some_and(|given| !given.eq_ignore_ascii_case(&hash)) {
            let message = "The SHA256 hash of the AppSpec content does not match the one given";
            return Err(ServiceError::new("InvalidRevisionException", message));
        }
        content.sha256 = Some(hash);
    } else if revision.s3_location.is_none() {
        let message = "The revision must have an AppSpec content or an S3 location";
        return Err(ServiceError::new("InvalidRevisionException", message));
    }
    Ok(revision)
}

fn hash(content: &Content) -> String {
    hex::encode(Sha256::digest(content.content.as_bytes()))
}

/// The row's key: what tells a revision from others of its application.
fn key(application: &str, revision: &Revision) -> String {
    let content = revision.app_spec_content.as_ref().or(revision.string.as_ref());
    let own = match (content, &revision.s3_location) {
        (Some(content), _) => content.sha256.clone().unwrap_or_else(|| hash(content)),
        (None, Some(s3)) => {
            format!("s3:{}/{}?{}", s3.bucket, s3.key, s3.version.as_deref().unwrap_or_default())
        }
        (None, None) => String::new(),
    };
    format!("{application}/{own}")
}

/// Enters a revision, unless it is known; notes its use by `group`.
pub(super) fn note(
    cloud: &Cloud,
    application: &str,
    revision: &Revision,
    group: Option<&str>,
) -> Result<(), ServiceError> {
    let store = cloud.part::<CodeDeploy>();
    let now = cloud.clock().now();
    let key = key(application, revision);
    let row = RevisionRow {
        revision: revision.clone(),
        description: None,
        register_time: now,
        first_used_time: None,
        last_used_time: None,
        deployment_groups: Vec::new(),
    };
    store.revisions.insert_new(&key, &row)?;
    if let Some(group) = group {
        store.revisions.update(&key, |row| {
            row.first_used_time.get_or_insert(now);
            row.last_used_time = Some(now);
            if !row.deployment_groups.iter().any(|name| name == group) {
                row.deployment_groups.push(group.to_owned());
            }
        })?;
    }
    Ok(())
}

#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RegisterApplicationRevision {
    pub application_name: String,
    #[serde(default)]
    pub description: Option<String>,
    pub revision: Revision,
}

impl Operation for RegisterApplicationRevision {
    type Output = Empty;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "RegisterApplicationRevision";

    fn resource(&self, cloud: &Cloud) -> String {
        application_arn(cloud, &self.application_name)
    }

    async fn handle(self, call: &Call) -> Result<Empty, ServiceError> {
        let store = call.cloud.part::<CodeDeploy>();
        store.application(&self.application_name)?;
        let revision = complete(self.revision)?;
        note(&call.cloud, &self.application_name, &revision, None)?;
        store.revisions.update(&key(&self.application_name, &revision), |row| {
            row.description = self.description;
        })?;
        Ok(Empty {})
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GetApplicationRevision {
    pub application_name: String,
    pub revision: Revision,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GetApplicationRevisionOutput {
    pub application_name: String,
    pub revision: Revision,
    pub revision_info: RevisionInfo,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RevisionInfo {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    pub deployment_groups: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_used_time: Option<Epoch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used_time: Option<Epoch>,
    pub register_time: Epoch,
}

impl Operation for GetApplicationRevision {
    type Output = GetApplicationRevisionOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "GetApplicationRevision";

    fn resource(&self, cloud: &Cloud) -> String {
        application_arn(cloud, &self.application_name)
    }

    async fn handle(self, call: &Call) -> Result<GetApplicationRevisionOutput, ServiceError> {
        let store = call.cloud.part::<CodeDeploy>();
        store.application(&self.application_name)?;
        let found = store.revisions.get(&key(&self.application_name, &self.revision));
        let row = found.ok_or_else(|| {
            ServiceError::new("RevisionDoesNotExistException", "The revision is not registered")
        })?;
        Ok(GetApplicationRevisionOutput {
            application_name: self.application_name,
            revision: row.revision,
            revision_info: RevisionInfo {
                description: row.description,
                deployment_groups: row.deployment_groups,
                first_used_time: row.first_used_time,
                last_used_time: row.last_used_time,
                register_time: row.register_time,
            },
        })
    }
}
