//! A cancelled message that a handset has: the handset is asked to remove it (m-cancel-req, MM1 digest 17).

use std::time::Duration;

use mmsc_domain::inbox::{Cancel, InboxItemId, InboxKind, InboxRow, Telling};
use mmsc_domain::{CopyIndex, Why};

use crate::context::Stop;
use crate::mm::change::Change;
use crate::mm::work::Outcome;
use crate::terminals;

/// X-Mms-MMS-Version of 1.3: older handsets discard the PDU, or stumble over it.
const MMS_1_3: u8 = 0x93;

/// So long a handset is asked that does not answer: who has not removed the message after a day has read it.
const ASKED_FOR: Duration = Duration::from_secs(24 * 3600);

impl Change<'_> {
    /// Asks the recipient's handset to remove the copy, once, and only one that is known to speak 1.3.
    pub async fn take_back(&mut self, index: CopyIndex) -> Result<(), Stop> {
        let Some(copy) = self.copy(index).await? else {
            return Ok(());
        };
        let mut copy = copy.clone();
        let address = copy.recipient.address.clone();
        let version = terminals::mms_version(self.ctx, self.txn, &address).await?;
        if copy.taken_back || version.is_none_or(|version| version < MMS_1_3) {
            return Ok(());
        }
        // The answer finds the copy as long as the tombstone stands.
        let tombstone = self.head.expires_at.plus(self.ctx.policy.retention_record);
        let until = self.now.plus(ASKED_FOR).min(tombstone);
        let telling = Telling::Cancel(Cancel {
            mm: self.head.id,
            token: copy.token,
        });
        let row = InboxRow::born(telling, self.now, until, &self.ctx.policy.telling);
        let id = InboxItemId {
            kind: InboxKind::Cancel,
            mm: self.head.id,
            copy: index,
        };
        copy.told_due_at = Some(row.next_at);
        copy.taken_back = true;
        self.insert(copy, true);
        self.note(Some(index), Why::Cancelled);
        self.put_into_inbox(address, id, row);
        Ok(())
    }

    /// The handset answered: it is not asked again.
    pub async fn take_back_answered(&mut self, index: CopyIndex) -> Result<Outcome, Stop> {
        let Some(copy) = self.copy(index).await?.filter(|copy| copy.taken_back) else {
            return Ok(Outcome::NotThere);
        };
        let mut copy = copy.clone();
        self.clear_told(&mut copy, InboxKind::Cancel).await?;
        self.insert(copy, true);
        Ok(Outcome::Done)
    }
}
