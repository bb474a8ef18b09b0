//! A proposal ready to be sent.

use crate::{Error, ProposalFile, file::DESCRIPTION_BYTES_MAX, value};
use alloy_dyn_abi::{DynSolType, JsonAbiExt, Specifier};
use alloy_json_abi::{Function, JsonAbi};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_sol_types::{SolCall, SolValue};
use qsdm_contracts::{Track, bindings::MeshGovernor, contracts};

/// A call that a proposal makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// Contract called.
    pub target: Address,
    /// Wei sent along.
    pub value: U256,
    /// Calldata.
    pub data: Bytes,
}

/// A proposal ready to be sent by its proposer, and by nobody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The way it takes.
    pub track: Track,
    /// Calls in order.
    pub actions: Vec<Action>,
    /// Text on the chain, ending in the proposer's mark.
    pub description: String,
    /// Id that the governor will give it.
    pub id: U256,
}

impl Draft {
    /// Binds a file to its proposer.
    pub fn new(file: &ProposalFile, proposer: Address) -> Result<Self, Error> {
        let description = mark(&file.description(), proposer)?;
        let actions: Vec<Action> = file
            .actions
            .iter()
            .map(|action| Action { target: action.target, value: action.value, data: action.data.clone() })
            .collect();
        let id = proposal_id(&actions, description_hash(&description));
        Ok(Self { track: file.track, actions, description, id })
    }

    /// Calldata of `propose` on the track's governor.
    pub fn calldata(&self) -> Bytes {
        let (targets, values, calldatas) = columns(&self.actions);
        let description = self.description.clone();
        MeshGovernor::proposeCall { targets, values, calldatas, description }.abi_encode().into()
    }
}

/// Appends `#proposer=0x…`. A description that already carries a mark is refused unless it is the proposer's own.
fn mark(description: &str, proposer: Address) -> Result<String, Error> {
    let own = format!("#proposer={}", format!("{proposer:?}").to_lowercase());
    let marked = match final_mark(description) {
        Some((text, account)) if account == proposer => format!("{text}{own}"),
        Some((_, account)) => {
            let text = format!("the text ends in #proposer={account}, the mark of another proposer: remove it");
            return Err(Error::File(text));
        }
        None => format!("{description}\n\n{own}"),
    };
    if marked.len() > DESCRIPTION_BYTES_MAX {
        let (found, max) = (format!("{} bytes", marked.len()), format!("{DESCRIPTION_BYTES_MAX} bytes"));
        return Err(Error::Limit { what: "the description with title and proposer's mark", found, max });
    }
    Ok(marked)
}

/// The mark at the very end, as OpenZeppelin's `_isValidDescriptionForProposer` reads it, and the text before it. What
/// only looks like one binds nobody.
fn final_mark(description: &str) -> Option<(&str, Address)> {
    let (text, digits) = description.trim_end().rsplit_once("#proposer=0x")?;
    let bytes: [u8; 20] = value::bytes(&format!("0x{digits}"))?.try_into().ok()?;
    Some((text, bytes.into()))
}

/// keccak-256 of a description: what `queue`, `execute` and `cancel` take.
pub fn description_hash(description: &str) -> B256 {
    keccak256(description)
}

/// The id that OpenZeppelin's Governor gives: keccak-256 of the ABI encoding of targets, values, calldatas and the
/// description's hash.
pub fn proposal_id(actions: &[Action], description_hash: B256) -> U256 {
    let (targets, values, calldatas) = columns(actions);
    keccak256((targets, values, calldatas, description_hash).abi_encode_params()).into()
}

/// Actions as the three lists that the governor takes.
pub(crate) fn columns(actions: &[Action]) -> (Vec<Address>, Vec<U256>, Vec<Bytes>) {
    let targets = actions.iter().map(|action| action.target).collect();
    let values = actions.iter().map(|action| action.value).collect();
    let calldatas = actions.iter().map(|action| action.data.clone()).collect();
    (targets, values, calldatas)
}

/// A contract by name or address.
pub(crate) fn target(action: usize, name: &str) -> Result<Address, Error> {
    if let Some(contract) = contracts().iter().find(|contract| contract.name == name) {
        return Ok(contract.address);
    }
    value::address(name).ok_or_else(|| {
        let name = name.to_owned();
        if name.starts_with("0x") {
            let found = value::found(&toml::Value::String(name), &DynSolType::Address);
            let (argument, expected) = ("target".to_owned(), "a contract's name or an address".to_owned());
            return Error::Argument { action, argument, expected, found };
        }
        let known = contracts().iter().map(|contract| contract.name).collect::<Vec<_>>().join(", ");
        Error::UnknownTarget { action, name, known }
    })
}

/// Target and calldata of a function with arguments. `function` is a name, or a full signature where the name is
/// overloaded or the contract is not a known one.
pub(crate) fn encode_call(
    action: usize,
    target_name: &str,
    function: &str,
    args: &[toml::Value],
) -> Result<(Address, Bytes), Error> {
    let target = target(action, target_name)?;
    let abi = qsdm_contracts::contract_at(target).map(|contract| contract.abi());
    let function = find_function(action, target_name, abi, function)?;
    let signature = function.signature();
    if function.inputs.len() != args.len() {
        let (expected, found) = (function.inputs.len(), args.len());
        return Err(Error::ArgumentCount { action, signature, expected, found });
    }
    let mut values = Vec::with_capacity(args.len());
    for (position, (input, arg)) in function.inputs.iter().zip(args).enumerate() {
        let argument = if input.name.is_empty() { (position + 1).to_string() } else { input.name.clone() };
        let bad =
            |expected: String, found: String| Error::Argument { action, argument: argument.clone(), expected, found };
        let expected = input.resolve().map_err(|error| bad(input.ty.clone(), error.to_string()))?;
        values.push(value::encode(arg, &expected).map_err(|found| bad(input.selector_type().into_owned(), found))?);
    }
    let data = function.abi_encode_input(&values).map_err(|error| Error::File(format!("action {action}: {error}")))?;
    Ok((target, data.into()))
}

fn find_function(action: usize, target: &str, abi: Option<&JsonAbi>, name: &str) -> Result<Function, Error> {
    let unknown =
        |hint: String| Error::UnknownFunction { action, target: target.to_owned(), name: name.to_owned(), hint };
    let Some(abi) = abi else {
        return Function::parse(name)
            .map_err(|error| unknown(format!("give its full signature, such as transfer(address,uint256) ({error})")));
    };
    let plain = name.split('(').next().unwrap_or(name).trim();
    let candidates: Vec<&Function> = abi.functions().filter(|function| function.name == plain).collect();
    let wanted: Vec<&&Function> = candidates
        .iter()
        .filter(|function| !name.contains('(') || function.signature() == name.replace(' ', ""))
        .collect();
    match wanted.as_slice() {
        [function] => Ok((**function).clone()),
        [] if candidates.is_empty() => Err(unknown(format!("it can do {}", changing(abi)))),
        [] => Err(unknown(format!("it has {}", signatures(&candidates)))),
        _ => Err(unknown(format!("the name is overloaded, give one of {}", signatures(&candidates)))),
    }
}

fn signatures(functions: &[&Function]) -> String {
    functions.iter().map(|function| function.signature()).collect::<Vec<_>>().join(", ")
}

/// Functions that change something, which is what proposals are for.
fn changing(abi: &JsonAbi) -> String {
    use alloy_json_abi::StateMutability::{Pure, View};
    let mut names: Vec<&str> = abi
        .functions()
        .filter(|function| !matches!(function.state_mutability, Pure | View))
        .map(|function| function.name.as_str())
        .collect();
    names.sort_unstable();
    names.dedup();
    names.join(", ")
}
