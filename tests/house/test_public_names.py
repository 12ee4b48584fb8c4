"""What a host may import from `invoicepay`: adding a name is deliberate, removing one breaks somebody."""

import re
from collections.abc import Iterator
from inspect import isclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

import invoicepay
from invoicepay import InvoicePay, blocking
from tools.gen_docs import groups

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
NAMES = [
    "Account",
    "Ageing",
    "AgeingBucket",
    "Anchor",
    "Asset",
    "AsyncInvoicePay",
    "AsyncPage",
    "AuditRecord",
    "Backing",
    "Balances",
    "BankAccount",
    "BankAccountStatus",
    "Booked",
    "Break",
    "Burn",
    "BurnStatus",
    "CatchUp",
    "ChainTieOut",
    "Checkpoint",
    "Contact",
    "Cover",
    "CreditLot",
    "CreditNote",
    "CreditNoteDisposition",
    "CreditStatus",
    "CreditedLine",
    "Deposit",
    "DepositStatus",
    "DisabledBecause",
    "Effect",
    "EffectStatus",
    "EnterpriseBook",
    "Entity",
    "Event",
    "Every",
    "ExplainedCall",
    "Explanation",
    "Finalize",
    "Finding",
    "Hold",
    "HoldStatus",
    "Html",
    "InboxMessage",
    "Invoice",
    "InvoicePay",
    "InvoicePayError",
    "InvoiceStatus",
    "Issue",
    "Letter",
    "Line",
    "Listing",
    "Mint",
    "MintStatus",
    "Money",
    "MoneyLike",
    "Movement",
    "Notices",
    "Observation",
    "Occasion",
    "Operation",
    "Page",
    "PaidInvoices",
    "Party",
    "PartyKind",
    "Pay",
    "Payment",
    "PaymentRequest",
    "PaymentStatus",
    "PaymentType",
    "PendingSummary",
    "Policy",
    "Programme",
    "ProviderStatus",
    "ProviderSwitch",
    "QrCode",
    "Receipt",
    "Refusal",
    "Register",
    "RequestStatus",
    "Reserve",
    "ReserveAudit",
    "ReserveStatus",
    "Role",
    "RunStatus",
    "Scanned",
    "Schedule",
    "ScheduleStatus",
    "Settings",
    "SettlementRun",
    "StatementLine",
    "SystemHealth",
    "Template",
    "TieOut",
    "Transfer",
    "TransferStatus",
    "UnmatchedFunds",
    "UnmatchedStatus",
    "Uses",
    "Verification",
    "Violation",
    "VoidDisposition",
    "Wallet",
    "WalletBalance",
    "WebhookAnswer",
    "WebhookDelivery",
    "WebhookDeliveryStatus",
    "WebhookEndpoint",
    "WebhookEndpointStatus",
    "Withdrawal",
    "WithdrawalStatus",
    "errors",
    "migrate",
    "migrations",
    "run_blocking",
]


def test_the_public_names_are_exactly_these() -> None:
    assert invoicepay.__all__ == NAMES


def test_every_public_name_can_be_had_and_is_shown() -> None:
    assert [name for name in NAMES if getattr(invoicepay, name, None) is None] == []
    assert dir(invoicepay) == NAMES


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    assert not hasattr(invoicepay, "Invoicepay")


def test_whatever_a_call_takes_or_returns_can_be_imported_from_the_package() -> None:
    calls = [call for group in (InvoicePay, *groups().values()) for call in calls_of(group)]
    named = {part for call in calls for part in parts(list(get_type_hints(call, NAMESPACE).values()))}
    ours = {part.__name__ for part in named if part.__module__.startswith("invoicepay.")}

    reached = {"Worker", *(group.__name__ for group in groups().values())}  # through the client alone

    assert sorted(ours - set(NAMES) - PORTS - reached) == []


# What an adapter or a host's own part implements; `reference/ports.md` says where each is.
PORTS = {
    "Authorizer",
    "CheckpointKey",
    "Clock",
    "FieldCipher",
    "Ids",
    "RailsProvider",
    "Repository",
    "RequestHeaders",
    "Screening",
    "TokenProvider",
}
SQLALCHEMY = dict.fromkeys(("AsyncEngine", "Connection", "Engine", "Session"), Any)
NAMESPACE = {
    **vars(blocking),
    **SQLALCHEMY,
    "scoped_session": list,
    "Explanation": invoicepay.Explanation,
}


def calls_of(group: type) -> Iterator[Any]:
    """The public methods of a group or a client."""
    for name, member in vars(group).items():
        call = getattr(member, "__func__", member)
        if not name.startswith("_") and callable(call):
            yield call


def parts(annotations: list[Any]) -> Iterator[type]:
    """Every class that annotations are made of."""
    for annotation in annotations:
        if isclass(annotation) and not get_args(annotation):
            yield annotation
        else:
            yield from parts([part for arg in get_args(annotation) for part in listed(arg)])


def listed(arg: Any) -> list[Any]:
    return arg if isinstance(arg, list) else [arg]


def test_every_public_name_is_described_in_the_reference() -> None:
    pages = "".join(page.read_text("utf-8") for page in sorted(REFERENCE.glob("*.md")))
    shown = dict(re.findall(r"^::: (\S+)\n((?:    .*\n?)*)", pages, re.MULTILINE))

    assert [name for name in NAMES if not is_shown(name, shown)] == []


def is_shown(name: str, shown: dict[str, str]) -> bool:
    """Whether a page describes a name: by itself, in its whole module or among the module's members."""
    home = f"invoicepay.{invoicepay._HOMES[name]}".rstrip(".")
    members = re.search(r"members: \[(.*)\]", shown.get(home, ""))
    return f"{home}.{name}" in shown or (home in shown and (not members or name in members[1].split(", ")))
