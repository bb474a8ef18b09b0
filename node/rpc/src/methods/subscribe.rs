//! `eth_subscribe`.

use super::{
    App, MethodDoc,
    feed::{Listening, Topic},
    input::LogFilter,
    optional, required,
};
use crate::{CallContext, Params, Registry, RpcError, Sink};

pub(super) const DOCS: &[MethodDoc] = &[
    MethodDoc::new(
        "eth_subscribe",
        "Notifies over a websocket of newHeads, logs, newPendingTransactions, conflicts or syncing.",
        &[required("kind", "SubscriptionKind"), optional("options", "SubscriptionOptions")],
        "SubscriptionId",
    ),
    MethodDoc::new(
        "eth_unsubscribe",
        "Ends a subscription; false if there is none.",
        &[required("subscription", "SubscriptionId")],
        "Boolean",
    ),
];

pub(super) fn register(registry: &mut Registry<App>) {
    registry.subscription("eth_subscribe", "eth_unsubscribe", "eth_subscription", subscribe);
}

/// Nothing is ever sent about `syncing`, as in geth while it is in step: a node answers only once it has caught up.
fn subscribe(app: &App, params: Params<'_>, _: &CallContext, sink: Sink) -> Result<Option<Listening>, RpcError> {
    let params = params.positional(&["kind", "options"])?;
    let kind: String = params.required(0)?;
    let topic = match kind.as_str() {
        "newHeads" => Topic::Heads,
        "logs" => Topic::Logs(params.optional::<LogFilter>(1)?.unwrap_or_default().into_query()),
        "newPendingTransactions" => match params.optional(1)? {
            Some(true) => Topic::PendingWhole,
            Some(false) | None => Topic::PendingHashes,
        },
        "conflicts" => Topic::Conflicts,
        "syncing" => return Ok(None),
        _ => {
            let known = "newHeads, logs, newPendingTransactions, conflicts and syncing";
            return Err(params.invalid(0, format!("no \"{kind:.32}\" subscription; there are {known}")));
        }
    };
    Ok(Some(app.feed.listen(topic, sink)))
}
