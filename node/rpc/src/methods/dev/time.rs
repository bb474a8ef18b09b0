//! The clock.

use super::{App, DevNumber, MethodDoc, setter};
use crate::{Registry, methods::required};

pub(super) const DOCS: &[MethodDoc] = &[
    MethodDoc::new("evm_increaseTime", "Moves the clock forward.", &[required("seconds", "Quantity")], "Quantity"),
    MethodDoc::new("evm_setTime", "Sets the clock.", &[required("timestamp", "Quantity")], "Quantity"),
    MethodDoc::new(
        "evm_setNextBlockTimestamp",
        "Timestamp of the next block; later ones go on from there.",
        &[required("timestamp", "Quantity")],
        "Null",
    ),
    MethodDoc::new(
        "anvil_setBlockTimestampInterval",
        "A fixed distance between timestamps of blocks.",
        &[required("seconds", "Quantity")],
        "Null",
    ),
    MethodDoc::new("anvil_removeBlockTimestampInterval", "Timestamps follow the clock again.", &[], "Boolean"),
];

pub(super) fn register(registry: &mut Registry<App>) {
    for name in ["evm_increaseTime", "anvil_increaseTime", "hardhat_increaseTime"] {
        registry.fast(name, |app, params, _| {
            let DevNumber(seconds) = params.positional(&["seconds"])?.required(0)?;
            Ok(app.dev()?.increase_time(seconds)?)
        });
    }
    for name in ["evm_setTime", "anvil_setTime"] {
        registry.fast(name, |app, params, _| {
            let DevNumber(timestamp) = params.positional(&["timestamp"])?.required(0)?;
            // tools of the JavaScript world send milliseconds here; years above 9999 can be nothing else
            let seconds = if timestamp > LAST_SECOND { timestamp / 1_000 } else { timestamp };
            Ok(app.dev()?.set_time(seconds))
        });
    }
    setter(registry, &["evm_setNextBlockTimestamp", "anvil_setNextBlockTimestamp"], &["timestamp"], |dev, params| {
        let DevNumber(timestamp) = params.required(0)?;
        Ok(dev.set_next_timestamp(timestamp)?)
    });
    setter(registry, &["anvil_setBlockTimestampInterval"], &["seconds"], |dev, params| {
        let DevNumber(seconds) = params.required(0)?;
        dev.set_timestamp_interval(Some(seconds));
        Ok(())
    });
    registry.fast("anvil_removeBlockTimestampInterval", |app, params, _| {
        params.none()?;
        app.dev()?.set_timestamp_interval(None);
        Ok(true)
    });
}

/// The last second of the year 9999.
const LAST_SECOND: u64 = 253_402_300_799;
