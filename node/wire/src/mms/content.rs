//! Content-Type and body of the PDUs that have them (digest sections 8 and 9).

use crate::wsp::multipart::Part;
use crate::wsp::{MediaType, Parameters, Text};

/// Content-Type and body.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Content<'a> {
    /// Content-Type.
    pub media: MediaType<'a>,
    /// What follows it.
    pub body: Body<'a>,
}

/// Body of a PDU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body<'a> {
    /// The parts, if the Content-Type is a multipart.
    Multipart(Vec<Part<'a>>),
    /// The octets, if it is anything else.
    Single(&'a [u8]),
}

impl Default for Body<'_> {
    fn default() -> Self {
        Self::Single(&[])
    }
}

impl<'a> Content<'a> {
    /// A multipart.mixed of these parts.
    pub fn mixed(parts: Vec<Part<'a>>) -> Self {
        Self {
            media: MediaType::multipart_mixed(),
            body: Body::Multipart(parts),
        }
    }

    /// A multipart.related of these parts, whose root is the SMIL part with this Content-ID.
    pub fn related(start: impl Into<Text<'a>>, parts: Vec<Part<'a>>) -> Self {
        let media = MediaType::multipart_related(start, "application/smil");
        Self {
            media,
            body: Body::Multipart(parts),
        }
    }

    /// A readable text, as an error answer has it.
    pub fn text(text: &'a str) -> Self {
        let charset = (!text.is_ascii()).then_some(crate::wsp::charset::UTF_8);
        let parameters = Parameters {
            charset,
            ..Parameters::default()
        };
        let media = MediaType {
            media: "text/plain".into(),
            parameters,
        };
        Self {
            media,
            body: Body::Single(text.as_bytes()),
        }
    }

    /// The parts; none if it is no multipart.
    pub fn parts(&self) -> &[Part<'a>] {
        match &self.body {
            Body::Multipart(parts) => parts,
            Body::Single(_) => &[],
        }
    }

    /// The MMS PDUs in the body: the m-mbox-descr of m-mbox-upload-req, bare or as a part, and those of
    /// m-mbox-view-conf. Each can be decoded; nothing nests deeper.
    pub fn descriptions(&self) -> impl Iterator<Item = &'a [u8]> + '_ {
        const MMS_MESSAGE: &str = "application/vnd.wap.mms-message";
        let bare = match &self.body {
            Body::Single(octets) if self.media.media.is(MMS_MESSAGE) => Some(*octets),
            Body::Single(_) | Body::Multipart(_) => None,
        };
        let parts = self.parts().iter().filter(|part| part.head.media.media.is(MMS_MESSAGE));
        bare.into_iter().chain(parts.map(|part| part.data))
    }

    /// Index of the root part (digest 8.1): the one that `start` names, else the first SMIL, else the first.
    pub fn root(&self) -> Option<usize> {
        let parts = self.parts();
        let start = self.media.parameters.start.as_ref().map(Text::without_brackets);
        let named = || {
            parts
                .iter()
                .position(|part| start.is_some() && part.content_id() == start)
        };
        let smil = || {
            parts
                .iter()
                .position(|part| part.head.media.media.is("application/smil"))
        };
        named().or_else(smil).or(if parts.is_empty() { None } else { Some(0) })
    }
}
