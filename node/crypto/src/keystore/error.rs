//! Why a keystore can't be opened or written.

use crate::error::CryptoError;
use qsdm_primitives::limits::{KEYSTORE_ARGON2_KIB_MAX, KEYSTORE_ARGON2_LANES_MAX, KEYSTORE_ARGON2_WORK_KIB_MAX};
use std::{io, path::PathBuf};

/// Why a keystore can't be opened or written, and what helps.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeystoreError {
    /// The file is whole; the password is another one.
    #[error("the password does not open this keystore")]
    WrongPassword,
    /// No password at all.
    #[error("an empty password protects nothing")]
    EmptyPassword,
    /// A password over its limit.
    #[error("the password has {found} bytes, at most {max} are allowed")]
    LongPassword {
        /// Its length in bytes.
        found: usize,
        /// Most bytes.
        max: usize,
    },
    /// The file is not what was written.
    #[error("the keystore is damaged: {what}; restore it from a copy")]
    Damaged {
        /// What is wrong with it.
        what: String,
    },
    /// Written by a later release.
    #[error("the keystore is of version {found}, this release reads version {known}")]
    UnknownVersion {
        /// Version in the file.
        found: u64,
        /// The version that is read.
        known: u64,
    },
    /// The password opens it, but the key inside is not the one outside.
    #[error("the key in the keystore is not the one whose public key the file states")]
    OtherKey,
    /// Unlocking would take more than a keystore may ask for, or less than Argon2 can do with.
    #[error(
        "the keystore asks for Argon2id with {memory_kib} KiB, {passes} passes and {lanes} lanes; allowed are 8 KiB a \
         lane to {KEYSTORE_ARGON2_KIB_MAX} KiB, {KEYSTORE_ARGON2_WORK_KIB_MAX} KiB times passes and \
         {KEYSTORE_ARGON2_LANES_MAX} lanes"
    )]
    Cost {
        /// Memory in KiB.
        memory_kib: u32,
        /// Passes over it.
        passes: u32,
        /// Lanes.
        lanes: u32,
    },
    /// The machine has too little memory to unlock it.
    #[error("there are no {memory_kib} KiB of memory to unlock the keystore")]
    Memory {
        /// Memory in KiB.
        memory_kib: u32,
    },
    /// Others than the owner may read or write the file.
    #[error("{path} has mode {mode:04o}: others may read or change the key; run `chmod 600 {path}`", path = path.display())]
    Permissions {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// No ordinary file.
    #[error("{path} is no file", path = path.display())]
    NoFile {
        /// What is there instead.
        path: PathBuf,
    },
    /// Longer than any keystore.
    #[error("{path} has more than {max} bytes: it is no keystore", path = path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// Most bytes.
        max: usize,
    },
    /// There is something already: a key is never overwritten.
    #[error("{path} exists: a keystore is never written over another file", path = path.display())]
    Exists {
        /// The path.
        path: PathBuf,
    },
    /// The file system says no.
    #[error("{path} could not be {what}: {error}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was done with it.
        what: &'static str,
        /// What the file system says.
        #[source]
        error: io::Error,
    },
    /// The key itself.
    #[error(transparent)]
    Key(#[from] CryptoError),
}
