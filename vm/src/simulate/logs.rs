//! Logs of a call, with one more for each transfer of ether if wanted.

use crate::evm::NodeContext;
use alloy_primitives::{Address, B256, Log, LogData, U256, address, b256};
use revm::{
    Inspector,
    interpreter::{CallInputs, CallOutcome, CreateInputs, CreateOutcome},
};

/// The contract that transfers of ether seem to come from (execution-apis).
pub(super) const EMITTER: Address = address!("eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee");
/// `Transfer(address,address,uint256)`.
const TRANSFER: B256 = b256!("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");

/// Collects the logs of one call in the order of their emission; those of a frame that fails disappear with it.
#[derive(Debug, Default)]
pub(super) struct CallLogs {
    transfers: bool,
    /// Logs of the open frames, the outermost first.
    frames: Vec<Vec<Log>>,
    finished: Vec<Log>,
}

impl CallLogs {
    pub(super) fn new(transfers: bool) -> Self {
        Self { transfers, ..Self::default() }
    }

    /// The logs of the call that just ended.
    pub(super) fn take(&mut self) -> Vec<Log> {
        self.frames.clear();
        std::mem::take(&mut self.finished)
    }

    fn push(&mut self, log: Log) {
        self.frames.last_mut().unwrap_or(&mut self.finished).push(log);
    }

    fn transfer(&mut self, from: Address, to: Address, value: U256) {
        if self.transfers && !value.is_zero() {
            let topics = vec![TRANSFER, from.into_word(), to.into_word()];
            let data = LogData::new_unchecked(topics, value.to_be_bytes::<32>().into());
            self.push(Log { address: EMITTER, data });
        }
    }

    fn leave(&mut self, success: bool) {
        let logs = self.frames.pop().unwrap_or_default();
        if success {
            self.frames.last_mut().unwrap_or(&mut self.finished).extend(logs);
        }
    }
}

impl Inspector<NodeContext> for CallLogs {
    fn log(&mut self, _: &mut NodeContext, log: Log) {
        self.push(log);
    }

    fn call(&mut self, _: &mut NodeContext, inputs: &mut CallInputs) -> Option<CallOutcome> {
        self.frames.push(Vec::new());
        if let Some(value) = inputs.transfer_value() {
            self.transfer(inputs.transfer_from(), inputs.transfer_to(), value);
        }
        None
    }

    fn call_end(&mut self, _: &mut NodeContext, _: &CallInputs, outcome: &mut CallOutcome) {
        self.leave(outcome.result.is_ok());
    }

    fn create(&mut self, context: &mut NodeContext, inputs: &mut CreateInputs) -> Option<CreateOutcome> {
        self.frames.push(Vec::new());
        let creator = context.journaled_state.inner.state.get(&inputs.caller());
        let nonce = creator.map_or(0, |account| account.info.nonce);
        self.transfer(inputs.caller(), inputs.created_address(nonce), inputs.value());
        None
    }

    fn create_end(&mut self, _: &mut NodeContext, _: &CreateInputs, outcome: &mut CreateOutcome) {
        self.leave(outcome.result.is_ok());
    }

    fn selfdestruct(&mut self, contract: Address, target: Address, value: U256) {
        self.transfer(contract, target, value);
    }
}
