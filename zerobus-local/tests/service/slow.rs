//! Clients that take their time, or are gone without a word: each is cut after its time, and the others go on. The clock
//! of these tests jumps to the next time limit where nothing else is to be done.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;
use zerobus_proto::RecordType;

use crate::Local;
use crate::air_quality::record;
use crate::client::{Client, single};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// SETTINGS, empty.
const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];

/// Sends these bytes and then nothing; what the server says until it hangs up, and after which time it does.
async fn say(local: &Local, bytes: &[u8]) -> (Vec<u8>, Duration) {
    let mut connection = TcpStream::connect(local.server.address()).await.unwrap();
    let started = Instant::now();
    connection.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    let read = connection.read_to_end(&mut answer);
    // A reset is an end as well.
    let _ = tokio::time::timeout(Duration::from_secs(600), read)
        .await
        .expect("the server never hangs up");
    (answer, started.elapsed())
}

#[tokio::test(start_paused = true)]
async fn whoever_says_nothing_more_is_cut_after_a_while() {
    let local = Local::start().await;
    for (said, expected) in [
        (&b""[..], ""),
        // Which protocol is it?
        (b"P", ""),
        (&PREFACE[..23], ""),
        (b"G", ""),
        (b"GET /healthz HTTP/1.1\r\nhost: loc", ""),
        (b"POST /api/local/ddl HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\nx", "HTTP/1.1 408"),
        (b"POST /api/local/ddl HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab", "HTTP/1.1 408"),
        // A connection that was used, and is kept for ever.
        (b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n", "HTTP/1.1 200"),
    ] {
        let (answer, took) = say(&local, said).await;
        let text = String::from_utf8_lossy(&answer);
        let head = String::from_utf8_lossy(said);
        assert!(text.starts_with(expected), "{head:?}: {text}");
        assert!(took <= Duration::from_secs(120), "{head:?}: {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_is_gone_without_a_word_is_asked_and_given_up() {
    let local = Local::start().await;
    for said in [PREFACE.to_vec(), [PREFACE, SETTINGS].concat()] {
        let (answer, took) = say(&local, &said).await;
        // It was asked whether it is still there: a PING.
        let is_ping = |frame: &[u8]| frame.starts_with(&[0, 0, 8, 6, 0]);
        assert!(answer.windows(5).any(is_ping), "{answer:?}");
        assert!(took <= Duration::from_secs(120), "{took:?}");
    }
}

#[tokio::test]
async fn the_others_go_on_meanwhile() {
    let local = Local::start().await;
    let mut slow = Vec::new();
    for n in 0..50 {
        let mut connection = TcpStream::connect(local.server.address()).await.unwrap();
        let said = [&b"P"[..], b"GET / HTTP/1.1\r\n", PREFACE][n % 3];
        connection.write_all(said).await.unwrap();
        slow.push(connection);
    }
    let mut client = Client::open(&local.server, RecordType::Proto).await;
    client.send(single(0, &record(0))).await;
    assert_eq!(client.acked().await, 0);
    // A commit takes real time, the rest does not.
    tokio::time::pause();
    tokio::time::sleep(Duration::from_secs(300)).await;
    for mut connection in slow {
        let mut rest = Vec::new();
        let end = tokio::time::timeout(Duration::from_secs(1), connection.read_to_end(&mut rest));
        let _ = end.await.expect("a slow client is still there");
    }
    tokio::time::resume();
    client.send(single(1, &record(1))).await;
    assert_eq!(client.acked().await, 1);
}
