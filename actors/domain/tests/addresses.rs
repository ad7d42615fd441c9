//! Addresses from anywhere: what comes in is a canonical address or a typed error, and canonical stays canonical.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use mmsc_domain::Address;
use mmsc_domain::address::{HomePrefix, MAX_ADDRESS_BYTES};
use proptest::prelude::*;

fn homes() -> Vec<Option<HomePrefix>> {
    vec![
        None,
        Some(HomePrefix::new("46", "0", "00", 7..=9).unwrap()),
        Some(HomePrefix::new("1", "1", "011", 10..=10).unwrap()),
        Some(HomePrefix::new("45", "", "00", 8..=8).unwrap()),
        Some(HomePrefix::new("7", "8", "810", 10..=10).unwrap()),
    ]
}

/// What real PDUs carried (captured messages), as it arrived.
#[test]
fn captured_addresses() {
    for (text, wire) in [
        ("+358500000000/TYPE=PLMN", "+358500000000/TYPE=PLMN"),
        ("+358500000000/TYPE=PLNM", "+358500000000/TYPE=PLMN"),
        ("15551230000/TYPE=PLMN", "+15551230000/TYPE=PLMN"),
        ("0738345664/TYPE=PLMN", "0738345664/TYPE=PLMN"),
        ("55225/TYPE=PLMN", "55225/TYPE=PLMN"),
        ("112/TYPE=PLMN", "112/TYPE=PLMN"),
        ("goldpost@hotmail.com", "goldpost@hotmail.com"),
        ("NowMMS <nowsms@now.co.uk>", "nowsms@now.co.uk"),
        ("Erotik", "Erotik"),
    ] {
        assert_eq!(Address::parse(text, None).unwrap().to_wire(), wire);
    }
}

fn anything() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[0-9]{1,16}",
        "[a-zA-Z]{1,8}",
        "[ -~]{0,6}",
        "\\PC{0,4}",
        Just("+".to_owned()),
        Just("@".to_owned()),
        Just(".".to_owned()),
        Just("/TYPE=".to_owned()),
        Just("/type=PLNM".to_owned()),
        Just("PLMN".to_owned()),
        Just("IPv6".to_owned()),
        Just("%2".to_owned()),
        Just("%41".to_owned()),
        Just("%F0".to_owned()),
        Just("<".to_owned()),
        Just(">".to_owned()),
        Just("tel:".to_owned()),
        Just("\"".to_owned()),
        Just("(0)".to_owned()),
        Just("\u{0}".to_owned()),
    ];
    prop::collection::vec(piece, 0..7).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn parsing_ends_and_what_it_gives_is_canonical(text in anything(), home in prop::sample::select(homes())) {
        let home = home.as_ref();
        for parsed in [Address::parse(&text, home), Address::parse_identity(&text, home)].into_iter().flatten() {
            let wire = parsed.to_wire();
            prop_assert_eq!(Address::parse(&wire, home), Ok(parsed.clone()), "{:?} {}", text, wire);
            prop_assert!(!wire.chars().any(char::is_control));
            // Three octets for one, in the worst case.
            prop_assert!(wire.len() <= 3 * MAX_ADDRESS_BYTES);
            prop_assert!(parsed.shard(64).0 < 64);
            prop_assert_eq!(parsed.shard(0).0, 0);
            let _ = (parsed.masked(), parsed.is_e164());
        }
    }

    #[test]
    fn separators_and_types_do_not_matter(digits in "[1-9][0-9]{6,14}", home in prop::sample::select(homes())) {
        let home = home.as_ref();
        let plain = Address::Phone(digits.clone());
        let spaced: String = digits.chars().flat_map(|c| [c, ' ']).collect();
        for text in [format!("+{digits}"), format!("+{spaced}"), format!("+{digits}/TYPE=PLMN"), format!("tel:+{digits}")] {
            prop_assert_eq!(Address::parse(&text, home), Ok(plain.clone()));
        }
    }

    #[test]
    fn masked_numbers_keep_at_most_six_digits(digits in "[0-9]{1,15}") {
        let masked = Address::Phone(digits.clone()).masked();
        let kept = masked.chars().filter(char::is_ascii_digit).count();
        prop_assert!(kept <= 6 && kept * 2 <= digits.len());
        prop_assert_eq!(masked.len(), digits.len() + 1);
    }
}
