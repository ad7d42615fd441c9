//! A handset on a library that we did not write (python-messaging 0.5.13) submits to a real node, and reads our
//! notifications, messages and reports. The library is fetched from its package index once, checked, and translated to
//! Python 3; without Python, the index or the translator one line says `skipped: …`.
//!
//! `MMSC_PYTHON_MESSAGING` names a directory that holds the translated package instead.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use mmsc_peers::Msisdn;
use mmsc_peers::handset::{Client, Told, notify_response};
use mmsc_peers::message::{Order, Template};
use mmsc_peers::node::NodeSetup;
use mmsc_peers::smsc::{Push, Smsc, SmscSettings};
use mmsc_ports::Ports;
use mmsc_wire::mms::Status;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;

const LIMIT: Duration = Duration::from_secs(60);
const PACKAGE: &str = "python-messaging";
const VERSION: &str = "0.5.13";
const SHA256: &str = "c08fd1457da7146e0d8a6a49aeea2545a080d5df932c20382c3567e46aee79a0";
const SMIL_AND_TEXT: [&str; 2] = ["application/smil", "text/plain"];

/// The library, or why it is not to be had.
fn library() -> Result<PathBuf, String> {
    if let Some(dir) = std::env::var_os("MMSC_PYTHON_MESSAGING") {
        return Ok(dir.into());
    }
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{PACKAGE}-{VERSION}"));
    let ready = home.join("ready");
    if ready.join("messaging").is_dir() {
        return Ok(ready);
    }
    std::fs::create_dir_all(&home).map_err(|error| error.to_string())?;
    let sdist = home.join(format!("{PACKAGE}-{VERSION}.tar.gz"));
    if !sdist.exists() {
        let wanted = format!("{PACKAGE}=={VERSION}");
        let options = ["download", "--quiet", "--no-deps", "--no-binary", ":all:"];
        run(Command::new("timeout")
            .args(["60", "python3", "-m", "pip"])
            .args(options)
            .args(["--dest", &home.display().to_string(), &wanted]))?;
    }
    let found = hex(&Sha256::digest(
        std::fs::read(&sdist).map_err(|error| error.to_string())?,
    ));
    if found != SHA256 {
        return Err(format!("{} has the digest {found}", sdist.display()));
    }
    // Made under another name, so that an interrupted run leaves nothing that looks ready.
    let draft = tempfile::tempdir_in(&home).map_err(|error| error.to_string())?;
    run(Command::new("tar").arg("xzf").arg(&sdist).arg("-C").arg(draft.path()))?;
    let unpacked = draft.path().join(format!("{PACKAGE}-{VERSION}")).join("messaging");
    let translator = ["-W", "ignore", "-m", "lib2to3", "--write", "--nobackups", "--no-diffs"];
    run(Command::new("python3").args(translator).arg(&unpacked))?;
    std::fs::create_dir_all(&ready).map_err(|error| error.to_string())?;
    std::fs::rename(&unpacked, ready.join("messaging")).map_err(|error| error.to_string())?;
    Ok(ready)
}

fn run(command: &mut Command) -> Result<Vec<u8>, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        let why = String::from_utf8_lossy(&output.stderr);
        Err(format!("{command:?}: {}", why.lines().last().unwrap_or_default()))
    }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// The foreign handset.
struct Foreign(PathBuf);

impl Foreign {
    fn python(&self) -> Command {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign/handset.py");
        let mut command = Command::new("python3");
        command.args(["-W", "ignore"]).arg(script).env("PYTHONPATH", &self.0);
        command
    }

    fn submission(&self, to: &str, transaction_id: &str, text: &str) -> Vec<u8> {
        run(self.python().args(["submit", to, transaction_id, text])).unwrap()
    }

    fn read(&self, pdu: &[u8]) -> Value {
        let mut child = self
            .python()
            .arg("read")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(pdu).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "the foreign library cannot read {pdu:02x?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

/// The MMS PDU inside a push.
fn pdu_of(push: &Push) -> Vec<u8> {
    mmsc_wire::push::decode(&push.wsp).unwrap().data.to_vec()
}

async fn next(pushes: &mut mpsc::Receiver<Push>) -> Push {
    tokio::time::timeout(LIMIT, pushes.recv()).await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_submits_and_reads_what_we_send() {
    let foreign = match library() {
        Ok(library) => Foreign(library),
        Err(why) => {
            println!("skipped: {PACKAGE} is not to be had: {why}");
            return;
        }
    };
    let ports = Ports::real();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let (smsc, mut pushes) = Smsc::start(&ports, any, SmscSettings::default()).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let setup = NodeSetup::new(env!("CARGO_BIN_EXE_mmsc"), directory.path(), smsc.address());
    let node = setup.start(&ports, LIMIT).await.unwrap();
    assert!(smsc.wait_bound(1, LIMIT).await);
    let mut client = Client::new(ports.clone(), node.address("mm1").unwrap(), LIMIT);
    let (alice, bob): (Msisdn, Msisdn) = ("+15550100001".parse().unwrap(), "+15550100002".parse().unwrap());

    // It submits, and reads the answer.
    let text = "hello from a library that nobody here wrote";
    let pdu = foreign.submission("+15550100002", "PY-1", text);
    let reply = client.post(alice, pdu.into()).await.unwrap();
    assert_eq!(reply.status, 200);
    let conf = foreign.read(&reply.body);
    assert_eq!(conf["headers"]["Message-Type"], "m-send-conf");
    assert_eq!(conf["headers"]["Transaction-Id"], "PY-1");
    assert_eq!(conf["headers"]["Response-Status"], "Ok");
    let message_id = conf["headers"]["Message-ID"].as_str().unwrap().to_owned();
    assert!(message_id.contains('@'), "{conf}");

    // It reads the notification, fetches, and finds its own text.
    let push = next(&mut pushes).await;
    let told = foreign.read(&pdu_of(&push));
    assert_eq!(told["headers"]["Message-Type"], "m-notification-ind");
    assert_eq!(told["headers"]["Subject"], "from a foreign handset");
    assert_eq!(told["headers"]["From"], "+15550100001/TYPE=PLMN");
    let location = told["headers"]["Content-Location"].as_str().unwrap();
    let reply = client.get(bob, location).await.unwrap();
    let message = foreign.read(&reply.body);
    assert_eq!(message["headers"]["Message-Type"], "m-retrieve-conf");
    assert_eq!(message["headers"]["Message-ID"].as_str().unwrap(), message_id);
    assert_eq!(message["headers"]["To"], "+15550100002/TYPE=PLMN");
    let parts = message["parts"].as_array().unwrap();
    let types: Vec<&str> = parts.iter().map(|part| part["type"].as_str().unwrap()).collect();
    assert_eq!(types, SMIL_AND_TEXT);
    assert_eq!(parts[1]["sha256"], hex(&Sha256::digest(text)));

    // A message of ours whose sender wants reports: it reads the message and the report.
    let order = Order::to_one(7, bob);
    let letter = Template::new(1, 4096).letter(1, &order).unwrap();
    let sent = client.post(alice, letter.pdu).await.unwrap();
    let message_id = foreign.read(&sent.body)["headers"]["Message-ID"]
        .as_str()
        .unwrap()
        .to_owned();
    let push = next(&mut pushes).await;
    let Ok(Told::Notification(notification)) = &push.told else {
        panic!("{:?}", push.told)
    };
    let reply = client.get(bob, &notification.location).await.unwrap();
    let message = foreign.read(&reply.body);
    assert_eq!(message["headers"]["Message-Type"], "m-retrieve-conf");
    assert_eq!(message["parts"].as_array().unwrap().len(), 3, "{message}");
    notify_response(&mut client, bob, &notification.transaction_id, Status::Retrieved)
        .await
        .unwrap();
    let report = foreign.read(&pdu_of(&next(&mut pushes).await));
    assert_eq!(report["headers"]["Message-Type"], "m-delivery-ind");
    assert_eq!(report["headers"]["Status"], "Retrieved");
    assert_eq!(report["headers"]["Message-ID"].as_str().unwrap(), message_id);
    assert_eq!(report["headers"]["To"], "+15550100002/TYPE=PLMN");
}
