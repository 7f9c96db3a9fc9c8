//! Keys of log groups. Nothing is encrypted here; but the key's policy must let CloudWatch Logs use it.

use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::principal::Principal;
use crate::services::kms;

/// Of the actions that the guide has CloudWatch Logs allowed, those that know an encryption context, which its statement
/// asks for (user guide, encrypt-log-data-kms).
const USED: [&str; 3] = ["Encrypt", "Decrypt", "GenerateDataKey"];

/// # Errors
/// The key is not there or disabled ("you receive an `InvalidParameterException` error": `API_CreateLogGroup`; the words are
/// those of hashicorp/terraform#24194), or its policy does not let CloudWatch Logs use it for this group (words:
/// hashicorp/terraform-provider-aws#29282).
pub(super) fn check(cloud: &Cloud, group: &str, key: &str) -> Result<(), ServiceError> {
    let found = if key.contains(":key/") { kms::usable(cloud, key).ok() } else { None };
    let Some(key) = found else {
        let message = "The specified KMS Key Id could not be found.";
        return Err(ServiceError::new("InvalidParameterException", message));
    };
    let arn = cloud.arn("logs", &format!("log-group:{group}"));
    let service = Principal::service(&format!("logs.{}.amazonaws.com", cloud.region()), cloud.account());
    for operation in USED {
        let context = vec![("kms:EncryptionContext:aws:logs:arn", arn.clone())];
        cloud.permit(&service, ("kms", operation), (&key, context)).map_err(|_| {
            let message =
                format!("The specified KMS key does not exist or is not allowed to be used with Arn '{arn}'");
            ServiceError::new("AccessDeniedException", message)
        })?;
    }
    Ok(())
}
