//! What went wrong in an execution, in the words that geth uses and that libraries look for.

use super::watch::LastStep;
use alloy_primitives::U256;
use revm::{bytecode::opcode::OPCODE_INFO, context_interface::result::HaltReason};

/// Selector of `Error(string)`.
const ERROR: [u8; 4] = [0x08, 0xc3, 0x79, 0xa0];
/// Selector of `Panic(uint256)`.
const PANIC: [u8; 4] = [0x4e, 0x48, 0x7b, 0x71];
/// Items a stack holds (yellow paper, section 9.1).
const STACK_LIMIT: usize = 1_024;

/// The reason in revert data that is an `Error(string)` or a `Panic(uint256)`; `None` for custom errors and other data.
pub fn revert_reason(data: &[u8]) -> Option<String> {
    let (selector, body) = data.split_at_checked(4)?;
    if selector == ERROR {
        let start = word(body, 0)?;
        let length = word(body, start)?;
        let text = body.get(start.checked_add(32)?..)?.get(..length)?;
        return Some(String::from_utf8_lossy(text).into_owned());
    }
    if selector == PANIC && body.len() >= 32 {
        return Some(panic_text(U256::from_be_slice(&body[..32])));
    }
    None
}

/// The ABI word at `offset` as a length or an offset.
fn word(body: &[u8], offset: usize) -> Option<usize> {
    let bytes = body.get(offset..)?.get(..32)?;
    usize::try_from(U256::from_be_slice(bytes)).ok()
}

/// Panic codes of Solidity ("Panic via assert and Error via require" in its documentation).
fn panic_text(code: U256) -> String {
    let known = match u64::try_from(code) {
        Ok(0x00) => "generic panic",
        Ok(0x01) => "assert(false)",
        Ok(0x11) => "arithmetic underflow or overflow",
        Ok(0x12) => "division or modulo by zero",
        Ok(0x21) => "enum overflow",
        Ok(0x22) => "invalid encoded storage byte array accessed",
        Ok(0x31) => "out-of-bounds array access; popping on an empty array",
        Ok(0x32) => "out-of-bounds access of an array or bytesN",
        Ok(0x41) => "out of memory",
        Ok(0x51) => "uninitialized function",
        _ => return format!("unknown panic code: {code:#x}"),
    };
    known.to_owned()
}

/// The text for an exceptional halt. `last` is the instruction that caused it.
pub(crate) fn halt_message(reason: &HaltReason, last: LastStep) -> String {
    let text = match reason {
        HaltReason::OutOfGas(_) => "out of gas",
        HaltReason::OpcodeNotFound | HaltReason::InvalidFEOpcode | HaltReason::NotActivated => {
            return format!("invalid opcode: {}", opcode_name(last.opcode));
        }
        HaltReason::InvalidJump => "invalid jump destination",
        HaltReason::StackUnderflow => return format!("stack underflow ({} <=> {})", last.stack, arity(last.opcode).0),
        HaltReason::StackOverflow => {
            let (inputs, outputs) = arity(last.opcode);
            return format!("stack limit reached {} ({})", last.stack, STACK_LIMIT + inputs - outputs);
        }
        HaltReason::OutOfOffset => "return data out of bounds",
        HaltReason::CreateCollision => "contract address collision",
        HaltReason::PrecompileErrorWithContext(text) => return format!("precompile: {text}"),
        HaltReason::PrecompileError => "precompile: invalid input",
        HaltReason::NonceOverflow => "nonce uint64 overflow",
        HaltReason::CreateContractSizeLimit => "max code size exceeded",
        HaltReason::CreateContractStartingWithEF => "invalid code: must not begin with 0xef",
        HaltReason::CreateInitCodeSizeLimit => "max initcode size exceeded",
        HaltReason::StateChangeDuringStaticCall | HaltReason::CallNotAllowedInsideStatic => "write protection",
        HaltReason::OutOfFunds | HaltReason::OverflowPayment => "insufficient balance for transfer",
        HaltReason::CallTooDeep => "max call depth exceeded",
    };
    text.to_owned()
}

fn opcode_name(opcode: u8) -> String {
    match OPCODE_INFO[usize::from(opcode)] {
        Some(info) => info.name().to_owned(),
        None => format!("opcode {opcode:#04x} not defined"),
    }
}

fn arity(opcode: u8) -> (usize, usize) {
    let info = OPCODE_INFO[usize::from(opcode)];
    info.map_or((0, 0), |info| (usize::from(info.inputs()), usize::from(info.outputs())))
}
