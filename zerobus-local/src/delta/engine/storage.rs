//! Listing, reading and writing the files of the log.

use std::fs;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use delta_kernel::{
    FileMeta, FileSlice, KernelError, KernelResult, KernelResultIteratorStatic, StorageHandler,
};
use url::Url;

use crate::delta::DeltaError;
use crate::delta::durable::{Durability, Existing};

#[derive(Debug)]
pub(super) struct Storage {
    pub(super) durability: Durability,
}

impl StorageHandler for Storage {
    fn list_from(&self, path: &Url) -> KernelResult<KernelResultIteratorStatic<FileMeta>> {
        let start = local_path(path)?;
        let folder = if path.path().ends_with('/') {
            start.as_path()
        } else {
            start.parent().unwrap_or(&start)
        };
        let mut files = Vec::new();
        list_into(folder, &start, &mut files)?;
        files.sort_unstable_by(|a, b| a.location.cmp(&b.location));
        Ok(Box::new(files.into_iter().map(Ok)))
    }

    fn read_files(&self, files: Vec<FileSlice>) -> KernelResult<KernelResultIteratorStatic<Bytes>> {
        Ok(Box::new(files.into_iter().map(|(url, range)| {
            let path = local_path(&url)?;
            let bytes = match range {
                None => fs::read(&path),
                Some(range) => read_range(&path, range.start, range.end),
            };
            bytes
                .map(Bytes::from)
                .map_err(|source| DeltaError::io(&path, "read", source).into())
        })))
    }

    fn copy_atomic(&self, src: &Url, dest: &Url) -> KernelResult<()> {
        let src = local_path(src)?;
        let bytes = fs::read(&src).map_err(|source| DeltaError::io(&src, "read", source))?;
        Ok(self
            .durability
            .write(&local_path(dest)?, &bytes, Existing::Keep, || Ok(()))?)
    }

    fn put(&self, path: &Url, data: Bytes, overwrite: bool) -> KernelResult<()> {
        let existing = if overwrite {
            Existing::Replace
        } else {
            Existing::Keep
        };
        Ok(self
            .durability
            .write(&local_path(path)?, &data, existing, || Ok(()))?)
    }

    fn head(&self, path: &Url) -> KernelResult<FileMeta> {
        let local = local_path(path)?;
        let metadata =
            fs::metadata(&local).map_err(|source| DeltaError::io(&local, "read", source))?;
        Ok(file_meta(path.clone(), &metadata))
    }

    fn delete(&self, path: &Url) -> KernelResult<()> {
        let path = local_path(path)?;
        match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other.map_err(|source| DeltaError::io(&path, "remove", source).into()),
        }
    }
}

/// Everything under a folder that comes after `start`, but hidden files, which are nobody's yet.
fn list_into(folder: &Path, start: &Path, files: &mut Vec<FileMeta>) -> KernelResult<()> {
    let failed = |source| KernelError::from(DeltaError::io(folder, "list", source));
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        let path = entry.path();
        let is_folder = entry.file_type().map_err(failed)?.is_dir();
        if is_folder {
            list_into(&path, start, files)?;
            continue;
        }
        // A long log is mostly what was read before: look no further into it.
        if path.as_os_str() <= start.as_os_str() {
            continue;
        }
        let metadata = match entry.metadata() {
            Ok(metadata) => metadata,
            // Removed while the folder was read: as if it had not been there.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(failed(error)),
        };
        files.push(file_meta(url_of(&path)?, &metadata));
    }
    Ok(())
}

fn file_meta(location: Url, metadata: &fs::Metadata) -> FileMeta {
    let modified = metadata
        .modified()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
        .and_then(|since| i64::try_from(since.as_millis()).ok())
        .unwrap_or_default();
    FileMeta::new(location, modified, metadata.len())
}

fn read_range(path: &Path, start: u64, end: u64) -> io::Result<Vec<u8>> {
    let mut file = fs::File::open(path)?;
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(end.saturating_sub(start))
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

pub(super) fn local_path(url: &Url) -> KernelResult<PathBuf> {
    url.to_file_path()
        .map_err(|()| KernelError::InvalidTableLocation(format!("{url} is not a local file")))
}

fn url_of(path: &Path) -> KernelResult<Url> {
    Url::from_file_path(path).map_err(|()| {
        KernelError::InvalidTableLocation(format!("{} is not absolute", path.display()))
    })
}
