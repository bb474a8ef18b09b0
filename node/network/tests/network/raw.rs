//! A peer of which every byte can be chosen: QUIC with the node's certificate, and the rest by hand.

use crate::support::{CHAIN, PATIENCE};
use libp2p::identity::Keypair;
use qsdm_network::{Hello, Multiaddr, NodeId, wire::Class};
use qsdm_primitives::{Epoch, codec::Encode};
use quinn::{Connection, Endpoint, RecvStream, SendStream, crypto::rustls::QuicClientConfig};
use std::{net::SocketAddr, sync::Arc};
use tokio::time::timeout;

pub(crate) struct Raw {
    pub(crate) keys: Keypair,
    pub(crate) connection: Connection,
    /// Kept open: the connection ends with it.
    _endpoint: Endpoint,
}

/// Both directions of a stream whose name is agreed.
pub(crate) struct RawStream {
    pub(crate) send: SendStream,
    pub(crate) receive: RecvStream,
}

/// The socket behind an address.
pub(crate) fn socket(address: &Multiaddr) -> SocketAddr {
    let text = address.to_string();
    let parts: Vec<&str> = text.split('/').collect();
    format!("{}:{}", parts[2], parts[4]).parse().unwrap()
}

impl Raw {
    pub(crate) async fn connect(address: &Multiaddr) -> Self {
        Self::connect_as(Keypair::generate_ed25519(), address).await
    }

    pub(crate) async fn connect_as(keys: Keypair, address: &Multiaddr) -> Self {
        let tls = libp2p_tls::make_client_config(&keys, None).unwrap();
        let config = quinn::ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).unwrap()));
        Self::connect_with(keys, config, address).await
    }

    pub(crate) async fn connect_with(keys: Keypair, config: quinn::ClientConfig, address: &Multiaddr) -> Self {
        let endpoint = Endpoint::client("127.0.0.1:0".parse().unwrap()).unwrap();
        let connecting = endpoint.connect_with(config, socket(address), "l").unwrap();
        let connection = timeout(PATIENCE, connecting).await.unwrap().unwrap();
        Self { keys, connection, _endpoint: endpoint }
    }

    pub(crate) fn node(&self) -> NodeId {
        self.keys.public().to_peer_id()
    }

    /// Opens a stream of any name; an error where the other side has none.
    pub(crate) async fn open(&self, name: &str) -> Result<RawStream, String> {
        let (send, receive) = self.connection.open_bi().await.map_err(|error| error.to_string())?;
        let mut stream = RawStream { send, receive };
        stream.write(&[line("/multistream/1.0.0"), line(name)].concat()).await?;
        for wanted in ["/multistream/1.0.0", name] {
            let found = stream.line().await?;
            if found != wanted {
                return Err(format!("{found} instead of {wanted}"));
            }
        }
        Ok(stream)
    }

    pub(crate) async fn open_class(&self, class: Class) -> RawStream {
        self.open(class.protocol().as_ref()).await.unwrap()
    }

    /// Takes the next stream of the other side, whatever it is called.
    pub(crate) async fn accept(&self) -> (String, RawStream) {
        let (send, receive) = timeout(PATIENCE, self.connection.accept_bi()).await.unwrap().unwrap();
        let mut stream = RawStream { send, receive };
        assert_eq!(stream.line().await.unwrap(), "/multistream/1.0.0");
        let name = stream.line().await.unwrap();
        stream.write(&[line("/multistream/1.0.0"), line(&name)].concat()).await.unwrap();
        (name, stream)
    }

    /// Says hello as it should be said. The stream has to be kept: it is the connection's control stream.
    pub(crate) async fn greet(&self) -> RawStream {
        self.greet_with(&hello()).await
    }

    pub(crate) async fn greet_with(&self, hello: &Hello) -> RawStream {
        let mut stream = self.open_class(Class::Control).await;
        stream.frame(&hello_frame(1, hello)).await.unwrap();
        let theirs = stream.next().await.unwrap();
        assert_eq!(theirs[..3], [1, 1, 0], "a greeting of version 1");
        stream.frame(&[2, 0]).await.unwrap();
        stream
    }

    /// Waits until the other side has ended the connection.
    pub(crate) async fn closed(&self) {
        timeout(PATIENCE, self.connection.closed()).await.expect("the connection stays");
    }
}

impl RawStream {
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.send.write_all(bytes).await.map_err(|error| error.to_string())
    }

    pub(crate) async fn frame(&mut self, content: &[u8]) -> Result<(), String> {
        self.write(&(content.len() as u32).to_le_bytes()).await?;
        self.write(content).await
    }

    pub(crate) async fn next(&mut self) -> Result<Vec<u8>, String> {
        let read = async {
            let mut length = [0; 4];
            self.receive.read_exact(&mut length).await.map_err(|error| error.to_string())?;
            let mut content = vec![0; u32::from_le_bytes(length) as usize];
            self.receive.read_exact(&mut content).await.map_err(|error| error.to_string())?;
            Ok(content)
        };
        timeout(PATIENCE, read).await.map_err(|_| "nothing came".to_owned())?
    }

    /// One line of the negotiation, in which no line is longer than 127 bytes.
    async fn line(&mut self) -> Result<String, String> {
        let mut length = [0];
        self.receive.read_exact(&mut length).await.map_err(|error| error.to_string())?;
        let mut line = vec![0; length[0].into()];
        self.receive.read_exact(&mut line).await.map_err(|error| error.to_string())?;
        Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
    }
}

fn line(text: &str) -> Vec<u8> {
    [&[text.len() as u8 + 1][..], text.as_bytes(), b"\n"].concat()
}

pub(crate) fn hello() -> Hello {
    Hello {
        chain_id: CHAIN.chain_id,
        genesis: CHAIN.genesis,
        epoch: Epoch(0),
        instance: 1,
        agent: "raw".to_owned(),
        own: vec![],
        known: vec![],
        binding: None,
    }
}

pub(crate) fn hello_frame(version: u16, hello: &Hello) -> Vec<u8> {
    [&[1][..], &version.to_le_bytes(), &hello.to_bytes()].concat()
}
