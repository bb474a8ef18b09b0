use super::*;
use crate::{GenesisValidator, RootSubmesh};
use alloy_sol_types::SolValue;
use std::collections::BTreeSet;

fn member(number: u8) -> (Address, U256) {
    (Address::repeat_byte(number), U256::from(number) << 60)
}

fn validator(number: u8) -> GenesisValidator {
    GenesisValidator {
        operator: Address::repeat_byte(number),
        key: vec![number; 1_952].into(),
        peer_id: vec![number; 34].into(),
        weight: 100,
    }
}

fn config() -> GenesisConfig {
    let validators = (1..=4).map(validator).collect();
    GenesisConfig {
        validators,
        guardian: Address::repeat_byte(9),
        ..GenesisConfig::new(3_600, (1..=3).map(member).collect())
    }
}

fn deployed(plan: &GenesisPlan) -> Vec<Address> {
    let address = |step: &GenesisStep| match step {
        GenesisStep::Deploy { address, .. } => Some(*address),
        GenesisStep::Call { .. } => None,
    };
    plan.steps.iter().filter_map(address).collect()
}

#[test]
fn the_same_configuration_gives_the_same_plan() {
    let plan = genesis_plan(&config()).unwrap();
    assert_eq!(plan, genesis_plan(&config()).unwrap());
    let other = GenesisConfig { time_scale: 1, ..config() };
    assert_ne!(plan, genesis_plan(&other).unwrap());
}

#[test]
fn every_contract_of_the_catalogue_is_deployed_once() {
    let deployed = deployed(&genesis_plan(&config()).unwrap());
    let known: BTreeSet<_> = crate::contracts().iter().map(|contract| contract.address).collect();
    assert_eq!(deployed.len(), known.len());
    assert_eq!(deployed.into_iter().collect::<BTreeSet<_>>(), known);
}

#[test]
fn calls_go_from_the_deployer_to_contracts_that_exist_by_then() {
    let mut existing = BTreeSet::new();
    for step in genesis_plan(&config()).unwrap().steps {
        match step {
            GenesisStep::Deploy { address, init_code, .. } => {
                assert!(init_code.len() <= 49_152, "EIP-3860");
                existing.insert(address);
            }
            GenesisStep::Call { from, to, .. } => {
                assert_eq!(from, GENESIS_DEPLOYER);
                assert!(existing.contains(&to), "{to} is called before it exists");
            }
        }
    }
}

#[test]
fn the_last_step_takes_the_deployers_last_right() {
    let plan = genesis_plan(&config()).unwrap();
    let Some(GenesisStep::Call { to, data, .. }) = plan.steps.last() else { panic!("no steps") };
    assert_eq!(*to, addresses::ACCESS_MANAGER);
    let call = AccessManager::renounceRoleCall::abi_decode(data).unwrap();
    assert_eq!((call.roleId, call.callerConfirmation), (roles::ADMIN, GENESIS_DEPLOYER));
}

#[test]
fn the_root_track_never_has_a_guardian() {
    let plan = genesis_plan(&config()).unwrap();
    for track in Track::ALL {
        let init_code = plan.steps.iter().find_map(|step| match step {
            GenesisStep::Deploy { address, init_code, .. } if *address == track.governor() => Some(init_code),
            _ => None,
        });
        let arguments = &init_code.unwrap()[MeshGovernor::BYTECODE.len()..];
        let (config, ..) = <(GovernorConfig, Address, Address, Address)>::abi_decode_params(arguments).unwrap();
        let expected = if track == Track::Root { Address::ZERO } else { Address::repeat_byte(9) };
        assert_eq!((config.guardian, config.rootTimelock), (expected, addresses::ROOT_TIMELOCK));
    }
}

#[test]
fn many_members_are_founded_in_several_calls() {
    let members = (1..=250u64).map(|i| (Address::from_word(U256::from(i).into()), U256::from(i))).collect();
    let plan = genesis_plan(&GenesisConfig::new(1, members)).unwrap();
    let mut founded = 0;
    for step in &plan.steps {
        let GenesisStep::Call { data, .. } = step else { continue };
        let Ok(call) = Reputation::mintGenesisCall::abi_decode(data) else { continue };
        assert!(call.to.len() <= MEMBERS_A_CALL);
        founded += call.to.len();
    }
    assert_eq!(founded, 250);
}

#[test]
fn what_the_contracts_would_refuse_is_refused_with_a_reason() {
    let with = |change: &dyn Fn(&mut GenesisConfig)| {
        let mut config = config();
        change(&mut config);
        genesis_plan(&config).unwrap_err()
    };
    let too_much = (Address::repeat_byte(7), U256::ONE << 96);
    assert_eq!(with(&|c| c.members.clear()), Error::NoMembers);
    assert!(matches!(with(&|c| c.time_scale = 0), Error::TimeScale { found: 0, .. }));
    assert!(matches!(with(&|c| c.members.push(member(1))), Error::RepeatedMember { .. }));
    assert!(matches!(with(&|c| c.members.push(member(0))), Error::EmptyMember { .. }));
    assert!(matches!(with(&|c| c.members.push(too_much)), Error::TooMuchReputation { .. }));
    assert!(matches!(with(&|c| c.validators = vec![validator(1); 129]), Error::TooManyValidators { found: 129, .. }));
    assert!(matches!(with(&|c| c.validators.push(validator(1))), Error::BadValidator { .. }));
    assert!(matches!(with(&|c| c.validators[0].weight = 0), Error::BadValidator { .. }));
    assert!(matches!(with(&|c| c.validators[0].key = Bytes::new()), Error::BadValidator { .. }));
    assert!(matches!(with(&|c| c.validators[0].peer_id = Bytes::new()), Error::BadValidator { .. }));
    let small = RootSubmesh { gas_limit: 1, ..RootSubmesh::default() };
    assert!(matches!(with(&|c| c.root_submesh = small), Error::BadRootSubmesh { .. }));
    let dear = RootSubmesh { base_fee_floor: u64::MAX, ..RootSubmesh::default() };
    assert!(matches!(with(&|c| c.root_submesh = dear), Error::BadRootSubmesh { .. }));
}

#[test]
fn validators_begin_bonded_with_coin_that_exists() {
    let plan = genesis_plan(&config()).unwrap();
    let coin: U256 = plan.accounts.iter().map(|account| account.balance).sum();
    assert_eq!(plan.accounts.iter().map(|account| account.address).collect::<Vec<_>>(), [addresses::VALIDATOR_SET]);
    let founded = plan.steps.iter().find_map(|step| match step {
        GenesisStep::Call { data, .. } => ValidatorSet::foundBondsCall::abi_decode(data).ok(),
        GenesisStep::Deploy { .. } => None,
    });
    let founded = founded.unwrap();
    assert_eq!(founded.operators, (1..=4).map(Address::repeat_byte).collect::<Vec<_>>());
    assert_eq!(founded.amounts, vec![U256::from(100) * U256::from(10).pow(U256::from(18)); 4]);
    assert_eq!(founded.amounts.into_iter().sum::<U256>(), coin);
    let none = genesis_plan(&GenesisConfig::new(1, vec![member(1)])).unwrap();
    assert_eq!(none.accounts, []);
}
