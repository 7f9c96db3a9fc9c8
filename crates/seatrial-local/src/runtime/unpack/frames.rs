//! Zstandard streams of any number of frames (RFC 8878, section 3): builders end one wherever a layer can be entered,
//! and put what only they read into frames to be skipped.

use std::io::{self, BufRead, Read};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// What the frames of a source hold, one after another.
pub(super) struct Frames<R> {
    source: R,
    /// Of the frame that is being read.
    decoder: Option<FrameDecoder>,
}

impl<R: BufRead> Frames<R> {
    pub(super) fn new(source: R) -> Self {
        Self { source, decoder: None }
    }

    /// Begins the next frame; `None`: there is none.
    fn begin(&mut self) -> io::Result<Option<FrameDecoder>> {
        while !self.source.fill_buf()?.is_empty() {
            let mut decoder = FrameDecoder::new();
            match decoder.init(&mut self.source) {
                Ok(()) => return Ok(Some(decoder)),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let skipped = io::copy(&mut (&mut self.source).take(length.into()), &mut io::sink())?;
                    if skipped < length.into() {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => return Err(invalid(&error)),
            }
        }
        Ok(None)
    }
}

fn invalid(error: &FrameDecoderError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error.to_string())
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(decoder) = &mut self.decoder else {
                self.decoder = self.begin()?;
                match self.decoder {
                    Some(_) => continue,
                    None => return Ok(0),
                }
            };
            let read = decoder.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            if decoder.is_finished() {
                self.decoder = None;
            } else {
                let strategy = BlockDecodingStrategy::UptoBlocks(1);
                decoder.decode_blocks(&mut self.source, strategy).map_err(|error| invalid(&error))?;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    #[test]
    fn frames_are_joined_and_those_to_be_skipped_are_skipped() {
        let one = vec![7; 300_000];
        let two: Vec<u8> = (0..300_000_u32).map(|number| (number.wrapping_mul(number) >> 7) as u8).collect();
        let frame = |content: &[u8]| compress_to_vec(content, CompressionLevel::Fastest);
        // RFC 8878, 3.1.2: a magic number, a length, and as many bytes.
        let skipped = [&[0x50, 0x2A, 0x4D, 0x18, 3, 0, 0, 0][..], b"abc"].concat();
        let stream = [skipped.clone(), frame(&one), skipped.clone(), frame(&two), skipped].concat();

        let mut found = Vec::new();
        Frames::new(&stream[..]).read_to_end(&mut found).unwrap();

        assert!(found == [one, two].concat());
        for cut in [stream.len() - 1, stream.len() / 2, 3] {
            assert!(Frames::new(&stream[..cut]).read_to_end(&mut Vec::new()).is_err(), "{cut}");
        }
    }
}
