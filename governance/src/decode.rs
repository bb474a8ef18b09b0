//! Calldata in words.

use crate::{Action, value};
use alloy_dyn_abi::JsonAbiExt;
use alloy_json_abi::Function;
use alloy_primitives::{Address, Bytes, U256, hex};
use serde::Serialize;

/// A call in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribedAction {
    /// Contract called.
    pub target: Address,
    /// Its name, if it is a genesis contract.
    pub contract: Option<&'static str>,
    /// Signature of the function, or its four-byte selector where it is unknown; `receive()` for no calldata at all.
    pub function: String,
    /// Arguments in order; empty where the function is unknown.
    pub arguments: Vec<DescribedArgument>,
    /// Wei sent along.
    pub value: U256,
    /// The calldata itself.
    pub data: Bytes,
    /// False if the calldata could not be decoded, or says more than its decoded form: whoever votes should ask why.
    pub decoded: bool,
}

/// An argument in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DescribedArgument {
    /// Name in the contract's source.
    pub name: String,
    /// Solidity type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Value for people.
    pub value: String,
}

/// Decodes a call by the interfaces of the genesis contracts.
pub fn describe_action(action: &Action) -> DescribedAction {
    let contract = qsdm_contracts::contract_at(action.target);
    let known = contract.and_then(|contract| {
        let selector = action.data.get(..4)?;
        contract.abi().functions().find(|function| function.selector() == selector)
    });
    let arguments = match known {
        Some(function) => arguments(function, action.data.get(4..).unwrap_or_default()),
        // nothing is called: only wei is sent
        None => action.data.is_empty().then(Vec::new),
    };
    let function = match known {
        Some(function) => function.signature(),
        None if action.data.is_empty() => "receive()".to_owned(),
        None => hex::encode_prefixed(action.data.get(..4).unwrap_or(&action.data)),
    };
    DescribedAction {
        target: action.target,
        contract: contract.map(|contract| contract.name),
        function,
        decoded: arguments.is_some(),
        arguments: arguments.unwrap_or_default(),
        value: action.value,
        data: action.data.clone(),
    }
}

fn arguments(function: &Function, data: &[u8]) -> Option<Vec<DescribedArgument>> {
    let values = function.abi_decode_input(data).ok()?;
    // what is shown must be all there is: no hidden bytes, no parts that share their place
    if function.abi_encode_input_raw(&values).ok()? != data {
        return None;
    }
    let described = function.inputs.iter().zip(&values).map(|(input, argument)| DescribedArgument {
        name: input.name.clone(),
        kind: input.selector_type().into_owned(),
        value: value::show(argument),
    });
    Some(described.collect())
}

impl std::fmt::Display for DescribedAction {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.contract {
            Some(name) => write!(formatter, "{name}.")?,
            None => write!(formatter, "{}.", self.target)?,
        }
        if !self.decoded {
            write!(formatter, "{} with undecoded calldata {}", self.function, self.data)?;
        } else {
            write!(formatter, "{}(", self.function.split('(').next().unwrap_or_default())?;
            for (position, argument) in self.arguments.iter().enumerate() {
                formatter.write_str(if position > 0 { ", " } else { "" })?;
                if !argument.name.is_empty() {
                    write!(formatter, "{}: ", argument.name)?;
                }
                formatter.write_str(&argument.value)?;
            }
            formatter.write_str(")")?;
        }
        if !self.value.is_zero() {
            write!(formatter, " with {} wei", self.value)?;
        }
        Ok(())
    }
}
