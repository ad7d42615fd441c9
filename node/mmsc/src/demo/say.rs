//! Lines for whoever watches.

use std::io::Write as _;

/// Prints a line at once; nobody may be reading, and the demo goes on.
pub(super) fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _read = writeln!(out, "{line}").and_then(|()| out.flush());
}
