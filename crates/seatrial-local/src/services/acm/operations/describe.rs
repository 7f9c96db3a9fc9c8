//! What is known of one certificate.

use serde::{Deserialize, Serialize};

use super::super::certificate::{Certificate, shown_key_kind};
use super::super::store::{CertificateRow, Certificates, Origin};
use super::{SERVICE, users};
use crate::clock::Epoch;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::id;
use crate::operation::{Call, Operation};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeCertificate {
    pub certificate_arn: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeCertificateOutput {
    pub certificate: CertificateDetail,
}

/// Times that are not known, and what only a certificate that is there can tell, are left out.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CertificateDetail {
    certificate_arn: String,
    domain_name: String,
    subject_alternative_names: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    domain_validation_options: Vec<DomainValidation>,
    created_at: Epoch,
    #[serde(skip_serializing_if = "Option::is_none")]
    issued_at: Option<Epoch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    imported_at: Option<Epoch>,
    pub status: &'static str,
    key_algorithm: String,
    in_use_by: Vec<String>,
    #[serde(rename = "Type")]
    origin: Origin,
    renewal_eligibility: &'static str,
    options: DetailOptions,
    #[serde(flatten)]
    read: Option<Read>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct DetailOptions {
    certificate_transparency_logging_preference: &'static str,
}

/// What the certificate itself says.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Read {
    serial: String,
    subject: String,
    issuer: String,
    not_before: Epoch,
    not_after: Epoch,
    signature_algorithm: String,
    key_usages: Vec<Usage>,
    extended_key_usages: Vec<Usage>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Usage {
    name: &'static str,
    #[serde(rename = "OID", skip_serializing_if = "Option::is_none")]
    oid: Option<String>,
}

/// A domain, and the record by which it is proved.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DomainValidation {
    domain_name: String,
    validation_domain: String,
    validation_status: &'static str,
    resource_record: ResourceRecord,
    validation_method: &'static str,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ResourceRecord {
    name: String,
    #[serde(rename = "Type")]
    kind: &'static str,
    value: String,
}

impl Operation for DescribeCertificate {
    type Output = DescribeCertificateOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "DescribeCertificate";

    fn resource(&self, _cloud: &Cloud) -> String {
        self.certificate_arn.clone()
    }

    async fn handle(self, call: &Call) -> Result<DescribeCertificateOutput, ServiceError> {
        let row = call.cloud.part::<Certificates>().find(&self.certificate_arn)?;
        Ok(DescribeCertificateOutput { certificate: detail(&call.cloud, row) })
    }
}

fn detail(cloud: &Cloud, row: CertificateRow) -> CertificateDetail {
    let status = row.status(cloud.clock().now());
    let is_imported = row.origin == Origin::Imported;
    let in_use_by = users(cloud, &row.arn);
    CertificateDetail {
        domain_name: row.domain_name().to_owned(),
        domain_validation_options: validations(&row, status),
        created_at: row.created,
        issued_at: row.issued.filter(|_| !is_imported),
        imported_at: row.issued.filter(|_| is_imported),
        status,
        key_algorithm: shown_key_kind(&row.key_kind).to_owned(),
        origin: row.origin,
        renewal_eligibility: if is_imported || in_use_by.is_empty() { "INELIGIBLE" } else { "ELIGIBLE" },
        in_use_by,
        options: DetailOptions {
            certificate_transparency_logging_preference: if is_imported { "DISABLED" } else { "ENABLED" },
        },
        read: row.leaf().map(|leaf| read(&leaf)),
        subject_alternative_names: row.names,
        certificate_arn: row.arn,
    }
}

fn read(leaf: &Certificate) -> Read {
    let usages = leaf.key_usages().into_iter().map(|name| Usage { name, oid: None });
    let extended = leaf.extended_key_usages().into_iter();
    Read {
        serial: leaf.serial(),
        subject: leaf.subject(),
        issuer: leaf.issuer(),
        not_before: leaf.not_before(),
        not_after: leaf.not_after(),
        signature_algorithm: leaf.signature_kind(),
        key_usages: usages.collect(),
        extended_key_usages: extended.map(|(name, oid)| Usage { name, oid: Some(oid) }).collect(),
    }
}

/// One for each domain of a certificate that was requested. A wildcard is proved by its domain's record.
fn validations(row: &CertificateRow, status: &str) -> Vec<DomainValidation> {
    let names = row.names.iter().filter(|_| row.origin == Origin::AmazonIssued);
    let validation = |name: &String| {
        let domain = name.trim_start_matches("*.");
        let digits = |what: &str, length| id::digits_of(&format!("{what} {domain}"), length).to_lowercase();
        DomainValidation {
            domain_name: name.clone(),
            validation_domain: domain.to_owned(),
            validation_status: match status {
                "PENDING_VALIDATION" => "PENDING_VALIDATION",
                "VALIDATION_TIMED_OUT" => "FAILED",
                _ => "SUCCESS",
            },
            resource_record: ResourceRecord {
                name: format!("_{}.{domain}.", digits("name", 32)),
                kind: "CNAME",
                value: format!("_{}.{}.acm-validations.aws.", digits("value", 32), digits("zone", 10)),
            },
            validation_method: "DNS",
        }
    };
    names.map(validation).collect()
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetCertificate {
    pub certificate_arn: String,
}

/// Both as PEM; the key is answered by no operation.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetCertificateOutput {
    pub certificate: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate_chain: Option<String>,
}

impl Operation for GetCertificate {
    type Output = GetCertificateOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "GetCertificate";

    fn resource(&self, _cloud: &Cloud) -> String {
        self.certificate_arn.clone()
    }

    async fn handle(self, call: &Call) -> Result<GetCertificateOutput, ServiceError> {
        let row = call.cloud.part::<Certificates>().find(&self.certificate_arn)?;
        let material = row.material.ok_or_else(|| {
            let message = format!("Certificate request {} is in progress.", row.arn);
            ServiceError::new("RequestInProgressException", message)
        })?;
        Ok(GetCertificateOutput { certificate: material.certificate, certificate_chain: material.chain })
    }
}
