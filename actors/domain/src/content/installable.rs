//! What octets say that they are.

use minicbor::{Decode, Encode};

use super::zip;

/// A kind of content that something installs or runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Installable {
    /// An Android package (a ZIP with a manifest or code of Android).
    #[n(0)]
    AndroidPackage,
    /// Code of Android (dex, odex, compact dex).
    #[n(1)]
    AndroidCode,
    /// A Java archive (a ZIP with its manifest), as MIDlets are.
    #[n(2)]
    JavaArchive,
    /// A Java class.
    #[n(3)]
    JavaClass,
    /// A Symbian package or program.
    #[n(4)]
    Symbian,
    /// An iOS package (a ZIP with an application in `Payload/`).
    #[n(5)]
    IosPackage,
    /// A program of DOS or Windows.
    #[n(6)]
    WindowsProgram,
    /// A Windows cabinet, of which PDAs install.
    #[n(7)]
    Cabinet,
    /// An ELF program or library.
    #[n(8)]
    Elf,
    /// A Mach-O program or library.
    #[n(9)]
    MachO,
    /// A script that names its interpreter.
    #[n(10)]
    Script,
    /// A program of a BlackBerry.
    #[n(11)]
    BlackBerry,
    /// A package of Debian or Red Hat.
    #[n(12)]
    LinuxPackage,
}

impl Installable {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::AndroidPackage,
        Self::AndroidCode,
        Self::JavaArchive,
        Self::JavaClass,
        Self::Symbian,
        Self::IosPackage,
        Self::WindowsProgram,
        Self::Cabinet,
        Self::Elf,
        Self::MachO,
        Self::Script,
        Self::BlackBerry,
        Self::LinuxPackage,
    ];

    /// Its name in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AndroidPackage => "android_package",
            Self::AndroidCode => "android_code",
            Self::JavaArchive => "java_archive",
            Self::JavaClass => "java_class",
            Self::Symbian => "symbian",
            Self::IosPackage => "ios_package",
            Self::WindowsProgram => "windows_program",
            Self::Cabinet => "cabinet",
            Self::Elf => "elf",
            Self::MachO => "mach_o",
            Self::Script => "script",
            Self::BlackBerry => "blackberry",
            Self::LinuxPackage => "linux_package",
        }
    }

    /// In words of a subscriber.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::AndroidPackage | Self::IosPackage | Self::LinuxPackage | Self::Cabinet => "an application package",
            Self::JavaArchive | Self::JavaClass => "a Java application",
            Self::Symbian | Self::BlackBerry => "an application",
            Self::AndroidCode | Self::WindowsProgram | Self::Elf | Self::MachO => "a program",
            Self::Script => "a script",
        }
    }

    /// What the octets of a part are, if it is one of these.
    #[must_use]
    pub fn of(octets: &[u8]) -> Option<Self> {
        by_opening(octets)
            .or_else(|| by_fields(octets))
            .or_else(|| zip::installable(octets))
    }
}

/// Openings that nothing else has.
const OPENINGS: [(&[u8], Installable); 17] = [
    (b"\x7fELF", Installable::Elf),
    (b"dex\n0", Installable::AndroidCode),
    (b"dey\n0", Installable::AndroidCode),
    (b"cdex0", Installable::AndroidCode),
    (b"\xfe\xed\xfa\xce", Installable::MachO),
    (b"\xfe\xed\xfa\xcf", Installable::MachO),
    (b"\xce\xfa\xed\xfe", Installable::MachO),
    (b"\xcf\xfa\xed\xfe", Installable::MachO),
    (b"\xca\xfe\xba\xbf", Installable::MachO),
    // First UID of packages since Symbian 9, and of its programs and libraries.
    (b"\x7a\x1a\x20\x10", Installable::Symbian),
    (b"\x7a\x00\x00\x10", Installable::Symbian),
    (b"\x79\x00\x00\x10", Installable::Symbian),
    (b"MSCF\0\0\0\0", Installable::Cabinet),
    (b"ISc(", Installable::Cabinet),
    (b"\xde\xc0\xff\xff", Installable::BlackBerry),
    (b"!<arch>\ndebian", Installable::LinuxPackage),
    (b"\xed\xab\xee\xdb", Installable::LinuxPackage),
];

fn by_opening(octets: &[u8]) -> Option<Installable> {
    let found = OPENINGS.iter().find(|(opening, _)| octets.starts_with(opening));
    found.map(|(_, kind)| *kind)
}

/// Kinds whose opening alone could be that of something else.
fn by_fields(octets: &[u8]) -> Option<Installable> {
    if is_script(octets) {
        return Some(Installable::Script);
    }
    if octets.starts_with(b"MZ") && is_program(octets) {
        return Some(Installable::WindowsProgram);
    }
    // Third UID of packages before Symbian 9; the first is that of the application.
    if octets.get(8..12) == Some(b"\x19\x04\x00\x10") {
        return Some(Installable::Symbian);
    }
    // Java's version begins at 45; no program for so many processors was ever made.
    if octets.starts_with(b"\xca\xfe\xba\xbe") {
        let second = octets.get(4..8).and_then(|field| field.try_into().ok());
        return match second.map(u32::from_be_bytes) {
            Some(1..=44) => Some(Installable::MachO),
            Some(_) | None => Some(Installable::JavaClass),
        };
    }
    None
}

/// `#!` and the path of an interpreter. Speech begins alike (`#!AMR`, `#!EVRC`, `#!QCELP`, `#!SMV`).
fn is_script(octets: &[u8]) -> bool {
    // Editors of Windows put a byte order mark first.
    let octets = octets.strip_prefix(b"\xef\xbb\xbf").unwrap_or(octets);
    octets
        .strip_prefix(b"#!")
        .is_some_and(|rest| rest.trim_ascii_start().starts_with(b"/"))
}

/// Behind `MZ`, which a text may begin with, too: the header of a newer program where the old one says, or a length of
/// the last page as programs of DOS have it, which no two letters make.
fn is_program(octets: &[u8]) -> bool {
    let last_page = octets.get(2..4).and_then(|field| field.try_into().ok());
    if last_page.map(u16::from_le_bytes).is_some_and(|len| len < 512) {
        return true;
    }
    let newer = octets.get(0x3c..0x40).and_then(|field| field.try_into().ok());
    newer
        .and_then(|field| usize::try_from(u32::from_le_bytes(field)).ok())
        .and_then(|at| octets.get(at..)?.get(..2))
        .is_some_and(|sign| [&b"PE"[..], b"NE", b"LE", b"LX"].contains(&sign))
}
