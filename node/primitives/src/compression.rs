//! Compressed frames for the network: what a peer sends is decompressed into memory whose size is known before.
//!
//! A frame is one zstd frame (RFC 8878) that names the length of its content, without a dictionary and with nothing
//! behind it. The named length is checked against the bound first, then exactly so much is reserved, and zstd stops
//! where the content would be longer. The window, which zstd keeps beside the content, is bounded too. So memory is at
//! most the bound and [`FRAME_WINDOW_LOG_MAX`], however few bytes claim to be however many.
//!
//! Compressed bytes are not canonical: they are never hashed, signed or stored. What is inside them is decoded by
//! [`codec`](crate::codec), which is strict.

use crate::limits::{DECOMPRESSED_BYTES_MAX, FRAME_BYTES_MAX, FRAME_WINDOW_LOG_MAX};
use zstd::{
    stream::raw::{DParameter, Decoder, InBuffer, Operation, OutBuffer},
    zstd_safe,
};

/// Why bytes are no frame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CompressionError {
    /// More bytes than a frame may have.
    #[error("a frame of {found} bytes is longer than {max}")]
    FrameTooLong {
        /// Its length in bytes.
        found: usize,
        /// [`FRAME_BYTES_MAX`].
        max: usize,
    },
    /// The bytes don't begin as a zstd frame with content does.
    #[error("the {found} bytes do not begin with a zstd frame")]
    NoFrame {
        /// How many bytes there are.
        found: usize,
    },
    /// The frame doesn't say how long its content is.
    #[error("the frame does not name the length of its content")]
    LengthMissing,
    /// The content is longer than is accepted.
    #[error("the frame claims {claimed} bytes of content, {max} are accepted")]
    ContentTooLong {
        /// Length in bytes that the frame names.
        claimed: u64,
        /// The bound in bytes.
        max: usize,
    },
    /// zstd refuses the frame: it is damaged, its window is too large, or its content is not as long as it says.
    #[error("the frame is damaged: {reason}")]
    Damaged {
        /// What zstd says.
        reason: String,
    },
    /// The bytes end within the frame.
    #[error("the frame ends after {found} of {claimed} bytes of its content")]
    Truncated {
        /// Bytes of content that could be read.
        found: usize,
        /// Length in bytes that the frame names.
        claimed: usize,
    },
    /// Bytes after the frame.
    #[error("{left} bytes are left behind the frame")]
    Trailing {
        /// Bytes left.
        left: usize,
    },
}

/// First four bytes of a frame with content, little-endian (RFC 8878, section 3.1.1). A skippable frame has another.
const MAGIC: u32 = 0xfd2f_b528;
/// zstd's default: keys, signatures and hashes don't shrink at any level, so there is little to gain above it.
const LEVEL: i32 = 3;

/// Compresses a message into one frame. Messages above [`DECOMPRESSED_BYTES_MAX`] and those that stay above
/// [`FRAME_BYTES_MAX`] make frames that every receiver refuses.
pub fn compress(bytes: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(bytes, LEVEL)
        .expect("invariant: zstd fails only where memory ends, the output has its greatest size")
}

/// The content of a frame of at most [`FRAME_BYTES_MAX`]: not more than `max` bytes of it, and never more than
/// [`DECOMPRESSED_BYTES_MAX`].
///
/// # Errors
/// [`CompressionError`] where `bytes` are not exactly one frame within these bounds.
pub fn decompress(bytes: &[u8], max: usize) -> Result<Vec<u8>, CompressionError> {
    if bytes.len() > FRAME_BYTES_MAX {
        return Err(CompressionError::FrameTooLong { found: bytes.len(), max: FRAME_BYTES_MAX });
    }
    let claimed = content_length(bytes, max.min(DECOMPRESSED_BYTES_MAX))?;
    let mut content = Vec::new();
    content.reserve_exact(claimed);
    let mut input = InBuffer::around(bytes);
    let is_complete = read_frame(&mut input, &mut content).map_err(damaged)?;
    if content.len() != claimed || !is_complete {
        return Err(CompressionError::Truncated { found: content.len(), claimed });
    }
    match bytes.len() - input.pos() {
        0 => Ok(content),
        left => Err(CompressionError::Trailing { left }),
    }
}

/// The length that the frame's header names, at most `max`.
fn content_length(bytes: &[u8], max: usize) -> Result<usize, CompressionError> {
    let begins = bytes.first_chunk().is_some_and(|magic| u32::from_le_bytes(*magic) == MAGIC);
    if !begins {
        return Err(CompressionError::NoFrame { found: bytes.len() });
    }
    let claimed = zstd_safe::get_frame_content_size(bytes)
        .map_err(|_| CompressionError::NoFrame { found: bytes.len() })?
        .ok_or(CompressionError::LengthMissing)?;
    usize::try_from(claimed)
        .ok()
        .filter(|length| *length <= max)
        .ok_or(CompressionError::ContentTooLong { claimed, max })
}

/// Fills `content` up to its capacity; whether the frame ended there.
fn read_frame(input: &mut InBuffer<'_>, content: &mut Vec<u8>) -> std::io::Result<bool> {
    let mut decoder = Decoder::new()?;
    decoder.set_parameter(DParameter::WindowLogMax(FRAME_WINDOW_LOG_MAX))?;
    let mut output = OutBuffer::around(content);
    loop {
        let before = (input.pos(), output.pos());
        let expected = decoder.run(input, &mut output)?;
        if expected == 0 {
            return Ok(true);
        }
        // all input is there and all room is there: a step that moves neither will not be followed by one that does
        if before == (input.pos(), output.pos()) {
            return Ok(false);
        }
    }
}

fn damaged(error: std::io::Error) -> CompressionError {
    CompressionError::Damaged { reason: error.to_string() }
}
