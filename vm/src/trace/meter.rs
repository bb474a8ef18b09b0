//! What a trace may record.

use super::TraceError;
use crate::evm::NodeContext;
use alloy_primitives::{Address, Log, U256};
use alloy_rpc_types_trace::geth::{GethDebugTracingOptions, GethDefaultTracingOptions};
use qsdm_primitives::limits::TRACE_BYTES_MAX;
use revm::{
    Inspector,
    bytecode::opcode,
    context_interface::context::ContextError,
    interpreter::{
        CallInputs, CallOutcome, CreateInputs, CreateOutcome, Interpreter,
        interpreter_types::{InputsTr, Jumps, LoopControl, MemoryTr, ReturnData},
    },
    state::EvmState,
};
use std::collections::{HashMap, HashSet};

/// Bytes of a recorded instruction or call without its variable parts.
const FIXED: usize = 256;
/// Bytes of a recorded slot: key and value.
const SLOT: usize = 64;
/// How the EVM's error says that the meter stopped it.
pub(super) const STOP: &str = "trace too large";

/// Counts what the recorder beside it records and ends the execution when that is too much.
#[derive(Debug, Default)]
pub(super) struct Meter {
    left: usize,
    exceeded: bool,
    /// What the struct logger records with each instruction, `None` for other tracers.
    logger: Option<GethDefaultTracingOptions>,
    /// Instructions that the struct logger still records.
    steps_left: u64,
    /// Slots seen so far by contract: each record of a storage access repeats them.
    slots: HashMap<Address, HashSet<U256>>,
}

impl Meter {
    pub(super) fn new(options: &GethDebugTracingOptions) -> Self {
        let logs = options.tracer.as_ref().is_none_or(|tracer| tracer.as_str().is_empty());
        Self::of(logs.then_some(options.config), TRACE_BYTES_MAX)
    }

    /// A meter for tracers that record calls only.
    pub(super) fn of_calls() -> Self {
        Self::of(None, TRACE_BYTES_MAX)
    }

    fn of(logger: Option<GethDefaultTracingOptions>, left: usize) -> Self {
        let limit = logger.and_then(|logger| logger.limit).filter(|limit| *limit > 0);
        Self { left, logger, steps_left: limit.unwrap_or(u64::MAX), ..Self::default() }
    }

    /// A meter for the next transaction, with what this one left.
    pub(super) fn next(&self) -> Self {
        Self::of(self.logger, self.left)
    }

    pub(super) fn check(&self) -> Result<(), TraceError> {
        if self.exceeded { Err(TraceError::TooLarge) } else { Ok(()) }
    }

    /// Counts the accounts that a trace of the state lists.
    pub(super) fn charge_state(&mut self, state: &EvmState) {
        let code = |account: &revm::state::Account| account.info.code.as_ref().map_or(0, |code| code.len());
        let sizes = state.values().map(|account| FIXED + code(account) + SLOT * account.storage.len());
        self.charge(sizes.sum());
    }

    fn charge(&mut self, bytes: usize) {
        match self.left.checked_sub(bytes) {
            Some(left) => self.left = left,
            None => self.exceeded = true,
        }
    }

    fn step_size(&mut self, logger: &GethDefaultTracingOptions, interpreter: &Interpreter) -> usize {
        let mut size = FIXED;
        if logger.is_stack_enabled() {
            size += 32 * interpreter.stack.len();
        }
        if logger.is_memory_enabled() {
            size += interpreter.memory.size();
        }
        if logger.is_return_data_enabled() {
            size += interpreter.return_data.buffer().len();
        }
        if logger.is_storage_enabled() && matches!(interpreter.bytecode.opcode(), opcode::SLOAD | opcode::SSTORE) {
            let slots = self.slots.entry(interpreter.input.target_address()).or_default();
            slots.extend(interpreter.stack.peek(0).ok());
            size += SLOT * slots.len();
        }
        size
    }
}

fn fail(context: &mut NodeContext) {
    if context.error.is_ok() {
        context.error = Err(ContextError::Custom(STOP.to_owned()));
    }
}

impl Inspector<NodeContext> for Meter {
    fn step(&mut self, interpreter: &mut Interpreter, context: &mut NodeContext) {
        if let Some(logger) = self.logger
            && self.steps_left > 0
        {
            self.steps_left -= 1;
            let size = self.step_size(&logger, interpreter);
            self.charge(size);
        }
        if self.exceeded {
            fail(context);
            interpreter.bytecode.reset_action();
            interpreter.halt_fatal();
        }
    }

    fn log(&mut self, _: &mut NodeContext, log: Log) {
        self.charge(FIXED + log.data.data.len());
    }

    fn call(&mut self, _: &mut NodeContext, inputs: &mut CallInputs) -> Option<CallOutcome> {
        self.charge(FIXED + inputs.input.len());
        None
    }

    fn call_end(&mut self, _: &mut NodeContext, _: &CallInputs, outcome: &mut CallOutcome) {
        self.charge(outcome.result.output.len());
    }

    fn create(&mut self, _: &mut NodeContext, inputs: &mut CreateInputs) -> Option<CreateOutcome> {
        self.charge(FIXED + inputs.init_code().len());
        None
    }

    fn create_end(&mut self, _: &mut NodeContext, _: &CreateInputs, outcome: &mut CreateOutcome) {
        self.charge(outcome.result.output.len());
    }
}
