//! Disks that are full while records arrive.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use zerobus_client::{Client, Error, GrpcCode, Stream, StreamOptions, StreamState};

use crate::caller::{SOURCE, TABLE};
use crate::event::Event;
use crate::process::{Server, folder_of};
use crate::random::{Random, Seed};
use crate::source;
use crate::table;

async fn open(client: &Client, change: fn(&mut StreamOptions)) -> Stream<Event> {
    let stream = client.stream::<Event>().configure(source::options);
    stream.configure(change).open().await.unwrap()
}

async fn send(stream: &mut Stream<Event>, records: std::ops::Range<i64>) {
    for seq in records {
        stream
            .ingest_record(&Event::new(SOURCE, seq))
            .await
            .unwrap();
    }
}

/// Leaves no byte free.
fn fill(file: &Path) {
    let mut file = File::create(file).unwrap();
    for size in [1 << 16, 1 << 12, 1] {
        while match file.write_all(&vec![7; size]) {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::StorageFull => false,
            Err(error) => panic!("{error}"),
        } {}
    }
}

/// The refusal of a disk: clients may try again, and people know what to do.
fn check_refused(error: &Error, cause: &str, remedy: &str) {
    let Error::Status { error: status } = error else {
        panic!("{error:?}")
    };
    assert_eq!(status.code(), GrpcCode::Unavailable, "{error}");
    assert!(error.is_retryable());
    let text = error.to_string();
    let start = format!("Table {TABLE} could not be written: the disk has no room for ");
    for part in [
        start.as_str(),
        cause,
        remedy,
        "Nothing after the last ack was kept.",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_told_of_and_waited_out() {
    let _seed = Seed::of_test();
    let Some(mut server) = Server::with_small_disk(&[TABLE.to_owned()], 4 << 10) else {
        println!(
            "NOT RUN: no file system of a small size can be made here (`unshare -rm`, `mount -t tmpfs`)"
        );
        return;
    };
    server.start();
    let table = folder_of(&server.inside(), TABLE);
    let client = server.client();
    let mut first = open(&client, |options| options.recovery = false).await;
    send(&mut first, 0..100).await;
    first.flush().await.unwrap();

    let ballast = server.inside().join("ballast");
    fill(&ballast);
    send(&mut first, 100..200).await;
    let error = first.flush().await.unwrap_err();
    check_refused(
        &error,
        "(No space left on device",
        "free space on the disk and send the records again",
    );
    assert_eq!(first.get_unacked_records().len(), 100);
    assert_eq!(table::read(&table)[&SOURCE].records, 100);

    // Whoever recovers waits for room.
    let mut second = open(&client, |_| {}).await;
    send(&mut second, 100..300).await;
    while second.state() != StreamState::Recovering {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    fs::remove_file(&ballast).unwrap();
    second.close().await.unwrap();
    assert_eq!(table::read(&table)[&SOURCE].records, 300);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_may_not_become_as_large_costs_nothing_but_its_own_records() {
    let _seed = Seed::of_test();
    let mut server = Server::with_small_files(&[TABLE.to_owned()]);
    server.start();
    let client = server.client();
    let mut first = open(&client, |options| options.recovery = false).await;
    let mut second = open(&client, |_| {}).await;
    first.ingest_record(&Event::new(SOURCE, 0)).await.unwrap();
    first.flush().await.unwrap();

    let mut random = Random::new(1);
    let large = Event {
        payload: (0..200_000)
            .map(|_| random.next().to_le_bytes()[3])
            .collect(),
        ..Event::new(SOURCE, 1)
    };
    first.ingest_record(&large).await.unwrap();
    let error = first.flush().await.unwrap_err();
    check_refused(
        &error,
        "(File too large",
        "raise the limit on the size of files and send the records again",
    );
    assert_eq!(first.get_unacked_records().len(), 1);

    // A stream that was open all the time goes on, also over the hundred versions after which the log is checkpointed.
    for seq in 1..130 {
        let offset = second
            .ingest_record(&Event::new(SOURCE, seq))
            .await
            .unwrap();
        second.wait_for_offset(offset).await.unwrap();
    }
    second.close().await.unwrap();
    server.kill();
    server.start();
    assert_eq!(table::read(&server.table_dir(TABLE))[&SOURCE].records, 130);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_cannot_be_written_is_told_of_and_waited_for() {
    let _seed = Seed::of_test();
    let Some(mut server) = Server::with_own_mounts(&[TABLE.to_owned()]) else {
        println!("NOT RUN: no folder can be made read-only here (`unshare -rm`)");
        return;
    };
    let (status, said) = server.refused_by_read_only_folder();
    assert_eq!(status, Some(3), "{said}");
    for part in [
        "cannot be used: Read-only file system",
        "choose one that can be written",
    ] {
        assert!(said.contains(part), "{said}");
    }

    server.start();
    let client = server.client();
    let mut first = open(&client, |options| options.recovery = false).await;
    send(&mut first, 0..100).await;
    first.flush().await.unwrap();
    let table = server.table_dir(TABLE);
    let path = table.display();
    server.mount(&format!(
        "mount --bind '{path}' '{path}'; mount -o remount,bind,ro '{path}'"
    ));
    send(&mut first, 100..200).await;
    let error = first.flush().await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    let text = error.to_string();
    for part in [
        "(Read-only file system",
        "give the server's user access to the data folder",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(first.get_unacked_records().len(), 100);
    assert_eq!(table::read(&table)[&SOURCE].records, 100);

    // Whoever recovers waits for the folder.
    let mut second = open(&client, |_| {}).await;
    send(&mut second, 100..300).await;
    while second.state() != StreamState::Recovering {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    server.mount(&format!("umount -l '{path}'"));
    second.close().await.unwrap();
    assert_eq!(table::read(&table)[&SOURCE].records, 300);
}
