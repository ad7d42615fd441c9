//! Which shard a subscriber belongs to.

use super::Address;
use crate::id::ShardId;

/// Version of the hash below: part of the store's meta data, because a change moves every subscriber.
pub const SHARD_HASH_VERSION: u16 = 1;

impl Address {
    /// The shard of the subscriber with this address: FNV-1a (64 bits) of the canonical text, finished by an
    /// avalanche so that numbers of one range spread, modulo `shard_count` (0 counts as 1).
    #[must_use]
    pub fn shard(&self, shard_count: u16) -> ShardId {
        let hash = avalanche(fnv1a(self.to_string().as_bytes()));
        // The remainder is below a u16, so nothing is lost.
        ShardId(u16::try_from(hash % u64::from(shard_count.max(1))).unwrap_or(0))
    }
}

fn fnv1a(octets: &[u8]) -> u64 {
    octets.iter().fold(0xCBF2_9CE4_8422_2325, |hash, octet| {
        (hash ^ u64::from(*octet)).wrapping_mul(0x0000_0100_0000_01B3)
    })
}

/// The finaliser of SplitMix64: every input bit reaches every output bit.
fn avalanche(mut hash: u64) -> u64 {
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fnv1a_gives_its_published_values() {
        assert_eq!(fnv1a(b""), 0xCBF2_9CE4_8422_2325);
        assert_eq!(fnv1a(b"a"), 0xAF63_DC4C_8601_EC8C);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_F739_67E8);
    }
}
