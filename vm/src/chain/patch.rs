//! Development operations on a state.

use crate::{block::StatePatch, state::State};
use alloy_primitives::keccak256;
use revm::bytecode::Bytecode;

pub(super) fn apply(state: &mut State, patch: &StatePatch) {
    match patch {
        StatePatch::Balance { address, balance } => state.modify(*address, |account| account.balance = *balance),
        StatePatch::Nonce { address, nonce } => state.modify(*address, |account| account.nonce = *nonce),
        StatePatch::Code { address, code } => {
            state.modify(*address, |account| account.set_code(keccak256(code), Bytecode::new_raw(code.clone())));
        }
        StatePatch::Slot { address, key, value } => state.modify(*address, |account| account.set_slot(*key, *value)),
        StatePatch::Delete { address } => state.delete(address),
    }
}
