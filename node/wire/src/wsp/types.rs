//! Texts as they travel: [`Text`] without, [`EncodedString`] with a character set.

use std::borrow::Cow;

use super::{charset, words};

/// A Text-string (WAP-230 8.4.2.1): octets without the leading quote and without the closing NUL.
///
/// Equality is by octets, because identifiers are opaque and have to be echoed octet for octet.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Text<'a>(Cow<'a, [u8]>);

impl<'a> Text<'a> {
    /// Wraps octets as they stand on the wire.
    pub fn from_octets(octets: &'a [u8]) -> Self {
        Self(Cow::Borrowed(octets))
    }

    /// The octets.
    pub fn as_octets(&self) -> &[u8] {
        &self.0
    }

    /// The octets as characters: UTF-8 where it is UTF-8, else iso-8859-1.
    pub fn to_str(&self) -> Cow<'_, str> {
        charset::guess(&self.0)
    }

    /// True if there are no octets.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text without one pair of angle brackets around it, for comparing Message-IDs and Content-IDs.
    pub fn without_brackets(&self) -> &[u8] {
        let octets = self.0.strip_prefix(b"<").unwrap_or(&self.0);
        octets.strip_suffix(b">").unwrap_or(octets)
    }

    /// A copy that borrows nothing.
    pub fn into_owned(self) -> Text<'static> {
        Text(Cow::Owned(self.0.into_owned()))
    }
}

impl std::fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.to_str())
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self(Cow::Borrowed(text.as_bytes()))
    }
}

impl From<String> for Text<'_> {
    fn from(text: String) -> Self {
        Self(Cow::Owned(text.into_bytes()))
    }
}

impl From<Vec<u8>> for Text<'_> {
    fn from(octets: Vec<u8>) -> Self {
        Self(Cow::Owned(octets))
    }
}

/// An Encoded-string-value (MMS ENC 7.2.9): a text with or without its character set.
///
/// Made from a `&str` or a `String`, it holds UTF-8 and is sent as plain text if it is us-ascii, else in utf-8 form.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct EncodedString<'a> {
    /// MIBenum of the character set, where one was given.
    charset: Option<u32>,
    octets: Cow<'a, [u8]>,
}

impl<'a> EncodedString<'a> {
    /// A text as received: the octets without quote and closing NUL, and the MIBenum if it had one.
    pub fn received(charset: Option<u32>, octets: &'a [u8]) -> Self {
        Self {
            charset,
            octets: Cow::Borrowed(octets),
        }
    }

    /// MIBenum of the character set that was given with the text.
    pub fn charset(&self) -> Option<u32> {
        self.charset
    }

    /// The octets in that character set.
    pub fn as_octets(&self) -> &[u8] {
        &self.octets
    }

    /// The characters. Without a character set it is UTF-8, else iso-8859-1, and RFC 2047 words are decoded; with one,
    /// octets that it does not know become U+FFFD.
    pub fn to_str(&self) -> Cow<'_, str> {
        match self.charset {
            None => words::decode(charset::guess(&self.octets)),
            Some(mib) => charset::decode(mib, &self.octets),
        }
    }

    /// True if there are no octets.
    pub fn is_empty(&self) -> bool {
        self.octets.is_empty()
    }

    /// A copy that borrows nothing.
    pub fn into_owned(self) -> EncodedString<'static> {
        EncodedString {
            charset: self.charset,
            octets: Cow::Owned(self.octets.into_owned()),
        }
    }
}

impl std::fmt::Debug for EncodedString<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.to_str())
    }
}

fn charset_of(text: &str) -> Option<u32> {
    (!text.is_ascii()).then_some(charset::UTF_8)
}

impl<'a> From<&'a str> for EncodedString<'a> {
    fn from(text: &'a str) -> Self {
        Self {
            charset: charset_of(text),
            octets: Cow::Borrowed(text.as_bytes()),
        }
    }
}

impl From<String> for EncodedString<'_> {
    fn from(text: String) -> Self {
        Self {
            charset: charset_of(&text),
            octets: Cow::Owned(text.into_bytes()),
        }
    }
}
