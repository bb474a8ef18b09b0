//! A validator's key in an encrypted file.
//!
//! The file is JSON with exactly these members; bytes are `0x` and lower-case hexadecimal digits:
//!
//! ```json
//! {
//!   "version": 1,
//!   "algorithm": "ML-DSA-65",
//!   "publicKey": "0x…",
//!   "kdf": { "name": "argon2id", "memoryKib": 65536, "passes": 3, "lanes": 4, "salt": "0x… 16 bytes" },
//!   "cipher": { "name": "xchacha20-poly1305", "nonce": "0x… 24 bytes", "ciphertext": "0x… 48 bytes" },
//!   "checksum": "0x… 32 bytes"
//! }
//! ```
//!
//! - The *key* of the cipher is Argon2id (RFC 9106, version 0x13) of the password and the salt, 32 bytes.
//! - The *ciphertext* is the 32-byte seed ξ (FIPS 204, algorithm 1) under XChaCha20-Poly1305, the 16-byte tag at its end.
//! - The *associated data* is `QSDM-keystore-v1` ‖ the algorithm's byte ‖ memory, passes and lanes as 32-bit little-endian
//!   numbers ‖ salt ‖ nonce ‖ public key. So nothing in the file can be exchanged without the password.
//! - The *checksum* is BLAKE3-256 of the associated data ‖ ciphertext. It tells a damaged file from a wrong password and
//!   proves nothing else.
//!
//! A file is written whole or not at all, with mode 0600, and never over another one. It is refused when others than its
//! owner may read it.

mod error;
mod file;
mod format;

#[cfg(test)]
mod tests;

pub use error::KeystoreError;

use crate::{
    mldsa::LocalSigner,
    secret::{Password, Secret, Seed, random},
    traits::Signer,
};
use argon2::{Argon2, Block, Params, Version};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use qsdm_primitives::{
    Algorithm, PublicKey,
    limits::{KEYSTORE_ARGON2_KIB_MAX, KEYSTORE_ARGON2_LANES_MAX, KEYSTORE_ARGON2_WORK_KIB_MAX, PASSWORD_BYTES_MAX},
};
use std::path::Path;
use zeroize::Zeroizing;

/// What Argon2id costs for each password that somebody tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KdfCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Lanes of the memory.
    pub lanes: u32,
}

impl Default for KdfCost {
    /// The second recommended option of RFC 9106, section 4: 64 MiB, 3 passes, 4 lanes.
    fn default() -> Self {
        Self { memory_kib: 64 * 1024, passes: 3, lanes: 4 }
    }
}

/// An encrypted key: what is in the file, checked as far as that is possible without the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keystore {
    public_key: PublicKey,
    cost: KdfCost,
    salt: [u8; 16],
    nonce: [u8; 24],
    ciphertext: [u8; 48],
}

impl Keystore {
    /// Encrypts a seed.
    ///
    /// # Errors
    /// [`KeystoreError`] where the password is empty or over [`PASSWORD_BYTES_MAX`], the cost over its limits, or the
    /// operating system gives no randomness.
    pub fn lock(algorithm: Algorithm, seed: &Seed, password: &Password, cost: KdfCost) -> Result<Self, KeystoreError> {
        match password.expose().len() {
            0 => return Err(KeystoreError::EmptyPassword),
            found if found > PASSWORD_BYTES_MAX => {
                return Err(KeystoreError::LongPassword { found, max: PASSWORD_BYTES_MAX });
            }
            _ => {}
        }
        let public_key = LocalSigner::from_seed(algorithm, seed)?.public_key().clone();
        let mut locked = Self { public_key, cost, salt: [0; 16], nonce: [0; 24], ciphertext: [0; 48] };
        random(&mut locked.salt)?;
        random(&mut locked.nonce)?;
        let associated = locked.associated_data();
        let sealed = locked
            .cipher(password)?
            .encrypt(&XNonce::from(locked.nonce), Payload { msg: seed.expose(), aad: &associated })
            .ok();
        locked.ciphertext =
            sealed.and_then(|sealed| sealed.try_into().ok()).expect("invariant: 32 bytes become 48 bytes");
        Ok(locked)
    }

    /// Decrypts the seed, makes the key of it, and checks that it is the one that the file is about.
    ///
    /// # Errors
    /// [`KeystoreError::WrongPassword`]; [`KeystoreError::OtherKey`] where the file was made of parts of two.
    pub fn unlock(&self, password: &Password) -> Result<LocalSigner, KeystoreError> {
        let payload = Payload { msg: &self.ciphertext, aad: &self.associated_data() };
        let opened = self.cipher(password)?.decrypt(&XNonce::from(self.nonce), payload);
        let opened = Zeroizing::new(opened.map_err(|_| KeystoreError::WrongPassword)?);
        let mut seed = Seed::new([0; 32]);
        for (to, from) in seed.expose_mut().iter_mut().zip(opened.iter()) {
            *to = *from;
        }
        let signer = LocalSigner::from_seed(self.public_key.algorithm(), &seed)?;
        if *signer.public_key() == self.public_key { Ok(signer) } else { Err(KeystoreError::OtherKey) }
    }

    /// The public half, which needs no password.
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`KeystoreError`] where it can't be read, others may read it, it is too long, or it is no keystore of a known
    /// version.
    pub fn read(path: &Path) -> Result<Self, KeystoreError> {
        Self::from_json(&file::read(path)?)
    }

    /// Writes a file that does not exist yet, for its owner alone. Where an error comes back, there is no file.
    ///
    /// # Errors
    /// [`KeystoreError::Exists`] where there is something at `path`; [`KeystoreError::Io`] where it can't be written.
    pub fn write(&self, path: &Path) -> Result<(), KeystoreError> {
        file::write(path, self.to_json().as_bytes())
    }

    fn cipher(&self, password: &Password) -> Result<XChaCha20Poly1305, KeystoreError> {
        let mut key = Secret::new([0; 32]);
        derive(password, &self.salt, self.cost, key.expose_mut())?;
        Ok(XChaCha20Poly1305::new(key.expose().into()))
    }
}

/// Refuses costs that would wedge or kill the process that opens the file, before anything is allocated.
fn check_cost(cost: KdfCost) -> Result<(), KeystoreError> {
    let work = u64::from(cost.memory_kib) * u64::from(cost.passes);
    let least = 8 * u64::from(cost.lanes);
    let in_range = (1..=KEYSTORE_ARGON2_LANES_MAX).contains(&cost.lanes)
        && cost.passes >= 1
        && u64::from(cost.memory_kib) >= least
        && cost.memory_kib <= KEYSTORE_ARGON2_KIB_MAX
        && work <= KEYSTORE_ARGON2_WORK_KIB_MAX;
    if in_range {
        return Ok(());
    }
    let KdfCost { memory_kib, passes, lanes } = cost;
    Err(KeystoreError::Cost { memory_kib, passes, lanes })
}

fn derive(password: &Password, salt: &[u8], cost: KdfCost, key: &mut [u8; 32]) -> Result<(), KeystoreError> {
    check_cost(cost)?;
    let KdfCost { memory_kib, passes, lanes } = cost;
    let failed = || KeystoreError::Cost { memory_kib, passes, lanes };
    let params = Params::new(memory_kib, passes, lanes, Some(key.len())).map_err(|_| failed())?;
    // The memory is allocated here so that it is cleared afterwards, and so that too little of it is an error.
    let mut memory: Zeroizing<Vec<Block>> = Zeroizing::new(Vec::new());
    let blocks = params.block_count();
    memory.try_reserve_exact(blocks).map_err(|_| KeystoreError::Memory { memory_kib })?;
    memory.resize(blocks, Block::default());
    Argon2::new(argon2::Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(password.expose(), salt, key, memory.as_mut_slice())
        .map_err(|_| failed())
}
