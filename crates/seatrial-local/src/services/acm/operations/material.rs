//! What a service gets that shows a certificate: the certificate with its key. In process only, for on AWS too no
//! operation of the API answers it.

use serde::{Deserialize, Serialize};

use super::super::store::Certificates;
use super::SERVICE;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ServeCertificate {
    pub certificate_arn: String,
}

/// Without `Debug`, so that no key is printed by accident.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ServedCertificate {
    /// `ISSUED` and the like.
    pub status: &'static str,
    pub names: Vec<String>,
    /// The certificate, then what certifies it, as PEM; empty while it is pending.
    pub chain: String,
    /// PEM; empty while it is pending.
    pub key: String,
}

impl Operation for ServeCertificate {
    type Output = ServedCertificate;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "ServeCertificate";

    fn resource(&self, _cloud: &Cloud) -> String {
        self.certificate_arn.clone()
    }

    async fn handle(self, call: &Call) -> Result<ServedCertificate, ServiceError> {
        let row = call.cloud.part::<Certificates>().find(&self.certificate_arn)?;
        let status = row.status(call.cloud.clock().now());
        let (names, mut chain, mut key) = (row.names, String::new(), String::new());
        if let Some(material) = row.material {
            // Each of them may lack its last line end.
            chain = format!("{}\n{}", material.certificate, material.chain.unwrap_or_default());
            key = material.key;
        }
        Ok(ServedCertificate { status, names, chain, key })
    }
}
