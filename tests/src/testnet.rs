//! A network of processes on loopback.

use crate::{
    node::{Node, run},
    rpc::Client,
};
use serde_json::Value;
use std::{
    io::{Read, Write},
    net::{TcpStream, UdpSocket},
    path::{Path, PathBuf},
    sync::Mutex,
};
use tempfile::TempDir;

/// The folders of a network that `qsdm testnet` made, and the processes that run in them.
#[derive(Debug)]
pub struct Testnet {
    folder: TempDir,
    /// What `qsdm testnet --json` says of each node.
    pub nodes: Vec<Value>,
    running: Vec<Option<Node>>,
}

/// How many ports a node takes.
const PORTS: usize = 10;

/// Where the next network of this process looks for ports.
static NEXT: Mutex<usize> = Mutex::new(0);

/// A first port of which so many are free, below those that the system hands out. Processes that run at the same time
/// begin at different places.
fn free_ports(count: usize) -> usize {
    let mut next = NEXT.lock().expect("invariant: nobody panics with it");
    let first = (*next).max(10_000 + (std::process::id() as usize * 970) % 20_000);
    let is_free = |port: usize| u16::try_from(port).is_ok_and(|port| UdpSocket::bind(("127.0.0.1", port)).is_ok());
    let free = (first..32_000).step_by(PORTS).find(|base| (*base..base + count).all(is_free)).expect("free ports");
    *next = free + count;
    free
}

impl Testnet {
    /// Makes the folders of so many validators; nothing runs yet.
    ///
    /// # Panics
    /// Where `qsdm testnet` fails.
    pub fn new(validators: usize, args: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let dir = folder.path().join("net");
        let (count, base) = (validators.to_string(), free_ports(validators * PORTS).to_string());
        let dir = dir.to_str().expect("a UTF-8 path");
        let line = ["testnet", "--json", "--validators", &count, "--dir", dir, "--base-port", &base];
        let made = run(&[&line[..], args].concat());
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let nodes: Vec<Value> = serde_json::from_slice(&made.stdout).expect("a list of nodes");
        assert_eq!(nodes.len(), validators);
        Self { folder, nodes, running: (0..validators).map(|_| None).collect() }
    }

    /// A network of which every node runs.
    pub fn running(validators: usize, args: &[&str]) -> Self {
        let mut testnet = Self::new(validators, args);
        (0..validators).for_each(|place| testnet.start(place));
        testnet
    }

    /// A path beside the folders of the nodes.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The folder of a node.
    ///
    /// # Panics
    /// Where there is no such node.
    pub fn dir(&self, place: usize) -> &Path {
        Path::new(self.nodes[place]["dir"].as_str().expect("a folder"))
    }

    /// Starts a node.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn start(&mut self, place: usize) {
        let node = Node::of_folder(self.dir(place), &[]);
        self.running[place] = Some(node.unwrap_or_else(|error| panic!("node {place} does not start: {error}")));
    }

    /// Ends a node as a power cut would.
    ///
    /// # Panics
    /// Where it does not run.
    pub fn kill(&mut self, place: usize) {
        self.running[place].take().expect("it runs").kill();
    }

    /// Stops a node.
    ///
    /// # Panics
    /// Where it does not run, or ends badly.
    pub fn stop(&mut self, place: usize) {
        let status = self.running[place].take().expect("it runs").stop();
        assert!(status.success(), "node {place} ends with {status}");
    }

    /// Stops every node that runs.
    pub fn stop_all(&mut self) {
        (0..self.running.len())
            .filter(|place| self.running[*place].is_some())
            .collect::<Vec<_>>()
            .into_iter()
            .for_each(|place| self.stop(place));
    }

    /// `host:port` of a node's JSON-RPC.
    ///
    /// # Panics
    /// Where it does not run.
    pub fn address(&self, place: usize) -> String {
        self.running[place].as_ref().expect("it runs").address.clone()
    }

    /// What a node answers on its monitor's address, head included.
    ///
    /// # Panics
    /// Where it does not answer.
    pub fn get(&self, place: usize, path: &str) -> String {
        let url = self.nodes[place]["metrics"].as_str().expect("an address");
        let address = url.trim_start_matches("http://").trim_end_matches("/metrics");
        let mut stream = TcpStream::connect(address).expect("the monitor listens");
        let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("it is sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }

    /// Connections to the JSON-RPC of every node that runs.
    pub fn clients(&self) -> Vec<Client> {
        self.running.iter().flatten().map(Node::client).collect()
    }
}
