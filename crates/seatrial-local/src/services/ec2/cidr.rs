//! IPv4 ranges.

use std::net::Ipv4Addr;

use crate::error::ServiceError;

/// `10.0.0.0/16`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cidr {
    network: u32,
    bits: u32,
}

impl Cidr {
    /// An address alone is the range that holds nothing else.
    pub fn parse(text: &str) -> Result<Self, ServiceError> {
        let invalid = || {
            let message =
                format!("Value ({text}) for parameter cidrBlock is invalid. This is not a valid CIDR block.");
            ServiceError::new("InvalidParameterValue", message)
        };
        let (address, bits) = text.split_once('/').unwrap_or((text, "32"));
        let address: Ipv4Addr = address.parse().map_err(|_| invalid())?;
        let bits: u32 = bits.parse().map_err(|_| invalid())?;
        if bits > 32 {
            return Err(invalid());
        }
        Ok(Self { network: u32::from(address) & mask(bits), bits })
    }

    /// The first address, and the length of the prefix.
    pub fn prefix(self) -> (Ipv4Addr, u8) {
        (Ipv4Addr::from(self.network), u8::try_from(self.bits).unwrap_or(32))
    }

    pub fn contains(self, other: Self) -> bool {
        self.bits <= other.bits && other.network & mask(self.bits) == self.network
    }

    pub fn overlaps(self, other: Self) -> bool {
        self.contains(other) || other.contains(self)
    }

    /// Whether AWS lets a VPC or subnet be of this size.
    pub fn is_vpc_size(self) -> bool {
        (16..=28).contains(&self.bits)
    }
}

fn mask(bits: u32) -> u32 {
    u32::MAX.checked_shl(32 - bits).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cidr(text: &str) -> Cidr {
        Cidr::parse(text).unwrap()
    }

    #[test]
    fn ranges_contain_and_overlap_as_their_addresses_do() {
        assert!(cidr("10.0.0.0/16").contains(cidr("10.0.16.0/20")));
        assert!(!cidr("10.0.0.0/20").contains(cidr("10.0.16.0/20")));
        assert!(cidr("0.0.0.0/0").contains(cidr("127.0.0.1")));
        assert!(cidr("10.0.16.0/20").overlaps(cidr("10.0.0.0/16")));
        assert!(!cidr("10.0.0.0/20").overlaps(cidr("10.0.16.0/20")));
        assert!(Cidr::parse("10.0.0.0/33").is_err());
    }
}
