//! Who may call: the `Host` and `Origin` headers.

use super::config::ServerConfig;
use crate::Error;
use std::net::{IpAddr, Ipv6Addr};

const EXTENSION_SCHEMES: [&str; 4] = ["chrome-extension", "moz-extension", "safari-web-extension", "extension"];

/// Decides about the headers of a request.
#[derive(Debug)]
pub(super) struct Policy {
    listen: IpAddr,
    hosts: Vec<String>,
    any_host: bool,
    loopback_and_extensions: bool,
    origins: Vec<String>,
    any_origin: bool,
}

impl Policy {
    pub(super) fn new(config: &ServerConfig) -> Result<Self, Error> {
        for host in &config.allowed_hosts {
            let name =
                !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
            if !name && host != "*" && host.trim_matches(['[', ']']).parse::<Ipv6Addr>().is_err() {
                return Err(Error::BadHost { host: host.clone() });
            }
        }
        for origin in &config.origins.listed {
            let written = origin.split_once("://").is_some_and(|(_, host)| !host.is_empty() && !host.contains('/'));
            if !written && origin != "*" {
                return Err(Error::BadOrigin { origin: origin.clone() });
            }
        }
        let lower = |names: &[String]| -> Vec<String> {
            names.iter().map(|name| name.trim_matches(['[', ']']).to_ascii_lowercase()).collect()
        };
        Ok(Self {
            listen: config.listen.ip(),
            any_host: config.allowed_hosts.iter().any(|host| host == "*"),
            hosts: lower(&config.allowed_hosts),
            loopback_and_extensions: config.origins.loopback_and_extensions,
            any_origin: config.origins.listed.iter().any(|origin| origin == "*"),
            origins: lower(&config.origins.listed),
        })
    }

    /// Whether a request with this `Host` is meant for this server. `host` may have a port.
    pub(super) fn allows_host(&self, host: &str) -> bool {
        let Some(name) = without_port(host) else {
            return false;
        };
        if self.any_host || is_local_name(name) {
            return true;
        }
        match name.parse::<IpAddr>() {
            Ok(address) => {
                address.to_canonical().is_loopback()
                    || self.listen.is_unspecified()
                    || address == self.listen
                    || self.hosts.iter().any(|host| host.parse() == Ok(address))
            }
            Err(_) => self.hosts.iter().any(|host| host.eq_ignore_ascii_case(name)),
        }
    }

    /// Whether a page of this origin may call. `host` is the request's `Host`, allowed already: a page from there is
    /// our own.
    pub(super) fn allows_origin(&self, origin: &str, host: Option<&str>) -> bool {
        if self.any_origin || self.origins.iter().any(|listed| listed.eq_ignore_ascii_case(origin)) {
            return true;
        }
        let Some((scheme, authority)) = origin.split_once("://") else {
            // "null": a sandboxed frame or a local file, which anybody can make
            return false;
        };
        let web = scheme == "http" || scheme == "https";
        if web && host.is_some_and(|host| host.eq_ignore_ascii_case(authority)) {
            return true;
        }
        let loopback = || {
            without_port(authority).is_some_and(|name| {
                is_local_name(name) || name.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
            })
        };
        self.loopback_and_extensions && ((web && loopback()) || EXTENSION_SCHEMES.contains(&scheme))
    }
}

/// Names that browsers and resolvers keep on the machine itself (RFC 6761, section 6.3).
fn is_local_name(name: &str) -> bool {
    const LOCALHOST: &str = "localhost";
    let Some(start) = name.len().checked_sub(LOCALHOST.len()) else {
        return false;
    };
    name.get(start..).is_some_and(|end| end.eq_ignore_ascii_case(LOCALHOST))
        && (start == 0 || name.as_bytes()[start - 1] == b'.')
}

/// The host of `host[:port]` without the brackets of an IPv6 address; `None` for what is neither.
fn without_port(host: &str) -> Option<&str> {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => {
            let (name, port) = rest.split_once(']')?;
            name.parse::<Ipv6Addr>().ok()?;
            (name, port)
        }
        None => host.find(':').map_or((host, ""), |colon| host.split_at(colon)),
    };
    let port_is_fine = port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
    (port_is_fine && !name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Origins, ServerConfig};

    fn policy(listen: &str, hosts: &[&str], origins: Origins) -> Policy {
        let allowed_hosts = hosts.iter().map(ToString::to_string).collect();
        let config = ServerConfig { allowed_hosts, origins, ..ServerConfig::validator(listen.parse().unwrap()) };
        Policy::new(&config).unwrap()
    }

    #[test]
    fn only_names_of_this_machine_and_configured_ones_are_its_hosts() {
        let policy = policy("127.0.0.1:0", &["Node.example", "192.0.2.9"], Origins::default());
        let ours = "localhost localhost:8545 LOCALHOST:1 app.localhost:8545 127.0.0.1 127.9.9.9:80 [::1] [::1]:8545 \
                    [::ffff:127.0.0.1]:8545 node.example node.EXAMPLE:443 192.0.2.9:8545";
        for host in ours.split_whitespace() {
            assert!(policy.allows_host(host), "{host}");
        }
        let foreign = "evil.example notlocalhost localhost.evil.example node.example.evil 10.0.0.1 [2001:db8::1] ::1 \
                       localhost:x localhost:99999 [localhost] [::1 :8545 127.0.0.1.evil.example localhost@evil";
        for host in foreign.split_whitespace() {
            assert!(!policy.allows_host(host), "{host}");
        }
        assert!(!policy.allows_host(""));
    }

    #[test]
    fn a_server_on_all_addresses_is_called_by_any_address_but_not_by_any_name() {
        let policy = policy("0.0.0.0:0", &[], Origins::default());
        assert!(policy.allows_host("198.51.100.7:8545") && policy.allows_host("[2001:db8::1]:8545"));
        assert!(!policy.allows_host("evil.example:8545"));
        assert!(policy_any().allows_host("evil.example:8545"));
    }

    fn policy_any() -> Policy {
        policy("0.0.0.0:0", &["*"], Origins { loopback_and_extensions: false, listed: vec!["*".into()] })
    }

    #[test]
    fn pages_may_call_from_where_the_configuration_says() {
        let host = Some("127.0.0.1:8545");
        let development = policy("127.0.0.1:0", &[], Origins { loopback_and_extensions: true, listed: Vec::new() });
        let validator = policy("127.0.0.1:0", &[], Origins::default());
        let listed = vec!["https://app.example".to_owned()];
        let configured = policy("127.0.0.1:0", &[], Origins { loopback_and_extensions: false, listed });
        for origin in ["http://localhost:3000", "https://127.0.0.1", "http://[::1]:5173", "chrome-extension://abcdef"] {
            assert!(development.allows_origin(origin, host), "{origin}");
            assert!(!validator.allows_origin(origin, host), "{origin}");
        }
        for origin in ["null", "https://evil.example", "http://localhost.evil.example", "file://localhost", ""] {
            assert!(!development.allows_origin(origin, host), "{origin}");
            assert!(policy_any().allows_origin(origin, host), "{origin}");
        }
        assert!(configured.allows_origin("https://app.example", host));
        assert!(!configured.allows_origin("https://app.example.evil", host));
        assert!(validator.allows_origin("http://127.0.0.1:8545", host), "the page that this server serves");
        assert!(!validator.allows_origin("ftp://127.0.0.1:8545", host));
    }

    #[test]
    fn what_cannot_be_a_host_or_an_origin_is_refused_at_the_start() {
        let mut config = ServerConfig::validator("127.0.0.1:0".parse().unwrap());
        for host in ["http://node", "node:8545", "node/x", ""] {
            config.allowed_hosts = vec![host.to_owned()];
            assert!(matches!(Policy::new(&config), Err(Error::BadHost { .. })), "{host}");
        }
        config.allowed_hosts = vec!["::1".into(), "[::1]".into(), "a.b-c_d".into()];
        assert!(Policy::new(&config).is_ok());
        for origin in ["app.example", "https://", "https://app.example/", ""] {
            config.origins.listed = vec![origin.to_owned()];
            assert!(matches!(Policy::new(&config), Err(Error::BadOrigin { .. })), "{origin}");
        }
    }
}
