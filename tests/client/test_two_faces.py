"""Both faces of the client have the same groups, calls, parameters and words; one is awaited."""

from __future__ import annotations

import inspect
from typing import Any, get_type_hints

import pytest

from invoicepay import AsyncInvoicePay, InvoicePay
from invoicepay.blocking import Worker
from invoicepay.client.pages import AsyncPage, Page
from invoicepay.client.worker import Worker as AsyncWorker

CHOOSING = {
    "tenant",
    "acting_as",
    "bind",
    "transaction",
    "on",
    "worker",
    "Worker.stop",
    "dry_run",
    "explain",
    "from_settings",
    "from_env",
}
LOOKING = {
    *(
        "get",
        "list",
        "mints",
        "burns",
        "unmatched",
        "observations",
        "switches",
        "settlement",
        "settlements",
        "tie_out",
        "credit_notes",
        "overdue",
        "html",
        "ageing",
        "qr",
        "payee_qr",
        "scan",
        "check",
    ),
    *("trail", "verify", "history", "balances", "transactions", "enterprise_book", "enterprise_csv"),
}
CONTEXT = {"__enter__": "__aenter__", "__exit__": "__aexit__"}


def groups(face: type) -> dict[str, type]:
    """The groups of a face by name, from the properties that give them."""
    return {
        name: get_type_hints(member.fget)["return"]
        for name, member in vars(face).items()
        if isinstance(member, property)
    }


def calls(owner: type) -> dict[str, Any]:
    """The public calls of a class."""
    return {
        name: getattr(owner, name)
        for name, member in inspect.getmembers_static(owner)
        if not name.startswith("_") and not inspect.isdatadescriptor(member)
    }


def pairs() -> dict[str, tuple[Any, Any]]:
    """Each call on both faces by its dotted name, found on the awaiting one."""
    owners = {"": (AsyncInvoicePay, InvoicePay), "page": (AsyncPage, Page), "worker": (AsyncWorker, Worker)}
    blocking = groups(InvoicePay)
    owners |= {name: (group, blocking[name]) for name, group in groups(AsyncInvoicePay).items()}
    return {
        f"{place}.{name}".lstrip("."): (call, getattr(other, name, None))
        for place, (awaiting, other) in owners.items()
        for name, call in calls(awaiting).items()
    }


each_call = pytest.mark.parametrize(("awaiting", "blocking"), list(pairs().values()), ids=list(pairs()))


def shown(call: Any) -> list[tuple[str, Any, Any, str]]:
    """What a caller sees of a signature, without the face's own names."""
    return [
        (part.name, part.kind, part.default, _plain(part.annotation))
        for part in inspect.signature(call).parameters.values()
    ]


def _plain(annotation: object) -> str:
    text = str(annotation).replace("AsyncInvoicePay", "InvoicePay").replace("AsyncPage", "Page")
    text = text.replace("AsyncSession | AsyncConnection | async_", "Session | Connection | ")
    return text.replace("AbstractAsync", "Abstract").replace("'", "")


def test_both_faces_have_the_same_groups_and_calls() -> None:
    awaiting, blocking = groups(AsyncInvoicePay), groups(InvoicePay)

    assert awaiting.keys() == blocking.keys()
    assert calls(AsyncInvoicePay).keys() == calls(InvoicePay).keys()
    assert {name: calls(awaiting[name]).keys() for name in awaiting} == {
        name: calls(blocking[name]).keys() for name in blocking
    }


@each_call
def test_a_call_has_the_same_parameters_and_result(awaiting: Any, blocking: Any) -> None:
    assert shown(awaiting) == shown(blocking)
    assert _plain(inspect.signature(awaiting).return_annotation) == _plain(
        inspect.signature(blocking).return_annotation
    )


@each_call
def test_a_call_says_the_same_and_only_one_of_the_two_is_awaited(awaiting: Any, blocking: Any) -> None:
    said = inspect.getdoc(awaiting) or ""

    for there, here in (
        ("await ", ""),
        ("async for", "for"),
        ("async with", "with"),
        ("AsyncInvoice", "Invoice"),
    ):
        said = said.replace(there, here)
    assert said == inspect.getdoc(blocking)
    assert said
    assert not inspect.iscoroutinefunction(blocking)


@each_call
def test_what_asks_the_store_is_awaited_and_what_only_chooses_is_not(awaiting: Any, blocking: Any) -> None:
    assert inspect.iscoroutinefunction(awaiting) is (
        not {awaiting.__name__, awaiting.__qualname__} & CHOOSING
    )


@pytest.mark.parametrize(("blocking", "awaiting"), list(CONTEXT.items()))
def test_both_are_context_managers_of_their_kind(blocking: str, awaiting: str) -> None:
    assert hasattr(InvoicePay, blocking) and hasattr(AsyncInvoicePay, awaiting)
    assert not hasattr(InvoicePay, awaiting) and not hasattr(AsyncInvoicePay, blocking)


def test_the_constructors_take_the_same() -> None:
    assert shown(AsyncInvoicePay) == shown(InvoicePay)
    assert inspect.getdoc(AsyncInvoicePay) == inspect.getdoc(InvoicePay)


def test_every_call_takes_a_key_unless_it_changes_nothing_or_repeats_without_harm() -> None:
    without = {
        name
        for name, (_, call) in pairs().items()
        if "idempotency_key" not in inspect.signature(call).parameters
    }

    assert {name for name in without if name.split(".")[-1] not in LOOKING and "sim." not in name} == {
        *("audit.anchor", "audit.findings", "audit.operations", "audit.seal"),
        *("invoices.finalize_many", "invoices.issue_many", "invoices.pay_many", "parties.register_many"),
        *("page.next_page", "page.to_csv", "page.to_df", "page.to_records"),
        "reserves.audit",
        "schedules.run_due",
        "tokens.validate_backing",
        "webhooks.receive",
        *("webhook_endpoints.secret", "webhook_endpoints.test"),
        *CHOOSING - {"Worker.stop"},
        "worker.stop",
        *("run_pending", "run_pending_everywhere", "health", "close", "worker.run_forever"),
    }
