//! TLS towards SMSCs.

use std::sync::Arc;

use mmsc_interfaces::smpp::SmscTls;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::config::TlsClientFiles;

/// Reads the files and makes a client that trusts the named authorities and nobody else.
///
/// # Errors
/// The text for the operator, with the file that is wrong.
pub(super) fn client(files: &TlsClientFiles) -> Result<SmscTls, String> {
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
    Ok(SmscTls {
        server_name: files.server_name.clone(),
        client: Arc::new(client),
    })
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
