//! Restore: what is no finished backup is refused, and what was changed in one afterwards is found.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

#[path = "common/backups.rs"]
mod backups;
mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use backups::{BACKUP, back_up, engine, look, names_in, restore_from};
use bytes::Bytes;
use common::{Step, body, history, observe, open_with, options, run, run_all};
use mmsc_ports::disk::{Disk as _, FileUse};
use mmsc_store::embedded::Pipeline;
use mmsc_store::sim::{Loss, SimDisk};
use mmsc_store::{BackupError, EmbeddedOptions, Engine, OperationId, Store, StoreError};

#[tokio::test]
async fn what_is_no_finished_backup_is_named_for_what_it_is() {
    let disk = SimDisk::new();
    let engine = engine(&disk, options());
    let why = |from: &str| match restore_from(&disk, from, "/to") {
        Err(error @ BackupError::NotABackup { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    };
    assert!(why("/nowhere").contains("neither"), "{}", why("/nowhere"));
    assert!(why("/store").contains("it is a store"), "{}", why("/store"));
    back_up(&engine).unwrap();
    let opened = EmbeddedOptions {
        path: BACKUP.into(),
        ..options()
    };
    drop(open_with(&disk, opened).unwrap());
    assert!(why(BACKUP).contains("opened as one"), "{}", why(BACKUP));
    disk.remove(&Path::new(BACKUP).join("STORE")).unwrap();
    disk.open(&Path::new(BACKUP).join("BACKUP"), FileUse::CREATE).unwrap();
    assert!(why(BACKUP).contains("never finished"), "{}", why(BACKUP));
}

#[tokio::test]
async fn a_flipped_bit_in_a_backup_is_found_or_changes_nothing() {
    let disk = SimDisk::new();
    let engine = engine(&disk, options());
    let store = Store::new(Arc::clone(&engine) as Arc<dyn Engine>);
    run_all(&store, &history()).await;
    back_up(&engine).unwrap();
    let expected = observe(&store).await;
    let (mut found, mut harmless) = (BTreeMap::new(), 0);
    for (path, len) in disk.files() {
        if !path.starts_with(BACKUP) {
            continue;
        }
        let step = (len / 150).max(1);
        for offset in (0..len).step_by(usize::try_from(step).unwrap()) {
            let disk = disk.fork();
            disk.restore(Loss::Nothing);
            disk.flip(&path, offset, u8::try_from(offset % 8).unwrap());
            match restore_from(&disk, BACKUP, "/restored") {
                Err(error) => {
                    assert!(names_in(&disk, "/restored").is_empty(), "{error}");
                    *found.entry(path.clone()).or_insert(0) += 1;
                }
                Ok(_) => {
                    harmless += 1;
                    assert_eq!(look(&disk, "/restored").await, expected, "{} {offset}", path.display());
                }
            }
        }
    }
    // Every file of the backup was found out at least once: there is none that nobody looks at.
    for (path, _) in disk.files() {
        assert!(
            !path.starts_with(BACKUP) || found.contains_key(&path),
            "{}",
            path.display()
        );
    }
    println!("{found:?}, {harmless} harmless");
}

#[tokio::test]
async fn every_octet_of_content_and_a_missing_file_are_found() {
    let disk = SimDisk::new();
    let engine = engine(&disk, options());
    let store = Store::new(Arc::clone(&engine) as Arc<dyn Engine>);
    run(&store, Step::Put(1)).await.unwrap();
    back_up(&engine).unwrap();
    let segment = Path::new(BACKUP).join("log-0000000000000001.seg");
    let octets = disk.contents(&segment).unwrap();
    let needle = body(1);
    let at = octets.windows(needle.len()).position(|part| part == needle).unwrap();
    for offset in at..at + needle.len() {
        let disk = disk.fork();
        disk.restore(Loss::Nothing);
        disk.flip(&segment, offset as u64, 3);
        let damaged = restore_from(&disk, BACKUP, "/restored");
        assert!(matches!(damaged, Err(BackupError::Damaged(_))), "{offset}: {damaged:?}");
    }
    for name in ["log-0000000000000001.seg", "rows.redb"] {
        let disk = disk.fork();
        disk.restore(Loss::Nothing);
        disk.remove(&Path::new(BACKUP).join(name)).unwrap();
        let damaged = restore_from(&disk, BACKUP, "/restored");
        assert!(matches!(damaged, Err(BackupError::Damaged(_))), "{name}: {damaged:?}");
    }
}

#[tokio::test]
async fn content_from_a_time_of_larger_segments_is_backed_up_into_one_that_is_large_enough() {
    let disk = SimDisk::new();
    let large = EmbeddedOptions {
        segment_bytes: 1024 * 1024,
        ..options()
    };
    let store = open_with(&disk, large).unwrap();
    let octets = Bytes::from(vec![7u8; 200_000]);
    let staged = store.stage(octets.clone()).await.unwrap();
    let id = staged.id;
    let put = store.transact(OperationId([3; 16]), |txn| {
        let staged = staged.clone();
        async move {
            txn.adopt(staged, mmsc_store::Holder("one".into()));
            Ok::<_, StoreError>(())
        }
    });
    drop(put.await.unwrap());
    store.close().await;
    drop(staged);
    let engine = engine(&disk, options());
    back_up(&engine).unwrap();
    restore_from(&disk, BACKUP, "/restored").unwrap();
    let restored = EmbeddedOptions {
        path: "/restored".into(),
        ..options()
    };
    assert_eq!(restored.pipeline, Pipeline::Inline);
    let store = open_with(&disk, restored).unwrap();
    assert_eq!(store.content(id, 0..u64::MAX).await.unwrap(), octets);
}
