//! The cursor and the skip rule (WAP-230 8.4.1.2), and how a value slice is interpreted.

use super::{EncodedString, Text, ValueError, charset};

/// A cursor over octets that cannot go past their end. It knows its offset in the whole input.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    rest: &'a [u8],
    offset: usize,
}

/// A value, cut out of its input by its first octet alone: `00..1E` that many octets follow, `1F` a Uintvar length
/// follows, `20..7F` a text up to its NUL, `80..FF` the octet itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// One octet from `0x80` on.
    Octet(u8),
    /// A text without its closing NUL; a leading quote `0x7F` or `0x22` is still there.
    Text(&'a [u8]),
    /// What follows a Value-length.
    Data(&'a [u8]),
}

impl<'a> Reader<'a> {
    /// Starts at the beginning of `octets`, which stand at `offset` of the whole input.
    pub fn new(octets: &'a [u8], offset: usize) -> Self {
        Self { rest: octets, offset }
    }

    /// Where the next octet stands in the whole input.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// What has not been read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// True at the end.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next octet, which stays where it is.
    pub fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// Takes one octet.
    pub fn octet(&mut self) -> Result<u8, ValueError> {
        let (first, rest) = self.rest.split_first().ok_or(ValueError::Truncated)?;
        self.rest = rest;
        self.offset += 1;
        Ok(*first)
    }

    /// Takes `count` octets.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], ValueError> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(ValueError::Truncated)?;
        self.rest = rest;
        self.offset += count;
        Ok(taken)
    }

    /// Takes a Uintvar (WAP-230 8.1.2): at most five octets, at most 32 bits.
    pub fn uintvar(&mut self) -> Result<u32, ValueError> {
        let mut value = 0_u64;
        for _ in 0..5 {
            let octet = self.octet()?;
            value = value << 7 | u64::from(octet & 0x7F);
            if octet & 0x80 == 0 {
                return u32::try_from(value).map_err(|_| ValueError::UintvarOverflow);
            }
        }
        Err(ValueError::UintvarOverflow)
    }

    /// Takes the octets up to a NUL, and the NUL.
    pub fn text(&mut self) -> Result<&'a [u8], ValueError> {
        let end = self
            .rest
            .iter()
            .position(|&octet| octet == 0)
            .ok_or(ValueError::UnterminatedText)?;
        let text = self.take(end)?;
        self.octet()?;
        Ok(text)
    }

    /// Takes a value by the skip rule.
    pub fn value(&mut self) -> Result<Value<'a>, ValueError> {
        match self.peek().ok_or(ValueError::Truncated)? {
            length @ 0x00..=0x1E => {
                self.octet()?;
                Ok(Value::Data(self.take(usize::from(length))?))
            }
            0x1F => {
                self.octet()?;
                let length = self.uintvar()?;
                Ok(Value::Data(
                    self.take(usize::try_from(length).map_err(|_| ValueError::Truncated)?)?,
                ))
            }
            0x20..=0x7F => Ok(Value::Text(self.text()?)),
            octet => {
                self.octet()?;
                Ok(Value::Octet(octet))
            }
        }
    }

    /// Takes an Integer-value (Short-integer or Long-integer).
    pub fn integer(&mut self) -> Result<u64, ValueError> {
        self.value()?.integer()
    }
}

impl<'a> Value<'a> {
    /// The one octet of an enumerated value.
    pub fn octet(self) -> Result<u8, ValueError> {
        match self {
            Value::Octet(octet) => Ok(octet),
            Value::Text(_) | Value::Data(_) => Err(ValueError::WrongForm),
        }
    }

    /// An Integer-value. A Long-integer of no octets is 0, one of more than eight saturates.
    pub fn integer(self) -> Result<u64, ValueError> {
        match self {
            Value::Octet(octet) => Ok(u64::from(octet & 0x7F)),
            Value::Data(octets) => Ok(long_integer_of(octets)),
            Value::Text(_) => Err(ValueError::WrongForm),
        }
    }

    /// A Text-string. A length of 0 is the empty text.
    pub fn text(self) -> Result<Text<'a>, ValueError> {
        match self {
            Value::Text(text) => Ok(Text::from_octets(unquote(text))),
            Value::Data([]) => Ok(Text::default()),
            Value::Octet(_) | Value::Data(_) => Err(ValueError::WrongForm),
        }
    }

    /// A Text-value or Quoted-string: a text whose leading `"` is not part of it.
    pub fn quoted_text(self) -> Result<Text<'a>, ValueError> {
        match self {
            Value::Text([0x22, text @ ..]) => Ok(Text::from_octets(text)),
            other => other.text(),
        }
    }

    /// An Encoded-string-value.
    pub fn encoded_string(self) -> Result<EncodedString<'a>, ValueError> {
        match self {
            Value::Text(text) => Ok(EncodedString::received(None, unquote(text))),
            Value::Data([]) => Ok(EncodedString::default()),
            Value::Data(octets) => text_with_charset(octets),
            Value::Octet(_) => Err(ValueError::WrongForm),
        }
    }

    /// What follows a Value-length.
    pub fn data(self) -> Result<&'a [u8], ValueError> {
        match self {
            Value::Data(octets) => Ok(octets),
            Value::Octet(_) | Value::Text(_) => Err(ValueError::WrongForm),
        }
    }
}

/// The number that octets make, most significant first; more than eight significant ones saturate.
fn long_integer_of(octets: &[u8]) -> u64 {
    octets.iter().fold(0_u64, |sum, &octet| match sum >> 56 {
        0 => sum << 8 | u64::from(octet),
        _ => u64::MAX,
    })
}

/// A text without the quote that protects a first octet from `0x80` on.
fn unquote(text: &[u8]) -> &[u8] {
    text.strip_prefix(&[0x7F]).unwrap_or(text)
}

/// Charset and text after a Value-length. The text goes by the length, because two-octet characters are full of NULs.
fn text_with_charset(octets: &[u8]) -> Result<EncodedString<'_>, ValueError> {
    let mut reader = Reader::new(octets, 0);
    let mib = match reader.peek() {
        Some(0x1F..=0x7F) => None,
        _ => Some(u32::try_from(reader.integer()?).unwrap_or(u32::MAX)),
    };
    let text = reader.rest();
    if !charset::is_wide(mib.unwrap_or_default()) {
        let text = text.strip_suffix(&[0]).unwrap_or(text);
        return Ok(EncodedString::received(mib, unquote(text)));
    }
    // An odd count tells what was added to whole characters: the closing NUL, the quote, or with both an even count.
    let text = match text {
        [head @ .., 0] if head.len() % 2 == 0 => head,
        [head @ .., 0, 0] if head.len() % 2 == 0 => head,
        [0x7F, head @ .., 0] if head.len() % 2 == 0 => head,
        [0x7F, head @ ..] if head.len() % 2 == 0 => head,
        _ => text,
    };
    Ok(EncodedString::received(mib, text))
}
