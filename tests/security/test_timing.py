"""Comparing secrets takes one path and one function, whatever is wrong (S-23)."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import invoicepay
from tests.security.timing import compared, pairs

PACKAGE = Path(invoicepay.__file__).parent
SECRET_WORDS = {"mac", "signature", "signatures", "digest", "expected", "candidate", "token", "hash", "proof"}


def test_time_does_not_tell_what_was_wrong_with_a_code_or_a_signature() -> None:
    told = [name for name, first, second in pairs() if _always_tells(name, first, second)]

    assert told == []


def _always_tells(name: str, first: Callable[[], object], second: Callable[[], object]) -> bool:
    """Whether three looks in a row tell: a machine that is busy makes one look tell by chance."""
    return all(compared(f"{name} {look}", first, second, 2_000).tells for look in range(3))


def test_no_module_that_makes_macs_compares_them_with_equals() -> None:
    compared_plainly = [
        f"{path.relative_to(PACKAGE).as_posix()}:{node.lineno}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if "hmac" in (text := path.read_text(encoding="utf-8")) and "testing" not in path.parts
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Compare)
        and any(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops)
        and any(_names(side) & SECRET_WORDS for side in (node.left, *node.comparators))
    ]

    assert compared_plainly == []


def _names(node: ast.expr) -> set[str]:
    """The last name of a plain expression, such as `digest` of `row.digest`."""
    if isinstance(node, ast.Attribute):
        return {node.attr}
    return {node.id} if isinstance(node, ast.Name) else set()
