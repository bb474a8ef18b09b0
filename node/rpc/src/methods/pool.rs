//! The transaction pool.

use super::{App, MethodDoc, at::check_parts, hex::Quantity, input::AddressInput, required, view::PooledTx};
use crate::{Budget, CallContext, CallError, Params, Registry, RpcError};
use alloy_consensus::Transaction;
use alloy_primitives::Address;
use qsdm_pool::BySender;
use qsdm_vm::block::SharedTx;
use serde::{Serialize, Serializer, ser::SerializeMap};
use std::collections::BTreeMap;

pub(super) const DOCS: &[MethodDoc] = &[
    MethodDoc::new("txpool_status", "Numbers of executable and of queued transactions.", &[], "PoolStatus"),
    MethodDoc::new("txpool_content", "All transactions of the pool, by sender and nonce.", &[], "PoolContent"),
    MethodDoc::new(
        "txpool_contentFrom",
        "All transactions of one sender, by nonce.",
        &[required("address", "Address")],
        "PoolContentOfSender",
    ),
    MethodDoc::new("txpool_inspect", "All transactions of the pool, a line of text each.", &[], "PoolInspection"),
    MethodDoc::new(
        "eth_pendingTransactions",
        "Executable transactions of the accounts whose keys the node holds.",
        &[],
        "Transactions",
    ),
];

pub(super) fn register(registry: &mut Registry<App>) {
    registry
        .fast("txpool_status", status)
        .heavy("txpool_content", |app, params, _, budget| {
            check_size(app, budget)?;
            Ok(content(app, params, PooledTx)?)
        })
        .heavy("txpool_inspect", |app, params, _, budget| {
            check_size(app, budget)?;
            Ok(content(app, params, |tx| line(&tx))?)
        })
        .heavy("txpool_contentFrom", |app, params, _, budget| {
            check_size(app, budget)?;
            Ok(content_from(app, params)?)
        })
        .heavy("eth_pendingTransactions", |app, params, _, budget| {
            params.none()?;
            check_size(app, budget)?;
            let own = app.node.accounts();
            let pending = app.pool.pending().into_iter();
            let ours = |tx: &SharedTx| own.contains(tx.signer_ref()) || app.node.is_impersonated(tx.signer());
            Ok::<_, CallError>(pending.filter(ours).map(PooledTx).collect::<Vec<_>>())
        });
}

fn check_size(app: &App, budget: &Budget) -> Result<(), CallError> {
    let (executable, queued) = app.pool.status();
    check_parts(executable + queued, budget)
}

/// Executable and queued, of whatever kind.
#[derive(Serialize)]
struct Sides<T> {
    pending: T,
    queued: T,
}

fn status(app: &App, params: Params<'_>, _: &CallContext) -> Result<Sides<Quantity<usize>>, RpcError> {
    params.none()?;
    let (pending, queued) = app.pool.status();
    Ok(Sides { pending: Quantity(pending), queued: Quantity(queued) })
}

/// By checksummed address, as geth writes it.
struct Senders<T>(BTreeMap<Address, Nonces<T>>);

impl<T: Serialize> Serialize for Senders<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (address, nonces) in &self.0 {
            map.serialize_entry(&address.to_checksum(None), nonces)?;
        }
        map.end()
    }
}

/// By decimal nonce.
#[derive(Default, Serialize)]
#[serde(transparent)]
struct Nonces<T>(BTreeMap<u64, T>);

impl<T> Nonces<T> {
    fn of(txs: BTreeMap<u64, SharedTx>, show: impl Fn(SharedTx) -> T) -> Self {
        Self(txs.into_iter().map(|(nonce, tx)| (nonce, show(tx))).collect())
    }
}

fn content<T>(app: &App, params: Params<'_>, show: impl Fn(SharedTx) -> T) -> Result<Sides<Senders<T>>, RpcError> {
    params.none()?;
    let content = app.pool.content();
    let side =
        |side: BySender| Senders(side.into_iter().map(|(address, txs)| (address, Nonces::of(txs, &show))).collect());
    Ok(Sides { pending: side(content.pending), queued: side(content.queued) })
}

fn content_from(app: &App, params: Params<'_>) -> Result<Sides<Nonces<PooledTx>>, RpcError> {
    let address: AddressInput = params.positional(&["address"])?.required(0)?;
    let content = app.pool.content_from(&address.0);
    let side = |side: BySender| Nonces::of(side.into_values().next().unwrap_or_default(), PooledTx);
    Ok(Sides { pending: side(content.pending), queued: side(content.queued) })
}

/// geth's line.
fn line(tx: &SharedTx) -> String {
    let to = tx.to().map_or_else(|| "contract creation".to_owned(), |to| to.to_checksum(None));
    format!("{to}: {} wei + {} gas × {} wei", tx.value(), tx.gas_limit(), tx.max_fee_per_gas())
}
