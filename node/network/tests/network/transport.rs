//! Which key exchange a connection has.

use crate::{
    raw::{Raw, hello},
    support::{Node, block_on, config, pair},
};
use libp2p::identity::Keypair;
use qsdm_network::Config;
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use rustls::{
    NamedGroup,
    crypto::{ActiveKeyExchange, CompletedKeyExchange, CryptoProvider, SharedSecret, SupportedKxGroup, aws_lc_rs},
};
use std::sync::{Arc, Mutex};

/// Groups in which a key exchange was completed, as the client of these tests saw it.
static COMPLETED: Mutex<Vec<NamedGroup>> = Mutex::new(Vec::new());

/// A group that writes down when it was used.
#[derive(Debug)]
struct Recorded(&'static dyn SupportedKxGroup);

struct RecordedExchange(Box<dyn ActiveKeyExchange>, NamedGroup);

impl SupportedKxGroup for Recorded {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, rustls::Error> {
        Ok(Box::new(RecordedExchange(self.0.start()?, self.0.name())))
    }

    fn start_and_complete(&self, peer: &[u8]) -> Result<CompletedKeyExchange, rustls::Error> {
        let completed = self.0.start_and_complete(peer)?;
        COMPLETED.lock().unwrap().push(self.0.name());
        Ok(completed)
    }

    fn name(&self) -> NamedGroup {
        self.0.name()
    }
}

impl ActiveKeyExchange for RecordedExchange {
    fn complete(self: Box<Self>, peer: &[u8]) -> Result<SharedSecret, rustls::Error> {
        let secret = self.0.complete(peer)?;
        COMPLETED.lock().unwrap().push(self.1);
        Ok(secret)
    }

    fn pub_key(&self) -> &[u8] {
        self.0.pub_key()
    }

    fn group(&self) -> NamedGroup {
        self.1
    }
}

static CLASSICAL: Recorded = Recorded(aws_lc_rs::kx_group::X25519);
static HYBRID: Recorded = Recorded(aws_lc_rs::kx_group::X25519MLKEM768);

fn provider(groups: &[&'static dyn SupportedKxGroup]) -> Arc<CryptoProvider> {
    Arc::new(CryptoProvider { kx_groups: groups.to_vec(), ..aws_lc_rs::default_provider() })
}

/// Accepts every certificate: these tests look at the key exchange alone.
#[derive(Debug)]
struct Trusting(Arc<CryptoProvider>);

mod trusting {
    use super::Trusting;
    use rustls::{
        DigitallySignedStruct, DistinguishedName, Error, SignatureScheme,
        client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        pki_types::{CertificateDer, ServerName, UnixTime},
        server::danger::{ClientCertVerified, ClientCertVerifier},
    };

    impl ServerCertVerifier for Trusting {
        fn verify_server_cert(
            &self,
            _: &CertificateDer<'_>,
            _: &[CertificateDer<'_>],
            _: &ServerName<'_>,
            _: &[u8],
            _: UnixTime,
        ) -> Result<ServerCertVerified, Error> {
            Ok(ServerCertVerified::assertion())
        }

        fn verify_tls12_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Ok(HandshakeSignatureValid::assertion())
        }

        fn verify_tls13_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Ok(HandshakeSignatureValid::assertion())
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.0.signature_verification_algorithms.supported_schemes()
        }
    }

    impl ClientCertVerifier for Trusting {
        fn root_hint_subjects(&self) -> &[DistinguishedName] {
            &[]
        }

        fn verify_client_cert(
            &self,
            _: &CertificateDer<'_>,
            _: &[CertificateDer<'_>],
            _: UnixTime,
        ) -> Result<ClientCertVerified, Error> {
            Ok(ClientCertVerified::assertion())
        }

        fn verify_tls12_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Ok(HandshakeSignatureValid::assertion())
        }

        fn verify_tls13_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Ok(HandshakeSignatureValid::assertion())
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.0.signature_verification_algorithms.supported_schemes()
        }
    }
}

/// A client as libp2p makes it, but with these groups.
fn client(keys: &Keypair, groups: &[&'static dyn SupportedKxGroup]) -> quinn::ClientConfig {
    let provider = provider(groups);
    let libp2p = libp2p_tls::make_client_config(keys, None).unwrap();
    let mut tls = rustls::ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Trusting(provider)))
        .with_client_cert_resolver(libp2p.client_auth_cert_resolver.clone());
    tls.alpn_protocols = libp2p.alpn_protocols;
    quinn::ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).unwrap()))
}

#[test]
fn a_connection_that_could_have_either_group_has_the_hybrid_one() {
    block_on(async {
        let mut node = Node::start(config());
        let keys = Keypair::generate_ed25519();
        let config = client(&keys, &[&HYBRID, &CLASSICAL]);
        COMPLETED.lock().unwrap().clear();
        let raw = Raw::connect_with(keys, config, &node.network.addresses()[0]).await;
        let _control = raw.greet_with(&hello()).await;
        assert_eq!(node.connected().await.node, raw.node());
        assert_eq!(*COMPLETED.lock().unwrap(), [NamedGroup::X25519MLKEM768]);
    });
}

#[test]
fn this_node_dials_a_server_that_has_the_hybrid_group_alone() {
    block_on(async {
        let keys = Keypair::generate_ed25519();
        let provider = provider(&[aws_lc_rs::kx_group::X25519MLKEM768]);
        let libp2p = libp2p_tls::make_server_config(&keys).unwrap();
        let mut tls = rustls::ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_client_cert_verifier(Arc::new(Trusting(provider)))
            .with_cert_resolver(libp2p.cert_resolver.clone());
        tls.alpn_protocols = libp2p.alpn_protocols;
        let config = quinn::ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(tls).unwrap()));
        let endpoint = quinn::Endpoint::server(config, "127.0.0.1:0".parse().unwrap()).unwrap();
        let port = endpoint.local_addr().unwrap().port();

        let address = format!("/ip4/127.0.0.1/udp/{port}/quic-v1").parse().unwrap();
        let _node = Node::start(Config { peers: vec![address], ..crate::support::config() });
        let connection = endpoint.accept().await.unwrap().await.unwrap();
        // the first stream is the greeting: the handshake is complete on both sides
        connection.accept_bi().await.unwrap();
    });
}

#[test]
fn two_nodes_find_each_other_and_say_who_they_are() {
    block_on(async {
        let (first, second) = pair().await;
        let (here, there) = (&first.network.peers()[0], &second.network.peers()[0]);
        assert_eq!((here.node, there.node), (second.network.node_id(), first.network.node_id()));
        assert!(!here.is_outgoing && there.is_outgoing);
        assert_eq!(here.agent, concat!("qsdm/", env!("CARGO_PKG_VERSION")));
        crate::support::until("a ping is answered", || first.network.peers()[0].round_trip.is_some()).await;
    });
}
