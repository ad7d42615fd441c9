//! What content is let through, and to how many.

use super::{DAY, MIB, MINUTE, Section, key};
use crate::config::value::Kind::{Boolean, Choice, Duration, Integer, Size, Texts};

pub(super) const CONTENT: Section = Section {
    title: "Content that is let through",
    about: "Asked when a message is submitted, forwarded or uploaded to a network store; what is refused is answered \
        \"content not accepted\" and counted by reason in `mmsc_relay_content_refused_total`. What was accepted before \
        is still delivered. Of a multipart inside a part only the octets are looked at. The word `installable` stands for `application/vnd.android.package-archive` `application/vnd.android.dex` `application/java-archive` `application/x-java-archive` `application/x-jar` `application/java` `application/java-vm` `application/x-java-vm` `text/vnd.sun.j2me.app-descriptor` `application/vnd.symbian.install` `application/vnd.symbian.epoc/*` `application/x-sis*` `x-epoc/*` `application/x-itunes-ipa` `application/vnd.rim.cod` `application/x-msdownload*` `application/x-msdos-program` `application/x-dosexec` `application/x-msi` `application/x-ms-installer` `application/vnd.microsoft.portable-executable` `application/vnd.ms-cab-compressed` `application/x-cab*` `application/x-executable` `application/x-elf` `application/x-sharedlib` `application/x-mach-binary` `application/x-mach-o*` `application/x-sh` `application/x-shellscript` `text/x-shellscript` `text/x-sh` `application/vnd.debian.binary-package` `application/x-debian-package` `application/x-rpm` `application/x-redhat-package-manager`.",
    served: true,
    keys: &[
        key(
            "content.refuse_types",
            Texts,
            "installable",
            "Declared media types that are not let through: `type/subtype`, `*` for any run of characters (`video/*`), `installable` for those listed above; an empty list lets all of them through.",
        ),
        key(
            "content.check_magic",
            Boolean,
            "true",
            "Whether a part whose octets are those of a program or an application package is refused, whatever type it declares.",
        ),
    ],
};

pub(super) const FANOUT: Section = Section {
    title: "The same content to many",
    about: "How worms and spam look. What handsets submit or forward is counted by the digest of its content, for each sender and for all senders together. Each node counts for itself, in memory: after a restart it begins anew, and a content remembered takes about 150 octets for each of the two counts. Submissions beyond a threshold are counted in `mmsc_relay_fan_out_total`; the first one in a window is logged.",
    served: true,
    keys: &[
        key(
            "fanout.action",
            Choice(&["off", "report", "refuse"]),
            "report",
            "What happens beyond a threshold: nothing is counted, it is only reported, or it is refused as a service that is denied, which tells the sender no threshold; what is refused does not count.",
        ),
        key(
            "fanout.window",
            Duration(MINUTE, DAY),
            "1h",
            "How long a content is counted from its first submission on; then it begins anew.",
        ),
        key(
            "fanout.sender_recipients",
            Integer(0, 100_000_000),
            "1000",
            "Recipients that one sender may submit one content to in a window; 0: any number.",
        ),
        key(
            "fanout.sender_submissions",
            Integer(0, 100_000_000),
            "0",
            "How often one sender may submit one content in a window; 0: any number.",
        ),
        key(
            "fanout.all_recipients",
            Integer(0, 100_000_000),
            "1000",
            "Recipients that all senders together may submit one content to in a window; 0: any number.",
        ),
        key(
            "fanout.all_submissions",
            Integer(0, 100_000_000),
            "0",
            "How often all senders together may submit one content in a window; 0: any number.",
        ),
        key(
            "fanout.all_min_size",
            Size(0, 30 * MIB),
            "1KiB",
            "Shorter content is counted for its sender alone: many people write the same few words.",
        ),
        key(
            "fanout.contents",
            Integer(100, 10_000_000),
            "100000",
            "Contents remembered for each of the two counts; beyond it the one not seen for longest is forgotten.",
        ),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_lists_what_is_installable() {
        let types = mmsc_domain::content::INSTALLABLE_TYPES.iter();
        let listed = types.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" ");
        assert!(CONTENT.about.ends_with(&format!("stands for {listed}.")), "{listed}");
    }
}
