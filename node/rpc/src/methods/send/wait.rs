//! `eth_sendRawTransactionSync` (EIP-7966).

use crate::{
    RpcError,
    methods::{App, view::MinedReceipt},
    ports::Event,
};
use alloy_primitives::B256;
use qsdm_vm::block::SharedTx;
use std::{sync::Arc, time::Duration};
use tokio::sync::broadcast::{Receiver, error::RecvError};

/// EIP-7966: in the pool, but not in a block within the time.
const NOT_INCLUDED_IN_TIME: i32 = 4;

/// Sends a transaction and waits until it is in a block.
pub(super) async fn send_and_wait(app: Arc<App>, tx: SharedTx, timeout: Duration) -> Result<MinedReceipt, RpcError> {
    // before sending: the block may be there when sending returns
    let events = app.node.subscribe();
    let hash = app.node.submit(tx)?;
    match tokio::time::timeout(timeout, included(&app, hash, events)).await {
        Ok(receipt) => receipt,
        Err(_) => Err(late(hash, timeout)),
    }
}

async fn included(app: &App, hash: B256, mut events: Receiver<Event>) -> Result<MinedReceipt, RpcError> {
    loop {
        if let Some(receipt) = app.find_receipt(&hash)? {
            return Ok(receipt);
        }
        if let Some(reason) = app.pool.dropped(&hash) {
            return Err(RpcError::server(format!("the transaction was dropped: {reason}")).with_data(&hash));
        }
        loop {
            match events.recv().await {
                Ok(Event::Block(block)) if block.transactions.iter().any(|tx| *tx.tx_hash() == hash) => break,
                // it may have been dropped: every block may do that
                Ok(Event::Block(_)) if !app.pool.contains(&hash) => break,
                Err(RecvError::Lagged(_)) => break,
                Err(RecvError::Closed) => return Err(RpcError::server("the node is shutting down").with_data(&hash)),
                Ok(_) => {}
            }
        }
    }
}

fn late(hash: B256, timeout: Duration) -> RpcError {
    let message = format!(
        "The transaction was added to the mempool but wasn't processed in {} ms; ask for its receipt later",
        timeout.as_millis()
    );
    RpcError::new(NOT_INCLUDED_IN_TIME, message).with_data(&hash)
}
