//! Control over time, blocks and state: `evm_*`, `anvil_*`, `hardhat_*`. `qsdm dev` alone registers these, so that on a
//! validator they do not exist.

use super::{App, MethodDoc};
use crate::{
    Params, Positional, Registry, RpcError, code,
    ports::{Dev, NodeError},
};
use serde::Serialize;
use std::sync::Arc;

mod blocks;
mod erc20;
mod info;
mod number;
mod senders;
mod state;
mod time;

use number::{DevNumber, DevQuantity};

/// What [`register`] adds, for [`describe`](super::describe).
pub const DOCS: &[&[MethodDoc]] = &[blocks::DOCS, erc20::DOCS, info::DOCS, senders::DOCS, state::DOCS, time::DOCS];

/// Adds the development methods.
pub fn register(registry: &mut Registry<App>) {
    blocks::register(registry);
    erc20::register(registry);
    info::register(registry);
    senders::register(registry);
    state::register(registry);
    time::register(registry);
}

impl App {
    /// The development controls, which a committee has not: its members agree on time, blocks and state.
    fn dev(&self) -> Result<&dyn Dev, RpcError> {
        const WHY: &str = "validators agree on time, blocks and state, so no single node sets them: this method needs \
                           `qsdm dev` with one validator";
        self.node.dev().ok_or_else(|| RpcError::new(code::METHOD_NOT_FOUND, WHY))
    }
}

/// Adds a method that ends at once under several names; `hardhat_*` names answer true where the others answer null.
fn setter(
    registry: &mut Registry<App>,
    names: &[&'static str],
    parameters: &'static [&'static str],
    method: impl Fn(&dyn Dev, Positional<'_>) -> Result<(), RpcError> + Clone + Send + Sync + 'static,
) {
    for &name in names {
        let method = method.clone();
        let answer = name.starts_with("hardhat_").then_some(true);
        registry.fast(name, move |app, params, _| {
            method(app.dev()?, params.positional(parameters)?)?;
            Ok(answer)
        });
    }
}

/// Adds a method that may take long under several names. It runs on a thread of its own and is not cancelled: an
/// operation is carried out whole or not at all.
fn operation<R: Serialize + Send + 'static>(
    registry: &mut Registry<App>,
    names: &[&'static str],
    start: impl Fn(Params<'_>) -> Result<Operation<R>, RpcError> + Clone + Send + Sync + 'static,
) {
    for &name in names {
        let start = start.clone();
        registry.asynchronous(name, move |app: Arc<App>, params, _| {
            let operation = start(params)?;
            Ok(async move {
                let done = tokio::task::spawn_blocking(move || operation(&app, app.dev()?)).await;
                done.map_err(|error| RpcError::internal(format!("the operation stopped: {error}")))?
            })
        });
    }
}

/// What [`operation`] runs, its parameters decoded.
type Operation<R> = Box<dyn FnOnce(&App, &dyn Dev) -> Result<R, RpcError> + Send>;

/// A refusal in a sentence.
fn refused(text: impl Into<String>) -> RpcError {
    NodeError::Refused(text.into()).into()
}
