//! How full the queues between the tasks are.

use tokio::sync::mpsc::Sender;

/// A queue that somebody watches without keeping it open.
pub(crate) struct Queue {
    /// What it is called in metrics.
    pub name: &'static str,
    look: Box<dyn Fn() -> (usize, usize) + Send + Sync>,
}

impl Queue {
    pub(crate) fn of<T: Send + 'static>(name: &'static str, sender: &Sender<T>) -> Self {
        let sender = sender.downgrade();
        let look = move || {
            let sender = sender.upgrade();
            sender.map_or((0, 0), |sender| (sender.max_capacity() - sender.capacity(), sender.max_capacity()))
        };
        Self { name, look: Box::new(look) }
    }

    /// How many wait, and how many may.
    pub(crate) fn fill(&self) -> (usize, usize) {
        (self.look)()
    }
}
