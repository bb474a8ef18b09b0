//! The methods on a real chain and pool with a store in memory, asked through the dispatcher.

mod bench;
#[path = "../../../../vm/tests/support/memory_store.rs"]
mod memory_store;
mod node;

mod calling;
mod logs;
mod mistakes;
mod news;
mod reading;
mod sending;
mod shapes;
