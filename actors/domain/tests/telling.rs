//! Telling over time: histories 3, 5 and 17 of the consistency rules as far as they are decided here, and what holds
//! for every history.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod common;

use std::time::Duration;

use common::{DAY, NOW, notification_row, report_row, sent};
use mmsc_domain::inbox::{AttemptState, InboxRow};
use mmsc_domain::lifecycle::broken_by_telling;
use mmsc_domain::telling::{Fate, TellEvent, TellStep, TellWhy, TellingPolicy, Urgency, step};
use mmsc_domain::{UnixMillis, Why};
use proptest::prelude::*;

fn steady() -> TellingPolicy {
    TellingPolicy {
        jitter_percent: 0,
        ..TellingPolicy::default()
    }
}

fn kept(step: TellStep) -> InboxRow {
    match step.fate {
        Fate::Keep(row) => row,
        other => panic!("not kept: {other:?}"),
    }
}

#[test]
fn the_first_attempt_costs_no_commit_and_is_used_once() {
    let policy = steady();
    let row = notification_row(&policy);
    let first = step(&row, TellEvent::AttemptStarted, NOW, 0, &policy);
    assert!(first.attempt);
    assert_eq!(first.fate, Fate::Keep(row.clone()));
    // Whatever finds the row otherwise records the next attempt first.
    let found = step(&row, TellEvent::FoundWithoutOutcome, NOW, 0, &policy);
    assert!(found.attempt);
    assert_eq!(found.urgency, Urgency::Now);
    let second = kept(found);
    assert_eq!((second.attempts, second.without_outcome), (2, 1));
    // The poke comes late: the attempt is not its any more.
    assert!(!step(&second, TellEvent::AttemptStarted, NOW, 0, &policy).attempt);
}

#[test]
fn history_3_told_five_times_without_an_outcome_is_shelved_and_released() {
    let policy = steady();
    let mut row = notification_row(&policy);
    let mut attempts = 1;
    for _ in 0..4 {
        let found = step(&row, TellEvent::FoundWithoutOutcome, NOW, 0, &policy);
        assert!(found.attempt);
        attempts += 1;
        row = kept(found);
    }
    let shelved = step(&row, TellEvent::FoundWithoutOutcome, NOW, 0, &policy);
    assert_eq!((shelved.attempt, shelved.why), (false, TellWhy::Shelved));
    row = kept(shelved);
    assert_eq!(
        (attempts, row.attempts, row.last.clone()),
        (5, 5, AttemptState::Shelved)
    );
    // Nothing but an operator moves it, and expiry clears it away.
    let tomorrow = UnixMillis(row.expires_at.0 - 1);
    for event in [
        TellEvent::Due,
        TellEvent::FoundWithoutOutcome,
        TellEvent::SubscriberSeen,
        TellEvent::DestinationUp,
    ] {
        let still = step(&row, event, tomorrow, 0, &policy);
        assert_eq!((still.attempt, still.fate), (false, Fate::Keep(row.clone())));
    }
    assert_eq!(step(&row, TellEvent::Due, row.next_at, 0, &policy).fate, Fate::Remove);
    let released = step(&row, TellEvent::Released, NOW, 0, &policy);
    assert!(released.attempt);
    assert_eq!(kept(released).without_outcome, 0);
}

#[test]
fn history_3_a_clean_restart_tells_nobody_again() {
    let policy = steady();
    let told = kept(step(
        &notification_row(&policy),
        TellEvent::Sent(sent()),
        NOW,
        0,
        &policy,
    ));
    for event in [
        TellEvent::FoundWithoutOutcome,
        TellEvent::Due,
        TellEvent::SubscriberSeen,
        TellEvent::DestinationUp,
    ] {
        let again = step(&told, event, NOW.plus(Duration::from_secs(119)), 0, &policy);
        assert_eq!((again.attempt, again.fate), (false, Fate::Keep(told.clone())));
    }
    assert!(step(&told, TellEvent::Due, told.next_at, 0, &policy).attempt);
}

#[test]
fn a_clean_outcome_ends_the_row_of_crashes() {
    let policy = steady();
    let row = InboxRow {
        without_outcome: 4,
        attempts: 5,
        ..notification_row(&policy)
    };
    let told = kept(step(&row, TellEvent::Sent(sent()), NOW, 0, &policy));
    assert_eq!(told.without_outcome, 0);
    let refused = kept(step(&row, TellEvent::Failed { retry_after: None }, NOW, 0, &policy));
    assert_eq!(refused.without_outcome, 0);
    // A lost answer proves neither.
    assert_eq!(kept(step(&row, TellEvent::Unknown, NOW, 0, &policy)).without_outcome, 4);
}

#[test]
fn a_destination_that_is_down_costs_no_attempt() {
    let policy = steady();
    let mut row = notification_row(&policy);
    for _ in 0..1000 {
        let down = step(
            &row,
            TellEvent::Unavailable {
                destination: "main".to_owned(),
            },
            NOW,
            0,
            &policy,
        );
        assert_eq!((down.urgency, down.attempt), (Urgency::Now, false));
        row = kept(down);
        assert_eq!(
            (row.attempts, row.last.clone()),
            (0, AttemptState::Waiting("main".to_owned()))
        );
        let up = step(&row, TellEvent::DestinationUp, NOW, 0, &policy);
        assert!(up.attempt);
        row = kept(up);
    }
    assert_eq!(row.attempts, 1);
}

#[test]
fn a_report_is_done_when_the_bearer_took_it_over() {
    let policy = steady();
    let told = step(&report_row(&policy), TellEvent::Sent(sent()), NOW, 0, &policy);
    assert_eq!((told.fate, told.urgency), (Fate::Remove, Urgency::Lazy));
}

#[test]
fn a_receipt_that_overtakes_the_response_stays_known() {
    let policy = steady();
    let reached = kept(step(
        &notification_row(&policy),
        TellEvent::ReceiptReached,
        NOW,
        0,
        &policy,
    ));
    let answered = kept(step(&reached, TellEvent::Sent(sent()), NOW, 0, &policy));
    assert_eq!(answered.last, AttemptState::Reached);
}

#[test]
fn a_handset_that_was_away_is_told_when_it_is_seen() {
    let policy = steady();
    let told = kept(step(
        &notification_row(&policy),
        TellEvent::Sent(sent()),
        NOW,
        0,
        &policy,
    ));
    let away = step(&told, TellEvent::ReceiptNotReached, NOW, 0, &policy);
    assert_eq!(away.urgency, Urgency::Now);
    let away = kept(away);
    assert_eq!(away.next_at, NOW.plus(Duration::from_secs(120)));
    assert!(step(&away, TellEvent::SubscriberSeen, NOW, 0, &policy).attempt);
}

#[test]
fn waits_grow_as_configured() {
    let policy = steady();
    let wait = |attempts, event: TellEvent| {
        let row = InboxRow {
            attempts,
            ..notification_row(&policy)
        };
        kept(step(&row, event, NOW, 0, &policy)).next_at.since(NOW).as_secs()
    };
    let told: Vec<_> = (1..=6).map(|n| wait(n, TellEvent::Sent(sent()))).collect();
    assert_eq!(told, [120, 600, 1800, 7200, 21_600, 21_600]);
    let failed: Vec<_> = (1..=6)
        .map(|n| wait(n, TellEvent::Failed { retry_after: None }))
        .collect();
    assert_eq!(failed, [5, 30, 120, 120, 600, 1800]);
    assert_eq!(
        wait(
            1,
            TellEvent::Failed {
                retry_after: Some(Duration::from_secs(60))
            }
        ),
        60
    );
}

fn event() -> impl Strategy<Value = TellEvent> {
    prop_oneof![
        6 => Just(TellEvent::Due),
        2 => Just(TellEvent::SubscriberSeen),
        1 => Just(TellEvent::AttemptStarted),
        3 => Just(TellEvent::Sent(sent())),
        3 => prop::option::of(0_u64..100_000).prop_map(|pause| TellEvent::Failed {
            retry_after: pause.map(Duration::from_secs)
        }),
        1 => Just(TellEvent::Refused),
        2 => Just(TellEvent::Unavailable { destination: "main".to_owned() }),
        2 => Just(TellEvent::Unknown),
        2 => Just(TellEvent::ReceiptReached),
        2 => Just(TellEvent::ReceiptNotReached),
        1 => Just(TellEvent::ReceiptNever),
        2 => Just(TellEvent::DestinationUp),
        1 => Just(TellEvent::Released),
        4 => Just(TellEvent::FoundWithoutOutcome),
    ]
}

/// What an observer beside the row counts.
#[derive(Default)]
struct Observer {
    /// Attempts whose octets may have left.
    made: u32,
    /// Beyond the policy, on an operator's word.
    granted: u32,
    /// Of them in a row, whose outcome nobody recorded.
    crashes: u32,
    in_flight: bool,
}

impl Observer {
    fn saw(&mut self, event: &TellEvent, before: &InboxRow, step: &TellStep) {
        if self.in_flight {
            match event {
                TellEvent::Sent(_) | TellEvent::Failed { .. } => self.crashes = 0,
                TellEvent::Unavailable { .. } => self.made -= 1,
                TellEvent::Due | TellEvent::FoundWithoutOutcome if step.fate != Fate::Keep(before.clone()) => {
                    self.crashes += 1;
                }
                _ => {}
            }
        }
        if *event == TellEvent::ReceiptReached && before.last != AttemptState::Shelved {
            // Somebody out there has it: whichever attempt it was, it did not kill anybody.
            self.crashes = 0;
        }
        if step.attempt && step.fate != Fate::Keep(before.clone()) {
            self.made += 1;
            if *event == TellEvent::Released {
                self.granted += 1;
                self.crashes = 0;
            }
        }
        self.in_flight = matches!(&step.fate, Fate::Keep(row) if row.last == AttemptState::Made);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_telling_is_bounded(
        report: bool,
        max_attempts in 1_u32..8,
        jitter_percent in 0_u8..=100,
        lifetime in 1_u64..200_000,
        history in prop::collection::vec((event(), 0_u64..40_000, any::<u32>()), 0..60),
    ) {
        let policy = TellingPolicy { max_attempts, jitter_percent, ..TellingPolicy::default() };
        let telling = if report { report_row(&policy).telling } else { notification_row(&policy).telling };
        let mut row = InboxRow::born(telling, NOW, NOW.plus(Duration::from_secs(lifetime)), &policy);
        let mut observer = Observer { made: 1, in_flight: true, ..Observer::default() };
        let mut now = NOW;
        for (event, pause, random) in history {
            now = now.plus(Duration::from_secs(pause));
            let taken = step(&row, event.clone(), now, random, &policy);
            observer.saw(&event, &row, &taken);
            prop_assert_eq!(broken_by_telling(&row, &taken, now, observer.granted, &policy), vec![]);
            prop_assert!(observer.made <= max_attempts + observer.granted);
            if taken.attempt {
                prop_assert!(now < row.expires_at);
            }
            match taken.fate {
                Fate::Keep(next) => {
                    prop_assert_eq!(next.attempts, observer.made);
                    prop_assert_eq!(next.without_outcome, observer.crashes);
                    prop_assert_eq!(next.last == AttemptState::Shelved, observer.crashes >= 5);
                    // What was promised to the handset does not change.
                    prop_assert_eq!(&next.telling, &row.telling);
                    prop_assert_eq!((next.born_at, next.expires_at), (row.born_at, row.expires_at));
                    prop_assert!(next.next_at >= now || next.next_at == row.next_at);
                    row = next;
                }
                Fate::GiveUp(why) => {
                    prop_assert_eq!(why, Why::BearerRefused);
                    return Ok(());
                }
                Fate::Remove => return Ok(()),
            }
        }
    }

    /// Left alone with its due entries, every row comes to its end in a bounded number of commits, whatever the
    /// bearer answers.
    #[test]
    fn due_entries_alone_lead_to_the_end(answers in prop::collection::vec((0_u8..6, any::<u32>()), 1..20)) {
        let policy = TellingPolicy::default();
        let mut row = notification_row(&policy);
        for n in 0..1000 {
            let (answer, random) = answers[n % answers.len()];
            let due = step(&row, TellEvent::Due, row.next_at, random, &policy);
            let now = row.next_at;
            row = match due.fate {
                Fate::Keep(row) => row,
                Fate::Remove | Fate::GiveUp(_) => return Ok(()),
            };
            prop_assert!(row.next_at > now, "a due entry that fires again at once");
            if !due.attempt {
                continue;
            }
            let outcome = match answer {
                0 => continue,
                1 => TellEvent::Sent(sent()),
                2 => TellEvent::Failed { retry_after: None },
                3 => TellEvent::Unavailable { destination: "main".to_owned() },
                4 => TellEvent::ReceiptReached,
                _ => TellEvent::Unknown,
            };
            row = match step(&row, outcome, now, random, &policy).fate {
                Fate::Keep(row) => row,
                Fate::Remove | Fate::GiveUp(_) => return Ok(()),
            };
        }
        prop_assert!(false, "still there after 1000 due entries");
    }

    #[test]
    fn jitter_stays_within_its_percentage(percent: u8, random: u32) {
        let policy = TellingPolicy { jitter_percent: percent, ..TellingPolicy::default() };
        let row = InboxRow { expires_at: NOW.plus(30 * DAY), ..notification_row(&policy) };
        let told = kept(step(&row, TellEvent::Sent(sent()), NOW, random, &policy));
        let spread = 1200 * u128::from(percent.min(50));
        let wait = told.next_at.since(NOW).as_millis();
        prop_assert!((120_000 - spread..=120_000 + spread).contains(&wait), "{wait}");
    }
}
