//! A day of a server and its clients in little time: streams that move to new connections, tokens that expire, connections
//! that are cut, commits and checkpoints. It fails when the memory of either side grows, or something acked is missing.
//!
//! `cargo run --release -p zerobus-local --example soak -- [SECONDS]`. The server is a process of its own. A stream lives
//! for half a second in place of a quarter of an hour, a token for a second in place of an hour, and every 50 records wait
//! for their ack, so that nearly each message is a commit.

use std::error::Error;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::task::JoinSet;
use zerobus_client::{Client, StructSchema as _, TimestampMicros, ZerobusRecord};
use zerobus_local::{Fault, FaultRule, LocalZerobus};

type Failure = Box<dyn Error + Send + Sync>;

const SECONDS: u64 = 20;
const TABLES: usize = 4;
const STREAM_LIFETIME: Duration = Duration::from_millis(500);
const TOKEN_LIFETIME: Duration = Duration::from_secs(1);
/// Of a message, to have its connection cut.
const CUT: f64 = 0.001;
/// Records that wait for their ack together.
const BATCH: i64 = 50;
/// After so many batches a stream is closed and another one opened.
const BATCHES: usize = 400;
/// By so much memory may grow between the middle of the run and its end: what allocators keep, not what a leak makes.
const GROWTH: u64 = 8 << 20;

#[derive(ZerobusRecord)]
struct Event<'a> {
    id: i64,
    source: &'a str,
    at: TimestampMicros,
    value: Option<f64>,
    note: Option<&'a str>,
}

fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Runtime::new()?;
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve", folder] => runtime.block_on(serve(Path::new(folder))),
        [] => runtime.block_on(soak(Duration::from_secs(SECONDS))),
        [seconds] => runtime.block_on(soak(Duration::from_secs(seconds.parse()?))),
        _ => Err("usage: soak [SECONDS]".into()),
    }
}

fn table(at: usize) -> String {
    format!("main.soak.events_{at}")
}

/// The server's process: it ends when its input does.
async fn serve(folder: &Path) -> Result<(), Failure> {
    let mut ddl = String::new();
    for at in 0..TABLES {
        ddl += &Event::to_create_table(&table(at))?;
    }
    let server = LocalZerobus::builder()
        .data(folder)
        .seed_sql(ddl)
        .stream_lifetime(STREAM_LIFETIME)
        .token_lifetime(TOKEN_LIFETIME)
        .fault(FaultRule::new(Fault::Disconnect).probability(CUT, 1))
        .start()
        .await?;
    println!("{}", server.url());
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    server.shutdown().await;
    Ok(())
}

async fn soak(time: Duration) -> Result<(), Failure> {
    let folder = TempDir::new()?;
    let (mut server, url) = start(folder.path())?;
    let client = Client::builder()
        .endpoint(url)
        .oauth("soak", "local")
        .build()?;
    let start = Instant::now();
    let mut producers = JoinSet::new();
    for at in 0..TABLES {
        producers.spawn(produce(client.clone(), table(at), start + time));
    }
    let mut memory = Vec::new();
    while start.elapsed() < time {
        tokio::time::sleep(time / 100).await;
        memory.push((memory_of("self")?, memory_of(&server.id().to_string())?));
    }
    let mut done = Done::default();
    while let Some(producer) = producers.join_next().await {
        done.add(producer??);
    }
    drop(server.stdin.take());
    if !server.wait()?.success() {
        return Err("the server failed".into());
    }

    let stored = Stored::read(folder.path())?;
    println!(
        "{:.0} s: {} records acked, {} streams opened, {} connections made anew, {} commits, {} checkpoints\n\
         in a day, {TABLES} streams that move every 15 minutes do so {} times, and commit {} times when they do so once a second",
        start.elapsed().as_secs_f64(),
        done.acked,
        done.streams,
        done.reconnects,
        stored.commits,
        stored.checkpoints,
        TABLES * 96,
        TABLES * 86_400,
    );
    if stored.rows < done.acked {
        return Err(format!("{} rows are in the tables", stored.rows).into());
    }
    let (client, server): (Vec<_>, Vec<_>) = memory.into_iter().unzip();
    let grown = [is_flat("client", &client), is_flat("server", &server)];
    if grown.contains(&false) {
        return Err("memory grows".into());
    }
    Ok(())
}

fn start(folder: &Path) -> Result<(Child, String), Failure> {
    let mut server = Command::new(std::env::current_exe()?)
        .arg("serve")
        .arg(folder)
        // glibc gives each thread an arena, and what a checkpoint took for a moment stays in all of them.
        .env("MALLOC_ARENA_MAX", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let output = server.stdout.take().ok_or("the server has no output")?;
    let mut url = String::new();
    BufReader::new(output).read_line(&mut url)?;
    Ok((server, url.trim_end().to_owned()))
}

/// What producers have done.
#[derive(Debug, Default)]
struct Done {
    acked: u64,
    streams: u64,
    reconnects: u64,
}

impl Done {
    fn add(&mut self, other: Self) {
        self.acked += other.acked;
        self.streams += other.streams;
        self.reconnects += other.reconnects;
    }
}

/// Fills streams one after the other, until it is time.
async fn produce(client: Client, table: String, until: Instant) -> Result<Done, Failure> {
    let mut done = Done::default();
    while Instant::now() < until {
        let mut stream = client.stream::<Event<'_>>().table(&table).open().await?;
        done.streams += 1;
        for _ in 0..BATCHES {
            if Instant::now() >= until {
                break;
            }
            let mut last = 0;
            for id in 0..BATCH {
                let event = Event {
                    id,
                    source: &table,
                    at: TimestampMicros::now(),
                    value: (id % 3 > 0).then_some(0.5),
                    note: (id % 2 > 0).then_some("a note of some length, as events have it"),
                };
                last = stream.ingest_record(&event).await?;
            }
            stream.wait_for_offset(last).await?;
            done.acked += BATCH.cast_unsigned();
        }
        stream.close().await?;
        done.reconnects += stream.reconnects();
    }
    Ok(done)
}

/// What the tables' logs say.
#[derive(Debug, Default)]
struct Stored {
    rows: u64,
    commits: u64,
    checkpoints: u64,
}

impl Stored {
    fn read(data: &Path) -> Result<Self, Failure> {
        let mut stored = Self::default();
        for at in 0..TABLES {
            let folder: std::path::PathBuf = table(at).split('.').collect();
            for entry in fs::read_dir(data.join(folder).join("_delta_log"))? {
                let path = entry?.path();
                let name = path.display().to_string();
                if name.ends_with(".checkpoint.parquet") {
                    stored.checkpoints += 1;
                } else if name.ends_with(".json") {
                    stored.commits += 1;
                    stored.rows += rows(&fs::read_to_string(path)?)?;
                }
            }
        }
        Ok(stored)
    }
}

/// Rows that one commit brought. What it only put together from older files is not counted.
fn rows(commit: &str) -> Result<u64, Failure> {
    let mut rows = 0;
    for line in commit.lines() {
        let action: serde_json::Value = serde_json::from_str(line)?;
        if action["add"]["dataChange"] == true
            && let Some(stats) = action["add"]["stats"].as_str()
        {
            let stats: serde_json::Value = serde_json::from_str(stats)?;
            rows += stats["numRecords"]
                .as_u64()
                .ok_or("a file without numRecords")?;
        }
    }
    Ok(rows)
}

/// Bytes that a process has in memory.
fn memory_of(process: &str) -> Result<u64, Failure> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    Ok(kib.ok_or("no VmRSS")?.parse::<u64>()? * 1024)
}

/// Compares the middle of the run with its end.
fn is_flat(who: &str, memory: &[u64]) -> bool {
    let fifth = memory.len() / 5;
    let most = |from: usize| {
        memory
            .iter()
            .skip(from)
            .take(fifth)
            .max()
            .copied()
            .unwrap_or(0)
    };
    let (middle, end) = (most(2 * fifth), most(4 * fifth));
    let flat = end <= middle + GROWTH;
    println!(
        "{who}: {} MiB in the middle, {} MiB at the end{}",
        middle >> 20,
        end >> 20,
        if flat { "" } else { ": it grows" }
    );
    flat
}
