//! What travels between nodes, and who is asked for what.

use super::{Happening, Packet, Simulation, outcome};
use crate::sim::{adversary::Sending, cells::SharedCell, network::arrivals};
use qsdm_consensus::{Event, FetchRequest, Message, PeerId};
use qsdm_crypto::{AuthenticationError, Verified};
use qsdm_primitives::ValidatorIndex;
use std::sync::Arc;

impl Simulation {
    /// Checks what a node that keeps to the rules sends.
    pub(super) fn verify(&mut self, node: usize, message: Message) -> Option<Arc<Verified<Message>>> {
        match self.chain.verify(message.epoch(), message) {
            Ok(verified) => Some(Arc::new(verified)),
            Err(error) => {
                self.oracles.report(self.now, node, format!("sends a bad message: {error}"));
                None
            }
        }
    }

    pub(super) fn send(&mut self, from: usize, to: usize, packet: Packet) {
        if to >= self.nodes.len() || self.is_mute(from) {
            return;
        }
        for at in arrivals(&self.scenario, &mut self.random, self.now, from, to) {
            self.at(at, Happening::Arrive { from, to, packet: packet.clone() });
        }
    }

    fn is_mute(&self, node: usize) -> bool {
        self.hostile[node].as_ref().is_some_and(|hostile| hostile.is_mute())
    }

    pub(super) fn send_all(&mut self, from: usize, packet: &Packet) {
        (0..self.nodes.len()).filter(|to| *to != from).for_each(|to| self.send(from, to, packet.clone()));
    }

    pub(super) fn send_message(&mut self, from: usize, to: usize, message: Message) {
        if let Some(verified) = self.verify(from, message) {
            self.send(from, to, Packet::Message(verified));
        }
    }

    /// Sends what a hostile node made up.
    pub(super) fn deliver(&mut self, from: usize, sendings: Vec<Sending>) {
        for Sending { to, delay, packet } in sendings {
            if to == from {
                self.at(self.now, Happening::Arrive { from, to, packet });
                continue;
            }
            for at in arrivals(&self.scenario, &mut self.random, self.now, from, to) {
                self.at(at + delay, Happening::Arrive { from, to, packet: packet.clone() });
            }
        }
    }

    /// What a hostile node does on its own account.
    pub(super) fn make_mischief(&mut self, node: usize) {
        let pause =
            self.random.between(self.scenario.parameters.round_ms * 200, self.scenario.parameters.round_ms * 800);
        self.at(self.now + pause, Happening::Mischief { node });
        let clock_ms = self.nodes[node].clock_ms(self.now);
        if let (Some(hostile), Some(running)) = (&mut self.hostile[node], &self.nodes[node].running) {
            let sendings = hostile.make_mischief(running, &self.chain, clock_ms);
            if sendings.iter().any(|sending| matches!(sending.packet, Packet::UnverifiedCell(_))) {
                self.outcome.flooded_until = self.now;
            }
            self.deliver(node, sendings);
        }
    }

    pub(super) fn fetch(&mut self, node: usize, request: FetchRequest, from: Option<PeerId>) {
        if let (FetchRequest::Cells(cells), Some(running)) = (&request, &mut self.nodes[node].running) {
            running.cells.asks(cells, self.now);
        }
        let peer = match from {
            Some(peer) if peer.0 as usize != node => peer.0 as usize,
            _ if self.nodes.len() == 1 => return,
            _ => (node + 1 + self.random.index(self.nodes.len() - 1)) % self.nodes.len(),
        };
        self.send(node, peer, Packet::Request(request));
    }

    pub(super) fn arrive(&mut self, from: usize, to: usize, packet: Packet) {
        let Some(running) = &self.nodes[to].running else { return };
        let epoch = running.core.status().epoch;
        let peer = PeerId(from as u32);
        match packet {
            Packet::Message(message) if message.epoch() != epoch => {
                self.step(to, Event::OtherEpoch(peer, message.epoch()));
            }
            Packet::Message(message) => self.receive(from, to, message.as_ref().clone()),
            Packet::Unverified(message) if message.epoch() != epoch => {
                self.step(to, Event::OtherEpoch(peer, message.epoch()));
            }
            Packet::Unverified(message) => match self.chain.verify(epoch, message.as_ref().clone()) {
                Ok(verified) => self.receive(from, to, verified),
                Err(error) => self.refuse(from, &error),
            },
            Packet::Acknowledge(cell) => {
                let validator = ValidatorIndex(self.scenario.validator_of(from) as u16);
                self.step(to, Event::Acknowledged(validator, cell));
            }
            Packet::Cell(cell) => self.receive_cell(from, to, &cell),
            Packet::UnverifiedCell(cell) => self.receive_unverified_cell(from, to, &cell),
            Packet::Frame(frame) => self.receive_frame(from, to, &frame),
            Packet::Request(request) => self.serve(from, to, &request),
        }
    }

    fn receive(&mut self, from: usize, to: usize, message: Verified<Message>) {
        self.oracles.receives(self.now, &self.nodes[to], &message);
        self.step(to, Event::Message(PeerId(from as u32), message));
    }

    /// Something that its sender could not have sent: only who breaks rules sends such a thing.
    pub(super) fn refuse(&mut self, from: usize, error: &AuthenticationError) {
        self.trace(from, || format!("sends what is refused: {error}"));
        self.refuse_from(from, &outcome::rule(error));
    }

    /// The same, by the name of the rule.
    pub(super) fn refuse_from(&mut self, from: usize, rule: &str) {
        *self.outcome.refused.entry(rule.to_owned()).or_default() += 1;
        *self.outcome.scores.entry(from).or_default() += 1;
        if self.hostile[from].is_none() {
            self.oracles.report(self.now, from, format!("sends a bad message: {rule}"));
        }
    }

    fn serve(&mut self, from: usize, to: usize, request: &FetchRequest) {
        let Some(running) = &self.nodes[to].running else { return };
        if let Some(hostile) = &mut self.hostile[to]
            && let Some(sendings) = hostile.answer(running, &self.chain, from, request)
        {
            return self.deliver(to, sendings);
        }
        let messages = running.serve(request);
        match request {
            FetchRequest::Cells(ids) => {
                let held: Vec<SharedCell> = ids.iter().filter_map(|id| running.cells.get(id)).cloned().collect();
                held.into_iter().for_each(|cell| self.send(to, from, Packet::Cell(cell)));
            }
            FetchRequest::Certificate(reference) => match running.stored_certificate(reference) {
                Some(message) => self.send_message(to, from, message),
                None => self.step(to, Event::CertificateRequest(PeerId(from as u32), *reference)),
            },
            _ => {}
        }
        messages.into_iter().for_each(|message| self.send_message(to, from, message));
    }
}
