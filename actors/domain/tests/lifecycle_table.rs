//! The whole state × event table of a copy as a golden file.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::fmt::Write;
use std::time::Duration;

use common::{NOW, assert_golden};
use mmsc_domain::lifecycle::{
    CopyEvent, CopyState, Effect, Facts, Final, Leads, Timers, Undeliverable, broken_by_step, step,
};
use mmsc_domain::{UnixMillis, Why};

const HEADER: &str = "\
# What happens to a copy: every state, every event. Written by `UPDATE_GOLDEN=1 cargo test -p mmsc-domain`.
#
# The base case: the copy leads to a subscriber of ours (a Forwarding one to a peer), the originator wants a report and
# the recipient allows it, its own due entry (Served, Forwarding) has just come, expiry is a day away, no delivery time
# was asked for. Below it stands every single departure from the base case that changes the answer.
# `-` as next state: no move. `illegal`: counted and refused.
";

fn states() -> Vec<CopyState> {
    let finals = [
        Final::Retrieved,
        Final::Rejected,
        Final::Forwarded,
        Final::Expired,
        Final::Deleted,
        Final::Cancelled,
        Final::Undeliverable(Undeliverable::Unreachable),
        Final::Undeliverable(Undeliverable::Unrecognised),
        Final::Undeliverable(Undeliverable::Indeterminate),
        Final::Converted,
    ];
    [
        CopyState::Screening,
        CopyState::Scheduled,
        CopyState::Telling,
        CopyState::Deferred,
        CopyState::Served,
        CopyState::Adapting,
        CopyState::Forwarding,
    ]
    .into_iter()
    .chain(finals.into_iter().map(CopyState::Final))
    .collect()
}

fn base(state: &CopyState) -> Facts {
    let own_due = matches!(state, CopyState::Served | CopyState::Forwarding);
    Facts {
        leads: if *state == CopyState::Forwarding {
            Leads::Peer
        } else {
            Leads::Here
        },
        expires_at: NOW.plus(Duration::from_secs(86_400)),
        deliver_at: None,
        due_at: own_due.then_some(NOW),
        report_wanted: true,
        report_refused: false,
        timers: Timers::default(),
    }
}

/// Departures from the base case that can occur in `state`.
fn departures(state: &CopyState) -> Vec<(&'static str, Facts)> {
    let base = base(state);
    let later = NOW.plus(Duration::from_secs(60));
    let mut list = vec![
        (
            "no report wanted",
            Facts {
                report_wanted: false,
                ..base
            },
        ),
        (
            "recipient refuses reports",
            Facts {
                report_refused: true,
                ..base
            },
        ),
        (
            "expired",
            Facts {
                expires_at: NOW,
                ..base
            },
        ),
    ];
    match state {
        CopyState::Screening | CopyState::Scheduled => list.extend([
            (
                "leads to a peer",
                Facts {
                    leads: Leads::Peer,
                    ..base
                },
            ),
            (
                "no route",
                Facts {
                    leads: Leads::Nowhere(Why::NoRoute),
                    ..base
                },
            ),
            (
                "unknown subscriber",
                Facts {
                    leads: Leads::Nowhere(Why::UnknownSubscriber),
                    ..base
                },
            ),
            (
                "recipient barred",
                Facts {
                    leads: Leads::Nowhere(Why::RecipientPolicy),
                    ..base
                },
            ),
            (
                "delivery time in 60 s",
                Facts {
                    deliver_at: Some(later),
                    ..base
                },
            ),
        ]),
        CopyState::Served | CopyState::Forwarding => list.extend([
            (
                "own due entry in 60 s",
                Facts {
                    due_at: Some(later),
                    ..base
                },
            ),
            (
                "expiry in 60 s",
                Facts {
                    expires_at: later,
                    ..base
                },
            ),
        ]),
        CopyState::Telling | CopyState::Deferred | CopyState::Adapting => {
            list.push((
                "expiry in 60 s",
                Facts {
                    expires_at: later,
                    ..base
                },
            ));
        }
        CopyState::Final(_) => {}
    }
    list
}

fn effect(effect: &Effect) -> String {
    match effect {
        Effect::SetDue(at) => format!("SetDue(+{} s)", at.since(NOW).as_secs()),
        Effect::Notify | Effect::StopTelling | Effect::HandToPeer | Effect::Report(_) | Effect::ClearDue => {
            format!("{effect:?}")
        }
    }
}

fn answer(state: &CopyState, event: CopyEvent, facts: &Facts) -> String {
    match step(state, event, NOW, facts) {
        Err(_) => "illegal".to_owned(),
        Ok(step) => {
            assert_eq!(broken_by_step(state, facts, &step), [], "{state:?} {event:?} {facts:?}");
            let next = if step.next == *state {
                "-".to_owned()
            } else {
                format!("{:?}", step.next)
            };
            let effects: Vec<_> = step.effects.iter().map(effect).collect();
            format!("{next:<36} {:<22} [{}]", format!("{:?}", step.why), effects.join(" "))
        }
    }
}

#[test]
fn the_table_is_as_reviewed() {
    let mut table = HEADER.to_owned();
    for state in states() {
        writeln!(table, "\n## {state:?}").unwrap();
        for event in CopyEvent::ALL {
            let usual = answer(&state, event, &base(&state));
            writeln!(table, "{:<30} {usual}", format!("{event:?}")).unwrap();
            for (name, facts) in departures(&state) {
                let unusual = answer(&state, event, &facts);
                if unusual != usual {
                    writeln!(table, "    {name:<26} {unusual}").unwrap();
                }
            }
        }
    }
    assert_golden("lifecycle.txt", table.as_bytes());
}

/// Whatever it is and whatever happened: once its time is over, one due entry ends it.
#[test]
fn expiry_ends_every_state() {
    for state in states() {
        let facts = Facts {
            expires_at: UnixMillis(NOW.0 - 1),
            ..base(&state)
        };
        let step = step(&state, CopyEvent::Due, NOW, &facts).unwrap();
        assert!(step.next.is_final(), "{state:?}");
    }
}
