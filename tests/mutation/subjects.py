"""What is mutated, and the tests that have to notice."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Subject:
    """Modules of one concern and the tests that state what they do.

    Attributes:
        modules: below `src/invoicepay`.
        tests: below `tests`.
    """

    modules: tuple[str, ...]
    tests: tuple[str, ...]


SUBJECTS = {
    "money": Subject(
        ("domain/money.py",),
        ("domain/test_money.py", "domain/test_money_rounding.py", "domain/test_money_refusals.py"),
    ),
    "postings": Subject(("domain/postings.py",), ("domain/test_postings.py",)),
    "reducer": Subject(
        ("domain/reducer.py", "domain/resending.py"), ("domain/test_reducer.py", "domain/test_effects.py")
    ),
    "idempotency": Subject(
        ("domain/canonical.py", "use_cases/perform.py"),
        (
            *("domain/test_canonical.py", "domain/test_canonical_writers.py"),
            *("use_cases/test_calls.py", "use_cases/test_company.py"),
            *("use_cases/test_perform.py", "use_cases/test_batches.py"),
        ),
    ),
    "webhooks": Subject(
        ("adapters/signatures.py", "use_cases/inbox.py"),
        (
            *("adapters/test_signatures.py", "adapters/test_signature_bounds.py"),
            *("use_cases/test_inbox.py", "use_cases/test_inbox_messages.py", "use_cases/test_inbox_ends.py"),
        ),
    ),
    "amounts": Subject(
        ("domain/lines.py", "domain/sums.py", "domain/strict_json.py"),
        (
            *("domain/test_lines.py", "domain/test_line_refusals.py"),
            *("domain/test_strict_json.py", "security/test_json.py"),
        ),
    ),
}
