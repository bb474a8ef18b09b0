//! Blocks and steps of every shape, made from a seed so that another process can make the same.

use alloy_consensus::{
    Header, Signed, TxEip1559, TxEip2930, TxEip4844, TxEip4844Variant, TxEip7702, TxEnvelope, TxLegacy,
    constants::KECCAK_EMPTY, transaction::Recovered,
};
use alloy_eips::{
    eip2930::{AccessList, AccessListItem},
    eip7702::{Authorization, SignedAuthorization},
};
use alloy_primitives::{Address, B64, B256, Bytes, Log, LogData, Signature, TxKind, U256, keccak256, logs_bloom};
use qsdm_primitives::{ChainSpec, SubmeshId};
use qsdm_vm::{
    block::{Block, Receipt, Segment, SharedTx, StatePatch},
    diff::{AccountChange, AccountFields, SlotChange, StateDiff},
    ports::Commit,
};
use std::{collections::BTreeMap, sync::Arc};

pub(crate) fn spec() -> ChainSpec {
    ChainSpec::dev(1_700_000_000)
}

/// SplitMix64: small, fast, and the same everywhere.
#[derive(Clone)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// Small and large numbers alike.
    fn number(&mut self) -> u64 {
        let shift = self.below(64);
        self.next() >> shift
    }

    pub(crate) fn hash(&mut self) -> B256 {
        keccak256(self.next().to_be_bytes())
    }

    fn word(&mut self) -> U256 {
        let shift = self.below(257) as usize;
        U256::from_be_bytes(self.hash().0) >> shift
    }

    fn bytes(&mut self, max: u64) -> Bytes {
        let length = self.below(max + 1);
        (0..length).map(|_| self.next() as u8).collect()
    }

    /// One of 16 addresses, so that accounts and logs meet again.
    pub(crate) fn address(&mut self) -> Address {
        Address::from_word(keccak256([self.below(16) as u8]))
    }

    /// One of eight topics.
    pub(crate) fn topic(&mut self) -> B256 {
        keccak256([b't', self.below(8) as u8])
    }

    fn some<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.chance(50) { Some(make(self)) } else { None }
    }

    fn list<T>(&mut self, max: u64, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let length = self.below(max + 1);
        (0..length).map(|_| make(self)).collect()
    }
}

fn kind(random: &mut Random) -> TxKind {
    if random.chance(20) { TxKind::Create } else { random.address().into() }
}

fn access_list(random: &mut Random) -> AccessList {
    AccessList(
        random
            .list(3, |random| AccessListItem { address: random.address(), storage_keys: random.list(3, Random::hash) }),
    )
}

fn authorization(random: &mut Random) -> SignedAuthorization {
    let authorization = Authorization { chain_id: random.word(), address: random.address(), nonce: random.number() };
    SignedAuthorization::new_unchecked(authorization, random.below(2) as u8, random.word(), random.word())
}

/// A transaction of type `tx_type`, 0 to 4, with any contents. The signature is no one's.
pub(crate) fn envelope(random: &mut Random, tx_type: u64) -> TxEnvelope {
    let signature = Signature::new(random.word(), random.word(), random.chance(50));
    let (nonce, gas_limit, value, input) = (random.number(), random.number(), random.word(), random.bytes(80));
    let (price, tip) = (u128::from(random.number()) << 3, u128::from(random.number()));
    let (chain_id, to) = (random.number() >> 2, kind(random));
    match tx_type {
        0 => {
            let chain_id = random.some(|_| chain_id);
            let tx = TxLegacy { chain_id, nonce, gas_price: price, gas_limit, to, value, input };
            Signed::new_unhashed(tx, signature).into()
        }
        1 => {
            let access_list = access_list(random);
            let tx = TxEip2930 { chain_id, nonce, gas_price: price, gas_limit, to, value, access_list, input };
            Signed::new_unhashed(tx, signature).into()
        }
        2 => {
            let tx = TxEip1559 {
                chain_id,
                nonce,
                gas_limit,
                max_fee_per_gas: price,
                max_priority_fee_per_gas: tip,
                to,
                value,
                access_list: access_list(random),
                input,
            };
            Signed::new_unhashed(tx, signature).into()
        }
        3 => {
            let tx = TxEip4844 {
                chain_id,
                nonce,
                gas_limit,
                max_fee_per_gas: price,
                max_priority_fee_per_gas: tip,
                to: random.address(),
                value,
                access_list: access_list(random),
                blob_versioned_hashes: random.list(3, Random::hash),
                max_fee_per_blob_gas: tip,
                input,
            };
            Signed::new_unhashed(<TxEip4844Variant>::TxEip4844(tx), signature).into()
        }
        _ => {
            let tx = TxEip7702 {
                chain_id,
                nonce,
                gas_limit,
                max_fee_per_gas: price,
                max_priority_fee_per_gas: tip,
                to: random.address(),
                value,
                access_list: access_list(random),
                authorization_list: random.list(3, authorization),
                input,
            };
            Signed::new_unhashed(tx, signature).into()
        }
    }
}

/// Some transactions have a hash of their own, as impersonated ones do, and some of those share their first eight bytes.
fn transaction(random: &mut Random) -> SharedTx {
    let tx_type = random.below(5);
    let tx = envelope(random, tx_type);
    let tx = match tx {
        TxEnvelope::Legacy(signed) if random.chance(50) => {
            let mut hash = random.hash();
            hash[..8].fill(0xcc);
            let signature = *signed.signature();
            Signed::new_unchecked(signed.strip_signature(), signature, hash).into()
        }
        tx => tx,
    };
    Arc::new(Recovered::new_unchecked(tx, random.address()))
}

fn log(random: &mut Random) -> Log {
    let topics = random.list(4, Random::topic);
    Log { address: random.address(), data: LogData::new_unchecked(topics, random.bytes(70)) }
}

fn receipts(random: &mut Random, transactions: &[SharedTx]) -> Vec<Receipt> {
    let (mut cumulative_gas_used, mut first_log_index) = (0, 0);
    let mut receipts = Vec::new();
    for tx in transactions {
        let gas_used = random.number() >> 16;
        cumulative_gas_used += gas_used;
        let logs = random.list(3, log);
        receipts.push(Receipt {
            tx_type: tx.tx_type() as u8,
            success: random.chance(80),
            cumulative_gas_used,
            gas_used,
            effective_gas_price: u128::from(random.number()) << random.below(60),
            contract_address: random.some(Random::address),
            first_log_index,
            bloom: logs_bloom(&logs),
            logs,
        });
        first_log_index += receipts.last().map_or(0, |receipt| receipt.logs.len()) as u32;
    }
    receipts
}

fn header(random: &mut Random, number: u64, receipts: &[Receipt]) -> Header {
    let mut logs_bloom = receipts.iter().fold(Default::default(), |union, receipt| union | receipt.bloom);
    if random.chance(10) {
        logs_bloom = Default::default();
    }
    let mut usual = |usual: B256| random.some(|random| if random.chance(50) { usual } else { random.hash() });
    let withdrawals_root = usual(alloy_consensus::constants::EMPTY_WITHDRAWALS);
    let parent_beacon_block_root = usual(B256::ZERO);
    let requests_hash = usual(alloy_eips::eip7685::EMPTY_REQUESTS_HASH);
    let ommers_hash = usual(Header::default().ommers_hash).unwrap_or_default();
    let mix_hash = usual(B256::ZERO).unwrap_or_default();
    Header {
        parent_hash: random.hash(),
        ommers_hash,
        beneficiary: random.address(),
        state_root: random.hash(),
        transactions_root: random.hash(),
        receipts_root: random.hash(),
        logs_bloom,
        difficulty: random.word(),
        number,
        gas_limit: random.number(),
        gas_used: random.number(),
        timestamp: random.number(),
        extra_data: random.bytes(32),
        mix_hash,
        nonce: if random.chance(50) { B64::ZERO } else { B64::from(random.next()) },
        base_fee_per_gas: random.some(Random::number),
        withdrawals_root,
        blob_gas_used: random.some(Random::number),
        excess_blob_gas: random.some(Random::number),
        parent_beacon_block_root,
        requests_hash,
        block_access_list_hash: random.some(Random::hash),
        slot_number: random.some(Random::number),
    }
}

/// A block with up to `transactions_max` transactions. Nothing in it is valid, everything has the right shape.
pub(crate) fn block(random: &mut Random, number: u64, transactions_max: u64) -> Block {
    let transactions = random.list(transactions_max, transaction);
    let receipts = receipts(random, &transactions);
    let header = header(random, number, &receipts);
    let segments = random.list(3, |random| Segment {
        submesh: SubmeshId(random.number() as u32),
        base_fee: random.number(),
        beneficiary: random.address(),
        transactions: random.number() as u32,
    });
    Block { hash: header.hash_slow(), size: random.number(), header, transactions, receipts, segments }
}

fn patch(random: &mut Random) -> StatePatch {
    let address = random.address();
    match random.below(5) {
        0 => StatePatch::Balance { address, balance: random.word() },
        1 => StatePatch::Nonce { address, nonce: random.number() },
        2 => StatePatch::Code { address, code: random.bytes(50) },
        3 => StatePatch::Slot { address, key: random.word(), value: random.word() },
        _ => StatePatch::Delete { address },
    }
}

/// The flat state as a model: address hash → (address, fields, slot hash → (slot, value)).
pub(crate) type State = BTreeMap<B256, (Address, AccountFields, BTreeMap<B256, (U256, U256)>)>;

/// Changes some accounts of `state`, and says what changed as an executor would.
pub(crate) fn change(random: &mut Random, state: &mut State, changes_max: u64) -> StateDiff {
    let mut diff = StateDiff::default();
    let mut addresses = random.list(changes_max, Random::address);
    addresses.sort_by_key(|address| keccak256(address));
    addresses.dedup();
    for address in addresses {
        let hashed_address = keccak256(address);
        let old = state.remove(&hashed_address);
        let before = old.as_ref().map(|(_, fields, _)| *fields);
        let mut slots = old.map(|(_, _, slots)| slots).unwrap_or_default();
        let mut changes = BTreeMap::new();
        let deleted = before.is_some() && random.chance(20);
        let touched: Vec<U256> = match deleted {
            true => slots.values().map(|(slot, _)| *slot).collect(),
            false => random.list(4, |random| U256::from(random.below(6)) << (random.below(2) as usize * 200)),
        };
        for key in touched {
            let hashed_key = keccak256(key.to_be_bytes::<32>());
            let value = if deleted || random.chance(30) { U256::ZERO } else { random.word() };
            let previous = slots.remove(&hashed_key).map_or(U256::ZERO, |(_, value)| value);
            if !value.is_zero() {
                slots.insert(hashed_key, (key, value));
            }
            let change =
                changes.entry(hashed_key).or_insert(SlotChange { hashed_key, key, before: previous, after: value });
            change.after = value;
        }
        let after = if deleted {
            None
        } else {
            let mut fields = AccountFields { nonce: random.number(), balance: random.word(), code_hash: KECCAK_EMPTY };
            match (before, random.below(3)) {
                (Some(before), 0) => fields.code_hash = before.code_hash,
                (_, 1) => {
                    let code = random.bytes(2_000);
                    fields.code_hash = keccak256(&code);
                    diff.codes.push((fields.code_hash, code));
                }
                _ => {}
            }
            Some(fields)
        };
        if let Some(fields) = after {
            state.insert(hashed_address, (address, fields, slots));
        }
        let slots = changes.into_values().collect();
        diff.accounts.push(AccountChange { hashed_address, address, before, after, slots });
    }
    diff
}

/// The next step of a chain whose newest has the given numbers; `state` becomes the state after it.
pub(crate) fn step(random: &mut Random, sequence: u64, number: Option<u64>, state: &mut State) -> Commit {
    Commit {
        sequence,
        block: number.map(|number| Arc::new(block(random, number, 4))),
        patches: random.list(2, patch),
        diff: change(random, state, 5),
        state_root: random.hash(),
    }
}

/// Two blocks are equal in all that they carry.
pub(crate) fn assert_same_block(found: &Block, expected: &Block) {
    assert_eq!(found.header, expected.header);
    assert_eq!((found.hash, found.size), (expected.hash, expected.size));
    assert_eq!(found.segments, expected.segments);
    assert_eq!(found.receipts, expected.receipts);
    assert_eq!(found.transactions, expected.transactions);
}
