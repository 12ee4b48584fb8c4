"""After every load: the books are right, the trail is whole, and a batch did what one by one does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import create_engine, text

from bench.clients import blocking
from invoicepay import InvoicePay, InvoicePayError, Pay, Payment

Answer = tuple[str, ...]
Row = tuple[Any, ...]

PATIENT = "options=-c%20statement_timeout%3D0"
"""Checking all books of a large store takes longer than a host lets one statement take."""

KEPT = (
    "SELECT id, balance FROM ledger_accounts WHERE balance <> 0",
    "SELECT id, status, applied, remaining, overpaid FROM invoices",
    "SELECT customer_id, enterprise_id, status, amount, remaining FROM customer_credits",
)


@dataclass(frozen=True, slots=True)
class Books:
    """What is left in a store, without ids that every store makes for itself."""

    balances: Counter[Row]
    invoices: Counter[Row]
    credits: Counter[Row]


@dataclass(frozen=True, slots=True)
class Left:
    """What payments were answered, by invoice, and what they left in the store."""

    answers: dict[str, list[Answer]]
    books: Books


def faults(url: str) -> list[str]:
    """What is wrong with the books of a store and with its audit trail, whose every hash is computed again.

    Its statistics are brought up to date first, which a database does for itself within minutes.
    """
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("ANALYZE"))
    engine.dispose()
    patient = f"{url}&{PATIENT}" if url.startswith("postgresql") else url
    with blocking(patient) as pay:
        return [f"{each.rule} {each.subject}: {each.message}" for each in pay.invariants.check()]


def answer(of: Payment | InvoicePayError) -> Answer:
    """An outcome as far as it must not depend on who else was in the transaction."""
    if isinstance(of, InvoicePayError):
        return (of.code,)
    return (
        str(of.status),
        str(of.payment_type),
        str(of.amount),
        str(of.applied),
        str(of.excess),
        str(of.replayed),
    )


def pay_one(pay: InvoicePay, one: Pay) -> Payment | InvoicePayError:
    """One payment through the ordinary call."""
    try:
        return pay.invoices.pay(
            one.invoice, payer=one.payer, amount=one.amount, idempotency_key=one.idempotency_key
        )
    except InvoicePayError as refusal:
        return refusal


def one_by_one(url: str, asked: Sequence[Pay]) -> Left:
    """The same payments when nobody else is there and each has a transaction of its own."""
    with blocking(url) as pay:
        answers = [answer(pay_one(pay, one)) for one in asked]
    return Left(by_invoice(asked, answers), books(url))


def books(url: str) -> Books:
    """Balances, invoices and credits as they are stored."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return Books(*(Counter(map(tuple, connection.execute(text(query)))) for query in KEPT))
    finally:
        engine.dispose()


def by_invoice(asked: Iterable[Pay], answers: Iterable[Answer]) -> dict[str, list[Answer]]:
    """The answers about each invoice; which of two at the same moment comes first is nobody's promise."""
    found: dict[str, list[Answer]] = {}
    for one, got in zip(asked, answers, strict=True):
        found.setdefault(str(one.invoice), []).append(got)
    return {invoice: sorted(all_of_it) for invoice, all_of_it in found.items()}


def differences(here: Left, there: Left) -> list[str]:
    """Where a load differs from the same payments one by one."""
    told = [
        f"{invoice}: answered {here.answers.get(invoice)}, one by one {wanted}"
        for invoice, wanted in there.answers.items()
        if here.answers.get(invoice) != wanted
    ]
    for what in ("balances", "invoices", "credits"):
        mine, theirs = getattr(here.books, what), getattr(there.books, what)
        told += [f"{what}: {each} only under load" for each in sorted((mine - theirs).elements(), key=str)]
        told += [f"{what}: {each} only one by one" for each in sorted((theirs - mine).elements(), key=str)]
    return told
