//! Transactions and states for the tests.

use alloy_consensus::{
    Signed, TxEip1559, TxEip7702, TxEnvelope, TxLegacy,
    transaction::{Recovered, SignableTransaction},
};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, keccak256};
use qsdm_pool::{Pool, PoolEnv, PoolError};
use qsdm_primitives::SubmeshId;
use qsdm_vm::{
    block::SharedTx,
    diff::{AccountChange, AccountFields, StateDiff},
    state::State,
};
use std::{convert::Infallible, sync::Arc};

pub(crate) const CHAIN_ID: u64 = 31_337;
pub(crate) const GWEI: u128 = 1_000_000_000;
pub(crate) const ETHER: u128 = 1_000_000_000 * GWEI;
pub(crate) const BASE_FEE: u64 = GWEI as u64;

/// A transaction whose sender is taken for granted; its signature is not looked at.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) sender: Address,
    pub(crate) nonce: u64,
    pub(crate) fee: u128,
    pub(crate) tip: u128,
    pub(crate) gas: u64,
    pub(crate) value: U256,
    pub(crate) to: TxKind,
    pub(crate) input: Bytes,
    pub(crate) chain_id: u64,
}

pub(crate) fn sender(number: u8) -> Address {
    Address::with_last_byte(number)
}

/// A transfer of 1 wei at 10 gwei with a tip of 1 gwei.
pub(crate) fn draft(number: u8, nonce: u64) -> Draft {
    Draft {
        sender: sender(number),
        nonce,
        fee: 10 * GWEI,
        tip: GWEI,
        gas: 21_000,
        value: U256::from(1),
        to: TxKind::Call(Address::repeat_byte(0xee)),
        input: Bytes::new(),
        chain_id: CHAIN_ID,
    }
}

impl Draft {
    pub(crate) fn fees(mut self, fee: u128, tip: u128) -> Self {
        (self.fee, self.tip) = (fee, tip);
        self
    }

    pub(crate) fn value(mut self, wei: u128) -> Self {
        self.value = U256::from(wei);
        self
    }

    pub(crate) fn gas(mut self, gas: u64) -> Self {
        self.gas = gas;
        self
    }

    pub(crate) fn input(mut self, bytes: impl Into<Bytes>) -> Self {
        self.input = bytes.into();
        self
    }

    pub(crate) fn creation(mut self) -> Self {
        self.to = TxKind::Create;
        self
    }

    pub(crate) fn dynamic(&self) -> TxEip1559 {
        TxEip1559 {
            chain_id: self.chain_id,
            nonce: self.nonce,
            gas_limit: self.gas,
            max_fee_per_gas: self.fee,
            max_priority_fee_per_gas: self.tip,
            to: self.to,
            value: self.value,
            access_list: Default::default(),
            input: self.input.clone(),
        }
    }

    /// Type 2.
    pub(crate) fn tx(&self) -> SharedTx {
        self.shared(self.dynamic())
    }

    /// Type 0 with `fee` as its price.
    pub(crate) fn legacy(&self) -> SharedTx {
        self.shared(TxLegacy {
            chain_id: Some(self.chain_id),
            nonce: self.nonce,
            gas_price: self.fee,
            gas_limit: self.gas,
            to: self.to,
            value: self.value,
            input: self.input.clone(),
        })
    }

    /// Type 4 without authorizations.
    pub(crate) fn delegation(&self) -> SharedTx {
        self.shared(TxEip7702 {
            chain_id: self.chain_id,
            nonce: self.nonce,
            gas_limit: self.gas,
            max_fee_per_gas: self.fee,
            max_priority_fee_per_gas: self.tip,
            ..Default::default()
        })
    }

    pub(crate) fn shared<T: SignableTransaction<Signature>>(&self, tx: T) -> SharedTx
    where
        TxEnvelope: From<Signed<T>>,
    {
        // the sender is not in the signed bytes, but must be in the hash
        let marker = Signature::new(U256::from_be_slice(self.sender.as_slice()), U256::from(1), false);
        Arc::new(Recovered::new_unchecked(TxEnvelope::from(tx.into_signed(marker)), self.sender))
    }

    /// Most that it costs.
    pub(crate) fn cost(&self) -> U256 {
        U256::from(self.gas) * U256::from(self.fee) + self.value
    }
}

/// A state with these accounts: (address, nonce, balance in wei, code).
pub(crate) fn state_with(accounts: impl IntoIterator<Item = (Address, u64, U256, Bytes)>) -> State {
    let mut diff = StateDiff::default();
    for (address, nonce, balance, code) in accounts {
        let code_hash = keccak256(&code);
        let after = Some(AccountFields { nonce, balance, code_hash });
        let hashed_address = keccak256(address);
        diff.accounts.push(AccountChange { hashed_address, address, before: None, after, slots: Vec::new() });
        if !code.is_empty() {
            diff.codes.push((code_hash, code));
        }
    }
    diff.accounts.sort_by_key(|change| change.hashed_address);
    let mut state = State::default();
    let Ok(()) = state.apply(&diff, |_: &B256| Ok::<_, Infallible>(Bytes::new()));
    state
}

/// A state with senders (number, nonce, balance in wei).
pub(crate) fn state(accounts: &[(u8, u64, u128)]) -> State {
    state_with(accounts.iter().map(|(number, nonce, wei)| (sender(*number), *nonce, U256::from(*wei), Bytes::new())))
}

pub(crate) fn env() -> PoolEnv {
    PoolEnv { base_fee: BASE_FEE, block_gas_limit: 30_000_000, chain_id: CHAIN_ID, now_s: 1_000, ..PoolEnv::default() }
}

/// What the pool says to a transaction, on a fresh pool whose sender 1 has an ether.
pub(crate) fn refusal(tx: SharedTx, env: &PoolEnv) -> PoolError {
    let pool = Pool::default();
    let refusal = pool.add(tx, &state(&[(1, 0, ETHER)]), env).unwrap_err();
    assert_eq!(pool.status(), (0, 0));
    pool.audit().unwrap();
    refusal
}

/// Sender and nonce of everything that `best` yields.
pub(crate) fn best(pool: &Pool, submesh: SubmeshId, base_fee: u64) -> Vec<(Address, u64)> {
    use alloy_consensus::Transaction;
    pool.best(submesh, base_fee).map(|tx| (tx.signer(), tx.nonce())).collect()
}

pub(crate) fn best_root(pool: &Pool) -> Vec<(Address, u64)> {
    best(pool, SubmeshId::ROOT, BASE_FEE)
}
