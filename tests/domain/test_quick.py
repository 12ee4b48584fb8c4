"""What is quick to make is what it was: frozen, equal, printed, copied and refused alike."""

import copy
import inspect
import pickle
from dataclasses import FrozenInstanceError, dataclass, field, replace
from typing import Any

import pytest

from invoicepay.domain.accounts import Account, Code, Posting
from invoicepay.domain.quick import quick


@dataclass(frozen=True, slots=True)
class Plain:
    number: int
    word: str = "none"
    note: str = field(default="", kw_only=True)


@quick
@dataclass(frozen=True, slots=True)
class Quick:
    number: int
    word: str = "none"
    note: str = field(default="", kw_only=True)


CALLS: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    ((1,), {}),
    ((1, "a"), {}),
    ((), {"number": 1, "word": "a", "note": "n"}),
    ((1,), {"note": "n"}),
]
BAD_CALLS: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    ((), {}),
    ((1, "a", "n"), {}),
    ((1,), {"other": 2}),
]


@pytest.mark.parametrize(("args", "named"), CALLS)
def test_it_takes_the_same_arguments(args: tuple[Any, ...], named: dict[str, Any]) -> None:
    plain, made = Plain(*args, **named), Quick(*args, **named)

    assert (made.number, made.word, made.note) == (plain.number, plain.word, plain.note)
    assert repr(made) == repr(plain).replace("Plain", "Quick")
    assert hash(made) == hash(plain)
    assert type(made) is Quick


@pytest.mark.parametrize(("args", "named"), BAD_CALLS)
def test_it_refuses_the_same_arguments(args: tuple[Any, ...], named: dict[str, Any]) -> None:
    for kind in (Plain, Quick):
        with pytest.raises(TypeError, match=r"__init__"):
            kind(*args, **named)


def test_it_is_frozen() -> None:
    made: Any = Quick(1)

    with pytest.raises(FrozenInstanceError):
        made.number = 2
    with pytest.raises(FrozenInstanceError):
        del made.word
    with pytest.raises((AttributeError, TypeError)):
        made.other = 3


def test_it_is_copied_pickled_and_replaced() -> None:
    made = Account(Code.AVAILABLE, "USD", "ann")

    assert copy.copy(made) == copy.deepcopy(made) == pickle.loads(pickle.dumps(made)) == made
    assert replace(made, party_id="bob") == Account(Code.AVAILABLE, "USD", "bob")
    assert {made: 1}[Account(Code.AVAILABLE, "USD", "ann")] == 1


def test_its_signature_is_still_told() -> None:
    assert list(inspect.signature(Posting).parameters) == ["rule", "entries", "memo", "reverses", "id"]
    assert Posting.__init__.__annotations__["rule"] == "str"


def test_what_does_more_when_it_is_made_is_not_made_quick() -> None:
    @dataclass(frozen=True, slots=True)
    class Counting:
        count: int = 0

        def __post_init__(self) -> None:
            """Do something."""

    @dataclass(frozen=True, slots=True)
    class Listing:
        items: list[int] = field(default_factory=list)

    for kind in (Counting, Listing):
        with pytest.raises(AssertionError):
            quick(kind)
