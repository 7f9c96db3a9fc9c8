//! How many forms one client may send, counted by each task for itself.

use std::hash::{BuildHasher as _, RandomState};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::error::AppError;
use crate::forwarded;

/// Counts by client address.
///
/// There are as many counts as a `u16` has values, whoever asks: an address always has the same one, by a hash that
/// nobody outside can foresee. Addresses that share a count share its limit, which costs less than memory without end.
#[derive(Debug)]
pub(crate) struct PostLimit {
    counts: DefaultKeyedRateLimiter<u16>,
    clock: DefaultClock,
    hasher: RandomState,
}

impl PostLimit {
    /// So many forms at once, then so many a minute, evenly.
    pub(crate) fn per_minute(number: NonZeroU32) -> Self {
        let counts = RateLimiter::keyed(Quota::per_minute(number));
        Self { counts, clock: DefaultClock::default(), hasher: RandomState::new() }
    }

    /// Counts a form.
    ///
    /// # Errors
    /// The time after which the next one is taken; then this one is not counted.
    fn count(&self, client: IpAddr) -> Result<(), Duration> {
        let hash = self.hasher.hash_one(network(client));
        let count = (hash & u64::from(u16::MAX)) as u16;
        self.counts.check_key(&count).map_err(|refused| refused.wait_time_from(self.clock.now()))
    }
}

/// Whoever has one IPv6 address has the 2^64 of its network.
fn network(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        short => short,
    }
}

/// Refuses what changes something and comes too often.
pub(crate) async fn forms(
    State(limit): State<Arc<PostLimit>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Result<Response, AppError> {
    if !request.method().is_safe() {
        limit.count(forwarded::client(request.headers(), peer)).map_err(AppError::TooMany)?;
    }
    Ok(next.run(request).await)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(limit: &PostLimit, address: &str) -> bool {
        limit.count(address.parse().unwrap()).is_ok()
    }

    #[test]
    fn the_form_above_the_limit_is_told_how_long_to_wait() {
        let limit = PostLimit::per_minute(NonZeroU32::new(2).unwrap());
        assert!(counted(&limit, "192.0.2.7") && counted(&limit, "192.0.2.7"));
        let wait = limit.count("192.0.2.7".parse().unwrap()).unwrap_err();
        assert!(wait > Duration::ZERO && wait <= Duration::from_secs(30), "{wait:?}");
    }

    #[test]
    fn an_address_is_counted_with_its_network_alone() {
        for (second, expected) in [
            // The same client, in other words.
            ("2001:db8::1", false),
            ("2001:db8::ffff:1:2", false),
            ("2001:db8:0:1::1", true),
            ("192.0.2.8", true),
        ] {
            // Two addresses of 65,536 counts may share one: not twice in a row, whatever the hash.
            let seen = (0..3).any(|_| {
                let limit = PostLimit::per_minute(NonZeroU32::MIN);
                assert!(counted(&limit, "2001:db8::1"));
                counted(&limit, second)
            });
            assert_eq!(seen, expected, "{second}");
        }
        assert_eq!(network("::ffff:192.0.2.7".parse().unwrap()), "192.0.2.7".parse::<IpAddr>().unwrap());
    }

    #[test]
    fn no_number_of_addresses_takes_more_memory_than_there_are_counts() {
        let limit = PostLimit::per_minute(NonZeroU32::MIN);
        for bits in 0..200_000_u32 {
            let _ = limit.count(IpAddr::from(bits.to_be_bytes()));
        }
        assert!(limit.counts.len() <= usize::from(u16::MAX) + 1, "{}", limit.counts.len());
    }
}
