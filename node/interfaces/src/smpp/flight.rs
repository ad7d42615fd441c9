//! One push on a link: its segments, what became of each, and what that makes of the whole.

use std::time::Duration;

use mmsc_wire::smpp::ShortMessage;
use tokio::sync::oneshot;

use super::correlation::PushId;
use super::memory::Around;
use super::replies::Verdict;
use crate::bearer::Push;

/// A push on its way to one link.
pub(super) struct Job {
    pub(super) push: Push,
    /// The handset's digits.
    pub(super) number: String,
    /// Concatenation reference, next of the number's counter.
    pub(super) reference: u16,
    /// To be answered by then (monotonic).
    pub(super) deadline: Duration,
    pub(super) reply: oneshot::Sender<Verdict>,
}

/// One push with its segments.
pub(super) struct Flight {
    pub(super) job: Job,
    segments: Vec<Segment>,
    validity: Duration,
    /// Set with the first segment.
    begun: bool,
    pub(super) correlated: Option<PushId>,
    pub(super) outstanding: usize,
    /// Decided, but responses are still awaited.
    pub(super) verdict: Option<Verdict>,
}

struct Segment {
    message: ShortMessage,
    /// Its token was taken, together with those of the others.
    paid: bool,
    /// Sent once more after a refused time or optional parameter.
    mended: bool,
    taken: Option<String>,
}

impl Segment {
    fn new(message: ShortMessage) -> Self {
        Self {
            message,
            paid: false,
            mended: false,
            taken: None,
        }
    }
}

impl Flight {
    pub(super) fn new(job: Job, messages: Vec<ShortMessage>, validity: Duration) -> Self {
        Self {
            segments: messages.into_iter().map(Segment::new).collect(),
            job,
            validity,
            begun: false,
            correlated: None,
            outstanding: 0,
            verdict: None,
        }
    }

    /// All tokens with the first segment, none with the others, one for a repetition.
    pub(super) fn tokens(&self, segment: usize) -> usize {
        match (self.begun, self.segments.get(segment)) {
            (false, _) => self.segments.len(),
            (true, Some(segment)) if segment.paid => 0,
            (true, _) => 1,
        }
    }

    /// Asked right before octets leave.
    pub(super) fn must_not_go(&self) -> Option<Verdict> {
        let nothing_out = !self.begun;
        if nothing_out && self.job.reply.is_closed() {
            return Some(Verdict::NotMade);
        }
        match (self.job.push.gate.is_open(), nothing_out) {
            (true, _) => None,
            (false, true) => Some(Verdict::GateClosed),
            (false, false) => Some(Verdict::Unknown),
        }
    }

    /// The first octets are about to leave: all tokens are paid, and receipts will be awaited.
    pub(super) fn begin(&mut self, around: &mut Around<'_>) {
        if self.begun {
            return;
        }
        self.begun = true;
        for segment in &mut self.segments {
            segment.paid = true;
        }
        // Bits 0 and 1: a final receipt is asked for.
        if around.config.registered_delivery & 0x03 != 0 {
            let until = around.now + self.validity + around.config.timers.receipt_grace;
            let correlation = &mut around.memory.correlation;
            self.correlated = Some(correlation.begin(self.job.push.to.clone(), self.segments.len(), until));
        }
    }

    /// The segment to send; its token is paid from here on.
    pub(super) fn pay(&mut self, segment: usize) -> Option<ShortMessage> {
        let segment = self.segments.get_mut(segment)?;
        segment.paid = true;
        Some(segment.message.clone())
    }

    /// It will be sent again, and paid for again.
    pub(super) fn unpay(&mut self, segment: usize) {
        if let Some(segment) = self.segments.get_mut(segment) {
            segment.paid = false;
        }
    }

    pub(super) fn take(&mut self, segment: usize, message_id: &str) {
        if let Some(segment) = self.segments.get_mut(segment) {
            segment.taken = Some(message_id.to_owned());
        }
    }

    /// The ids of all segments, once every one is taken.
    pub(super) fn all_taken(&self) -> Option<Vec<String>> {
        if self.verdict.is_some() {
            return None;
        }
        self.segments.iter().map(|segment| segment.taken.clone()).collect()
    }

    /// Leaves something out of a segment; false if there was nothing to leave out, or for the second time.
    pub(super) fn mend(&mut self, segment: usize, leave_out: fn(&mut ShortMessage) -> bool) -> bool {
        let Some(segment) = self.segments.get_mut(segment) else {
            return false;
        };
        leave_out(&mut segment.message) && !std::mem::replace(&mut segment.mended, true)
    }

    /// The deadline passed while it waited for the pace, or for an answer.
    pub(super) fn overdue(&self) -> Verdict {
        if self.outstanding > 0 {
            Verdict::Unknown
        } else {
            self.partly(Verdict::Held)
        }
    }

    /// The bind went away while nothing of it was out.
    pub(super) fn cut_off(&self) -> Verdict {
        self.verdict.clone().unwrap_or_else(|| self.partly(Verdict::NotMade))
    }

    /// More than one short message.
    pub(super) fn is_long(&self) -> bool {
        self.segments.len() > 1
    }

    /// Once a segment was taken over, an unfinished push is a failed one.
    fn partly(&self, nothing_taken: Verdict) -> Verdict {
        match self.segments.iter().any(|segment| segment.taken.is_some()) {
            true => Verdict::Transient,
            false => nothing_taken,
        }
    }
}
