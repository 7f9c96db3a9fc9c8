//! Data keys: made here, used elsewhere.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rand::Rng as _;
use serde::{Deserialize, Serialize};

use super::super::cipher::{self, Context};
use super::super::refusals::invalid;
use super::super::store::KeyStore;
use super::crypt::meant;
use super::{key, operations};
use crate::error::ServiceError;
use crate::operation::Call;

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct GenerateDataKey {
    pub key_id: String,
    pub encryption_context: Context,
    /// `AES_128` or `AES_256`.
    pub key_spec: Option<String>,
    /// 1 to 1024.
    pub number_of_bytes: Option<u32>,
    pub dry_run: bool,
}

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct GenerateDataKeyWithoutPlaintext {
    pub key_id: String,
    pub encryption_context: Context,
    pub key_spec: Option<String>,
    pub number_of_bytes: Option<u32>,
    pub dry_run: bool,
}

/// Without `Debug`, so that no key is printed by accident.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DataKey {
    pub ciphertext_blob: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plaintext: Option<String>,
    /// The ARN.
    pub key_id: String,
}

fn generate(input: GenerateDataKey, call: &Call) -> Result<DataKey, ServiceError> {
    let length = match (input.key_spec.as_deref(), input.number_of_bytes) {
        (Some("AES_128"), None) => 16,
        (Some("AES_256"), None) => 32,
        (None, Some(bytes)) if (1..=1024).contains(&bytes) => bytes as usize,
        // The model of the API bounds both; one of them it must be (API reference, `GenerateDataKey`).
        _ => return Err(invalid("Please specify either number of bytes or key spec.")),
    };
    let key = call.cloud.part::<KeyStore>().find(&call.cloud, &input.key_id)?;
    key.usable()?;
    meant(input.dry_run)?;
    let mut plaintext = vec![0; length];
    rand::rng().fill_bytes(&mut plaintext);
    let blob = cipher::encrypt(&key, &plaintext, &input.encryption_context)?;
    Ok(DataKey {
        ciphertext_blob: BASE64_STANDARD.encode(blob),
        plaintext: Some(BASE64_STANDARD.encode(plaintext)),
        key_id: key.arn,
    })
}

fn generate_sealed(input: GenerateDataKeyWithoutPlaintext, call: &Call) -> Result<DataKey, ServiceError> {
    let GenerateDataKeyWithoutPlaintext { key_id, encryption_context, key_spec, number_of_bytes, dry_run } =
        input;
    let input = GenerateDataKey { key_id, encryption_context, key_spec, number_of_bytes, dry_run };
    Ok(DataKey { plaintext: None, ..generate(input, call)? })
}

operations! {
    GenerateDataKey -> DataKey = generate, on key!();
    GenerateDataKeyWithoutPlaintext -> DataKey = generate_sealed, on key!();
}
