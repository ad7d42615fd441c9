//! One store, one process: the second is refused with a clear message, and the first goes on.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod common;

use common::{Process, get};

#[test]
fn a_store_in_use_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let sets = ["smsc.main.address=127.0.0.1:1"];
    let first = Process::node(directory.path(), &sets);
    let ops = first.ready()["ops"].as_str().unwrap().to_owned();
    let (status, out, errors) = Process::node(directory.path(), &sets).end();
    assert_eq!(status.code(), Some(1), "{errors}");
    assert_eq!(out, "");
    assert!(errors.contains("in use by another process"), "{errors}");
    assert!(
        errors.contains(directory.path().to_str().unwrap()),
        "the store is named: {errors}"
    );
    assert_eq!(get(&ops, "/readyz").0, 200);

    // A killed process leaves no lock behind.
    drop(first);
    assert_eq!(Process::node(directory.path(), &sets).ready()["ready"], true);
}

#[test]
fn a_store_that_cannot_be_made_is_named_with_its_key() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "no directory").unwrap();
    let (status, out, errors) = Process::node(&file, &["smsc.main.address=127.0.0.1:1"]).end();
    assert_eq!((status.code(), out.as_str()), (Some(1), ""), "{errors}");
    let named = format!("store.path = \"{}\"", file.join("store").display());
    assert!(errors.contains(&named), "{errors}");
    assert!(errors.contains("making the store's directory"), "{errors}");
}
