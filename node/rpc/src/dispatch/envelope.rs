//! The request object of JSON-RPC 2.0.

use crate::RpcError;
use qsdm_primitives::limits::RPC_ID_BYTES_MAX;
use serde::{Deserialize, Deserializer, de::IgnoredAny};
use serde_json::{error::Category, value::RawValue};
use std::borrow::Cow;

/// One request, with its parts as they were written. Members that the standard doesn't have are ignored, at any depth
/// without recursion.
#[derive(Deserialize)]
pub(crate) struct Envelope<'a> {
    #[serde(borrow)]
    jsonrpc: Option<Cow<'a, str>>,
    /// `None` for a notification; an id of null is an id.
    #[serde(borrow, default, deserialize_with = "present")]
    pub(crate) id: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) method: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub(crate) params: Option<&'a RawValue>,
}

/// For the answer to what is not a request: its id if it has a proper one.
#[derive(Deserialize)]
struct Identified<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
}

/// Tells a member that is null from one that is not there.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

impl<'a> Envelope<'a> {
    /// Reads one request. An error comes with the id to answer to, if that could be found out.
    pub(crate) fn parse(text: &'a [u8]) -> Result<Self, (Option<&'a RawValue>, RpcError)> {
        // a struct may also be read from an array, and a request may not be one
        if text.trim_ascii_start().first() != Some(&b'{') {
            return Err((None, not_an_object(text)));
        }
        let envelope: Self = serde_json::from_slice(text).map_err(|error| explain(text, &error))?;
        if let Some(id) = envelope.id {
            check_id(id).map_err(|error| (None, error))?;
        }
        if envelope.jsonrpc.as_deref() != Some("2.0") {
            return Err((envelope.id, RpcError::invalid_request(r#"invalid request: "jsonrpc" must be "2.0""#)));
        }
        Ok(envelope)
    }
}

fn check_id(id: &RawValue) -> Result<(), RpcError> {
    let text = id.get();
    if text.len() > RPC_ID_BYTES_MAX {
        return Err(RpcError::invalid_request(format!(
            "invalid request: the id has {} bytes, at most {RPC_ID_BYTES_MAX} are allowed",
            text.len()
        )));
    }
    match text.as_bytes().first() {
        Some(b'"' | b'-' | b'0'..=b'9' | b'n') => Ok(()),
        _ => Err(RpcError::invalid_request("invalid request: the id must be a string, a number or null")),
    }
}

fn not_an_object(text: &[u8]) -> RpcError {
    match serde_json::from_slice::<IgnoredAny>(text) {
        Ok(_) => RpcError::invalid_request("invalid request: expected an object"),
        Err(error) => RpcError::parse(format!("parse error: {error}")),
    }
}

fn explain<'a>(text: &'a [u8], error: &serde_json::Error) -> (Option<&'a RawValue>, RpcError) {
    if error.classify() != Category::Data {
        return (None, RpcError::parse(format!("parse error: {error}")));
    }
    let id = serde_json::from_slice::<Identified<'a>>(text).ok().and_then(|identified| identified.id);
    let id = id.filter(|id| check_id(id).is_ok());
    (id, RpcError::invalid_request(format!("invalid request: {error}")))
}
