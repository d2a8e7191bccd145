use std::collections::VecDeque;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use bytes::Bytes;
use fs4::{FileExt, TryLockError};
use zerobus_schema::TableName;

use super::contents::{Leftovers, file_name, io_error};
use super::segment::{self, Header};
use super::{Spool, SpoolSync};
use crate::error::Error;
use crate::format::{Encoding, Format};

const LOCK_FILE: &str = "lock";
/// A file is ended with the message that takes it past this.
const SEGMENT_BYTES: u64 = 8 << 20;
/// A file in which everything is acked is thrown away from this size on.
const ACKED_BYTES: u64 = 1 << 20;

/// The spool of one stream that is open.
#[derive(Debug)]
pub(crate) struct SpoolWriter {
    folder: PathBuf,
    sync: SpoolSync,
    header: Header,
    /// Each file, with how many records of the spool there are up to its end; the last one is `file` if that is open.
    files: VecDeque<(PathBuf, u64)>,
    file: Option<File>,
    file_bytes: u64,
    queued: u64,
    acked: u64,
    /// Nothing more is written after a write has failed: what follows would hang in the air.
    failed: bool,
    /// Held until the process ends.
    _lock: File,
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
        let folder = spool.folder();
        make_folder(folder).map_err(|error| io_error(folder, &error))?;
        let lock = lock(folder)?;
        let left = Leftovers::read(folder)?;
        let header = Header {
            table: table.to_string(),
            json: format.encoding == Encoding::Json,
            descriptor: descriptor(format),
            first_record: 0,
            begun_millis: 0,
        };
        check_same(folder, &header, &left)?;
        if let Some((path, len)) = &left.torn {
            cut_off(path, *len).map_err(|error| io_error(path, &error))?;
        }
        let mut writer = Self {
            folder: folder.to_owned(),
            sync: spool.sync,
            header,
            files: left.files.iter().cloned().collect(),
            file: None,
            file_bytes: 0,
            queued: left.queued,
            acked: left.acked,
            failed: false,
            _lock: lock,
        };
        writer.remove_empty();
        writer.remove_acked();
        Ok((writer, left))
    }

    /// Writes the framed records of one message down.
    ///
    /// # Errors
    /// [`Error::Spool`]; this message and all after it are not in the spool then.
    pub(crate) fn append(
        &mut self,
        payload: &[u8],
        records: i64,
        whole: bool,
    ) -> Result<(), Error> {
        if self.failed {
            return Ok(());
        }
        let written = self.try_append(payload, records, whole);
        written.map_err(|error| {
            self.failed = true;
            Error::Spool {
                path: self.folder.clone(),
                problem: format!(
                    "records cannot be written down: {error}; they are still in memory"
                ),
            }
        })
    }

    fn try_append(&mut self, payload: &[u8], records: i64, whole: bool) -> io::Result<()> {
        if self.file.is_none() || self.file_bytes >= SEGMENT_BYTES {
            self.begin_file()?;
        }
        let records = u32::try_from(records).map_err(io::Error::other)?;
        let head = segment::batch_head(records, whole, payload);
        if let Some(file) = &mut self.file {
            file.write_all(&head)?;
            file.write_all(payload)?;
            if self.sync == SpoolSync::Always {
                file.sync_data()?;
            }
        }
        self.file_bytes += (head.len() + payload.len()) as u64;
        self.queued += u64::from(records);
        if let Some((_, end)) = self.files.back_mut() {
            *end = self.queued;
        }
        Ok(())
    }

    fn begin_file(&mut self) -> io::Result<()> {
        let path = self.folder.join(file_name(self.queued));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path)?;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        self.header.first_record = self.queued;
        self.header.begun_millis = now.map_or(0, |now| u64::try_from(now.as_millis()).unwrap_or(0));
        let header = segment::header_bytes(&self.header);
        file.write_all(&header)?;
        if self.sync == SpoolSync::Always {
            file.sync_all()?;
            sync_folder(&self.folder)?;
        }
        self.file = Some(file);
        self.file_bytes = header.len() as u64;
        self.files.push_back((path, self.queued));
        Ok(())
    }

    /// So many more records are acked, or were handed out.
    pub(crate) fn settled(&mut self, records: i64) {
        if records <= 0 {
            return;
        }
        self.acked += records.unsigned_abs();
        let acked = self.acked;
        if acked >= self.queued && self.file_bytes >= ACKED_BYTES {
            self.file = None;
        }
        self.remove_acked();
        if let Some(file) = &mut self.file
            && !self.failed
        {
            // What is not noted down is sent again after a crash, which is the worst of it.
            let _ = file.write_all(&segment::acked_entry(acked));
        }
    }

    /// Everything is acked and nothing more comes.
    pub(crate) fn finish(&mut self) {
        if self.acked >= self.queued {
            self.file = None;
            self.remove_acked();
        }
    }

    /// Throws away a last file without records, whose name the next one will have.
    fn remove_empty(&mut self) {
        let next = self.folder.join(file_name(self.queued));
        if self.files.back().is_some_and(|(path, _)| *path == next) {
            self.files.pop_back();
            let _ = fs::remove_file(next);
        }
    }

    /// Throws away the files in which everything is acked, but for the one that is being written.
    fn remove_acked(&mut self) {
        let keep = usize::from(self.file.is_some());
        while self.files.len() > keep
            && let Some((path, end)) = self.files.front()
            && *end <= self.acked
        {
            if let Err(error) = fs::remove_file(path) {
                tracing::warn!(path = %path.display(), %error, "a file of the spool cannot be removed");
            }
            self.files.pop_front();
        }
    }
}

impl Drop for SpoolWriter {
    fn drop(&mut self) {
        self.finish();
    }
}

/// Whether a stream has the folder at this moment.
pub(super) fn is_locked(folder: &Path) -> bool {
    let Ok(file) = File::open(folder.join(LOCK_FILE)) else {
        return false;
    };
    matches!(FileExt::try_lock(&file), Err(TryLockError::WouldBlock))
}

fn lock(folder: &Path) -> Result<File, Error> {
    let path = folder.join(LOCK_FILE);
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options
        .open(&path)
        .map_err(|error| io_error(&path, &error))?;
    match FileExt::try_lock(&file) {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::Spool {
            path: folder.to_owned(),
            problem: "another stream has it; give each stream a folder of its own".to_owned(),
        }),
        Err(TryLockError::Error(error)) => Err(io_error(&path, &error)),
    }
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn check_same(folder: &Path, header: &Header, left: &Leftovers) -> Result<(), Error> {
    let Some(found) = left.header.as_ref().filter(|_| !left.messages.is_empty()) else {
        return Ok(());
    };
    let what = if found.table != header.table {
        "another table"
    } else if (found.json, &found.descriptor) != (header.json, &header.descriptor) {
        "another type of records"
    } else {
        return Ok(());
    };
    Err(Error::Spool {
        path: folder.to_owned(),
        problem: format!(
            "it holds {} records of {what} ({}); send them with `zerobus replay`, or give this stream another folder",
            left.records(),
            found.table
        ),
    })
}

fn descriptor(format: &Format) -> Bytes {
    let descriptor = format.descriptor.clone();
    descriptor.map_or_else(Bytes::new, crate::descriptor::ProtoDescriptor::into_bytes)
}

fn cut_off(path: &Path, len: usize) -> io::Result<()> {
    tracing::warn!(path = %path.display(), len, "the end of a file of the spool was half written, and is cut off");
    if len == 0 {
        return fs::remove_file(path);
    }
    let file = OpenOptions::new().write(true).open(path)?;
    file.set_len(len as u64)?;
    file.sync_all()
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
