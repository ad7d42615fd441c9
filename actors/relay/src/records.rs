//! Rows that only the tree reads, and reading rows at all.

use bytes::Bytes;
use minicbor::{Decode, Encode};
use mmsc_domain::command::Accepted;
use mmsc_domain::mmbox::Stored;
use mmsc_domain::{MmId, UnixMillis};
use mmsc_store::Txn;

use crate::context::Stop;

/// The first answer to a submission, given again to its repeats.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct DuplicateRow {
    /// The MM that was made of it.
    #[n(0)]
    pub id: MmId,
    /// When.
    #[n(1)]
    pub at: UnixMillis,
    /// Recipients that were left out.
    #[n(2)]
    pub refused_recipients: Vec<String>,
    /// What became of the wish to store it; none in rows of nodes that stored nothing.
    #[n(3)]
    pub stored: Option<Stored>,
}

impl DuplicateRow {
    /// The answer that was given.
    pub fn answer(self) -> Accepted {
        Accepted {
            id: self.id,
            refused_recipients: self.refused_recipients,
            stored: self.stored,
        }
    }
}

/// Why something lies on the shelf.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ShelfNote {
    /// Since when.
    #[n(0)]
    pub at: UnixMillis,
    /// In words for operators.
    #[n(1)]
    pub reason: String,
}

/// A record as octets.
pub fn encode<T: minicbor::Encode<()>>(record: &T) -> Bytes {
    let mut octets = Vec::with_capacity(256);
    // Writing to a Vec cannot fail.
    let _infallible = minicbor::encode(record, &mut octets);
    octets.into()
}

/// The record under `key`, read with conflict.
pub async fn read<T>(txn: &Txn, key: Bytes) -> Result<Option<T>, Stop>
where
    T: for<'b> minicbor::Decode<'b, ()>,
{
    match txn.get(&key).await? {
        None => Ok(None),
        Some(row) => decode(&row, key).map(Some),
    }
}

/// A record from a row; `key` names it if it cannot be read.
pub fn decode<T>(row: &[u8], key: Bytes) -> Result<T, Stop>
where
    T: for<'b> minicbor::Decode<'b, ()>,
{
    minicbor::decode(row).map_err(|_unreadable| Stop::Unreadable(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mmsc_domain::Token;

    #[test]
    fn a_duplicate_row_of_before_there_were_stores_is_read() {
        let id = [0x50; 17];
        let mut old = vec![0xA3, 0x00];
        old.extend_from_slice(&id);
        old.extend_from_slice(&[0x01, 0x18, 99, 0x02, 0x81, 0x61, b'x']);
        let row: DuplicateRow = minicbor::decode(&old).unwrap();
        let first = row.clone().answer();
        assert_eq!(
            (row.at, first.refused_recipients.len(), first.stored),
            (UnixMillis(99), 1, None)
        );
        let stored = Some(Stored::At(Token([7; 16])));
        let new = DuplicateRow { stored, ..row };
        assert_eq!(minicbor::decode::<DuplicateRow>(&encode(&new)).unwrap(), new);
    }
}
