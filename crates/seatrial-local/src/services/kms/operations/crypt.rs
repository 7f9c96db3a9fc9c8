//! Encryption and decryption. Texts and ciphertexts are Base64 in the inputs and answers.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

use super::super::cipher::{self, Context};
use super::super::refusals::invalid;
use super::super::store::{KeyRecord, KeyStore};
use super::{key, operations};
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::Call;

pub(super) const ALGORITHM: &str = "SYMMETRIC_DEFAULT";
/// Bytes (API reference, `Encrypt`).
const LONGEST_PLAINTEXT: usize = 4096;

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Encrypt {
    pub key_id: String,
    #[serde(skip_serializing)]
    pub plaintext: String,
    pub encryption_context: Context,
    pub encryption_algorithm: Option<String>,
    pub dry_run: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct EncryptOutput {
    pub ciphertext_blob: String,
    /// The ARN.
    pub key_id: String,
    pub encryption_algorithm: &'static str,
}

fn encrypt(input: Encrypt, call: &Call) -> Result<EncryptOutput, ServiceError> {
    let plaintext = bytes(&input.plaintext)?;
    if plaintext.len() > LONGEST_PLAINTEXT {
        // Recorded: `test_plaintext_size_for_encrypt`.
        return Err(invalid(format!(
            "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must have length \
             less than or equal to {LONGEST_PLAINTEXT}"
        )));
    }
    symmetric(input.encryption_algorithm.as_deref())?;
    let key = call.cloud.part::<KeyStore>().find(&call.cloud, &input.key_id)?;
    key.usable()?;
    meant(input.dry_run)?;
    let blob = cipher::encrypt(&key, &plaintext, &input.encryption_context)?;
    Ok(EncryptOutput {
        ciphertext_blob: BASE64_STANDARD.encode(blob),
        key_id: key.arn,
        encryption_algorithm: ALGORITHM,
    })
}

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Decrypt {
    pub ciphertext_blob: String,
    /// Which key it must have been; none: whichever it was.
    pub key_id: Option<String>,
    pub encryption_context: Context,
    pub encryption_algorithm: Option<String>,
    pub dry_run: bool,
}

/// Without `Debug`, so that no text is printed by accident.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DecryptOutput {
    /// The ARN.
    pub key_id: String,
    pub plaintext: String,
    pub encryption_algorithm: &'static str,
}

fn decrypt(input: Decrypt, call: &Call) -> Result<DecryptOutput, ServiceError> {
    symmetric(input.encryption_algorithm.as_deref())?;
    let blob = bytes(&input.ciphertext_blob)?;
    let key = source(&call.cloud, &blob, input.key_id.as_deref())?;
    meant(input.dry_run)?;
    let plaintext = cipher::decrypt(&key, &blob, &input.encryption_context)?;
    let plaintext = BASE64_STANDARD.encode(plaintext);
    Ok(DecryptOutput { key_id: key.arn, plaintext, encryption_algorithm: ALGORITHM })
}

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct ReEncrypt {
    pub ciphertext_blob: String,
    pub source_encryption_context: Context,
    pub source_key_id: Option<String>,
    pub destination_key_id: String,
    pub destination_encryption_context: Context,
    pub source_encryption_algorithm: Option<String>,
    pub destination_encryption_algorithm: Option<String>,
    pub dry_run: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ReEncryptOutput {
    pub ciphertext_blob: String,
    pub source_key_id: String,
    pub key_id: String,
    pub source_encryption_algorithm: &'static str,
    pub destination_encryption_algorithm: &'static str,
}

fn re_encrypt(input: ReEncrypt, call: &Call) -> Result<ReEncryptOutput, ServiceError> {
    symmetric(input.source_encryption_algorithm.as_deref())?;
    symmetric(input.destination_encryption_algorithm.as_deref())?;
    let blob = bytes(&input.ciphertext_blob)?;
    let from = source(&call.cloud, &blob, input.source_key_id.as_deref())?;
    let to = call.cloud.part::<KeyStore>().find(&call.cloud, &input.destination_key_id)?;
    to.usable()?;
    meant(input.dry_run)?;
    let plaintext = cipher::decrypt(&from, &blob, &input.source_encryption_context)?;
    let blob = cipher::encrypt(&to, &plaintext, &input.destination_encryption_context)?;
    Ok(ReEncryptOutput {
        ciphertext_blob: BASE64_STANDARD.encode(blob),
        source_key_id: from.arn,
        key_id: to.arn,
        source_encryption_algorithm: ALGORITHM,
        destination_encryption_algorithm: ALGORITHM,
    })
}

pub(super) fn bytes(text: &str) -> Result<Vec<u8>, ServiceError> {
    BASE64_STANDARD
        .decode(text)
        .map_err(|error| ServiceError::new("SerializationException", error.to_string()))
}

fn symmetric(algorithm: Option<&str>) -> Result<(), ServiceError> {
    match algorithm {
        None | Some(ALGORITHM) => Ok(()),
        Some(other) => Err(ServiceError::new(
            "InvalidKeyUsageException",
            format!("Algorithm {other} is incompatible with key spec {ALGORITHM}."),
        )),
    }
}

/// # Errors
/// The call is to be tried only.
pub(super) fn meant(dry_run: bool) -> Result<(), ServiceError> {
    let message = "The request would have succeeded, but the DryRun option is set.";
    if dry_run { Err(ServiceError::new("DryRunOperationException", message)) } else { Ok(()) }
}

/// The key of a ciphertext, which is `wanted` if there is one.
fn source(cloud: &Cloud, blob: &[u8], wanted: Option<&str>) -> Result<KeyRecord, ServiceError> {
    let store = cloud.part::<KeyStore>();
    let id = cipher::key_id(blob).ok_or_else(cipher::invalid)?;
    let key = store.key(cloud, id).ok_or_else(cipher::invalid)?;
    if let Some(wanted) = wanted {
        let wanted = store.find(cloud, wanted)?;
        wanted.usable()?;
        if wanted.id != key.id {
            // Recorded: `test_error_messaging_for_invalid_keys`.
            let message =
                "The key ID in the request does not identify a CMK that can perform this operation.";
            return Err(ServiceError::new("IncorrectKeyException", message));
        }
    }
    key.usable()?;
    Ok(key)
}

/// The ARN of the key of a ciphertext, for policies; `*` where it is none.
fn source_arn(cloud: &Cloud, blob: &str) -> String {
    let blob = BASE64_STANDARD.decode(blob).unwrap_or_default();
    cipher::key_id(&blob).map_or_else(|| "*".to_owned(), |id| cloud.part::<KeyStore>().arn_of(cloud, id))
}

operations! {
    Encrypt -> EncryptOutput = encrypt, on key!();
    Decrypt -> DecryptOutput = decrypt, on |input, cloud| source_arn(cloud, &input.ciphertext_blob);
    ReEncrypt -> ReEncryptOutput = re_encrypt, on |input, cloud| source_arn(cloud, &input.ciphertext_blob);
}
