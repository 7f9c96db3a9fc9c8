//! Resource types of Certificate Manager.

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::{Attributes, Change, Created, Resource, ResourceContext, ResourceTypes, Tag, gone};
use crate::error::ServiceError;
use crate::services::acm::{
    AddTagsToCertificate, DeleteCertificate, DescribeCertificate, RequestCertificate, RequestOptions,
    ValidateCertificate,
};

pub(super) fn register(types: &mut ResourceTypes) {
    types.add::<Certificate>();
}

const MISSING: &str = "ResourceNotFoundException";
/// As long as ACM waits for the records that prove a domain: real time.
const PATIENCE: Duration = Duration::from_secs(73 * 3600);
const POLL: Duration = Duration::from_millis(100);

/// Complete once it is issued: CloudFormation makes the records of domains whose hosted zone it is told; for others it
/// waits until somebody makes them
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-certificatemanager-certificate.html>).
/// Whether a hosted zone is there and serves the domain is not known here.
struct Certificate;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Properties {
    domain_name: String,
    subject_alternative_names: Vec<String>,
    domain_validation_options: Vec<ValidationOption>,
    validation_method: Option<String>,
    key_algorithm: Option<String>,
    certificate_authority_arn: Option<String>,
    certificate_export: Option<String>,
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ValidationOption {
    domain_name: String,
    hosted_zone_id: Option<String>,
}

impl Resource for Certificate {
    const TYPE: &'static str = "AWS::CertificateManager::Certificate";
    type Properties = Properties;

    async fn create(ctx: &ResourceContext, properties: Properties) -> Result<Created, ServiceError> {
        let is_proved = properties.is_proved();
        let input = RequestCertificate {
            domain_name: properties.domain_name,
            subject_alternative_names: properties.subject_alternative_names,
            validation_method: properties.validation_method,
            key_algorithm: properties.key_algorithm,
            certificate_authority_arn: properties.certificate_authority_arn,
            options: RequestOptions { export: properties.certificate_export },
            // The same on every try: what was requested before is found again.
            idempotency_token: Some(crate::id::digits_of(&ctx.client_token(), 32)),
            tags: ctx.tag_list(&properties.tags),
            ..RequestCertificate::default()
        };
        let arn = ctx.cloud.call(&ctx.principal, input).await?.certificate_arn;
        ctx.initiated(&arn);
        if is_proved {
            let input = ValidateCertificate { certificate_arn: arn.clone() };
            ctx.cloud.call(&ctx.principal, input).await?;
        }
        issued(ctx, &arn).await?;
        Ok(Created { attributes: attributes(&arn), physical_id: arn })
    }

    /// All but the tags and whether it is logged is create-only.
    async fn update(
        ctx: &ResourceContext,
        physical_id: &str,
        change: Change<Properties>,
    ) -> Result<Attributes, ServiceError> {
        let tags = ctx.tag_list(&change.new.tags);
        let input = AddTagsToCertificate { certificate_arn: physical_id.to_owned(), tags };
        ctx.cloud.call(&ctx.principal, input).await?;
        Ok(attributes(physical_id))
    }

    async fn delete(ctx: &ResourceContext, physical_id: &str, _: Properties) -> Result<(), ServiceError> {
        let input = DeleteCertificate { certificate_arn: physical_id.to_owned() };
        gone(ctx.cloud.call(&ctx.principal, input).await, MISSING)
    }
}

impl Properties {
    /// Whether CloudFormation makes the record of each domain itself.
    fn is_proved(&self) -> bool {
        let has_zone = |name: &String| {
            let mut options = self.domain_validation_options.iter();
            options.any(|option| option.domain_name == *name && option.hosted_zone_id.is_some())
        };
        has_zone(&self.domain_name) && self.subject_alternative_names.iter().all(has_zone)
    }
}

fn attributes(arn: &str) -> Attributes {
    super::attributes([("CertificateArn", json!(arn))])
}

async fn issued(ctx: &ResourceContext, arn: &str) -> Result<(), ServiceError> {
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        let input = DescribeCertificate { certificate_arn: arn.to_owned() };
        match ctx.cloud.call(&ctx.principal, input).await?.certificate.status {
            "ISSUED" => return Ok(()),
            "PENDING_VALIDATION" => sleep(POLL).await,
            other => {
                let message = format!("Certificate {arn} is {other}");
                return Err(ServiceError::new("NotStabilized", message));
            }
        }
    }
    Err(ServiceError::new("NotStabilized", format!("Certificate {arn} did not stabilize")))
}
