//! The folder of a node.

use super::config::{Config, DEFAULT};
use eyre::{Result, WrapErr, bail, eyre};
use qsdm_crypto::{
    LocalSigner, Password, Seed,
    keystore::{KdfCost, Keystore},
};
use qsdm_network::NodeKey;
use qsdm_primitives::{Algorithm, ChainSpec, PublicKey, limits::PASSWORD_BYTES_MAX};
use qsdm_storage::SafetyLog;
use std::{
    fs::{self, File, OpenOptions},
    io::{ErrorKind, Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// The folder of a node.
#[derive(Clone, Debug)]
pub(crate) struct Folder(PathBuf);

/// Only the owner reads and writes.
const MODE: u32 = 0o600;
/// Only the owner lists.
const FOLDER_MODE: u32 = 0o700;
/// Longest specification: some megabytes of contracts.
const GENESIS_BYTES_MAX: u64 = 64 * 1024 * 1024;

impl Folder {
    pub(crate) fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn config_path(&self) -> PathBuf {
        self.0.join("config.toml")
    }

    pub(crate) fn genesis_path(&self) -> PathBuf {
        self.0.join("genesis.json")
    }

    pub(crate) fn node_key_path(&self) -> PathBuf {
        self.0.join("keys/node.key")
    }

    pub(crate) fn validator_key_path(&self) -> PathBuf {
        self.0.join("keys/validator.json")
    }

    pub(crate) fn password_path(&self) -> PathBuf {
        self.0.join("keys/password")
    }

    /// A path of the configuration: relative ones begin at the folder.
    pub(crate) fn resolve(&self, path: &Path) -> PathBuf {
        self.0.join(path)
    }

    pub(crate) fn config(&self) -> Result<Config> {
        Config::read(&self.config_path())
    }

    /// The chain.
    ///
    /// # Errors
    /// Where the file can't be read or is no specification.
    pub(crate) fn genesis(&self) -> Result<ChainSpec> {
        read_genesis(&self.genesis_path())
    }

    /// Who the node is on the network; the key is made where there is none.
    pub(crate) fn node_key(&self) -> Result<NodeKey> {
        self.make_keys_folder()?;
        Ok(NodeKey::open(&self.node_key_path())?)
    }

    fn make_keys_folder(&self) -> Result<()> {
        let keys = self.0.join("keys");
        fs::create_dir_all(&keys).wrap_err_with(|| format!("{} can't be made", keys.display()))?;
        fs::set_permissions(&keys, fs::Permissions::from_mode(FOLDER_MODE))
            .wrap_err_with(|| format!("the permissions of {} can't be set", keys.display()))
    }

    /// Begins a folder: configuration and specification. Nothing that is there is overwritten.
    pub(crate) fn begin(&self, config: Option<&str>, genesis: &ChainSpec) -> Result<()> {
        fs::create_dir_all(&self.0).wrap_err_with(|| format!("{} can't be made", self.0.display()))?;
        let text = serde_json::to_string(genesis).wrap_err("the specification can't be written")?;
        write_new(&self.genesis_path(), text.as_bytes())?;
        write_new(&self.config_path(), config.unwrap_or(DEFAULT).as_bytes())
    }

    /// Makes a validator's key, and the log of what it signs. Nothing that is there is overwritten.
    pub(crate) fn make_validator_key(
        &self,
        chain_id: u64,
        seed: &Seed,
        password: &Password,
        cost: KdfCost,
    ) -> Result<PublicKey> {
        self.make_keys_folder()?;
        let keystore = Keystore::lock(Algorithm::MlDsa65, seed, password, cost)?;
        keystore.write(&self.validator_key_path())?;
        // from here on a missing log is a lost one
        SafetyLog::begin(&self.0, chain_id, keystore.public_key())?;
        Ok(keystore.public_key().clone())
    }

    /// Writes a password for a node that starts by itself.
    pub(crate) fn keep_password(&self, password: &str) -> Result<()> {
        self.make_keys_folder()?;
        write_new(&self.password_path(), password.as_bytes())
    }

    /// Opens the validator's key.
    pub(crate) fn signer(&self, key: &Path, password_file: Option<&Path>) -> Result<LocalSigner> {
        let path = self.resolve(key);
        let keystore = Keystore::read(&path).wrap_err_with(|| format!("the validator's key {}", path.display()))?;
        let file = password_file.ok_or_else(|| {
            eyre!("the password of {} is not known: name its file with --password-file, QSDM_PASSWORD_FILE or `password_file` in config.toml", path.display())
        })?;
        let password = read_password(&self.resolve(file))?;
        keystore.unlock(&password).wrap_err_with(|| format!("the validator's key {}", path.display()))
    }
}

/// Reads a specification.
pub(crate) fn read_genesis(path: &Path) -> Result<ChainSpec> {
    let named = || format!("{}: the specification of the chain; get the file from whoever runs it", path.display());
    let file = File::open(path).wrap_err_with(named)?;
    let mut text = Vec::new();
    file.take(GENESIS_BYTES_MAX).read_to_end(&mut text).wrap_err_with(named)?;
    let spec: ChainSpec = serde_json::from_slice(&text).wrap_err_with(named)?;
    spec.check().wrap_err_with(named)?;
    Ok(spec)
}

/// Reads a password: the first line of a file that only its owner may read.
pub(crate) fn read_password(path: &Path) -> Result<Password> {
    let named = || format!("the password file {}", path.display());
    let file = File::open(path).wrap_err_with(named)?;
    let metadata = file.metadata().wrap_err_with(named)?;
    let mode = metadata.permissions().mode() & 0o777;
    if metadata.is_file() && mode & 0o077 != 0 {
        bail!("{} has the permissions {mode:o}, others may read it: chmod 600", path.display());
    }
    let mut password = Vec::new();
    file.take(PASSWORD_BYTES_MAX as u64 + 2).read_to_end(&mut password).wrap_err_with(named)?;
    if let Some(end) = password.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
        password.truncate(end);
    }
    Ok(Password::new(password))
}

/// Writes a file that does not exist yet, for its owner alone.
pub(crate) fn write_new(path: &Path, content: &[u8]) -> Result<()> {
    let mut file = match OpenOptions::new().write(true).create_new(true).mode(MODE).open(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            bail!("{} exists already and is not overwritten: name another folder", path.display());
        }
        opened => opened.wrap_err_with(|| format!("{} can't be written", path.display()))?,
    };
    file.write_all(content)
        .and_then(|()| file.sync_all())
        .wrap_err_with(|| format!("{} can't be written", path.display()))
}
