//! Genesis with the real constructors: what the DAO looks like before block 1.

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolCall;
use qsdm_contracts::{
    GenesisConfig, GenesisValidator, addresses,
    bindings::{Reputation, SystemHooks, ValidatorSet, system_hooks::SystemHooks::EpochReport},
    contracts, genesis_plan,
};
use qsdm_primitives::{ChainSpec, GenesisStep, system::SYSTEM_ADDRESS};
use qsdm_vm::genesis::genesis;

fn members() -> Vec<(Address, U256)> {
    (1..=10u8).map(|index| (Address::repeat_byte(index), U256::from(10).pow(U256::from(21)))).collect()
}

fn spec() -> ChainSpec {
    let mut spec = ChainSpec::dev(1_800_000_000);
    spec.genesis = genesis_plan(&GenesisConfig::new(spec.time_scale, members())).expect("a plan");
    spec
}

#[test]
fn every_contract_is_at_its_address_and_nothing_else_came_to_exist() {
    let (block, state) = genesis(&spec()).expect("genesis runs");
    for contract in contracts() {
        assert!(!state.code(&contract.address).is_empty(), "{} has no code", contract.name);
    }
    assert!(state.account(&qsdm_primitives::system::GENESIS_DEPLOYER).is_none());
    assert_eq!(block.header.state_root, state.root());
}

#[test]
fn genesis_is_the_same_every_time() {
    let hash = || genesis(&spec()).expect("genesis runs").0.hash;
    assert_eq!(hash(), hash());
}

#[test]
fn another_time_scale_is_another_chain() {
    let mut production = ChainSpec { time_scale: 1, ..spec() };
    production.genesis = genesis_plan(&GenesisConfig::new(1, members())).expect("a plan");
    let scaled = genesis(&spec()).expect("genesis runs").0.hash;
    assert_ne!(genesis(&production).expect("genesis runs").0.hash, scaled);
}

#[test]
fn selectors_of_the_bindings_are_in_the_deployed_code() {
    let (_, state) = genesis(&spec()).expect("genesis runs");
    let code = state.code(&addresses::REPUTATION);
    let selector = Reputation::getVotesCall::SELECTOR;
    assert!(code.windows(4).any(|window| window == selector));
}

const COIN: u64 = 1_000_000_000_000_000_000;

fn with_validators(count: u8) -> ChainSpec {
    let mut config = GenesisConfig::new(spec().time_scale, members());
    config.validators = (1..=count)
        .map(|number| GenesisValidator {
            operator: Address::repeat_byte(number),
            key: vec![number; 1_952].into(),
            peer_id: vec![number; 38].into(),
            weight: 100,
        })
        .collect();
    ChainSpec { genesis: genesis_plan(&config).expect("a plan"), ..spec() }
}

fn call(name: &str, from: Address, to: Address, call: impl SolCall) -> GenesisStep {
    GenesisStep::Call { name: name.to_owned(), from, to, data: call.abi_encode().into() }
}

#[test]
fn the_first_validators_have_bonds_that_can_be_slashed_and_taken_back() {
    let coins = |count: u64| U256::from(count) * U256::from(COIN);
    let mut spec = with_validators(16);
    let (_, state) = genesis(&spec).expect("genesis runs");
    assert_eq!(state.balance(&addresses::VALIDATOR_SET), coins(1_600));

    // what consensus does at an epoch's end and with evidence, and an operator before and after it
    let (guilty, leaving) = (Address::repeat_byte(3), Address::repeat_byte(4));
    let fault = SystemHooks::onEvidenceCall { offender: guilty, faultEpoch: 1, kind: 2, evidence: B256::ZERO };
    let ended = |epoch| {
        let report =
            EpochReport { epoch, lanes: Vec::new(), earners: Vec::new(), amounts: Vec::new(), sourceRoot: B256::ZERO };
        call("end an epoch", SYSTEM_ADDRESS, addresses::SYSTEM_HOOKS, SystemHooks::onEpochEndCall { report })
    };
    let unbond = ValidatorSet::unbondCall { amount: coins(30) };
    spec.genesis.steps.extend([
        call("take a bond back", leaving, addresses::VALIDATOR_SET, unbond),
        call("prove a fault", SYSTEM_ADDRESS, addresses::SYSTEM_HOOKS, fault),
        ended(1),
        ended(168),
        call("be paid", leaving, addresses::VALIDATOR_SET, ValidatorSet::withdrawCall {}),
    ]);
    let (_, state) = genesis(&spec).expect("the calls run");
    assert_eq!(state.balance(&Address::ZERO), coins(100), "burnt");
    assert_eq!(state.balance(&leaving), coins(30), "paid");
    assert_eq!(state.balance(&addresses::VALIDATOR_SET), coins(1_470));
}

#[test]
fn a_bond_is_not_paid_before_its_time() {
    let mut spec = with_validators(4);
    let operator = Address::repeat_byte(4);
    spec.genesis.steps.extend([
        call("take a bond back", operator, addresses::VALIDATOR_SET, ValidatorSet::unbondCall { amount: U256::ONE }),
        call("be paid", operator, addresses::VALIDATOR_SET, ValidatorSet::withdrawCall {}),
    ]);
    let refused = genesis(&spec).expect_err("refused").to_string();
    assert!(refused.contains("be paid"), "{refused}");
}
