"""JSON from outside: strict, quick, and no end of the process however deep it is nested."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import suppress

import pytest

from invoicepay.domain.strict_json import DEEPEST, strict_json

BOMB = """
import sys
sys.setrecursionlimit(1_000_000)
from invoicepay.domain.strict_json import strict_json
try:
    strict_json(b"[" * 1_000_000)
except ValueError:
    print("refused")
"""


def test_a_body_of_brackets_is_refused_whatever_others_did_to_the_recursion_limit() -> None:
    ran = subprocess.run([sys.executable, "-c", BOMB], check=True, stdout=subprocess.PIPE, text=True)

    assert ran.stdout == "refused\n"


def test_the_tempo_extra_leaves_the_recursion_limit_as_it_was() -> None:
    script = (
        "import sys; before = sys.getrecursionlimit()\n"
        "from invoicepay.adapters.tempo.extra import tempo_extra\n"
        "with tempo_extra():\n    import py_ecc\n"
        "print(sys.getrecursionlimit() == before)"
    )

    ran = subprocess.run([sys.executable, "-c", script], check=True, stdout=subprocess.PIPE, text=True)

    assert ran.stdout == "True\n"


@pytest.mark.parametrize(("deep", "is_read"), [(DEEPEST, True), (DEEPEST + 1, False)])
@pytest.mark.parametrize(("begin", "end"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_so_many_levels_are_read_and_one_more_is_not(
    deep: int, is_read: bool, begin: bytes, end: bytes
) -> None:
    body = begin * deep + b"1" + end * deep

    if is_read:
        strict_json(body)
    else:
        with pytest.raises(ValueError, match="no JSON"):
            strict_json(body)


@pytest.mark.parametrize("before", [b"[],", b"{},", b'{"a":[]},'])
def test_what_was_closed_before_makes_no_room_for_deeper_levels(before: bytes) -> None:
    deepest = b"[" + before * 100 + b"[" * (DEEPEST - 1) + b"]" * DEEPEST
    deeper = b"[" + before * 100 + b"[" * DEEPEST + b"]" * (DEEPEST + 1)

    assert len(strict_json(deepest)) == 101
    with pytest.raises(ValueError, match="no JSON"):
        strict_json(deeper)


@pytest.mark.parametrize(
    "text",
    [b"[" * 100, b'\\"' + b"{" * 100, b"]" * 100, b"\\\\", b"\xc3\xa4[[", b"\\u005b" * 50],
    ids=range(6),
)
def test_brackets_in_texts_are_no_levels(text: bytes) -> None:
    assert list(strict_json(b'{"a": "' + text + b'"}')) == ["a"]


@pytest.mark.parametrize(
    "body",
    [
        b'"' * 1_000_001,
        b'"' + b'\\"' * 500_000,
        b"\\" * 1_000_000,
        b'"a",' * 250_000,
        b"{}," * 300_000,
        b"[]" * 500_000,
        b"[" + b"{}," * 300_000 + b"1]",
    ],
    ids=range(7),
)
def test_any_mebibyte_is_answered_quickly(body: bytes) -> None:
    """The quickest of three attempts counts: Python may tidy up after other tests meanwhile."""
    spent = list[float]()
    for _ in range(3):
        started = time.process_time()
        with suppress(ValueError):
            strict_json(body)
        spent.append(time.process_time() - started)

    assert min(spent) < 1.0
