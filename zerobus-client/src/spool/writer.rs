use std::collections::VecDeque;
use std::fs::OpenOptions;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use bytes::Bytes;
use zerobus_schema::TableName;

use super::contents::{Leftovers, file_name};
use super::error::{WriteError, io_error, spool_error};
use super::file::SegmentFile;
use super::folder::Folder;
use super::segment::Header;
use super::{Spool, SpoolErrorKind};
use crate::ack::Message;
use crate::batch::Payload;
use crate::error::Error;
use crate::format::{Encoding, Format};

/// A file is ended with the message that takes it past this.
pub(super) const SEGMENT_BYTES: u64 = if cfg!(test) { 400 } else { 8 << 20 };
/// A file in which everything is acked is thrown away from this size on.
const ACKED_BYTES: u64 = if cfg!(test) { 250 } else { 1 << 20 };

/// The spool of one stream that is open. Dropped, its folder is free.
#[derive(Debug)]
pub(crate) struct SpoolWriter {
    spool: Spool,
    folder: Folder,
    header: Header,
    /// Each file, with how many records of the spool there are up to its end; the last one is `file` if that is open.
    files: VecDeque<(PathBuf, u64)>,
    file: Option<SegmentFile>,
    /// A file of which a write has failed, until it ends with a whole entry again: nothing is written before.
    torn: Option<SegmentFile>,
    queued: u64,
    acked: u64,
    /// Why the messages from some message on are not in it. None are added before [`resume`](Self::resume): they would
    /// follow a gap.
    missing: Option<Error>,
}

impl SpoolWriter {
    /// Takes the folder, and what an earlier stream has left in it.
    ///
    /// # Errors
    /// [`Error::Spool`] when the folder cannot be used, another stream has it, or it holds records for another table or
    /// of another kind.
    pub(crate) fn open(
        spool: &Spool,
        table: &TableName,
        format: &Format,
    ) -> Result<(Self, Leftovers), Error> {
        let folder = Folder::take(spool)?;
        spool.check_alone()?;
        let left = Leftovers::read(folder.path())?;
        let header = Header {
            table: table.to_string(),
            json: format.encoding == Encoding::Json,
            descriptor: descriptor(format),
            ..Header::default()
        };
        check_same(folder.path(), &header, &left)?;
        for unfinished in &left.unfinished {
            let removed = folder.remove(unfinished);
            removed.map_err(|error| error.into_error(unfinished))?;
        }
        if let Some((path, len)) = &left.torn {
            cut_off(path, *len).map_err(|error| io_error(path, &error))?;
        }
        let mut writer = Self {
            spool: spool.clone(),
            folder,
            header,
            files: left.files.clone(),
            file: None,
            torn: None,
            queued: left.queued,
            acked: left.acked,
            missing: None,
        };
        writer.remove_acked();
        Ok((writer, left))
    }

    /// Writes the framed records of one message down.
    ///
    /// # Errors
    /// [`Error::Spool`]; this message and all after it are not in the spool then, until [`resume`](Self::resume).
    pub(crate) fn append(
        &mut self,
        payload: &[u8],
        records: i64,
        whole: bool,
    ) -> Result<(), Error> {
        if let Some(error) = &self.missing {
            return Err(error.clone());
        }
        self.try_append(payload, records, whole).map_err(|error| {
            let error = error.into_error(self.folder.path());
            self.missing.insert(error).clone()
        })
    }

    /// Writes down what of these messages, which are all that is not acked, is not in the spool.
    ///
    /// # Errors
    /// As [`append`](Self::append); it can be called again.
    pub(crate) fn resume(&mut self, unacked: &[Message<Payload>]) -> Result<(), Error> {
        if self.missing.is_none() {
            return Ok(());
        }
        let begun = self.queued;
        let mut there = match self.keeps_its_files()? {
            true => self.queued - self.acked,
            false => 0,
        };
        let all_anew = there == 0;
        self.missing = None;
        for message in unacked {
            let records = message.records.unsigned_abs();
            if there >= records {
                there -= records;
                continue;
            }
            self.append(message.payload.framed(), message.records, message.whole)?;
        }
        if all_anew {
            self.acked = self.acked.max(begun);
            self.remove_acked();
        }
        Ok(())
    }

    /// Whether what was written is still there. If the folder is not, it is made and taken again.
    fn keeps_its_files(&mut self) -> Result<bool, Error> {
        match self.folder.check_in_place() {
            Ok(()) => Ok(self.files.iter().all(|(path, _)| path.exists())),
            Err(WriteError::Gone) => {
                let folder = Folder::take(&self.spool)?;
                let left = Leftovers::read(folder.path())?;
                if !left.messages.is_empty() {
                    let problem = format!(
                        "it was replaced by one with {} records of another stream; put either somewhere else",
                        left.records()
                    );
                    return Err(spool_error(folder.path(), SpoolErrorKind::Gone, problem));
                }
                self.folder = folder;
                (self.file, self.torn) = (None, None);
                // Of no concern any more, and what is numbered here begins anew behind it.
                for (path, _) in &left.files {
                    let removed = self.folder.remove(path);
                    removed.map_err(|error| error.into_error(path))?;
                }
                self.files.clear();
                self.acked = self.queued;
                Ok(false)
            }
            Err(error) => Err(error.into_error(self.folder.path())),
        }
    }

    fn try_append(&mut self, payload: &[u8], records: i64, whole: bool) -> Result<(), WriteError> {
        let records = u32::try_from(records).map_err(io::Error::other)?;
        self.mend()?;
        let there = self.file.as_ref().map(SegmentFile::check_there);
        there.transpose().inspect_err(|_| self.file = None)?;
        let is_full = |file: &SegmentFile| file.len() >= SEGMENT_BYTES;
        let mut file = match self.file.take_if(|file| !is_full(file)) {
            Some(file) => file,
            None => self.begin_file()?,
        };
        if let Err(error) = file.append(self.queued, records, whole, payload, self.folder.sync) {
            self.put_aside(file);
            return Err(error);
        }
        self.file = Some(file);
        self.queued += u64::from(records);
        if let Some((_, end)) = self.files.back_mut() {
            *end = self.queued;
        }
        Ok(())
    }

    fn begin_file(&mut self) -> Result<SegmentFile, WriteError> {
        self.file = None;
        let path = self.folder.path().join(file_name(self.queued));
        // One of that name that an earlier process, or a failed write, has left without records.
        if self.files.back().is_some_and(|(last, _)| *last == path) {
            self.folder.remove(&path)?;
            self.files.pop_back();
        }
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let header = Header {
            begun_millis: now.map_or(0, |now| u64::try_from(now.as_millis()).unwrap_or(0)),
            acked: self.acked,
            salt: RandomState::new().build_hasher().finish(),
            ..self.header.clone()
        };
        let file = SegmentFile::begin(&self.folder, path.clone(), &header, self.queued)?;
        self.files.push_back((path, self.queued));
        Ok(file)
    }

    /// So many more records are acked, or were handed out.
    pub(crate) fn settled(&mut self, records: i64) {
        if records <= 0 {
            return;
        }
        // More are acked than are in it when some are missing.
        self.acked = (self.acked + records.unsigned_abs()).min(self.queued);
        let is_done = self.acked == self.queued;
        self.file
            .take_if(|file| is_done && file.len() >= ACKED_BYTES);
        self.remove_acked();
        if let Some(mut file) = self.file.take() {
            match file.note_acked(self.queued, self.acked) {
                Ok(()) => self.file = Some(file),
                Err(error) => {
                    // Sent again after a crash, which is the worst of it: the next file says it too.
                    tracing::warn!(path = %file.path().display(), %error, "an ack cannot be noted in the spool");
                    self.put_aside(file);
                }
            }
        }
    }

    /// Writes nothing more to a file of which a write has failed.
    fn put_aside(&mut self, file: SegmentFile) {
        self.torn = Some(file);
        // Otherwise it is tried again before anything else is written.
        let _ = self.mend();
    }

    fn mend(&mut self) -> Result<(), WriteError> {
        let Some(torn) = self.torn.take() else {
            return Ok(());
        };
        torn.cut_back(self.folder.sync).map_err(|error| {
            self.torn = Some(torn);
            error.into()
        })
    }

    /// Throws away the files in which everything is acked, but for the one that is being written.
    fn remove_acked(&mut self) {
        let keep = usize::from(self.file.is_some());
        while self.files.len() > keep
            && let Some((path, end)) = self.files.front()
            && *end <= self.acked
        {
            if let Err(error) = self.folder.remove(path) {
                tracing::warn!(path = %path.display(), %error, "a file of the spool cannot be removed");
            }
            self.files.pop_front();
        }
    }
}

impl Drop for SpoolWriter {
    fn drop(&mut self) {
        if self.acked == self.queued {
            self.file = None;
            self.remove_acked();
        }
    }
}

fn check_same(folder: &Path, header: &Header, left: &Leftovers) -> Result<(), Error> {
    let Some(found) = left.header.as_ref().filter(|_| !left.messages.is_empty()) else {
        return Ok(());
    };
    let (kind, what) = if found.table != header.table {
        (SpoolErrorKind::OtherTable, "another table")
    } else if (found.json, &found.descriptor) != (header.json, &header.descriptor) {
        (SpoolErrorKind::OtherRecords, "another type of records")
    } else {
        return Ok(());
    };
    let problem = format!(
        "it holds {} records of {what} ({}); send them with `zerobus replay`, or give this stream another folder",
        left.records(),
        found.table
    );
    Err(spool_error(folder, kind, problem))
}

fn descriptor(format: &Format) -> Bytes {
    let descriptor = format.descriptor.clone();
    descriptor.map_or_else(Bytes::new, crate::descriptor::ProtoDescriptor::into_bytes)
}

fn cut_off(path: &Path, len: usize) -> io::Result<()> {
    tracing::warn!(path = %path.display(), len, "the end of a file of the spool was half written, and is cut off");
    if len == 0 {
        return std::fs::remove_file(path);
    }
    let file = OpenOptions::new().write(true).open(path)?;
    file.set_len(len as u64)?;
    file.sync_all()
}
