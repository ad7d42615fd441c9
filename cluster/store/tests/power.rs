//! Power cuts at every change that a short history makes to the disk, with several fates of what was not synced, and
//! with one, two and three segments kept ready ahead of the log.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

mod common;

use common::{Model, check_after_crash_with, history, observe, open, open_with, options, ready, run_all};
use mmsc_store::EmbeddedOptions;
use mmsc_store::sim::{Loss, SimDisk};

/// Opens, runs the history, and closes; how many steps were acknowledged.
async fn live(disk: &SimDisk, options: &EmbeddedOptions) -> usize {
    let Ok(store) = open_with(disk, options.clone()) else {
        return 0;
    };
    let acknowledged = run_all(&store, &history()).await;
    store.close().await;
    acknowledged
}

#[tokio::test]
async fn the_history_runs_through_recycling_and_compaction() {
    let disk = SimDisk::new();
    assert_eq!(live(&disk, &options()).await, history().len());
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
    for segments in [1, 2, 3] {
        let options = ready(segments);
        let whole = SimDisk::new();
        live(&whole, &options).await;
        let changes = whole.changes();
        assert!(changes > 100, "{changes}");
        for cut in 0..changes {
            let disk = SimDisk::new();
            disk.cut_at(cut);
            let acknowledged = live(&disk, &options).await;
            let loss = loss_of(cut);
            disk.restore(loss);
            let what = format!("{segments} ready, cut {cut} of {changes}, {loss:?}");
            check_after_crash_with(&options, &disk, &history(), acknowledged, &what).await;
        }
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

/// The power goes at every change of a recovery; the next recovery leads to what an undisturbed one leads to.
async fn cut_recovery_everywhere(disk: &SimDisk, options: &EmbeddedOptions, acknowledged: usize, what: &str) {
    let steps = history();
    let undisturbed = check_after_crash_with(options, &disk.fork(), &steps, acknowledged, "undisturbed").await;
    for again in 0.. {
        for loss in [Loss::All, Loss::Nothing, Loss::Torn(again)] {
            let disk = disk.fork();
            disk.cut_at(disk.changes() + again);
            let recovered = open_with(&disk, options.clone()).is_ok();
            if recovered && !disk.is_off() {
                return;
            }
            disk.restore(loss);
            let what = format!("{what}, then {again} changes into recovery, {loss:?}");
            let seen = check_after_crash_with(options, &disk, &steps, acknowledged, &what).await;
            assert_eq!(seen, undisturbed, "{what}");
        }
    }
}

#[tokio::test]
async fn h13_a_power_cut_during_recovery_leads_to_the_same_state_after_the_next_start() {
    for segments in [1, 2, 3] {
        let options = ready(segments);
        let whole = SimDisk::new();
        live(&whole, &options).await;
        for cut in (40..whole.changes()).step_by(37) {
            let disk = SimDisk::new();
            disk.cut_at(cut);
            let acknowledged = live(&disk, &options).await;
            disk.restore(Loss::Torn(cut));
            cut_recovery_everywhere(&disk, &options, acknowledged, &format!("{segments} ready, cut {cut}")).await;
        }
    }
}
