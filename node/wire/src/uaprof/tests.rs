use proptest::prelude::*;

use super::*;

const PHONE: &str = r##"<?xml version="1.0"?>
<!DOCTYPE rdf:RDF [<!ENTITY ns-prf "http://www.wapforum.org/profiles/UAPROF/ccppschema-20010430#">]>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:mms="http://www.wapforum.org/profiles/MMS/ccppschema-20050301-MMS1.2#">
 <rdf:Description rdf:ID="Phone-X">
  <mms:component><rdf:Description rdf:ID="MmsCharacteristics">
   <mms:Defaults><mms:MmsMaxMessageSize>51200</mms:MmsMaxMessageSize><mms:MmsMaxImageResolution>160x120</mms:MmsMaxImageResolution></mms:Defaults>
   <mms:MmsMaxMessageSize> 307200 </mms:MmsMaxMessageSize>
   <mms:MmsMaxMessageSize>1</mms:MmsMaxMessageSize>
   <mms:MmsCcppAccept><rdf:Bag>
     <rdf:li>image/jpeg</rdf:li><rdf:li>Audio/AMR; codecs=x</rdf:li><!-- twice --><rdf:li>image/jpeg</rdf:li>
     <rdf:li>a&amp;b/c</rdf:li><rdf:li><![CDATA[text/plain]]></rdf:li><rdf:li/>
   </rdf:Bag></mms:MmsCcppAccept>
   <mms:MmsVersion><rdf:Bag><rdf:li>2.0</rdf:li><rdf:li>1.0</rdf:li><rdf:li>1.2</rdf:li></rdf:Bag></mms:MmsVersion>
  </rdf:Description></mms:component>
 </rdf:Description>
</rdf:RDF>"##;

fn read(document: &str) -> Result<Profile, Fault> {
    decode(document.as_bytes(), &Limits::default()).map_err(|error| error.fault)
}

#[test]
fn what_is_said_and_the_defaults_where_nothing_is() {
    let profile = read(PHONE).unwrap();
    assert_eq!(profile.max_message_bytes, Some(307_200));
    let (width, height) = (160, 120);
    assert_eq!(profile.max_image, Some(Resolution { width, height }));
    assert_eq!(profile.accept, ["image/jpeg", "audio/amr", "a&b/c", "text/plain"]);
    assert_eq!(profile.mms_version, Some(0x92));
    let version_2 = [Field::Version];
    assert!(profile.unreadable.iter().eq(&version_2), "2.0 is no version of MMS 1");
}

#[test]
fn properties_may_be_attributes_and_prefixes_anything() {
    let document =
        r#"<RDF><Description p:MmsVersion="1.0" MmsMaxImageResolution="640 X 480" MmsMaxMessageSize="x"/></RDF>"#;
    let profile = read(document).unwrap();
    let (width, height) = (640, 480);
    assert_eq!(profile.max_image, Some(Resolution { width, height }));
    assert_eq!(profile.mms_version, Some(0x90));
    assert!(profile.unreadable.iter().eq(&[Field::MaxMessageSize]));
    assert_eq!(read("<r:RDF xmlns:r='x'/>"), Ok(Profile::default()));
}

#[test]
fn encodings_that_are_met() {
    let utf16: Vec<u8> = [0xFE, 0xFF]
        .into_iter()
        .chain(PHONE.encode_utf16().flat_map(u16::to_be_bytes))
        .collect();
    assert_eq!(
        decode(&utf16, &Limits::default()),
        decode(PHONE.as_bytes(), &Limits::default())
    );
    let latin = b"<RDF><!-- Caf\xe9 --><MmsVersion>1.1</MmsVersion></RDF>";
    assert_eq!(decode(latin, &Limits::default()).unwrap().mms_version, Some(0x91));
}

#[test]
fn what_is_no_description_has_its_fault() {
    let deep = format!("<RDF>{}", "<a>".repeat(40));
    let wide = format!("<RDF>{}</RDF>", "<a/>".repeat(20_001));
    let large = format!("<RDF>{}</RDF>", " ".repeat(128 * 1024));
    for (document, fault) in [
        ("", Fault::Truncated),
        ("no xml at all", Fault::Truncated),
        ("<html><body/></html>", Fault::NotRdf),
        ("<RDF><a></b></RDF>", Fault::Malformed),
        ("<RDF><a>", Fault::Truncated),
        ("<RDF>&ns-prf;</RDF>", Fault::Entity),
        ("<RDF><a MmsVersion='&x;'/></RDF>", Fault::Entity),
        (deep.as_str(), Fault::Depth),
        (wide.as_str(), Fault::Elements),
        (large.as_str(), Fault::TooLarge),
    ] {
        let shown: String = document.chars().take(40).collect();
        assert_eq!(read(document), Err(fault), "{shown}");
    }
}

#[test]
fn lists_and_values_are_bounded() {
    let entries: String = (0..1000).map(|n| format!("<li>image/x{n}</li>")).collect();
    let profile = read(&format!(
        "<RDF><MmsCcppAccept><Bag>{entries}</Bag></MmsCcppAccept></RDF>"
    ))
    .unwrap();
    assert_eq!(profile.accept.len(), 256);
    let long = format!("image/{}", "x".repeat(200));
    let profile = read(&format!("<RDF><MmsCcppAccept>{long}</MmsCcppAccept></RDF>")).unwrap();
    assert!(profile.accept.is_empty() && profile.unreadable.contains(&Field::Accept));
    let long = "9".repeat(100_000);
    let profile = read(&format!("<RDF><MmsMaxMessageSize>{long}</MmsMaxMessageSize></RDF>")).unwrap();
    assert!(profile.max_message_bytes.is_none() && profile.unreadable.contains(&Field::MaxMessageSize));
}

#[test]
fn every_prefix_is_a_description_or_a_fault() {
    for end in 0..PHONE.len() {
        let found = decode(&PHONE.as_bytes()[..end], &Limits::default());
        assert!(found.is_err_and(|error| error.offset <= end), "{end}");
    }
}

proptest! {
    #[test]
    fn any_change_is_survived(at in 0..PHONE.len(), octet in any::<u8>(), tail in prop::collection::vec(any::<u8>(), 0..40)) {
        let mut changed = PHONE.as_bytes().to_vec();
        changed[at] = octet;
        let _either = decode(&changed, &Limits::default());
        changed.truncate(at);
        changed.extend(tail);
        let _either = decode(&changed, &Limits::default());
    }
}
