//! zstd frames written by hand (RFC 8878, section 3.1.1), so that they can say what no encoder says.

/// Content bytes of one block: the most that RFC 8878 allows.
pub(crate) const BLOCK_BYTES: usize = 128 * 1024;
/// The descriptor of a window of 8 MiB: exponent 13, no mantissa.
pub(crate) const WINDOW_8_MIB: u8 = 13 << 3;
/// The descriptor of a window of 128 MiB.
pub(crate) const WINDOW_128_MIB: u8 = 17 << 3;

/// A frame whose content is `blocks` times [`BLOCK_BYTES`] zeros, 4 bytes each, and whose header names `claimed` bytes.
pub(crate) fn zeros(blocks: usize, claimed: Option<u64>, window: u8) -> Vec<u8> {
    let mut frame = 0xfd2f_b528_u32.to_le_bytes().to_vec();
    // the two upper bits of the descriptor say how wide the content's length is: 8 bytes or none
    frame.push(if claimed.is_some() { 0b1100_0000 } else { 0 });
    frame.push(window);
    frame.extend(claimed.into_iter().flat_map(u64::to_le_bytes));
    for block in 1..=blocks {
        // last block, type 1 (one byte repeated), length
        let header = u32::from(block == blocks) | 1 << 1 | (BLOCK_BYTES as u32) << 3;
        frame.extend_from_slice(&header.to_le_bytes()[..3]);
        frame.push(0);
    }
    frame
}
