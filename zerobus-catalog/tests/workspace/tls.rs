//! TLS with a private CA, given to the builder or named in `SSL_CERT_FILE`.

use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use zerobus_catalog::{CatalogError, Workspace};
use zerobus_tests::child;

use crate::server::Server;
use crate::{table, token};

/// A server with a certificate for `localhost`, and the PEM of the CA that signed it.
async fn start() -> (Server, String) {
    let mut ca = CertificateParams::new([]).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(ca, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["localhost".to_owned()])
        .unwrap()
        .signed_by(&key, &ca)
        .unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let tls = TlsAcceptor::from(Arc::new(config));
    let server = Server::start(Some(tls), |number, _| token(number)).await;
    (server, ca.pem())
}

async fn fetch(url: &str, ca: Option<&str>) -> Result<String, CatalogError> {
    let mut builder = Workspace::builder()
        .workspace_url(url)
        .oauth("client", "secret")
        .time_limit(Duration::from_secs(5));
    if let Some(pem) = ca {
        builder = builder.ca_certificate(pem);
    }
    let token = builder.build()?.ingest_token(&table()).await?;
    Ok(token.expose().to_owned())
}

#[tokio::test]
async fn a_given_ca_is_trusted_and_an_unknown_one_is_final() {
    let (server, ca) = start().await;
    let url = format!("https://localhost:{}", server.port);
    assert_eq!(fetch(&url, Some(&ca)).await.unwrap(), "token-0");
    let error = fetch(&url, None).await.unwrap_err();
    // Where the machine has no roots at all, that is said first.
    let named = matches!(
        error,
        CatalogError::Untrusted { .. } | CatalogError::Configuration { .. }
    );
    assert!(named && !error.is_retryable(), "{error:?}");
    assert!(error.to_string().contains("SSL_CERT_FILE"), "{error}");
    let error = fetch(&url, Some("no PEM")).await.unwrap_err();
    assert!(
        error.to_string().contains("holds no certificate"),
        "{error}"
    );
}

#[tokio::test]
async fn a_server_without_tls_is_told_from_one_that_is_away() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let _ = connection
                .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                .await;
        }
    });
    let (_, ca) = start().await;
    let error = fetch(&url, Some(&ca)).await.unwrap_err();
    assert!(!error.is_retryable());
    assert!(error.to_string().contains("does not speak TLS"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ssl_cert_file_names_the_roots() {
    // The variable is read by the process, so the other half of this test is one of its own.
    if child::is_child() {
        let url = std::env::var("ZEROBUS_TEST_URL").unwrap();
        assert_eq!(fetch(&url, None).await.unwrap(), "token-0");
        return;
    }
    let (server, ca) = start().await;
    let file = std::env::temp_dir().join(format!("zerobus-catalog-ca-{}.pem", server.port));
    std::fs::write(&file, ca).unwrap();
    let mut command = child::command("tls::ssl_cert_file_names_the_roots").unwrap();
    command.env("SSL_CERT_FILE", &file).env(
        "ZEROBUS_TEST_URL",
        format!("https://localhost:{}", server.port),
    );
    let ran = child::run(command);
    std::fs::remove_file(&file).unwrap();
    ran.unwrap();
    assert_eq!(server.requests().len(), 1);
}
