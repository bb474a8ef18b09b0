//! What a simulation answers.

use crate::{
    block::Block,
    call::{CallError, halt_message, revert_reason, watch::LastStep},
    evm::{self, ExecutionResult},
};
use alloy_consensus::Transaction as _;
use alloy_primitives::{Bytes, Log, U256};
use alloy_rpc_types_eth::{
    Block as RpcBlock, BlockTransactions, Header as RpcHeader, Log as RpcLog, Transaction,
    simulate::{SimCallResult, SimulateError as CallFailure, SimulatedBlock as RpcSimulatedBlock},
};
use std::sync::Arc;

/// A simulated block with the results of its calls.
#[derive(Clone, Debug)]
pub struct SimulatedBlock {
    /// The block as it would be sealed.
    pub block: Arc<Block>,
    pub(super) calls: Vec<CallRecord>,
}

/// How one call ended.
#[derive(Clone, Debug)]
pub(super) struct CallRecord {
    output: Bytes,
    logs: Vec<Log>,
    gas_used: u64,
    gas_peak: u64,
    success: bool,
    failure: Option<CallFailure>,
}

impl CallRecord {
    /// `logs` include those that stand for transfers.
    pub(super) fn new(result: &ExecutionResult, logs: Vec<Log>, last: LastStep) -> Self {
        let success = result.is_success();
        let output = evm::output(result);
        let failure = match result {
            ExecutionResult::Success { .. } => None,
            ExecutionResult::Revert { .. } => {
                let error = CallError::Reverted { reason: revert_reason(&output), data: output.clone() };
                let code = CallFailure::EXECUTION_REVERTED_CODE;
                Some(CallFailure { code, message: error.to_string(), data: Some(output.clone()) })
            }
            ExecutionResult::Halt { reason, .. } => {
                let code = CallFailure::VM_EXECUTION_ERROR_CODE;
                Some(CallFailure { code, message: halt_message(reason, last), data: None })
            }
        };
        Self {
            output: if success { output } else { Bytes::new() },
            logs: if success { logs } else { Vec::new() },
            gas_used: evm::gas_used(result),
            gas_peak: result.gas().total_gas_spent().max(result.gas().floor_gas()),
            success,
            failure,
        }
    }
}

impl SimulatedBlock {
    /// The results of the calls.
    pub fn calls(&self) -> Vec<SimCallResult> {
        let header = &self.block.header;
        let mut log_index = 0;
        let calls = self.calls.iter().zip(&self.block.transactions).enumerate();
        calls
            .map(|(index, (call, tx))| SimCallResult {
                return_data: call.output.clone(),
                logs: call
                    .logs
                    .iter()
                    .map(|log| {
                        log_index += 1;
                        RpcLog {
                            inner: log.clone(),
                            block_hash: Some(self.block.hash),
                            block_number: Some(header.number),
                            block_timestamp: Some(header.timestamp),
                            transaction_hash: Some(*tx.tx_hash()),
                            transaction_index: Some(index as u64),
                            log_index: Some(log_index - 1),
                            removed: false,
                        }
                    })
                    .collect(),
                gas_used: call.gas_used,
                max_used_gas: Some(call.gas_peak),
                status: call.success,
                error: call.failure.clone(),
            })
            .collect()
    }

    /// The form that JSON-RPC answers with; transactions as hashes unless `full`.
    pub fn into_rpc(self, full: bool) -> RpcSimulatedBlock {
        let block = &self.block;
        let transactions = match full {
            true => BlockTransactions::Full(self.full_transactions()),
            false => BlockTransactions::Hashes(block.transactions.iter().map(|tx| *tx.tx_hash()).collect()),
        };
        let header = RpcHeader {
            hash: block.hash,
            inner: block.header.clone(),
            total_difficulty: None,
            size: Some(U256::from(block.size)),
        };
        let inner = RpcBlock { header, uncles: Vec::new(), transactions, withdrawals: Some(Default::default()) };
        RpcSimulatedBlock { inner, calls: self.calls() }
    }

    fn full_transactions(&self) -> Vec<Transaction> {
        let header = &self.block.header;
        let transactions = self.block.transactions.iter().enumerate();
        transactions
            .map(|(index, tx)| Transaction {
                inner: (**tx).clone(),
                block_hash: Some(self.block.hash),
                block_number: Some(header.number),
                transaction_index: Some(index as u64),
                effective_gas_price: Some(tx.effective_gas_price(header.base_fee_per_gas)),
                block_timestamp: Some(header.timestamp),
            })
            .collect()
    }
}
