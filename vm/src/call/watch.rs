//! Stopping an execution that nobody waits for any longer.

use super::{CallError, CallLimits};
use crate::evm::NodeContext;
use revm::{
    Inspector,
    context_interface::context::ContextError,
    interpreter::{
        CallInputs, CallOutcome, CreateInputs, CreateOutcome, Interpreter,
        interpreter_types::{Jumps, LoopControl},
    },
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

/// Instructions between two looks at the clock. Together about 5 µs, so that the look itself does not show.
const STEPS: u32 = 1_024;
/// Gas between two looks, for the instructions that do much at once: hashing or copying megabytes.
const GAS: u64 = 100_000;

/// The instruction that ran last, for messages.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LastStep {
    /// The opcode.
    pub(crate) opcode: u8,
    /// Items on the stack before it.
    pub(crate) stack: usize,
}

/// An inspector that ends the execution when its deadline has passed or its caller is gone.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    deadline: Option<Instant>,
    cancel: Option<Arc<AtomicBool>>,
    steps_left: u32,
    gas_seen: u64,
    last: LastStep,
    stopped: Option<CallError>,
}

impl Watch {
    pub(crate) fn new(limits: &CallLimits) -> Self {
        Self { deadline: limits.deadline, cancel: limits.cancel.clone(), ..Self::default() }
    }

    pub(crate) fn last_step(&self) -> LastStep {
        self.last
    }

    /// Why the execution was stopped, if it was.
    pub(crate) fn stopped(&self) -> Option<&CallError> {
        self.stopped.as_ref()
    }

    /// Looks at the clock and at the caller.
    pub(crate) fn check(&mut self) -> Result<(), CallError> {
        let cancelled = self.cancel.as_ref().is_some_and(|cancel| cancel.load(Ordering::Relaxed));
        if self.stopped.is_none() {
            self.stopped = if cancelled {
                Some(CallError::Cancelled)
            } else if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                Some(CallError::Timeout)
            } else {
                None
            };
        }
        self.stopped.clone().map_or(Ok(()), Err)
    }

    #[cold]
    #[inline(never)]
    fn look(&mut self, interpreter: &mut Interpreter, context: &mut NodeContext) {
        self.steps_left = STEPS;
        self.gas_seen = interpreter.gas.remaining();
        if let Err(stop) = self.check() {
            fail(context, &stop);
            self.steps_left = 0;
            interpreter.bytecode.reset_action();
            interpreter.halt_fatal();
        }
    }

    /// Entering a frame: precompiles run for long without a single step.
    fn enter(&mut self, context: &mut NodeContext) {
        if let Err(stop) = self.check() {
            fail(context, &stop);
            self.steps_left = 0;
        }
    }
}

/// Lets the whole transaction fail, not only the innermost frame.
fn fail(context: &mut NodeContext, stop: &CallError) {
    if context.error.is_ok() {
        context.error = Err(ContextError::Custom(stop.to_string()));
    }
}

impl Inspector<NodeContext> for Watch {
    #[inline]
    fn step(&mut self, interpreter: &mut Interpreter, context: &mut NodeContext) {
        self.last = LastStep { opcode: interpreter.bytecode.opcode(), stack: interpreter.stack.len() };
        if self.steps_left == 0 || self.gas_seen.abs_diff(interpreter.gas.remaining()) > GAS {
            self.look(interpreter, context);
        } else {
            self.steps_left -= 1;
        }
    }

    fn call(&mut self, context: &mut NodeContext, _: &mut CallInputs) -> Option<CallOutcome> {
        self.enter(context);
        None
    }

    fn create(&mut self, context: &mut NodeContext, _: &mut CreateInputs) -> Option<CreateOutcome> {
        self.enter(context);
        None
    }
}
