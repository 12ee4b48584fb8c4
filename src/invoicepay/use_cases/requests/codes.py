"""Payment codes: issue one, look at what it would pay, pay by it (spec 4.6).

The signature says that we issued a code; what is paid comes from the stored invoice or request (S-14).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from invoicepay.domain.authority import Side
from invoicepay.domain.codes import invoice_payload, payee_payload, request_payload
from invoicepay.domain.entity import EPOCH, Entity
from invoicepay.domain.invoices import Invoice
from invoicepay.domain.invoices import require_payable as require_payable_invoice
from invoicepay.domain.money import Money
from invoicepay.domain.needs import find
from invoicepay.domain.parties import Party, PartyStatus
from invoicepay.domain.qr_payload import SCHEME, QrKind, QrPayload, sign, verify
from invoicepay.domain.requests import PaymentRequest, Transfer, require_payable
from invoicepay.domain.shape import identifier
from invoicepay.domain.shown import Shown
from invoicepay.domain.time import aware
from invoicepay.domain.transfers import token_amount
from invoicepay.errors import InvalidInput, InvalidTime, NotFound, QrSignatureInvalid
from invoicepay.use_cases.looking import allow
from invoicepay.use_cases.perform import Deps
from invoicepay.use_cases.queries import get
from invoicepay.use_cases.requests.answering import ApproveRequest, approve_request
from invoicepay.use_cases.requests.moving import SendTransfer, send_transfer


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned(Shown):
    """What a genuine code would pay if it were approved now.

    Attributes:
        kind: an invoice is paid through payments, a request is approved, a payee is sent tokens.
        id: of the invoice or request; empty for a payee.
        amount: by the stored invoice or request; None leaves it to the payer.
        minimum, maximum: what an open amount, or a part, may be.
        is_editable: the payer may choose the amount or pay a part.
    """

    kind: QrKind
    id: str
    payee_id: str
    asset: str
    amount: Money | None
    minimum: Money | None = None
    maximum: Money | None = None
    is_editable: bool = False
    note: str = ""
    expires_at: datetime | None = None


async def request_code(deps: Deps, request_id: str) -> str:
    """The signed text of a request's code, for `documents.qr`.

    Raises:
        NotFound, NotAllowed: no such request, or the actor is not its requester.
        RequestExpired, RequestInFlight, RequestAlreadyResolved: it waits for no payment.
        InvalidInput: it was split, or is one payment of a multi-use request: only the whole has a code.
    """
    request = await get(deps, PaymentRequest, request_id)
    await allow(deps, "requests.qr", request, sides={Side.PAYEE: request.requester_id})
    require_payable(request, deps.clock.now())
    if not request.nonce:
        raise InvalidInput(f"{request.id} has no code of its own", request=request.id)
    return sign(request_payload(request, deps.tenant_id), deps.qr_keys)


async def invoice_code(deps: Deps, invoice_id: str) -> str:
    """The signed text of an invoice's code; each call gives another, all of them pay the same invoice.

    Raises:
        NotFound, NotAllowed: no such invoice, or the actor is neither its issuer nor its customer.
        InvoiceAlreadyPaid, InvoiceExpired, InvalidTransition: it takes no payment.
    """
    invoice = await get(deps, Invoice, invoice_id)
    sides = {Side.ENTERPRISE: invoice.enterprise_id, Side.CUSTOMER: invoice.customer_id}
    await allow(deps, "invoices.qr", invoice, sides=sides)
    return payable_code(deps, invoice)


def payable_code(deps: Deps, invoice: Invoice) -> str:
    """The same for an invoice that whoever asks may see.

    Raises:
        InvoiceAlreadyPaid, InvoiceExpired, InvalidTransition: it takes no payment.
    """
    require_payable_invoice(invoice, deps.clock.now())
    return sign(invoice_payload(invoice, deps.tenant_id, deps.ids.nonce()), deps.qr_keys)


async def payee_code(
    deps: Deps,
    payee_id: str,
    *,
    asset: str,
    amount: Money | None = None,
    expires_at: datetime | None = None,
) -> str:
    """The signed text of a payee's code, for a sticker or a till: with a fixed amount or without one.

    Raises:
        UnknownAsset, AmountNotPositive, AmountPrecision, InvalidInput: asset and amount do not fit.
        InvalidTime: the expiry is over already.
        NotFound, NotAllowed: an unknown party, or the actor is somebody else.
    """
    identifier(payee_id, "the payee")
    deps.programme.asset(asset)
    if expires_at is not None and aware(expires_at, "expires_at") <= deps.clock.now():
        raise InvalidTime("expires_at is over already")
    payee = await _payee(deps, payee_id)
    await allow(deps, "requests.payee_qr", sides={Side.PAYEE: payee_id})
    if amount is not None and payee is not None:
        token_amount(amount, payee)
    payload = payee_payload(
        payee_id, deps.tenant_id, deps.ids.nonce(), asset=asset, amount=amount, expires_at=expires_at
    )
    return sign(payload, deps.qr_keys)


async def _payee(deps: Deps, payee_id: str) -> Party | None:
    """The party; None where the programme will register it on its first payment."""
    async with deps.repository.reader(deps.tenant_id) as reader:
        found = await reader.find(find(Party, id=payee_id))
    is_closed = bool(found) and found[0].status is not PartyStatus.ACTIVE
    if is_closed or (not found and deps.programme.unknown_parties != "register"):
        raise NotFound(f"there is no party {payee_id}", kind=Party.KIND, id=payee_id)
    return found[0] if found else None


async def scan(deps: Deps, text: str) -> Scanned:
    """Look at a scanned code: is it ours, is it fresh, and what would it pay now?

    Args:
        text: the signed text, with or without `invoicepay:` before it.

    Raises:
        QrSignatureInvalid, QrExpired: not issued here, changed, or too old.
        NotFound, NotThePayer: its object or payee is gone, or it is addressed to somebody else.
        RequestExpired, RequestInFlight, RequestAlreadyResolved: the request waits for no payment.
        InvoiceAlreadyPaid, InvoiceExpired, InvalidTransition: the invoice takes no payment.
    """
    now = deps.clock.now()
    payload = verify(_signed(text), deps.qr_keys, now=now, tenant=deps.tenant_id)
    if payload.kind is QrKind.REQUEST:
        request = await get(deps, PaymentRequest, payload.id)
        await _may_scan(deps, request, request.payer_id)
        return _scanned_request(request, now)
    if payload.kind is QrKind.INVOICE:
        invoice = await get(deps, Invoice, payload.id)
        await _may_scan(deps, invoice)
        return _scanned_invoice(invoice, now)
    await _may_scan(deps, await _payee(deps, payload.payee))
    return Scanned(
        kind=payload.kind,
        id="",
        payee_id=payload.payee,
        asset=payload.asset,
        amount=payload.amount,
        is_editable=payload.amount is None,
        expires_at=payload.expires_at,
    )


async def _may_scan(deps: Deps, row: Entity | None, payer_id: str = "") -> None:
    """What is addressed to nobody may be paid by whoever is shown its code."""
    await allow(deps, "requests.scan", row, sides={Side.PAYER: payer_id or deps.actor.party_id})


def _scanned_request(request: PaymentRequest, now: datetime) -> Scanned:
    require_payable(request, now)
    return Scanned(
        kind=QrKind.REQUEST,
        id=request.id,
        payee_id=request.requester_id,
        asset=request.asset,
        amount=request.due,
        minimum=request.minimum,
        maximum=request.maximum,
        is_editable=request.amount_editable or request.amount is None,
        note=request.note,
        expires_at=request.expires_at,
    )


def _scanned_invoice(invoice: Invoice, now: datetime) -> Scanned:
    require_payable_invoice(invoice, now)
    return Scanned(
        kind=QrKind.INVOICE,
        id=invoice.id,
        payee_id=invoice.enterprise_id,
        asset=invoice.asset,
        amount=invoice.remaining,
        is_editable=True,
        note=invoice.note,
        expires_at=invoice.expires_at,
    )


async def approve_scanned(
    deps: Deps,
    text: str,
    *,
    payer_id: str = "",
    amount: Money | None = None,
    pay_at: datetime | None = None,
    key: str | None = None,
) -> PaymentRequest:
    """Pay the request of a scanned code, verified once more (spec 4.6).

    Raises:
        QrSignatureInvalid: not issued here, or changed.
        InvalidInput: it is no request's code; scan it to see what it is.
        InvoicePayError: as for `approve_request`; the code is as old as its request, so `RequestExpired`.
    """
    payload = _genuine(deps, text)
    if payload.kind is not QrKind.REQUEST:
        raise InvalidInput(f"this is a code of kind {payload.kind}, not of a request", kind=payload.kind)
    command = ApproveRequest(
        request_id=payload.id,
        payer_id=payer_id,
        amount=amount,
        pay_at=pay_at,
    )
    return await approve_request(deps, command, key)


async def send_scanned(
    deps: Deps,
    text: str,
    *,
    payer_id: str,
    amount: Money | None = None,
    note: str = "",
    key: str | None = None,
) -> Transfer:
    """Send tokens to the payee of a scanned code, verified once more.

    Raises:
        QrSignatureInvalid: not issued here, or changed.
        InvalidInput: it is no payee's code, or the amount is missing or another than the fixed one.
        InvoicePayError: as for `send_transfer`, `QrExpired` among them.
    """
    payload = _genuine(deps, text)
    if payload.kind not in (QrKind.STATIC_PAYEE, QrKind.STATIC_AMOUNT):
        raise InvalidInput(f"this is a code of kind {payload.kind}, not of a payee", kind=payload.kind)
    command = SendTransfer(
        payer_id=payer_id,
        payee_id=payload.payee,
        amount=_sent_amount(payload, amount),
        note=note,
        code_expires_at=payload.expires_at,
    )
    return await send_transfer(deps, command, key)


def _genuine(deps: Deps, text: str) -> QrPayload:
    """A payload we signed, however old: the transaction judges its expiry, so a repeated key answers."""
    return verify(_signed(text), deps.qr_keys, now=EPOCH, tenant=deps.tenant_id)


def _signed(text: str) -> str:
    if not isinstance(text, str):
        raise QrSignatureInvalid
    return text.removeprefix(SCHEME)


def _sent_amount(payload: QrPayload, chosen: Money | None) -> Money:
    amount = payload.amount if chosen is None else chosen
    if amount is None:
        raise InvalidInput("the code leaves the amount to the payer: choose one")
    if amount != (payload.amount or amount) or amount.asset != payload.asset:
        raise InvalidInput(
            f"the code asks for {payload.amount or payload.asset}, not {amount}", amount=str(amount)
        )
    return amount
