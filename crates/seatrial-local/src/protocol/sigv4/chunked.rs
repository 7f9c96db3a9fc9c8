//! `aws-chunked` bodies: the frames of streaming uploads, their signatures and their trailers, taken off while they come.

use ::http::HeaderMap;
use sha2::{Digest as _, Sha256};

use super::header::text;
use super::signer::{Refusal, Signer, equal, sha256};
use crate::protocol::checksum::Running;

const CHUNK: &str = "AWS4-HMAC-SHA256-PAYLOAD";
const TRAILER: &str = "AWS4-HMAC-SHA256-TRAILER";
/// The longest line between chunks, in bytes; a size and a signature have about a hundred.
const LONGEST_LINE: usize = 8 << 10;
/// The most that may come behind the last chunk, in bytes.
const LONGEST_TRAILER: usize = 16 << 10;

/// Which part of the frames comes next.
enum State {
    Head,
    /// So many bytes of the chunk are still to come.
    Data(u64),
    /// The end of a chunk's line.
    End,
    Trailer,
}

/// Takes the frames off. With a signer each chunk and the trailer must be signed, each signature on top of the one before,
/// beginning with the request's.
pub(in crate::protocol) struct Decoder {
    state: State,
    /// What came of a line, or of the trailer.
    line: Vec<u8>,
    signer: Option<Signer>,
    previous: String,
    /// The signature that the chunk must have, and its hash so far.
    claimed: Option<String>,
    hash: Sha256,
    /// By the names that the request announces for its trailer.
    sums: Vec<(String, Running)>,
    announced: bool,
}

impl Decoder {
    pub(in crate::protocol) fn new(headers: &HeaderMap, signed: Option<(Signer, &str)>) -> Self {
        let announced = text(headers, "x-amz-trailer");
        let names = announced.unwrap_or_default().split(',').map(|name| name.trim().to_lowercase());
        let sums = names.filter_map(|name| Running::of(&name).map(|sum| (name, sum)));
        let (signer, previous) =
            signed.map_or((None, String::new()), |(signer, seed)| (Some(signer), seed.to_owned()));
        Self {
            state: State::Head,
            line: Vec::new(),
            signer,
            previous,
            claimed: None,
            hash: Sha256::new(),
            sums: sums.collect(),
            announced: announced.is_some(),
        }
    }

    /// Hands on what bytes of the body are in `input`, which begins where the one before ended.
    pub(in crate::protocol) fn feed<E: From<Refusal>>(
        &mut self,
        mut input: &[u8],
        mut data: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        while !input.is_empty() {
            match self.state {
                State::Head => {
                    if let Some(line) = self.line(&mut input)? {
                        self.head(&line)?;
                    }
                }
                State::Data(left) => {
                    let here = usize::try_from(left).map_or(input.len(), |left| left.min(input.len()));
                    let (found, after) = input.split_at(here);
                    input = after;
                    if self.signer.is_some() {
                        self.hash.update(found);
                    }
                    self.sums.iter_mut().for_each(|(_, sum)| sum.update(found));
                    data(found)?;
                    self.state = match left - here as u64 {
                        0 => State::End,
                        left => State::Data(left),
                    };
                }
                State::End => {
                    if let Some(line) = self.line(&mut input)? {
                        if !line.is_empty() {
                            return Err(Refusal::Chunks("a chunk is longer than it says").into());
                        }
                        self.check_chunk()?;
                        self.state = State::Head;
                    }
                }
                State::Trailer => {
                    if self.line.len() + input.len() > LONGEST_TRAILER {
                        return Err(Refusal::Chunks("the trailer is too long").into());
                    }
                    self.line.extend_from_slice(input);
                    input = &[];
                }
            }
        }
        Ok(())
    }

    /// The body has ended.
    pub(in crate::protocol) fn finish(mut self) -> Result<(), Refusal> {
        if !matches!(self.state, State::Trailer) {
            // The line of the last chunk may lack its end.
            let line = std::mem::take(&mut self.line);
            let line = std::str::from_utf8(&line).unwrap_or_default().to_owned();
            match self.state {
                State::Head => self.head(&line)?,
                _ => return Err(Refusal::Chunks("a chunk is cut off")),
            }
            if !matches!(self.state, State::Trailer) {
                return Err(Refusal::Chunks("a chunk is cut off"));
            }
        }
        self.trailer()
    }

    /// A line, if its end has come.
    fn line(&mut self, input: &mut &[u8]) -> Result<Option<String>, Refusal> {
        let Some(end) = input.iter().position(|byte| *byte == b'\n') else {
            self.line.extend_from_slice(input);
            *input = &[];
            return match self.line.len() > LONGEST_LINE {
                true => Err(Refusal::Chunks("a line between chunks is too long")),
                false => Ok(None),
            };
        };
        self.line.extend_from_slice(&input[..end]);
        *input = &input[end + 1..];
        let line = std::mem::take(&mut self.line);
        let line = line.strip_suffix(b"\r").ok_or(Refusal::Chunks("a line between chunks has no end"))?;
        let line =
            std::str::from_utf8(line).map_err(|_| Refusal::Chunks("the head of a chunk is no text"))?;
        Ok(Some(line.to_owned()))
    }

    fn head(&mut self, line: &str) -> Result<(), Refusal> {
        let (size, extension) = line.split_once(';').map_or((line, None), |(size, rest)| (size, Some(rest)));
        let size =
            u64::from_str_radix(size, 16).map_err(|_| Refusal::Chunks("the size of a chunk is no number"))?;
        self.claimed = extension.and_then(|text| text.strip_prefix("chunk-signature=")).map(str::to_owned);
        self.state = State::Data(size);
        if size == 0 {
            self.check_chunk()?;
            self.state = State::Trailer;
        }
        Ok(())
    }

    fn check_chunk(&mut self) -> Result<(), Refusal> {
        let Some(signer) = &self.signer else { return Ok(()) };
        let hash = hex::encode(std::mem::take(&mut self.hash).finalize());
        let expected = signer.sign(CHUNK, &[&self.previous, &sha256(b""), &hash]);
        if !self.claimed.take().is_some_and(|found| equal(&found, &expected)) {
            return Err(Refusal::Mismatch);
        }
        self.previous = expected;
        Ok(())
    }

    fn trailer(self) -> Result<(), Refusal> {
        let text = std::str::from_utf8(&self.line).map_err(|_| Refusal::Chunks("the trailer is no text"))?;
        let mut lines = String::new();
        let mut signature = None;
        let mut sums = self.sums;
        for line in text.split("\r\n") {
            let Some((name, value)) = line.split_once(':') else { continue };
            let (name, value) = (name.trim().to_lowercase(), value.trim());
            if name == "x-amz-trailer-signature" {
                signature = Some(value.to_owned());
                continue;
            }
            match sums.iter().position(|(announced, _)| *announced == name) {
                Some(index) if !sums.swap_remove(index).1.is(value) => return Err(Refusal::WrongBody),
                // A sum that nobody announced was not computed, and counts for nothing that was promised.
                None if Running::of(&name).is_some() => {
                    return Err(Refusal::Chunks("the trailer was not announced"));
                }
                _ => {}
            }
            lines.push_str(&format!("{name}:{value}\n"));
        }
        if self.announced && lines.is_empty() {
            return Err(Refusal::Chunks("the announced trailer is missing"));
        }
        match self.signer {
            Some(signer) if self.announced => {
                let expected = signer.sign(TRAILER, &[&self.previous, &sha256(lines.as_bytes())]);
                let holds = signature.is_some_and(|signature| equal(&signature, &expected));
                if holds { Ok(()) } else { Err(Refusal::Mismatch) }
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The body, fed in pieces of `size` bytes.
    fn decode(body: &[u8], headers: &HeaderMap, size: usize) -> Result<Vec<u8>, Refusal> {
        let mut decoder = Decoder::new(headers, None);
        let mut decoded = Vec::new();
        for piece in body.chunks(size) {
            decoder.feed::<Refusal>(piece, |data| {
                decoded.extend_from_slice(data);
                Ok(())
            })?;
        }
        decoder.finish().map(|()| decoded)
    }

    #[test]
    fn an_unsigned_body_is_verified_by_its_trailer_in_whatever_pieces_it_comes() {
        let mut headers = HeaderMap::new();
        headers.insert("x-amz-trailer", "x-amz-checksum-crc32".parse().unwrap());
        let body = |trailer: &str| format!("3\r\nabc\r\n1\r\nd\r\n0\r\n{trailer}\r\n");
        for size in 1..=40 {
            let decoded = |trailer: &str| decode(body(trailer).as_bytes(), &headers, size);
            assert_eq!(decoded("x-amz-checksum-crc32:7YLNEQ==\r\n").unwrap(), b"abcd");
            assert_eq!(decoded("x-amz-checksum-crc32:AAAAAA==\r\n"), Err(Refusal::WrongBody));
            assert!(matches!(decoded(""), Err(Refusal::Chunks(_))));
            assert!(matches!(decoded("x-amz-checksum-crc32c:AAAAAA==\r\n"), Err(Refusal::Chunks(_))));
            for malformed in
                ["", "zz\r\n", "9\r\nabc\r\n0\r\n\r\n", "1\r\nabc\r\n0\r\n\r\n", "ffffffffffffffff\r\n"]
            {
                assert!(decode(malformed.as_bytes(), &headers, size).is_err(), "{malformed:?}");
            }
        }
    }

    #[test]
    fn a_line_or_a_trailer_without_end_is_given_up() {
        let endless = vec![b'1'; LONGEST_TRAILER + 10];
        assert!(decode(&endless, &HeaderMap::new(), 1000).is_err());
        let trailer = [b"0\r\n".as_slice(), &endless].concat();
        assert!(decode(&trailer, &HeaderMap::new(), 1000).is_err());
    }
}
