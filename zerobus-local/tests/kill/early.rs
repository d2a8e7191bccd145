//! Servers that are killed while there is little yet: tables in the making, first commits, streams at rest.

use std::time::{Duration, Instant};

use zerobus_client::{Client, Stream, StreamState};

use crate::event::Event;
use crate::process::{Server, names};
use crate::random::Seed;
use crate::source;
use crate::table::{self, Found};

async fn open(client: &Client, table: &str) -> Stream<Event> {
    client
        .stream::<Event>()
        .table(table)
        .configure(source::options)
        .open()
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_in_the_making_are_made_by_the_next_start() {
    let seed = Seed::of_test();
    let mut random = seed.random(0);
    let tables = names(8);
    let started = Instant::now();
    Server::new(&tables).start();
    let whole = started.elapsed();
    for _ in 0..4 {
        let mut server = Server::new(&tables);
        for _ in 0..5 {
            server.spawn();
            std::thread::sleep(random.pause(whole));
            server.kill();
        }
        server.start();
        let client = server.client();
        for table in &tables {
            let mut stream = open(&client, table).await;
            stream.ingest_record(&Event::new(1, 0)).await.unwrap();
            stream.close().await.unwrap();
            let found = table::read(&server.table_dir(table));
            assert_eq!(
                found[&1],
                Found {
                    records: 1,
                    duplicates: 0
                }
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_commit_of_a_table_is_there_once_it_is_acked() {
    let seed = Seed::of_test();
    let mut random = seed.random(0);
    let tables = names(12);
    let mut server = Server::new(&tables);
    server.start();
    let client = server.client();
    for table in &tables {
        let mut stream = open(&client, table).await;
        let records = random.below(40).cast_signed() + 1;
        for seq in 0..records {
            stream.ingest_record(&Event::new(1, seq)).await.unwrap();
        }
        let kill_after = random.pause(Duration::from_millis(20));
        let killer = tokio::task::spawn_blocking(move || {
            std::thread::sleep(kill_after);
            server.kill();
            server.start();
            server
        });
        stream.close().await.unwrap();
        server = killer.await.unwrap();
        assert_eq!(table::read(&server.table_dir(table))[&1].records, records);
    }
}

/// The server writes a checkpoint every hundred versions and reads it when it starts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_around_a_checkpoint_loses_nothing() {
    let seed = Seed::of_test();
    let mut random = seed.random(0);
    let tables = names(6);
    let mut server = Server::new(&tables);
    server.start();
    let client = server.client();
    for table in &tables {
        let mut stream = open(&client, table).await;
        let versions = 99 + random.below(3).cast_signed();
        for seq in 0..versions {
            let offset = stream.ingest_record(&Event::new(1, seq)).await.unwrap();
            stream.wait_for_offset(offset).await.unwrap();
        }
        std::thread::sleep(random.pause(Duration::from_millis(8)));
        server.kill();
        server.start();
        for seq in versions..110 {
            stream.ingest_record(&Event::new(1, seq)).await.unwrap();
        }
        stream.close().await.unwrap();
        assert_eq!(table::read(&server.table_dir(table))[&1].records, 110);
    }
    server.kill();
    server.start();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_at_rest_outlives_server_after_server() {
    let _seed = Seed::of_test();
    let tables = names(1);
    let mut server = Server::new(&tables);
    server.start();
    let mut stream = open(&server.client(), &tables[0]).await;
    for seq in 0..10 {
        stream.ingest_record(&Event::new(1, seq)).await.unwrap();
    }
    stream.flush().await.unwrap();
    for _ in 0..3 {
        let id = stream.stream_id();
        server.kill();
        server.start();
        wait_until_moved(&stream, &id).await;
    }
    for seq in 10..20 {
        stream.ingest_record(&Event::new(1, seq)).await.unwrap();
    }
    stream.close().await.unwrap();
    let found = table::read(&server.table_dir(&tables[0]));
    // At rest nothing is on its way, so nothing is sent twice.
    assert_eq!(
        found[&1],
        Found {
            records: 20,
            duplicates: 0
        }
    );
}

/// Returns once the stream is open on another connection than `id`'s.
async fn wait_until_moved(stream: &Stream<Event>, id: &str) {
    while stream.state() != StreamState::Opened || stream.stream_id() == id {
        assert_ne!(stream.state(), StreamState::Failed);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
