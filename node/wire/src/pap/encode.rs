//! Writing a control document.

use quick_xml::escape::escape;

use super::error::EncodeError;
use super::types::{Message, Outcome, PushMessage, Quality};

/// Which document type stands in front.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dialect {
    /// PAP 2.0.
    #[default]
    V2_0,
    /// PAP 1.0, for gateways that look at it; replace-push-id is left out, which 1.0 does not have.
    V1_0,
}

impl Dialect {
    fn document_type(self) -> &'static str {
        match self {
            Self::V2_0 => "\"-//WAPFORUM//DTD PAP 2.0//EN\" \"http://www.wapforum.org/DTD/pap_2.0.dtd\"",
            Self::V1_0 => "\"-//WAPFORUM//DTD PAP 1.0//EN\" \"http://www.wapforum.org/DTD/pap_1.0.dtd\"",
        }
    }
}

/// Appends a document to `out`.
///
/// # Errors
/// A value of ours that XML cannot carry.
pub fn encode(message: &Message, dialect: Dialect, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let mut writer = Writer(format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE pap PUBLIC {}>\n<pap>",
        dialect.document_type()
    ));
    writer.message(message, dialect)?;
    writer.0.push_str("</pap>\n");
    out.extend_from_slice(writer.0.as_bytes());
    Ok(())
}

struct Writer(String);

impl Writer {
    fn message(&mut self, message: &Message, dialect: Dialect) -> Result<(), EncodeError> {
        match message {
            Message::Push(push) => self.push(push, dialect)?,
            Message::PushResponse(response) => {
                self.open("push-response", "push-id", &response.push_id)?;
                self.maybe("sender-name", response.sender_name.as_deref())?;
                self.maybe(
                    "reply-time",
                    response.reply_time.map(|time| time.to_string()).as_deref(),
                )?;
                self.0.push('>');
                if let Some(result) = &response.result {
                    self.0.push_str("<response-result");
                    self.outcome(result)?;
                    self.0.push_str("/>");
                }
                self.0.push_str("</push-response>");
            }
            Message::Cancel(cancel) => {
                self.open("cancel-message", "push-id", &cancel.push_id)?;
                self.0.push('>');
                self.address(cancel.address.as_deref())?;
                self.0.push_str("</cancel-message>");
            }
            Message::CancelResponse(response) => {
                self.open("cancel-response", "push-id", &response.push_id)?;
                self.0.push_str("><cancel-result");
                self.outcome(&response.result)?;
                self.0.push_str("/></cancel-response>");
            }
            Message::Result(result) => {
                self.open("resultnotification-message", "push-id", &result.push_id)?;
                self.maybe("sender-name", result.sender_name.as_deref())?;
                self.maybe("event-time", result.event_time.map(|time| time.to_string()).as_deref())?;
                self.attribute("message-state", result.state.word())?;
                self.outcome(&result.outcome)?;
                self.0.push('>');
                self.address(result.address.as_deref())?;
                self.0.push_str("</resultnotification-message>");
            }
            Message::ResultResponse(response) => {
                self.open("resultnotification-response", "push-id", &response.push_id)?;
                self.attribute("code", &response.code.0.to_string())?;
                self.0.push_str("/>");
            }
            Message::Bad(bad) => {
                self.0.push_str("<badmessage-response");
                self.outcome(&bad.outcome)?;
                self.0.push_str("/>");
            }
        }
        Ok(())
    }

    fn push(&mut self, push: &PushMessage, dialect: Dialect) -> Result<(), EncodeError> {
        self.open("push-message", "push-id", &push.push_id)?;
        if let (Dialect::V2_0, Some(replace)) = (dialect, &push.replace) {
            self.attribute("replace-push-id", &replace.push_id)?;
            self.attribute("replace-method", replace.method.word())?;
        }
        let before = push.deliver_before.map(|time| time.to_string());
        self.maybe("deliver-before-timestamp", before.as_deref())?;
        self.maybe("source-reference", push.source_reference.as_deref())?;
        self.maybe("ppg-notify-requested-to", push.notify_to.as_deref())?;
        self.0.push('>');
        self.address(Some(&push.address))?;
        if let Some(quality) = &push.quality {
            self.quality(quality)?;
        }
        self.0.push_str("</push-message>");
        Ok(())
    }

    fn quality(&mut self, quality: &Quality) -> Result<(), EncodeError> {
        self.0.push_str("<quality-of-service");
        self.attribute("priority", quality.priority.word())?;
        self.attribute("delivery-method", quality.delivery_method.word())?;
        for (name, required, value) in [
            ("network", "network-required", quality.network.as_deref()),
            ("bearer", "bearer-required", quality.bearer.as_deref()),
        ] {
            self.maybe(name, value)?;
            self.maybe(required, value.map(|_| "true"))?;
        }
        self.0.push_str("/>");
        Ok(())
    }

    fn open(&mut self, element: &str, name: &'static str, value: &str) -> Result<(), EncodeError> {
        self.0.push('<');
        self.0.push_str(element);
        self.attribute(name, value)
    }

    fn address(&mut self, value: Option<&str>) -> Result<(), EncodeError> {
        let Some(value) = value else { return Ok(()) };
        self.open("address", "address-value", value)?;
        self.0.push_str("/>");
        Ok(())
    }

    fn outcome(&mut self, outcome: &Outcome) -> Result<(), EncodeError> {
        self.attribute("code", &outcome.code.0.to_string())?;
        self.maybe("desc", outcome.desc.as_deref())
    }

    fn maybe(&mut self, name: &'static str, value: Option<&str>) -> Result<(), EncodeError> {
        value.map_or(Ok(()), |value| self.attribute(name, value))
    }

    fn attribute(&mut self, name: &'static str, value: &str) -> Result<(), EncodeError> {
        // U+FFFE and U+FFFF are no characters of XML.
        if value
            .chars()
            .any(|c| c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}'))
        {
            return Err(EncodeError { field: name });
        }
        for part in [" ", name, "=\"", &escape(value), "\""] {
            self.0.push_str(part);
        }
        Ok(())
    }
}
