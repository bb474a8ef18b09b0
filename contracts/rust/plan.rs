//! From a configuration to the steps of genesis: constructors, founding state, roles, and the end of the deployer.

use crate::bindings::mesh_governor::GovernorBounds::Config as GovernorConfig;
use crate::bindings::submesh_registry::SubmeshRegistry as registry;
use crate::bindings::{
    AccessManager, MeshGovernor, MeshTimelock, PQKeyRegistry, Reputation, SubmeshRegistry, SystemHooks, ValidatorSet,
};
use crate::{Error, GenesisConfig, GenesisValidator, Track, addresses, roles};
use alloy_primitives::aliases::U48;
use alloy_primitives::{Address, Bytes, FixedBytes, U256, address};
use alloy_sol_types::{SolCall, SolConstructor};
use qsdm_primitives::system::GENESIS_DEPLOYER;
use qsdm_primitives::{GenesisAccount, GenesisPlan, GenesisStep};

/// ML-DSA-44 precompile of EIP-8355; 65 and 87 follow it.
const PRECOMPILE_BASE: Address = address!("0000000000000000000000000000000000000012");
/// Reputation halves in 90 days; never scaled.
const HALF_LIFE_SECONDS: u64 = 90 * 86_400;
/// Shares of the mint that nobody drew lapse after a week.
const MINT_WINDOW_SECONDS: u64 = 7 * 86_400;
/// Wei behind one unit of a validator's weight: `ValidatorSet.UNIT`.
const WEIGHT_UNIT_WEI: u64 = 1_000_000_000_000_000_000;
/// Members a call: about 8 million gas, half of what one transaction may use.
const MEMBERS_A_CALL: usize = 100;

/// The steps that bring the DAO to life, the same for the same configuration.
///
/// All are run by [`GENESIS_DEPLOYER`] in the genesis second, which lies before block 1: so founding reputation counts
/// for proposals in block 1, and nothing that is only allowed in that second can ever be called again. At the end the
/// Root timelock is the only admin, and the deployer has no right left.
///
/// # Errors
/// What a constructor or call would refuse is refused here, with the reason.
pub fn genesis_plan(config: &GenesisConfig) -> Result<GenesisPlan, Error> {
    config.check()?;
    let mut steps = core_contracts(config);
    for track in Track::ALL {
        steps.extend(track_contracts(config, track));
    }
    steps.extend(founding_state(config));
    steps.extend(role_steps());
    steps.extend(handover());
    Ok(GenesisPlan { accounts: bonded_coin(config), steps })
}

/// What a validator of genesis has bonded, in wei: as much as may count.
fn bond(validator: &GenesisValidator) -> U256 {
    U256::from(validator.weight) * U256::from(WEIGHT_UNIT_WEI)
}

/// The coin behind the bonds of genesis, in the contract that keeps them.
fn bonded_coin(config: &GenesisConfig) -> Vec<GenesisAccount> {
    if config.validators.is_empty() {
        return Vec::new();
    }
    let balance = config.validators.iter().map(bond).sum();
    vec![GenesisAccount { address: addresses::VALIDATOR_SET, balance, code: Bytes::new(), nonce: 0 }]
}

fn core_contracts(config: &GenesisConfig) -> Vec<GenesisStep> {
    let authority = addresses::ACCESS_MANAGER;
    let reputation = addresses::REPUTATION;
    vec![
        deploy(
            addresses::ACCESS_MANAGER,
            &AccessManager::BYTECODE,
            AccessManager::constructorCall { initialAdmin: GENESIS_DEPLOYER },
        ),
        deploy(
            addresses::PQ_KEY_REGISTRY,
            &PQKeyRegistry::BYTECODE,
            PQKeyRegistry::constructorCall { precompileBase: PRECOMPILE_BASE },
        ),
        deploy(
            reputation,
            &Reputation::BYTECODE,
            Reputation::constructorCall {
                authority,
                pqKeys: addresses::PQ_KEY_REGISTRY,
                halfLife: U48::from(HALF_LIFE_SECONDS),
                mintWindow: U48::from(MINT_WINDOW_SECONDS),
            },
        ),
        deploy(
            addresses::SUBMESH_REGISTRY,
            &SubmeshRegistry::BYTECODE,
            SubmeshRegistry::constructorCall { authority, policy_: default_policy(), root: root_params(config) },
        ),
        deploy(
            addresses::VALIDATOR_SET,
            &ValidatorSet::BYTECODE,
            ValidatorSet::constructorCall { authority, reputation },
        ),
        deploy(
            addresses::SYSTEM_HOOKS,
            &SystemHooks::BYTECODE,
            SystemHooks::constructorCall {
                registry: addresses::SUBMESH_REGISTRY,
                reputation,
                validators: addresses::VALIDATOR_SET,
            },
        ),
    ]
}

fn track_contracts(config: &GenesisConfig, track: Track) -> [GenesisStep; 2] {
    let settings = track.settings(config.time_scale);
    // rule 13: the Root track never has a guardian
    let guardian = if track == Track::Root { Address::ZERO } else { config.guardian };
    let timelock = MeshTimelock::constructorCall {
        delay: U256::from(settings.timelock_delay),
        floor: U256::from(settings.timelock_floor),
        governor: track.governor(),
        rootTimelock: addresses::ROOT_TIMELOCK,
    };
    let governor = MeshGovernor::constructorCall {
        config: GovernorConfig {
            name: track.governor_name().to_owned(),
            votingDelay: U48::from(settings.voting_delay),
            votingPeriod: u32::try_from(settings.voting_period).expect("invariant: a period is a week at most"),
            lateExtension: U48::from(settings.late_extension),
            executionWindow: U48::from(settings.execution_window),
            thresholdBps: settings.threshold_bps,
            quorumPercent: settings.quorum_percent,
            guardian,
            rootTimelock: addresses::ROOT_TIMELOCK,
        },
        reputation: addresses::REPUTATION,
        timelock_: track.timelock(),
        pqKeys: addresses::PQ_KEY_REGISTRY,
    };
    [
        deploy(track.timelock(), &MeshTimelock::BYTECODE, timelock),
        deploy(track.governor(), &MeshGovernor::BYTECODE, governor),
    ]
}

/// Health bounds of the submeshes that a chain starts with; the Root track changes them.
fn default_policy() -> registry::Policy {
    registry::Policy {
        minAvailabilityBps: 9_500,
        maxP99LatencyMs: 2_000,
        maxSpamBps: 500,
        maxConflictBps: 300,
        minTxPerEpoch: 10,
        badEpochsToDegrade: 3,
        goodEpochsToRecover: 2,
        graceEpochs: 1,
        drainEpochs: 2,
    }
}

fn root_params(config: &GenesisConfig) -> registry::Params {
    registry::Params {
        dimensions: 2,
        maxCellTxs: 4_096,
        maxCellBytes: 1 << 20,
        baseFeeFloor: config.root_submesh.base_fee_floor,
        minValidators: 1,
        spamThresholdBps: 500,
        gasLimit: config.root_submesh.gas_limit,
    }
}

/// Members' reputation and the validators of the first epoch: epoch 0 is genesis itself, and ends here.
fn founding_state(config: &GenesisConfig) -> Vec<GenesisStep> {
    let mut steps = Vec::new();
    for members in config.members.chunks(MEMBERS_A_CALL) {
        let (to, amounts) = members.iter().copied().unzip();
        let name = format!("found {} members", members.len());
        steps.push(call(name, addresses::REPUTATION, Reputation::mintGenesisCall { to, amounts }));
    }
    for validator in &config.validators {
        let admit = ValidatorSet::admitCall {
            operator: validator.operator,
            key: validator.key.clone(),
            peerId: validator.peer_id.clone(),
            ceiling: validator.weight,
        };
        steps.push(call(format!("admit validator {}", validator.operator), addresses::VALIDATOR_SET, admit));
    }
    if !config.validators.is_empty() {
        let (operators, amounts) =
            config.validators.iter().map(|validator| (validator.operator, bond(validator))).unzip();
        let found = ValidatorSet::foundBondsCall { operators, amounts };
        steps.push(call("bond the validators", addresses::VALIDATOR_SET, found));
    }
    steps.push(call("start the first epoch", addresses::VALIDATOR_SET, ValidatorSet::endEpochCall { epoch: 0 }));
    steps
}

/// Which role may call what. What is not listed belongs to the admin.
fn role_steps() -> Vec<GenesisStep> {
    let registry = addresses::SUBMESH_REGISTRY;
    let (reputation, validators) = (addresses::REPUTATION, addresses::VALIDATOR_SET);
    let functions: [(Address, u64, &[[u8; 4]]); 9] = [
        (registry, roles::SYSTEM, &[SubmeshRegistry::reportCall::SELECTOR]),
        (
            registry,
            roles::SUBMESH,
            &[
                SubmeshRegistry::createCall::SELECTOR,
                SubmeshRegistry::setParamsCall::SELECTOR,
                SubmeshRegistry::retireCall::SELECTOR,
                SubmeshRegistry::releaseCall::SELECTOR,
            ],
        ),
        (registry, roles::EMERGENCY, &[SubmeshRegistry::quarantineCall::SELECTOR]),
        (registry, roles::PARAMS, &[SubmeshRegistry::setPolicyCall::SELECTOR]),
        (reputation, roles::SYSTEM, &[Reputation::awardBatchCall::SELECTOR]),
        (reputation, roles::REWARDS, &[Reputation::awardGovernanceCall::SELECTOR]),
        (reputation, roles::SLASHER, &[Reputation::slashCall::SELECTOR]),
        (validators, roles::SYSTEM, &[ValidatorSet::endEpochCall::SELECTOR, ValidatorSet::punishCall::SELECTOR]),
        (validators, roles::PARAMS, &[ValidatorSet::setMinBondCall::SELECTOR]),
    ];
    let members = [
        (roles::SYSTEM, addresses::SYSTEM_HOOKS),
        (roles::SUBMESH, addresses::SUBMESH_TIMELOCK),
        (roles::SLASHER, addresses::VALIDATOR_SET),
        (roles::PARAMS, addresses::ROOT_TIMELOCK),
    ];
    let label = |(role, label): (u64, &str)| {
        let labelled = AccessManager::labelRoleCall { roleId: role, label: label.to_owned() };
        call(format!("label role {role}"), addresses::ACCESS_MANAGER, labelled)
    };
    let allow = |(target, role, selectors): (Address, u64, &[[u8; 4]])| {
        let selectors = selectors.iter().map(FixedBytes::from).collect();
        let allowed = AccessManager::setTargetFunctionRoleCall { target, selectors, roleId: role };
        call(format!("let role {role} call {target}"), addresses::ACCESS_MANAGER, allowed)
    };
    let grant = |(role, account): (u64, Address)| grant_role(role, account);
    roles::LABELS
        .into_iter()
        .map(label)
        .chain(functions.into_iter().map(allow))
        .chain(members.into_iter().map(grant))
        .collect()
}

/// The Root timelock becomes the admin; the deployer keeps nothing.
fn handover() -> [GenesisStep; 2] {
    let renounce = AccessManager::renounceRoleCall { roleId: roles::ADMIN, callerConfirmation: GENESIS_DEPLOYER };
    [
        grant_role(roles::ADMIN, addresses::ROOT_TIMELOCK),
        call("renounce the deployer's admin role", addresses::ACCESS_MANAGER, renounce),
    ]
}

fn grant_role(role: u64, account: Address) -> GenesisStep {
    let granted = AccessManager::grantRoleCall { roleId: role, account, executionDelay: 0 };
    call(format!("grant role {role} to {account}"), addresses::ACCESS_MANAGER, granted)
}

fn deploy(address: Address, bytecode: &Bytes, constructor: impl SolConstructor) -> GenesisStep {
    let init_code = [bytecode.as_ref(), &constructor.abi_encode()].concat().into();
    let name = addresses::name_of(address).expect("invariant: what is deployed is in the catalogue").to_owned();
    GenesisStep::Deploy { name, address, init_code }
}

fn call(name: impl Into<String>, to: Address, call: impl SolCall) -> GenesisStep {
    GenesisStep::Call { name: name.into(), from: GENESIS_DEPLOYER, to, data: call.abi_encode().into() }
}

#[cfg(test)]
mod tests;
