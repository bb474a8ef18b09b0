//! `qsdm doctor`

use crate::operator::{
    config::Config,
    folder::{Folder, read_password},
};
use clap::Args;
use eyre::{Report, Result};
use qsdm_crypto::keystore::Keystore;
use qsdm_network::Multiaddr;
use qsdm_primitives::{
    ChainSpec, PublicKey,
    limits::{DISK_FREE_BYTES_MIN, DISK_FREE_BYTES_WANTED, DOCTOR_ANSWER_MS_MAX},
};
use qsdm_storage::{SafetyLog, SafetyLogError};
use serde::Serialize;
use std::{
    net::{SocketAddr, TcpListener, TcpStream, UdpSocket},
    path::PathBuf,
    process::ExitCode,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Arguments of `qsdm doctor`.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Folder of the node
    #[arg(long, value_name = "DIR", env = "QSDM_DIR")]
    dir: PathBuf,

    /// Answer in JSON, a finding a line
    #[arg(long)]
    json: bool,
}

/// How serious a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
enum Grade {
    Good,
    Worth,
    Bad,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    what: &'static str,
    grade: Grade,
    text: String,
}

/// What was found so far.
#[derive(Debug, Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, what: &'static str, grade: Grade, text: impl Into<String>) {
        self.0.push(Finding { what, grade, text: text.into() });
    }

    /// The value, where there is one.
    fn take<T>(&mut self, what: &'static str, found: Result<T, Report>) -> Option<T> {
        found.map_err(|error| self.add(what, Grade::Bad, format!("{error:#}"))).ok()
    }
}

pub(super) fn run(args: &DoctorArgs) -> Result<ExitCode> {
    let (folder, mut findings) = (Folder::new(&args.dir), Findings::default());
    let config = findings.take("configuration", folder.config());
    let spec = findings.take("genesis", folder.genesis());
    if let Some(spec) = &spec {
        clock(spec, &mut findings);
    }
    disk(&folder, &mut findings);
    if let Some(config) = &config {
        let key = keys(&folder, config, &mut findings);
        if let (Some(spec), Some(key)) = (&spec, &key) {
            safety(&folder, spec, key, &mut findings);
        }
        network(config, &mut findings);
    }
    for finding in &findings.0 {
        if args.json {
            println!("{}", serde_json::to_string(finding)?);
        } else {
            let mark = match finding.grade {
                Grade::Good => "ok  ",
                Grade::Worth => "look",
                Grade::Bad => "BAD ",
            };
            println!("{mark}  {:<14} {}", finding.what, finding.text);
        }
    }
    let is_bad = findings.0.iter().any(|finding| finding.grade == Grade::Bad);
    Ok(if is_bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn clock(spec: &ChainSpec, findings: &mut Findings) {
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (id, begun) = (spec.chain_id, spec.genesis_time);
    match now_s.checked_sub(begun) {
        Some(age) => findings.add("chain", Grade::Good, format!("{id}, begun {} days ago", age / 86_400)),
        None => findings.add(
            "clock",
            Grade::Bad,
            format!(
                "chain {id} begins {} s from now by this clock: set the clock, and keep it with NTP",
                begun - now_s
            ),
        ),
    }
}

fn disk(folder: &Folder, findings: &mut Findings) {
    match rustix::fs::statvfs(folder.path()) {
        Ok(disk) => {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            let text = format!("{} MiB are free", free / 1024 / 1024);
            match free {
                0..DISK_FREE_BYTES_MIN => {
                    findings.add("disk", Grade::Bad, format!("{text}: a node that can't write signs nothing"))
                }
                DISK_FREE_BYTES_MIN..DISK_FREE_BYTES_WANTED => {
                    findings.add("disk", Grade::Worth, format!("{text}: make room soon"))
                }
                _ => findings.add("disk", Grade::Good, text),
            }
        }
        Err(error) => findings.add("disk", Grade::Bad, format!("{}: {error}", folder.path().display())),
    }
}

/// The validator's key, where there is one.
fn keys(folder: &Folder, config: &Config, findings: &mut Findings) -> Option<PublicKey> {
    // looking makes none
    if !folder.node_key_path().exists() {
        findings.add("node key", Grade::Worth, "none yet: the first start makes one");
    } else if let Some(key) = findings.take("node key", folder.node_key()) {
        findings.add("node key", Grade::Good, key.node_id().to_string());
    }
    let Some(key) = &config.validator.key else {
        findings.add("validator", Grade::Good, "none: this node follows and signs nothing");
        return None;
    };
    let path = folder.resolve(key);
    let keystore = findings.take("validator", Keystore::read(&path).map_err(Report::new))?;
    findings.add("validator", Grade::Good, format!("key {}", super::keys::key_hash(keystore.public_key())));
    match &config.validator.password_file {
        None => findings.add(
            "password",
            Grade::Worth,
            "no file is configured: QSDM_PASSWORD_FILE has to name it at each start",
        ),
        Some(file) => {
            let opened = read_password(&folder.resolve(file)).and_then(|password| Ok(keystore.unlock(&password)?));
            if findings.take("password", opened).is_some() {
                findings.add("password", Grade::Good, "it opens the key");
            }
        }
    }
    Some(keystore.public_key().clone())
}

/// What the key has signed, and what that means.
fn safety(folder: &Folder, spec: &ChainSpec, key: &PublicKey, findings: &mut Findings) {
    let what = "safety log";
    let has_chain = folder.path().join("mesh.db").exists();
    match SafetyLog::inspect(folder.path(), spec.chain_id, key) {
        Ok(Some(report)) => {
            let newest = match &report.newest {
                Some(record) => format!("knows epoch {}, certificates up to round {}", record.epoch, record.high_qc.round()),
                None => "the key has signed nothing yet".to_owned(),
            };
            findings.add(what, Grade::Good, newest);
            if report.torn_bytes > 0 {
                let text = format!("{} bytes at its end are torn by a loss of power; nothing was sent on their account", report.torn_bytes);
                findings.add(what, Grade::Worth, text);
            }
        }
        Ok(None) if has_chain => findings.add(
            what,
            Grade::Bad,
            "safety.log is gone and the chain is not: what the key signed before is not known. Put the newest one back; where there is none, have a new key admitted",
        ),
        Ok(None) => findings.add(what, Grade::Good, "none yet: the node has never run"),
        Err(SafetyLogError::Damaged(error)) => findings.add(
            what,
            Grade::Bad,
            format!("{error}: a bit changed on disk. Check the disk, put the newest intact copy back; where there is none, have a new key admitted"),
        ),
        Err(error) => findings.add(what, Grade::Bad, error.to_string()),
    }
}

fn network(config: &Config, findings: &mut Findings) {
    if config.network.peers.is_empty() {
        findings.add("peers", Grade::Worth, "none are configured: the node waits for others to find it");
    } else {
        findings.add("peers", Grade::Good, format!("{} are configured", config.network.peers.len()));
    }
    let limit = Duration::from_millis(DOCTOR_ANSWER_MS_MAX);
    if TcpStream::connect_timeout(&config.rpc.listen, limit).is_ok() {
        let text = format!(
            "something answers on {}: the node is running; http://{}/health says how it is",
            config.rpc.listen, config.metrics.listen
        );
        findings.add("ports", Grade::Good, text);
        return;
    }
    let mut taken = Vec::new();
    for address in [config.rpc.listen, config.metrics.listen] {
        taken.extend(TcpListener::bind(address).err().map(|error| format!("{address}: {error}")));
    }
    for address in &config.network.listen {
        let socket = socket_address(address);
        taken
            .extend(socket.and_then(|socket| UdpSocket::bind(socket).err()).map(|error| format!("{address}: {error}")));
    }
    match taken.is_empty() {
        true => findings.add("ports", Grade::Good, "free; the node is not running"),
        false => findings.add("ports", Grade::Bad, format!("can't be listened on: {}", taken.join(", "))),
    }
}

/// The socket of an address `/ip…/udp/…`.
fn socket_address(address: &Multiaddr) -> Option<SocketAddr> {
    let text = address.to_string();
    let mut parts = text.split('/').skip(1);
    let (_, ip, udp, port) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    (udp == "udp").then_some(())?;
    Some(SocketAddr::new(ip.parse().ok()?, port.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_of_addresses() {
        let of = |text: &str| socket_address(&text.parse().unwrap());
        assert_eq!(of("/ip4/127.0.0.1/udp/7545/quic-v1"), Some("127.0.0.1:7545".parse().unwrap()));
        assert_eq!(of("/ip6/::1/udp/1/quic-v1"), Some("[::1]:1".parse().unwrap()));
        assert_eq!(of("/ip4/127.0.0.1/tcp/7545"), None);
    }
}
