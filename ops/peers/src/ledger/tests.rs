use super::*;
use crate::msisdn::Msisdn;

fn to(index: u64) -> Msisdn {
    Msisdn::of_pool(15_550_100_000, index)
}

fn digest(octet: u8) -> Digest {
    Digest([octet; 32])
}

fn submitted(number: u64) -> Entry {
    Entry::Submitted {
        number,
        recipients: vec![to(number)],
        digest: digest(1),
        report: true,
    }
}

fn accepted(number: u64, id: &str) -> Entry {
    Entry::Answered {
        number,
        outcome: Outcome::Accepted(id.to_owned()),
    }
}

fn notified(number: u64, token: &str) -> Entry {
    Entry::Notified {
        number,
        recipient: to(number),
        transaction_id: token.to_owned(),
        location: format!("http://mmsc.example/{token}"),
    }
}

fn retrieved(number: u64, octet: u8) -> Entry {
    Entry::Retrieved {
        number,
        recipient: to(number),
        digest: digest(octet),
        message_id: "a@m".to_owned(),
    }
}

fn reported(number: u64, id: &str) -> Entry {
    Entry::Reported {
        message_id: id.to_owned(),
        recipient: to(number),
        status: 0x81,
    }
}

fn audit(entries: &[Entry], expect: Expect) -> Verdict {
    let ledger = Ledger::in_memory();
    for entry in entries {
        ledger.record(entry).unwrap();
    }
    ledger.audit(expect)
}

fn whole_life() -> Vec<Entry> {
    vec![
        submitted(1),
        accepted(1, "a@m"),
        notified(1, "t1"),
        retrieved(1, 1),
        Entry::Acknowledged {
            number: 1,
            recipient: to(1),
        },
        reported(1, "a@m"),
    ]
}

#[test]
fn a_whole_life_holds() {
    let verdict = audit(&whole_life(), Expect::Delivered);
    assert!(verdict.holds(), "{verdict}");
    let figures = (verdict.accepted, verdict.retrieved, verdict.reports, verdict.finals);
    assert_eq!(figures, (1, 1, 1, 1));
}

#[test]
fn an_accepted_message_that_nobody_got_is_lost() {
    let entries = [submitted(1), accepted(1, "a@m"), notified(1, "t1")];
    assert_eq!(audit(&entries, Expect::Final).lost, 1);
    assert!(!audit(&entries, Expect::Final).holds());
    assert_eq!(audit(&entries, Expect::Accepted).lost, 0);
    let ledger = Ledger::in_memory();
    entries.iter().for_each(|entry| ledger.record(entry).unwrap());
    let losses = ledger.look(|book| Verdict::losses(book, Expect::Final, 10));
    assert!(
        losses.len() == 1 && losses[0].starts_with("message 1 (a@m"),
        "{losses:?}"
    );
}

#[test]
fn a_missing_report_is_a_loss_where_delivery_is_expected() {
    let entries: Vec<Entry> = whole_life().into_iter().take(5).collect();
    assert_eq!(audit(&entries, Expect::Final).lost, 0);
    assert_eq!(audit(&entries, Expect::Delivered).lost, 1);
}

#[test]
fn an_unanswered_message_may_arrive_or_not() {
    let unknown = Entry::Answered {
        number: 1,
        outcome: Outcome::Unknown,
    };
    let nothing = audit(&[submitted(1), unknown.clone()], Expect::Delivered);
    assert!(nothing.holds() && nothing.unknown == 1, "{nothing}");
    let arrived = audit(
        &[submitted(1), unknown, notified(1, "t1"), retrieved(1, 1)],
        Expect::Delivered,
    );
    assert!(arrived.holds(), "{arrived}");
}

#[test]
fn other_octets_are_corruption() {
    let verdict = audit(
        &[submitted(1), accepted(1, "a@m"), notified(1, "t"), retrieved(1, 2)],
        Expect::Final,
    );
    assert_eq!((verdict.corrupted, verdict.lost), (1, 1));
    assert!(!verdict.holds());
}

#[test]
fn repeats_with_the_same_ids_are_counted_and_with_others_forbidden() {
    let mut entries = whole_life();
    entries.push(notified(1, "t1"));
    let same = audit(&entries, Expect::Delivered);
    assert!(same.holds() && same.repeated_same_ids == 1, "{same}");
    entries.push(notified(1, "t2"));
    let other = audit(&entries, Expect::Delivered);
    assert!(!other.holds() && other.repeated_other_ids == 1, "{other}");
}

#[test]
fn one_submission_accepted_under_two_ids_is_broken() {
    let entries = [submitted(1), accepted(1, "a@m"), accepted(1, "a@m"), accepted(1, "b@m")];
    let verdict = audit(&entries, Expect::Accepted);
    assert_eq!(verdict.accepted_twice, 1);
    assert!(!verdict.holds());
}

#[test]
fn a_report_that_overtakes_the_answer_finds_its_message() {
    let early = audit(&[submitted(1), reported(1, "a@m"), accepted(1, "a@m")], Expect::Final);
    assert!(early.holds() && early.reports == 1, "{early}");
    let stranger = audit(&[submitted(1), reported(1, "a@m")], Expect::Final);
    assert_eq!(stranger.strangers, 1);
    let unanswered = audit(&[submitted(1), reported(1, "a@m"), retrieved(1, 1)], Expect::Final);
    assert_eq!((unanswered.strangers, unanswered.reports), (0, 1));
}

#[test]
fn a_push_for_somebody_else_is_a_stranger() {
    let other = Entry::Notified {
        number: 1,
        recipient: to(7),
        transaction_id: "t".into(),
        location: "l".into(),
    };
    assert_eq!(audit(&[submitted(1), other], Expect::Accepted).strangers, 1);
}

#[test]
fn the_file_gives_the_same_book_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger");
    let ledger = Ledger::to_file(&path).unwrap();
    let mut entries = whole_life();
    entries.push(submitted(2));
    entries.push(Entry::Answered {
        number: 2,
        outcome: Outcome::Refused(0xC0),
    });
    entries.push(Entry::NotServed {
        number: 2,
        recipient: to(2),
        status: 0xE2,
    });
    entries.push(Entry::Stranger {
        recipient: to(9),
        what: "a\tb\nc".into(),
    });
    for entry in &entries {
        ledger.record(entry).unwrap();
    }
    let mut octets = std::fs::read(&path).unwrap();
    octets.extend_from_slice(b"retrieved\t2\t+155");
    let again = Book::read(octets.as_slice()).unwrap();
    assert_eq!(Verdict::of(&again, Expect::Delivered), ledger.audit(Expect::Delivered));
    assert!(Book::read(&b"nonsense\t1\n"[..]).is_err());
}
