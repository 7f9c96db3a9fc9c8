//! The checksums that S3's clients send with a body, computed while it comes.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use sha2::{Digest as _, Sha256};

/// A checksum of what came so far.
#[derive(Clone)]
pub(super) enum Running {
    Crc32(crc32fast::Hasher),
    /// A reflected CRC of `bytes` bytes; what it is begun with is what it is ended with.
    Reflected {
        table: Box<[u64; 256]>,
        ones: u64,
        crc: u64,
        bytes: usize,
    },
    Sha256(Sha256),
}

impl Running {
    /// Of the algorithm that `header` (`x-amz-checksum-crc32`) names. `None`: one that is not computed here.
    pub(super) fn of(header: &str) -> Option<Self> {
        Some(match header.strip_prefix("x-amz-checksum-")? {
            "crc32" => Self::Crc32(crc32fast::Hasher::new()),
            // Castagnoli.
            "crc32c" => Self::reflected(0x82f6_3b78, 0xffff_ffff, 4),
            // NVM Express.
            "crc64nvme" => Self::reflected(0x9a6c_9329_ac4b_c9b5, u64::MAX, 8),
            "sha256" => Self::Sha256(Sha256::new()),
            _ => return None,
        })
    }

    fn reflected(polynomial: u64, ones: u64, bytes: usize) -> Self {
        let mut table = Box::new([0_u64; 256]);
        for (entry, start) in table.iter_mut().zip(0_u64..) {
            *entry =
                (0..8).fold(start, |crc, _| if crc & 1 == 1 { (crc >> 1) ^ polynomial } else { crc >> 1 });
        }
        Self::Reflected { table, ones, crc: ones, bytes }
    }

    pub(super) fn update(&mut self, data: &[u8]) {
        match self {
            Self::Crc32(crc) => crc.update(data),
            Self::Reflected { table, crc, .. } => {
                let step = |crc: u64, byte: &u8| (crc >> 8) ^ table[usize::from(crc.to_le_bytes()[0] ^ byte)];
                *crc = data.iter().fold(*crc, step);
            }
            Self::Sha256(hash) => hash.update(data),
        }
    }

    /// Whether it is the one that is claimed, in base64.
    pub(super) fn is(self, claimed: &str) -> bool {
        let computed = match self {
            Self::Crc32(crc) => crc.finalize().to_be_bytes().to_vec(),
            Self::Reflected { ones, crc, bytes, .. } => (crc ^ ones).to_be_bytes()[8 - bytes..].to_vec(),
            Self::Sha256(hash) => hash.finalize().to_vec(),
        };
        BASE64_STANDARD.encode(computed) == claimed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_check_values_hold() {
        let holds = |header: &str, claimed: &str, pieces: [&[u8]; 2]| {
            let mut running = Running::of(header)?;
            pieces.into_iter().for_each(|piece| running.update(piece));
            Some(running.is(claimed))
        };
        let body: [&[u8]; 2] = [b"1234", b"56789"];
        for (header, claimed) in [
            ("x-amz-checksum-crc32", BASE64_STANDARD.encode(0xcbf4_3926_u32.to_be_bytes())),
            ("x-amz-checksum-crc32c", BASE64_STANDARD.encode(0xe306_9283_u32.to_be_bytes())),
            ("x-amz-checksum-crc64nvme", BASE64_STANDARD.encode(0xae8b_1486_0a79_9888_u64.to_be_bytes())),
            ("x-amz-checksum-sha256", BASE64_STANDARD.encode(Sha256::digest(b"123456789"))),
        ] {
            assert_eq!(holds(header, &claimed, body), Some(true), "{header}");
            assert_eq!(holds(header, &claimed, [b"oth", b"er"]), Some(false), "{header}");
        }
        assert_eq!(holds("x-amz-checksum-xxhash3", "", body), None);
    }
}
