//! An object's bytes as a member: in process where they are, base64 where values are passed.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::sync::Arc;

use axum::body::Body as HttpBody;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _, ser::Error as _};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;

use crate::blocking::blocking;
use crate::protocol::Received;

/// Bytes and where they are; without `Debug`, for they may be large or secret.
#[derive(Clone)]
pub(crate) enum Body {
    Bytes(Bytes),
    /// They came over HTTP and are nobody's yet.
    Received(Arc<Received>),
    /// A range of a file that was opened for this alone, for its readers share one place; it may be deleted meanwhile.
    Stored(Arc<File>, Range<u64>),
}

impl Default for Body {
    fn default() -> Self {
        Self::Bytes(Bytes::new())
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl Body {
    /// All of them, in memory.
    pub(crate) fn read(&self) -> io::Result<Vec<u8>> {
        match self {
            Self::Bytes(bytes) => Ok(bytes.to_vec()),
            Self::Received(received) => std::fs::read(received.path()),
            Self::Stored(file, range) => blocking(|| {
                let mut bytes = Vec::new();
                reader(file, range)?.read_to_end(&mut bytes)?;
                Ok(bytes)
            }),
        }
    }

    /// As the body of an answer, read while it is sent.
    pub(super) async fn stream(self) -> io::Result<HttpBody> {
        match self {
            Self::Stored(file, range) => {
                let mut file = tokio::fs::File::from_std(file.try_clone()?);
                file.seek(SeekFrom::Start(range.start)).await?;
                let bytes = file.take(range.end.saturating_sub(range.start));
                Ok(HttpBody::from_stream(ReaderStream::with_capacity(bytes, 64 << 10)))
            }
            body => body.read().map(HttpBody::from),
        }
    }
}

pub(super) fn reader(file: &Arc<File>, range: &Range<u64>) -> io::Result<impl io::Read + use<>> {
    let mut file = file.try_clone()?;
    file.seek(SeekFrom::Start(range.start))?;
    Ok(file.take(range.end.saturating_sub(range.start)))
}

impl Serialize for Body {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64_STANDARD.encode(self.read().map_err(S::Error::custom)?))
    }
}

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        BASE64_STANDARD.decode(text).map(Self::from).map_err(D::Error::custom)
    }
}
