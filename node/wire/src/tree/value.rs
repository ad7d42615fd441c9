//! Values as operators read them.

use crate::mms::{
    CancelStatus, ContentClass, Field, MessageType, MmState, Priority, ReadStatus, ReplyCharging, ResponseStatus,
    RetrievalMode, RetrieveStatus, SenderVisibility, Shape, Status, StoreStatus,
};
use crate::wsp::{
    EncodedString, Parameter, ParameterName, ParameterValue, RawMediaType, Reader, Value, ValueError, charset, codes,
};

/// A value of a field, or what stands there if it has the wrong form.
pub(super) fn field(name: Field, value: Value<'_>, pdu: Option<MessageType>) -> String {
    shaped(name, value, pdu).unwrap_or_else(|_| any(value))
}

fn shaped(name: Field, value: Value<'_>, pdu: Option<MessageType>) -> Result<String, ValueError> {
    let Some(shape) = name.shape() else {
        return Ok(any(value));
    };
    let counted = matches!(pdu, Some(MessageType::DeleteConf | MessageType::MboxDeleteConf));
    Ok(match shape {
        Shape::Octet => {
            let octet = value.octet()?;
            format!("{} (0x{octet:02x})", octet_name(name, octet).unwrap_or("-"))
        }
        Shape::YesNo => match value.octet()? {
            0x80 => "Yes (0x80)".to_owned(),
            0x81 => "No (0x81)".to_owned(),
            octet => format!("- (0x{octet:02x})"),
        },
        Shape::Text if counted && name == Field::CONTENT_LOCATION => {
            count_of(value, |value| Ok(quote(&value.text()?.to_str())))?
        }
        Shape::Encoded if counted && name == Field::RESPONSE_TEXT => {
            count_of(value, |value| Ok(encoded(&value.encoded_string()?)))?
        }
        Shape::Text => quote(&value.text()?.to_str()),
        Shape::Encoded => encoded(&value.encoded_string()?),
        Shape::Integer => value.integer()?.to_string(),
        Shape::Date => date(value.integer()?),
        Shape::Time => time(value.data()?)?,
        Shape::From => from(value)?,
        Shape::Class => class(value)?,
        Shape::MediaType => media(&RawMediaType::decode(value)?),
        Shape::Version => version(value)?,
        Shape::SentBy => count_of(value, |value| Ok(encoded(&value.encoded_string()?)))?,
        Shape::SentDate => count_of(value, |value| Ok(value.integer()?.to_string()))?,
        Shape::Data => any(value),
    })
}

/// A value of no known shape.
pub(super) fn any(value: Value<'_>) -> String {
    match value {
        Value::Octet(octet) => format!("0x{octet:02x}"),
        Value::Text(text) => quote(&charset::guess(text)),
        Value::Data(octets) => format!("data {}", hex(octets)),
    }
}

/// Octets in hexadecimal.
pub(super) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// Octets as text, with control characters escaped.
pub(super) fn plain(octets: &[u8]) -> String {
    escape(&charset::guess(octets), '\0')
}

/// A text in quotes.
pub(super) fn quote(text: &str) -> String {
    let mark = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    format!("{mark}{}{mark}", escape(text, mark))
}

fn escape(text: &str, mark: char) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' => out.push_str("\\\\"),
            c if c == mark => out.extend(['\\', c]),
            c if c.is_control() => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

fn encoded(text: &EncodedString<'_>) -> String {
    let characters = quote(&text.to_str());
    match text.charset() {
        None => characters,
        Some(mib) => format!(
            "{characters} {{charset {}({mib})}}",
            charset::name(mib).unwrap_or("mib")
        ),
    }
}

fn octet_name(field: Field, octet: u8) -> Option<&'static str> {
    match field {
        Field::MESSAGE_TYPE => MessageType::from_octet(octet).map(MessageType::name),
        Field::PRIORITY => Priority::from_octet(octet).map(Priority::name),
        Field::SENDER_VISIBILITY => SenderVisibility::from_octet(octet).map(SenderVisibility::name),
        Field::READ_STATUS => ReadStatus::from_octet(octet).map(ReadStatus::name),
        Field::REPLY_CHARGING => ReplyCharging::from_octet(octet).map(ReplyCharging::name),
        Field::MM_STATE => MmState::from_octet(octet).map(MmState::name),
        Field::RECOMMENDED_RETRIEVAL_MODE => RetrievalMode::from_octet(octet).map(RetrievalMode::name),
        Field::CONTENT_CLASS => ContentClass::from_octet(octet).map(ContentClass::name),
        Field::CANCEL_STATUS => CancelStatus::from_octet(octet).map(CancelStatus::name),
        Field::STATUS => Status::from_octet(octet).map(Status::name),
        Field::RESPONSE_STATUS => ResponseStatus::from_octet(octet).map(ResponseStatus::name),
        Field::RETRIEVE_STATUS => RetrieveStatus::from_octet(octet).map(RetrieveStatus::name),
        Field::STORE_STATUS => StoreStatus::from_octet(octet).map(StoreStatus::name),
        Field::ATTRIBUTES => Field(octet).name(),
        _ => None,
    }
}

fn count_of(
    value: Value<'_>,
    inner: impl FnOnce(Value<'_>) -> Result<String, ValueError>,
) -> Result<String, ValueError> {
    let mut reader = Reader::new(value.data()?, 0);
    let count = reader.integer()?;
    Ok(format!("{count} {}", inner(reader.value()?)?))
}

fn time(octets: &[u8]) -> Result<String, ValueError> {
    let mut reader = Reader::new(octets, 0);
    let token = reader.octet()?;
    let seconds = reader.integer()?;
    match token {
        0x80 => Ok(format!("absolute {seconds}")),
        0x81 => Ok(format!("relative {seconds}")),
        other => Err(ValueError::UnknownValue(other)),
    }
}

fn from(value: Value<'_>) -> Result<String, ValueError> {
    let Value::Data(octets) = value else {
        return Ok(encoded(&value.encoded_string()?));
    };
    let mut reader = Reader::new(octets, 0);
    match reader.octet()? {
        0x80 => Ok(format!(
            "address-present {}",
            encoded(&reader.value()?.encoded_string()?)
        )),
        0x81 => Ok("insert-address-token".to_owned()),
        other => Err(ValueError::UnknownValue(other)),
    }
}

fn class(value: Value<'_>) -> Result<String, ValueError> {
    match value {
        Value::Octet(0x80) => Ok("Personal".to_owned()),
        Value::Octet(0x81) => Ok("Advertisement".to_owned()),
        Value::Octet(0x82) => Ok("Informational".to_owned()),
        Value::Octet(0x83) => Ok("Auto".to_owned()),
        Value::Octet(octet) => Ok(format!("- (0x{octet:02x})")),
        Value::Text(_) | Value::Data(_) => Ok(quote(&value.text()?.to_str())),
    }
}

fn version(value: Value<'_>) -> Result<String, ValueError> {
    match value {
        Value::Octet(octet) => Ok(crate::mms::Version::from_octet(octet).to_string()),
        Value::Text(_) | Value::Data(_) => Ok(quote(&value.text()?.to_str())),
    }
}

/// Seconds since 1970, with the same in UTC (days to date after Howard Hinnant's `civil_from_days`).
fn date(seconds: u64) -> String {
    if seconds > 253_402_300_799 {
        return seconds.to_string();
    }
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
    format!("{seconds} ({year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z)")
}

/// A media type with its parameters.
pub(super) fn media(media: &RawMediaType<'_>) -> String {
    let name = plain(media.media.name().as_bytes());
    match media.parameters.as_slice() {
        [] => name,
        list => format!("{name} {}", parameters(list)),
    }
}

/// Parameters as `name(0x85)='t.txt'`; one that was sent as text has no octet.
pub(super) fn parameters(list: &[Parameter<'_>]) -> String {
    list.iter().map(parameter).collect::<Vec<_>>().join(" ")
}

fn parameter(parameter: &Parameter<'_>) -> String {
    let (name, code) = match &parameter.name {
        ParameterName::Code(code) => (
            format!("{}(0x{code:02x})", codes::parameter(*code).unwrap_or("parameter")),
            Some(*code),
        ),
        ParameterName::Name(name) => (plain(name.as_octets()), None),
    };
    let value = match &parameter.value {
        ParameterValue::Text(text) => quote(&text.to_str()),
        ParameterValue::Media(media) => quote(&media.name()),
        ParameterValue::Integer(mib) if code == Some(0x81) => {
            let known = u32::try_from(*mib).ok().and_then(charset::name);
            known.map_or_else(|| format!("mib({mib})"), str::to_owned)
        }
        ParameterValue::Integer(number) => number.to_string(),
    };
    format!("{name}={value}")
}
