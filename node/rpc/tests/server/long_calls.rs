//! Heavy calls: two at a time, stopped in time, and nobody else waits for them.

use crate::{
    client::{Client, call, hear, request, say, websocket},
    toy::Toy,
};
use std::{sync::atomic::Ordering, time::Duration};

const JSON: &str = "Content-Type: application/json\r\n";

/// A caller that has sent a spinning call and not waited for its answer.
fn spinning(toy: &Toy, milliseconds: u32) -> Client {
    let mut client = Client::new(toy.address);
    let spin = client.request("POST /", JSON, &request("toy_spin", &format!("[{milliseconds}]")));
    client.send(spin.as_bytes());
    client
}

#[test]
fn a_short_call_runs_where_it_was_read_and_a_long_one_moves_to_the_pool() {
    let toy = Toy::start(|config| config.limits.call_inline = Duration::from_millis(100));
    assert_eq!(call(toy.address, "toy_spin", "[0]")[0], 0);
    assert_eq!(toy.state.pooled.load(Ordering::SeqCst), 0);
    assert_eq!(call(toy.address, "toy_spin", "[200]")[0], 200);
    assert_eq!(toy.state.pooled.load(Ordering::SeqCst), 1);
}

#[test]
fn two_long_calls_run_at_once_some_wait_and_the_rest_is_refused_while_others_are_served() {
    let toy = Toy::start(|config| {
        config.limits.long_calls_waiting = 3;
        config.limits.long_call_wait = Duration::from_millis(200);
    });
    let mut callers: Vec<Client> = (0..12).map(|_| spinning(&toy, 1_500)).collect();
    toy.state.running.wait_for(2);
    for value in 0..20 {
        assert_eq!(call(toy.address, "toy_echo", &format!("[{value}]")), value);
    }
    assert_eq!(call(toy.address, "toy_spin", "[0]")[0], 0, "short calls don't need the pool");
    let answers: Vec<_> = callers.iter_mut().map(Client::receive).collect();
    let refused = answers.iter().filter(|answer| answer.body.contains("busy: 2 long calls are running")).count();
    let done = answers.iter().filter(|answer| answer.json()["result"][0] == 1_500).count();
    assert_eq!((done, refused), (2, 10));
    assert!(answers.iter().all(|answer| answer.json()["error"].is_null() || answer.code() == -32005));
    assert_eq!(toy.state.pooled.load(Ordering::SeqCst), 2, "what was refused did not run");
    assert_eq!(call(toy.address, "toy_spin", "[20]")[0], 20, "and the places are free again");
}

#[test]
fn a_call_without_end_is_stopped() {
    let toy = Toy::start(|config| config.limits.call_time = Duration::from_millis(300));
    let answer = Client::new(toy.address).post(&request("toy_spin", "[3600000]"));
    assert_eq!(answer.code(), -32002);
    assert!(answer.body.contains("took longer than 300 ms"), "{answer:?}");
    toy.state.running.wait_for(0);
}

#[test]
fn the_calls_of_a_batch_share_their_time() {
    let toy = Toy::start(|config| config.limits.call_time = Duration::from_millis(300));
    let batch = format!("[{}]", vec![request("toy_spin", "[3600000]"); 100].join(","));
    let answer = Client::new(toy.address).post(&batch).json();
    assert!(answer.as_array().unwrap().iter().all(|part| part["error"]["code"] == -32002), "{answer}");
    assert_eq!(toy.state.pooled.load(Ordering::SeqCst), 1, "the first took all of it");
}

#[test]
fn a_caller_that_disconnects_cancels_its_call() {
    let toy = Toy::start(|config| config.limits.call_time = Duration::from_secs(3600));
    let http = spinning(&toy, 3_600_000);
    let mut socket = websocket(toy.address);
    say(&mut socket, request("toy_spin", "[3600000]"));
    toy.state.running.wait_for(2);
    drop(http);
    toy.state.running.wait_for(1);
    drop(socket);
    toy.state.running.wait_for(0);
    let mut socket = websocket(toy.address);
    say(&mut socket, request("toy_wait", "[3600000]"));
    toy.state.running.wait_for(1);
    drop(socket);
    toy.state.running.wait_for(0);
}

#[test]
fn a_call_that_waits_for_an_event_gives_up_in_time() {
    let toy = Toy::start(|config| config.limits.waiting_call_time = Duration::from_millis(100));
    let mut socket = websocket(toy.address);
    say(&mut socket, request("toy_wait", "[3600000]"));
    let answer = hear(&mut socket);
    assert_eq!(answer["error"]["code"], -32002);
    assert_eq!(answer["error"]["message"], "gave up waiting after 100 ms");
}
