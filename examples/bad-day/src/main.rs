//! A stream on a day when everything goes wrong: connections are cut, acks are lost, tokens expire, the service asks
//! streams to move, and one reading does not say where it is from. In the evening every record is on disk or has been handed out.
//!
//! The faults are those of the local server; the client has no part in them and is told nothing of them.

mod evening;

use std::process::ExitCode;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use zerobus_client::{Client, RefusedRecord, StreamMetrics, TimestampMicros, ZerobusRecord};
use zerobus_local::{Fault, FaultRule, LocalZerobus};

type Error = Box<dyn std::error::Error + Send + Sync>;

const DEVICES: usize = 6;
const READINGS: i64 = 5_000;
/// The device that once does not say where it is. The table keeps its rows by region and has no place for it.
const LOST: (usize, i64) = (3, 1_234);

#[derive(ZerobusRecord)]
#[zerobus(table = "main.default.readings")]
struct Reading<'a> {
    region: &'a str,
    device: &'a str,
    seq: i64,
    at: TimestampMicros,
    value: Option<f64>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bad-day: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Error> {
    let server = LocalZerobus::builder()
        .seed_sql(include_str!("../readings.sql"))
        .start()
        .await?;
    let faults = [
        Fault::Unavailable,
        Fault::Disconnect,
        Fault::DropAck,
        Fault::ExpireToken,
        Fault::CloseSignal(Duration::from_millis(50)),
        Fault::DelayAck(Duration::from_millis(20)),
    ];
    for (seed, fault) in (1..).zip(faults) {
        server.fail(FaultRule::new(fault).probability(0.005, seed));
    }

    let client = Client::builder()
        .endpoint(server.url())
        .oauth("bad-day", "local")
        .build()?;
    let (letters, refused) = mpsc::channel();
    // Two streams under one handle. A record that the service will never take is found, handed out and passed over.
    let mut lanes = client
        .stream::<Reading<'static>>()
        .configure(|options| {
            options.batch_records = 50; // many messages, for many faults
            options.max_inflight_records = 2_000; // and not too much to send again after each
            options.recovery_backoff = Duration::from_millis(10);
            options.recovery_retries = 50;
        })
        .dead_letters(move |letter| drop(letters.send(letter)))
        .lanes(2)
        .open()
        .await?;

    let started = Instant::now();
    let mut devices = JoinSet::new();
    for device in 0..DEVICES {
        // A producer for each task; a device's readings stay in order, because they have one key.
        let mut producer = lanes.producer();
        devices.spawn(async move {
            let name = format!("device-{device}");
            for seq in 0..READINGS {
                let reading = Reading {
                    region: if (device, seq) == LOST { "" } else { "north" },
                    device: &name,
                    seq,
                    at: TimestampMicros::now(),
                    value: (seq % 10 != 0).then_some(20.0),
                };
                producer.ingest_keyed(&name, &reading).await?;
            }
            Ok::<(), zerobus_client::Error>(())
        });
    }
    while let Some(device) = devices.join_next().await {
        device??;
    }
    lanes.close().await?; // everything is durable, or in the dead letters
    let took = started.elapsed();

    tell(&lanes.metrics(), took);
    let refused: Vec<RefusedRecord> = refused.try_iter().collect();
    for letter in &refused {
        println!("refused      {}", letter.error);
    }
    server.clear_faults();
    evening::check(&server, &lanes.metrics(), refused.len()).await
}

/// What the day was like.
fn tell(lanes: &[StreamMetrics], took: Duration) {
    let sum = |of: fn(&StreamMetrics) -> u64| lanes.iter().map(of).sum::<u64>();
    println!("taken        {} records", sum(|lane| lane.queued_records));
    println!("took         {took:.1?}");
    println!("reconnects   {}", sum(|lane| lane.reconnects));
    println!("moves        {}", sum(|lane| lane.rotations));
    println!("sent again   {} records", sum(|lane| lane.resent_records));
    for lane in lanes {
        if let Some(p99) = lane.ack_latency.quantile(0.99) {
            println!(
                "lane {}       99 of 100 messages were acked within {p99:?}",
                lane.stream
            );
        }
    }
}
