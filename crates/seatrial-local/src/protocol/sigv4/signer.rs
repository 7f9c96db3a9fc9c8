//! Signing keys, and why a signature is not accepted: what whole requests and the chunks of their bodies share.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// Why a signature was not accepted. How it is said depends on the protocol.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::protocol) enum Refusal {
    #[error("the request is not signed")]
    Unsigned,
    /// What is wrong with the header.
    #[error("{0}")]
    Incomplete(String),
    /// Their names, in lower case.
    #[error("headers that count are not signed: {}", .0.join(", "))]
    UnsignedHeaders(Vec<String>),
    #[error("the access key id is unknown")]
    UnknownKey,
    #[error("the session token is not the one of this access key")]
    WrongToken,
    #[error("the session has expired")]
    ExpiredSession,
    #[error("the signature does not match")]
    Mismatch,
    /// AWS's wording of what expired when.
    #[error("{0}")]
    Skewed(String),
    #[error("the body is not the one that was signed")]
    WrongBody,
    /// The chunks or the trailer of a body are malformed or not whole.
    #[error("{0}")]
    Chunks(&'static str),
}

/// Signs in one scope at one time with one day's key.
pub(in crate::protocol) struct Signer {
    key: [u8; 32],
    date: String,
    scope: String,
}

impl Signer {
    /// Of a scope (`20261123/eu-central-1/s3/aws4_request`) at a time (`20261123T042832Z`).
    pub(super) fn new((scope, date): (&str, &str), secret: &str) -> Self {
        let first = format!("AWS4{secret}").into_bytes();
        let parts = scope.split('/').map(str::as_bytes);
        let key = parts.fold(first, |key, part| hmac(&key, part).to_vec());
        let key = key.try_into().unwrap_or_default();
        Self { key, date: date.to_owned(), scope: scope.to_owned() }
    }

    /// The signature, in hexadecimal digits, of `lines` below the algorithm, the date and the scope.
    pub(super) fn sign(&self, algorithm: &str, lines: &[&str]) -> String {
        let text = format!("{algorithm}\n{}\n{}\n{}", self.date, self.scope, lines.join("\n"));
        hex::encode(hmac(&self.key, text.as_bytes()))
    }
}

fn hmac(key: &[u8], data: &[u8]) -> [u8; 32] {
    // A key of any length is fine, so the error branch is never taken.
    Hmac::<Sha256>::new_from_slice(key)
        .map(|mac| mac.chain_update(data).finalize().into_bytes().into())
        .unwrap_or([0; 32])
}

/// The hash in hexadecimal digits.
pub(super) fn sha256(data: &[u8]) -> String {
    hex::encode(Sha256::digest(data))
}

/// Compares in a time that tells nothing of where they differ.
pub(super) fn equal(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}
