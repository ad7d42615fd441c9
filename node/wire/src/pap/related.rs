//! The multipart/related body of a push: control entity first, content second (WAP-247 clause 8, RFC 2387).

/// The content type of an MMS PDU.
pub const MMS_MESSAGE: &str = "application/vnd.wap.mms-message";
/// X-Wap-Application-Id of the MMS user agent.
pub const APPLICATION_ID: &str = "x-wap-application:mms.ua";

/// The control document and what is to be pushed, each as it lies in the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Related<'a> {
    /// The control document.
    pub control: &'a [u8],
    /// What is to be pushed.
    pub content: Part<'a>,
}

/// The content of a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part<'a> {
    /// Its Content-Type.
    pub content_type: &'a str,
    /// Its X-Wap-Application-Id.
    pub application_id: Option<&'a str>,
    /// Its octets, without a transfer encoding.
    pub octets: &'a [u8],
}

/// Why a body is no push.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RelatedError {
    /// The Content-Type is not multipart/related, or names no boundary.
    #[error("not multipart/related with a boundary")]
    ContentType,
    /// The body has not two closed parts.
    #[error("octet {0}: not two parts, each closed by the boundary")]
    Parts(usize),
    /// The head of a part cannot be read.
    #[error("octet {0}: the head of a part cannot be read")]
    Head(usize),
    /// The first part is no XML.
    #[error("the first part is not application/xml")]
    Control,
}

/// The longest boundary (RFC 2046 clause 5.1.1).
const MAX_BOUNDARY: usize = 70;
/// Octets of the head of a part.
const MAX_HEAD: usize = 4096;

impl<'a> Related<'a> {
    /// A push of an MMS PDU.
    #[must_use]
    pub fn mms(control: &'a [u8], pdu: &'a [u8]) -> Self {
        Self {
            control,
            content: Part {
                content_type: MMS_MESSAGE,
                application_id: Some(APPLICATION_ID),
                octets: pdu,
            },
        }
    }

    /// Appends the body to `out`; gives its Content-Type.
    pub fn encode(&self, out: &mut Vec<u8>) -> String {
        let boundary = self.boundary();
        let mut put = |text: &str| out.extend_from_slice(text.as_bytes());
        put(&format!("--{boundary}\r\nContent-Type: application/xml\r\n\r\n"));
        out.extend_from_slice(self.control);
        let content = &self.content;
        let mut put = |text: &str| out.extend_from_slice(text.as_bytes());
        put(&format!(
            "\r\n--{boundary}\r\nContent-Type: {}\r\n",
            content.content_type
        ));
        if let Some(id) = content.application_id {
            put(&format!("X-Wap-Application-Id: {id}\r\n"));
        }
        put("\r\n");
        out.extend_from_slice(content.octets);
        out.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        format!("multipart/related; type=\"application/xml\"; boundary=\"{boundary}\"")
    }

    /// One that occurs in neither part. Parts are finite, so one of the numbers is free.
    fn boundary(&self) -> String {
        let taken = |boundary: &String| {
            [self.control, self.content.octets]
                .iter()
                .any(|octets| find(octets, boundary.as_bytes()).is_some())
        };
        let mut number: u64 = 0;
        loop {
            let boundary = format!("mmsc.{number:x}.push");
            if !taken(&boundary) {
                return boundary;
            }
            number = number.wrapping_add(1);
        }
    }

    /// Cuts a body into its parts.
    ///
    /// # Errors
    /// [`RelatedError`]; further parts (capabilities) are skipped.
    pub fn decode(content_type: &str, body: &'a [u8]) -> Result<Self, RelatedError> {
        let boundary = boundary_of(content_type).ok_or(RelatedError::ContentType)?;
        let delimiter = format!("\r\n--{boundary}");
        let opening = delimiter.trim_start_matches("\r\n").as_bytes();
        let start = if body.starts_with(opening) {
            opening.len()
        } else {
            let preamble = find(body, delimiter.as_bytes()).ok_or(RelatedError::Parts(0))?;
            preamble.saturating_add(delimiter.len())
        };
        let mut cutter = Cutter {
            body,
            at: start,
            delimiter: delimiter.as_bytes(),
        };
        let control = cutter.next()?;
        let essence = control.content_type.split(';').next().unwrap_or_default().trim();
        if !["application/xml", "text/xml"]
            .iter()
            .any(|known| essence.eq_ignore_ascii_case(known))
        {
            return Err(RelatedError::Control);
        }
        let content = cutter.next()?;
        Ok(Self {
            control: control.octets,
            content,
        })
    }
}

struct Cutter<'a, 'd> {
    body: &'a [u8],
    /// Right behind a delimiter.
    at: usize,
    delimiter: &'d [u8],
}

impl<'a> Cutter<'a, '_> {
    fn next(&mut self) -> Result<Part<'a>, RelatedError> {
        let at = self.at;
        let rest = self.body.get(at..).unwrap_or_default();
        // White space may stand behind a boundary (RFC 2046 clause 5.1.1).
        let padding = rest.iter().take_while(|octet| matches!(octet, b' ' | b'\t')).count();
        let rest = rest.get(padding..).unwrap_or_default();
        let part = rest.strip_prefix(b"\r\n").ok_or(RelatedError::Parts(at))?;
        let length = find(part, self.delimiter).ok_or(RelatedError::Parts(at))?;
        let inner = part.get(..length).unwrap_or_default();
        self.at = at + padding + 2 + length + self.delimiter.len();
        read_part(inner).ok_or(RelatedError::Head(at))
    }
}

fn read_part(part: &[u8]) -> Option<Part<'_>> {
    let (head, octets) = match part.strip_prefix(b"\r\n") {
        Some(octets) => (&[][..], octets),
        None => {
            let end = find(part.get(..part.len().min(MAX_HEAD))?, b"\r\n\r\n")?;
            (part.get(..end)?, part.get(end + 4..)?)
        }
    };
    let mut found = Part {
        content_type: "",
        application_id: None,
        octets,
    };
    for line in std::str::from_utf8(head).ok()?.split("\r\n") {
        let Some((name, value)) = line.split_once(':') else {
            // A folded line belongs to a field that is not read here.
            continue;
        };
        if name.eq_ignore_ascii_case("content-type") {
            found.content_type = value.trim();
        } else if name.eq_ignore_ascii_case("x-wap-application-id") {
            found.application_id = Some(value.trim());
        } else if name.eq_ignore_ascii_case("content-transfer-encoding")
            && !["binary", "8bit", "7bit"]
                .iter()
                .any(|plain| value.trim().eq_ignore_ascii_case(plain))
        {
            return None;
        }
    }
    Some(found)
}

/// The boundary parameter of a multipart/related.
fn boundary_of(content_type: &str) -> Option<&str> {
    let (essence, mut rest) = content_type.split_once(';')?;
    if !essence.trim().eq_ignore_ascii_case("multipart/related") {
        return None;
    }
    loop {
        let (name, value) = rest.split_once('=')?;
        let value = value.trim_start();
        let (value, behind) = match value.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => {
                let end = value.find(';').unwrap_or(value.len());
                value.split_at_checked(end)?
            }
        };
        if name.trim().eq_ignore_ascii_case("boundary") {
            let value = value.trim_end();
            let sound = (1..=MAX_BOUNDARY).contains(&value.len())
                && value.bytes().all(|octet| octet.is_ascii_graphic() || octet == b' ');
            return sound.then_some(value);
        }
        rest = behind.trim_start().strip_prefix(';')?;
    }
}

/// Where `needle` begins in `octets`.
fn find(octets: &[u8], needle: &[u8]) -> Option<usize> {
    if needle.is_empty() {
        return None;
    }
    octets.windows(needle.len()).position(|window| window == needle)
}
