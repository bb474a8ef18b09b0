//! Changing state outside transactions.

use super::{App, DevNumber, DevQuantity, MethodDoc, operation, setter};
use crate::{
    Registry, RpcError,
    methods::{
        input::{AddressInput, BytesInput, HashInput, SlotInput},
        required,
    },
};
use alloy_primitives::{B256, U256};
use qsdm_vm::block::StatePatch;

const ACCOUNT: super::super::ParameterDoc = required("address", "Address");

pub(super) const DOCS: &[MethodDoc] = &[
    MethodDoc::new("anvil_setBalance", "Sets a balance.", &[ACCOUNT, required("wei", "Quantity")], "Null"),
    MethodDoc::new("anvil_addBalance", "Adds to a balance.", &[ACCOUNT, required("wei", "Quantity")], "Null"),
    MethodDoc::new("anvil_setNonce", "Sets a nonce.", &[ACCOUNT, required("nonce", "Quantity")], "Null"),
    MethodDoc::new("anvil_setCode", "Replaces code.", &[ACCOUNT, required("code", "Bytes")], "Null"),
    MethodDoc::new(
        "anvil_setStorageAt",
        "Sets a storage slot.",
        &[ACCOUNT, required("slot", "Quantity"), required("value", "Hash")],
        "Boolean",
    ),
    MethodDoc::new("anvil_dumpState", "The whole state as the bytes of a JSON object.", &[], "Bytes"),
    MethodDoc::new(
        "anvil_loadState",
        "Puts the accounts of a dump into the state.",
        &[required("dump", "Bytes")],
        "Boolean",
    ),
];

pub(super) fn register(registry: &mut Registry<App>) {
    setter(registry, &["anvil_setBalance", "hardhat_setBalance"], &["address", "wei"], |dev, params| {
        let (address, wei): (AddressInput, DevQuantity) = (params.required(0)?, params.required(1)?);
        Ok(dev.patch(vec![StatePatch::Balance { address: address.0, balance: wei.0 }])?)
    });
    registry.fast("anvil_addBalance", |app, params, _| {
        let params = params.positional(&["address", "wei"])?;
        let (address, wei): (AddressInput, DevQuantity) = (params.required(0)?, params.required(1)?);
        let balance = app.chain.head().state.balance(&address.0).checked_add(wei.0);
        let balance = balance.ok_or_else(|| params.invalid(1, "the balance would be above 2^256 − 1"))?;
        app.dev()?.patch(vec![StatePatch::Balance { address: address.0, balance }])?;
        Ok(None::<bool>)
    });
    setter(
        registry,
        &["anvil_setNonce", "hardhat_setNonce", "evm_setAccountNonce"],
        &["address", "nonce"],
        |dev, params| {
            let (address, nonce): (AddressInput, DevNumber) = (params.required(0)?, params.required(1)?);
            Ok(dev.patch(vec![StatePatch::Nonce { address: address.0, nonce: nonce.0 }])?)
        },
    );
    setter(registry, &["anvil_setCode", "hardhat_setCode"], &["address", "code"], |dev, params| {
        let (address, code): (AddressInput, BytesInput) = (params.required(0)?, params.required(1)?);
        Ok(dev.patch(vec![StatePatch::Code { address: address.0, code: code.0 }])?)
    });
    for name in ["anvil_setStorageAt", "hardhat_setStorageAt"] {
        registry.fast(name, |app, params, _| {
            let params = params.positional(&["address", "slot", "value"])?;
            let (address, key): (AddressInput, SlotInput) = (params.required(0)?, params.required(1)?);
            let value = word(params.required(2)?);
            app.dev()?.patch(vec![StatePatch::Slot { address: address.0, key: key.slot, value }])?;
            Ok(true)
        });
    }
    operation(registry, &["anvil_dumpState", "hardhat_dumpState"], |params| {
        params.none()?;
        Ok(Box::new(|_, dev| Ok(dev.dump_state()?)))
    });
    operation(registry, &["anvil_loadState", "hardhat_loadState"], |params| {
        let dump: BytesInput = params.positional(&["dump"])?.required(0)?;
        Ok(Box::new(move |_, dev| -> Result<bool, RpcError> {
            dev.load_state(&dump.0)?;
            Ok(true)
        }))
    });
}

/// A storage value: 32 bytes, as all tools send it.
fn word(value: HashInput) -> U256 {
    let word: B256 = value.0;
    word.into()
}
