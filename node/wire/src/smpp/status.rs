//! Status codes and what each means for a notification (digest `smpp.md` section 4).

use std::fmt;

/// A command_status.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Status(pub u32);

/// What to do about a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Done.
    Ok,
    /// Slow down and send the same again; no attempt is counted.
    Throttled,
    /// The queue of that destination is full: wait for it alone; no attempt is counted.
    QueueFull,
    /// Retry after a pause.
    Transient,
    /// Retry once; the second time it is permanent.
    TransientOnce,
    /// This recipient cannot be reached by this number.
    InvalidRecipient,
    /// The message was refused for good.
    Rejected,
    /// Source, service type or rights are set wrong: alarm, stop this route.
    Configuration,
    /// Our fault, or a feature that the SMSC has not: alarm, try another route once.
    Unsupported,
    /// The time format was refused: send once more without times.
    TimeFormat,
    /// TLVs were refused: send once more without optional TLVs, and remember it.
    TlvRefused,
    /// The session is not bound: bind again and resend.
    NotBound,
    /// A bind was refused because the old session lingers.
    AlreadyBound,
    /// A bind was refused: alarm, retry at the slowest rate.
    BindRefused,
    /// Only of operations that are not used.
    Unrelated,
    /// Range of the vendor: transient unless configured otherwise.
    Vendor,
    /// Not assigned: transient.
    Unknown,
}

/// Declares the table of assigned codes.
macro_rules! statuses {
    ($($name:ident = $code:literal, $class:ident;)*) => {
        impl Status {
            $(
                #[doc = concat!("ESME_", stringify!($name), ".")]
                pub const $name: Self = Self($code);
            )*

            /// Every assigned code.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Name without `ESME_`.
            pub fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($code => Some(stringify!($name)),)*
                    _ => None,
                }
            }

            /// What to do about it.
            pub fn class(self) -> Class {
                match self.0 {
                    $($code => Class::$class,)*
                    0x0400..=0x04FF => Class::Vendor,
                    _ => Class::Unknown,
                }
            }
        }
    };
}

statuses! {
    ROK = 0x00, Ok;
    RINVMSGLEN = 0x01, Unsupported;
    RINVCMDLEN = 0x02, Unsupported;
    RINVCMDID = 0x03, Unsupported;
    RINVBNDSTS = 0x04, NotBound;
    RALYBND = 0x05, AlreadyBound;
    RINVPRTFLG = 0x06, Unsupported;
    RINVREGDLVFLG = 0x07, Unsupported;
    RSYSERR = 0x08, Transient;
    RINVSRCADR = 0x0A, Configuration;
    RINVDSTADR = 0x0B, InvalidRecipient;
    RINVMSGID = 0x0C, Unrelated;
    RBINDFAIL = 0x0D, BindRefused;
    RINVPASWD = 0x0E, BindRefused;
    RINVSYSID = 0x0F, BindRefused;
    RCANCELFAIL = 0x11, Unrelated;
    RREPLACEFAIL = 0x13, Unrelated;
    RMSGQFUL = 0x14, QueueFull;
    RINVSERTYP = 0x15, Configuration;
    RINVNUMDESTS = 0x33, Unsupported;
    RINVDLNAME = 0x34, Unsupported;
    RINVDESTFLAG = 0x40, Unsupported;
    RINVSUBREP = 0x42, Unsupported;
    RINVESMCLASS = 0x43, Unsupported;
    RCNTSUBDL = 0x44, Unsupported;
    RSUBMITFAIL = 0x45, TransientOnce;
    RINVSRCTON = 0x48, Configuration;
    RINVSRCNPI = 0x49, Configuration;
    RINVDSTTON = 0x50, Configuration;
    RINVDSTNPI = 0x51, Configuration;
    RINVSYSTYP = 0x53, Configuration;
    RINVREPFLAG = 0x54, Configuration;
    RINVNUMMSGS = 0x55, Configuration;
    RTHROTTLED = 0x58, Throttled;
    RINVSCHED = 0x61, TimeFormat;
    RINVEXPIRY = 0x62, TimeFormat;
    RINVDFTMSGID = 0x63, Unsupported;
    RX_T_APPN = 0x64, Transient;
    RX_P_APPN = 0x65, Rejected;
    RX_R_APPN = 0x66, Rejected;
    RQUERYFAIL = 0x67, Unrelated;
    RINVTLVSTREAM = 0xC0, TlvRefused;
    RTLVNOTALLWD = 0xC1, TlvRefused;
    RINVTLVLEN = 0xC2, TlvRefused;
    RMISSINGTLV = 0xC3, TlvRefused;
    RINVTLVVAL = 0xC4, TlvRefused;
    RDELIVERYFAILURE = 0xFE, Transient;
    RUNKNOWNERR = 0xFF, Transient;
    RSERTYPUNAUTH = 0x0100, Configuration;
    RPROHIBITED = 0x0101, Configuration;
    RSERTYPUNAVAIL = 0x0102, Transient;
    RSERTYPDENIED = 0x0103, Configuration;
    RINVDCS = 0x0104, Unsupported;
    RINVSRCADDRSUBUNIT = 0x0105, Unsupported;
    RINVDSTADDRSUBUNIT = 0x0106, Unsupported;
    RINVBCASTFREQINT = 0x0107, Unsupported;
    RINVBCASTALIAS_NAME = 0x0108, Unsupported;
    RINVBCASTAREAFMT = 0x0109, Unsupported;
    RINVNUMBCAST_AREAS = 0x010A, Unsupported;
    RINVBCASTCNTTYPE = 0x010B, Unsupported;
    RINVBCASTMSGCLASS = 0x010C, Unsupported;
    RBCASTFAIL = 0x010D, Unsupported;
    RBCASTQUERYFAIL = 0x010E, Unsupported;
    RBCASTCANCELFAIL = 0x010F, Unsupported;
    RINVBCAST_REP = 0x0110, Unsupported;
    RINVBCASTSRVGRP = 0x0111, Unsupported;
    RINVBCASTCHANIND = 0x0112, Unsupported;
}

impl Status {
    /// True for [`Self::ROK`].
    pub fn is_ok(self) -> bool {
        self == Self::ROK
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "ESME_{name} (0x{:02x})", self.0),
            None => write!(f, "0x{:08x}", self.0),
        }
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
