//! Certificates that the local cloud's authority signs: the first time, and again.

use std::collections::BTreeMap;

use super::store::{CertificateRow, Certificates, Material, Origin, not_found};
use crate::authority::{Authority, KeyKind};
use crate::cloud::Cloud;
use crate::error::ServiceError;

/// How a kind of key is made; `None`: it is not made here.
pub(super) fn made_here(key_kind: &str) -> Option<KeyKind> {
    Some(match key_kind {
        "RSA_2048" => KeyKind::Rsa2048,
        "RSA_3072" => KeyKind::Rsa3072,
        "RSA_4096" => KeyKind::Rsa4096,
        "EC_prime256v1" => KeyKind::P256,
        "EC_secp384r1" => KeyKind::P384,
        _ => return None,
    })
}

/// Says that the DNS records which prove a certificate's domains are there, as a person sees to it on AWS: it is issued.
/// `id` is the last part of its ARN. One that is issued stays as it is.
///
/// # Errors
/// There is no such certificate; it was imported; its time has run out; the authority cannot be used.
pub(crate) fn validate(cloud: &Cloud, id: &str) -> Result<(), ServiceError> {
    let arn = cloud.arn("acm", &format!("certificate/{id}"));
    let row = cloud.part::<Certificates>().find(&arn)?;
    match row.status(cloud.clock().now()) {
        _ if row.origin == Origin::Imported => Err(not_found(&arn)),
        "PENDING_VALIDATION" => issue(cloud, &row),
        "VALIDATION_TIMED_OUT" => {
            let message = format!("The validation of certificate {arn} has timed out: request another.");
            Err(ServiceError::new("InvalidStateException", message))
        }
        _ => Ok(()),
    }
}

/// An issued certificate of this ARN, which is there by that alone.
///
/// # Errors
/// It is no ARN of a certificate of this account and region, for load balancers take no other; one is there; the
/// authority cannot be used.
pub(crate) fn stand_in(cloud: &Cloud, arn: &str, domain: &str) -> Result<(), ServiceError> {
    let here = cloud.arn("acm", "certificate/");
    if !arn.starts_with(&here) {
        let message = format!("`{arn}` is no certificate of this account and region, `{here}...`.");
        return Err(ServiceError::new("ValidationException", message));
    }
    let row = CertificateRow {
        arn: arn.to_owned(),
        origin: Origin::AmazonIssued,
        names: vec![domain.to_lowercase()],
        created: cloud.clock().now(),
        issued: None,
        key_kind: "RSA_2048".to_owned(),
        material: None,
        token: None,
        tags: BTreeMap::new(),
    };
    if !cloud.part::<Certificates>().rows.insert_new(arn, &row)? {
        let message = format!("Certificate {arn} is there already.");
        return Err(ServiceError::new("ResourceInUseException", message));
    }
    issue(cloud, &row)
}

/// Signs again whatever another authority of this local cloud signed: theirs end with them. ACM renews a month or two
/// before the end; the authority has that much left when another takes its place.
pub(crate) fn renew(cloud: &Cloud) {
    let Ok(authority) = Authority::open(cloud.data_dir()) else { return };
    for row in cloud.part::<Certificates>().rows.values() {
        let chain = row.material.as_ref().and_then(|material| material.chain.as_deref());
        if row.origin == Origin::AmazonIssued
            && chain.is_some_and(|chain| chain != authority.certificate())
            && let Err(error) = issue(cloud, &row)
        {
            tracing::error!(certificate = row.arn, %error, "a certificate could not be renewed");
        }
    }
}

fn issue(cloud: &Cloud, row: &CertificateRow) -> Result<(), ServiceError> {
    let unusable = |error: &dyn std::fmt::Display| {
        ServiceError::internal(format!("the local certificate authority cannot be used: {error}"))
    };
    let authority = Authority::open(cloud.data_dir()).map_err(|error| unusable(&error))?;
    let kind = made_here(&row.key_kind).unwrap_or(KeyKind::Rsa2048);
    let issued = authority.issue(&row.names, kind).map_err(|error| unusable(&error))?;
    let material = Material { certificate: issued.certificate, key: issued.key, chain: Some(issued.chain) };
    let now = cloud.clock().now();
    cloud.part::<Certificates>().rows.update(&row.arn, |row| {
        row.material = Some(material);
        row.issued = Some(now);
    })?;
    Ok(())
}
