//! Delivery receipts (digest `smpp.md` section 3): TLVs first, else the text, which every SMSC writes its own way.

use super::{ShortMessage, tag};

/// What a receipt says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Receipt {
    /// Id of the message, as the SMSC wrote it; compare with [`normalise_id`].
    pub message_id: Option<String>,
    /// What became of it.
    pub state: Option<MessageState>,
    /// `err:` of the text.
    pub error: Option<String>,
    /// TLV network_error_code.
    pub network_error: Option<NetworkErrorCode>,
    /// `done date:` of the text, 10 or 12 digits.
    pub done_date: Option<String>,
}

/// State of a message at the SMSC. "Delivered" means that the push reached the handset, not that a message was
/// retrieved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageState {
    /// 0.
    Scheduled,
    /// 1, `ENROUTE`.
    Enroute,
    /// 2, `DELIVRD`.
    Delivered,
    /// 3, `EXPIRED`.
    Expired,
    /// 4, `DELETED`.
    Deleted,
    /// 5, `UNDELIV`.
    Undeliverable,
    /// 6, `ACCEPTD`.
    Accepted,
    /// 7, `UNKNOWN`.
    Unknown,
    /// 8, `REJECTD`.
    Rejected,
    /// 9 (5.0): a scheduled message was left out.
    Skipped,
}

impl MessageState {
    /// State of a TLV octet.
    pub fn from_octet(octet: u8) -> Option<Self> {
        let state = match octet {
            0 => Self::Scheduled,
            1 => Self::Enroute,
            2 => Self::Delivered,
            3 => Self::Expired,
            4 => Self::Deleted,
            5 => Self::Undeliverable,
            6 => Self::Accepted,
            7 => Self::Unknown,
            8 => Self::Rejected,
            9 => Self::Skipped,
            _ => return None,
        };
        Some(state)
    }

    /// State of a `stat:` word, in any case, cut at seven letters or written out.
    pub fn from_text(word: &str) -> Option<Self> {
        let upper = word.to_ascii_uppercase();
        let starts = |prefix: &str| upper.starts_with(prefix);
        let state = match upper.as_str() {
            _ if starts("DELIV") => Self::Delivered,
            _ if starts("UNDELIV") => Self::Undeliverable,
            _ if starts("EXPIR") => Self::Expired,
            _ if starts("DELET") => Self::Deleted,
            _ if starts("ACCEP") => Self::Accepted,
            _ if starts("ENROU") => Self::Enroute,
            _ if starts("REJEC") => Self::Rejected,
            _ if starts("SCHED") => Self::Scheduled,
            _ if starts("SKIPP") => Self::Skipped,
            _ if starts("UNKNO") => Self::Unknown,
            _ => return None,
        };
        Some(state)
    }

    /// The octet of the TLV.
    pub fn octet(self) -> u8 {
        match self {
            Self::Scheduled => 0,
            Self::Enroute => 1,
            Self::Delivered => 2,
            Self::Expired => 3,
            Self::Deleted => 4,
            Self::Undeliverable => 5,
            Self::Accepted => 6,
            Self::Unknown => 7,
            Self::Rejected => 8,
            Self::Skipped => 9,
        }
    }

    /// True while another receipt may follow.
    pub fn is_intermediate(self) -> bool {
        matches!(self, Self::Scheduled | Self::Enroute | Self::Accepted)
    }
}

/// TLV network_error_code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NetworkErrorCode {
    /// 3 is GSM.
    pub network: u8,
    /// Code in that network.
    pub code: u16,
}

/// How an SMSC writes the id of a message in its receipts, compared with its submit_sm_resp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum IdForm {
    /// The same.
    #[default]
    Same,
    /// The response is hexadecimal, the receipt decimal.
    HexToDecimal,
    /// The response is decimal, the receipt hexadecimal.
    DecimalToHex,
}

/// Brings the id of a submit_sm_resp into the form in which ids are compared: as its receipts write it, without leading
/// zeros, in lower case. For an id that comes from a receipt, `form` is [`IdForm::Same`].
pub fn normalise_id(id: &str, form: IdForm) -> String {
    let id = id.trim().to_ascii_lowercase();
    let hex = id.strip_prefix("0x").unwrap_or(&id);
    let converted = match form {
        IdForm::Same => None,
        IdForm::HexToDecimal => u128::from_str_radix(hex, 16).ok().map(|number| number.to_string()),
        IdForm::DecimalToHex => id.parse::<u128>().ok().map(|number| format!("{number:x}")),
    };
    let id = converted.unwrap_or(id);
    match id.trim_start_matches('0') {
        "" if !id.is_empty() => "0".to_owned(),
        stripped => stripped.to_owned(),
    }
}

impl Receipt {
    /// Reads the receipt in a deliver_sm; `None` if neither an id nor a state can be found.
    pub fn read(message: &ShortMessage) -> Option<Self> {
        let text: String = message.user_data().iter().map(|&octet| char::from(octet)).collect();
        let mut receipt = Self::from_text(&text);
        if let Some(id) = message.tlv(tag::RECEIPTED_MESSAGE_ID) {
            let id: String = id
                .iter()
                .take_while(|&&octet| octet != 0)
                .map(|&octet| char::from(octet))
                .collect();
            receipt.message_id = Some(id).filter(|id| !id.is_empty()).or(receipt.message_id);
        }
        if let Some([state, ..]) = message.tlv(tag::MESSAGE_STATE) {
            receipt.state = MessageState::from_octet(*state).or(receipt.state);
        }
        if let Some([network, high, low]) = message.tlv(tag::NETWORK_ERROR_CODE) {
            let code = u16::from_be_bytes([*high, *low]);
            receipt.network_error = Some(NetworkErrorCode {
                network: *network,
                code,
            });
        }
        (receipt.message_id.is_some() || receipt.state.is_some()).then_some(receipt)
    }

    /// Reads the text alone: keys in any case and order, parts missing, extra blanks.
    pub fn from_text(text: &str) -> Self {
        // What follows `text:` is the message itself and may hold anything.
        let lower = text.to_ascii_lowercase();
        let head = lower.find("text:").and_then(|end| text.get(..end)).unwrap_or(text);
        let value = |key| value_of(head, key);
        Self {
            message_id: value("id:"),
            state: value("stat:").and_then(|word| MessageState::from_text(&word)),
            error: value("err:"),
            network_error: None,
            done_date: value("done date:"),
        }
    }
}

/// The word behind a key that starts the text or follows a blank.
fn value_of(text: &str, key: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let starts = |at: usize| {
        let before = lower.get(..at)?;
        (before.is_empty() || before.ends_with(char::is_whitespace)).then_some(at + key.len())
    };
    let at = lower.match_indices(key).find_map(|(at, _)| starts(at))?;
    let word = text.get(at..)?.split_whitespace().next()?;
    // An empty value lets the next key follow at once.
    (!word.contains(':')).then(|| word.to_owned())
}
