//! A committee whose keys are all here, and one node of it in the least possible shell.

pub(crate) mod actions;
pub(crate) mod committee;
pub(crate) mod node;
pub(crate) mod script;
pub(crate) mod watch;
