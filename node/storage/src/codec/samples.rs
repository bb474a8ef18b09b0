//! Encodings as an earlier release wrote them: every later one must read them, and write them the same way.

use super::{account, block, step};
use crate::seal::{Opener, Sealer, Table, numbers_key};
use alloy_consensus::{Header, Signed, TxEip1559, TxEnvelope, TxLegacy, transaction::Recovered};
use alloy_primitives::{
    Address, B256, Bytes, Log, LogData, Signature, U256, address, b256, hex, keccak256, logs_bloom,
};
use proptest::prelude::*;
use qsdm_primitives::SubmeshId;
use qsdm_vm::{
    block::{Block, Receipt, Segment, StatePatch},
    diff::{AccountChange, AccountFields, SlotChange, StateDiff},
    ports::Commit,
};
use std::sync::Arc;

const SENDER: Address = address!("f39fd6e51aad88f6f4ce6ab8827279cfffb92266");
const OTHER: Address = address!("70997970c51812dc3a010c7d01b50e0d17dc79c8");
const HASH: B256 = b256!("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");

const BLOCK: &str = concat!(
    "0100f6a52a43ed7d070452cb4fe0eb399cfba01b000000112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
    "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b42156e81f171bcc55a6ff8345e692c0f86e5b48e01b996c",
    "adc001622fb5e363b42156e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421f39fd6e51aad88f6f4ce6ab8",
    "827279cfffb922660580c6868f0190c80285e2cfaa06047173646d00112233445566778899aabbccddeeff00112233445566778899aa",
    "bbccddeeff8094ebdc030000c7a61fe0904b2effa539b21722caf5e02be463451e1d829ea0bb65e71e61d069890601008094ebdc03f3",
    "9fd6e51aad88f6f4ce6ab8827279cfffb92266020200f39fd6e51aad88f6f4ce6ab8827279cfffb922663602f4827a69070184773594",
    "008252089470997970c51812dc3a010c7d01b50e0d17dc79c8880de0b6b3a764000080c00182abcd8212340100112233445566778899",
    "aabbccddeeff00112233445566778899aabbccddeefff39fd6e51aad88f6f4ce6ab8827279cfffb9226614d3808082c350808084636f",
    "64651c82abcd82123402020188a40188a4018194ebdc03000170997970c51812dc3a010c7d01b50e0d17dc79c8010011223344556677",
    "8899aabbccddeeff00112233445566778899aabbccddeeff0464617461000270997970c51812dc3a010c7d01b50e0d17dc79c890c802",
    "88a4018194ebdc030100",
);
const STEP: &str = concat!(
    "0100f799d8460096f3186b56d39c99de891200112233445566778899aabbccddeeff00112233445566778899aabbccddeeff0500f39f",
    "d6e51aad88f6f4ce6ab8827279cfffb922660203e801f39fd6e51aad88f6f4ce6ab8827279cfffb92266ac020270997970c51812dc3a",
    "010c7d01b50e0d17dc79c80260000370997970c51812dc3a010c7d01b50e0d17dc79c800020100040000000000000000000000000000",
    "00000000000004f39fd6e51aad88f6f4ce6ab8827279cfffb9226605070a01c00000000000000000080a020000000000000000000070",
    "997970c51812dc3a010c7d01b50e0d17dc79c80c010940000000000000000000112233445566778899aabbccddeeff00112233445566",
    "778899aabbccddeeff0101020020ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff0000000000000000",
    "00000000000000000000000017ac020a4b00000000000000000000112233445566778899aabbccddeeff00112233445566778899aabb",
    "ccddeeffad020a4b400000000000000000000101010101010101010101010101010101010101030309c0000000000000000000112233",
    "445566778899aabbccddeeff00112233445566778899aabbccddeeff00",
);
const ACCOUNT: &str = concat!(
    "70997970c51812dc3a010c7d01b50e0d17dc79c8ac020a4b00000000000000000000112233445566778899aabbccddeeff0011223344",
    "5566778899aabbccddeeffb093a44b59f33cb3",
);
const SLOT: &str = "01020201026de950868a33a6d3";

/// A usual transaction, and one under a hash that is not that of its encoding.
fn transactions() -> [TxEnvelope; 2] {
    let signature = Signature::new(U256::from(0xabcd), U256::from(0x1234), true);
    let usual = TxEip1559 {
        chain_id: 31_337,
        nonce: 7,
        gas_limit: 21_000,
        max_fee_per_gas: 2_000_000_000,
        max_priority_fee_per_gas: 1,
        to: OTHER.into(),
        value: U256::from(10).pow(U256::from(18)),
        access_list: Default::default(),
        input: Bytes::new(),
    };
    let impersonated = TxLegacy { gas_limit: 50_000, input: Bytes::from_static(b"code"), ..TxLegacy::default() };
    [Signed::new_unhashed(usual, signature).into(), Signed::new_unchecked(impersonated, signature, HASH).into()]
}

fn sample_block() -> Block {
    let logs = vec![Log { address: OTHER, data: LogData::new_unchecked(vec![HASH], Bytes::from_static(b"data")) }];
    let receipt = |index: u64, logs: Vec<Log>| Receipt {
        tx_type: if index == 0 { 2 } else { 0 },
        success: index == 0,
        cumulative_gas_used: 21_000 * (index + 1),
        gas_used: 21_000,
        effective_gas_price: 1_000_000_001,
        contract_address: (index == 1).then_some(OTHER),
        first_log_index: index as u32,
        bloom: logs_bloom(&logs),
        logs,
    };
    let receipts = vec![receipt(0, logs.clone()), receipt(1, vec![])];
    let header = Header {
        parent_hash: HASH,
        beneficiary: SENDER,
        logs_bloom: logs_bloom(&logs),
        number: 5,
        gas_limit: 300_000_000,
        gas_used: 42_000,
        timestamp: 1_700_000_005,
        extra_data: Bytes::from_static(b"qsdm"),
        base_fee_per_gas: Some(1_000_000_000),
        withdrawals_root: Some(alloy_consensus::constants::EMPTY_WITHDRAWALS),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(0),
        parent_beacon_block_root: Some(B256::ZERO),
        requests_hash: Some(HASH),
        ..Header::default()
    };
    let segments =
        vec![Segment { submesh: SubmeshId::ROOT, base_fee: 1_000_000_000, beneficiary: SENDER, transactions: 2 }];
    let senders = transactions().map(|tx| Arc::new(Recovered::new_unchecked(tx, SENDER)));
    Block { hash: header.hash_slow(), header, size: 777, transactions: senders.into(), receipts, segments }
}

fn fields(nonce: u64, code_hash: B256) -> AccountFields {
    AccountFields { nonce, balance: U256::from(nonce) << 70, code_hash }
}

fn sample_commit() -> Commit {
    let empty = alloy_consensus::constants::KECCAK_EMPTY;
    let change = |address: Address, before, after, slots| AccountChange {
        hashed_address: keccak256(address),
        address,
        before,
        after,
        slots,
    };
    let hashed_key = keccak256(U256::from(2).to_be_bytes::<32>());
    let slot = SlotChange { hashed_key, key: U256::from(2), before: U256::ZERO, after: U256::MAX };
    let accounts = vec![
        change(SENDER, Some(fields(7, empty)), Some(fields(8, empty)), vec![]),
        change(OTHER, None, Some(fields(1, HASH)), vec![slot]),
        change(Address::ZERO, Some(fields(300, HASH)), Some(fields(301, HASH)), vec![]),
        change(Address::repeat_byte(1), Some(fields(3, HASH)), None, vec![]),
    ];
    let patches = vec![
        StatePatch::Balance { address: SENDER, balance: U256::from(1_000) },
        StatePatch::Nonce { address: SENDER, nonce: 300 },
        StatePatch::Code { address: OTHER, code: Bytes::from_static(&[0x60, 0x00]) },
        StatePatch::Slot { address: OTHER, key: U256::ZERO, value: U256::from(256) },
        StatePatch::Delete { address: Address::ZERO },
    ];
    let diff = StateDiff { accounts, codes: vec![] };
    Commit { sequence: 9, block: None, patches, diff, state_root: HASH }
}

fn encoded() -> [Vec<u8>; 4] {
    let mut sealer = Sealer::new().unwrap();
    let (mut block, mut step, mut account, mut slot) = (vec![], vec![], vec![], vec![]);
    super::block::put_block(&mut block, &sample_block());
    super::step::put_step(&mut step, &sample_commit());
    account::put_account(&mut account, &keccak256(OTHER), &OTHER, &fields(300, HASH));
    account::put_slot(&mut slot, &keccak256(OTHER), &HASH, U256::from(2), U256::from(0x0102));
    [
        sealer.seal(Table::Blocks, &numbers_key(5, Some(9)), &block).unwrap(),
        sealer.seal(Table::Steps, &numbers_key(9, None), &step).unwrap(),
        account,
        slot,
    ]
}

#[test]
fn encodings_are_what_they_have_always_been() {
    assert_eq!(encoded().map(hex::encode), [BLOCK, STEP, ACCOUNT, SLOT].map(str::to_owned));
}

#[test]
fn old_rows_decode_to_what_they_meant() {
    let mut opener = Opener::new().unwrap();
    let blob = hex::decode(BLOCK).unwrap();
    let found = block::block(&opener.open(Table::Blocks, &numbers_key(5, Some(9)), &blob).unwrap()).unwrap();
    let expected = sample_block();
    assert_eq!((&found.header, found.hash, found.size), (&expected.header, expected.hash, expected.size));
    assert_eq!((&found.segments, &found.receipts), (&expected.segments, &expected.receipts));
    assert_eq!(found.transactions, expected.transactions);
    assert_eq!(*found.transactions[1].tx_hash(), HASH);
    assert_eq!(found.transactions[1].signer(), SENDER);

    let blob = hex::decode(STEP).unwrap();
    let found = step::step(9, None, &opener.open(Table::Steps, &numbers_key(9, None), &blob).unwrap()).unwrap();
    let expected = sample_commit();
    assert_eq!((found.patches, found.diff), (expected.patches, expected.diff));
    assert_eq!((found.sequence, found.block, found.state_root), (9, None, HASH));

    let row = hex::decode(ACCOUNT).unwrap();
    assert_eq!(account::account(&keccak256(OTHER)[..], &row), Ok((OTHER, fields(300, HASH))));
    let row = hex::decode(SLOT).unwrap();
    let slot = account::slot(&keccak256(OTHER)[..], &HASH[..], &row);
    assert_eq!(slot, Ok((U256::from(2), U256::from(0x0102))));
}

proptest! {
    /// Beneath the checksum too, bytes that mean nothing are an error.
    #[test]
    fn decoders_do_not_panic(
        noise in prop::collection::vec(any::<u8>(), 0..300),
        cut in 0..1_000usize,
        at in 0..1_000usize,
        value: u8,
    ) {
        let mut opener = Opener::new().unwrap();
        prop_assert!(opener.open(Table::Blocks, &[], &noise).is_err());
        let [block_blob, step_blob, account_row, slot_row] = encoded();
        let mut block_payload = block_blob[18..].to_vec();
        let mut step_payload = step_blob[18..].to_vec();
        for payload in [&mut block_payload, &mut step_payload] {
            let length = payload.len();
            payload[at % length] = value;
            payload.truncate(cut.max(1).min(length));
        }
        for bytes in [&noise, &block_payload, &step_payload] {
            let _ = block::block(bytes);
            let _ = step::step(0, None, bytes);
        }
        prop_assert!(block::block(&block_blob[18..block_blob.len() - 1]).is_err());
        prop_assert!(step::step(9, None, &step_blob[18..step_blob.len() - 1]).is_err());
        prop_assert!(account::account(&keccak256(OTHER)[..], &noise).is_err());
        for row in [&account_row, &slot_row] {
            let mut row = row.clone();
            let length = row.len();
            row[at % length] ^= value.max(1);
            prop_assert!(account::account(&keccak256(OTHER)[..], &row).is_err());
            prop_assert!(account::slot(&keccak256(OTHER)[..], &HASH[..], &row).is_err());
        }
    }
}
