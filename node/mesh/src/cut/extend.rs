//! Whether a block's cut is valid, and which cells it includes.

use super::{CellSource, CutRules, CutView};
use crate::{cell_ref::CellRef, error::CutError};
use qsdm_primitives::{
    CellId, CutChange, LaneId, Signers, SubmeshId,
    limits::{BLOCK_CUT_CHANGES_MAX, CELLS_UNCOMMITTED_PER_AUTHOR_MAX},
};
use std::collections::BTreeMap;

/// The cells that `changes` include on top of `before`, in no particular order.
///
/// - Changes stand in ascending order of their lanes, at most [`BLOCK_CUT_CHANGES_MAX`] of them.
/// - A lane advances along its own links, by at most [`CELLS_UNCOMMITTED_PER_AUTHOR_MAX`] cells.
/// - The lanes of `frozen` authors, those against whom evidence is committed in the block or an ancestor, stay.
/// - The cut is closed by place: where an included cell links to place s of a lane, the new cut has reached s there, or
///   the lane's author is frozen. A link to the losing branch of a fork thereby never blocks a correct author's cell.
/// - The gas limits of the included cells stay within the block's and within their submesh's share.
///
/// # Errors
/// [`CutError::Missing`] where cells are not held: the verdict is open until they are. Every other [`CutError`] is a
/// verdict on the block, the same one everywhere.
pub fn extend(
    before: &dyn CutView,
    changes: &[CutChange],
    cells: &dyn CellSource,
    frozen: Signers,
    rules: &CutRules,
) -> Result<Vec<CellId>, CutError> {
    check_order(changes)?;
    for change in changes {
        check_step(before, change, frozen, rules)?;
    }
    let mut included = Vec::new();
    let mut missing = Vec::new();
    for change in changes {
        match walk(before, change, cells, &mut included) {
            Err(CutError::Missing { cells }) => missing.extend(cells),
            walked => walked?,
        }
    }
    if !missing.is_empty() {
        missing.sort_unstable();
        missing.dedup();
        return Err(CutError::Missing { cells: missing });
    }
    for cell in &included {
        check_closed(before, changes, cell, frozen)?;
    }
    check_gas(&included, rules)?;
    Ok(included.into_iter().map(|cell| cell.id).collect())
}

fn check_order(changes: &[CutChange]) -> Result<(), CutError> {
    if changes.len() > BLOCK_CUT_CHANGES_MAX {
        return Err(CutError::TooManyChanges { found: changes.len(), max: BLOCK_CUT_CHANGES_MAX });
    }
    match changes.windows(2).find(|pair| pair[0].lane >= pair[1].lane) {
        None => Ok(()),
        Some(pair) => Err(CutError::NotAscending { lane: pair[1].lane }),
    }
}

/// What can be judged without the cells.
fn check_step(before: &dyn CutView, change: &CutChange, frozen: Signers, rules: &CutRules) -> Result<(), CutError> {
    let lane = change.lane;
    if !rules.submeshes.contains_key(&lane.submesh) {
        return Err(CutError::UnknownSubmesh { lane });
    }
    if frozen.contains(lane.author) {
        return Err(CutError::Frozen { lane });
    }
    let steps = match before.tip(lane) {
        Some(tip) if change.seq <= tip.seq => {
            return Err(CutError::NotAdvancing { lane, from: tip.seq, to: change.seq });
        }
        Some(tip) => change.seq - tip.seq,
        None => change.seq.saturating_add(1),
    };
    let max = CELLS_UNCOMMITTED_PER_AUTHOR_MAX as u64;
    if steps > max { Err(CutError::StepTooLong { lane, steps, max }) } else { Ok(()) }
}

/// From the new tip down to the old one, or to the beginning of the lane. [`check_step`] bounded the way.
fn walk<'a>(
    before: &dyn CutView,
    change: &CutChange,
    cells: &'a dyn CellSource,
    included: &mut Vec<&'a CellRef>,
) -> Result<(), CutError> {
    let lane = change.lane;
    let tip = before.tip(lane);
    let first = tip.map_or(0, |tip| tip.seq.saturating_add(1));
    let mut id = change.cell;
    for seq in (first..=change.seq).rev() {
        let cell = cells.cell(&id).ok_or_else(|| CutError::Missing { cells: vec![id] })?;
        if (cell.lane, cell.seq) != (lane, seq) {
            return Err(CutError::WrongPlace { cell: id, lane, seq, found_lane: cell.lane, found_seq: cell.seq });
        }
        included.push(cell);
        id = cell.own;
    }
    // a held cell of seq 0 links to its root cell: rule V4
    match tip {
        Some(tip) if tip.cell != id => Err(CutError::NotDescendant { lane, seq: tip.seq, tip: tip.cell, found: id }),
        _ => Ok(()),
    }
}

fn check_closed(before: &dyn CutView, changes: &[CutChange], cell: &CellRef, frozen: Signers) -> Result<(), CutError> {
    for link in &cell.links {
        let reached = tip_after(before, changes, link.lane);
        if !frozen.contains(link.lane.author) && reached.is_none_or(|seq| seq < link.seq) {
            return Err(CutError::NotClosed {
                cell: cell.id,
                link: link.cell,
                lane: link.lane,
                seq: link.seq,
                reached,
            });
        }
    }
    Ok(())
}

fn tip_after(before: &dyn CutView, changes: &[CutChange], lane: LaneId) -> Option<u64> {
    match changes.binary_search_by_key(&lane, |change| change.lane) {
        Ok(index) => changes.get(index).map(|change| change.seq),
        Err(_) => before.tip(lane).map(|tip| tip.seq),
    }
}

fn check_gas(included: &[&CellRef], rules: &CutRules) -> Result<(), CutError> {
    // at most 4,096 lanes of 64 cells with 64-bit limits: 128 bits hold every sum
    let mut total = 0u128;
    let mut shares: BTreeMap<SubmeshId, u128> = BTreeMap::new();
    for cell in included {
        total += u128::from(cell.gas_limit);
        *shares.entry(cell.lane.submesh).or_default() += u128::from(cell.gas_limit);
    }
    if total > rules.block_gas.into() {
        return Err(CutError::TooMuchGas { submesh: None, gas: total, max: rules.block_gas });
    }
    for (submesh, gas) in shares {
        let max = rules.submeshes.get(&submesh).copied().unwrap_or(0);
        if gas > max.into() {
            return Err(CutError::TooMuchGas { submesh: Some(submesh), gas, max });
        }
    }
    Ok(())
}
