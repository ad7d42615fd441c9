//! Every field of every PDU, written and read back. The values are whole literals: a field that the codec learns has
//! to be added here before this compiles.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use mmsc_wire::mms::*;
use mmsc_wire::tree::{Format, tree};

const V: Version = Version::V1_3;

fn flag() -> MmFlag<'static> {
    MmFlag {
        action: FlagAction::Remove,
        keyword: "später".into(),
    }
}

fn element() -> ElementDescriptor<'static> {
    ElementDescriptor {
        reference: "cid:1".into(),
        media: Some("image/jpeg".into()),
    }
}

fn send_req() -> SendReq<'static> {
    SendReq {
        transaction_id: "t-transaction_id".into(),
        version: V,
        date: Some(Date(1_704_067_200)),
        from: Sender::Address("+15550100001/TYPE=PLMN".into()),
        to: vec!["to é".into()],
        cc: vec!["cc é".into()],
        bcc: vec!["bcc é".into()],
        subject: Some("subject é".into()),
        message_class: Some(MessageClass::Auto),
        expiry: Some(TimeValue::Relative(60)),
        delivery_time: Some(TimeValue::Relative(60)),
        priority: Some(Priority::High),
        sender_visibility: Some(SenderVisibility::Hide),
        delivery_report: Some(true),
        read_report: Some(true),
        reply_charging: Some(ReplyCharging::AcceptedTextOnly),
        reply_charging_deadline: Some(TimeValue::Relative(60)),
        reply_charging_size: Some(Size(51_200)),
        reply_charging_id: Some("t-reply_charging_id".into()),
        store: Some(true),
        mm_state: Some(MmState::Sent),
        mm_flags: vec![flag()],
        applic_id: Some("t-applic_id".into()),
        reply_applic_id: Some("t-reply_applic_id".into()),
        aux_applic_info: Some("t-aux_applic_info".into()),
        content_class: Some(ContentClass::VideoRich),
        drm_content: Some(true),
        adaptation_allowed: Some(true),
        content: Content::text("hi"),
    }
}

fn send_conf() -> SendConf<'static> {
    SendConf {
        transaction_id: "t-transaction_id".into(),
        version: V,
        response_status: ResponseStatus::PermanentNotFound,
        response_text: Some("response_text é".into()),
        message_id: Some("t-message_id".into()),
        content_location: Some("t-content_location".into()),
        store_status: Some(StoreStatus::MmboxFull),
        store_status_text: Some("store_status_text é".into()),
    }
}

fn notification_ind() -> NotificationInd<'static> {
    NotificationInd {
        transaction_id: "t-transaction_id".into(),
        version: V,
        from: Some("+15550100001/TYPE=PLMN".into()),
        subject: Some("subject é".into()),
        delivery_report: Some(true),
        stored: Some(true),
        message_class: MessageClass::Auto,
        priority: Some(Priority::High),
        message_size: Size(51_200),
        expiry: TimeValue::Relative(60),
        reply_charging: Some(ReplyCharging::AcceptedTextOnly),
        reply_charging_deadline: Some(TimeValue::Relative(60)),
        reply_charging_size: Some(Size(51_200)),
        reply_charging_id: Some("t-reply_charging_id".into()),
        distribution_indicator: Some(true),
        element_descriptor: Some(element()),
        recommended_retrieval_mode: Some(RetrievalMode::Manual),
        recommended_retrieval_mode_text: Some("recommended_retrieval_mode_text é".into()),
        applic_id: Some("t-applic_id".into()),
        reply_applic_id: Some("t-reply_applic_id".into()),
        aux_applic_info: Some("t-aux_applic_info".into()),
        content_class: Some(ContentClass::VideoRich),
        drm_content: Some(true),
        replace_id: Some("t-replace_id".into()),
        content_location: "t-content_location".into(),
    }
}

fn notify_resp_ind() -> NotifyRespInd<'static> {
    NotifyRespInd {
        transaction_id: "t-transaction_id".into(),
        version: V,
        status: Status::Forwarded,
        report_allowed: Some(true),
    }
}

fn retrieve_conf() -> RetrieveConf<'static> {
    RetrieveConf {
        transaction_id: Some("t-transaction_id".into()),
        version: V,
        message_id: Some("t-message_id".into()),
        date: Date(1_704_067_200),
        from: Some("+15550100001/TYPE=PLMN".into()),
        previously_sent_by: vec![PreviouslySentBy::new(1, "a@b.example")],
        previously_sent_date: vec![PreviouslySentDate::new(1, Date(7))],
        to: vec!["to é".into()],
        cc: vec!["cc é".into()],
        subject: Some("subject é".into()),
        message_class: Some(MessageClass::Auto),
        priority: Some(Priority::High),
        delivery_report: Some(true),
        read_report: Some(true),
        retrieve_status: Some(RetrieveStatus::TransientNotFound),
        retrieve_text: Some("retrieve_text é".into()),
        reply_charging: Some(ReplyCharging::AcceptedTextOnly),
        reply_charging_deadline: Some(TimeValue::Relative(60)),
        reply_charging_size: Some(Size(51_200)),
        reply_charging_id: Some("t-reply_charging_id".into()),
        mm_state: Some(MmState::Sent),
        mm_flags: vec![flag()],
        distribution_indicator: Some(true),
        applic_id: Some("t-applic_id".into()),
        reply_applic_id: Some("t-reply_applic_id".into()),
        aux_applic_info: Some("t-aux_applic_info".into()),
        content_class: Some(ContentClass::VideoRich),
        drm_content: Some(true),
        replace_id: Some("t-replace_id".into()),
        message_size: Some(Size(51_200)),
        content_location: Some("t-content_location".into()),
        content: Content::text("hi"),
    }
}

fn acknowledge_ind() -> AcknowledgeInd<'static> {
    AcknowledgeInd {
        transaction_id: "t-transaction_id".into(),
        version: V,
        report_allowed: Some(true),
    }
}

fn delivery_ind() -> DeliveryInd<'static> {
    DeliveryInd {
        version: V,
        message_id: "t-message_id".into(),
        to: "to é".into(),
        date: Date(1_704_067_200),
        status: Status::Forwarded,
        status_text: Some("status_text é".into()),
        applic_id: Some("t-applic_id".into()),
        reply_applic_id: Some("t-reply_applic_id".into()),
        aux_applic_info: Some("t-aux_applic_info".into()),
    }
}

fn read_rec_ind() -> ReadRecInd<'static> {
    ReadRecInd {
        version: V,
        message_id: "t-message_id".into(),
        to: "to é".into(),
        from: Sender::Address("+15550100001/TYPE=PLMN".into()),
        date: Some(Date(1_704_067_200)),
        read_status: ReadStatus::Deleted,
        applic_id: Some("t-applic_id".into()),
        reply_applic_id: Some("t-reply_applic_id".into()),
        aux_applic_info: Some("t-aux_applic_info".into()),
    }
}

fn read_orig_ind() -> ReadOrigInd<'static> {
    ReadOrigInd {
        version: V,
        message_id: "t-message_id".into(),
        to: "to é".into(),
        from: "+15550100001/TYPE=PLMN".into(),
        date: Date(1_704_067_200),
        read_status: ReadStatus::Deleted,
        applic_id: Some("t-applic_id".into()),
        reply_applic_id: Some("t-reply_applic_id".into()),
        aux_applic_info: Some("t-aux_applic_info".into()),
    }
}

fn forward_req() -> ForwardReq<'static> {
    ForwardReq {
        transaction_id: "t-transaction_id".into(),
        version: V,
        date: Some(Date(1_704_067_200)),
        from: Sender::Address("+15550100001/TYPE=PLMN".into()),
        to: vec!["to é".into()],
        cc: vec!["cc é".into()],
        bcc: vec!["bcc é".into()],
        expiry: Some(TimeValue::Relative(60)),
        delivery_time: Some(TimeValue::Relative(60)),
        report_allowed: Some(true),
        delivery_report: Some(true),
        read_report: Some(true),
        store: Some(true),
        mm_state: Some(MmState::Sent),
        mm_flags: vec![flag()],
        reply_charging: Some(ReplyCharging::AcceptedTextOnly),
        reply_charging_deadline: Some(TimeValue::Relative(60)),
        reply_charging_size: Some(Size(51_200)),
        content_location: "t-content_location".into(),
    }
}

fn forward_conf() -> ForwardConf<'static> {
    ForwardConf {
        transaction_id: "t-transaction_id".into(),
        version: V,
        response_status: ResponseStatus::PermanentNotFound,
        response_text: Some("response_text é".into()),
        message_id: Some("t-message_id".into()),
        content_location: Some("t-content_location".into()),
        store_status: Some(StoreStatus::MmboxFull),
        store_status_text: Some("store_status_text é".into()),
    }
}

fn cancel_req() -> CancelReq<'static> {
    CancelReq {
        transaction_id: "t-transaction_id".into(),
        version: V,
        cancel_id: "t-cancel_id".into(),
    }
}

fn cancel_conf() -> CancelConf<'static> {
    CancelConf {
        transaction_id: "t-transaction_id".into(),
        version: V,
        cancel_status: CancelStatus::Corrupted,
    }
}

fn mbox_store_req() -> MboxStoreReq<'static> {
    MboxStoreReq {
        transaction_id: "t-transaction_id".into(),
        version: V,
        content_location: "t-content_location".into(),
        mm_state: Some(MmState::Sent),
        mm_flags: vec![flag()],
    }
}

fn mbox_store_conf() -> MboxStoreConf<'static> {
    MboxStoreConf {
        transaction_id: "t-transaction_id".into(),
        version: V,
        content_location: Some("t-content_location".into()),
        store_status: StoreStatus::MmboxFull,
        store_status_text: Some("store_status_text é".into()),
    }
}

fn mbox_view_req() -> MboxViewReq<'static> {
    MboxViewReq {
        transaction_id: "t-transaction_id".into(),
        version: V,
        content_locations: vec!["t-content_locations".into()],
        mm_states: vec![MmState::Sent],
        mm_flags: vec![flag()],
        start: Some(Number(300)),
        limit: Some(Number(300)),
        attributes: vec![Attribute(Field::SUBJECT)],
        totals: Some(true),
        quotas: Some(true),
    }
}

fn mbox_view_conf() -> MboxViewConf<'static> {
    MboxViewConf {
        transaction_id: "t-transaction_id".into(),
        version: V,
        response_status: ResponseStatus::PermanentNotFound,
        response_text: Some("response_text é".into()),
        content_locations: vec!["t-content_locations".into()],
        mm_states: vec![MmState::Sent],
        mm_flags: vec![flag()],
        start: Some(Number(300)),
        limit: Some(Number(300)),
        attributes: vec![Attribute(Field::SUBJECT)],
        mbox_totals: vec![MboxAmount::Octets(2468)],
        mbox_quotas: vec![MboxAmount::Octets(2468)],
        message_count: Some(Number(300)),
        content: Content::text("hi"),
    }
}

fn mbox_upload_req() -> MboxUploadReq<'static> {
    MboxUploadReq {
        transaction_id: "t-transaction_id".into(),
        version: V,
        mm_state: Some(MmState::Sent),
        mm_flags: vec![flag()],
        content: Content::text("hi"),
    }
}

fn mbox_upload_conf() -> MboxUploadConf<'static> {
    MboxUploadConf {
        transaction_id: "t-transaction_id".into(),
        version: V,
        content_location: Some("t-content_location".into()),
        store_status: StoreStatus::MmboxFull,
        store_status_text: Some("store_status_text é".into()),
    }
}

fn mbox_delete_req() -> MboxDeleteReq<'static> {
    MboxDeleteReq {
        transaction_id: "t-transaction_id".into(),
        version: V,
        content_locations: vec!["t-content_locations".into()],
    }
}

fn mbox_delete_conf() -> MboxDeleteConf<'static> {
    MboxDeleteConf {
        transaction_id: "t-transaction_id".into(),
        version: V,
        content_locations: vec![CountedLocation::new(1, "t-l")],
        response_statuses: vec![CountedStatus::new(1, ResponseStatus::Ok)],
        response_texts: vec![CountedText::new(1, "text")],
    }
}

fn mbox_descr() -> MboxDescr<'static> {
    MboxDescr {
        content_location: Some("t-content_location".into()),
        message_id: Some("t-message_id".into()),
        mm_state: Some(MmState::Sent),
        mm_flags: vec![flag()],
        date: Some(Date(1_704_067_200)),
        from: Some("+15550100001/TYPE=PLMN".into()),
        to: vec!["to é".into()],
        cc: vec!["cc é".into()],
        bcc: vec!["bcc é".into()],
        message_class: Some(MessageClass::Auto),
        subject: Some("subject é".into()),
        priority: Some(Priority::High),
        delivery_time: Some(TimeValue::Relative(60)),
        expiry: Some(TimeValue::Relative(60)),
        delivery_report: Some(true),
        read_report: Some(true),
        message_size: Some(Size(51_200)),
        reply_charging: Some(ReplyCharging::AcceptedTextOnly),
        reply_charging_deadline: Some(TimeValue::Relative(60)),
        reply_charging_size: Some(Size(51_200)),
        reply_charging_id: Some("t-reply_charging_id".into()),
        previously_sent_by: vec![PreviouslySentBy::new(1, "a@b.example")],
        previously_sent_date: vec![PreviouslySentDate::new(1, Date(7))],
        applic_id: Some("t-applic_id".into()),
        reply_applic_id: Some("t-reply_applic_id".into()),
        aux_applic_info: Some("t-aux_applic_info".into()),
        content_class: Some(ContentClass::VideoRich),
        drm_content: Some(true),
        content: Some(Content::text("hi")),
    }
}

fn delete_req() -> DeleteReq<'static> {
    DeleteReq {
        transaction_id: "t-transaction_id".into(),
        version: V,
        content_locations: vec!["t-content_locations".into()],
    }
}

fn delete_conf() -> DeleteConf<'static> {
    DeleteConf {
        transaction_id: "t-transaction_id".into(),
        version: V,
        content_locations: vec![CountedLocation::new(1, "t-l")],
        response_statuses: vec![CountedStatus::new(1, ResponseStatus::Ok)],
        response_texts: vec![CountedText::new(1, "text")],
    }
}

fn all() -> Vec<Pdu<'static>> {
    vec![
        send_req().into(),
        send_conf().into(),
        notification_ind().into(),
        notify_resp_ind().into(),
        retrieve_conf().into(),
        acknowledge_ind().into(),
        delivery_ind().into(),
        read_rec_ind().into(),
        read_orig_ind().into(),
        forward_req().into(),
        forward_conf().into(),
        cancel_req().into(),
        cancel_conf().into(),
        mbox_store_req().into(),
        mbox_store_conf().into(),
        mbox_view_req().into(),
        mbox_view_conf().into(),
        mbox_upload_req().into(),
        mbox_upload_conf().into(),
        mbox_delete_req().into(),
        mbox_delete_conf().into(),
        mbox_descr().into(),
        delete_req().into(),
        delete_conf().into(),
    ]
}

#[test]
fn every_field_of_every_pdu_goes_both_ways() {
    let mut kinds = BTreeSet::new();
    for pdu in all() {
        let kind = pdu.message_type();
        assert!(kinds.insert(kind), "{kind:?} twice");
        let mut octets = Vec::new();
        encode(&pdu, &mut octets).unwrap();
        assert_eq!(decode(&octets, &Limits::default()).unwrap(), pdu, "{kind:?}");
        // What was written names every field of the type, and nothing else.
        let shown = tree(&octets, Format::Mms, &Limits::default());
        let written: BTreeSet<String> = shown.fields.iter().map(|field| field.name.to_string()).collect();
        let known: BTreeSet<String> = kind.fields().iter().map(Field::to_string).collect();
        assert_eq!(written, known, "{kind:?}");
    }
    assert_eq!(kinds.len(), MessageType::ALL.len());
}

#[test]
fn every_named_field_belongs_to_a_pdu_or_is_an_attribute() {
    let used: BTreeSet<Field> = MessageType::ALL
        .iter()
        .flat_map(|kind| kind.fields())
        .copied()
        .collect();
    let unused: Vec<Field> = Field::ALL
        .iter()
        .filter(|field| !used.contains(field))
        .copied()
        .collect();
    // Digest 5: these two only travel as values of X-Mms-Attributes.
    assert_eq!(unused, [Field::CONTENT, Field::ADDITIONAL_HEADERS]);
}
