//! The whole way on one machine: a table, its schema, a stream of typed records, and the rows on disk.
//!
//! Nothing here is special to the local server. To stream into a workspace, leave out `LocalZerobus` and hand
//! `Client::builder()` the workspace's endpoint, URL and credentials, or use `Client::from_env()`.

mod options;
mod record;

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use zerobus_client::{Client, Fingerprint, TableName, TimestampMicros, Workspace, ZerobusRecord};
use zerobus_local::LocalZerobus;

use record::{AirQuality, Sensors};

type Error = Box<dyn std::error::Error>;

/// Any id and secret do on the local server.
const CLIENT_ID: &str = "quickstart";
const CLIENT_SECRET: &str = "local";

#[tokio::main]
async fn main() -> ExitCode {
    let options = match options::parse() {
        Ok(Some(options)) => options,
        Ok(None) => return ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("quickstart: {error}");
            return ExitCode::from(2);
        }
    };
    match run(options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("quickstart: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: options::Options) -> Result<(), Error> {
    let server = LocalZerobus::builder()
        .data(&options.data)
        .seed_sql(include_str!("../air_quality.sql"))
        .start()
        .await?;
    println!("server       {}", server.url());
    println!("data         {}", server.data().display());

    let name = TableName::parse(AirQuality::TABLE)?;
    let table = server.table_dir(&name);
    let before = count(&table)?;
    check_schema(&server.url(), &name).await?;

    let started = Instant::now();
    let acked = stream(&server.url(), options.records).await?;
    let seconds = started.elapsed().as_secs_f64();
    server.shutdown().await;

    let (on_disk, first) = read_back(&table)?;
    println!("{first}");
    println!("acked        {acked} records");
    println!(
        "on disk      {} rows, {} of them new",
        on_disk,
        on_disk - before
    );
    println!(
        "rate         {:.0} records/s from the first record to the last ack",
        acked as f64 / seconds
    );
    println!("table        {}", table.display());
    if on_disk - before != acked {
        return Err(format!(
            "{acked} records were acked, but {} rows are new",
            on_disk - before
        )
        .into());
    }
    Ok(())
}

/// Fetches the table's schema as any program would, and compares it with the one this program was compiled against.
async fn check_schema(url: &str, name: &TableName) -> Result<(), Error> {
    let workspace = Workspace::builder()
        .workspace_url(url)
        .oauth(CLIENT_ID, CLIENT_SECRET)
        .build()?;
    let live = Fingerprint::of(&workspace.table(name).await?);
    println!("compiled for {}", AirQuality::FINGERPRINT);
    println!("table has    {live}");
    if live != AirQuality::FINGERPRINT {
        return Err(format!(
            "{name} is not the table this program was compiled for; update the snapshot with `zerobus pull {name}`"
        )
        .into());
    }
    Ok(())
}

/// Streams `records` measurements and returns how many were acked.
async fn stream(url: &str, records: u64) -> Result<u64, Error> {
    let client = Client::builder()
        .endpoint(url)
        .workspace_url(url)
        .oauth(CLIENT_ID, CLIENT_SECRET)
        .build()?;
    let mut stream = client.stream::<AirQuality<'_>>().open().await?;
    let progress = progress_bar(records);
    let mut sensors = Sensors::new(TimestampMicros::now());
    let mut last = None;
    for sent in 0..records {
        let record = sensors.measure(TimestampMicros::now());
        last = Some(stream.ingest_record(&record).await?);
        if sent % 1024 == 0 {
            progress.set_position(sent);
        }
    }
    stream.flush().await?;
    stream.close().await?;
    progress.finish_and_clear();
    // Offsets count from 0, and after `flush` every one of them is durable.
    Ok(last.map_or(Ok(0), |offset| {
        u64::try_from(offset).map(|offset| offset + 1)
    })?)
}

/// A bar that shows itself on a terminal alone.
fn progress_bar(records: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {human_pos}/{human_len} {per_sec} {eta}");
    let bar = ProgressBar::new(records);
    bar.enable_steady_tick(Duration::from_millis(200));
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn count(table: &Path) -> Result<u64, Error> {
    let mut rows = 0;
    for batch in read_delta::rows(table)? {
        rows += batch?.num_rows() as u64;
    }
    Ok(rows)
}

/// Every row counted, and the first ten as a table.
fn read_back(table: &Path) -> Result<(u64, String), Error> {
    const SHOWN: usize = 10;
    let mut rows = 0;
    let mut first = Vec::new();
    for batch in read_delta::rows(table)? {
        let batch = batch?;
        rows += batch.num_rows() as u64;
        if first.len() < SHOWN {
            first.push(batch);
        }
    }
    Ok((rows, read_delta::render(&first, SHOWN)?))
}
