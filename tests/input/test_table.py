"""The table of calls is complete, and each call in it works: whatever is refused is refused for its fault."""

from __future__ import annotations

import inspect

import pytest

from tests.input.calls import BY_NAME, CALLS, make, methods, parameters
from tests.input.scene import Scene

OUTSIDE = ("sim", "webhooks")
"""Groups through which the outside speaks; the scene itself makes their calls."""


def test_every_public_call_has_a_row() -> None:
    assert set(dict(methods())) - set(CALLS) == set(), "give it arguments in tests/input/calls.py"
    assert set(CALLS) - set(dict(methods())) == set(), "it is gone"


@pytest.mark.parametrize(("call", "signature"), list(methods()))
def test_every_argument_of_a_row_is_a_parameter(call: str, signature: inspect.Signature) -> None:
    assert CALLS.get(call, {}).keys() <= signature.parameters.keys()


def test_every_parameter_has_a_role() -> None:
    unknown = {
        f"{call}({name})"
        for call, signature in methods()
        for name in signature.parameters
        if name not in {*BY_NAME, "self"}
    }

    assert unknown == set()
    assert len(list(parameters())) > 400


@pytest.mark.parametrize("call", [call for call in CALLS if call.partition(".")[0] not in OUTSIDE])
def test_every_row_works(fresh: Scene, call: str) -> None:
    made = make(fresh, call)

    assert made is not None
    assert fresh.pay.invariants.check() == ()


def test_the_books_of_the_scene_are_right(home: Scene) -> None:
    assert home.pay.invariants.check() == ()
    assert home.pay.audit.verify()
