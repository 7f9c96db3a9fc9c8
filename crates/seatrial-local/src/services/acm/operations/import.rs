//! Importing: a certificate of the user's own, with its key.
//!
//! What is refused: <https://docs.aws.amazon.com/acm/latest/userguide/import-certificate-prerequisites.html>. The words
//! are AWS's for more than one certificate, for one that is not self-signed and has no chain, and for a chain that does
//! not fit; the others are ours, for no source has AWS's.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::super::certificate::{Certificate, certificates};
use super::super::store::{CertificateRow, Certificates, Material, Origin};
use super::{CertificateOutput, SERVICE, invalid};
use crate::clock::Epoch;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::id;
use crate::operation::{Call, Operation};
use crate::proxy::{Tls, Versions};
use crate::tags::{self, Tag};

/// Bytes, by the documentation; the model would allow more.
const LONGEST_KEY: usize = 5120;

/// Without `Debug`, so that no key is printed by accident. All three are PEM in base64.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ImportCertificate {
    /// One that was imported before, and is replaced.
    #[serde(default)]
    pub certificate_arn: Option<String>,
    pub certificate: String,
    pub private_key: String,
    #[serde(default)]
    pub certificate_chain: Option<String>,
    #[serde(default)]
    pub tags: Vec<Tag>,
}

impl Operation for ImportCertificate {
    type Output = CertificateOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "ImportCertificate";

    fn resource(&self, cloud: &Cloud) -> String {
        self.certificate_arn.clone().unwrap_or_else(|| cloud.arn(SERVICE, "certificate/*"))
    }

    async fn handle(self, call: &Call) -> Result<CertificateOutput, ServiceError> {
        let store = call.cloud.part::<Certificates>();
        let now = call.cloud.clock().now();
        let material = Material {
            certificate: text(&self.certificate, "certificate")?,
            key: text(&self.private_key, "private key")?,
            chain: self
                .certificate_chain
                .as_deref()
                .map(|chain| text(chain, "certificate chain"))
                .transpose()?,
        };
        let (leaf, key_kind) = check(&material, now)?;
        let names = leaf.names();
        let Some(arn) = self.certificate_arn else {
            let arn = call.cloud.arn(SERVICE, &format!("certificate/{}", id::uuid()));
            let row = CertificateRow {
                arn: arn.clone(),
                origin: Origin::Imported,
                names,
                created: now,
                issued: Some(now),
                key_kind: key_kind.to_owned(),
                material: Some(material),
                token: None,
                tags: tags::map(self.tags),
            };
            store.rows.put(&arn, &row)?;
            return Ok(CertificateOutput { certificate_arn: arn });
        };
        let old = store.find(&arn)?;
        check_successor(&old, key_kind, &self.tags)?;
        store.rows.update(&arn, |row| {
            row.names = names;
            row.issued = Some(now);
            row.material = Some(material);
        })?;
        for user in call.cloud.operations().certificate_users() {
            (user.changed)(call.cloud.clone()).await;
        }
        Ok(CertificateOutput { certificate_arn: arn })
    }
}

/// <https://docs.aws.amazon.com/acm/latest/userguide/import-reimport.html>
fn check_successor(old: &CertificateRow, key_kind: &str, tags: &[Tag]) -> Result<(), ServiceError> {
    if old.origin != Origin::Imported {
        return Err(invalid(format!("The certificate {} was not imported.", old.arn)));
    }
    if old.key_kind != key_kind {
        return Err(invalid(
            "The key type and size of a certificate cannot change when it is imported again.",
        ));
    }
    if !tags.is_empty() {
        return Err(invalid("Tags cannot be given when a certificate is imported again."));
    }
    Ok(())
}

/// The text of PEM in a member.
fn text(member: &str, what: &str) -> Result<String, ServiceError> {
    let bytes = STANDARD.decode(member).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    text.ok_or_else(|| invalid(format!("The {what} is not PEM-encoded or is not valid.")))
}

/// The certificate and the kind of its key.
fn check(material: &Material, now: Epoch) -> Result<(Certificate, &'static str), ServiceError> {
    let not_pem = || invalid("The certificate is not PEM-encoded or is not valid.");
    let mut found = certificates(&material.certificate).ok_or_else(not_pem)?;
    if found.len() > 1 {
        return Err(invalid(
            "The certificate field contains more than one certificate. You can specify only one certificate \
             in this field.",
        ));
    }
    let leaf = found.pop().filter(Certificate::is_version_3).ok_or_else(not_pem)?;
    let kind = leaf.key_kind().ok_or_else(|| {
        invalid("The key algorithm of the certificate is not supported: RSA or ECDSA, of ACM's sizes.")
    })?;
    if leaf.not_before() > now {
        return Err(invalid("The certificate is not in effect yet, is not valid."));
    }
    if leaf.not_after() <= now {
        return Err(invalid("The certificate has expired, is not valid."));
    }
    if leaf.issuer().is_empty() {
        return Err(invalid("The Issuer field of the certificate must not be empty."));
    }
    check_chain(&leaf, material.chain.as_deref())?;
    if material.key.len() > LONGEST_KEY {
        return Err(invalid("The private key must be no larger than 5 KB (5,120 bytes)."));
    }
    if material.key.contains("ENCRYPTED") {
        return Err(invalid("The private key must not be encrypted."));
    }
    // RSA_1024 among others: what no listener here can show is refused at once.
    Tls::new(&material.certificate, &material.key, Versions::Both).map_err(|error| {
        invalid(format!("The private key is not supported or is not that of the certificate: {error}."))
    })?;
    Ok((leaf, kind))
}

/// Each certificate is certified by the one after it. The last may be certified by one that is not there.
fn check_chain(leaf: &Certificate, chain: Option<&str>) -> Result<(), ServiceError> {
    let Some(chain) = chain else {
        return leaf.is_self_signed().then_some(()).ok_or_else(|| {
            invalid(
                "Provided certificate is not a valid self signed. Please provide either a valid self-signed \
                 certificate or certificate chain.",
            )
        });
    };
    let not_pem = || invalid("The certificate chain is not PEM-encoded or is not valid.");
    let chain = certificates(chain).ok_or_else(not_pem)?;
    let mut lower = leaf;
    for upper in &chain {
        if !lower.is_certified_by(upper) {
            return Err(invalid("Could not validate the certificate with the certificate chain."));
        }
        lower = upper;
    }
    Ok(())
}
