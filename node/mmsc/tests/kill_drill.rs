//! `kill -9` of the real node at twenty random moments under load, on one store, and an audit of what was promised.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use mmsc_drills::kill::KillDrill;
use mmsc_ports::Ports;

const KILLS: u32 = 20;
const IN_FLIGHT: usize = 50;
const ACCEPTED: u64 = 2000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_accepted_is_lost_when_the_node_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let drill = KillDrill {
        kills: KILLS,
        in_flight: IN_FLIGHT,
        accepted: ACCEPTED,
        ..KillDrill::new(env!("CARGO_BIN_EXE_mmsc"), dir.path())
    };
    let report = drill.run(&Ports::real()).await.unwrap();
    println!("{report}");
    assert!(report.holds(), "{report}");
    assert_eq!(report.in_flight.len(), KILLS as usize);
    assert!(
        report.in_flight.iter().all(|flying| *flying >= IN_FLIGHT),
        "{:?}",
        report.in_flight
    );
    assert!(report.verdict.accepted >= ACCEPTED, "{report}");
    // Every accepted message came through whole, to its end.
    assert!(report.verdict.retrieved >= report.verdict.accepted, "{report}");
    assert_eq!(report.verdict.reports, report.verdict.accepted, "{report}");
}

/// The drill's own test: a node that starts with an empty store after each kill is found out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_forgets_is_found_out() {
    let dir = tempfile::tempdir().unwrap();
    let forgetful = dir.path().join("forgetful");
    let store = dir.path().join("store");
    let script = format!(
        "#!/bin/sh\nrm -rf '{}'\nexec '{}' \"$@\"\n",
        store.display(),
        env!("CARGO_BIN_EXE_mmsc")
    );
    std::fs::write(&forgetful, script).unwrap();
    std::fs::set_permissions(&forgetful, std::fs::Permissions::from_mode(0o755)).unwrap();
    let drill = KillDrill {
        kills: 2,
        accepted: 200,
        drain: Duration::from_secs(1),
        ..KillDrill::new(forgetful, dir.path())
    };
    let report = drill.run(&Ports::real()).await.unwrap();
    println!("{report}");
    assert!(report.verdict.lost > 0 && !report.holds(), "{report}");
}
