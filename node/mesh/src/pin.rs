//! Which author a sender's transactions go to.

use qsdm_primitives::{Epoch, ValidatorIndex, ValidatorSet};

/// The author to whom a sender's transactions are forwarded in an epoch, so that its nonces stay in one lane and nobody
/// writes a transaction twice. `attempt` 0 is the first choice; 1 is the next in line, for a sender whose author has
/// written no cell for a second, and so on around.
///
/// The line is a shuffle of the members with weight, by BLAKE3(tag ‖ sender ‖ epoch ‖ index). It is uniform, not
/// weighted: lanes take turns in a cut whatever their authors' weights are, so each gets the same share of the senders.
pub fn pinned_author(sender: &[u8; 20], epoch: Epoch, set: &ValidatorSet, attempt: usize) -> ValidatorIndex {
    let mut line: Vec<ValidatorIndex> = set.indices().filter(|index| set.weight(*index) > 0).collect();
    line.sort_by_cached_key(|index| {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"QSDM-pinned-author-v1").update(sender);
        hasher.update(&epoch.0.to_le_bytes()).update(&index.0.to_le_bytes());
        *hasher.finalize().as_bytes()
    });
    // a set is never without weight
    let place = attempt.checked_rem(line.len()).unwrap_or(0);
    line.get(place).copied().unwrap_or_default()
}
