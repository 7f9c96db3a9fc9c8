//! Operations on applications.

use serde::{Deserialize, Serialize};

use super::Empty;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};
use crate::services::codedeploy::shapes::Application;
use crate::services::codedeploy::store::{ApplicationRow, CodeDeploy, SERVICE, application_arn};
use crate::tags::Tag;

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct CreateApplication {
    pub application_name: String,
    pub compute_platform: Option<String>,
    pub tags: Vec<Tag>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateApplicationOutput {
    pub application_id: String,
}

impl Operation for CreateApplication {
    type Output = CreateApplicationOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "CreateApplication";

    fn resource(&self, cloud: &Cloud) -> String {
        application_arn(cloud, &self.application_name)
    }

    async fn handle(self, call: &Call) -> Result<CreateApplicationOutput, ServiceError> {
        let name = self.application_name;
        if self.compute_platform.as_deref() != Some("ECS") {
            let message = "the local cloud serves applications of the compute platform ECS only";
            return Err(ServiceError::new("InvalidComputePlatformException", message));
        }
        let application_id = crate::id::uuid();
        let application = Application {
            application_id: application_id.clone(),
            application_name: name.clone(),
            create_time: call.cloud.clock().now(),
            linked_to_git_hub: false,
            compute_platform: "ECS".to_owned(),
        };
        let row = ApplicationRow { application, tags: self.tags };
        match call.cloud.part::<CodeDeploy>().applications.insert_new(&name, &row)? {
            true => Ok(CreateApplicationOutput { application_id }),
            false => {
                let message = format!("Application already exists: {name}");
                Err(ServiceError::new("ApplicationAlreadyExistsException", message))
            }
        }
    }
}

#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GetApplication {
    pub application_name: String,
}

#[derive(Serialize)]
pub(crate) struct GetApplicationOutput {
    pub application: Application,
}

impl Operation for GetApplication {
    type Output = GetApplicationOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "GetApplication";

    fn resource(&self, cloud: &Cloud) -> String {
        application_arn(cloud, &self.application_name)
    }

    async fn handle(self, call: &Call) -> Result<GetApplicationOutput, ServiceError> {
        let row = call.cloud.part::<CodeDeploy>().application(&self.application_name)?;
        Ok(GetApplicationOutput { application: row.application })
    }
}

#[derive(Deserialize, Serialize)]
pub(crate) struct ListApplications {}

#[derive(Serialize)]
pub(crate) struct ListApplicationsOutput {
    pub applications: Vec<String>,
}

impl Operation for ListApplications {
    type Output = ListApplicationsOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "ListApplications";

    async fn handle(self, call: &Call) -> Result<ListApplicationsOutput, ServiceError> {
        let rows = call.cloud.part::<CodeDeploy>().applications.entries();
        Ok(ListApplicationsOutput { applications: rows.into_iter().map(|(name, _)| name).collect() })
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeleteApplication {
    pub application_name: String,
}

impl Operation for DeleteApplication {
    type Output = Empty;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "DeleteApplication";

    fn resource(&self, cloud: &Cloud) -> String {
        application_arn(cloud, &self.application_name)
    }

    /// Its groups and revisions go with it. One that is gone already counts as deleted, as in AWS.
    async fn handle(self, call: &Call) -> Result<Empty, ServiceError> {
        let store = call.cloud.part::<CodeDeploy>();
        let prefix = format!("{}/", self.application_name);
        for (key, _) in store.groups.with_prefix(&prefix) {
            store.groups.remove(&key)?;
        }
        for (key, _) in store.revisions.with_prefix(&prefix) {
            store.revisions.remove(&key)?;
        }
        store.applications.remove(&self.application_name)?;
        Ok(Empty {})
    }
}
