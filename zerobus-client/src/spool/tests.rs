//! What is on disk, whatever the disk does: after each step as after a crash at that moment.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use tokio::time::Instant;
use zerobus_schema::TableName;

use super::contents::Leftovers;
use super::file::faults::{self, Disk};
use super::writer::SEGMENT_BYTES;
use super::*;
use crate::ack::Message;
use crate::batch::{Batch, BatchLimits, Payload};

const LIMITS: BatchLimits = BatchLimits {
    bytes: 1 << 20,
    records: 1 << 20,
    message_bytes: 1 << 20,
};

/// A message of records that are numbers.
pub(crate) fn message(numbers: std::ops::Range<u64>) -> Message<Payload> {
    let mut batch = Batch::with_capacity(0);
    for number in numbers.clone() {
        let text = format!("{number:08}");
        let appended = batch.append(&LIMITS, |out| {
            out.extend(text.bytes());
            Ok(())
        });
        appended.unwrap();
    }
    Message {
        records: i64::try_from(numbers.end - numbers.start).unwrap(),
        bytes: batch.bytes() as u64,
        payload: batch.into_payload(),
        queued: Instant::now(),
        whole: false,
    }
}

fn numbers_of(messages: &[Message<Payload>]) -> Vec<u64> {
    let records = messages
        .iter()
        .flat_map(|message| message.payload.records());
    records
        .map(|record| std::str::from_utf8(&record).unwrap().parse().unwrap())
        .collect()
}

/// The records that the next process would find.
pub(crate) fn on_disk(folder: &Path) -> Vec<u64> {
    numbers_of(&Leftovers::read(folder).unwrap().messages)
}

pub(crate) fn open(spool: &Spool) -> (SpoolWriter, Vec<Message<Payload>>) {
    try_open(spool).unwrap()
}

fn try_open(spool: &Spool) -> Result<(SpoolWriter, Vec<Message<Payload>>), Error> {
    let table = TableName::parse("main.default.numbers").unwrap();
    let (writer, left) = SpoolWriter::open(spool, &table, &Format::json())?;
    Ok((writer, left.messages))
}

#[derive(Debug, Clone)]
enum Step {
    Append(u64),
    /// So many messages are acked.
    Settle(usize),
    Disk(Disk),
    /// The stream is made anew.
    Resume,
    /// The process ends, and the next one opens the spool.
    Reopen,
    /// Somebody deletes a file of it, or all of it.
    DeleteFile(prop::sample::Index),
    DeleteFolder,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let disk = (
        proptest::option::of(0..200usize),
        any::<bool>(),
        any::<bool>(),
    );
    let step = prop_oneof![
        8 => (1..4u64).prop_map(Step::Append),
        6 => (0..4usize).prop_map(Step::Settle),
        2 => Just(Step::Disk(Disk::default())),
        2 => disk.prop_map(|(room, cannot_cut, cannot_sync)| {
            Step::Disk(Disk { room, cannot_cut, cannot_sync })
        }),
        3 => Just(Step::Resume),
        1 => Just(Step::Reopen),
        1 => any::<prop::sample::Index>().prop_map(Step::DeleteFile),
        1 => Just(Step::DeleteFolder),
    ];
    proptest::collection::vec(step, 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(150) })]
    #[test]
    fn what_is_not_acked_is_on_disk_or_its_owner_was_told(steps in steps(), always in any::<bool>()) {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("spool");
        let sync = if always { SpoolSync::Always } else { SpoolSync::Os };
        let spool = Spool::at(&folder).sync(sync);
        faults::set(Disk::default());
        let (mut writer, _) = open(&spool);
        // What the stream has in memory; and whether it was told that not all of it is on disk.
        let (mut unacked, mut next) = (Vec::<Message<Payload>>::new(), 0);
        let mut told = false;
        // Somebody deletes files: that is noticed with the next message.
        let mut deleted = false;
        let mut is_counted = true;
        let mut is_fine = true;
        for step in steps {
            match step {
                Step::Append(records) => {
                    let new = message(next..next + records);
                    next += records;
                    let appended = writer.append(new.payload.framed(), new.records, false);
                    prop_assert!(!told || appended.is_err(), "something is missing before it");
                    told = appended.is_err();
                    unacked.push(new);
                }
                Step::Settle(messages) => {
                    let settled = unacked.drain(..messages.min(unacked.len()));
                    writer.settled(settled.map(|message| message.records).sum());
                }
                Step::Disk(disk) => {
                    faults::set(disk);
                    is_fine = disk == Disk::default();
                }
                Step::Resume => {
                    let resumed = writer.resume(&unacked);
                    prop_assert!(!(told && is_fine) || resumed.is_ok(), "{resumed:?}");
                    prop_assert!(told || resumed.is_ok());
                    deleted &= !(told && resumed.is_ok());
                    told = resumed.is_err();
                }
                Step::Reopen => {
                    drop(writer);
                    faults::set(Disk::default());
                    is_fine = true;
                    let (reopened, left) = match try_open(&spool) {
                        // What was deleted and nobody looked for is told now.
                        Err(Error::Spool { kind: SpoolErrorKind::Damaged, .. }) if deleted => break,
                        opened => opened.unwrap(),
                    };
                    prop_assert!(told || deleted || numbers_of(&left).ends_with(&numbers_of(&unacked)));
                    // What was in memory alone is gone.
                    is_counted &= !told;
                    (writer, unacked, told, deleted) = (reopened, left, false, false);
                }
                Step::DeleteFile(index) => {
                    let mut files: Vec<_> = fs::read_dir(&folder)
                        .map(|files| files.map(|file| file.unwrap().path()).collect())
                        .unwrap_or_default();
                    files.retain(|file| file.extension().is_some());
                    // The newest, which is the one that is written to: that others are gone is told by the next process.
                    files.sort();
                    if let Some(file) = files.last() && index.index(2) == 0 {
                        fs::remove_file(file).unwrap();
                        (deleted, is_counted) = (true, false);
                    }
                }
                Step::DeleteFolder => {
                    let _ = fs::remove_dir_all(&folder);
                    (deleted, is_counted) = (true, false);
                }
            }
            if deleted {
                continue;
            }
            let (left, memory) = (on_disk(&folder), numbers_of(&unacked));
            // Before it may be what is acked and not noted; behind, what is in memory only when its owner was told.
            let first = memory.first().copied().unwrap_or(next);
            let acked = left.partition_point(|number| *number < first);
            prop_assert!(left.is_sorted());
            prop_assert!(!is_counted || left.windows(2).all(|two| two[1] == two[0] + 1), "{left:?}");
            let kept = &left[acked..];
            prop_assert!(memory.starts_with(kept), "{kept:?} of {memory:?}");
            prop_assert!(told || kept.len() == memory.len(), "{kept:?} of {memory:?}");
        }
        faults::set(Disk::default());
    }
}

#[test]
fn a_folder_does_not_grow_with_what_was_acked() {
    let folder = tempfile::tempdir().unwrap();
    let (mut writer, _) = open(&Spool::at(folder.path()));
    for number in 0..500 {
        let new = message(number..number + 1);
        writer.append(new.payload.framed(), 1, false).unwrap();
        if number >= 5 {
            writer.settled(1);
        }
        let files = fs::read_dir(folder.path()).unwrap();
        let bytes: u64 = files
            .map(|file| file.unwrap().metadata().unwrap().len())
            .sum();
        assert!(bytes < 3 * SEGMENT_BYTES, "{bytes} bytes after {number}");
    }
    assert_eq!(on_disk(folder.path()), [495, 496, 497, 498, 499]);
}

#[test]
fn files_that_are_known_to_be_acked_are_not_needed() {
    let folder = tempfile::tempdir().unwrap();
    let (mut writer, _) = open(&Spool::at(folder.path()));
    for number in 0..30 {
        let new = message(number..number + 1);
        writer.append(new.payload.framed(), 1, false).unwrap();
    }
    let mut files: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some())
        .collect();
    files.sort();
    assert!(files.len() >= 3, "{files:?}");
    let copies: Vec<_> = files[..2]
        .iter()
        .map(|path| (path, fs::read(path).unwrap()))
        .collect();
    writer.settled(28);
    drop(writer);
    // As if the machine had crashed before the folder was written: one of them is back, the one after it is not.
    let (path, bytes) = &copies[0];
    fs::write(path, bytes).unwrap();
    assert_eq!(on_disk(folder.path()), [28, 29]);
    let (writer, left) = open(&Spool::at(folder.path()));
    assert_eq!((numbers_of(&left), path.exists()), (vec![28, 29], false));
    drop(writer);
}
