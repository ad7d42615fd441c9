//! Which content is let through: by the type that a part declares, and by what its octets say that it is.
//!
//! Worms spread by messages that carry programs (an installable to everybody in the address book, each sent at the
//! owner's expense). What a handset would install is refused at acceptance unless the operator says otherwise. Octets
//! are looked at once, when they come in ([`note_installables`]); what was found stays with the part, so that passing
//! a message on asks the rules in force then without reading its content again.

mod installable;
mod zip;

use std::fmt;

use crate::command::Submit;
use crate::policy::ServicePolicy;
use crate::record::PartEntry;

pub use installable::Installable;

/// Declared types of what handsets and computers install or run: the default of `content.refuse_types`.
pub const INSTALLABLE_TYPES: &[&str] = &[
    "application/vnd.android.package-archive",
    "application/vnd.android.dex",
    "application/java-archive",
    "application/x-java-archive",
    "application/x-jar",
    "application/java",
    "application/java-vm",
    "application/x-java-vm",
    "text/vnd.sun.j2me.app-descriptor",
    "application/vnd.symbian.install",
    "application/vnd.symbian.epoc/*",
    "application/x-sis*",
    "x-epoc/*",
    "application/x-itunes-ipa",
    "application/vnd.rim.cod",
    "application/x-msdownload*",
    "application/x-msdos-program",
    "application/x-dosexec",
    "application/x-msi",
    "application/x-ms-installer",
    "application/vnd.microsoft.portable-executable",
    "application/vnd.ms-cab-compressed",
    "application/x-cab*",
    "application/x-executable",
    "application/x-elf",
    "application/x-sharedlib",
    "application/x-mach-binary",
    "application/x-mach-o*",
    "application/x-sh",
    "application/x-shellscript",
    "text/x-shellscript",
    "text/x-sh",
    "application/vnd.debian.binary-package",
    "application/x-debian-package",
    "application/x-rpm",
    "application/x-redhat-package-manager",
];

/// A media type, or several: `*` stands for any run of characters, `/` included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaPattern(String);

impl MediaPattern {
    /// Case does not matter.
    #[must_use]
    pub fn new(pattern: &str) -> Self {
        Self(pattern.trim().to_ascii_lowercase())
    }

    /// Whether `essence` (`type/subtype`, lower case) is meant.
    #[must_use]
    pub fn matches(&self, essence: &str) -> bool {
        let mut pieces = self.0.split('*');
        let Some(mut rest) = pieces.next().and_then(|first| essence.strip_prefix(first)) else {
            return false;
        };
        let mut pieces: Vec<&str> = pieces.collect();
        let Some(last) = pieces.pop() else {
            return rest.is_empty();
        };
        for piece in pieces {
            match rest.split_once(piece) {
                Some((_, behind)) => rest = behind,
                None => return false,
            }
        }
        rest.ends_with(last)
    }
}

/// What is not let through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentPolicy {
    /// Parts that declare one of these types.
    pub refused_types: Vec<MediaPattern>,
    /// Parts whose octets are installable, whatever they declare.
    pub check_magic: bool,
}

impl Default for ContentPolicy {
    fn default() -> Self {
        Self {
            refused_types: INSTALLABLE_TYPES.iter().map(|name| MediaPattern::new(name)).collect(),
            check_magic: true,
        }
    }
}

/// Why content is not let through.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RefusedContent {
    /// More parts than so many.
    TooManyParts(usize),
    /// A part declares this type.
    MediaType(String),
    /// The octets of a part are this.
    Installable(Installable),
}

impl RefusedContent {
    /// Every name that [`RefusedContent::name`] gives, each once.
    pub fn names() -> impl Iterator<Item = &'static str> {
        ["too_many_parts", "media_type"]
            .into_iter()
            .chain(Installable::ALL.iter().map(|kind| kind.name()))
    }

    /// Its name in metrics: a closed set, without what the submitter wrote.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::TooManyParts(_) => "too_many_parts",
            Self::MediaType(_) => "media_type",
            Self::Installable(kind) => kind.name(),
        }
    }
}

impl fmt::Display for RefusedContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyParts(limit) => write!(f, "more than {limit} parts"),
            Self::MediaType(essence) => f.write_str(essence),
            Self::Installable(kind) => f.write_str(kind.words()),
        }
    }
}

/// Looks at the octets of each part and notes what is installable. `octets` are those of the whole content. What an
/// adapter found inside a part, whose form it knows, stays.
///
/// A part costs a look at its first octets; an archive also a walk over its directory, without unpacking.
pub fn note_installables(parts: &mut [PartEntry], octets: &[u8]) {
    for part in parts {
        let found = octets_of(part, octets).and_then(Installable::of);
        part.installable = found.or(part.installable);
    }
}

fn octets_of<'o>(part: &PartEntry, octets: &'o [u8]) -> Option<&'o [u8]> {
    let start = usize::try_from(part.offset).ok()?;
    let end = start.checked_add(usize::try_from(part.len).ok()?)?;
    octets.get(start..end)
}

/// What of a message is not let through, if anything; the first part that is not decides.
///
/// # Errors
/// [`RefusedContent`].
pub fn check(submit: &Submit, policy: &ServicePolicy) -> Result<(), RefusedContent> {
    if submit.parts.len() > policy.max_parts {
        return Err(RefusedContent::TooManyParts(policy.max_parts));
    }
    submit
        .parts
        .iter()
        .find_map(|part| refused_part(part, &policy.content))
        .map_or(Ok(()), Err)
}

fn refused_part(part: &PartEntry, policy: &ContentPolicy) -> Option<RefusedContent> {
    let essence = &part.media_type.essence;
    if policy.refused_types.iter().any(|refused| refused.matches(essence)) {
        return Some(RefusedContent::MediaType(essence.clone()));
    }
    part.installable
        .filter(|_| policy.check_magic)
        .map(RefusedContent::Installable)
}
