"""What every refusal must be: an error of the tree with a next step, and nothing written anywhere."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from invoicepay import InvoicePayError
from invoicepay.use_cases.perform import DENIALS
from tests.input.calls import make
from tests.input.scene import Scene, changed

LONGEST_MESSAGE = 1_000
NOTED = (["home.audit"], ["audit_log", "audit_streams"], ["audit_streams", "audit_log"])
"""All that a denied call leaves behind, in memory and in a database: its audit record (S-01, S-36)."""


@contextmanager
def refused(scene: Scene, *kinds: type[InvoicePayError]) -> Iterator[pytest.ExceptionInfo[InvoicePayError]]:
    """A call in this block is refused as one of the kinds, says what to do next, and leaves no trace."""
    before = scene.stored()
    with pytest.raises(kinds or InvoicePayError) as caught:
        yield caught
    left = changed(before, scene.stored())
    assert (left in NOTED) if isinstance(caught.value, DENIALS) else (left == [])
    if left:
        noted(scene, caught.value)
    told(caught.value)


def noted(scene: Scene, denial: InvoicePayError) -> None:
    """The last record of the log of operations tells of the denial: who, why, and that nothing was done."""
    last = None
    while page := scene.pay.audit.operations(after_position=last.position if last else _read(scene)):
        last = page[-1]
    assert last is not None
    assert (last.denied, last.reason, last.entity_ids) == (denial.code, denial.message, ())


def _read(scene: Scene) -> int:
    """How far the log was read before; in memory it is known where the last record stands."""
    return 0 if scene.repository is None else len(scene.repository._tenants["home"].audit["operations"]) - 1


def slips(
    scene: Scene, call: str, name: str, values: Mapping[str, Any], *kinds: type[InvoicePayError]
) -> dict[str, str]:
    """Which values of a parameter are not refused as one of the kinds; none of them may leave a trace."""
    before = scene.stored()
    slipped: dict[str, str] = {}
    for form, value in values.items():
        try:
            result = make(scene, call, **{name: value})
        except kinds as refusal:
            told(refusal)
        except Exception as other:  # noqa: BLE001 - named in the result
            slipped[form] = repr(other)
        else:
            slipped[form] = f"was taken: {result!r:.80}"
    assert changed(before, scene.stored()) == [], slipped
    return slipped


def told(error: InvoicePayError) -> None:
    """The error can be shown to a person, logged on one line and sent as JSON."""
    assert error.code in json.dumps(error.to_problem(), ensure_ascii=False).encode().decode()
    assert error.hint
    for text in (error.message, error.hint, str(error)):
        assert 0 < len(text) <= LONGEST_MESSAGE
        assert text.isprintable()
