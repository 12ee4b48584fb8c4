"""The command `reconcile`: bank, books and token supply of one asset, compared."""

from __future__ import annotations

import csv
from argparse import Namespace
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from invoicepay.awaiting import AsyncInvoicePay
from invoicepay.cli.clients import answered, core_of, tenants_of
from invoicepay.cli.loading import Client
from invoicepay.cli.output import Answer, Misuse, printable, table
from invoicepay.domain.codec import encode
from invoicepay.domain.money import Money
from invoicepay.domain.reconciliation import StatementLine
from invoicepay.errors import InvalidInput
from invoicepay.use_cases.reconcile import TieOut

COLUMNS = ("ref", "amount", "booked_on")


def run(options: Namespace, given: Callable[[], Client] | None) -> Answer:
    """Tie out; the attestation that is kept is all that is written."""
    lines = statement(Path(options.statement), options.asset) if options.statement else []
    return answered(options, given, lambda pay: _tied_out(pay, options, lines))


async def _tied_out(pay: AsyncInvoicePay, options: Namespace, lines: list[StatementLine]) -> Answer:
    if options.tenant:
        (tenant,) = await tenants_of(pay, options.tenant)
        pay = pay.tenant(tenant)
    found = await pay.reserves.reconcile(options.asset, statement=lines, bank_balance=options.bank_balance)
    told = {"tenant": core_of(pay).wired.tenant_id, **_told(found)}
    return Answer(ok=found.backed, told=told, text=_text(found))


def statement(file: Path, asset: str) -> list[StatementLine]:
    """The lines of a statement in a CSV file; an amount without an asset is one of the asset asked for.

    Raises:
        Misuse: the file cannot be read, a column is missing or a line makes no sense; it says which.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            rows = csv.DictReader(opened, strict=True)
            missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
            if missing:
                raise Misuse(f"{file} has no column {missing[0]}: the first line names {', '.join(COLUMNS)}")
            return [_line(row, file, rows.line_num, asset) for row in rows]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise Misuse(f"the statement {file} cannot be read: {error}") from error


def _line(row: dict[str, str | None], file: Path, number: int, asset: str) -> StatementLine:
    ref, amount, booked_on = ((row[name] or "").strip() for name in COLUMNS)
    sign, digits = (-1, amount[1:]) if amount.startswith("-") else (1, amount)
    try:
        money = Money.parse(digits if " " in digits else f"{digits} {asset}")
        return StatementLine(
            ref=ref, amount=money if sign > 0 else -money, booked_on=date.fromisoformat(booked_on)
        )
    except (InvalidInput, ValueError) as error:
        raise Misuse(f"{file}, line {number}: {error}") from error


def _told(found: TieOut) -> dict[str, Any]:
    kept = found.attestation
    return {
        "asset": found.audit.asset,
        "as_of": encode(found.audit.as_of),
        "backed": found.backed,
        "is_tied_out": found.is_tied_out,
        "bank_balance": encode(found.bank_balance),
        "ledger_balance": encode(found.ledger_balance),
        "supply": encode(found.supply),
        "tokens": encode(found.audit.tokens),
        "backing": encode(found.audit.backing),
        "unexplained": encode(found.unexplained),
        "breaks": [one.to_dict() for one in found.breaks],
        "violations": [one.to_dict() for one in found.violations],
        "attestation": kept.id if kept else None,
    }


def _text(found: TieOut) -> str:
    lines = [printable(line) for line in found.explain().splitlines()[:4]]
    if found.breaks:
        rows = (
            (one.kind, one.object_id, one.amount, one.message, one.deadline or "") for one in found.breaks
        )
        lines += ["", table(("break", "about", "amount", "what", "clears by"), rows)]
    lines += [printable(f"{one.rule} {one.subject}: {one.message}") for one in found.violations]
    if found.attestation:
        lines.append(f"Kept as attestation {found.attestation.id}.")
    else:
        lines.append("Nothing was attested: nobody told the bank's balance; pass --bank-balance.")
    lines.append("Every token is backed." if found.backed else "NOT in order: see above before paying out.")
    return "\n".join(lines)
