"""Invoice-first stablecoin payments: deposits, reserves, tokens, invoices, credits, requests, payouts.

Names are loaded on first use, so importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from invoicepay import errors as errors
    from invoicepay import migrations as migrations
    from invoicepay.awaiting import AsyncInvoicePay as AsyncInvoicePay
    from invoicepay.blocking import InvoicePay as InvoicePay
    from invoicepay.bridge import run_blocking as run_blocking
    from invoicepay.client.batches import Finalize as Finalize
    from invoicepay.client.batches import Issue as Issue
    from invoicepay.client.batches import Pay as Pay
    from invoicepay.client.batches import Register as Register
    from invoicepay.client.notices import Notices as Notices
    from invoicepay.client.pages import AsyncPage as AsyncPage
    from invoicepay.client.pages import Page as Page
    from invoicepay.documents.invoice_page import Html as Html
    from invoicepay.documents.letters import Letter as Letter
    from invoicepay.documents.letters import Occasion as Occasion
    from invoicepay.documents.letters import Template as Template
    from invoicepay.documents.qr import QrCode as QrCode
    from invoicepay.domain.accounts import Account as Account
    from invoicepay.domain.accounts import Booked as Booked
    from invoicepay.domain.anchors import Anchor as Anchor
    from invoicepay.domain.audit import AuditRecord as AuditRecord
    from invoicepay.domain.audit import Checkpoint as Checkpoint
    from invoicepay.domain.bank_accounts import BankAccount as BankAccount
    from invoicepay.domain.bank_accounts import BankAccountStatus as BankAccountStatus
    from invoicepay.domain.books import Violation as Violation
    from invoicepay.domain.credit_notes import CreditedLine as CreditedLine
    from invoicepay.domain.credit_notes import CreditNote as CreditNote
    from invoicepay.domain.credit_notes import CreditNoteDisposition as CreditNoteDisposition
    from invoicepay.domain.credits import CreditLot as CreditLot
    from invoicepay.domain.credits import CreditStatus as CreditStatus
    from invoicepay.domain.deposits import Deposit as Deposit
    from invoicepay.domain.deposits import DepositStatus as DepositStatus
    from invoicepay.domain.deposits import Reserve as Reserve
    from invoicepay.domain.deposits import ReserveStatus as ReserveStatus
    from invoicepay.domain.deposits import UnmatchedFunds as UnmatchedFunds
    from invoicepay.domain.deposits import UnmatchedStatus as UnmatchedStatus
    from invoicepay.domain.effects import Effect as Effect
    from invoicepay.domain.effects import EffectStatus as EffectStatus
    from invoicepay.domain.effects import InboxMessage as InboxMessage
    from invoicepay.domain.effects import Observation as Observation
    from invoicepay.domain.enterprise_book import EnterpriseBook as EnterpriseBook
    from invoicepay.domain.entity import Entity as Entity
    from invoicepay.domain.events import Event as Event
    from invoicepay.domain.explanation import ExplainedCall as ExplainedCall
    from invoicepay.domain.explanation import Explanation as Explanation
    from invoicepay.domain.explanation import Refusal as Refusal
    from invoicepay.domain.holds import Hold as Hold
    from invoicepay.domain.holds import HoldStatus as HoldStatus
    from invoicepay.domain.invoices import AgeingBucket as AgeingBucket
    from invoicepay.domain.invoices import Invoice as Invoice
    from invoicepay.domain.invoices import InvoiceStatus as InvoiceStatus
    from invoicepay.domain.invoices import VoidDisposition as VoidDisposition
    from invoicepay.domain.lines import Line as Line
    from invoicepay.domain.money import Money as Money
    from invoicepay.domain.money import MoneyLike as MoneyLike
    from invoicepay.domain.monitoring import Finding as Finding
    from invoicepay.domain.monitoring import Movement as Movement
    from invoicepay.domain.netting import RunStatus as RunStatus
    from invoicepay.domain.netting import SettlementRun as SettlementRun
    from invoicepay.domain.operations import Operation as Operation
    from invoicepay.domain.parties import Party as Party
    from invoicepay.domain.parties import PartyKind as PartyKind
    from invoicepay.domain.parties import Role as Role
    from invoicepay.domain.parties import Wallet as Wallet
    from invoicepay.domain.payments import Payment as Payment
    from invoicepay.domain.payments import PaymentStatus as PaymentStatus
    from invoicepay.domain.payments import PaymentType as PaymentType
    from invoicepay.domain.payments import Receipt as Receipt
    from invoicepay.domain.policies import Asset as Asset
    from invoicepay.domain.policies import Policy as Policy
    from invoicepay.domain.policies import Programme as Programme
    from invoicepay.domain.provider_switches import ProviderStatus as ProviderStatus
    from invoicepay.domain.provider_switches import ProviderSwitch as ProviderSwitch
    from invoicepay.domain.reconciliation import Break as Break
    from invoicepay.domain.reconciliation import StatementLine as StatementLine
    from invoicepay.domain.requests import PaymentRequest as PaymentRequest
    from invoicepay.domain.requests import RequestStatus as RequestStatus
    from invoicepay.domain.requests import Transfer as Transfer
    from invoicepay.domain.requests import TransferStatus as TransferStatus
    from invoicepay.domain.requests import Uses as Uses
    from invoicepay.domain.reserves import Backing as Backing
    from invoicepay.domain.reserves import Cover as Cover
    from invoicepay.domain.schedules import CatchUp as CatchUp
    from invoicepay.domain.schedules import Every as Every
    from invoicepay.domain.schedules import Schedule as Schedule
    from invoicepay.domain.schedules import ScheduleStatus as ScheduleStatus
    from invoicepay.domain.tables import Ageing as Ageing
    from invoicepay.domain.tables import Balances as Balances
    from invoicepay.domain.tables import Listing as Listing
    from invoicepay.domain.tie_out import ChainTieOut as ChainTieOut
    from invoicepay.domain.tokens import Burn as Burn
    from invoicepay.domain.tokens import BurnStatus as BurnStatus
    from invoicepay.domain.tokens import Mint as Mint
    from invoicepay.domain.tokens import MintStatus as MintStatus
    from invoicepay.domain.webhook_deliveries import WebhookAnswer as WebhookAnswer
    from invoicepay.domain.webhook_deliveries import WebhookDelivery as WebhookDelivery
    from invoicepay.domain.webhook_deliveries import WebhookDeliveryStatus as WebhookDeliveryStatus
    from invoicepay.domain.webhook_endpoints import DisabledBecause as DisabledBecause
    from invoicepay.domain.webhook_endpoints import WebhookEndpoint as WebhookEndpoint
    from invoicepay.domain.webhook_endpoints import WebhookEndpointStatus as WebhookEndpointStatus
    from invoicepay.domain.withdrawals import Withdrawal as Withdrawal
    from invoicepay.domain.withdrawals import WithdrawalStatus as WithdrawalStatus
    from invoicepay.errors import InvoicePayError as InvoicePayError
    from invoicepay.ports.health import SystemHealth as SystemHealth
    from invoicepay.ports.notifier import Contact as Contact
    from invoicepay.settings import Settings as Settings
    from invoicepay.use_cases.payments.pull import PaidInvoices as PaidInvoices
    from invoicepay.use_cases.pending import PendingSummary as PendingSummary
    from invoicepay.use_cases.queries import Verification as Verification
    from invoicepay.use_cases.queries import WalletBalance as WalletBalance
    from invoicepay.use_cases.reconcile import TieOut as TieOut
    from invoicepay.use_cases.requests.codes import Scanned as Scanned
    from invoicepay.use_cases.reserve_audit import ReserveAudit as ReserveAudit
    from invoicepay.wiring import migrate as migrate

_HOMES = {
    "Account": "domain.accounts",
    "Ageing": "domain.tables",
    "AgeingBucket": "domain.invoices",
    "Anchor": "domain.anchors",
    "Asset": "domain.policies",
    "AsyncInvoicePay": "awaiting",
    "AsyncPage": "client.pages",
    "AuditRecord": "domain.audit",
    "Backing": "domain.reserves",
    "Balances": "domain.tables",
    "BankAccount": "domain.bank_accounts",
    "BankAccountStatus": "domain.bank_accounts",
    "Booked": "domain.accounts",
    "Break": "domain.reconciliation",
    "Burn": "domain.tokens",
    "BurnStatus": "domain.tokens",
    "CatchUp": "domain.schedules",
    "ChainTieOut": "domain.tie_out",
    "Checkpoint": "domain.audit",
    "Contact": "ports.notifier",
    "Cover": "domain.reserves",
    "CreditLot": "domain.credits",
    "CreditNote": "domain.credit_notes",
    "CreditNoteDisposition": "domain.credit_notes",
    "CreditStatus": "domain.credits",
    "CreditedLine": "domain.credit_notes",
    "Deposit": "domain.deposits",
    "DepositStatus": "domain.deposits",
    "DisabledBecause": "domain.webhook_endpoints",
    "Effect": "domain.effects",
    "EffectStatus": "domain.effects",
    "EnterpriseBook": "domain.enterprise_book",
    "Entity": "domain.entity",
    "Event": "domain.events",
    "Every": "domain.schedules",
    "ExplainedCall": "domain.explanation",
    "Explanation": "domain.explanation",
    "Finalize": "client.batches",
    "Finding": "domain.monitoring",
    "Hold": "domain.holds",
    "HoldStatus": "domain.holds",
    "Html": "documents.invoice_page",
    "InboxMessage": "domain.effects",
    "Invoice": "domain.invoices",
    "InvoicePay": "blocking",
    "InvoicePayError": "errors",
    "InvoiceStatus": "domain.invoices",
    "Issue": "client.batches",
    "Letter": "documents.letters",
    "Line": "domain.lines",
    "Listing": "domain.tables",
    "Mint": "domain.tokens",
    "MintStatus": "domain.tokens",
    "Money": "domain.money",
    "MoneyLike": "domain.money",
    "Movement": "domain.monitoring",
    "Notices": "client.notices",
    "Observation": "domain.effects",
    "Occasion": "documents.letters",
    "Operation": "domain.operations",
    "Page": "client.pages",
    "PaidInvoices": "use_cases.payments.pull",
    "Party": "domain.parties",
    "PartyKind": "domain.parties",
    "Pay": "client.batches",
    "Payment": "domain.payments",
    "PaymentRequest": "domain.requests",
    "PaymentStatus": "domain.payments",
    "PaymentType": "domain.payments",
    "PendingSummary": "use_cases.pending",
    "Policy": "domain.policies",
    "Programme": "domain.policies",
    "ProviderStatus": "domain.provider_switches",
    "ProviderSwitch": "domain.provider_switches",
    "QrCode": "documents.qr",
    "Receipt": "domain.payments",
    "Refusal": "domain.explanation",
    "Register": "client.batches",
    "RequestStatus": "domain.requests",
    "Reserve": "domain.deposits",
    "ReserveAudit": "use_cases.reserve_audit",
    "ReserveStatus": "domain.deposits",
    "Role": "domain.parties",
    "RunStatus": "domain.netting",
    "Scanned": "use_cases.requests.codes",
    "Schedule": "domain.schedules",
    "ScheduleStatus": "domain.schedules",
    "Settings": "settings",
    "SettlementRun": "domain.netting",
    "StatementLine": "domain.reconciliation",
    "SystemHealth": "ports.health",
    "Template": "documents.letters",
    "TieOut": "use_cases.reconcile",
    "Transfer": "domain.requests",
    "TransferStatus": "domain.requests",
    "UnmatchedFunds": "domain.deposits",
    "UnmatchedStatus": "domain.deposits",
    "Uses": "domain.requests",
    "Verification": "use_cases.queries",
    "Violation": "domain.books",
    "VoidDisposition": "domain.invoices",
    "Wallet": "domain.parties",
    "WalletBalance": "use_cases.queries",
    "WebhookAnswer": "domain.webhook_deliveries",
    "WebhookDelivery": "domain.webhook_deliveries",
    "WebhookDeliveryStatus": "domain.webhook_deliveries",
    "WebhookEndpoint": "domain.webhook_endpoints",
    "WebhookEndpointStatus": "domain.webhook_endpoints",
    "Withdrawal": "domain.withdrawals",
    "WithdrawalStatus": "domain.withdrawals",
    "errors": "",
    "migrate": "wiring",
    "migrations": "",
    "run_blocking": "bridge",
}

__all__ = [  # noqa: PLE0604 - the keys are the names above
    *_HOMES,
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'invoicepay' has no attribute {name!r}")
    home = _HOMES[name]
    module = import_module(f"invoicepay.{home or name}")
    value = getattr(module, name) if home else module
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(_HOMES)
