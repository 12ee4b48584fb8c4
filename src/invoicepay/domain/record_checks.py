"""Checks of the rows: each adds up, and the enterprise's book derived from them agrees (spec 7)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from invoicepay.domain.accounts import WALLET_CODES
from invoicepay.domain.allocations import Allocation, SourceKind
from invoicepay.domain.books import Books, Violation, differences, shown
from invoicepay.domain.credits import CreditLot, CreditStatus
from invoicepay.domain.enterprise_book import BookCode, balances
from invoicepay.domain.invoices import Invoice, InvoiceStatus
from invoicepay.domain.money import Money
from invoicepay.domain.parties import Party, PartyKind
from invoicepay.domain.payments import UNRESOLVED, Payment, PaymentStatus
from invoicepay.domain.sums import summed

_WITHOUT_EQUATION = frozenset({InvoiceStatus.DRAFT, InvoiceStatus.DELETED, InvoiceStatus.VOID})
_OWED = frozenset({InvoiceStatus.OPEN, InvoiceStatus.PARTIALLY_PAID, InvoiceStatus.EXPIRED})
_PAID_OR_OWED = frozenset({InvoiceStatus.PAID, InvoiceStatus.OPEN, InvoiceStatus.PARTIALLY_PAID})


def invoices_add_up(books: Books) -> Iterator[Violation]:
    """INV-08: the invoice equation, paid exactly when nothing remains, and what is pending really is."""
    for invoice in books.of(Invoice):
        if invoice.status in _WITHOUT_EQUATION:
            continue
        credited = invoice.credited_pre + invoice.credited_post
        parts = credited + invoice.applied + invoice.written_off + invoice.remaining
        yield from _off("INV-08", invoice.id, "total", invoice.total, parts)
        if invoice.status in _PAID_OR_OWED and (invoice.status is InvoiceStatus.PAID) is bool(
            invoice.remaining
        ):
            message = f"{invoice.status} with {invoice.remaining} remaining"
            yield Violation(rule="INV-08", subject=invoice.id, message=message)
        for name in ("applied", "remaining", "credited_pre", "credited_post", "written_off"):
            yield from _negative("INV-08", invoice.id, name, getattr(invoice, name))
    unresolved = (p for p in books.of(Payment) if p.status in UNRESOLVED)
    wanted = summed((payment.invoice_id, payment.amount.micros) for payment in unresolved)
    for invoice in books.of(Invoice):
        expected = Money.from_micros(wanted.get(invoice.id, 0), invoice.asset)
        yield from _off("INV-08", invoice.id, "pending", invoice.pending, expected)


def receivables_are_open_invoices(books: Books) -> Iterator[Violation]:
    """INV-09: each customer's receivable in the derived book equals its open invoices."""
    owed = (invoice for invoice in books.of(Invoice) if invoice.status in _OWED)
    wanted = summed(
        ((invoice.enterprise_id, invoice.customer_id, invoice.asset), invoice.remaining.micros)
        for invoice in owed
    )
    found = _by_customer(books, BookCode.RECEIVABLE)
    yield from differences("INV-09", "receivable", found, "open invoices", wanted)


def payments_are_explained(books: Books) -> Iterator[Violation]:
    """INV-10: a completed payment is applied, excess or refunded, to the last unit."""
    for payment in books.of(Payment):
        if payment.status is PaymentStatus.COMPLETED:
            parts = payment.applied + payment.excess + payment.refunded
            yield from _off("INV-10", payment.id, "amount", payment.amount, parts)
            for name in ("applied", "excess", "refunded"):
                yield from _negative("INV-10", payment.id, name, getattr(payment, name))


def allocations_explain(books: Books) -> Iterator[Violation]:
    """INV-11: allocations sum to what invoices, completed payments and lots say was applied."""
    allocations = books.of(Allocation)
    on_invoice = summed((row.invoice_id, row.amount.micros) for row in allocations)
    from_source = summed((row.source_id, row.amount.micros) for row in allocations)
    fees = summed((row.source_id, row.fee.micros) for row in allocations)
    yield from _applied(books.of(Invoice), on_invoice)
    yield from _applied(books.of(CreditLot), from_source)
    completed = [row for row in books.of(Payment) if row.status is PaymentStatus.COMPLETED]
    yield from _applied(completed, from_source)
    for payment in completed:
        charged = Money.from_micros(fees.get(payment.id, 0), payment.asset)
        yield from _off("INV-11", payment.id, "fee", payment.fee, charged)


def _applied(
    rows: Iterable[Invoice | Payment | CreditLot], allocated: Mapping[str, int]
) -> Iterator[Violation]:
    for row in rows:
        expected = Money.from_micros(allocated.get(row.id, 0), row.asset)
        yield from _off("INV-11", row.id, "applied", row.applied, expected)


def credits_add_up(books: Books) -> Iterator[Violation]:
    """INV-12: the lot equation, and available exactly while something remains."""
    for lot in books.of(CreditLot):
        parts = lot.applied + lot.refunded + lot.expired + lot.voided + lot.remaining
        yield from _off("INV-12", lot.id, "amount", lot.amount, parts)
        yield from _negative("INV-12", lot.id, "remaining", lot.remaining)
        if (lot.status is CreditStatus.AVAILABLE) is not bool(lot.remaining):
            message = f"{lot.status} with {lot.remaining} remaining"
            yield Violation(rule="INV-12", subject=lot.id, message=message)


def customer_credits_are_lots(books: Books) -> Iterator[Violation]:
    """INV-13: each customer's credit in the derived book equals its lots."""
    wanted = summed(
        ((lot.enterprise_id, lot.customer_id, lot.asset), lot.remaining.micros) for lot in books.of(CreditLot)
    )
    found = _by_customer(books, BookCode.CUSTOMER_CREDIT)
    yield from differences("INV-13", "customer credit", found, "credit lots", wanted)


def holdings_are_wallets(books: Books) -> Iterator[Violation]:
    """INV-15: token holdings in an enterprise's derived book equal its wallet in the issuer book."""
    owners = {party.id for party in books.of(Party) if party.kind is not PartyKind.USER}
    wallets = summed(
        ((account.party_id, account.asset), n)
        for account, n in books.balances.items()
        if account.code in WALLET_CODES and account.party_id in owners
    )
    held = {
        (account.enterprise_id, account.asset): money.micros
        for account, money in balances(books.journal).items()
        if account.code is BookCode.TOKEN_HOLDINGS
    }
    yield from differences("INV-15", "token holdings", held, "wallet", wallets)


def links_stay_within(books: Books) -> Iterator[Violation]:
    """INV-21: no allocation or lot joins two tenants, enterprises or assets."""
    invoices, payments, lots = books.by_id(Invoice), books.by_id(Payment), books.by_id(CreditLot)
    for row in books.of(Allocation):
        invoice = invoices.get(row.invoice_id)
        source: Payment | CreditLot | None = (
            payments.get(row.source_id) if row.source_kind is SourceKind.PAYMENT else lots.get(row.source_id)
        )
        if invoice is None or source is None:
            message = "joins something that this tenant does not have"
            yield Violation(rule="INV-21", subject=row.id, message=message)
        elif (invoice.enterprise_id, invoice.customer_id) != (source.enterprise_id, source.customer_id):
            message = f"puts {source.id} on another's invoice {invoice.id}"
            yield Violation(rule="INV-21", subject=row.id, message=message)
        elif not invoice.asset == source.asset == row.asset:
            yield Violation(rule="INV-21", subject=row.id, message="joins two assets")


def _by_customer(books: Books, code: BookCode) -> dict[tuple[str, str, str], int]:
    return {
        (account.enterprise_id, account.customer_id, account.asset): money.micros
        for account, money in balances(books.journal).items()
        if account.code is code
    }


def _off(rule: str, subject: str, name: str, found: Money, expected: Money) -> Iterator[Violation]:
    if found != expected:
        yield Violation(
            rule=rule,
            subject=subject,
            message=f"{name} is {found}, its parts come to {expected}",
            difference_micros=(found - expected).micros,
        )


def _negative(rule: str, subject: str, name: str, amount: Money) -> Iterator[Violation]:
    if amount.micros < 0:
        message = f"{name} is {shown(amount.micros, amount.asset)}"
        yield Violation(rule=rule, subject=subject, message=message, difference_micros=amount.micros)
