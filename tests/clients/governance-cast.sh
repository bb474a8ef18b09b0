#!/usr/bin/env bash
# A proposal from draft to executed with stock cast only, by the fixed addresses; then the submesh is read back.
# usage: governance-cast.sh RPC_URL clock|idle
#   clock   moves the chain's time with evm_increaseTime
#   idle    touches no clock: the chain is idle, time passes, and cast must not estimate in the past
#           (start the node with --time-scale 86400, so that it takes well under a minute)
set -euo pipefail
[ $# -eq 2 ] || { sed -n '2,6s/^# //p' "$0" >&2; exit 2; }
url=$1
mode=$2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tools=${QSDM_TOOLS:-$here/../../target/tools}
mnemonic=${QSDM_MNEMONIC:-test test test test test test test test test test test junk}
export FOUNDRY_DISABLE_NIGHTLY_WARNING=1 NO_COLOR=1

zeros=0000000000000000000000000000
registry=0x${zeros}5153444d0005
reputation=0x${zeros}5153444d0003
governor=0x${zeros}5153444d0012
timelock=0x${zeros}5153444d0022
params='(uint8,uint32,uint32,uint64,uint16,uint16,uint64)'
name=micropayments-eu
values='(2,2000,262144,1000000000,1,500,30000000)'

cast() { "$tools/bin/cast" "$@"; }
read_() { cast call --rpc-url "$url" "$@"; }
key() { cast wallet private-key --mnemonic "$mnemonic" --mnemonic-index "$1"; }
address() { cast wallet address --private-key "$(key "$1")"; }
fail() { echo "FAIL $*" >&2; exit 1; }
ok() { echo "ok   $*"; }

# send ACCOUNT_INDEX ARGS…: estimates, signs, sends and waits, as a person at a terminal does
send() {
  local index=$1 answer
  shift
  answer=$(cast send --json --rpc-url "$url" --private-key "$(key "$index")" "$@") || fail "cast send $*"
  [ "$(python3 -c 'import json,sys; print(json.load(sys.stdin)["status"])' <<<"$answer")" = 0x1 ] || fail "cast send $* was reverted: $answer"
}

# refused WORD ARGS…: cast must fail, and say why
refused() {
  local word=$1 said
  shift
  if said=$("$@" 2>&1); then fail "$* was expected to be refused"; fi
  grep -q -- "$word" <<<"$said" || fail "$* was refused without $word: $said"
}

state() { read_ "$governor" 'state(uint256)(uint8)' "$proposal"; }

# until_state NAME NUMBER SECONDS: lets time pass until the proposal is in this state
until_state() {
  if [ "$mode" = clock ]; then
    cast rpc --rpc-url "$url" evm_increaseTime "$3" >/dev/null
    cast rpc --rpc-url "$url" evm_mine >/dev/null
  fi
  for _ in $(seq 600); do
    [ "$(state)" = "$2" ] && { ok "the proposal is $1"; return; }
    sleep 0.5
  done
  fail "the proposal is not $1: state $(state)"
}

number() { local text; text=$(read_ "$@"); echo "${text%% *}"; }
delay=$(number "$governor" 'votingDelay()(uint256)')
period=$(number "$governor" 'votingPeriod()(uint256)')
lock=$(number "$timelock" 'getMinDelay()(uint256)')
ok "delay $delay s, period $period s, timelock $lock s"

[ "$(number "$reputation" 'getVotes(address)(uint256)' "$(address 0)")" != 0 ] || fail "account 0 holds no reputation"
before=$(number "$registry" 'count()(uint256)')
refused revert cast send --rpc-url "$url" --private-key "$(key 0)" "$registry" "create(string,$params)" "$name" "$values"
ok "nobody creates a submesh without a vote"

call=$(cast calldata "create(string,$params)" "$name" "$values")
title="Create the submesh $name"
proposer=$(address 0 | tr '[:upper:]' '[:lower:]')
description="$title #proposer=$proposer"
hash=$(cast keccak "$description")
targets="[$registry]"
proposal=$(number "$governor" 'hashProposal(address[],uint256[],bytes[],bytes32)(uint256)' "$targets" '[0]' "[$call]" "$hash")

refused revert cast send --rpc-url "$url" --private-key "$(key 1)" "$governor" 'propose(address[],uint256[],bytes[],string)' "$targets" '[0]' "[$call]" "$description"
ok "nobody proposes in another's name"
send 0 "$governor" 'propose(address[],uint256[],bytes[],string)' "$targets" '[0]' "[$call]" "$description"
[ "$(state)" = 0 ] || fail "a new proposal is pending, not $(state)"
refused revert cast send --rpc-url "$url" --private-key "$(key 0)" "$governor" 'castVote(uint256,uint8)' "$proposal" 1
ok "proposed; no vote counts before it is active"

until_state active 1 $((delay + 1))
send 0 "$governor" 'castVote(uint256,uint8)' "$proposal" 1
send 1 "$governor" 'castVoteWithReason(uint256,uint8,string)' "$proposal" 1 'small payments need their own lane'
send 2 "$governor" 'castVote(uint256,uint8)' "$proposal" 2
refused revert cast send --rpc-url "$url" --private-key "$(key 0)" "$governor" 'castVote(uint256,uint8)' "$proposal" 1
ok "three accounts voted, none twice"

until_state successful 4 "$period"
send 3 "$governor" 'queue(address[],uint256[],bytes[],bytes32)' "$targets" '[0]' "[$call]" "$hash"
[ "$(state)" = 5 ] || fail "a queued proposal is queued, not $(state)"
eta=$(number "$governor" 'proposalEta(uint256)(uint256)' "$proposal")
ok "queued until $eta"

if [ "$mode" = clock ]; then
  cast rpc --rpc-url "$url" evm_increaseTime "$((lock + 1))" >/dev/null
  cast rpc --rpc-url "$url" evm_mine >/dev/null
else
  while [ "$(date +%s)" -le "$eta" ]; do sleep 0.5; done
fi
send 4 "$governor" 'execute(address[],uint256[],bytes[],bytes32)' "$targets" '[0]' "[$call]" "$hash"
[ "$(state)" = 7 ] || fail "an executed proposal is executed, not $(state)"
[ "$(number "$registry" 'count()(uint256)')" = $((before + 1)) ] || fail "there is no new submesh"
found=$(read_ "$registry" 'idOf(string)(bool,uint32)' "$name" | tr '\n' ' ')
[ "$found" = "true $before " ] || fail "idOf($name) answers $found"
[ "$(read_ "$registry" 'status(uint32)(uint8)' "$before")" = 1 ] || fail "the submesh is not active"
ok "executed: $name is submesh $before, active"
