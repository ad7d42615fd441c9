//! TLS towards SMSCs and push proxy gateways.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::config::TlsClientFiles;

/// Reads the files and makes a client that trusts the named authorities and nobody else.
///
/// # Errors
/// The text for the operator, with the file that is wrong.
pub(super) fn client(files: &TlsClientFiles) -> Result<Arc<ClientConfig>, String> {
    let mut roots = RootCertStore::empty();
    for certificate in chain(&files.authorities)? {
        let added = roots.add(certificate);
        added.map_err(|error| format!("{}: {error}", files.authorities.display()))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots);
    let client = match &files.identity {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let key_der = PrivateKeyDer::from_pem_file(key).map_err(|error| format!("{}: {error}", key.display()))?;
            builder
                .with_client_auth_cert(chain(certificate)?, key_der)
                .map_err(|error| format!("{}: {error}", certificate.display()))?
        }
    };
    Ok(Arc::new(client))
}

fn chain(file: &std::path::Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| format!("{}: {error}", file.display()))?;
    if certificates.is_empty() {
        return Err(format!("{} holds no certificate", file.display()));
    }
    Ok(certificates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_fit_make_a_client_and_others_are_named() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = directory.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let made = rcgen::generate_simple_self_signed(vec!["smsc.example".to_owned()]).unwrap();
        let certificate = write("cert.pem", &made.cert.pem());
        let key = write("key.pem", &made.signing_key.serialize_pem());
        let empty = write("empty.pem", "");
        let files = |authorities: &std::path::Path, identity| TlsClientFiles {
            server_name: "smsc.example".to_owned(),
            authorities: authorities.to_owned(),
            identity,
        };
        let identity = Some((certificate.clone(), key));
        assert!(client(&files(&certificate, identity)).is_ok());
        for (wrong, named) in [
            (files(&empty, None), "empty.pem holds no certificate"),
            (files(&directory.path().join("no.pem"), None), "no.pem"),
            (
                files(&certificate, Some((certificate.clone(), empty.clone()))),
                "empty.pem",
            ),
        ] {
            let error = client(&wrong).map(|_| ()).unwrap_err();
            assert!(error.contains(named), "{error}");
        }
    }
}
