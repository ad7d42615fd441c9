//! Scenarios: the real binary on free ports, driven over its real protocols, one behaviour per file.
//!
//! A scenario tells what happened, line by line, and its story is compared with `goldens/<name>.txt`. Nothing that varies
//! from run to run (ports, ids, times, sizes of memory) is told; what is measured is printed and bounded by an assertion.
//! `MMSC_BLESS=1` writes the stories down as the new goldens. Each scenario has a node of its own, so that the test
//! harness may run as many at a time as there are processors.
//!
//! A new scenario is a file with `pub async fn run(story: &mut Story)` and its name in the list below.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    missing_docs
)]

mod pdu;
mod rig;
mod story;
mod wire;

macro_rules! scenarios {
    ($($name:ident)*) => {
        $(mod $name;)*

        mod scenario {
            $(
                #[tokio::test]
                async fn $name() {
                    let mut story = crate::story::Story::default();
                    crate::$name::run(&mut story).await;
                    story.compare(stringify!($name));
                }
            )*

            /// A golden that no scenario tells any more proves nothing.
            #[test]
            fn every_golden_has_its_scenario() {
                crate::story::no_golden_beside(&[$(stringify!($name)),*]);
            }
        }
    };
}

scenarios! {
    submit_to_report
    identity
    smuggling
    heads_without_end
    pipelining
    oversize
    slow_peers
    idle_connections
    many_recipients
    hostile_addresses
    foreign_retrieval
    notification_flood
    unreadable_pdus
}
