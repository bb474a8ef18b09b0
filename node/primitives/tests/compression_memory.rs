//! Bombs are refused in bounded memory. A process of its own, because its greatest memory use is what is measured.

#[path = "support/frames.rs"]
mod frames;

use frames::{BLOCK_BYTES, WINDOW_8_MIB, WINDOW_128_MIB, zeros};
use qsdm_primitives::{compression::decompress, limits::DECOMPRESSED_BYTES_MAX};
use std::fs;

/// Greatest memory use of this process so far in bytes; `None` where the system doesn't say.
fn resident_bytes_max() -> Option<usize> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse::<usize>().ok().map(|kib| kib * 1024)
}

#[test]
fn a_bomb_of_32_kib_that_holds_1_gib_is_refused_in_bounded_memory() {
    let blocks = (1 << 30) / BLOCK_BYTES;
    let claims = [None, Some(1 << 30), Some(100), Some(DECOMPRESSED_BYTES_MAX as u64), Some(u64::MAX)];
    let before = resident_bytes_max();
    for claimed in claims {
        for window in [WINDOW_8_MIB, WINDOW_128_MIB] {
            let mut bomb = zeros(blocks, claimed, window);
            assert!(bomb.len() < 33 * 1024, "{} bytes", bomb.len());
            assert!(decompress(&bomb, usize::MAX).is_err(), "{claimed:?}");
            // without its end, zstd streams it instead of reading it in one go
            bomb.pop();
            assert!(decompress(&bomb, usize::MAX).is_err(), "{claimed:?}");
        }
    }
    // content, window, and what the process needs elsewhere
    let bound = DECOMPRESSED_BYTES_MAX + (8 << 20) + (4 << 20);
    if let (Some(before), Some(after)) = (before, resident_bytes_max()) {
        assert!(after - before <= bound, "{} bytes more", after - before);
    }
}
