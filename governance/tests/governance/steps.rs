//! Which step is possible when.

use qsdm_governance::{
    ProposalState::{self, Active, Canceled, Defeated, Executed, Expired, Pending, Queued, Succeeded},
    Step::{self, Cancel, Execute, Queue, Vote},
    Times,
};

const TIMES: Times = Times { vote_start: 100, vote_end: 200, executable_from: Some(300), expires: 400 };

#[test]
fn every_step_in_every_state_is_possible_now_later_or_never() {
    // a row a state, at second 50: vote, queue, execute, cancel
    let table: [(ProposalState, [Option<u64>; 4]); 8] = [
        (Pending, [Some(51), Some(151), None, Some(0)]),
        (Active, [Some(0), Some(151), None, Some(0)]),
        (Canceled, [None, None, None, None]),
        (Defeated, [None, None, None, None]),
        (Succeeded, [None, Some(0), None, Some(0)]),
        (Queued, [None, None, Some(250), Some(0)]),
        (Expired, [None, None, None, None]),
        (Executed, [None, None, None, None]),
    ];
    assert_eq!(table.map(|(state, _)| state), ProposalState::ALL, "every state once, in order");
    for (state, row) in table {
        for (step, expected) in [Vote, Queue, Execute, Cancel].into_iter().zip(row) {
            assert_eq!(step.possible_in(state, &TIMES, 50), expected, "{step} while {state}");
        }
    }
}

#[test]
fn a_vote_opens_in_the_second_after_its_start_and_a_queue_in_the_second_after_its_end() {
    assert_eq!(Vote.possible_in(Pending, &TIMES, 100), Some(1));
    assert_eq!(Queue.possible_in(Active, &TIMES, 200), Some(1));
    // the state was read a moment before the time: never 0 while the state forbids it
    assert_eq!(Vote.possible_in(Pending, &TIMES, 101), Some(1));
    assert_eq!(Queue.possible_in(Active, &TIMES, 500), Some(1));
}

#[test]
fn a_queued_proposal_is_executable_from_its_second_on() {
    assert_eq!(Execute.possible_in(Queued, &TIMES, 299), Some(1));
    assert_eq!(Execute.possible_in(Queued, &TIMES, 300), Some(0));
    assert_eq!(Execute.possible_in(Queued, &TIMES, 301), Some(0));
}

#[test]
fn times_of_a_strange_chain_do_not_overflow() {
    let times = Times { vote_start: u64::MAX, vote_end: u64::MAX, executable_from: Some(u64::MAX), expires: u64::MAX };
    for state in ProposalState::ALL {
        for step in [Vote, Queue, Execute, Cancel] {
            for now_s in [0, u64::MAX] {
                assert!(step.possible_in(state, &times, now_s) <= Some(u64::MAX));
            }
        }
    }
}

#[test]
fn states_have_the_numbers_of_the_governor() {
    for (number, state) in (0_u8..).zip(ProposalState::ALL) {
        assert_eq!(ProposalState::try_from(number), Ok(state));
        assert!(!state.meaning().is_empty());
        assert_eq!(serde_json::to_value(state).unwrap(), state.to_string());
        let dead_end = [Vote, Queue, Execute, Cancel].iter().all(|step| step.possible_in(state, &TIMES, 50).is_none());
        assert_eq!(state.is_final(), dead_end, "nothing can be done with what is final: {state}");
    }
    assert_eq!(ProposalState::try_from(8), Err(8));
    let names = [Vote, Queue, Execute, Cancel].map(|step: Step| step.to_string());
    assert_eq!(names, ["voting", "queueing", "executing", "cancelling"]);
}
