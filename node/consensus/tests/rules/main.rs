//! The rules of the protocol, one by one, on a single core: what others send is built by hand. `stories` tells it
//! arbitrary sequences of events.

mod blocks;
mod corpus;
mod cuts;
mod durability;
mod epochs;
mod evidence;
mod execution;
mod fetching;
mod hostile;
mod leaders;
mod observers;
mod pacemaker;
mod proposing;
mod recovery;
mod stories;
mod support;
mod voting;
