"""The contract suites catch adapters that break a promise: each wrong one here makes a named test fail."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from itertools import count
from typing import Any, ClassVar

import pytest

from invoicepay.adapters.simulated import SimulatedRails, SimulatedTokens
from invoicepay.domain.codec import from_dict
from invoicepay.domain.money import Money
from invoicepay.errors import ProviderRejected, ProviderUnavailable, ProviderUnknown, WebhookSignatureInvalid
from invoicepay.ports.rails import RailEvent, RailOrder, RailStatus, RailTransfer
from invoicepay.ports.tokens import TokenEvent, TokenOrder, TokenStatus, TokenTransfer
from invoicepay.testing.contracts import Contract
from invoicepay.testing.hosts import BlockingHost
from invoicepay.testing.rails_contract import RailsContract
from invoicepay.testing.tokens_contract import TokenContract
from tests.contracts.test_simulated import rails_bench, tokens_bench


def broken_promises(contract: Contract, make_bench: Callable[[], object]) -> set[str]:
    """The names of the contract's tests that fail, run here instead of by pytest."""
    broken: set[str] = set()
    for name in sorted(vars(type(contract))):
        if name.startswith("test_"):
            for arguments in _cases(getattr(contract, name)):
                if not _holds(getattr(contract, name), make_bench, arguments):
                    broken.add(name)
    return broken


def _cases(test: Callable[..., None]) -> Iterator[dict[str, Any]]:
    """The argument sets of a parametrized test; one empty set for a plain one."""
    marks = [mark for mark in getattr(test, "pytestmark", []) if mark.name == "parametrize"]
    if not marks:
        yield {}
    for mark in marks:
        names, values = mark.args
        for value in values:
            yield dict(zip(names, value, strict=True)) if isinstance(names, tuple) else {names: value}


def _holds(test: Callable[..., None], make_bench: Callable[[], object], arguments: dict[str, Any]) -> bool:
    wanted = test.__code__.co_varnames[: test.__code__.co_argcount]
    given = {"host": BlockingHost(), "bench": make_bench(), **arguments}
    try:
        test(**{name: value for name, value in given.items() if name in wanted})
    except pytest.skip.Exception:
        return True
    except (Exception, pytest.fail.Exception):  # noqa: BLE001 - however it fails, the promise is broken
        return False
    return True


class ForgetfulRails(SimulatedRails):
    """Moves money again for a key that it has seen."""

    _calls = count()

    async def initiate_deposit(self, order: RailOrder, *, idempotency_key: str) -> RailTransfer:
        return await super().initiate_deposit(order, idempotency_key=f"{idempotency_key}/{next(self._calls)}")

    async def initiate_withdrawal(self, order: RailOrder, *, idempotency_key: str) -> RailTransfer:
        key = f"{idempotency_key}/{next(self._calls)}"
        return await super().initiate_withdrawal(order, idempotency_key=key)


class TrustingRails(SimulatedRails):
    """Reads webhooks without checking who signed them."""

    def parse_webhook(
        self, body: bytes, headers: dict[str, str], *, received_at: datetime
    ) -> tuple[RailEvent, ...]:
        return (from_dict(RailEvent, json.loads(body)["event"]),)


class TimelessRails(SimulatedRails):
    """Checks the signature, but takes deliveries of any age."""

    def parse_webhook(
        self, body: bytes, headers: dict[str, str], *, received_at: datetime
    ) -> tuple[RailEvent, ...]:
        stamp = next((v for k, v in headers.items() if k.lower() == "webhook-timestamp"), "0")
        at = datetime.fromtimestamp(
            int(stamp) if stamp.isascii() and stamp.isdigit() else 0, received_at.tzinfo
        )
        return super().parse_webhook(body, headers, received_at=at)


class LeakyRails(SimulatedRails):
    """Lets its own error out when a signature is wrong."""

    def parse_webhook(
        self, body: bytes, headers: dict[str, str], *, received_at: datetime
    ) -> tuple[RailEvent, ...]:
        try:
            return super().parse_webhook(body, headers, received_at=received_at)
        except WebhookSignatureInvalid as error:
            raise ValueError("bad signature") from error


class AnsweringRails(SimulatedRails):
    """Changes what it answers to a deposit."""

    changes: ClassVar[dict[str, Any]]

    async def initiate_deposit(self, order: RailOrder, *, idempotency_key: str) -> RailTransfer:
        transfer = await super().initiate_deposit(order, idempotency_key=idempotency_key)
        return replace(transfer, **self.changes)


class FloatRails(AnsweringRails):
    changes: ClassVar[dict[str, Any]] = {"amount": 10.0}


class ShortRails(AnsweringRails):
    changes: ClassVar[dict[str, Any]] = {"amount": Money.of("9.99 USD")}


class HastyRails(AnsweringRails):
    changes: ClassVar[dict[str, Any]] = {"status": "ok"}


class NamelessRails(AnsweringRails):
    changes: ClassVar[dict[str, Any]] = {"provider_ref": ""}


class NaiveRails(AnsweringRails):
    changes: ClassVar[dict[str, Any]] = {"observed_at": datetime(2026, 1, 5, 9)}  # noqa: DTZ001


class RefusingRails(SimulatedRails):
    """Takes an outage for a refusal, so that a hold would be released."""

    async def initiate_withdrawal(self, order: RailOrder, *, idempotency_key: str) -> RailTransfer:
        try:
            return await super().initiate_withdrawal(order, idempotency_key=idempotency_key)
        except ProviderUnavailable as error:
            raise ProviderRejected(error.message) from error


class CarelessRails(SimulatedRails):
    """Takes a lost answer for an order that never left, so that it would be paid twice elsewhere."""

    async def initiate_withdrawal(self, order: RailOrder, *, idempotency_key: str) -> RailTransfer:
        try:
            return await super().initiate_withdrawal(order, idempotency_key=idempotency_key)
        except ProviderUnknown as error:
            raise ProviderUnavailable(error.message) from error


class RaisingRails(SimulatedRails):
    """Lets its client's timeout out."""

    async def initiate_deposit(self, order: RailOrder, *, idempotency_key: str) -> RailTransfer:
        try:
            return await super().initiate_deposit(order, idempotency_key=idempotency_key)
        except ProviderUnknown as error:
            raise TimeoutError from error


class InsistingRails(SimulatedRails):
    """Raises for what it does not know."""

    async def find(self, reference: str) -> RailTransfer | None:
        found = await super().find(reference)
        if found is None:
            raise ProviderRejected("no such transfer")
        return found


class StaleRails(SimulatedRails):
    """Tells the first status for ever."""

    async def find(self, reference: str) -> RailTransfer | None:
        found = await super().find(reference)
        return replace(found, status=RailStatus.PENDING) if found else None


WRONG_RAILS = [
    (ForgetfulRails, "test_one_key_moves_money_once_and_answers_alike"),
    (TrustingRails, "test_a_changed_webhook_is_refused_with_the_one_error"),
    (TimelessRails, "test_a_webhook_from_another_time_is_refused"),
    (LeakyRails, "test_a_changed_webhook_is_refused_with_the_one_error"),
    (FloatRails, "test_an_order_is_answered_in_our_words"),
    (ShortRails, "test_an_order_is_answered_in_our_words"),
    (HastyRails, "test_an_order_is_answered_in_our_words"),
    (NamelessRails, "test_an_order_is_answered_in_our_words"),
    (NaiveRails, "test_an_order_is_answered_in_our_words"),
    (RefusingRails, "test_what_never_left_is_told_as_unavailable"),
    (CarelessRails, "test_a_lost_answer_is_unknown_and_can_be_looked_up"),
    (RaisingRails, "test_a_lost_answer_is_unknown_and_can_be_looked_up"),
    (InsistingRails, "test_a_reference_that_it_never_saw_is_not_found"),
    (StaleRails, "test_a_look_up_tells_settlement_and_return"),
]


class ForgetfulTokens(SimulatedTokens):
    """Mints again for a key that it has seen."""

    _calls = count()

    async def mint(self, order: TokenOrder, *, idempotency_key: str) -> TokenTransfer:
        return await super().mint(order, idempotency_key=f"{idempotency_key}/{next(self._calls)}")


class TrustingTokens(SimulatedTokens):
    """Reads webhooks without checking who signed them."""

    def parse_webhook(
        self, body: bytes, headers: dict[str, str], *, received_at: datetime
    ) -> tuple[TokenEvent, ...]:
        return (from_dict(TokenEvent, json.loads(body)["event"]),)


class AnsweringTokens(SimulatedTokens):
    """Changes what it answers to a mint."""

    changes: ClassVar[dict[str, Any]]

    async def mint(self, order: TokenOrder, *, idempotency_key: str) -> TokenTransfer:
        return replace(await super().mint(order, idempotency_key=idempotency_key), **self.changes)


class FloatTokens(AnsweringTokens):
    changes: ClassVar[dict[str, Any]] = {"amount": 1.0}


class OtherAssetTokens(AnsweringTokens):
    changes: ClassVar[dict[str, Any]] = {"amount": Money.of("1.00 EUR")}


class StrangerTokens(AnsweringTokens):
    changes: ClassVar[dict[str, Any]] = {"reference": "eff_other"}


class CarelessTokens(SimulatedTokens):
    """Takes a lost answer for an order that never left."""

    async def transfer(self, order: TokenOrder, *, idempotency_key: str) -> TokenTransfer:
        try:
            return await super().transfer(order, idempotency_key=idempotency_key)
        except ProviderUnknown as error:
            raise ProviderUnavailable(error.message) from error


class GenerousTokens(SimulatedTokens):
    """Says that a mint is final and issues nothing."""

    async def mint(self, order: TokenOrder, *, idempotency_key: str) -> TokenTransfer:
        nothing = replace(order, amount=Money.from_micros(1, order.amount.asset))
        transfer = await super().mint(nothing, idempotency_key=idempotency_key)
        return replace(transfer, amount=order.amount, status=TokenStatus.FINAL)


class BottomlessTokens(SimulatedTokens):
    """Burns what is not there."""

    def _refuse_uncovered(self, order: TokenOrder) -> None:
        pass


class InventingTokens(SimulatedTokens):
    """Finds whatever it is asked for."""

    async def find(self, reference: str) -> TokenTransfer | None:
        found = await super().find(reference)
        known = self.transfers()
        return found or (replace(known[0], reference=reference) if known else _invented(reference))


def _invented(reference: str) -> TokenTransfer:
    return TokenTransfer(
        provider_ref="0x1",
        reference=reference,
        status=TokenStatus.FINAL,
        provider_status="final",
        amount=Money.of("1.00 USD"),
        observed_at=datetime.fromisoformat("2026-01-05T09:00:00+00:00"),
    )


WRONG_TOKENS = [
    (ForgetfulTokens, "test_one_key_moves_tokens_once_and_answers_alike"),
    (TrustingTokens, "test_a_changed_webhook_is_refused_with_the_one_error"),
    (FloatTokens, "test_an_order_is_answered_in_our_words"),
    (OtherAssetTokens, "test_an_order_is_answered_in_our_words"),
    (StrangerTokens, "test_an_order_is_answered_in_our_words"),
    (CarelessTokens, "test_a_lost_answer_is_unknown_and_can_be_looked_up"),
    (GenerousTokens, "test_supply_and_balances_move_once_it_is_final"),
    (BottomlessTokens, "test_tokens_that_are_not_there_are_never_burned"),
    (InventingTokens, "test_a_reference_that_it_never_saw_is_not_found"),
]


def test_the_runner_finds_nothing_wrong_with_the_right_ones() -> None:
    assert broken_promises(RailsContract(), rails_bench) == set()
    assert broken_promises(TokenContract(), tokens_bench) == set()


@pytest.mark.parametrize(("wrong", "promise"), WRONG_RAILS, ids=lambda value: getattr(value, "__name__", ""))
def test_a_wrong_bank_adapter_fails_the_promise_it_breaks(wrong: type[SimulatedRails], promise: str) -> None:
    assert promise in broken_promises(RailsContract(), lambda: rails_bench(wrong))


@pytest.mark.parametrize(("wrong", "promise"), WRONG_TOKENS, ids=lambda value: getattr(value, "__name__", ""))
def test_a_wrong_token_adapter_fails_the_promise_it_breaks(
    wrong: type[SimulatedTokens], promise: str
) -> None:
    assert promise in broken_promises(TokenContract(), lambda: tokens_bench(wrong))
