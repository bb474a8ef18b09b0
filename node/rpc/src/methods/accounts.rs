//! Reading accounts.

use super::{
    App, MethodDoc,
    hex::Quantity,
    input::{AddressInput, BlockId, SlotInput, Tag},
    optional, required,
};
use crate::{Budget, CallContext, CallError, Params, Registry, RpcError};
use alloy_primitives::{Address, B256, Bytes, U256};
use qsdm_primitives::limits::RPC_STORAGE_SLOTS_MAX;
use serde::{
    Deserialize, Deserializer,
    de::{self, Visitor},
};
use std::{collections::BTreeMap, fmt};

const ACCOUNT: &[super::ParameterDoc] = &[required("address", "Address"), optional("block", "BlockId")];

pub(super) const DOCS: &[MethodDoc] = &[
    MethodDoc::new("eth_getBalance", "Balance of an account in wei.", ACCOUNT, "Quantity"),
    MethodDoc::new(
        "eth_getTransactionCount",
        "Nonce of an account; at `pending` the one that its next transaction should have.",
        ACCOUNT,
        "Quantity",
    ),
    MethodDoc::new("eth_getCode", "Runtime code of an account.", ACCOUNT, "Bytes"),
    MethodDoc::new(
        "eth_getStorageAt",
        "Value of a storage slot.",
        &[required("address", "Address"), required("slot", "Slot"), optional("block", "BlockId")],
        "Hash",
    ),
    MethodDoc::new(
        "eth_getStorageValues",
        "Values of many storage slots of many accounts, at most 1,024.",
        &[required("slots", "SlotsByAddress"), optional("block", "BlockId")],
        "ValuesByAddress",
    ),
];

pub(super) fn register(registry: &mut Registry<App>) {
    registry
        .heavy("eth_getBalance", balance)
        .heavy("eth_getTransactionCount", transaction_count)
        .heavy("eth_getCode", code)
        .heavy("eth_getStorageAt", storage_at)
        .heavy("eth_getStorageValues", storage_values);
}

fn account(params: Params<'_>) -> Result<(Address, BlockId), RpcError> {
    let params = params.positional(&["address", "block"])?;
    let address: AddressInput = params.required(0)?;
    Ok((address.0, params.optional(1)?.unwrap_or_default()))
}

fn balance(app: &App, params: Params<'_>, _: &CallContext, budget: &Budget) -> Result<Quantity<U256>, CallError> {
    let (address, id) = account(params)?;
    Ok(Quantity(app.state(id, budget)?.balance(&address)))
}

fn transaction_count(
    app: &App,
    params: Params<'_>,
    _: &CallContext,
    budget: &Budget,
) -> Result<Quantity<u64>, CallError> {
    let (address, id) = account(params)?;
    let state = app.state(id, budget)?;
    Ok(Quantity(match id {
        BlockId::Tag(Tag::Pending) => app.pool.next_nonce(&address, &state),
        _ => state.nonce(&address),
    }))
}

fn code(app: &App, params: Params<'_>, _: &CallContext, budget: &Budget) -> Result<Bytes, CallError> {
    let (address, id) = account(params)?;
    Ok(app.state(id, budget)?.code(&address))
}

fn storage_at(app: &App, params: Params<'_>, _: &CallContext, budget: &Budget) -> Result<B256, CallError> {
    let params = params.positional(&["address", "slot", "block"])?;
    let (address, slot): (AddressInput, SlotInput) = (params.required(0)?, params.required(1)?);
    let state = app.state(params.optional(2)?.unwrap_or_default(), budget)?;
    Ok(state.slot(&address.0, slot.slot).into())
}

fn storage_values(
    app: &App,
    params: Params<'_>,
    _: &CallContext,
    budget: &Budget,
) -> Result<BTreeMap<Address, Vec<B256>>, CallError> {
    let params = params.positional(&["slots", "block"])?;
    let wanted: SlotsByAddress = params.required(0)?;
    if wanted.0.iter().all(|(_, slots)| slots.is_empty()) {
        return Err(RpcError::invalid_params("empty request").into());
    }
    let state = app.state(params.optional(1)?.unwrap_or_default(), budget)?;
    let mut values = BTreeMap::<_, Vec<_>>::new();
    for (address, slots) in wanted.0 {
        let found = slots.into_iter().map(|slot| B256::from(state.slot(&address, slot)));
        values.entry(address).or_default().extend(found);
    }
    Ok(values)
}

/// An object of lists; counts all slots together.
struct SlotsByAddress(Vec<(Address, Vec<U256>)>);

impl<'de> Deserialize<'de> for SlotsByAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MapVisitor;

        impl<'de> Visitor<'de> for MapVisitor {
            type Value = SlotsByAddress;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object of address: [slot, …]")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<SlotsByAddress, A::Error> {
                let (mut wanted, mut count) = (Vec::new(), 0);
                while let Some((address, slots)) = map.next_entry::<AddressInput, Vec<SlotInput>>()? {
                    count += slots.len();
                    if count > RPC_STORAGE_SLOTS_MAX || wanted.len() >= RPC_STORAGE_SLOTS_MAX {
                        return Err(de::Error::custom(format_args!("too many slots (max {RPC_STORAGE_SLOTS_MAX})")));
                    }
                    wanted.push((address.0, slots.into_iter().map(|slot| slot.slot).collect()));
                }
                Ok(SlotsByAddress(wanted))
            }
        }

        deserializer.deserialize_map(MapVisitor)
    }
}
