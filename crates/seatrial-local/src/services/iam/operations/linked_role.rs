//! `CreateServiceLinkedRole`: the role by which a service acts for the account.

use serde::{Deserialize, Serialize};

use super::super::service_roles::{LINKED_PATH, role_name};
use super::super::store::{RoleRecord, RoleStore};
use super::roles::RoleOutput;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct CreateServiceLinkedRole {
    /// `ecs.amazonaws.com`.
    #[serde(rename = "AWSServiceName")]
    pub service: String,
    pub description: Option<String>,
    pub custom_suffix: Option<String>,
}

impl Operation for CreateServiceLinkedRole {
    type Output = RoleOutput;
    const SERVICE: &'static str = "iam";
    const NAME: &'static str = "CreateServiceLinkedRole";

    fn resource(&self, cloud: &Cloud) -> String {
        let name = role_name(&self.service).unwrap_or("*");
        format!("arn:aws:iam::{}:role{LINKED_PATH}{}/{name}", cloud.account(), self.service)
    }

    async fn handle(self, call: &Call) -> Result<RoleOutput, ServiceError> {
        let invalid = |message: String| ServiceError::new("InvalidInput", message);
        let arn = self.resource(&call.cloud);
        let Some(name) = role_name(&self.service) else {
            return Err(invalid(format!("The local cloud knows no service-linked role of {}", self.service)));
        };
        if self.custom_suffix.is_some() {
            return Err(invalid(format!("Custom suffix is not allowed for {}", self.service)));
        }
        let trust = serde_json::json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": { "Service": [self.service] }, "Action": ["sts:AssumeRole"],
        }]});
        let record = RoleRecord {
            name: name.to_owned(),
            path: format!("{LINKED_PATH}{}/", self.service),
            id: format!("AROA{:0>16}", crate::id::digits_of(name, 16)),
            arn,
            created: call.cloud.clock().now(),
            trust: trust.to_string(),
            description: self.description,
            max_session_duration: 3600,
            tags: Default::default(),
            inline: Default::default(),
            attached: Vec::new(),
            boundary: None,
        };
        if !call.cloud.part::<RoleStore>().roles.insert_new(name, &record)? {
            let message = "has been taken in this account, please try a different suffix.";
            return Err(invalid(format!("Service role name {name} {message}")));
        }
        Ok(RoleOutput::made(record))
    }
}
