//! Small files that are put together, and commits that are.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use zerobus_local::{LocalZerobus, LocalZerobusBuilder};
use zerobus_proto::RecordType;

use crate::Local;
use crate::air_quality::{DDL, TABLE, record};
use crate::client::{Client, single};
use crate::reader;
use crate::sight::state;

async fn start(build: impl FnOnce(LocalZerobusBuilder) -> LocalZerobusBuilder) -> Local {
    let data = TempDir::new().unwrap();
    let builder = LocalZerobus::builder().data(data.path()).seed_sql(DDL);
    let server = build(builder).start().await.unwrap();
    Local { data, server }
}

async fn table(local: &Local) -> Value {
    state(local).await["tables"][0].clone()
}

/// Sends so many records, each in a commit of its own.
async fn send(client: &mut Client, offsets: std::ops::Range<i64>) {
    for offset in offsets {
        let temp = i32::try_from(offset).unwrap();
        client.send(single(offset, &record(temp))).await;
        assert_eq!(client.acked().await, offset);
    }
}

async fn until_files(local: &Local, count: u64) {
    let waited = tokio::time::timeout(Duration::from_secs(30), async {
        while table(local).await["files"] != count {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    assert!(waited.await.is_ok(), "{}", table(local).await);
}

#[tokio::test]
async fn the_files_of_an_idle_table_become_one_and_its_rows_stay() {
    let local = start(|builder| builder.compact_after(Some(Duration::from_millis(50)))).await;
    let mut client = Client::open(&local.server, RecordType::Proto).await;
    send(&mut client, 0..40).await;
    until_files(&local, 1).await;
    let rows: Vec<Value> = local.server.rows(TABLE).await.unwrap();
    let temps: Vec<_> = rows
        .iter()
        .map(|row| row["temp"].as_i64().unwrap())
        .collect();
    assert_eq!(temps, (0..40).collect::<Vec<_>>());
    assert_eq!(local.temps(), (0..40).collect::<Vec<_>>());
    let now = table(&local).await;
    assert_eq!(
        (&now["rows"], &now["rows_committed"]),
        (&json!(40), &json!(40))
    );

    // The stream that was open all the time goes on, and the files are put together again.
    send(&mut client, 40..80).await;
    until_files(&local, 1).await;
    assert_eq!(local.temps(), (0..80).collect::<Vec<_>>());
    let local = local.restart().await;
    assert_eq!(local.temps(), (0..80).collect::<Vec<_>>());
    let rows: Vec<Value> = local.server.rows(TABLE).await.unwrap();
    assert_eq!(rows.len(), 80);
}

#[tokio::test]
async fn files_of_an_earlier_run_are_put_together_too_and_never_where_it_is_not_wanted() {
    let local = start(|builder| builder.compact_after(None)).await;
    let mut client = Client::open(&local.server, RecordType::Proto).await;
    send(&mut client, 0..12).await;
    let Local { data, server } = local;
    server.shutdown().await;
    let folder = data.path().join("main/default/air_quality");
    assert_eq!(reader::files(&folder).len(), 12);
    let server = LocalZerobus::builder()
        .data(data.path())
        .compact_after(Some(Duration::ZERO))
        .start()
        .await
        .unwrap();
    let local = Local { data, server };
    until_files(&local, 1).await;
    assert_eq!(local.temps(), (0..12).collect::<Vec<_>>());
}

#[tokio::test]
async fn files_that_cannot_be_read_are_told_of_and_left_alone() {
    let local = start(|builder| builder.compact_after(None)).await;
    let mut client = Client::open(&local.server, RecordType::Proto).await;
    send(&mut client, 0..12).await;
    let Local { data, server } = local;
    server.shutdown().await;
    let broken = reader::files(&data.path().join("main/default/air_quality")).remove(0);
    std::fs::write(&broken.path, b"PAR1").unwrap();
    let builder = LocalZerobus::builder().data(data.path());
    let server = builder.compact_after(Some(Duration::ZERO)).start().await;
    let server = server.unwrap();
    let local = Local { data, server };
    let problem = async |is_there: bool| {
        let waited = tokio::time::timeout(Duration::from_secs(30), async {
            loop {
                let problem = table(&local).await["problem"].clone();
                if problem.is_null() != is_there {
                    return problem;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        match waited.await {
            Ok(problem) => problem,
            Err(_) => panic!("nothing has changed: {}", table(&local).await),
        }
    };
    let told = problem(true).await;
    let told = told.as_str().unwrap();
    assert!(
        told.starts_with("Small files are not put together: "),
        "{told}"
    );
    let name = broken.path.file_name().unwrap().to_str().unwrap();
    assert!(told.contains(name), "{told}");
    // Others are, and then there is nothing to tell of.
    let mut client = Client::open(&local.server, RecordType::Proto).await;
    send(&mut client, 0..12).await;
    problem(false).await;
}

#[tokio::test]
async fn whoever_has_as_much_waiting_as_may_be_waits_for_no_interval() {
    const MESSAGES: u64 = 20;
    let local = start(|builder| builder.commit_interval(Duration::from_secs(3_600))).await;
    let mut client = Client::open(&local.server, RecordType::Proto).await;
    let mut large = record(0);
    large.raw = Some(vec![7; 2 << 20]);
    // They come while commits are made, and between them.
    let sent = tokio::time::timeout(Duration::from_secs(60), async {
        for offset in 0..i64::try_from(MESSAGES).unwrap() {
            client.send(single(offset, &large)).await;
        }
        while local.server.received(TABLE).unwrap().messages < MESSAGES {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    sent.await
        .expect("the writer waits though the stream is full");
}

#[tokio::test]
async fn a_busy_table_commits_no_more_often_than_it_is_to() {
    const INTERVAL: Duration = Duration::from_millis(400);
    const MESSAGES: i64 = 2_000;
    let local = start(|builder| builder.commit_interval(INTERVAL)).await;
    let mut client = Client::open(&local.server, RecordType::Proto).await;
    let started = Instant::now();
    for offset in 0..MESSAGES {
        client.send(single(offset, &record(0))).await;
    }
    client.half_close();
    let (acked, status) = client.end().await;
    assert!(status.is_none(), "{status:?}");
    assert_eq!(acked, Some(MESSAGES - 1));
    // Messages come faster than commits are made, so that some have to wait.
    assert!(started.elapsed() >= INTERVAL, "{:?}", started.elapsed());

    // Whoever stops the server does not wait for the time to come.
    let local = start(|builder| builder.commit_interval(Duration::from_secs(3_600))).await;
    let mut client = Client::open(&local.server, RecordType::Proto).await;
    for offset in 0..MESSAGES {
        client.send(single(offset, &record(0))).await;
    }
    // All of them are here; the first are durable.
    while table(&local).await["messages"] != MESSAGES {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let Local { data, server } = local;
    let (ended, ()) = tokio::join!(client.end(), server.shutdown());
    assert_eq!(ended.0, Some(MESSAGES - 1), "{:?}", ended.1);
    let rows = reader::temps(&data.path().join("main/default/air_quality")).len();
    assert_eq!(i64::try_from(rows).unwrap(), MESSAGES);
}
