//! Certificates by ARN.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::certificate::{self, Certificate};
use crate::clock::Epoch;
use crate::cloud::{Part, Setup};
use crate::error::ServiceError;
use crate::persist::Table;

/// How long ACM waits for the records that prove a domain
/// (<https://docs.aws.amazon.com/acm/latest/userguide/dns-validation.html>): real time.
const VALIDATION: Duration = Duration::from_secs(72 * 3600);

/// Without `Debug`, so that no key is printed by accident.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct CertificateRow {
    pub arn: String,
    pub origin: Origin,
    /// The first is its domain name, the others are further ones.
    pub names: Vec<String>,
    pub created: Epoch,
    /// When its material came: issued, or imported last.
    pub issued: Option<Epoch>,
    /// `RSA_2048` and the like.
    pub key_kind: String,
    /// `None` while it waits for its validation.
    pub material: Option<Material>,
    /// Of the request, so that one that is sent twice makes one certificate.
    pub token: Option<String>,
    pub tags: BTreeMap<String, String>,
}

/// Where a certificate comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Origin {
    Imported,
    AmazonIssued,
}

/// All as PEM.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Material {
    pub certificate: String,
    pub key: String,
    pub chain: Option<String>,
}

impl CertificateRow {
    /// `ISSUED` and the like, as of `now`.
    pub(super) fn status(&self, now: Epoch) -> &'static str {
        match self.leaf() {
            Some(leaf) if leaf.not_after() <= now => "EXPIRED",
            Some(_) => "ISSUED",
            None if now.since(self.created) > VALIDATION => "VALIDATION_TIMED_OUT",
            None => "PENDING_VALIDATION",
        }
    }

    /// The certificate itself, if there is one yet.
    pub(super) fn leaf(&self) -> Option<Certificate> {
        certificate::certificates(&self.material.as_ref()?.certificate)?.into_iter().next()
    }

    pub(super) fn domain_name(&self) -> &str {
        self.names.first().map_or("", String::as_str)
    }
}

pub(super) struct Certificates {
    pub rows: Table<CertificateRow>,
}

impl Part for Certificates {
    fn open(setup: &Setup) -> Self {
        Self { rows: setup.database.table("acm-certificates") }
    }
}

impl Certificates {
    /// # Errors
    /// `ResourceNotFoundException`, also for what is no certificate of this account and region.
    pub(super) fn find(&self, arn: &str) -> Result<CertificateRow, ServiceError> {
        self.rows.get(arn).ok_or_else(|| not_found(arn))
    }
}

pub(super) fn not_found(arn: &str) -> ServiceError {
    ServiceError::new("ResourceNotFoundException", format!("Could not find certificate {arn}."))
}
