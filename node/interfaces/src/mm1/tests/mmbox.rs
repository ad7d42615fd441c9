//! Network stores (digest 7.12 to 7.20, 16).

use mmsc_domain::mmbox::{
    FlagChange, MmBoxEntry, MmBoxPolicy, MmBoxState, MmBoxTotals, NewEntry, NotStored, StoreWish, Stored,
};
use mmsc_domain::record::{PreviouslySent, Recipient, RecipientKind};
use mmsc_domain::{Token, UnixMillis};
use mmsc_relay::{Viewed, ViewedEntry};
use mmsc_wire::mms::{
    Attribute, Field, FlagAction, ForwardConf, ForwardReq, MboxAmount, MboxDescr, MboxStoreConf, MboxStoreReq,
    MboxViewConf, MboxViewReq, MediaType, MmFlag, MmState, Number, ResponseStatus, SendReq, StoreStatus,
};

use super::*;
use crate::metrics::{Mm1Outcome, Mm1Refusal, Mm1Request};

pub(super) const TOKEN: Token = Token([8; 16]);

pub(super) fn flag(action: FlagAction, keyword: &str) -> MmFlag<'static> {
    MmFlag {
        action,
        keyword: keyword.to_owned().into(),
    }
}

pub(super) fn location(token: Token) -> String {
    format!("http://mms.example/{token}")
}

/// What the fake holds for `token`, as a stored message.
pub(super) fn stored(fake: &Fake, token: Token, state: MmBoxState) -> (MmBoxEntry, bytes::Bytes) {
    let content = fake.hold(token, 100);
    let mut head = fake.messages.lock().unwrap().remove(&token).unwrap().0.head;
    head.previously_sent = vec![PreviouslySent {
        by: Some(alice()),
        at: UnixMillis(1_000_000),
    }];
    let new = NewEntry {
        token,
        stored_at: UnixMillis(1),
        state,
        own: false,
        flags: vec!["work".to_owned()],
    };
    let to = Recipient {
        kind: RecipientKind::To,
        address: alice(),
    };
    (MmBoxEntry::of_message(&head, vec![to], new), content)
}

fn store_req(location: &str) -> MboxStoreReq<'static> {
    MboxStoreReq {
        transaction_id: "S".into(),
        version: Version::V1_2,
        content_location: location.to_owned().into(),
        ..MboxStoreReq::default()
    }
}

async fn store(bench: &Bench, req: MboxStoreReq<'_>) -> (StoreStatus, Option<String>) {
    let reply = bench.post(&encode(req)).await;
    let Pdu::MboxStoreConf(MboxStoreConf {
        transaction_id,
        content_location,
        store_status,
        ..
    }) = decode(&reply.body)
    else {
        panic!("not a m-mbox-store-conf")
    };
    assert_eq!(transaction_id, "S".into());
    (store_status, content_location.map(|it| it.to_str().into_owned()))
}

#[tokio::test]
async fn a_message_is_stored_by_its_location() {
    let bench = Bench::start().await;
    bench.fake.accepting().await;
    let req = MboxStoreReq {
        mm_state: Some(MmState::Retrieved),
        mm_flags: vec![
            flag(FlagAction::Add, "später"),
            flag(FlagAction::Remove, "work"),
            flag(FlagAction::Filter, "x"),
        ],
        ..store_req(&location(TOKEN))
    };
    let done = store(&bench, req).await;
    assert_eq!(done, (StoreStatus::Success, Some(location(Token([0x55; 16])))));
    let wishes = std::mem::take(&mut *bench.fake.store_wishes.lock().unwrap());
    let wish = StoreWish {
        state: Some(MmBoxState::Retrieved),
        flags: vec![
            FlagChange::Add("später".to_owned()),
            FlagChange::Remove("work".to_owned()),
        ],
    };
    assert_eq!(wishes, [(alice(), TOKEN, wish)]);
    assert_eq!(bench.metrics.requests(Mm1Request::MboxStoreReq, Mm1Outcome::Ok), 1);

    for (not, status) in [
        (NotStored::NotOffered, StoreStatus::PermanentServiceDenied),
        (NotStored::NotAllowed, StoreStatus::PermanentServiceDenied),
        (NotStored::NotFound, StoreStatus::PermanentNotFound),
        (NotStored::Full, StoreStatus::MmboxFull),
        (NotStored::BadState, StoreStatus::PermanentFormatCorrupt),
        (NotStored::BadFlags, StoreStatus::PermanentFormatCorrupt),
        (NotStored::Damaged, StoreStatus::PermanentFailure),
    ] {
        *bench.fake.box_says.lock().unwrap() = Some(not);
        assert_eq!(
            store(&bench, store_req(&location(TOKEN))).await,
            (status, None),
            "{not:?}"
        );
    }
    assert_eq!(
        store(&bench, store_req("http://m/none-of-ours")).await.0,
        StoreStatus::PermanentNotFound
    );
    *bench.fake.box_says.lock().unwrap() = None;
    *bench.fake.script.lock().await = fake::Script::Busy;
    assert_eq!(
        store(&bench, store_req(&location(TOKEN))).await.0,
        StoreStatus::TransientNetworkProblem
    );
}

#[tokio::test]
async fn nobody_has_a_store_without_an_identity() {
    let bench = Bench::start().await;
    bench.fake.accepting().await;
    let head = "POST / HTTP/1.1\r\nHost: m\r\n";
    let reply = bench.request(head, &encode(store_req(&location(TOKEN)))).await;
    let Pdu::MboxStoreConf(conf) = decode(&reply.body) else {
        panic!()
    };
    assert_eq!(conf.store_status, StoreStatus::PermanentServiceDenied);
    assert!(bench.fake.store_wishes.lock().unwrap().is_empty());
    assert_eq!(bench.metrics.refusals(Mm1Refusal::NoIdentity), 1);
}

#[tokio::test]
async fn sending_and_passing_on_say_where_the_message_is_stored() {
    let bench = Bench::start().await;
    bench.fake.accepting().await;
    *bench.fake.stored_as.lock().unwrap() = Some(Stored::At(TOKEN));
    let req = SendReq {
        store: Some(true),
        mm_state: Some(MmState::Draft),
        mm_flags: vec![flag(FlagAction::Add, "work")],
        ..send_req("T", Version::V1_2)
    };
    let reply = bench.post(&encode(req)).await;
    let conf = send_conf(&reply);
    assert_eq!(conf.store_status, Some(StoreStatus::Success));
    assert_eq!(conf.content_location, Some(location(TOKEN).into()));
    let wish = StoreWish {
        state: Some(MmBoxState::Draft),
        flags: vec![FlagChange::Add("work".to_owned())],
    };
    assert_eq!(bench.fake.submitted.lock().unwrap()[0].0.store, Some(wish));

    let forward = |store| ForwardReq {
        transaction_id: "F".into(),
        version: Version::V1_2,
        to: vec!["+15550100003/TYPE=PLMN".into()],
        content_location: location(TOKEN).into(),
        store,
        ..ForwardReq::default()
    };
    let conf = async |store| {
        let reply = bench.post(&encode(forward(store))).await;
        let Pdu::ForwardConf(ForwardConf {
            store_status,
            content_location,
            ..
        }) = decode(&reply.body)
        else {
            panic!()
        };
        (store_status, content_location.map(|it| it.to_str().into_owned()))
    };
    assert_eq!(
        conf(Some(true)).await,
        (Some(StoreStatus::Success), Some(location(TOKEN)))
    );
    assert_eq!(conf(None).await, (None, None));
    let forwarded = bench.fake.forwarded.lock().unwrap();
    assert_eq!(forwarded[0].store, Some(StoreWish::default()));
    assert_eq!(forwarded[1].store, None);
}

fn view_req() -> MboxViewReq<'static> {
    MboxViewReq {
        transaction_id: "V".into(),
        version: Version::V1_2,
        ..MboxViewReq::default()
    }
}

fn view_conf(reply: &Reply) -> MboxViewConf<'_> {
    assert_eq!(reply.status, 200, "{}", reply.head);
    let Pdu::MboxViewConf(conf) = decode(&reply.body) else {
        panic!("not a m-mbox-view-conf")
    };
    assert_eq!(conf.transaction_id, "V".into());
    conf
}

fn described<'a>(conf: &MboxViewConf<'a>) -> Vec<MboxDescr<'a>> {
    let descr = |octets| match decode(octets) {
        Pdu::MboxDescr(descr) => descr,
        other => panic!("{other:?}"),
    };
    conf.content.descriptions().map(descr).collect()
}

fn viewed(entries: Vec<ViewedEntry>) -> Viewed {
    Viewed {
        entries,
        matching: 17,
        totals: MmBoxTotals {
            messages: 20,
            octets: 2468,
        },
        quota: MmBoxPolicy::default(),
    }
}

#[tokio::test]
async fn a_list_carries_what_a_notification_would() {
    let bench = Bench::start().await;
    let (entry, _) = stored(&bench.fake, TOKEN, MmBoxState::New);
    let uploaded = MmBoxEntry {
        mm: None,
        hidden: true,
        subject: None,
        token: Token([9; 16]),
        ..entry.clone()
    };
    let entries = [entry, uploaded].map(|entry| ViewedEntry { entry, content: None });
    *bench.fake.viewed.lock().unwrap() = Some(viewed(entries.to_vec()));
    let reply = bench.post(&encode(view_req())).await;
    let conf = view_conf(&reply);
    assert_eq!(conf.response_status, ResponseStatus::Ok);
    assert_eq!(conf.message_count, Some(Number(17)));
    assert!(conf.mbox_totals.is_empty() && conf.mbox_quotas.is_empty());
    assert_eq!(conf.content.media, MediaType::multipart_mixed());
    assert_eq!(conf.content.parts()[0].head.media, MediaType::mms_message());
    let list = described(&conf);
    assert_eq!(list.len(), 2);
    assert_eq!(list[0].content_location, Some(location(TOKEN).into()));
    assert!(list[0].message_id.as_ref().unwrap().to_str().ends_with("@mms.example"));
    assert_eq!(list[0].mm_state, Some(MmState::New));
    assert_eq!(list[0].subject.as_ref().unwrap().to_str(), "Grüße");
    assert_eq!(list[0].from.as_ref().unwrap().0.to_str(), "+15550100001/TYPE=PLMN");
    assert_eq!(list[0].message_size.unwrap().0, 107);
    // Nothing else, and no content.
    assert_eq!((list[0].date, list[0].to.len(), list[0].mm_flags.len()), (None, 0, 0));
    assert!(list[0].previously_sent_by.is_empty() && list[0].content.is_none());
    // An uploaded message has no Message-ID, and a hidden sender no From.
    assert_eq!((&list[1].message_id, &list[1].from), (&None, &None));

    let views = bench.fake.views.lock().unwrap();
    assert_eq!((views[0].owner.clone(), &views[0].named), (alice(), &None));
    assert_eq!((views[0].start, views[0].limit, views[0].content), (0, None, false));
}

#[tokio::test]
async fn a_view_asks_for_fields_states_keywords_and_a_page() {
    let bench = Bench::start().await;
    let (entry, content) = stored(&bench.fake, TOKEN, MmBoxState::Retrieved);
    let entries = vec![ViewedEntry {
        entry,
        content: Some(content.clone()),
    }];
    *bench.fake.viewed.lock().unwrap() = Some(viewed(entries));
    let attributes = [
        Field::DATE,
        Field::TO,
        Field::MM_FLAGS,
        Field::PREVIOUSLY_SENT_BY,
        Field::PREVIOUSLY_SENT_DATE,
        Field::CONTENT,
    ];
    let req = MboxViewReq {
        mm_states: vec![MmState::New, MmState::Retrieved],
        mm_flags: vec![flag(FlagAction::Filter, "work")],
        start: Some(Number(3)),
        limit: Some(Number(5)),
        attributes: attributes.map(Attribute).to_vec(),
        totals: Some(true),
        quotas: Some(true),
        ..view_req()
    };
    let reply = bench.post(&encode(req.clone())).await;
    let conf = view_conf(&reply);
    assert_eq!(conf.mbox_totals, [MboxAmount::Messages(20), MboxAmount::Octets(2468)]);
    assert_eq!(
        conf.mbox_quotas,
        [MboxAmount::Messages(1000), MboxAmount::Octets(50 * 1024 * 1024)]
    );
    // What was asked for comes back.
    assert_eq!((conf.start, conf.limit), (req.start, req.limit));
    assert_eq!((&conf.mm_states, &conf.mm_flags), (&req.mm_states, &req.mm_flags));
    assert_eq!(conf.attributes, req.attributes);
    let list = described(&conf);
    assert_eq!(list[0].to[0].to_str(), "+15550100001/TYPE=PLMN");
    assert_eq!(list[0].mm_flags, [flag(FlagAction::Add, "work")]);
    assert_eq!(list[0].previously_sent_by[0].count, 1);
    assert_eq!(list[0].previously_sent_date[0].date.0, 1000);
    assert_eq!((&list[0].subject, &list[0].from), (&None, &None), "not asked for");
    let parts = list[0].content.as_ref().unwrap().parts();
    assert_eq!([parts[0].data, parts[1].data].concat(), content);

    let views = bench.fake.views.lock().unwrap();
    assert_eq!(views[0].filter.states, [MmBoxState::New, MmBoxState::Retrieved]);
    assert_eq!(views[0].filter.keywords, ["work"]);
    assert_eq!((views[0].start, views[0].limit, views[0].content), (3, Some(5), true));
}

#[tokio::test]
async fn a_view_of_named_messages_and_of_nothing() {
    let bench = Bench::start().await;
    *bench.fake.viewed.lock().unwrap() = Some(viewed(Vec::new()));
    let named = MboxViewReq {
        content_locations: vec![location(TOKEN).into(), "http://m/none-of-ours".into()],
        ..view_req()
    };
    let reply = bench.post(&encode(named.clone())).await;
    let conf = view_conf(&reply);
    assert_eq!(conf.content_locations, named.content_locations);
    // Nothing to list: any type, and no body.
    assert!(reply.body.ends_with(&[0x84, 0x80]), "{:02x?}", reply.body);
    assert_eq!(bench.fake.views.lock().unwrap()[0].named, Some(vec![Some(TOKEN), None]));

    let many = MboxViewReq {
        content_locations: vec![location(TOKEN).into(); 101],
        ..view_req()
    };
    let reply = bench.post(&encode(many)).await;
    assert_eq!(
        view_conf(&reply).response_status,
        ResponseStatus::PermanentFormatCorrupt
    );
    for (not, status) in [
        (NotStored::NotOffered, ResponseStatus::PermanentServiceDenied),
        (NotStored::NotFound, ResponseStatus::PermanentNotFound),
    ] {
        *bench.fake.box_says.lock().unwrap() = Some(not);
        let reply = bench.post(&encode(view_req())).await;
        assert_eq!(view_conf(&reply).response_status, status);
    }
}

/// Each attribute asked for alone: the field is in the description, or this release has nothing to put there.
#[tokio::test]
async fn each_attribute_brings_its_field_and_no_other() {
    let bench = Bench::start().await;
    let (mut entry, content) = stored(&bench.fake, TOKEN, MmBoxState::Sent);
    let named = |kind| Recipient { kind, address: alice() };
    entry.recipients = [RecipientKind::To, RecipientKind::Cc, RecipientKind::Bcc]
        .map(named)
        .to_vec();
    entry.carried = mmsc_domain::record::CarriedFields {
        applic_id: Some("app".to_owned()),
        reply_applic_id: Some("reply-app".to_owned()),
        aux_applic_info: Some("aux".to_owned()),
        content_class: Some(0x82),
        drm_content: Some(true),
        adaptation_allowed: None,
    };
    let always = [
        Field::MESSAGE_TYPE,
        Field::CONTENT_LOCATION,
        Field::MESSAGE_ID,
        Field::MM_STATE,
    ];
    let never = [
        Field::DELIVERY_TIME,
        Field::EXPIRY,
        Field::REPLY_CHARGING,
        Field::REPLY_CHARGING_DEADLINE,
        Field::REPLY_CHARGING_SIZE,
        Field::REPLY_CHARGING_ID,
    ];
    for field in MboxDescr::FIELDS.iter().filter(|field| !always.contains(field)) {
        let asked = if *field == Field::CONTENT_TYPE {
            Field::CONTENT
        } else {
            *field
        };
        let entries = vec![ViewedEntry {
            entry: entry.clone(),
            content: (asked == Field::CONTENT).then(|| content.clone()),
        }];
        *bench.fake.viewed.lock().unwrap() = Some(viewed(entries));
        let req = MboxViewReq {
            attributes: vec![Attribute(asked)],
            ..view_req()
        };
        let reply = bench.post(&encode(req)).await;
        let conf = view_conf(&reply);
        let description = conf.content.descriptions().next().unwrap();
        let shown = mmsc_wire::tree::tree(description, mmsc_wire::tree::Format::Mms, &Limits::default());
        let shown: std::collections::BTreeSet<_> = shown.fields.into_iter().map(|field| field.name).collect();
        let brought = Some(field).filter(|field| !never.contains(field));
        let expected = always.iter().chain(brought).map(Field::to_string).collect();
        assert_eq!(shown, expected, "{field}");
    }
}
