"""INV-01 … INV-25: what holds after every commit, as named checks over values (spec 7)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from invoicepay.domain import ledger_checks, position_checks, record_checks, references, trail_checks
from invoicepay.domain.books import Books, Check, Violation

__all__ = ["CHECKS", "RULES", "Books", "Violation", "check"]

RULES: Mapping[str, str] = MappingProxyType(
    {
        "INV-01": "Every ledger transaction balances by asset, and every balance is the sum of its entries.",
        "INV-02": "What backs tokens, earmarked cash or custody, equals tokens outstanding.",
        "INV-03": "No asset and no liability of the issuer book is negative.",
        "INV-04": "The operator's equity covers returned deposits, and safeguarded cash is not negative.",
        "INV-05": "Mints never exceed their reserve, and only a confirmed reserve is minted against.",
        "INV-06": "Completed mints less completed burns equal tokens outstanding.",
        "INV-07": "Bank statement, ledger and token supply tie out; checked by reconciliation.",
        "INV-08": "An invoice's total is credited, applied, written off or remaining.",
        "INV-09": "Receivables in the enterprise's derived book equal its open invoices, by customer.",
        "INV-10": "A completed payment is applied, excess or refunded.",
        "INV-11": "Allocations explain what invoices, payments and credits say was applied.",
        "INV-12": "A credit's amount is applied, refunded, expired, voided or remaining.",
        "INV-13": "Customer credit in the enterprise's derived book equals its credit lots, by customer.",
        "INV-14": "An enterprise's ring-fenced tokens equal its open ring-fenced credits.",
        "INV-15": "Token holdings in the enterprise's derived book equal its wallet.",
        "INV-16": "Held tokens equal active holds.",
        "INV-17": "Unminted deposits equal confirmed reserves that are not minted yet.",
        "INV-18": "Redemption liabilities equal withdrawals that are burned and not paid.",
        "INV-19": "Every step of an entity is in its machine's table and follows the one before.",
        "INV-20": "References, keys, occurrences and document numbers are unique, gapless where declared.",
        "INV-21": "No allocation or credit joins two tenants, enterprises or assets.",
        "INV-22": "The audit chain recomputes to its heads, and each ledger group is as its record says.",
        "INV-23": "Repeating an accepted command with its key changes nothing; proven by tests.",
        "INV-24": "Chain positions of a netted asset are what final mints, burns and transfers add up to.",
        "INV-25": "Whatever a row names is a row of the same tenant.",
    }
)
"""One sentence for each invariant."""

CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "INV-01": ledger_checks.transactions_balance,
        "INV-02": ledger_checks.tokens_are_backed,
        "INV-03": ledger_checks.nothing_is_negative,
        "INV-04": ledger_checks.reserve_has_no_deficit,
        "INV-05": ledger_checks.mints_stay_within_reserves,
        "INV-06": ledger_checks.tokens_are_mints_less_burns,
        "INV-08": record_checks.invoices_add_up,
        "INV-09": record_checks.receivables_are_open_invoices,
        "INV-10": record_checks.payments_are_explained,
        "INV-11": record_checks.allocations_explain,
        "INV-12": record_checks.credits_add_up,
        "INV-13": record_checks.customer_credits_are_lots,
        "INV-14": ledger_checks.credits_are_ring_fenced,
        "INV-15": record_checks.holdings_are_wallets,
        "INV-16": ledger_checks.held_is_active_holds,
        "INV-17": ledger_checks.unminted_is_confirmed_reserves,
        "INV-18": ledger_checks.redemptions_are_unpaid_withdrawals,
        "INV-19": trail_checks.steps_are_legal,
        "INV-20": trail_checks.nothing_is_there_twice,
        "INV-21": record_checks.links_stay_within,
        "INV-22": trail_checks.audit_chain_is_unbroken,
        "INV-24": position_checks.positions_add_up,
        "INV-25": references.references_are_kept,
    }
)
"""The check of each invariant that stored data shows; the others are reconciliation's and the tests'."""


def check(books: Books) -> tuple[Violation, ...]:
    """Every row that breaks an invariant; nothing when all of them hold."""
    return tuple(violation for each in CHECKS.values() for violation in each(books))
