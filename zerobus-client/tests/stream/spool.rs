//! What is not acked survives the process.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tonic::Status;
use zerobus_client::{
    ColumnInfo, Error, Fingerprint, RecordError, Spool, SpoolContents, SpoolErrorKind, SpoolSync,
    Stream, StreamState, ZerobusRecord,
};
use zerobus_tests::child;

use crate::delivery::client;
use crate::record::{Line, numbered, texts_of};
use crate::recovery::eager;
use crate::server::{Call, Server, run_child};

pub(crate) async fn open(
    server: &mut Server,
    folder: &Path,
    batch: usize,
) -> (Stream<Line<'static>>, Call) {
    let builder = client(server)
        .stream::<Line<'static>>()
        .configure(|options| {
            eager(options);
            options.batch_records = batch;
        })
        .spool(Spool::at(folder).sync(SpoolSync::Always));
    let (stream, call) = tokio::join!(builder.open(), server.opened());
    (stream.unwrap(), call)
}

pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = paths.filter(|path| path.extension().is_some()).collect();
    files.sort();
    files
}

pub(crate) fn problem(error: Error) -> String {
    assert!(matches!(error, Error::Spool { .. }), "{error:?}");
    error.to_string()
}

pub(crate) fn kind(error: &Error) -> SpoolErrorKind {
    match error {
        Error::Spool { kind, .. } => *kind,
        other => panic!("{other:?}"),
    }
}

/// The records of the same table when it had another column.
struct WiderLine;

impl ZerobusRecord for WiderLine {
    const TABLE: &'static str = Line::TABLE;
    const FINGERPRINT: Fingerprint = Fingerprint::from_bytes([8; 32]);
    const COLUMNS: &'static [ColumnInfo] = Line::COLUMNS;
    const DESCRIPTOR: &'static [u8] = b"\x0a\x05wider";

    fn encode(&self, _: &mut Vec<u8>) -> Result<(), RecordError> {
        Ok(())
    }

    fn validate(&self) -> Result<(), RecordError> {
        Ok(())
    }
}

/// Leaves the records 3 to 9 of ten, the fourth being the second of its message.
async fn left_behind(server: &mut Server, folder: &Path) {
    let (mut stream, mut call) = open(server, folder, 3).await;
    for text in numbered(0..10) {
        stream.ingest_record(&Line(&text)).await.unwrap();
    }
    let (flushed, ()) = tokio::join!(stream.flush(), async {
        call.records(0, 10).await;
        call.ack(0);
        call.fail(Status::not_found("gone"));
    });
    flushed.unwrap_err();
    assert_eq!(texts_of(stream.get_unacked_records()), numbered(3..10));
}

#[tokio::test]
async fn the_next_stream_sends_first_what_the_last_one_left() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("new");
    let mut server = Server::start().await;
    left_behind(&mut server, &folder).await;

    let contents = SpoolContents::read(&folder).unwrap();
    assert_eq!(contents.len(), 1);
    assert_eq!(contents[0].table.to_string(), "main.default.lines");
    assert_eq!((contents[0].records, contents[0].torn_bytes), (7, 0));
    assert!(!contents[0].in_use);

    let (mut stream, mut call) = open(&mut server, &folder, 3).await;
    assert!(SpoolContents::read(&folder).unwrap()[0].in_use);
    assert_eq!(stream.next_offset(), 7);
    assert_eq!(stream.ingest_record(&Line("10")).await.unwrap(), 7);
    let (closed, ()) = tokio::join!(stream.close(), async {
        let (records, last) = call.records(0, 8).await;
        assert_eq!(records, numbered(3..11));
        call.ack(last);
        assert!(call.try_batch().await.is_none());
        call.end();
    });
    closed.unwrap();
    // They may be stored twice, and that is counted.
    assert_eq!(stream.resent_records(), 7);
    drop(stream);
    assert!(files(&folder).is_empty());
    assert_eq!(SpoolContents::read(&folder).unwrap(), []);
}

#[tokio::test]
async fn what_is_left_is_replayed_without_its_type() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start().await;
    left_behind(&mut server, folder.path()).await;

    // Neither another table's stream nor one of other records takes it over.
    let client = client(&server);
    let other_table = client.stream::<Line<'_>>().table("main.default.other");
    let other_type = client.json_stream("main.default.lines");
    let other_schema = client.stream::<WiderLine>();
    let errors = [
        other_table
            .spool(Spool::at(folder.path()))
            .open()
            .await
            .unwrap_err(),
        other_type
            .spool(Spool::at(folder.path()))
            .open()
            .await
            .unwrap_err(),
        other_schema
            .spool(Spool::at(folder.path()))
            .open()
            .await
            .unwrap_err(),
    ];
    let expected = [
        (SpoolErrorKind::OtherTable, "another table"),
        (SpoolErrorKind::OtherRecords, "another type of records"),
        (SpoolErrorKind::OtherRecords, "another type of records"),
    ];
    for (error, (is, part)) in errors.into_iter().zip(expected) {
        assert_eq!(kind(&error), is);
        let text = problem(error);
        assert!(
            text.contains(part) && text.contains("zerobus replay"),
            "{text}"
        );
    }

    let replay = client.replay(folder.path()).unwrap();
    let (stream, mut call) = tokio::join!(replay.open(), async {
        let mut call = server.call().await;
        let create = call.create_stream().await;
        assert_eq!(
            create.descriptor_proto.as_deref(),
            Some(&b"\x0a\x05lines"[..])
        );
        call.created("replay");
        call
    });
    let mut stream = stream.unwrap();
    let (closed, ()) = tokio::join!(stream.close(), async {
        let (records, last) = call.records(0, 7).await;
        assert_eq!(records, numbered(3..10));
        call.ack(last);
        assert!(call.try_batch().await.is_none());
        call.end();
    });
    closed.unwrap();
    let error = client.replay(folder.path()).unwrap_err();
    assert_eq!(kind(&error), SpoolErrorKind::Empty);
}

#[tokio::test]
async fn a_folder_is_one_streams_at_a_time_and_nobody_elses() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("a/b");
    let mut server = Server::start().await;
    let (mut stream, _call) = open(&mut server, &folder, 1).await;
    stream.ingest_record(&Line("a")).await.unwrap();
    let second = client(&server)
        .stream::<Line<'_>>()
        .spool(Spool::at(&folder));
    let error = second.open().await.unwrap_err();
    assert_eq!(kind(&error), SpoolErrorKind::InUse);
    assert!(error.is_retryable());
    #[cfg(unix)]
    for path in files(&folder).iter().chain([&folder]) {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}", path.display());
    }
}

#[tokio::test]
async fn a_stream_that_is_made_anew_goes_on_with_its_spool() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start().await;
    let (mut stream, mut call) = open(&mut server, folder.path(), 2).await;
    for text in numbered(0..4) {
        stream.ingest_record(&Line(&text)).await.unwrap();
    }
    let (flushed, ()) = tokio::join!(stream.flush(), async {
        call.records(0, 4).await;
        call.ack(0);
        call.fail(Status::not_found("gone"));
    });
    flushed.unwrap_err();
    let (made, mut call) = tokio::join!(stream.recreate(), server.opened());
    made.unwrap();
    stream.ingest_record(&Line("4")).await.unwrap();
    stream.ingest_record(&Line("5")).await.unwrap();
    call.records(0, 4).await;
    call.ack(0);
    stream.wait_for_offset(1).await.unwrap();
    drop(stream);
    // Two were acked on each of them, and nothing was written twice.
    let contents = SpoolContents::read(folder.path()).unwrap();
    assert_eq!(contents[0].records, 2);
}

#[tokio::test]
async fn a_folder_is_free_as_soon_as_its_stream_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start().await;
    let (mut stream, mut call) = open(&mut server, folder.path(), 1).await;
    stream.ingest_record(&Line("0")).await.unwrap();
    call.records(0, 1).await;
    // Its background task has had no time to end.
    drop(stream);
    let (stream, mut call) = open(&mut server, folder.path(), 1).await;
    assert_eq!(stream.next_offset(), 1);
    assert_eq!(call.records(0, 1).await.0, ["0"]);
}

#[tokio::test]
async fn a_half_written_end_is_cut_off_and_any_other_damage_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start().await;
    left_behind(&mut server, folder.path()).await;
    let file = files(folder.path()).remove(0);
    let whole = fs::read(&file).unwrap();

    // In the middle, a record's text and a length, and in the very last message: no crash leaves it so.
    let at_text = |text: &[u8]| whole.windows(text.len()).position(|part| part == text);
    let name = file.file_name().unwrap().to_str().unwrap();
    let header = 8 + 25 + u32::from_le_bytes(whole[8..12].try_into().unwrap()) as usize;
    for at in [
        at_text(b"text:4"),
        Some(header),
        Some(header + 1),
        at_text(b"text:9"),
    ] {
        let mut damaged = whole.clone();
        damaged[at.unwrap()] ^= 1;
        fs::write(&file, &damaged).unwrap();
        let builder = client(&server)
            .stream::<Line<'_>>()
            .spool(Spool::at(folder.path()));
        let error = builder.open().await.unwrap_err();
        assert_eq!(kind(&error), SpoolErrorKind::Damaged);
        let text = problem(error);
        assert!(text.contains(name) && text.contains("at byte "), "{text}");
        assert_eq!(fs::read(&file).unwrap(), damaged, "it is not touched");
        problem(SpoolContents::read(folder.path()).unwrap_err());
    }

    // At the end: half of the next message.
    let half = &whole[header..][..19];
    fs::write(&file, [&whole[..], half].concat()).unwrap();
    let contents = SpoolContents::read(folder.path()).unwrap();
    assert_eq!((contents[0].records, contents[0].torn_bytes), (7, 19));
    let (_stream, mut call) = open(&mut server, folder.path(), 3).await;
    assert_eq!(call.records(0, 7).await.0, numbered(3..10));
}

#[tokio::test]
async fn lanes_have_a_folder_each_and_none_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start().await;
    let builder = |server: &Server| {
        let builder = client(server).stream::<Line<'static>>();
        builder
            .configure(|options| options.batch_records = 1)
            .spool(Spool::at(folder.path()))
    };
    let (lanes, _calls) = tokio::join!(builder(&server).lanes(2).open(), async {
        (server.opened().await, server.opened().await)
    });
    let mut lanes = lanes.unwrap();
    for text in ["a", "b", "c"] {
        lanes.ingest_record(&Line(text)).await.unwrap();
    }
    drop(lanes);
    let left: Vec<_> = SpoolContents::read(folder.path()).unwrap();
    let names: Vec<_> = left
        .iter()
        .map(|one| one.folder.file_name().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["lane-0", "lane-1"]);
    assert_eq!(left.iter().map(|one| one.records).sum::<u64>(), 3);
    let error = builder(&server).lanes(1).open().await.unwrap_err();
    assert_eq!(kind(&error), SpoolErrorKind::OtherLanes);
    let text = problem(error);
    assert!(
        text.contains("lane-1") && text.contains("zerobus replay"),
        "{text}"
    );
    // Nor does one stream alone pass over them.
    let error = builder(&server).open().await.unwrap_err();
    assert_eq!(kind(&error), SpoolErrorKind::OtherLanes);
}

/// A test in a process of its own, which streams to this server.
fn spooling(test: &str, server: &Server, folder: &Path) -> Command {
    let mut command = child::command(test).unwrap();
    command
        .env("ZEROBUS_TEST_URL", server.url())
        .env("ZEROBUS_TEST_FOLDER", folder);
    command
}

fn in_a_child() -> (zerobus_client::Client, Spool) {
    let client = zerobus_client::Client::builder()
        .endpoint(std::env::var("ZEROBUS_TEST_URL").unwrap())
        .ingest_token("t")
        .build()
        .unwrap();
    (
        client,
        Spool::at(std::env::var("ZEROBUS_TEST_FOLDER").unwrap()),
    )
}

#[cfg(unix)]
#[tokio::test]
async fn a_process_that_is_killed_loses_nothing_that_it_sent() {
    if child::is_child() {
        return stream_until_killed().await;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start().await;
    let mut first = 0;
    for round in 0..3 {
        let name = "spool::a_process_that_is_killed_loses_nothing_that_it_sent";
        let mut process = spooling(name, &server, folder.path());
        let mut process = process.stdout(Stdio::null()).spawn().unwrap();
        let mut call = server.opened().await;
        let ours = client(&server).stream::<Line<'_>>();
        let error = ours.spool(Spool::at(folder.path())).open().await;
        assert_eq!(kind(&error.unwrap_err()), SpoolErrorKind::InUse);
        // Some messages are acked, some are not, and then it is over.
        let (mut records, mut messages) = (Vec::new(), 0);
        while messages < 40 + 10 * round {
            let (id, batch) = call.batch().await;
            records.extend(batch);
            messages += 1;
            if id % 3 == 0 {
                call.ack(id);
            }
        }
        process.kill().unwrap();
        process.wait().unwrap();
        // What an earlier process has left comes first, in order, and then its own.
        let numbers: Vec<u64> = records.iter().map(|text| text.parse().unwrap()).collect();
        assert!(numbers[0] <= first, "{} came after {first}", numbers[0]);
        let count = numbers.len() as u64;
        assert!(
            numbers.iter().copied().eq(numbers[0]..numbers[0] + count),
            "{numbers:?}"
        );
        let contents = SpoolContents::read(folder.path()).unwrap();
        assert!(contents[0].records > 0);
        first = numbers[0] + count;
    }
    // Whoever comes last has all of it, from before what was received to after it.
    let (stream, mut call) = open(&mut server, folder.path(), 7).await;
    let left = stream.next_offset();
    let (records, _) = call.records(0, usize::try_from(left).unwrap()).await;
    let numbers: Vec<u64> = records.iter().map(|text| text.parse().unwrap()).collect();
    let count = numbers.len() as u64;
    assert!(
        numbers.iter().copied().eq(numbers[0]..numbers[0] + count),
        "{numbers:?}"
    );
    assert!(numbers[0] <= first && numbers[0] + count >= first);
}

async fn stream_until_killed() {
    let (client, spool) = in_a_child();
    let left = SpoolContents::read(spool_folder())
        .map_or(0, |left| left.iter().map(|one| one.records).sum());
    // Numbers go on where the last process stopped; it wrote down how far it came with the records themselves.
    let next_file = Path::new(&spool_folder()).join("next");
    let mut next: u64 = fs::read_to_string(&next_file).map_or(0, |text| text.parse().unwrap());
    let builder = client
        .stream::<Line<'static>>()
        .spool(spool)
        .configure(|options| {
            options.linger = Duration::ZERO;
            options.max_inflight_records = 500;
        });
    let mut stream = builder.open().await.unwrap();
    assert_eq!(stream.next_offset().unsigned_abs(), left);
    loop {
        // Known before it is taken: a crash in between may leave a number out, never give it twice.
        fs::write(&next_file, (next + 1).to_string()).unwrap();
        stream
            .ingest_record(&Line(&next.to_string()))
            .await
            .unwrap();
        next += 1;
    }
}

fn spool_folder() -> String {
    std::env::var("ZEROBUS_TEST_FOLDER").unwrap()
}

#[cfg(unix)]
#[tokio::test]
async fn a_full_disk_ends_the_stream_and_keeps_what_was_taken() {
    if child::is_child() {
        return stream_with_little_room().await;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start().await;
    // A file may not become larger than 64 blocks, which is told by an error because the signal is ignored.
    let name = "spool::a_full_disk_ends_the_stream_and_keeps_what_was_taken";
    let unlimited = spooling(name, &server, folder.path());
    let variables = (unlimited.get_envs()).filter_map(|(name, value)| Some((name, value?)));
    let mut limited = Command::new("sh");
    limited
        .args(["-c", "trap '' XFSZ; ulimit -f 64; exec \"$0\" \"$@\""])
        .arg(unlimited.get_program())
        .args(unlimited.get_args())
        .envs(variables);
    let serve = async {
        for _ in 0..2 {
            let mut call = server.opened().await;
            while call.try_batch().await.is_some() {}
        }
    };
    run_child(limited, serve).await;
}

async fn stream_with_little_room() {
    let (client, spool) = in_a_child();
    let builder = client
        .stream::<Line<'static>>()
        .spool(spool)
        .configure(|options| {
            options.batch_records = 10;
        });
    let mut stream = builder.open().await.unwrap();
    let mut taken = 0;
    let error = loop {
        match stream.ingest_record(&Line(&"x".repeat(1_000))).await {
            Ok(_) => taken += 1,
            Err(error) => break error,
        }
        tokio::task::yield_now().await;
        assert!(taken < 100_000, "nothing is full");
    };
    let text = problem(error);
    assert!(text.contains("cannot be written down"), "{text}");
    assert_eq!(stream.state(), StreamState::Failed);
    assert_eq!(stream.get_unacked_records().len(), taken);
    // There is room again, in another file.
    stream.recreate().await.unwrap();
    for _ in 0..10 {
        stream.ingest_record(&Line("one more")).await.unwrap();
    }
    let on_disk = SpoolContents::read(spool_folder()).unwrap();
    assert_eq!(on_disk[0].records, taken as u64 + 10);
}
