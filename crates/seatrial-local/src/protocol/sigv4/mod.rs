//! AWS Signature Version 4: requests signed in the `Authorization` header or, presigned, in the query.

mod canonical;
mod chunked;
mod header;
mod signer;

use std::time::Duration;

use ::http::HeaderMap;
use ::http::request::Parts;
use bytes::Bytes;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use sha2::{Digest as _, Sha256};

use self::header::text;
use self::signer::{Signer, equal, sha256};
use crate::principal::Principal;

#[cfg(test)]
pub(super) use self::chunked::Decoder;
pub(super) use self::signer::Refusal;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// How far a client's clock may be off.
const SKEW: f64 = 300.0;
/// The same for S3.
const S3_SKEW: f64 = 900.0;
/// AWS's limit for presigned requests.
const LONGEST_EXPIRY: Duration = Duration::from_secs(7 * 24 * 3600);

/// A secret and whose it is.
pub(crate) struct Key {
    pub secret: String,
    /// Temporary keys have one, and it must be sent along.
    pub session_token: Option<String>,
    /// Seconds since 1970.
    pub expiration: Option<f64>,
    pub principal: Principal,
}

/// Where keys are found.
pub(crate) trait Keyring {
    fn find(&self, access_key_id: &str) -> Option<Key>;
}

/// The claims of a signed request, not verified yet.
#[derive(Debug)]
pub(super) struct Claim {
    access_key_id: String,
    /// `20261123/eu-central-1/s3/aws4_request`.
    scope: String,
    /// Out of the scope.
    pub region: String,
    /// The service's signing name, out of the scope.
    pub service: String,
    signed_headers: String,
    signature: String,
    /// `20261123T042832Z`.
    date: String,
    token: Option<String>,
    /// Of presigned requests.
    expires: Option<Duration>,
}

/// Reads what a request claims; its service is trusted only after [`verify`].
pub(super) fn claim(parts: &Parts) -> Result<Claim, Refusal> {
    if let Some(header) = text(&parts.headers, "authorization") {
        return from_header(parts, header);
    }
    let query = super::query::pairs(parts.uri.query().unwrap_or_default().as_bytes());
    let find = |name: &str| query.iter().find(|(found, _)| found == name).map(|(_, value)| value.clone());
    if find("X-Amz-Algorithm").is_none() {
        return Err(Refusal::Unsigned);
    }
    let need = |name: &str| {
        find(name).ok_or_else(|| Refusal::Incomplete(format!("the query has no parameter {name}")))
    };
    let expires = need("X-Amz-Expires")?.parse().map(Duration::from_secs);
    let expires = expires.ok().filter(|expires| *expires <= LONGEST_EXPIRY);
    let credential = need("X-Amz-Credential")?;
    let (access_key_id, scope, region, service) = credential_of(&credential)?;
    Ok(Claim {
        access_key_id,
        scope,
        region,
        service,
        signed_headers: need("X-Amz-SignedHeaders")?,
        signature: need("X-Amz-Signature")?,
        date: need("X-Amz-Date")?,
        token: find("X-Amz-Security-Token"),
        expires: Some(
            expires.ok_or_else(|| Refusal::Incomplete("X-Amz-Expires is out of range".to_owned()))?,
        ),
    })
}

fn from_header(parts: &Parts, header: &str) -> Result<Claim, Refusal> {
    let fields = header.strip_prefix(ALGORITHM).ok_or_else(|| {
        Refusal::Incomplete(format!("only {ALGORITHM} is supported in the Authorization header"))
    })?;
    let field = |name: &str| {
        let found = fields.split(',').find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='));
        found.map(str::to_owned).ok_or_else(|| {
            Refusal::Incomplete(format!(
                "Authorization header requires '{name}' parameter. Authorization={ALGORITHM}"
            ))
        })
    };
    let (access_key_id, scope, region, service) = credential_of(&field("Credential")?)?;
    let date = text(&parts.headers, "x-amz-date").ok_or_else(|| {
        Refusal::Incomplete("Authorization header requires existence of a 'X-Amz-Date' header.".to_owned())
    })?;
    Ok(Claim {
        access_key_id,
        scope,
        region,
        service,
        signed_headers: field("SignedHeaders")?,
        signature: field("Signature")?,
        date: date.to_owned(),
        token: text(&parts.headers, "x-amz-security-token").map(str::to_owned),
        expires: None,
    })
}

/// Key, scope, region and service.
fn credential_of(credential: &str) -> Result<(String, String, String, String), Refusal> {
    let wrong = || Refusal::Incomplete("Credential must be KEY/DATE/REGION/SERVICE/aws4_request".to_owned());
    let (access_key_id, scope) = credential.split_once('/').ok_or_else(wrong)?;
    match scope.split('/').collect::<Vec<_>>()[..] {
        [_, region, service, "aws4_request"] => {
            Ok((access_key_id.to_owned(), scope.to_owned(), region.to_owned(), service.to_owned()))
        }
        _ => Err(wrong()),
    }
}

/// What can be known of the claim at `now` (seconds since 1970) before the body is read: whose key it names, its date, and
/// where a header stands for the body, the signature too. Its body is another matter: see [`verify`].
pub(super) fn known(
    claim: &Claim,
    parts: &Parts,
    (keyring, now): (&impl Keyring, f64),
) -> Result<Key, Refusal> {
    let key = keyring.find(&claim.access_key_id).ok_or(Refusal::UnknownKey)?;
    check_date(claim, now)?;
    check_headers(claim, &parts.headers)?;
    if let Some(payload) = declared_hash(claim, parts) {
        check_signature(claim, parts, &payload, &key)?;
    }
    match (&key.session_token, &claim.token) {
        (None, None) => {}
        (Some(token), Some(sent)) if equal(token, sent) => {}
        _ => return Err(Refusal::WrongToken),
    }
    if key.expiration.is_some_and(|expiration| expiration < now) {
        return Err(Refusal::ExpiredSession);
    }
    Ok(key)
}

/// Verifies a claim of a [`known`] key. Answers the body without the frames that streaming uploads put around it.
pub(super) fn verify(claim: &Claim, parts: &Parts, body: Bytes, key: &Key) -> Result<Bytes, Refusal> {
    let mut reader = Reader::new(claim, parts, key)?;
    let mut decoded = Vec::new();
    let is_framed = matches!(reader.payload, Payload::Framed(_));
    reader.feed::<Refusal>(&body, |data| {
        if is_framed {
            decoded.extend_from_slice(data);
        }
        Ok(())
    })?;
    reader.finish(claim, parts, key)?;
    Ok(if is_framed { decoded.into() } else { body })
}

/// Verifies a body while it comes. The signature is verified before, but where it covers the body's own hash.
pub(super) struct Reader {
    payload: Payload,
    /// How many bytes without frames came.
    length: u64,
}

enum Payload {
    Unsigned,
    /// The hash that a header claims; none where the body's own goes into the signature.
    Hashed(Sha256, Option<String>),
    Framed(Box<chunked::Decoder>),
}

impl Reader {
    pub(super) fn new(claim: &Claim, parts: &Parts, key: &Key) -> Result<Self, Refusal> {
        let framed = |signed| Payload::Framed(Box::new(chunked::Decoder::new(&parts.headers, signed)));
        let Some(declared) = declared_hash(claim, parts) else {
            return Ok(Self { payload: Payload::Hashed(Sha256::new(), None), length: 0 });
        };
        let signer = check_signature(claim, parts, &declared, key)?;
        let payload = match declared.as_str() {
            "UNSIGNED-PAYLOAD" => Payload::Unsigned,
            "STREAMING-UNSIGNED-PAYLOAD-TRAILER" => framed(None),
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" | "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER" => {
                framed(Some((signer, &claim.signature)))
            }
            _ => Payload::Hashed(Sha256::new(), Some(declared)),
        };
        Ok(Self { payload, length: 0 })
    }

    /// Of a body that nobody signed.
    #[cfg(test)]
    pub(super) fn unsigned() -> Self {
        Self { payload: Payload::Unsigned, length: 0 }
    }

    /// Takes the next bytes and hands on those without frames.
    pub(super) fn feed<E: From<Refusal>>(
        &mut self,
        input: &[u8],
        mut data: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let length = &mut self.length;
        let mut data = |found: &[u8]| {
            *length += found.len() as u64;
            data(found)
        };
        match &mut self.payload {
            Payload::Unsigned => data(input),
            Payload::Hashed(hash, _) => {
                hash.update(input);
                data(input)
            }
            Payload::Framed(decoder) => decoder.feed(input, data),
        }
    }

    /// The body has ended: it is the one that was signed, or refused.
    pub(super) fn finish(self, claim: &Claim, parts: &Parts, key: &Key) -> Result<(), Refusal> {
        let length = match self.payload {
            Payload::Unsigned => return Ok(()),
            Payload::Hashed(hash, Some(claimed)) => {
                let holds = equal(&claimed, &hex::encode(hash.finalize()));
                return if holds { Ok(()) } else { Err(Refusal::WrongBody) };
            }
            Payload::Hashed(hash, None) => {
                return check_signature(claim, parts, &hex::encode(hash.finalize()), key).map(drop);
            }
            Payload::Framed(decoder) => {
                decoder.finish()?;
                text(&parts.headers, "x-amz-decoded-content-length")
            }
        };
        match length.and_then(|length| length.parse::<u64>().ok()) {
            Some(length) if length != self.length => {
                Err(Refusal::Chunks("the body is not as long as it says"))
            }
            _ => Ok(()),
        }
    }
}

fn check_signature(claim: &Claim, parts: &Parts, payload: &str, key: &Key) -> Result<Signer, Refusal> {
    let canonical = canonical::request(parts, &claim.service, &claim.signed_headers, payload);
    let canonical = canonical.ok_or(Refusal::Mismatch)?;
    let signer = Signer::new((&claim.scope, &claim.date), &key.secret);
    let request_hash = sha256(canonical.as_bytes());
    let holds = equal(&signer.sign(ALGORITHM, &[&request_hash]), &claim.signature);
    holds.then_some(signer).ok_or(Refusal::Mismatch)
}

fn check_date(claim: &Claim, now: f64) -> Result<(), Refusal> {
    let wrong =
        || Refusal::Incomplete(format!("Date must be in ISO-8601 'basic format'. Got '{}'.", claim.date));
    let parsed = DateTime::strptime("%Y%m%dT%H%M%SZ", &claim.date).map_err(|_| wrong())?;
    let signed = parsed.to_zoned(TimeZone::UTC).map_err(|_| wrong())?.timestamp();
    if !claim.scope.starts_with(claim.date.get(..8).unwrap_or_default()) {
        return Err(Refusal::Incomplete(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of \
                                        date from HTTP"
                .to_owned(),
        ));
    }
    #[expect(clippy::cast_precision_loss, reason = "seconds of our era fit into 53 bits")]
    let age = now - signed.as_second() as f64;
    let skew = if claim.service == "s3" { S3_SKEW } else { SKEW };
    let allowed = claim.expires.map_or(skew, |expires| expires.as_secs_f64());
    if age > allowed {
        return Err(Refusal::Skewed(format!("Signature expired: {} is {age:.0} seconds ago", claim.date)));
    }
    if age < -skew {
        return Err(Refusal::Skewed(format!(
            "Signature not yet current: {} is {:.0} seconds ahead",
            claim.date, -age
        )));
    }
    Ok(())
}

/// `Host` and every `x-amz-*` header must be signed, in the header as in the query: else whoever gets hold of a
/// presigned request makes another one of it (Amazon S3 API Reference, "Authenticating Requests: Using Query
/// Parameters" and "Using the Authorization Header").
fn check_headers(claim: &Claim, headers: &HeaderMap) -> Result<(), Refusal> {
    let is_signed = |name: &str| claim.signed_headers.split(';').any(|signed| signed == name);
    let sent = headers.keys().map(|name| name.as_str()).filter(|name| name.starts_with("x-amz-"));
    let mut unsigned: Vec<_> =
        sent.chain(["host"]).filter(|name| !is_signed(name)).map(str::to_owned).collect();
    unsigned.sort_unstable();
    if unsigned.is_empty() { Ok(()) } else { Err(Refusal::UnsignedHeaders(unsigned)) }
}

/// What stands for the body in the canonical request, if it is known without the body.
fn declared_hash(claim: &Claim, parts: &Parts) -> Option<String> {
    match text(&parts.headers, "x-amz-content-sha256") {
        Some(claimed) => Some(claimed.to_owned()),
        None if claim.service == "s3" && claim.expires.is_some() => Some("UNSIGNED-PAYLOAD".to_owned()),
        None => None,
    }
}

#[cfg(test)]
mod tests;
