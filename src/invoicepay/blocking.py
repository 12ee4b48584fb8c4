"""The blocking client: generated from the awaiting one by tools/gen_blocking.py; do not edit."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    contextmanager,
)
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Self, cast

from invoicepay.awaiting import AsyncInvoicePay, EventHandler, _BlockingLeaves
from invoicepay.bridge import run_blocking, within
from invoicepay.client.audit import Audit as _Audit
from invoicepay.client.audit import Invariants as _Invariants
from invoicepay.client.audit import Ledger as _Ledger
from invoicepay.client.bank_accounts import BankAccounts as _BankAccounts
from invoicepay.client.base import (
    LineLike,
)
from invoicepay.client.batches import (
    Finalize,
    Issue,
    Pay,
    Register,
)
from invoicepay.client.credits import Credits as _Credits
from invoicepay.client.deposits import Deposits as _Deposits
from invoicepay.client.effects import Effects as _Effects
from invoicepay.client.holds import Holds as _Holds
from invoicepay.client.invoices import Invoices as _Invoices
from invoicepay.client.notices import Notices
from invoicepay.client.pages import Page
from invoicepay.client.parties import Parties as _Parties
from invoicepay.client.parties import Wallets as _Wallets
from invoicepay.client.payments import Payments as _Payments
from invoicepay.client.requests import Requests as _Requests
from invoicepay.client.requests import Transfers as _Transfers
from invoicepay.client.reserves import Reserves as _Reserves
from invoicepay.client.schedules import Schedules as _Schedules
from invoicepay.client.sim import Sim as _Sim
from invoicepay.client.tokens import Tokens as _Tokens
from invoicepay.client.webhook_deliveries import WebhookDeliveries as _WebhookDeliveries
from invoicepay.client.webhook_endpoints import WebhookEndpoints as _WebhookEndpoints
from invoicepay.client.webhooks import Webhooks as _Webhooks
from invoicepay.client.withdrawals import Withdrawals as _Withdrawals
from invoicepay.client.worker import Worker as _Worker
from invoicepay.documents.invoice_page import Html
from invoicepay.documents.qr import QrCode
from invoicepay.domain.accounts import Booked
from invoicepay.domain.anchors import Anchor
from invoicepay.domain.audit import AuditRecord, Checkpoint
from invoicepay.domain.bank_accounts import BankAccount, BankAccountStatus
from invoicepay.domain.credit_notes import CreditedLine, CreditNote, CreditNoteDisposition
from invoicepay.domain.credits import CreditLot, CreditStatus
from invoicepay.domain.deposits import (
    Deposit,
    DepositStatus,
    Reserve,
    ReserveStatus,
    UnmatchedFunds,
    UnmatchedStatus,
)
from invoicepay.domain.effects import Effect, EffectStatus, InboxMessage, Observation
from invoicepay.domain.enterprise_book import EnterpriseBook
from invoicepay.domain.entity import Entity
from invoicepay.domain.events import Event
from invoicepay.domain.holds import Hold, HoldStatus
from invoicepay.domain.invariants import Violation
from invoicepay.domain.invoices import Invoice, InvoiceStatus, VoidDisposition
from invoicepay.domain.money import MoneyLike
from invoicepay.domain.monitoring import Finding, Movement
from invoicepay.domain.netting import RunStatus, SettlementRun
from invoicepay.domain.operations import Operation
from invoicepay.domain.parties import Party, PartyKind, Role, Wallet
from invoicepay.domain.payments import Payment, PaymentStatus, Receipt
from invoicepay.domain.policies import Policy, Programme
from invoicepay.domain.provider_switches import ProviderStatus, ProviderSwitch
from invoicepay.domain.reconciliation import StatementLine
from invoicepay.domain.requests import PaymentRequest, RequestStatus, Transfer, TransferStatus, Uses
from invoicepay.domain.reserves import Backing, Cover
from invoicepay.domain.schedules import CatchUp, Every, Schedule, ScheduleStatus
from invoicepay.domain.tables import Ageing, Balances, Listing
from invoicepay.domain.tie_out import ChainTieOut
from invoicepay.domain.tokens import Burn, BurnStatus, Mint, MintStatus
from invoicepay.domain.webhook_deliveries import WebhookAnswer, WebhookDelivery, WebhookDeliveryStatus
from invoicepay.domain.webhook_endpoints import WebhookEndpoint, WebhookEndpointStatus
from invoicepay.domain.withdrawals import Withdrawal, WithdrawalStatus
from invoicepay.errors import (
    InvoicePayError,
)
from invoicepay.ports.authorizer import Authorizer
from invoicepay.ports.health import SystemHealth
from invoicepay.ports.repository import Repository
from invoicepay.ports.routes import RailsChoice, TokenChoice
from invoicepay.ports.runtime import Clock, Ids
from invoicepay.ports.screening import Screening
from invoicepay.ports.sealing import FieldCipher
from invoicepay.ports.signing import CheckpointKey
from invoicepay.ports.webhooks import RequestHeaders
from invoicepay.settings import Settings
from invoicepay.use_cases.payments import PaidInvoices
from invoicepay.use_cases.pending import PendingSummary
from invoicepay.use_cases.queries import Verification, WalletBalance
from invoicepay.use_cases.reconcile import TieOut
from invoicepay.use_cases.requests import Scanned
from invoicepay.use_cases.reserve_audit import ReserveAudit

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine
    from sqlalchemy.ext.asyncio import AsyncEngine
    from sqlalchemy.orm import Session, scoped_session

    from invoicepay.domain.explanation import Explanation


class Audit:
    """The tamper-evident trail of every command."""

    __slots__ = ("_group",)

    def __init__(self, group: _Audit) -> None:
        self._group = group

    def trail(self, entity_id: str | Entity) -> Listing[AuditRecord]:
        """Every audited command that changed one entity, in order; operators only."""
        return run_blocking(self._group.trail(entity_id))

    def operations(self, *, after_position: int = 0, limit: int = 200) -> Listing[Operation]:
        """The log of operations: what people of the operator decided, and every call that was denied.

        Each entry has the actor, the `reason`, and where there was one the second person (`approved_by`) or
        the code of the refusal (`denied`). What a person said lies beside the audit trail, which vouches for
        it with a digest, and can be erased. Operators only (S-36).

        Args:
            after_position: the `position` of the last record that was read already.
            limit: 1 to 200.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> _ = pay.parties.register("ann")
            >>> _ = pay.wallets.freeze("ann", "USD", reason="court order 7/26")
            >>> [(entry.actor, entry.action, entry.reason) for entry in pay.audit.operations()]
            [('host', 'parties.freeze_wallet', 'court order 7/26')]
        """
        return run_blocking(self._group.operations(after_position=after_position, limit=limit))

    def verify(self, *, anchors: Sequence[str | Anchor] = ()) -> Verification:
        """Recompute the hash chains and checkpoints from the beginning (INV-22); true when unbroken.

        Operators only.

        Args:
            anchors: what `anchor` gave and was kept outside. The chains show edits, gaps, insertions and
                reorderings by themselves; that the newest records were cut off, or that everything was
                rewritten, only an anchor shows.

        Raises:
            ProviderUnavailable: the service of the checkpoint keys was not reached.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> bool(pay.audit.verify())
            True
        """
        return run_blocking(self._group.verify(anchors=anchors))

    def seal(self) -> Checkpoint | None:
        """Seal the current stream heads into the checkpoint chain; None when nothing is new.

        Operators only. `anchor` does the same, and signs it for keeping outside.
        """
        return run_blocking(self._group.seal())

    def anchor(self) -> Anchor | None:
        """Seal what is new and sign the newest checkpoint; None while there is no record at all.

        Keep the anchor's `text` where the owner of the database cannot change it: in an object store that
        locks what it holds, with a time-stamping service, in an auditor's mailbox. Operators only.

        Raises:
            ConfigurationError: the client has no `checkpoint_keys`.
            ProviderUnavailable: the key service was not reached; ask again.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> from invoicepay.adapters.checkpoint_keys import Ed25519Key
            >>> pay = InvoicePay(checkpoint_keys=(Ed25519Key(bytes(range(32))),))
            >>> _ = pay.parties.register("ann")
            >>> kept = [pay.audit.anchor().text]
            >>> bool(pay.audit.verify(anchors=kept))
            True
        """
        return run_blocking(self._group.anchor())

    def history(self, entity_id: str | Entity) -> Listing[Event]:
        """Every step of one entity, in order; operators only."""
        return run_blocking(self._group.history(entity_id))

    def findings(self, on: date, *, others: Sequence[Movement] = ()) -> Listing[Finding]:
        """Judge a bank's day by the reporting rules: currency reports, travel data; operators only.

        Deposits, payouts and transfers to addresses outside are judged; nothing is posted or held.

        Args:
            on: the day in New York.
            others: movements that the library does not see, such as cash over a counter.

        Raises:
            InvalidTime, InvalidInput: no date, or no movements.
            NotAllowed: the actor is no operator.

        Examples:
            >>> from datetime import date
            >>> from invoicepay import InvoicePay
            >>> InvoicePay().audit.findings(date(2026, 1, 5))
            ()
        """
        return run_blocking(self._group.findings(on, others=others))


class Ledger:
    """The issuer book: accounts, balances, transactions."""

    __slots__ = ("_group",)

    def __init__(self, group: _Ledger) -> None:
        self._group = group

    def balances(self, *, party: str | None = None, at: datetime | None = None) -> Balances:
        """Every account that holds something, of one party or of all, now or as of an instant.

        Raises:
            InvalidTime: `at` is naive.
            NotAllowed: a party asks for more than its own.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> _ = pay.sim.settle(pay.deposits.initiate("ann", "200.00 USD"))
            >>> {account.name: str(held) for account, held in pay.ledger.balances().items()}
            {'reserve:backing': '200.00 USD', 'wallet:available:ann': '200.00 USD'}
        """
        return run_blocking(self._group.balances(party=party, at=at))

    def transactions(
        self, *, about: str | Entity | None = None, after: str = "", limit: int = 200
    ) -> Listing[Booked]:
        """Ledger transactions in order, after a transaction's id; operators only.

        Args:
            about: only those of one payment, deposit, withdrawal and so on.
            limit: 1 to 200.
        """
        return run_blocking(self._group.transactions(about=about, after=after, limit=limit))

    def enterprise_book(self, enterprise: str, asset: str = "USD") -> EnterpriseBook:
        """An enterprise's own journal and balances, derived from its invoices, payments and credits.

        Raises:
            NotFound, NotAllowed, UnknownAsset: nothing is shown.
        """
        return run_blocking(self._group.enterprise_book(enterprise, asset))

    def enterprise_csv(self, enterprise: str, asset: str = "USD") -> str:
        """That journal as CSV; text cells are safe to open in a spreadsheet.

        Raises:
            NotFound, NotAllowed, UnknownAsset: nothing is written.
        """
        return run_blocking(self._group.enterprise_csv(enterprise, asset))


class Invariants:
    """INV-01 … INV-25 over the stored data."""

    __slots__ = ("_group",)

    def __init__(self, group: _Invariants) -> None:
        self._group = group

    def check(self) -> Listing[Violation]:
        """Run them all; each violation names its rule and row. Empty when the books are right.

        Operators only.
        """
        return run_blocking(self._group.check())


class BankAccounts:
    """Return codes such as R02 (closed) or R10 (unauthorised) disable an account; so may an operator."""

    __slots__ = ("_group",)

    def __init__(self, group: _BankAccounts) -> None:
        self._group = group

    def get(self, account: str | BankAccount) -> BankAccount:
        """One account that was disabled at least once.

        Args:
            account: the provider's token for it; never an account number.

        Raises:
            NotFound: nothing was ever said against it.
        """
        return run_blocking(self._group.get(account))

    def list(
        self,
        *,
        party: str | None = None,
        status: BankAccountStatus | str | None = None,
        after: str = "",
        limit: int = 50,
    ) -> Page[BankAccount]:
        """Accounts that were disabled at least once, by token.

        Args:
            after: the `next_cursor` of an earlier page.
            limit: rows of a page, 1 to 200; walking over the list fetches page after page.
        """
        return Page(run_blocking(self._group.list(party=party, status=status, after=after, limit=limit)))

    def disable(
        self, account_token: str, *, reason: str, party: str = "", idempotency_key: str | None = None
    ) -> BankAccount:
        """Use an account no more: deposits from it and payouts to it are refused; operators only.

        Args:
            account_token: the provider's token for it; never an account number.
            party: whose it is, where that is known.

        Raises:
            NotFound: no such party.
            NotAllowed: the actor is no operator.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> pay.bank_accounts.disable("ba_ann", reason="owner reported it stolen").status.value
            'disabled'
        """
        return run_blocking(
            self._group.disable(account_token, reason=reason, party=party, idempotency_key=idempotency_key)
        )

    def enable(
        self, account: str | BankAccount, *, reason: str, approved_by: str, idempotency_key: str | None = None
    ) -> BankAccount:
        """Use a disabled account again after it was verified anew; operators only, two of them.

        Raises:
            NotFound: it was never disabled.
            NotAllowed, SecondActorRequired: it takes an operator and another person.
            InvalidTransition: it is not disabled.
        """
        return run_blocking(
            self._group.enable(
                account, reason=reason, approved_by=approved_by, idempotency_key=idempotency_key
            )
        )


class Credits:
    """Credit lots (spec 4.3): first in, first out; cash credits are refundable and ring-fenced."""

    __slots__ = ("_group",)

    def __init__(self, group: _Credits) -> None:
        self._group = group

    def get(self, credit: str | CreditLot) -> CreditLot:
        """One lot.

        Raises:
            NotFound: unknown in this tenant.
        """
        return run_blocking(self._group.get(credit))

    def list(
        self,
        *,
        enterprise: str | None = None,
        customer: str | None = None,
        status: CreditStatus | str | None = None,
        after: str = "",
        limit: int = 50,
    ) -> Page[CreditLot]:
        """Lots, oldest first.

        Args:
            after: the `next_cursor` of an earlier page.
            limit: rows of a page, 1 to 200; walking over the list fetches page after page.
        """
        return Page(
            run_blocking(
                self._group.list(
                    enterprise=enterprise, customer=customer, status=status, after=after, limit=limit
                )
            )
        )

    def apply(
        self,
        invoice: str | Invoice,
        *,
        credit: str | CreditLot = "",
        amount: MoneyLike | None = None,
        idempotency_key: str | None = None,
    ) -> Invoice:
        """Pay an invoice with its customer's credit (P-13): one lot, or all in their order.

        Args:
            credit: one lot; all that the enterprise owes the customer, oldest first, when left out.
            amount: at most this much; everything open when left out.

        Raises:
            InsufficientFunds: there is no such credit, or less.
            InvoiceAlreadyPaid, InvoiceExpired, CurrencyMismatch, NotAllowed: nothing was applied.
        """
        return run_blocking(
            self._group.apply(invoice, credit=credit, amount=amount, idempotency_key=idempotency_key)
        )

    def refund(
        self,
        credit: str | CreditLot,
        amount: MoneyLike | None = None,
        *,
        to: str = "",
        approved_by: str = "",
        out_of_band: bool = False,
        idempotency_key: str | None = None,
    ) -> CreditLot:
        """Pay a cash credit back to whoever paid it in (P-15).

        Args:
            to: another receiver; needs an operator and `approved_by`.
            out_of_band: it was paid back outside the system; no token moves.

        Raises:
            CreditNotRefundable: goodwill never is.
            InsufficientEnterpriseFunds: an unsecured one.
            SecondActorRequired, NotAllowed: nothing moved.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> _ = pay.sim.settle(pay.deposits.initiate("ann", "50.00 USD"))
            >>> invoice = pay.invoices.issue(enterprise="acme", customer="ann", lines=[("Seat", "9.00 USD")])
            >>> payment = pay.invoices.pay(invoice, payer="ann", amount="10.00 USD")
            >>> pay.credits.refund(payment.credit_id).status.value, str(pay.wallets.get("ann").available)
            ('refunded', '41.00 USD')
        """
        return run_blocking(
            self._group.refund(
                credit,
                amount,
                to=to,
                approved_by=approved_by,
                out_of_band=out_of_band,
                idempotency_key=idempotency_key,
            )
        )

    def grant(
        self,
        enterprise: str,
        customer: str,
        amount: MoneyLike,
        *,
        expires_at: datetime | None = None,
        note: str = "",
        idempotency_key: str | None = None,
    ) -> CreditLot:
        """Give goodwill credit (P-14): usable on invoices, never refundable.

        Raises:
            NotFound, NotAllowed, AmountPrecision, InvalidTime: nothing was given.
        """
        return run_blocking(
            self._group.grant(
                enterprise,
                customer,
                amount,
                expires_at=expires_at,
                note=note,
                idempotency_key=idempotency_key,
            )
        )

    def expire(self, credit: str | CreditLot, *, idempotency_key: str | None = None) -> CreditLot:
        """Expire a lot whose time is over (P-16); `run_pending` does so by itself.

        Raises:
            InvalidTransition: its time is not over, or nothing is left of it.
        """
        return run_blocking(self._group.expire(credit, idempotency_key=idempotency_key))


class Deposits:
    """Money on its way in (spec 4.4): received, confirmed, minted, without a second call."""

    __slots__ = ("_group",)

    def __init__(self, group: _Deposits) -> None:
        self._group = group

    def initiate(
        self,
        party: str,
        amount: MoneyLike,
        *,
        rail: str = "instant",
        account_token: str = "",
        idempotency_key: str | None = None,
    ) -> Deposit:
        """Ask the party's bank for money; the reserve and the tokens follow when it arrives and is final.

        Args:
            rail: `instant`, `wire`, `bank_credit`, `bank_debit` or `card`; decides how long money waits.
            account_token: the provider's token for the bank account; never an account number.

        Raises:
            AmountPrecision, AmountNotPositive, NotFound, ComplianceBlocked: nothing was asked.
            BankAccountDisabled: a return code or an operator ruled the account out.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> deposit = pay.deposits.initiate("ann", "200.00 USD")
            >>> pay.sim.settle(deposit.id).status.value
            'completed'
        """
        return run_blocking(
            self._group.initiate(
                party, amount, rail=rail, account_token=account_token, idempotency_key=idempotency_key
            )
        )

    def record(
        self,
        party: str,
        amount: MoneyLike,
        *,
        provider: str,
        provider_ref: str,
        rail: str = "wire",
        processor_fee: MoneyLike | None = None,
        idempotency_key: str | None = None,
    ) -> Deposit:
        """Record money of a party that arrived by itself; operators only.

        Raises:
            DuplicateProviderReference: that transfer is known already.
        """
        return run_blocking(
            self._group.record(
                party,
                amount,
                provider=provider,
                provider_ref=provider_ref,
                rail=rail,
                processor_fee=processor_fee,
                idempotency_key=idempotency_key,
            )
        )

    def get(self, deposit: str | Deposit) -> Deposit:
        """One deposit and its status.

        Raises:
            NotFound: unknown in this tenant.
        """
        return run_blocking(self._group.get(deposit))

    def list(
        self,
        *,
        party: str | None = None,
        status: DepositStatus | str | None = None,
        after: str = "",
        limit: int = 50,
    ) -> Page[Deposit]:
        """Deposits, oldest first.

        Args:
            after: the `next_cursor` of an earlier page.
            limit: rows of a page, 1 to 200; walking over the list fetches page after page.
        """
        return Page(run_blocking(self._group.list(party=party, status=status, after=after, limit=limit)))

    def confirm(
        self,
        deposit: str | Deposit,
        *,
        approved_by: str = "",
        reason: str = "",
        idempotency_key: str | None = None,
    ) -> Deposit:
        """Trust a received deposit's money (P-02) and mint; before its time two operators are needed.

        Args:
            reason: why it is trusted before its time; it goes into the log of operations.

        Raises:
            SecondActorRequired, InvalidTransition, ReserveDeficit: nothing changed.
        """
        return run_blocking(
            self._group.confirm(
                deposit, approved_by=approved_by, reason=reason, idempotency_key=idempotency_key
            )
        )

    def cancel(self, deposit: str | Deposit, *, idempotency_key: str | None = None) -> Deposit:
        """Withdraw a deposit before the bank was asked.

        Raises:
            InvalidTransition: the bank was asked.
        """
        return run_blocking(self._group.cancel(deposit, idempotency_key=idempotency_key))

    def review(self, deposit: str | Deposit, *, reason: str, idempotency_key: str | None = None) -> Deposit:
        """Hold a deposit back until a person has looked; operators only.

        Raises:
            InvalidTransition: it is confirmed already, or over.
            NotAllowed: the actor is no operator.
        """
        return run_blocking(self._group.review(deposit, reason=reason, idempotency_key=idempotency_key))

    def release(
        self, deposit: str | Deposit, *, reason: str = "", idempotency_key: str | None = None
    ) -> Deposit:
        """Let a deposit under review go on; operators only.

        Args:
            reason: what the review found; it goes into the log of operations.

        Raises:
            InvalidTransition: it is not under review.
            NotAllowed: the actor is no operator.
        """
        return run_blocking(self._group.release(deposit, reason=reason, idempotency_key=idempotency_key))

    def reject(self, deposit: str | Deposit, *, reason: str, idempotency_key: str | None = None) -> Deposit:
        """End a deposit under review and send its money back (P-04); operators only.

        Raises:
            InvalidTransition: it is not under review, or its money is still on its way.
            NotAllowed: the actor is no operator.
        """
        return run_blocking(self._group.reject(deposit, reason=reason, idempotency_key=idempotency_key))

    def record_return(
        self,
        deposit: str | Deposit,
        *,
        return_code: str = "",
        amount: MoneyLike | None = None,
        idempotency_key: str | None = None,
    ) -> Deposit:
        """Record that the bank took back a deposit that was recorded by hand (P-04, P-05); operators only.

        Raises:
            InvalidInput, CurrencyMismatch, InvalidTransition, NotAllowed: nothing was recorded.
        """
        return run_blocking(
            self._group.record_return(
                deposit, return_code=return_code, amount=amount, idempotency_key=idempotency_key
            )
        )

    def recover(
        self, deposit: str | Deposit, amount: MoneyLike | None = None, *, idempotency_key: str | None = None
    ) -> Deposit:
        """Take what a returned deposit left owed from the party's tokens and burn them (P-06).

        Raises:
            InsufficientFunds: the party does not have it.
            InvalidTransition, InvalidInput, NotAllowed: nothing moved.
        """
        return run_blocking(self._group.recover(deposit, amount, idempotency_key=idempotency_key))

    def write_off(
        self,
        deposit: str | Deposit,
        amount: MoneyLike | None = None,
        *,
        approved_by: str,
        reason: str = "",
        idempotency_key: str | None = None,
    ) -> Deposit:
        """Give up what a returned deposit left owed (P-06); two operators are needed.

        Args:
            reason: why it is given up; it goes into the log of operations.

        Raises:
            NotAllowed, SecondActorRequired, InvalidTransition, InvalidInput: nothing changed.
        """
        return run_blocking(
            self._group.write_off(
                deposit, amount, approved_by=approved_by, reason=reason, idempotency_key=idempotency_key
            )
        )


class Effects:
    """Provider work: one effect for each thing asked of a bank or token network (reliability 1)."""

    __slots__ = ("_group",)

    def __init__(self, group: _Effects) -> None:
        self._group = group

    def get(self, effect: str | Effect) -> Effect:
        """One effect.

        Raises:
            NotFound: unknown in this tenant.
        """
        return run_blocking(self._group.get(effect))

    def list(
        self,
        *,
        cause: str | Entity | None = None,
        status: EffectStatus | str | None = None,
        after: str = "",
        limit: int = 50,
    ) -> Page[Effect]:
        """Effects, oldest first; those with the status `needs_review` wait for two persons.

        Args:
            cause: the deposit, withdrawal, mint, burn, payment, transfer or credit that it serves.
            after: the `next_cursor` of an earlier page.
            limit: rows of a page, 1 to 200; walking over the list fetches page after page.
        """
        return Page(run_blocking(self._group.list(cause=cause, status=status, after=after, limit=limit)))

    def observations(self, effect: str | Effect, *, after: str = "", limit: int = 50) -> Page[Observation]:
        """Everything that was seen of an effect: answers, look-ups, webhooks, findings of persons.

        Args:
            after: the `next_cursor` of an earlier page.
            limit: rows of a page, 1 to 200; walking over the list fetches page after page.

        Raises:
            NotFound: unknown in this tenant.
        """
        return Page(run_blocking(self._group.observations(effect, after=after, limit=limit)))

    def resolve(
        self,
        effect: str | Effect,
        status: EffectStatus | str,
        *,
        reason: str,
        approved_by: str,
        amount: MoneyLike | None = None,
        provider_ref: str = "",
        idempotency_key: str | None = None,
    ) -> Effect:
        """Say what really became of an effect in review; the books follow (four eyes).

        Args:
            status: accepted, final, rejected or failed; of a deposit or payout also settled, returned or
                return_reversed.
            reason: how it was found out; it goes into the audit trail.
            amount: what a deposit really brought, when it is not what was asked.
            provider_ref: the provider's name for it, when it is not known yet.

        Raises:
            NotAllowed, SecondActorRequired: it takes an operator and another person.
            InvalidTransition: it is not in review, or the books cannot follow.
            InvalidInput: another amount than asked, and it is no deposit: the books follow whole or not.
            MoneyError: the books cannot follow; for example, no reserve backs the tokens any more.
        """
        return run_blocking(
            self._group.resolve(
                effect,
                status,
                reason=reason,
                approved_by=approved_by,
                amount=amount,
                provider_ref=provider_ref,
                idempotency_key=idempotency_key,
            )
        )

    def resend(
        self, effect: str | Effect, *, reason: str, approved_by: str, idempotency_key: str | None = None
    ) -> Effect:
        """Have an effect in review asked about and sent once more, under its own key (four eyes).

        For an effect that went out so often, or so long ago, that it is not sent again by itself. The
        provider is asked first wherever it can be: what it has is booked and not sent. One that forgets keys
        and cannot be asked is never sent to twice; resolve the effect instead.

        Args:
            reason: how it was found out that nothing arrived; it goes into the audit trail.

        Raises:
            NotAllowed, SecondActorRequired: it takes an operator and another person.
            InvalidTransition: it is not in review, or the provider has told of it.
        """
        return run_blocking(
            self._group.resend(
                effect, reason=reason, approved_by=approved_by, idempotency_key=idempotency_key
            )
        )

    def stop(
        self, provider: str | ProviderSwitch, *, reason: str, idempotency_key: str | None = None
    ) -> ProviderSwitch:
        """Send nothing more to a provider, in an emergency; one operator is enough.

        Commands are taken as before and wait. What left already goes on being looked up, polled and told of
        by webhooks. A request that was on its way at this moment may still arrive, within ten seconds.

        Args:
            provider: its name, as in `effect.provider` and `health()`.
            reason: it goes into the audit trail.

        Raises:
            NotFound: this client has no provider of that name.
            NotAllowed: the actor is no operator.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> pay.effects.stop("simulated-bank", reason="status page is red").status.value
            'stopped'
            >>> pay.effects.resume("simulated-bank", reason="green again", approved_by="cfo").status.value
            'running'
        """
        return run_blocking(self._group.stop(provider, reason=reason, idempotency_key=idempotency_key))

    def stop_everywhere(
        self, provider: str | ProviderSwitch, *, reason: str, idempotency_key: str | None = None
    ) -> dict[str, ProviderSwitch]:
        """`stop` for every tenant that the store has by now; one operator is enough.

        Returns:
            The switch by tenant. A tenant that is new afterwards is not stopped.

        Raises:
            NotFound: this client has no provider of that name.
            NotAllowed: the actor is a party.
        """
        return run_blocking(
            self._group.stop_everywhere(provider, reason=reason, idempotency_key=idempotency_key)
        )

    def resume(
        self,
        provider: str | ProviderSwitch,
        *,
        reason: str,
        approved_by: str,
        idempotency_key: str | None = None,
    ) -> ProviderSwitch:
        """Send again what waits for a stopped provider; operators only, two of them.

        Raises:
            NotFound: it was never stopped.
            NotAllowed, SecondActorRequired: it takes an operator and another person.
            InvalidTransition: it is not stopped.
        """
        return run_blocking(
            self._group.resume(
                provider, reason=reason, approved_by=approved_by, idempotency_key=idempotency_key
            )
        )

    def resume_everywhere(
        self,
        provider: str | ProviderSwitch,
        *,
        reason: str,
        approved_by: str,
        idempotency_key: str | None = None,
    ) -> dict[str, ProviderSwitch]:
        """`resume` in every tenant where the provider is stopped; operators only, two of them.

        Returns:
            The switch by tenant, of those that were stopped.

        Raises:
            NotAllowed, SecondActorRequired: it takes an operator and another person.
        """
        return run_blocking(
            self._group.resume_everywhere(
                provider, reason=reason, approved_by=approved_by, idempotency_key=idempotency_key
            )
        )

    def switches(
        self, *, status: ProviderStatus | str | None = None, after: str = "", limit: int = 50
    ) -> Page[ProviderSwitch]:
        """Providers that were stopped at least once, by name; for operators.

        Args:
            status: `stopped` or `running`.
            after: the `next_cursor` of an earlier page.
            limit: rows of a page, 1 to 200; walking over the list fetches page after page.
        """
        return Page(run_blocking(self._group.switches(status=status, after=after, limit=limit)))


class Holds:
    """Authorizations (spec 4.7); payments, transfers and withdrawals place their own."""

    __slots__ = ("_group",)

    def __init__(self, group: _Holds) -> None:
        self._group = group

    def place(
        self,
        owner: str,
        amount: MoneyLike,
        *,
        payee: str = "",
        expires_at: datetime | None = None,
        idempotency_key: str | None = None,
    ) -> Hold:
        """Set tokens aside, for a payee or for the owner's own later use (P-10).

        Raises:
            InsufficientFunds, WalletFrozen, NotThePayer, InvalidTime: nothing is set aside.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> _ = pay.sim.settle(pay.deposits.initiate("ann", "50.00 USD"))
            >>> hold = pay.holds.place("ann", "20.00 USD", payee="acme")
            >>> captured = pay.holds.capture(hold, "15.00 USD")  # the other 5.00 go back
            >>> str(pay.wallets.get("ann").available), str(pay.wallets.get("acme").available)
            ('35.00 USD', '15.00 USD')
        """
        return run_blocking(
            self._group.place(
                owner, amount, payee=payee, expires_at=expires_at, idempotency_key=idempotency_key
            )
        )

    def capture(
        self,
        hold: str | Hold,
        amount: MoneyLike | None = None,
        *,
        payee: str = "",
        idempotency_key: str | None = None,
    ) -> Hold:
        """Pay all or a part of what was set aside to the payee (P-17); the rest goes back (P-12).

        Raises:
            InsufficientFunds: more than it holds.
            InvalidInput: no payee, or another than the hold's.
            InvalidTransition, NotAllowed, NotThePayer, WalletFrozen: nothing moved.
        """
        return run_blocking(self._group.capture(hold, amount, payee=payee, idempotency_key=idempotency_key))

    def release(self, hold: str | Hold, *, reason: str = "", idempotency_key: str | None = None) -> Hold:
        """Give the tokens back to their owner (P-12).

        Raises:
            InvalidTransition, NotAllowed, NotThePayer: nothing moved.
        """
        return run_blocking(self._group.release(hold, reason=reason, idempotency_key=idempotency_key))

    def get(self, hold: str | Hold) -> Hold:
        """One hold.

        Raises:
            NotFound: unknown in this tenant.
        """
        return run_blocking(self._group.get(hold))

    def list(
        self,
        *,
        owner: str | None = None,
        status: HoldStatus | str | None = None,
        after: str = "",
        limit: int = 50,
    ) -> Page[Hold]:
        """Holds, oldest first.

        Args:
            after: the `next_cursor` of an earlier page.
            limit: rows of a page, 1 to 200; walking over the list fetches page after page.
        """
        return Page(run_blocking(self._group.list(owner=owner, status=status, after=after, limit=limit)))


class Invoices:
    """Claims of enterprises on customers (spec 4.1)."""

    __slots__ = ("_group",)

    def __init__(self, group: _Invoices) -> None:
        self._group = group

    def issue(
        self,
        *,
        enterprise: str,
        customer: str,
        lines: Sequence[LineLike],
        due_on: date | None = None,
        due_in_days: int | None = None,
        expires_at: datetime | None = None,
        series: str = "A",
        note: str = "",
        reference: str = "",
        idempotency_key: str | None = None,
    ) -> Invoice:
        """Create and finalize an invoice in one go: it gets its number, and the customer's credits pay first.

        Args:
            lines: `Line.of("Hosting", "120.00 USD", tax_rate="0.19")` or (description, price).
            due_on: local date in the enterprise's zone; `due_in_days` counts from today instead.
            reference: your own reference, for example a purchase order.

        Raises:
            InvalidLine, CurrencyMismatch, AmountPrecision, NotFound, NotAllowed: nothing was stored.

        Examples:
            >>> from invoicepay import InvoicePay, Line
            >>> pay = InvoicePay()
            >>> lines = [Line.of("Hosting", "120.00 USD")]
            >>> invoice = pay.invoices.issue(enterprise="acme", customer="ann", lines=lines)
            >>> invoice.number, str(invoice.remaining)
            ('A-0001', '120.00 USD')
        """
        return run_blocking(
            self._group.issue(
                enterprise=enterprise,
                customer=customer,
                lines=lines,
                due_on=due_on,
                due_in_days=due_in_days,
                expires_at=expires_at,
                series=series,
                note=note,
                reference=reference,
                idempotency_key=idempotency_key,
            )
        )

    def draft(
        self,
        *,
        enterprise: str,
        customer: str,
        lines: Sequence[LineLike],
        due_on: date | None = None,
        due_in_days: int | None = None,
        expires_at: datetime | None = None,
        series: str = "A",
        note: str = "",
        reference: str = "",
        idempotency_key: str | None = None,
    ) -> Invoice:
        """Write an invoice that can still be changed; it has no number yet.

        Takes and refuses what `issue` does.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> draft = pay.invoices.draft(enterprise="acme", customer="ann", lines=[("Seat", "9.00 USD")])
            >>> draft = pay.invoices.update(draft, lines=[("Seat", "9.00 USD"), ("Set-up", "1.00 USD")])
            >>> pay.invoices.finalize(draft).number
            'A-0001'
        """
        return run_blocking(
            self._group.draft(
                enterprise=enterprise,
                customer=customer,
                lines=lines,
                due_on=due_on,
                due_in_days=due_in_days,
                expires_at=expires_at,
                series=series,
                note=note,
                reference=reference,
                idempotency_key=idempotency_key,
            )
        )

    def update(
        self,
        invoice: str | Invoice,
        *,
        lines: Sequence[LineLike] | None = None,
        due_on: date | None = None,
        due_in_days: int | None = None,
        expires_at: datetime | None = None,
        note: str | None = None,
        reference: str | None = None,
        idempotency_key: str | None = None,
    ) -> Invoice:
        """Change a draft; what is left out stays.

        Raises:
            InvalidTransition: it is finalized already.
            InvalidLine, CurrencyMismatch, InvalidTime: nothing was changed.
        """
        return run_blocking(
            self._group.update(
                invoice,
                lines=lines,
                due_on=due_on,
                due_in_days=due_in_days,
                expires_at=expires_at,
                note=note,
                reference=reference,
                idempotency_key=idempotency_key,
            )
        )

    def delete(self, invoice: str | Invoice, *, idempotency_key: str | None = None) -> Invoice:
        """Throw a draft away; finalized invoices are voided instead.

        Raises:
            InvalidTransition: it is finalized already.
        """
        return run_blocking(self._group.delete(invoice, idempotency_key=idempotency_key))

    def finalize(self, invoice: str | Invoice, *, idempotency_key: str | None = None) -> Invoice:
        """Freeze a draft and give it the next number of its series; the customer's credits pay first.

        Raises:
            InvalidTransition: it is no draft.
            InvoiceExpired: its expiry is over before it was ever open.
        """
        return run_blocking(self._group.finalize(invoice, idempotency_key=idempotency_key))

    def send(self, invoice: str | Invoice, *, idempotency_key: str | None = None) -> Invoice:
        """Send the customer the invoice: `notices` mail it, or handlers of `invoice.sent` do what you like.

        Raises:
            InvalidTransition: it is a draft, expired or void.
        """
        return run_blocking(self._group.send(invoice, idempotency_key=idempotency_key))

    def pay(
        self,
        invoice: str | Invoice,
        *,
        payer: str,
        amount: MoneyLike | None = None,
        idempotency_key: str | None = None,
    ) -> Payment:
        """Pay from the payer's wallet, exactly, in part or over (P-11); the excess becomes credit.

        Args:
            payer: whose tokens move; need not be the invoice's customer.
            amount: everything still open when left out; more than that becomes credit of the customer.

        Raises:
            InsufficientFunds, InvoiceAlreadyPaid, InvoiceExpired: nothing moved.
            OverpaymentRefused, PartialPaymentRefused, BelowMinimumPartial: the enterprise's policy.
            AssetNotAccepted, WalletFrozen, LimitExceeded, NotThePayer, NotFound: nothing moved.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> _ = pay.sim.settle(pay.deposits.initiate("ann", "200.00 USD").id)
            >>> lines = [("Hosting", "120.00 USD")]
            >>> invoice = pay.invoices.issue(enterprise="acme", customer="ann", lines=lines)
            >>> payment = pay.invoices.pay(invoice, payer="ann", amount="150.00 USD")
            >>> payment.payment_type.value, str(payment.credit)
            ('OVERPAYMENT', '30.00 USD')
        """
        return run_blocking(
            self._group.pay(invoice, payer=payer, amount=amount, idempotency_key=idempotency_key)
        )

    def pay_several(
        self,
        *,
        payer: str,
        amount: MoneyLike,
        invoices: Sequence[str | Invoice] = (),
        enterprise: str = "",
        idempotency_key: str | None = None,
    ) -> PaidInvoices:
        """Pay several invoices with one amount, all or none: in the given order, else oldest due first.

        Args:
            invoices: in the order of payment; without them, the payer's open ones with `enterprise`.

        Raises:
            AllocationIncomplete: something is left over and the invoices belong to several enterprises.
            InsufficientFunds, AssetNotAccepted, WalletFrozen, LimitExceeded, NotThePayer: nothing moved.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> _ = pay.sim.settle(pay.deposits.initiate("ann", "50.00 USD"))
            >>> for price in ("20.00 USD", "15.00 USD"):
            ...     _ = pay.invoices.issue(enterprise="acme", customer="ann", lines=[("Seat", price)])
            >>> paid = pay.invoices.pay_several(payer="ann", amount="35.00 USD", enterprise="acme")
            >>> [str(payment.applied) for payment in paid.payments]
            ['20.00 USD', '15.00 USD']
        """
        return run_blocking(
            self._group.pay_several(
                payer=payer,
                amount=amount,
                invoices=invoices,
                enterprise=enterprise,
                idempotency_key=idempotency_key,
            )
        )

    def receive(
        self,
        invoice: str | Invoice = "",
        *,
        payer: str = "",
        amount: MoneyLike,
        provider: str,
        provider_ref: str,
        enterprise: str = "",
        idempotency_key: str | None = None,
    ) -> Payment | Receipt:
        """Book a transfer that arrived by itself (push); the same `provider_ref` seen again changes nothing.

        Returns:
            The payment, or a receipt when it pays no invoice (another asset, none named).

        Raises:
            DuplicateProviderReference: the transfer was attached to another invoice.
            NotThePayer, NotAllowed: a party tells of its own transfers in the book only; what came from
                outside or moved on a chain is told by an operator.
            ComplianceBlocked, ComplianceReview, WalletFrozen, LimitExceeded, InsufficientFunds: the book does
                not move the tokens.
        """
        return run_blocking(
            self._group.receive(
                invoice,
                payer=payer,
                amount=amount,
                provider=provider,
                provider_ref=provider_ref,
                enterprise=enterprise,
                idempotency_key=idempotency_key,
            )
        )

    def record_external(
        self,
        invoice: str | Invoice,
        amount: MoneyLike,
        *,
        payer: str = "",
        reference: str = "",
        idempotency_key: str | None = None,
    ) -> Payment:
        """Record a payment made outside the system, for example in cash (P-19); no token moves.

        Args:
            payer: who paid; the invoice's customer when left out.
            reference: your own reference, for example a receipt's number.

        Raises:
            InvoiceAlreadyPaid, InvoiceExpired, NotAllowed: nothing was recorded.
        """
        return run_blocking(
            self._group.record_external(
                invoice, amount, payer=payer, reference=reference, idempotency_key=idempotency_key
            )
        )

    def get(self, invoice: str | Invoice) -> Invoice:
        """One invoice as it stands: its status, what is applied, pending and remaining.

        Raises:
            NotFound: unknown in this tenant.
        """
        return run_blocking(self._group.get(invoice))

    def list(
        self,
        *,
        enterprise: str | None = None,
        customer: str | None = None,
        status: InvoiceStatus | str | None = None,
        after: str = "",
        limit: int = 50,
    ) -> Page[Invoice]:
        """Invoices, oldest first.

        Args:
            after: the `next_cursor` of an earlier page.
            limit: rows of a page, 1 to 200; walking over the list fetches page after page.
        """
        return Page(
            run_blocking(
                self._group.list(
                    enterprise=enterprise, customer=customer, status=status, after=after, limit=limit
                )
            )
        )

    def credit_notes(self, invoice: str | Invoice) -> Page[CreditNote]:
        """The credit notes of an invoice, oldest first.

        Raises:
            NotFound: there is no such invoice, or the actor is a party and no side of it.
        """
        return Page(run_blocking(self._group.credit_notes(invoice)))

    def overdue(self, enterprise: str) -> builtins.list[Invoice]:
        """Open invoices past their due date in the enterprise's zone.

        Raises:
            NotFound, NotAllowed: no such enterprise, or another party asks.
        """
        return run_blocking(self._group.overdue(enterprise))

    def ageing(self, enterprise: str) -> Ageing:
        """What is open of an enterprise's invoices, by asset and by how many days it is past due.

        Raises:
            NotFound: no such enterprise.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> _ = pay.invoices.issue(enterprise="acme", customer="ann", lines=[("Seat", "9.00 USD")])
            >>> {bucket.value: str(due) for bucket, due in pay.invoices.ageing("acme")["USD"].items() if due}
            {'current': '9.00 USD'}
        """
        return run_blocking(self._group.ageing(enterprise))

    def qr(self, invoice: str | Invoice) -> QrCode:
        """A signed code that names the invoice; it draws itself as SVG, PNG or terminal text.

        Raises:
            InvoiceAlreadyPaid, InvoiceExpired, InvalidTransition: it takes no payment.
            NotAllowed: the actor is neither its issuer nor its customer.
        """
        return run_blocking(self._group.qr(invoice))

    def html(self, invoice: str | Invoice) -> Html:
        """The invoice as a page of HTML, with a code to scan while something is to be paid.

        Names and addresses are those that your `contacts` tell now; without them it shows ids.

        Raises:
            NotFound: there is no such invoice, or the actor is a party and no side of it.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> invoice = pay.invoices.issue(enterprise="acme", customer="ann", lines=[("Seat", "9.00 USD")])
            >>> page = pay.invoices.html(invoice)  # the last value of a cell: drawn
            >>> "<h1>Invoice A-0001</h1>" in page
            True
        """
        return run_blocking(self._group.html(invoice))

    def pay_many(self, items: Sequence[Pay]) -> builtins.list[Payment | InvoicePayError]:
        """Make many payments, each as if `pay` was called for one after the other, in few transactions.

        Up to 1,000 share a transaction. An outcome that is an error is a value here and not raised. Give each
        payment a key: after a crash the same list with the same keys answers what was done and does the rest.

        Returns:
            For each payment, in order, the `Payment`, or the error that `pay` would raise. When the store
            fails, that error is the outcome of all that was not stored, also of what was not tried any more.

        Raises:
            InvalidInput: no list.

        Examples:
            >>> from invoicepay import InvoicePay, Pay, Payment
            >>> pay = InvoicePay()
            >>> _ = pay.sim.settle(pay.deposits.initiate("ann", "100.00 USD").id)
            >>> invoice = pay.invoices.issue(enterprise="acme", customer="ann", lines=[("Seat", "60.00 USD")])
            >>> payments = [
            ...     Pay(invoice, payer="ann", amount="40.00 USD", idempotency_key="first"),
            ...     Pay(invoice, payer="ann", idempotency_key="rest"),
            ...     Pay(invoice, payer="ann", idempotency_key="again"),
            ... ]
            >>> for outcome in pay.invoices.pay_many(payments):
            ...     if isinstance(outcome, Payment):
            ...         print("paid", outcome.amount)
            ...     else:
            ...         print("refused:", outcome.code)
            paid 40.00 USD
            paid 20.00 USD
            refused: invoice_already_paid
        """
        return run_blocking(self._group.pay_many(items))

    def issue_many(self, items: Sequence[Issue]) -> builtins.list[Invoice | InvoicePayError]:
        """Issue many invoices, each as if `issue` was called for one after the other; numbers have no gaps.

        Outcomes and keys are as for `pay_many`.

        Raises:
            InvalidInput: no list.

        Examples:
            >>> from invoicepay import InvoicePay, Issue
            >>> pay = InvoicePay()
            >>> lines = [("Seat", "9.00 USD")]
            >>> seats = [
            ...     Issue(enterprise="acme", customer=id, lines=lines, idempotency_key=f"2026-01/{id}")
            ...     for id in ("ann", "acme", "ben")
            ... ]
            >>> ann, acme, ben = pay.invoices.issue_many(seats)
            >>> ann.number, acme.code, ben.number
            ('A-0001', 'self_payment', 'A-0002')
        """
        return run_blocking(self._group.issue_many(items))

    def finalize_many(
        self, items: Sequence[str | Invoice | Finalize]
    ) -> builtins.list[Invoice | InvoicePayError]:
        """Finalize many drafts, each as if `finalize` was called for one after the other.

        Outcomes are as for `pay_many`; `Finalize` gives a draft a key.

        Raises:
            InvalidInput: no list.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> prices = ("9.00 USD", "12.00 USD")
            >>> drafts = [
            ...     pay.invoices.draft(enterprise="acme", customer="ann", lines=[("Seat", price)])
            ...     for price in prices
            ... ]
            >>> [invoice.number for invoice in pay.invoices.finalize_many(drafts)]
            ['A-0001', 'A-0002']
        """
        return run_blocking(self._group.finalize_many(items))

    def refund(
        self,
        invoice: str | Invoice,
        amount: MoneyLike | None = None,
        *,
        reason: str = "",
        idempotency_key: str | None = None,
    ) -> CreditNote:
        """Give back what was paid, newest first: tokens to their payers, credit to its lots (P-27).

        Args:
            amount: everything that was paid and not yet given back when left out.

        Raises:
            InvalidTransition: it is not paid; void it, or issue a credit note.
            RefundExceedsPaid, InsufficientEnterpriseFunds, NotAllowed: nothing moved.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> _ = pay.sim.settle(pay.deposits.initiate("ann", "50.00 USD"))
            >>> invoice = pay.invoices.issue(enterprise="acme", customer="ann", lines=[("Seat", "9.00 USD")])
            >>> _ = pay.invoices.pay(invoice, payer="ann")
            >>> str(pay.invoices.refund(invoice, "4.00 USD").amount), str(pay.wallets.get("ann").available)
            ('4.00 USD', '45.00 USD')
        """
        return run_blocking(
            self._group.refund(invoice, amount, reason=reason, idempotency_key=idempotency_key)
        )

    def credit_note(
        self,
        invoice: str | Invoice,
        amount: MoneyLike | None = None,
        *,
        lines: Sequence[CreditedLine] = (),
        disposition: CreditNoteDisposition | str | None = None,
        reason: str = "",
        idempotency_key: str | None = None,
    ) -> CreditNote:
        """Reduce an invoice: what is open first (P-21), then what was paid, by `disposition` (P-27).

        Args:
            lines: name lines instead of an amount, and tax follows them.
            disposition: `refund`, `credit` or `out_of_band`; needed once something paid is credited.

        Raises:
            CreditNoteExceedsInvoice, InsufficientEnterpriseFunds, NotAllowed: nothing moved.
            InvalidTransition: the invoice is neither open nor paid.
        """
        return run_blocking(
            self._group.credit_note(
                invoice,
                amount,
                lines=lines,
                disposition=disposition,
                reason=reason,
                idempotency_key=idempotency_key,
            )
        )

    def void_credit_note(
        self, credit_note: str | CreditNote, *, idempotency_key: str | None = None
    ) -> CreditNote:
        """Take a credit note back as long as nobody used what it gave.

        Raises:
            CreditConsumed: somebody did.
        """
        return run_blocking(self._group.void_credit_note(credit_note, idempotency_key=idempotency_key))

    def void(
        self,
        invoice: str | Invoice,
        *,
        disposition: VoidDisposition | str | None = None,
        idempotency_key: str | None = None,
    ) -> Invoice:
        """Take an invoice back (P-23); what was paid becomes `credit` or is `refund`ed (P-24).

        Raises:
            InvoiceHasPayments: something was paid and no disposition is given.
            InsufficientEnterpriseFunds, InvalidTransition, NotAllowed: nothing changed.
        """
        return run_blocking(
            self._group.void(invoice, disposition=disposition, idempotency_key=idempotency_key)
        )

    def mark_uncollectible(self, invoice: str | Invoice, *, idempotency_key: str | None = None) -> Invoice:
        """Give an open invoice up (P-25); a late payment is still taken (P-26).

        Raises:
            InvoiceHasPayments: a payment is in flight.
            InvalidTransition, NotAllowed: nothing changed.
        """
        return run_blocking(self._group.mark_uncollectible(invoice, idempotency_key=idempotency_key))

    def expire(self, invoice: str | Invoice, *, idempotency_key: str | None = None) -> Invoice:
        """Mark an invoice whose expiry is over; `run_pending` does so by itself.

        Raises:
            InvalidTransition: its time is not over, or it is not open.
            InvoiceHasPayments: a payment that began in time is unresolved.
        """
        return run_blocking(self._group.expire(invoice, idempotency_key=idempotency_key))

    def reopen(
        self,
        invoice: str | Invoice,
        *,
        expires_at: datetime | None = None,
        idempotency_key: str | None = None,
    ) -> Invoice:
        """Let an expired invoice be paid again, until the new expiry or for good.

        Raises:
            InvalidTransition, InvalidTime: nothing changed.
        """
        return run_blocking(
            self._group.reopen(invoice, expires_at=expires_at, idempotency_key=idempotency_key)
        )


class Parties:
    """Participants under the host's own ids; no names, no bank numbers (decision D14)."""

    __slots__ = ("_group",)

    def __init__(self, group: _Parties) -> None:
        self._group = group

    def register(
        self,
        id: str,
        *,
        kind: PartyKind | str = PartyKind.USER,
        kyc_tier: int | None = None,
        policy: Policy | None = None,
        timezone: str | None = None,
        idempotency_key: str | None = None,
    ) -> Party:
        """Make a party known; registering it again as it is returns it.

        Args:
            id: your own id for it, such as `user:42`; 1 to 128 characters.
            kind: `user`, `enterprise` or `platform`.
            kyc_tier: the verification level that the programme's limits look at.
            policy: how an enterprise treats payments.
            timezone: IANA zone in which an enterprise's due dates end.

        Raises:
            InvalidIdentifier, InvalidInput: malformed, or registered differently before.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> InvoicePay().parties.register("acme", kind="enterprise").kind
            <PartyKind.ENTERPRISE: 'enterprise'>
        """
        return run_blocking(
            self._group.register(
                id,
                kind=kind,
                kyc_tier=kyc_tier,
                policy=policy,
                timezone=timezone,
                idempotency_key=idempotency_key,
            )
        )

    def register_many(self, items: Sequence[Register]) -> builtins.list[Party | InvoicePayError]:
        """Make many parties known, each as if `register` was called; up to 1,000 share a transaction.

        Returns:
            For each, in order, the `Party`, or the error that `register` would raise. When the store fails,
            that error is the outcome of all that was not stored, also of what was not tried any more.

        Raises:
            InvalidInput: no list.

        Examples:
            >>> from invoicepay import InvoicePay, Register
            >>> pay = InvoicePay()
            >>> parties = [Register("acme", kind="enterprise"), Register("ann"), Register("ben", kyc_tier=2)]
            >>> [party.kind.value for party in pay.parties.register_many(parties)]
            ['enterprise', 'user', 'user']
        """
        return run_blocking(self._group.register_many(items))

    def get(self, id: str) -> Party:
        """One party.

        Raises:
            NotFound: unknown in this tenant.
        """
        return run_blocking(self._group.get(id))

    def list(self, *, kind: PartyKind | str | None = None, after: str = "", limit: int = 50) -> Page[Party]:
        """Parties in the order of their ids.

        Args:
            after: the `next_cursor` of an earlier page.
            limit: rows of a page, 1 to 200; walking over the list fetches page after page.
        """
        return Page(run_blocking(self._group.list(kind=kind, after=after, limit=limit)))

    def set_policy(self, id: str, policy: Policy, *, idempotency_key: str | None = None) -> Party:
        """Change how an enterprise treats payments from now on (spec 6).

        Raises:
            NotFound, NotAllowed: nothing changed.
        """
        return run_blocking(self._group.set_policy(id, policy, idempotency_key=idempotency_key))

    def set_tier(self, id: str, kyc_tier: int, *, idempotency_key: str | None = None) -> Party:
        """Change the verification level that limits look at; operators only.

        Raises:
            InvalidInput: not a whole number from 0 to 99.
            NotFound, NotAllowed: nothing changed.
        """
        return run_blocking(self._group.set_tier(id, kyc_tier, idempotency_key=idempotency_key))

    def close(self, id: str, *, idempotency_key: str | None = None) -> Party:
        """End a party's participation; its id is never given to anybody else.

        Raises:
            PartyHasBalances: it still holds or owes something; the details say what.
            NotFound, NotAllowed: nothing changed.
        """
        return run_blocking(self._group.close(id, idempotency_key=idempotency_key))

    def erase(self, id: str, *, idempotency_key: str | None = None) -> Party:
        """Empty every text about a closed party: notes, references, reasons, account tokens; operators only.

        Rows, past events, stored answers and deliveries lose them in one transaction. Ids, amounts, states
        and the lines of documents stay; so do the ledger and the audit trail, which hold nothing else. Call
        it when no law makes you keep the texts any more; calling it again empties what came since.

        Raises:
            InvalidTransition: the party is not closed, or a deposit or withdrawal of it is under way.
            NotFound, NotAllowed: nothing changed.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> lines = [("Seat", "9.00 USD")]
            >>> seat = pay.invoices.issue(enterprise="acme", customer="ann", lines=lines, note="For Ann")
            >>> pay.parties.close("ann").status.value, pay.parties.erase("ann").status.value
            ('closed', 'erased')
            >>> pay.invoices.get(seat.id).note
            ''
        """
        return run_blocking(self._group.erase(id, idempotency_key=idempotency_key))


class Wallets:
    """What a party has of each asset."""

    __slots__ = ("_group",)

    def __init__(self, group: _Wallets) -> None:
        self._group = group

    def get(self, party: str, asset: str = "USD", *, at: datetime | None = None) -> WalletBalance:
        """Available, held, ring-fenced and frozen tokens, now or as of an instant.

        Raises:
            NotFound: nobody is registered under that id; in memory everybody is.
            InvalidTime: `at` is naive.
        """
        return run_blocking(self._group.get(party, asset, at=at))

    def open(self, party: str, asset: str, *, idempotency_key: str | None = None) -> Wallet:
        """Open a wallet explicitly; wallets also open by themselves when tokens arrive.

        Raises:
            UnknownAsset, NotFound, NotAllowed: no wallet was opened.
        """
        return run_blocking(self._group.open(party, asset, idempotency_key=idempotency_key))

    def freeze(self, party: str, asset: str, *, reason: str, idempotency_key: str | None = None) -> Wallet:
        """Block a wallet (P-09): nothing leaves, what arrives lands in the frozen part; operators only.

        Raises:
            NotAllowed, NotFound, InvalidTransition: nothing changed.
        """
        return run_blocking(self._group.freeze(party, asset, reason=reason, idempotency_key=idempotency_key))

    def unfreeze(self, party: str, asset: str, *, reason: str, idempotency_key: str | None = None) -> Wallet:
        """Lift the block; everything frozen is spendable again (P-09 reversed).

        Raises:
            NotAllowed, NotFound, InvalidTransition: nothing changed.
        """
        return run_blocking(
            self._group.unfreeze(party, asset, reason=reason, idempotency_key=idempotency_key)
        )


class Payments:
    """Payments of invoices (spec 4.2); `pay.invoices.pay` makes them."""

    __slots__ = ("_group",)

    def __init__(self, group: _Payments) -> None:
        self._group = group

    def get(self, payment: str | Payment) -> Payment:
        """One payment.

        Raises:
            NotFound: unknown in this tenant.
        """
        return run_blocking(self._group.get(payment))

    def list(
        self,
        *,
        invoice: str | Invoice | None = None,
        payer: str | None = None,
        enterprise: str | None = None,
        status: PaymentStatus | str | None = None,
        after: str = "",
        limit: int = 50,
    ) -> Page[Payment]:
        """Payments, oldest first.

        Args:
            after: the `next_cursor` of an earlier page.
            limit: rows of a page, 1 to 200; walking over the list fetches page after page.
        """
        return Page(
            run_blocking(
                self._group.list(
                    invoice=invoice,
                    payer=payer,
                    enterprise=enterprise,
                    status=status,
                    after=after,
                    limit=limit,
                )
            )
        )

    def cancel(
        self, payment: str | Payment, *, reason: str = "", idempotency_key: str | None = None
    ) -> Payment:
        """Cancel a pending payment before it is submitted; its hold is released (P-12).

        Raises:
            InvalidTransition: it is on its way already.
        """
        return run_blocking(self._group.cancel(payment, reason=reason, idempotency_key=idempotency_key))

    def reverse(
        self,
        payment: str | Payment,
        *,
        approved_by: str,
        reason: str = "",
        idempotency_key: str | None = None,
    ) -> Payment:
        """Take a settled payment back and reopen its invoice: operator error or legal order (four eyes).

        Raises:
            SecondActorRequired, CreditConsumed, InsufficientEnterpriseFunds: nothing moved.
        """
        return run_blocking(
            self._group.reverse(
                payment, approved_by=approved_by, reason=reason, idempotency_key=idempotency_key
            )
        )


class Requests:
    """One person asks another, or whoever scans the code, for money (spec 4.6)."""

    __slots__ = ("_group",)

    def __init__(self, group: _Requests) -> None:
        self._group = group

    def create(
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
        return run_blocking(
            self._group.create(
                requester,
                amount,
                payer=payer,
                asset=asset,
                minimum=minimum,
                maximum=maximum,
                amount_editable=amount_editable,
                uses=uses,
                note=note,
                expires_at=expires_at,
                idempotency_key=idempotency_key,
            )
        )

    def split(
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
        return run_blocking(
            self._group.split(
                requester,
                amount,
                payers=payers,
                amount_editable=amount_editable,
                note=note,
                expires_at=expires_at,
                idempotency_key=idempotency_key,
            )
        )

    def approve(
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
        return run_blocking(
            self._group.approve(
                request, payer=payer, amount=amount, pay_at=pay_at, idempotency_key=idempotency_key
            )
        )

    def decline(
        self, request: str | PaymentRequest, *, reason: str = "", idempotency_key: str | None = None
    ) -> PaymentRequest:
        """Say no; only the payer may.

        Raises:
            NotThePayer, RequestAlreadyResolved, RequestInFlight, InvalidTransition: nothing changed.
        """
        return run_blocking(self._group.decline(request, reason=reason, idempotency_key=idempotency_key))

    def revoke(
        self, request: str | PaymentRequest, *, reason: str = "", idempotency_key: str | None = None
    ) -> PaymentRequest:
        """Take back an approval whose transfer has not started.

        Raises:
            NotThePayer, InvalidTransition, RequestInFlight, RequestAlreadyResolved: nothing changed.
        """
        return run_blocking(self._group.revoke(request, reason=reason, idempotency_key=idempotency_key))

    def cancel(self, request: str | PaymentRequest, *, idempotency_key: str | None = None) -> PaymentRequest:
        """Take a request back with all its parts; only the requester may.

        Raises:
            RequestInFlight: a payment of it is on its way.
            NotAllowed, RequestAlreadyResolved: nothing changed.
        """
        return run_blocking(self._group.cancel(request, idempotency_key=idempotency_key))

    def get(self, request: str | PaymentRequest) -> PaymentRequest:
        """One request.

        Raises:
            NotFound: unknown in this tenant.
        """
        return run_blocking(self._group.get(request))

    def list(
        self,
        *,
        requester: str | None = None,
        payer: str | None = None,
        parent: str | PaymentRequest | None = None,
        status: RequestStatus | str | None = None,
        after: str = "",
        limit: int = 50,
    ) -> Page[PaymentRequest]:
        """Requests, oldest first.

        Args:
            after: the `next_cursor` of an earlier page.
            limit: rows of a page, 1 to 200; walking over the list fetches page after page.
        """
        return Page(
            run_blocking(
                self._group.list(
                    requester=requester, payer=payer, parent=parent, status=status, after=after, limit=limit
                )
            )
        )

    def qr(self, request: str | PaymentRequest) -> QrCode:
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
        return run_blocking(self._group.qr(request))

    def payee_qr(self, payee: str, amount: MoneyLike | None = None, *, asset: str = "") -> QrCode:
        """A signed code that names a payee, with or without an amount, for any number of payers.

        Raises:
            InvalidInput: neither an amount nor an asset is named.
            NotFound, NotAllowed: an unknown payee, or the actor is somebody else.
        """
        return run_blocking(self._group.payee_qr(payee, amount, asset=asset))

    def scan(self, text: str) -> Scanned:
        """Verify a scanned code and say what would be paid, from stored values.

        Raises:
            QrSignatureInvalid: not ours, or changed.
            QrExpired, RequestAlreadyResolved: too late.
        """
        return run_blocking(self._group.scan(text))

    def approve_scanned(
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
        return run_blocking(
            self._group.approve_scanned(
                text, payer=payer, amount=amount, pay_at=pay_at, idempotency_key=idempotency_key
            )
        )


class Transfers:
    """Tokens from one party to another that pay no invoice (P-17), and across our border (P-18)."""

    __slots__ = ("_group",)

    def __init__(self, group: _Transfers) -> None:
        self._group = group

    def send(
        self, payer: str, payee: str, amount: MoneyLike, *, note: str = "", idempotency_key: str | None = None
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
        return run_blocking(
            self._group.send(payer, payee, amount, note=note, idempotency_key=idempotency_key)
        )

    def send_scanned(
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
        return run_blocking(
            self._group.send_scanned(
                text, payer=payer, amount=amount, note=note, idempotency_key=idempotency_key
            )
        )

    def send_outside(
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
        return run_blocking(
            self._group.send_outside(
                payer, amount, address=address, note=note, idempotency_key=idempotency_key
            )
        )

    def receive_from_outside(
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
        return run_blocking(
            self._group.receive_from_outside(
                payee,
                amount,
                provider=provider,
                provider_ref=provider_ref,
                address=address,
                idempotency_key=idempotency_key,
            )
        )

    def get(self, transfer: str | Transfer) -> Transfer:
        """One transfer.

        Raises:
            NotFound: unknown in this tenant.
        """
        return run_blocking(self._group.get(transfer))

    def list(
        self,
        *,
        payer: str | None = None,
        payee: str | None = None,
        status: TransferStatus | str | None = None,
        after: str = "",
        limit: int = 50,
    ) -> Page[Transfer]:
        """Transfers, oldest first.

        Args:
            after: the `next_cursor` of an earlier page.
            limit: rows of a page, 1 to 200; walking over the list fetches page after page.
        """
        return Page(
            run_blocking(self._group.list(payer=payer, payee=payee, status=status, after=after, limit=limit))
        )


class Reserves:
    """Backing is an equality at every commit: earmarked cash = tokens outstanding (INV-02)."""

    __slots__ = ("_group",)

    def __init__(self, group: _Reserves) -> None:
        self._group = group

    def get(self, reserve: str | Reserve) -> Reserve:
        """One reserve.

        Raises:
            NotFound: unknown in this tenant.
        """
        return run_blocking(self._group.get(reserve))

    def list(
        self,
        *,
        party: str | None = None,
        status: ReserveStatus | str | None = None,
        after: str = "",
        limit: int = 50,
    ) -> Page[Reserve]:
        """Reserves, oldest first.

        Args:
            after: the `next_cursor` of an earlier page.
            limit: rows of a page, 1 to 200; walking over the list fetches page after page.
        """
        return Page(run_blocking(self._group.list(party=party, status=status, after=after, limit=limit)))

    def release(self, reserve: str | Reserve, *, idempotency_key: str | None = None) -> Deposit:
        """Record that a reserve went back to its depositor before tokens existed (P-04); operators only.

        Raises:
            NotAllowed, InvalidTransition: nothing changed.
        """
        return run_blocking(self._group.release(reserve, idempotency_key=idempotency_key))

    def top_up(
        self, amount: MoneyLike, *, approved_by: str, reference: str = "", idempotency_key: str | None = None
    ) -> Cover:
        """Record that the operator placed own money in the safeguarded account; two operators are needed.

        Args:
            approved_by: somebody other than the actor.

        Raises:
            NotAllowed, SecondActorRequired: nothing was recorded.
        """
        return run_blocking(
            self._group.top_up(
                amount, approved_by=approved_by, reference=reference, idempotency_key=idempotency_key
            )
        )

    def sweep_fees(
        self, amount: MoneyLike, *, reference: str = "", idempotency_key: str | None = None
    ) -> Cover:
        """Record that earned fees left the safeguarded account (P-08); operators only.

        Raises:
            NotAllowed, InsufficientFunds, ReserveDeficit: nothing was recorded.
        """
        return run_blocking(
            self._group.sweep_fees(amount, reference=reference, idempotency_key=idempotency_key)
        )

    def record_interest(
        self, amount: MoneyLike, *, reference: str = "", idempotency_key: str | None = None
    ) -> Cover:
        """Record interest that the bank paid on the safeguarded account (P-08); operators only.

        Raises:
            NotAllowed, AmountNotPositive, AmountPrecision: nothing was recorded.
        """
        return run_blocking(
            self._group.record_interest(amount, reference=reference, idempotency_key=idempotency_key)
        )

    def take_interest(
        self, amount: MoneyLike, *, reference: str = "", idempotency_key: str | None = None
    ) -> Cover:
        """Record that interest left the safeguarded account (P-08); operators only.

        Raises:
            NotAllowed, InsufficientFunds, ReserveDeficit: nothing was recorded.
        """
        return run_blocking(
            self._group.take_interest(amount, reference=reference, idempotency_key=idempotency_key)
        )

    def record_unmatched(
        self,
        amount: MoneyLike,
        *,
        provider: str,
        provider_ref: str,
        reason: str = "",
        idempotency_key: str | None = None,
    ) -> UnmatchedFunds:
        """Record money of an unknown owner (P-07); operators only.

        Raises:
            NotAllowed, DuplicateProviderReference: nothing was recorded.
        """
        return run_blocking(
            self._group.record_unmatched(
                amount,
                provider=provider,
                provider_ref=provider_ref,
                reason=reason,
                idempotency_key=idempotency_key,
            )
        )

    def match(
        self, unmatched: str | UnmatchedFunds, *, party: str, idempotency_key: str | None = None
    ) -> Deposit:
        """Give unmatched money to its owner, as tokens (P-07, P-03); operators only.

        Raises:
            NotAllowed, NotFound, InvalidTransition: nothing changed.
        """
        return run_blocking(self._group.match(unmatched, party=party, idempotency_key=idempotency_key))

    def return_unmatched(
        self, unmatched: str | UnmatchedFunds, *, reason: str = "", idempotency_key: str | None = None
    ) -> UnmatchedFunds:
        """Record that money of an unknown owner went back to its sender (P-07); operators only.

        Raises:
            NotAllowed, NotFound, InvalidTransition, ReserveDeficit: nothing changed.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> stray = pay.reserves.record_unmatched("75.00 USD", provider="bank", provider_ref="w-9")
            >>> pay.reserves.return_unmatched(stray, reason="sender asked").status
            <UnmatchedStatus.RETURNED: 'returned'>
        """
        return run_blocking(
            self._group.return_unmatched(unmatched, reason=reason, idempotency_key=idempotency_key)
        )

    def unmatched(
        self, *, status: UnmatchedStatus | str | None = None, after: str = "", limit: int = 50
    ) -> Page[UnmatchedFunds]:
        """Money of unknown owners, oldest first: what is `open` waits to be matched or sent back.

        Args:
            after: the `next_cursor` of an earlier page.
            limit: rows of a page, 1 to 200; walking over the list fetches page after page.
        """
        return Page(run_blocking(self._group.unmatched(status=status, after=after, limit=limit)))

    def audit(self, asset: str = "USD") -> ReserveAudit:
        """Whether the reserve of an asset agrees with the tokens on it (INV-02 to INV-06).

        Raises:
            UnknownAsset: the programme does not have it.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> _ = pay.sim.settle(pay.deposits.initiate("ann", "200.00 USD").id)
            >>> pay.reserves.audit().backed
            True
        """
        return run_blocking(self._group.audit(asset))

    def reconcile(
        self,
        asset: str = "USD",
        *,
        statement: Sequence[StatementLine] = (),
        bank_balance: MoneyLike | None = None,
        idempotency_key: str | None = None,
    ) -> TieOut:
        """Compare bank, books and token supply, name every difference, keep an attestation; posts nothing.

        Args:
            statement: lines of the safeguarded account's statement.
            bank_balance: its balance; asked of the rail when left out and the rail can tell.

        Raises:
            NotAllowed, CurrencyMismatch, ProviderUnavailable: nothing was kept.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> _ = pay.sim.settle(pay.deposits.initiate("ann", "200.00 USD"))
            >>> tie_out = pay.reserves.reconcile(bank_balance="200.00 USD")
            >>> tie_out.backed, tie_out.breaks
            (True, ())
        """
        return run_blocking(
            self._group.reconcile(
                asset, statement=statement, bank_balance=bank_balance, idempotency_key=idempotency_key
            )
        )


class Schedules:
    """Schedules issue an invoice for each occurrence, each once (spec 4.7)."""

    __slots__ = ("_group",)

    def __init__(self, group: _Schedules) -> None:
        self._group = group

    def create(
        self,
        *,
        enterprise: str,
        customer: str,
        lines: Sequence[LineLike],
        every: Every,
        start_on: date | None = None,
        timezone: str = "",
        due_in_days: int = 0,
        catch_up: CatchUp | str = CatchUp.ALL,
        ends_on: date | None = None,
        max_count: int | None = None,
        series: str = "A",
        note: str = "",
        idempotency_key: str | None = None,
    ) -> Schedule:
        """Set up recurring invoices.

        Args:
            every: `Every.month(day=31)` is clamped: 28 Feb, 31 Mar, 30 Apr.
            start_on: local date of the first occurrence; today when left out.
            timezone: the enterprise's zone when left out.
            catch_up: `all`, `latest` or `skip` occurrences missed during a pause or downtime.

        Raises:
            InvalidLine, InvalidInput, InvalidTime, NotFound, NotAllowed: nothing was stored.

        Examples:
            >>> from datetime import date
            >>> from invoicepay import Every, InvoicePay
            >>> from invoicepay.testing.clock import FrozenClock
            >>> pay = InvoicePay(clock=FrozenClock("2026-01-31T09:00:00Z"))
            >>> schedule = pay.schedules.create(
            ...     enterprise="acme",
            ...     customer="ann",
            ...     lines=[("Pro plan", "29.00 USD")],
            ...     every=Every.month(day=31),
            ...     start_on=date(2026, 1, 31),
            ... )
            >>> [invoice.number for invoice in pay.schedules.run_due()]
            ['A-0001']
        """
        return run_blocking(
            self._group.create(
                enterprise=enterprise,
                customer=customer,
                lines=lines,
                every=every,
                start_on=start_on,
                timezone=timezone,
                due_in_days=due_in_days,
                catch_up=catch_up,
                ends_on=ends_on,
                max_count=max_count,
                series=series,
                note=note,
                idempotency_key=idempotency_key,
            )
        )

    def run_due(self) -> builtins.list[Invoice]:
        """Issue what is due by now; returns what this run issued, so running twice makes nothing twice.

        An enterprise runs its own schedules, an operator those of all.
        """
        return run_blocking(self._group.run_due())

    def pause(self, schedule: str | Schedule, *, idempotency_key: str | None = None) -> Schedule:
        """Issue nothing until resumed.

        Raises:
            InvalidTransition, NotAllowed: nothing changed.
        """
        return run_blocking(self._group.pause(schedule, idempotency_key=idempotency_key))

    def resume(self, schedule: str | Schedule, *, idempotency_key: str | None = None) -> Schedule:
        """Go on; missed occurrences follow the schedule's `catch_up`.

        Raises:
            InvalidTransition, NotAllowed: nothing changed.
        """
        return run_blocking(self._group.resume(schedule, idempotency_key=idempotency_key))

    def cancel(self, schedule: str | Schedule, *, idempotency_key: str | None = None) -> Schedule:
        """End it for good; invoices already issued stay.

        Raises:
            InvalidTransition, NotAllowed: nothing changed.
        """
        return run_blocking(self._group.cancel(schedule, idempotency_key=idempotency_key))

    def get(self, schedule: str | Schedule) -> Schedule:
        """One schedule.

        Raises:
            NotFound: unknown in this tenant.
        """
        return run_blocking(self._group.get(schedule))

    def list(
        self,
        *,
        enterprise: str | None = None,
        customer: str | None = None,
        status: ScheduleStatus | str | None = None,
        after: str = "",
        limit: int = 50,
    ) -> Page[Schedule]:
        """Schedules, oldest first.

        Args:
            after: the `next_cursor` of an earlier page.
            limit: rows of a page, 1 to 200; walking over the list fetches page after page.
        """
        return Page(
            run_blocking(
                self._group.list(
                    enterprise=enterprise, customer=customer, status=status, after=after, limit=limit
                )
            )
        )


class Sim:
    """What banks and chains would do; each call delivers its webhooks and drains the work."""

    __slots__ = ("_group",)

    def __init__(self, group: _Sim) -> None:
        self._group = group

    def settle(
        self,
        deposit: str | Deposit,
        *,
        amount: MoneyLike | None = None,
        fee: MoneyLike | None = None,
        delay_days: float = 0,
    ) -> Deposit:
        """The banks settle a deposit: in full, with another amount, after a processor's fee, or later.

        Args:
            amount: what arrived, where it is not what was asked for.
            fee: what a processor kept of it.
            delay_days: days until the news arrives; move the clock on to get there.

        Raises:
            NotFound: the bank was never asked about it.
            InvalidTransition: it is settled, failed or returned already.
        """
        return run_blocking(self._group.settle(deposit, amount=amount, fee=fee, delay_days=delay_days))

    def finalize(self, deposit: str | Deposit) -> Deposit:
        """The rail's return window is over.

        Raises:
            NotFound: the bank was never asked about it.
            InvalidTransition: it is past that.
        """
        return run_blocking(self._group.finalize(deposit))

    def fail(self, deposit: str | Deposit, *, reason: str = "failed") -> Deposit:
        """The deposit ends before settlement; no money moved.

        Raises:
            NotFound: the bank was never asked about it.
            InvalidTransition: it is past that.
        """
        return run_blocking(self._group.fail(deposit, reason=reason))

    def return_deposit(self, deposit: str | Deposit, *, code: str = "R01") -> Deposit:
        """The payer's bank takes the money back; `code` is an ACH return code such as R01 or R10.

        Raises:
            NotFound: the bank was never asked about it.
            InvalidTransition: it is past that.
        """
        return run_blocking(self._group.return_deposit(deposit, code=code))

    def settle_payout(self, withdrawal: str | Withdrawal) -> Withdrawal:
        """The banks settle a payout.

        Raises:
            NotFound: the bank was never asked about it.
            InvalidTransition: it is past that.
        """
        return run_blocking(self._group.settle_payout(withdrawal))

    def fail_payout(self, withdrawal: str | Withdrawal, *, reason: str = "failed") -> Withdrawal:
        """A payout ends before the money left.

        Raises:
            NotFound: the bank was never asked about it.
            InvalidTransition: it is past that.
        """
        return run_blocking(self._group.fail_payout(withdrawal, reason=reason))

    def return_payout(self, withdrawal: str | Withdrawal, *, code: str = "R03") -> Withdrawal:
        """The receiving bank sends a settled payout back.

        Raises:
            NotFound: the bank was never asked about it.
            InvalidTransition: it is past that.
        """
        return run_blocking(self._group.return_payout(withdrawal, code=code))

    def hold_tokens(self) -> None:
        """From now on mints, burns and transfers stay pending, as on a slow chain."""
        run_blocking(self._group.hold_tokens())

    def release_tokens(self) -> None:
        """Make every pending mint, burn and transfer final, and later ones at once."""
        run_blocking(self._group.release_tokens())

    def deliver(self) -> int:
        """Deliver queued webhooks and drain the work until nothing moves; returns the deliveries made."""
        return run_blocking(self._group.deliver())


class Tokens:
    """Mints follow deposits and burns precede payouts by themselves; these calls are for operators."""

    __slots__ = ("_group",)

    def __init__(self, group: _Tokens) -> None:
        self._group = group

    def mint(
        self, reserve: str | Reserve, amount: MoneyLike | None = None, *, idempotency_key: str | None = None
    ) -> Mint:
        """Mint against a confirmed reserve that waited, all of it or a part (P-03).

        Raises:
            MintExceedsReserve, ReserveNotConfirmed, ReserveDeficit, ReserveStale: nothing is minted.
        """
        return run_blocking(self._group.mint(reserve, amount, idempotency_key=idempotency_key))

    def retry_mint(self, mint: str | Mint, *, idempotency_key: str | None = None) -> Mint:
        """Submit a mint again that failed for certain; an unknown one is looked up instead.

        Raises:
            InvalidTransition, NotAllowed: nothing was sent.
        """
        return run_blocking(self._group.retry_mint(mint, idempotency_key=idempotency_key))

    def retry_burn(self, burn: str | Burn, *, idempotency_key: str | None = None) -> Burn:
        """Ask the token side again for a booked burn that it refused.

        Raises:
            InvalidTransition, NotAllowed: nothing was sent.
        """
        return run_blocking(self._group.retry_burn(burn, idempotency_key=idempotency_key))

    def validate_backing(self, asset: str = "USD") -> Backing:
        """Whether the tokens of an asset are backed, and what covers the rest (INV-02, INV-04).

        Raises:
            UnknownAsset: the programme does not have it.
        """
        return run_blocking(self._group.validate_backing(asset))

    def settle(self, asset: str, *, idempotency_key: str | None = None) -> SettlementRun:
        """Bring the chain to where the books of a netted asset are: one transfer for each net, at most n - 1.

        A run ends when each of its transfers is final or has failed; what failed is part of the next one.

        Raises:
            AssetNotAccepted: the asset does not settle by runs.
            InvalidTransition: a run of the asset goes on.
            PositionsNotOpen: the asset has tokens from before it was netted; see `open_positions`.
            UnknownAsset, NotAllowed, InvariantViolated: no run was opened.
        """
        return run_blocking(self._group.settle(asset, idempotency_key=idempotency_key))

    def open_positions(
        self, asset: str, *, approved_by: str, idempotency_key: str | None = None
    ) -> ChainTieOut:
        """Begin to net an asset that has tokens already: what the chain holds becomes its positions.

        Call it once, when every process has the new settlement and nothing of the asset is on its way. Where
        positions are what the chain holds, it changes nothing.

        Returns:
            Books, positions and chain as they are then; what is unsettled goes with the next run.

        Raises:
            InvalidTransition: tokens of the asset are on their way, or an effect is in review.
            InvariantViolated: the wallets, the supply and the books do not hold the same in total.
            NotAllowed, SecondActorRequired: it takes an operator and another person.
            UnknownAsset, AssetNotAccepted, ProviderUnavailable, ConcurrentUpdate: nothing was changed.
        """
        return run_blocking(
            self._group.open_positions(asset, approved_by=approved_by, idempotency_key=idempotency_key)
        )

    def settlement(self, run: str | SettlementRun) -> SettlementRun:
        """One settlement run, as it stands now.

        Raises:
            NotFound: unknown in this tenant.
        """
        return run_blocking(self._group.settlement(run))

    def settlements(
        self, asset: str, *, status: RunStatus | str | None = None, after: str = "", limit: int = 50
    ) -> Page[SettlementRun]:
        """Settlement runs of an asset, oldest first.

        Args:
            after: the `next_cursor` of an earlier page.
            limit: rows of a page, 1 to 200; walking over the list fetches page after page.

        Raises:
            UnknownAsset: the programme does not have it.
        """
        return Page(run_blocking(self._group.settlements(asset, status=status, after=after, limit=limit)))

    def tie_out(self, asset: str) -> ChainTieOut:
        """Books, positions and chain for every wallet of an asset, and the supply; print it to see a table.

        Raises:
            AssetNotAccepted: the provider keeps no wallet for each party.
            UnknownAsset, NotAllowed, ProviderUnavailable: nothing can be compared.
        """
        return run_blocking(self._group.tie_out(asset))

    def mints(
        self,
        *,
        party: str | None = None,
        status: MintStatus | str | None = None,
        after: str = "",
        limit: int = 50,
    ) -> Page[Mint]:
        """Mints, oldest first.

        Args:
            after: the `next_cursor` of an earlier page.
            limit: rows of a page, 1 to 200; walking over the list fetches page after page.
        """
        return Page(run_blocking(self._group.mints(party=party, status=status, after=after, limit=limit)))

    def burns(
        self,
        *,
        party: str | None = None,
        status: BurnStatus | str | None = None,
        after: str = "",
        limit: int = 50,
    ) -> Page[Burn]:
        """Burns, oldest first.

        Args:
            after: the `next_cursor` of an earlier page.
            limit: rows of a page, 1 to 200; walking over the list fetches page after page.
        """
        return Page(run_blocking(self._group.burns(party=party, status=status, after=after, limit=limit)))


class WebhookDeliveries:
    """One delivery for each event and endpoint; what no try could deliver is `dead` and can be replayed."""

    __slots__ = ("_group",)

    def __init__(self, group: _WebhookDeliveries) -> None:
        self._group = group

    def get(self, delivery: str | WebhookDelivery) -> WebhookDelivery:
        """One delivery.

        Raises:
            NotFound: unknown in this tenant.
        """
        return run_blocking(self._group.get(delivery))

    def list(
        self,
        *,
        endpoint: str | WebhookEndpoint | None = None,
        status: WebhookDeliveryStatus | str | None = None,
        after: str = "",
        limit: int = 50,
    ) -> Page[WebhookDelivery]:
        """Deliveries in the order of their events; for operators.

        Args:
            status: `pending`, `delivered` or `dead`.
            after: the `next_cursor` of an earlier page.
            limit: rows of a page, 1 to 200; walking over the list fetches page after page.
        """
        return Page(
            run_blocking(self._group.list(endpoint=endpoint, status=status, after=after, limit=limit))
        )

    def replay(
        self, delivery: str | WebhookDelivery, *, idempotency_key: str | None = None
    ) -> WebhookDelivery:
        """Try a dead or delivered one again, from the beginning of the schedule and under the same id.

        Raises:
            NotFound: unknown in this tenant.
            InvalidTransition: it is on its way.
            NotAllowed: the actor is no operator.
        """
        return run_blocking(self._group.replay(delivery, idempotency_key=idempotency_key))

    def replay_range(
        self,
        endpoint: str | WebhookEndpoint,
        *,
        since: datetime,
        until: datetime,
        idempotency_key: str | None = None,
    ) -> int:
        """Send everything that an endpoint takes of a span of time, whether it was sent before or not.

        For an endpoint that lost what it was sent, was disabled, or is new and wants to know the past.

        Args:
            since: when the first of the events happened.
            until: when the last of them had happened; not part of the span.

        Returns:
            How many are on their way by this call; what was on its way already does not count.

        Raises:
            NotFound: no such endpoint in this tenant.
            InvalidInput: the span ends before it begins, or holds more than 1,000 such events.
            NotAllowed: the actor is no operator.
        """
        return run_blocking(
            self._group.replay_range(endpoint, since=since, until=until, idempotency_key=idempotency_key)
        )


class WebhookEndpoints:
    """URLs that are told of events after the commit, at least once, as Standard Webhooks lays it down."""

    __slots__ = ("_group",)

    def __init__(self, group: _WebhookEndpoints) -> None:
        self._group = group

    def create(
        self, *, url: str, events: Sequence[str], idempotency_key: str | None = None
    ) -> WebhookEndpoint:
        """Tell a URL of every matching event that is committed from now on; operators only.

        Messages leave with `run_pending`, or right after each call where `dispatch` is `inline`. The receiver
        verifies them with `secret(endpoint)`.

        Args:
            url: https, a public name, port 443 or 8443; put no secret into it, for it is stored as it is.
            events: patterns such as `invoice.paid`, `invoice.*` or `*`. Work with providers, bank accounts
                and webhooks themselves are not told outside.

        Raises:
            ConfigurationError: `webhook_secret` is not set.
            InvalidInput: nothing is sent to such a URL, or no event has such a name.
            NotAllowed: the actor is no operator.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> endpoint = pay.webhook_endpoints.create(url="https://shop.example/in", events=["invoice.*"])
            >>> pay.webhook_endpoints.secret(endpoint)[:6]
            'whsec_'
        """
        return run_blocking(self._group.create(url=url, events=events, idempotency_key=idempotency_key))

    def get(self, endpoint: str | WebhookEndpoint) -> WebhookEndpoint:
        """One endpoint, and how it has answered lately.

        Raises:
            NotFound: unknown in this tenant.
        """
        return run_blocking(self._group.get(endpoint))

    def list(
        self, *, status: WebhookEndpointStatus | str | None = None, after: str = "", limit: int = 50
    ) -> Page[WebhookEndpoint]:
        """Endpoints, oldest first; for operators.

        Args:
            status: `enabled` or `disabled`.
            after: the `next_cursor` of an earlier page.
            limit: rows of a page, 1 to 200; walking over the list fetches page after page.
        """
        return Page(run_blocking(self._group.list(status=status, after=after, limit=limit)))

    def update(
        self,
        endpoint: str | WebhookEndpoint,
        *,
        url: str | None = None,
        events: Sequence[str] | None = None,
        idempotency_key: str | None = None,
    ) -> WebhookEndpoint:
        """Send to another URL, or other events; what is left out stays. What waits goes to the new URL.

        Raises:
            NotFound: unknown in this tenant.
            InvalidInput: nothing is sent to such a URL, or no event has such a name.
            NotAllowed: the actor is no operator.
        """
        return run_blocking(
            self._group.update(endpoint, url=url, events=events, idempotency_key=idempotency_key)
        )

    def disable(
        self, endpoint: str | WebhookEndpoint, *, reason: str = "", idempotency_key: str | None = None
    ) -> WebhookEndpoint:
        """Send nothing more there; what waits for it goes on waiting. A message on its way may still arrive.

        Args:
            reason: it stands in the log of operations.

        Raises:
            NotFound: unknown in this tenant.
            InvalidTransition: it is disabled.
            NotAllowed: the actor is no operator.
        """
        return run_blocking(self._group.disable(endpoint, reason=reason, idempotency_key=idempotency_key))

    def enable(
        self, endpoint: str | WebhookEndpoint, *, idempotency_key: str | None = None
    ) -> WebhookEndpoint:
        """Send what waits for a disabled endpoint, and events that are committed from now on.

        What happened while it was disabled is sent by `webhook_deliveries.replay_range`.

        Raises:
            NotFound: unknown in this tenant.
            InvalidTransition: it is enabled.
            NotAllowed: the actor is no operator.
        """
        return run_blocking(self._group.enable(endpoint, idempotency_key=idempotency_key))

    def rotate_secret(
        self, endpoint: str | WebhookEndpoint, *, idempotency_key: str | None = None
    ) -> WebhookEndpoint:
        """Give the endpoint a new secret; for 24 hours messages carry a signature by the former one, too.

        Give the receiver `secret(endpoint)` within that time.

        Raises:
            NotFound: unknown in this tenant.
            NotAllowed: the actor is no operator.
        """
        return run_blocking(self._group.rotate_secret(endpoint, idempotency_key=idempotency_key))

    def secret(self, endpoint: str | WebhookEndpoint) -> str:
        """What the receiver verifies messages with, `whsec_…`: made anew at each call, and kept nowhere.

        Raises:
            NotFound: unknown in this tenant.
            ConfigurationError: `webhook_secret` is not set.
            NotAllowed: the actor is no operator.
        """
        return run_blocking(self._group.secret(endpoint))

    def test(self, endpoint: str | WebhookEndpoint) -> WebhookAnswer:
        """Send one signed message of the type `webhook_endpoint.test` now; it is not kept and not repeated.

        Returns:
            What the endpoint answered; `is_taken` when with 2xx.

        Raises:
            NotFound: unknown in this tenant.
            ConfigurationError: `webhook_secret` is not set.
            NotAllowed: the actor is no operator.
        """
        return run_blocking(self._group.test(endpoint))


class Webhooks:
    """What providers tell by themselves; repeated, late or reordered deliveries are safe."""

    __slots__ = ("_group",)

    def __init__(self, group: _Webhooks) -> None:
        self._group = group

    def receive(self, provider: str, *, headers: RequestHeaders, body: bytes) -> tuple[InboxMessage, ...]:
        """Verify a delivery over its raw bytes and keep its events; answer 2xx once this returned.

        Args:
            provider: the provider's name, or its side, `rails` or `tokens`, where it is the only one there.
            headers: as the framework has them, in any spelling of upper and lower case; one that came twice
                counts as both of its values, joined by a comma.
            body: the raw bytes of the request; the signature covers them.

        Raises:
            InvalidInput: there is no such provider; the message names those there are.
            WebhookSignatureInvalid: answer 400; nothing was kept.
            ProviderUnavailable: answer 503; the key to check it with cannot be had now, and it comes again.
        """
        return run_blocking(self._group.receive(provider, headers=headers, body=body))


class Withdrawals:
    """Hold, burn, payout, in that order (spec 4.5); nothing is compensated while an outcome is unknown."""

    __slots__ = ("_group",)

    def __init__(self, group: _Withdrawals) -> None:
        self._group = group

    def initiate(
        self,
        party: str,
        amount: MoneyLike,
        *,
        account_token: str,
        rail: str = "instant",
        idempotency_key: str | None = None,
    ) -> Withdrawal:
        """Set tokens aside, burn them, and pay the bank account out (P-30 to P-33).

        Args:
            account_token: the provider's token for the bank account; never an account number.

        Raises:
            InsufficientFunds, AmountPrecision, ReserveDeficit, WalletFrozen, LimitExceeded: nothing is held.
            BankAccountDisabled: a return code or an operator ruled the account out.
            FundsNotSeasoned: it would take tokens of a young deposit to another account.
            PositionsNotOpen: the asset became netted; an operator calls `pay.tokens.open_positions` first.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> _ = pay.sim.settle(pay.deposits.initiate("ann", "200.00 USD").id)
            >>> withdrawal = pay.withdrawals.initiate("ann", "50.00 USD", account_token="ba_ann")
            >>> pay.sim.settle_payout(withdrawal.id).status.value
            'paid'
        """
        return run_blocking(
            self._group.initiate(
                party, amount, account_token=account_token, rail=rail, idempotency_key=idempotency_key
            )
        )

    def cancel(self, withdrawal: str | Withdrawal, *, idempotency_key: str | None = None) -> Withdrawal:
        """Take a withdrawal back before its burn was sent (P-12).

        Raises:
            InvalidTransition: too late.
        """
        return run_blocking(self._group.cancel(withdrawal, idempotency_key=idempotency_key))

    def release(
        self, withdrawal: str | Withdrawal, *, reason: str = "", idempotency_key: str | None = None
    ) -> Withdrawal:
        """Let a withdrawal under review go on; operators only.

        Args:
            reason: what the review found; it goes into the log of operations.

        Raises:
            InvalidTransition: it is not under review.
            WalletFrozen, ReserveDeficit, BankAccountDisabled: it has to wait.
            NotAllowed: the actor is no operator.
        """
        return run_blocking(self._group.release(withdrawal, reason=reason, idempotency_key=idempotency_key))

    def reject(
        self, withdrawal: str | Withdrawal, *, reason: str, idempotency_key: str | None = None
    ) -> Withdrawal:
        """End a withdrawal under review and give the tokens back (P-12); operators only.

        Raises:
            InvalidTransition: it is not under review.
            NotAllowed: the actor is no operator.
        """
        return run_blocking(self._group.reject(withdrawal, reason=reason, idempotency_key=idempotency_key))

    def remint(self, withdrawal: str | Withdrawal, *, idempotency_key: str | None = None) -> Withdrawal:
        """Turn a payout that came back into tokens again; the fee stays paid (P-36).

        Raises:
            InvalidTransition: nothing came back, or it is being reminted already.
            WalletFrozen, ReserveDeficit, ReserveStale: new tokens have to wait.
            NotThePayer: somebody else asks.
        """
        return run_blocking(self._group.remint(withdrawal, idempotency_key=idempotency_key))

    def retry_payout(
        self, withdrawal: str | Withdrawal, *, account_token: str, idempotency_key: str | None = None
    ) -> Withdrawal:
        """Pay a payout that came back to another bank account.

        Raises:
            InvalidTransition: nothing came back, or it is being reminted.
            ComplianceBlocked, ComplianceReview, WalletFrozen, NotThePayer: nothing was sent.
            BankAccountDisabled: that account was ruled out, too.
        """
        return run_blocking(
            self._group.retry_payout(withdrawal, account_token=account_token, idempotency_key=idempotency_key)
        )

    def get(self, withdrawal: str | Withdrawal) -> Withdrawal:
        """One withdrawal.

        Raises:
            NotFound: unknown in this tenant.
        """
        return run_blocking(self._group.get(withdrawal))

    def list(
        self,
        *,
        party: str | None = None,
        status: WithdrawalStatus | str | None = None,
        after: str = "",
        limit: int = 50,
    ) -> Page[Withdrawal]:
        """Withdrawals, oldest first.

        Args:
            after: the `next_cursor` of an earlier page.
            limit: rows of a page, 1 to 200; walking over the list fetches page after page.
        """
        return Page(run_blocking(self._group.list(party=party, status=status, after=after, limit=limit)))


class Worker:
    """Brings on what waits; any number of workers share the work, and one that is killed loses nothing."""

    __slots__ = ("_group",)

    def __init__(self, group: _Worker) -> None:
        self._group = group

    def run_forever(self, *, handle_signals: bool = True) -> None:
        """Make passes until `stop`, or until SIGTERM or SIGINT; then end after the tenant at hand.

        A pass that fails is logged to `invoicepay.worker` and tried again after a pause that doubles up to
        30 seconds. A second signal does what it did before, which loses nothing.

        Args:
            handle_signals: False where somebody else takes them, such as a web server, and in a thread that
                is not the main one; call `stop` there.

        Raises:
            NotAllowed: the actor is a party.
            ConfigurationError: the client was closed, or it cannot work at all.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay(dispatch="deferred")
            >>> deposit = pay.deposits.initiate("ann", "50.00 USD")
            >>> worker = pay.worker(on_pass=lambda done: worker.stop())
            >>> worker.run_forever()
            >>> pay.effects.list().items[0].status
            <EffectStatus.ACCEPTED: 'accepted'>
        """
        run_blocking(self._group.run_forever(handle_signals=handle_signals))

    def stop(self) -> None:
        """End after the tenant at hand, and stay ended; from any thread or handler. It waits for nothing."""
        self._group.stop()


class InvoicePay:
    """One closed money loop: deposits, reserves, tokens, invoices, payments, credits, requests, payouts.

    Without arguments everything is in memory and simulated. Safe to share; close it at the end, or use it as
    a context manager.

    Args:
        store: `memory://`, `sqlite:///file.db`, `postgresql+psycopg://…`, or an engine of yours.
        rails: your bank, or the name under which one is installed; several by asset and rail:
            `{("USD", "wire"): one, "EUR": other}`. A simulated one when left out.
        token: your token network, or the name of an installed one; several by asset:
            `{"USD.tempo": one, "EUR": other}`. A simulated one when left out.
        clock: the machine's when left out.
        screening: your compliance check; everything passes when left out.
        cipher: seals people's texts in the store; they lie there as they are when left out.
        authorizer: your own say in who may do what; it can forbid what the rules allow, never the reverse.
        checkpoint_keys: sign and verify checkpoints of the audit trail; the first signs.
        notices: tells people of what happens to them, by mail or as you like; nobody is told when left out.
        programme: assets, finality, limits and fees of your programme.
        environment: `production` refuses what is only good for trying out; the error lists all of it.
        dispatch: `inline` does provider work and handlers right after each call; `deferred` leaves them to
            `run_pending`.
        group_commit: `off` gives every call a transaction of its own; left alone, calls that come at the same
            time share one, except in memory.
        tenant: whose books; `tenant()` gives a copy for another.
        qr_secret: at least 32 bytes that sign payment codes; without it codes live as long as the process.
        qr_old_secrets: earlier ones, so that the codes they signed still verify.
        webhook_secret: at least 32 bytes from which the secrets of webhook endpoints are made; only in memory
            it may be left out.
        webhook_old_secrets: earlier ones, which go on signing until they are left out.
        allow_local_webhooks: webhook endpoints may be `http://127.0.0.1`, for trying out on one machine.

    Raises:
        ConfigurationError: options contradict each other.
        StoreBehind, StoreUnreachable, StoreReadOnly: on the first call; the message names the next step.
    """

    def __init__(
        self,
        store: str | Engine | AsyncEngine | None = None,
        *,
        rails: RailsChoice | None = None,
        token: TokenChoice | None = None,
        clock: Clock | None = None,
        ids: Ids | None = None,
        screening: Screening | None = None,
        cipher: FieldCipher | None = None,
        repository: Repository | None = None,
        authorizer: Authorizer | None = None,
        checkpoint_keys: tuple[CheckpointKey, ...] = (),
        notices: Notices | None = None,
        programme: Programme | None = None,
        environment: str = "development",
        dispatch: str = "inline",
        group_commit: str = "auto",
        tenant: str = "default",
        schema: str | None = None,
        table_prefix: str = "",
        qr_secret: bytes | None = None,
        qr_old_secrets: tuple[bytes, ...] = (),
        webhook_secret: bytes | None = None,
        webhook_old_secrets: tuple[bytes, ...] = (),
        allow_local_webhooks: bool = False,
    ) -> None:
        self._pay: AsyncInvoicePay = _BlockingLeaves(
            store,
            rails=rails,
            token=token,
            clock=clock,
            ids=ids,
            screening=screening,
            cipher=cipher,
            repository=repository,
            authorizer=authorizer,
            checkpoint_keys=checkpoint_keys,
            notices=notices,
            programme=programme,
            environment=environment,
            dispatch=dispatch,
            group_commit=group_commit,
            tenant=tenant,
            schema=schema,
            table_prefix=table_prefix,
            qr_secret=qr_secret,
            qr_old_secrets=qr_old_secrets,
            webhook_secret=webhook_secret,
            webhook_old_secrets=webhook_old_secrets,
            allow_local_webhooks=allow_local_webhooks,
        )

    @classmethod
    def _around(cls, pay: AsyncInvoicePay) -> Self:
        made = cls.__new__(cls)
        made._pay = pay
        return made

    @contextmanager
    def _inside(self, scope: AbstractAsyncContextManager[AsyncInvoicePay]) -> Iterator[Self]:
        with within(scope) as pay:
            yield self._around(pay)

    @classmethod
    def from_settings(
        cls,
        settings: Settings,
        *,
        rails: RailsChoice | None = None,
        token: TokenChoice | None = None,
        clock: Clock | None = None,
        ids: Ids | None = None,
        screening: Screening | None = None,
        cipher: FieldCipher | None = None,
        repository: Repository | None = None,
        authorizer: Authorizer | None = None,
        checkpoint_keys: tuple[CheckpointKey, ...] = (),
        notices: Notices | None = None,
    ) -> InvoicePay:
        """A client from settings that the host read from its own configuration.

        Examples:
            >>> from invoicepay import InvoicePay, Settings
            >>> with InvoicePay.from_settings(Settings(store="memory://", tenant="shop")) as pay:
            ...     print(pay)
            <InvoicePay on memory://, tenant shop, acting as host (operator)>
        """
        return cls._around(
            _BlockingLeaves.from_settings(
                settings,
                rails=rails,
                token=token,
                clock=clock,
                ids=ids,
                screening=screening,
                cipher=cipher,
                repository=repository,
                authorizer=authorizer,
                checkpoint_keys=checkpoint_keys,
                notices=notices,
            )
        )

    @classmethod
    def from_env(
        cls,
        environ: Mapping[str, str] | None = None,
        *,
        programme: Programme | None = None,
        rails: RailsChoice | None = None,
        token: TokenChoice | None = None,
        clock: Clock | None = None,
        ids: Ids | None = None,
        screening: Screening | None = None,
        cipher: FieldCipher | None = None,
        authorizer: Authorizer | None = None,
        checkpoint_keys: tuple[CheckpointKey, ...] = (),
        notices: Notices | None = None,
    ) -> InvoicePay:
        """A client from `INVOICEPAY_STORE` and the other `INVOICEPAY_*` variables of the process.

        The environment is read by this call and by nothing else in the library.

        Args:
            environ: read instead of `os.environ`, by installed providers that are named, too.

        Raises:
            ConfigurationError: `INVOICEPAY_STORE` is not set, or a variable of that prefix is not known.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay.from_env({"INVOICEPAY_STORE": "memory://"})
            >>> pay.close()
        """
        return cls._around(
            _BlockingLeaves.from_env(
                environ,
                programme=programme,
                rails=rails,
                token=token,
                clock=clock,
                ids=ids,
                screening=screening,
                cipher=cipher,
                authorizer=authorizer,
                checkpoint_keys=checkpoint_keys,
                notices=notices,
            )
        )

    @property
    def parties(self) -> Parties:
        """Participants under your own ids."""
        return Parties(self._pay.parties)

    @property
    def wallets(self) -> Wallets:
        """What a party has; freezing."""
        return Wallets(self._pay.wallets)

    @property
    def deposits(self) -> Deposits:
        """Fiat coming in."""
        return Deposits(self._pay.deposits)

    @property
    def reserves(self) -> Reserves:
        """The money behind the tokens."""
        return Reserves(self._pay.reserves)

    @property
    def tokens(self) -> Tokens:
        """Mints, burns and their backing."""
        return Tokens(self._pay.tokens)

    @property
    def invoices(self) -> Invoices:
        """Claims of enterprises on customers, and paying them."""
        return Invoices(self._pay.invoices)

    @property
    def payments(self) -> Payments:
        """Payments of invoices."""
        return Payments(self._pay.payments)

    @property
    def credits(self) -> Credits:
        """What enterprises owe customers."""
        return Credits(self._pay.credits)

    @property
    def schedules(self) -> Schedules:
        """Recurring invoices."""
        return Schedules(self._pay.schedules)

    @property
    def requests(self) -> Requests:
        """Asking another person for money; split bills; codes to scan."""
        return Requests(self._pay.requests)

    @property
    def transfers(self) -> Transfers:
        """Tokens from person to person, and across the programme's border."""
        return Transfers(self._pay.transfers)

    @property
    def withdrawals(self) -> Withdrawals:
        """Fiat going out."""
        return Withdrawals(self._pay.withdrawals)

    @property
    def holds(self) -> Holds:
        """Tokens set aside."""
        return Holds(self._pay.holds)

    @property
    def audit(self) -> Audit:
        """The tamper-evident trail."""
        return Audit(self._pay.audit)

    @property
    def bank_accounts(self) -> BankAccounts:
        """Bank accounts that were ruled out, by a return code or by hand."""
        return BankAccounts(self._pay.bank_accounts)

    @property
    def ledger(self) -> Ledger:
        """Accounts, balances, transactions, enterprise books."""
        return Ledger(self._pay.ledger)

    @property
    def invariants(self) -> Invariants:
        """What must hold after every commit."""
        return Invariants(self._pay.invariants)

    @property
    def effects(self) -> Effects:
        """What providers were asked to do, and what became of it."""
        return Effects(self._pay.effects)

    @property
    def webhooks(self) -> Webhooks:
        """Deliveries of providers."""
        return Webhooks(self._pay.webhooks)

    @property
    def webhook_endpoints(self) -> WebhookEndpoints:
        """URLs that are told of events."""
        return WebhookEndpoints(self._pay.webhook_endpoints)

    @property
    def webhook_deliveries(self) -> WebhookDeliveries:
        """What these URLs were told, are being told, and did not take."""
        return WebhookDeliveries(self._pay.webhook_deliveries)

    @property
    def sim(self) -> Sim:
        """Simulated banks and tokens on command.

        Raises:
            ConfigurationError: the providers are real.
        """
        return Sim(self._pay.sim)

    def on(self, pattern: str) -> Callable[[EventHandler], EventHandler]:
        """Register a handler of events such as `invoice.paid` or `invoice.*`; after commit, at least once.

        A handler that raises is offered the event again by the next `run_pending`; where that runs by itself,
        what was raised is logged to `invoicepay.handlers`.

        Raises:
            InvalidInput: no event can match the pattern.
            ConfigurationError: an async handler of a blocking client.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> @pay.on("invoice.*")
            ... def tell(event): print(event.name)
        """
        return self._pay.on(pattern)

    def health(self) -> SystemHealth:
        """How the store and the providers are; moves nothing. For operators and readiness probes.

        A provider that cannot be asked is reported as not told, and counts as ok.

        Raises:
            NotAllowed: the actor is a party.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> InvoicePay().health().is_ok
            True
        """
        return run_blocking(self._pay.health())

    def run_pending(self, *, limit: int = 100, until_quiet: bool = True) -> PendingSummary:
        """Bring on what waits: provider work, webhooks, due dates, handlers; for cron or a worker.

        Operators only, for the summary tells of everybody's work.

        Raises:
            NotAllowed: the actor is a party.
        """
        return run_blocking(self._pay.run_pending(limit=limit, until_quiet=until_quiet))

    def run_pending_everywhere(
        self, *, limit: int = 100, is_stopping: Callable[[], bool] | None = None
    ) -> dict[str, PendingSummary]:
        """One pass of `run_pending` for every tenant of the store; operators only.

        A tenant with much to send is left after about a second, so that others do not wait for it.

        Args:
            limit: the most of each kind that the pass takes in each tenant.
            is_stopping: asked before each tenant; once true, the pass ends there.

        Returns:
            What was done, by tenant; call it again while a summary has `moved`.

        Raises:
            NotAllowed: the actor is a party.
        """
        return run_blocking(self._pay.run_pending_everywhere(limit=limit, is_stopping=is_stopping))

    def worker(
        self,
        *,
        poll_seconds: float = 1.0,
        limit: int = 100,
        everywhere: bool = True,
        bill_every_seconds: float | None = None,
        on_pass: Callable[[Mapping[str, PendingSummary]], object] | None = None,
        on_trouble: Callable[[Exception], object] | None = None,
    ) -> Worker:
        """A loop around `run_pending`, for a process, thread or task of yours; nothing starts by itself.

        Args:
            poll_seconds: the wait when nothing moves, more than 0 and at most an hour.
            limit: the most of each kind that a pass takes in each tenant.
            everywhere: every tenant of the store; False serves this client's alone.
            bill_every_seconds: how often recurring invoices that are due are issued, as by
                `schedules.run_due`; left out, they are not.
            on_pass: told after each pass what was done, by tenant.
            on_trouble: told of a pass that failed; the next one comes after a pause.

        Raises:
            InvalidInput: no such number.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay(dispatch="deferred")
            >>> worker = pay.worker(poll_seconds=1.0, on_pass=lambda done: worker.stop())
            >>> worker.run_forever()
        """
        return Worker(
            self._pay.worker(
                poll_seconds=poll_seconds,
                limit=limit,
                everywhere=everywhere,
                bill_every_seconds=bill_every_seconds,
                on_pass=on_pass,
                on_trouble=on_trouble,
            )
        )

    def close(self) -> None:
        """Give the store's connections back; this client and its copies take no calls afterwards."""
        run_blocking(self._pay.close())

    def tenant(self, id: str) -> Self:
        """A copy for another tenant; nothing crosses tenants."""
        return self._around(self._pay.tenant(id))

    def acting_as(
        self, subject: str, *, role: Role | str = Role.PARTY, on_behalf_of: str = "", request_id: str = ""
    ) -> Self:
        """A copy for another actor: a party limited to its own side, or a named person of the operator.

        Args:
            subject: who really asks; the audit trail names them for ever, so let it be an opaque id.
            role: `party` or `operator`; what the library does by itself has a role that nobody can take.
            on_behalf_of: in whose place they act. A party's rights are then those of this party: an employee
                acts for an enterprise, a helper for a customer. Neither can be the other's second person.
            request_id: your name for the request that led here; the audit trail keeps it, too.

        Raises:
            InvalidIdentifier: nobody can be called that.
            InvalidInput: no such role.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> ann = pay.acting_as("ann")
            >>> clerk = pay.acting_as("staff:17", on_behalf_of="acme")
        """
        return self._around(
            self._pay.acting_as(subject, role=role, on_behalf_of=on_behalf_of, request_id=request_id)
        )

    def transaction(self) -> AbstractContextManager[Self]:
        """A copy whose calls are one transaction: committed at the end of the `with`, all or nothing.

        Each call sees what earlier ones did, and nobody else does before the end. An error that leaves the
        block takes everything back, records of refusals included. Nothing outside the database is waited
        for: provider work, handlers and webhooks follow the commit as after any call.

        Keep it short, for others wait for what it holds; and make every call inside on the copy.

        Raises:
            ConcurrentUpdate: somebody else was faster; run the whole block again, with the same keys.
            InsideTransaction: a call inside would ask a provider, a screening or a key service.
            OutcomeUnknown: the commit was not acknowledged; the keys tell what it did.
            StoreUnreachable, StoreBehind, StoreReadOnly, StoreBusy: the message names the next step.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> with pay.transaction() as tx:
            ...     for customer in ("ann", "ben"):
            ...         _ = tx.invoices.issue(enterprise="acme", customer=customer, lines=[("A", "9 USD")])
            >>> len(pay.invoices.list(enterprise="acme").items)
            2
        """
        return self._inside(self._pay.transaction())

    def bind(self, host: Session | Connection | scoped_session[Any]) -> Self:
        """A copy whose calls are part of the transaction of a session or connection of yours.

        You commit, or roll back and leave nothing of ours. A call that fails takes back its own part, and
        your transaction goes on. Provider work, handlers and webhooks wait for `run_pending` after your
        commit. The copy is good for the transaction that is open now, or else for the next one.

        Args:
            host: what SQLAlchemy opened on the database that has our tables.

        Raises:
            ConfigurationError: it is closed, commits by itself, is of another database or of the other kind.
            ConcurrentUpdate: in a call: somebody else was faster; roll back and begin again.
            InsideTransaction: in a call that would ask a provider, a screening or a key service.
        """
        return self._around(self._pay.bind(cast("Any", host)))

    def dry_run(self) -> AbstractContextManager[Self]:
        """A copy whose calls are real and leave nothing: at the end of the `with` all is forgotten.

        Each call decides and answers as always, refusals included, and sees what earlier ones did. No
        provider, screening, handler, mail or webhook is told. `explain()` of the copy says what would have
        happened. In a database the block is a transaction: others may wait for what it holds.

        Raises:
            StoreUnreachable, StoreBehind, StoreReadOnly, StoreBusy: the message names the next step.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> invoice = pay.invoices.issue(enterprise="acme", customer="ann", lines=[("Seat", "9.00 USD")])
            >>> with pay.dry_run() as trial:
            ...     void = trial.invoices.void(invoice)
            >>> void.status.value, pay.invoices.get(invoice).status.value
            ('void', 'open')
        """
        return self._inside(self._pay.dry_run())

    def explain(self) -> Explanation:
        """What this dry run has done so far: states, amounts, postings, rules applied, what was withheld.

        It may be asked during the dry run and after its end.

        Raises:
            ConfigurationError: this client is no dry run.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> with pay.dry_run() as trial:
            ...     deposit = trial.deposits.initiate("ann", "200.00 USD")
            >>> [f"{effect.kind} of {effect.amount}" for effect in trial.explain().effects]
            ['rails.deposit of 200.00 USD']
        """
        return self._pay.explain()

    def __repr__(self) -> str:
        return repr(self._pay).replace("AsyncInvoicePay", "InvoicePay")

    def __enter__(self) -> InvoicePay:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
