//! `aws-chunked` bodies: the frames of streaming uploads, their signatures and their trailers.

use ::http::HeaderMap;
use bytes::Bytes;

use super::header::text;
use super::signer::{Refusal, Signer, equal, sha256};
use crate::protocol::checksum;

const CHUNK: &str = "AWS4-HMAC-SHA256-PAYLOAD";
const TRAILER: &str = "AWS4-HMAC-SHA256-TRAILER";

/// The body without its frames. With a signer each chunk and the trailer must be signed, each signature on
/// top of the one before, beginning with the request's.
pub(super) fn decode(
    body: &[u8],
    headers: &HeaderMap,
    signed: Option<(&Signer, &str)>,
) -> Result<Bytes, Refusal> {
    let mut rest = body;
    let mut decoded = Vec::with_capacity(body.len());
    let mut previous = signed.map(|(_, seed)| seed.to_owned());
    loop {
        let (size, extension) = header(line(&mut rest)?)?;
        let data = rest.get(..size).ok_or(Refusal::Chunks("a chunk is cut off"))?;
        rest = &rest[size..];
        if let (Some((signer, _)), Some(before)) = (signed, &mut previous) {
            let expected = signer.sign(CHUNK, &[before, &sha256(b""), &sha256(data)]);
            let found = extension.and_then(|text| text.strip_prefix("chunk-signature="));
            if !found.is_some_and(|found| equal(found, &expected)) {
                return Err(Refusal::Mismatch);
            }
            *before = expected;
        }
        if size == 0 {
            break;
        }
        decoded.extend_from_slice(data);
        if !line(&mut rest)?.is_empty() {
            return Err(Refusal::Chunks("a chunk is longer than it says"));
        }
    }
    let signature = signed.zip(previous).map(|((signer, _), previous)| (signer, previous));
    trailer(rest, headers, signature, &decoded)?;
    Ok(decoded.into())
}

/// Takes a line off `rest`; the last one may lack its end.
fn line<'a>(rest: &mut &'a [u8]) -> Result<&'a str, Refusal> {
    let end = rest.windows(2).position(|pair| pair == b"\r\n");
    let (line, after) = match end {
        Some(end) => (&rest[..end], &rest[end + 2..]),
        None => (*rest, &rest[rest.len()..]),
    };
    *rest = after;
    std::str::from_utf8(line).map_err(|_| Refusal::Chunks("the head of a chunk is no text"))
}

fn header(line: &str) -> Result<(usize, Option<&str>), Refusal> {
    let (size, extension) = line.split_once(';').map_or((line, None), |(size, rest)| (size, Some(rest)));
    let size =
        usize::from_str_radix(size, 16).map_err(|_| Refusal::Chunks("the size of a chunk is no number"))?;
    Ok((size, extension))
}

fn trailer(
    mut rest: &[u8],
    headers: &HeaderMap,
    signed: Option<(&Signer, String)>,
    decoded: &[u8],
) -> Result<(), Refusal> {
    let announced = text(headers, "x-amz-trailer");
    let mut lines = String::new();
    let mut signature = None;
    while !rest.is_empty() {
        let Some((name, value)) = line(&mut rest)?.split_once(':') else { continue };
        let (name, value) = (name.trim().to_lowercase(), value.trim());
        if name == "x-amz-trailer-signature" {
            signature = Some(value.to_owned());
            continue;
        }
        if checksum::holds(&name, value, decoded) == Some(false) {
            return Err(Refusal::WrongBody);
        }
        lines.push_str(&format!("{name}:{value}\n"));
    }
    if announced.is_some() && lines.is_empty() {
        return Err(Refusal::Chunks("the announced trailer is missing"));
    }
    match signed {
        Some((signer, previous)) if announced.is_some() => {
            let expected = signer.sign(TRAILER, &[&previous, &sha256(lines.as_bytes())]);
            let holds = signature.is_some_and(|signature| equal(&signature, &expected));
            if holds { Ok(()) } else { Err(Refusal::Mismatch) }
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unsigned_body_is_verified_by_its_trailer() {
        let mut headers = HeaderMap::new();
        headers.insert("x-amz-trailer", "x-amz-checksum-crc32".parse().unwrap());
        let body = |trailer: &str| format!("3\r\nabc\r\n1\r\nd\r\n0\r\n{trailer}\r\n");
        let decoded = |trailer: &str| decode(body(trailer).as_bytes(), &headers, None);
        assert_eq!(decoded("x-amz-checksum-crc32:7YLNEQ==\r\n").unwrap(), "abcd");
        assert_eq!(decoded("x-amz-checksum-crc32:AAAAAA==\r\n"), Err(Refusal::WrongBody));
        assert!(matches!(decoded(""), Err(Refusal::Chunks(_))));
        for malformed in
            ["", "zz\r\n", "9\r\nabc\r\n0\r\n\r\n", "1\r\nabc\r\n0\r\n\r\n", "ffffffffffffffff\r\n"]
        {
            assert!(decode(malformed.as_bytes(), &headers, None).is_err(), "{malformed:?}");
        }
    }
}
