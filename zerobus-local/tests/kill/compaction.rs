//! Servers that are killed while they put small files together.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use read_delta::DeltaLog;

use crate::caller::{SOURCE, TABLE};
use crate::event::Event;
use crate::process::Server;
use crate::random::Seed;
use crate::source;

const ROUNDS: u32 = 15;

/// Every row once and as it was sent, whatever file it lies in by now.
fn check(table: &Path, records: i64) {
    let log = DeltaLog::read(table).unwrap();
    let mut rows = Vec::new();
    for batch in read_delta::rows(table).unwrap() {
        rows.extend(Event::rows(
            &batch.unwrap_or_else(|error| panic!("{error}")),
        ));
    }
    rows.sort_unstable_by_key(|row| row.seq);
    assert_eq!(log.num_records(), Some(rows.len().try_into().unwrap()));
    assert_eq!(rows.len(), usize::try_from(records).unwrap());
    for (seq, row) in (0..).zip(rows) {
        assert_eq!(row, Event::new(SOURCE, seq));
    }
}

/// How often files were put together, by the log.
fn compactions(table: &Path) -> usize {
    let entries = fs::read_dir(table.join("_delta_log")).unwrap();
    let texts = entries.map(|entry| entry.unwrap().path());
    let texts = texts.filter(|path| path.extension().is_some_and(|e| e == "json"));
    let made = texts.filter(|path| fs::read_to_string(path).unwrap().contains("\"OPTIMIZE\""));
    made.count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_while_files_are_put_together_loses_no_row_and_doubles_none() {
    let seed = Seed::of_test();
    let mut random = seed.random(0);
    let mut server = Server::with_arguments(&[TABLE.to_owned()], &["--compact-after", "0"]);
    let table = server.table_dir(TABLE);
    let mut records = 0;
    for _ in 0..ROUNDS {
        server.start();
        let stream = server.client().stream::<Event>().configure(source::options);
        let mut stream = stream.open().await.unwrap();
        for _ in 0..10 + random.below(10) {
            let offset = stream
                .ingest_record(&Event::new(SOURCE, records))
                .await
                .unwrap();
            stream.wait_for_offset(offset).await.unwrap();
            records += 1;
        }
        tokio::time::sleep(random.pause(Duration::from_millis(30))).await;
        server.kill();
        check(&table, records);
    }
    server.start();
    let started = Instant::now();
    while DeltaLog::read(&table).unwrap().files.len() >= 10 {
        assert!(
            started.elapsed() < Duration::from_secs(30),
            "its files stay as they are"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    server.terminate();
    check(&table, records);
    assert!(compactions(&table) > 0);
    let names = fs::read_dir(&table)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = names
        .filter(|name| name.to_string_lossy().starts_with(".tmp-"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
