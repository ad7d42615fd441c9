use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::*;

/// A gateway's certificate, which stands for its authority, too.
struct Authority {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

fn certificate(name: &str) -> Authority {
    let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    Authority {
        certificate: made.cert.der().clone(),
        key: PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()).into(),
    }
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn trusting(authority: &Authority) -> PpgConfig {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(authority.certificate.clone()).unwrap();
    let client = rustls::ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    PpgConfig {
        tls: Some(GatewayTls {
            server_name: "main.example".into(),
            client: Arc::new(client),
        }),
        ..PpgConfig::new("main", "https://main.example:8080/wappush".parse().unwrap())
    }
}

async fn accept(streams: &mut mpsc::Receiver<BoxStream>, server: Authority) -> std::io::Result<Peer> {
    let config = rustls::ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![server.certificate], server.key)
        .unwrap();
    let Peer(stream) = Peer::accept(streams).await;
    let stream = tokio_rustls::TlsAcceptor::from(Arc::new(config)).accept(stream).await?;
    Ok(Peer(Box::new(stream)))
}

#[tokio::test(start_paused = true)]
async fn https_reaches_the_gateway_that_is_meant() {
    let server = certificate("main.example");
    let (world, mut streams) = world(vec![trusting(&server)]).await;
    let mut peer = accept(&mut streams[0], server).await.unwrap();
    world.is_up("main").await;
    let pushed = world.push();
    peer.take().await;
    assert!(matches!(outcome(pushed).await, TellOutcome::Sent(_)));
}

#[tokio::test(start_paused = true)]
async fn another_name_or_another_authority_is_not_talked_to() {
    for (presented, trusted_is_presented) in [("other.example", true), ("main.example", false)] {
        let server = certificate(presented);
        let stranger = certificate("main.example");
        let config = trusting(if trusted_is_presented { &server } else { &stranger });
        let (world, mut streams) = world(vec![config]).await;
        assert!(accept(&mut streams[0], server).await.is_err());
        settle().await;
        assert!(!world.pap.is_up("main"));
        let unavailable = TellOutcome::Unavailable {
            destination: "main".into(),
        };
        assert_eq!(outcome(world.push()).await, unavailable);
    }
}
