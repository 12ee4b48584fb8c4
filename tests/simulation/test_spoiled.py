"""Each kind of wrong commit, fact and answer is named by the oracle as soon as it is shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import pytest

from invoicepay.domain.accounts import Code, Entry, Posting, account, available, posting
from invoicepay.domain.change import Outcome
from invoicepay.domain.effects import Effect, EffectKind, EffectStatus
from invoicepay.domain.entity import Entity
from invoicepay.domain.events import Step
from invoicepay.domain.holds import Hold, HoldStatus
from invoicepay.domain.invoices import Invoice
from invoicepay.domain.money import Money
from invoicepay.domain.payments import Payment
from invoicepay.domain.requests import Transfer, TransferStatus
from invoicepay.domain.tokens import Mint, MintStatus
from invoicepay.errors import InsufficientFunds
from invoicepay.ports.rails import RailStatus
from invoicepay.testing.simulation.ports import Answer, Broken, Commit
from tests.simulation.judged import Judged
from tests.simulation.test_oracle import IN_BOOK, ON_CHAIN, a_month, a_town

E = TypeVar("E", bound=Entity)
Spoiled = Callable[[Judged], Outcome[Any]]
ONE_CENT = Money("0.01", "USD")


def last(here: Judged, kind: type[E]) -> E:
    """The row of a kind that was written last, one version later."""
    row = here.court.oracle.mirror.of(kind)[-1]
    return replace(row, version=row.version + 1)


def outcome(here: Judged, *rows: Entity, postings: tuple[Posting, ...] = (), **more: Any) -> Outcome[Any]:
    """A command of an operator under a key of its own."""
    model = here.court.commits[-1].outcomes[-1]
    context = replace(model.context, key=f"spoiled {len(here.court.commits)}")
    return replace(model, context=context, rows=rows, postings=postings, **{"events": (), **more})


def shown(here: Judged, spoiled: Outcome[Any]) -> set[str]:
    """What the oracle says of one more commit."""
    commit: Commit = replace(here.court.commits[-1], outcomes=(spoiled,), replies=())
    return {broken.name for broken in here.court.oracle.after_commit(commit)}


def out_of_balance(here: Judged) -> Outcome[Any]:
    ann, acme = available("ann", "USD"), available("acme", "USD")
    return outcome(here, postings=(Posting("P-17", (Entry(ann, "D", 2), Entry(acme, "C", 1))),))


def below_zero(here: Judged) -> Outcome[Any]:
    ann, acme = available("ann", "USD"), available("acme", "USD")
    return outcome(here, postings=(posting("P-17", (ann, acme, 10**12)),))


def made_from_nothing(here: Judged) -> Outcome[Any]:
    losses, ann = account(Code.LOSSES, "USD"), available("ann", "USD")
    return outcome(here, postings=(posting("P-17", (losses, ann, 10_000)),))


def written_over(here: Judged) -> Outcome[Any]:
    return outcome(here, here.court.oracle.mirror.of(Invoice)[-1])


def silent_step(here: Judged) -> Outcome[Any]:
    return outcome(here, replace(last(here, Transfer), status=TransferStatus.FAILED))


def no_such_step(here: Judged) -> Outcome[Any]:
    before = here.court.oracle.mirror.of(Transfer)[-1]
    after = replace(before, version=before.version + 1, status=TransferStatus.PENDING)
    step = Step.of("evt_x", "transfer.started", before, after, here.clock.now())
    return outcome(here, after, events=(step,))


def same_key(here: Judged) -> Outcome[Any]:
    return replace(here.court.commits[-1].outcomes[-1], rows=(), postings=(), events=())


def hold_without_tokens(here: Judged) -> Outcome[Any]:
    return outcome(here, replace(last(here, Hold), id="hold_x", version=1, status=HoldStatus.ACTIVE))


def invoice_that_does_not_add_up(here: Judged) -> Outcome[Any]:
    invoice = last(here, Invoice)
    return outcome(here, replace(invoice, remaining=invoice.remaining + ONE_CENT))


def payment_without_allocation(here: Judged) -> Outcome[Any]:
    payment = last(here, Payment)
    return outcome(
        here, replace(payment, applied=payment.applied - ONE_CENT, excess=payment.excess + ONE_CENT)
    )


def second_mint(here: Judged) -> Outcome[Any]:
    mint = next(mint for mint in here.court.oracle.mirror.of(Mint) if mint.reserve_id)
    return outcome(here, replace(mint, id="mint_x", version=1, status=MintStatus.PENDING, provider_ref=""))


def second_intent(here: Judged) -> Outcome[Any]:
    effect = here.court.oracle.mirror.of(Effect)[0]
    return outcome(
        here,
        replace(effect, id="eff_x", version=1, generation=9, provider_ref="", status=EffectStatus.PLANNED),
    )


def request_made_anew(here: Judged) -> Outcome[Any]:
    effect = last(here, Effect)
    return outcome(here, replace(effect, request={**effect.request, "memo": "another"}))


def fence_that_goes_back(here: Judged) -> Outcome[Any]:
    return outcome(here, replace(last(here, Effect), fence=0))


def unbooked_transfer(here: Judged) -> Outcome[Any]:
    transfer = replace(
        last(here, Transfer), id="trf_x", version=1, amount=Money("999.00", "USD"), provider_ref=""
    )
    return outcome(here, transfer)


SPOILED: list[tuple[Spoiled, str]] = [
    (out_of_balance, "INV-01"),
    (made_from_nothing, "INV-02"),
    (below_zero, "INV-03"),
    (second_mint, "INV-05"),
    (invoice_that_does_not_add_up, "INV-08"),
    (payment_without_allocation, "INV-11"),
    (hold_without_tokens, "INV-16"),
    (silent_step, "INV-19"),
    (no_such_step, "INV-19"),
    (same_key, "INV-20"),
    (written_over, "lost update"),
    (second_intent, "one intent"),
    (request_made_anew, "frozen request"),
    (fence_that_goes_back, "fence"),
    (unbooked_transfer, "sequential model"),
]


@pytest.fixture(scope="module")
def month() -> Judged:
    """A month in the book; what a test shows after it is never stored."""
    here = a_town(IN_BOOK, "USD")
    a_month(here, "USD")
    return here


@pytest.mark.parametrize(("spoil", "name"), SPOILED, ids=lambda value: getattr(value, "__name__", None))
def test_a_commit_that_is_wrong_is_named(spoil: Spoiled, name: str) -> None:
    here = a_town(IN_BOOK, "USD")
    a_month(here, "USD")

    assert name in shown(here, spoil(here))


def test_a_hold_that_is_released_while_its_payment_may_have_left_is_named() -> None:
    here = a_town(ON_CHAIN, "USD.chain")
    bill = here.pay.invoices.issue(enterprise="acme", customer="ann", lines=[("Goods", "30.00 USD.chain")])
    here.pay.invoices.pay(bill.id, payer="ann")
    here.issuer.weather.lose_next_answer()
    here.pay.run_pending(until_quiet=False)
    hold = here.court.oracle.mirror.of(Hold)[-1]
    released = replace(hold, version=hold.version + 1, status=HoldStatus.RELEASED)

    assert "held while unknown" in shown(here, outcome(here, released))


def test_a_second_movement_for_one_intent_is_named() -> None:
    here = a_town(IN_BOOK, "USD")
    fact = _fact_of_the_deposit(here)
    again = replace(fact, transfer=replace(fact.transfer, provider_ref="in-000099"))

    assert [broken.name for broken in here.court.oracle.after_fact(again)] == ["two movements"]


def test_an_order_for_another_amount_is_named() -> None:
    here = a_town(IN_BOOK, "USD")
    fact = _fact_of_the_deposit(here)
    other = replace(fact.transfer, provider_ref="in-000099", status=RailStatus.PENDING, amount=ONE_CENT)

    found = here.court.oracle.after_fact(replace(fact, transfer=other, is_new=True))

    assert [broken.name for broken in found] == ["another amount"]


def _fact_of_the_deposit(here: Judged) -> Any:
    (effect,) = (e for e in here.court.oracle.mirror.of(Effect) if e.kind is EffectKind.DEPOSIT)
    here.bank.tell(effect.id, RailStatus.FINAL)
    return here.court.facts[-1]


def test_money_that_the_books_do_not_know_is_named_at_rest() -> None:
    here = a_town(IN_BOOK, "USD")
    deposit = here.pay.deposits.initiate("bob", "7.00 USD")
    here.pay.run_pending()
    (effect,) = here.pay.effects.list(cause=deposit.id).items
    here.bank.tell(effect.id, RailStatus.SETTLED)

    assert {broken.name for broken in here.rest()} >= {"never came to rest", "postings", "books and bank"}


def test_a_row_that_changed_behind_the_commits_is_named_at_rest() -> None:
    here = a_town(IN_BOOK, "USD")
    transfer = here.pay.transfers.send("ann", "bob", "1.00 USD")
    here.court.oracle.mirror.rows[Transfer, transfer.id] = replace(transfer, note="something else")

    assert [broken.name for broken in here.rest()] == ["store"]


def answer(key: str, *, result: Any = None, refusal: Any = None) -> Answer[Any]:
    """What a client was told."""
    from invoicepay.testing.clock import FrozenClock

    return Answer(
        actor="ann", what="ann pays", key=key, result=result, refusal=refusal, tries=1, at=FrozenClock().now()
    )


def test_an_acknowledgement_without_a_commit_is_named(month: Judged) -> None:
    row = month.court.oracle.mirror.of(Transfer)[-1]

    said = month.court.oracle.answered(answer("never seen", result=row))

    assert [broken.name for broken in said] == ["acknowledged and not kept"]


def test_a_refusal_of_what_was_done_is_named(month: Judged) -> None:
    done = month.pay.transfers.send("ann", "bob", "0.01 USD", idempotency_key="k-1")
    oracle = month.court.oracle

    assert oracle.answered(answer("k-1", result=done)) == []
    said: list[Broken] = oracle.answered(answer("k-1", refusal=InsufficientFunds("ann")))

    assert [broken.name for broken in said] == ["refused and done", "two answers to one key"]
