"""Payment requests, split bills, codes to scan, and transfers between people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from invoicepay.client.base import (
    Group,
    chosen,
    id_of,
    instant,
    money,
    optional_id,
    optional_money,
    several,
)
from invoicepay.client.pages import AsyncPage
from invoicepay.documents.qr import QrCode
from invoicepay.domain.money import Money, MoneyLike
from invoicepay.domain.requests import PaymentRequest, RequestStatus, Transfer, TransferStatus, Uses
from invoicepay.domain.shape import identifier
from invoicepay.errors import InvalidInput
from invoicepay.use_cases import queries
from invoicepay.use_cases import requests as use_cases
from invoicepay.use_cases.requests import Scanned


class Requests(Group):
    """One person asks another, or whoever scans the code, for money (spec 4.6)."""

    async def create(
        self,
        requester: str,
        amount: MoneyLike | None = None,
        *,
        payer: str = "",
        asset: str = "",
        minimum: MoneyLike | None = None,
        maximum: MoneyLike | None = None,
        amount_editable: bool = False,
        uses: Uses | str = Uses.ONE,
        note: str = "",
        expires_at: datetime | None = None,
        idempotency_key: str | None = None,
    ) -> PaymentRequest:
        """Ask for money.

        Args:
            amount: the payer chooses when left out, between `minimum` and `maximum`; then name the `asset`.
            payer: whoever scans the code when left out.
            uses: `one`, or `many` for a code that stays open.

        Raises:
            SelfPayment, InvalidTime, AmountPrecision, NotFound: nothing was stored.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> _ = pay.sim.settle(pay.deposits.initiate("ben", "50.00 USD"))
            >>> request = pay.requests.create("ann", "18.50 USD", payer="ben", note="Dinner")
            >>> pay.requests.approve(request, payer="ben").status.value
            'paid'
        """
        asked = optional_money(amount)
        command = use_cases.CreateRequest(
            requester_id=requester,
            asset=_asset_of(asset, asked),
            payer_id=payer,
            amount=asked,
            minimum=optional_money(minimum),
            maximum=optional_money(maximum),
            amount_editable=amount_editable,
            uses=chosen(Uses, uses, "uses"),
            note=note,
            expires_at=instant(expires_at, "expires_at"),
        )
        return await self._do(use_cases.create_request, command, idempotency_key)

    async def split(
        self,
        requester: str,
        amount: MoneyLike,
        *,
        payers: Sequence[str],
        amount_editable: bool = False,
        note: str = "",
        expires_at: datetime | None = None,
        idempotency_key: str | None = None,
    ) -> tuple[PaymentRequest, tuple[PaymentRequest, ...]]:
        """Ask several people for a share each; no cent is lost, the first payers carry the odd ones (E12).

        Returns:
            The bill and its parts, in the order of `payers`.

        Raises:
            SelfPayment, InvalidInput, AmountPrecision, NotFound: nothing was stored.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> bill, parts = pay.requests.split("ann", "100.00 USD", payers=["ben", "cho", "dee"])
            >>> [str(part.amount) for part in parts]
            ['33.34 USD', '33.33 USD', '33.33 USD']
        """
        command = use_cases.SplitRequest(
            requester_id=requester,
            amount=money(amount),
            payer_ids=several(payers, "payers"),
            amount_editable=amount_editable,
            note=note,
            expires_at=instant(expires_at, "expires_at"),
        )
        made = await self._do(use_cases.split_request, command, idempotency_key)
        return made.parent, made.children

    async def approve(
        self,
        request: str | PaymentRequest,
        *,
        payer: str = "",
        amount: MoneyLike | None = None,
        pay_at: datetime | None = None,
        idempotency_key: str | None = None,
    ) -> PaymentRequest:
        """Pay a request (P-17), now or at a later instant.

        Args:
            payer: needed where the request is open to anybody.
            amount: needed where the request leaves it open; allowed where it is editable.
            pay_at: an aware instant; `run_pending` pays then, if the money is there.

        Raises:
            NotThePayer, InsufficientFunds: nothing moved.
            RequestExpired, RequestAlreadyResolved, RequestInFlight: nothing moved.
        """
        command = use_cases.ApproveRequest(
            request_id=id_of(request),
            payer_id=payer,
            amount=optional_money(amount),
            pay_at=instant(pay_at, "pay_at"),
        )
        return await self._do(use_cases.approve_request, command, idempotency_key)

    async def decline(
        self, request: str | PaymentRequest, *, reason: str = "", idempotency_key: str | None = None
    ) -> PaymentRequest:
        """Say no; only the payer may.

        Raises:
            NotThePayer, RequestAlreadyResolved, RequestInFlight, InvalidTransition: nothing changed.
        """
        command = use_cases.DeclineRequest(request_id=id_of(request), reason=reason)
        return await self._do(use_cases.decline_request, command, idempotency_key)

    async def revoke(
        self, request: str | PaymentRequest, *, reason: str = "", idempotency_key: str | None = None
    ) -> PaymentRequest:
        """Take back an approval whose transfer has not started.

        Raises:
            NotThePayer, InvalidTransition, RequestInFlight, RequestAlreadyResolved: nothing changed.
        """
        command = use_cases.RevokeApproval(request_id=id_of(request), reason=reason)
        return await self._do(use_cases.revoke_approval, command, idempotency_key)

    async def cancel(
        self, request: str | PaymentRequest, *, idempotency_key: str | None = None
    ) -> PaymentRequest:
        """Take a request back with all its parts; only the requester may.

        Raises:
            RequestInFlight: a payment of it is on its way.
            NotAllowed, RequestAlreadyResolved: nothing changed.
        """
        command = use_cases.CancelRequest(request_id=id_of(request))
        return await self._do(use_cases.cancel_request, command, idempotency_key)

    async def get(self, request: str | PaymentRequest) -> PaymentRequest:
        """One request.

        Raises:
            NotFound: unknown in this tenant.
        """
        return await queries.own(self._deps, PaymentRequest, id_of(request))

    async def list(
        self,
        *,
        requester: str | None = None,
        payer: str | None = None,
        parent: str | PaymentRequest | None = None,
        status: RequestStatus | str | None = None,
        after: str = "",
        limit: int = 50,
    ) -> AsyncPage[PaymentRequest]:
        """Requests, oldest first.

        Args:
            after: the `next_cursor` of an earlier page.
            limit: rows of a page, 1 to 200; walking over the list fetches page after page.
        """
        return await self._page(
            PaymentRequest,
            after=after,
            limit=limit,
            requester_id=requester,
            payer_id=payer,
            parent_id=optional_id(parent),
            status=None if status is None else chosen(RequestStatus, status, "status"),
        )

    async def qr(self, request: str | PaymentRequest) -> QrCode:
        """The signed code of a request; it draws itself as SVG, PNG or terminal text.

        Raises:
            RequestExpired, RequestInFlight, RequestAlreadyResolved: it waits for no payment.
            NotAllowed: the actor is not its requester.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> code = pay.requests.qr(pay.requests.create("ann", "18.50 USD", note="Dinner"))
            >>> scanned = pay.requests.scan(code.payload)
            >>> scanned.payee_id, str(scanned.amount), scanned.note
            ('ann', '18.50 USD', 'Dinner')
        """
        return QrCode(await use_cases.request_code(self._deps, id_of(request)))

    async def payee_qr(self, payee: str, amount: MoneyLike | None = None, *, asset: str = "") -> QrCode:
        """A signed code that names a payee, with or without an amount, for any number of payers.

        Raises:
            InvalidInput: neither an amount nor an asset is named.
            NotFound, NotAllowed: an unknown payee, or the actor is somebody else.
        """
        asked = optional_money(amount)
        code = await use_cases.payee_code(self._deps, payee, asset=_asset_of(asset, asked), amount=asked)
        return QrCode(code)

    async def scan(self, text: str) -> Scanned:
        """Verify a scanned code and say what would be paid, from stored values.

        Raises:
            QrSignatureInvalid: not ours, or changed.
            QrExpired, RequestAlreadyResolved: too late.
        """
        return await use_cases.scan(self._deps, text)

    async def approve_scanned(
        self,
        text: str,
        *,
        payer: str,
        amount: MoneyLike | None = None,
        pay_at: datetime | None = None,
        idempotency_key: str | None = None,
    ) -> PaymentRequest:
        """Verify a request's code once more and pay the request.

        Codes of invoices are paid with `pay.invoices.pay`, codes of payees with `pay.transfers.send_scanned`.

        Raises:
            QrSignatureInvalid, InvalidInput: not ours, changed, or a code of another kind.
            InvoicePayError: as for `approve`.
        """
        paid = await use_cases.approve_scanned(
            self._deps,
            text,
            payer_id=identifier(payer, "the payer"),
            amount=optional_money(amount),
            pay_at=instant(pay_at, "pay_at"),
            key=idempotency_key,
        )
        await self._follow_up()
        return paid


class Transfers(Group):
    """Tokens from one party to another that pay no invoice (P-17), and across our border (P-18)."""

    async def send(
        self,
        payer: str,
        payee: str,
        amount: MoneyLike,
        *,
        note: str = "",
        idempotency_key: str | None = None,
    ) -> Transfer:
        """Send tokens to another party.

        Raises:
            SelfPayment, InsufficientFunds, WalletFrozen, LimitExceeded, NotThePayer, NotFound: nothing moved.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> _ = pay.sim.settle(pay.deposits.initiate("ann", "50.00 USD"))
            >>> pay.transfers.send("ann", "ben", "20.00 USD", note="Tickets").status.value
            'completed'
        """
        command = use_cases.SendTransfer(payer_id=payer, payee_id=payee, amount=money(amount), note=note)
        return await self._do(use_cases.send_transfer, command, idempotency_key)

    async def send_scanned(
        self,
        text: str,
        *,
        payer: str,
        amount: MoneyLike | None = None,
        note: str = "",
        idempotency_key: str | None = None,
    ) -> Transfer:
        """Send tokens to the payee of a scanned code, verified once more.

        Raises:
            QrSignatureInvalid, QrExpired, InvalidInput: not ours, changed, too old, or of another kind.
            InvoicePayError: as for `send`.
        """
        sent = await use_cases.send_scanned(
            self._deps,
            text,
            payer_id=payer,
            amount=optional_money(amount),
            note=note,
            key=idempotency_key,
        )
        await self._follow_up()
        return sent

    async def send_outside(
        self,
        payer: str,
        amount: MoneyLike,
        *,
        address: str,
        note: str = "",
        idempotency_key: str | None = None,
    ) -> Transfer:
        """Let tokens leave to an address outside the programme (P-18).

        Raises:
            InsufficientFunds, WalletFrozen, LimitExceeded, NotThePayer, ComplianceBlocked: nothing moved.
        """
        command = use_cases.SendOutside(payer_id=payer, amount=money(amount), address=address, note=note)
        return await self._do(use_cases.send_outside, command, idempotency_key)

    async def receive_from_outside(
        self,
        payee: str,
        amount: MoneyLike,
        *,
        provider: str,
        provider_ref: str,
        address: str = "",
        idempotency_key: str | None = None,
    ) -> Transfer:
        """Record tokens that arrived from an address outside the programme (P-18).

        Raises:
            DuplicateProviderReference: that movement is known already.
            InsufficientFunds: more than there is outside.
            NotFound, NotAllowed: nothing was recorded.
        """
        command = use_cases.ReceiveFromOutside(
            payee_id=payee,
            amount=money(amount),
            provider=provider,
            provider_ref=provider_ref,
            address=address,
        )
        return await self._do(use_cases.receive_from_outside, command, idempotency_key)

    async def get(self, transfer: str | Transfer) -> Transfer:
        """One transfer.

        Raises:
            NotFound: unknown in this tenant.
        """
        return await queries.own(self._deps, Transfer, id_of(transfer))

    async def list(
        self,
        *,
        payer: str | None = None,
        payee: str | None = None,
        status: TransferStatus | str | None = None,
        after: str = "",
        limit: int = 50,
    ) -> AsyncPage[Transfer]:
        """Transfers, oldest first.

        Args:
            after: the `next_cursor` of an earlier page.
            limit: rows of a page, 1 to 200; walking over the list fetches page after page.
        """
        return await self._page(
            Transfer,
            after=after,
            limit=limit,
            payer_id=payer,
            payee_id=payee,
            status=None if status is None else chosen(TransferStatus, status, "status"),
        )


def _asset_of(asset: str, amount: Money | None) -> str:
    """The asset asked for: named, or the amount's."""
    if not asset and amount is None:
        raise InvalidInput("name the asset when the amount is left open")
    return asset or (amount.asset if amount else "")
