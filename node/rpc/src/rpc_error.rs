//! The error object of an answer.

use serde::Serialize;
use serde_json::value::RawValue;
use std::{borrow::Cow, fmt};

/// Codes of JSON-RPC 2.0, of EIP-1474, and those that geth adds and clients know.
pub mod code {
    /// The execution of a call reverted; `data` is the revert data in hex.
    pub const EXECUTION_REVERTED: i32 = 3;
    /// Not JSON.
    pub const PARSE: i32 = -32700;
    /// JSON, but not a request; also a batch that is empty or too large.
    pub const INVALID_REQUEST: i32 = -32600;
    /// No such method here.
    pub const METHOD_NOT_FOUND: i32 = -32601;
    /// A parameter is missing, superfluous or of the wrong form.
    pub const INVALID_PARAMS: i32 = -32602;
    /// A fault of the node.
    pub const INTERNAL: i32 = -32603;
    /// A refusal with its reason, as geth answers most of them.
    pub const SERVER: i32 = -32000;
    /// What was asked for does not exist.
    pub const NOT_FOUND: i32 = -32001;
    /// The call took too long and was stopped.
    pub const TIMED_OUT: i32 = -32002;
    /// The answer would be larger than the node sends. (EIP-1474 gives the number to rejected transactions; geth and
    /// the clients that split their requests on it use it for this.)
    pub const RESPONSE_TOO_LARGE: i32 = -32003;
    /// The method exists but not in this place.
    pub const UNSUPPORTED: i32 = -32004;
    /// A limit of the node is reached.
    pub const LIMIT_EXCEEDED: i32 = -32005;
}

/// What a method answers instead of a result.
#[derive(Debug, Clone, Serialize)]
pub struct RpcError {
    /// One of [`code`].
    pub code: i32,
    /// What is wrong, with the numbers, and what to do.
    pub message: Cow<'static, str>,
    /// Machine-readable details.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Box<RawValue>>,
}

impl RpcError {
    /// An error without data.
    pub fn new(code: i32, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    /// The same error with details. Details that cannot be written as JSON are left out.
    #[must_use]
    pub fn with_data(mut self, data: &impl Serialize) -> Self {
        self.data = serde_json::value::to_raw_value(data).ok();
        self
    }

    /// −32700, see [`code::PARSE`].
    pub fn parse(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(code::PARSE, message)
    }

    /// −32600, see [`code::INVALID_REQUEST`].
    pub fn invalid_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(code::INVALID_REQUEST, message)
    }

    /// −32601 with the name, shortened if it is longer than any method's.
    pub fn method_not_found(name: &str) -> Self {
        const NAME_CHARACTERS_MAX: usize = 64;
        let shown: String = name.chars().take(NAME_CHARACTERS_MAX).collect();
        let more = if shown.len() < name.len() { "…" } else { "" };
        Self::new(code::METHOD_NOT_FOUND, format!("the method {shown}{more} does not exist/is not available"))
    }

    /// −32602, see [`code::INVALID_PARAMS`].
    pub fn invalid_params(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(code::INVALID_PARAMS, message)
    }

    /// −32603, see [`code::INTERNAL`].
    pub fn internal(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(code::INTERNAL, message)
    }

    /// −32000, see [`code::SERVER`].
    pub fn server(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(code::SERVER, message)
    }

    /// −32001, see [`code::NOT_FOUND`].
    pub fn not_found(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(code::NOT_FOUND, message)
    }

    /// −32002, see [`code::TIMED_OUT`].
    pub fn timed_out(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(code::TIMED_OUT, message)
    }

    /// −32003, see [`code::RESPONSE_TOO_LARGE`].
    pub fn response_too_large(limit_bytes: usize) -> Self {
        Self::new(
            code::RESPONSE_TOO_LARGE,
            format!("response too large: more than {limit_bytes} bytes; ask for less at once"),
        )
    }

    /// −32004, see [`code::UNSUPPORTED`].
    pub fn unsupported(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(code::UNSUPPORTED, message)
    }

    /// −32005, see [`code::LIMIT_EXCEEDED`].
    pub fn limit_exceeded(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(code::LIMIT_EXCEEDED, message)
    }

    /// Code 3 with the revert data as 0x-prefixed hex, the form that ethers, viem and Hardhat decode.
    pub fn execution_reverted(message: impl Into<Cow<'static, str>>, revert_data: &[u8]) -> Self {
        Self::new(code::EXECUTION_REVERTED, message).with_data(&alloy_primitives::hex::encode_prefixed(revert_data))
    }
}

impl fmt::Display for RpcError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({})", self.message, self.code)
    }
}

impl std::error::Error for RpcError {}
