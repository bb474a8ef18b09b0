//! An execution ends when its time is up or nobody waits for it.

use super::fixture::*;
use crate::call::{CallError, CallLimits, CallOutcome, estimate_gas, execute_call};
use revm::bytecode::opcode as op;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// Enough for minutes: only the watch ends a loop.
const GAS: u64 = 1 << 40;

fn run(code: &[u8], limits: &CallLimits) -> Result<CallOutcome, CallError> {
    let mut state = world(code);
    place(&mut state, OTHER, LOOP);
    execute_call(database(&state), CHAIN, &block(), &request(&[]), (None, None), limits)
}

#[test]
fn an_endless_loop_ends_at_its_deadline() {
    let deadline = Some(Instant::now() + Duration::from_millis(20));
    let limits = CallLimits { gas_max: GAS, deadline, cancel: None };
    assert_eq!(run(LOOP, &limits), Err(CallError::Timeout));
    assert_eq!(CallError::Timeout.code(), -32_000);
}

#[test]
fn an_endless_loop_ends_when_its_caller_is_gone() {
    let cancel = Arc::new(AtomicBool::new(false));
    let limits = CallLimits { gas_max: GAS, deadline: None, cancel: Some(cancel.clone()) };
    let caller = thread::spawn(move || {
        thread::sleep(Duration::from_millis(20));
        cancel.store(true, Ordering::Relaxed);
    });
    assert_eq!(run(LOOP, &limits), Err(CallError::Cancelled));
    caller.join().unwrap();
}

#[test]
fn a_later_deadline_takes_longer_so_it_is_the_deadline_that_ends_the_loop() {
    let time = |milliseconds| {
        let start = Instant::now();
        let limits =
            CallLimits { gas_max: GAS, deadline: Some(start + Duration::from_millis(milliseconds)), cancel: None };
        assert_eq!(run(LOOP, &limits), Err(CallError::Timeout));
        start.elapsed()
    };
    let (short, long) = (time(5), time(500));
    assert!(short < long, "{short:?} {long:?}");
}

#[test]
fn a_loop_inside_a_call_ends_the_whole_transaction() {
    // the caller would go on after its callee failed
    let code = [&calling(OTHER, u32::MAX, 0, 0)[..], &[op::STOP]].concat();
    let deadline = Some(Instant::now() + Duration::from_millis(20));
    assert_eq!(run(&code, &CallLimits { gas_max: GAS, deadline, cancel: None }), Err(CallError::Timeout));
}

#[test]
fn an_expired_deadline_ends_even_calls_without_code() {
    let deadline = Some(Instant::now());
    let limits = CallLimits { gas_max: GAS, deadline, cancel: None };
    assert_eq!(run(&[], &limits), Err(CallError::Timeout));
}

#[test]
fn an_estimate_stops_too() {
    let deadline = Some(Instant::now());
    let limits = CallLimits { gas_max: GAS, deadline, cancel: None };
    let state = world(LOOP);
    let estimate = estimate_gas(database(&state), CHAIN, &block(), &request(&[]), (None, None), &limits);
    assert_eq!(estimate, Err(CallError::Timeout));
}
