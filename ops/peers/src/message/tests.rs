use super::*;
use mmsc_wire::mms::Limits;

fn to(index: u64) -> Msisdn {
    Msisdn::of_pool(15_550_100_000, index)
}

fn decoded<T>(letter: &Letter, look: impl FnOnce(&SendReq<'_>) -> T) -> T {
    match mms::decode(&letter.pdu, &Limits::default()).unwrap() {
        Pdu::SendReq(request) => look(&request),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_letter_says_what_was_ordered_and_its_digest_is_that_of_its_parts() {
    let mix = Mix::new(7, Sizes::Small);
    let order = Order {
        to: vec![to(1), to(2)],
        deliver_after: Some(Duration::from_secs(60)),
        ..Order::to_one(12, to(1))
    };
    let letter = mix.letter(&order).unwrap();
    decoded(&letter, |request| {
        assert_eq!(request.to.len(), 2);
        assert_eq!(request.delivery_report, Some(true));
        assert_eq!(request.delivery_time, Some(TimeValue::Relative(60)));
        assert_eq!(number_of_subject(&request.subject.as_ref().unwrap().to_str()), Some(12));
        assert_eq!(request.content.parts().len(), 3);
        assert_eq!(request.content.root(), Some(0));
        assert_eq!(digest_of(&request.content), letter.digest);
    });
}

#[test]
fn sizes_are_what_they_say() {
    let octets = |letter: &Letter| {
        decoded(letter, |request| {
            request
                .content
                .parts()
                .iter()
                .map(|part| part.data.len())
                .sum::<usize>()
        })
    };
    for (sizes, expected) in [(Sizes::Small, vec![30; 10]), (Sizes::Large, vec![300; 10])] {
        let mix = Mix::new(1, sizes);
        for (number, kilobytes) in expected.iter().enumerate() {
            let letter = mix.letter(&Order::to_one(number as u64, to(1))).unwrap();
            let len = octets(&letter);
            assert!(
                (kilobytes * 1024 - 200..=kilobytes * 1024).contains(&len),
                "{sizes:?}: {len}"
            );
        }
    }
    let mix = Mix::new(1, Sizes::Mixed);
    let mut all: Vec<usize> = (0..10)
        .map(|number| octets(&mix.letter(&Order::to_one(number, to(1))).unwrap()) / 1000)
        .collect();
    all.sort_unstable();
    assert_eq!(all, [30, 30, 30, 30, 30, 30, 30, 102, 102, 307]);
}

#[test]
fn the_same_seed_gives_the_same_octets_and_another_number_others() {
    let first = Mix::new(3, Sizes::Small).letter(&Order::to_one(1, to(1))).unwrap();
    let again = Mix::new(3, Sizes::Small).letter(&Order::to_one(1, to(1))).unwrap();
    let other = Mix::new(3, Sizes::Small).letter(&Order::to_one(2, to(1))).unwrap();
    let seed = Mix::new(4, Sizes::Small).letter(&Order::to_one(1, to(1))).unwrap();
    assert_eq!(first.pdu, again.pdu);
    assert_eq!(first.digest, again.digest);
    assert_ne!(first.digest, other.digest);
    assert_ne!(first.digest, seed.digest);
}

#[test]
fn the_picture_is_a_png_with_sound_checksums() {
    let png = picture::png(5, 150_000);
    assert!((150_000 - 200..=150_000).contains(&png.len()), "{}", png.len());
    let mut rest = png.strip_prefix(b"\x89PNG\r\n\x1a\n").unwrap();
    let mut kinds = Vec::new();
    while let Some((len, tail)) = rest.split_first_chunk::<4>() {
        let len = u32::from_be_bytes(*len) as usize;
        let (body, tail) = tail.split_at(4 + len);
        let (crc, tail) = tail.split_first_chunk::<4>().unwrap();
        assert_eq!(crc32fast::hash(body), u32::from_be_bytes(*crc));
        kinds.push(String::from_utf8_lossy(&body[..4]).into_owned());
        rest = tail;
    }
    assert_eq!(kinds, ["IHDR", "IDAT", "IEND"]);
}
