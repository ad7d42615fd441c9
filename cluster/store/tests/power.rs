//! Power cuts at every change that a short history makes to the disk, with several fates of what was not synced.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

mod common;

use common::{Model, check_after_crash, history, observe, open, run_all};
use mmsc_store::sim::{Loss, SimDisk};

/// Opens, runs the history, and closes; how many steps were acknowledged.
async fn live(disk: &SimDisk) -> usize {
    let Ok(store) = open(disk) else { return 0 };
    let acknowledged = run_all(&store, &history()).await;
    store.close().await;
    acknowledged
}

#[tokio::test]
async fn the_history_runs_through_recycling_and_compaction() {
    let disk = SimDisk::new();
    assert_eq!(live(&disk).await, history().len());
    let store = open(&disk).unwrap();
    assert_eq!(observe(&store).await, Model::after(&history()));
    let segments = disk
        .files()
        .iter()
        .filter(|(path, _)| path.extension().is_some_and(|e| e == "seg"))
        .count();
    assert!(segments < 8, "segments are used again, and emptied: {segments}");
}

async fn cut_everywhere(loss_of: impl Fn(u64) -> Loss) {
    let whole = SimDisk::new();
    live(&whole).await;
    let changes = whole.changes();
    assert!(changes > 100, "{changes}");
    for cut in 0..changes {
        let disk = SimDisk::new();
        disk.cut_at(cut);
        let acknowledged = live(&disk).await;
        let loss = loss_of(cut);
        disk.restore(loss);
        check_after_crash(
            &disk,
            &history(),
            acknowledged,
            &format!("cut {cut} of {changes}, {loss:?}"),
        )
        .await;
    }
}

#[tokio::test]
async fn a_cut_at_any_change_that_loses_everything_unsynced() {
    cut_everywhere(|_| Loss::All).await;
}

#[tokio::test]
async fn a_cut_at_any_change_that_loses_nothing() {
    cut_everywhere(|_| Loss::Nothing).await;
}

#[tokio::test]
async fn a_cut_at_any_change_that_tears_and_reorders() {
    cut_everywhere(Loss::Torn).await;
}

#[tokio::test]
async fn h13_a_power_cut_during_recovery_leads_to_the_same_state_after_the_next_start() {
    let whole = SimDisk::new();
    live(&whole).await;
    for cut in (40..whole.changes()).step_by(37) {
        let disk = SimDisk::new();
        disk.cut_at(cut);
        let acknowledged = live(&disk).await;
        disk.restore(Loss::Torn(cut));
        let undisturbed = check_after_crash(&disk.fork(), &history(), acknowledged, "undisturbed").await;
        for again in 0.. {
            let disk = disk.fork();
            disk.cut_at(disk.changes() + again);
            let recovered = open(&disk).is_ok();
            if recovered && !disk.is_off() {
                break;
            }
            disk.restore(if again % 3 == 0 { Loss::All } else { Loss::Torn(again) });
            let what = format!("cut {cut}, then {again} changes into recovery");
            let seen = check_after_crash(&disk, &history(), acknowledged, &what).await;
            assert_eq!(seen, undisturbed, "{what}");
        }
    }
}
