//! Who pays for a reply.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod common;

use std::time::Duration;

use common::{DAY, NOW, phone, policy, submit, to};
use mmsc_domain::accept::{ServicePolicy, SubscriberProfile, admit, notification};
use mmsc_domain::command::{Submit, TimeWish};
use mmsc_domain::record::{ContentRef, MmHead, RecipientKind};
use mmsc_domain::reply_charging::{OfferWish, claim};
use mmsc_domain::why::Refusal;
use mmsc_domain::{MmId, ShardId, Token};

const HOUR: Duration = Duration::from_secs(3600);

fn offering(wish: OfferWish) -> Submit {
    let mut submit = submit();
    submit.charging.offer = Some(wish);
    submit
}

fn wish() -> OfferWish {
    OfferWish {
        text_only: true,
        deadline: Some(TimeWish::After(HOUR)),
        size: Some(100),
    }
}

fn on() -> ServicePolicy {
    ServicePolicy {
        reply_charging: true,
        ..policy()
    }
}

fn head(submit: &Submit) -> MmHead {
    let admission = admit(submit, 30, NOW, &on(), &SubscriberProfile::default()).unwrap();
    let content = ContentRef {
        id: [1; 16],
        len: 30,
        sha256: [2; 32],
        media_type: submit.media_type.clone(),
        parts: submit.parts.clone(),
    };
    admission.head(submit, MmId::mint(ShardId(1), NOW, [3; 8]), content, NOW)
}

fn reply() -> Submit {
    let mut reply = submit();
    reply.originator = phone("15550100002");
    reply.recipients = vec![to(RecipientKind::To, phone("15550100001"))];
    for part in &mut reply.parts {
        part.media_type.essence = "text/plain".to_owned();
    }
    reply
}

#[test]
fn an_offer_is_kept_within_the_life_of_its_record() {
    let head = head(&offering(wish()));
    let offer = head.reply_offer.unwrap();
    assert!(offer.text_only);
    assert_eq!((offer.deadline, offer.size), (NOW.plus(HOUR), Some(100)));
    assert_eq!(notification(&head, Token([1; 16])).reply_offer, Some(offer));
    let forever = OfferWish {
        deadline: Some(TimeWish::After(DAY * 10_000)),
        ..wish()
    };
    let kept = self::head(&offering(forever)).reply_offer.unwrap();
    let record_ends = head.expires_at.plus(on().retention_record);
    assert_eq!(kept.deadline, record_ends);
    let open = OfferWish {
        deadline: None,
        ..wish()
    };
    assert_eq!(self::head(&offering(open)).reply_offer.unwrap().deadline, record_ends);
}

#[test]
fn an_offer_is_refused_where_there_are_none_and_when_it_is_over() {
    let refused = |submit: &Submit, policy: &ServicePolicy| {
        admit(submit, 30, NOW, policy, &SubscriberProfile::default()).unwrap_err()
    };
    assert_eq!(
        refused(&offering(wish()), &policy()),
        Refusal::ReplyChargingNotSupported
    );
    let over = OfferWish {
        deadline: Some(TimeWish::At(NOW)),
        ..wish()
    };
    assert_eq!(
        refused(&offering(over), &on()),
        Refusal::BadField("Reply-Charging-Deadline")
    );
}

#[test]
fn a_reply_is_paid_for_within_the_offer_alone() {
    let original = head(&offering(wish()));
    let ok = claim(&original, &reply(), 100, NOW.plus(HOUR)).unwrap();
    assert_eq!((ok.original, ok.charged_to), (original.id, phone("15550100001")));
    let refused = Err(Refusal::ReplyLimitsNotMet);
    assert_eq!(claim(&original, &reply(), 101, NOW), refused, "too large");
    assert_eq!(claim(&original, &reply(), 100, NOW.plus(HOUR * 2)), refused, "too late");
    let mut picture = reply();
    picture.parts[1].media_type.essence = "image/gif".to_owned();
    assert_eq!(claim(&original, &picture, 30, NOW), refused, "more than text");
    let mut elsewhere = reply();
    elsewhere.recipients.push(to(RecipientKind::Cc, phone("15550100003")));
    assert_eq!(claim(&original, &elsewhere, 30, NOW), refused, "to others as well");
    assert_eq!(
        claim(&head(&submit()), &reply(), 30, NOW),
        refused,
        "nothing was offered"
    );
    let any = head(&offering(OfferWish {
        text_only: false,
        size: None,
        ..wish()
    }));
    assert!(claim(&any, &picture, 1_000_000, NOW).is_ok());
}
