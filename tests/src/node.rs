//! Starts the built `qsdm`, speaks to it and stops it: loopback, a free port, and only its own process.

use crate::rpc::Client;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long a start or a stop may take before the test gives up on it; a hung node fails, a slow machine does not.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running `qsdm dev` or `qsdm node`. Dropping it kills its process.
#[derive(Debug)]
pub struct Node {
    child: Child,
    stderr: Option<JoinHandle<String>>,
    /// The JSON line that the node prints when it listens (`--json`).
    pub ready: Value,
    /// `host:port` of its JSON-RPC.
    pub address: String,
}

/// The binary under test: `QSDM_BIN`, or `qsdm` of the same build as this test.
///
/// # Panics
/// Where it is not there, with what to do.
pub fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("QSDM_BIN") {
        let path = PathBuf::from(path);
        assert!(path.is_file(), "QSDM_BIN names {}, which is not a file", path.display());
        return path;
    }
    // target/debug/deps/kills-0123 -> target/debug/qsdm
    let test = std::env::current_exe().expect("the path of this test");
    let path = test.parent().and_then(|deps| deps.parent()).expect("a target folder").join("qsdm");
    assert!(path.is_file(), "{} is not there: run `cargo build -p qsdm-node` first, or tests/run", path.display());
    path
}

/// Runs `qsdm` with `args` to its end and returns what it printed.
///
/// # Panics
/// Where it does not end by itself: the node accepted what it should refuse.
pub fn run(args: &[&str]) -> Output {
    let mut child = Command::new(binary())
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("qsdm starts");
    let (stdout, stderr) = (drain(child.stdout.take()), drain(child.stderr.take()));
    let status = wait(&mut child);
    if status.is_none() {
        child.kill().expect("the node is killed");
        child.wait().expect("the node ends");
    }
    let [stdout, stderr] = [stdout, stderr].map(|text| text.join().expect("a reader").into_bytes());
    let Some(status) = status else {
        panic!("`qsdm {}` did not end by itself: {}", args.join(" "), String::from_utf8_lossy(&stderr));
    };
    Output { status, stdout, stderr }
}

impl Node {
    /// Starts `qsdm dev --json --port 0` with more arguments and waits until it listens.
    ///
    /// # Panics
    /// Where it ends before it listens, with what it printed.
    pub fn start(args: &[&str]) -> Self {
        Self::start_in(&std::env::temp_dir(), args)
    }

    /// The same with another folder for temporary files.
    ///
    /// # Panics
    /// As [`Node::start`].
    pub fn start_in(temporary: &Path, args: &[&str]) -> Self {
        let mut command = Command::new(binary());
        command.args(["dev", "--json", "--port", "0"]).args(args).env("TMPDIR", temporary);
        Self::launch(command).unwrap_or_else(|error| panic!("qsdm dev did not listen: {error}"))
    }

    /// Starts `qsdm node --dir DIR --json` with more arguments and waits until it listens.
    ///
    /// # Errors
    /// What it printed where it ends before it listens.
    pub fn of_folder(dir: &Path, args: &[&str]) -> Result<Self, String> {
        let mut command = Command::new(binary());
        command.args(["node", "--json", "--dir"]).arg(dir).args(args);
        Self::launch(command)
    }

    fn launch(mut command: Command) -> Result<Self, String> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("qsdm starts");
        let stderr = drain(child.stderr.take());
        let stdout = child.stdout.take().expect("invariant: stdout is piped");
        let Some(ready) = first_json_line(stdout) else {
            drop(child.kill());
            let status = child.wait().expect("the node ends");
            return Err(format!("{status}: {}", stderr.join().expect("a reader")));
        };
        let url = ready["rpc"].as_str().unwrap_or_else(|| panic!("no `rpc` in {ready}"));
        let address = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
        Ok(Self { child, stderr: Some(stderr), ready, address })
    }

    /// A new connection to its JSON-RPC.
    pub fn client(&self) -> Client {
        Client::connect(&self.address).expect("the node listens")
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it at once, as a power cut would: no handler of the node runs.
    pub fn kill(mut self) {
        self.child.kill().expect("the node is killed");
        self.child.wait().expect("the node ends");
    }

    /// Asks it to end (SIGTERM) and returns how it ended.
    ///
    /// # Panics
    /// Where it does not end.
    pub fn stop(mut self) -> ExitStatus {
        let id = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &id]).status().expect("kill runs");
        assert!(asked.success(), "the node was already gone");
        let status = wait(&mut self.child).expect("the node ends when it is asked to");
        if let Some(stderr) = self.stderr.take() {
            let text = stderr.join().expect("a reader");
            assert!(!text.contains("panicked"), "the node panicked: {text}");
        }
        status
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // it may have ended already, which is what is wanted
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn wait(child: &mut Child) -> Option<ExitStatus> {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if let Some(status) = child.try_wait().expect("the process can be asked") {
            return Some(status);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    None
}

fn first_json_line(stdout: ChildStdout) -> Option<Value> {
    let (sender, receiver) = mpsc::sync_channel(1);
    // goes on reading after the line, so that the node never blocks on a full pipe
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if let Ok(value) = serde_json::from_str::<Value>(&line) {
                // only the first is waited for
                drop(sender.try_send(value));
            }
        }
    });
    receiver.recv_timeout(PATIENCE).ok()
}

fn drain(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<String> {
    let mut pipe = pipe.expect("invariant: the pipe was asked for");
    std::thread::spawn(move || {
        let mut text = Vec::new();
        // a node that is killed closes its pipe; what was read until then is all there is
        drop(pipe.read_to_end(&mut text));
        String::from_utf8_lossy(&text).into_owned()
    })
}
