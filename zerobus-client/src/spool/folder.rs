//! The folder of a spool, which one stream has at a time.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use fs4::{FileExt, TryLockError};

use super::error::{WriteError, io_error, spool_error};
use super::{Spool, SpoolErrorKind, SpoolSync};
use crate::error::Error;

const LOCK_FILE: &str = "lock";
/// Who looks whether a folder is in use has its lock for a moment.
const LOOKS: u32 = 20;
const LOOK: Duration = Duration::from_millis(1);

/// A folder that this stream has. Dropped, it is free.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    pub(super) sync: SpoolSync,
    lock: File,
}

impl Folder {
    /// Makes the folder when it is missing, and takes it.
    pub(super) fn take(spool: &Spool) -> Result<Self, Error> {
        let path = spool.folder().to_owned();
        make(&path, spool.sync).map_err(|error| io_error(&path, &error))?;
        let lock = lock(&path)?;
        Ok(Self {
            sync: spool.sync,
            path,
            lock,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Has what was made or renamed in it survive a crash of the machine, when that is asked for.
    pub(super) fn flush(&self) -> io::Result<()> {
        match self.sync {
            SpoolSync::Os => Ok(()),
            SpoolSync::Always => sync_folder(&self.path),
        }
    }

    /// Whether what is at its path is still this very folder: otherwise nothing may be made or removed there.
    pub(super) fn check_in_place(&self) -> Result<(), WriteError> {
        let there = fs::metadata(self.path.join(LOCK_FILE));
        let is_ours = match there {
            Ok(there) => is_same(&there, &self.lock.metadata()?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(error.into()),
        };
        if is_ours {
            Ok(())
        } else {
            Err(WriteError::Gone)
        }
    }

    /// Removes a file of it, if it is there.
    pub(super) fn remove(&self, path: &Path) -> Result<(), WriteError> {
        self.check_in_place()?;
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }
}

/// Whether a stream has the folder at this moment.
pub(super) fn is_in_use(folder: &Path) -> bool {
    let Ok(file) = File::open(folder.join(LOCK_FILE)) else {
        return false;
    };
    // Shared, so that two who look do not take each other for a stream.
    matches!(
        FileExt::try_lock_shared(&file),
        Err(TryLockError::WouldBlock)
    )
}

fn lock(folder: &Path) -> Result<File, Error> {
    let path = folder.join(LOCK_FILE);
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    owner_only(&mut options);
    let file = options
        .open(&path)
        .map_err(|error| io_error(&path, &error))?;
    let mut looks = 0;
    loop {
        match FileExt::try_lock(&file) {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if looks < LOOKS => sleep(LOOK),
            Err(TryLockError::WouldBlock) => {
                let problem = "another stream has it; give each stream a folder of its own";
                return Err(spool_error(folder, SpoolErrorKind::InUse, problem));
            }
            Err(TryLockError::Error(error)) => return Err(io_error(&path, &error)),
        }
        looks += 1;
    }
}

fn make(path: &Path, sync: SpoolSync) -> io::Result<()> {
    let there = path.ancestors().find(|folder| folder.exists());
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    if sync == SpoolSync::Os || there == Some(path) {
        return Ok(());
    }
    // Each folder that has a new one in it.
    for parent in path.ancestors().skip(1) {
        let is_here = parent.as_os_str().is_empty();
        sync_folder(if is_here { Path::new(".") } else { parent })?;
        if there == Some(parent) {
            break;
        }
    }
    Ok(())
}

/// What holds records is for its owner alone.
pub(super) fn owner_only(options: &mut OpenOptions) {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    #[cfg(not(unix))]
    let _ = options;
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn is_same(one: &fs::Metadata, other: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// Where a file that is open cannot be deleted or replaced.
#[cfg(not(unix))]
fn is_same(_: &fs::Metadata, _: &fs::Metadata) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

    use super::*;

    #[test]
    fn who_looks_keeps_no_stream_from_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::at(folder.path());
        drop(Folder::take(&spool).unwrap());
        let looks = AtomicU32::new(0);
        let is_done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_done.load(Ordering::Relaxed) {
                    is_in_use(folder.path());
                    looks.fetch_add(1, Ordering::Relaxed);
                }
            });
            let mut taken = Ok(());
            while taken.is_ok() && looks.load(Ordering::Relaxed) < 2_000 {
                taken = Folder::take(&spool).map(|folder| assert!(is_in_use(folder.path())));
            }
            is_done.store(true, Ordering::Relaxed);
            assert!(taken.is_ok(), "{taken:?}");
        });
        assert!(!is_in_use(folder.path()));
    }

    #[test]
    fn a_folder_is_one_streams_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::at(folder.path().join("a/b")).sync(SpoolSync::Always);
        let first = Folder::take(&spool).unwrap();
        let error = Folder::take(&spool).unwrap_err();
        assert!(
            matches!(
                error,
                Error::Spool {
                    kind: SpoolErrorKind::InUse,
                    ..
                }
            ),
            "{error:?}"
        );
        assert!(error.is_retryable());
        drop(first);
        Folder::take(&spool).unwrap();
    }
}
