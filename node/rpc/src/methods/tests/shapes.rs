//! Our forms beside geth's: the keys, in their order, of the answers recorded in execution-apis for Osaka.

use super::bench::{Bench, LOGGER, STORE, words};
use serde_json::{Value, json, value::RawValue};
use std::collections::HashMap;

const BLOCK: &str = "baseFeePerGas,blobGasUsed,difficulty,excessBlobGas,extraData,gasLimit,gasUsed,hash,logsBloom,miner,\
    mixHash,nonce,number,parentBeaconBlockRoot,parentHash,receiptsRoot,requestsHash,sha3Uncles,size,stateRoot,timestamp,\
    transactions,transactionsRoot,uncles,withdrawals,withdrawalsRoot";
const LEGACY: &str = "blockHash,blockNumber,blockTimestamp,from,gas,gasPrice,hash,input,nonce,to,transactionIndex,value,\
    type,chainId,v,r,s";
const DYNAMIC: &str = "blockHash,blockNumber,blockTimestamp,from,gas,gasPrice,maxFeePerGas,maxPriorityFeePerGas,hash,\
    input,nonce,to,transactionIndex,value,type,accessList,chainId,v,r,s,yParity";
const SET_CODE: &str = "blockHash,blockNumber,blockTimestamp,from,gas,gasPrice,maxFeePerGas,maxPriorityFeePerGas,hash,\
    input,nonce,to,transactionIndex,value,type,accessList,chainId,authorizationList,v,r,s,yParity";
const AUTHORIZATION: &str = "chainId,address,nonce,yParity,r,s";
const RECEIPT: &str = "blockHash,blockNumber,contractAddress,cumulativeGasUsed,effectiveGasPrice,from,gasUsed,logs,\
    logsBloom,status,to,transactionHash,transactionIndex,type";
const LOG: &str = "address,topics,data,blockNumber,transactionHash,transactionIndex,blockHash,blockTimestamp,logIndex,\
    removed";

/// Keys of an object in alphabetical order: `Value` keeps no other.
fn keys(value: &Value) -> Vec<String> {
    let mut keys: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
    keys.sort();
    keys
}

fn list(text: &str) -> Vec<String> {
    let mut keys: Vec<_> = text.split(',').map(|key| key.trim().to_owned()).collect();
    keys.sort();
    keys
}

/// The members of the result with how they are written.
fn raw(bench: &Bench, method: &str, params: &Value) -> HashMap<String, Box<RawValue>> {
    let answer = bench.answer(method, params);
    let mut answer: HashMap<String, Box<RawValue>> = serde_json::from_str(&answer).unwrap();
    serde_json::from_str(answer.remove("result").unwrap().get()).unwrap()
}

#[test]
fn blocks_have_every_field_of_osaka_and_no_other() {
    let bench = Bench::new();
    bench.log(1, 2);
    for block in ["0x0", "0x1", "latest", "safe", "finalized", "earliest", "pending"] {
        let found = bench.ask("eth_getBlockByNumber", json!([block, true]));
        assert_eq!(keys(&found), list(BLOCK), "{block}");
        assert_eq!((&found["uncles"], &found["withdrawals"]), (&json!([]), &json!([])));
        assert_eq!(found["difficulty"], "0x0");
    }
    let header = bench.ask("eth_getHeaderByNumber", json!(["latest"]));
    let without = ["size", "transactions", "uncles", "withdrawals"];
    let expected: Vec<_> = list(BLOCK).into_iter().filter(|key| !without.contains(&key.as_str())).collect();
    assert_eq!(keys(&header), expected);
    assert_eq!(bench.ask("eth_getHeaderByHash", json!([header["hash"]])), header);
}

#[test]
fn transactions_of_every_type_have_the_fields_of_their_type() {
    let bench = Bench::new();
    let (to, other) = (bench.account(1), bench.account(2));
    let authorization = json!({
        "chainId": "0x7a69", "address": STORE, "nonce": "0x0", "yParity": "0x0", "r": "0x1", "s": "0x1",
    });
    let cases = [
        (json!({ "to": to, "type": "0x0", "value": "0x1" }), LEGACY),
        (json!({ "to": to, "value": "0x1" }), DYNAMIC),
        (json!({ "to": other, "authorizationList": [authorization], "gas": "0x186a0" }), SET_CODE),
    ];
    for (request, expected) in cases {
        let hash = bench.send(request);
        let tx = bench.ask("eth_getTransactionByHash", json!([hash]));
        assert_eq!(keys(&tx), list(expected));
        let in_block = bench.ask("eth_getBlockByNumber", json!(["latest", true]));
        assert_eq!(in_block["transactions"][0], tx);
        let receipt = bench.ask("eth_getTransactionReceipt", json!([hash]));
        assert_eq!(keys(&receipt), list(RECEIPT));
        assert_eq!((&receipt["type"], &receipt["contractAddress"]), (&tx["type"], &Value::Null));
        assert_eq!(receipt["effectiveGasPrice"], tx["gasPrice"]);
        if let Some(list_of) = tx.get("authorizationList") {
            assert_eq!(keys(&list_of[0]), list(AUTHORIZATION));
        }
    }
    let listed = bench.send(json!({ "to": to, "type": "0x1" }));
    let tx = bench.ask("eth_getTransactionByHash", json!([listed]));
    assert_eq!((&tx["type"], &tx["accessList"], &tx["v"]), (&json!("0x1"), &json!([]), &tx["yParity"]));
}

#[test]
fn v_of_a_legacy_transaction_carries_the_chain_id() {
    let bench = Bench::new();
    let hash = bench.send(json!({ "to": LOGGER, "type": "0x0", "input": words(&[1, 2]) }));
    let tx = bench.ask("eth_getTransactionByHash", json!([hash]));
    let v = super::bench::number(&tx["v"]);
    assert!(v == 35 + 2 * 31_337 || v == 36 + 2 * 31_337, "{v}");
}

#[test]
fn what_waits_has_a_null_place() {
    let bench = Bench::new();
    bench.automine(false);
    let hash = bench.send(json!({ "to": bench.account(1), "value": "0x1" }));
    let tx = bench.ask("eth_getTransactionByHash", json!([hash]));
    assert_eq!(keys(&tx), list(DYNAMIC));
    for key in ["blockHash", "blockNumber", "blockTimestamp", "transactionIndex"] {
        assert_eq!(tx[key], Value::Null, "{key}");
    }
    assert_eq!(tx["gasPrice"], tx["maxFeePerGas"]);
    assert_eq!(bench.ask("eth_getTransactionReceipt", json!([hash])), Value::Null);
    let pending = bench.ask("eth_getBlockByNumber", json!(["pending", true]));
    assert_eq!((&pending["hash"], &pending["nonce"], &pending["miner"]), (&Value::Null, &Value::Null, &Value::Null));
    assert_eq!(pending["transactions"][0]["hash"], hash);
    assert_eq!(pending["transactions"][0]["blockHash"], Value::Null);
    assert_eq!(pending["transactions"][0]["blockNumber"], "0x1");
}

#[test]
fn logs_are_the_same_wherever_they_are_read() {
    let bench = Bench::new();
    let hash = bench.log(7, 9);
    let receipt = bench.ask("eth_getTransactionReceipt", json!([hash]));
    let log = &receipt["logs"][0];
    assert_eq!(keys(log), list(LOG));
    assert_eq!((&log["removed"], &log["logIndex"]), (&json!(false), &json!("0x0")));
    assert_eq!(&bench.ask("eth_getLogs", json!([{}]))[0], log);
    assert_eq!(bench.ask("eth_getBlockReceipts", json!(["latest"]))[0], receipt);
}

#[test]
fn keys_come_in_the_order_of_geth() {
    let bench = Bench::new();
    let hash = bench.log(7, 9);
    let answer = bench.answer("eth_getTransactionReceipt", &json!([hash]));
    let order = |text: &str, keys: &str| {
        let places: Vec<_> = keys.split(',').map(|key| text.find(&format!("\"{}\":", key.trim())).unwrap()).collect();
        places.is_sorted()
    };
    assert!(order(&answer, "blockHash,blockNumber,contractAddress,cumulativeGasUsed,from,logsBloom,status,to,type"));
    let answer = bench.answer("eth_getLogs", &json!([{}]));
    assert!(order(&answer, LOG));
    let tx = bench.answer("eth_getTransactionByHash", &json!([hash]));
    assert!(order(&tx, DYNAMIC));
}

#[test]
fn fee_history_proof_and_configuration_have_the_fields_of_geth() {
    let bench = Bench::new();
    bench.log(7, 9);
    let history = bench.ask("eth_feeHistory", json!(["0x2", "latest", [10, 50.5]]));
    let expected = "oldestBlock,reward,baseFeePerGas,gasUsedRatio,baseFeePerBlobGas,blobGasUsedRatio";
    assert_eq!(keys(&history), list(expected));
    let proof = bench.ask("eth_getProof", json!([LOGGER, ["0x0"], "latest"]));
    assert_eq!(keys(&proof), list("address,accountProof,balance,codeHash,nonce,storageHash,storageProof"));
    assert_eq!(keys(&proof["storageProof"][0]), list("key,value,proof"));
    let config = bench.ask("eth_config", json!([]));
    assert_eq!(keys(&config), list("current,next,last"));
    let current = "activationTime,blobSchedule,chainId,forkId,precompiles,systemContracts";
    assert_eq!(keys(&config["current"]), list(current));
    assert_eq!(config["current"]["precompiles"].as_object().unwrap().len(), 18);
    assert_eq!(config["current"]["precompiles"]["P256VERIFY"], "0x0000000000000000000000000000000000000100");
}

#[test]
fn numbers_are_written_without_leading_zeros() {
    let bench = Bench::new();
    bench.log(7, 9);
    let members = raw(&bench, "eth_getBlockByNumber", &json!(["latest", false]));
    for key in ["number", "gasLimit", "gasUsed", "timestamp", "size", "baseFeePerGas", "blobGasUsed", "excessBlobGas"] {
        let text: String = serde_json::from_str(members[key].get()).unwrap();
        assert!(text == "0x0" || !text.starts_with("0x0"), "{key}: {text}");
    }
}
