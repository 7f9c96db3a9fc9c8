//! A body that comes: how long it may be, into memory or into a file, and whether it has the sums that its head claims.
//!
//! Objects go into files, in pieces that are hashed and written off the runtime: of each body that comes no more than
//! [`PIECE`] and one frame are held.

use std::io::Write as _;
use std::path::Path;

use ::http::{HeaderMap, header};
use axum::body::Body;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use md5::{Digest as _, Md5};
use serde_json::Value;
use tempfile::NamedTempFile;

use super::checksum::Running;
use super::error::refused;
use super::sigv4::{Reader, Refusal};
use super::{Protocol, connections};
use crate::blocking::blocking;
use crate::error::ServiceError;

/// The longest body of a call, in bytes; it is held in memory.
const LONGEST_CALL: usize = 64 << 20;
/// The longest body of an upload, in bytes: 5 GiB (S3 user guide, Uploading objects).
const LONGEST_OBJECT: usize = 5 << 30;
/// How many bytes are hashed and written at once.
const PIECE: usize = 1 << 20;

/// An object's bytes, in a file that is deleted with this unless somebody moves it away.
pub(crate) struct Received {
    file: tempfile::TempPath,
    /// In bytes.
    pub size: u64,
    pub md5: [u8; 16],
    /// The header of the first sum that the head claims and the bytes do not have.
    wrong: Option<String>,
}

impl Received {
    pub(crate) fn path(&self) -> &Path {
        &self.file
    }
}

/// Where an object's bytes go.
pub(super) struct Sink {
    reader: Reader,
    out: Out,
}

struct Out {
    file: NamedTempFile,
    size: u64,
    md5: Md5,
    /// Header, claimed sum, computed sum.
    sums: Vec<(String, String, Running)>,
}

/// What ends a body before its end.
enum Ended {
    Refused(Refusal),
    Unwritten(std::io::Error),
}

impl From<Refusal> for Ended {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Ended> for ServiceError {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Refused(refusal) => refused(Protocol::RestXml, &refusal),
            Ended::Unwritten(error) => unwritten(&error),
        }
    }
}

fn unwritten(error: &std::io::Error) -> ServiceError {
    ServiceError::internal(format!("failed to write the file of an object: {error}"))
}

impl Sink {
    /// Into a new file in `folder`, which is made if it is missing.
    pub(super) fn new(reader: Reader, headers: &HeaderMap, folder: &Path) -> Result<Self, ServiceError> {
        let open = || std::fs::create_dir_all(folder).and_then(|()| NamedTempFile::new_in(folder));
        let file = open().map_err(|error| unwritten(&error))?;
        let sums = claims(headers)
            .filter_map(|(name, claimed)| Some((name.to_owned(), claimed.to_owned(), Running::of(name)?)));
        let out = Out { file, size: 0, md5: Md5::new(), sums: sums.collect() };
        Ok(Self { reader, out })
    }

    fn take(&mut self, input: &[u8]) -> Result<(), Ended> {
        let out = &mut self.out;
        self.reader.feed(input, |data| {
            out.size += data.len() as u64;
            out.md5.update(data);
            out.sums.iter_mut().for_each(|(_, _, sum)| sum.update(data));
            out.file.write_all(data).map_err(Ended::Unwritten)
        })
    }
}

/// Reads a body into the sink's file; `finish` judges it when it has ended.
pub(super) async fn into_file(
    body: Body,
    mut sink: Sink,
    finish: impl FnOnce(Reader) -> Result<(), ServiceError>,
) -> Result<Received, ServiceError> {
    let mut body = Limited::new(body, LONGEST_OBJECT);
    let mut held = Vec::new();
    let mut size = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| cut(Protocol::RestXml, error))?;
        let Ok(data) = frame.into_data() else { continue };
        size += data.len();
        held.push(data);
        if size >= PIECE {
            sink = written(sink, std::mem::take(&mut held)).await?;
            size = 0;
        }
    }
    let Sink { reader, out } = written(sink, held).await?;
    finish(reader)?;
    let wrong = out.sums.into_iter().find(|(_, claimed, sum)| !sum.clone().is(claimed));
    Ok(Received {
        file: out.file.into_temp_path(),
        size: out.size,
        md5: out.md5.finalize().into(),
        wrong: wrong.map(|(name, ..)| name),
    })
}

async fn written(mut sink: Sink, held: Vec<Bytes>) -> Result<Sink, ServiceError> {
    let work = move || {
        held.iter().try_for_each(|data| sink.take(data))?;
        Ok::<_, Ended>(sink)
    };
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.map_err(|error| ServiceError::internal(error.to_string()))??)
}

/// The whole body of a call.
pub(super) async fn into_memory(protocol: Protocol, body: Body) -> Result<Bytes, ServiceError> {
    let body = Limited::new(body, LONGEST_CALL).collect().await;
    body.map(|body| body.to_bytes()).map_err(|error| cut(protocol, error))
}

fn cut(protocol: Protocol, error: Box<dyn std::error::Error + Send + Sync>) -> ServiceError {
    if error.is::<LengthLimitError>() {
        return too_long(protocol);
    }
    if connections::stopped(error.as_ref()) {
        return ServiceError::new(
            "RequestTimeout",
            "Your socket connection to the server was not read from or written to within the timeout period. Idle \
             connections will be closed.",
        );
    }
    ServiceError::new("IncompleteBody", format!("the body was cut off: {error}"))
}

fn too_long(protocol: Protocol) -> ServiceError {
    match protocol {
        // As S3 has it (API reference, error codes).
        Protocol::RestXml => {
            ServiceError::new("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
        }
        _ => {
            let message = format!("the body is longer than {LONGEST_CALL} bytes");
            ServiceError::new("RequestEntityTooLarge", message).with_status(413)
        }
    }
}

/// What a body says of its length before it comes. S3 takes none that says nothing (API reference, error codes
/// `MissingContentLength`, and `NotImplemented` of `Transfer-Encoding`).
pub(super) fn check_length(
    protocol: Protocol,
    headers: &HeaderMap,
    is_upload: bool,
) -> Result<(), ServiceError> {
    let length = |name: &str| headers.get(name)?.to_str().ok()?.parse::<u64>().ok();
    let declared = length("content-length").max(length("x-amz-decoded-content-length"));
    let longest = if is_upload { LONGEST_OBJECT } else { LONGEST_CALL };
    if declared.is_some_and(|length| length > longest as u64) {
        return Err(too_long(protocol));
    }
    if protocol == Protocol::RestXml && declared.is_none() && headers.contains_key(header::TRANSFER_ENCODING)
    {
        let message = "A header you provided implies functionality that is not implemented";
        let mut error = ServiceError::new("NotImplemented", message).with_status(501);
        error.members.insert("Header".to_owned(), Value::from("Transfer-Encoding"));
        return Err(error);
    }
    Ok(())
}

fn claims(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap_or_default()))
}

/// Recorded: `test_s3_invalid_content_md5`.
fn check_md5(claimed: &str, md5: [u8; 16]) -> Result<(), ServiceError> {
    let with = |code: &str, message: &str, members: &[(&str, String)]| {
        let mut error = ServiceError::new(code, message);
        error.members.extend(members.iter().map(|(name, value)| ((*name).to_owned(), value.as_str().into())));
        Err(error)
    };
    match BASE64_STANDARD.decode(claimed) {
        Ok(claimed) if claimed == md5 => Ok(()),
        Ok(digest) if digest.len() == md5.len() => {
            let message = "The Content-MD5 you specified did not match what we received.";
            let members =
                [("CalculatedDigest", BASE64_STANDARD.encode(md5)), ("ExpectedDigest", hex::encode(digest))];
            with("BadDigest", message, &members)
        }
        _ => {
            let message = "The Content-MD5 you specified was invalid.";
            with("InvalidDigest", message, &[("Content-MD5", claimed.to_owned())])
        }
    }
}

/// S3's `Content-MD5` and checksum headers, of what came into memory or into a file.
pub(super) fn check_sums(
    headers: &HeaderMap,
    body: &[u8],
    object: Option<&Received>,
) -> Result<(), ServiceError> {
    let bad = |what: &str| {
        let message = format!("The {what} you specified did not match the calculated checksum.");
        Err(ServiceError::new("BadDigest", message))
    };
    if let Some(claimed) = headers.get("content-md5").map(|value| value.to_str().unwrap_or_default()) {
        let md5 = object.map_or_else(|| blocking(|| Md5::digest(body).into()), |object| object.md5);
        check_md5(claimed, md5)?;
    }
    // Recorded: `test_put_object_checksum`.
    let lengths = [("crc32", 4), ("crc32c", 4), ("crc64nvme", 8), ("sha1", 20), ("sha256", 32)];
    for (name, claimed) in claims(headers) {
        let algorithm = name.strip_prefix("x-amz-checksum-");
        let length = lengths.iter().find(|(known, _)| algorithm == Some(known)).map(|(_, length)| *length);
        let is_sum = |length| BASE64_STANDARD.decode(claimed).is_ok_and(|sum| sum.len() == length);
        if length.is_some_and(|length| !is_sum(length)) {
            let message = format!("Value for {name} header is invalid.");
            return Err(ServiceError::new("InvalidRequest", message));
        }
    }
    let wrong = match object {
        Some(object) => object.wrong.clone(),
        None => {
            let is_wrong = |name: &str, claimed: &str| {
                let mut sum = Running::of(name)?;
                sum.update(body);
                (!sum.is(claimed)).then(|| name.to_owned())
            };
            blocking(|| claims(headers).find_map(|(name, claimed)| is_wrong(name, claimed)))
        }
    };
    wrong.map_or(Ok(()), |name| bad(&name.trim_start_matches("x-amz-checksum-").to_uppercase()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const FRAME: usize = 64 << 10;

    /// A frame that counts those that are held.
    struct Frame(Arc<[AtomicUsize; 2]>);

    impl Frame {
        fn new(count: &Arc<[AtomicUsize; 2]>) -> Self {
            let held = count[0].fetch_add(1, Ordering::Relaxed) + 1;
            count[1].fetch_max(held, Ordering::Relaxed);
            Self(Arc::clone(count))
        }
    }

    impl AsRef<[u8]> for Frame {
        fn as_ref(&self) -> &[u8] {
            &[7; FRAME]
        }
    }

    impl Drop for Frame {
        fn drop(&mut self) {
            self.0[0].fetch_sub(1, Ordering::Relaxed);
        }
    }

    #[tokio::test]
    async fn of_a_long_body_only_a_piece_is_held_and_the_rest_is_in_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let mut headers = HeaderMap::new();
        let sum = BASE64_STANDARD.encode(crc32fast::hash(&vec![7; 512 * FRAME]).to_be_bytes());
        headers.insert("x-amz-checksum-crc32", sum.parse().unwrap());
        headers.insert("x-amz-checksum-sha256", "other".parse().unwrap());
        let sink = Sink::new(Reader::unsigned(), &headers, &dir.path().join("s3")).unwrap();
        let count = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
        let frames = (0..512).map({
            let count = Arc::clone(&count);
            move |_| Ok::<_, std::io::Error>(Bytes::from_owner(Frame::new(&count)))
        });
        let body = Body::from_stream(futures_util::stream::iter(frames));

        let received = into_file(body, sink, |_| Ok(())).await.unwrap();

        let most = count[1].load(Ordering::Relaxed);
        assert!(most <= PIECE / FRAME + 1, "{most} frames were held at once");
        assert_eq!(received.size, 512 * FRAME as u64);
        assert_eq!(received.path().metadata().unwrap().len(), received.size);
        assert_eq!(received.wrong.as_deref(), Some("x-amz-checksum-sha256"));
        drop(received);
        assert_eq!(std::fs::read_dir(dir.path().join("s3")).unwrap().count(), 0);
    }
}
