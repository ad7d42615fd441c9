//! A readable tree of any MMS PDU or push.
