//! A part: its head, and its data where it lies.

use std::borrow::Cow;

use crate::wsp::{MediaType, Parameters, Text, words};

/// The media type and the headers of a part (digest 9.2, 9.3). References are kept as they came: SMIL may name a part
/// by any of Content-ID, Content-Location, name and filename.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PartHead<'a> {
    /// Media type with parameters.
    pub media: MediaType<'a>,
    /// Content-ID, with angle brackets if it had them.
    pub content_id: Option<Text<'a>>,
    /// Content-Location.
    pub content_location: Option<Text<'a>>,
    /// Content-Disposition.
    pub disposition: Option<Disposition<'a>>,
    /// Content-Transfer-Encoding, where a gateway left one. It is never sent; see [`Part::plain_data`].
    pub transfer_encoding: Option<Text<'a>>,
}

/// Content-Disposition of a part.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Disposition<'a> {
    /// What to do with the part.
    pub kind: DispositionKind<'a>,
    /// Its parameters; only `filename` and `name` matter.
    pub parameters: Parameters<'a>,
}

/// What Content-Disposition says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum DispositionKind<'a> {
    /// 0x80.
    FormData,
    /// 0x81.
    #[default]
    Attachment,
    /// 0x82.
    Inline,
    /// A token.
    Other(Text<'a>),
}

/// One part of a multipart body.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Part<'a> {
    /// Media type and headers.
    pub head: PartHead<'a>,
    /// Data, where it lies.
    pub data: &'a [u8],
}

impl<'a> Part<'a> {
    /// The data without base64 or quoted-printable, which some gateways leave in place. Data that does not decode is
    /// given as it is.
    pub fn plain_data(&self) -> Cow<'a, [u8]> {
        let coding = self.head.transfer_encoding.as_ref().map(Text::to_str);
        match coding {
            Some(name) if name.eq_ignore_ascii_case("base64") => match words::base64(self.data) {
                Some(data) => Cow::Owned(data),
                None => Cow::Borrowed(self.data),
            },
            Some(name) if name.eq_ignore_ascii_case("quoted-printable") => {
                Cow::Owned(words::quoted_printable(self.data))
            }
            _ => Cow::Borrowed(self.data),
        }
    }
}
