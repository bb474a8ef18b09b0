//! Totals over all connections: what one may hold, 256 together may not.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// A number of bytes to share.
pub(crate) struct ByteBudget {
    left: AtomicUsize,
}

impl ByteBudget {
    pub(crate) fn new(total: usize) -> Arc<Self> {
        Arc::new(Self { left: AtomicUsize::new(total) })
    }

    /// Holds nothing yet.
    pub(crate) fn reservation(self: &Arc<Self>) -> Reservation {
        Reservation { budget: Arc::clone(self), held: 0 }
    }
}

/// A part of a [`ByteBudget`], given back when dropped.
pub(crate) struct Reservation {
    budget: Arc<ByteBudget>,
    held: usize,
}

impl Reservation {
    /// Holds at least `bytes` from now on; false, and nothing changed, where that is more than is left.
    #[must_use]
    pub(crate) fn grow_to(&mut self, bytes: usize) -> bool {
        let more = bytes.saturating_sub(self.held);
        if more == 0 {
            return true;
        }
        let taken =
            self.budget.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(more)).is_ok();
        if taken {
            self.held = bytes;
        }
        taken
    }

    /// Gives back everything.
    pub(crate) fn release(&mut self) {
        self.budget.left.fetch_add(std::mem::take(&mut self.held), Ordering::Relaxed);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.release();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_or_released_can_be_reserved_again() {
        let budget = ByteBudget::new(100);
        let (mut first, mut second) = (budget.reservation(), budget.reservation());
        assert!(first.grow_to(60));
        assert!(!second.grow_to(41));
        assert!(second.grow_to(40) && first.grow_to(50));
        assert!(!first.grow_to(61));
        drop(second);
        assert!(first.grow_to(100));
        first.release();
        assert!(budget.reservation().grow_to(100));
    }
}
