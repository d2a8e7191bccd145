use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tokio::time::Instant;
use zerobus_schema::TableName;

use super::error::{damaged, io_error};
use super::file::UNFINISHED;
use super::folder;
use super::parse::parse;
use super::segment::{Header, SEGMENT_MAX, Segment};
use crate::ack::Message;
use crate::batch::Payload;
use crate::error::Error;

const EXTENSION: &str = "spool";

/// What the folder of a [`Spool`](crate::Spool) holds: records that are not known to be acked.
///
/// ```no_run
/// # fn run() -> Result<(), zerobus_client::Error> {
/// for spool in zerobus_client::SpoolContents::read("/var/lib/meter/spool")? {
///     println!("{} records for {}", spool.records, spool.table);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SpoolContents {
    /// The folder: the one asked for, or that of a lane in it.
    pub folder: PathBuf,
    /// The table that the records are for.
    pub table: TableName,
    /// How many there are.
    pub records: u64,
    /// Their encoded bytes.
    pub bytes: u64,
    /// When the oldest file was begun.
    pub since: SystemTime,
    /// A process is using the folder at this moment.
    pub in_use: bool,
    /// Bytes at the end that a crash left half written. They were never taken.
    pub torn_bytes: u64,
}

impl SpoolContents {
    /// Reads a folder, and those of lanes in it, without changing anything. Empty ones are not in the answer.
    ///
    /// # Errors
    /// [`Error::Spool`] when a file cannot be read, or is damaged by something else than a crash.
    pub fn read(folder: impl AsRef<Path>) -> Result<Vec<Self>, Error> {
        let folders = folders(folder.as_ref())?;
        let found = folders
            .into_iter()
            .filter_map(|one| Self::of(one).transpose());
        found.collect()
    }

    /// What this very folder holds; none when that is nothing.
    pub(super) fn of(folder: PathBuf) -> Result<Option<Self>, Error> {
        let left = Leftovers::read(&folder)?;
        let Some(header) = left.header.as_ref().filter(|_| !left.messages.is_empty()) else {
            return Ok(None);
        };
        Ok(Some(Self {
            table: TableName::parse(&header.table)?,
            records: left.records(),
            bytes: left.messages.iter().map(|message| message.bytes).sum(),
            since: SystemTime::UNIX_EPOCH + Duration::from_millis(left.since_millis),
            in_use: folder::is_in_use(&folder),
            torn_bytes: left.torn_bytes,
            folder,
        }))
    }
}

/// The folder itself, and those of lanes in it, in order.
pub(super) fn folders(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut lanes = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| io_error(folder, &error))? {
        let entry = entry.map_err(|error| io_error(folder, &error))?;
        let name = entry.file_name();
        let lane = name.to_str().and_then(|name| name.strip_prefix("lane-"));
        if let Some(lane) = lane.and_then(|lane| lane.parse::<u32>().ok()) {
            lanes.push((lane, entry.path()));
        }
    }
    lanes.sort();
    let lanes = lanes.into_iter().map(|(_, path)| path);
    Ok(std::iter::once(folder.to_owned()).chain(lanes).collect())
}

/// What one folder holds, as a stream takes it over.
#[derive(Debug, Default)]
pub(crate) struct Leftovers {
    /// None when there is no file.
    pub(super) header: Option<Header>,
    pub(crate) messages: Vec<Message<Payload>>,
    /// Each file, with how many records of the spool there are up to its end.
    pub(super) files: VecDeque<(PathBuf, u64)>,
    pub(super) acked: u64,
    pub(super) queued: u64,
    since_millis: u64,
    torn_bytes: u64,
    /// What is to be cut off: a file and its length then.
    pub(super) torn: Option<(PathBuf, usize)>,
    /// Files that never got as far as to hold a record.
    pub(super) unfinished: Vec<PathBuf>,
}

impl Leftovers {
    pub(crate) fn records(&self) -> u64 {
        self.queued - self.acked
    }

    /// Reads the segments of a folder, the newest first, as far as there is something in them that is not acked.
    pub(super) fn read(folder: &Path) -> Result<Self, Error> {
        let mut left = Self::default();
        let mut segments = VecDeque::new();
        // How many records there are before the file that was read last.
        let mut next = None;
        for (first_record, path) in left.files_of(folder)? {
            if next.is_some_and(|next| next <= left.acked) {
                left.files.push_front((path, left.acked));
                continue;
            }
            let Some(bytes) = read_file(&path)? else {
                // Its stream has it removed by now, and those before it.
                break;
            };
            let parsed = parse(&bytes).map_err(|error| damaged(&path, error.at, &error.problem))?;
            let whole = parsed.as_ref().map_or(0, |segment| segment.end);
            let end = match &parsed {
                Some(segment) => left.check(segment, first_record, &path)?,
                None => first_record,
            };
            let is_newest = next.is_none();
            if is_newest {
                left.queued = end;
            }
            if let Some(next) = next.filter(|next| *next != end) {
                let problem = format!("records {end} to {next} of the spool are missing");
                return Err(damaged(&path, whole, &problem));
            }
            if is_newest && whole < bytes.len() {
                left.torn_bytes = (bytes.len() - whole) as u64;
                left.torn = Some((path.clone(), whole));
            }
            next = Some(first_record);
            left.files.push_front((path, end));
            if let Some(segment) = parsed {
                left.acked = left.acked.max(segment.acked).min(left.queued);
                left.since_millis = segment.header.begun_millis;
                segments.push_front(segment);
            }
        }
        if let Some(first) = next {
            // What is not there any more was acked.
            left.acked = left.acked.max(first);
        }
        left.messages = unacked(segments, left.acked);
        Ok(left)
    }

    /// The segments, the newest first, each with the number of its first record, which is its name.
    fn files_of(&mut self, folder: &Path) -> Result<Vec<(u64, PathBuf)>, Error> {
        let mut files = Vec::new();
        for entry in fs::read_dir(folder).map_err(|error| io_error(folder, &error))? {
            let path = entry.map_err(|error| io_error(folder, &error))?.path();
            let extension = path.extension().and_then(|extension| extension.to_str());
            if extension == Some(UNFINISHED) {
                self.unfinished.push(path);
            } else if extension == Some(EXTENSION) {
                let name = path.file_stem().and_then(|name| name.to_str());
                let Some(first) = name.and_then(|name| name.parse().ok()) else {
                    return Err(damaged(&path, 0, "its name is not that of a spool's file"));
                };
                files.push((first, path));
            }
        }
        files.sort_by(|one, other| other.cmp(one));
        Ok(files)
    }

    /// How many records of the spool there are up to a segment's end.
    fn check(&mut self, segment: &Segment, first_record: u64, path: &Path) -> Result<u64, Error> {
        let newest = self.header.get_or_insert_with(|| segment.header.clone());
        let same = (&newest.table, newest.json, &newest.descriptor)
            == (
                &segment.header.table,
                segment.header.json,
                &segment.header.descriptor,
            );
        if !same || segment.first_record != first_record {
            return Err(damaged(path, 0, "it belongs to another spool"));
        }
        Ok(first_record.saturating_add(records_of(segment)))
    }
}

fn records_of(segment: &Segment) -> u64 {
    segment
        .entries
        .iter()
        .map(|entry| u64::from(entry.records))
        .sum()
}

/// The messages whose records are not all acked, without those records that are.
fn unacked(segments: VecDeque<Segment>, acked: u64) -> Vec<Message<Payload>> {
    let mut at = segments.front().map_or(0, |first| first.first_record);
    let mut messages = Vec::new();
    for entry in segments.into_iter().flat_map(|segment| segment.entries) {
        let end = at + u64::from(entry.records);
        let done = acked.saturating_sub(at).min(u64::from(entry.records));
        at = end;
        if done == u64::from(entry.records) {
            continue;
        }
        // It may have been sent, and be stored.
        let mut payload = Payload::Sent(entry.payload.clone());
        let mut bytes = entry.payload.len() as u64;
        if done > 0 {
            let (_, rest) = payload.split(done.cast_signed());
            (payload, bytes) = rest;
        }
        messages.push(Message {
            payload,
            records: i64::from(entry.records) - done.cast_signed(),
            bytes,
            queued: Instant::now(),
            whole: entry.whole && done == 0,
        });
    }
    messages
}

/// None when it is not there any more.
fn read_file(path: &Path) -> Result<Option<Bytes>, Error> {
    let failed = |error: io::Error| io_error(path, &error);
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(failed)?,
    };
    let len = file.metadata().map_err(failed)?.len();
    if len > SEGMENT_MAX {
        return Err(damaged(path, 0, "it is larger than any file of a spool"));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(len).unwrap_or(0));
    file.take(SEGMENT_MAX)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    Ok(Some(bytes.into()))
}

pub(super) fn file_name(first_record: u64) -> String {
    format!("{first_record:020}.{EXTENSION}")
}
