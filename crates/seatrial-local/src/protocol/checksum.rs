//! The checksums that S3's clients send with a body.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use sha2::{Digest as _, Sha256};

/// Whether a body has the checksum that `header` (`x-amz-checksum-crc32`) claims. `None`: an algorithm that
/// is not computed here.
pub(super) fn holds(header: &str, claimed: &str, body: &[u8]) -> Option<bool> {
    let computed = match header.strip_prefix("x-amz-checksum-")? {
        "crc32" => crc32fast::hash(body).to_be_bytes().to_vec(),
        // Castagnoli, reflected.
        "crc32c" => u32::try_from(reflected(0x82f6_3b78, 0xffff_ffff, body)).ok()?.to_be_bytes().to_vec(),
        // NVM Express, reflected.
        "crc64nvme" => reflected(0x9a6c_9329_ac4b_c9b5, u64::MAX, body).to_be_bytes().to_vec(),
        "sha256" => Sha256::digest(body).to_vec(),
        _ => return None,
    };
    Some(BASE64_STANDARD.encode(computed) == claimed)
}

/// A reflected CRC of at most 64 bits, begun and ended with `ones`.
fn reflected(polynomial: u64, ones: u64, body: &[u8]) -> u64 {
    let mut table = [0_u64; 256];
    for (entry, start) in table.iter_mut().zip(0_u64..) {
        *entry = (0..8).fold(start, |crc, _| if crc & 1 == 1 { (crc >> 1) ^ polynomial } else { crc >> 1 });
    }
    let step = |crc: u64, byte: &u8| (crc >> 8) ^ table[usize::from(crc.to_le_bytes()[0] ^ byte)];
    body.iter().fold(ones, step) ^ ones
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_check_values_hold() {
        let body = b"123456789";
        for (header, claimed) in [
            ("x-amz-checksum-crc32", BASE64_STANDARD.encode(0xcbf4_3926_u32.to_be_bytes())),
            ("x-amz-checksum-crc32c", BASE64_STANDARD.encode(0xe306_9283_u32.to_be_bytes())),
            ("x-amz-checksum-crc64nvme", BASE64_STANDARD.encode(0xae8b_1486_0a79_9888_u64.to_be_bytes())),
            ("x-amz-checksum-sha256", BASE64_STANDARD.encode(Sha256::digest(body))),
        ] {
            assert_eq!(holds(header, &claimed, body), Some(true), "{header}");
            assert_eq!(holds(header, &claimed, b"other"), Some(false), "{header}");
        }
        assert_eq!(holds("x-amz-checksum-xxhash3", "", body), None);
    }
}
