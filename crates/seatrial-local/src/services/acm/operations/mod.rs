//! The operations of Certificate Manager.

mod describe;
mod import;
mod list;
mod material;
mod register;
mod request;
mod tags;
mod validate;

pub(crate) use describe::{DescribeCertificate, GetCertificate};
pub(crate) use import::ImportCertificate;
pub(crate) use list::{DeleteCertificate, ListCertificates};
pub(crate) use material::{ServeCertificate, ServedCertificate};
pub(crate) use register::register;
pub(crate) use request::{Options as RequestOptions, RequestCertificate};
pub(crate) use tags::{AddTagsToCertificate, ListTagsForCertificate, RemoveTagsFromCertificate};
pub(crate) use validate::ValidateCertificate;

use serde::Serialize;

use crate::cloud::Cloud;
use crate::error::ServiceError;

const SERVICE: &str = "acm";

/// The answer of an operation that answers nothing.
#[derive(Serialize)]
pub(crate) struct Empty {}

/// What the operations answer that make a certificate.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CertificateOutput {
    pub certificate_arn: String,
}

fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::new("ValidationException", message)
}

/// The ARNs of what uses a certificate.
fn users(cloud: &Cloud, arn: &str) -> Vec<String> {
    let all = cloud.operations().certificate_users().iter();
    let all = all.flat_map(|user| (user.in_use)(cloud));
    let mut found: Vec<_> = all.filter(|(used, _)| used == arn).map(|(_, user)| user).collect();
    found.sort();
    found.dedup();
    found
}
