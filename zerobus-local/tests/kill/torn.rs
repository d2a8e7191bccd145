//! Logs that end, or are broken, in the middle of an entry.

use std::fs;
use std::path::{Path, PathBuf};

use crate::caller::{SOURCE, TABLE};
use crate::event::Event;
use crate::process::Server;
use crate::source;
use crate::table;

fn entry(table: &Path, version: usize) -> PathBuf {
    table.join(format!("_delta_log/{version:020}.json"))
}

/// Sends so many records, each in a commit of its own.
async fn send(server: &Server, records: std::ops::Range<i64>) {
    let stream = server.client().stream::<Event>().configure(source::options);
    let mut stream = stream.open().await.unwrap();
    for seq in records {
        let offset = stream
            .ingest_record(&Event::new(SOURCE, seq))
            .await
            .unwrap();
        stream.wait_for_offset(offset).await.unwrap();
    }
    stream.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_last_entry_that_is_not_whole_is_put_aside_and_any_other_is_named() {
    let mut server = Server::new(&[TABLE.to_owned()]);
    server.start();
    send(&server, 0..5).await;
    server.kill();
    let table = server.table_dir(TABLE);
    let whole = fs::read(entry(&table, 5)).unwrap();
    fs::write(entry(&table, 6), &whole[..whole.len() / 2]).unwrap();
    server.start();
    let said = server.has_said();
    assert!(
        said.contains("warning: the last log entry of table") && said.contains(".torn-"),
        "{said}"
    );
    send(&server, 5..10).await;
    server.kill();
    assert_eq!(table::read(&table)[&SOURCE].records, 10);

    // What was acked is in it: nobody may go on without it.
    let acked = fs::read(entry(&table, 3)).unwrap();
    fs::write(entry(&table, 3), &acked[..acked.len() / 2]).unwrap();
    let (status, said) = server.refused();
    assert_eq!(status, Some(3), "{said}");
    let name = entry(Path::new("events"), 3);
    assert!(
        said.contains(TABLE) && said.contains(name.to_str().unwrap()),
        "{said}"
    );
    fs::write(entry(&table, 3), acked).unwrap();
    server.start();
    server.terminate();
    assert_eq!(table::read(&table)[&SOURCE].records, 10);
}
