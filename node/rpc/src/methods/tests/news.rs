//! Subscriptions.

use super::bench::{Bench, LOGGER};
use alloy_primitives::{B256, U256};
use serde_json::{Value, json};

/// Subscription and content of what was sent since the last time.
fn news(bench: &Bench) -> Vec<(Value, Value)> {
    bench.app.feed.with_history(|_| ());
    let outbox = bench.caller.subscriptions.as_ref().unwrap().outbox();
    let notices = bench.runtime.block_on(async {
        tokio::select! {
            biased;
            notices = outbox.take() => notices.iter().map(|notice| notice.message()).collect(),
            () = std::future::ready(()) => Vec::new(),
        }
    });
    let parse = |text: String| {
        let mut notice: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(notice["method"], "eth_subscription");
        (notice["params"]["subscription"].take(), notice["params"]["result"].take())
    };
    notices.into_iter().map(parse).collect()
}

#[test]
fn every_subscriber_hears_its_own_news() {
    let bench = Bench::new();
    let topic = B256::from(U256::from(7));
    let heads = bench.ask("eth_subscribe", json!(["newHeads"]));
    let logs = bench.ask("eth_subscribe", json!(["logs", { "address": LOGGER, "topics": [topic] }]));
    let hashes = bench.ask("eth_subscribe", json!(["newPendingTransactions"]));
    let whole = bench.ask("eth_subscribe", json!(["newPendingTransactions", true]));
    bench.ask("eth_subscribe", json!(["syncing"]));
    let tx = bench.log(7, 1);
    bench.log(8, 1);
    let news = news(&bench);
    let of = |id: &Value| news.iter().filter(|(to, _)| to == id).map(|(_, result)| result).collect::<Vec<_>>();
    let header = bench.ask("eth_getHeaderByNumber", json!(["0x1"]));
    assert_eq!(of(&heads)[0], &header);
    assert_eq!(of(&heads).len(), 2);
    assert_eq!(of(&logs).len(), 1);
    assert_eq!(of(&logs)[0], &bench.ask("eth_getTransactionReceipt", json!([tx]))["logs"][0]);
    assert_eq!(of(&hashes)[0], &tx);
    assert_eq!((&of(&whole)[0]["hash"], &of(&whole)[0]["blockHash"]), (&tx, &Value::Null));
    assert_eq!(news.len(), 2 + 1 + 2 + 2);
}

#[test]
fn logs_of_a_block_that_is_gone_are_taken_back() {
    let bench = Bench::new();
    let logs = bench.ask("eth_subscribe", json!(["logs", {}]));
    bench.log(7, 1);
    bench.node.go_back();
    let news = news(&bench);
    assert_eq!(news.len(), 2);
    assert!(news.iter().all(|(id, _)| *id == logs));
    assert_eq!((&news[0].1["removed"], &news[1].1["removed"]), (&json!(false), &json!(true)));
    assert_eq!(news[0].1["blockHash"], news[1].1["blockHash"]);
}

#[test]
fn a_subscription_that_ends_is_forgotten() {
    let bench = Bench::new();
    let heads = bench.ask("eth_subscribe", json!(["newHeads"]));
    bench.ask("eth_subscribe", json!(["logs", {}]));
    assert_eq!(bench.app.feed.listeners(), 2);
    assert_eq!(bench.ask("eth_unsubscribe", json!([heads])), true);
    assert_eq!(bench.ask("eth_unsubscribe", json!([heads])), false);
    assert_eq!(bench.app.feed.listeners(), 1);
    bench.log(7, 1);
    assert_eq!(news(&bench).len(), 1);
}

#[test]
fn a_kind_that_does_not_exist_is_named() {
    let bench = Bench::new();
    let (code, message, _) = bench.fail("eth_subscribe", json!(["weather"]));
    assert_eq!(code, -32602);
    assert!(message.contains("weather") && message.contains("newHeads"), "{message}");
    assert_eq!(bench.fail("eth_subscribe", json!(["logs", { "address": "x" }])).0, -32602);
}
