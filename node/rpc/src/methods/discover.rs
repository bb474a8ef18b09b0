//! `rpc.discover`: the OpenRPC document, made from the methods that are there.

use super::App;
use crate::{Registry, RpcError};
use serde::Serialize;
use serde_json::{
    Value, json,
    value::{RawValue, to_raw_value},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

mod schemas;

/// What the document says about a method.
#[derive(Clone, Copy, Debug)]
pub struct MethodDoc {
    /// As called.
    pub name: &'static str,
    /// One line.
    pub summary: &'static str,
    /// In their order.
    pub params: &'static [ParameterDoc],
    /// Name of the schema of the result.
    pub result: &'static str,
}

impl MethodDoc {
    /// A line of a theme's table.
    pub const fn new(
        name: &'static str,
        summary: &'static str,
        params: &'static [ParameterDoc],
        result: &'static str,
    ) -> Self {
        Self { name, summary, params, result }
    }
}

/// What the document says about a parameter.
#[derive(Clone, Copy, Debug)]
pub struct ParameterDoc {
    /// What errors call it.
    pub name: &'static str,
    /// Name of its schema.
    pub schema: &'static str,
    /// Whether it must be there.
    pub required: bool,
}

/// A parameter that must be there.
pub const fn required(name: &'static str, schema: &'static str) -> ParameterDoc {
    ParameterDoc { name, schema, required: true }
}

/// A parameter that may be left out.
pub const fn optional(name: &'static str, schema: &'static str) -> ParameterDoc {
    ParameterDoc { name, schema, required: false }
}

/// The two methods of this file.
const OWN: [MethodDoc; 2] = [
    MethodDoc::new("rpc.discover", "This document.", &[], "Object"),
    MethodDoc::new("rpc_modules", "Groups of methods with their versions.", &[], "Object"),
];

pub(super) fn register(registry: &mut Registry<App>, docs: &[&'static MethodDoc]) {
    let mut names: BTreeSet<_> = registry.names().into_iter().collect();
    names.extend(OWN.iter().map(|doc| doc.name));
    let docs: BTreeMap<_, _> = docs.iter().copied().chain(&OWN).map(|doc| (doc.name, doc)).collect();
    let document = raw(&document(&names, &docs));
    let modules = raw(&modules(&names));
    registry
        .fast("rpc.discover", move |_, params, _| params.none().and_then(|()| document.clone()))
        .fast("rpc_modules", move |_, params, _| params.none().and_then(|()| modules.clone()));
}

fn raw(value: &impl Serialize) -> Result<Arc<RawValue>, RpcError> {
    to_raw_value(value).map(Arc::from).map_err(|error| RpcError::internal(error.to_string()))
}

fn modules(names: &BTreeSet<&str>) -> BTreeMap<String, &'static str> {
    names.iter().filter_map(|name| name.split_once('_')).map(|(module, _)| (module.to_owned(), "1.0")).collect()
}

/// A method without documentation is listed by its name, rather than left out.
fn document(names: &BTreeSet<&str>, docs: &BTreeMap<&str, &MethodDoc>) -> Value {
    let methods: Vec<_> =
        names.iter().map(|name| docs.get(name).map_or_else(|| undocumented(name), |doc| method(doc))).collect();
    json!({
        "openrpc": "1.3.2",
        "info": {
            "title": "QSDM+ JSON-RPC",
            "description": "Ethereum's methods and those of the mesh.",
            "version": env!("CARGO_PKG_VERSION"),
        },
        "methods": methods,
        "components": { "schemas": schemas::all() },
    })
}

fn undocumented(name: &str) -> Value {
    json!({ "name": name, "params": [], "result": result("Any") })
}

fn method(doc: &MethodDoc) -> Value {
    let params: Vec<_> = doc
        .params
        .iter()
        .map(|parameter| {
            json!({ "name": parameter.name, "required": parameter.required, "schema": reference(parameter.schema) })
        })
        .collect();
    json!({
        "name": doc.name,
        "summary": doc.summary,
        "paramStructure": "by-position",
        "params": params,
        "result": result(doc.result),
    })
}

fn result(schema: &str) -> Value {
    json!({ "name": "result", "schema": reference(schema) })
}

fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

#[cfg(test)]
mod tests;
