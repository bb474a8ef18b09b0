//! Frames: what goes in comes out, and nothing else comes out.

#[path = "support/frames.rs"]
mod frames;

use frames::{BLOCK_BYTES, WINDOW_8_MIB, WINDOW_128_MIB, zeros};
use proptest::prelude::*;
use qsdm_primitives::{
    compression::{CompressionError, compress, decompress},
    limits::{CELL_BYTES_MAX, DECOMPRESSED_BYTES_MAX, FRAME_BYTES_MAX},
};

#[test]
fn handwritten_frames_are_frames() {
    let content = decompress(&zeros(3, Some(3 * BLOCK_BYTES as u64), WINDOW_8_MIB), usize::MAX);
    assert_eq!(content, Ok(vec![0; 3 * BLOCK_BYTES]));
}

#[test]
fn the_bound_is_the_last_length_that_is_accepted() {
    let frame = compress(&[7; 1_000]);
    assert_eq!(decompress(&frame, 1_000).map(|content| content.len()), Ok(1_000));
    assert_eq!(decompress(&frame, 999), Err(CompressionError::ContentTooLong { claimed: 1_000, max: 999 }));
    let largest = compress(&vec![1; DECOMPRESSED_BYTES_MAX]);
    assert_eq!(decompress(&largest, usize::MAX).map(|content| content.len()), Ok(DECOMPRESSED_BYTES_MAX));
    let over = compress(&vec![1; DECOMPRESSED_BYTES_MAX + 1]);
    let claimed = DECOMPRESSED_BYTES_MAX as u64 + 1;
    let refused = CompressionError::ContentTooLong { claimed, max: DECOMPRESSED_BYTES_MAX };
    assert_eq!(decompress(&over, usize::MAX), Err(refused));
}

#[test]
fn a_frame_over_its_limit_is_not_looked_at() {
    let found = FRAME_BYTES_MAX + 1;
    let refused = CompressionError::FrameTooLong { found, max: FRAME_BYTES_MAX };
    assert_eq!(decompress(&vec![0; found], usize::MAX), Err(refused));
}

/// Nobody can make a cell that fits its own frame and not those of others who pass it on.
#[test]
fn the_largest_cell_fits_its_frame_even_where_nothing_in_it_repeats() {
    let mut state = 1_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    })
    .take(CELL_BYTES_MAX)
    .collect();
    let frame = compress(&noise);
    assert!(frame.len() > CELL_BYTES_MAX && frame.len() <= FRAME_BYTES_MAX, "{} bytes", frame.len());
    assert_eq!(decompress(&frame, CELL_BYTES_MAX), Ok(noise));
    assert!(FRAME_BYTES_MAX >= zstd::zstd_safe::compress_bound(CELL_BYTES_MAX), "the library's own bound");
}

#[test]
fn a_frame_that_does_not_name_its_length_is_refused() {
    assert_eq!(decompress(&zeros(1, None, WINDOW_8_MIB), usize::MAX), Err(CompressionError::LengthMissing));
}

#[test]
fn a_frame_whose_content_is_longer_or_shorter_than_it_says_is_refused() {
    for claimed in [0, 1, BLOCK_BYTES as u64 - 1, BLOCK_BYTES as u64 + 1, 5 << 20] {
        let refused = decompress(&zeros(1, Some(claimed), WINDOW_8_MIB), usize::MAX);
        assert!(matches!(refused, Err(CompressionError::Damaged { .. })), "{claimed}: {refused:?}");
    }
}

#[test]
fn a_window_over_its_limit_is_refused_where_it_would_be_allocated() {
    let mut frame = zeros(2, Some(2 * BLOCK_BYTES as u64), WINDOW_128_MIB);
    // cut short, zstd can't know that it needs no window and takes the way on which it allocates one
    frame.truncate(frame.len() - 1);
    let refused = decompress(&frame, usize::MAX);
    assert!(matches!(refused, Err(CompressionError::Damaged { .. })), "{refused:?}");
}

#[test]
fn what_is_no_frame_with_content_is_refused() {
    // a skippable frame of four bytes
    let skippable = [0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4];
    for bytes in [&[][..], &[0x28], &[0x28, 0xb5, 0x2f, 0xfd], &skippable, b"plain text"] {
        assert_eq!(decompress(bytes, usize::MAX), Err(CompressionError::NoFrame { found: bytes.len() }), "{bytes:?}");
    }
}

proptest! {
    #[test]
    fn what_was_compressed_comes_back(content in prop_oneof![
        prop::collection::vec(any::<u8>(), 0..5_000),
        prop::collection::vec(0..3u8, 0..200_000),
    ]) {
        prop_assert_eq!(decompress(&compress(&content), content.len()), Ok(content));
    }

    #[test]
    fn a_part_of_a_frame_and_a_frame_with_more_behind_it_are_refused(
        content in prop::collection::vec(0..9u8, 0..3_000), cut in any::<prop::sample::Index>(), more in 1..9usize,
    ) {
        let frame = compress(&content);
        let part = &frame[..cut.index(frame.len())];
        prop_assert!(decompress(part, usize::MAX).is_err());
        let followed = [frame.clone(), vec![0; more]].concat();
        prop_assert_eq!(decompress(&followed, usize::MAX), Err(CompressionError::Trailing { left: more }));
        let twice = [frame.clone(), frame.clone()].concat();
        prop_assert_eq!(decompress(&twice, usize::MAX), Err(CompressionError::Trailing { left: frame.len() }));
    }

    #[test]
    fn any_bytes_are_refused_or_stay_within_the_bound(
        mut frame in prop::collection::vec(0..4u8, 0..2_000).prop_map(|content| compress(&content)),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        for (at, byte) in changes {
            let at = at.index(frame.len());
            frame[at] = byte;
        }
        if let Ok(content) = decompress(&frame, 4_000) {
            prop_assert!(content.len() <= 4_000);
        }
    }
}
