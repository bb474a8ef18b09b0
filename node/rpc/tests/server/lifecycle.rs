//! Start and end of the server.

use crate::{
    client::{Client, closing, connect, hear, request, say, websocket},
    toy::{State, Toy},
};
use qsdm_rpc::{Error, Registry, Server, ServerConfig};
use std::{net::TcpListener, sync::Arc, time::Duration};

#[test]
fn a_port_in_use_is_named_and_so_is_an_address_of_another_machine() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let bind = |listen| {
        let config = ServerConfig::development(listen);
        runtime.block_on(Server::bind(config, Registry::<State>::new(), Arc::default())).err().unwrap()
    };
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap();
    let error = bind(address);
    assert!(matches!(error, Error::AddressInUse { .. }));
    let port = address.port();
    let expected = format!("{address} is in use: stop the process that listens on port {port} or choose another port");
    assert_eq!(error.to_string(), expected);
    assert!(matches!(bind("192.0.2.1:0".parse().unwrap()), Error::AddressNotLocal { .. }));
}

#[test]
fn a_shutdown_lets_calls_finish_closes_websockets_and_frees_the_port() {
    let mut toy = Toy::start(|_| {});
    let mut idle = Client::new(toy.address);
    assert_eq!(idle.call("toy_echo", "[1]"), 1);
    let mut working = Client::new(toy.address);
    let wait = working.request("POST /", "Content-Type: application/json\r\n", &request("toy_wait", "[300]"));
    working.send(wait.as_bytes());
    let mut socket = websocket(toy.address);
    say(&mut socket, request("toy_wait", "[200]"));
    toy.state.running.wait_for(2);
    toy.shutdown();
    let answer = working.receive();
    assert_eq!((answer.json()["result"].clone(), answer.header("connection")), ("waited".into(), Some("close")));
    assert_eq!(hear(&mut socket)["result"], "waited");
    assert_eq!(closing(&mut socket), Some((1001, "the node shuts down".to_owned())));
    assert!(idle.is_closed());
    TcpListener::bind(toy.address).unwrap();
}

#[test]
fn a_shutdown_cuts_what_does_not_end() {
    let mut toy = Toy::start(|config| config.limits.shutdown_time = Duration::from_millis(200));
    let mut client = Client::new(toy.address);
    let spin = client.request("POST /", "Content-Type: application/json\r\n", &request("toy_spin", "[4000]"));
    client.send(spin.as_bytes());
    let mut half = connect(toy.address);
    std::io::Write::write_all(&mut half, b"POST / HTTP/1.1\r\n").unwrap();
    toy.state.running.wait_for(1);
    toy.shutdown();
    assert!(client.try_receive().is_none());
    toy.state.running.wait_for(0);
    // nothing of the server is left that holds the state
    while Arc::strong_count(&toy.state) > 1 {
        std::thread::sleep(Duration::from_millis(1));
    }
}
