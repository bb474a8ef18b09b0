//! The calls of one simulated block.

use super::{SimulateError, SimulatedBlock, answer::CallRecord, logs::CallLogs};
use crate::{
    block::{Receipt, Segment, SharedTx},
    builder::seal,
    call::{CallError, request, session::refusal, watch::Watch},
    evm::{self, BlockContext, Evm, ExecutionResult, NodeEvm},
    state::StateDatabase,
};
use alloy_consensus::{
    SignableTransaction, Transaction, TxEip1559, TxEip4844, TxEip7702, TxEnvelope, TxLegacy, Typed2718,
    transaction::Recovered,
};
use alloy_eips::eip4844::DATA_GAS_PER_BLOB;
use alloy_primitives::{Address, B256, Bloom, Log, Signature, U256};
use alloy_rpc_types_eth::TransactionRequest;
use qsdm_primitives::SubmeshId;
use revm::{DatabaseCommit, context::TxEnv};
use std::sync::Arc;

/// A block whose calls are being executed.
pub(super) struct Execution {
    evm: NodeEvm<(Watch, CallLogs)>,
    context: BlockContext,
    chain_id: u64,
    validation: bool,
    /// Gas of the whole simulation that is left.
    gas_left: u64,
    transactions: Vec<SharedTx>,
    receipts: Vec<Receipt>,
    calls: Vec<CallRecord>,
}

impl Execution {
    pub(super) fn new(
        evm: NodeEvm<(Watch, CallLogs)>,
        context: BlockContext,
        chain_id: u64,
        validation: bool,
        gas_left: u64,
    ) -> Self {
        let (transactions, receipts, calls) = Default::default();
        Self { evm, context, chain_id, validation, gas_left, transactions, receipts, calls }
    }

    pub(super) fn gas_left(&self) -> u64 {
        self.gas_left
    }

    fn gas_used(&self) -> u64 {
        self.receipts.last().map_or(0, |receipt| receipt.cumulative_gas_used)
    }

    /// Executes a call as the next transaction of the block.
    pub(super) fn call(&mut self, request: &TransactionRequest) -> Result<(), SimulateError> {
        self.evm.inspector_mut().0.check().map_err(SimulateError::Stopped)?;
        let (used, limit) = (self.gas_used(), self.context.gas_limit);
        let gas = request.gas.unwrap_or(limit - used);
        if used.saturating_add(gas) > limit {
            return Err(SimulateError::BlockGasLimit { used, limit });
        }
        let mut env = request::tx_env(request, self.chain_id, self.gas_left.min(gas))?;
        let state_nonce = self.evm.db().state.nonce(&env.caller);
        let nonce = request.nonce.unwrap_or(state_nonce);
        let tx = Recovered::new_unchecked(envelope(request, &env, nonce, self.chain_id), env.caller);
        // without validation any nonce goes, also the greatest, which execution refuses to look at
        env.nonce = if self.validation { nonce } else { 0 };
        env.tx_type = tx.ty();
        if env.gas_priority_fee.is_none() && env.tx_type > 1 {
            env.gas_priority_fee = Some(env.gas_price);
        }
        // without validation a call that names no fees pays none, whatever the base fee is
        self.evm.ctx_mut().cfg.disable_base_fee = !self.validation && env.gas_price == 0;
        let outcome = self.evm.transact(env.clone());
        if let Some(stop) = self.evm.inspector().0.stopped() {
            return Err(SimulateError::Stopped(stop.clone()));
        }
        let outcome = outcome.map_err(|error| self.invalid(refusal(error, &env, self.evm.ctx()), &env))?;
        self.evm.db_mut().commit(outcome.state);
        if state_nonce == u64::MAX && env.kind.is_call() {
            // only without validation does a call get here, and then the nonce wraps as in geth
            self.evm.db_mut().state.modify(env.caller, |account| account.nonce = 0);
        }
        self.include(Arc::new(tx), outcome.result);
        Ok(())
    }

    fn invalid(&self, error: CallError, env: &TxEnv) -> SimulateError {
        SimulateError::Invalid { error, gas: env.gas_limit }
    }

    fn include(&mut self, tx: SharedTx, result: ExecutionResult) {
        let (watch, collected) = self.evm.inspector_mut();
        let last_step = watch.last_step();
        let traced = collected.take();
        let gas_used = evm::gas_used(&result);
        self.gas_left = self.gas_left.saturating_sub(gas_used);
        self.calls.push(CallRecord::new(&result, traced, last_step));
        let contract_address = tx.to().is_none().then(|| result.created_address()).flatten();
        let success = result.is_success();
        let logs: Vec<Log> = if success { result.into_logs() } else { Vec::new() };
        let (cumulative, first_log_index) = self
            .receipts
            .last()
            .map_or((0, 0), |last| (last.cumulative_gas_used, last.first_log_index + last.logs.len() as u32));
        self.receipts.push(Receipt {
            tx_type: tx.ty(),
            success,
            cumulative_gas_used: cumulative + gas_used,
            gas_used,
            effective_gas_price: tx.effective_gas_price(Some(self.context.base_fee)),
            contract_address,
            first_log_index,
            bloom: logs.iter().collect::<Bloom>(),
            logs,
        });
        self.transactions.push(tx);
    }

    /// Seals the block.
    pub(super) fn seal(self, parent_hash: B256, beacon_root: B256) -> (StateDatabase, SimulatedBlock) {
        let (database, _) = self.evm.finish();
        let body = (&self.transactions[..], &self.receipts[..]);
        let mut header = seal::header(&self.context, parent_hash, database.state.root(), body);
        let blobs: usize =
            self.transactions.iter().filter_map(|tx| tx.blob_versioned_hashes()).map(<[B256]>::len).sum();
        header.blob_gas_used = Some(blobs as u64 * DATA_GAS_PER_BLOB);
        header.parent_beacon_block_root = Some(beacon_root);
        let segment = Segment {
            submesh: SubmeshId::ROOT,
            base_fee: self.context.base_fee,
            beneficiary: self.context.beneficiary,
            transactions: self.transactions.len() as u32,
        };
        let block = seal::seal(header, self.transactions, self.receipts, vec![segment]);
        (database, SimulatedBlock { block: Arc::new(block), calls: self.calls })
    }
}

/// The transaction that a call amounts to: EIP-1559 unless its fields say otherwise, with an empty signature.
fn envelope(request: &TransactionRequest, env: &TxEnv, nonce: u64, chain_id: u64) -> TxEnvelope {
    let to: Address = env.kind.to().copied().unwrap_or_default();
    let signature = Signature::new(U256::ZERO, U256::ZERO, false);
    let max_fee_per_gas = env.gas_price;
    let max_priority_fee_per_gas = env.gas_priority_fee.unwrap_or(env.gas_price);
    let (gas_limit, value, input, access_list) = (env.gas_limit, env.value, env.data.clone(), env.access_list.clone());
    if let Some(authorization_list) = request.authorization_list.clone() {
        let tx = TxEip7702 {
            chain_id,
            nonce,
            gas_limit,
            max_fee_per_gas,
            max_priority_fee_per_gas,
            to,
            value,
            access_list,
            authorization_list,
            input,
        };
        return tx.into_signed(signature).into();
    }
    if let Some(blob_versioned_hashes) = request.blob_versioned_hashes.clone() {
        let max_fee_per_blob_gas = env.max_fee_per_blob_gas;
        let tx = TxEip4844 {
            chain_id,
            nonce,
            gas_limit,
            max_fee_per_gas,
            max_priority_fee_per_gas,
            to,
            value,
            access_list,
            blob_versioned_hashes,
            max_fee_per_blob_gas,
            input,
        };
        return tx.into_signed(signature).into();
    }
    let to = env.kind;
    if let Some(gas_price) = request.gas_price {
        let tx = TxLegacy { chain_id: Some(chain_id), nonce, gas_price, gas_limit, to, value, input };
        return tx.into_signed(signature).into();
    }
    let tx = TxEip1559 {
        chain_id,
        nonce,
        gas_limit,
        max_fee_per_gas,
        max_priority_fee_per_gas,
        to,
        value,
        access_list,
        input,
    };
    tx.into_signed(signature).into()
}
