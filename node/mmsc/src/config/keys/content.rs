//! What content is let through.

use super::{Section, key};
use crate::config::value::Kind::{Boolean, Texts};

pub(super) const CONTENT: Section = Section {
    title: "Content that is let through",
    about: "Asked when a message is submitted, forwarded or uploaded to a network store; what is refused is answered \
        \"content not accepted\" and counted by reason in `mmsc_relay_content_refused_total`. What was accepted before \
        is still delivered. A multipart inside a part is not opened. The word `installable` stands for `application/vnd.android.package-archive` `application/vnd.android.dex` `application/java-archive` `application/x-java-archive` `application/x-jar` `application/java` `application/java-vm` `application/x-java-vm` `text/vnd.sun.j2me.app-descriptor` `application/vnd.symbian.install` `application/vnd.symbian.epoc/*` `application/x-sis*` `x-epoc/*` `application/x-itunes-ipa` `application/vnd.rim.cod` `application/x-msdownload*` `application/x-msdos-program` `application/x-dosexec` `application/x-msi` `application/x-ms-installer` `application/vnd.microsoft.portable-executable` `application/vnd.ms-cab-compressed` `application/x-cab*` `application/x-executable` `application/x-elf` `application/x-sharedlib` `application/x-mach-binary` `application/x-mach-o*` `application/x-sh` `application/x-shellscript` `text/x-shellscript` `text/x-sh` `application/vnd.debian.binary-package` `application/x-debian-package` `application/x-rpm` `application/x-redhat-package-manager`.",
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
