//! A server that runs for long. Here for seconds; `ZEROBUS_SOAK_SECONDS` makes it hours.

use std::fs;
use std::time::{Duration, Instant};

use crate::process::{Server, names};
use crate::random::Seed;
use crate::source::Source;
use crate::table;

const SECONDS_VARIABLE: &str = "ZEROBUS_SOAK_SECONDS";
const SECONDS: u64 = 6;

/// What allocators keep for later is no leak.
const SLACK_KIB: u64 = 64 << 10;

/// What the process has in memory, in KiB; `None` where the system does not tell.
fn memory(server: &Server) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", server.id())).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_does_not_grow_with_time() {
    let seed = Seed::of_test();
    let seconds = std::env::var(SECONDS_VARIABLE).ok();
    let seconds = seconds.map_or(SECONDS, |seconds| seconds.parse().unwrap());
    let tables = names(4);
    // Many versions: a commit for whatever is there.
    let arguments = [
        "--no-fsync",
        "--commit-interval",
        "0",
        "--compact-after",
        "never",
    ];
    let mut server = Server::with_arguments(&tables, &arguments);
    server.start();
    let client = server.client();
    let mut sources = Vec::new();
    for (id, table) in (1..).zip(tables.iter().cycle().take(8)) {
        let random = seed.random(u64::try_from(id).unwrap());
        sources.push((
            table,
            Source::start(&client, table, id, random, |_| {}).await,
        ));
    }
    let warm = Duration::from_secs(seconds) / 3;
    tokio::time::sleep(warm).await;
    let Some(before) = memory(&server) else {
        println!("NOT RUN: the system does not tell how much memory a process has");
        return;
    };
    let (started, mut most) = (Instant::now(), before);
    while started.elapsed() < 2 * warm {
        tokio::time::sleep(Duration::from_millis(50)).await;
        most = most.max(memory(&server).unwrap());
    }
    let mut sent = Vec::new();
    for (table, source) in sources {
        sent.push((table, source.id(), source.finish().await));
    }
    let versions: usize = tables
        .iter()
        .map(|table| {
            fs::read_dir(server.table_dir(table).join("_delta_log"))
                .unwrap()
                .count()
        })
        .sum();
    println!("{versions} versions; {before} KiB after {warm:?}, at most {most} KiB later");
    assert!(
        most < before + before / 2 + SLACK_KIB,
        "{before} KiB became {most}"
    );
    server.terminate();
    for (table, id, records) in sent {
        assert!(records > 0);
        assert_eq!(table::read(&server.table_dir(table))[&id].records, records);
    }
}
