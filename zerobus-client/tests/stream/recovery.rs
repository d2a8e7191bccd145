//! Connections end, streams go on.

use std::time::Duration;

use tonic::Status;
use zerobus_client::{Error, GrpcCode, StreamOptions, StreamState};

use crate::delivery::{client, open};
use crate::record::{Line, numbered, texts_of};
use crate::server::Server;

/// Recovers as fast as it can, for as long as it takes.
pub(crate) fn eager(options: &mut StreamOptions) {
    options.recovery_backoff = Duration::from_millis(1);
    options.recovery_retries = 100;
}

#[tokio::test]
async fn a_lost_connection_loses_nothing_and_keeps_the_order() {
    let mut server = Server::start().await;
    let (mut stream, mut call) = open(&mut server, |options| {
        eager(options);
        options.batch_records = 10;
    })
    .await;
    for text in numbered(0..40) {
        stream.ingest_record(&Line(&text)).await.unwrap();
    }
    let (records, last) = call.records(0, 40).await;
    assert_eq!((records.len(), last), (40, 3));
    call.ack(0);
    stream.wait_for_offset(9).await.unwrap();
    call.fail(Status::unavailable(
        "gone. Error Code: 6002, Error State: 0.",
    ));

    // Taken while there is no connection.
    for text in numbered(40..60) {
        stream.ingest_record(&Line(&text)).await.unwrap();
    }
    let mut call = server.opened().await;
    let (records, last) = call.records(0, 50).await;
    assert_eq!(records, numbered(10..60));
    call.ack(last);
    stream.flush().await.unwrap();
    assert_eq!(stream.state(), StreamState::Opened);
    assert_eq!(stream.acked_offset(), Some(59));
}

#[tokio::test]
async fn connections_lost_again_and_again_resend_what_is_left() {
    let mut server = Server::start().await;
    let (mut stream, mut call) = open(&mut server, |options| {
        eager(options);
        options.batch_records = 1;
    })
    .await;
    for text in numbered(0..20) {
        stream.ingest_record(&Line(&text)).await.unwrap();
    }
    for round in 0..20 {
        let left = 20 - round;
        let (records, _) = call.records(0, left).await;
        assert_eq!(records, numbered(round..20));
        call.ack(0);
        stream
            .wait_for_offset(i64::try_from(round).unwrap())
            .await
            .unwrap();
        match round % 3 {
            0 => call.fail(Status::internal("oops")),
            1 => call.end(),
            _ => drop(call),
        }
        call = server.opened().await;
    }
    stream.flush().await.unwrap();
    assert_eq!(texts_of(stream.get_unacked_records()), [""; 0]);
}

#[tokio::test]
async fn a_server_that_restarts_is_found_again() {
    let mut server = Server::start().await;
    let (mut stream, mut call) = open(&mut server, eager).await;
    stream.ingest_record(&Line("a")).await.unwrap();
    let offset = stream.ingest_record(&Line("b")).await.unwrap();
    let (waited, (server, mut call)) = tokio::join!(stream.wait_for_offset(offset), async {
        call.records(0, 2).await;
        drop(call);
        let mut server = server.restart().await;
        let mut call = server.opened().await;
        let (records, last) = call.records(0, 2).await;
        assert_eq!(records, ["a", "b"]);
        call.ack(last);
        (server, call)
    });
    waited.unwrap();
    stream.ingest_record(&Line("c")).await.unwrap();
    let (flushed, ()) = tokio::join!(stream.flush(), async {
        let (records, last) = call.records(1, 1).await;
        assert_eq!(records, ["c"]);
        call.ack(last);
    });
    flushed.unwrap();
    drop(server);
}

#[tokio::test]
async fn a_watch_tells_of_acks_reconnects_and_what_was_sent_twice() {
    let mut server = Server::start().await;
    let (mut stream, mut call) = open(&mut server, eager).await;
    let mut watch = stream.watch();
    assert_eq!((watch.acked_offset(), watch.reconnects()), (None, 0));
    for text in numbered(0..3) {
        stream.ingest_record(&Line(&text)).await.unwrap();
    }
    let (waited, mut call) = tokio::join!(stream.wait_for_offset(2), async {
        call.records(0, 3).await;
        drop(call);
        let mut call = server.opened().await;
        let (_, last) = call.records(0, 3).await;
        call.ack(last);
        call
    });
    waited.unwrap();
    assert_eq!(watch.acked_offset(), Some(2));
    assert_eq!((watch.reconnects(), watch.resent_records()), (1, 3));
    assert_eq!((stream.reconnects(), stream.resent_records()), (1, 3));

    let elsewhere = tokio::spawn({
        let watch = watch.clone();
        async move { watch.wait_for_offset(3).await }
    });
    stream.ingest_record(&Line("3")).await.unwrap();
    let (_, last) = call.records(1, 1).await;
    call.ack(last);
    elsewhere.await.unwrap().unwrap();

    call.fail(Status::permission_denied("no more"));
    while watch.changed().await {}
    assert_eq!(watch.state(), StreamState::Failed);
    assert!(matches!(watch.error(), Some(Error::Status { .. })));
    assert!(watch.wait_for_offset(4).await.is_err());
}

#[tokio::test]
async fn a_close_signal_holds_sending_until_the_acks_are_in_and_moves_on() {
    let mut server = Server::start().await;
    let (mut stream, mut call) = open(&mut server, |options| {
        eager(options);
        options.batch_records = 1;
    })
    .await;
    for text in numbered(0..3) {
        stream.ingest_record(&Line(&text)).await.unwrap();
    }
    call.records(0, 3).await;
    call.close_signal(600);
    while stream.state() != StreamState::Recovering {
        tokio::task::yield_now().await;
    }
    stream.ingest_record(&Line("3")).await.unwrap();
    call.ack(2);
    // Half-closed, and not with the record taken since.
    assert!(call.try_batch().await.is_none());
    let mut next = server.opened().await;
    let (records, last) = next.records(0, 1).await;
    assert_eq!(records, ["3"]);
    next.ack(last);
    stream.flush().await.unwrap();
}

#[tokio::test]
async fn acks_outstanding_when_the_time_of_a_close_signal_is_up_are_not_waited_for() {
    let mut server = Server::start().await;
    let (mut stream, mut call) = open(&mut server, |options| {
        eager(options);
        options.stream_paused_max_wait_time = Some(Duration::ZERO);
        options.batch_records = 1;
    })
    .await;
    // Something acked: a service that sends streams away at once is another case.
    stream.ingest_record(&Line("0")).await.unwrap();
    call.records(0, 1).await;
    call.ack(0);
    stream.flush().await.unwrap();
    stream.ingest_record(&Line("1")).await.unwrap();
    call.records(1, 1).await;
    call.close_signal(600);
    let mut next = server.opened().await;
    let (records, last) = next.records(0, 1).await;
    assert_eq!(records, ["1"]);
    next.ack(last);
    stream.flush().await.unwrap();
}

#[tokio::test]
async fn a_service_that_only_sends_streams_away_uses_up_the_retries() {
    let mut server = Server::start().await;
    let (mut stream, mut call) = open(&mut server, |options| {
        eager(options);
        options.recovery_retries = 3;
    })
    .await;
    stream.ingest_record(&Line("kept")).await.unwrap();
    for _ in 0..3 {
        call.close_signal(0);
        call = server.opened().await;
    }
    call.close_signal(0);
    let error = stream.flush().await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    assert_eq!(texts_of(stream.get_unacked_records()), ["kept"]);
}

#[tokio::test]
async fn the_ack_deadline_moves_with_the_watermark_only() {
    let mut server = Server::start().await;
    let (mut stream, mut call) = open(&mut server, |options| {
        eager(options);
        options.server_lack_of_ack_timeout = Duration::from_millis(200);
        options.batch_records = 1;
    })
    .await;
    for text in numbered(0..2) {
        stream.ingest_record(&Line(&text)).await.unwrap();
    }
    call.records(0, 2).await;
    call.ack(0);
    // The same ack again and again is no progress: a stream that it kept alive would never connect anew.
    let repeat = async {
        loop {
            call.ack(0);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let mut next = tokio::select! {
        next = server.opened() => next,
        () = repeat => unreachable!(),
    };
    let (records, last) = next.records(0, 1).await;
    assert_eq!(records, ["1"]);
    next.ack(last);
    stream.flush().await.unwrap();
}

#[tokio::test]
async fn credentials_are_refreshed_once_when_refused_at_creation() {
    let mut server = Server::start().await;
    let (opened, call) = tokio::join!(
        client(&server).stream::<Line<'_>>().configure(eager).open(),
        async {
            let call = server.call().await;
            call.fail(Status::unauthenticated("token expired"));
            server.opened().await
        }
    );
    drop((opened.unwrap(), call));

    let (refused, ()) = tokio::join!(
        client(&server).stream::<Line<'_>>().configure(eager).open(),
        async {
            for _ in 0..2 {
                let call = server.call().await;
                call.fail(Status::permission_denied(
                    "no MODIFY. Error Code: 3, Error State: 0.",
                ));
            }
        }
    );
    match refused.unwrap_err() {
        Error::Status { error } => assert_eq!(error.code(), GrpcCode::PermissionDenied),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_token_that_expires_in_mid_stream_is_refreshed() {
    let mut server = Server::start().await;
    let (mut stream, mut call) = open(&mut server, eager).await;
    stream.ingest_record(&Line("a")).await.unwrap();
    // The service took the token each time, so it is worth another however often it expires before an ack.
    for _ in 0..3 {
        call.records(0, 1).await;
        call.fail(Status::unauthenticated("token expired"));
        call = server.opened().await;
    }
    let (records, last) = call.records(0, 1).await;
    assert_eq!(records, ["a"]);
    call.ack(last);
    stream.flush().await.unwrap();
}

#[tokio::test]
async fn a_stream_whose_tokens_never_last_is_given_up() {
    let mut server = Server::start().await;
    let (mut stream, mut call) = open(&mut server, |options| {
        eager(options);
        options.recovery_retries = 2;
    })
    .await;
    stream.ingest_record(&Line("a")).await.unwrap();
    // New credentials at once, then two retries, each with new credentials at once if they are refused.
    let end = async {
        loop {
            call.fail(Status::unauthenticated("token expired"));
            call = server.opened().await;
        }
    };
    let error = tokio::select! {
        flushed = stream.flush() => flushed.unwrap_err(),
        () = end => unreachable!(),
    };
    assert!(error.to_string().contains("token expired"), "{error}");
    assert_eq!(texts_of(stream.get_unacked_records()), ["a"]);
}

#[tokio::test]
async fn many_small_messages_are_no_flood_when_they_are_sent_again() {
    const MANY: usize = 5_000;
    let mut server = Server::start().await;
    let (mut stream, mut call) = open(&mut server, |options| {
        eager(options);
        options.batch_records = 1;
    })
    .await;
    for text in numbered(0..MANY) {
        stream.ingest_record(&Line(&text)).await.unwrap();
    }
    // HTTP/2 servers end connections on which small frames wait by the hundred.
    tokio::time::sleep(Duration::from_millis(50)).await;
    let (records, _) = call.records(0, MANY).await;
    assert_eq!(records.len(), MANY);
    call.fail(Status::unavailable("again"));
    let mut call = server.opened().await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let (records, last) = call.records(0, MANY).await;
    assert_eq!(records, numbered(0..MANY));
    call.ack(last);
    stream.flush().await.unwrap();
    assert_eq!(stream.reconnects(), 1);
}

#[tokio::test]
async fn a_service_that_takes_everything_and_acks_nothing_uses_up_the_retries() {
    let mut server = Server::start().await;
    let (mut stream, call) = open(&mut server, |options| {
        eager(options);
        options.recovery_retries = 2;
        // Longer than this open is not somewhere, when what was sent was waiting all the time.
        options.recovery_timeout = Duration::from_millis(150);
        options.server_lack_of_ack_timeout = Duration::from_millis(200);
    })
    .await;
    stream.ingest_record(&Line("kept")).await.unwrap();
    let again = async {
        let mut calls = vec![call];
        while calls.len() < 12 {
            calls.push(server.opened().await);
        }
        calls.len()
    };
    let error = tokio::select! {
        flushed = stream.flush() => flushed.unwrap_err(),
        calls = again => panic!("connected {calls} times, and would go on"),
    };
    assert!(matches!(error, Error::RetriesExhausted { .. }), "{error}");
    assert_eq!(texts_of(stream.get_unacked_records()), ["kept"]);
}

#[test]
fn a_stream_whose_runtime_is_gone_takes_nothing_more() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (mut stream, _call, _server) = runtime.block_on(async {
        let mut server = Server::start().await;
        let (stream, call) = open(&mut server, |_| {}).await;
        (stream, call, server)
    });
    stream.try_ingest(&Line("kept")).unwrap();
    drop(runtime);
    // Nobody would ever send it.
    assert!(stream.try_ingest(&Line("late")).is_err());
    assert!(stream.state().is_final());
    assert_eq!(texts_of(stream.get_unacked_records()), ["kept"]);
}

#[tokio::test]
async fn times_without_an_end_are_waited_for_without_an_end() {
    let mut server = Server::start().await;
    let (mut stream, mut call) = open(&mut server, |options| {
        options.linger = Duration::MAX;
        options.recovery_timeout = Duration::MAX;
        options.recovery_backoff = Duration::MAX;
        options.server_lack_of_ack_timeout = Duration::MAX;
        options.flush_timeout = Duration::MAX;
        options.stream_paused_max_wait_time = Some(Duration::MAX);
        options.callback_max_wait_time = Some(Duration::MAX);
    })
    .await;
    for first in 0..2 {
        stream.ingest_record(&Line("a")).await.unwrap();
        // So that its time to linger is looked at.
        tokio::time::sleep(Duration::from_millis(5)).await;
        let (flushed, ()) = tokio::join!(stream.flush(), async {
            let (_, last) = call.records(first, 1).await;
            call.ack(last);
        });
        flushed.unwrap();
    }
    call.close_signal(i64::MAX);
    let mut call = server.opened().await;
    stream.ingest_record(&Line("b")).await.unwrap();
    let (closed, ()) = tokio::join!(stream.close(), async {
        let (_, last) = call.records(0, 1).await;
        call.ack(last);
        assert!(call.try_batch().await.is_none());
        call.end();
    });
    closed.unwrap();
}

#[tokio::test]
async fn a_close_signal_does_not_put_off_the_one_before() {
    let mut server = Server::start().await;
    let (mut stream, mut call) = open(&mut server, |options| {
        eager(options);
        options.batch_records = 1;
    })
    .await;
    for text in numbered(0..2) {
        stream.ingest_record(&Line(&text)).await.unwrap();
    }
    call.records(0, 2).await;
    call.ack(0);
    call.close_signal(1);
    call.close_signal(3_600);
    let mut next = tokio::time::timeout(Duration::from_secs(30), server.opened())
        .await
        .expect("the stream stays for the hour");
    let (records, last) = next.records(0, 1).await;
    assert_eq!(records, ["1"]);
    next.ack(last);
    stream.flush().await.unwrap();
}

#[tokio::test]
async fn a_stream_whose_opening_is_dropped_leaves_nothing_at_the_service() {
    let mut server = Server::start().await;
    let mut opening = Box::pin(client(&server).stream::<Line<'_>>().open());
    let mut call = tokio::select! {
        opened = &mut opening => panic!("{opened:?} without an answer"),
        call = server.call() => call,
    };
    call.create_stream().await;
    drop(opening);
    let gone = tokio::time::timeout(Duration::from_secs(10), call.try_batch()).await;
    assert_eq!(gone.expect("it is still open"), None);
}
