//! Disks that are full, folders that are deleted or somebody else's: told, and nothing is unprotected without a word.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use zerobus_client::{Error, Spool, SpoolContents, SpoolErrorKind, StreamState};

use crate::delivery::client;
use crate::record::{Line, texts_of};
use crate::server::Server;
use crate::spool::{kind, open, problem};

/// The file that begins with the record of this number.
fn segment(folder: &Path, first_record: u64) -> PathBuf {
    folder.join(format!("{first_record:020}.spool"))
}

fn records_in(folder: &Path) -> u64 {
    let contents = SpoolContents::read(folder).unwrap();
    contents.iter().map(|one| one.records).sum()
}

#[tokio::test]
async fn a_stream_made_anew_after_a_failed_write_is_on_disk_again_or_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start().await;
    let (mut stream, _call) = open(&mut server, folder.path(), 1).await;
    // No file can be in its place.
    let obstacle = segment(folder.path(), 0);
    fs::create_dir(&obstacle).unwrap();
    stream.ingest_record(&Line("0")).await.unwrap();
    let text = problem(stream.flush().await.unwrap_err());
    assert!(text.contains("cannot be written down"), "{text}");
    assert_eq!(stream.state(), StreamState::Failed);

    let error = stream.recreate().await.unwrap_err();
    assert_eq!(
        kind(&error),
        SpoolErrorKind::Io(io::ErrorKind::AlreadyExists)
    );
    assert_eq!(texts_of(stream.get_unacked_records()), ["0"]);

    fs::remove_dir(&obstacle).unwrap();
    let (made, mut call) = tokio::join!(stream.recreate(), server.opened());
    made.unwrap();
    assert_eq!(records_in(folder.path()), 1);
    stream.ingest_record(&Line("1")).await.unwrap();
    call.records(0, 2).await;
    assert_eq!(records_in(folder.path()), 2);
    call.ack(0);
    stream.wait_for_offset(0).await.unwrap();
    drop(stream);
    let (_stream, mut call) = open(&mut server, folder.path(), 1).await;
    assert_eq!(call.records(0, 1).await.0, ["1"]);
}

#[cfg(unix)]
#[tokio::test]
async fn a_folder_that_is_deleted_underneath_is_noticed_with_the_next_record() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("spool");
    let mut server = Server::start().await;
    let (mut stream, mut call) = open(&mut server, &folder, 1).await;
    stream.ingest_record(&Line("0")).await.unwrap();
    call.records(0, 1).await;
    fs::remove_dir_all(&folder).unwrap();
    stream.ingest_record(&Line("1")).await.unwrap();
    let error = stream.flush().await.unwrap_err();
    assert_eq!(kind(&error), SpoolErrorKind::Gone);
    assert_eq!(texts_of(stream.get_unacked_records()), ["0", "1"]);
    // What is in memory is all there is, and is on disk again.
    let (made, mut call) = tokio::join!(stream.recreate(), server.opened());
    made.unwrap();
    call.records(0, 2).await;
    assert_eq!(records_in(&folder), 2);
}

#[cfg(unix)]
#[tokio::test]
async fn what_another_stream_has_at_the_same_place_is_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let (place, moved) = (folder.path().join("spool"), folder.path().join("moved"));
    let mut server = Server::start().await;
    let (mut first, mut first_call) = open(&mut server, &place, 1).await;
    first.ingest_record(&Line("first")).await.unwrap();
    first_call.records(0, 1).await;
    fs::rename(&place, &moved).unwrap();
    let (mut second, mut second_call) = open(&mut server, &place, 1).await;
    second.ingest_record(&Line("second")).await.unwrap();
    second_call.records(0, 1).await;
    // The file of the first one that is thrown away has the name of the second one's.
    first_call.ack(0);
    first.flush().await.unwrap();
    drop(first);
    drop(second);
    assert_eq!(records_in(&place), 1);
}

#[tokio::test]
async fn a_folder_that_cannot_be_used_is_told_of_before_anything_is_sent() {
    let parent = tempfile::tempdir().unwrap();
    let file = parent.path().join("file");
    fs::write(&file, "").unwrap();
    let not_ours = parent.path().join("not-ours");
    fs::create_dir(&not_ours).unwrap();
    fs::write(not_ours.join("0.spool"), "something else").unwrap();
    let mut folders = vec![file.clone(), file.join("below"), not_ours];
    // Where not even root may make a folder.
    #[cfg(target_os = "linux")]
    folders.push(PathBuf::from("/proc/spool"));
    let server = Server::start().await;
    for folder in folders {
        let builder = client(&server).stream::<Line<'_>>();
        let error = builder.spool(Spool::at(&folder)).open().await.unwrap_err();
        let is_damaged = kind(&error) == SpoolErrorKind::Damaged;
        assert_eq!(is_damaged, folder.ends_with("not-ours"), "{error}");
        assert!(!error.is_retryable(), "{error}");
        let text = problem(error);
        assert!(text.contains(folder.to_str().unwrap()), "{text}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_folder_that_may_only_be_read_is_told_of() {
    use std::os::unix::fs::PermissionsExt as _;
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("spool");
    let mut server = Server::start().await;
    let (mut stream, _call) = open(&mut server, &folder, 1).await;
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o500)).unwrap();
    if fs::write(folder.join("probe"), "").is_ok() {
        println!("nothing is shown: this user may write everywhere");
        return;
    }
    // One that is open, and one that is to be.
    stream.ingest_record(&Line("0")).await.unwrap();
    let taken = stream.flush().await.unwrap_err();
    drop(stream);
    fs::remove_file(folder.join("lock")).unwrap_err();
    let below = Spool::at(folder.join("below"));
    let builder = client(&server).stream::<Line<'_>>().spool(below);
    for error in [taken, builder.open().await.unwrap_err()] {
        let is = SpoolErrorKind::Io(io::ErrorKind::PermissionDenied);
        assert_eq!(kind(&error), is);
        let text = problem(error);
        assert!(text.contains("let this process write there"), "{text}");
    }
}

#[tokio::test]
async fn a_spool_holds_no_more_than_may_be_on_its_way() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start().await;
    let builder = client(&server).stream::<Line<'static>>();
    let builder = builder
        .spool(Spool::at(folder.path()))
        .configure(|options| {
            options.max_inflight_bytes = 100_000;
            options.batch_records = 10;
        });
    let (stream, mut call) = tokio::join!(builder.open(), server.opened());
    let mut stream = stream.unwrap();
    let text = "x".repeat(1_000);
    let full = loop {
        if let Err(error) = stream.try_ingest(&Line(&text)) {
            break error;
        }
    };
    assert!(matches!(full, Error::Full { .. }), "{full}");
    let files = fs::read_dir(folder.path()).unwrap();
    let bytes: u64 = files
        .map(|file| file.unwrap().metadata().unwrap().len())
        .sum();
    assert!((100_000..115_000).contains(&bytes), "{bytes}");
    // There is room again with the first ack.
    let (_, last) = call.records(0, 90).await;
    let line = Line(&text);
    let (taken, ()) = tokio::join!(stream.ingest_record(&line), async { call.ack(last) });
    taken.unwrap();
    assert!(records_in(folder.path()) < 20);
}
