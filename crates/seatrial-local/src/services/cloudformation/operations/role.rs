//! The service role of a stack, which CloudFormation assumes before it begins an operation.

use crate::access::is_refusal;
use crate::credentials::CredentialStore;
use crate::error::ServiceError;
use crate::operation::Call;
use crate::services::sts;

/// Has CloudFormation assume the role of an operation: the one that is given, else the one that the stack had before
/// (AWS: CloudFormation API reference, `RoleARN`). It says for no stack that it acts: no page of AWS's promises
/// `aws:SourceArn` in the trust of a service role, so a condition on it lets nobody in here.
///
/// # Errors
/// `ValidationError`: it is no ARN, there is none, or it does not trust `cloudformation.amazonaws.com`. AWS's words:
/// awslabs/clickstream-analytics-on-aws, troubleshooting, and hashicorp/terraform-provider-aws, which tries again at
/// them; glassechidna/stackit#21 of what is no ARN.
pub(super) async fn require_assumable(
    call: &Call,
    given: Option<&str>,
    before: Option<&str>,
) -> Result<(), ServiceError> {
    let Some(role) = given.or(before) else { return Ok(()) };
    if !role.starts_with("arn:") {
        return Err(ServiceError::validation(format!("{role} is not a valid RoleARN")));
    }
    let service = ("cloudformation.amazonaws.com", None);
    let assumed = sts::assume_role(&call.cloud, service, role, "AWSCloudFormation").await;
    let assumed = assumed.map_err(|error| match is_refusal(&error) {
        true => ServiceError::validation(format!("Role {role} is invalid or cannot be assumed")),
        false => error,
    })?;
    // Nobody is given them: the handlers call in this process.
    call.cloud.part::<CredentialStore>().revoke(&assumed.access_key_id)?;
    Ok(())
}
