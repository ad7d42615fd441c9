//! The PDUs of the network store (MMBox) and of deleting, and their fields in the order in which they are sent (digest
//! 7.12 to 7.20).

use super::error::Fault;
use super::table;
use super::{
    Attribute, Content, ContentClass, CountedLocation, CountedStatus, CountedText, Date, EncodeError, EncodedString,
    Field, Head, HeadName, Limits, MboxAmount, MessageClass, MmFlag, MmState, Number, Originator, PreviouslySentBy,
    PreviouslySentDate, Priority, ReplyCharging, ResponseStatus, Size, StoreStatus, Text, TimeValue, Version,
};

pdus! {
    /// m-mbox-store-req: store a message, or change its state or keywords. Digest 7.12.
    MboxStoreReq {
        /// X-Mms-Transaction-Id, echoed octet for octet.
        M transaction_id: Text<'a> = TRANSACTION_ID;
        /// X-Mms-MMS-Version; 1.0 if missing.
        D version: Version = MMS_VERSION;
        /// X-Mms-Content-Location.
        M content_location: Text<'a> = CONTENT_LOCATION;
        /// X-Mms-MM-State (1.2).
        O mm_state: MmState = MM_STATE;
        /// X-Mms-MM-Flags (1.2).
        R mm_flags: MmFlag<'a> = MM_FLAGS;
    }

    /// m-mbox-store-conf: the answer to m-mbox-store-req. Digest 7.13.
    MboxStoreConf {
        /// X-Mms-Transaction-Id, echoed octet for octet.
        M transaction_id: Text<'a> = TRANSACTION_ID;
        /// X-Mms-MMS-Version; 1.0 if missing.
        D version: Version = MMS_VERSION;
        /// X-Mms-Content-Location.
        O content_location: Text<'a> = CONTENT_LOCATION;
        /// X-Mms-Store-Status (1.2).
        M store_status: StoreStatus = STORE_STATUS;
        /// X-Mms-Store-Status-Text (1.2).
        O store_status_text: EncodedString<'a> = STORE_STATUS_TEXT;
    }

    /// m-mbox-view-req: list stored messages. Digest 7.14.
    MboxViewReq {
        /// X-Mms-Transaction-Id, echoed octet for octet.
        M transaction_id: Text<'a> = TRANSACTION_ID;
        /// X-Mms-MMS-Version; 1.0 if missing.
        D version: Version = MMS_VERSION;
        /// X-Mms-Content-Location, one per message.
        R content_locations: Text<'a> = CONTENT_LOCATION;
        /// X-Mms-MM-State, one per state.
        R mm_states: MmState = MM_STATE;
        /// X-Mms-MM-Flags (1.2).
        R mm_flags: MmFlag<'a> = MM_FLAGS;
        /// X-Mms-Start: index of the first message wanted; the first if absent.
        O start: Number = START;
        /// X-Mms-Limit: how many messages are wanted at most; all if absent.
        O limit: Number = LIMIT;
        /// X-Mms-Attributes.
        R attributes: Attribute = ATTRIBUTES;
        /// X-Mms-Totals; No if absent.
        O totals: bool = TOTALS;
        /// X-Mms-Quotas; No if absent.
        O quotas: bool = QUOTAS;
    }

    /// m-mbox-view-conf: the list, its parts being m-mbox-descr PDUs. Digest 7.15.
    MboxViewConf with content M {
        /// X-Mms-Transaction-Id, echoed octet for octet.
        M transaction_id: Text<'a> = TRANSACTION_ID;
        /// X-Mms-MMS-Version; 1.0 if missing.
        D version: Version = MMS_VERSION;
        /// X-Mms-Response-Status.
        M response_status: ResponseStatus = RESPONSE_STATUS;
        /// X-Mms-Response-Text.
        O response_text: EncodedString<'a> = RESPONSE_TEXT;
        /// X-Mms-Content-Location, one per message.
        R content_locations: Text<'a> = CONTENT_LOCATION;
        /// X-Mms-MM-State, one per state.
        R mm_states: MmState = MM_STATE;
        /// X-Mms-MM-Flags (1.2).
        R mm_flags: MmFlag<'a> = MM_FLAGS;
        /// X-Mms-Start: index of the first message wanted; the first if absent.
        O start: Number = START;
        /// X-Mms-Limit: how many messages are wanted at most; all if absent.
        O limit: Number = LIMIT;
        /// X-Mms-Attributes.
        R attributes: Attribute = ATTRIBUTES;
        /// X-Mms-Mbox-Totals.
        R mbox_totals: MboxAmount = MBOX_TOTALS;
        /// X-Mms-Mbox-Quotas.
        R mbox_quotas: MboxAmount = MBOX_QUOTAS;
        /// X-Mms-Message-Count.
        O message_count: Number = MESSAGE_COUNT;
    }

    /// m-mbox-upload-req: store a message of the client; its body is one m-mbox-descr. Digest 7.17.
    MboxUploadReq with content M {
        /// X-Mms-Transaction-Id, echoed octet for octet.
        M transaction_id: Text<'a> = TRANSACTION_ID;
        /// X-Mms-MMS-Version; 1.0 if missing.
        D version: Version = MMS_VERSION;
        /// X-Mms-MM-State (1.2).
        O mm_state: MmState = MM_STATE;
        /// X-Mms-MM-Flags (1.2).
        R mm_flags: MmFlag<'a> = MM_FLAGS;
    }

    /// m-mbox-upload-conf: the answer to m-mbox-upload-req. Digest 7.18.
    MboxUploadConf {
        /// X-Mms-Transaction-Id, echoed octet for octet.
        M transaction_id: Text<'a> = TRANSACTION_ID;
        /// X-Mms-MMS-Version; 1.0 if missing.
        D version: Version = MMS_VERSION;
        /// X-Mms-Content-Location.
        O content_location: Text<'a> = CONTENT_LOCATION;
        /// X-Mms-Store-Status (1.2).
        M store_status: StoreStatus = STORE_STATUS;
        /// X-Mms-Store-Status-Text (1.2).
        O store_status_text: EncodedString<'a> = STORE_STATUS_TEXT;
    }

    /// m-mbox-delete-req: delete stored messages. Digest 7.19.
    MboxDeleteReq {
        /// X-Mms-Transaction-Id, echoed octet for octet.
        M transaction_id: Text<'a> = TRANSACTION_ID;
        /// X-Mms-MMS-Version; 1.0 if missing.
        D version: Version = MMS_VERSION;
        /// X-Mms-Content-Location, one per message.
        R content_locations: Text<'a> = CONTENT_LOCATION;
    }

    /// m-mbox-delete-conf: what became of each location. Digest 7.20.
    MboxDeleteConf {
        /// X-Mms-Transaction-Id, echoed octet for octet.
        M transaction_id: Text<'a> = TRANSACTION_ID;
        /// X-Mms-MMS-Version; 1.0 if missing.
        D version: Version = MMS_VERSION;
        /// X-Mms-Content-Location, counted.
        R content_locations: CountedLocation<'a> = CONTENT_LOCATION;
        /// X-Mms-Response-Status, tied to a location by its count.
        R response_statuses: CountedStatus<'a> = RESPONSE_STATUS;
        /// X-Mms-Response-Text, tied to a location by its count.
        R response_texts: CountedText<'a> = RESPONSE_TEXT;
    }

    /// m-mbox-descr: one stored message, inside m-mbox-view-conf and m-mbox-upload-req. Digest 7.16.
    MboxDescr with content O {
        /// X-Mms-Content-Location.
        O content_location: Text<'a> = CONTENT_LOCATION;
        /// Message-ID.
        O message_id: Text<'a> = MESSAGE_ID;
        /// X-Mms-MM-State (1.2).
        O mm_state: MmState = MM_STATE;
        /// X-Mms-MM-Flags (1.2).
        R mm_flags: MmFlag<'a> = MM_FLAGS;
        /// Date.
        O date: Date = DATE;
        /// From; absent when the sender hides.
        O from: Originator<'a> = FROM;
        /// To.
        R to: EncodedString<'a> = TO;
        /// Cc.
        R cc: EncodedString<'a> = CC;
        /// Bcc.
        R bcc: EncodedString<'a> = BCC;
        /// X-Mms-Message-Class; Personal if absent.
        O message_class: MessageClass<'a> = MESSAGE_CLASS;
        /// Subject.
        O subject: EncodedString<'a> = SUBJECT;
        /// X-Mms-Priority; Normal if absent.
        O priority: Priority = PRIORITY;
        /// X-Mms-Delivery-Time.
        O delivery_time: TimeValue = DELIVERY_TIME;
        /// X-Mms-Expiry.
        O expiry: TimeValue = EXPIRY;
        /// X-Mms-Delivery-Report; No if absent.
        O delivery_report: bool = DELIVERY_REPORT;
        /// X-Mms-Read-Report; No if absent.
        O read_report: bool = READ_REPORT;
        /// X-Mms-Message-Size in octets.
        O message_size: Size = MESSAGE_SIZE;
        /// X-Mms-Reply-Charging (1.1).
        O reply_charging: ReplyCharging = REPLY_CHARGING;
        /// X-Mms-Reply-Charging-Deadline (1.1).
        O reply_charging_deadline: TimeValue = REPLY_CHARGING_DEADLINE;
        /// X-Mms-Reply-Charging-Size in octets (1.1).
        O reply_charging_size: Size = REPLY_CHARGING_SIZE;
        /// X-Mms-Reply-Charging-ID, the Message-ID of the original (1.1).
        O reply_charging_id: Text<'a> = REPLY_CHARGING_ID;
        /// X-Mms-Previously-Sent-By (1.1).
        R previously_sent_by: PreviouslySentBy<'a> = PREVIOUSLY_SENT_BY;
        /// X-Mms-Previously-Sent-Date (1.1).
        R previously_sent_date: PreviouslySentDate<'a> = PREVIOUSLY_SENT_DATE;
        /// X-Mms-Applic-ID (1.3).
        O applic_id: Text<'a> = APPLIC_ID;
        /// X-Mms-Reply-Applic-ID (1.3).
        O reply_applic_id: Text<'a> = REPLY_APPLIC_ID;
        /// X-Mms-Aux-Applic-Info (1.3).
        O aux_applic_info: Text<'a> = AUX_APPLIC_INFO;
        /// X-Mms-Content-Class (1.3).
        O content_class: ContentClass = CONTENT_CLASS;
        /// X-Mms-DRM-Content; No if absent (1.3).
        O drm_content: bool = DRM_CONTENT;
    }

    /// m-delete-req: drop messages that were notified (1.3). Digest 7.19.
    DeleteReq {
        /// X-Mms-Transaction-Id, echoed octet for octet.
        M transaction_id: Text<'a> = TRANSACTION_ID;
        /// X-Mms-MMS-Version; 1.0 if missing.
        D version: Version = MMS_VERSION;
        /// X-Mms-Content-Location, one per message.
        R content_locations: Text<'a> = CONTENT_LOCATION;
    }

    /// m-delete-conf: what became of each location (1.3). Digest 7.20.
    DeleteConf {
        /// X-Mms-Transaction-Id, echoed octet for octet.
        M transaction_id: Text<'a> = TRANSACTION_ID;
        /// X-Mms-MMS-Version; 1.0 if missing.
        D version: Version = MMS_VERSION;
        /// X-Mms-Content-Location, counted.
        R content_locations: CountedLocation<'a> = CONTENT_LOCATION;
        /// X-Mms-Response-Status, tied to a location by its count.
        R response_statuses: CountedStatus<'a> = RESPONSE_STATUS;
        /// X-Mms-Response-Text, tied to a location by its count.
        R response_texts: CountedText<'a> = RESPONSE_TEXT;
    }
}
