//! Encryption with a key: AES-256 in Galois/Counter Mode, as AWS documents it of `SYMMETRIC_DEFAULT`; the encryption
//! context is authenticated with it. Not AWS's format: a ciphertext of here is none there.

use std::collections::BTreeMap;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};

use super::store::KeyRecord;
use crate::error::ServiceError;

/// The first byte of what this module makes.
const FORMAT: u8 = 1;

/// Pairs that must be given again where something is decrypted.
pub(super) type Context = BTreeMap<String, String>;

/// The whole ciphertext: format, length of the key's id, the id, nonce, what is encrypted with its tag.
pub(super) fn encrypt(key: &KeyRecord, plaintext: &[u8], context: &Context) -> Result<Vec<u8>, ServiceError> {
    let mut sealed = plaintext.to_vec();
    let nonce = cipher(key)?
        .seal_in_place_append_tag(Aad::from(authenticated(context)?), &mut sealed)
        .map_err(|_| ServiceError::internal("a plaintext could not be encrypted"))?;
    let length = u8::try_from(key.id.len()).map_err(|_| ServiceError::internal("a key's id is too long"))?;
    let mut whole = vec![FORMAT, length];
    whole.extend_from_slice(key.id.as_bytes());
    whole.extend_from_slice(nonce.as_ref());
    whole.extend_from_slice(&sealed);
    Ok(whole)
}

/// # Errors
/// `InvalidCiphertextException`, without words as on AWS: not made with this key and this context, or changed since
/// (recorded: `test_encrypt_decrypt_encryption_context`).
pub(super) fn decrypt(key: &KeyRecord, whole: &[u8], context: &Context) -> Result<Vec<u8>, ServiceError> {
    let (id, sealed) = parts(whole).ok_or_else(invalid)?;
    if id != key.id || sealed.len() < NONCE_LEN {
        return Err(invalid());
    }
    let (nonce, sealed) = sealed.split_at(NONCE_LEN);
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| invalid())?;
    let mut sealed = sealed.to_vec();
    let opened = cipher(key)?.open_in_place(nonce, Aad::from(authenticated(context)?), &mut sealed);
    Ok(opened.map_err(|_| invalid())?.to_vec())
}

/// The id of the key that a ciphertext was made with.
pub(super) fn key_id(whole: &[u8]) -> Option<&str> {
    Some(parts(whole)?.0)
}

fn parts(whole: &[u8]) -> Option<(&str, &[u8])> {
    let (&[format, length], rest) = whole.split_first_chunk()?;
    if format != FORMAT {
        return None;
    }
    let (id, sealed) = rest.split_at_checked(length.into())?;
    Some((std::str::from_utf8(id).ok()?, sealed))
}

pub(super) fn invalid() -> ServiceError {
    ServiceError::new("InvalidCiphertextException", "")
}

fn cipher(key: &KeyRecord) -> Result<RandomizedNonceKey, ServiceError> {
    let wrong = || ServiceError::internal("a key is no key");
    let material = hex::decode(&key.material).map_err(|_| wrong())?;
    RandomizedNonceKey::new(&AES_256_GCM, &material).map_err(|_| wrong())
}

fn authenticated(context: &Context) -> Result<Vec<u8>, ServiceError> {
    serde_json::to_vec(context).map_err(|error| ServiceError::internal(error.to_string()))
}
