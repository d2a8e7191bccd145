//! What is not acked, kept on disk over a crash of the process.

mod contents;
mod error;
mod file;
mod folder;
mod parse;
mod segment;
#[cfg(test)]
pub(crate) mod tests;
mod writer;

use std::path::{Path, PathBuf};

pub use contents::SpoolContents;
pub use error::SpoolErrorKind;
pub(crate) use writer::SpoolWriter;

use self::contents::Leftovers;
use self::error::spool_error;
use crate::descriptor::ProtoDescriptor;
use crate::error::Error;
use crate::format::Format;

/// A folder that keeps the records of a stream from when they are queued until they are acked, so that they survive
/// the process; given to [`StreamBuilder::spool`](crate::StreamBuilder::spool).
///
/// A stream that opens with a folder in which an earlier one left records sends them first. They may be stored already:
/// delivery is at-least-once. A folder is one stream's at a time; lanes have a folder each within it.
///
/// What a crash can take is what still gathers: nothing with a `linger` of zero, a few milliseconds' records
/// otherwise, and nothing that was flushed. That holds for a crash of the process, and with [`SpoolSync::Always`] for one
/// of the machine. What such a crash leaves half written is the end of the last file, and is cut off. Acks since may be
/// forgotten, so that what they were for is sent again. Without `Always`, a crash of the machine may take whatever the
/// system had not written to the disk yet.
///
/// Anything else that is wrong with a file, a gap before records that are there above all, is
/// [`Damaged`](SpoolErrorKind::Damaged), with the file and the place in it: the stream does not open, and the files stay
/// as they are.
///
/// When records cannot be written down (the disk is full, the folder was deleted), the stream ends with
/// [`Error::Spool`](crate::Error::Spool) and has them in memory. [`recreate`](crate::Stream::recreate) writes them down
/// before it sends them, or fails in turn: no stream goes on without its spool.
///
/// The folder holds no more than the bounds of the stream let be on its way, and up to 16 MiB that is acked. At these
/// bounds ingest calls wait or are refused as without a spool. Its files are checksummed and for their owner alone. They
/// hold records, and no credentials. The folder is free when the stream is dropped, whoever else still has a handle.
///
/// ```no_run
/// # async fn run<R: zerobus_client::ZerobusRecord>(client: zerobus_client::Client) -> Result<(), zerobus_client::Error> {
/// use zerobus_client::Spool;
///
/// let mut stream = client.stream::<R>().spool(Spool::at("/var/lib/meter/spool")).open().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spool {
    pub(crate) folder: PathBuf,
    pub(crate) sync: SpoolSync,
    /// It is neither one lane's nor one that is replayed among others.
    is_alone: bool,
}

/// The kind of a stream that sends what a spool holds, and takes nothing; opened with
/// [`Client::replay`](crate::Client::replay).
#[derive(Debug, Clone, Copy)]
pub enum Replay {}

/// For which table, and of what kind, the records in a folder are.
pub(crate) fn format(folder: &Path) -> Result<(String, Format), Error> {
    let left = Leftovers::read(folder)?;
    let Some(header) = left.header.filter(|_| !left.messages.is_empty()) else {
        let problem = "there is nothing in it that is not acked";
        return Err(spool_error(folder, SpoolErrorKind::Empty, problem));
    };
    let format = if header.json {
        Format::json()
    } else {
        Format::proto(ProtoDescriptor::new(header.descriptor))
    };
    Ok((header.table, format))
}

/// When what is in a spool is safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum SpoolSync {
    /// Once the system has it: it survives a crash of the process, not always one of the machine.
    #[default]
    Os,
    /// Once the disk has it. Costs a flush of the disk for each message.
    Always,
}

impl Spool {
    /// A spool in this folder, which is made when it is missing.
    #[must_use]
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            sync: SpoolSync::Os,
            is_alone: true,
        }
    }

    /// When what is in it is safe.
    #[must_use]
    pub fn sync(mut self, sync: SpoolSync) -> Self {
        self.sync = sync;
        self
    }

    /// One of several, to be replayed by itself.
    pub(crate) fn one_at(folder: &Path) -> Self {
        Self {
            is_alone: false,
            ..Self::at(folder)
        }
    }

    /// That of one lane.
    pub(crate) fn of_lane(&self, lane: usize) -> Self {
        Self {
            folder: self.folder.join(lane_name(lane)),
            sync: self.sync,
            is_alone: false,
        }
    }

    /// Refuses a folder in which there are records of lanes that will not be.
    pub(crate) fn check_lanes(&self, count: usize) -> Result<(), Error> {
        if !self.folder.exists() {
            return Ok(());
        }
        let lanes: Vec<PathBuf> = (0..count)
            .map(|lane| self.folder.join(lane_name(lane)))
            .collect();
        let what = format!("there are {count} lanes now, of which none takes them over");
        self.check_forgotten(&what, |folder| lanes.iter().any(|lane| lane == folder))
    }

    /// Refuses, for a stream without lanes, a folder in which there are records of some.
    fn check_alone(&self) -> Result<(), Error> {
        if !self.is_alone {
            return Ok(());
        }
        let what = "a stream without lanes does not take them over";
        self.check_forgotten(what, |folder| folder == self.folder)
    }

    fn check_forgotten(&self, what: &str, is_taken: impl Fn(&Path) -> bool) -> Result<(), Error> {
        for folder in contents::folders(&self.folder)? {
            if !is_taken(&folder)
                && let Some(left) = SpoolContents::of(folder)?
            {
                let problem = format!(
                    "it holds {} records, and {what}; send them with `zerobus replay`, or open as many lanes as before",
                    left.records
                );
                let kind = SpoolErrorKind::OtherLanes;
                return Err(spool_error(&left.folder, kind, problem));
            }
        }
        Ok(())
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }
}

fn lane_name(lane: usize) -> String {
    format!("lane-{lane}")
}
