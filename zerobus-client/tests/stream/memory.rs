//! What is on its way costs little more than its bytes, and no more than it may.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tokio::runtime::Builder;
use zerobus_client::{Client, Error, Stream, StreamOptions};

use crate::record::Line;
use crate::server::Server;

/// `text:` is what the record adds to it.
const TEXT: &str = "a record of a hundred bytes, which is what many tables have, ids, a time, two numbers and some.";
const RECORD_BYTES: u64 = 100;

/// A server in a thread of its own, whose memory is not counted: it reads so many records and acks none.
fn silent_server(records: usize) -> (String, mpsc::Receiver<()>) {
    let (urls, url) = mpsc::channel();
    let (all_read, is_read) = mpsc::channel();
    thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut server = Server::start().await;
            urls.send(server.url()).unwrap();
            let mut call = server.opened().await;
            let mut read = 0;
            while read < records {
                read += call.try_batch().await.unwrap().1.len();
            }
            all_read.send(()).unwrap();
            // Until the client is gone.
            while call.try_batch().await.is_some() {}
        });
    });
    (url.recv().unwrap(), is_read)
}

async fn open(url: String, configure: impl FnOnce(&mut StreamOptions)) -> Stream<Line<'static>> {
    let client = Client::builder().endpoint(url).ingest_token("secret");
    let client = client.build().unwrap();
    let stream = client.stream::<Line<'_>>().configure(configure);
    stream.open().await.unwrap()
}

/// The most memory that `run`, with everything on this thread, had at one time.
fn most_bytes(run: impl Future<Output = ()>) -> u64 {
    let measured = allocation_counter::measure(|| {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(run);
    });
    measured.bytes_max
}

#[test]
fn a_million_unacked_records_cost_little_more_than_their_bytes() {
    const RECORDS: usize = 1_000_000;
    assert_eq!(TEXT.len() as u64 + 5, RECORD_BYTES);
    let (url, is_read) = silent_server(RECORDS);
    let most = most_bytes(async {
        let mut stream = open(url, |_| {}).await;
        for n in 0..RECORDS {
            stream.ingest_record(&Line(TEXT)).await.unwrap();
            if n % 10_000 == 0 {
                // So that some are kept as they were sent, and some wait to be.
                tokio::task::yield_now().await;
            }
        }
        while is_read.try_recv().is_err() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    let encoded = RECORD_BYTES * RECORDS as u64;
    assert!(most > encoded, "not all of it was counted: {most}");
    println!("{:.3} of the encoded size", most as f64 / encoded as f64);
    assert!(most <= encoded * 13 / 10, "{most} bytes for {encoded}");
}

#[test]
fn a_server_that_never_acks_costs_no_more_than_allowed() {
    const BOUND: u64 = 8 << 20;
    // What a connection and a runtime take of their own.
    const FIXED: u64 = 1 << 20;
    let (url, _is_read) = silent_server(usize::MAX);
    let most = most_bytes(async {
        let mut stream = open(url, |options| {
            options.max_inflight_bytes = usize::try_from(BOUND).unwrap();
        })
        .await;
        let mut refused = 0;
        while refused < 1_000 {
            match stream.try_ingest(&Line(TEXT)) {
                Ok(_) => {}
                Err(Error::Full { bytes, .. }) => {
                    assert!(bytes >= BOUND);
                    refused += 1;
                    tokio::task::yield_now().await;
                }
                Err(error) => panic!("{error}"),
            }
        }
    });
    assert!(most > BOUND, "not all of it was counted: {most}");
    assert!(most <= BOUND * 13 / 10 + FIXED, "{most} bytes for {BOUND}");
}
