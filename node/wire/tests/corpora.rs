//! The seeds of the fuzz targets, found inputs among them, hold what the targets check.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../fuzz/checks.rs"]
mod checks;

use std::path::Path;

fn replay(target: &str, check: fn(&[u8])) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let mut count = 0;
    for entry in std::fs::read_dir(&directory).unwrap() {
        let path = entry.unwrap().path();
        println!("{}", path.display());
        check(&std::fs::read(&path).unwrap());
        count += 1;
    }
    assert!(count >= 5, "{count} seeds in {}", directory.display());
}

#[test]
fn seeds_of_mms() {
    replay("mms", checks::mms);
}

#[test]
fn seeds_of_wsp_push() {
    replay("wsp_push", checks::wsp_push);
}

#[test]
fn seeds_of_smpp() {
    replay("smpp", checks::smpp);
}

#[test]
fn seeds_of_pap() {
    replay("pap", checks::pap);
}
