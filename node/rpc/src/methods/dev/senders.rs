//! Impersonation, and taking transactions out of the pool.

use super::{App, MethodDoc, setter};
use crate::{
    Registry,
    methods::{
        input::{AddressInput, HashInput},
        required,
    },
};

pub(super) const DOCS: &[MethodDoc] = &[
    MethodDoc::new(
        "anvil_impersonateAccount",
        "Accepts unsigned transactions of an account.",
        &[required("address", "Address")],
        "Null",
    ),
    MethodDoc::new("anvil_stopImpersonatingAccount", "Ends it.", &[required("address", "Address")], "Null"),
    MethodDoc::new(
        "anvil_autoImpersonateAccount",
        "Accepts unsigned transactions of every account, or not.",
        &[required("on", "Boolean")],
        "Null",
    ),
    MethodDoc::new(
        "anvil_dropTransaction",
        "Takes a transaction out of the pool.",
        &[required("hash", "Hash")],
        "Hash",
    ),
    MethodDoc::new("anvil_dropAllTransactions", "Empties the pool.", &[], "Null"),
    MethodDoc::new(
        "anvil_removePoolTransactions",
        "Takes all transactions of a sender out of the pool.",
        &[required("address", "Address")],
        "Null",
    ),
];

pub(super) fn register(registry: &mut Registry<App>) {
    setter(registry, &["anvil_impersonateAccount", "hardhat_impersonateAccount"], &["address"], |dev, params| {
        let address: AddressInput = params.required(0)?;
        dev.impersonate(address.0);
        Ok(())
    });
    let stop = ["anvil_stopImpersonatingAccount", "hardhat_stopImpersonatingAccount"];
    setter(registry, &stop, &["address"], |dev, params| {
        let address: AddressInput = params.required(0)?;
        dev.stop_impersonating(address.0);
        Ok(())
    });
    setter(registry, &["anvil_autoImpersonateAccount"], &["on"], |dev, params| {
        dev.set_auto_impersonate(params.required(0)?);
        Ok(())
    });
    registry.fast("anvil_dropTransaction", |app, params, _| {
        let hash: HashInput = params.positional(&["hash"])?.required(0)?;
        Ok(app.pool.remove(&hash.0).map(|tx| *tx.tx_hash()))
    });
    registry.fast("hardhat_dropTransaction", |app, params, _| {
        let hash: HashInput = params.positional(&["hash"])?.required(0)?;
        Ok(app.pool.remove(&hash.0).is_some())
    });
    registry.fast("anvil_dropAllTransactions", |app, params, _| {
        params.none()?;
        app.pool.remove_all();
        Ok(None::<bool>)
    });
    registry.fast("anvil_removePoolTransactions", |app, params, _| {
        let address: AddressInput = params.positional(&["address"])?.required(0)?;
        app.pool.remove_sender(&address.0);
        Ok(None::<bool>)
    });
}
