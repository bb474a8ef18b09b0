//! `eth_feeHistory`.

use super::tips;
use crate::{
    Budget, CallContext, CallError, Params, Positional, RpcError,
    methods::{
        App, chain,
        hex::Quantity,
        input::{AtMost, BlockId, Number, Tag},
    },
};
use alloy_eips::eip1559::BaseFeeParams;
use qsdm_primitives::limits::{RPC_FEE_HISTORY_BLOCKS_MAX, RPC_FEE_PERCENTILES_MAX};
use qsdm_vm::block::Block;
use serde::Serialize;

/// The answer. The lists of base fees are one longer than the others: they end with the next block.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FeeHistory {
    oldest_block: Quantity<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reward: Vec<Vec<Quantity<u128>>>,
    base_fee_per_gas: Vec<Quantity<u64>>,
    gas_used_ratio: Vec<f64>,
    base_fee_per_blob_gas: Vec<Quantity<u128>>,
    blob_gas_used_ratio: Vec<f64>,
}

pub(super) fn fee_history(
    app: &App,
    params: Params<'_>,
    _: &CallContext,
    budget: &Budget,
) -> Result<FeeHistory, CallError> {
    let params = params.positional(&["count", "newest", "percentiles"])?;
    let Number(count) = params.required(0)?;
    let percentiles = percentiles(&params)?;
    let newest = newest(app, &params)?;
    if count == 0 {
        return Ok(FeeHistory::default());
    }
    let oldest = (newest + 1).saturating_sub(count.min(RPC_FEE_HISTORY_BLOCKS_MAX));
    let mut history = FeeHistory { oldest_block: Quantity(oldest), ..FeeHistory::default() };
    for number in oldest..=newest {
        if budget.is_over() {
            return Err(CallError::Stopped);
        }
        let block = app.block(BlockId::Number(number))?;
        history.add(&block, &percentiles);
        if number == newest {
            history.add_next(&block);
        }
    }
    Ok(history)
}

/// Of a block that is not made yet nothing is known but its base fee, and that comes with the newest one anyway.
fn newest(app: &App, params: &Positional<'_>) -> Result<u64, RpcError> {
    let head = app.chain.head().block.number();
    match app.settled(params.required(1)?) {
        BlockId::Tag(Tag::Earliest) => Ok(0),
        BlockId::Tag(_) => Ok(head),
        BlockId::Number(number) if number > head => {
            Err(RpcError::server(format!("request beyond head block: requested {number}, head {head}")))
        }
        BlockId::Number(number) => Ok(number),
        BlockId::Hash(_) => Err(params.invalid(1, "hex number > 64 bits")),
    }
}

fn percentiles(params: &Positional<'_>) -> Result<Vec<f64>, RpcError> {
    let list: Option<AtMost<f64, RPC_FEE_PERCENTILES_MAX>> = params.optional(2)?;
    let list = list.map(|list| list.0).unwrap_or_default();
    if let Some(bad) = list.iter().find(|percentile| !(0.0..=100.0).contains(*percentile)) {
        return Err(params.invalid(2, format!("invalid reward percentile: {bad}")));
    }
    if let Some(place) = list.windows(2).position(|pair| pair[0] > pair[1]) {
        let (first, second) = (list[place], list[place + 1]);
        let reason = format!("invalid reward percentile: #{place}:{first} > #{}:{second}", place + 1);
        return Err(params.invalid(2, reason));
    }
    Ok(list)
}

impl FeeHistory {
    fn add(&mut self, block: &Block, percentiles: &[f64]) {
        let header = &block.header;
        let blob_gas_max = chain::BLOBS.max_blob_gas_per_block();
        self.base_fee_per_gas.push(Quantity(header.base_fee_per_gas.unwrap_or(0)));
        self.gas_used_ratio.push(header.gas_used as f64 / header.gas_limit.max(1) as f64);
        self.base_fee_per_blob_gas.push(Quantity(header.blob_fee(chain::BLOBS).unwrap_or(0)));
        self.blob_gas_used_ratio.push(header.blob_gas_used.unwrap_or(0) as f64 / blob_gas_max as f64);
        if !percentiles.is_empty() {
            self.reward.push(rewards(block, percentiles).into_iter().map(Quantity).collect());
        }
    }

    fn add_next(&mut self, newest: &Block) {
        let header = &newest.header;
        let next = header.next_block_base_fee(BaseFeeParams::ethereum()).unwrap_or(0);
        self.base_fee_per_gas.push(Quantity(next));
        self.base_fee_per_blob_gas.push(Quantity(header.next_block_blob_fee(chain::BLOBS).unwrap_or(0)));
    }
}

/// Priority fees at the percentiles of the gas that was used, cheapest first.
fn rewards(block: &Block, percentiles: &[f64]) -> Vec<u128> {
    let mut paid: Vec<_> = tips(block).collect();
    paid.sort_by_key(|(tip, _)| *tip);
    let mut paid = paid.into_iter();
    let Some(mut current) = paid.next() else { return vec![0; percentiles.len()] };
    let mut gas = current.1;
    let reward = |percentile: &f64| {
        let threshold = (block.header.gas_used as f64 * percentile / 100.0) as u64;
        while gas < threshold
            && let Some(next) = paid.next()
        {
            current = next;
            gas += current.1;
        }
        current.0
    };
    percentiles.iter().map(reward).collect()
}
