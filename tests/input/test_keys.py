"""Idempotency through the client: one execution, the same answer, whatever happened since (reliability 4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from invoicepay import InvoicePay, InvoicePayError, Policy, Programme, migrate
from invoicepay.domain.entity import Entity
from invoicepay.errors import (
    IdempotencyConflict,
    InsufficientFunds,
    InvalidKey,
    InvoiceAlreadyPaid,
    NotFound,
    NotThePayer,
)
from tests.input.calls import CALLS, Role, make, taking
from tests.input.refusals import refused
from tests.input.scene import CHAIN, HOME, PROGRAMME, QR_SECRET, Scene, changed, scene

KEYED = [call for call, _ in taking(Role.KEY)]


def other_content(scene: Scene, call: str) -> dict[str, Any]:
    """The same call with another intent."""
    special: dict[str, dict[str, Any]] = {
        "reserves.match": {"party": "bob"},
        "tokens.settle": {"asset": CHAIN},
        "tokens.open_positions": {"asset": CHAIN},
        "reserves.reconcile": {"bank_balance": "3.00 USD"},
        "withdrawals.retry_payout": {"account_token": "ba_3"},
        "webhook_endpoints.create": {"events": ["invoice.voided"]},
        "webhook_deliveries.replay_range": {"endpoint": scene.things["disabled_endpoint"]},
    }
    if call in special:
        return special[call]
    for name in ("amount", "note", "reason", "reference"):
        if name in CALLS[call]:
            return {name: "3.00 USD" if name == "amount" else "another"}
    name = next(iter(CALLS[call]))
    return {name: "bob" if name in ("id", "party", "requester") else scene.things["hold"]}


@pytest.mark.parametrize("call", KEYED)
def test_the_same_key_gives_the_same_answer_and_writes_nothing_more(fresh: Scene, call: str) -> None:
    first = make(fresh, call, idempotency_key="order-1")
    before = fresh.stored()

    again = make(fresh, call, idempotency_key="order-1")

    assert changed(before, fresh.stored()) == []
    assert fresh.stored() == before
    if isinstance(first, Entity):
        assert (first.replayed, again.replayed) == (False, True)
        assert replace(again, replayed=False) == first


@pytest.mark.parametrize("call", KEYED)
def test_the_same_key_for_something_else_is_a_conflict(fresh: Scene, call: str) -> None:
    first = make(fresh, call, idempotency_key="order-1")

    with refused(fresh, IdempotencyConflict) as caught:
        make(fresh, call, idempotency_key="order-1", **other_content(fresh, call))

    assert caught.value.details["key"] == "order-1"
    again = make(fresh, call, idempotency_key="order-1")
    assert not isinstance(first, Entity) or replace(again, replayed=False) == first


@pytest.mark.parametrize("call", ["transfers.send", "invoices.pay", "holds.place"])
def test_the_same_key_from_another_actor_is_a_conflict(fresh: Scene, call: str) -> None:
    make(fresh, call, idempotency_key="order-1")

    with refused(fresh, IdempotencyConflict):
        make(fresh, call, fresh.pay.acting_as("ann"), idempotency_key="order-1")


def test_spelling_an_amount_differently_is_no_other_request(fresh: Scene) -> None:
    first = make(fresh, "transfers.send", amount="10.00 USD", idempotency_key="order-1")

    again = make(fresh, "transfers.send", amount="10 USD", idempotency_key="order-1")

    assert again.id == first.id


def test_a_refusal_that_depended_on_state_is_replayed_after_the_state_changed(fresh: Scene) -> None:
    with refused(fresh, InsufficientFunds) as first:
        make(fresh, "transfers.send", payer="idle", amount="26.00 USD", idempotency_key="order-1")
    make(fresh, "transfers.send", payee="idle", amount="50.00 USD")

    with refused(fresh, InsufficientFunds) as again:
        make(fresh, "transfers.send", payer="idle", amount="26.00 USD", idempotency_key="order-1")

    assert again.value.to_problem() == first.value.to_problem()
    assert make(fresh, "transfers.send", payer="idle", amount="26.00 USD", idempotency_key="order-2")


def test_a_success_is_replayed_after_the_state_forbids_it(fresh: Scene) -> None:
    first = make(fresh, "invoices.pay", amount=None, idempotency_key="order-1")

    with refused(fresh, InvoiceAlreadyPaid):
        make(fresh, "invoices.pay", amount=None, idempotency_key="order-2")

    again = make(fresh, "invoices.pay", amount=None, idempotency_key="order-1")
    assert (again.id, again.replayed) == (first.id, True)


@pytest.mark.parametrize(
    ("call", "wrong"),
    [
        ("transfers.send", {"amount": "ten"}),
        ("transfers.send", {"amount": "0.001 USD"}),
        ("transfers.send", {"payee": "nobody"}),
        ("invoices.draft", {"note": "a\x00b"}),
    ],
)
def test_a_refusal_of_the_input_does_not_use_the_key_up(
    fresh: Scene, call: str, wrong: dict[str, str]
) -> None:
    with refused(fresh, InvoicePayError):
        make(fresh, call, idempotency_key="order-1", **wrong)

    assert not make(fresh, call, idempotency_key="order-1").replayed


def test_a_refusal_of_the_actor_does_not_use_the_key_up(fresh: Scene) -> None:
    with refused(fresh, NotThePayer):
        make(fresh, "transfers.send", fresh.pay.acting_as("bob"), idempotency_key="order-1")

    assert not make(fresh, "transfers.send", idempotency_key="order-1").replayed


def test_a_key_belongs_to_one_operation(fresh: Scene) -> None:
    sent = make(fresh, "transfers.send", idempotency_key="order-1")
    held = make(fresh, "holds.place", idempotency_key="order-1")

    assert not sent.replayed
    assert not held.replayed


def test_a_key_belongs_to_one_tenant(fresh: Scene) -> None:
    ours = make(fresh, "transfers.send", idempotency_key="order-1")
    theirs = make(fresh, "transfers.send", fresh.pay.tenant("away"), idempotency_key="order-1")

    assert not theirs.replayed
    assert theirs.id != ours.id


def test_without_a_key_every_call_is_its_own(fresh: Scene) -> None:
    sent = [make(fresh, "transfers.send") for _ in range(3)]

    assert len({transfer.id for transfer in sent}) == 3
    assert len({transfer.idempotency_key for transfer in sent}) == 3


@pytest.fixture(scope="module")
def strict() -> Iterator[Scene]:
    """A scene whose programme became strict after it was set up."""
    with scene() as made:
        made.pay = InvoicePay(
            repository=made.repository,
            rails=made.rails,
            token=made.tokens,
            clock=made.clock,
            tenant=HOME,
            qr_secret=QR_SECRET,
            webhook_secret=QR_SECRET,
            allow_local_webhooks=True,
            programme=replace(PROGRAMME, require_idempotency_keys=True),
        )
        yield made


@pytest.mark.parametrize("call", KEYED)
def test_a_strict_programme_wants_a_key_for_every_call(strict: Scene, call: str) -> None:
    with refused(strict, InvalidKey) as caught:
        make(strict, call)

    assert "order number" in caught.value.hint


def test_a_strict_programme_takes_calls_with_a_key() -> None:
    with InvoicePay(programme=Programme(require_idempotency_keys=True)) as pay:
        deposit = pay.deposits.initiate("ann", "200.00 USD", idempotency_key="d-1")

        assert pay.sim.settle(deposit.id).status == "completed"
        assert pay.run_pending().refusals == ()


THREADS, DISTINCT = 64, 30


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[InvoicePay]:
    """A funded payer and an enterprise in a SQLite file."""
    url = f"sqlite:///{tmp_path / 'pay.db'}"
    migrate(url)
    with InvoicePay(url, dispatch="deferred") as pay:
        pay.parties.register("acme", kind="enterprise", policy=Policy())
        pay.parties.register("ann")
        deposit = pay.deposits.initiate("ann", "1000.00 USD")
        pay.run_pending()
        pay.sim.settle(deposit.id)
        yield pay


def test_64_threads_with_30_keys_execute_each_once(shop: InvoicePay) -> None:
    start = Barrier(THREADS, timeout=60)

    def send(number: int) -> list[tuple[str, str, bool]]:
        start.wait()
        return [
            (key, transfer.id, transfer.replayed)
            for key in _keys(number)
            for transfer in [shop.transfers.send("ann", "acme", "1.00 USD", idempotency_key=key)]
        ]

    with ThreadPoolExecutor(THREADS) as pool:
        answers = [answer for some in pool.map(send, range(THREADS)) for answer in some]

    executed = Counter(key for key, _, replayed in answers if not replayed)
    assert executed == Counter({f"order-{n}": 1 for n in range(DISTINCT)})
    assert len({id for _, id, _ in answers}) == DISTINCT
    assert str(shop.wallets.get("acme").available) == f"{DISTINCT}.00 USD"
    assert shop.invariants.check() == ()
    assert shop.audit.verify()


def _keys(number: int) -> list[str]:
    """Every key, each thread in another order."""
    first = number % DISTINCT
    return [f"order-{n % DISTINCT}" for n in range(first, first + DISTINCT)]


def test_a_key_that_was_never_used_names_nothing(shop: InvoicePay) -> None:
    with pytest.raises(NotFound):
        shop.transfers.send("ann", "nobody", "1.00 USD", idempotency_key="order-1")

    assert not shop.transfers.send("ann", "acme", "1.00 USD", idempotency_key="order-1").replayed
