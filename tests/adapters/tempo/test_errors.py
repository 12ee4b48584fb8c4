"""Every refusal of the table in our words: those that a local node gives, given by one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from invoicepay.adapters.tempo import addresses, calls
from invoicepay.adapters.tempo.errors import (
    Refusal,
    is_already_known,
    provider_answer,
    refusal_error,
    refusal_of,
    revert_error,
)
from invoicepay.adapters.tempo.network import TempoToken
from invoicepay.adapters.tempo.transaction import MOST_GAS, Call, TempoTransaction, sign_transaction
from invoicepay.errors import (
    ComplianceBlocked,
    InsufficientFunds,
    InvoicePayError,
    ProviderRejected,
    ProviderUnavailable,
    ProviderUnknown,
)
from tests.adapters.tempo import oracle
from tests.adapters.tempo.bench import MEMO, Bench, usd

NOBODY = "0x" + "00" * 20
VIRTUAL = "0x01020304" + "fd" * 10 + "aabbccddeeff"


def _transfer(bench: Bench, token: TempoToken, to: str, units: int = 1_000_000) -> Call:
    return calls.transfer(token.address, to, units, MEMO)


Made = Callable[[Bench, TempoToken], tuple[str, Call]]
"""Who sends which call; the token has a cap of 100 and ann holds 10."""

REVERTS: dict[str, tuple[Made, type[InvoicePayError], str]] = {
    "InsufficientBalance": (
        lambda b, t: ("ann", _transfer(b, t, b.address("bob"), 10_000_001)),
        InsufficientFunds,
        "insufficient_funds",
    ),
    "SupplyCapExceeded": (
        lambda b, t: ("issuer", calls.mint(t.address, b.address("ann"), 90_000_001, MEMO)),
        ProviderRejected,
        "cap",
    ),
    "Unauthorized": (
        lambda b, t: ("ann", calls.mint(t.address, b.address("ann"), 1, MEMO)),
        ProviderRejected,
        "configuration",
    ),
    "InvalidRecipient": (lambda b, t: ("ann", _transfer(b, t, NOBODY)), ProviderRejected, "bad_address"),
    "VirtualAddressUnregistered": (
        lambda b, t: ("ann", _transfer(b, t, VIRTUAL)),
        ProviderRejected,
        "bad_address",
    ),
    "InsufficientAllowance": (
        lambda b, t: ("operator", calls.pull(t.address, b.address("ann"), b.address("bob"), 1, MEMO)),
        ProviderRejected,
        "allowance",
    ),
    "InvalidSupplyCap": (
        lambda b, t: ("admin", calls.set_supply_cap(t.address, 9_999_999)),
        ProviderRejected,
        "configuration",
    ),
    "InvalidTransferPolicyId": (
        lambda b, t: ("admin", calls.change_policy(t.address, 2**63)),
        ProviderRejected,
        "configuration",
    ),
    "PolicyNotFound": (
        lambda b, t: ("guard", calls.policy_data(2**63)),
        ProviderRejected,
        "configuration",
    ),
    "InvalidQuoteToken": (
        lambda b, t: (
            "admin",
            calls.create_token("A", "A", "USD", addresses.TIP20_PREFIX + "ff" * 8, b.address("admin"), MEMO),
        ),
        ProviderRejected,
        "configuration",
    ),
    "TokenAlreadyExists": (
        lambda b, t: (
            "admin",
            calls.create_token("A", "A", "USD", addresses.PATH_USD, b.address("admin"), b.plan.salt),
        ),
        ProviderRejected,
        "exists",
    ),
    "UnknownFunctionSelector": (
        lambda b, t: (
            "ann",
            Call(t.address, bytes.fromhex("9803f216") + bytes(64)),
        ),  # burnAt, of a later fork
        ProviderRejected,
        "unsupported",
    ),
}


@pytest.mark.parametrize("name", REVERTS)
def test_a_revert_of_the_node_is_told_in_our_words(bench: Bench, name: str) -> None:
    made, kind, reason = REVERTS[name]
    token = bench.set_up(cap=usd("100"))
    bench.give(token, "ann", "10")
    sender, call = made(bench, token)

    with pytest.raises(kind) as told:
        bench.run(bench.rpc.call(call, sender=bench.address(sender)))

    assert told.value.details["revert"] == name
    answer = provider_answer(told.value)
    assert isinstance(answer, ProviderRejected)
    assert answer.details["reason"] == reason


def test_a_short_wallet_is_told_with_what_it_has_and_what_was_asked(bench: Bench) -> None:
    token = bench.set_up()
    bench.give(token, "ann", "10")

    call = calls.transfer(token.address, bench.address("bob"), 12_000_000, MEMO)

    with pytest.raises(InsufficientFunds) as told:
        bench.run(bench.rpc.call(call, sender=bench.address("ann")))

    assert (told.value.details["available"], told.value.details["required"]) == ("10000000", "12000000")


def test_a_mined_failure_is_explained_by_trying_it_again_before_its_block(bench: Bench) -> None:
    token = bench.set_up()
    bench.give(token, "ann", "10")
    fine = calls.transfer(token.address, bench.address("bob"), 4_000_000, MEMO)
    short = calls.transfer(token.address, bench.address("bob"), 11_000_000, MEMO)

    with pytest.raises(ProviderRejected) as refused:
        bench.do("ann", fine, short)

    assert refused.value.details["reason"] == "insufficient_funds"
    assert bench.run(bench.control(token).balance(bench.address("ann"))) == usd("10")  # all or nothing


def test_calls_that_only_fail_together_are_told_as_such(bench: Bench) -> None:
    token = bench.set_up()
    bench.give(token, "ann", "10")
    six = calls.transfer(token.address, bench.address("bob"), 6_000_000, MEMO)

    with pytest.raises(ProviderRejected, match="the calls revert together"):
        bench.do("ann", six, six)


@pytest.mark.parametrize(
    ("signature", "kind"),
    [
        ("ContractPaused()", ProviderUnavailable),
        ("PolicyForbids()", ComplianceBlocked),
        ("InvalidAmount()", ProviderRejected),
        ("InvalidCurrency()", ProviderRejected),
        ("ProtectedAddress()", ProviderRejected),
        ("SpendingLimitExceeded()", ProviderRejected),
        ("PermitExpired()", ProviderRejected),
        ("InvalidSignature()", ProviderRejected),
        ("VirtualAddressUnregistered()", ProviderRejected),
    ],
)
def test_selectors_are_the_hashes_of_their_errors(signature: str, kind: type[InvoicePayError]) -> None:
    error = revert_error(oracle.keccak(signature.encode())[:4])

    assert type(error) is kind
    assert error.details["revert"] == signature[:-2]


@pytest.mark.parametrize(
    "data", [b"", b"\x01", b"\xde\xad\xbe\xef" + bytes(32), bytes.fromhex("832f98b5") + b"cut"]
)
def test_a_revert_without_a_word_of_ours_is_still_a_refusal(data: bytes) -> None:
    assert isinstance(provider_answer(revert_error(data)), ProviderRejected)


def sent(bench: Bench, call: Call, **changes: object) -> Refusal | None:
    """What the node says of a transaction of ann's."""
    given: dict[str, object] = {
        "chain_id": 31337, "calls": (call,), "nonce_key": 7, "nonce": 0, "gas": 1_000_000,
        "fee_token": addresses.PATH_USD,
    }  # fmt: skip
    transaction = TempoTransaction(**{**given, **changes})  # type: ignore[arg-type] # names of the dataclass
    payer = None if changes.get("gas") == MOST_GAS else "fees"
    signed = bench.run(sign_transaction(bench.keys, transaction, account="ann", fee_payer=payer))
    refused = bench.run(bench.rpc.send(signed.raw))
    return refused.why if refused else None


def test_refusals_of_the_local_node_are_told_apart(bench: Bench) -> None:
    call = calls.approve(bench.set_up().address, bench.address("operator"))
    head = bench.run(bench.rpc.block())

    assert sent(bench, call, chain_id=1) is Refusal.MALFORMED
    assert sent(bench, call, valid_before=head.timestamp) is Refusal.EXPIRED
    assert sent(bench, call, max_fee=1) is Refusal.FEE_TOO_LOW
    assert sent(bench, call, gas=MOST_GAS) is Refusal.FEES_SHORT  # ann pays herself, and holds nothing
    assert bench.run(bench.rpc.send(b"\x76\xc0")) is not None


def test_bytes_that_the_node_has_already_are_taken(bench: Bench) -> None:
    call = calls.approve(bench.set_up().address, bench.address("operator"))
    bench.node.hold_blocks()
    try:
        assert sent(bench, call) is None
        assert sent(bench, call) is None
    finally:
        bench.node.release_blocks()


TEXTS = {
    "nonce too low: next nonce 8, tx nonce 7": Refusal.NONCE_USED,
    "transaction nonce is too low": Refusal.NONCE_USED,
    "nonce too high": Refusal.NONCE_AHEAD,
    "replacement transaction underpriced": Refusal.REPLACES,
    "valid_before 12 must be greater than 15": Refusal.EXPIRED,
    "transaction expired": Refusal.EXPIRED,
    "insufficient fee token balance": Refusal.FEES_SHORT,
    "insufficient funds for gas * price + value": Refusal.FEES_SHORT,
    "insufficient liquidity in FeeAMM pool to swap": Refusal.FEE_TOKEN,
    "fee token 0x20c0 is paused": Refusal.FEE_TOKEN,
    "fee token is not a TIP-20 token": Refusal.FEE_TOKEN,
    "max fee per gas less than block base fee": Refusal.FEE_TOO_LOW,
    "insufficient gas for AA transaction: 21000 < 50000": Refusal.GAS_TOO_LOW,
    "intrinsic gas too low": Refusal.GAS_TOO_LOW,
    "Too many calls in AA transaction: 33 > 32": Refusal.MALFORMED,
    "invalid chain id for signer": Refusal.MALFORMED,
    "Failed to decode transaction": Refusal.MALFORMED,
    "Failed to recover the signer": Refusal.MALFORMED,
    "txpool is full": Refusal.POOL_FULL,
    "execution reverted": Refusal.REVERTS,
    "something new": Refusal.UNCLEAR,
    "": Refusal.UNCLEAR,
}


@pytest.mark.parametrize("text", TEXTS)
def test_refusals_are_told_by_their_words(text: str) -> None:
    assert refusal_of(text) is TEXTS[text]
    assert refusal_of(text.upper()) is TEXTS[text]
    assert not is_already_known(text)


@pytest.mark.parametrize("text", ["already known", "Transaction already imported: 0x12"])
def test_bytes_known_before_are_no_refusal(text: str) -> None:
    assert is_already_known(text)


@pytest.mark.parametrize("refusal", Refusal)
def test_every_refusal_is_one_of_the_three_answers(refusal: Refusal) -> None:
    unavailable = {Refusal.FEES_SHORT, Refusal.POOL_FULL, Refusal.NONCE_AHEAD, Refusal.FEE_TOO_LOW}
    rejected = {Refusal.FEE_TOKEN, Refusal.MALFORMED, Refusal.GAS_TOO_LOW, Refusal.REVERTS}

    error = refusal_error(refusal, "the node's words")

    expected = (
        ProviderUnavailable
        if refusal in unavailable
        else ProviderRejected
        if refusal in rejected
        else ProviderUnknown
    )
    assert type(error) is expected
    assert error.details["node_said"] == "the node's words"
