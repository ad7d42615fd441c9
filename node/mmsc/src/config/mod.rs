//! The configuration: one TOML file and `--set key=value`, checked as a whole before anything starts.
//!
//! [`keys`] is the table that knows every key; [`reference::page`] prints it. Every mistake is reported at once, with
//! the line or the `--set` that it stands in.

mod hint;
mod issue;
pub mod keys;
pub mod reference;
mod source;
mod typed;
mod units;
pub mod value;
mod values;

use std::path::Path;

pub use issue::{ConfigErrors, Fault, Issue, Place};
pub use typed::{
    BackupSettings, BearerSettings, Config, LogSettings, Mm1Settings, NodeSettings, PapSettings, PpgSettings,
    RelaySettings, SmscSettings, TlsClientFiles,
};

/// Reads `file`, lays `sets` (`key=value`) over it and checks everything.
///
/// # Errors
/// Everything that is wrong, at once.
pub fn load(file: &Path, sets: &[String]) -> Result<Config, ConfigErrors> {
    match std::fs::read_to_string(file) {
        Ok(text) => parse(file, &text, sets),
        Err(error) => {
            let issue = Issue::new(Place::File, Fault::Unreadable, "", format!("cannot be read: {error}"));
            Err(ConfigErrors::new(file, vec![issue]))
        }
    }
}

/// The same for text that was read already; `file` only names it.
///
/// # Errors
/// Everything that is wrong, at once.
pub fn parse(file: &Path, text: &str, sets: &[String]) -> Result<Config, ConfigErrors> {
    let (mut written, tables, mut issues) = source::read_toml(text);
    for (index, set) in sets.iter().enumerate() {
        match source::read_set(index + 1, set) {
            Ok((key, place, raw)) => {
                written.insert(key, (place, raw));
            }
            Err(issue) => issues.push(issue),
        }
    }
    let (values, found) = values::Values::check(written, &tables);
    issues.extend(found);
    let typed = typed::build(&values);
    let config = match typed {
        Ok(config) => Some(config),
        Err(found) => {
            // A value that is wrong or missing is told already; its absence is no second mistake.
            let told: Vec<Option<String>> = issues.iter().map(|issue| issue.key.clone()).collect();
            let new = |issue: &Issue| !told.contains(&issue.key);
            issues.extend(found.into_iter().filter(new));
            None
        }
    };
    match config {
        Some(config) if issues.is_empty() => Ok(config),
        _ => Err(ConfigErrors::new(file, issues)),
    }
}
