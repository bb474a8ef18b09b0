//! The proposal file.

use crate::Error;
use alloy_primitives::{Address, Bytes, U256};
use qsdm_contracts::Track;
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
    value: Option<String>,
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
    /// Reads a file's text and checks every limit that the contracts would refuse later.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let raw: Raw = toml::from_str(text).map_err(|error| Error::File(error.to_string()))?;
        let track = raw.track.parse().map_err(|error: qsdm_contracts::UnknownTrack| Error::File(error.to_string()))?;
        let title = raw.title.trim().to_owned();
        if title.is_empty() || title.contains('\n') {
            return Err(Error::File("`title` must be one line that is not empty".to_owned()));
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
            Some(text) => U256::from_str_radix(text, 10).map_err(|_| Error::Argument {
                action,
                argument: "value".to_owned(),
                expected: "wei as decimal text".to_owned(),
                found: format!("{text:?}"),
            })?,
        };
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

fn raw_data(action: usize, text: &str) -> Result<Bytes, Error> {
    text.parse().map_err(|_| Error::Argument {
        action,
        argument: "data".to_owned(),
        expected: "calldata in hex with 0x".to_owned(),
        found: format!("{text:?}"),
    })
}
