//! Reading a control document.

use super::error::{DecodeError, Fault};
use super::types::{
    BadMessage, CancelMessage, CancelResponse, Code, DeliveryMethod, Message, MessageState, Outcome, Priority,
    PushMessage, PushResponse, Quality, Replace, ReplaceMethod, ResultNotification, ResultNotificationResponse,
};
use super::xml::{Element, elements};

/// What a document may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Octets of the document.
    pub octets: usize,
    /// Nested elements.
    pub depth: usize,
    /// Elements in all.
    pub elements: usize,
    /// Attributes of one element.
    pub attributes: usize,
    /// Octets of a name or value.
    pub value: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            octets: 32 * 1024,
            depth: 8,
            elements: 64,
            attributes: 32,
            value: 2048,
        }
    }
}

/// Reads a control document. Unknown attributes and elements beside the known ones are skipped.
///
/// # Errors
/// [`DecodeError`]: not XML within the limits, or no operation that is known here.
pub fn decode(document: &[u8], limits: &Limits) -> Result<Message, DecodeError> {
    let found = elements(document, limits)?;
    let (root, inner) = found.split_first().ok_or(DecodeError {
        offset: document.len(),
        fault: Fault::Truncated,
    })?;
    if root.name != "pap" {
        return Err(root.fault(Fault::Operation));
    }
    let (operation, inner) = inner.split_first().ok_or_else(|| root.fault(Fault::Operation))?;
    match operation.name.as_str() {
        "push-message" => push(operation, inner).map(Message::Push),
        "push-response" => push_response(operation, inner).map(Message::PushResponse),
        "cancel-message" => cancel(operation, inner).map(Message::Cancel),
        "cancel-response" => cancel_response(operation, inner).map(Message::CancelResponse),
        "resultnotification-message" => result(operation, inner).map(Message::Result),
        "resultnotification-response" => result_response(operation).map(Message::ResultResponse),
        "badmessage-response" => bad(operation).map(Message::Bad),
        _ => Err(operation.fault(Fault::Operation)),
    }
}

/// The first element of a name right below the operation.
fn child<'a>(inner: &'a [Element], name: &str) -> Option<&'a Element> {
    inner.iter().find(|element| element.depth == 2 && element.name == name)
}

fn required(element: &Element, name: &'static str) -> Result<String, DecodeError> {
    let found = element.get(name).filter(|value| !value.is_empty());
    found
        .map(str::to_owned)
        .ok_or_else(|| element.fault(Fault::Missing(name)))
}

fn optional(element: &Element, name: &str) -> Option<String> {
    element.get(name).filter(|value| !value.is_empty()).map(str::to_owned)
}

/// A value with a meaning: absent, or one that `read` knows.
fn meaning<T>(
    element: &Element,
    name: &'static str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, DecodeError> {
    let Some(text) = element.get(name) else { return Ok(None) };
    read(text.trim())
        .map(Some)
        .ok_or_else(|| element.fault(Fault::Value(name)))
}

fn outcome(element: &Element) -> Result<Outcome, DecodeError> {
    let code = meaning(element, "code", |text| text.parse().ok())?;
    Ok(Outcome {
        code: Code(code.ok_or_else(|| element.fault(Fault::Missing("code")))?),
        desc: optional(element, "desc"),
    })
}

fn push(operation: &Element, inner: &[Element]) -> Result<PushMessage, DecodeError> {
    let address = child(inner, "address").ok_or_else(|| operation.fault(Fault::Missing("address")))?;
    let replace = optional(operation, "replace-push-id");
    let method = meaning(operation, "replace-method", ReplaceMethod::of_word)?.unwrap_or(ReplaceMethod::All);
    Ok(PushMessage {
        push_id: required(operation, "push-id")?,
        replace: replace.map(|push_id| Replace { push_id, method }),
        deliver_before: meaning(operation, "deliver-before-timestamp", |text| text.parse().ok())?,
        source_reference: optional(operation, "source-reference"),
        notify_to: optional(operation, "ppg-notify-requested-to"),
        address: required(address, "address-value")?,
        quality: child(inner, "quality-of-service").map(quality).transpose()?,
    })
}

fn quality(element: &Element) -> Result<Quality, DecodeError> {
    let method = meaning(element, "delivery-method", DeliveryMethod::of_word)?;
    Ok(Quality {
        delivery_method: method.unwrap_or(DeliveryMethod::NotSpecified),
        priority: meaning(element, "priority", Priority::of_word)?.unwrap_or_default(),
        network: optional(element, "network"),
        bearer: optional(element, "bearer"),
    })
}

fn push_response(operation: &Element, inner: &[Element]) -> Result<PushResponse, DecodeError> {
    Ok(PushResponse {
        push_id: required(operation, "push-id")?,
        sender_name: optional(operation, "sender-name"),
        // A gateway's clock decides nothing here.
        reply_time: operation.get("reply-time").and_then(|text| text.parse().ok()),
        result: child(inner, "response-result").map(outcome).transpose()?,
    })
}

fn cancel(operation: &Element, inner: &[Element]) -> Result<CancelMessage, DecodeError> {
    let address = child(inner, "address");
    Ok(CancelMessage {
        push_id: required(operation, "push-id")?,
        address: address.map(|address| required(address, "address-value")).transpose()?,
    })
}

fn cancel_response(operation: &Element, inner: &[Element]) -> Result<CancelResponse, DecodeError> {
    let result = child(inner, "cancel-result").ok_or_else(|| operation.fault(Fault::Missing("cancel-result")))?;
    Ok(CancelResponse {
        push_id: required(operation, "push-id")?,
        result: outcome(result)?,
    })
}

fn result(operation: &Element, inner: &[Element]) -> Result<ResultNotification, DecodeError> {
    let state = meaning(operation, "message-state", MessageState::of_word)?;
    let address = child(inner, "address").and_then(|address| address.get("address-value"));
    Ok(ResultNotification {
        push_id: required(operation, "push-id")?,
        state: state.ok_or_else(|| operation.fault(Fault::Missing("message-state")))?,
        outcome: outcome(operation)?,
        sender_name: optional(operation, "sender-name"),
        event_time: operation.get("event-time").and_then(|text| text.parse().ok()),
        address: address.filter(|text| !text.is_empty()).map(str::to_owned),
    })
}

fn result_response(operation: &Element) -> Result<ResultNotificationResponse, DecodeError> {
    Ok(ResultNotificationResponse {
        push_id: required(operation, "push-id")?,
        code: outcome(operation)?.code,
    })
}

fn bad(operation: &Element) -> Result<BadMessage, DecodeError> {
    Ok(BadMessage {
        outcome: outcome(operation)?,
    })
}
