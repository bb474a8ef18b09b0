"""web3.py, unchanged: deploy, read, write, events, fees, revert reasons, typed transactions, the AsyncWeb3 ws subscription.

Takes the endpoint as its argument and the compiled demo contracts as JSON on standard input (the Node side compiles them)."""

import asyncio
import json
import os
import sys

from eth_account import Account
from web3 import AsyncWeb3, Web3, WebSocketProvider
from web3.exceptions import ContractCustomError, ContractLogicError, ContractPanicError, Web3RPCError

url = sys.argv[1]
demo_json = json.load(sys.stdin)["Demo"]
Account.enable_unaudited_hdwallet_features()
mnemonic = os.environ.get("QSDM_MNEMONIC", "test test test test test test test test test test test junk")
owner, other = (Account.from_mnemonic(mnemonic, account_path=f"m/44'/60'/0'/0/{i}") for i in (0, 1))
w3 = Web3(Web3.HTTPProvider(url))


def observe(step, value):
    print(json.dumps({"step": step, "value": value}, default=lambda v: Web3.to_hex(v) if isinstance(v, bytes) else str(v)))


def send(transaction):
    transaction = {"chainId": 31337, "nonce": w3.eth.get_transaction_count(owner.address), **transaction}
    transaction.setdefault("gas", 500_000)
    signed = owner.sign_transaction(transaction)
    return w3.eth.wait_for_transaction_receipt(w3.eth.send_raw_transaction(signed.raw_transaction), poll_latency=0.05)


def failure(action):
    try:
        action()
    except (ContractLogicError, Web3RPCError) as error:
        return error
    raise SystemExit("check failed: the call was expected to fail and did not")


fees = {"maxFeePerGas": 10**11, "maxPriorityFeePerGas": 10**9}
observe("connected", [w3.is_connected(), w3.eth.chain_id, len(w3.eth.accounts)])
factory = w3.eth.contract(abi=demo_json["abi"], bytecode=demo_json["bytecode"])
receipt = send({"data": factory.constructor("web3.py").data_in_transaction, "gas": 2_000_000, **fees})
demo = w3.eth.contract(address=receipt.contractAddress, abi=demo_json["abi"])
observe("deploy", [receipt.contractAddress, receipt.gasUsed])
observe("read", [demo.functions.name().call(), demo.functions.owner().call()])

data = demo.encode_abi("store", [1, 11, "by web3.py"])
for kind, extra in [("legacy", {"gasPrice": 10**11}), ("access list", {"gasPrice": 10**11, "accessList": []}), ("dynamic fee", fees)]:
    receipt = send({"to": demo.address, "data": data, "value": 0, **extra})
    observe(kind, [receipt.type, receipt.status, receipt.gasUsed])
observe("event", [dict(log.args) for log in demo.events.Stored().process_receipt(receipt)])
observe("logs", len(demo.events.Stored().get_logs(from_block=0)))
observe("fees", [w3.eth.gas_price > 0, w3.eth.max_priority_fee > 0, len(w3.eth.fee_history(2, "latest", [50]).baseFeePerGas)])
observe("estimate", demo.functions.store(9, 9, "x").estimate_gas({"from": owner.address}))

error = failure(lambda: demo.functions.failWithCustomError(5).call())
observe("custom error", [isinstance(error, ContractCustomError), error.data])
error = failure(lambda: demo.functions.failWithString().call())
observe("require string", [type(error).__name__, error.message])
error = failure(lambda: demo.functions.failWithPanic(0).call())
observe("panic", [isinstance(error, ContractPanicError), error.data])
observe("no funds", type(failure(lambda: send({"to": other.address, "value": 10**30, "gas": 21_000, **fees}))).__name__)

unlocked = demo.functions.store(2, 22, "unlocked").transact({"from": w3.eth.accounts[1]})
observe("unlocked", w3.eth.wait_for_transaction_receipt(unlocked, poll_latency=0.05).status)
block = w3.eth.get_block("latest", full_transactions=True)
observe("block", sorted(block.keys()))


async def over_ws():
    async with AsyncWeb3(WebSocketProvider(url.replace("http", "ws"))) as socket:
        await socket.eth.subscribe("newHeads")
        await asyncio.to_thread(send, {"to": demo.address, "data": data, "value": 0, **fees})
        async for message in socket.socket.process_subscriptions():
            observe("head over ws", message["result"]["number"] == await socket.eth.block_number)
            return


asyncio.run(asyncio.wait_for(over_ws(), 30))
