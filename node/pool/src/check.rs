//! The rules of admission: first those that the transaction and the chain's conditions decide, then those that need the
//! sender's account and its other transactions.

use crate::{
    PoolConfig, PoolEnv, PoolError,
    entry::{Entry, max_cost},
    sender::Sender,
};
use alloy_consensus::Transaction;
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::U256;
use qsdm_vm::{block::SharedTx, intrinsic::intrinsic_gas};

/// Everything that needs neither the state nor the pool.
pub(crate) fn alone(tx: &SharedTx, env: &PoolEnv, config: &PoolConfig) -> Result<(), PoolError> {
    if tx.inner().is_eip4844() {
        return Err(PoolError::BlobsNotSupported);
    }
    let bytes = tx.inner().encode_2718_len();
    if bytes > config.tx_bytes_max {
        return Err(PoolError::Oversized { bytes, limit: config.tx_bytes_max });
    }
    if let Some(have) = tx.chain_id().filter(|have| *have != env.chain_id) {
        return Err(PoolError::ChainId { have, want: env.chain_id });
    }
    if let Some(limit) = config.initcode_bytes_max.filter(|limit| tx.is_create() && tx.input().len() > *limit) {
        return Err(PoolError::InitcodeSize { bytes: tx.input().len(), limit });
    }
    if tx.nonce() == u64::MAX {
        return Err(PoolError::NonceMax);
    }
    if tx.inner().is_eip7702() && tx.authorization_list().is_none_or(<[_]>::is_empty) {
        return Err(PoolError::EmptyAuthorizations);
    }
    gas(tx, env, config)?;
    fees(tx, env)
}

fn gas(tx: &SharedTx, env: &PoolEnv, config: &PoolConfig) -> Result<(), PoolError> {
    let gas_limit = tx.gas_limit();
    if let Some(cap) = config.tx_gas_max.filter(|cap| gas_limit > *cap) {
        return Err(PoolError::TxGasLimit { gas_limit, cap });
    }
    if gas_limit > env.block_gas_limit {
        return Err(PoolError::BlockGasLimit { gas_limit, block_gas_limit: env.block_gas_limit });
    }
    let intrinsic = intrinsic_gas(tx.inner());
    if gas_limit < intrinsic.initial {
        return Err(PoolError::IntrinsicGas { gas_limit, needed: intrinsic.initial });
    }
    if gas_limit < intrinsic.floor {
        return Err(PoolError::FloorGas { gas_limit, needed: intrinsic.floor });
    }
    Ok(())
}

fn fees(tx: &SharedTx, env: &PoolEnv) -> Result<(), PoolError> {
    let (fee, tip) = (tx.max_fee_per_gas(), tx.priority_fee_or_price());
    if tip > fee {
        return Err(PoolError::TipAboveFee { tip, fee });
    }
    if fee < env.fee_min {
        return Err(PoolError::FeeBelowMinimum { fee, minimum: env.fee_min });
    }
    if env.refuse_below_base_fee && fee < u128::from(env.base_fee) {
        return Err(PoolError::FeeBelowBaseFee { fee, base_fee: env.base_fee });
    }
    Ok(())
}

/// What the transaction does to its sender's line: `sender` is that line, `account_nonce` the nonce that the caller's
/// state has, which may be newer.
pub(crate) fn in_line(
    tx: &SharedTx,
    sender: &Sender,
    account_nonce: u64,
    config: &PoolConfig,
) -> Result<(), PoolError> {
    let (nonce, account_nonce) = (tx.nonce(), account_nonce.max(sender.nonce));
    if nonce < account_nonce {
        return Err(PoolError::NonceTooLow { nonce, account_nonce });
    }
    let next = sender.next();
    if nonce.saturating_sub(next) > config.nonce_ahead_max {
        return Err(PoolError::NonceTooHigh { nonce, next, ahead_max: config.nonce_ahead_max });
    }
    if let Some(old) = sender.txs.get(&nonce) {
        replaces(tx, old, config)?;
    }
    let cost = max_cost(tx);
    let replaced = sender.executable_at(nonce).map_or(U256::ZERO, |old| old.cost);
    let queued_cost = sender.executable_cost() - replaced;
    if queued_cost.saturating_add(cost) > sender.balance {
        return Err(PoolError::InsufficientFunds { balance: sender.balance, queued_cost, cost });
    }
    Ok(())
}

fn replaces(tx: &SharedTx, old: &Entry, config: &PoolConfig) -> Result<(), PoolError> {
    let raised = |fee: u128| {
        let more = fee / 100 * u128::from(config.replacement_percent)
            + (fee % 100 * u128::from(config.replacement_percent)).div_ceil(100);
        fee.saturating_add(more.max(1))
    };
    let (fee, fee_needed) = (tx.max_fee_per_gas(), raised(old.fee));
    let (tip, tip_needed) = (tx.priority_fee_or_price(), raised(old.tip));
    if fee < fee_needed || tip < tip_needed {
        return Err(PoolError::ReplacementUnderpriced { nonce: tx.nonce(), fee, fee_needed, tip, tip_needed });
    }
    Ok(())
}
