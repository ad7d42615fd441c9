//! Assigned numbers of WSP (OMNA registry; digest sections 8.2, 8.3, 9.3).

/// Well-known media types; the index is the code.
const MEDIA_TYPES: &[&str] = &[
    "*/*",
    "text/*",
    "text/html",
    "text/plain",
    "text/x-hdml",
    "text/x-ttml",
    "text/x-vCalendar",
    "text/x-vCard",
    "text/vnd.wap.wml",
    "text/vnd.wap.wmlscript",
    "text/vnd.wap.wta-event",
    "multipart/*",
    "multipart/mixed",
    "multipart/form-data",
    "multipart/byteranges",
    "multipart/alternative",
    "application/*",
    "application/java-vm",
    "application/x-www-form-urlencoded",
    "application/x-hdmlc",
    "application/vnd.wap.wmlc",
    "application/vnd.wap.wmlscriptc",
    "application/vnd.wap.wta-eventc",
    "application/vnd.wap.uaprof",
    "application/vnd.wap.wtls-ca-certificate",
    "application/vnd.wap.wtls-user-certificate",
    "application/x-x509-ca-cert",
    "application/x-x509-user-cert",
    "image/*",
    "image/gif",
    "image/jpeg",
    "image/tiff",
    "image/png",
    "image/vnd.wap.wbmp",
    "application/vnd.wap.multipart.*",
    "application/vnd.wap.multipart.mixed",
    "application/vnd.wap.multipart.form-data",
    "application/vnd.wap.multipart.byteranges",
    "application/vnd.wap.multipart.alternative",
    "application/xml",
    "text/xml",
    "application/vnd.wap.wbxml",
    "application/x-x968-cross-cert",
    "application/x-x968-ca-cert",
    "application/x-x968-user-cert",
    "text/vnd.wap.si",
    "application/vnd.wap.sic",
    "text/vnd.wap.sl",
    "application/vnd.wap.slc",
    "text/vnd.wap.co",
    "application/vnd.wap.coc",
    "application/vnd.wap.multipart.related",
    "application/vnd.wap.sia",
    "text/vnd.wap.connectivity-xml",
    "application/vnd.wap.connectivity-wbxml",
    "application/pkcs7-mime",
    "application/vnd.wap.hashed-certificate",
    "application/vnd.wap.signed-certificate",
    "application/vnd.wap.cert-response",
    "application/xhtml+xml",
    "application/wml+xml",
    "text/css",
    "application/vnd.wap.mms-message",
    "application/vnd.wap.rollover-certificate",
    "application/vnd.wap.locc+wbxml",
    "application/vnd.wap.loc+xml",
    "application/vnd.syncml.dm+wbxml",
    "application/vnd.syncml.dm+xml",
    "application/vnd.syncml.notification",
    "application/vnd.wap.xhtml+xml",
    "application/vnd.wv.csp.cir",
    "application/vnd.oma.dd+xml",
    "application/vnd.oma.drm.message",
    "application/vnd.oma.drm.content",
    "application/vnd.oma.drm.rights+xml",
    "application/vnd.oma.drm.rights+wbxml",
    "application/vnd.wv.csp+xml",
    "application/vnd.wv.csp+wbxml",
    "application/vnd.syncml.ds.notification",
    "audio/*",
    "video/*",
    "application/vnd.oma.dd2+xml",
    "application/mikey",
    "application/vnd.oma.dcd",
    "application/vnd.oma.dcdc",
    "text/x-vMessage",
    "application/vnd.omads-email+wbxml",
    "text/x-vBookmark",
    "application/vnd.syncml.dm.notification",
    "not",
    "application/octet-stream",
];

/// Media types registered by vendors, which need the two-octet form.
const VENDOR_MEDIA_TYPES: &[(u32, &str)] = &[(0x0312, "application/vnd.omaloc-supl-init")];

/// Well-known header names; the index is the number.
const HEADERS: &[&str] = &[
    "Accept",
    "Accept-Charset",
    "Accept-Encoding",
    "Accept-Language",
    "Accept-Ranges",
    "Age",
    "Allow",
    "Authorization",
    "Cache-Control",
    "Connection",
    "Content-Base",
    "Content-Encoding",
    "Content-Language",
    "Content-Length",
    "Content-Location",
    "Content-MD5",
    "Content-Range",
    "Content-Type",
    "Date",
    "ETag",
    "Expires",
    "From",
    "Host",
    "If-Modified-Since",
    "If-Match",
    "If-None-Match",
    "If-Range",
    "If-Unmodified-Since",
    "Location",
    "Last-Modified",
    "Max-Forwards",
    "Pragma",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "Public",
    "Range",
    "Referer",
    "Retry-After",
    "Server",
    "Transfer-Encoding",
    "Upgrade",
    "User-Agent",
    "Vary",
    "Via",
    "Warning",
    "WWW-Authenticate",
    "Content-Disposition",
    "X-Wap-Application-Id",
    "X-Wap-Content-URI",
    "X-Wap-Initiator-URI",
    "Accept-Application",
    "Bearer-Indication",
    "Push-Flag",
    "Profile",
    "Profile-Diff",
    "Profile-Warning",
    "Expect",
    "TE",
    "Trailer",
    "Accept-Charset",
    "Accept-Encoding",
    "Cache-Control",
    "Content-Range",
    "X-Wap-Tod",
    "Content-ID",
    "Set-Cookie",
    "Cookie",
    "Encoding-Version",
    "Profile-Warning",
    "Content-Disposition",
    "X-WAP-Security",
    "Cache-Control",
    "Expect",
    "X-Wap-Loc-Invocation",
    "X-Wap-Loc-Delivery",
];

/// The last code that every receiver knows; later ones are sent as text.
const LAST_COMMON_CODE: usize = 0x34;

/// Code of application/vnd.wap.mms-message.
pub const MMS_MESSAGE: u8 = 0x3E;

/// Code of application/vnd.wap.multipart.mixed.
pub const MULTIPART_MIXED: u8 = 0x23;

/// Code of application/vnd.wap.multipart.related.
pub const MULTIPART_RELATED: u8 = 0x33;

/// Code of application/vnd.wap.multipart.alternative.
pub const MULTIPART_ALTERNATIVE: u8 = 0x26;

/// Name of a media type code.
pub fn media_type(code: u32) -> Option<&'static str> {
    let common = usize::try_from(code).ok().and_then(|index| MEDIA_TYPES.get(index));
    let vendor = || {
        VENDOR_MEDIA_TYPES
            .iter()
            .find(|(number, _)| *number == code)
            .map(|(_, name)| name)
    };
    common.or_else(vendor).copied()
}

/// Code to send a media type by, where every receiver knows it; MIME names of multiparts give their WAP code.
pub fn media_code(name: &str) -> Option<u8> {
    let mime = [
        ("multipart/mixed", MULTIPART_MIXED),
        ("multipart/related", MULTIPART_RELATED),
        ("multipart/alternative", MULTIPART_ALTERNATIVE),
    ];
    let common = MEDIA_TYPES.iter().take(LAST_COMMON_CODE + 1);
    mime.iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, code)| *code)
        .or_else(|| {
            common
                .clone()
                .position(|known| known.eq_ignore_ascii_case(name))
                .map(|index| index as u8)
        })
}

/// Name of a header number (without the high bit).
pub fn header(number: u8) -> Option<&'static str> {
    HEADERS.get(usize::from(number)).copied()
}

/// Name of a parameter octet (with the high bit).
pub fn parameter(octet: u8) -> Option<&'static str> {
    let name = match octet {
        0x80 => "q",
        0x81 => "charset",
        0x82 => "level",
        0x83 | 0x89 => "type",
        0x85 | 0x97 => "name",
        0x86 | 0x98 => "filename",
        0x87 => "differences",
        0x88 => "padding",
        0x8A | 0x99 => "start",
        0x8B | 0x9A => "start-info",
        0x8C | 0x9B => "comment",
        0x8D | 0x9C => "domain",
        0x8E => "max-age",
        0x8F | 0x9D => "path",
        0x90 => "secure",
        0x91 => "sec",
        0x92 => "mac",
        0x93 => "creation-date",
        0x94 => "modification-date",
        0x95 => "read-date",
        0x96 => "size",
        _ => return None,
    };
    Some(name)
}
