//! Records go out in order, packed, and come back as acks.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use zerobus_client::{Client, Error, Stream, StreamOptions, StreamState, ZerobusRecord};
use zerobus_proto::RecordType;

use crate::record::{Line, numbered, texts_of};
use crate::server::{Call, Server};

pub(crate) fn client(server: &Server) -> Client {
    Client::builder()
        .endpoint(server.url())
        .ingest_token("secret")
        .build()
        .unwrap()
}

/// A stream and the server's side of it.
pub(crate) async fn open(
    server: &mut Server,
    configure: impl FnOnce(&mut StreamOptions),
) -> (Stream<Line<'static>>, Call) {
    let stream = client(server).stream::<Line<'_>>().configure(configure);
    let (stream, call) = tokio::join!(stream.open(), server.opened());
    (stream.unwrap(), call)
}

#[tokio::test]
async fn records_are_packed_sent_acked_and_the_stream_closed() {
    let mut server = Server::start().await;
    let (mut stream, mut call) = open(&mut server, |_| {}).await;
    assert_eq!(stream.state(), StreamState::Opened);
    for (n, text) in numbered(0..1000).iter().enumerate() {
        let offset = stream.ingest_record(&Line(text)).await.unwrap();
        assert_eq!(usize::try_from(offset), Ok(n));
    }
    let (flushed, ()) = tokio::join!(stream.flush(), async {
        let (records, last) = call.records(0, 1000).await;
        assert_eq!(records, numbered(0..1000));
        assert!(last < 100, "1000 short records came in {last} messages");
        call.ack(last);
    });
    flushed.unwrap();
    assert_eq!(stream.acked_offset(), Some(999));
    let (closed, ()) = tokio::join!(stream.close(), async {
        assert!(call.try_batch().await.is_none());
        call.end();
    });
    closed.unwrap();
    assert_eq!(stream.state(), StreamState::Closed);
    stream.close().await.unwrap();
    assert!(matches!(
        stream.ingest_record(&Line("late")).await,
        Err(Error::Closed)
    ));
    assert_eq!(texts_of(stream.get_unacked_records()), [""; 0]);
}

#[tokio::test]
async fn the_service_is_told_who_asks_for_what() {
    let mut server = Server::start().await;
    let client = Client::builder()
        .endpoint(server.url())
        .ingest_token("secret")
        .application("tests/1.0")
        .build()
        .unwrap();
    let stream = client.stream::<Line<'_>>().table("prod.iot.lines");
    let (stream, create) = tokio::join!(stream.open(), async {
        let mut call = server.call().await;
        let header = |name: &str| {
            call.metadata
                .get(name)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()
        };
        assert_eq!(header("authorization"), "Bearer secret");
        assert_eq!(header("x-databricks-zerobus-table-name"), "prod.iot.lines");
        let agent = header("user-agent");
        assert!(agent.starts_with("tests/1.0 zerobus-rs/"), "{agent}");
        let create = call.create_stream().await;
        call.created("stream-1");
        create
    });
    assert_eq!(create.table_name.as_deref(), Some("prod.iot.lines"));
    assert_eq!(create.descriptor_proto.as_deref(), Some(Line::DESCRIPTOR));
    assert_eq!(create.record_type, Some(RecordType::Proto.into()));
    let stream = stream.unwrap();
    assert_eq!(stream.stream_id(), "stream-1");
    assert_eq!(stream.table().to_string(), "prod.iot.lines");
    assert!(!format!("{client:?} {stream:?}").contains("secret"));
}

#[tokio::test]
async fn an_offset_waited_for_is_sent_at_once_and_an_unknown_one_refused() {
    let mut server = Server::start().await;
    let (mut stream, mut call) = open(&mut server, |options| {
        options.linger = Duration::from_secs(3600);
    })
    .await;
    for text in ["a", "b"] {
        let offset = stream.ingest_record(&Line(text)).await.unwrap();
        let (waited, ()) = tokio::join!(stream.wait_for_offset(offset), async {
            assert_eq!(call.batch().await, (offset, vec![text.to_owned()]));
            call.ack(offset);
        });
        waited.unwrap();
    }
    stream.wait_for_offset(0).await.unwrap();
    for offset in [-1, 2] {
        let error = stream.wait_for_offset(offset).await.unwrap_err();
        assert!(
            matches!(error, Error::UnknownOffset { next: 2, .. }),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_flush_that_takes_too_long_can_be_called_again() {
    let mut server = Server::start().await;
    let (mut stream, mut call) = open(&mut server, |options| {
        options.flush_timeout = Duration::from_millis(50);
    })
    .await;
    stream.ingest_record(&Line("a")).await.unwrap();
    for error in [stream.flush().await, stream.close().await] {
        let error = error.unwrap_err();
        assert!(
            matches!(error, Error::FlushTimeout { unacked: 1, .. }),
            "{error}"
        );
    }
    let (_, last) = call.records(0, 1).await;
    call.ack(last);
    while stream.acked_offset().is_none() {
        tokio::task::yield_now().await;
    }
    stream.flush().await.unwrap();
    drop(call);
    stream.close().await.unwrap();
}

#[tokio::test]
async fn a_close_that_is_dropped_at_any_point_can_be_called_again() {
    let mut took_more = [false; 2];
    for polls in (0..20).chain([u32::MAX]) {
        let mut server = Server::start().await;
        let (mut stream, mut call) = open(&mut server, |_| {}).await;
        let service = tokio::spawn(async move {
            let mut stored = Vec::new();
            while let Some((id, batch)) = call.try_batch().await {
                stored.extend(batch);
                call.ack(id);
            }
            stored
        });
        stream.ingest_record(&Line("a")).await.unwrap();
        let mut closed = false;
        {
            let mut close = pin!(stream.close());
            for _ in 0..polls {
                closed = poll_fn(|cx| Poll::Ready(close.as_mut().poll(cx).is_ready())).await;
                if closed {
                    break;
                }
                tokio::time::sleep(Duration::from_micros(200)).await;
            }
        }
        // Taken as long as the call had not come to its end, and then stored like the first.
        let more = stream.ingest_record(&Line("b")).await.is_ok();
        assert!(!(more && closed));
        took_more[usize::from(more)] = true;
        stream.close().await.unwrap();
        assert_eq!(stream.state(), StreamState::Closed);
        let stored = service.await.unwrap();
        assert_eq!(stored, ["a", "b"][..1 + usize::from(more)]);
    }
    assert_eq!(
        took_more,
        [true, true],
        "before and after the end of the intake"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_can_be_moved_to_another_task() {
    let mut server = Server::start().await;
    let (mut stream, mut call) = open(&mut server, |_| {}).await;
    let task = tokio::spawn(async move {
        let offset = stream.ingest_record(&Line("a")).await?;
        stream.ingest_records(&[Line("b")]).await?;
        stream.wait_for_offset(offset).await?;
        stream.flush().await?;
        stream.close().await
    });
    let (_, last) = call.records(0, 2).await;
    call.ack(last);
    assert!(call.try_batch().await.is_none());
    call.end();
    task.await.unwrap().unwrap();
}

#[tokio::test]
async fn acks_may_skip_and_repeat() {
    let mut server = Server::start().await;
    let (mut stream, mut call) = open(&mut server, |options| options.batch_records = 1).await;
    for text in numbered(0..6) {
        stream.ingest_record(&Line(&text)).await.unwrap();
    }
    call.records(0, 6).await;
    for up_to in [1, 1, 4] {
        call.ack(up_to);
    }
    stream.wait_for_offset(4).await.unwrap();
    assert_eq!(texts_of(stream.get_unacked_records()), ["5"]);
    call.ack(5);
    stream.flush().await.unwrap();
}

#[tokio::test]
async fn a_dropped_stream_ends_its_connection() {
    let mut server = Server::start().await;
    let (mut stream, mut call) = open(&mut server, |_| {}).await;
    stream.ingest_record(&Line("a")).await.unwrap();
    drop(stream);
    while call.try_batch().await.is_some() {}
}

#[tokio::test]
async fn records_may_borrow_what_does_not_outlive_the_stream() {
    let mut server = Server::start().await;
    let (mut stream, mut call) = open(&mut server, |_| {}).await;
    for n in 0..3 {
        let text = n.to_string();
        let line = Line(&text);
        stream.ingest_record(&line).await.unwrap();
        stream.ingest_records([&line, &line]).await.unwrap();
    }
    let (records, _) = call.records(0, 9).await;
    assert_eq!(records.concat(), "000111222");
}
