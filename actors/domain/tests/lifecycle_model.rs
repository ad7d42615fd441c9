//! `step` against a model that is written differently: a table of letters and a simulated copy.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod common;

use std::time::Duration;

use common::NOW;
use mmsc_domain::inbox::DeliveryStatus;
use mmsc_domain::lifecycle::{CopyEvent, CopyState, Effect, Facts, Final, Leads, Timers, broken_by_step, step};
use mmsc_domain::{UnixMillis, Why};
use proptest::prelude::*;

/// One row for each state, one column for each event in the order of `CopyEvent::ALL`:
/// Granted Denied Due | Served Broken | Retrieved Deferred Rejected Unrecognised | TellingFailed | Deleted Forwarded |
/// Cancel | Peer: Accepted Refused Unknown | Adapted NotAdapted.
/// `x` illegal, `.` nothing; `g` `t` `s` `f` decide by the facts; `p` tries the peer later; capital letters lead to the
/// state of that letter, small finals after a slash would be ambiguous, so finals are digits.
const TABLE: [(char, &str); 8] = [
    //     Gr De Du  Se Br  Re De Re Un  Te  De Fo  Ca  Ac Re Un  Ad No
    ('N', "g  2  t   x  x   x  x  x  x   x   x  x   6   x  x  x   x  x"),
    ('W', "x  x  g   x  x   x  x  x  x   x   x  x   7   x  x  x   x  x"),
    ('T', "x  x  t   S  .   1  D  3  5   4   8  9   7   x  x  x   x  x"),
    ('D', "x  x  t   S  .   1  .  3  5   .   8  9   7   x  x  x   x  x"),
    ('S', "x  x  s   .  .   1  .  3  .   .   8  9   7   x  x  x   x  x"),
    ('A', "x  x  t   S  .   1  D  3  5   .   8  9   7   x  x  x   D  D"),
    ('P', "x  x  f   x  x   x  x  x  x   x   x  x   7   0  e  p   x  x"),
    ('!', ".  .  .   .  .   .  .  .  .   .   .  .   .   .  .  .   .  ."),
];

/// How it ends, by letter: what a report would say, whether a refusal of reports silences it, whether it is reported
/// on at all.
fn ending(letter: char) -> (DeliveryStatus, bool, bool) {
    match letter {
        '0' => (DeliveryStatus::Forwarded, false, false),
        '1' => (DeliveryStatus::Retrieved, true, true),
        '2' | '6' | '7' => (DeliveryStatus::Indeterminate, false, false),
        '3' | 'b' | '8' => (DeliveryStatus::Rejected, true, true),
        '4' => (DeliveryStatus::Unreachable, false, true),
        '5' => (DeliveryStatus::Unrecognised, false, true),
        '9' => (DeliveryStatus::Forwarded, true, true),
        'e' => (DeliveryStatus::Indeterminate, false, true),
        'o' => (DeliveryStatus::Expired, false, true),
        other => panic!("no ending {other}"),
    }
}

/// A copy as the outside sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    state: char,
    told: bool,
    due_at: Option<UnixMillis>,
    reports: Vec<DeliveryStatus>,
    handed: u32,
}

const NEW: Seen = Seen {
    state: 'N',
    told: false,
    due_at: None,
    reports: Vec::new(),
    handed: 0,
};

struct Model {
    seen: Seen,
    leads: Leads,
    expires_at: UnixMillis,
    deliver_at: Option<UnixMillis>,
    wanted: bool,
    refused: bool,
}

impl Model {
    /// False: illegal.
    fn event(&mut self, column: usize, now: UnixMillis) -> bool {
        let (_, row) = TABLE.iter().find(|(state, _)| *state == self.seen.state).unwrap();
        let cell = row.split_whitespace().nth(column).unwrap().chars().next().unwrap();
        match cell {
            'x' => return false,
            '.' => {}
            'g' => self.start(now),
            't' if now >= self.expires_at => self.end('o'),
            't' => {}
            's' if now >= self.expires_at || self.seen.due_at.is_none_or(|at| now >= at) => self.end('1'),
            's' => {}
            'f' if now >= self.expires_at => self.end('o'),
            'f' if self.seen.due_at.is_some_and(|at| now < at) => {}
            'f' => self.hand_over(now),
            'p' => self.due_in(60, now),
            'S' => {
                self.seen.state = 'S';
                self.seen.told = false;
                self.due_in(300, now);
            }
            'D' => {
                self.seen.state = 'D';
                self.seen.told = false;
            }
            last => self.end(last),
        }
        true
    }

    fn start(&mut self, now: UnixMillis) {
        let early = self.deliver_at.is_some_and(|at| at > now);
        match self.leads {
            _ if now >= self.expires_at => self.end('o'),
            Leads::Nowhere(Why::RecipientPolicy) if self.seen.state == 'N' || !early => self.end('b'),
            Leads::Nowhere(_) if self.seen.state == 'N' || !early => self.end('4'),
            _ if early => self.seen.state = 'W',
            Leads::Here => {
                self.seen.state = 'T';
                self.seen.told = true;
            }
            _ => self.hand_over(now),
        }
    }

    fn hand_over(&mut self, now: UnixMillis) {
        self.seen.state = 'P';
        self.seen.handed += 1;
        self.due_in(60, now);
    }

    fn due_in(&mut self, seconds: u64, now: UnixMillis) {
        self.seen.due_at = Some(now.plus(Duration::from_secs(seconds)).min(self.expires_at));
    }

    fn end(&mut self, how: char) {
        let screening = self.seen.state == 'N';
        let (status, silenced, reported) = ending(how);
        // Whoever is still waiting for the answer to the submission learns of an expiry by that answer.
        let answered = screening && matches!(how, '2' | '6');
        if self.wanted && reported && !answered && !(silenced && self.refused) {
            self.seen.reports.push(status);
        }
        self.seen = Seen {
            state: '!',
            told: false,
            due_at: None,
            ..self.seen.clone()
        };
    }
}

/// The real thing, seen in the same way.
fn apply(seen: &mut Seen, state: &CopyState, effects: &[Effect]) {
    for effect in effects {
        match effect {
            Effect::Notify => seen.told = true,
            Effect::StopTelling => seen.told = false,
            Effect::HandToPeer => seen.handed += 1,
            Effect::Report(status) => seen.reports.push(*status),
            Effect::SetDue(at) => seen.due_at = Some(*at),
            Effect::ClearDue => seen.due_at = None,
        }
    }
    seen.state = match state {
        CopyState::Screening => 'N',
        CopyState::Scheduled => 'W',
        CopyState::Telling => 'T',
        CopyState::Deferred => 'D',
        CopyState::Served => 'S',
        CopyState::Adapting => 'A',
        CopyState::Forwarding => 'P',
        CopyState::Final(_) => '!',
    };
}

fn leads() -> impl Strategy<Value = Leads> {
    prop_oneof![
        6 => Just(Leads::Here),
        3 => Just(Leads::Peer),
        1 => Just(Leads::Nowhere(Why::NoRoute)),
        1 => Just(Leads::Nowhere(Why::RecipientPolicy)),
    ]
}

/// Mostly what really happens, in an order that nobody promised.
fn history() -> impl Strategy<Value = Vec<(usize, u64)>> {
    let event = prop_oneof![3 => Just(2_usize), 4 => 3_usize..10, 1 => 0_usize..18, 1 => 13_usize..16];
    let pause = prop_oneof![Just(0_u64), 1_u64..400, 1_u64..90_000];
    prop::collection::vec((event, pause), 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn step_and_model_agree(
        leads in leads(),
        expires in 1_u64..200_000,
        deliver in prop::option::of(0_u64..100_000),
        wanted: bool,
        refused: bool,
        adapting: bool,
        history in history(),
    ) {
        let at = |seconds| NOW.plus(Duration::from_secs(seconds));
        let mut model = Model {
            seen: NEW,
            leads,
            expires_at: at(expires),
            deliver_at: deliver.map(at),
            wanted,
            refused,
        };
        let (mut state, mut real, mut now) = (CopyState::Screening, NEW, NOW);
        let mut first = vec![(0, 0)];
        if adapting && leads == Leads::Here {
            // Nothing leads into Adapting before there is a transcoder, but what leads out of it is decided.
            state = CopyState::Adapting;
            real.state = 'A';
            model.seen.state = 'A';
            first.clear();
        }
        let end = (2, expires + 1);
        for (column, pause) in first.into_iter().chain(history).chain([end]) {
            now = now.plus(Duration::from_secs(pause));
            let facts = Facts {
                leads,
                expires_at: model.expires_at,
                deliver_at: model.deliver_at,
                due_at: real.due_at,
                report_wanted: wanted,
                report_refused: refused,
                timers: Timers::default(),
            };
            let before = real.clone();
            match step(&state, CopyEvent::ALL[column], now, &facts) {
                Ok(step) => {
                    prop_assert_eq!(broken_by_step(&state, &facts, &step), vec![]);
                    prop_assert!(model.event(column, now));
                    apply(&mut real, &step.next, &step.effects);
                    state = step.next;
                }
                Err(_) => prop_assert!(!model.event(column, now)),
            }
            prop_assert_eq!(&real, &model.seen);
            if before.state == '!' {
                prop_assert_eq!(&real, &before);
            }
            prop_assert!(real.reports.len() <= 1);
        }
        prop_assert!(state.is_final(), "expiry is the end: {:?}", state);
        prop_assert_eq!(real.due_at, None);
        prop_assert!(!real.told);
        if leads == Leads::Here && matches!(state, CopyState::Final(Final::Retrieved)) {
            prop_assert_eq!(real.reports.len(), usize::from(wanted && !refused));
        }
    }
}
