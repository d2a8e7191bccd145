//! Streams for code that is not async.

use std::thread::JoinHandle;
use std::time::Duration;

use tonic::Status;
use zerobus_client::{Client, Error, StreamState};

use crate::delivery::client;
use crate::lanes::ack_all;
use crate::record::{Line, numbered, texts_of};
use crate::recovery::eager;
use crate::server::Server;

/// The server side, on a runtime of its own: stores and acks what comes on one call after another, breaking off the
/// first one in the middle.
fn serve(connections: usize) -> (Client, JoinHandle<Vec<String>>) {
    service(async move |mut server| {
        let mut stored = Vec::new();
        for connection in 0..connections {
            let mut call = server.opened().await;
            while let Some((id, batch)) = call.try_batch().await {
                if connection + 1 < connections && id == 3 {
                    break;
                }
                stored.extend(batch);
                call.ack(id);
            }
            if connection + 1 < connections {
                call.fail(Status::unavailable("again"));
            } else {
                call.end();
            }
        }
        stored
    })
}

/// A server side of its own thread and runtime, and a client of it.
fn service<T: Send + 'static>(
    run: impl AsyncFnOnce(Server) -> T + Send + 'static,
) -> (Client, JoinHandle<T>) {
    let (sender, receiver) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let server = Server::start().await;
            sender.send(client(&server)).unwrap();
            run(server).await
        })
    });
    (receiver.recv().unwrap(), thread)
}

fn stream_through(client: &Client) {
    let builder = client.stream::<Line<'static>>().configure(|options| {
        eager(options);
        options.batch_records = 3;
        options.max_inflight_records = 10;
    });
    let mut stream = builder.open_blocking().unwrap();
    for (n, text) in (0..).zip(numbered(0..100)) {
        assert_eq!(stream.ingest_record(&Line(&text)).unwrap(), n);
    }
    stream.wait_for_offset(99).unwrap();
    let mut producer = stream.producer();
    let thread = std::thread::spawn(move || {
        for text in numbered(100..130) {
            producer.ingest_record(&Line(&text)).unwrap();
        }
        producer.flush().unwrap();
    });
    thread.join().unwrap();
    stream.flush().unwrap();
    stream.close().unwrap();
    assert_eq!(stream.as_async().state(), StreamState::Closed);
    assert!(matches!(
        stream.try_ingest(&Line("late")),
        Err(Error::Closed)
    ));
}

#[test]
fn outside_a_runtime_all_is_as_inside() {
    let (client, service) = serve(2);
    stream_through(&client);
    assert_eq!(service.join().unwrap(), numbered(0..130));
}

#[test]
fn within_a_runtime_it_blocks_and_does_not_panic() {
    let (client, service) = serve(2);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    // Not even a timer is to be had from this one.
    runtime.block_on(async { stream_through(&client) });
    assert_eq!(service.join().unwrap(), numbered(0..130));
}

/// Lanes, filled from here and from another thread.
fn lanes_through(client: &Client) {
    let builder = client.stream::<Line<'static>>().configure(|options| {
        eager(options);
        options.batch_records = 3;
        options.max_inflight_records = 10;
    });
    let mut lanes = builder.lanes(2).open_blocking().unwrap();
    let mut last = lanes.ingest_record(&Line("0")).unwrap();
    for text in numbered(1..50) {
        last = lanes.ingest_keyed("one lane", &Line(&text)).unwrap();
    }
    lanes.wait_for_offset(last).unwrap();
    let mut producer = lanes.producer();
    let thread = std::thread::spawn(move || {
        for text in numbered(50..100) {
            producer.ingest_record(&Line(&text)).unwrap();
        }
        producer.flush().unwrap();
    });
    thread.join().unwrap();
    let batch = [Line("100"), Line("101")];
    lanes.ingest_batch(&batch).unwrap().unwrap();
    lanes.close().unwrap();
    let acked = lanes
        .as_async()
        .metrics()
        .iter()
        .map(|lane| lane.acked_records)
        .sum::<u64>();
    assert_eq!(acked, 102);
    assert!(matches!(
        lanes.try_ingest(&Line("late")),
        Err(Error::Closed)
    ));
}

#[test]
fn a_wait_with_a_limit_takes_the_record_in_time_or_not_at_all() {
    let (release, released) = tokio::sync::oneshot::channel();
    let (client, service) = service(async move |mut server| {
        let mut call = server.opened().await;
        let (_, last) = call.records(0, 2).await;
        released.await.unwrap();
        call.ack(last);
        call.records(last + 1, 1).await;
        call.ack(last + 1);
        assert!(call.try_batch().await.is_none());
    });
    let builder = client.stream::<Line<'static>>().configure(|options| {
        options.max_inflight_records = 2;
    });
    let mut stream = builder.open_blocking().unwrap();
    let mut producer = stream.producer();
    stream.ingest_record(&Line("a")).unwrap();
    stream.ingest_record(&Line("b")).unwrap();
    let (short, long) = (Duration::from_millis(20), Duration::from_secs(60));
    for full in [
        stream.ingest_record_timeout(&Line("c"), short),
        producer.ingest_record_timeout(&Line("c"), short),
    ] {
        assert!(matches!(full, Err(Error::Full { .. })), "{full:?}");
    }
    release.send(()).unwrap();
    assert_eq!(stream.ingest_record_timeout(&Line("d"), long).unwrap(), 2);
    stream.close().unwrap();
    assert_eq!(producer.as_async().next_offset(), 0);
    service.join().unwrap();
}

#[test]
fn lanes_are_for_code_that_is_not_async_too() {
    let (client, service) = service(async |mut server| {
        let calls = vec![server.opened().await, server.opened().await];
        ack_all(calls).await.concat()
    });
    lanes_through(&client);
    let mut stored = service.join().unwrap();
    stored.sort_by_key(|text| text.parse::<u32>().unwrap());
    assert_eq!(stored, numbered(0..102));
}

#[test]
fn what_fails_says_so_and_keeps_its_records() {
    let (client, service) = serve(0);
    let error = client
        .stream::<Line<'static>>()
        .configure(|options| {
            options.recovery = false;
            options.recovery_timeout = Duration::from_millis(200);
        })
        .open_blocking()
        .unwrap_err();
    assert!(matches!(error, Error::Connection { .. }), "{error}");
    service.join().unwrap();

    let (client, service) = serve(1);
    // Nothing goes out by itself.
    let builder = client.stream::<Line<'static>>().configure(|options| {
        options.linger = Duration::from_secs(3_600);
    });
    let mut stream = builder.open_blocking().unwrap();
    let limit = Duration::from_secs(3_600);
    stream.ingest_record_timeout(&Line("a"), limit).unwrap();
    stream.flush().unwrap();
    stream.ingest_record(&Line("b")).unwrap();
    assert_eq!(texts_of(stream.get_unacked_records()), ["b"]);
    drop(stream);
    service.join().unwrap();
}
