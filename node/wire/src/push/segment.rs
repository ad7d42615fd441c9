//! A push over 8-bit short messages: user data headers with ports and concatenation, cutting, putting together.

use super::PushError;
use crate::wsp::Reader;

/// Octets of user data of one short message.
pub const MAX_USER_DATA: usize = 140;

const CONCAT_8: u8 = 0x00;
const CONCAT_16: u8 = 0x08;
const PORTS_16: u8 = 0x05;

/// Port numbers of a datagram (WAP-259 6.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ports {
    /// Destination.
    pub destination: u16,
    /// Source.
    pub source: u16,
}

impl Ports {
    /// Connectionless push: to 2948, from 9200.
    pub const WAP_PUSH: Self = Self {
        destination: 2948,
        source: 9200,
    };
}

/// Reference of the segments of one datagram. It has to differ between datagrams to one handset, so use a counter per
/// recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reference {
    /// 8-bit reference: 128 octets of data in a segment.
    Octet(u8),
    /// 16-bit reference: 127 octets of data in a segment.
    Word(u16),
}

/// Which segment of which datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Concatenation {
    /// The same for all segments.
    pub reference: Reference,
    /// How many there are.
    pub total: u8,
    /// Which one this is, from 1.
    pub number: u8,
}

/// A user data header, as far as WAP push uses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UserDataHeader {
    /// Concatenation, where there are several segments.
    pub concatenation: Option<Concatenation>,
    /// Ports.
    pub ports: Option<Ports>,
}

impl UserDataHeader {
    /// Appends length octet and elements: concatenation first, then ports.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut elements = Vec::with_capacity(12);
        match self.concatenation {
            Some(Concatenation {
                reference: Reference::Octet(reference),
                total,
                number,
            }) => {
                elements.extend_from_slice(&[CONCAT_8, 3, reference, total, number]);
            }
            Some(Concatenation {
                reference: Reference::Word(reference),
                total,
                number,
            }) => {
                let [high, low] = reference.to_be_bytes();
                elements.extend_from_slice(&[CONCAT_16, 4, high, low, total, number]);
            }
            None => {}
        }
        if let Some(ports) = self.ports {
            elements.extend_from_slice(&[PORTS_16, 4]);
            elements.extend_from_slice(&ports.destination.to_be_bytes());
            elements.extend_from_slice(&ports.source.to_be_bytes());
        }
        out.push(elements.len() as u8);
        out.append(&mut elements);
    }

    /// Cuts user data into its header and the rest. Elements may come in any order; unknown ones are skipped.
    pub fn decode(user_data: &[u8]) -> Result<(Self, &[u8]), PushError> {
        let broken = |_| PushError::BrokenHeader;
        let mut reader = Reader::new(user_data, 0);
        let length = reader.octet().map_err(broken)?;
        let mut elements = Reader::new(reader.take(usize::from(length)).map_err(broken)?, 1);
        let mut header = Self::default();
        while !elements.is_empty() {
            let id = elements.octet().map_err(broken)?;
            let length = elements.octet().map_err(broken)?;
            header.take(id, elements.take(usize::from(length)).map_err(broken)?);
        }
        Ok((header, reader.rest()))
    }

    fn take(&mut self, id: u8, data: &[u8]) {
        let concatenation = |reference, total, number| {
            Some(Concatenation {
                reference,
                total,
                number,
            })
        };
        match (id, data) {
            (CONCAT_8, [reference, total, number]) => {
                self.concatenation = concatenation(Reference::Octet(*reference), *total, *number);
            }
            (CONCAT_16, [high, low, total, number]) => {
                let reference = Reference::Word(u16::from_be_bytes([*high, *low]));
                self.concatenation = concatenation(reference, *total, *number);
            }
            (PORTS_16, [dest_high, dest_low, source_high, source_low]) => {
                let destination = u16::from_be_bytes([*dest_high, *dest_low]);
                let source = u16::from_be_bytes([*source_high, *source_low]);
                self.ports = Some(Ports { destination, source });
            }
            _ => {}
        }
    }
}

/// Cuts a datagram into the user data (header and data) of as few short messages as it takes: one without
/// concatenation up to 133 octets, else 128 (8-bit reference) or 127 octets in each.
pub fn segment(datagram: &[u8], ports: Ports, reference: Reference) -> Result<Vec<Vec<u8>>, PushError> {
    let mut header = UserDataHeader {
        concatenation: None,
        ports: Some(ports),
    };
    let mut whole = Vec::with_capacity(MAX_USER_DATA);
    header.encode(&mut whole);
    if whole.len() + datagram.len() <= MAX_USER_DATA {
        whole.extend_from_slice(datagram);
        return Ok(vec![whole]);
    }
    let room = match reference {
        Reference::Octet(_) => 128,
        Reference::Word(_) => 127,
    };
    let total = u8::try_from(datagram.len().div_ceil(room)).map_err(|_| PushError::TooLong(datagram.len()))?;
    let mut segments = Vec::with_capacity(usize::from(total));
    for (number, data) in (1..=total).zip(datagram.chunks(room)) {
        header.concatenation = Some(Concatenation {
            reference,
            total,
            number,
        });
        let mut user_data = Vec::with_capacity(MAX_USER_DATA);
        header.encode(&mut user_data);
        user_data.extend_from_slice(data);
        segments.push(user_data);
    }
    Ok(segments)
}

/// The segments of one datagram as they come in, in any order.
#[derive(Debug, Clone)]
pub struct Assembly {
    concatenation: Concatenation,
    segments: Vec<Option<Vec<u8>>>,
}

impl Assembly {
    /// Starts with what the first segment to arrive says of the datagram.
    pub fn new(concatenation: Concatenation) -> Self {
        Self {
            concatenation,
            segments: vec![None; usize::from(concatenation.total)],
        }
    }

    /// Takes a segment; a repeated one changes nothing. The datagram is given when it is whole.
    pub fn insert(&mut self, segment: Concatenation, data: &[u8]) -> Result<Option<Vec<u8>>, PushError> {
        if segment.reference != self.concatenation.reference || segment.total != self.concatenation.total {
            return Err(PushError::ForeignSegment);
        }
        let index = usize::from(segment.number)
            .checked_sub(1)
            .ok_or(PushError::ForeignSegment)?;
        let slot = self.segments.get_mut(index).ok_or(PushError::ForeignSegment)?;
        slot.get_or_insert_with(|| data.to_vec());
        let whole = self.segments.iter().all(Option::is_some);
        Ok(whole.then(|| self.segments.iter().flatten().flatten().copied().collect()))
    }
}
