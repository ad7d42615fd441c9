//! m-forward-req → forward.

use mmsc_domain::address::HomePrefix;
use mmsc_domain::command::{DuplicateKey, Forward};
use mmsc_domain::record::Interface;
use mmsc_domain::{Address, Token, UnixMillis};
use mmsc_wire::mms::{ForwardReq, Version};

use super::mmbox::store_wish;
use super::submit::{SubmitError, recipients, time_wish};

/// Translates `pdu` about the message with `token`, for the authenticated `forwarder`; the recipients that could not be
/// read beside it.
///
/// # Errors
/// [`SubmitError`]: the forwarder named no usable recipient.
pub fn forward(
    pdu: &ForwardReq<'_>,
    token: Token,
    forwarder: Address,
    version: Version,
    home: Option<&HomePrefix>,
) -> Result<(Forward, Vec<String>), SubmitError> {
    let (recipients, left_out) = recipients([&pdu.to, &pdu.cc, &pdu.bcc], version, home)?;
    let duplicate = DuplicateKey {
        interface: Interface::Mm1,
        scope: forwarder.to_string(),
        transaction_id: pdu.transaction_id.as_octets().to_vec(),
    };
    let forward = Forward {
        token,
        forwarder,
        interface: Interface::Mm1,
        recipients,
        expiry: pdu.expiry.map(time_wish),
        delivery_time: pdu.delivery_time.map(time_wish),
        delivery_report: pdu.delivery_report.unwrap_or(false),
        read_report: pdu.read_report.unwrap_or(false),
        report_allowed: pdu.report_allowed.unwrap_or(true),
        date: pdu.date.map(|date| UnixMillis::from_seconds(date.0)),
        mms_version: version.octet(),
        duplicate: Some(duplicate),
        store: (pdu.store == Some(true)).then(|| store_wish(pdu.mm_state, &pdu.mm_flags)),
    };
    Ok((forward, left_out))
}
