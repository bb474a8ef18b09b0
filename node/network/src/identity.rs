//! The key that a node shows on the network. It proves who sends; what validators sign is signed with another one.

use crate::error::NetworkError;
use alloy_primitives::hex;
use libp2p::{PeerId as NodeId, identity::Keypair};
use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};

/// Only its owner may use it.
const MODE: u32 = 0o600;
/// 32 bytes in hexadecimal, and a line's end.
const FILE_BYTES_MAX: u64 = 66;

/// An Ed25519 key pair.
#[derive(Clone)]
pub struct NodeKey(Keypair);

impl NodeKey {
    /// A new key.
    pub fn generate() -> Self {
        Self(Keypair::generate_ed25519())
    }

    /// The key of a file; one is made and written where there is no file.
    ///
    /// # Errors
    /// [`NetworkError`] where the file can't be read or written, can be used by others, or holds something else.
    pub fn open(path: &Path) -> Result<Self, NetworkError> {
        let failed = |what, error| NetworkError::KeyFile { path: path.to_path_buf(), what, error };
        match fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let key = Self::generate();
                key.write(path).map_err(|error| failed("written", error))?;
                Ok(key)
            }
            Err(error) => Err(failed("read", error)),
            Ok(metadata) if !metadata.is_file() => Err(NetworkError::KeyMalformed { path: path.to_path_buf() }),
            Ok(_) => Self::read(path),
        }
    }

    /// Who the node with this key is.
    pub fn node_id(&self) -> NodeId {
        self.0.public().to_peer_id()
    }

    pub(crate) fn keypair(&self) -> &Keypair {
        &self.0
    }

    fn read(path: &Path) -> Result<Self, NetworkError> {
        let failed = |error| NetworkError::KeyFile { path: path.to_path_buf(), what: "read", error };
        let malformed = || NetworkError::KeyMalformed { path: path.to_path_buf() };
        let file = File::open(path).map_err(failed)?;
        let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(NetworkError::KeyPermissions { path: path.to_path_buf(), mode });
        }
        let mut text = Vec::new();
        file.take(FILE_BYTES_MAX).read_to_end(&mut text).map_err(failed)?;
        let mut bytes = hex::decode(text.trim_ascii()).map_err(|_| malformed())?;
        Keypair::ed25519_from_bytes(&mut bytes).map(Self).map_err(|_| malformed())
    }

    fn write(&self, path: &Path) -> io::Result<()> {
        let pair = self.0.clone().try_into_ed25519().map_err(io::Error::other)?;
        let mut file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(path)?;
        file.set_permissions(fs::Permissions::from_mode(MODE))?;
        writeln!(file, "{}", hex::encode(pair.secret().as_ref()))?;
        file.sync_all()
    }
}

impl fmt::Debug for NodeKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "NodeKey({})", self.node_id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_only_for_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p2p.key");
        let made = NodeKey::open(&path).unwrap();
        assert_eq!(NodeKey::open(&path).unwrap().node_id(), made.node_id());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, MODE);

        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(NodeKey::open(&path), Err(NetworkError::KeyPermissions { mode: 0o640, .. })));
    }

    #[test]
    fn a_file_with_something_else_is_named() {
        let folder = tempfile::tempdir().unwrap();
        for content in ["", "00", "zz", &"00".repeat(64), &"0".repeat(63)] {
            let path = folder.path().join("p2p.key");
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(MODE)).unwrap();
            assert!(matches!(NodeKey::open(&path), Err(NetworkError::KeyMalformed { .. })), "{content:?}");
        }
        assert!(matches!(NodeKey::open(folder.path()), Err(NetworkError::KeyMalformed { .. })));
        assert!(matches!(NodeKey::open(&folder.path().join("no/p2p.key")), Err(NetworkError::KeyFile { .. })));
    }
}
