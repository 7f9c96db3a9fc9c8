//! Managed policies of the account.

use seatrial_policy::PolicyKind;
use serde::{Deserialize, Serialize};

use super::super::store::{PolicyRecord, PolicyVersionRecord, RoleStore, no_such_entity};
use super::{Empty, check_document, encoded};
use crate::clock::Epoch;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};
use crate::tags::{self, Tag};

/// AWS's quota of a managed policy, in characters without white space.
const MOST_CHARACTERS: usize = 6_144;
/// AWS's quota.
const MOST_VERSIONS: usize = 5;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Policy {
    pub policy_name: String,
    pub policy_id: String,
    pub arn: String,
    pub path: String,
    pub default_version_id: String,
    pub attachment_count: usize,
    pub permissions_boundary_usage_count: usize,
    pub is_attachable: bool,
    pub description: Option<String>,
    pub create_date: Epoch,
    pub update_date: Epoch,
    pub tags: Vec<Tag>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PolicyOutput {
    pub policy: Policy,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PolicyVersion {
    /// JSON, percent-encoded; only where one version is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
    pub version_id: String,
    pub is_default_version: bool,
    pub create_date: Epoch,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PolicyVersionOutput {
    pub policy_version: PolicyVersion,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListPolicyVersionsOutput {
    pub versions: Vec<PolicyVersion>,
    pub is_truncated: bool,
}

fn missing(arn: &str) -> ServiceError {
    no_such_entity(format!("Policy {arn} was not found."))
}

fn no_version(arn: &str, version: &str) -> ServiceError {
    no_such_entity(format!("Policy {arn} version {version} does not exist or is not attachable."))
}

fn conflict(message: &str) -> ServiceError {
    ServiceError::new("DeleteConflict", message).with_status(409)
}

fn limit(message: String) -> ServiceError {
    ServiceError::new("LimitExceeded", message).with_status(409)
}

fn found(call: &Call, arn: &str) -> Result<PolicyRecord, ServiceError> {
    call.cloud.part::<RoleStore>().policies.get(arn).ok_or_else(|| missing(arn))
}

/// How many roles have it attached, and how many as their boundary.
fn uses(store: &RoleStore, arn: &str) -> (usize, usize) {
    let roles = store.roles.values();
    let attached = roles.iter().filter(|role| role.attached.iter().any(|one| one == arn)).count();
    (attached, roles.iter().filter(|role| role.boundary.as_deref() == Some(arn)).count())
}

fn check(document: &str) -> Result<(), ServiceError> {
    check_document(PolicyKind::Identity, document)?;
    if document.chars().filter(|c| !c.is_whitespace()).count() > MOST_CHARACTERS {
        return Err(limit(format!("Cannot exceed quota for PolicySize: {MOST_CHARACTERS}")));
    }
    Ok(())
}

impl PolicyRecord {
    fn answer(self, store: &RoleStore) -> PolicyOutput {
        let (attachment_count, permissions_boundary_usage_count) = uses(store, &self.arn);
        let policy = Policy {
            policy_name: self.name,
            policy_id: self.id,
            arn: self.arn,
            path: self.path,
            default_version_id: self.default,
            attachment_count,
            permissions_boundary_usage_count,
            is_attachable: true,
            description: self.description,
            create_date: self.created,
            update_date: self.updated,
            tags: tags::list(self.tags),
        };
        PolicyOutput { policy }
    }

    fn version(&self, version: &PolicyVersionRecord, with_document: bool) -> PolicyVersion {
        PolicyVersion {
            document: with_document.then(|| encoded(&version.document)),
            version_id: version.id.clone(),
            is_default_version: version.id == self.default,
            create_date: version.created,
        }
    }
}

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct CreatePolicy {
    pub policy_name: String,
    pub path: Option<String>,
    /// JSON.
    pub policy_document: String,
    pub description: Option<String>,
    pub tags: Vec<Tag>,
}

impl CreatePolicy {
    fn arn(&self, cloud: &Cloud) -> String {
        let path = self.path.as_deref().unwrap_or("/");
        format!("arn:aws:iam::{}:policy{path}{}", cloud.account(), self.policy_name)
    }
}

impl Operation for CreatePolicy {
    type Output = PolicyOutput;
    const SERVICE: &'static str = "iam";
    const NAME: &'static str = "CreatePolicy";

    fn resource(&self, cloud: &Cloud) -> String {
        self.arn(cloud)
    }

    async fn handle(self, call: &Call) -> Result<PolicyOutput, ServiceError> {
        check(&self.policy_document)?;
        let (store, now) = (call.cloud.part::<RoleStore>(), call.cloud.clock().now());
        let first =
            PolicyVersionRecord { id: "v1".to_owned(), document: self.policy_document.clone(), created: now };
        let record = PolicyRecord {
            arn: self.arn(&call.cloud),
            id: format!("ANPA{}", crate::id::upper(17)),
            name: self.policy_name,
            path: self.path.unwrap_or_else(|| "/".to_owned()),
            created: now,
            updated: now,
            description: self.description,
            tags: tags::map(self.tags),
            versions: vec![first],
            default: "v1".to_owned(),
            next: 2,
        };
        // A name is taken whatever its path is.
        let is_taken = store.policies.find(|other| other.name == record.name).is_some();
        if is_taken || !store.policies.insert_new(&record.arn, &record)? {
            let message =
                format!("A policy called {} already exists. Duplicate names are not allowed.", record.name);
            return Err(ServiceError::new("EntityAlreadyExists", message).with_status(409));
        }
        Ok(record.answer(&store))
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetPolicy {
    pub policy_arn: String,
}

impl Operation for GetPolicy {
    type Output = PolicyOutput;
    const SERVICE: &'static str = "iam";
    const NAME: &'static str = "GetPolicy";

    fn resource(&self, _cloud: &Cloud) -> String {
        self.policy_arn.clone()
    }

    async fn handle(self, call: &Call) -> Result<PolicyOutput, ServiceError> {
        Ok(found(call, &self.policy_arn)?.answer(&call.cloud.part::<RoleStore>()))
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeletePolicy {
    pub policy_arn: String,
}

impl Operation for DeletePolicy {
    type Output = Empty;
    const SERVICE: &'static str = "iam";
    const NAME: &'static str = "DeletePolicy";

    fn resource(&self, _cloud: &Cloud) -> String {
        self.policy_arn.clone()
    }

    async fn handle(self, call: &Call) -> Result<Empty, ServiceError> {
        let store = call.cloud.part::<RoleStore>();
        let policy = found(call, &self.policy_arn)?;
        if uses(&store, &self.policy_arn) != (0, 0) {
            return Err(conflict("Cannot delete a policy attached to entities."));
        }
        if policy.versions.len() > 1 {
            return Err(conflict(
                "This policy has more than one version. Before you delete a policy, you must delete the policy's \
                 versions. The default version is deleted with the policy.",
            ));
        }
        store.policies.remove(&self.policy_arn)?;
        Ok(Empty {})
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreatePolicyVersion {
    pub policy_arn: String,
    /// JSON.
    pub policy_document: String,
    #[serde(default)]
    pub set_as_default: bool,
}

impl Operation for CreatePolicyVersion {
    type Output = PolicyVersionOutput;
    const SERVICE: &'static str = "iam";
    const NAME: &'static str = "CreatePolicyVersion";

    fn resource(&self, _cloud: &Cloud) -> String {
        self.policy_arn.clone()
    }

    async fn handle(self, call: &Call) -> Result<PolicyVersionOutput, ServiceError> {
        check(&self.policy_document)?;
        let now = call.cloud.clock().now();
        let made = call.cloud.part::<RoleStore>().policies.try_update(&self.policy_arn, |policy| {
            if policy.versions.len() == MOST_VERSIONS {
                return Err(limit(format!(
                    "A managed policy can have up to {MOST_VERSIONS} versions. Before you create a new version, you must \
                     delete an existing version."
                )));
            }
            let id = format!("v{}", policy.next);
            policy.next += 1;
            policy.updated = now;
            if self.set_as_default {
                policy.default.clone_from(&id);
            }
            let version = PolicyVersionRecord { id, document: self.policy_document, created: now };
            let policy_version = policy.version(&version, false);
            policy.versions.push(version);
            Ok(PolicyVersionOutput { policy_version })
        })?;
        made.ok_or_else(|| missing(&self.policy_arn))
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetPolicyVersion {
    pub policy_arn: String,
    pub version_id: String,
}

impl Operation for GetPolicyVersion {
    type Output = PolicyVersionOutput;
    const SERVICE: &'static str = "iam";
    const NAME: &'static str = "GetPolicyVersion";

    fn resource(&self, _cloud: &Cloud) -> String {
        self.policy_arn.clone()
    }

    async fn handle(self, call: &Call) -> Result<PolicyVersionOutput, ServiceError> {
        let policy = found(call, &self.policy_arn)?;
        let version = policy.versions.iter().find(|version| version.id == self.version_id);
        let version = version.ok_or_else(|| no_version(&self.policy_arn, &self.version_id))?;
        Ok(PolicyVersionOutput { policy_version: policy.version(version, true) })
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListPolicyVersions {
    pub policy_arn: String,
}

impl Operation for ListPolicyVersions {
    type Output = ListPolicyVersionsOutput;
    const SERVICE: &'static str = "iam";
    const NAME: &'static str = "ListPolicyVersions";

    fn resource(&self, _cloud: &Cloud) -> String {
        self.policy_arn.clone()
    }

    async fn handle(self, call: &Call) -> Result<ListPolicyVersionsOutput, ServiceError> {
        let policy = found(call, &self.policy_arn)?;
        let newest_first = policy.versions.iter().rev();
        let versions = newest_first.map(|version| policy.version(version, false)).collect();
        Ok(ListPolicyVersionsOutput { versions, is_truncated: false })
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeletePolicyVersion {
    pub policy_arn: String,
    pub version_id: String,
}

impl Operation for DeletePolicyVersion {
    type Output = Empty;
    const SERVICE: &'static str = "iam";
    const NAME: &'static str = "DeletePolicyVersion";

    fn resource(&self, _cloud: &Cloud) -> String {
        self.policy_arn.clone()
    }

    async fn handle(self, call: &Call) -> Result<Empty, ServiceError> {
        let changed = call.cloud.part::<RoleStore>().policies.try_update(&self.policy_arn, |policy| {
            if policy.default == self.version_id {
                return Err(conflict("Cannot delete the default version of a policy."));
            }
            let before = policy.versions.len();
            policy.versions.retain(|version| version.id != self.version_id);
            if policy.versions.len() == before {
                return Err(no_version(&self.policy_arn, &self.version_id));
            }
            Ok(Empty {})
        })?;
        changed.ok_or_else(|| missing(&self.policy_arn))
    }
}
