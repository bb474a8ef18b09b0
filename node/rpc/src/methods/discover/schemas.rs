//! The schemas of the OpenRPC document: forms of JSON, in as much detail as a generated client needs.

use serde_json::{Map, Value, json};

/// All schemas by name.
pub(super) fn all() -> Map<String, Value> {
    let mut schemas = scalars();
    schemas.extend(requests());
    schemas.extend(results());
    schemas
}

fn named<const N: usize>(schemas: [(&str, Value); N]) -> Map<String, Value> {
    schemas.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn list(name: &str) -> Value {
    json!({ "type": "array", "items": reference(name) })
}

fn map(name: &str) -> Value {
    json!({ "type": "object", "additionalProperties": reference(name) })
}

/// An object with these properties.
fn object(properties: &[(&str, &str)]) -> Value {
    let properties: Map<_, _> = properties.iter().map(|(name, of)| ((*name).to_owned(), reference(of))).collect();
    json!({ "type": "object", "properties": properties })
}

fn nullable(schema: Value) -> Value {
    json!({ "oneOf": [schema, { "type": "null" }] })
}

fn hex(title: &str, pattern: &str) -> Value {
    json!({ "title": title, "type": "string", "pattern": pattern })
}

fn scalars() -> Map<String, Value> {
    let tags = ["latest", "safe", "finalized", "pending", "earliest"];
    let by_hash = json!({
        "type": "object",
        "properties": { "blockHash": reference("Hash"), "requireCanonical": reference("Boolean") },
        "required": ["blockHash"],
    });
    let by_number = json!({
        "type": "object", "properties": { "blockNumber": reference("Quantity") }, "required": ["blockNumber"],
    });
    named([
        ("Any", json!(true)),
        ("Null", json!({ "type": "null" })),
        ("Boolean", json!({ "type": "boolean" })),
        ("String", json!({ "type": "string" })),
        ("Object", json!({ "type": "object" })),
        ("Array", json!({ "type": "array" })),
        ("Quantity", hex("number in hex", "^0x(0|[1-9a-f][0-9a-f]*)$")),
        ("Bytes", hex("bytes in hex", "^0x([0-9a-fA-F]{2})*$")),
        ("BytesList", list("Bytes")),
        ("Address", hex("20 bytes in hex", "^0x[0-9a-fA-F]{40}$")),
        ("Addresses", list("Address")),
        ("Hash", hex("32 bytes in hex", "^0x[0-9a-fA-F]{64}$")),
        ("Slot", hex("storage slot", "^0x[0-9a-fA-F]{0,64}$")),
        ("Slots", json!({ "type": "array", "items": reference("Slot"), "maxItems": 1024 })),
        ("FilterId", hex("id of a filter", "^0x[0-9a-f]{1,32}$")),
        ("SubscriptionId", hex("id of a subscription", "^0x[0-9a-f]{1,16}$")),
        (
            "Percentiles",
            json!({ "type": "array", "items": { "type": "number", "minimum": 0, "maximum": 100 }, "maxItems": 100 }),
        ),
        ("SubscriptionKind", json!({ "enum": ["newHeads", "logs", "newPendingTransactions", "conflicts", "syncing"] })),
        ("BlockNumber", json!({ "oneOf": [reference("Quantity"), { "enum": tags }] })),
        ("BlockId", json!({ "oneOf": [reference("BlockNumber"), reference("Hash"), by_hash, by_number] })),
    ])
}

fn requests() -> Map<String, Value> {
    let topic = json!({ "oneOf": [{ "type": "null" }, reference("Hash"), list("Hash")] });
    named([
        (
            "TransactionRequest",
            object(&[
                ("from", "Address"),
                ("to", "Address"),
                ("gas", "Quantity"),
                ("gasPrice", "Quantity"),
                ("maxFeePerGas", "Quantity"),
                ("maxPriorityFeePerGas", "Quantity"),
                ("value", "Quantity"),
                ("input", "Bytes"),
                ("data", "Bytes"),
                ("nonce", "Quantity"),
                ("chainId", "Quantity"),
                ("type", "Quantity"),
                ("accessList", "AccessList"),
                ("authorizationList", "Authorizations"),
            ]),
        ),
        ("AccessList", list("AccessListItem")),
        ("AccessListItem", object(&[("address", "Address"), ("storageKeys", "Hashes")])),
        ("Hashes", list("Hash")),
        ("Authorizations", list("Authorization")),
        (
            "Authorization",
            object(&[
                ("chainId", "Quantity"),
                ("address", "Address"),
                ("nonce", "Quantity"),
                ("yParity", "Quantity"),
                ("r", "Quantity"),
                ("s", "Quantity"),
            ]),
        ),
        ("StateOverrides", map("AccountOverride")),
        (
            "AccountOverride",
            object(&[
                ("balance", "Quantity"),
                ("nonce", "Quantity"),
                ("code", "Bytes"),
                ("state", "Object"),
                ("stateDiff", "Object"),
                ("movePrecompileToAddress", "Address"),
            ]),
        ),
        ("BlockOverrides", json!({ "type": "object" })),
        (
            "SimulatePayload",
            json!({
                "type": "object",
                "properties": {
                    "blockStateCalls": list("SimulatedCalls"),
                    "traceTransfers": reference("Boolean"),
                    "validation": reference("Boolean"),
                    "returnFullTransactions": reference("Boolean"),
                },
            }),
        ),
        (
            "SimulatedCalls",
            object(&[
                ("blockOverrides", "BlockOverrides"),
                ("stateOverrides", "StateOverrides"),
                ("calls", "TransactionRequests"),
            ]),
        ),
        ("TransactionRequests", list("TransactionRequest")),
        (
            "LogFilter",
            json!({
                "type": "object",
                "properties": {
                    "fromBlock": reference("BlockNumber"),
                    "toBlock": reference("BlockNumber"),
                    "blockHash": reference("Hash"),
                    "address": { "oneOf": [{ "type": "null" }, reference("Address"), list("Address")] },
                    "topics": { "type": "array", "items": topic, "maxItems": 4 },
                },
            }),
        ),
        ("SubscriptionOptions", json!({ "oneOf": [reference("LogFilter"), reference("Boolean")] })),
        ("SlotsByAddress", map("Slots")),
        ("TypedData", json!({ "oneOf": [{ "type": "object" }, { "type": "string" }] })),
    ])
}

fn results() -> Map<String, Value> {
    named([
        ("Block", nullable(json!({ "type": "object" }))),
        ("Header", nullable(json!({ "type": "object" }))),
        ("Transaction", nullable(json!({ "type": "object" }))),
        ("Transactions", list("Transaction")),
        ("Receipt", nullable(json!({ "type": "object" }))),
        ("Receipts", nullable(list("Receipt"))),
        ("Log", log()),
        ("Logs", list("Log")),
        ("FilterChanges", json!({ "oneOf": [list("Log"), list("Hash")] })),
        ("ForkConfig", object(&[("current", "Object"), ("next", "Object"), ("last", "Object")])),
        ("ValuesByAddress", map("Hashes")),
        (
            "AccountProof",
            object(&[
                ("address", "Address"),
                ("accountProof", "BytesList"),
                ("balance", "Quantity"),
                ("codeHash", "Hash"),
                ("nonce", "Quantity"),
                ("storageHash", "Hash"),
                ("storageProof", "SlotProofs"),
            ]),
        ),
        ("SlotProofs", list("SlotProof")),
        ("SlotProof", object(&[("key", "Slot"), ("value", "Quantity"), ("proof", "BytesList")])),
        ("AccessListResult", object(&[("accessList", "AccessList"), ("gasUsed", "Quantity"), ("error", "String")])),
        ("FilledTransaction", object(&[("raw", "Bytes"), ("tx", "Transaction")])),
        (
            "FeeHistory",
            object(&[
                ("oldestBlock", "Quantity"),
                ("baseFeePerGas", "Quantities"),
                ("gasUsedRatio", "Numbers"),
                ("reward", "Rewards"),
                ("baseFeePerBlobGas", "Quantities"),
                ("blobGasUsedRatio", "Numbers"),
            ]),
        ),
        ("Quantities", list("Quantity")),
        ("Rewards", list("Quantities")),
        ("Numbers", json!({ "type": "array", "items": { "type": "number" } })),
        ("PoolStatus", object(&[("pending", "Quantity"), ("queued", "Quantity")])),
        ("PoolContent", object(&[("pending", "Object"), ("queued", "Object")])),
        ("PoolContentOfSender", object(&[("pending", "Object"), ("queued", "Object")])),
        ("PoolInspection", object(&[("pending", "Object"), ("queued", "Object")])),
        (
            "TransactionStatus",
            object(&[
                ("status", "String"),
                ("reason", "String"),
                ("blockNumber", "Quantity"),
                ("blockHash", "Hash"),
                ("transactionIndex", "Quantity"),
                ("success", "Boolean"),
                ("finalized", "Boolean"),
                ("winner", "Hash"),
                ("skippedInBlock", "Quantity"),
                ("cells", "SeenCells"),
                ("conflicts", "ConflictsWith"),
            ]),
        ),
        ("SeenCells", list("SeenCell")),
        ("SeenCell", object(&[("cell", "Hash"), ("entangledWeight", "Quantity")])),
        ("ConflictsWith", list("ConflictWith")),
        ("ConflictWith", object(&[("hash", "Hash"), ("kind", "String")])),
        ("Peers", list("Peer")),
        (
            "Peer",
            object(&[
                ("node", "String"),
                ("address", "String"),
                ("validator", "Hash"),
                ("direction", "String"),
                ("agent", "String"),
                ("roundTripUs", "Quantity"),
                ("points", "Quantity"),
                ("bytesIn", "Quantity"),
                ("bytesOut", "Quantity"),
                ("queuedMessages", "Quantity"),
            ]),
        ),
        (
            "Committee",
            object(&[
                ("epoch", "Quantity"),
                ("round", "Quantity"),
                ("height", "Quantity"),
                ("finalizedBlock", "Quantity"),
                ("leader", "Quantity"),
                ("me", "Quantity"),
                ("validators", "CommitteeMembers"),
            ]),
        ),
        ("CommitteeMembers", json!({ "type": "array", "items": { "$ref": "#/components/schemas/CommitteeMember" } })),
        (
            "CommitteeMember",
            object(&[("account", "Address"), ("keyHash", "Hash"), ("bonded", "Quantity"), ("weight", "Quantity")]),
        ),
        ("SimulatedBlocks", json!({ "type": "array", "items": { "type": "object" } })),
    ])
}

fn log() -> Value {
    object(&[
        ("address", "Address"),
        ("topics", "Hashes"),
        ("data", "Bytes"),
        ("blockNumber", "Quantity"),
        ("transactionHash", "Hash"),
        ("transactionIndex", "Quantity"),
        ("blockHash", "Hash"),
        ("blockTimestamp", "Quantity"),
        ("logIndex", "Quantity"),
        ("removed", "Boolean"),
    ])
}
