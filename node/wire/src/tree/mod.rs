//! A readable tree of an MMS PDU or of a push, for operators: every field as it stands on the wire, in order, with its
//! offset. It shows what there is, also of a PDU that cannot be accepted, and then says what is wrong with it.

mod part;
mod value;

#[cfg(test)]
mod tests;

use std::fmt;

use crate::mms::{self, Field, Head, HeadName, Limits, MessageType};
use crate::push;
use crate::wsp::RawMediaType;

/// What the octets are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// An MMS PDU: the body of an HTTP request or response.
    Mms,
    /// A connectionless WSP push: the payload of a datagram to port 2948.
    WspPush,
}

/// A PDU as a tree.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tree<'a> {
    /// Name of the PDU, such as `m-send-req`; empty if there is none.
    pub kind: String,
    /// The envelope, of a push.
    pub envelope: Option<Envelope>,
    /// The header fields, in order.
    pub fields: Vec<TreeField>,
    /// The parts, of a multipart body.
    pub parts: Vec<TreePart<'a>>,
    /// The body, if it is no multipart.
    pub body: Option<&'a [u8]>,
    /// Why the PDU cannot be accepted.
    pub fault: Option<TreeFault>,
}

/// The envelope of a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Transaction id.
    pub transaction_id: u8,
    /// PDU type, 0x06 or 0x07.
    pub pdu_type: u8,
    /// Octets of Content-Type and headers.
    pub head_len: usize,
    /// Content-Type.
    pub content_type: String,
    /// The headers behind Content-Type, as octets in hexadecimal.
    pub rest: String,
}

/// A header field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeField {
    /// Name, as the standard spells it.
    pub name: String,
    /// Value, readable.
    pub value: String,
    /// Where the field starts in the input.
    pub offset: usize,
}

/// A part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreePart<'a> {
    /// Media type without parameters.
    pub content_type: String,
    /// Its parameters, such as `name(0x85)='t.txt'`.
    pub parameters: String,
    /// Its headers.
    pub headers: Vec<TreeField>,
    /// Octets of media type and headers.
    pub head_len: usize,
    /// Where the data starts in the input.
    pub offset: usize,
    /// Data.
    pub data: &'a [u8],
}

/// Why a PDU cannot be accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeFault {
    /// Where, in the input.
    pub offset: usize,
    /// What.
    pub message: String,
}

/// Makes the tree of a PDU.
pub fn tree<'a>(buf: &'a [u8], format: Format, limits: &Limits) -> Tree<'a> {
    match format {
        Format::Mms => mms_tree(buf, 0, limits),
        Format::WspPush => push_tree(buf, limits),
    }
}

fn push_tree<'a>(buf: &'a [u8], limits: &Limits) -> Tree<'a> {
    let fault = |e: push::PushError| Tree {
        fault: Some(TreeFault {
            offset: 0,
            message: format!("WSP push: {e}"),
        }),
        ..Tree::default()
    };
    let cut = match push::cut(buf) {
        Ok(cut) => cut,
        Err(e) => return fault(e),
    };
    let (media, headers) = match cut.head.open() {
        Ok(opened) => opened,
        Err(kind) => {
            return fault(push::PushError::Value {
                offset: cut.head.head_offset,
                kind,
            });
        }
    };
    let rest = headers.rest();
    let content_type = match RawMediaType::decode(media) {
        Ok(media) => value::media(&media),
        Err(kind) => {
            return fault(push::PushError::Value {
                offset: cut.head.head_offset,
                kind,
            });
        }
    };
    let mut fields = vec![
        field("WSP-Transaction-Id", format!("0x{:02x}", cut.transaction_id), 0),
        field("WSP-PDU-Type", format!("0x{:02x}", cut.kind), 1),
        field("WSP-Content-Type", content_type.clone(), cut.head.head_offset),
    ];
    fields.extend(part::headers(headers).map(|field| TreeField {
        name: format!("WSP-{}", field.name),
        ..field
    }));
    let mut tree = mms_tree(cut.head.data, cut.data_offset, limits);
    fields.append(&mut tree.fields);
    tree.fields = fields;
    tree.envelope = Some(Envelope {
        transaction_id: cut.transaction_id,
        pdu_type: cut.kind,
        head_len: cut.head.head.len(),
        content_type,
        rest: value::hex(rest),
    });
    tree
}

/// The tree of an MMS PDU that stands at `base` of the input.
fn mms_tree<'a>(buf: &'a [u8], base: usize, limits: &Limits) -> Tree<'a> {
    let mut tree = Tree::default();
    let (head, opening) = Head::readable(buf, limits);
    let kind = opening.message_type.and_then(MessageType::from_octet);
    tree.kind = kind.map(|kind| kind.name().to_owned()).unwrap_or_default();
    for found in head.fields() {
        let (name, text) = match found.name {
            HeadName::Field(name) => (name.to_string(), value::field(name, found.value, kind)),
            HeadName::Text(name) => (value::plain(name), value::any(found.value)),
        };
        tree.fields.push(TreeField {
            name,
            value: text,
            offset: base + found.offset,
        });
    }
    if let Some((found, offset)) = head.content_type() {
        let name = Field::CONTENT_TYPE;
        tree.fields
            .push(field(&name.to_string(), value::field(name, found, kind), base + offset));
        let (body, body_offset) = head.body();
        match RawMediaType::decode(found) {
            Ok(media) if media.media.is_multipart() => tree.parts = part::parts(body, base + body_offset, limits),
            _ => tree.body = Some(body),
        }
    }
    tree.fault = mms::decode(buf, limits).err().map(|e| TreeFault {
        offset: base + e.offset,
        message: format!("{}: {}", e.place, e.kind),
    });
    tree
}

fn field(name: &str, value: String, offset: usize) -> TreeField {
    TreeField {
        name: name.to_owned(),
        value,
        offset,
    }
}

impl fmt::Display for Tree<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(envelope) = &self.envelope {
            writeln!(
                f,
                "WSP TID=0x{:02x} PDU=0x{:02x}",
                envelope.transaction_id, envelope.pdu_type
            )?;
            let Envelope {
                head_len,
                content_type,
                rest,
                ..
            } = envelope;
            writeln!(f, "  hlen={head_len} ctype={content_type} rest={rest}")?;
        }
        for TreeField { name, value, .. } in self.fields.iter().filter(|field| !field.name.starts_with("WSP-")) {
            writeln!(f, "{name}: {value}")?;
        }
        if !self.parts.is_empty() {
            writeln!(f, "  parts: {}", self.parts.len())?;
        }
        for (index, part) in self.parts.iter().enumerate() {
            writeln!(f, "  [{index}] {part}")?;
        }
        if let Some(body) = self.body {
            writeln!(f, "  body octets: {}", body.len())?;
        }
        match &self.fault {
            Some(TreeFault { offset, message }) => writeln!(f, "fault at octet {offset}: {message}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for TreePart<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            content_type,
            parameters,
            head_len,
            data,
            ..
        } = self;
        write!(
            f,
            "hlen={head_len} dlen={} type={content_type} {parameters} | ",
            data.len()
        )?;
        for (index, TreeField { name, value, .. }) in self.headers.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{name}={value}")?;
        }
        Ok(())
    }
}
