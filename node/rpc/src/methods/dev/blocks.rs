//! Making blocks and unmaking them.

use super::{App, DevNumber, DevQuantity, MethodDoc, operation, refused, setter};
use crate::{
    Registry, RpcError,
    methods::{
        hex::Quantity,
        input::{AddressInput, BytesInput, HashInput},
        optional, required,
    },
    ports::Dev,
};
use alloy_primitives::Bytes;
use serde::Deserialize;

pub(super) const DOCS: &[MethodDoc] = &[
    MethodDoc::new("evm_mine", "Makes a block.", &[optional("timestamp or {timestamp, blocks}", "Object")], "String"),
    MethodDoc::new(
        "anvil_mine",
        "Makes blocks, so many seconds apart.",
        &[optional("blocks", "Quantity"), optional("interval", "Quantity")],
        "Null",
    ),
    MethodDoc::new(
        "evm_setAutomine",
        "Includes each transaction at once, or not.",
        &[required("on", "Boolean")],
        "Null",
    ),
    MethodDoc::new("anvil_getAutomine", "Whether each transaction is included at once.", &[], "Boolean"),
    MethodDoc::new(
        "evm_setIntervalMining",
        "A block every so many seconds; 0 for none.",
        &[required("seconds", "Quantity")],
        "Null",
    ),
    MethodDoc::new("anvil_getIntervalMining", "Seconds between blocks made by the clock.", &[], "Quantity"),
    MethodDoc::new(
        "evm_setBlockGasLimit",
        "Gas limit of blocks from now on.",
        &[required("gas", "Quantity")],
        "Boolean",
    ),
    MethodDoc::new("anvil_setCoinbase", "Fee recipient from now on.", &[required("address", "Address")], "Null"),
    MethodDoc::new(
        "anvil_setNextBlockBaseFeePerGas",
        "Base fee of the next block.",
        &[required("wei", "Quantity")],
        "Null",
    ),
    MethodDoc::new("hardhat_setPrevRandao", "Randomness of the next block.", &[required("value", "Hash")], "Boolean"),
    MethodDoc::new("anvil_setMinGasPrice", "Least price that is admitted.", &[required("wei", "Quantity")], "Null"),
    MethodDoc::new("evm_snapshot", "Remembers this moment.", &[], "Quantity"),
    MethodDoc::new("evm_revert", "Goes back to a snapshot.", &[required("snapshot", "Quantity")], "Boolean"),
    MethodDoc::new(
        "anvil_rollback",
        "Takes the newest blocks away, one if not said.",
        &[optional("blocks", "Quantity")],
        "Null",
    ),
    MethodDoc::new(
        "anvil_reorg",
        "Replaces the newest blocks by as many others with the given raw transactions.",
        &[required("depth", "Quantity"), optional("[[raw transaction, block]]", "Array")],
        "Null",
    ),
    MethodDoc::new("anvil_reset", "Back to genesis.", &[], "Null"),
];

/// What `evm_mine` takes.
#[derive(Deserialize)]
#[serde(untagged)]
enum MineInput {
    Options { timestamp: Option<DevNumber>, blocks: Option<DevNumber> },
    Timestamp(DevNumber),
}

pub(super) fn register(registry: &mut Registry<App>) {
    register_mining(registry);
    register_settings(registry);
    register_history(registry);
}

fn register_mining(registry: &mut Registry<App>) {
    operation(registry, &["evm_mine"], |params| {
        let input: Option<MineInput> = params.positional(&["options"])?.optional(0)?;
        Ok(Box::new(move |_, dev| mine(dev, input).map(|()| "0x0")))
    });
    for name in ["anvil_mine", "hardhat_mine"] {
        let answer = name.starts_with("hardhat_").then_some(true);
        operation(registry, &[name], move |params| {
            let params = params.positional(&["blocks", "interval"])?;
            let count = params.optional::<DevNumber>(0)?.map_or(1, |number| number.0);
            let interval = params.optional::<DevNumber>(1)?.map(|number| number.0);
            Ok(Box::new(move |_, dev| {
                dev.mine(count, interval)?;
                Ok(answer)
            }))
        });
    }
}

fn mine(dev: &dyn Dev, input: Option<MineInput>) -> Result<(), RpcError> {
    let (timestamp, blocks) = match input {
        None => (None, 1),
        Some(MineInput::Timestamp(timestamp)) => (Some(timestamp.0), 1),
        Some(MineInput::Options { timestamp, blocks }) => {
            (timestamp.map(|number| number.0), blocks.map_or(1, |number| number.0))
        }
    };
    let mut left = blocks;
    if let Some(timestamp) = timestamp
        && left > 0
    {
        dev.mine_at(timestamp)?;
        left -= 1;
    }
    dev.mine(left, None)?;
    Ok(())
}

fn register_settings(registry: &mut Registry<App>) {
    operation(registry, &["evm_setAutomine", "anvil_setAutomine", "hardhat_setAutomine"], |params| {
        let on: bool = params.positional(&["on"])?.required(0)?;
        Ok(Box::new(move |_, dev| Ok(dev.set_automine(on)?)))
    });
    for name in ["anvil_getAutomine", "hardhat_getAutomine"] {
        registry.fast(name, |app, params, _| params.none().and_then(|()| Ok(app.dev()?.automine())));
    }
    setter(registry, &["evm_setIntervalMining", "anvil_setIntervalMining"], &["seconds"], |dev, params| {
        let DevNumber(seconds) = params.required(0)?;
        dev.set_interval(Some(seconds));
        Ok(())
    });
    registry.fast("anvil_getIntervalMining", |app, params, _| {
        params.none()?;
        Ok(app.dev()?.interval_s())
    });
    for name in ["evm_setBlockGasLimit", "anvil_setBlockGasLimit", "hardhat_setBlockGasLimit"] {
        registry.fast(name, |app, params, _| {
            let DevNumber(gas) = params.positional(&["gas"])?.required(0)?;
            app.dev()?.set_gas_limit(gas)?;
            Ok(true)
        });
    }
    setter(registry, &["anvil_setCoinbase", "hardhat_setCoinbase"], &["address"], |dev, params| {
        let address: AddressInput = params.required(0)?;
        dev.set_coinbase(address.0);
        Ok(())
    });
    let base_fee = ["anvil_setNextBlockBaseFeePerGas", "hardhat_setNextBlockBaseFeePerGas"];
    setter(registry, &base_fee, &["wei"], |dev, params| {
        let DevNumber(wei) = params.required(0)?;
        dev.set_next_base_fee(wei);
        Ok(())
    });
    setter(registry, &["anvil_setPrevRandao", "hardhat_setPrevRandao"], &["value"], |dev, params| {
        let value: HashInput = params.required(0)?;
        dev.set_next_prevrandao(value.0);
        Ok(())
    });
    setter(registry, &["anvil_setMinGasPrice", "hardhat_setMinGasPrice"], &["wei"], |dev, params| {
        let DevQuantity(wei) = params.required(0)?;
        let price = u128::try_from(wei).map_err(|_| params.invalid(0, "more wei than there can be"))?;
        Ok(dev.set_min_gas_price(price)?)
    });
}

fn register_history(registry: &mut Registry<App>) {
    for name in ["evm_snapshot", "anvil_snapshot"] {
        registry.fast(name, |app, params, _| {
            params.none()?;
            Ok(Quantity(app.dev()?.snapshot()))
        });
    }
    operation(registry, &["evm_revert", "anvil_revert"], |params| {
        let DevQuantity(id) = params.positional(&["snapshot"])?.required(0)?;
        Ok(Box::new(move |_, dev| Ok(dev.revert(id)?)))
    });
    operation(registry, &["anvil_rollback"], |params| {
        let depth = params.positional(&["blocks"])?.optional::<DevNumber>(0)?.map_or(1, |number| number.0);
        Ok(Box::new(move |app, dev| roll_back(app, dev, depth)))
    });
    operation(registry, &["anvil_reorg"], |params| {
        let params = params.positional(&["depth", "transactions"])?;
        let DevNumber(depth) = params.required(0)?;
        let transactions: Vec<(BytesInput, DevNumber)> = params.optional(1)?.unwrap_or_default();
        let transactions = transactions.into_iter().map(|(raw, block)| (raw.0, block.0)).collect();
        Ok(Box::new(move |app, dev| reorganise(app, dev, depth, transactions)))
    });
    operation(registry, &["anvil_reset", "hardhat_reset"], |params| {
        let params = params.positional(&["forking"])?;
        if params.raw(0).is_some_and(|raw| raw.get().contains("jsonRpcUrl")) {
            return Err(params.invalid(0, "this chain does not fork from another one: call it without parameters"));
        }
        Ok(Box::new(move |_, dev| Ok(dev.reset()?)))
    });
}

fn roll_back(app: &App, dev: &dyn Dev, depth: u64) -> Result<(), RpcError> {
    let head = app.chain.head().block.number();
    let Some(target) = head.checked_sub(depth) else {
        return Err(refused(format!("{depth} blocks cannot be taken away: the newest block is {head}")));
    };
    Ok(dev.rollback_to(target)?)
}

/// As many blocks as were taken away, each with the raw transactions meant for it.
fn reorganise(app: &App, dev: &dyn Dev, depth: u64, transactions: Vec<(Bytes, u64)>) -> Result<(), RpcError> {
    if let Some((_, block)) = transactions.iter().find(|(_, block)| *block >= depth) {
        return Err(refused(format!("a transaction names block {block} of {depth}: they are counted from 0")));
    }
    let chain_id = app.chain.spec().chain_id;
    let mut decoded = Vec::with_capacity(transactions.len());
    for (raw, block) in &transactions {
        decoded.push((qsdm_pool::recover_raw(raw, chain_id)?, *block));
    }
    roll_back(app, dev, depth)?;
    let automine = dev.automine();
    dev.set_automine(false)?;
    let made = (0..depth).try_for_each(|number| {
        for (tx, _) in decoded.iter().filter(|(_, block)| *block == number) {
            app.node.submit(tx.clone())?;
        }
        dev.mine(1, None)
    });
    if automine {
        dev.set_automine(true)?;
    }
    Ok(made?)
}
