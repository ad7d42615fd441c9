//! What must hold for any octets: shared by the fuzz targets and by the replay of their seeds in `tests/corpora.rs`.
#![allow(dead_code, reason = "each target uses its own check")]

use mmsc_wire::mms::{self, Body, Limits};
use mmsc_wire::pap::{self, Dialect, Related};
use mmsc_wire::push;
use mmsc_wire::push::segment::{Assembly, Ports, Reference, UserDataHeader, segment};
use mmsc_wire::smpp::{self, IdForm, Receipt};
use mmsc_wire::tree::{Format, tree};
use mmsc_wire::wsp::multipart;

/// Decodes, shows, and encodes what came out: the second encoding equals the first.
pub fn mms(octets: &[u8]) {
    let limits = Limits::default();
    let shown = tree(octets, Format::Mms, &limits);
    assert!(!shown.to_string().is_empty() || octets.is_empty() || shown.fields.is_empty());
    let pdu = match mms::decode(octets, &limits) {
        Ok(pdu) => pdu,
        Err(e) => {
            assert!(e.offset <= octets.len());
            assert!(shown.fault.is_some());
            return;
        }
    };
    assert!(shown.fault.is_none());
    if let Some(Body::Multipart(parts)) = pdu.content().map(|content| &content.body) {
        let leaves = multipart::leaves(parts, limits.max_depth, limits.max_parts);
        assert!(leaves.len() <= limits.max_parts);
        assert!(leaves.iter().map(|part| part.data.len()).sum::<usize>() <= octets.len());
        assert!(parts.iter().all(|part| part.plain_data().len() <= part.data.len()));
    }
    let mut once = Vec::new();
    if mms::encode(&pdu, &mut once).is_err() {
        return;
    }
    // Characters of another set may take more octets in UTF-8.
    let wide = Limits {
        max_address: 8192,
        max_text: 8192,
        max_identifier: 8192,
        max_uri: 8192,
        ..limits
    };
    let again = mms::decode(&once, &wide).unwrap_or_else(|e| panic!("{e}\n{pdu:?}"));
    let mut twice = Vec::new();
    mms::encode(&again, &mut twice).unwrap_or_else(|e| panic!("{e}\n{again:?}"));
    assert!(once == twice, "{pdu:?}\n{again:?}");
}

/// Decodes, shows and encodes; cuts into segments and joins them.
pub fn wsp_push(octets: &[u8]) {
    let _ = tree(octets, Format::WspPush, &Limits::default()).to_string();
    if let Ok((
        UserDataHeader {
            concatenation: Some(one),
            ..
        },
        data,
    )) = UserDataHeader::decode(octets)
    {
        let _ = Assembly::new(one).insert(one, data);
    }
    if let Ok(push) = push::decode(octets) {
        let mut once = Vec::new();
        if push::encode(&push, &mut once).is_ok() {
            let again = push::decode(&once).unwrap_or_else(|e| panic!("{e}\n{push:?}"));
            assert_eq!(push.data, again.data);
            let mut twice = Vec::new();
            push::encode(&again, &mut twice).unwrap_or_else(|e| panic!("{e}\n{again:?}"));
            assert!(once == twice, "{push:?}\n{again:?}");
        }
    }
    let Ok(segments) = segment(octets, Ports::WAP_PUSH, Reference::Word(7)) else {
        return;
    };
    let mut assembly = None;
    for user_data in segments.iter().rev() {
        let (header, data) = UserDataHeader::decode(user_data).unwrap_or_else(|e| panic!("{e}"));
        let Some(concatenation) = header.concatenation else {
            assert_eq!(data, octets);
            return;
        };
        let assembly = assembly.get_or_insert_with(|| Assembly::new(concatenation));
        if let Some(whole) = assembly.insert(concatenation, data).unwrap_or_else(|e| panic!("{e}")) {
            assert_eq!(whole, octets);
            return;
        }
    }
    panic!("the segments do not join");
}

/// Cuts a stream, decodes each PDU, encodes it, and decodes that again.
pub fn smpp(octets: &[u8]) {
    let mut rest = octets;
    while let Ok(Some((frame, length))) = smpp::split(rest, smpp::MAX_LENGTH) {
        assert!((16..=rest.len()).contains(&length));
        rest = rest.get(length..).unwrap_or_default();
        let Ok(pdu) = smpp::decode(&frame) else { continue };
        let id = match &pdu.body {
            smpp::Body::DeliverSm(message) => Receipt::read(message).and_then(|receipt| receipt.message_id),
            _ => None,
        };
        for form in [IdForm::Same, IdForm::HexToDecimal, IdForm::DecimalToHex] {
            let _ = id.as_deref().map(|id| smpp::normalise_id(id, form));
        }
        let mut out = Vec::new();
        if smpp::encode(&pdu, &mut out).is_ok() {
            let Ok(Some((frame, _))) = smpp::split(&out, smpp::MAX_LENGTH) else {
                panic!("{pdu:?}")
            };
            let again = smpp::decode(&frame).unwrap_or_else(|e| panic!("{e}\n{pdu:?}"));
            // The body of an error answer is not sent.
            assert!(again == pdu || !pdu.status.is_ok(), "{pdu:?}\n{again:?}");
        }
    }
}

/// Decodes a control document, encodes it, and decodes that again; cuts a body into its parts and joins them.
pub fn pap(octets: &[u8]) {
    let limits = pap::Limits::default();
    match pap::decode(octets, &limits) {
        Ok(message) => {
            let mut once = Vec::new();
            pap::encode(&message, Dialect::V2_0, &mut once).unwrap_or_else(|e| panic!("{e}\n{message:?}"));
            // Escaping makes values longer.
            let wide = pap::Limits {
                octets: usize::MAX,
                value: usize::MAX,
                ..limits
            };
            let again = pap::decode(&once, &wide).unwrap_or_else(|e| panic!("{e}\n{message:?}"));
            assert!(again == message, "{message:?}\n{again:?}");
        }
        Err(error) => assert!(error.offset <= octets.len(), "{error}"),
    }
    let mut body = Vec::new();
    let content_type = Related::mms(b"<pap/>", octets).encode(&mut body);
    let cut = Related::decode(&content_type, &body).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(cut.content.octets, octets);
    let _ = Related::decode("multipart/related; boundary=b", octets);
    let _ = Related::decode(&String::from_utf8_lossy(octets), octets);
}
