//! Requesting: a certificate that the local cloud's authority signs once its domains are proved.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::renewal::made_here;
use super::super::store::{CertificateRow, Certificates, Origin};
use super::{CertificateOutput, SERVICE, invalid};
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::id;
use crate::operation::{Call, Operation};
use crate::tags::{self, Tag};

/// How many domain names a certificate may have unless AWS raises it
/// (<https://docs.aws.amazon.com/acm/latest/userguide/acm-limits.html>).
const MOST_NAMES: usize = 10;
/// For how long a token stands for the request it came with first.
const TOKEN: Duration = Duration::from_secs(3600);

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct RequestCertificate {
    pub domain_name: String,
    /// `EMAIL` unless told otherwise, as on AWS; only `DNS` is meant here.
    pub validation_method: Option<String>,
    pub subject_alternative_names: Vec<String>,
    pub idempotency_token: Option<String>,
    pub key_algorithm: Option<String>,
    pub tags: Vec<Tag>,
    pub domain_validation_options: Vec<Value>,
    pub certificate_authority_arn: Option<String>,
    pub managed_by: Option<String>,
    pub options: Options,
}

/// Whether it is logged publicly has no effect here; whether it can be exported would have one.
#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Options {
    pub export: Option<String>,
}

impl Operation for RequestCertificate {
    type Output = CertificateOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "RequestCertificate";

    fn resource(&self, cloud: &Cloud) -> String {
        cloud.arn(SERVICE, "certificate/*")
    }

    async fn handle(self, call: &Call) -> Result<CertificateOutput, ServiceError> {
        let store = call.cloud.part::<Certificates>();
        let now = call.cloud.clock().now();
        self.check_meant()?;
        let mut names = vec![self.domain_name.to_lowercase()];
        for name in &self.subject_alternative_names {
            let name = name.to_lowercase();
            if !names.contains(&name) {
                names.push(name);
            }
        }
        if names.len() > MOST_NAMES {
            let message = format!("The maximum number of {MOST_NAMES} domain names has been exceeded.");
            return Err(ServiceError::new("LimitExceededException", message));
        }
        let same = |row: &CertificateRow| {
            row.token.is_some()
                && row.token == self.idempotency_token
                && row.names == names
                && now.since(row.created) < TOKEN
        };
        if let Some(row) = store.rows.find(same) {
            return Ok(CertificateOutput { certificate_arn: row.arn });
        }
        let arn = call.cloud.arn(SERVICE, &format!("certificate/{}", id::uuid()));
        let row = CertificateRow {
            arn: arn.clone(),
            origin: Origin::AmazonIssued,
            names,
            created: now,
            issued: None,
            key_kind: self.key_algorithm.unwrap_or_else(|| "RSA_2048".to_owned()),
            material: None,
            token: self.idempotency_token,
            tags: tags::map(self.tags),
        };
        store.rows.put(&arn, &row)?;
        Ok(CertificateOutput { certificate_arn: arn })
    }
}

impl RequestCertificate {
    /// Refuses what AWS has and the local cloud does not mean.
    fn check_meant(&self) -> Result<(), ServiceError> {
        let method = self.validation_method.as_deref().unwrap_or("EMAIL");
        let kind = self.key_algorithm.as_deref().unwrap_or("RSA_2048");
        let refused = [
            (method != "DNS", format!("validation by {method} (ValidationMethod DNS is)")),
            (made_here(kind).is_none(), format!("the key algorithm {kind}")),
            (!self.domain_validation_options.is_empty(), "DomainValidationOptions".to_owned()),
            (self.certificate_authority_arn.is_some(), "CertificateAuthorityArn".to_owned()),
            (self.managed_by.is_some(), "ManagedBy".to_owned()),
            (self.options.export.as_deref() == Some("ENABLED"), "the option Export".to_owned()),
        ];
        match refused.into_iter().find(|(is_refused, _)| *is_refused) {
            Some((_, what)) => Err(invalid(format!("{what} is not served by the local cloud"))),
            None => Ok(()),
        }
    }
}
