//! Encrypted connections, and whom they trust.

use std::process::Command;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tonic::transport::{Identity, ServerTlsConfig};
use zerobus_client::{Client, Error};

use crate::record::Line;
use crate::server::Server;

/// A CA of its own, and a server certificate for 127.0.0.1 that it has signed.
fn ca_and_identity() -> (String, Identity) {
    let ca_key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::new([]).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_pem = ca.self_signed(&ca_key).unwrap().pem();
    let issuer = Issuer::new(ca, ca_key);
    let key = KeyPair::generate().unwrap();
    let server = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    let certificate = server.signed_by(&key, &issuer).unwrap();
    let identity = Identity::from_pem(certificate.pem(), key.serialize_pem());
    (ca_pem, identity)
}

#[tokio::test]
async fn a_private_ca_is_trusted_when_given_and_only_then() {
    let (ca, identity) = ca_and_identity();
    let mut server = Server::start_tls(ServerTlsConfig::new().identity(identity)).await;
    let builder = || Client::builder().endpoint(server.url()).ingest_token("t");

    let trusting = builder().ca_certificate(ca).build().unwrap();
    let stranger = builder()
        .ca_certificate(ca_and_identity().0)
        .build()
        .unwrap();
    let (stream, call) = tokio::join!(trusting.stream::<Line<'_>>().open(), server.opened());
    drop((stream.unwrap(), call));

    // Told at once: a certificate does not get better by trying again.
    let error = stranger.stream::<Line<'_>>().open().await.unwrap_err();
    assert!(matches!(error, Error::Untrusted { .. }), "{error:?}");
    assert!(error.to_string().contains("SSL_CERT_FILE"), "{error}");
}

#[test]
fn a_file_that_is_no_certificate_is_refused() {
    let builder = Client::builder()
        .endpoint("https://127.0.0.1:1")
        .ingest_token("t");
    let error = builder.ca_certificate("no PEM").build().unwrap_err();
    assert!(
        error.to_string().contains("holds no certificate"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn ssl_cert_file_names_the_roots() {
    let (ca, identity) = ca_and_identity();
    let mut server = Server::start_tls(ServerTlsConfig::new().identity(identity)).await;
    let file = std::env::temp_dir().join(format!("zerobus-client-ca-{}.pem", std::process::id()));
    std::fs::write(&file, ca).unwrap();
    // The variable is read by the process, so the other half of this test is one of its own.
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--ignored",
            "--exact",
            "tls::in_a_process_with_ssl_cert_file",
        ])
        .env("SSL_CERT_FILE", &file)
        .env("ZEROBUS_TEST_URL", server.url())
        .spawn()
        .unwrap();
    let opened = tokio::task::spawn_blocking(move || child.wait());
    let call = server.opened().await;
    assert!(opened.await.unwrap().unwrap().success());
    drop(call);
    std::fs::remove_file(&file).unwrap();
}

#[tokio::test]
#[ignore = "started by ssl_cert_file_names_the_roots"]
async fn in_a_process_with_ssl_cert_file() {
    let url = std::env::var("ZEROBUS_TEST_URL").unwrap();
    let client = Client::builder()
        .endpoint(url)
        .ingest_token("t")
        .build()
        .unwrap();
    client.stream::<Line<'_>>().open().await.unwrap();
}
