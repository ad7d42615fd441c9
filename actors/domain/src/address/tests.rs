use super::*;

fn parse(text: &str) -> Address {
    Address::parse(text, None).unwrap()
}

fn phone(digits: &str) -> Address {
    Address::Phone(digits.to_owned())
}

fn sweden() -> HomePrefix {
    HomePrefix::new("46", "0", "00", 7..=9).unwrap()
}

fn america() -> HomePrefix {
    HomePrefix::new("1", "1", "011", 10..=10).unwrap()
}

#[test]
fn every_spelling_of_a_number_is_the_same_address() {
    for text in [
        "+15550100001/TYPE=PLMN",
        "+15550100001/type=plmn",
        "15550100001/TYPE=PLMN",
        "+15550100001",
        "15550100001",
        "0015550100001",
        "+1 (555) 010-0001/TYPE=PLMN",
        "+1.555.010.0001",
        "+15550100001/TYPE=PLNM",
        "+15550100001/TYPE=PLM",
        "+15550100001/TPYE=PLMN",
        "+15550100001/TYPE=",
        "tel:+15550100001;phone-context=x",
        "Bob <+15550100001/TYPE=PLMN>",
        "%2B15550100001/TYPE=PLMN",
        " +15550100001/TYPE=PLMN ",
    ] {
        assert_eq!(parse(text), phone("15550100001"), "{text}");
    }
}

#[test]
fn national_numbers_follow_the_rules_of_the_country() {
    let cases = [
        (sweden(), "0738345664/TYPE=PLMN", "46738345664"),
        (sweden(), "+46 (0)73-834 56 64", "46738345664"),
        (sweden(), "0046738345664", "46738345664"),
        (sweden(), "46738345664", "46738345664"),
        (sweden(), "+0738345664", "46738345664"),
        (america(), "5550100001", "15550100001"),
        (america(), "15550100001", "15550100001"),
        (america(), "01146738345664", "46738345664"),
    ];
    for (home, text, digits) in cases {
        assert_eq!(Address::parse(text, Some(&home)), Ok(phone(digits)), "{text}");
    }
    // Without rules a national number stays as it was dialled and goes out without a plus sign.
    assert_eq!(parse("0738345664/TYPE=PLMN").to_wire(), "0738345664/TYPE=PLMN");
    assert_eq!(parse("112/TYPE=PLMN").to_wire(), "112/TYPE=PLMN");
}

#[test]
fn rules_that_cannot_be_are_named() {
    assert_eq!(
        HomePrefix::new("046", "0", "00", 7..=9),
        Err(HomePrefixError::CountryCode)
    );
    assert_eq!(
        HomePrefix::new("46", "x", "00", 7..=9),
        Err(HomePrefixError::TrunkPrefix)
    );
    assert_eq!(
        HomePrefix::new("46", "0", "", 7..=9),
        Err(HomePrefixError::InternationalPrefix)
    );
    assert_eq!(
        HomePrefix::new("46", "0", "00", 1..=9),
        Err(HomePrefixError::NationalDigits)
    );
}

#[test]
fn other_kinds() {
    assert_eq!(parse("a.B@EXAMPLE.com"), Address::Email("a.B@example.com".to_owned()));
    assert_eq!(
        parse("NowMMS <nowsms@now.co.uk>"),
        Address::Email("nowsms@now.co.uk".to_owned())
    );
    assert_eq!(parse("a@b.example/TYPE=PLMN"), Address::Email("a@b.example".to_owned()));
    assert_eq!(
        parse("\"a b\"@x.example"),
        Address::Email("\"a b\"@x.example".to_owned())
    );
    assert_eq!(parse("192.0.2.7/TYPE=IPv4"), Address::Ipv4("192.0.2.7".to_owned()));
    let v6 = Address::Ipv6("2001:db8::7".to_owned());
    assert_eq!(parse("2001:db8:0:0:0:0:0:7/TYPE=IPv6"), v6);
    assert_eq!(parse("2001:DB8::7/type=ipv6"), v6);
    for code in ["*123", "#5", "12345", "INFO", "Jg", "Erotik"] {
        assert_eq!(parse(code), Address::ShortCode(code.to_owned()));
    }
    assert_eq!(
        parse("a%2Fb/TYPE=Sip"),
        Address::Other("a/b".to_owned(), "SIP".to_owned())
    );
    assert_eq!(parse("a%2Fb/TYPE=Sip").to_wire(), "a%2Fb/TYPE=SIP");
}

#[test]
fn an_identity_is_a_number_however_short() {
    assert_eq!(Address::parse_identity("1001", None), Ok(phone("1001")));
    assert_eq!(Address::parse("1001", None), Ok(Address::ShortCode("1001".to_owned())));
    assert_eq!(Address::parse_identity("+15550100001", None), Ok(phone("15550100001")));
    assert_eq!(
        Address::parse_identity("a@b.example", None),
        Ok(Address::Email("a@b.example".to_owned()))
    );
}

#[test]
fn what_is_no_address_says_why() {
    use AddressError as E;
    for (text, error) in [
        ("", E::Empty),
        ("  ", E::Empty),
        ("<>", E::Empty),
        ("/TYPE=PLMN", E::Empty),
        ("a\r\nBcc: x@y", E::ControlCharacter),
        ("a%0D%0Ab/TYPE=SIP", E::ControlCharacter),
        ("+1234567890123456", E::BadNumber),
        ("@x", E::BadEmail),
        ("a@", E::BadEmail),
        ("a b@c", E::BadEmail),
        ("a@b..c", E::BadEmail),
        ("300.1.1.1/TYPE=IPv4", E::BadIp),
        ("x/TYPE=IPv6", E::BadIp),
        ("what is this?", E::UnknownForm),
        ("+", E::UnknownForm),
    ] {
        assert_eq!(Address::parse(text, None), Err(error), "{text:?}");
    }
    let long = format!("{}@x.example", "a".repeat(MAX_ADDRESS_BYTES));
    assert_eq!(Address::parse(&long, None), Err(E::TooLong));
}

#[test]
fn logs_do_not_name_a_subscriber() {
    assert_eq!(phone("15550100001").masked(), "+155*******1");
    assert_eq!(phone("4673834566412").masked(), "+4673*******12");
    assert_eq!(phone("112").masked(), "+1**");
    assert_eq!(parse("alice@example.com").masked(), "a***@example.com");
    assert_eq!(format!("{:?}", phone("15550100001")), "Address(+155*******1)");
}

#[test]
fn shards_are_where_they_always_were() {
    // Changing one of these moves subscribers away from their rows: raise SHARD_HASH_VERSION.
    let golden = [
        ("+15550100001", 1024, 48),
        ("+358500000000", 1024, 59),
        ("a@b.example", 1024, 619),
        ("+15550100001", 1, 0),
    ];
    let found: Vec<_> = golden
        .iter()
        .map(|(text, count, _)| parse(text).shard(*count).0)
        .collect();
    assert_eq!(found, golden.iter().map(|(_, _, shard)| *shard).collect::<Vec<u16>>());
    let spread: std::collections::BTreeSet<_> = (0..1000).map(|n| phone(&format!("1555010{n:04}")).shard(64)).collect();
    assert_eq!(spread.len(), 64);
}
