//! The text of a keystore file.

use super::{KdfCost, Keystore, KeystoreError, check_cost};
use alloy_primitives::hex;
use qsdm_primitives::{Algorithm, PublicKey};
use serde::{Deserialize, Serialize};

const VERSION: u64 = 1;
const TAG: &[u8] = b"QSDM-keystore-v1";
const KDF: &str = "argon2id";
const CIPHER: &str = "xchacha20-poly1305";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Text {
    version: u64,
    algorithm: String,
    public_key: String,
    kdf: KdfText,
    cipher: CipherText,
    checksum: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct KdfText {
    name: String,
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct CipherText {
    name: String,
    nonce: String,
    ciphertext: String,
}

/// What every version has: so that a later one is told from a damaged one.
#[derive(Deserialize)]
struct AnyVersion {
    version: u64,
}

impl Keystore {
    /// The text of a file.
    pub fn to_json(&self) -> String {
        let text = Text {
            version: VERSION,
            algorithm: self.public_key.algorithm().to_string(),
            public_key: hex::encode_prefixed(self.public_key.bytes()),
            kdf: KdfText {
                name: KDF.to_owned(),
                memory_kib: self.cost.memory_kib,
                passes: self.cost.passes,
                lanes: self.cost.lanes,
                salt: hex::encode_prefixed(self.salt),
            },
            cipher: CipherText {
                name: CIPHER.to_owned(),
                nonce: hex::encode_prefixed(self.nonce),
                ciphertext: hex::encode_prefixed(self.ciphertext),
            },
            checksum: hex::encode_prefixed(self.checksum()),
        };
        let mut json = serde_json::to_string_pretty(&text).expect("invariant: strings and numbers are JSON");
        json.push('\n');
        json
    }

    /// Reads the text of a file, and checks what can be checked without the password.
    ///
    /// # Errors
    /// [`KeystoreError::UnknownVersion`], [`KeystoreError::Cost`], else [`KeystoreError::Damaged`] with what is wrong.
    pub fn from_json(json: &[u8]) -> Result<Self, KeystoreError> {
        let not_json = |error: serde_json::Error| damaged(format!("it is not the JSON of one: {error}"));
        let AnyVersion { version } = serde_json::from_slice(json).map_err(not_json)?;
        if version != VERSION {
            return Err(KeystoreError::UnknownVersion { found: version, known: VERSION });
        }
        let text: Text = serde_json::from_slice(json).map_err(not_json)?;
        for (what, found, known) in [("KDF", &text.kdf.name, KDF), ("cipher", &text.cipher.name, CIPHER)] {
            if found != known {
                return Err(damaged(format!("its {what} is {found:?} and not {known:?}")));
            }
        }
        let algorithm = Algorithm::ALL.into_iter().find(|algorithm| algorithm.to_string() == text.algorithm);
        let algorithm = algorithm.ok_or_else(|| damaged(format!("{:?} is no algorithm", text.algorithm)))?;
        let public_key = PublicKey::new(algorithm, bytes("public key", &text.public_key)?);
        if !public_key.has_right_length() {
            return Err(damaged(format!("its public key has {} bytes", public_key.bytes().len())));
        }
        let keystore = Self {
            public_key,
            cost: KdfCost { memory_kib: text.kdf.memory_kib, passes: text.kdf.passes, lanes: text.kdf.lanes },
            salt: array("salt", &text.kdf.salt)?,
            nonce: array("nonce", &text.cipher.nonce)?,
            ciphertext: array("ciphertext", &text.cipher.ciphertext)?,
        };
        if array::<32>("checksum", &text.checksum)? != keystore.checksum() {
            return Err(damaged("its checksum is wrong".to_owned()));
        }
        check_cost(keystore.cost)?;
        Ok(keystore)
    }

    /// All that has a length of its own, so that no two files have the same.
    pub(super) fn associated_data(&self) -> Vec<u8> {
        let KdfCost { memory_kib, passes, lanes } = self.cost;
        let mut data = TAG.to_vec();
        data.push(self.public_key.algorithm() as u8);
        data.extend([memory_kib, passes, lanes].into_iter().flat_map(u32::to_le_bytes));
        data.extend_from_slice(&self.salt);
        data.extend_from_slice(&self.nonce);
        data.extend_from_slice(self.public_key.bytes());
        data
    }

    fn checksum(&self) -> [u8; 32] {
        *blake3::Hasher::new().update(&self.associated_data()).update(&self.ciphertext).finalize().as_bytes()
    }
}

fn damaged(what: String) -> KeystoreError {
    KeystoreError::Damaged { what }
}

/// Bytes have one spelling: `0x` and lower-case digits.
fn bytes(what: &str, text: &str) -> Result<Vec<u8>, KeystoreError> {
    let decoded = hex::decode(text).ok().filter(|decoded| hex::encode_prefixed(decoded) == text);
    decoded.ok_or_else(|| damaged(format!("its {what} is not 0x and lower-case hexadecimal digits")))
}

fn array<const N: usize>(what: &str, text: &str) -> Result<[u8; N], KeystoreError> {
    let decoded = bytes(what, text)?;
    let found = decoded.len();
    decoded.try_into().map_err(|_| damaged(format!("its {what} has {found} bytes and not {N}")))
}
