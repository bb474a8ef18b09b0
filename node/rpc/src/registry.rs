//! The table of methods.

use crate::{Budget, CallContext, CallError, Params, RpcError, Sink};
use futures_util::{FutureExt, future::BoxFuture};
use qsdm_primitives::limits::RPC_LARGE_BYTES;
use serde::Serialize;
use std::{any::Any, collections::HashMap, future::Future, io, sync::Arc};

/// Methods by name over a shared state `S`.
///
/// Every kind of method has its price and its promise:
/// - [`fast`](Self::fast) runs where the request was read. It must end within 100 µs: the connections of its thread wait.
/// - [`heavy`](Self::heavy) may run for seconds, and is started the cheapest way first.
/// - [`asynchronous`](Self::asynchronous) waits for something that is not the processor.
/// - [`subscription`](Self::subscription) goes on after its answer, on a websocket.
pub struct Registry<S> {
    methods: HashMap<&'static str, Method<S>>,
    knows_submesh: Box<KnowsSubmesh<S>>,
}

type FastFn<S> = dyn Fn(&S, Params<'_>, &CallContext, &mut Output<'_>) -> Result<(), RpcError> + Send + Sync;
pub(crate) type HeavyFn<S> =
    dyn Fn(&S, Params<'_>, &CallContext, &Budget, &mut Output<'_>) -> Result<(), CallError> + Send + Sync;
type AsynchronousFn<S> = dyn Fn(Arc<S>, Params<'_>, &CallContext) -> WaitingCall + Send + Sync;
type SubscribeFn<S> = dyn Fn(&S, Params<'_>, &CallContext, Sink) -> Result<Box<dyn Any + Send>, RpcError> + Send + Sync;
type KnowsSubmesh<S> = dyn Fn(&S, &str) -> bool + Send + Sync;
/// A started asynchronous method; it writes its result like the others once it is there.
pub(crate) type WaitingCall = BoxFuture<'static, Result<WriteResult, RpcError>>;
pub(crate) type WriteResult = Box<dyn FnOnce(&mut Output<'_>) -> Result<(), RpcError> + Send>;

pub(crate) enum Method<S> {
    Fast(Box<FastFn<S>>),
    Heavy(Arc<HeavyFn<S>>),
    Asynchronous(Box<AsynchronousFn<S>>),
    Subscribe { notification: &'static str, start: Box<SubscribeFn<S>> },
    Unsubscribe,
}

impl<S: Send + Sync + 'static> Registry<S> {
    /// No methods; every well-formed submesh name is accepted.
    pub fn new() -> Self {
        Self { methods: HashMap::new(), knows_submesh: Box::new(|_, _| true) }
    }

    /// Says which submeshes exist: the endpoint of any other one answers 404.
    pub fn submeshes(&mut self, knows: impl Fn(&S, &str) -> bool + Send + Sync + 'static) -> &mut Self {
        self.knows_submesh = Box::new(knows);
        self
    }

    /// Adds a method that always ends within 100 µs.
    pub fn fast<R: Serialize>(
        &mut self,
        name: &'static str,
        method: impl Fn(&S, Params<'_>, &CallContext) -> Result<R, RpcError> + Send + Sync + 'static,
    ) -> &mut Self {
        self.add(
            name,
            Method::Fast(Box::new(move |state, params, context, output| {
                output.write(&method(state, params, context)?)
            })),
        )
    }

    /// Adds a method that may run long. It is first run where the request was read, with a slice of a quarter of a
    /// millisecond, and if it returns [`CallError::Stopped`] once more in the pool; so it must have no effect before
    /// it ends.
    pub fn heavy<R: Serialize>(
        &mut self,
        name: &'static str,
        method: impl Fn(&S, Params<'_>, &CallContext, &Budget) -> Result<R, CallError> + Send + Sync + 'static,
    ) -> &mut Self {
        self.add(
            name,
            Method::Heavy(Arc::new(move |state, params, context, budget, output| {
                Ok(output.write(&method(state, params, context, budget)?)?)
            })),
        )
    }

    /// Adds a method that waits. `method` decodes the parameters and returns the rest as a future, which is dropped
    /// when the caller disconnects.
    pub fn asynchronous<R, F>(
        &mut self,
        name: &'static str,
        method: impl Fn(Arc<S>, Params<'_>, &CallContext) -> Result<F, RpcError> + Send + Sync + 'static,
    ) -> &mut Self
    where
        R: Serialize + Send + 'static,
        F: Future<Output = Result<R, RpcError>> + Send + 'static,
    {
        self.add(
            name,
            Method::Asynchronous(Box::new(move |state, params, context| match method(state, params, context) {
                Ok(future) => async move {
                    let result = future.await?;
                    Ok(Box::new(move |output: &mut Output<'_>| output.write(&result)) as WriteResult)
                }
                .boxed(),
                Err(error) => std::future::ready(Err(error)).boxed(),
            })),
        )
    }

    /// Adds a pair of methods that start and end a subscription; `notification` is the method name of what is sent.
    ///
    /// `start` passes the [`Sink`] to whoever has the news, and returns a guard that is dropped when the subscription
    /// ends: with `unsubscribe`, or with its connection.
    pub fn subscription<G: Send + 'static>(
        &mut self,
        subscribe: &'static str,
        unsubscribe: &'static str,
        notification: &'static str,
        start: impl Fn(&S, Params<'_>, &CallContext, Sink) -> Result<G, RpcError> + Send + Sync + 'static,
    ) -> &mut Self {
        let start = move |state: &S, params: Params<'_>, context: &CallContext, sink: Sink| {
            start(state, params, context, sink).map(|guard| Box::new(guard) as Box<dyn Any + Send>)
        };
        self.add(subscribe, Method::Subscribe { notification, start: Box::new(start) });
        self.add(unsubscribe, Method::Unsubscribe)
    }

    /// Names of all methods, sorted.
    pub fn names(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.methods.keys().copied().collect();
        names.sort_unstable();
        names
    }

    pub(crate) fn method(&self, name: &str) -> Option<&Method<S>> {
        self.methods.get(name)
    }

    pub(crate) fn knows_submesh(&self, state: &S, name: &str) -> bool {
        (self.knows_submesh)(state, name)
    }

    fn add(&mut self, name: &'static str, method: Method<S>) -> &mut Self {
        let before = self.methods.insert(name, method);
        assert!(before.is_none(), "invariant: the method {name} is registered once");
        self
    }
}

impl<S: Send + Sync + 'static> Default for Registry<S> {
    fn default() -> Self {
        Self::new()
    }
}

/// Where results are written: straight into the buffer of the answer, up to the limit for answers.
pub(crate) struct Output<'o> {
    buffer: &'o mut Vec<u8>,
    limit_bytes: usize,
}

impl<'o> Output<'o> {
    /// `buffer` may grow to `limit_bytes`, what it already holds included.
    pub(crate) fn new(buffer: &'o mut Vec<u8>, limit_bytes: usize) -> Self {
        Self { buffer, limit_bytes }
    }

    pub(crate) fn write(&mut self, result: &impl Serialize) -> Result<(), RpcError> {
        serde_json::to_writer(&mut *self, result).map_err(|error| {
            if error.is_io() {
                RpcError::response_too_large(self.limit_bytes)
            } else {
                RpcError::internal(format!("the result cannot be written as JSON: {error}"))
            }
        })
    }

    /// Appends a result that is JSON already.
    pub(crate) fn write_raw(&mut self, json: &[u8]) -> Result<(), RpcError> {
        io::Write::write_all(self, json).map_err(|_| RpcError::response_too_large(self.limit_bytes))
    }
}

impl io::Write for Output<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    // serde_json calls this one only
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.len() > self.limit_bytes.saturating_sub(self.buffer.len()) {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let needed = self.buffer.len() + bytes.len();
        if needed > self.buffer.capacity() && needed > RPC_LARGE_BYTES {
            // doubling would take up to twice of what a large answer needs
            self.buffer.reserve_exact(bytes.len() + needed / 4);
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
