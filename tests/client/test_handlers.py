"""Handlers are told what they asked for, after the commit; one that raises is heard of."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from invoicepay import AsyncInvoicePay, Event, InvoicePay
from invoicepay.errors import ConfigurationError, InvalidInput

LINES = [("Seat", "9.00 USD")]


def issue(pay: InvoicePay) -> str:
    return pay.invoices.issue(enterprise="acme", customer="ann", lines=LINES).id


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("invoice.finalized", ["invoice.finalized"]),
        ("invoice.*", ["invoice.created", "invoice.finalized"]),
        ("*.created", ["invoice.created"]),
        ("i*.f*", ["invoice.finalized"]),
        ("payment.*", []),
    ],
)
def test_a_pattern_takes_the_events_that_it_matches(pattern: str, told: list[str]) -> None:
    pay, seen = InvoicePay(), []

    @pay.on(pattern)
    def note(event: Event) -> None:
        seen.append(event.name)

    issue(pay)

    assert seen == told


def test_every_event_is_taken_by_a_star_alone() -> None:
    pay, seen = InvoicePay(), []

    @pay.on("*")
    def note(event: Event) -> None:
        seen.append(event.kind)

    issue(pay)

    assert {"party", "invoice"} <= set(seen)


@pytest.mark.parametrize("pattern", ["invoices.paid", "paid", "invoice", "invoice.", "", ".", 5, print])
def test_a_pattern_that_nothing_can_match_is_refused(pattern: Any) -> None:
    with pytest.raises(InvalidInput, match=r"invoice\.paid"):
        InvoicePay().on(pattern)


def test_a_handler_that_raises_is_logged_and_the_call_has_succeeded(caplog: pytest.LogCaptureFixture) -> None:
    pay = InvoicePay()

    @pay.on("invoice.created")
    def fail(event: Event) -> None:
        raise RuntimeError("no\nprinter")

    with caplog.at_level(logging.ERROR, logger="invoicepay"):
        id = issue(pay)

    assert pay.invoices.get(id).status == "open"
    (record,) = caplog.records
    assert record.getMessage() == (
        f"a handler of invoice.created refused {id} and will be offered it again: RuntimeError: no\\nprinter"
    )


def test_a_handler_is_offered_again_what_it_refused() -> None:
    pay, tries = InvoicePay(dispatch="deferred"), []

    @pay.on("invoice.created")
    def second_time(event: Event) -> None:
        tries.append(event.id)
        if len(tries) == 1:
            raise RuntimeError("not yet")

    issue(pay)
    first, second = pay.run_pending(until_quiet=False), pay.run_pending(until_quiet=False)

    assert [event.error for event in first.undelivered] == ["RuntimeError: not yet"]
    assert second.undelivered == ()
    assert tries[0] == tries[1]


def test_an_async_handler_belongs_to_the_awaiting_client() -> None:
    pay = InvoicePay()

    with pytest.raises(ConfigurationError, match="ship is an async function") as caught:

        @pay.tenant("shop").on("invoice.*")
        async def ship(event: Event) -> None: ...

    assert "use AsyncInvoicePay" in caught.value.hint


def test_the_awaiting_client_takes_both_kinds_of_handler() -> None:
    async def told() -> list[str]:
        async with AsyncInvoicePay() as pay:
            seen: list[str] = []

            @pay.on("invoice.created")
            async def later(event: Event) -> None:
                await asyncio.sleep(0)
                seen.append("awaited")

            @pay.on("invoice.created")
            def now(event: Event) -> None:
                seen.append("plain")

            await pay.invoices.issue(enterprise="acme", customer="ann", lines=LINES)
            return seen

    assert asyncio.run(told()) == ["awaited", "plain"]


def test_a_handler_sees_whose_event_it_is() -> None:
    pay = InvoicePay(dispatch="deferred")
    seen: list[tuple[str, str]] = []
    pay.on("party.registered")(lambda event: seen.append((event.tenant_id, event.entity_id)))
    for tenant, person in (("north", "ann"), ("south", "bob")):
        pay.tenant(tenant).parties.register(person)

    pay.run_pending_everywhere()

    assert seen == [("north", "ann"), ("south", "bob")]


def test_a_handler_that_calls_the_library_is_told_of_its_own_event_once_and_of_the_new_one() -> None:
    pay, seen = InvoicePay(), []

    @pay.on("request.created")
    def ask_on(event: Event) -> None:
        seen.append(event.data["payer_id"])
        if event.data["payer_id"] == "ann":
            pay.requests.create(requester="acme", payer="ben", amount="1.00 USD")
            assert seen == ["ann"]  # told once this handler is done

    pay.requests.create(requester="acme", payer="ann", amount="1.00 USD")

    assert seen == ["ann", "ben"]
