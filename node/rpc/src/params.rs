//! Decoding of parameters.

use crate::RpcError;
use qsdm_primitives::limits::RPC_PARAMETERS_MAX;
use serde::{Deserialize, de};
use serde_json::value::RawValue;
use std::fmt;

/// The undecoded `params` of a request.
#[derive(Clone, Copy, Debug)]
pub struct Params<'a> {
    raw: Option<&'a RawValue>,
}

impl<'a> Params<'a> {
    /// `raw` is `None` where the request has no `params`.
    pub fn new(raw: Option<&'a RawValue>) -> Self {
        Self { raw }
    }

    /// As received.
    pub fn raw(&self) -> Option<&'a RawValue> {
        self.raw
    }

    /// Splits an array of at most `names.len()` parameters; nothing is decoded yet. Missing `params` is an empty array.
    ///
    /// `names` are what error messages call the parameters. At most [`RPC_PARAMETERS_MAX`] of them.
    ///
    /// # Errors
    /// −32602 for anything but an array, and for more parameters than names.
    pub fn positional(&self, names: &'static [&'static str]) -> Result<Positional<'a>, RpcError> {
        let mut items = [None; RPC_PARAMETERS_MAX];
        let count = match self.raw.map(RawValue::get) {
            None | Some("null" | "[]") => 0,
            Some(text) if text.starts_with('[') => {
                let mut split = serde_json::Deserializer::from_str(text);
                let count = de::Deserializer::deserialize_seq(&mut split, Split { items: &mut items })
                    .map_err(|error| RpcError::invalid_params(format!("params: {}", plain(&error))))?;
                if count > names.len() {
                    return Err(too_many(names.len()));
                }
                count
            }
            Some(_) => {
                return Err(RpcError::invalid_params(format!("params: expected an array [{}]", names.join(", "))));
            }
        };
        Ok(Positional { items, count, names })
    }

    /// Checks that there are no parameters.
    ///
    /// # Errors
    /// −32602 where there are.
    pub fn none(&self) -> Result<(), RpcError> {
        // the usual forms need no parser
        if matches!(self.raw.map(RawValue::get), None | Some("[]" | "null" | "{}")) {
            return Ok(());
        }
        self.positional(&[]).map(|_| ())
    }

    /// Decodes parameters given by name, for the few methods that take them so.
    ///
    /// # Errors
    /// −32602 where they don't have the form of `T`.
    pub fn named<T: Deserialize<'a>>(&self) -> Result<T, RpcError> {
        serde_json::from_str(self.raw.map_or("{}", RawValue::get))
            .map_err(|error| RpcError::invalid_params(format!("params: {}", plain(&error))))
    }
}

/// The parameters of a request in their order.
#[derive(Clone, Copy, Debug)]
pub struct Positional<'a> {
    items: [Option<&'a RawValue>; RPC_PARAMETERS_MAX],
    count: usize,
    names: &'static [&'static str],
}

impl<'a> Positional<'a> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The parameter as received; `None` where it is missing or null.
    pub fn raw(&self, index: usize) -> Option<&'a RawValue> {
        self.items.get(index).copied().flatten().filter(|raw| raw.get() != "null")
    }

    /// Decodes a parameter that must be there.
    ///
    /// # Errors
    /// −32602 where it is missing, null or not a `T`; the message names it and says what was expected.
    pub fn required<T: Deserialize<'a>>(&self, index: usize) -> Result<T, RpcError> {
        match self.raw(index) {
            Some(raw) => self.decode(index, raw),
            None => Err(RpcError::invalid_params(format!(
                "missing value for required argument {index} ({})",
                self.name(index)
            ))),
        }
    }

    /// Decodes a parameter that may be left out or null.
    ///
    /// # Errors
    /// −32602 where it is not a `T`.
    pub fn optional<T: Deserialize<'a>>(&self, index: usize) -> Result<Option<T>, RpcError> {
        self.raw(index).map(|raw| self.decode(index, raw)).transpose()
    }

    /// −32602 about parameter `index`, for checks that a type can't make.
    pub fn invalid(&self, index: usize, reason: impl fmt::Display) -> RpcError {
        RpcError::invalid_params(format!("invalid argument {index} ({}): {reason}", self.name(index)))
    }

    fn decode<T: Deserialize<'a>>(&self, index: usize, raw: &'a RawValue) -> Result<T, RpcError> {
        serde_json::from_str(raw.get()).map_err(|error| self.invalid(index, plain(&error)))
    }

    fn name(&self, index: usize) -> &'static str {
        self.names.get(index).copied().unwrap_or("unnamed")
    }
}

fn too_many(most: usize) -> RpcError {
    RpcError::invalid_params(format!("too many arguments, want at most {most}"))
}

/// The text of a decoding error without its place: line and column count inside the parameter, which confuses.
fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

/// Fills `items` with the elements of an array and returns how many there were, counting on past the last place.
struct Split<'s, 'a> {
    items: &'s mut [Option<&'a RawValue>; RPC_PARAMETERS_MAX],
}

impl<'a> de::Visitor<'a> for Split<'_, 'a> {
    type Value = usize;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array")
    }

    fn visit_seq<A: de::SeqAccess<'a>>(self, mut sequence: A) -> Result<usize, A::Error> {
        let mut count = 0;
        while let Some(item) = sequence.next_element::<&'a RawValue>()? {
            if let Some(place) = self.items.get_mut(count) {
                *place = Some(item);
            }
            count += 1;
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> &RawValue {
        serde_json::from_str(text).unwrap()
    }

    fn message(result: Result<impl Sized, RpcError>) -> String {
        let error = result.err().expect("an error");
        assert_eq!(error.code, -32602);
        error.message.into_owned()
    }

    #[test]
    fn trailing_parameters_may_be_left_out_or_null() {
        for text in ["[7]", "[7,null]", "[7, null ]"] {
            let params = Params::new(Some(raw(text))).positional(&["height", "block"]).unwrap();
            assert_eq!(params.required::<u64>(0).unwrap(), 7);
            assert_eq!(params.optional::<String>(1).unwrap(), None);
        }
        assert!(Params::new(None).positional(&["height"]).unwrap().is_empty());
        assert!(Params::new(None).none().is_ok());
    }

    #[test]
    fn an_error_names_the_parameter_and_what_was_expected() {
        let params = Params::new(Some(raw(r#"["x"]"#))).positional(&["height", "block"]).unwrap();
        assert_eq!(
            message(params.required::<u64>(0)),
            r#"invalid argument 0 (height): invalid type: string "x", expected u64"#
        );
        assert_eq!(message(params.required::<u64>(1)), "missing value for required argument 1 (block)");
        assert_eq!(message(Params::new(Some(raw("[1,2]"))).positional(&["a"])), "too many arguments, want at most 1");
        assert_eq!(
            message(Params::new(Some(raw(r#"{"a":1}"#))).positional(&["a", "b"])),
            "params: expected an array [a, b]"
        );
        let twenty = format!("[{}1]", "1,".repeat(19));
        assert_eq!(message(Params::new(Some(raw(&twenty))).none()), "too many arguments, want at most 0");
    }

    #[test]
    fn a_parameter_nested_beyond_the_parsers_depth_is_refused_and_not_followed() {
        let deep = format!("[{}{}]", "[".repeat(50_000), "]".repeat(50_000));
        let params = Params::new(Some(raw(&deep))).positional(&["tree"]).unwrap();
        assert!(message(params.required::<serde_json::Value>(0)).contains("recursion limit exceeded"));
    }

    #[test]
    fn named_parameters_are_decoded_by_methods_that_take_them() {
        #[derive(Deserialize)]
        struct Named {
            height: u64,
        }
        let params = Params::new(Some(raw(r#"{"height":9}"#)));
        assert_eq!(params.named::<Named>().unwrap().height, 9);
        assert!(message(Params::new(Some(raw("{}"))).named::<Named>()).contains("missing field `height`"));
    }
}
