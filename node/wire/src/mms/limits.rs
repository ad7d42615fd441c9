//! What a decoder accepts (digest section 21).

/// Limits of a decoder. All sizes are in octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Whole PDU.
    pub max_pdu: usize,
    /// Header part of a PDU, up to and including Content-Type.
    pub max_head: usize,
    /// Header fields of a PDU.
    pub max_fields: usize,
    /// Fields To, Cc and Bcc, however often they name the same recipient. A bound on hostile input and no policy: it
    /// stands well above what a service allows, which counts unique recipients.
    pub max_recipients: usize,
    /// One address.
    pub max_address: usize,
    /// Transaction id, Message-ID and other identifiers.
    pub max_identifier: usize,
    /// Subject and other texts for people.
    pub max_text: usize,
    /// Content-Location and other URIs.
    pub max_uri: usize,
    /// Name, Content-ID or Content-Location of a part.
    pub max_part_name: usize,
    /// Parts of a multipart body.
    pub max_parts: usize,
    /// Nesting of multipart bodies; what lies deeper stays opaque.
    pub max_depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_pdu: 3 * 1024 * 1024,
            max_head: 64 * 1024,
            max_fields: 2_512,
            max_recipients: 2_000,
            max_address: 312,
            max_identifier: 255,
            max_text: 1024,
            max_uri: 1024,
            max_part_name: 255,
            max_parts: 256,
            max_depth: 8,
        }
    }
}
