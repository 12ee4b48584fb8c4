"""One way to tell a story on every store and behind both faces."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

from invoicepay import AsyncInvoicePay, InvoicePay, Money, Policy, Programme
from invoicepay.client.pages import AsyncPage, Page
from invoicepay.domain.accounts import Account, Code
from invoicepay.testing.clock import FrozenClock


class Awaited:
    """Shows an awaiting client as a blocking one: each call runs to its end on one event loop."""

    def __init__(self, target: Any, runner: asyncio.Runner) -> None:
        self._target, self._runner = target, runner

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._target, name)
        if inspect.iscoroutinefunction(value):
            return lambda *args, **kwargs: _shown(self._runner.run(value(*args, **kwargs)))
        if callable(value):
            return lambda *args, **kwargs: Awaited(value(*args, **kwargs), self._runner)
        return Awaited(value, self._runner)


def _shown(answer: Any) -> Any:
    """A list as a blocking client gives it; stories have lists of one page."""
    return Page(answer) if isinstance(answer, AsyncPage) else answer


@dataclass(frozen=True)
class Stage:
    """A client and the clock it runs on."""

    pay: InvoicePay
    clock: FrozenClock

    def fund(self, party: str, amount: str) -> None:
        """A settled deposit, minted."""
        deposit = self.pay.deposits.initiate(party, amount)
        self.pay.sim.settle(deposit.id)

    def issue(self, total: str, *, enterprise: str = "acme", customer: str = "ann", **terms: Any) -> Any:
        """An invoice over one line."""
        return self.pay.invoices.issue(
            enterprise=enterprise, customer=customer, lines=[("Goods", f"{total} USD")], **terms
        )

    def has(self, **expected: str) -> None:
        """Compare balances: `ann="400"` is available, `acme_held="20"` its part, `a1050="0"` a code."""
        found = {name: str(self._amount(name).amount) for name in expected}
        assert {name: _plain(text) for name, text in found.items()} == {
            name: _plain(text) for name, text in expected.items()
        }

    def _amount(self, name: str) -> Money:
        balances = self.pay.ledger.balances()
        return balances.get(_account(name), Money.zero("USD"))


def _plain(text: str) -> str:
    sign = "-" if text.startswith("-") else ""
    return sign + str(Money(text.lstrip("-"), "USD"))


def _account(name: str) -> Account:
    codes = {
        "held": Code.HELD,
        "credit_reserve": Code.CREDIT_RESERVE,
        "frozen": Code.FROZEN,
        "unconfirmed": Code.UNCONFIRMED,
        "unminted": Code.UNMINTED,
        "payable": Code.REDEMPTION_PAYABLE,
        "payout_in_transit": Code.REDEMPTION_IN_TRANSIT,
        "payout_returned": Code.REDEMPTION_RETURNED,
        "owes": Code.RETURNED_DEPOSIT,
    }
    if name[0] == "a" and name[1:].isdigit():
        return Account(Code(int(name[1:])), "USD")
    party, _, part = name.partition("_")
    return Account(codes[part] if part else Code.AVAILABLE, "USD", party)


@contextmanager
def opened(url: str, face: str, **options: Any) -> Iterator[Stage]:
    """A stage with `acme`, `ann` and `bob`, closed afterwards."""
    clock = options.setdefault("clock", FrozenClock("2026-01-05T09:00:00Z"))
    options = {"programme": Programme(), **options}
    if face == "blocking":
        with InvoicePay(url, **options) as pay:
            yield _peopled(pay, clock)
        return
    with asyncio.Runner() as runner:
        client = runner.run(_made(url, options))
        try:
            yield _peopled(cast("InvoicePay", Awaited(client, runner)), clock)
        finally:
            runner.run(client.close())


async def _made(url: str, options: dict[str, Any]) -> AsyncInvoicePay:
    return AsyncInvoicePay(url, **options)


def _peopled(pay: InvoicePay, clock: FrozenClock) -> Stage:
    pay.parties.register("acme", kind="enterprise", policy=Policy())
    for person in ("ann", "bob", "cho"):
        pay.parties.register(person)
    return Stage(pay, clock)
