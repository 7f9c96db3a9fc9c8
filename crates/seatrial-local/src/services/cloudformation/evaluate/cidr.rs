//! `Fn::Cidr`: address ranges cut from a larger one.

use std::net::Ipv4Addr;

/// `count` IPv4 ranges of `host_bits` host bits each, from the start of `block` (`10.0.0.0/16`). `None`: the
/// block is malformed or too small.
pub(super) fn ranges(block: &str, count: u32, host_bits: u32) -> Option<Vec<String>> {
    let (address, prefix) = block.split_once('/')?;
    let address: Ipv4Addr = address.parse().ok()?;
    let prefix: u32 = prefix.parse().ok().filter(|prefix| *prefix <= 32)?;
    if !(1..=256).contains(&count) || host_bits == 0 || host_bits > 32 - prefix {
        return None;
    }
    let size = 1u64 << host_bits;
    let room = 1u64 << (32 - prefix);
    if u64::from(count) * size > room {
        return None;
    }
    let first = u64::from(u32::from(address)) / room * room;
    let range = |index: u64| {
        let start = u32::try_from(first + index * size).ok()?;
        Some(format!("{}/{}", Ipv4Addr::from(start), 32 - host_bits))
    };
    (0..u64::from(count)).map(range).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_follow_each_other_and_must_fit() {
        assert_eq!(ranges("10.0.0.0/16", 2, 12).unwrap(), ["10.0.0.0/20", "10.0.16.0/20"]);
        assert_eq!(ranges("10.0.0.0/24", 2, 8), None);
        assert_eq!(ranges("10.0.0.0/24", 1, 9), None);
        assert_eq!(ranges("nonsense", 1, 8), None);
    }
}
