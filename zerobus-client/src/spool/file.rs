//! One segment that is being written.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::SpoolSync;
use super::error::WriteError;
use super::folder::{Folder, owner_only};
use super::segment::{self, Header, Place};

/// A segment has its name once its header is whole.
pub(super) const UNFINISHED: &str = "unfinished";

/// A segment that ends with its last entry.
#[derive(Debug)]
pub(super) struct SegmentFile {
    file: File,
    path: PathBuf,
    salt: u64,
    /// What is in it, whole.
    len: u64,
    /// What stands behind that cannot be relied on: a write has failed.
    is_torn: bool,
}

impl SegmentFile {
    pub(super) fn begin(
        folder: &Folder,
        path: PathBuf,
        header: &Header,
        first_record: u64,
    ) -> Result<Self, WriteError> {
        folder.check_in_place()?;
        if path.try_exists()? {
            // Somebody else put it there.
            return Err(io::Error::from(io::ErrorKind::AlreadyExists).into());
        }
        let unfinished = path.with_extension(UNFINISHED);
        let begun = Self::write_header(folder, &unfinished, header, first_record);
        let named = begun.and_then(|begun| fs::rename(&unfinished, &path).map(|()| begun));
        let (file, len) = named.inspect_err(|_| remove(&unfinished))?;
        folder.flush().inspect_err(|_| remove(&path))?;
        Ok(Self {
            file,
            path,
            salt: header.salt,
            len,
            is_torn: false,
        })
    }

    fn write_header(
        folder: &Folder,
        path: &Path,
        header: &Header,
        first_record: u64,
    ) -> io::Result<(File, u64)> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        owner_only(&mut options);
        let mut file = options.open(path)?;
        let bytes = segment::begin(header, first_record);
        write(&mut file, &bytes)?;
        if folder.sync == SpoolSync::Always {
            file.sync_all()?;
        }
        Ok((file, bytes.len() as u64))
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether what is written to it can still be found.
    pub(super) fn check_there(&self) -> Result<(), WriteError> {
        match is_deleted(&self.file)? {
            true => Err(WriteError::Gone),
            false => Ok(()),
        }
    }

    /// Adds the records of one message, `first_record` being how many of the spool come before.
    ///
    /// # Errors
    /// They are not in it then, and nothing may be added before [`cut_back`](Self::cut_back).
    pub(super) fn append(
        &mut self,
        first_record: u64,
        records: u32,
        whole: bool,
        payload: &[u8],
        sync: SpoolSync,
    ) -> Result<(), WriteError> {
        let head = segment::batch_head(self.place(first_record), records, whole, payload);
        self.is_torn = true;
        write(&mut self.file, &head)?;
        write(&mut self.file, payload)?;
        if sync == SpoolSync::Always {
            sync_data(&self.file)?;
        }
        self.is_torn = false;
        self.len += (head.len() + payload.len()) as u64;
        Ok(())
    }

    /// Adds a note of how many records of the spool are acked.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub(super) fn note_acked(&mut self, first_record: u64, acked: u64) -> Result<(), WriteError> {
        let note = segment::acked_note(self.place(first_record), acked);
        self.is_torn = true;
        write(&mut self.file, &note)?;
        self.is_torn = false;
        self.len += note.len() as u64;
        Ok(())
    }

    /// Has it end with its last whole entry again.
    pub(super) fn cut_back(&self, sync: SpoolSync) -> io::Result<()> {
        if !self.is_torn {
            return Ok(());
        }
        cut(&self.file, self.len)?;
        match sync {
            SpoolSync::Os => Ok(()),
            SpoolSync::Always => self.file.sync_all(),
        }
    }

    fn place(&self, first_record: u64) -> Place {
        Place {
            salt: self.salt,
            at: self.len,
            first_record,
        }
    }
}

/// A file without records. If it stays, the next one that begins says so.
fn remove(path: &Path) {
    let _ = fs::remove_file(path);
}

/// What is written to it would be nobody's.
#[cfg(unix)]
fn is_deleted(file: &File) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    Ok(file.metadata()?.nlink() == 0)
}

#[cfg(not(unix))]
fn is_deleted(_: &File) -> io::Result<bool> {
    Ok(false)
}

fn write(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    #[cfg(test)]
    if let Some(room) = faults::too_small(bytes.len()) {
        file.write_all(&bytes[..room])?;
        return Err(io::ErrorKind::StorageFull.into());
    }
    file.write_all(bytes)
}

fn cut(file: &File, len: u64) -> io::Result<()> {
    #[cfg(test)]
    faults::check_cut()?;
    file.set_len(len)
}

fn sync_data(file: &File) -> io::Result<()> {
    #[cfg(test)]
    faults::check_sync()?;
    file.sync_data()
}

/// A disk that does not do as it should, for the tests of one thread.
#[cfg(test)]
pub(super) mod faults {
    use std::cell::Cell;
    use std::io;

    /// What the disk does.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub(in super::super) struct Disk {
        /// So many bytes can still be written.
        pub(in super::super) room: Option<usize>,
        pub(in super::super) cannot_cut: bool,
        pub(in super::super) cannot_sync: bool,
    }

    thread_local! {
        static DISK: Cell<Disk> = Cell::default();
    }

    pub(in super::super) fn set(disk: Disk) {
        DISK.set(disk);
    }

    /// How much of a write is done before it fails.
    pub(super) fn too_small(bytes: usize) -> Option<usize> {
        let mut disk = DISK.get();
        let room = disk.room?;
        disk.room = Some(room.saturating_sub(bytes));
        DISK.set(disk);
        (bytes > room).then_some(room)
    }

    pub(super) fn check_cut() -> io::Result<()> {
        fail(DISK.get().cannot_cut)
    }

    pub(super) fn check_sync() -> io::Result<()> {
        fail(DISK.get().cannot_sync)
    }

    fn fail(fails: bool) -> io::Result<()> {
        if fails {
            Err(io::Error::other("an input/output error"))
        } else {
            Ok(())
        }
    }
}
