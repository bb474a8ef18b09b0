//! Genesis with the real constructors: what the DAO looks like before block 1.

use alloy_primitives::{Address, U256};
use alloy_sol_types::SolCall;
use qsdm_contracts::{GenesisConfig, addresses, bindings::Reputation, contracts, genesis_plan};
use qsdm_primitives::ChainSpec;
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
