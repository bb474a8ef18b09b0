//! A request made ready: one EVM on its state, in its block, that can run it any number of times.

use super::{
    CallError, CallLimits, Overrides,
    overrides::{apply_block, apply_state},
    request::tx_env,
    watch::{LastStep, Watch},
};
use crate::{
    evm::{self, BlockContext, Evm, InvalidTransaction, NodeContext, NodeEvm, NodeEvmError, ResultAndState, Rules},
    state::StateDatabase,
};
use revm::{
    Inspector,
    context::{Block, Cfg, TxEnv},
};

/// An EVM with a request in it.
pub(crate) struct Session<I> {
    evm: NodeEvm<(Watch, I)>,
    tx: TxEnv,
}

impl<I> Session<I> {
    /// The gas limit of the request, capped.
    pub(crate) fn gas_limit(&self) -> u64 {
        self.tx.gas_limit
    }

    /// The request as the EVM sees it.
    pub(crate) fn tx(&self) -> &TxEnv {
        &self.tx
    }
}

impl<I: Inspector<NodeContext>> Session<I> {
    /// Applies the overrides to `database` and `block` and builds the EVM.
    pub(crate) fn open(
        mut database: StateDatabase,
        chain_id: u64,
        block: &BlockContext,
        request: &alloy_rpc_types_eth::TransactionRequest,
        overrides: Overrides,
        limits: &CallLimits,
        inspector: I,
    ) -> Result<Self, CallError> {
        let tx = tx_env(request, chain_id, limits.gas_max)?;
        let mut context = block.clone();
        let (state_overrides, block_overrides) = overrides;
        let mut blob_base_fee = match &block_overrides {
            Some(overrides) => apply_block(&mut context, overrides)?,
            None => None,
        };
        let precompiles = match &state_overrides {
            Some(overrides) => apply_state(&mut database.state, overrides)?,
            None => Default::default(),
        };
        // as geth: without fees there is no base fee either, so that contracts see the price they are called at
        if tx.gas_price == 0 {
            context.base_fee = 0;
        }
        if !tx.blob_hashes.is_empty() && tx.max_fee_per_blob_gas == 0 {
            blob_base_fee = Some(0);
        }
        let mut configuration = evm::configuration(chain_id, Rules::Call);
        configuration.disable_base_fee = false;
        let mut evm = evm::inspected(database, configuration, &context, (Watch::new(limits), inspector));
        precompiles.apply(&mut evm);
        if let Some(fee) = blob_base_fee {
            evm::set_blob_base_fee(&mut evm, fee);
        }
        Ok(Self { evm, tx })
    }

    /// Executes the request with this gas limit. The state stays as it was.
    pub(crate) fn run(&mut self, gas_limit: u64) -> Result<ResultAndState, CallError> {
        self.evm.inspector_mut().0.check()?;
        let tx = TxEnv { gas_limit, ..self.tx.clone() };
        let outcome = self.evm.transact(tx);
        if let Some(stop) = self.evm.inspector().0.stopped() {
            return Err(stop.clone());
        }
        outcome.map_err(|error| refusal(error, &TxEnv { gas_limit, ..self.tx.clone() }, &self.evm))
    }

    /// The instruction that ran last.
    pub(crate) fn last_step(&self) -> LastStep {
        self.evm.inspector().0.last_step()
    }

    /// The request, to be changed between runs.
    pub(crate) fn tx_mut(&mut self) -> &mut TxEnv {
        &mut self.tx
    }

    /// The inspector, to be read or replaced between runs.
    pub(crate) fn inspector_mut(&mut self) -> &mut I {
        &mut self.evm.inspector_mut().1
    }

    /// The EVM, for its block and state.
    pub(crate) fn evm(&self) -> &NodeEvm<(Watch, I)> {
        &self.evm
    }

    /// The EVM with its inspector, to be read out after a run.
    pub(crate) fn evm_mut(&mut self) -> &mut NodeEvm<(Watch, I)> {
        &mut self.evm
    }
}

/// Why the EVM did not execute `tx`, in geth's words.
pub(crate) fn refusal(error: NodeEvmError, tx: &TxEnv, context: &NodeContext) -> CallError {
    use InvalidTransaction as Invalid;
    let NodeEvmError::Transaction(invalid) = error else { return CallError::Refused(error.to_string()) };
    let address = tx.caller;
    match invalid {
        Invalid::LackOfFundForMaxFee { fee, balance } => {
            CallError::InsufficientFunds { address, have: *balance, want: *fee }
        }
        Invalid::OverflowPaymentInTransaction => CallError::FeeOverflow,
        Invalid::GasPriceLessThanBasefee => {
            CallError::FeeCapTooLow { address, max_fee: tx.gas_price, base_fee: context.block.basefee }
        }
        Invalid::PriorityFeeGreaterThanMaxFee => {
            CallError::TipAboveFeeCap { address, tip: tx.gas_priority_fee.unwrap_or_default(), max_fee: tx.gas_price }
        }
        Invalid::BlobGasPriceGreaterThanMax { block_blob_gas_price, tx_max_fee_per_blob_gas } => {
            CallError::BlobFeeCapTooLow { address, max_fee: tx_max_fee_per_blob_gas, base_fee: block_blob_gas_price }
        }
        Invalid::CallGasCostMoreThanGasLimit { initial_gas, gas_limit } => {
            CallError::IntrinsicGas { have: gas_limit, want: initial_gas }
        }
        Invalid::GasFloorMoreThanGasLimit { gas_floor, gas_limit } => {
            CallError::FloorGas { have: gas_limit, want: gas_floor }
        }
        Invalid::TxGasLimitGreaterThanCap { gas_limit, cap } => CallError::GasLimitTooHigh { have: gas_limit, cap },
        Invalid::CallerGasLimitMoreThanBlock => {
            CallError::GasLimitTooHigh { have: tx.gas_limit, cap: context.block.gas_limit() }
        }
        Invalid::NonceTooLow { tx: have, state } => CallError::NonceTooLow { address, have, want: state },
        Invalid::NonceTooHigh { tx: have, state } => CallError::NonceTooHigh { address, have, want: state },
        Invalid::NonceOverflowInTransaction => CallError::NonceMax(address),
        Invalid::RejectCallerWithCode => CallError::SenderNotExternal(address),
        Invalid::CreateInitCodeSizeLimit => {
            CallError::InitCodeSize { size: tx.data.len(), limit: context.cfg.max_initcode_size() }
        }
        other => CallError::Refused(other.to_string()),
    }
}
