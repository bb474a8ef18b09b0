//! `qsdm validators` and `qsdm peers`: what a running node knows of others.

use super::gov::client::Client;
use alloy_primitives::{Address, B256, U64};
use clap::Args;
use eyre::{Result, eyre};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::process::ExitCode;

/// Arguments of commands that ask a node.
#[derive(Debug, Args)]
pub(crate) struct AskArgs {
    /// JSON-RPC address of a node
    #[arg(long, env = "QSDM_RPC", default_value = "http://127.0.0.1:8545", value_name = "URL")]
    rpc: String,

    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Committee {
    epoch: U64,
    round: U64,
    height: U64,
    finalized_block: U64,
    leader: U64,
    me: Option<U64>,
    validators: Vec<Member>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Member {
    account: Address,
    key_hash: B256,
    bonded: U64,
    weight: U64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Peer {
    node: String,
    address: String,
    validator: Option<B256>,
    direction: String,
    agent: String,
    round_trip_us: Option<U64>,
    points: U64,
}

/// The answer, or none where it was printed as it is.
fn ask<T: DeserializeOwned>(args: &AskArgs, method: &str) -> Result<Option<T>> {
    let answer: Value = Client::new(&args.rpc)?.request(method, json!([]))?;
    if answer.is_null() {
        return Err(eyre!("{} makes its chain by itself: it has no validators and no peers", args.rpc));
    }
    if args.json {
        println!("{answer}");
        return Ok(None);
    }
    Ok(Some(serde_json::from_value(answer)?))
}

pub(super) fn validators(args: &AskArgs) -> Result<ExitCode> {
    let Some(committee) = ask::<Committee>(args, "qsdm_getCommittee")? else { return Ok(ExitCode::SUCCESS) };
    let Committee { epoch, round, height, finalized_block, leader, me, validators } = committee;
    println!("epoch {epoch} · round {round} · height {height} · block {finalized_block} is final");
    let total: u64 = validators.iter().map(|member| member.weight.to::<u64>()).sum();
    for (place, Member { account, key_hash, bonded, weight }) in validators.iter().enumerate() {
        let place = U64::from(place);
        let leads = if place == leader { "leads" } else { "" };
        let is_me = if Some(place) == me { "this node" } else { "" };
        println!(
            "{place:>3}  {account}  key {key_hash:.10}  weight {weight} of {total} (bonded {bonded})  {leads} {is_me}"
        );
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn peers(args: &AskArgs) -> Result<ExitCode> {
    let Some(peers) = ask::<Vec<Peer>>(args, "qsdm_getPeers")? else { return Ok(ExitCode::SUCCESS) };
    println!("{} peers", peers.len());
    for Peer { node, address, validator, direction, agent, round_trip_us, points } in peers {
        let role = validator.map_or("observer".to_owned(), |key| format!("validator {key:.10}"));
        let time = round_trip_us.map_or("–".to_owned(), |us| format!("{:.1} ms", us.to::<u64>() as f64 / 1_000.0));
        println!("{node}  {role}  {address}  {direction}  {agent}  {time}  {points} points");
    }
    Ok(ExitCode::SUCCESS)
}
