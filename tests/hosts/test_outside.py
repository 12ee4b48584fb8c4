"""Inside an open transaction nobody outside the database is called, whatever is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from invoicepay import InvoicePay
from invoicepay.errors import InsideTransaction
from tests.hosts.shop import LINES
from tests.input.calls import CALLS, make
from tests.input.scene import Scene, scene

REFUSED = {
    "audit.anchor",
    "health",
    "reserves.reconcile",
    "run_pending",
    "run_pending_everywhere",
    "tokens.open_positions",
    "tokens.tie_out",
    "webhook_endpoints.test",
    "webhooks.receive",
    *(call for call in CALLS if call.startswith("sim.")),
}
"""What works outside of the database."""


class Spy:
    """Notes what a provider is asked, and asks it."""

    def __init__(self, inner: Any) -> None:
        self.inner, self.asked = inner, list[str]()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.inner, name)
        if name in ("capabilities", "checked_url") or not callable(found):
            return found

        def noted(*args: Any, **options: Any) -> Any:
            self.asked.append(name)
            return found(*args, **options)

        return noted


class Undone(Exception):
    """Ends a transaction without a commit."""


@pytest.fixture(scope="module")
def spied() -> Iterator[tuple[Scene, list[Spy]]]:
    """A scene in memory whose providers, screening, keys and way out for webhooks are watched."""
    with scene() as made:
        core = made.pay._pay._core
        deps = core.wired
        spies = [
            Spy(part) for part in (deps.rails, deps.tokens, deps.checkpoint_keys[0], deps.webhook_sender)
        ]
        wired = replace(
            deps,
            rails=spies[0],
            tokens=spies[1],
            checkpoint_keys=(spies[2],),
            webhook_sender=spies[3],
            screening=None,
        )
        made.pay = InvoicePay._around(type(made.pay._pay)._around(replace(core, wired=wired)))
        yield made, spies


@pytest.mark.parametrize("call", list(CALLS))
def test_a_call_inside_asks_nobody(spied: tuple[Scene, list[Spy]], call: str) -> None:
    made, spies = spied
    for spy in spies:
        spy.asked.clear()
    refusals: list[InsideTransaction] = []

    with suppress(Undone), made.pay.transaction() as tx:
        try:
            make(replace(made, pay=tx), call)
        except InsideTransaction as refusal:
            refusals.append(refusal)
        raise Undone

    assert [spy.asked for spy in spies] == [[], [], [], []]
    assert bool(refusals) is (call in REFUSED), refusals
    assert made.pay.invariants.check() == ()


def test_what_screening_would_be_asked_is_refused_before_anything_is_done() -> None:
    with scene() as made, suppress(Undone), made.pay.transaction() as tx:
        for call in ("invoices.pay", "requests.approve", "withdrawals.initiate", "transfers.send"):
            with pytest.raises(InsideTransaction, match="screen"):
                make(replace(made, pay=tx), call)
        raise Undone


def test_the_same_holds_in_a_hosts_transaction(engine: Engine, pay: InvoicePay) -> None:
    with Session(engine) as session, session.begin():
        tx = pay.bind(session)
        for ask in (
            tx.run_pending,
            tx.run_pending_everywhere,
            tx.health,
            lambda: tx.sim,
            tx.reserves.reconcile,
        ):
            with pytest.raises(InsideTransaction) as refused:
                ask()
            assert "before the transaction or after its commit" in refused.value.hint
        made = tx.invoices.issue(enterprise="acme", customer="ann", lines=LINES)

    assert pay.invoices.get(made).status == "open"
