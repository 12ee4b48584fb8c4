"""The calls of a batch as values: each is named like the call that it asks for and takes the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import date, datetime
from typing import ClassVar, TypeVar

from invoicepay.client.base import LineLike, chosen, id_of, instant, lines_of, optional_money, several
from invoicepay.domain.ids import party_id
from invoicepay.domain.invoices import Invoice
from invoicepay.domain.issuing import InvoiceTerms
from invoicepay.domain.money import MoneyLike
from invoicepay.domain.parties import PartyKind
from invoicepay.domain.policies import Policy
from invoicepay.errors import InvalidInput, InvoicePayError
from invoicepay.use_cases.batches import Asked
from invoicepay.use_cases.invoices import FinalizeInvoice
from invoicepay.use_cases.parties import RegisterParty
from invoicepay.use_cases.payments import PayInvoice

T = TypeVar("T")
C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class Pay:
    """One payment of `invoices.pay_many`: what `invoices.pay` takes.

    Attributes:
        invoice: the invoice or its id.
        payer: whose tokens move.
        amount: everything still open when left out.
        idempotency_key: names this payment, so that the same list can be handed over again after a crash.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}  # what is not known is refused (S-32)

    invoice: str | Invoice
    _: KW_ONLY
    payer: str
    amount: MoneyLike | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One invoice of `invoices.issue_many`: what `invoices.issue` takes.

    Attributes:
        lines: `Line` values or (description, price).
        due_on: local date in the enterprise's zone; `due_in_days` counts from today instead.
        reference: your own reference, for example the number in the system it comes from.
        idempotency_key: names this invoice, so that the same list can be handed over again after a crash.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}  # what is not known is refused (S-32)

    enterprise: str
    customer: str
    lines: Sequence[LineLike]
    due_on: date | None = None
    due_in_days: int | None = None
    expires_at: datetime | None = None
    series: str = "A"
    note: str = ""
    reference: str = ""
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class Finalize:
    """One draft of `invoices.finalize_many` that needs a key: what `invoices.finalize` takes.

    Attributes:
        invoice: the draft or its id.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}  # what is not known is refused (S-32)

    invoice: str | Invoice
    _: KW_ONLY
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class Register:
    """One party of `parties.register_many`: what `parties.register` takes.

    Attributes:
        id: your own id for it.
        kind: `user`, `enterprise` or `platform`.
        kyc_tier: the verification level that the programme's limits look at.
        policy: how an enterprise treats payments.
        timezone: IANA zone in which an enterprise's due dates end.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}  # what is not known is refused (S-32)

    id: str
    _: KW_ONLY
    kind: PartyKind | str = PartyKind.USER
    kyc_tier: int | None = None
    policy: Policy | None = None
    timezone: str | None = None
    idempotency_key: str | None = None


def asked(items: Sequence[T], command: Callable[[T], tuple[C, str | None]]) -> list[Asked[C]]:
    """The commands of a batch with their keys; an item that cannot be one becomes the reason.

    Raises:
        InvalidInput: no list at all.
    """
    return [_asked(item, command) for item in several(items, "items")]


def _asked(item: T, command: Callable[[T], tuple[C, str | None]]) -> Asked[C]:
    try:
        return command(item)
    except InvoicePayError as refusal:
        return refusal


def to_pay(item: Pay) -> tuple[PayInvoice, str | None]:
    """The command of a payment.

    Raises:
        InvalidInput: no `Pay`, or one that holds something else than it declares.
    """
    if not isinstance(item, Pay):
        raise _another(Pay, item)
    command = PayInvoice(
        invoice_id=id_of(item.invoice), payer_id=item.payer, amount=optional_money(item.amount)
    )
    return command, item.idempotency_key


def to_issue(item: Issue) -> tuple[InvoiceTerms, str | None]:
    """The command of an invoice.

    Raises:
        InvalidInput: no `Issue`, or one that holds something else than it declares.
    """
    if not isinstance(item, Issue):
        raise _another(Issue, item)
    terms = InvoiceTerms(
        enterprise_id=item.enterprise,
        customer_id=item.customer,
        lines=lines_of(item.lines),
        series=item.series,
        due_on=item.due_on,
        due_in_days=item.due_in_days,
        expires_at=instant(item.expires_at, "expires_at"),
        note=item.note,
        reference=item.reference,
    )
    return terms, item.idempotency_key


def to_finalize(item: str | Invoice | Finalize) -> tuple[FinalizeInvoice, str | None]:
    """The command of a finalization.

    Raises:
        InvalidInput: neither a draft, nor an id, nor a `Finalize`.
    """
    named, key = (item.invoice, item.idempotency_key) if isinstance(item, Finalize) else (item, None)
    return FinalizeInvoice(invoice_id=id_of(named)), key


def to_register(item: Register) -> tuple[RegisterParty, str | None]:
    """The command of a registration.

    Raises:
        InvalidInput: no `Register`, or one that holds something else than it declares.
    """
    if not isinstance(item, Register):
        raise _another(Register, item)
    command = RegisterParty(
        party_id=party_id(item.id),
        kind=chosen(PartyKind, item.kind, "kind"),
        kyc_tier=item.kyc_tier,
        policy=item.policy,
        timezone=item.timezone,
    )
    return command, item.idempotency_key


def _another(wanted: type, item: object) -> InvalidInput:
    return InvalidInput(f"an item is {wanted.__name__}, not {type(item).__name__}")
