//! A service that breaks off at any moment, by seed: what is acked is stored, and stored in order.

use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRng, TestRunner};
use tokio::sync::oneshot;
use tonic::Status;
use zerobus_client::{Spool, SpoolContents};

use crate::delivery::{client, open};
use crate::record::{Line, numbered};
use crate::recovery::eager;
use crate::server::{Call, Server};

/// What the service does after some messages of a connection.
#[derive(Debug, Clone, Copy)]
enum Act {
    /// Acks everything.
    Ack,
    /// Acks all but the last message.
    AckMost,
    /// Ends the stream with an error, without acking.
    Fail,
    /// Acks, then goes away.
    AckAndEnd,
    /// Asks the stream to move, acks, and lets it.
    Move,
}

fn acts() -> impl Strategy<Value = Vec<(u8, Act)>> {
    let act = prop_oneof![
        4 => Just(Act::Ack),
        3 => Just(Act::AckMost),
        1 => Just(Act::Fail),
        1 => Just(Act::AckAndEnd),
        1 => Just(Act::Move),
    ];
    proptest::collection::vec((1..8u8, act), 1..40)
}

/// Stores what it receives and does as told, then acks everything, until the test is done with it.
async fn serve(
    mut server: Server,
    mut call: Call,
    acts: Vec<(u8, Act)>,
    mut done: oneshot::Receiver<()>,
) -> Vec<u32> {
    let mut stored = Vec::new();
    let mut acts = acts.into_iter();
    let mut left = acts.next();
    loop {
        let Some((id, batch)) = call.try_batch().await else {
            drop(call);
            tokio::select! {
                next = server.opened_at_last() => call = next,
                _ = &mut done => return stored,
            }
            continue;
        };
        stored.extend(batch.iter().map(|text| text.parse::<u32>().unwrap()));
        let Some((after, act)) = left.as_mut() else {
            call.ack(id);
            continue;
        };
        *after -= 1;
        if *after > 0 {
            continue;
        }
        let act = *act;
        left = acts.next();
        match act {
            Act::Ack => call.ack(id),
            Act::AckMost => call.ack(id - 1),
            Act::Fail => {
                call.fail(Status::unavailable("chaos"));
                call = server.opened_at_last().await;
            }
            Act::AckAndEnd => {
                call.ack(id);
                call.end();
                // Everything may be acked by now, and the stream be closed.
                tokio::select! {
                    next = server.opened_at_last() => call = next,
                    _ = &mut done => return stored,
                }
            }
            Act::Move => {
                call.close_signal(60);
                call.ack(id);
            }
        }
    }
}

fn first_occurrences(stored: &[u32]) -> Vec<u32> {
    let mut seen = std::collections::HashSet::new();
    stored.iter().copied().filter(|n| seen.insert(*n)).collect()
}

#[test]
fn nothing_is_lost_or_reordered_however_connections_end() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let config = Config {
        failure_persistence: None,
        ..Config::with_cases(24)
    };
    // The same seeds every time: a failure can be looked at.
    let rng = TestRng::deterministic_rng(config.rng_algorithm);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let cases = (acts(), 1..60usize, prop_oneof![Just(0u64), Just(1)]);
    runner
        .run(&cases, |(acts, batch_records, linger)| {
            let total = 3_000;
            let stored = runtime.block_on(async {
                let mut server = Server::start().await;
                let (mut stream, call) = open(&mut server, |options| {
                    eager(options);
                    options.batch_records = batch_records;
                    options.max_inflight_records = 500;
                    options.linger = Duration::from_millis(linger);
                    // What is acked too little, with nothing more to come, is sent again after this time.
                    options.server_lack_of_ack_timeout = Duration::from_millis(50);
                })
                .await;
                let (finish, done) = oneshot::channel();
                let service = tokio::spawn(serve(server, call, acts, done));
                for (n, text) in numbered(0..total).iter().enumerate() {
                    stream.ingest_record(&Line(text)).await.unwrap();
                    if n % 700 == 0 {
                        // Long enough for the batch in the making to be taken away.
                        tokio::time::sleep(Duration::from_millis(3)).await;
                    }
                }
                stream.flush().await.unwrap();
                stream.close().await.unwrap();
                finish.send(()).unwrap();
                service.await.unwrap()
            });
            let order = first_occurrences(&stored);
            let total = u32::try_from(total).unwrap();
            prop_assert!(order.into_iter().eq(0..total), "{stored:?}");
            Ok(())
        })
        .unwrap();
}

/// What becomes of a stream after some records.
#[derive(Debug, Clone, Copy)]
enum Fate {
    /// It is dropped, and the next one opened with its spool.
    Dropped,
    /// It is made anew while its task is at work.
    MadeAnew,
    /// The same, but dropped on the way and tried again.
    MadeAnewAtLast,
    Goes,
}

fn fates() -> impl Strategy<Value = Vec<(usize, Fate)>> {
    let fate = prop_oneof![
        2 => Just(Fate::Dropped),
        2 => Just(Fate::MadeAnew),
        1 => Just(Fate::MadeAnewAtLast),
        1 => Just(Fate::Goes),
    ];
    proptest::collection::vec((1..200usize, fate), 1..20)
}

#[test]
fn nothing_is_lost_or_reordered_however_streams_with_a_spool_end() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let config = Config {
        failure_persistence: None,
        ..Config::with_cases(24)
    };
    let rng = TestRng::deterministic_rng(config.rng_algorithm);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let cases = (acts(), fates(), 1..20usize);
    runner
        .run(&cases, |(acts, fates, batch_records)| {
            let folder = tempfile::tempdir().unwrap();
            let (stored, total) = runtime.block_on(async {
                let mut server = Server::start().await;
                let client = client(&server);
                let builder = || {
                    let builder = client.stream::<Line<'static>>();
                    builder
                        .spool(Spool::at(folder.path()))
                        .configure(|options| {
                            eager(options);
                            options.batch_records = batch_records;
                            options.server_lack_of_ack_timeout = Duration::from_millis(50);
                        })
                };
                let (stream, call) = tokio::join!(builder().open(), server.opened());
                let mut stream = stream.unwrap();
                let (finish, done) = oneshot::channel();
                let service = tokio::spawn(serve(server, call, acts, done));
                let mut total = 0;
                for (count, fate) in fates {
                    for text in numbered(total..total + count) {
                        stream.ingest_record(&Line(&text)).await.unwrap();
                    }
                    total += count;
                    // Acks come while it ends.
                    tokio::time::sleep(Duration::from_micros(count as u64 * 10)).await;
                    match fate {
                        Fate::Dropped => {
                            drop(stream);
                            stream = builder().open().await.unwrap();
                        }
                        Fate::MadeAnew => stream.recreate().await.unwrap(),
                        Fate::MadeAnewAtLast => {
                            let wait = Duration::from_micros(count as u64);
                            let made = tokio::time::timeout(wait, stream.recreate()).await;
                            if made.is_err() {
                                stream.recreate().await.unwrap();
                            }
                        }
                        Fate::Goes => {}
                    }
                }
                stream.flush().await.unwrap();
                stream.close().await.unwrap();
                drop(stream);
                finish.send(()).unwrap();
                (service.await.unwrap(), total)
            });
            let order = first_occurrences(&stored);
            let total = u32::try_from(total).unwrap();
            prop_assert!(order.iter().copied().eq(0..total), "{order:?} of {total}");
            prop_assert_eq!(SpoolContents::read(folder.path()).unwrap(), []);
            Ok(())
        })
        .unwrap();
}
