//! The way through a proxy.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tonic::transport::{Identity, ServerTlsConfig};
use zerobus_client::{Client, ClientBuilder, Error};
use zerobus_tests::child;

use crate::record::Line;
use crate::server::{Server, run_child};
use crate::tls::ca_and_pair;

/// Takes CONNECT requests, and connects all of them to one server.
struct TestProxy {
    address: SocketAddr,
    /// What each request said.
    heads: mpsc::UnboundedReceiver<String>,
}

impl TestProxy {
    /// `answer` goes out in the place of 200 where it is given.
    async fn start(
        server: SocketAddr,
        answer: Option<&'static str>,
        tls: Option<TlsAcceptor>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, heads) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (sender, tls) = (sender.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => tunnel(client, server, answer, sender).await,
                        Some(tls) => {
                            tunnel(tls.accept(client).await.unwrap(), server, answer, sender).await
                        }
                    }
                });
            }
        });
        Self { address, heads }
    }
}

async fn tunnel(
    mut client: impl AsyncRead + AsyncWrite + Unpin,
    server: SocketAddr,
    answer: Option<&'static str>,
    heads: mpsc::UnboundedSender<String>,
) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await.unwrap());
    }
    let _ = heads.send(String::from_utf8(head).unwrap());
    if let Some(answer) = answer {
        let _ = client.write_all(answer.as_bytes()).await;
        return;
    }
    let mut server = TcpStream::connect(server).await.unwrap();
    client
        .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
        .await
        .unwrap();
    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
}

fn builder(endpoint: impl Into<String>) -> ClientBuilder {
    Client::builder()
        .endpoint(endpoint)
        .ingest_token("t")
        .allow_plaintext(true)
}

/// One record, through to its ack.
async fn stream_one(client: &Client, server: &mut Server) {
    let (stream, mut call) = tokio::join!(client.stream::<Line<'_>>().open(), server.opened());
    let mut stream = stream.unwrap();
    stream.ingest_record(&Line("a")).await.unwrap();
    call.records(0, 1).await;
    call.ack(0);
    stream.flush().await.unwrap();
}

#[tokio::test]
async fn a_stream_goes_through_the_proxy_given() {
    let mut server = Server::start().await;
    let mut proxy = TestProxy::start(server.address(), None, None).await;
    // Nobody but the proxy knows where that is.
    let builder =
        builder("http://zerobus.invalid").proxy(format!("http://me:hunter2@{}", proxy.address));
    assert!(!format!("{builder:?}").contains("hunter2"));
    stream_one(&builder.build().unwrap(), &mut server).await;
    let head = proxy.heads.recv().await.unwrap();
    assert!(
        head.starts_with("CONNECT zerobus.invalid:80 HTTP/1.1\r\n"),
        "{head}"
    );
    // me:hunter2
    assert!(
        head.contains("Proxy-Authorization: Basic bWU6aHVudGVyMg==\r\n"),
        "{head}"
    );
}

#[tokio::test]
async fn both_the_proxy_and_what_lies_behind_it_may_be_encrypted() {
    let (ca, certificate, key) = ca_and_pair("zerobus.invalid");
    let identity = Identity::from_pem(certificate, key);
    let mut server = Server::start_tls(ServerTlsConfig::new().identity(identity)).await;
    let (proxy_ca, certificate, key) = ca_and_pair("127.0.0.1");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()],
            PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let mut proxy = TestProxy::start(server.address(), None, Some(acceptor)).await;
    let client = builder("https://zerobus.invalid")
        .ca_certificate(ca)
        .ca_certificate(proxy_ca)
        .proxy(format!("https://{}", proxy.address));
    stream_one(&client.build().unwrap(), &mut server).await;
    let head = proxy.heads.recv().await.unwrap();
    assert!(
        head.starts_with("CONNECT zerobus.invalid:443 HTTP/1.1\r\n"),
        "{head}"
    );
}

#[tokio::test]
async fn a_proxy_that_refuses_is_named_without_its_password() {
    let server = Server::start().await;
    let answer = "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n";
    let proxy = TestProxy::start(server.address(), Some(answer), None).await;
    let client = builder(server.url())
        .proxy(format!("http://me:hunter2@{}", proxy.address))
        .build()
        .unwrap();
    let opening = client
        .stream::<Line<'_>>()
        .configure(|options| options.recovery = false);
    let error = opening.open().await.unwrap_err();
    assert!(matches!(error, Error::Connection { .. }), "{error}");
    let text = format!("{error} {error:?}");
    assert!(
        text.contains(&format!("through the proxy http://{}", proxy.address)),
        "{text}"
    );
    assert!(
        text.contains("authorization required") && !text.contains("hunter2"),
        "{text}"
    );
}

#[test]
fn what_no_stream_can_go_through_is_refused() {
    for proxy in ["socks5://127.0.0.1:1", "http://", ""] {
        let error = builder("https://zerobus.invalid")
            .proxy(proxy)
            .build()
            .unwrap_err();
        assert!(
            matches!(error, Error::Configuration { .. }),
            "{proxy}: {error}"
        );
    }
}

/// What a process of its own, with these variables besides, sends to the proxy at their `PROXY`.
async fn in_a_process_with(variables: &[(&str, &str)], server: &mut Server, proxied: bool) {
    let mut proxy = TestProxy::start(server.address(), None, None).await;
    let name = "proxy::the_environment_says_what_goes_through_which_proxy";
    let mut child = child::command(name).unwrap();
    for name in [
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
        "GRPC_PROXY",
        "NO_GRPC_PROXY",
    ] {
        child.env_remove(name).env_remove(name.to_lowercase());
    }
    for (name, value) in variables {
        let value = value.replace("PROXY", &format!("http://{}", proxy.address));
        child.env(name, value.replace("SERVER", &server.url()));
    }
    drop(run_child(child, server.opened()).await);
    assert_eq!(proxy.heads.try_recv().is_ok(), proxied, "{variables:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_environment_says_what_goes_through_which_proxy() {
    if child::is_child() {
        let builder = builder(std::env::var("ZEROBUS_TEST_URL").unwrap());
        let client = builder.build().unwrap();
        client.stream::<Line<'_>>().open().await.unwrap();
        return;
    }
    const ELSEWHERE: (&str, &str) = ("ZEROBUS_TEST_URL", "http://zerobus.invalid:8080");
    const HERE: (&str, &str) = ("ZEROBUS_TEST_URL", "SERVER");
    const NOWHERE: &str = "http://127.0.0.1:1";
    let mut server = Server::start().await;
    for (variables, proxied) in [
        (&[ELSEWHERE, ("HTTP_PROXY", "PROXY")][..], true),
        (
            &[ELSEWHERE, ("http_proxy", "PROXY"), ("HTTPS_PROXY", NOWHERE)],
            true,
        ),
        (
            &[
                ELSEWHERE,
                ("ALL_PROXY", "PROXY"),
                ("NO_PROXY", "other.invalid"),
            ],
            true,
        ),
        (
            &[ELSEWHERE, ("grpc_proxy", "PROXY"), ("HTTP_PROXY", NOWHERE)],
            true,
        ),
        // Loopback is reached directly.
        (
            &[HERE, ("HTTP_PROXY", "PROXY"), ("ALL_PROXY", "PROXY")],
            false,
        ),
    ] {
        in_a_process_with(variables, &mut server, proxied).await;
    }
}

#[tokio::test]
async fn what_no_proxy_names_is_not_given_to_the_proxy() {
    if child::is_child() {
        let client = builder("http://a.zerobus.invalid:8080").build().unwrap();
        let opening = client
            .stream::<Line<'_>>()
            .configure(|options| options.recovery = false);
        // There is no such host, as the proxy would not have said.
        let error = opening.open().await.unwrap_err().to_string();
        assert!(!error.contains("proxy"), "{error}");
        return;
    }
    let name = "proxy::what_no_proxy_names_is_not_given_to_the_proxy";
    let mut child = child::command(name).unwrap();
    let server = Server::start().await;
    let mut proxy = TestProxy::start(server.address(), None, None).await;
    child.env("HTTP_PROXY", format!("http://{}", proxy.address));
    child.env("NO_PROXY", "127.0.0.0/8, zerobus.invalid");
    run_child(child, std::future::ready(())).await;
    assert!(proxy.heads.try_recv().is_err());
}
