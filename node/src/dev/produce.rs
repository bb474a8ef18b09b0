//! Making blocks.

use super::{DevNode, clock::system_now_s};
use alloy_primitives::Bytes;
use parking_lot::MutexGuard;
use qsdm_pool::PoolEnv;
use qsdm_primitives::SubmeshId;
use qsdm_rpc::ports::{Event, NodeError};
use qsdm_vm::{
    block::{Block, SharedTx},
    builder::{BlockAttributes, BlockBuilder, PushError},
    chain::{Appended, Head},
    evm::InvalidTransaction,
};
use std::{sync::Arc, time::Duration};

/// Gas of the cheapest transaction; a block with less left is full.
const TRANSFER_GAS: u64 = 21_000;

impl DevNode {
    /// Makes blocks out of what is pending, unless nothing is.
    pub(super) fn include_pending(&self) -> Result<(), NodeError> {
        // transactions that did not fit make further blocks
        while self.make_block(&self.making.lock(), false)?.is_some_and(|(_, full)| full) {}
        Ok(())
    }

    /// Makes a block in any case.
    pub(super) fn make_one(&self) -> Result<Arc<Block>, NodeError> {
        match self.make_block(&self.making.lock(), true)? {
            Some((block, _)) => Ok(block),
            None => Ok(self.chain.head().block.clone()),
        }
    }

    /// The block and whether transactions were left out because it is full.
    fn make_block(
        &self,
        _making: &MutexGuard<'_, ()>,
        even_empty: bool,
    ) -> Result<Option<(Arc<Block>, bool)>, NodeError> {
        let head = self.chain.head();
        let attributes = self.attributes(&head);
        let mut best = self.pool.best(SubmeshId::ROOT, attributes.base_fee);
        let mut next = best.next();
        if next.is_none() && !even_empty {
            return Ok(None);
        }
        let mut builder = self.chain.builder(&head, attributes)?;
        if self.impersonates() {
            builder.allow_impersonation();
        }
        let mut full = false;
        while let Some(tx) = next {
            match builder.push(tx.clone()) {
                Ok(_) => {}
                Err(PushError::Full { .. }) => {
                    full = true;
                    best.skip_sender();
                }
                Err(error) => {
                    best.skip_sender();
                    self.refused(&tx, error);
                }
            }
            if builder.gas_left() < TRANSFER_GAS {
                full = true;
                break;
            }
            next = best.next();
        }
        if builder.is_empty() && !even_empty {
            return Ok(None);
        }
        let block = self.seal(&head, builder)?;
        Ok(Some((block, full && !self.pool_is_idle())))
    }

    fn pool_is_idle(&self) -> bool {
        self.pool.status().0 == 0
    }

    fn attributes(&self, head: &Head) -> BlockAttributes {
        let producer = self.producer.lock();
        BlockAttributes {
            timestamp: producer.clock.next_timestamp(head.block.header.timestamp),
            beneficiary: producer.coinbase,
            gas_limit: producer.gas_limit,
            base_fee: producer.base_fee(head),
            prevrandao: producer.next_prevrandao.unwrap_or_else(|| head.next_prevrandao()),
            extra_data: Bytes::new(),
        }
    }

    fn seal(&self, head: &Head, builder: BlockBuilder) -> Result<Arc<Block>, NodeError> {
        let Appended { head: new, touched } = self.chain.append(head, builder.finish())?;
        {
            let mut producer = self.producer.lock();
            producer.next_base_fee = None;
            producer.next_prevrandao = None;
            producer.clock.block_made(new.block.header.timestamp);
        }
        let promoted = self.pool.on_block(&new.state, &new.block.transactions, touched);
        self.pool.expire(system_now_s());
        self.journal.forget_included()?;
        tracing::debug!(
            number = new.block.number(),
            transactions = new.block.transactions.len(),
            gas = new.block.header.gas_used,
            "block"
        );
        let _ = self.events.send(Event::Block(new.block.clone()));
        self.announce(&promoted);
        Ok(new.block.clone())
    }

    /// A transaction that the pool thought executable and execution refuses: too early ones wait, others are dropped.
    fn refused(&self, tx: &SharedTx, error: PushError) {
        if let PushError::Invalid(InvalidTransaction::NonceTooHigh { .. }) = error {
            return;
        }
        tracing::debug!(hash = %tx.tx_hash(), %error, "transaction dropped");
        self.pool.remove_invalid(tx.tx_hash(), &error.to_string());
    }

    /// Puts the transactions that a previous process acknowledged back into the pool.
    pub(crate) fn recover_journal(&self) -> Result<usize, NodeError> {
        let recovered = self.journal.recover(self.chain.spec().chain_id)?;
        let head = self.chain.head();
        let env = PoolEnv { refuse_below_base_fee: false, ..self.pool_env(&head) };
        let mut back = 0;
        for submission in recovered {
            let sender = submission.tx.signer();
            match self.pool.add(submission, &head.state, &env) {
                Ok(_) => back += 1,
                Err(_) => tracing::debug!(%sender, "a transaction of the journal is in a block or void"),
            }
        }
        if self.producer.lock().automine {
            self.include_pending()?;
        }
        Ok(back)
    }

    fn impersonates(&self) -> bool {
        let impersonated = self.impersonated.lock();
        impersonated.everyone || !impersonated.accounts.is_empty()
    }

    /// Makes a block whenever the interval has passed, until the process ends.
    pub(crate) async fn produce_by_clock(self: Arc<Self>) {
        loop {
            let interval_ms = self.producer.lock().interval_ms;
            let Some(interval_ms) = interval_ms else {
                self.interval_changed.notified().await;
                continue;
            };
            let due = tokio::time::sleep(Duration::from_millis(interval_ms));
            tokio::select! {
                () = due => {}
                () = self.interval_changed.notified() => continue,
            }
            let node = self.clone();
            let made = tokio::task::spawn_blocking(move || node.make_one()).await;
            match made {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => tracing::error!(%error, "no block was made"),
                Err(error) => tracing::error!(%error, "block production panicked"),
            }
        }
    }
}
