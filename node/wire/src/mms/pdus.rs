//! The PDUs of submission, notification, retrieval, reports, forwarding and cancelling, and their fields in the order in
//! which they are sent (digest section 7). The message type goes first and is not listed; optional fields are only sent
//! when they are set.

use super::error::Fault;
use super::table;
use super::{
    CancelStatus, Content, ContentClass, Date, ElementDescriptor, EncodeError, EncodedString, Field, Head, HeadName,
    Limits, MessageClass, MmFlag, MmState, Originator, PreviouslySentBy, PreviouslySentDate, Priority, ReadStatus,
    ReplyCharging, ResponseStatus, RetrievalMode, RetrieveStatus, Sender, SenderVisibility, Size, Status, StoreStatus,
    Text, TimeValue, Version,
};

pdus! {
    /// m-send-req: a message submitted by a client. Digest 7.1.
    SendReq with content M {
        /// X-Mms-Transaction-Id, echoed octet for octet.
        M transaction_id: Text<'a> = TRANSACTION_ID;
        /// X-Mms-MMS-Version; 1.0 if missing.
        D version: Version = MMS_VERSION;
        /// Date.
        O date: Date = DATE;
        /// From; missing counts as insert-address.
        D from: Sender<'a> = FROM;
        /// To.
        R to: EncodedString<'a> = TO;
        /// Cc.
        R cc: EncodedString<'a> = CC;
        /// Bcc.
        R bcc: EncodedString<'a> = BCC;
        /// Subject.
        O subject: EncodedString<'a> = SUBJECT;
        /// X-Mms-Message-Class; Personal if absent.
        O message_class: MessageClass<'a> = MESSAGE_CLASS;
        /// X-Mms-Expiry.
        O expiry: TimeValue = EXPIRY;
        /// X-Mms-Delivery-Time.
        O delivery_time: TimeValue = DELIVERY_TIME;
        /// X-Mms-Priority; Normal if absent.
        O priority: Priority = PRIORITY;
        /// X-Mms-Sender-Visibility; Show if absent.
        O sender_visibility: SenderVisibility = SENDER_VISIBILITY;
        /// X-Mms-Delivery-Report; No if absent.
        O delivery_report: bool = DELIVERY_REPORT;
        /// X-Mms-Read-Report; No if absent.
        O read_report: bool = READ_REPORT;
        /// X-Mms-Reply-Charging (1.1).
        O reply_charging: ReplyCharging = REPLY_CHARGING;
        /// X-Mms-Reply-Charging-Deadline (1.1).
        O reply_charging_deadline: TimeValue = REPLY_CHARGING_DEADLINE;
        /// X-Mms-Reply-Charging-Size in octets (1.1).
        O reply_charging_size: Size = REPLY_CHARGING_SIZE;
        /// X-Mms-Reply-Charging-ID, the Message-ID of the original (1.1).
        O reply_charging_id: Text<'a> = REPLY_CHARGING_ID;
        /// X-Mms-Store; No if absent (1.2).
        O store: bool = STORE;
        /// X-Mms-MM-State (1.2).
        O mm_state: MmState = MM_STATE;
        /// X-Mms-MM-Flags (1.2).
        R mm_flags: MmFlag<'a> = MM_FLAGS;
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
        /// X-Mms-Adaptation-Allowed; Yes if absent (1.3).
        O adaptation_allowed: bool = ADAPTATION_ALLOWED;
    }

    /// m-send-conf: the answer to m-send-req. Digest 7.2.
    SendConf {
        /// X-Mms-Transaction-Id, echoed octet for octet.
        M transaction_id: Text<'a> = TRANSACTION_ID;
        /// X-Mms-MMS-Version; 1.0 if missing.
        D version: Version = MMS_VERSION;
        /// X-Mms-Response-Status.
        M response_status: ResponseStatus = RESPONSE_STATUS;
        /// X-Mms-Response-Text.
        O response_text: EncodedString<'a> = RESPONSE_TEXT;
        /// Message-ID.
        O message_id: Text<'a> = MESSAGE_ID;
        /// X-Mms-Content-Location.
        O content_location: Text<'a> = CONTENT_LOCATION;
        /// X-Mms-Store-Status (1.2).
        O store_status: StoreStatus = STORE_STATUS;
        /// X-Mms-Store-Status-Text (1.2).
        O store_status_text: EncodedString<'a> = STORE_STATUS_TEXT;
    }

    /// m-notification-ind: there is a message to retrieve. Expiry is sent as relative. Digest 7.3.
    NotificationInd {
        /// X-Mms-Transaction-Id, echoed octet for octet.
        M transaction_id: Text<'a> = TRANSACTION_ID;
        /// X-Mms-MMS-Version; 1.0 if missing.
        D version: Version = MMS_VERSION;
        /// From; absent when the sender hides.
        O from: Originator<'a> = FROM;
        /// Subject.
        O subject: EncodedString<'a> = SUBJECT;
        /// X-Mms-Delivery-Report; No if absent.
        O delivery_report: bool = DELIVERY_REPORT;
        /// X-Mms-Stored; No if absent (1.2).
        O stored: bool = STORED;
        /// X-Mms-Message-Class; Personal if absent.
        D message_class: MessageClass<'a> = MESSAGE_CLASS;
        /// X-Mms-Priority; Normal if absent.
        O priority: Priority = PRIORITY;
        /// X-Mms-Message-Size in octets.
        M message_size: Size = MESSAGE_SIZE;
        /// X-Mms-Expiry.
        M expiry: TimeValue = EXPIRY;
        /// X-Mms-Reply-Charging (1.1).
        O reply_charging: ReplyCharging = REPLY_CHARGING;
        /// X-Mms-Reply-Charging-Deadline (1.1).
        O reply_charging_deadline: TimeValue = REPLY_CHARGING_DEADLINE;
        /// X-Mms-Reply-Charging-Size in octets (1.1).
        O reply_charging_size: Size = REPLY_CHARGING_SIZE;
        /// X-Mms-Reply-Charging-ID, the Message-ID of the original (1.1).
        O reply_charging_id: Text<'a> = REPLY_CHARGING_ID;
        /// X-Mms-Distribution-Indicator; No means do not redistribute (1.2).
        O distribution_indicator: bool = DISTRIBUTION_INDICATOR;
        /// X-Mms-Element-Descriptor (1.2).
        O element_descriptor: ElementDescriptor<'a> = ELEMENT_DESCRIPTOR;
        /// X-Mms-Recommended-Retrieval-Mode (1.3).
        O recommended_retrieval_mode: RetrievalMode = RECOMMENDED_RETRIEVAL_MODE;
        /// X-Mms-Recommended-Retrieval-Mode-Text (1.3).
        O recommended_retrieval_mode_text: EncodedString<'a> = RECOMMENDED_RETRIEVAL_MODE_TEXT;
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
        /// X-Mms-Replace-ID, the Message-ID of the message that this one replaces (1.3).
        O replace_id: Text<'a> = REPLACE_ID;
        /// X-Mms-Content-Location.
        M content_location: Text<'a> = CONTENT_LOCATION;
    }

    /// m-notifyresp-ind: the answer to a notification. Digest 7.4.
    NotifyRespInd {
        /// X-Mms-Transaction-Id, echoed octet for octet.
        M transaction_id: Text<'a> = TRANSACTION_ID;
        /// X-Mms-MMS-Version; 1.0 if missing.
        D version: Version = MMS_VERSION;
        /// X-Mms-Status.
        M status: Status = STATUS;
        /// X-Mms-Report-Allowed; Yes if absent.
        O report_allowed: bool = REPORT_ALLOWED;
    }

    /// m-retrieve-conf: the message retrieved, or why not. Digest 7.5.
    RetrieveConf with content M {
        /// X-Mms-Transaction-Id, echoed octet for octet.
        O transaction_id: Text<'a> = TRANSACTION_ID;
        /// X-Mms-MMS-Version; 1.0 if missing.
        D version: Version = MMS_VERSION;
        /// Message-ID.
        O message_id: Text<'a> = MESSAGE_ID;
        /// Date.
        M date: Date = DATE;
        /// From; absent when the sender hides.
        O from: Originator<'a> = FROM;
        /// X-Mms-Previously-Sent-By (1.1).
        R previously_sent_by: PreviouslySentBy<'a> = PREVIOUSLY_SENT_BY;
        /// X-Mms-Previously-Sent-Date (1.1).
        R previously_sent_date: PreviouslySentDate<'a> = PREVIOUSLY_SENT_DATE;
        /// To.
        R to: EncodedString<'a> = TO;
        /// Cc.
        R cc: EncodedString<'a> = CC;
        /// Subject.
        O subject: EncodedString<'a> = SUBJECT;
        /// X-Mms-Message-Class; Personal if absent.
        O message_class: MessageClass<'a> = MESSAGE_CLASS;
        /// X-Mms-Priority; Normal if absent.
        O priority: Priority = PRIORITY;
        /// X-Mms-Delivery-Report; No if absent.
        O delivery_report: bool = DELIVERY_REPORT;
        /// X-Mms-Read-Report; No if absent.
        O read_report: bool = READ_REPORT;
        /// X-Mms-Retrieve-Status; Ok if absent (1.1).
        O retrieve_status: RetrieveStatus = RETRIEVE_STATUS;
        /// X-Mms-Retrieve-Text (1.1).
        O retrieve_text: EncodedString<'a> = RETRIEVE_TEXT;
        /// X-Mms-Reply-Charging (1.1).
        O reply_charging: ReplyCharging = REPLY_CHARGING;
        /// X-Mms-Reply-Charging-Deadline (1.1).
        O reply_charging_deadline: TimeValue = REPLY_CHARGING_DEADLINE;
        /// X-Mms-Reply-Charging-Size in octets (1.1).
        O reply_charging_size: Size = REPLY_CHARGING_SIZE;
        /// X-Mms-Reply-Charging-ID, the Message-ID of the original (1.1).
        O reply_charging_id: Text<'a> = REPLY_CHARGING_ID;
        /// X-Mms-MM-State (1.2).
        O mm_state: MmState = MM_STATE;
        /// X-Mms-MM-Flags (1.2).
        R mm_flags: MmFlag<'a> = MM_FLAGS;
        /// X-Mms-Distribution-Indicator; No means do not redistribute (1.2).
        O distribution_indicator: bool = DISTRIBUTION_INDICATOR;
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
        /// X-Mms-Replace-ID, the Message-ID of the message that this one replaces (1.3).
        O replace_id: Text<'a> = REPLACE_ID;
        /// X-Mms-Message-Size in octets.
        O message_size: Size = MESSAGE_SIZE;
        /// X-Mms-Content-Location.
        O content_location: Text<'a> = CONTENT_LOCATION;
    }

    /// m-acknowledge-ind: the message has arrived. Digest 7.6.
    AcknowledgeInd {
        /// X-Mms-Transaction-Id, echoed octet for octet.
        M transaction_id: Text<'a> = TRANSACTION_ID;
        /// X-Mms-MMS-Version; 1.0 if missing.
        D version: Version = MMS_VERSION;
        /// X-Mms-Report-Allowed; Yes if absent.
        O report_allowed: bool = REPORT_ALLOWED;
    }

    /// m-delivery-ind: a delivery report. Digest 7.7.
    DeliveryInd {
        /// X-Mms-MMS-Version; 1.0 if missing.
        D version: Version = MMS_VERSION;
        /// Message-ID.
        M message_id: Text<'a> = MESSAGE_ID;
        /// To: the one recipient.
        M to: EncodedString<'a> = TO;
        /// Date.
        M date: Date = DATE;
        /// X-Mms-Status.
        M status: Status = STATUS;
        /// X-Mms-Status-Text (1.3).
        O status_text: EncodedString<'a> = STATUS_TEXT;
        /// X-Mms-Applic-ID (1.3).
        O applic_id: Text<'a> = APPLIC_ID;
        /// X-Mms-Reply-Applic-ID (1.3).
        O reply_applic_id: Text<'a> = REPLY_APPLIC_ID;
        /// X-Mms-Aux-Applic-Info (1.3).
        O aux_applic_info: Text<'a> = AUX_APPLIC_INFO;
    }

    /// m-read-rec-ind: a read report of a client. Digest 7.8.
    ReadRecInd {
        /// X-Mms-MMS-Version; 1.0 if missing.
        D version: Version = MMS_VERSION;
        /// Message-ID.
        M message_id: Text<'a> = MESSAGE_ID;
        /// To: the one recipient.
        M to: EncodedString<'a> = TO;
        /// From; missing counts as insert-address.
        D from: Sender<'a> = FROM;
        /// Date.
        O date: Date = DATE;
        /// X-Mms-Read-Status.
        M read_status: ReadStatus = READ_STATUS;
        /// X-Mms-Applic-ID (1.3).
        O applic_id: Text<'a> = APPLIC_ID;
        /// X-Mms-Reply-Applic-ID (1.3).
        O reply_applic_id: Text<'a> = REPLY_APPLIC_ID;
        /// X-Mms-Aux-Applic-Info (1.3).
        O aux_applic_info: Text<'a> = AUX_APPLIC_INFO;
    }

    /// m-read-orig-ind: a read report for the originator. Digest 7.9.
    ReadOrigInd {
        /// X-Mms-MMS-Version; 1.0 if missing.
        D version: Version = MMS_VERSION;
        /// Message-ID.
        M message_id: Text<'a> = MESSAGE_ID;
        /// To: the one recipient.
        M to: EncodedString<'a> = TO;
        /// From.
        M from: Originator<'a> = FROM;
        /// Date.
        M date: Date = DATE;
        /// X-Mms-Read-Status.
        M read_status: ReadStatus = READ_STATUS;
        /// X-Mms-Applic-ID (1.3).
        O applic_id: Text<'a> = APPLIC_ID;
        /// X-Mms-Reply-Applic-ID (1.3).
        O reply_applic_id: Text<'a> = REPLY_APPLIC_ID;
        /// X-Mms-Aux-Applic-Info (1.3).
        O aux_applic_info: Text<'a> = AUX_APPLIC_INFO;
    }

    /// m-forward-req: forward a message without retrieving it. Digest 7.10.
    ForwardReq {
        /// X-Mms-Transaction-Id, echoed octet for octet.
        M transaction_id: Text<'a> = TRANSACTION_ID;
        /// X-Mms-MMS-Version; 1.0 if missing.
        D version: Version = MMS_VERSION;
        /// Date.
        O date: Date = DATE;
        /// From; missing counts as insert-address.
        D from: Sender<'a> = FROM;
        /// To.
        R to: EncodedString<'a> = TO;
        /// Cc.
        R cc: EncodedString<'a> = CC;
        /// Bcc.
        R bcc: EncodedString<'a> = BCC;
        /// X-Mms-Expiry.
        O expiry: TimeValue = EXPIRY;
        /// X-Mms-Delivery-Time.
        O delivery_time: TimeValue = DELIVERY_TIME;
        /// X-Mms-Report-Allowed; Yes if absent.
        O report_allowed: bool = REPORT_ALLOWED;
        /// X-Mms-Delivery-Report; No if absent.
        O delivery_report: bool = DELIVERY_REPORT;
        /// X-Mms-Read-Report; No if absent.
        O read_report: bool = READ_REPORT;
        /// X-Mms-Store; No if absent (1.2).
        O store: bool = STORE;
        /// X-Mms-MM-State (1.2).
        O mm_state: MmState = MM_STATE;
        /// X-Mms-MM-Flags (1.2).
        R mm_flags: MmFlag<'a> = MM_FLAGS;
        /// X-Mms-Reply-Charging (1.1).
        O reply_charging: ReplyCharging = REPLY_CHARGING;
        /// X-Mms-Reply-Charging-Deadline (1.1).
        O reply_charging_deadline: TimeValue = REPLY_CHARGING_DEADLINE;
        /// X-Mms-Reply-Charging-Size in octets (1.1).
        O reply_charging_size: Size = REPLY_CHARGING_SIZE;
        /// X-Mms-Content-Location.
        M content_location: Text<'a> = CONTENT_LOCATION;
    }

    /// m-forward-conf: the answer to m-forward-req. Digest 7.11.
    ForwardConf {
        /// X-Mms-Transaction-Id, echoed octet for octet.
        M transaction_id: Text<'a> = TRANSACTION_ID;
        /// X-Mms-MMS-Version; 1.0 if missing.
        D version: Version = MMS_VERSION;
        /// X-Mms-Response-Status.
        M response_status: ResponseStatus = RESPONSE_STATUS;
        /// X-Mms-Response-Text.
        O response_text: EncodedString<'a> = RESPONSE_TEXT;
        /// Message-ID.
        O message_id: Text<'a> = MESSAGE_ID;
        /// X-Mms-Content-Location.
        O content_location: Text<'a> = CONTENT_LOCATION;
        /// X-Mms-Store-Status (1.2).
        O store_status: StoreStatus = STORE_STATUS;
        /// X-Mms-Store-Status-Text (1.2).
        O store_status_text: EncodedString<'a> = STORE_STATUS_TEXT;
    }

    /// m-cancel-req: remove a message that was not read yet (1.3). Digest 7.21.
    CancelReq {
        /// X-Mms-Transaction-Id, echoed octet for octet.
        M transaction_id: Text<'a> = TRANSACTION_ID;
        /// X-Mms-MMS-Version; 1.0 if missing.
        D version: Version = MMS_VERSION;
        /// X-Mms-Cancel-ID: Message-ID of the message to remove.
        M cancel_id: Text<'a> = CANCEL_ID;
    }

    /// m-cancel-conf: the answer to m-cancel-req (1.3). Digest 7.22.
    CancelConf {
        /// X-Mms-Transaction-Id, echoed octet for octet.
        M transaction_id: Text<'a> = TRANSACTION_ID;
        /// X-Mms-MMS-Version; 1.0 if missing.
        D version: Version = MMS_VERSION;
        /// X-Mms-Cancel-Status.
        M cancel_status: CancelStatus = CANCEL_STATUS;
    }
}
