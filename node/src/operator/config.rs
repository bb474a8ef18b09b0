//! What an operator decides: one file, each key with a default.

use crate::cli::Usage;
use eyre::{Result, WrapErr};
use qsdm_network::Multiaddr;
use qsdm_primitives::limits::BULK_BYTES_PER_SECOND;
use serde::Deserialize;
use std::{
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

/// The file with all keys at their defaults.
pub(crate) const DEFAULT: &str = include_str!("default.toml");

/// What an operator decides.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    pub rpc: Rpc,
    pub network: P2p,
    pub metrics: Metrics,
    pub validator: Keys,
}

/// JSON-RPC.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Rpc {
    pub listen: SocketAddr,
    pub hosts: Vec<String>,
    pub origins: Vec<String>,
}

/// The network of nodes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct P2p {
    pub listen: Vec<Multiaddr>,
    pub external: Vec<Multiaddr>,
    pub peers: Vec<Multiaddr>,
    pub bulk_bytes_per_second: u64,
}

/// Figures and health.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Metrics {
    pub listen: SocketAddr,
}

/// The validator's key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Keys {
    pub key: Option<PathBuf>,
    pub password_file: Option<PathBuf>,
}

impl Default for Rpc {
    fn default() -> Self {
        let listen = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8545);
        Self { listen, hosts: Vec::new(), origins: Vec::new() }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self { listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9545) }
    }
}

impl Default for P2p {
    fn default() -> Self {
        let listen = "/ip4/0.0.0.0/udp/7545/quic-v1".parse().expect("invariant: it is an address");
        Self {
            listen: vec![listen],
            external: Vec::new(),
            peers: Vec::new(),
            bulk_bytes_per_second: BULK_BYTES_PER_SECOND,
        }
    }
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// Where it can't be read, or holds a key that is not known, with its line.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path)
            .wrap_err_with(|| format!("{} can't be read; `qsdm init` writes one", path.display()))?;
        Self::parse(&text).map_err(|error| Usage(format!("{}: {error}", path.display())).into())
    }

    fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_file_says_what_the_defaults_are() {
        assert_eq!(Config::parse(DEFAULT).unwrap(), Config::default());
        assert_eq!(Config::parse("").unwrap(), Config::default());
    }

    /// Each key stands there as a comment or a setting, so that nobody has to guess its name.
    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let error = Config::parse("[rpc]\nlisten = \"127.0.0.1:1\"\nlissten = 2\n").unwrap_err();
        assert!(error.contains("line 3") && error.contains("lissten") && error.contains("hosts"), "{error}");
        let error = Config::parse("[network]\npeers = [\"somewhere\"]\n").unwrap_err();
        assert!(error.contains("line 2"), "{error}");
    }
}
