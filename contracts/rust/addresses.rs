//! Where the genesis contracts live: 28 zeros, `5153444d` ("QSDM") and four digits.

use alloy_primitives::Address;

/// Entry of consensus: block starts, epoch ends, evidence.
pub const SYSTEM_HOOKS: Address = numbered(0x0001);
/// OpenZeppelin's AccessManager: who may call what.
pub const ACCESS_MANAGER: Address = numbered(0x0002);
/// Voting reputation.
pub const REPUTATION: Address = numbered(0x0003);
/// ML-DSA keys of accounts.
pub const PQ_KEY_REGISTRY: Address = numbered(0x0004);
/// The submeshes.
pub const SUBMESH_REGISTRY: Address = numbered(0x0005);
/// The validators.
pub const VALIDATOR_SET: Address = numbered(0x0006);
/// Governor of the Root track.
pub const ROOT_GOVERNOR: Address = numbered(0x0011);
/// Governor of the Submesh track.
pub const SUBMESH_GOVERNOR: Address = numbered(0x0012);
/// Timelock of the Root track: the admin of everything.
pub const ROOT_TIMELOCK: Address = numbered(0x0021);
/// Timelock of the Submesh track.
pub const SUBMESH_TIMELOCK: Address = numbered(0x0022);

/// Name of the genesis contract at `address`.
pub fn name_of(address: Address) -> Option<&'static str> {
    crate::contract_at(address).map(|contract| contract.name)
}

/// The address with these last two bytes.
const fn numbered(number: u16) -> Address {
    let mut bytes = [0u8; 20];
    let [high, low] = number.to_be_bytes();
    (bytes[14], bytes[15], bytes[16], bytes[17]) = (0x51, 0x53, 0x44, 0x4d);
    (bytes[18], bytes[19]) = (high, low);
    Address::new(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_node_and_the_contracts_agree_on_where_the_hooks_are() {
        assert_eq!(SYSTEM_HOOKS, qsdm_primitives::system::SYSTEM_HOOKS);
    }

    #[test]
    fn addresses_spell_the_prefix_and_their_number() {
        assert_eq!(ROOT_TIMELOCK.to_string().to_lowercase(), "0x00000000000000000000000000005153444d0021");
    }
}
