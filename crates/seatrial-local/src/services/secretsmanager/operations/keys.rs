//! Whether Secrets Manager could use the key that a secret names.

use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::services::kms;

/// # Errors
/// `EncryptionFailure`, as the API reference of `PutSecretValue` has it.
pub(super) fn can_encrypt(cloud: &Cloud, key: Option<&str>) -> Result<(), ServiceError> {
    let message = "Secrets Manager can't encrypt the protected secret text using the provided KMS key. Check that the KMS \
                   key is available, enabled, and not in an invalid state.";
    check(cloud, key, ("EncryptionFailure", message))
}

/// # Errors
/// `DecryptionFailure`, as the API reference of `GetSecretValue` has it.
pub(super) fn can_decrypt(cloud: &Cloud, key: Option<&str>) -> Result<(), ServiceError> {
    let message = "Secrets Manager can't decrypt the protected secret text using the provided KMS key.";
    check(cloud, key, ("DecryptionFailure", message))
}

fn check(cloud: &Cloud, key: Option<&str>, (code, message): (&str, &str)) -> Result<(), ServiceError> {
    match key.map(|key| kms::usable(cloud, key)) {
        Some(Err(_)) => Err(ServiceError::new(code, message)),
        Some(Ok(_)) | None => Ok(()),
    }
}
