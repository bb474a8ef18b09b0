//! Who sends: an account whose key the node holds, or a keystore file.

use super::{
    client::{self, Client, Receipt},
    keystore,
};
use crate::cli::Usage;
use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, TxKind, U128, U256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use clap::Args;
use eyre::{Result, WrapErr, bail};
use qsdm_governance::LedgerError;
use serde_json::json;
use std::{path::PathBuf, thread, time::Duration};

/// Which account sends.
#[derive(Debug, Args)]
pub(super) struct SenderArgs {
    /// Account whose key the node holds: its address, or its position (`qsdm dev`) [default: 0]
    #[arg(long, value_name = "ACCOUNT", conflicts_with = "keystore")]
    from: Option<String>,

    /// Sign here with the key of this file (web3 secret storage v3)
    #[arg(long, value_name = "FILE", env = "QSDM_KEYSTORE", requires = "password_file")]
    keystore: Option<PathBuf>,

    /// File that holds the password of the keystore
    #[arg(long, value_name = "FILE", env = "QSDM_PASSWORD_FILE")]
    password_file: Option<PathBuf>,
}

/// An account that can send.
pub(super) struct Sender<'a> {
    client: &'a Client,
    address: Address,
    key: Option<PrivateKeySigner>,
}

/// A transaction that was included.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) hash: B256,
    pub(super) receipt: Receipt,
}

/// How often an inclusion is asked for.
const POLL: Duration = Duration::from_millis(200);
/// Polls before giving up: five minutes.
const POLLS_MAX: u32 = 1_500;

impl SenderArgs {
    /// The account, its key unlocked if it has one here.
    pub(super) fn open<'a>(&self, client: &'a Client) -> Result<Sender<'a>> {
        let key = match (&self.keystore, &self.password_file) {
            (Some(keystore), Some(password)) => Some(keystore::unlock(keystore, password)?),
            _ => None,
        };
        let address = match &key {
            Some(key) => key.address(),
            None => self.node_account(client)?,
        };
        Ok(Sender { client, address, key })
    }

    fn node_account(&self, client: &Client) -> Result<Address> {
        let accounts = client.accounts()?;
        if accounts.is_empty() {
            let text = "the node holds no keys: sign with --keystore FILE --password-file FILE";
            return Err(Usage(text.to_owned()).into());
        }
        let address = client::account(client, self.from.as_deref().unwrap_or("0"))?;
        if !accounts.contains(&address) {
            bail!("the node does not hold the key of {address}: sign with --keystore FILE --password-file FILE");
        }
        Ok(address)
    }
}

impl Sender<'_> {
    pub(super) fn address(&self) -> Address {
        self.address
    }

    /// Gas that a transaction would take; a refusal is explained.
    pub(super) fn estimate(&self, to: Address, data: &Bytes) -> Result<u64, LedgerError> {
        self.client.quantity("eth_estimateGas", json!([{ "from": self.address, "to": to, "data": data }]))
    }

    /// Sends a transaction and waits until it is in a block. A revert is an error.
    pub(super) fn send(&self, to: Address, data: Bytes) -> Result<Sent> {
        // what governance calls cost depends on the second they run in; a fifth more covers it
        let estimate = self.estimate(to, &data)?;
        let gas = estimate.saturating_add(estimate / 5);
        let hash = match &self.key {
            Some(key) => self.sign_and_send(key, to, data, gas)?,
            None => {
                let request = json!({ "from": self.address, "to": to, "data": data, "gas": format!("{gas:#x}") });
                self.client.request("eth_sendTransaction", json!([request]))?
            }
        };
        for _ in 0..POLLS_MAX {
            if let Some(receipt) = self.client.receipt(hash)? {
                if receipt.status.is_zero() {
                    bail!("transaction {hash} is in block {} and reverted; nothing was changed", receipt.block_number);
                }
                return Ok(Sent { hash, receipt });
            }
            thread::sleep(POLL);
        }
        bail!("transaction {hash} was accepted but is in no block after five minutes; ask for its receipt later")
    }

    fn sign_and_send(&self, key: &PrivateKeySigner, to: Address, data: Bytes, gas: u64) -> Result<B256> {
        let price: U128 = self.client.request("eth_gasPrice", json!([]))?;
        let tip: U128 = self.client.request("eth_maxPriorityFeePerGas", json!([]))?;
        let tx = TxEip1559 {
            chain_id: self.client.quantity("eth_chainId", json!([]))?,
            nonce: self.client.quantity("eth_getTransactionCount", json!([self.address, "pending"]))?,
            gas_limit: gas,
            // twice the price leaves room for six full blocks of rising base fee
            max_fee_per_gas: price.to::<u128>().saturating_mul(2).saturating_add(tip.to()),
            max_priority_fee_per_gas: tip.to(),
            to: TxKind::Call(to),
            value: U256::ZERO,
            access_list: Default::default(),
            input: data,
        };
        let signature = key.sign_hash_sync(&tx.signature_hash()).wrap_err("the key does not sign")?;
        let raw: Bytes = TxEnvelope::from(tx.into_signed(signature)).encoded_2718().into();
        Ok(self.client.request("eth_sendRawTransaction", json!([raw]))?)
    }
}
