//! `mm1.*`.

use std::path::PathBuf;

use mmsc_interfaces::http::{Network, TlsFiles};
use mmsc_interfaces::mm1::{
    ForeignFrom, IdentityForm, IdentityHeader, IdentitySource, Mm1Limits, NotifyConfig, Unidentified, check_public_url,
};

use super::{Fault, Mm1Settings, Reader, pair};

/// A PDU carries its content and a head beside it.
const HEAD_ROOM: usize = 64 * 1024;
/// Of the head, for each recipient that the policy allows: a number with its type takes half of that.
const OCTETS_PER_RECIPIENT: usize = 64;
/// Fields that the decoder takes for each recipient that the policy allows.
const FIELDS_PER_RECIPIENT: usize = 8;

pub(super) fn settings(reader: &mut Reader<'_>) -> Mm1Settings {
    pair(reader, "mm1.cert", "mm1.key");
    let certificate: Option<PathBuf> = reader.optional("mm1.cert");
    let key: Option<PathBuf> = reader.optional("mm1.key");
    let public_url: Option<String> = reader.optional("mm1.public_url");
    if let Some(Err(error)) = public_url.as_deref().map(check_public_url) {
        reader.issue("mm1.public_url", Fault::BadValue, &error.to_string());
    }
    Mm1Settings {
        listen: reader.take("mm1.listen"),
        public_url,
        tls: certificate
            .zip(key)
            .map(|(certificate, key)| TlsFiles { certificate, key }),
        identity: identity(reader),
        unidentified: match reader.take::<String>("mm1.unidentified").as_str() {
            "refuse" => Unidentified::Refuse,
            _ => Unidentified::TokenSuffices,
        },
        foreign_from: match reader.take::<String>("mm1.foreign_from").as_str() {
            "refuse" => ForeignFrom::Refuse,
            _ => ForeignFrom::Replace,
        },
        limits: limits(reader),
        retry_after: reader.take("mm1.retry_after"),
        seen_interval: reader.take("mm1.seen_interval"),
        notify: NotifyConfig {
            validity: reader.take("telling.validity"),
            subject_characters: reader.take("telling.subject_characters"),
            text_content_type: reader.take("telling.text_content_type"),
        },
    }
}

fn identity(reader: &mut Reader<'_>) -> IdentitySource {
    let mut headers = Vec::new();
    for (nth, text) in (1..).zip(reader.take::<Vec<String>>("mm1.identity_headers")) {
        match header(&text) {
            Some(header) => headers.push(header),
            None => {
                let message = format!(
                    "element {nth} is \"{text}\", no header name with :plain, :hex, :base64 or :cookie behind it"
                );
                reader.issue("mm1.identity_headers", Fault::BadValue, &message);
            }
        }
    }
    let networks: Vec<String> = reader.take("mm1.trusted_networks");
    IdentitySource {
        trusted: networks
            .iter()
            .filter_map(|text| text.parse::<Network>().ok())
            .collect(),
        headers,
    }
}

fn header(text: &str) -> Option<IdentityHeader> {
    let (name, form) = text.split_once(':').unwrap_or((text, "plain"));
    let form = match form {
        "plain" => IdentityForm::Plain,
        "hex" => IdentityForm::Hex,
        "base64" => IdentityForm::Base64,
        "cookie" => IdentityForm::Cookie,
        _ => return None,
    };
    let sound = (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|octet| octet.is_ascii_alphanumeric() || b"-_.".contains(&octet));
    sound.then(|| IdentityHeader {
        name: name.to_ascii_lowercase(),
        form,
    })
}

fn limits(reader: &mut Reader<'_>) -> Mm1Limits {
    let content: usize = reader.take("limits.message_size");
    let recipients: usize = reader.take("limits.recipients");
    let head = HEAD_ROOM.max(recipients.saturating_mul(OCTETS_PER_RECIPIENT));
    let mut limits = Mm1Limits {
        max_pdu_octets: content.saturating_add(head),
        max_buffered_octets: reader.take("mm1.buffers"),
        head_timeout: reader.take("mm1.head_timeout"),
        body_idle: reader.take("mm1.body_timeout"),
        body_rate: reader.take("mm1.body_rate"),
        write_timeout: reader.take("mm1.write_timeout"),
        write_rate: reader.take("mm1.write_rate"),
        idle_timeout: reader.take("mm1.idle_timeout"),
        max_connections: reader.take("mm1.connections"),
        max_streams: reader.take("mm1.streams"),
        ..Mm1Limits::default()
    };
    // The policy counts unique recipients, the decoder fields: it must not refuse what repeats a recipient that the
    // policy allows, nor what the policy refuses in words of its own.
    let decoder = &mut limits.decoder;
    let others = decoder.max_fields.saturating_sub(decoder.max_recipients);
    decoder.max_recipients = decoder
        .max_recipients
        .max(recipients.saturating_mul(FIELDS_PER_RECIPIENT));
    decoder.max_fields = decoder.max_recipients.saturating_add(others);
    decoder.max_head = head;
    limits.decoder.max_parts = reader.take::<usize>("limits.parts").saturating_add(1);
    limits
}
