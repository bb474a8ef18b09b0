//! Proofs of accounts and slots (EIP-1186), in geth's form.

use super::{
    App, MethodDoc,
    hex::Quantity,
    input::{AddressInput, AtMost, SlotInput},
    optional, required,
};
use crate::{Budget, CallContext, CallError, Params, Registry};
use alloy_primitives::{Address, B256, Bytes, U256};
use qsdm_primitives::limits::RPC_STORAGE_SLOTS_MAX;
use serde::{Serialize, Serializer};

pub(super) const DOCS: &[MethodDoc] = &[MethodDoc::new(
    "eth_getProof",
    "Merkle proofs of an account and of at most 1,024 of its slots (EIP-1186).",
    &[required("address", "Address"), required("slots", "Slots"), optional("block", "BlockId")],
    "AccountProof",
)];

pub(super) fn register(registry: &mut Registry<App>) {
    registry.heavy("eth_getProof", proof);
}

/// An account that does not exist has zero hashes, as in geth.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AccountProof {
    address: Address,
    account_proof: Vec<Bytes>,
    balance: Quantity<U256>,
    code_hash: B256,
    nonce: Quantity<u64>,
    storage_hash: B256,
    storage_proof: Vec<SlotProof>,
}

#[derive(Serialize)]
struct SlotProof {
    key: Key,
    value: Quantity<U256>,
    proof: Vec<Bytes>,
}

/// Written as it was asked for: all 32 bytes, or a quantity.
struct Key(SlotInput);

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.full {
            B256::from(self.0.slot).serialize(serializer)
        } else {
            Quantity(self.0.slot).serialize(serializer)
        }
    }
}

fn proof(app: &App, params: Params<'_>, _: &CallContext, budget: &Budget) -> Result<AccountProof, CallError> {
    let params = params.positional(&["address", "slots", "block"])?;
    let AtMost(slots): AtMost<SlotInput, RPC_STORAGE_SLOTS_MAX> = params.required(1)?;
    let address = params.required::<AddressInput>(0)?.0;
    let state = app.state(params.optional(2)?.unwrap_or_default(), budget)?;
    let mut storage_proof = Vec::with_capacity(slots.len());
    for slot in slots {
        if budget.is_over() {
            return Err(CallError::Stopped);
        }
        let (value, proof) = (state.slot(&address, slot.slot), state.prove_slot(&address, slot.slot));
        storage_proof.push(SlotProof { key: Key(slot), value: Quantity(value), proof });
    }
    let account = state.account(&address);
    Ok(AccountProof {
        address,
        account_proof: state.prove_account(&address),
        balance: Quantity(account.map_or(U256::ZERO, |account| account.balance)),
        code_hash: account.map_or(B256::ZERO, |account| account.code_hash()),
        nonce: Quantity(account.map_or(0, |account| account.nonce)),
        storage_hash: account.map_or(B256::ZERO, |account| account.storage_root()),
        storage_proof,
    })
}
