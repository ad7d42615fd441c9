//! The real binary as a child process.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;

/// However slow the machine, nothing here takes longer.
pub const LIMIT: Duration = Duration::from_secs(60);

pub fn shipped_config() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ops/deploy/single-node.toml")
}

/// A child whose standard output and error are read line by line; killed when dropped.
pub struct Process {
    child: Child,
    lines: mpsc::Receiver<String>,
    errors: mpsc::Receiver<String>,
}

impl Process {
    pub fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_mmsc"))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = read_lines(child.stdout.take().unwrap());
        let errors = read_lines(child.stderr.take().unwrap());
        Self { child, lines, errors }
    }

    /// The shipped configuration on free ports, with a store in `directory`.
    pub fn node(directory: &Path, sets: &[&str]) -> Self {
        let config = shipped_config();
        let store = format!("store.path={}", directory.join("store").display());
        let mut arguments = vec!["run", "--config", config.to_str().unwrap()];
        let free = ["mm1.listen=127.0.0.1:0", "ops.listen=127.0.0.1:0", &store];
        for set in free.iter().chain(sets) {
            arguments.extend(["--set", set]);
        }
        Self::start(&arguments)
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line of standard output.
    pub fn line(&self) -> Option<String> {
        self.lines.recv_timeout(LIMIT).ok()
    }

    /// The next line of standard output that contains `text`; fails with everything that came instead.
    pub fn line_with(&self, text: &str) -> String {
        let mut seen = String::new();
        while let Some(line) = self.line() {
            if line.contains(text) {
                return line;
            }
            seen.push_str(&line);
            seen.push('\n');
        }
        panic!(
            "no line with {text:?} in\n{seen}\nand on standard error\n{}",
            self.errors_so_far()
        );
    }

    pub fn ready(&self) -> Value {
        let line = self
            .line()
            .unwrap_or_else(|| panic!("not ready: {}", self.errors_so_far()));
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    pub fn errors_so_far(&self) -> String {
        self.errors.try_iter().map(|line| format!("{line}\n")).collect()
    }

    /// Waits for its end; the rest of both outputs.
    pub fn end(mut self) -> (ExitStatus, String, String) {
        let (ended, waiting) = mpsc::sync_channel::<()>(1);
        let id = self.child.id();
        let watchdog = std::thread::Builder::new()
            .spawn(move || {
                if waiting.recv_timeout(LIMIT).is_err() {
                    let _killed = Command::new("kill").args(["-KILL", &id.to_string()]).status();
                }
            })
            .unwrap();
        let status = self.child.wait().unwrap();
        ended.send(()).unwrap_or_default();
        watchdog.join().unwrap();
        let all = |lines: &mpsc::Receiver<String>| lines.iter().map(|line| format!("{line}\n")).collect();
        (status, all(&self.lines), all(&self.errors))
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &self.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn read_lines(stream: impl std::io::Read + Send + 'static) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::sync_channel(100_000);
    std::thread::Builder::new()
        .spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        })
        .unwrap();
    receiver
}

/// One HTTP exchange: the status, and everything that came.
pub fn http(address: &str, request: &[u8]) -> (u16, Vec<u8>) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let head = String::from_utf8_lossy(&answer[..answer.len().min(20)]).into_owned();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.unwrap_or_else(|| panic!("no HTTP answer: {head:?}")), answer)
}

pub fn get(address: &str, path: &str) -> (u16, String) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let (status, answer) = http(address, request.as_bytes());
    (status, String::from_utf8_lossy(&answer).into_owned())
}

/// POSTs an MMS PDU as a handset with this number.
pub fn post(address: &str, msisdn: &str, pdu: &[u8]) -> (u16, Vec<u8>) {
    let mut request = format!(
        "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-MSISDN: {msisdn}\r\n\
         Content-Type: application/vnd.wap.mms-message\r\nContent-Length: {}\r\n\r\n",
        pdu.len()
    )
    .into_bytes();
    request.extend_from_slice(pdu);
    http(address, &request)
}
