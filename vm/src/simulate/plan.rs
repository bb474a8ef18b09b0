//! The blocks of a simulation in order, gaps filled.

use super::SimulateError;
use alloy_consensus::Header;
use alloy_primitives::{B256, U256};
use alloy_rpc_types_eth::{BlockOverrides, TransactionRequest, simulate::SimBlock, state::StateOverride};
use qsdm_primitives::limits::SIMULATE_BLOCKS_MAX;

/// Seconds between two blocks where no timestamp is given.
const BLOCK_SECONDS: u64 = 12;

/// A block to simulate.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) number: u64,
    pub(super) timestamp: u64,
    pub(super) beacon_root: B256,
    /// The other overrides, number and time included.
    pub(super) overrides: BlockOverrides,
    pub(super) state: StateOverride,
    pub(super) calls: Vec<TransactionRequest>,
}

/// Numbers and dates the blocks, and puts empty ones where numbers are left out.
pub(super) fn plan(base: &Header, blocks: Vec<SimBlock>) -> Result<Vec<Planned>, SimulateError> {
    if blocks.is_empty() {
        return Err(SimulateError::Empty);
    }
    if blocks.len() as u64 > SIMULATE_BLOCKS_MAX {
        return Err(SimulateError::TooManyBlocks);
    }
    let mut planned = Vec::with_capacity(blocks.len());
    let (mut number, mut timestamp) = (base.number, base.timestamp);
    for block in blocks {
        let mut overrides = block.block_overrides.unwrap_or_default();
        let wanted = height(&overrides, base.number, number)?;
        while number + 1 < wanted {
            number += 1;
            timestamp = timestamp.saturating_add(BLOCK_SECONDS);
            planned.push(Planned {
                number,
                timestamp,
                beacon_root: B256::ZERO,
                overrides: BlockOverrides::default(),
                state: StateOverride::default(),
                calls: Vec::new(),
            });
        }
        number = wanted;
        timestamp = match overrides.time {
            Some(time) if time <= timestamp => {
                return Err(SimulateError::BlockTimestamp { timestamp: time, previous: timestamp });
            }
            Some(time) => time,
            None => timestamp.saturating_add(BLOCK_SECONDS),
        };
        planned.push(Planned {
            number,
            timestamp,
            beacon_root: overrides.beacon_root.take().unwrap_or_default(),
            overrides,
            state: block.state_overrides.unwrap_or_default(),
            calls: block.calls,
        });
    }
    Ok(planned)
}

fn height(overrides: &BlockOverrides, base: u64, previous: u64) -> Result<u64, SimulateError> {
    let wanted = overrides.number.unwrap_or_else(|| U256::from(previous) + U256::from(1));
    if wanted > U256::from(base) + U256::from(SIMULATE_BLOCKS_MAX) {
        return Err(SimulateError::TooManyBlocks);
    }
    let number = u64::try_from(wanted).map_err(|_| SimulateError::TooManyBlocks)?;
    if number <= previous { Err(SimulateError::BlockNumber { number, previous }) } else { Ok(number) }
}
