//! From the bytes of a request to the bytes of its answer.

mod batch;
mod envelope;
mod heavy;

use crate::{Budget, CallContext, CallError, Params, Registry, RpcError};
use crate::{
    answer::Answer,
    memory::ByteBudget,
    registry::{HeavyFn, Method},
    server::ServerLimits,
    subscription::Subscriptions,
};
use envelope::Envelope;
use futures_util::FutureExt;
use heavy::HeavyPool;
use qsdm_primitives::limits::RPC_LARGE_RESPONSES_BYTES_MAX;
use serde_json::value::RawValue;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Instant,
};

/// Who asks.
pub(crate) struct Caller {
    pub(crate) context: CallContext,
    /// `None` where notifications can't be sent.
    pub(crate) subscriptions: Option<Subscriptions>,
}

/// Runs methods.
pub(crate) struct Dispatcher<S> {
    state: Arc<S>,
    registry: Registry<S>,
    limits: ServerLimits,
    heavy: HeavyPool,
    /// For large answers, from their writing until they are fetched.
    large: Arc<ByteBudget>,
}

impl<S: Send + Sync + 'static> Dispatcher<S> {
    pub(crate) fn new(state: Arc<S>, registry: Registry<S>, limits: ServerLimits) -> Self {
        let heavy = HeavyPool::new(&limits);
        let large = ByteBudget::new(RPC_LARGE_RESPONSES_BYTES_MAX);
        Self { state, registry, limits, heavy, large }
    }

    pub(crate) fn knows_submesh(&self, name: &str) -> bool {
        self.registry.knows_submesh(&self.state, name)
    }

    /// The answer to a request or a batch; `None` where there were only notifications.
    pub(crate) async fn answer(&self, body: &[u8], caller: &Caller) -> Option<Answer> {
        let mut out = Answer::new(self.limits.response_bytes, &self.large);
        if body.trim_ascii_start().first() == Some(&b'[') {
            self.batch(body, caller, &mut out).await;
        } else {
            self.single(body, caller, None, &mut out).await;
        }
        (!out.is_empty()).then_some(out)
    }

    /// Appends the answer to one request. `deadline` is that of its batch, if it is in one.
    async fn single(&self, request: &[u8], caller: &Caller, deadline: Option<Instant>, out: &mut Answer) {
        let envelope = match Envelope::parse(request) {
            Ok(envelope) => envelope,
            Err((id, error)) => return out.push_error(id.map_or("null", RawValue::get), &error),
        };
        let start = out.len();
        let id = envelope.id.map_or("null", RawValue::get);
        write_head(out, id);
        match self.call(&envelope, caller, deadline, out).await {
            Ok(()) => out.push(b"}"),
            Err(error) => {
                out.truncate(start);
                out.push_error(id, &error);
            }
        }
        if envelope.id.is_none() {
            // a notification: it was done, nothing is said
            out.truncate(start);
        }
    }

    async fn call(
        &self,
        envelope: &Envelope<'_>,
        caller: &Caller,
        deadline: Option<Instant>,
        out: &mut Answer,
    ) -> Result<(), RpcError> {
        let (state, params, context) = (&*self.state, Params::new(envelope.params), &caller.context);
        let Some(method) = self.registry.method(&envelope.method) else {
            return Err(RpcError::method_not_found(&envelope.method));
        };
        match method {
            Method::Fast(run) => caught(|| run(state, params, context, out)),
            Method::Heavy(run) => {
                let start = out.len();
                let now = Instant::now();
                let deadline = deadline.unwrap_or_else(|| now + self.limits.call_time);
                let slice = Budget::inline(deadline.min(now + self.heavy.slice()));
                match caught(|| run(state, params, context, &slice, out)) {
                    Ok(()) => Ok(()),
                    Err(CallError::Rpc(error)) => Err(error),
                    Err(CallError::Stopped) => {
                        out.truncate(start);
                        let limit = self.limits.response_bytes.saturating_sub(start);
                        out.append(self.pooled(run, params, context, deadline, limit).await?)
                    }
                }
            }
            Method::Asynchronous(start) => {
                let waiting = caught(|| Ok::<_, RpcError>(start(Arc::clone(&self.state), params, context)))?;
                let most = self.limits.waiting_call_time;
                match tokio::time::timeout(most, AssertUnwindSafe(waiting).catch_unwind()).await {
                    Ok(Ok(write)) => write?(out),
                    Ok(Err(_)) => Err(panicked()),
                    Err(_) => Err(RpcError::timed_out(format!("gave up waiting after {} ms", most.as_millis()))),
                }
            }
            Method::Subscribe { notification, start } => {
                let subscriptions = caller.subscriptions.as_ref().ok_or_else(needs_websocket)?;
                let id = subscriptions.start(notification, |sink| caught(|| start(state, params, context, sink)))?;
                out.write(&id)
            }
            Method::Unsubscribe => {
                let subscriptions = caller.subscriptions.as_ref().ok_or_else(needs_websocket)?;
                let id: String = params.positional(&["subscription"])?.required(0)?;
                out.write(&subscriptions.end(&id))
            }
        }
    }

    /// Runs a heavy method from its start in the pool and returns its result as JSON.
    async fn pooled(
        &self,
        run: &Arc<HeavyFn<S>>,
        params: Params<'_>,
        context: &CallContext,
        deadline: Instant,
        limit_bytes: usize,
    ) -> Result<Answer, RpcError> {
        let (run, state, context) = (Arc::clone(run), Arc::clone(&self.state), context.clone());
        let params = params.raw().map(ToOwned::to_owned);
        let mut result = Answer::new(limit_bytes, &self.large);
        self.heavy
            .run(deadline, move |budget| {
                let params = Params::new(params.as_deref());
                caught(|| run(&state, params, &context, budget, &mut result))?;
                Ok(result)
            })
            .await
    }
}

/// A method that panics is a fault of the node, and one answer wrong; not the end of the other calls of its batch and
/// connection.
fn caught<T, E: From<RpcError>>(run: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Err(panicked().into()))
}

fn panicked() -> RpcError {
    tracing::error!("a method panicked");
    RpcError::internal("the method failed inside the node; its log says where")
}

fn needs_websocket() -> RpcError {
    RpcError::unsupported("notifications need a websocket: connect to the same address with ws://")
}

fn write_head(out: &mut Answer, id: &str) {
    out.push(br#"{"jsonrpc":"2.0","id":"#);
    out.push(id.as_bytes());
    out.push(br#","result":"#);
}
