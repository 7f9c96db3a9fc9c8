//! Identifiers in the forms AWS gives them.

use rand::RngExt;
use sha2::{Digest, Sha256};

/// `length` random lower-case hex digits: the tail of `vpc-…`, `sg-…`, a task id (32).
pub fn hex(length: usize) -> String {
    let mut random = rand::rng();
    (0..length).map(|_| char::from(b"0123456789abcdef"[random.random_range(0..16)])).collect()
}

/// `length` random characters of `A-Z0-9`: a stack's name suffix, an access key's tail, `d-…` of CodeDeploy.
pub fn upper(length: usize) -> String {
    const ALPHABET: &[u8; 36] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    let mut random = rand::rng();
    (0..length).map(|_| char::from(ALPHABET[random.random_range(0..36)])).collect()
}

/// `length` random letters and digits, from the operating system's generator: fit for secrets.
pub fn secret(length: usize) -> String {
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut random = rand::rng();
    (0..length).map(|_| char::from(ALPHABET[random.random_range(0..62)])).collect()
}

/// A random UUID, version 4: pipeline executions, builds, request ids, stack ids.
pub fn uuid() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// `length` upper-case hex digits that are always the same for `text`: ids that must survive a restart.
pub fn digits_of(text: &str, length: usize) -> String {
    hex::encode_upper(Sha256::digest(text.as_bytes())).chars().take(length).collect()
}
