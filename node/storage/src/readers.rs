//! A bounded pool of read-only connections, so that requests never wait for the writer.

use crate::{StorageError, schema, seal::Opener};
use parking_lot::{Condvar, Mutex};
use qsdm_primitives::limits::STORE_READERS;
use rusqlite::Connection;
use std::path::PathBuf;

/// A connection and the decompression context that goes with it.
pub(crate) struct Reader {
    pub(crate) connection: Connection,
    pub(crate) opener: Opener,
}

impl Reader {
    pub(crate) fn new(connection: Connection) -> Result<Self, StorageError> {
        Ok(Self { connection, opener: Opener::new()? })
    }
}

#[derive(Default)]
struct State {
    idle: Vec<Reader>,
    opened: usize,
}

/// At most [`STORE_READERS`] connections, opened when first needed. A caller waits while all are in use; none holds one
/// while it runs code of its caller, so they all come back.
pub(crate) struct Readers {
    path: PathBuf,
    state: Mutex<State>,
    returned: Condvar,
}

/// Gives the connection back when dropped, in a panic too.
struct Lent<'a> {
    readers: &'a Readers,
    reader: Option<Reader>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let mut state = self.readers.state.lock();
        match self.reader.take() {
            Some(reader) => state.idle.push(reader),
            None => state.opened -= 1,
        }
        self.readers.returned.notify_one();
    }
}

impl Readers {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, state: Mutex::default(), returned: Condvar::new() }
    }

    /// Runs `read` with a connection of the pool.
    pub(crate) fn with<T>(&self, read: impl FnOnce(&mut Reader) -> Result<T, StorageError>) -> Result<T, StorageError> {
        let mut state = self.state.lock();
        while state.idle.is_empty() && state.opened == STORE_READERS {
            self.returned.wait(&mut state);
        }
        let reader = state.idle.pop();
        if reader.is_none() {
            state.opened += 1;
        }
        drop(state);
        let mut lent = Lent { readers: self, reader };
        let reader = match &mut lent.reader {
            Some(reader) => reader,
            none => none.insert(self.dedicated()?),
        };
        read(reader)
    }

    /// A connection of the caller's own, for scans that run the caller's code.
    pub(crate) fn dedicated(&self) -> Result<Reader, StorageError> {
        Reader::new(schema::reader(&self.path)?)
    }
}
