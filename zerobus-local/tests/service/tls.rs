//! The same server, encrypted.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use zerobus_client::{Client, Error, TimestampMicros, Workspace, ZerobusRecord};
use zerobus_local::{LocalError, LocalZerobus};

pub(crate) const EVENTS: &str = "CREATE TABLE main.default.events (seq BIGINT NOT NULL, source INT NOT NULL, \
                      observed_at TIMESTAMP NOT NULL, ratio DOUBLE, label STRING, payload BINARY NOT NULL)";

#[derive(ZerobusRecord)]
#[zerobus(table = "main.default.events", schema = "tests/kill/events.json")]
struct Event<'a> {
    seq: i64,
    source: i32,
    observed_at: TimestampMicros,
    payload: &'a [u8],
}

async fn start(data: &Path) -> Result<LocalZerobus, LocalError> {
    LocalZerobus::builder()
        .data(data)
        .seed_sql(EVENTS)
        .tls_listen(SocketAddr::from(([127, 0, 0, 1], 0)))
        .start()
        .await
}

/// A client that trusts these authorities and talks to nobody in the clear.
fn client(server: &LocalZerobus, ca: &[u8]) -> Client {
    let url = server.tls_url().unwrap();
    assert!(url.starts_with("https://127.0.0.1:"), "{url}");
    Client::builder()
        .endpoint(&url)
        .workspace_url(&url)
        .workspace_id("1")
        .oauth("id", "secret")
        .ca_certificate(ca)
        .allow_plaintext(false)
        .build()
        .unwrap()
}

async fn send(client: &Client, seq: i64) -> Result<(), Error> {
    let mut stream = client.stream::<Event<'_>>().open().await?;
    let event = Event {
        seq,
        source: 1,
        observed_at: TimestampMicros::from_micros(seq),
        payload: b"",
    };
    stream.ingest_record(&event).await?;
    stream.close().await
}

#[tokio::test]
async fn token_catalog_and_stream_go_over_tls_for_those_who_trust_the_written_authority() {
    let data = TempDir::new().unwrap();
    let server = start(data.path()).await.unwrap();
    let ca = fs::read(server.ca_certificate().unwrap()).unwrap();
    send(&client(&server, &ca), 0).await.unwrap();
    let name = "main.default.events".parse().unwrap();
    assert_eq!(crate::reader::rows(&server.table_dir(&name)).len(), 1);
    let workspace = Workspace::builder()
        .workspace_url(server.tls_url().unwrap())
        .oauth("id", "secret")
        .ca_certificate(ca)
        .build()
        .unwrap();
    let schema = workspace.table(&name).await.unwrap();
    assert_eq!(schema.columns.fields.len(), 6);

    // A stranger is told of it, and nothing is served in the clear.
    let other = TempDir::new().unwrap();
    let stranger = start(other.path()).await.unwrap();
    let ca = fs::read(stranger.ca_certificate().unwrap()).unwrap();
    let error = send(&client(&server, &ca), 1).await.unwrap_err();
    assert!(error.to_string().contains("certificate"), "{error}");
    let address = server.tls_url().unwrap().replace("https://", "");
    let mut plain = TcpStream::connect(address).await.unwrap();
    plain
        .write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    server.shutdown().await;
}

#[tokio::test]
async fn the_authority_outlives_the_server_and_its_key_is_private() {
    let data = TempDir::new().unwrap();
    let server = start(data.path()).await.unwrap();
    let ca = fs::read(server.ca_certificate().unwrap()).unwrap();
    server.shutdown().await;
    let server = start(data.path()).await.unwrap();
    send(&client(&server, &ca), 0).await.unwrap();
    server.shutdown().await;
    let key = data.path().join(".zerobus-local-ca.key");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(&key).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    fs::write(&key, "nonsense").unwrap();
    let error = start(data.path()).await.unwrap_err();
    assert!(matches!(error, LocalError::Tls { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains(".zerobus-local-ca.key"), "{text}");
    assert!(
        text.contains("remove the file, and another one is made"),
        "{text}"
    );
}
