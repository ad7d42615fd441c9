//! `mmsc decode`, the real binary: 0 decoded, 1 refused with offset and reason, never anything else.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

fn mmsc(arguments: &[&str], input: Option<&[u8]>) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_mmsc"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A command that does not read its input may have ended already.
    let _written = stdin.write_all(input.unwrap_or_default());
    drop(stdin);
    child.wait_with_output().unwrap()
}

/// The hand-built vectors, and the captured ones where they are.
fn sets() -> Vec<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let fixtures = here.join("../wire/tests/fixtures/mm1");
    assert!(
        fixtures.join("index.md").is_file(),
        "the fixtures are in the repository"
    );
    let captured = std::env::var_os("MMSC_VECTORS").map_or_else(|| here.join("../../../shared/vectors"), PathBuf::from);
    let captured = captured.join("mm1");
    if captured.join("index.md").is_file() {
        vec![fixtures, captured]
    } else {
        println!("skipped: no captured vectors at {}", captured.display());
        vec![fixtures]
    }
}

/// Name and lines of each block of an index.
fn blocks(directory: &Path) -> Vec<(String, Vec<String>)> {
    let index = std::fs::read_to_string(directory.join("index.md")).unwrap();
    let (_, decoded) = index.split_once("## Decoded values").unwrap();
    let mut blocks = Vec::new();
    for section in decoded.split("\n### ").skip(1) {
        let name = section.lines().next().unwrap().to_owned();
        if let Some(code) = section.split("```").nth(1) {
            blocks.push((name, code.lines().map(str::to_owned).collect()));
        }
    }
    blocks
}

/// An unnamed octet of the index, `- (0x80)`, stands for any name of the same octet.
fn equal(expected: &str, found: &str) -> bool {
    match expected.strip_prefix("- (") {
        Some(octet) => found.ends_with(&format!(" ({octet}")),
        None => expected.trim_end() == found.trim_end(),
    }
}

fn format_of(name: &str) -> Option<&'static str> {
    match Path::new(name).extension()?.to_str()? {
        "mms" => Some("mms"),
        "wsp" => Some("wsp-push"),
        _ => None,
    }
}

#[test]
fn json_has_the_values_of_the_index() {
    let (mut files, mut values) = (0, 0);
    for directory in sets() {
        for (name, lines) in blocks(&directory) {
            let Some(format) = format_of(&name) else { continue };
            let path = directory.join(&name);
            let output = mmsc(&["decode", "--as", format, "--json", path.to_str().unwrap()], None);
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(0), "{name}: {told}");
            let json: Value = serde_json::from_slice(&output.stdout).unwrap();
            let fields: Vec<(&str, &str)> = json["fields"]
                .as_array()
                .unwrap()
                .iter()
                .map(|field| (field["name"].as_str().unwrap(), field["value"].as_str().unwrap()))
                .collect();
            let expected: Vec<(&str, &str)> = lines
                .iter()
                .filter(|line| !line.starts_with(' ') && !line.starts_with("WSP "))
                .filter_map(|line| line.split_once(": "))
                .collect();
            assert_eq!(fields.len(), expected.len(), "{name}: {fields:?}\n{expected:?}");
            for ((field, value), (wanted_field, wanted)) in fields.iter().zip(&expected) {
                assert_eq!(field, wanted_field, "{name}");
                // The second decoder behind the index took the count of a counted text for its character set.
                let counted = *wanted == "'no such message' {charset mib(1)}";
                let wanted = format!(" {wanted}")
                    .replace(" b'", " '")
                    .replace("wk3e", "application/vnd.wap.mms-message");
                assert!(
                    counted || equal(wanted.trim_start(), value),
                    "{name}: {field}: {value:?}, not {wanted:?}"
                );
                values += 1;
            }
            let kind = expected[0].1.split(' ').next().unwrap();
            assert!(kind == "-" || json["type"] == kind, "{name}: {}", json["type"]);
            check_parts(&json, &std::fs::read(&path).unwrap(), &name);
            files += 1;
        }
    }
    println!("{values} values in {files} files");
    assert!(files >= 25, "only {files} files");
}

/// Size and digest of each part are those of the octets that stand at its offset.
fn check_parts(json: &Value, octets: &[u8], name: &str) {
    for part in json["parts"].as_array().unwrap() {
        let offset = usize::try_from(part["offset"].as_u64().unwrap()).unwrap();
        let size = usize::try_from(part["size"].as_u64().unwrap()).unwrap();
        let digest: String = Sha256::digest(&octets[offset..offset + size])
            .iter()
            .map(|octet| format!("{octet:02x}"))
            .collect();
        assert_eq!(part["sha256"], digest.as_str(), "{name}");
        assert!(
            part["content_type"].is_string() && part["headers"].is_array(),
            "{name}: {part}"
        );
    }
}

#[test]
fn the_tree_names_parts_with_size_and_digest() {
    let file = sets()[0].join("send-req-13-all-fields.mms");
    let octets = std::fs::read(&file).unwrap();
    // Standard input: with a dash, and with nothing.
    let dash = mmsc(&["decode", "--as", "mms", "-"], Some(&octets));
    let nothing = mmsc(&["decode", "--as", "mms"], Some(&octets));
    let named = mmsc(&["decode", "--as", "mms", file.to_str().unwrap()], None);
    assert_eq!(named.status.code(), Some(0));
    assert_eq!(named.stdout, dash.stdout);
    assert_eq!(named.stdout, nothing.stdout);
    let text = String::from_utf8(named.stdout).unwrap();
    assert!(text.starts_with("X-Mms-Message-Type: m-send-req (0x80)\n"), "{text}");
    assert!(text.contains("  [0] hlen=") && text.contains("  [0] sha256="), "{text}");
}

#[test]
fn whatever_is_refused_ends_with_one_and_says_where() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, octets: &[u8]| {
        let path = directory.path().join(name);
        std::fs::write(&path, octets).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let whole = std::fs::read(sets()[0].join("send-req-13-all-fields.mms")).unwrap();
    let empty = file("empty", b"");
    let noise = file("noise", &[0xFF; 300]);
    let cut = file("cut", &whole[..40]);
    let text = file("text", b"GET / HTTP/1.1\r\n\r\n");
    let folder = directory.path().to_str().unwrap().to_owned();
    for arguments in [
        vec!["decode", "--as", "mms", &empty],
        vec!["decode", "--as", "mms", &noise],
        vec!["decode", "--as", "mms", &cut],
        vec!["decode", "--as", "wsp-push", &cut],
        vec!["decode", "--as", "wsp-push", "--json", &text],
        vec!["decode", "--as", "mms", "--json", &cut],
        vec!["decode", "--as", "mms", &folder],
        vec!["decode", "--as", "mms", "/nonexistent/file"],
        vec!["decode", "--as", "no-such-format", &cut],
        vec!["decode", "--nonsense"],
        vec!["decode"],
    ] {
        let output = mmsc(&arguments, Some(b""));
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {told}");
        assert!(told.contains("offset "), "{arguments:?}: {told}");
        let json = arguments.contains(&"--json");
        assert!(
            !json || output.stdout.is_empty(),
            "{arguments:?}: half an answer for a script"
        );
    }
}

/// Every prefix of a real message: zero or one, and nothing else. (The codec's own tests go through every octet.)
#[test]
fn every_tenth_prefix_is_decoded_or_refused() {
    let whole = std::fs::read(sets()[0].join("send-req-13-all-fields.mms")).unwrap();
    for end in (0..whole.len()).step_by(10) {
        let output = mmsc(&["decode", "--as", "mms", "--json"], Some(&whole[..end]));
        let code = output.status.code();
        assert!(code == Some(0) || code == Some(1), "prefix of {end}: {code:?}");
        assert_eq!(code == Some(1), output.stdout.is_empty(), "prefix of {end}");
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let directory = sets()[0].clone();
    let mut child = Command::new(env!("CARGO_BIN_EXE_mmsc"))
        .args([
            "decode",
            "--as",
            "mms",
            directory.join("send-req-13-all-fields.mms").to_str().unwrap(),
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn config_check_ends_with_zero_or_one() {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ops/deploy/single-node.toml");
    let shipped = shipped.to_str().unwrap();
    assert_eq!(mmsc(&["config", "check", shipped], None).status.code(), Some(0));
    let wrong = mmsc(
        &[
            "config",
            "check",
            shipped,
            "--set",
            "mm1.listn=off",
            "--set",
            "ops.listen=x",
        ],
        None,
    );
    assert_eq!(wrong.status.code(), Some(1));
    let told = String::from_utf8_lossy(&wrong.stderr);
    assert!(
        told.contains("did you mean mm1.listen?") && told.contains("ops.listen: expected"),
        "{told}"
    );
    assert_eq!(mmsc(&["config", "check", "/nonexistent"], None).status.code(), Some(1));
    assert_eq!(mmsc(&["config", "check"], None).status.code(), Some(1));
}
