//! Permissions that a call needs, and how a call without one is refused.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::error::ServiceError;

/// One action on one resource that had to be allowed to the caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// With its prefix: `iam:PassRole`.
    pub action: String,
    /// An ARN, or `*`.
    pub resource: String,
    /// Condition keys with their values, beyond those that follow from who calls.
    pub context: BTreeMap<String, Vec<String>>,
    pub allowed: bool,
    /// The statement that decided; none where no policy has one.
    pub statement: Option<Statement>,
    /// What AWS says of it, where it is denied.
    #[serde(skip)]
    pub denial: Option<String>,
}

/// A statement of a policy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Statement {
    /// The policy's name, or its ARN.
    pub policy: String,
    /// From 0.
    pub index: usize,
    pub sid: Option<String>,
}

/// Services whose answers are XML, and CloudWatch, which has the codes of the time when it was one.
const OF_XML: [&str; 7] = ["cloudformation", "elasticloadbalancing", "iam", "monitoring", "rds", "s3", "sts"];

/// The refusal of a denied check, with the code that the service's clients know.
///
/// AWS: Amazon EC2 API reference, Error codes, `UnauthorizedOperation`; the Common error types of the others. What services say
/// whose caller may not use a key is quoted in aws-samples/aws-secrets-manager-rotation-lambdas#53 and, of RDS,
/// awslabs/aurora-snapshot-tool#25.
pub(crate) fn refusal(service: &str, check: &Check) -> ServiceError {
    match service {
        "secretsmanager" if is_with_key(check) => {
            return ServiceError::new("AccessDeniedException", "Access to KMS is not allowed");
        }
        "rds" if is_with_key(check) => return key_not_accessible(&check.resource),
        _ => {}
    }
    told(service, check.denial.as_deref().unwrap_or_default())
}

/// The same of words alone.
pub(crate) fn told(service: &str, denial: &str) -> ServiceError {
    if service == "ec2" {
        let message = format!("You are not authorized to perform this operation. {denial}");
        return ServiceError::new("UnauthorizedOperation", message).with_status(403);
    }
    if OF_XML.contains(&service) {
        return ServiceError::access_denied(denial);
    }
    ServiceError::new("AccessDeniedException", denial)
}

/// RDS's words for a key that it, or its caller, cannot use.
pub(crate) fn key_not_accessible(key: &str) -> ServiceError {
    let message = format!(
        "Specified KMS key [{key}] does not exist, is not enabled or you do not have permissions to access it."
    );
    ServiceError::new("KMSKeyNotAccessibleFault", message)
}

/// Whether a key was to be used.
fn is_with_key(check: &Check) -> bool {
    check.action.starts_with("kms:")
}

/// Whether a refusal is one for lack of a permission, whichever service's.
pub(crate) fn is_refusal(error: &ServiceError) -> bool {
    error.code.starts_with("AccessDenied") || error.code == "UnauthorizedOperation"
}
