//! HTTPS listeners: which certificates and policies they may have, and what they then show.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::shapes::Listener;
use super::store::Elb;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::principal::Principal;
use crate::proxy::{Tls, Versions};
use crate::services::acm::{ServeCertificate, ServedCertificate};

/// What a listener has that names no policy, unless the console makes it.
const DEFAULT_POLICY: &str = "ELBSecurityPolicy-2016-08";

/// All policies of Application Load Balancers, by what they speak of what is spoken here
/// (<https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html>). Those that reach
/// back to TLS 1.0 and 1.1 begin with 1.2 here.
const POLICIES: [(Versions, &[&str]); 3] = [
    (
        Versions::Only12,
        &[
            "2016-08",
            "TLS-1-1-2017-01",
            "TLS-1-2-2017-01",
            "TLS-1-2-Ext-2018-06",
            "FS-2018-06",
            "FS-1-1-2019-08",
            "FS-1-2-2019-08",
            "FS-1-2-Res-2019-08",
            "FS-1-2-Res-2020-10",
        ],
    ),
    (
        Versions::Only13,
        &["TLS13-1-3-2021-06", "TLS13-1-3-FIPS-2023-04", "TLS13-1-3-PQ-2025-09", "TLS13-1-3-FIPS-PQ-2025-09"],
    ),
    (
        Versions::Both,
        &[
            "TLS13-1-0-2021-06",
            "TLS13-1-1-2021-06",
            "TLS13-1-2-2021-06",
            "TLS13-1-2-Res-2021-06",
            "TLS13-1-2-Ext1-2021-06",
            "TLS13-1-2-Ext2-2021-06",
            "TLS13-1-0-FIPS-2023-04",
            "TLS13-1-1-FIPS-2023-04",
            "TLS13-1-2-FIPS-2023-04",
            "TLS13-1-2-Res-FIPS-2023-04",
            "TLS13-1-2-Ext0-FIPS-2023-04",
            "TLS13-1-2-Ext1-FIPS-2023-04",
            "TLS13-1-2-Ext2-FIPS-2023-04",
            "TLS13-1-0-PQ-2025-09",
            "TLS13-1-2-PQ-2025-09",
            "TLS13-1-2-Res-PQ-2025-09",
            "TLS13-1-2-Ext1-PQ-2025-09",
            "TLS13-1-2-Ext2-PQ-2025-09",
            "TLS13-1-0-FIPS-PQ-2025-09",
            "TLS13-1-2-FIPS-PQ-2025-09",
            "TLS13-1-2-Res-FIPS-PQ-2025-09",
            "TLS13-1-2-Ext0-FIPS-PQ-2025-09",
            "TLS13-1-2-Ext1-FIPS-PQ-2025-09",
            "TLS13-1-2-Ext2-FIPS-PQ-2025-09",
        ],
    ),
];

/// The listener with AWS's default policy if it needs one, and what it will show its clients.
///
/// # Errors
/// A protocol that is none; a policy or certificates without HTTPS; HTTPS without a certificate, or with one that is
/// not there, not issued, of another region, or for no domain; an unknown policy.
pub(super) async fn check(
    cloud: &Cloud,
    mut shape: Listener,
) -> Result<(Listener, Option<Arc<Tls>>), ServiceError> {
    match shape.protocol.as_str() {
        "HTTPS" => {}
        "HTTP" => return without(shape).map(|shape| (shape, None)),
        other => {
            let message =
                format!("Listener protocol '{other}' is not supported for application load balancers");
            return Err(ServiceError::validation(message));
        }
    }
    let policy = shape.ssl_policy.get_or_insert_with(|| DEFAULT_POLICY.to_owned());
    let versions = versions(policy)
        .ok_or_else(|| ServiceError::new("SSLPolicyNotFound", format!("SSL policy '{policy}' not found")))?;
    let arn = match shape.certificates.as_slice() {
        [only] => only.certificate_arn.clone(),
        [] => None,
        _ => return Err(ServiceError::validation("A listener has exactly one default certificate")),
    };
    let arn =
        arn.ok_or_else(|| ServiceError::validation("A certificate must be specified for HTTPS listeners"))?;
    let served = usable(cloud, &arn).await?;
    let tls = Tls::new(&served.chain, &served.key, versions).map_err(|error| {
        tracing::warn!(certificate = arn, %error, "a certificate cannot be shown");
        unsupported(&arn)
    })?;
    Ok((shape, Some(Arc::new(tls))))
}

/// AWS's words, its spelling included: theopensystemslab/planx-new#1051.
fn without(shape: Listener) -> Result<Listener, ServiceError> {
    if shape.ssl_policy.is_some() {
        return Err(ServiceError::validation("An SSL policy cannot be specifed for HTTP listeners"));
    }
    if !shape.certificates.is_empty() {
        return Err(ServiceError::validation("Certificates cannot be specified for HTTP listeners"));
    }
    Ok(shape)
}

fn versions(policy: &str) -> Option<Versions> {
    let name = policy.strip_prefix("ELBSecurityPolicy-")?;
    POLICIES.iter().find(|(_, names)| names.contains(&name)).map(|(versions, _)| *versions)
}

/// What ACM has, if a listener may show it. AWS's words for another region:
/// kubernetes-sigs/aws-load-balancer-controller#2552; for one that is not there: hashicorp/terraform-provider-aws#11334;
/// for one that is not issued, which is told as one that does not fit: DataBiosphere/azul#8321.
async fn usable(cloud: &Cloud, arn: &str) -> Result<ServedCertificate, ServiceError> {
    let own_region = |service: &str| arn.starts_with(&format!("arn:aws:{service}:{}:", cloud.region()));
    if !own_region("acm") && !arn.starts_with("arn:aws:iam::") {
        return Err(ServiceError::validation(format!("Certificate ARN '{arn}' is not valid")));
    }
    let served = serve(cloud, arn).await.map_err(|error| match error.code.as_str() {
        "ResourceNotFoundException" => {
            ServiceError::new("CertificateNotFound", format!("Certificate '{arn}' not found"))
        }
        _ => error,
    })?;
    let has_domain = served.names.iter().any(|name| name.contains('.'));
    if served.status != "ISSUED" || !has_domain { Err(unsupported(arn)) } else { Ok(served) }
}

async fn serve(cloud: &Cloud, arn: &str) -> Result<ServedCertificate, ServiceError> {
    let principal = Principal::service("elasticloadbalancing.amazonaws.com", cloud.account());
    cloud.call(&principal, ServeCertificate { certificate_arn: arn.to_owned() }).await
}

fn unsupported(arn: &str) -> ServiceError {
    let message = format!(
        "The certificate '{arn}' must have a fully-qualified domain name, a supported signature, and a \
         supported key size."
    );
    ServiceError::new("UnsupportedCertificate", message)
}

/// Reads from ACM what the listeners show: after a restart, and when a certificate was imported again. One that has
/// expired is shown on, as on AWS; one that is gone leaves its listener closed.
pub(super) async fn read_again(cloud: &Cloud) {
    let elb = cloud.part::<Elb>();
    for row in elb.listeners.values().into_iter().filter(|row| row.shape.protocol == "HTTPS") {
        let (listener, policy) = (&row.shape.listener_arn, row.shape.ssl_policy.as_deref());
        let versions = versions(policy.unwrap_or(DEFAULT_POLICY)).unwrap_or(Versions::Only12);
        let mut certificates = row.shape.certificates.iter();
        let Some(arn) = certificates.find_map(|one| one.certificate_arn.as_deref()) else { continue };
        let read = serve(cloud, arn).await;
        let read = read.map_err(|error| error.to_string()).and_then(|served| {
            Tls::new(&served.chain, &served.key, versions).map_err(|error| error.to_string())
        });
        match read {
            Ok(tls) => elb.shown.set(listener, Some(Arc::new(tls))),
            Err(error) => {
                tracing::error!(
                    listener,
                    certificate = arn,
                    error,
                    "a listener has nothing to show: it is closed"
                );
                elb.shown.set(listener, None);
            }
        }
    }
}

/// The certificates of listeners, each with the load balancer's ARN, which is what ACM tells of.
pub(super) fn in_use(cloud: &Cloud) -> Vec<(String, String)> {
    let rows = cloud.part::<Elb>().listeners.values().into_iter();
    let of = |shape: Listener| {
        let arns = shape.certificates.into_iter().filter_map(|certificate| certificate.certificate_arn);
        arns.map(|arn| (arn, shape.load_balancer_arn.clone())).collect::<Vec<_>>()
    };
    rows.flat_map(|row| of(row.shape)).collect()
}

/// Puts a certificate that was imported again into force.
pub(super) fn changed(cloud: Cloud) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        read_again(&cloud).await;
        let elb = cloud.part::<Elb>();
        for load_balancer in elb.load_balancers.values() {
            if let Err(error) = elb.route(&load_balancer) {
                tracing::error!(%error, "a load balancer could not be put in step");
            }
        }
    })
}
