//! Saying that the records which prove a certificate's domains are there. In process only: on AWS nobody says so, ACM
//! looks.

use serde::{Deserialize, Serialize};

use super::super::renewal;
use super::{Empty, SERVICE};
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ValidateCertificate {
    pub certificate_arn: String,
}

impl Operation for ValidateCertificate {
    type Output = Empty;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "ValidateCertificate";

    fn resource(&self, _cloud: &Cloud) -> String {
        self.certificate_arn.clone()
    }

    async fn handle(self, call: &Call) -> Result<Empty, ServiceError> {
        let id = self.certificate_arn.rsplit_once('/').map_or("", |(_, id)| id);
        renewal::validate(&call.cloud, id).map(|()| Empty {})
    }
}
