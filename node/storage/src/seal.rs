//! Blobs with a version, a checksum and, where it pays, compression.
//!
//! ```text
//! version u8 │ codec u8 │ BLAKE3 [16] │ plain payload            (codec 0)
//!                                     │ length u32 │ zstd frame  (codec 1)
//! ```
//! The checksum covers the table, the key, version, codec and everything after it, so a blob under another row's key
//! is as wrong as one with a flipped bit, and nothing unverified reaches zstd.

use crate::StorageError;
use qsdm_primitives::limits::STORE_BLOB_BYTES_MAX;
use std::borrow::Cow;
use zstd::bulk::{Compressor, Decompressor};

const VERSION: u8 = 1;
const PLAIN: u8 = 0;
const ZSTD: u8 = 1;
const CHECKSUM: usize = 16;
const PREFIX: usize = 2 + CHECKSUM;
/// Below this many bytes zstd costs more time than it saves space: a block of one transaction is mostly hashes.
const COMPRESS_FROM: usize = 1024;
const LEVEL: i32 = 3;

/// Tables with sealed blobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Table {
    Meta,
    Blocks,
    Steps,
    Codes,
    Progress,
    Drafts,
    CellHeads,
    CellBodies,
    MeshBlocks,
    Certificates,
    Commits,
    Tips,
    Epochs,
    EpochCertificates,
    Skipped,
}

impl Table {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Blocks => "blocks",
            Self::Steps => "steps",
            Self::Codes => "codes",
            Self::Progress => "progress",
            Self::Drafts => "drafts",
            Self::CellHeads => "cells (head)",
            Self::CellBodies => "cells (body)",
            Self::MeshBlocks => "blocks of the mesh",
            Self::Certificates => "certificates",
            Self::Commits => "commits",
            Self::Tips => "tips",
            Self::Epochs => "epochs",
            Self::EpochCertificates => "epoch certificates",
            Self::Skipped => "skipped transactions",
        }
    }
}

fn checksum(table: Table, key: &[u8], head: [u8; 2], body: &[u8]) -> [u8; CHECKSUM] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[table as u8, key.len() as u8]);
    hasher.update(key);
    hasher.update(&head);
    hasher.update(body);
    let mut checksum = [0; CHECKSUM];
    checksum.copy_from_slice(&hasher.finalize().as_bytes()[..CHECKSUM]);
    checksum
}

/// The key of a row in `blocks` or `steps`: both numbers of the row, so that a flipped bit in either is noticed.
pub(crate) fn numbers_key(first: u64, second: Option<u64>) -> [u8; 17] {
    let mut key = [0; 17];
    key[..8].copy_from_slice(&first.to_le_bytes());
    key[8..16].copy_from_slice(&second.unwrap_or_default().to_le_bytes());
    key[16] = u8::from(second.is_some());
    key
}

/// Makes blobs; keeps one compression context for all of them.
pub(crate) struct Sealer {
    compressor: Compressor<'static>,
}

impl Sealer {
    pub(crate) fn new() -> Result<Self, StorageError> {
        Ok(Self { compressor: Compressor::new(LEVEL).map_err(StorageError::Compression)? })
    }

    /// The blob for `payload`.
    pub(crate) fn seal(&mut self, table: Table, key: &[u8], payload: &[u8]) -> Result<Vec<u8>, StorageError> {
        if payload.len() > STORE_BLOB_BYTES_MAX {
            let (bytes, max) = (payload.len(), STORE_BLOB_BYTES_MAX);
            return Err(StorageError::TooLarge { what: "a row", bytes, max });
        }
        let compressed = if payload.len() < COMPRESS_FROM { None } else { self.compress(payload)? };
        let (codec, mut blob) = match compressed {
            Some(blob) => (ZSTD, blob),
            None => {
                let mut blob = Vec::with_capacity(PREFIX + payload.len());
                blob.resize(PREFIX, 0);
                blob.extend_from_slice(payload);
                (PLAIN, blob)
            }
        };
        blob[..2].copy_from_slice(&[VERSION, codec]);
        let checksum = checksum(table, key, [VERSION, codec], &blob[PREFIX..]);
        blob[2..PREFIX].copy_from_slice(&checksum);
        Ok(blob)
    }

    /// The compressed blob with room for its prefix, `None` if compression does not pay.
    fn compress(&mut self, payload: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        let frame = self.compressor.compress(payload).map_err(StorageError::Compression)?;
        if frame.len() + frame.len() / 16 >= payload.len() {
            return Ok(None);
        }
        let mut blob = Vec::with_capacity(PREFIX + 4 + frame.len());
        blob.resize(PREFIX, 0);
        blob.extend_from_slice(&(payload.len() as u32).to_le_bytes());
        blob.extend_from_slice(&frame);
        Ok(Some(blob))
    }
}

/// Reads blobs; keeps one decompression context for all of them.
pub(crate) struct Opener {
    decompressor: Decompressor<'static>,
}

impl Opener {
    pub(crate) fn new() -> Result<Self, StorageError> {
        Ok(Self { decompressor: Decompressor::new().map_err(StorageError::Compression)? })
    }

    /// The payload of `blob`, or what is wrong with it.
    pub(crate) fn open<'a>(&mut self, table: Table, key: &[u8], blob: &'a [u8]) -> Result<Cow<'a, [u8]>, &'static str> {
        let (prefix, body) = blob.split_at_checked(PREFIX).ok_or("it ends too early")?;
        let head = [prefix[0], prefix[1]];
        if checksum(table, key, head, body) != prefix[2..] {
            return Err("its checksum is wrong");
        }
        match head {
            [VERSION, PLAIN] => Ok(Cow::Borrowed(body)),
            [VERSION, ZSTD] => {
                let (length, frame) = body.split_first_chunk::<4>().ok_or("it ends too early")?;
                let length = u32::from_le_bytes(*length) as usize;
                if length > STORE_BLOB_BYTES_MAX {
                    return Err("it is larger than any row may be");
                }
                let payload = self.decompressor.decompress(frame, length).map_err(|_| "it does not decompress")?;
                if payload.len() == length { Ok(Cow::Owned(payload)) } else { Err("its length is wrong") }
            }
            _ => Err("its version is unknown to this release"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payloads() -> [Vec<u8>; 4] {
        let noise = (0..2_000u32).flat_map(|index| blake3::hash(&index.to_le_bytes()).as_bytes()[..4].to_vec());
        [vec![], vec![7; 100], vec![7; 5_000], noise.collect()]
    }

    #[test]
    fn blobs_open_to_what_was_sealed_and_only_large_compressible_ones_are_compressed() {
        let (mut sealer, mut opener) = (Sealer::new().unwrap(), Opener::new().unwrap());
        for (payload, codec) in payloads().into_iter().zip([PLAIN, PLAIN, ZSTD, PLAIN]) {
            let blob = sealer.seal(Table::Blocks, b"key", &payload).unwrap();
            assert_eq!(blob[1], codec);
            assert_eq!(opener.open(Table::Blocks, b"key", &blob).unwrap(), payload);
        }
    }

    #[test]
    fn a_flipped_bit_anywhere_another_key_and_another_table_are_detected() {
        let (mut sealer, mut opener) = (Sealer::new().unwrap(), Opener::new().unwrap());
        for payload in payloads() {
            let mut blob = sealer.seal(Table::Blocks, b"key", &payload).unwrap();
            assert!(opener.open(Table::Blocks, b"kez", &blob).is_err());
            assert!(opener.open(Table::Steps, b"key", &blob).is_err());
            assert!(opener.open(Table::Blocks, b"key", &blob[..blob.len() - 1]).is_err());
            for bit in 0..blob.len().min(400) * 8 {
                blob[bit / 8] ^= 1 << (bit % 8);
                assert!(opener.open(Table::Blocks, b"key", &blob).is_err(), "bit {bit}");
                blob[bit / 8] ^= 1 << (bit % 8);
            }
        }
    }
}
