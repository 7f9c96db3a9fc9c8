//! Addresses of layers, signed so that they need no password until they expire.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::store::Ecr;
use crate::clock::Epoch;

impl Ecr {
    /// The query that lets anyone fetch the layer `digest` until `expires`.
    pub(super) fn sign_download(&self, digest: &str, expires: Epoch) -> String {
        let expires = expires.0 as u64;
        match self.signer(digest, expires) {
            Some(signer) => {
                format!("expires={expires}&signature={}", hex::encode(signer.finalize().into_bytes()))
            }
            None => String::new(),
        }
    }

    /// Whether the query of a request lets it fetch the layer `digest`.
    pub(crate) fn allows_download(&self, digest: &str, query: &str) -> bool {
        let member = |name: &str| {
            let mut pairs = form_urlencoded::parse(query.as_bytes());
            pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
        };
        let expires = member("expires").and_then(|text| text.parse().ok()).unwrap_or(0_u64);
        let signature = member("signature").and_then(|text| hex::decode(text).ok());
        self.clock.now().0 < expires as f64
            && signature.is_some_and(|signature| {
                self.signer(digest, expires).is_some_and(|signer| signer.verify_slice(&signature).is_ok())
            })
    }

    /// `None` never happens: keys of any length are taken.
    fn signer(&self, digest: &str, expires: u64) -> Option<Hmac<Sha256>> {
        let mut signer = Hmac::<Sha256>::new_from_slice(self.signing_key.as_bytes()).ok()?;
        signer.update(format!("{digest} {expires}").as_bytes());
        Some(signer)
    }
}
