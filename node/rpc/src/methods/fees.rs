//! Prices.

use super::{App, MethodDoc, chain, hex::Quantity, optional, required};
use crate::{CallContext, Params, Registry, RpcError};
use alloy_primitives::B256;
use qsdm_vm::{block::Block, chain::Head};
use std::sync::Arc;

mod history;

pub(super) const DOCS: &[MethodDoc] = &[
    MethodDoc::new("eth_gasPrice", "Price with which a legacy transaction gets into the next block.", &[], "Quantity"),
    MethodDoc::new("eth_maxPriorityFeePerGas", "Priority fee that recent blocks suggest.", &[], "Quantity"),
    MethodDoc::new("eth_baseFee", "Base fee of the next block.", &[], "Quantity"),
    MethodDoc::new("eth_blobBaseFee", "Price of blob gas in the next block.", &[], "Quantity"),
    MethodDoc::new(
        "eth_feeHistory",
        "Base fees, fullness and priority fees of at most 1,024 blocks.",
        &[required("count", "Quantity"), required("newest", "BlockNumber"), optional("percentiles", "Percentiles")],
        "FeeHistory",
    ),
];

pub(super) fn register(registry: &mut Registry<App>) {
    registry
        .heavy("eth_gasPrice", |app, params, _, _| {
            params.none()?;
            let head = app.chain.head();
            Ok(Quantity(u128::from(app.node.next_block().base_fee) + app.suggested_tip(&head)?))
        })
        .heavy("eth_maxPriorityFeePerGas", |app, params, _, _| {
            params.none()?;
            Ok(Quantity(app.suggested_tip(&app.chain.head())?))
        })
        .fast("eth_baseFee", |app, params, _| {
            params.none()?;
            Ok(Quantity(app.node.next_block().base_fee))
        })
        .fast("eth_blobBaseFee", blob_base_fee)
        .heavy("eth_feeHistory", history::fee_history);
}

fn blob_base_fee(app: &App, params: Params<'_>, _: &CallContext) -> Result<Quantity<u128>, RpcError> {
    params.none()?;
    let head = app.chain.head();
    Ok(Quantity(head.block.header.next_block_blob_fee(chain::BLOBS).unwrap_or(chain::BLOBS.min_blob_fee)))
}

/// Newest blocks that are looked at.
const SAMPLED_BLOCKS: u64 = 20;
/// Cheapest transactions of each that count: what it took to get in.
const SAMPLES_PER_BLOCK: usize = 3;
/// Percentile of the samples that is suggested.
const PERCENTILE: usize = 60;
/// Suggested where no block had a transaction: 1 gwei.
const TIP_DEFAULT: u128 = 1_000_000_000;
/// Never suggested more than this, whatever others pay: 500 gwei.
const TIP_MAX: u128 = 500_000_000_000;

/// The suggestion for a head, kept until there is another one.
#[derive(Debug, Default)]
pub(crate) struct Suggestion {
    head: B256,
    tip: u128,
}

impl App {
    /// Priority fee in wei per gas that recent blocks suggest, found as geth finds it.
    pub(super) fn suggested_tip(&self, head: &Head) -> Result<u128, RpcError> {
        let hash = head.block.hash;
        let mut known = self.suggestion.lock();
        if known.head != hash {
            *known = Suggestion { head: hash, tip: self.compute_tip(head)? };
        }
        Ok(known.tip)
    }

    fn compute_tip(&self, head: &Head) -> Result<u128, RpcError> {
        let newest = head.block.number();
        let mut samples = Vec::new();
        for number in newest.saturating_sub(SAMPLED_BLOCKS - 1)..=newest {
            if let Some(block) = self.chain.block(number)? {
                samples.extend(lowest_tips(&block));
            }
        }
        samples.sort_unstable();
        let place = samples.len().saturating_sub(1) * PERCENTILE / 100;
        Ok(samples.get(place).map_or(TIP_DEFAULT, |tip| (*tip).min(TIP_MAX)))
    }
}

/// Free transactions say nothing about the price.
fn lowest_tips(block: &Arc<Block>) -> Vec<u128> {
    let mut tips: Vec<_> = tips(block).map(|(tip, _)| tip).filter(|tip| *tip > 1).collect();
    tips.sort_unstable();
    tips.truncate(SAMPLES_PER_BLOCK);
    tips
}

/// Priority fee that each transaction paid, in wei per gas, with the gas it used.
fn tips(block: &Block) -> impl Iterator<Item = (u128, u64)> {
    let header_fee = block.header.base_fee_per_gas.unwrap_or(0);
    block.receipts.iter().enumerate().map(move |(index, receipt)| {
        let base_fee = block.segment_of(index).map_or(header_fee, |segment| segment.base_fee);
        (receipt.effective_gas_price.saturating_sub(u128::from(base_fee)), receipt.gas_used)
    })
}
