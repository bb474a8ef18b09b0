//! The table of methods.

use crate::{Budget, CallContext, CallError, Params, RpcError, Sink, answer::Answer};
use futures_util::{FutureExt, future::BoxFuture};
use serde::Serialize;
use std::{any::Any, collections::HashMap, future::Future, sync::Arc};

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

type FastFn<S> = dyn Fn(&S, Params<'_>, &CallContext, &mut Answer) -> Result<(), RpcError> + Send + Sync;
pub(crate) type HeavyFn<S> =
    dyn Fn(&S, Params<'_>, &CallContext, &Budget, &mut Answer) -> Result<(), CallError> + Send + Sync;
type AsynchronousFn<S> = dyn Fn(Arc<S>, Params<'_>, &CallContext) -> WaitingCall + Send + Sync;
type SubscribeFn<S> = dyn Fn(&S, Params<'_>, &CallContext, Sink) -> Result<Box<dyn Any + Send>, RpcError> + Send + Sync;
type KnowsSubmesh<S> = dyn Fn(&S, &str) -> bool + Send + Sync;
/// A started asynchronous method; it writes its result like the others once it is there.
pub(crate) type WaitingCall = BoxFuture<'static, Result<WriteResult, RpcError>>;
pub(crate) type WriteResult = Box<dyn FnOnce(&mut Answer) -> Result<(), RpcError> + Send>;

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
            Method::Fast(Box::new(move |state, params, context, answer| {
                answer.write(&method(state, params, context)?)
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
            Method::Heavy(Arc::new(move |state, params, context, budget, answer| {
                Ok(answer.write(&method(state, params, context, budget)?)?)
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
                    Ok(Box::new(move |answer: &mut Answer| answer.write(&result)) as WriteResult)
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
