"""Frozen values that are quick to make: filled in an open class of the same layout, then given their own.

Python sets a field of a frozen dataclass by a call of `object.__setattr__`. A payment makes some thirty
values of two hundred fields, so those calls were a third of its work. Nothing else about the classes differs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, fields
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


@cache
def opened(kind: Any) -> Any:
    """A class of the same layout whose fields can be set."""
    open_again = {"__setattr__": object.__setattr__, "__delattr__": object.__delattr__}
    names = {"__slots__": kind.__slots__, "__module__": kind.__module__, **open_again}
    return type(kind.__name__, (kind.__base__,), names)


def quick(kind: type[T]) -> type[T]:
    """Give a frozen, slotted dataclass an `__init__` of the same signature that takes this way."""
    assert not hasattr(kind, "__post_init__"), f"{kind.__name__} does more when it is made"
    parts = fields(kind)  # type: ignore[arg-type]
    assert all(part.init and part.default_factory is MISSING for part in parts), (
        f"{kind.__name__} makes defaults"
    )
    open_kind: Any = kind
    scope: dict[str, Any] = {"opened": opened(open_kind), "kind": kind, "turn": object.__setattr__}
    scope |= {f"default_{part.name}": part.default for part in parts}
    given = [_given(part) for part in parts if not part.kw_only]
    named = [_given(part) for part in parts if part.kw_only]
    lines = ["turn(self, '__class__', opened)", *(f"self.{part.name} = {part.name}" for part in parts)]
    signature = ", ".join(["self", *given, *(["*", *named] if named else [])])
    init = function("__init__", signature, [*lines, "self.__class__ = kind"], scope)
    init.__qualname__, init.__annotations__ = f"{kind.__qualname__}.__init__", kind.__init__.__annotations__
    kind.__init__ = init  # type: ignore[method-assign]
    return kind


def _given(part: Any) -> str:
    return part.name if part.default is MISSING else f"{part.name}=default_{part.name}"


@cache
def copier(kind: Any) -> Callable[[Any], Any]:
    """A function that copies every field of a value into one that is still open; written for the class."""
    lines = ["copy = new(opened)", *(f"copy.{part.name} = value.{part.name}" for part in fields(kind))]
    scope = {"opened": opened(kind), "new": object.__new__}
    return function("copier", "value", [*lines, "return copy"], scope)


def function(name: str, signature: str, lines: list[str], scope: dict[str, Any]) -> Callable[..., Any]:
    """A function of these lines, which hold names of our own fields and nothing else."""
    body = "".join(f"\n    {line}" for line in lines)
    exec(f"def {name}({signature}):{body}", scope)  # noqa: S102 - see above
    made: Callable[..., Any] = scope[name]
    return made
