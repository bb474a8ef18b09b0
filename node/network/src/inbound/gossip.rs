//! The node's verdict on an announcement.

use crate::swarm::Command;
use libp2p::{
    PeerId as NodeId,
    gossipsub::{MessageAcceptance, MessageId},
};
use tokio::sync::mpsc;

/// Decides whether an announcement is passed on. It is not if this is dropped.
#[derive(Debug)]
pub struct Judgement {
    pub(crate) message: MessageId,
    pub(crate) source: NodeId,
    pub(crate) commands: mpsc::Sender<Command>,
}

impl Judgement {
    /// Pass it on.
    pub fn accept(self) {
        self.send(MessageAcceptance::Accept);
    }

    /// Neither good nor bad: not passed on.
    pub fn ignore(self) {
        self.send(MessageAcceptance::Ignore);
    }

    /// Bad: not passed on, and whoever passed it on is penalised.
    pub fn reject(self) {
        self.send(MessageAcceptance::Reject);
    }

    fn send(self, acceptance: MessageAcceptance) {
        let Self { message, source, commands } = self;
        // an announcement that waits too long is forgotten by gossip itself
        drop(commands.try_send(Command::Judge { message, source, acceptance }));
    }
}
