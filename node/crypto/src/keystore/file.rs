//! Reading and writing a file that only its owner may see.

use super::KeystoreError;
use crate::secret::random;
use alloy_primitives::hex;
use qsdm_primitives::limits::KEYSTORE_BYTES_MAX;
use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::{self, Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// The owner reads and writes, nobody else does anything.
const MODE: u32 = 0o600;
/// Permissions of the group and of everybody else.
const OTHERS: u32 = 0o077;

pub(super) fn read(path: &Path) -> Result<Vec<u8>, KeystoreError> {
    let failed = |error| io_error(path, "read", error);
    // Looked at before it is opened: opening a pipe would wait for its writer.
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(KeystoreError::NoFile { path: path.to_path_buf() });
    }
    let file = File::open(path).map_err(failed)?;
    // And again what is open now: another file may have taken the name.
    let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o7777;
    if mode & OTHERS != 0 {
        return Err(KeystoreError::Permissions { path: path.to_path_buf(), mode });
    }
    let mut bytes = Vec::new();
    file.take(KEYSTORE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > KEYSTORE_BYTES_MAX {
        return Err(KeystoreError::TooLong { path: path.to_path_buf(), max: KEYSTORE_BYTES_MAX });
    }
    Ok(bytes)
}

pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), KeystoreError> {
    // Not needed for what follows, but nothing is written where the outcome is known.
    if fs::symlink_metadata(path).is_ok() {
        return Err(KeystoreError::Exists { path: path.to_path_buf() });
    }
    let partial = beside(path)?;
    let written = write_new(&partial, bytes).and_then(|()| publish(&partial, path));
    let removed = fs::remove_file(&partial);
    written.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => KeystoreError::Exists { path: path.to_path_buf() },
        _ => io_error(path, "written", error),
    })?;
    removed.map_err(|error| io_error(&partial, "removed", error))?;
    // The names are durable only when the folder is.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| io_error(folder, "synced", error))
}

/// A name in the same folder that nobody has.
fn beside(path: &Path) -> Result<PathBuf, KeystoreError> {
    let mut unique = [0; 8];
    random(&mut unique)?;
    let Some(name) = path.file_name() else {
        return Err(KeystoreError::NoFile { path: path.to_path_buf() });
    };
    let mut partial = name.to_os_string();
    partial.push(format!(".{}.partial", hex::encode(unique)));
    Ok(path.with_file_name(partial))
}

pub(super) fn write_new(partial: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(partial)?;
    // The process's mask may have taken bits away from the owner too.
    file.set_permissions(Permissions::from_mode(MODE))?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Gives the finished file its name. A second name is refused where there is one already; renaming would overwrite it.
pub(super) fn publish(partial: &Path, path: &Path) -> io::Result<()> {
    fs::hard_link(partial, path)
}

fn io_error(path: &Path, what: &'static str, error: io::Error) -> KeystoreError {
    KeystoreError::Io { path: path.to_path_buf(), what, error }
}
