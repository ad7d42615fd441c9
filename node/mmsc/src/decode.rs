//! `mmsc decode`: any MMS PDU or push as a readable tree, or as JSON for scripts.
//!
//! Exit 0: decoded. Exit 1: refused, with `offset` and reason on standard error. Never anything else.

use std::fmt::Write as _;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use mmsc_wire::mms::Limits;
use mmsc_wire::tree::{Format, Tree, TreeFault, TreeField, TreePart, tree};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// No PDU of any interface is larger; a file that is gets refused instead of read into memory.
const MAX_INPUT: u64 = 64 * 1024 * 1024;

/// How the octets are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum As {
    /// An MMS PDU, the body of an HTTP request or response.
    Mms,
    /// A connectionless WSP push, the payload of a datagram to port 2948.
    WspPush,
}

/// What to decode.
#[derive(Debug, clap::Args)]
pub struct DecodeArguments {
    /// What the octets are.
    #[arg(long = "as", value_name = "FORMAT")]
    pub format: As,
    /// Print one JSON object instead of a tree.
    #[arg(long)]
    pub json: bool,
    /// The file; `-` or nothing is standard input.
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
}

/// Runs the command.
#[must_use]
pub fn run(arguments: &DecodeArguments) -> ExitCode {
    let name = arguments
        .file
        .as_deref()
        .unwrap_or(Path::new("-"))
        .display()
        .to_string();
    match decode(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Refused { offset, reason }) => refuse(&name, offset, &reason),
    }
}

/// Says why nothing was decoded.
#[must_use]
pub fn refuse(name: &str, offset: usize, reason: &str) -> ExitCode {
    // Nobody is left to be told when standard error is closed.
    let _told = writeln!(
        io::stderr(),
        "mmsc decode: {name}: refused at offset {offset}: {reason}"
    );
    ExitCode::from(1)
}

struct Refused {
    offset: usize,
    reason: String,
}

impl From<TreeFault> for Refused {
    fn from(fault: TreeFault) -> Self {
        Self {
            offset: fault.offset,
            reason: fault.message,
        }
    }
}

fn decode(arguments: &DecodeArguments) -> Result<(), Refused> {
    let octets = read(arguments.file.as_deref())?;
    let format = match arguments.format {
        As::Mms => Format::Mms,
        As::WspPush => Format::WspPush,
    };
    let tree = tree(&octets, format, &limits());
    // What there is, is shown to a reader even if it cannot be accepted; a script gets all or nothing.
    let text = match (arguments.json, &tree.fault) {
        (true, Some(_)) => String::new(),
        (true, None) => format!("{}\n", as_json(&tree)),
        (false, _) => readable(&tree),
    };
    write_out(&text)?;
    tree.fault.map_or(Ok(()), |fault| Err(fault.into()))
}

/// A tool for people looks at whatever fits into memory; the node's own limits are in its configuration.
fn limits() -> Limits {
    const ALL: usize = MAX_INPUT as usize;
    Limits {
        max_pdu: ALL,
        max_head: 1024 * 1024,
        max_fields: 20_000,
        max_recipients: 10_000,
        max_text: 64 * 1024,
        max_uri: 64 * 1024,
        max_parts: 10_000,
        ..Limits::default()
    }
}

fn read(file: Option<&Path>) -> Result<Vec<u8>, Refused> {
    let unreadable = |error: io::Error| Refused {
        offset: 0,
        reason: format!("cannot be read: {error}"),
    };
    let mut octets = Vec::new();
    let taken = match file {
        Some(path) if path != Path::new("-") => {
            let file = std::fs::File::open(path).map_err(unreadable)?;
            file.take(MAX_INPUT + 1).read_to_end(&mut octets)
        }
        Some(_) | None => io::stdin().lock().take(MAX_INPUT + 1).read_to_end(&mut octets),
    };
    taken.map_err(unreadable)?;
    if octets.len() as u64 > MAX_INPUT {
        return Err(Refused {
            offset: MAX_INPUT as usize,
            reason: format!("longer than {MAX_INPUT} octets"),
        });
    }
    Ok(octets)
}

/// A reader that closed the pipe has seen enough.
fn write_out(text: &str) -> Result<(), Refused> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Refused {
            offset: 0,
            reason: format!("the result cannot be written: {error}"),
        }),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// The tree, with the digest of each part below it.
fn readable(tree: &Tree<'_>) -> String {
    let mut text = tree.to_string();
    for (index, part) in tree.parts.iter().enumerate() {
        let _ = writeln!(text, "  [{index}] sha256={}", digest(part.data));
    }
    text
}

/// The JSON form. The fields of a push's envelope stand apart: `fields` are those of the PDU.
fn as_json(tree: &Tree<'_>) -> Value {
    let fields: Vec<Value> = tree
        .fields
        .iter()
        .filter(|field| !field.name.starts_with("WSP-"))
        .map(field)
        .collect();
    let parts: Vec<Value> = tree.parts.iter().map(part).collect();
    let mut json = json!({"type": tree.kind, "fields": fields, "parts": parts});
    if let Some(object) = json.as_object_mut() {
        if let Some(body) = tree.body {
            object.insert("body".to_owned(), json!({"size": body.len(), "sha256": digest(body)}));
        }
        if let Some(envelope) = &tree.envelope {
            let push = json!({
                "transaction_id": envelope.transaction_id,
                "pdu_type": envelope.pdu_type,
                "content_type": envelope.content_type,
            });
            object.insert("push".to_owned(), push);
        }
    }
    json
}

fn field(field: &TreeField) -> Value {
    json!({"name": field.name, "value": field.value, "offset": field.offset})
}

fn part(part: &TreePart<'_>) -> Value {
    json!({
        "content_type": part.content_type,
        "parameters": part.parameters,
        "headers": part.headers.iter().map(field).collect::<Vec<_>>(),
        "offset": part.offset,
        "size": part.data.len(),
        "sha256": digest(part.data),
    })
}

/// SHA-256 in hexadecimal.
fn digest(octets: &[u8]) -> String {
    Sha256::digest(octets)
        .iter()
        .map(|octet| format!("{octet:02x}"))
        .collect()
}
