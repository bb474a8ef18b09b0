//! Which block, state and environment a caller means.

use super::{
    App,
    input::{BlockId, Tag},
};
use crate::{Budget, CallError, RpcError};
use qsdm_primitives::limits::{RPC_PARTS_INLINE_MAX, STATE_SNAPSHOTS};
use qsdm_vm::{
    block::Block,
    call::CallLimits,
    chain::Head,
    evm::BlockContext,
    state::{RecentHashes, State, StateDatabase},
};
use std::sync::Arc;

impl App {
    /// `finalized` as a number, where it lies behind the head.
    pub(crate) fn settled(&self, id: BlockId) -> BlockId {
        let is_behind = |number: &u64| *number < self.chain.head().block.number();
        match self.node.finalized().filter(is_behind) {
            Some(number) if id == BlockId::Tag(Tag::Finalized) => BlockId::Number(number),
            _ => id,
        }
    }

    /// The block, `None` if there is none such. The pending block is not made yet: this gives its parent.
    pub(crate) fn find_block(&self, id: BlockId) -> Result<Option<Arc<Block>>, RpcError> {
        Ok(match self.settled(id) {
            BlockId::Tag(Tag::Earliest) => self.chain.block(0)?,
            BlockId::Tag(_) => Some(self.chain.head().block.clone()),
            BlockId::Number(number) => self.chain.block(number)?,
            BlockId::Hash(hash) => self.chain.block_by_hash(&hash)?,
        })
    }

    /// The block, or the error that geth answers with where a state is asked for.
    pub(crate) fn block(&self, id: BlockId) -> Result<Arc<Block>, RpcError> {
        self.find_block(id)?.ok_or_else(|| unknown(id))
    }

    /// The state after a block. One that has to be rebuilt is rebuilt in the pool of long calls.
    pub(crate) fn state(&self, id: BlockId, budget: &Budget) -> Result<State, CallError> {
        let (head, id) = (self.chain.head(), self.settled(id));
        match id {
            BlockId::Tag(Tag::Earliest) => self.old_state(&head, 0, id, budget),
            BlockId::Tag(_) => Ok(head.state.clone()),
            BlockId::Number(number) => self.old_state(&head, number, id, budget),
            BlockId::Hash(hash) if hash == head.block.hash => Ok(head.state.clone()),
            BlockId::Hash(_) => self.old_state(&head, self.block(id)?.number(), id, budget),
        }
    }

    fn old_state(&self, head: &Head, number: u64, id: BlockId, budget: &Budget) -> Result<State, CallError> {
        let newest = head.block.number();
        if number == newest {
            return Ok(head.state.clone());
        }
        if budget.is_inline() && newest.saturating_sub(number) >= STATE_SNAPSHOTS as u64 {
            return Err(CallError::Stopped);
        }
        Ok(self.chain.state_at(number)?.ok_or_else(|| unknown(id))?)
    }

    /// What a call at a block executes on.
    pub(crate) fn environment(&self, id: BlockId, budget: &Budget) -> Result<(StateDatabase, BlockContext), CallError> {
        let (head, id) = (self.chain.head(), self.settled(id));
        if let BlockId::Tag(tag @ (Tag::Latest | Tag::Pending | Tag::Safe | Tag::Finalized)) = id {
            let mut context = BlockContext::of_header(&head.block.header);
            if tag == Tag::Pending {
                context = self.next_context(&head);
            } else if tag == Tag::Latest && self.config.calls_see_present {
                context.timestamp = self.node.next_timestamp().max(context.timestamp);
            }
            return Ok((StateDatabase::new(head.state.clone(), head.hashes.clone()), context));
        }
        let block = self.block(id)?;
        let state = self.old_state(&head, block.number(), id, budget)?;
        let hashes = self.hashes_before(&head, block.number())?;
        Ok((StateDatabase::new(state, hashes), BlockContext::of_header(&block.header)))
    }

    /// A block with the state after it, and hashes up to its own: what further blocks build on.
    pub(crate) fn base(&self, id: BlockId, budget: &Budget) -> Result<(StateDatabase, Arc<Block>), CallError> {
        let (head, id) = (self.chain.head(), self.settled(id));
        let block = match id {
            BlockId::Tag(Tag::Latest | Tag::Pending | Tag::Safe | Tag::Finalized) => head.block.clone(),
            _ => self.block(id)?,
        };
        let state = self.old_state(&head, block.number(), id, budget)?;
        let hashes = match block.number() == head.block.number() {
            true => head.hashes.clone(),
            false => self.hashes_before(&head, block.number())?.extended(block.number(), block.hash),
        };
        Ok((StateDatabase::new(state, hashes), block))
    }

    /// The environment of the block after the head.
    pub(crate) fn next_context(&self, head: &Head) -> BlockContext {
        let (parent, next) = (&head.block.header, self.node.next_block());
        BlockContext {
            number: parent.number + 1,
            timestamp: next.timestamp.max(parent.timestamp),
            beneficiary: next.beneficiary,
            gas_limit: next.gas_limit,
            base_fee: next.base_fee,
            prevrandao: head.next_prevrandao(),
            ..BlockContext::of_header(parent)
        }
    }

    /// Hashes that the execution of block `number` could see.
    fn hashes_before(&self, head: &Head, number: u64) -> Result<RecentHashes, RpcError> {
        if number == head.block.number() {
            return Ok(head.hashes.clone());
        }
        let first = number.saturating_sub(RecentHashes::MAX as u64);
        let mut hashes = Vec::with_capacity(RecentHashes::MAX);
        for earlier in first..number {
            let known = head.hashes.get(earlier);
            hashes.push(match self.chain.block(earlier)? {
                _ if !known.is_zero() => known,
                Some(block) => block.hash,
                None => return Err(unknown(BlockId::Number(earlier))),
            });
        }
        Ok(RecentHashes::new(number.saturating_sub(1), &hashes))
    }

    /// Bounds of a simulation: the operator's gas, and the caller's time.
    pub(crate) fn call_limits(&self, budget: &Budget) -> CallLimits {
        CallLimits { gas_max: self.config.call_gas_max, deadline: Some(budget.until()), cancel: budget.cancelled() }
    }
}

/// Sends a call whose answer has many parts to the pool of long calls: writing them takes about a microsecond each, and
/// a connection's thread has others to serve.
pub(crate) fn check_parts(parts: usize, budget: &Budget) -> Result<(), CallError> {
    if parts > RPC_PARTS_INLINE_MAX && budget.is_inline() {
        return Err(CallError::Stopped);
    }
    Ok(())
}

/// geth's words for a block that is not there.
pub(crate) fn unknown(id: BlockId) -> RpcError {
    RpcError::server(match id {
        BlockId::Hash(_) => "header for hash not found",
        _ => "header not found",
    })
}
