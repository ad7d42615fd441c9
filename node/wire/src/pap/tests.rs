use super::*;

fn samples() -> Vec<Message> {
    let outcome = |code, desc: &str| Outcome {
        code: Code(code),
        desc: (!desc.is_empty()).then(|| desc.to_owned()),
    };
    vec![
        Message::Push(PushMessage {
            push_id: "a&<\"'>.1@mmsc.example".into(),
            replace: Some(Replace {
                push_id: "b@mmsc.example".into(),
                method: ReplaceMethod::PendingOnly,
            }),
            deliver_before: Some("2024-01-04T00:00:00Z".parse().unwrap()),
            source_reference: Some("Königsberg".into()),
            notify_to: Some("http://mmsc.example/pap?a=1&b=2".into()),
            address: "WAPPUSH=+15550100002/TYPE=PLMN@ppg.example".into(),
            quality: Some(Quality {
                network: Some("GSM".into()),
                bearer: Some("SMS".into()),
                ..Quality::default()
            }),
        }),
        Message::PushResponse(PushResponse {
            push_id: "a".into(),
            sender_name: Some("ppg".into()),
            reply_time: Some("2024-02-29T23:59:59Z".parse().unwrap()),
            result: Some(outcome(1001, "accepted")),
        }),
        Message::Cancel(CancelMessage {
            push_id: "a".into(),
            address: Some("WAPPUSH=15550100002".into()),
        }),
        Message::CancelResponse(CancelResponse {
            push_id: "a".into(),
            result: outcome(2004, ""),
        }),
        Message::Result(ResultNotification {
            push_id: "a".into(),
            state: MessageState::Expired,
            outcome: outcome(1000, "x"),
            sender_name: None,
            event_time: None,
            address: Some("WAPPUSH=+15550100002/TYPE=PLMN@ppg.example".into()),
        }),
        Message::ResultResponse(ResultNotificationResponse {
            push_id: "a".into(),
            code: Code::OK,
        }),
        Message::Bad(BadMessage {
            outcome: outcome(2000, "what?"),
        }),
    ]
}

fn written(message: &Message, dialect: Dialect) -> Vec<u8> {
    let mut out = Vec::new();
    encode(message, dialect, &mut out).unwrap();
    out
}

fn read(document: &str) -> Result<Message, DecodeError> {
    decode(document.as_bytes(), &Limits::default())
}

fn fault(document: &str) -> Fault {
    read(document).unwrap_err().fault
}

#[test]
fn every_message_goes_both_ways() {
    for message in samples() {
        let out = written(&message, Dialect::V2_0);
        assert_eq!(
            decode(&out, &Limits::default()),
            Ok(message),
            "{}",
            String::from_utf8_lossy(&out)
        );
    }
}

#[test]
fn a_push_looks_as_the_standard_shows_it() {
    let push = PushMessage {
        push_id: "1@mmsc.example".into(),
        deliver_before: Some(Timestamp::from_seconds(1_704_326_400)),
        address: "WAPPUSH=+15550100002/TYPE=PLMN@ppg.example".into(),
        quality: Some(Quality::default()),
        ..PushMessage::default()
    };
    let out = written(&Message::Push(push), Dialect::V1_0);
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!DOCTYPE pap PUBLIC \"-//WAPFORUM//DTD PAP 1.0//EN\" \"http://www.wapforum.org/DTD/pap_1.0.dtd\">\n\
         <pap><push-message push-id=\"1@mmsc.example\" deliver-before-timestamp=\"2024-01-04T00:00:00Z\">\
         <address address-value=\"WAPPUSH=+15550100002/TYPE=PLMN@ppg.example\"/>\
         <quality-of-service priority=\"medium\" delivery-method=\"unconfirmed\"/></push-message></pap>\n"
    );
}

/// As Kannel 1.4.5 writes it.
#[test]
fn a_gateways_own_response_is_read() {
    let response = read(
        "<?xml version=\"1.0\"?>\n\
         <!DOCTYPE pap PUBLIC \"-//WAPFORUM//DTD PAP 1.0//EN\"\n\
         \x20             \"http://www.wapforum.org/DTD/pap_1.0.dtd\">\n\
         <pap>\n\
         <push-response push-id=\"p 1\"\n sender-name=\"WAPBOX\" reply-time=\"2024-01-04T00:00:00Z\" \
         sender-address=\"/wappush\">\n\
         <progress-note stage=\"x\" code=\"1000\"/>\n\
         <response-result code=\"1001\" desc=\"The request has been accepted for processing\">\n\
         </response-result>\n</push-response>\n</pap>",
    );
    let Ok(Message::PushResponse(response)) = response else {
        panic!("{response:?}");
    };
    assert_eq!(response.push_id, "p 1");
    assert_eq!(response.result.unwrap().code, Code::ACCEPTED);
}

#[test]
fn nothing_is_declared_fetched_or_expanded() {
    let pap = |front: &str, inside: &str| format!("{front}<pap><badmessage-response code=\"2000\"{inside}/></pap>");
    assert!(
        read(&pap("<!DOCTYPE pap SYSTEM \"file:///etc/passwd\">", "")).is_ok(),
        "skipped"
    );
    for front in [
        "<!DOCTYPE pap [<!ENTITY a \"b\">]>",
        "<!DOCTYPE pap PUBLIC \"x\" \"y\" [ ]>",
        "<!DOCTYPE pap [<!ENTITY % p SYSTEM \"http://x/\"> %p;]>",
        "<!DOCTYPE pap><!DOCTYPE pap>",
    ] {
        assert_eq!(fault(&pap(front, "")), Fault::DocumentType, "{front}");
    }
    assert_eq!(fault("<pap><!DOCTYPE pap></pap>"), Fault::DocumentType);
    assert_eq!(fault(&pap("", " desc=\"&a;\"")), Fault::Entity);
    assert_eq!(fault("<pap>&a;</pap>"), Fault::Entity);
    assert_eq!(fault("<pap>&amp;&#65;</pap>"), Fault::Operation);
    assert!(read(&pap("<!ENTITY a \"b\">", "")).is_err());
    assert_eq!(fault(&pap("", " desc=\"&#10;\u{1}\"")), Fault::Control);
    assert_eq!(
        fault("<?xml version=\"1.0\" encoding=\"UTF-16\"?><pap/>"),
        Fault::Encoding
    );
}

#[test]
fn what_costs_is_bounded() {
    let many = |count: usize, text: &str| text.repeat(count);
    let limits = Limits::default();
    assert_eq!(fault(&many(limits.depth + 1, "<pap>")), Fault::Depth);
    assert_eq!(fault(&format!("<pap>{}</pap>", many(64, "<a/>"))), Fault::Elements);
    let attributes: String = (0..33).map(|n| format!(" a{n}=\"\"")).collect();
    assert_eq!(fault(&format!("<pap{attributes}/>")), Fault::Attributes);
    assert_eq!(fault("<pap a=\"\" a=\"\"/>"), Fault::Attributes);
    assert_eq!(fault(&format!("<pap a=\"{}\"/>", many(2049, "x"))), Fault::ValueLength);
    assert_eq!(fault(&many(32 * 1024 + 1, " ")), Fault::TooLarge);
    // Half a megabyte of attributes is refused for its size before anything looks at it.
    let wide: String = (0..50_000).map(|n| format!(" a{n}=\"\"")).collect();
    assert_eq!(fault(&format!("<pap{wide}/>")), Fault::TooLarge);
}

#[test]
fn what_is_no_operation_is_refused_where_it_stands() {
    for (document, fault) in [
        ("", Fault::Truncated),
        ("<pap>", Fault::Truncated),
        ("<pap><push-response", Fault::Truncated),
        ("text", Fault::Malformed),
        ("<pap/><pap/>", Fault::Malformed),
        ("<pap></pop>", Fault::Malformed),
        ("<pap/>", Fault::Operation),
        ("<html><push-response push-id=\"a\"/></html>", Fault::Operation),
        ("<pap><statusquery-message push-id=\"a\"/></pap>", Fault::Operation),
        ("<pap><push-response/></pap>", Fault::Missing("push-id")),
        ("<pap><badmessage-response/></pap>", Fault::Missing("code")),
        ("<pap><badmessage-response code=\"1e9\"/></pap>", Fault::Value("code")),
        ("<pap><badmessage-response code=\"99999\"/></pap>", Fault::Value("code")),
        (
            "<pap><resultnotification-message push-id=\"a\" message-state=\"eaten\" code=\"1000\"/></pap>",
            Fault::Value("message-state"),
        ),
        ("<pap><push-message push-id=\"a\"/></pap>", Fault::Missing("address")),
    ] {
        let found = read(document).unwrap_err();
        assert_eq!(found.fault, fault, "{document}");
        assert!(found.offset <= document.len(), "{document}");
    }
    assert_eq!(read("  <pap><x/></pap>").unwrap_err().offset, 7);
}

#[test]
fn a_value_that_xml_cannot_carry_is_not_written() {
    let message = Message::Cancel(CancelMessage {
        push_id: "a\0".into(),
        address: None,
    });
    assert_eq!(
        encode(&message, Dialect::V2_0, &mut Vec::new()),
        Err(EncodeError { field: "push-id" })
    );
}

#[test]
fn every_prefix_and_every_changed_octet_gives_a_value_or_an_error() {
    for message in samples() {
        let document = written(&message, Dialect::V2_0);
        for end in 0..document.len() {
            // Only what stands behind the root may be missing.
            if let Ok(found) = decode(&document[..end], &Limits::default()) {
                assert_eq!(found, message);
                assert!(document[end..].iter().all(u8::is_ascii_whitespace));
            }
        }
        for at in 0..document.len() {
            for bit in 0..8 {
                let mut changed = document.clone();
                changed[at] ^= 1 << bit;
                if let Err(error) = decode(&changed, &Limits::default()) {
                    assert!(error.offset <= changed.len(), "{error}");
                }
            }
        }
    }
}

#[test]
fn the_body_keeps_the_content_as_it_is() {
    let pdus: [&[u8]; 4] = [
        b"\x8c\x82\x98T\0",
        b"",
        b"\r\n--mmsc.0.push--\r\n and mmsc.1.push and \r\n",
        b"\r\n\r\n--\r\n",
    ];
    for pdu in pdus {
        let control = b"<pap/>";
        let mut body = Vec::new();
        let content_type = Related::mms(control, pdu).encode(&mut body);
        let found = Related::decode(&content_type, &body).unwrap();
        assert_eq!(found, Related::mms(control, pdu));
        for end in 0..body.len() {
            if let Ok(cut) = Related::decode(&content_type, &body[..end]) {
                assert_eq!(cut, found, "{end}");
            }
        }
        for at in 0..body.len() {
            let mut changed = body.clone();
            changed[at] ^= 0x01;
            let _ = Related::decode(&content_type, &changed);
        }
    }
}

#[test]
fn bodies_of_other_initiators_are_cut_and_broken_ones_refused() {
    let body = b"preamble\r\n--b \r\nContent-Type: application/xml; charset=utf-8\r\n\r\n<pap/>\r\n--b\r\n\
        content-type: application/vnd.wap.mms-message\r\nX-WAP-Application-ID: 4\r\n\r\nPDU\r\n--b--";
    for content_type in [
        "multipart/related; boundary=b; type=\"application/xml\"",
        "Multipart/Related;type=\"application/xml; x=y\" ; Boundary=\"b\"",
    ] {
        let found = Related::decode(content_type, body).unwrap();
        assert_eq!((found.control, found.content.octets), (&b"<pap/>"[..], &b"PDU"[..]));
        assert_eq!(found.content.application_id, Some("4"));
    }
    for wrong in [
        "multipart/mixed; boundary=b",
        "multipart/related",
        "multipart/related; boundary=\"b",
    ] {
        assert_eq!(Related::decode(wrong, body), Err(RelatedError::ContentType));
    }
    let decode = |body: &'static [u8]| Related::decode("multipart/related; boundary=b", body);
    assert_eq!(decode(b"--b\r\n\r\nx\r\n--b--"), Err(RelatedError::Control));
    assert_eq!(
        decode(b"--b\r\nContent-Type: application/xml\r\n\r\n<pap/>\r\n--b--\r\n"),
        Err(RelatedError::Parts(49))
    );
    let encoded =
        b"--b\r\nContent-Type: application/xml\r\nContent-Transfer-Encoding: base64\r\n\r\nx\r\n--b\r\n\r\n\r\n--b--";
    assert_eq!(decode(encoded), Err(RelatedError::Head(3)));
}

#[test]
fn times() {
    for (seconds, text) in [
        (0, "1970-01-01T00:00:00Z"),
        (951_782_400, "2000-02-29T00:00:00Z"),
        (1_704_326_400, "2024-01-04T00:00:00Z"),
        (4_107_542_400, "2100-03-01T00:00:00Z"),
        (253_402_300_799, "9999-12-31T23:59:59Z"),
    ] {
        let time = Timestamp::from_seconds(seconds);
        assert_eq!(time.to_string(), text);
        assert_eq!(text.parse(), Ok(time));
    }
    assert_eq!(Timestamp::from_seconds(u64::MAX).to_string(), "9999-12-31T23:59:59Z");
    assert_eq!("2024-01-04T00:00".parse(), Ok(Timestamp::from_seconds(1_704_326_400)));
    for wrong in [
        "2023-02-29T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "2024-1-4",
        "2024-13-01T00:00:00Z",
        "2024-00-01T00:00:00Z",
        "+024-01-01T00:00:00Z",
        "",
        "T",
    ] {
        assert!(wrong.parse::<Timestamp>().is_err(), "{wrong}");
    }
}

#[test]
fn addresses() {
    let plmn = AddressForm::Plmn {
        host: "ppg.example".into(),
    };
    assert_eq!(plmn.write("155501", true), "WAPPUSH=+155501/TYPE=PLMN@ppg.example");
    assert_eq!(plmn.write("1234", false), "WAPPUSH=1234/TYPE=PLMN@ppg.example");
    assert_eq!(AddressForm::Bare.write("155501", true), "WAPPUSH=155501");
    for address in [
        "WAPPUSH=+155501/TYPE=PLMN@ppg.example",
        "wappush=155501/type=plmn@x",
        "WAPPUSH=155501",
        "WAPPUSH=+155501@x",
    ] {
        assert_eq!(number_of(address), Some("155501"), "{address}");
    }
    for wrong in [
        "WAPPUSH=",
        "WAPPUSH=a@b/TYPE=USER@x",
        "155501",
        "X=155501",
        "WAPPUSH=++1",
    ] {
        assert_eq!(number_of(wrong), None, "{wrong}");
    }
}
