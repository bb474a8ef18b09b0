#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

use qsdm_consensus::{append_to_log, read_log};
use qsdm_crypto::keystore::Keystore;
use qsdm_primitives::{
    codec::{Decode, Encode, decode},
    compression::{compress, decompress},
};

/// Decodes, and where that succeeds encodes again: the bytes must be the same.
///
/// # Panics
/// Where a decoder accepts a second spelling of a value.
pub fn has_one_spelling<T: Encode + Decode>(bytes: &[u8]) {
    if let Ok(value) = decode::<T>(bytes) {
        assert!(value.to_bytes() == bytes, "a second spelling was accepted");
    }
}

/// Content bytes that are accepted: small, so that the fuzzer crosses the bound often.
const CONTENT_BYTES_MAX: usize = 256 * 1024;

/// Decompresses, and where that succeeds compresses and decompresses again.
///
/// # Panics
/// Where the content is longer than the bound, or is another one the second time.
pub fn stays_within_its_bound(bytes: &[u8]) {
    if let Ok(content) = decompress(bytes, CONTENT_BYTES_MAX) {
        assert!(content.len() <= CONTENT_BYTES_MAX, "{} bytes are over the bound", content.len());
        assert_eq!(decompress(&compress(&content), content.len()), Ok(content), "the content changed");
    }
}

/// Reads a safety log, and where that succeeds writes its newest record again: its whole frames end with it.
///
/// # Panics
/// Where the newest record isn't what the whole frames end with.
pub fn ends_with_its_newest_record(bytes: &[u8]) {
    if let Ok((newest, whole)) = read_log(bytes) {
        let mut frame = Vec::new();
        newest.iter().for_each(|record| append_to_log(&mut frame, record));
        assert!(bytes[..whole].ends_with(&frame), "the newest record is another one");
    }
}

/// Reads a keystore, and where that succeeds writes and reads it again. Nothing is unlocked.
///
/// # Panics
/// Where it is another one the second time.
pub fn keystore_stays_the_same(bytes: &[u8]) {
    if let Ok(keystore) = Keystore::from_json(bytes) {
        let json = keystore.to_json();
        let again = Keystore::from_json(json.as_bytes()).map(|again| again.to_json());
        assert_eq!(again.ok(), Some(json), "the keystore changed");
    }
}
