//! Clients that are none, or mean harm: each is answered or cut, and the others go on.

use std::time::Duration;

use prost::Message;
use prost_types::DescriptorProto;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::Code;
use zerobus_proto::RecordType;

use crate::Local;
use crate::air_quality::{TABLE, bare_record, descriptor, record};
use crate::client::{Client, create, single};

/// What the server answers to these bytes until it hangs up.
async fn answer(local: &Local, bytes: &[u8]) -> Vec<u8> {
    let mut connection = TcpStream::connect(local.server.address()).await.unwrap();
    let (mut reading, mut writing) = connection.split();
    let mut answer = Vec::new();
    // It may hang up before it has read everything.
    let _ = tokio::time::timeout(Duration::from_secs(60), async {
        tokio::join!(writing.write_all(bytes), reading.read_to_end(&mut answer))
    })
    .await
    .expect("the server neither answers nor hangs up");
    answer
}

#[tokio::test]
async fn garbage_is_cut_and_others_go_on() {
    let local = Local::start().await;
    let mut client = Client::open(&local.server, RecordType::Proto).await;
    let garbage: Vec<u8> = (0..100_000_u32)
        .map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes()[3])
        .collect();
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let headers = format!(
        "GET / HTTP/1.1\r\nhost: localhost\r\nx: {}\r\n\r\n",
        "y".repeat(1 << 20)
    );
    for bytes in [
        &garbage[..],
        &[0; 4096],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        &[preface, &garbage[..]].concat(),
        headers.as_bytes(),
    ] {
        let answer = answer(&local, bytes).await;
        assert!(!answer.starts_with(b"HTTP/1.1 2"), "{answer:?}");
    }
    client.send(single(0, &record(0))).await;
    assert_eq!(client.acked().await, 0);
}

#[tokio::test]
async fn a_body_without_end_is_cut() {
    let local = Local::start().await;
    for path in [
        "/api/local/ddl",
        "/oidc/v1/token",
        "/zerobus/v1/tables/a.b.c/insert",
        "/nothing",
    ] {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000000000000\r\n\r\n"
        );
        let mut bytes = head.into_bytes();
        bytes.resize(20 << 20, b'x');
        let answer = answer(&local, &bytes).await;
        assert!(
            answer.starts_with(b"HTTP/1.1 413"),
            "{:?}",
            String::from_utf8_lossy(&answer)
        );
    }
}

#[tokio::test]
async fn a_body_that_does_not_say_how_long_it_is_is_cut_too() {
    let local = Local::start().await;
    let head =
        "POST /api/local/ddl HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n";
    let mut bytes = head.as_bytes().to_vec();
    for _ in 0..20 {
        bytes.extend_from_slice(b"100000\r\n");
        bytes.resize(bytes.len() + (1 << 20), b'x');
        bytes.extend_from_slice(b"\r\n");
    }
    let answer = answer(&local, &bytes).await;
    assert!(answer.starts_with(b"HTTP/1.1 413"), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_requests_wait_for_each_other_and_keep_nobody_else_out() {
    let data = tempfile::TempDir::new().unwrap();
    let server = zerobus_local::LocalZerobus::builder()
        .data(data.path())
        .seed_sql(crate::air_quality::DDL)
        .pending_bytes(1 << 20)
        .start()
        .await
        .unwrap();
    let local = Local { data, server };
    let token = crate::http::ingest_token(&local.server, TABLE).await;
    let path = format!("/zerobus/v1/tables/{TABLE}/insert");
    let bearer = format!("authorization: Bearer {token}");
    // One that stops in the middle.
    let mut stopped = TcpStream::connect(local.server.address()).await.unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\n{bearer}\r\ncontent-length: 3000000\r\n\r\n"
    );
    stopped.write_all(head.as_bytes()).await.unwrap();
    stopped.write_all(&[b' '; 200_000]).await.unwrap();
    let request = |count: usize| {
        let rows = vec![r#"{"device_name":"a","observed_at":1,"temp":1}"#; count];
        let (body, path, bearer) = (format!("[{}]", rows.join(",")), &path, &bearer);
        let server = &local.server;
        async move { crate::http::request(server, "POST", path, &[bearer], &body).await }
    };
    let mut large = std::pin::pin!(request(5_000));
    let waited = tokio::time::timeout(Duration::from_millis(200), &mut large);
    assert!(waited.await.is_err());
    assert_eq!(request(10).await.status, 200);
    let mut client = Client::open(&local.server, RecordType::Proto).await;
    client.send(single(0, &record(0))).await;
    assert_eq!(client.acked().await, 0);
    drop(stopped);
    assert_eq!(large.await.status, 200);
    assert_eq!(local.temps().len(), 5_011);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn small_messages_that_take_much_memory_are_decoded_one_after_the_other() {
    let columns: Vec<_> = (0..500).map(|n| format!("c{n} BIGINT")).collect();
    let ddl = format!("CREATE TABLE main.default.wide ({});", columns.join(", "));
    let data = tempfile::TempDir::new().unwrap();
    let server = zerobus_local::LocalZerobus::builder()
        .data(data.path())
        .seed_sql(format!("{ddl}{}", crate::air_quality::DDL))
        .pending_bytes(8 << 20)
        // Who waits for memory hurries those who have it, in other tables too.
        .commit_interval(Duration::from_secs(3_600))
        .start()
        .await
        .unwrap();
    let local = Local { data, server };
    let token = crate::http::ingest_token(&local.server, "main.default.wide").await;
    let bearer = format!("authorization: Bearer {token}");
    let insert = |count: usize| {
        let body = format!("[{}]", vec!["{}"; count].join(","));
        let (bearer, server) = (&bearer, &local.server);
        async move {
            let path = "/zerobus/v1/tables/main.default.wide/insert";
            crate::http::request(server, "POST", path, &[bearer], &body).await
        }
    };
    let mut client = Client::open(&local.server, RecordType::Proto).await;
    client.send(single(0, &record(0))).await;
    client.acked().await;
    for offset in 1..4 {
        client.send(single(offset, &record(1))).await;
    }
    while local.server.received(TABLE).unwrap().messages < 4 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // Each is 6 KB, and 8 MB in memory.
    let answers = tokio::join!(insert(2_000), insert(2_000), insert(2_000));
    while client.acked().await < 3 {}
    for answer in [answers.0, answers.1, answers.2] {
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    let answer = insert(70_000).await;
    assert_eq!(answer.status, 400);
    assert!(
        answer.body.contains("at most 67108 records"),
        "{}",
        answer.body
    );
}

#[tokio::test]
async fn a_descriptor_that_is_too_large_or_too_deep_is_refused() {
    let mut deep = DescriptorProto::default();
    for _ in 0..99 {
        deep = DescriptorProto {
            name: Some("m".to_owned()),
            nested_type: vec![deep],
            ..DescriptorProto::default()
        };
    }
    // Past what can be built from messages: each level holds the next.
    let mut deeper = deep.encode_to_vec();
    for _ in 0..100 {
        let mut outer = vec![0x1a];
        prost::encoding::encode_varint(deeper.len() as u64, &mut outer);
        outer.append(&mut deeper);
        deeper = outer;
    }
    let mut large = DescriptorProto::decode(descriptor().as_slice()).unwrap();
    large.reserved_name = (0..2_000_000).map(|_| "12345".to_owned()).collect();
    for bytes in [deeper, large.encode_to_vec()] {
        let local = Local::start().await;
        let mut other = Client::open(&local.server, RecordType::Proto).await;
        let mut client = Client::connect(&local.server).await;
        client.send(create(RecordType::Proto, bytes)).await;
        let (_, status) = client.refusal().await;
        assert_eq!(status.code(), Code::InvalidArgument, "{status}");
        assert!(status.message().contains("descriptor_proto"), "{status}");
        other.send(single(0, &record(0))).await;
        assert_eq!(other.acked().await, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_never_stop_share_what_memory_there_is() {
    const MESSAGES: i64 = 40;
    let data = tempfile::TempDir::new().unwrap();
    let server = zerobus_local::LocalZerobus::builder()
        .data(data.path())
        .seed_sql(crate::air_quality::DDL)
        // Less than any message weighs.
        .pending_bytes(1)
        .start()
        .await
        .unwrap();
    let local = Local { data, server };
    let mut clients = Vec::new();
    for _ in 0..8 {
        let mut client = Client::open(&local.server, RecordType::Proto).await;
        clients.push(tokio::spawn(async move {
            for offset in 0..MESSAGES {
                client.send(single(offset, &record(0))).await;
            }
            client.half_close();
            client.end().await
        }));
    }
    for client in clients {
        let (acked, status) = client.await.unwrap();
        assert!(status.is_none(), "{status:?}");
        assert_eq!(acked, Some(MESSAGES - 1));
    }
    assert_eq!(i64::try_from(local.temps().len()).unwrap(), 8 * MESSAGES);
}

#[tokio::test]
async fn those_who_connect_and_say_nothing_keep_nobody_out() {
    let local = Local::start().await;
    let mut silent = Vec::new();
    for _ in 0..200 {
        silent.push(TcpStream::connect(local.server.address()).await.unwrap());
    }
    // A stream that is called and never created, and one whose answers nobody reads.
    let _called = Client::connect(&local.server).await;
    let mut unread = Client::open(&local.server, RecordType::Proto).await;
    for offset in 0..100 {
        unread.send(single(offset, &bare_record(1))).await;
    }
    let mut client = Client::open(&local.server, RecordType::Proto).await;
    client.send(single(0, &record(0))).await;
    assert_eq!(client.acked().await, 0);
    drop(silent);
}
