//! Short messages put together to pushes.

use std::collections::BTreeMap;

use mmsc_wire::push::segment::{Assembly, Concatenation, Ports, Reference, UserDataHeader};
use mmsc_wire::smpp::{ShortMessage, esm_class, tag};

/// Unfinished pushes that are kept at most; the oldest go first.
const MAX_UNFINISHED: usize = 10_000;

/// What one short message makes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// A whole WSP push, of so many segments.
    Whole {
        /// The WSP PDU.
        wsp: Vec<u8>,
        /// How many short messages carried it.
        segments: u8,
    },
    /// Others are still missing.
    Partial,
    /// No WAP push: the reason.
    Odd(String),
}

/// Which datagram a segment belongs to: destination, source, reference, total.
type Key = (String, String, u16, u8);

/// The unfinished pushes.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    unfinished: BTreeMap<Key, (u64, Assembly)>,
    counter: u64,
}

impl Assembler {
    /// Takes the user data of a `submit_sm`.
    pub(super) fn take(&mut self, message: &ShortMessage) -> Piece {
        match cut(message) {
            Err(reason) => Piece::Odd(reason),
            Ok((_, ports, _)) if ports.is_none_or(|ports| ports.destination != Ports::WAP_PUSH.destination) => {
                Piece::Odd(format!("not for the push port: {ports:?}"))
            }
            Ok((None, _, data)) => Piece::Whole {
                wsp: data.to_vec(),
                segments: 1,
            },
            Ok((Some(concatenation), _, data)) => self.add(message, concatenation, data),
        }
    }

    fn add(&mut self, message: &ShortMessage, concatenation: Concatenation, data: &[u8]) -> Piece {
        let reference = match concatenation.reference {
            Reference::Octet(reference) => u16::from(reference),
            Reference::Word(reference) => reference,
        };
        let (destination, source) = (message.destination.addr.clone(), message.source.addr.clone());
        let key = (destination, source, reference, concatenation.total);
        self.counter += 1;
        let counter = self.counter;
        let (_, assembly) = self
            .unfinished
            .entry(key.clone())
            .or_insert_with(|| (counter, Assembly::new(concatenation)));
        match assembly.insert(concatenation, data) {
            Ok(Some(wsp)) => {
                self.unfinished.remove(&key);
                Piece::Whole {
                    wsp,
                    segments: concatenation.total,
                }
            }
            Ok(None) => {
                self.forget_oldest();
                Piece::Partial
            }
            Err(error) => Piece::Odd(error.to_string()),
        }
    }

    fn forget_oldest(&mut self) {
        if self.unfinished.len() <= MAX_UNFINISHED {
            return;
        }
        let oldest = self.unfinished.iter().min_by_key(|(_, (age, _))| *age);
        if let Some(key) = oldest.map(|(key, _)| key.clone()) {
            self.unfinished.remove(&key);
        }
    }
}

type Cut<'a> = (Option<Concatenation>, Option<Ports>, &'a [u8]);

/// Header and data, whether the header stands in the user data or in TLVs (digest 2.1 a to c).
fn cut(message: &ShortMessage) -> Result<Cut<'_>, String> {
    let user_data = message.user_data();
    if message.esm_class & esm_class::UDHI != 0 {
        let (header, data) = UserDataHeader::decode(user_data).map_err(|error| error.to_string())?;
        return Ok((header.concatenation, header.ports, data));
    }
    let word = |number: u16| message.tlv(number).and_then(|value| value.first_chunk::<2>());
    let octet = |number: u16| message.tlv(number).and_then(|value| value.first().copied());
    let ports = word(tag::DESTINATION_PORT).map(|destination| Ports {
        destination: u16::from_be_bytes(*destination),
        source: word(tag::SOURCE_PORT).map_or(0, |source| u16::from_be_bytes(*source)),
    });
    let concatenation = match (
        word(tag::SAR_MSG_REF_NUM),
        octet(tag::SAR_TOTAL_SEGMENTS),
        octet(tag::SAR_SEGMENT_SEQNUM),
    ) {
        (Some(reference), Some(total), Some(number)) if total > 1 => Some(Concatenation {
            reference: Reference::Word(u16::from_be_bytes(*reference)),
            total,
            number,
        }),
        _ => None,
    };
    Ok((concatenation, ports, user_data))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mmsc_wire::push::segment::segment;

    fn message(user_data: Vec<u8>) -> ShortMessage {
        ShortMessage {
            esm_class: esm_class::UDHI,
            short_message: user_data,
            ..ShortMessage::default()
        }
    }

    fn whole(wsp: &[u8], segments: u8) -> Piece {
        Piece::Whole {
            wsp: wsp.to_vec(),
            segments,
        }
    }

    #[test]
    fn segments_in_any_order_make_the_push() {
        let wsp: Vec<u8> = (0..=255).collect();
        let mut segments = segment(&wsp, Ports::WAP_PUSH, Reference::Octet(9)).unwrap();
        segments.reverse();
        let mut assembler = Assembler::default();
        let pieces: Vec<Piece> = segments
            .into_iter()
            .map(|data| assembler.take(&message(data)))
            .collect();
        assert_eq!(pieces, [Piece::Partial, whole(&wsp, 2)]);
        assert!(assembler.unfinished.is_empty());
    }

    #[test]
    fn one_segment_is_a_push_and_another_port_is_none() {
        let mut assembler = Assembler::default();
        let one = segment(b"abc", Ports::WAP_PUSH, Reference::Octet(1)).unwrap().remove(0);
        assert_eq!(assembler.take(&message(one)), whole(b"abc", 1));
        let ports = Ports {
            destination: 5505,
            source: 1,
        };
        let other = segment(b"abc", ports, Reference::Octet(1)).unwrap().remove(0);
        assert!(matches!(assembler.take(&message(other)), Piece::Odd(_)));
        assert!(matches!(assembler.take(&message(vec![9, 1])), Piece::Odd(_)));
    }

    #[test]
    fn what_never_gets_whole_does_not_grow_without_bound() {
        let mut assembler = Assembler::default();
        let wsp = [0; 300];
        for reference in 0..=u16::MAX {
            let first = segment(&wsp, Ports::WAP_PUSH, Reference::Word(reference))
                .unwrap()
                .remove(0);
            assembler.take(&message(first));
            if reference == 10_200 {
                break;
            }
        }
        assert_eq!(assembler.unfinished.len(), MAX_UNFINISHED);
    }
}
