//! Revert data in a sentence that says what to do.

use crate::{ProposalState, printable, value};
use alloy_dyn_abi::{DynSolValue, JsonAbiExt};
use alloy_primitives::hex;
use alloy_sol_types::{Panic, Revert, SolError};
use qsdm_contracts::contracts;

/// Bytes of unknown revert data that are shown at most.
const SHOWN_BYTES: usize = 256;

/// Explains revert data by the errors of the genesis contracts, `Error(string)` and `Panic(uint256)`.
pub fn explain_revert(data: &[u8]) -> String {
    if data.is_empty() {
        return "the call reverted without a reason".to_owned();
    }
    if let Ok(Revert { reason }) = Revert::abi_decode(data) {
        return format!("the call reverted: {}", printable(&reason));
    }
    if let Ok(panic) = Panic::abi_decode(data) {
        return format!("the contract stopped with a {panic}");
    }
    let Some((name, names, values)) = custom_error(data) else {
        let shown = hex::encode_prefixed(data.get(..SHOWN_BYTES).unwrap_or(data));
        let rest = if data.len() > SHOWN_BYTES { format!("… ({} bytes)", data.len()) } else { String::new() };
        return format!("the call reverted with {shown}{rest}, which no contract of the chain declares");
    };
    let shown: Vec<String> =
        names.iter().zip(&values).map(|(name, argument)| format!("{name}: {}", value::show(argument))).collect();
    let raw = format!("{name}({})", shown.join(", "));
    match advice(&name, &values) {
        Some(advice) => format!("{advice} [{raw}]"),
        None => format!("the contract refuses: {raw}"),
    }
}

fn custom_error(data: &[u8]) -> Option<(String, Vec<String>, Vec<DynSolValue>)> {
    let (selector, rest) = data.split_at_checked(4)?;
    contracts().iter().flat_map(|contract| contract.abi().errors()).find_map(|error| {
        let values = (error.selector() == selector).then(|| error.abi_decode_input(rest).ok())??;
        let names = error.inputs.iter().map(|input| input.name.clone()).collect();
        Some((error.name.clone(), names, values))
    })
}

/// What the errors that members meet mean for them.
fn advice(name: &str, values: &[DynSolValue]) -> Option<String> {
    Some(match name {
        "GovernorUnexpectedProposalState" => {
            let state = values.get(1).and_then(DynSolValue::as_uint)?.0;
            let state = ProposalState::try_from(u8::try_from(state).ok()?).ok()?;
            format!("not now: the proposal is {state}; {}", state.meaning())
        }
        "GovernorAlreadyCastVote" => "this account has voted on the proposal already; a vote cannot be changed".into(),
        "GovernorInsufficientProposerVotes" => {
            "this account has too little reputation to propose: it needs the threshold of votes, its own or delegated to it".into()
        }
        "GovernorRestrictedProposer" => "the description is marked for another proposer: only that account may send it".into(),
        "GovernorNonexistentProposal" => "there is no such proposal on this track".into(),
        "GovernorUnableToCancel" => "this account may not cancel: only the proposer may, or the guardian while its power lasts".into(),
        "GovernorCodeChanged" | "GovernorGenesisCodeChanged" => {
            "the code of a target changed since the proposal was made: it will not be executed; propose again after a look at the new code".into()
        }
        "GovernorTargetHasNoCode" => "a target has no code: check the address".into(),
        "GovernorTooManyActions" => "too many actions in one proposal: split it".into(),
        "GovernorDescriptionTooLong" => "the description is too long: shorten it, or link to the rest".into(),
        "TimelockUnexpectedOperationState" => "not now: the timelock's delay has not passed, or the operation is done".into(),
        "AccessManagedUnauthorized" => "this account may not call that: it takes a vote on the track that may".into(),
        "ReputationZeroDelegate" => "votes cannot be delegated to nobody: delegate to yourself to take them back".into(),
        "SubmeshNameTaken" => "a submesh with this name exists or existed: names are unique forever".into(),
        "SubmeshBadName" => "a submesh name has 1 to 31 of the characters a-z, 0-9 and -".into(),
        "SubmeshBadParams" => "a parameter of the submesh is outside its bounds".into(),
        _ => return None,
    })
}
