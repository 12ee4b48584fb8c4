"""The command `verify`: audit trail, invariants and backing of every tenant, from the first record."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from invoicepay.awaiting import AsyncInvoicePay
from invoicepay.cli.clients import answered, core_of, require_tables_of, tenants_of
from invoicepay.cli.loading import Client
from invoicepay.cli.output import Answer, Misuse, printable, table
from invoicepay.cli.progress import Progress
from invoicepay.domain.codec import encode
from invoicepay.domain.invariants import Violation
from invoicepay.domain.reserves import Backing, backing_of
from invoicepay.use_cases.queries import Verification, verify_audit

MOST_SHOWN = 20
"""Faults of one tenant that people are shown; JSON has all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the books of one tenant say."""

    tenant: str
    trail: Verification
    violations: tuple[Violation, ...]
    backing: tuple[Backing, ...]

    @property
    def wrong(self) -> tuple[str, ...]:
        """One sentence for each fault."""
        return (
            *self.trail.faults,
            *(
                f"{one.rule} {one.subject}: {one.message}"
                for one in self.violations
                if one.message not in self.trail.faults
            ),
            *(
                f"{one.asset}: tokens {one.tokens} are not backed by {one.backing}"
                for one in self.backing
                if not one.is_backed
            ),
        )

    def to_dict(self) -> dict[str, Any]:
        """The same, JSON-ready."""
        return {
            "tenant": self.tenant,
            "records": self.trail.records,
            "streams": self.trail.streams,
            "checkpoints": self.trail.checkpoints,
            "faults": list(self.trail.faults),
            "violations": [one.to_dict() for one in self.violations],
            "backing": [
                {
                    "asset": one.asset,
                    "is_backed": one.is_backed,
                    "tokens": encode(one.tokens),
                    "backing": encode(one.backing),
                }
                for one in self.backing
            ],
        }


def run(options: Namespace, given: Callable[[], Client] | None) -> Answer:
    """Verify what the store holds; nothing is written."""
    anchors = [_read(name) for name in options.anchor]
    progress = Progress(sys.stderr)
    with progress.shown():
        found = answered(options, given, lambda pay: _found(pay, options.tenant, anchors, progress))
    ok = not any(one.wrong for one in found)
    return Answer(ok=ok, told={"tenants": [one.to_dict() for one in found]}, text=_text(found))


async def _found(
    pay: AsyncInvoicePay, tenant: str | None, anchors: list[str], progress: Progress
) -> list[Found]:
    await require_tables_of(pay)
    tenants = await tenants_of(pay, tenant)
    if anchors and len(tenants) > 1:
        raise Misuse("an anchor is of one tenant: name it with --tenant")
    return [await _found_in(pay.tenant(one), one, anchors, progress) for one in tenants]


async def _found_in(pay: AsyncInvoicePay, tenant: str, anchors: list[str], progress: Progress) -> Found:
    told = partial(progress.count, f"{tenant}: audit records")
    trail = await verify_audit(core_of(pay).deps, anchors, told=told)
    progress.stage = f"{tenant}: every invariant"
    violations = await pay.invariants.check()
    progress.stage = f"{tenant}: backing"
    balances = {account: held.micros for account, held in (await pay.ledger.balances()).items()}
    assets = sorted({account.asset for account in balances})
    backing = tuple(backing_of(balances, asset) for asset in assets)
    return Found(tenant=tenant, trail=trail, violations=violations, backing=backing)


def _read(name: str) -> str:
    try:
        return Path(name).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Misuse(f"the anchor {name} cannot be read: {error}") from error


def _text(found: list[Found]) -> str:
    if not found:
        return "The store holds no tenant yet: nothing to verify."
    names = ("tenant", "audit records", "checkpoints", "invariants", "backing", "verdict")
    lines = [table(names, (_row(one) for one in found))]
    for one in filter(lambda each: each.wrong, found):
        lines += ["", printable(f"{one.tenant}: {len(one.wrong)} found")]
        lines += [f"  {printable(sentence)}" for sentence in one.wrong[:MOST_SHOWN]]
        if len(one.wrong) > MOST_SHOWN:
            lines.append(f"  and {len(one.wrong) - MOST_SHOWN} more; --json has all of them")
        lines.append("  Stop payouts, keep the database as it is, and find out who wrote to it.")
    return "\n".join(lines)


def _row(one: Found) -> tuple[object, ...]:
    backing = ", ".join(
        f"{each.tokens} {'=' if each.is_backed else '≠'} {each.backing}" for each in one.backing
    )
    broken = f"{len(one.violations)} broken" if one.violations else "hold"
    records = f"{one.trail.records:,} {'unbroken' if one.trail else 'BROKEN'}"
    verdict = "WRONG" if one.wrong else "ok"
    return one.tenant, records, one.trail.checkpoints, broken, backing or "no balances", verdict
