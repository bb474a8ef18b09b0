#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

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
