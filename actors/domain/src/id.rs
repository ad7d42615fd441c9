//! Ids that we hand out. Each begins with the shard of its entity, so that whatever comes back from a peer leads to
//! the owner without an index.

use std::fmt;

use data_encoding::{BASE32_NOPAD, BASE64URL_NOPAD};
use minicbor::{Decode, Encode};

/// A logical shard; the number of shards is chosen once for a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct ShardId(#[n(0)] pub u16);

/// Names an MM: shard (2 octets) ‖ milliseconds since the epoch (6) ‖ random (8).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct MmId(
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    pub [u8; 16],
);

impl MmId {
    /// A new id in `shard`, minted at `now`.
    #[must_use]
    pub fn mint(shard: ShardId, now: crate::UnixMillis, random: [u8; 8]) -> Self {
        let mut octets = [0u8; 16];
        let millis = now.0.to_be_bytes();
        let source = shard
            .0
            .to_be_bytes()
            .into_iter()
            .chain(millis.into_iter().skip(2))
            .chain(random);
        for (to, from) in octets.iter_mut().zip(source) {
            *to = from;
        }
        Self(octets)
    }

    /// The shard whose owner decides about this MM.
    #[must_use]
    pub fn shard(self) -> ShardId {
        let [high, low, ..] = self.0;
        ShardId(u16::from_be_bytes([high, low]))
    }

    /// The local part of its Message-ID: 26 characters of base32 in lower case.
    #[must_use]
    pub fn local_part(self) -> String {
        BASE32_NOPAD.encode(&self.0).to_ascii_lowercase()
    }

    /// Message-ID on the wire, without angle brackets.
    #[must_use]
    pub fn message_id(self, domain: &str) -> String {
        format!("{}@{domain}", self.local_part())
    }

    /// The id inside a Message-ID that we issued (brackets and case are ignored, the domain is not looked at).
    #[must_use]
    pub fn from_message_id(text: &str) -> Option<Self> {
        let bare = text.trim().trim_start_matches('<').trim_end_matches('>');
        let local = bare.split('@').next()?;
        let octets = BASE32_NOPAD.decode(local.to_ascii_uppercase().as_bytes()).ok()?;
        octets.try_into().ok().map(Self)
    }
}

impl fmt::Debug for MmId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.local_part())
    }
}

impl fmt::Display for MmId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.local_part())
    }
}

/// One copy's retrieval address and notification transaction id: shard (2 octets) ‖ random (14); 22 characters of
/// base64url on the wire.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct Token(
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    pub [u8; 16],
);

impl Token {
    /// A new token for an MM of `shard`.
    #[must_use]
    pub fn mint(shard: ShardId, random: [u8; 14]) -> Self {
        let mut octets = [0u8; 16];
        for (to, from) in octets.iter_mut().zip(shard.0.to_be_bytes().into_iter().chain(random)) {
            *to = from;
        }
        Self(octets)
    }

    /// The shard of its MM.
    #[must_use]
    pub fn shard(self) -> ShardId {
        let [high, low, ..] = self.0;
        ShardId(u16::from_be_bytes([high, low]))
    }

    /// From its 22 characters.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 22 {
            return None;
        }
        BASE64URL_NOPAD.decode(text.as_bytes()).ok()?.try_into().ok().map(Self)
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64URL_NOPAD.encode(&self.0))
    }
}

/// A token opens a message, so logs show only its beginning.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({}…)", self.to_string().chars().take(6).collect::<String>())
    }
}

/// Which copy of an MM, from 0 in the order of its unique recipients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct CopyIndex(#[n(0)] pub u32);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_lead_back_to_their_shard() {
        let id = MmId::mint(ShardId(0x0203), crate::UnixMillis(0x0000_0102_0304_0506), [9; 8]);
        assert_eq!(id.shard(), ShardId(0x0203));
        assert_eq!(id.0.get(2..8), Some([0x01, 0x02, 0x03, 0x04, 0x05, 0x06].as_slice()));
        assert_eq!(
            MmId::from_message_id(&format!("<{}>", id.message_id("mmsc.example"))),
            Some(id)
        );
        let token = Token::mint(ShardId(1023), [0xFB; 14]);
        assert_eq!(token.shard(), ShardId(1023));
        assert_eq!(Token::parse(&token.to_string()), Some(token));
        assert_eq!(token.to_string().len(), 22);
    }

    #[test]
    fn foreign_ids_are_no_ids() {
        assert_eq!(MmId::from_message_id("abc@x"), None);
        assert_eq!(Token::parse("not a token at all!!!!"), None);
        assert_eq!(Token::parse(""), None);
    }
}
