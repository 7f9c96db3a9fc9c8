//! All certificates; and their end.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::certificate::shown_key_kind;
use super::super::store::{CertificateRow, Certificates, Origin};
use super::{Empty, SERVICE, invalid, users};
use crate::clock::Epoch;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};

/// What is listed where no kinds of keys are asked for: others are easily overlooked, as on AWS
/// (<https://docs.aws.amazon.com/acm/latest/APIReference/API_Filters.html>).
const USUAL_KINDS: [&str; 2] = ["RSA_1024", "RSA_2048"];

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct ListCertificates {
    pub certificate_statuses: Vec<String>,
    pub includes: Includes,
    pub certificate_key_pair_origins: Vec<Value>,
    pub sort_by: Option<String>,
    pub sort_order: Option<String>,
}

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Includes {
    pub key_types: Vec<String>,
    pub key_usage: Vec<Value>,
    pub extended_key_usage: Vec<Value>,
    pub export_option: Option<Value>,
    pub managed_by: Option<Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListCertificatesOutput {
    pub certificate_summary_list: Vec<CertificateSummary>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CertificateSummary {
    certificate_arn: String,
    domain_name: String,
    subject_alternative_name_summaries: Vec<String>,
    has_additional_subject_alternative_names: bool,
    status: &'static str,
    #[serde(rename = "Type")]
    origin: Origin,
    key_algorithm: String,
    in_use: bool,
    created_at: Epoch,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_before: Option<Epoch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_after: Option<Epoch>,
}

impl Operation for ListCertificates {
    type Output = ListCertificatesOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "ListCertificates";

    async fn handle(self, call: &Call) -> Result<ListCertificatesOutput, ServiceError> {
        self.check_meant()?;
        let now = call.cloud.clock().now();
        let kinds = &self.includes.key_types;
        let asked_for = |row: &CertificateRow| {
            let is_kind = match kinds.is_empty() {
                true => USUAL_KINDS.contains(&row.key_kind.as_str()),
                false => kinds.contains(&row.key_kind),
            };
            let statuses = &self.certificate_statuses;
            is_kind && (statuses.is_empty() || statuses.iter().any(|status| status == row.status(now)))
        };
        let rows = call.cloud.part::<Certificates>().rows.values().into_iter().filter(asked_for);
        let summary = |row: CertificateRow| {
            let leaf = row.leaf();
            CertificateSummary {
                domain_name: row.domain_name().to_owned(),
                has_additional_subject_alternative_names: false,
                status: row.status(now),
                origin: row.origin,
                key_algorithm: shown_key_kind(&row.key_kind).to_owned(),
                in_use: !users(&call.cloud, &row.arn).is_empty(),
                created_at: row.created,
                not_before: leaf.as_ref().map(|leaf| leaf.not_before()),
                not_after: leaf.as_ref().map(|leaf| leaf.not_after()),
                subject_alternative_name_summaries: row.names,
                certificate_arn: row.arn,
            }
        };
        Ok(ListCertificatesOutput { certificate_summary_list: rows.map(summary).collect() })
    }
}

impl ListCertificates {
    /// Refuses filters that would be passed over.
    fn check_meant(&self) -> Result<(), ServiceError> {
        let includes = &self.includes;
        let refused = [
            (!includes.key_usage.is_empty(), "Includes.keyUsage"),
            (!includes.extended_key_usage.is_empty(), "Includes.extendedKeyUsage"),
            (includes.export_option.is_some(), "Includes.exportOption"),
            (includes.managed_by.is_some(), "Includes.managedBy"),
            (!self.certificate_key_pair_origins.is_empty(), "CertificateKeyPairOrigins"),
            (self.sort_by.is_some() || self.sort_order.is_some(), "SortBy"),
        ];
        match refused.into_iter().find(|(is_refused, _)| *is_refused) {
            Some((_, what)) => Err(invalid(format!("{what} is not served by the local cloud"))),
            None => Ok(()),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeleteCertificate {
    pub certificate_arn: String,
}

impl Operation for DeleteCertificate {
    type Output = Empty;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "DeleteCertificate";

    fn resource(&self, _cloud: &Cloud) -> String {
        self.certificate_arn.clone()
    }

    /// AWS's words: hashicorp/terraform-provider-aws#3866.
    async fn handle(self, call: &Call) -> Result<Empty, ServiceError> {
        let store = call.cloud.part::<Certificates>();
        let arn = store.find(&self.certificate_arn)?.arn;
        if !users(&call.cloud, &arn).is_empty() {
            let account = call.cloud.account();
            let message = format!("Certificate {arn} in account {account} is in use.");
            return Err(ServiceError::new("ResourceInUseException", message));
        }
        store.rows.remove(&arn)?;
        Ok(Empty {})
    }
}
