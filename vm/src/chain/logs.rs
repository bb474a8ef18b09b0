//! Finding logs.

use super::Chain;
use crate::{VmError, block::Block, ports::LogQuery};
use alloy_primitives::BloomInput;
use std::{ops::ControlFlow, ops::RangeInclusive, sync::Arc};

/// A log that a query found.
#[derive(Clone, Debug)]
pub struct FoundLog {
    /// Its block.
    pub block: Arc<Block>,
    /// Position of its transaction in the block.
    pub transaction: usize,
    /// Position of the log among the transaction's logs.
    pub position: usize,
    /// Position of the log in the block.
    pub log_index: u32,
}

impl FoundLog {
    /// The log itself.
    pub fn log(&self) -> &alloy_primitives::Log {
        &self.block.receipts[self.transaction].logs[self.position]
    }
}

impl Chain {
    /// Calls `visit` for every log of the blocks in `range` that matches, in order, until it breaks.
    pub fn visit_logs<B>(
        &self,
        range: RangeInclusive<u64>,
        query: &LogQuery,
        mut visit: impl FnMut(FoundLog) -> ControlFlow<B>,
    ) -> Result<Option<B>, VmError> {
        let (from, to) = (*range.start(), (*range.end()).min(self.head().block.number()));
        if from > to {
            return Ok(None);
        }
        let in_memory = self.recent.read().first_number().unwrap_or(u64::MAX);
        if from < in_memory {
            let last = to.min(in_memory.saturating_sub(1));
            for number in self.store.blocks_with_logs(from..=last, query)? {
                let Some(block) = self.block(number)? else { continue };
                if let ControlFlow::Break(end) = visit_block(&block, query, &mut visit) {
                    return Ok(Some(end));
                }
            }
        }
        for number in from.max(in_memory)..=to {
            let Some(block) = self.block(number)? else { continue };
            if may_match(&block, query)
                && let ControlFlow::Break(end) = visit_block(&block, query, &mut visit)
            {
                return Ok(Some(end));
            }
        }
        Ok(None)
    }
}

/// Logs of one block that match.
pub(crate) fn visit_block<B>(
    block: &Arc<Block>,
    query: &LogQuery,
    visit: &mut impl FnMut(FoundLog) -> ControlFlow<B>,
) -> ControlFlow<B> {
    for (transaction, receipt) in block.receipts.iter().enumerate() {
        for (position, log) in receipt.logs.iter().enumerate() {
            if query.matches(log) {
                let log_index = receipt.first_log_index + position as u32;
                visit(FoundLog { block: block.clone(), transaction, position, log_index })?;
            }
        }
    }
    ControlFlow::Continue(())
}

/// False if the block's bloom excludes every match.
fn may_match(block: &Block, query: &LogQuery) -> bool {
    let holds = |bytes: &[u8]| block.header.logs_bloom.contains_input(BloomInput::Raw(bytes));
    let address = query.addresses.is_empty() || query.addresses.iter().any(|address| holds(address.as_slice()));
    address && query.topics.iter().all(|wanted| wanted.is_empty() || wanted.iter().any(|topic| holds(topic.as_slice())))
}
