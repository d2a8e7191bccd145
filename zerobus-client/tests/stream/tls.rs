//! Encrypted connections, and whom they trust.

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tonic::transport::{Certificate, Identity, ServerTlsConfig};
use zerobus_client::{Client, Error};
use zerobus_tests::child;

use crate::record::Line;
use crate::server::{Server, run_child};

/// A CA of its own, and a server certificate for 127.0.0.1 that it has signed.
fn ca_and_identity() -> (String, Identity) {
    let (ca, certificate, key) = ca_and_pair("127.0.0.1");
    (ca, Identity::from_pem(certificate, key))
}

/// A CA, a certificate for this name that it has signed, and its key.
pub(crate) fn ca_and_pair(name: &str) -> (String, String, String) {
    let ca_key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::new([]).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_pem = ca.self_signed(&ca_key).unwrap().pem();
    let issuer = Issuer::new(ca, ca_key);
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new([name.to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    (ca_pem, certificate.pem(), key.serialize_pem())
}

#[tokio::test]
async fn a_server_that_asks_for_a_certificate_gets_the_clients() {
    let (ca, identity) = ca_and_identity();
    let (client_ca, certificate, key) = ca_and_pair("client.example");
    let tls = ServerTlsConfig::new()
        .identity(identity)
        .client_ca_root(Certificate::from_pem(client_ca));
    let mut server = Server::start_tls(tls).await;
    let url = server.url();
    let builder = || {
        Client::builder()
            .endpoint(&url)
            .ingest_token("t")
            .ca_certificate(ca.clone())
    };
    let known = builder().client_identity(certificate, key.as_str());
    assert!(!format!("{known:?}").contains("PRIVATE KEY"));
    let known = known.build().unwrap();
    let unknown = builder().build().unwrap();
    let (stream, call) = tokio::join!(known.stream::<Line<'_>>().open(), server.opened());
    drop((stream.unwrap(), call));
    let opening = unknown
        .stream::<Line<'_>>()
        .configure(|options| options.recovery = false);
    opening.open().await.unwrap_err();
    let error = builder()
        .client_identity("no PEM", "none")
        .build()
        .unwrap_err();
    assert!(matches!(error, Error::Configuration { .. }), "{error}");
}

#[tokio::test]
async fn a_certificate_for_another_name_is_taken_when_that_name_is_given() {
    let (ca, certificate, key) = ca_and_pair("zerobus.example");
    let identity = Identity::from_pem(certificate, key);
    let mut server = Server::start_tls(ServerTlsConfig::new().identity(identity)).await;
    let builder = || {
        Client::builder()
            .endpoint(server.url())
            .ingest_token("t")
            .ca_certificate(ca.clone())
    };
    let named = builder().server_name("zerobus.example").build().unwrap();
    let plain = builder().build().unwrap();
    let (stream, call) = tokio::join!(named.stream::<Line<'_>>().open(), server.opened());
    drop((stream.unwrap(), call));
    let error = plain.stream::<Line<'_>>().open().await.unwrap_err();
    assert!(matches!(error, Error::Untrusted { .. }), "{error}");
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

#[tokio::test]
async fn a_server_without_tls_is_told_from_one_that_is_not_trusted() {
    let server = Server::start().await;
    let (ca, _) = ca_and_identity();
    let url = server.url().replace("http://", "https://");
    let builder = Client::builder().endpoint(url).ca_certificate(ca);
    let client = builder.ingest_token("t").build().unwrap();
    let error = client.stream::<Line<'_>>().open().await.unwrap_err();
    assert!(matches!(error, Error::Untrusted { .. }), "{error}");
    assert!(error.to_string().contains("does not speak TLS"), "{error}");
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
    // The variable is read by the process, so the other half of this test is one of its own.
    if child::is_child() {
        let url = std::env::var("ZEROBUS_TEST_URL").unwrap();
        let client = Client::builder().endpoint(url).ingest_token("t");
        let client = client.build().unwrap();
        client.stream::<Line<'_>>().open().await.unwrap();
        return;
    }
    let (ca, identity) = ca_and_identity();
    let mut server = Server::start_tls(ServerTlsConfig::new().identity(identity)).await;
    let file = std::env::temp_dir().join(format!("zerobus-client-ca-{}.pem", std::process::id()));
    std::fs::write(&file, ca).unwrap();
    let mut command = child::command("tls::ssl_cert_file_names_the_roots").unwrap();
    command
        .env("SSL_CERT_FILE", &file)
        .env("ZEROBUS_TEST_URL", server.url());
    let _call = run_child(command, server.opened()).await;
    std::fs::remove_file(&file).unwrap();
}
