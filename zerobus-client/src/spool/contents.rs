use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tokio::time::Instant;
use zerobus_schema::TableName;

use super::segment::{self, Header, Segment};
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
        let mut found = Vec::new();
        for folder in folders(folder.as_ref())? {
            let left = Leftovers::read(&folder)?;
            let Some(header) = &left.header else {
                continue;
            };
            if left.messages.is_empty() {
                continue;
            }
            found.push(Self {
                table: TableName::parse(&header.table)?,
                records: left.records(),
                bytes: left.messages.iter().map(|message| message.bytes).sum(),
                since: SystemTime::UNIX_EPOCH + Duration::from_millis(left.since_millis),
                in_use: super::writer::is_locked(&folder),
                torn_bytes: left.torn_bytes,
                folder,
            });
        }
        Ok(found)
    }
}

/// The folder itself, and those of lanes in it, in order.
pub(crate) fn folders(folder: &Path) -> Result<Vec<PathBuf>, Error> {
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
    pub(super) files: Vec<(PathBuf, u64)>,
    pub(super) acked: u64,
    pub(super) queued: u64,
    since_millis: u64,
    torn_bytes: u64,
    /// What is to be cut off: a file and its length then.
    pub(super) torn: Option<(PathBuf, usize)>,
}

impl Leftovers {
    pub(crate) fn records(&self) -> u64 {
        self.queued - self.acked
    }

    /// Reads all segments of a folder.
    pub(super) fn read(folder: &Path) -> Result<Self, Error> {
        let mut paths = Vec::new();
        for entry in fs::read_dir(folder).map_err(|error| io_error(folder, &error))? {
            let path = entry.map_err(|error| io_error(folder, &error))?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == EXTENSION)
            {
                paths.push(path);
            }
        }
        // Their names are numbers of the same width.
        paths.sort();
        let mut left = Self::default();
        let mut segments = Vec::new();
        let count = paths.len();
        for (index, path) in paths.into_iter().enumerate() {
            let bytes = read_file(&path)?;
            let len = bytes.len();
            let corrupt = |at: usize, problem: &str| corrupt(&path, at, problem);
            let parsed = segment::parse(&bytes, index + 1 == count)
                .map_err(|error| corrupt(error.at, error.problem))?;
            let end = parsed.as_ref().map_or(0, |segment| segment.end);
            if end < len {
                left.torn_bytes = (len - end) as u64;
                left.torn = Some((path.clone(), end));
            }
            if let Some(segment) = parsed {
                left.check_follows(&segment, &path)?;
                left.queued = segment.header.first_record + records_of(&segment);
                left.acked = left.acked.max(segment.acked);
                left.files.push((path, left.queued));
                segments.push(segment);
            }
        }
        left.acked = left.acked.min(left.queued);
        if let Some(first) = segments.first() {
            left.since_millis = first.header.begun_millis;
            left.acked = left.acked.max(first.header.first_record);
        }
        left.messages = unacked(segments, left.acked);
        Ok(left)
    }

    fn check_follows(&mut self, segment: &Segment, path: &Path) -> Result<(), Error> {
        match &self.header {
            None => self.header = Some(segment.header.clone()),
            Some(first) => {
                let same = (&first.table, first.json, &first.descriptor)
                    == (
                        &segment.header.table,
                        segment.header.json,
                        &segment.header.descriptor,
                    );
                if !same || segment.header.first_record != self.queued {
                    return Err(corrupt(path, 0, "it does not follow the file before it"));
                }
            }
        }
        Ok(())
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
fn unacked(segments: Vec<Segment>, acked: u64) -> Vec<Message<Payload>> {
    let mut at = segments
        .first()
        .map_or(0, |first| first.header.first_record);
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

fn read_file(path: &Path) -> Result<Bytes, Error> {
    let failed = |error: io::Error| io_error(path, &error);
    let file = File::open(path).map_err(failed)?;
    let len = file.metadata().map_err(failed)?.len();
    if len > segment::SEGMENT_MAX {
        return Err(corrupt(path, 0, "it is larger than any file of a spool"));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(len).unwrap_or(0));
    file.take(segment::SEGMENT_MAX)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    Ok(bytes.into())
}

pub(super) fn file_name(first_record: u64) -> String {
    format!("{first_record:020}.{EXTENSION}")
}

fn corrupt(path: &Path, at: usize, problem: &str) -> Error {
    Error::Spool {
        path: path.to_owned(),
        problem: format!(
            "at byte {at}: {problem}; nothing was sent of it: put the file aside, or restore it"
        ),
    }
}

pub(super) fn io_error(path: &Path, error: &io::Error) -> Error {
    Error::Spool {
        path: path.to_owned(),
        problem: error.to_string(),
    }
}
