//! Where a safety log lies.

use super::{FILE, FILE_NEW};
use crate::{StorageError, folder};
use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// One file that is read, appended to and replaced as a whole. What returns without an error is durable.
pub(super) trait Medium {
    /// The whole file; nothing where there is none.
    fn read(&self) -> Result<Option<Vec<u8>>, StorageError>;
    /// Writes to its end.
    fn append(&mut self, bytes: &[u8]) -> Result<(), StorageError>;
    /// Puts another file in its place: after a crash there is the old one or the new one.
    fn replace(&mut self, bytes: &[u8]) -> Result<(), StorageError>;
}

/// A file in a folder.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    open: Option<File>,
}

impl Folder {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.into(), open: None }
    }
}

/// A full disk has its own name: the operator can do something about it.
fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StorageError {
    let path = path.to_owned();
    move |error| match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            StorageError::DiskFull { action: "writing the safety log" }
        }
        _ => StorageError::io(action, path)(error),
    }
}

impl Medium for Folder {
    fn read(&self) -> Result<Option<Vec<u8>>, StorageError> {
        let path = self.path.join(FILE);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StorageError::io("read", path)(error)),
        }
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        let path = self.path.join(FILE);
        let file = match &mut self.open {
            Some(file) => file,
            none => none.insert(File::options().append(true).open(&path).map_err(failed("open", &path))?),
        };
        file.write_all(bytes).map_err(failed("write", &path))?;
        file.sync_data().map_err(failed("sync", &path))
    }

    fn replace(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        self.open = None;
        let (new, path) = (self.path.join(FILE_NEW), self.path.join(FILE));
        let mut options = File::options();
        options.create(true).write(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&new).map_err(failed("create", &new))?;
        file.write_all(bytes).map_err(failed("write", &new))?;
        file.sync_all().map_err(failed("sync", &new))?;
        fs::rename(&new, &path).map_err(failed("rename", &new))?;
        folder::sync(&self.path)
    }
}
