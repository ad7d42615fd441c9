//! Who may import whom. The folders of the repository are its architecture; this holds them to it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// What each crate may depend on inside the workspace. `None`: anything.
fn allowed() -> BTreeMap<&'static str, Option<Vec<&'static str>>> {
    let place = ["mmsc-ports", "mmsc-store", "mmsc-ring"];
    let actors = ["mmsc-domain", "mmsc-relay"];
    BTreeMap::from([
        ("mmsc-ports", Some(vec![])),
        ("mmsc-domain", Some(vec![])),
        ("mmsc-wire", Some(vec![])),
        ("mmsc-store", Some(vec!["mmsc-ports"])),
        ("mmsc-ring", Some(vec!["mmsc-ports", "mmsc-store"])),
        ("mmsc-relay", Some([&["mmsc-domain"][..], &place[..]].concat())),
        (
            "mmsc-interfaces",
            Some([&["mmsc-wire", "mmsc-ports"][..], &actors[..]].concat()),
        ),
        ("mmsc-peers", Some(vec!["mmsc-wire", "mmsc-ports"])),
        ("mmsc-admin", Some([&actors[..], &place[..]].concat())),
        ("mmsc-drills", Some(vec!["mmsc-admin", "mmsc-peers"])),
        ("mmsc", None),
        ("mmsc-load", None),
        ("mmsc-micro", None),
    ])
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn crates_depend_only_along_the_arrows() {
    let metadata = metadata();
    let allowed = allowed();
    let packages = metadata["packages"].as_array().unwrap();
    let names: BTreeSet<&str> = packages
        .iter()
        .map(|package| package["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        allowed.keys().copied().collect(),
        "every crate has its arrows here"
    );
    let mut wrong = Vec::new();
    for package in packages {
        let name = package["name"].as_str().unwrap();
        for dependency in package["dependencies"].as_array().unwrap() {
            let on = dependency["name"].as_str().unwrap();
            let for_tests = dependency["kind"] == "dev";
            let fine = match &allowed[name] {
                None => !matches!(on, "mmsc-load" | "mmsc-micro"),
                Some(list) => {
                    list.contains(&on) || (for_tests && matches!(on, "mmsc-store" | "mmsc-ring" | "mmsc-ports"))
                }
            };
            if names.contains(on) && !fine {
                wrong.push(format!("{name} -> {on}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn nothing_outside_its_place() {
    let mut wrong = Vec::new();
    let mut files = 0;
    for file in sources(&root()) {
        files += 1;
        let text = std::fs::read_to_string(&file).unwrap();
        let path = file.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
        for (number, line) in text.lines().enumerate() {
            if let Some(why) = forbidden(&path, line.trim_start()) {
                wrong.push(format!("{path}:{}: {why}", number + 1));
            }
        }
    }
    assert!(files > 50, "the scan found only {files} files");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Source files of crates, without their tests.
fn sources(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = ["cluster", "actors", "node", "ops"]
        .iter()
        .map(|top| root.join(top))
        .collect();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let skipped = ["tests", "target", "fuzz", "examples", "benches"].contains(&name.as_str());
            if path.is_dir() && !skipped {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") && name != "tests.rs" {
                found.push(path);
            }
        }
    }
    found
}

fn forbidden(path: &str, line: &str) -> Option<&'static str> {
    if line.starts_with("//") {
        return None;
    }
    let uses = |what: &str| line.contains(what);
    let pure = path.starts_with("actors/domain/") || path.starts_with("node/wire/");
    if pure
        && ["tokio::", "ractor::", "hyper::", "foundationdb::"]
            .iter()
            .any(|outside| uses(outside))
    {
        return Some("the domain and the codecs know no runtime, network or store");
    }
    if path.starts_with("actors/")
        && ["std::net::Tcp", "std::net::Udp", "std::fs", "tokio::net", "tokio::fs"]
            .iter()
            .any(|io| uses(io))
    {
        return Some("actors touch neither sockets nor files");
    }
    if !path.starts_with("cluster/store/") && uses("foundationdb::") {
        return Some("FoundationDB stays inside the store");
    }
    interface_of(path).filter(|own| (1..=11).any(|n| n != *own && uses(&format!("crate::mm{n}::"))))?;
    Some("interfaces meet only through commands of the domain")
}

/// Which interface a file belongs to.
fn interface_of(path: &str) -> Option<u32> {
    let rest = path.strip_prefix("node/interfaces/src/mm")?;
    rest.split(['/', '.']).next()?.parse().ok()
}
