use super::*;

fn value(octets: &[u8]) -> Value<'_> {
    Reader::new(octets, 0).value().unwrap()
}

fn encoded(octets: &[u8]) -> String {
    value(octets).encoded_string().unwrap().to_str().into_owned()
}

/// An Encoded-string-value whose Value-length is put in front.
fn sized(octets: &[u8]) -> String {
    let mut out = Vec::new();
    put_value_length(octets.len(), &mut out);
    out.extend_from_slice(octets);
    encoded(&out)
}

fn sent(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    put_encoded_string(&text.into(), &mut out);
    out
}

#[test]
fn uintvar_takes_and_makes_the_octets_of_the_standard() {
    let table: &[(u32, &[u8])] = &[
        (0, &[0x00]),
        (127, &[0x7F]),
        (128, &[0x81, 0x00]),
        (16_383, &[0xFF, 0x7F]),
        (16_384, &[0x81, 0x80, 0x00]),
        (300_000, &[0x92, 0xA7, 0x60]),
        (u32::MAX, &[0x8F, 0xFF, 0xFF, 0xFF, 0x7F]),
    ];
    for (number, octets) in table {
        let mut out = Vec::new();
        put_uintvar(*number, &mut out);
        assert_eq!(out, *octets);
        assert_eq!(Reader::new(octets, 0).uintvar(), Ok(*number));
    }
    assert_eq!(
        Reader::new(&[0x80, 0x80, 0x01], 0).uintvar(),
        Ok(1),
        "leading 0x80 is redundant but accepted"
    );
    assert_eq!(
        Reader::new(&[0x90, 0x80, 0x80, 0x80, 0x00], 0).uintvar(),
        Err(ValueError::UintvarOverflow)
    );
    assert_eq!(
        Reader::new(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x01], 0).uintvar(),
        Err(ValueError::UintvarOverflow)
    );
    assert_eq!(Reader::new(&[0x81], 0).uintvar(), Err(ValueError::Truncated));
}

#[test]
fn the_first_octet_decides_the_extent_of_a_value() {
    assert_eq!(value(&[0x00, 0xFF]), Value::Data(&[]));
    assert_eq!(value(&[0x02, 1, 2, 3]), Value::Data(&[1, 2]));
    assert_eq!(value(&[0x1F, 0x02, 1, 2, 3]), Value::Data(&[1, 2]));
    assert_eq!(value(b"ab\0c"), Value::Text(b"ab"));
    assert_eq!(value(&[0x7F, 0xD0, 0x00]), Value::Text(&[0x7F, 0xD0]));
    assert_eq!(value(&[0x80, 0x00]), Value::Octet(0x80));
    assert_eq!(Reader::new(&[0x05, 1], 0).value(), Err(ValueError::Truncated));
    assert_eq!(Reader::new(b"ab", 0).value(), Err(ValueError::UnterminatedText));
    assert_eq!(
        Reader::new(&[0x1F, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], 0).value(),
        Err(ValueError::UintvarOverflow)
    );
}

#[test]
fn integers_saturate_and_an_empty_one_is_zero() {
    assert_eq!(value(&[0x85]).integer(), Ok(5));
    assert_eq!(value(&[0x00]).integer(), Ok(0));
    assert_eq!(value(&[0x03, 0x03, 0xF4, 0x80]).integer(), Ok(259_200));
    assert_eq!(
        value(&[0x0A, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]).integer(),
        Ok(0x0102_0304_0506_0708)
    );
    assert_eq!(value(&[0x09, 1, 2, 3, 4, 5, 6, 7, 8, 9]).integer(), Ok(u64::MAX));
    assert_eq!(value(b"12\0").integer(), Err(ValueError::WrongForm));
    let mut out = Vec::new();
    put_long_integer(0, &mut out);
    put_long_integer(259_200, &mut out);
    put_integer(127, &mut out);
    put_integer(128, &mut out);
    assert_eq!(out, [0x01, 0x00, 0x03, 0x03, 0xF4, 0x80, 0xFF, 0x01, 0x80]);
}

#[test]
fn encoded_strings_of_the_field_are_read() {
    assert_eq!(encoded(&[0x02, 0xEA, 0x00]), "", "empty, as AT&T sends it");
    assert_eq!(encoded(&[0x01, 0xEA]), "");
    assert_eq!(encoded(&[0x00]), "");
    assert_eq!(sized(b"\xEAGr\xC3\xBC\xC3\x9Fe\0"), "Grüße");
    assert_eq!(sized(b"\xEAGr\xC3\xBC\xC3\x9Fe"), "Grüße", "the closing NUL is missing");
    assert_eq!(sized(b"\xEA\x7F\xC3\x9Cx\0"), "Üx", "with the quote");
    assert_eq!(sized(b"\xEA\xC3\x9Cx\0"), "Üx", "without the quote");
    assert_eq!(sized(b"\xEAGr\xC3\0"), "Gr\u{FFFD}", "cut inside a character");
    assert_eq!(sized(b"\x84Gr\xFC\0"), "Grü");
    assert_eq!(sized(b"\x83abc\0"), "abc");
    assert_eq!(sized(b"\x02\x03\xF7\0A\x04\x10\0"), "AА", "utf-16, odd with the NUL");
    assert_eq!(sized(b"\x02\x03\xF7\xFF\xFEA\0\x10\x04\0"), "AА", "byte order mark");
    assert_eq!(sized(b"\x02\x03\xE8\x04\x10\x04\x11\0\0"), "АБ", "two closing NULs");
    assert_eq!(sized(b"\x02\x03\xE8\x7F\x04\x10\0"), "А", "the quote makes it odd");
    assert_eq!(sized(b"\x02\x03\xE8\x7F\x41\0"), "\u{7F41}", "a character, no quote");
    assert_eq!(sized(b"\xA4\xB0\xA1\0"), "가", "MIBenum 36 is CP949");
    assert_eq!(sized(b"\x02\x08\x24\xC1\xC2\0"), "аб", "koi8-r");
    assert_eq!(sized(b"\x02\x03\xF4a+BBA-b +- c\0"), "aАb + c", "utf-7");
    assert_eq!(sized(b"\x02\x03\xE9\0\0\x04\x10\0"), "А", "ucs-4");
    assert_eq!(
        sized(b"\x02\x27\x0Fa\xFF\0"),
        "a\u{FFFD}",
        "an unknown set keeps its us-ascii"
    );
    assert_eq!(sized(b"hallo\0"), "hallo", "a length, but no character set");
}

#[test]
fn plain_text_is_utf_8_or_latin_1_or_encoded_words() {
    assert_eq!(encoded(b"abc\0"), "abc");
    assert_eq!(encoded(b"\x7F\xC3\x9Cber\0"), "Über");
    assert_eq!(encoded(b"Gr\xFC\xDFe\0"), "Grüße");
    assert_eq!(encoded(b"Gr\xC3\0"), "Gr\u{FFFD}", "cut inside a character");
    assert_eq!(encoded(b"=?utf-8?B?R3LDvMOfZQ==?=\0"), "Grüße");
    assert_eq!(
        encoded(b"a =?iso-8859-1?Q?Gr=FC=DFe?= =?utf-8?q?_b?= c\0"),
        "a Grüße b c"
    );
    assert_eq!(
        encoded(b"=?utf-8?X?abc?= =?nonsense?B?YQ==?=\0"),
        "=?utf-8?X?abc?= =?nonsense?B?YQ==?="
    );
    assert_eq!(encoded(b"1 =? 2\0"), "1 =? 2");
    assert_eq!(
        sized(b"\xEA=?utf-8?B?R3LDvMOfZQ==?=\0"),
        "=?utf-8?B?R3LDvMOfZQ==?=",
        "never with a charset"
    );
}

#[test]
fn texts_are_sent_as_ascii_or_utf_8() {
    assert_eq!(sent("hallo"), b"hallo\0");
    assert_eq!(sent(""), b"\0");
    assert_eq!(sent("Grüße"), b"\x09\xEAGr\xC3\xBC\xC3\x9Fe\0");
    assert_eq!(sent("Ü"), b"\x05\xEA\x7F\xC3\x9C\0");
    assert_eq!(
        sent("\u{1}a"),
        b"\x04\xEA\x01a\0",
        "a control octet would read as a length"
    );
    assert_eq!(sent("\0Ü"), b"\x05\xEA\x7F\xC3\x9C\0");
    let long = "Я".repeat(17);
    assert_eq!(sent(&long)[..3], [0x1F, 0x25, 0xEA], "the quote counts");
    let latin = EncodedString::received(Some(charset::ISO_8859_1), b"Gr\xFC\xDFe");
    let mut out = Vec::new();
    put_encoded_string(&latin, &mut out);
    assert_eq!(out, sent("Grüße"));
    let mut out = Vec::new();
    assert_eq!(put_text(b"a\0b", &mut out), Err(ValueError::NotExpressible));
    assert_eq!(put_text(b"\x05b", &mut out), Err(ValueError::NotExpressible));
    assert!(out.is_empty());
}

#[test]
fn media_types_are_read_in_every_form() {
    let read = |octets| MediaType::decode(value(octets));
    assert_eq!(
        read(&[0xB3]).unwrap().media.name(),
        "application/vnd.wap.multipart.related"
    );
    assert_eq!(read(b"application/smil\0").unwrap().media.name(), "application/smil");
    assert_eq!(
        read(&[0x02, 0x03, 0x12]).unwrap_err(),
        ValueError::Truncated,
        "a length inside past the end"
    );
    assert_eq!(
        read(&[0x03, 0x02, 0x03, 0x12]).unwrap().media.name(),
        "application/vnd.omaloc-supl-init"
    );
    assert_eq!(read(&[0xFF]).unwrap().media, Media::Code(0x7F), "the number is kept");
    assert_eq!(read(&[0xFF]).unwrap().media.name(), "application/octet-stream");
    assert_eq!(read(&[0x00]), Err(ValueError::Truncated));

    let text = read(b"\x0A\x83\x85t.txt\0\x81\xEA").unwrap();
    assert_eq!(text.parameters.name, Some("t.txt".into()));
    assert_eq!(text.parameters.charset, Some(charset::UTF_8));
    let late = read(b"\x0A\x83\x97t.txt\0\x81\xEA").unwrap();
    assert_eq!(late.parameters, text.parameters, "the numbers of WSP 1.4 mean the same");
    let untyped = read(b"\x15\x83charset\0\"iso-8859-1\0").unwrap();
    assert_eq!(untyped.parameters.charset, Some(charset::ISO_8859_1));
    let padded = read(&[0x04, 0x83, 0x81, 0xEA, 0x00]).unwrap();
    assert_eq!(padded.parameters.charset, Some(charset::UTF_8));
    let dates = read(b"\x0D\x83\x93\x04\x01\x02\x03\x04\x88\x81\x80\x15\x81\xEA").unwrap();
    assert_eq!(
        dates.parameters.charset,
        Some(charset::UTF_8),
        "typed parameters without a use are stepped over"
    );
}

#[test]
fn a_text_parameter_keeps_its_leading_quote_and_a_text_value_loses_it() {
    let read = |octets| MediaType::decode(value(octets)).unwrap().parameters.name;
    assert_eq!(read(b"\x05\x83\x85\"a\0"), Some("\"a".into()));
    assert_eq!(read(b"\x05\x83\x97\"a\0"), Some("a".into()));
    let other = vec![("codecs".into(), "\"x".into())];
    let media = MediaType {
        media: "audio/3gpp".into(),
        parameters: Parameters {
            other,
            ..Parameters::default()
        },
    };
    let mut out = Vec::new();
    media.encode(&mut out).unwrap();
    assert_eq!(MediaType::decode(value(&out)).unwrap(), media);
}

#[test]
fn media_types_are_sent_in_the_form_that_all_read() {
    let write = |media: MediaType<'_>| {
        let mut out = Vec::new();
        media.encode(&mut out).unwrap();
        out
    };
    assert_eq!(write("image/jpeg".into()), [0x9E]);
    assert_eq!(write("IMAGE/PNG".into()), [0xA0]);
    assert_eq!(write("multipart/related".into()), [0xB3]);
    assert_eq!(write(Media::Code(0x0C).into()), [0xA3]);
    assert_eq!(write(MediaType::mms_message()), [0xBE]);
    assert_eq!(
        write("application/vnd.wap.mms-message".into()),
        b"application/vnd.wap.mms-message\0"
    );
    assert_eq!(
        write(Media::Code(0x4F).into()),
        b"audio/*\0",
        "codes above 0x34 as text"
    );
    let smil = b"\x1B\xB3\x8A<smil>\0\x89application/smil\0";
    assert_eq!(write(MediaType::multipart_related("<smil>", "application/smil")), smil);
}

#[test]
fn tables_are_those_of_the_registries() {
    for (code, name) in [
        (0x03, "text/plain"),
        (0x1E, "image/jpeg"),
        (0x20, "image/png"),
        (0x5A, "application/octet-stream"),
    ] {
        assert_eq!(codes::media_type(code), Some(name));
    }
    assert_eq!(codes::media_type(0x5B), None);
    assert_eq!(codes::header(0x2E), Some("Content-Disposition"));
    assert_eq!(codes::header(0x40), Some("Content-ID"));
    assert_eq!(codes::header(0x4B), None);
    assert_eq!(charset::name(2084), Some("koi8-r"));
    assert_eq!(charset::number(b"UTF8"), Some(charset::UTF_8));
    assert_eq!(charset::number(b"\xFF"), None);
    for mib in [3, 4, 5, 17, 18, 36, 38, 39, 106, 113, 114, 1013, 2026, 2084, 2251, 2259] {
        assert_eq!(charset::decode(mib, b""), "", "{mib} has a decoder");
    }
}
