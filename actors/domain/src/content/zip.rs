//! What a ZIP holds, by the names of its entries alone.

use super::Installable;

/// Entries walked at most: as many as the directory of a ZIP can count.
const MAX_ENTRIES: usize = 65_535;
const LOCAL: &[u8] = b"PK\x03\x04";
const DIRECTORY: &[u8] = b"PK\x01\x02";
const END: &[u8] = b"PK\x05\x06";
const END_LEN: usize = 22;
const MAX_COMMENT: usize = 65_535;

/// The installable kind that a ZIP is, if it is one. Its directory counts, which stands at its end and is what
/// installers read; so a ZIP behind something else, such as a picture, is found as well. Where that names nothing
/// installable, the entries themselves are walked as far as they tell their lengths.
pub(super) fn installable(octets: &[u8]) -> Option<Installable> {
    let listed = |rest, form| strongest(Entries { rest, form });
    let listed_first = directory(octets).and_then(|directory| listed(directory, Form::Directory));
    listed_first.or_else(|| listed(octets, Form::Local))
}

/// Packages of Android and iOS hold what is in Java archives, too, and say more.
fn strongest<'o>(names: impl Iterator<Item = &'o [u8]>) -> Option<Installable> {
    let mut found = None;
    for name in names.take(MAX_ENTRIES) {
        match kind_of(name) {
            Some(Installable::JavaArchive) => found = Some(Installable::JavaArchive),
            Some(kind) => return Some(kind),
            None => {}
        }
    }
    found
}

fn kind_of(name: &[u8]) -> Option<Installable> {
    if name == b"AndroidManifest.xml" || name == b"classes.dex" {
        return Some(Installable::AndroidPackage);
    }
    if name.starts_with(b"Payload/") && name.windows(5).any(|piece| piece == b".app/") {
        return Some(Installable::IosPackage);
    }
    name.eq_ignore_ascii_case(b"META-INF/MANIFEST.MF")
        .then_some(Installable::JavaArchive)
}

/// The octets of the directory, from its end record. One behind which a comment stands is looked for only where the
/// content begins as a ZIP.
fn directory(octets: &[u8]) -> Option<&[u8]> {
    let last = octets.len().checked_sub(END_LEN)?;
    let first = if octets.starts_with(LOCAL) {
        last.saturating_sub(MAX_COMMENT)
    } else {
        last
    };
    let end = (first..=last)
        .rev()
        .find(|at| octets.get(*at..).is_some_and(|record| record.starts_with(END)))?;
    let len = usize::try_from(u32_at(octets, end.checked_add(12)?)?).ok()?;
    octets.get(end.checked_sub(len)?..end)
}

enum Form {
    Directory,
    Local,
}

/// Names of entries, until one is no entry.
struct Entries<'o> {
    rest: &'o [u8],
    form: Form,
}

impl<'o> Iterator for Entries<'o> {
    type Item = &'o [u8];

    fn next(&mut self) -> Option<&'o [u8]> {
        let rest = self.rest;
        let (sign, head, lengths, data) = match self.form {
            Form::Directory => (DIRECTORY, 46, 28, usize::from(u16_at(rest, 32)?)),
            // Where the length stands behind the data it is 0 here, and the walk ends at the next step.
            Form::Local => (LOCAL, 30, 26, usize::try_from(u32_at(rest, 18)?).ok()?),
        };
        if !rest.starts_with(sign) {
            return None;
        }
        let name_len = usize::from(u16_at(rest, lengths)?);
        let extra_len = usize::from(u16_at(rest, lengths + 2)?);
        let name = rest.get(head..head + name_len)?;
        let behind = (head + name_len + extra_len).checked_add(data)?;
        self.rest = rest.get(behind..).unwrap_or_default();
        Some(name)
    }
}

fn u16_at(octets: &[u8], at: usize) -> Option<u16> {
    let field = octets.get(at..at.checked_add(2)?)?;
    field.try_into().ok().map(u16::from_le_bytes)
}

fn u32_at(octets: &[u8], at: usize) -> Option<u32> {
    let field = octets.get(at..at.checked_add(4)?)?;
    field.try_into().ok().map(u32::from_le_bytes)
}
