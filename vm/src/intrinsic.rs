//! What a transaction costs before its first instruction, by the schedule that execution itself uses.

use crate::evm::FORK;
use alloy_consensus::{Transaction, TxEnvelope};
use revm::context_interface::cfg::gas_params::GasParams;
use std::sync::LazyLock;

static SCHEDULE: LazyLock<GasParams> = LazyLock::new(|| GasParams::new_spec(FORK));

/// Gas that a transaction's limit must cover for it to be valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IntrinsicGas {
    /// Charged before execution: base, creation, calldata, initcode words (EIP-3860), access list (EIP-2930) and
    /// authorizations (EIP-7702).
    pub initial: u64,
    /// Least gas that is charged whatever execution uses (EIP-7623).
    pub floor: u64,
}

/// The intrinsic gas of `tx` under the rules of the chain.
pub fn intrinsic_gas(tx: &TxEnvelope) -> IntrinsicGas {
    let (addresses, slots) = tx.access_list().map_or((0, 0), |list| {
        let slots: usize = list.iter().map(|item| item.storage_keys.len()).sum();
        (list.len() as u64, slots as u64)
    });
    let authorizations = tx.authorization_list().map_or(0, |list| list.len() as u64);
    let gas = SCHEDULE.initial_tx_gas(tx.input(), tx.is_create(), addresses, slots, authorizations, None);
    IntrinsicGas { initial: gas.initial_total_gas(), floor: gas.floor_gas() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_consensus::{Signed, TxEip2930, TxEip7702, TxLegacy};
    use alloy_eips::{
        eip2930::{AccessList, AccessListItem},
        eip7702::{Authorization, SignedAuthorization},
    };
    use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256};

    fn gas_of(tx: impl Into<TxEnvelope>) -> (u64, u64) {
        let gas = intrinsic_gas(&tx.into());
        (gas.initial, gas.floor)
    }

    fn signed<T>(tx: T) -> Signed<T> {
        Signed::new_unhashed(tx, Signature::test_signature())
    }

    #[test]
    fn a_transfer_costs_21000_and_so_does_its_floor() {
        assert_eq!(
            gas_of(signed(TxLegacy { to: TxKind::Call(Address::ZERO), ..Default::default() })),
            (21_000, 21_000)
        );
    }

    #[test]
    fn calldata_costs_4_and_16_a_byte_and_its_floor_10_and_40() {
        let tx = TxLegacy { to: TxKind::Call(Address::ZERO), input: Bytes::from(vec![0, 0, 1]), ..Default::default() };
        assert_eq!(gas_of(signed(tx)), (21_000 + 4 + 4 + 16, 21_000 + 10 + 10 + 40));
    }

    #[test]
    fn a_creation_costs_32000_more_and_2_for_each_initcode_word() {
        let tx = TxLegacy { to: TxKind::Create, input: Bytes::from(vec![1; 33]), ..Default::default() };
        assert_eq!(gas_of(signed(tx)), (21_000 + 32_000 + 33 * 16 + 2 * 2, 21_000 + 33 * 40));
    }

    #[test]
    fn access_lists_and_authorizations_cost_by_their_length() {
        let item = AccessListItem { address: Address::ZERO, storage_keys: vec![B256::ZERO; 3] };
        let list = AccessList(vec![item.clone(), item]);
        let tx = TxEip2930 { to: TxKind::Call(Address::ZERO), access_list: list, ..Default::default() };
        assert_eq!(gas_of(signed(tx)).0, 21_000 + 2 * 2_400 + 6 * 1_900);
        let authorization = Authorization { chain_id: U256::from(1), address: Address::ZERO, nonce: 0 };
        let one = SignedAuthorization::new_unchecked(authorization, 0, U256::from(1), U256::from(1));
        let tx = TxEip7702 { authorization_list: vec![one.clone(), one], ..Default::default() };
        assert_eq!(gas_of(signed(tx)).0, 21_000 + 2 * 25_000);
    }
}
