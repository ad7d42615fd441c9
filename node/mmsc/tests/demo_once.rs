//! `mmsc demo`: the first message travels, every step is shown, and what is printed to be pasted works.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod common;

use std::process::{Command, Stdio};

use common::Process;

#[test]
fn one_message_goes_all_the_way() {
    let directory = tempfile::tempdir().unwrap();
    let given = directory.path().join("a demo");
    let (status, out, errors) = Process::start(&["demo", "--once", given.to_str().unwrap()]).end();
    assert_eq!(status.code(), Some(0), "{out}\n{errors}");
    let mut rest = out.as_str();
    for step in [
        "SMPP bind to the built-in SMSC",
        "→ Alice (+15550100001) submits a picture to Bob",
        "← m-send-conf Ok, stored durably. Message-ID ",
        "← SMPP: WAP push to Bob",
        "m-notification-ind: ",
        "→ Bob fetches it: GET /",
        "← m-retrieve-conf, ",
        "→ Bob acknowledges",
        "m-delivery-ind at Alice: ",
        "The first message is through",
    ] {
        let found = rest.split_once(step);
        rest = found
            .unwrap_or_else(|| panic!("{step:?} does not come in its turn in\n{out}\n{errors}"))
            .1;
    }
    // The digest stands there twice: as sent, and as fetched.
    let digests: Vec<&str> = out
        .lines()
        .filter_map(|line| line.split_once("SHA-256 of its parts "))
        .map(|d| d.1)
        .collect();
    assert_eq!(digests.len(), 2, "{out}");
    assert_eq!(digests[0], digests[1]);
    assert!(given.join("store").is_dir(), "a given directory is kept");
}

#[test]
fn what_it_prints_can_be_pasted() {
    if Command::new("curl")
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_err()
    {
        println!("skipped: no curl");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let demo = Process::start(&["demo", directory.path().to_str().unwrap()]);
    let paste = |line: &str| {
        let output = Command::new("sh")
            .arg("-c")
            .arg(line)
            .current_dir(directory.path())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{line}: {text}");
        text
    };
    // Alice to Bob again: his handset does the rest, and posting it twice changes nothing.
    let to_bob = demo.line_with("curl -s --data-binary");
    let to_carol = demo.line_with("curl -s --data-binary");
    let readyz = demo.line_with("/readyz");
    let metrics = demo.line_with("/metrics");
    let first = paste(&to_bob);
    assert!(
        first.contains("m-send-conf") && first.contains("X-Mms-Response-Status: Ok (0x80)"),
        "{first}"
    );
    demo.line_with("→ Bob acknowledges");
    demo.line_with("m-delivery-ind at Alice: ");
    assert_eq!(paste(&to_bob), first, "a repeat gets the first answer again");

    // To Carol: her message waits to be fetched with the printed command.
    assert!(paste(&to_carol).contains("Ok (0x80)"));
    let fetch = demo.line_with("curl -s -H 'X-MSISDN: +15550100003'");
    paste(&fetch);
    let tree = paste(&format!("{} decode --as mms fetched.mms", env!("CARGO_BIN_EXE_mmsc")));
    assert!(tree.contains("m-retrieve-conf") && tree.contains("image/png"), "{tree}");

    assert!(paste(&readyz).contains("{\"ready\":true}"));
    assert!(paste(&metrics).contains("mmsc_relay_accepted_total 3"));
    demo.signal("INT");
    let (status, _, errors) = demo.end();
    assert_eq!(status.code(), Some(0), "{errors}");
}

#[test]
fn a_temporary_directory_is_removed() {
    let directory = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_mmsc"))
        .args(["demo", "--once"])
        .env("TMPDIR", directory.path())
        .output()
        .unwrap();
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}
