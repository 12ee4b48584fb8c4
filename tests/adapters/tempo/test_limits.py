"""A signer that reads what it signs: outside of its policy it signs nothing, and a person looks (S-25)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from invoicepay import Asset, InvoicePay, Programme
from invoicepay.adapters.simulated import SimulatedRails
from invoicepay.adapters.simulated.bank import BankCommand
from invoicepay.adapters.system import SystemClock
from invoicepay.adapters.tempo import calls
from invoicepay.adapters.tempo.addresses import ISSUER_ROLE, REGISTRY
from invoicepay.adapters.tempo.extra import keccak
from invoicepay.adapters.tempo.keys import LocalKeys
from invoicepay.adapters.tempo.limits import FEE_PAYER, SENDER, LimitedSigner, SigningPolicy, standard_policy
from invoicepay.adapters.tempo.network import LOCAL, TempoAccounts, TempoToken
from invoicepay.adapters.tempo.transaction import (
    MAX_FEE,
    MOST_GAS,
    Call,
    SignedTransaction,
    TempoTransaction,
    sign_transaction,
)
from invoicepay.bridge import run_blocking
from invoicepay.domain.effects import EffectKind
from invoicepay.domain.policies import Settlement
from invoicepay.errors import ProviderRejected, ProviderUnknown
from invoicepay.ports.signing import Signature
from invoicepay.ports.tokens import TokenStatus, TokenTransfer
from tests.adapters.tempo import oracle
from tests.adapters.tempo.bench import ASSET, SEED, usd
from tests.adapters.tempo.chain import SEND, Chain, a_mint, a_transfer, an_order

TOKEN = TempoToken(asset=ASSET, address="0x20c0000000000000000000000000000000000001", policy=2)
OTHER_TOKEN = "0x20c0000000000000000000000000000000000002"
MEMO = bytes(range(32))
WALLET = "wallet:t:ann"


class Counting:
    """Keys that count what they were asked to sign, as a key service's own log does."""

    def __init__(self) -> None:
        self.keys = LocalKeys(SEED)
        self.signed: list[str] = []

    async def address(self, account: str) -> str:
        return await self.keys.address(account)

    async def sign(self, account: str, digest: bytes, *, payload: bytes) -> Signature:
        self.signed.append(account)
        return await self.keys.sign(account, digest, payload=payload)


KEYS = LocalKeys(SEED)
ISSUER, OPERATOR, ANN, BOB = (
    run_blocking(KEYS.address(name)) for name in ("issuer", "operator", WALLET, "wallet:t:bob")
)


def policy(**changes: Any) -> SigningPolicy:
    return replace(run_blocking(standard_policy(KEYS, LOCAL, [TOKEN], most=usd("1000.00"))), **changes)


def signed(
    account: str, *made: Call, fee_payer: str | None = "fees", keys: Counting | None = None, **changes: Any
) -> SignedTransaction:
    given: dict[str, Any] = {"chain_id": LOCAL.chain_id, "nonce_key": 1, "nonce": 0, "gas": 1_000_000}
    transaction = TempoTransaction(calls=made, fee_token=LOCAL.fee_token, **{**given, **changes})
    signer = LimitedSigner(keys or Counting(), policy())
    return run_blocking(sign_transaction(signer, transaction, account=account, fee_payer=fee_payer))


MINT = calls.mint(TOKEN.address, ANN, usd("1000.00").micros, MEMO)
PULL = calls.pull(TOKEN.address, ANN, BOB, usd("1000.00").micros, MEMO)
BURN = (
    calls.pull(TOKEN.address, ANN, ISSUER, usd("5.00").micros, MEMO),
    calls.burn(TOKEN.address, usd("5.00").micros, MEMO),
)

ALLOWED: dict[str, tuple[str, tuple[Call, ...]]] = {
    "a mint": ("issuer", (MINT,)),
    "a burn": ("issuer", BURN),
    "transfers together": ("operator", (PULL, PULL)),
    "an approval of the operator": (WALLET, (calls.approve(TOKEN.address, OPERATOR),)),
    "an approval of the issuer": ("omnibus:t", (calls.approve(TOKEN.address, ISSUER),)),
    "a pause": ("guard", (calls.pause(TOKEN.address),)),
    "the end of a pause": ("guard", (calls.unpause(TOKEN.address),)),
    "a freeze": ("guard", (calls.blacklist(2, ANN, is_blocked=True),)),
}

DENIED: dict[str, tuple[str, tuple[Call, ...], str]] = {
    "a mint above the limit": (
        "issuer",
        (calls.mint(TOKEN.address, ANN, usd("1000.00").micros + 1, MEMO),),
        "above the limit",
    ),
    "a small one and a large one": (
        "operator",
        (PULL, calls.pull(TOKEN.address, ANN, BOB, 2**255, MEMO)),
        "above the limit",
    ),
    "a mint by the operator": ("operator", (MINT,), "may not sign mint"),
    "a pull to somebody by the issuer": ("issuer", (PULL,), "may not favour"),
    "a token of somebody else": (
        "issuer",
        (calls.mint(OTHER_TOKEN, ANN, 1, MEMO),),
        "not for the contract",
    ),
    "the registry for a token": ("guard", (calls.pause(REGISTRY),), "not for the contract"),
    "an approval of a stranger": (WALLET, (calls.approve(TOKEN.address, BOB),), "may not favour"),
    "a transfer by a wallet's own key": (
        WALLET,
        (calls.transfer(TOKEN.address, BOB, 1, MEMO),),
        "a function that we do not use",
    ),
    "a role": (
        "admin",
        (calls.grant_role(TOKEN.address, ISSUER_ROLE, BOB),),
        "a function that we do not use",
    ),
    "an unknown selector": ("issuer", (Call(TOKEN.address, b"\xde\xad\xbe\xef" * 9),), "do not use"),
    "a call without data": ("issuer", (Call(TOKEN.address, b""),), "do not use"),
    "words behind the last one": ("issuer", (Call(TOKEN.address, MINT.data + bytes(32)),), "another length"),
    "a word too few": ("issuer", (Call(TOKEN.address, MINT.data[:-32]),), "another length"),
    "an account of nobody": ("treasurer", (MINT,), "may not sign mint"),
}


@pytest.mark.parametrize("name", ALLOWED)
def test_what_the_programme_does_is_signed(name: str) -> None:
    account, made = ALLOWED[name]

    assert signed(account, *made).raw


@pytest.mark.parametrize("name", DENIED)
def test_everything_else_is_refused_before_any_key_is_used(name: str) -> None:
    account, made, why = DENIED[name]
    keys = Counting()

    with pytest.raises(ProviderRejected, match=why) as refused:
        signed(account, *made, keys=keys)

    assert refused.value.details["reason"] == "signing_policy"
    assert keys.signed == []
    foreseen = run_blocking(
        LimitedSigner(KEYS, policy()).refusal(account, [(call.to, call.data) for call in made])
    )
    assert why in foreseen


def test_another_network_or_a_fee_above_the_limit_is_refused() -> None:
    with pytest.raises(ProviderRejected, match="it is for chain 4217"):
        signed("issuer", MINT, chain_id=4217)
    with pytest.raises(ProviderRejected, match="fee is above the limit"):
        signed("issuer", MINT, gas=MOST_GAS, max_fee=11 * MAX_FEE)


def test_only_who_pays_fees_signs_for_others() -> None:
    with pytest.raises(ProviderRejected, match="pays no fees for others"):
        signed("issuer", MINT, fee_payer="operator")


FIELDS: list[oracle.Item] = [
    LOCAL.chain_id, 0, 1, 1, [[bytes.fromhex(TOKEN.address[2:]), 0, MINT.data]], [], 1, 0, b"", b"",
    bytes.fromhex(LOCAL.fee_token[2:]), b"", [],
]  # fmt: skip


def payload(first: int = SENDER, **changes: oracle.Item) -> bytes:
    fields = list(FIELDS)
    for place, value in changes.items():
        fields[int(place[1:])] = value
    return bytes([first]) + oracle.rlp(fields)


FORGED: dict[str, bytes] = {
    "nothing": b"",
    "another kind of transaction": payload(0x02),
    "no list": bytes([SENDER]) + b"\x80",
    "a list that is cut": payload()[:-1],
    "bytes behind the list": payload() + b"\x00",
    "a field too many": bytes([SENDER]) + oracle.rlp([*FIELDS, b"key"]),
    "no call": payload(f4=[]),
    "a call that is none": payload(f4=[[b""]]),
    "money of the chain": payload(f4=[[bytes.fromhex(TOKEN.address[2:]), 1, MINT.data]]),
    "an access list": payload(f5=[[b"\x01" * 20, []]]),
    "another's authority": payload(f12=[b"\x01"]),
}


@pytest.mark.parametrize("name", FORGED)
def test_bytes_that_are_none_of_ours_are_refused_whatever_they_claim(name: str) -> None:
    keys = Counting()
    signer = LimitedSigner(keys, policy())

    with pytest.raises(ProviderRejected):
        run_blocking(signer.sign("issuer", keccak(FORGED[name]), payload=FORGED[name]))

    assert keys.signed == []


def test_a_digest_of_something_else_is_refused() -> None:
    signer = LimitedSigner(KEYS, policy())
    fine = payload()

    assert run_blocking(signer.sign("issuer", keccak(fine), payload=fine)).r
    for digest in (keccak(payload(f7=1)), bytes(32), keccak(bytes([FEE_PAYER]) + fine[1:])):
        with pytest.raises(ProviderRejected, match="not the hash"):
            run_blocking(signer.sign("issuer", digest, payload=fine))


def test_what_the_signer_denies_needs_a_person_and_its_neighbours_go(chain: Chain) -> None:
    keys = chain.bench.keys
    limits = run_blocking(standard_policy(keys, LOCAL, [chain.token], most=usd("5.00")))
    tempo = chain.another(keys=LimitedSigner(keys, limits))
    chain.wire.methods.clear()

    denied = run_blocking(tempo.mint(an_order("eff_1", "5.01", target="ann"), idempotency_key="eff_1"))

    assert denied.status is TokenStatus.NEEDS_REVIEW
    assert denied.provider_status == "not signed: mint of 5010000 base units is above the limit of 5000000"
    assert SEND not in chain.wire.methods, "nothing was broadcast"
    assert run_blocking(chain.slots.find(["eff_1"])) == {}, "no slot waits for it"
    moves = [a_mint("eff_2", "ann", "4.00"), a_mint("eff_3", "ann", "9.00"), a_mint("eff_4", "ann", "5.00")]
    ends = run_blocking(tempo.move(moves))
    assert [one.status for one in ends if isinstance(one, TokenTransfer)][1] is TokenStatus.NEEDS_REVIEW
    assert {chain.decided(f"eff_{number}", tempo).status for number in (2, 4)} == {TokenStatus.FINAL}
    assert chain.held("ann") == usd("9.00")


def test_a_mint_that_the_signer_denies_waits_in_review_with_its_reserve_untouched(chain: Chain) -> None:
    keys = chain.bench.keys
    limits = run_blocking(standard_policy(keys, LOCAL, [chain.token], most=usd("5.00")))
    tempo, clock = chain.another(keys=LimitedSigner(keys, limits)), SystemClock()
    rails = SimulatedRails(clock)
    programme = Programme(assets={ASSET: Asset(ASSET, settlement=Settlement.ONCHAIN)})
    with InvoicePay(rails=rails, token=tempo, clock=clock, programme=programme) as pay:
        deposit = pay.deposits.initiate("ann", f"6.00 {ASSET}")
        (asked,) = pay.effects.list(cause=deposit.id)
        rails.move(asked.id, BankCommand.SETTLE)
        for webhook in rails.drain():
            pay.webhooks.receive("rails", headers=webhook.headers, body=webhook.body)
        pay.run_pending()

        (mint,) = pay.effects.list(status="needs_review")
        assert mint.kind is EffectKind.MINT
        assert "not signed: mint of 6000000 base units is above the limit" in mint.review_reason
        assert str(pay.wallets.get("ann", asset=ASSET).total) == f"0.00 {ASSET}"
        assert pay.invariants.check() == ()
    assert chain.memos() == []


class Denying:
    """A key service that says no without having been asked beforehand."""

    def __init__(self, keys: LocalKeys) -> None:
        self._keys, self.denies = keys, True

    async def address(self, account: str) -> str:
        return await self._keys.address(account)

    async def sign(self, account: str, digest: bytes, *, payload: bytes) -> Signature:
        if self.denies:
            raise ProviderRejected("the key service denies it", reason="policy")
        return await self._keys.sign(account, digest, payload=payload)


def test_a_denial_that_nobody_foresaw_is_unknown_since_the_order_is_on_record(chain: Chain) -> None:
    """It can still go the day the key service allows it, so it has neither failed nor been forgotten."""
    keys = Denying(chain.bench.keys)
    tempo = chain.another(keys=keys)
    chain.wire.methods.clear()

    with pytest.raises(ProviderUnknown, match="the key service denies it"):
        run_blocking(tempo.mint(an_order("eff_1", target="ann"), idempotency_key="eff_1"))
    meanwhile = run_blocking(tempo.find("eff_1"))

    assert SEND not in chain.wire.methods
    assert meanwhile is not None
    assert (meanwhile.status, meanwhile.provider_status) == (TokenStatus.PENDING, "unsent")
    keys.denies = False
    assert chain.decided("eff_1", tempo).status is TokenStatus.FINAL


def test_the_whole_programme_works_behind_the_standard_policy(chain: Chain) -> None:
    keys = chain.bench.keys
    limits = run_blocking(standard_policy(keys, LOCAL, [chain.token], most=usd("50.00")))
    tempo = chain.another(keys=LimitedSigner(keys, limits))
    run_blocking(tempo.mint(an_order("eff_1", "9.00", target="ann"), idempotency_key="eff_1"))
    chain.decided("eff_1", tempo)

    ends = chain.done([a_transfer("eff_2", "ann", "bob", "4.00")], tempo)
    run_blocking(tempo.burn(an_order("eff_3", "3.00", source="ann"), idempotency_key="eff_3"))
    run_blocking(tempo.freeze("bob", chain.token.asset))
    run_blocking(tempo.pause(chain.token.asset))
    run_blocking(tempo.unpause(chain.token.asset))

    assert [one.status for one in ends if isinstance(one, TokenTransfer)] == [TokenStatus.FINAL]
    assert chain.decided("eff_3", tempo).status is TokenStatus.FINAL
    assert (chain.held("ann"), chain.held("bob")) == (usd("2.00"), usd("4.00"))


def statuses(chain: Chain, names: Sequence[str], tempo: Any) -> set[TokenStatus]:
    return {chain.decided(name, tempo).status for name in names}


def test_keys_are_replaced_during_load_and_nothing_is_lost(chain: Chain, held_blocks: None) -> None:
    """Orders bound to the old issuer end with its key; new ones go to the new issuer at once."""
    chain.bench.node.release_blocks()
    chain.fund("ann", "20.00")
    chain.bench.node.hold_blocks()
    old = [f"old_{number}" for number in range(4)]
    for name in old[:2]:
        run_blocking(chain.tempo.mint(an_order(name, target="bob"), idempotency_key=name))
    chain.wire.lost_requests = 2
    for name in old[2:]:
        with pytest.raises(ProviderUnknown, match="on record"):
            run_blocking(chain.tempo.burn(an_order(name, source="ann"), idempotency_key=name))
    chain.bench.node.release_blocks()
    assert chain.wire.lost_requests == 0
    accounts = TempoAccounts(issuer="issuer-2", operator="operator-2", retired=("issuer", "operator"))
    newer = chain.bench.address("issuer-2")
    chain.bench.do("admin", calls.grant_role(chain.token.address, ISSUER_ROLE, newer))
    tempo = chain.another(accounts=accounts)

    new = [a_mint("new_1", "bob"), a_transfer("new_2", "ann", "cat", "3.00")]
    run_blocking(tempo.move(new))
    run_blocking(tempo.burn(an_order("new_3", "2.00", source="ann"), idempotency_key="new_3"))

    assert statuses(chain, [*old, "new_1", "new_2", "new_3"], tempo) == {TokenStatus.FINAL}
    lanes = {chain.slot_of(name).key.lane.signer for name in old}
    assert lanes == {chain.bench.address("issuer")}
    assert chain.slot_of("new_1").key.lane.signer == chain.bench.address("issuer-2")
    assert (chain.held("ann"), chain.held("bob"), chain.held("cat")) == (
        usd("13.00"),
        usd("3.00"),
        usd("3.00"),
    )
    assert run_blocking(chain.slots.open()) == []
