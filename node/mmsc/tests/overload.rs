//! Three times what a node with few credits takes: refusals in the protocol's words, bounded memory, and every accepted
//! message reaches its end.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

use mmsc_drills::overload::OverloadDrill;
use mmsc_ports::Ports;

/// How much the node may grow: far more than what its credits allow, far less than a queue without bound would take in
/// the time (each message has 30 KiB).
const GROWTH_BYTES: u64 = 192 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn overload_is_refused_in_words_and_what_is_accepted_ends() {
    let dir = tempfile::tempdir().unwrap();
    let drill = OverloadDrill::new(env!("CARGO_BIN_EXE_mmsc"), dir.path());
    let report = drill.run(&Ports::real()).await.unwrap();
    println!("{report}");
    assert!(
        report.refused > 0,
        "nothing was refused, so nothing was shown: {report}"
    );
    assert_eq!((report.odd, report.unanswered), (0, 0), "{report}");
    let grown = report.resident_most_bytes.saturating_sub(report.resident_before_bytes);
    assert!(grown < GROWTH_BYTES, "{report}");
    assert!(report.verdict.holds(), "{report}");
    assert!(report.verdict.accepted > 0, "{report}");
    assert_eq!(report.verdict.reports, report.verdict.accepted, "{report}");
}
