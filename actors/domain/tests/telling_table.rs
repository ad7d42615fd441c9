//! The whole table of telling as a golden file.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::fmt::Write;
use std::time::Duration;

use common::{NOW, assert_golden, notification_row, report_row, sent};
use mmsc_domain::inbox::{AttemptState, InboxRow};
use mmsc_domain::lifecycle::broken_by_telling;
use mmsc_domain::telling::{Fate, TellEvent, TellingPolicy, step};

const HEADER: &str = "\
# When a handset is told: every state of an inbox row's last attempt, every event. Written by
# `UPDATE_GOLDEN=1 cargo test -p mmsc-domain`.
#
# The base case: a notification with 2 attempts recorded, 1 in a row without an outcome, due now, its expiry a day away,
# no jitter. Below it stands every single departure from the base case that changes the answer.
# The answer: what becomes of the row (`-`: unchanged) with attempts/without outcome and the wait until it is due;
# `attempt` if one is made after that commit; `lazy` if it may wait for another commit; why.
";

fn policy() -> TellingPolicy {
    TellingPolicy {
        jitter_percent: 0,
        max_attempts: 10,
        ..TellingPolicy::default()
    }
}

fn lasts() -> [AttemptState; 6] {
    [
        AttemptState::Made,
        AttemptState::Sent(sent()),
        AttemptState::Failed,
        AttemptState::Waiting("main".to_owned()),
        AttemptState::Reached,
        AttemptState::Shelved,
    ]
}

fn events() -> Vec<TellEvent> {
    let destination = "main".to_owned();
    vec![
        TellEvent::AttemptStarted,
        TellEvent::Due,
        TellEvent::FoundWithoutOutcome,
        TellEvent::SubscriberSeen,
        TellEvent::DestinationUp,
        TellEvent::Released,
        TellEvent::Sent(sent()),
        TellEvent::Failed { retry_after: None },
        TellEvent::Failed {
            retry_after: Some(Duration::from_secs(77)),
        },
        TellEvent::Unknown,
        TellEvent::Unavailable { destination },
        TellEvent::Refused,
        TellEvent::ReceiptReached,
        TellEvent::ReceiptNotReached,
        TellEvent::ReceiptNever,
    ]
}

fn base(last: &AttemptState) -> InboxRow {
    InboxRow {
        attempts: 2,
        without_outcome: 1,
        last: last.clone(),
        next_at: NOW,
        ..notification_row(&policy())
    }
}

fn departures(last: &AttemptState) -> Vec<(&'static str, InboxRow)> {
    let base = base(last);
    let report = InboxRow {
        telling: report_row(&policy()).telling,
        ..base.clone()
    };
    vec![
        ("a delivery report", report),
        (
            "attempt 1, newborn",
            InboxRow {
                attempts: 1,
                without_outcome: 0,
                ..base.clone()
            },
        ),
        (
            "attempt 5",
            InboxRow {
                attempts: 5,
                ..base.clone()
            },
        ),
        (
            "no attempt left",
            InboxRow {
                attempts: 10,
                ..base.clone()
            },
        ),
        (
            "4 without outcome",
            InboxRow {
                without_outcome: 4,
                ..base.clone()
            },
        ),
        (
            "due in 10 min",
            InboxRow {
                next_at: NOW.plus(Duration::from_secs(600)),
                ..base.clone()
            },
        ),
        (
            "expiry in 3 s",
            InboxRow {
                expires_at: NOW.plus(Duration::from_secs(3)),
                ..base.clone()
            },
        ),
        (
            "expired",
            InboxRow {
                expires_at: NOW,
                ..base
            },
        ),
    ]
}

fn last(state: &AttemptState) -> &'static str {
    match state {
        AttemptState::Made => "Made",
        AttemptState::Sent(_) => "Sent",
        AttemptState::Failed => "Failed",
        AttemptState::Waiting(_) => "Waiting",
        AttemptState::Reached => "Reached",
        AttemptState::Shelved => "Shelved",
    }
}

fn answer(row: &InboxRow, event: TellEvent) -> String {
    let step = step(row, event.clone(), NOW, 0, &policy());
    assert_eq!(
        broken_by_telling(row, &step, NOW, 1, &policy()),
        [],
        "{row:?} {event:?}"
    );
    let fate = match &step.fate {
        Fate::Keep(next) if next == row => "-".to_owned(),
        Fate::Keep(next) => format!(
            "{} {}/{} due +{} s",
            last(&next.last),
            next.attempts,
            next.without_outcome,
            next.next_at.since(NOW).as_secs()
        ),
        Fate::Remove => "removed".to_owned(),
        Fate::GiveUp(why) => format!("given up: {why:?}"),
    };
    let attempt = if step.attempt { "attempt" } else { "" };
    let urgency = if fate == "-" {
        String::new()
    } else {
        format!("{:?}", step.urgency).to_lowercase()
    };
    format!("{fate:<28} {attempt:<8} {urgency:<5} {:?}", step.why)
}

fn name(event: &TellEvent) -> String {
    match event {
        TellEvent::Sent(_) => "Sent".to_owned(),
        TellEvent::Failed { retry_after: None } => "Failed".to_owned(),
        TellEvent::Failed {
            retry_after: Some(pause),
        } => format!("Failed, again in {} s", pause.as_secs()),
        TellEvent::Unavailable { .. } => "Unavailable".to_owned(),
        other => format!("{other:?}"),
    }
}

#[test]
fn the_table_is_as_reviewed() {
    let mut table = HEADER.to_owned();
    for state in lasts() {
        writeln!(table, "\n## {}", last(&state)).unwrap();
        for event in events() {
            let usual = answer(&base(&state), event.clone());
            writeln!(table, "{:<26} {usual}", name(&event)).unwrap();
            for (departure, row) in departures(&state) {
                let unusual = answer(&row, event.clone());
                if unusual != usual {
                    writeln!(table, "    {departure:<22} {unusual}").unwrap();
                }
            }
        }
    }
    let lines: Vec<_> = table.lines().map(str::trim_end).collect();
    assert_golden("telling.txt", (lines.join("\n") + "\n").as_bytes());
}
