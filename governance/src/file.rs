//! The proposal file.

use crate::{Error, value};
use alloy_dyn_abi::{DynSolType, DynSolValue};
use alloy_primitives::{Address, Bytes, U256};
use qsdm_contracts::Track;
use qsdm_primitives::limits::PROPOSAL_FILE_BYTES_MAX;
use serde::Deserialize;

/// Actions of a proposal at most; the governor's own limit.
pub(crate) const ACTIONS_MAX: usize = 10;
/// Bytes of a description at most; the governor's own limit.
pub(crate) const DESCRIPTION_BYTES_MAX: usize = 16_384;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    track: String,
    title: String,
    #[serde(default)]
    body: String,
    #[serde(default, rename = "action")]
    actions: Vec<RawAction>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAction {
    target: String,
    #[serde(rename = "fn")]
    function: Option<String>,
    #[serde(default)]
    args: Vec<toml::Value>,
    data: Option<String>,
    value: Option<toml::Value>,
}

/// What a member writes: a track, a title, a text, and the calls that follow if the vote passes.
#[derive(Clone, Debug, PartialEq)]
pub struct ProposalFile {
    /// The way it takes.
    pub track: Track,
    /// One line.
    pub title: String,
    /// Markdown.
    pub body: String,
    /// Calls in order, 1 to 10.
    pub actions: Vec<ActionFile>,
}

/// A call as written in the file, its function and arguments already encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionFile {
    /// Contract called.
    pub target: Address,
    /// Wei sent along.
    pub value: U256,
    /// Calldata.
    pub data: Bytes,
}

impl ProposalFile {
    /// Reads a file's text and encodes its calls. What depends on the proposer, the length of the description with its
    /// mark, is checked by [`Draft::new`](crate::Draft::new).
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > PROPOSAL_FILE_BYTES_MAX {
            let (found, max) = (format!("{} bytes", text.len()), format!("{PROPOSAL_FILE_BYTES_MAX} bytes"));
            return Err(Error::Limit { what: "the text", found, max });
        }
        let raw: Raw = toml::from_str(text).map_err(|error| Error::File(error.to_string()))?;
        let track = raw.track.parse().map_err(|error: qsdm_contracts::UnknownTrack| Error::File(error.to_string()))?;
        let title = raw.title.trim().to_owned();
        if title.is_empty() || title.chars().any(char::is_control) {
            return Err(Error::File(
                "`title` must be one line that is not empty, without control characters".to_owned(),
            ));
        }
        let found = raw.actions.len();
        if found == 0 {
            return Err(Error::File("there is no [[action]]: a proposal calls at least one function".to_owned()));
        }
        if found > ACTIONS_MAX {
            let (found, max) = (format!("{found} actions"), ACTIONS_MAX.to_string());
            return Err(Error::Limit { what: "the proposal", found, max });
        }
        let actions = raw.actions.iter().enumerate().map(|(position, action)| action.encode(position + 1));
        let actions = actions.collect::<Result<_, _>>()?;
        Ok(Self { track, title, body: raw.body.trim().to_owned(), actions })
    }

    /// The description on the chain, without the proposer's mark.
    pub fn description(&self) -> String {
        let Self { title, body, .. } = self;
        if body.is_empty() { format!("# {title}") } else { format!("# {title}\n\n{body}") }
    }
}

impl RawAction {
    fn encode(&self, action: usize) -> Result<ActionFile, Error> {
        let value = match &self.value {
            None => U256::ZERO,
            Some(given) => wei(action, given)?,
        };
        if self.data.is_some() && !self.args.is_empty() {
            return Err(Error::File(format!("action {action}: `args` go with `fn`, `data` is the whole calldata")));
        }
        let (target, data) = match (&self.function, &self.data) {
            (Some(function), None) => crate::draft::encode_call(action, &self.target, function, &self.args)?,
            (None, Some(data)) => (crate::draft::target(action, &self.target)?, raw_data(action, data)?),
            _ => {
                return Err(Error::File(format!(
                    "action {action}: give either `fn` with `args`, or `data` with calldata in hex"
                )));
            }
        };
        Ok(ActionFile { target, value, data })
    }
}

fn wei(action: usize, given: &toml::Value) -> Result<U256, Error> {
    let bad =
        |found| Error::Argument { action, argument: "value".to_owned(), expected: "wei (uint256)".to_owned(), found };
    match value::encode(given, &DynSolType::Uint(256)).map_err(bad)? {
        DynSolValue::Uint(wei, _) => Ok(wei),
        other => Err(bad(value::show(&other))),
    }
}

fn raw_data(action: usize, text: &str) -> Result<Bytes, Error> {
    let bad = || Error::Argument {
        action,
        argument: "data".to_owned(),
        expected: "calldata in hex with 0x".to_owned(),
        found: value::found(&toml::Value::String(text.to_owned()), &DynSolType::Bytes),
    };
    value::bytes(text).map(Bytes::from).ok_or_else(bad)
}
