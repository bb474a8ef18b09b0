//! Bytes that are no cell, or are far more than they seem.

use super::{Hostile, Packet, Sending};
use crate::sim::{cells::Cells, node::Running, run::CHAIN_ID};
use alloy_primitives::Bytes;
use qsdm_primitives::{
    CellBody, CellHeader, CellId, Links,
    codec::Encode,
    compression::compress,
    limits::{CELL_BYTES_MAX, DECOMPRESSED_BYTES_MAX},
};
use std::sync::Arc;

/// Frames that go out at once.
const FRAMES: usize = 3;
/// Most that one block of a frame holds (RFC 8878, section 3.1.1.2.4).
const BLOCK_BYTES: u32 = 128 * 1024;
/// So many blocks are 1 GiB.
const GIBIBYTE_BLOCKS: usize = (1 << 30) / BLOCK_BYTES as usize;

impl Hostile {
    /// Some frames that every receiver refuses.
    pub(super) fn send_garbage(&mut self, running: &Running) -> Vec<Sending> {
        if self.frames.is_empty() {
            self.frames = self.make_frames(running).into_iter().map(Arc::new).collect();
        }
        let mut sendings = Vec::new();
        for _ in 0..FRAMES {
            let frame = Arc::clone(&self.frames[self.random.index(self.frames.len())]);
            sendings.extend(self.to_all(&Packet::Frame(frame)));
        }
        sendings
    }

    fn make_frames(&mut self, running: &Running) -> Vec<Vec<u8>> {
        let header = CellHeader {
            chain_id: CHAIN_ID,
            epoch: running.core.status().epoch,
            lane: Cells::lane(self.me),
            seq: 1,
            depth: 2,
            links: Links { own: CellId(self.any_block().0), peer: CellId(self.any_block().0), bridge: None },
            time_ms: 0,
            gas_limit: 0,
            transactions: 0,
            body: CellBody::default().hash(),
        };
        let giant = CellBody { transactions: vec![Bytes::from(vec![0; CELL_BYTES_MAX])] };
        let giant = self.signed_cell(header.clone(), giant).to_bytes();
        let small = self.signed_cell(header, CellBody::default());
        let mut countless = small.signed.to_bytes();
        countless.extend(u32::MAX.to_le_bytes());
        let small = small.to_bytes();
        let bomb = compress(&vec![0; DECOMPRESSED_BYTES_MAX + 1]);
        let whole = compress(&giant);
        vec![
            // more than a cell may have, though few bytes on the wire
            whole.clone(),
            // a frame that claims more than anybody may send
            bomb,
            // 1 GiB in 32 kB, with the claim of a few bytes, of as many as may be and of as many as can be said
            zeros(GIBIBYTE_BLOCKS, 100),
            zeros(GIBIBYTE_BLOCKS, DECOMPRESSED_BYTES_MAX as u64),
            zeros(GIBIBYTE_BLOCKS, u64::MAX),
            // 4,294,967,295 transactions
            compress(&countless),
            // the beginning of a frame, and of a cell
            whole[..whole.len() / 2].to_vec(),
            compress(&small[..small.len() / 2]),
            // something behind it
            [small.clone(), small].concat(),
            vec![0xff; 64],
            Vec::new(),
        ]
    }
}

/// A frame of blocks that each repeat a zero, and the length that it claims (RFC 8878, section 3.1.1).
fn zeros(blocks: usize, claimed: u64) -> Vec<u8> {
    // a length of eight bytes, and a window of 8 MiB
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0xc0, 0x68];
    frame.extend(claimed.to_le_bytes());
    for block in 1..=blocks {
        let header = (BLOCK_BYTES << 3) | 0b010 | u32::from(block == blocks);
        frame.extend(&header.to_le_bytes()[..3]);
        frame.push(0);
    }
    frame
}
