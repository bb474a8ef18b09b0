//! What the node tells whoever watches it: figures for Prometheus, and whether it is well.

use crate::committee::{
    CommitteeNode,
    net::Carrier,
    queues::Queue,
    turn::{Standing, now_ms},
};
use qsdm_network::Class;
use qsdm_pool::Pool;
use qsdm_primitives::limits::HEALTHY_COMMIT_MS_MAX;
use qsdm_rpc::monitor::Watched;
use qsdm_vm::chain::Chain;
use serde_json::{Value, json};
use std::{fmt::Write, fs, sync::Arc};

/// A node that is watched.
pub(crate) struct Watch {
    pub node: Arc<CommitteeNode>,
    pub chain: Arc<Chain>,
    pub pool: Arc<Pool>,
    pub carrier: Arc<Carrier>,
    pub queues: Vec<Queue>,
    /// Whether it needs others.
    pub has_peers: bool,
}

/// The text format of Prometheus, version 0.0.4.
#[derive(Default)]
struct Page(String);

impl Page {
    /// One metric with its values by label.
    fn add<L: AsRef<str>>(&mut self, name: &str, kind: &str, help: &str, values: impl IntoIterator<Item = (L, u64)>) {
        // writing to a string does not fail
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (labels, value) in values {
            let _ = writeln!(self.0, "{name}{} {value}", labels.as_ref());
        }
    }

    fn gauge(&mut self, name: &str, help: &str, value: u64) {
        self.add(name, "gauge", help, [("", value)]);
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.add(name, "counter", help, [("", value)]);
    }
}

impl Watch {
    fn consensus(page: &mut Page, Standing { status, set, committed_ms }: &Standing) {
        page.gauge("qsdm_consensus_epoch", "Epoch", status.epoch.0);
        page.gauge("qsdm_consensus_round", "Round of the epoch", status.round.0);
        page.gauge("qsdm_consensus_height", "Height of the newest committed block", status.height.0);
        page.gauge("qsdm_consensus_finalized_block", "EVM block whose result a quorum signed", status.finalized.number);
        page.gauge("qsdm_consensus_validators", "Validators of the epoch", set.len() as u64);
        page.gauge("qsdm_consensus_validator", "1 where this node is one of them", status.me.is_some().into());
        page.gauge("qsdm_consensus_halted", "1 where this node signs nothing any more", status.is_halted.into());
        let age = now_ms().saturating_sub(*committed_ms);
        page.gauge("qsdm_consensus_commit_age_milliseconds", "Time since a block was committed here", age);
        let kept = [
            ("{what=\"blocks\"}", status.blocks),
            ("{what=\"waiting_blocks\"}", status.waiting),
            ("{what=\"cells\"}", status.cells),
            ("{what=\"votes\"}", status.votes),
            ("{what=\"timeouts\"}", status.timeouts),
            ("{what=\"fetches\"}", status.fetches),
            ("{what=\"evidence\"}", status.evidence),
        ];
        let kept = kept.map(|(labels, count)| (labels, count as u64));
        page.add("qsdm_consensus_kept_items", "gauge", "What is not committed, or waits for something", kept);
    }

    fn queues(&self, page: &mut Page) {
        let name = |queue: &Queue| format!("{{queue=\"{}\"}}", queue.name);
        let waiting = self.queues.iter().map(|queue| (name(queue), queue.fill().0 as u64));
        page.add("qsdm_node_queue_items", "gauge", "What waits between the tasks of the node", waiting);
        let room = self.queues.iter().map(|queue| (name(queue), queue.fill().1 as u64));
        page.add("qsdm_node_queue_limit", "gauge", "How much may wait there", room);
    }

    fn network(&self, page: &mut Page) {
        let metrics = self.carrier.network().metrics();
        page.gauge("qsdm_network_peers", "Connected nodes", metrics.peers as u64);
        page.gauge("qsdm_network_banned_peers", "Banned nodes", metrics.banned as u64);
        page.counter("qsdm_network_refused_total", "Nodes that did not become peers", metrics.refused);
        let label = |class: Class| format!("{{class=\"{class}\"}}");
        let by_class = |of: fn(&qsdm_network::ClassMetrics) -> u64| {
            let metrics = metrics.clone();
            Class::ALL.into_iter().map(move |class| (label(class), of(&metrics.class(class))))
        };
        page.add("qsdm_network_sent_messages_total", "counter", "Messages sent", by_class(|class| class.sent));
        page.add("qsdm_network_sent_bytes_total", "counter", "Bytes sent", by_class(|class| class.sent_bytes));
        page.add("qsdm_network_received_messages_total", "counter", "Messages read", by_class(|class| class.received));
        page.add("qsdm_network_received_bytes_total", "counter", "Bytes read", by_class(|class| class.received_bytes));
        page.add("qsdm_network_dropped_messages_total", "counter", "Dropped from full queues", by_class(|c| c.dropped));
        page.add("qsdm_network_undecodable_messages_total", "counter", "Without meaning", by_class(|c| c.undecodable));
        page.add("qsdm_network_throttled_total", "counter", "Streams read later", by_class(|class| class.throttled));
        let inbound = [
            ("{channel=\"control\"}", metrics.control_waiting as u64),
            ("{channel=\"votes\"}", metrics.votes_waiting as u64),
            ("{channel=\"bulk\"}", metrics.bulk_waiting as u64),
        ];
        page.add("qsdm_network_inbound_items", "gauge", "What was read and not taken yet", inbound);
        let (mut items, mut bytes) = ([0_usize; 4], [0_usize; 4]);
        for peer in self.carrier.network().peers() {
            for class in 0..4 {
                items[class] += peer.queued[class];
                bytes[class] += peer.queued_bytes[class];
            }
        }
        let names = ["consensus", "acks", "cells", "transactions"].map(|name| format!("{{class=\"{name}\"}}"));
        let with = |counts: [usize; 4]| names.clone().into_iter().zip(counts.map(|count| count as u64));
        page.add("qsdm_network_outbound_items", "gauge", "Messages that wait to be sent to all peers", with(items));
        page.add("qsdm_network_outbound_bytes", "gauge", "Their bytes", with(bytes));
    }
}

impl Watched for Watch {
    fn figures(&self) -> String {
        let mut page = Page::default();
        let version = concat!("{version=\"", env!("CARGO_PKG_VERSION"), "\"}");
        page.add("qsdm_node_info", "gauge", "The program", [(version, 1)]);
        Self::consensus(&mut page, &self.node.standing());
        let head = self.chain.head();
        page.gauge("qsdm_vm_head_block", "Newest executed EVM block", head.block.number());
        page.gauge("qsdm_vm_head_gas", "Gas used by it", head.block.header.gas_used);
        page.gauge("qsdm_vm_base_fee_wei", "Base fee of the next block", head.next_base_fee());
        let (pending, queued) = self.pool.status();
        let states = [("{state=\"pending\"}", pending as u64), ("{state=\"queued\"}", queued as u64)];
        page.add("qsdm_pool_transactions", "gauge", "Transactions in the pool", states);
        page.gauge("qsdm_pool_bytes", "Their bytes", self.pool.bytes() as u64);
        self.queues(&mut page);
        self.network(&mut page);
        if let Some(bytes) = resident_bytes() {
            page.gauge("qsdm_process_resident_bytes", "Memory of the process", bytes);
        }
        page.0
    }

    fn health(&self) -> Result<String, String> {
        let Standing { status, committed_ms, .. } = self.node.standing();
        let peers = self.carrier.network().metrics().peers;
        let commit_age_ms = now_ms().saturating_sub(committed_ms);
        let problem = if status.is_halted {
            Some("halted: this node signs nothing any more, its log says why")
        } else if peers == 0 && self.has_peers {
            Some("no peers are connected")
        } else if commit_age_ms > HEALTHY_COMMIT_MS_MAX {
            Some("no block was committed for a minute")
        } else {
            None
        };
        let health = json!({
            "ok": problem.is_none(),
            "problem": problem,
            "epoch": status.epoch.0,
            "height": status.height.0,
            "block": self.chain.head().block.number(),
            "finalized": status.finalized.number,
            "peers": peers,
            "validator": status.me.map_or(Value::Null, |me| me.0.into()),
            "commitAgeMs": commit_age_ms,
        });
        if problem.is_none() { Ok(health.to_string()) } else { Err(health.to_string()) }
    }
}

/// Memory of this process, where the system says it.
fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()? * 1_024)
}
