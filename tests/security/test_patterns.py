"""Every pattern takes linear time over whatever it is given, 100,000 characters included (S-21)."""

from __future__ import annotations

import ast
import re
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from time import thread_time
from typing import Any, NamedTuple

import pytest

import invoicepay

LENGTH, SECONDS = 100_000, 0.030
"""The slowest needs a fifth of it where two processes share a core; one that is not linear needs seconds."""
PACKAGE = Path(invoicepay.__file__).parent
ELSEWHERE = ("invoicepay.demo", "invoicepay.testing")
"""They read nothing that a stranger wrote."""


class Used(NamedTuple):
    """A pattern and how its module uses it."""

    pattern: re.Pattern[Any]
    methods: frozenset[str]


def patterns() -> dict[str, Used]:
    """Every compiled pattern of a module, by its name."""
    found: dict[int, tuple[str, Used]] = {}
    for module in walk_packages(invoicepay.__path__, "invoicepay."):
        if module.name.startswith(ELSEWHERE) or module.name.endswith("__main__"):
            continue
        loaded = import_module(module.name)
        methods = methods_in(Path(str(loaded.__file__)))
        for name, value in vars(loaded).items():
            for number, each in enumerate(value if is_a(tuple, value) else (value,)):
                pattern = each[-1] if is_a(tuple, each) and each else each
                if is_a(re.Pattern, pattern):
                    used = Used(pattern, methods.get(name, frozenset({"fullmatch"})))
                    found.setdefault(id(pattern), (f"{module.name}.{name}[{number}]", used))
    return dict(found.values())


def is_a(kind: type, value: Any) -> bool:
    """Whether it is one by its type: to ask Django's lazy settings anything else would load them."""
    return issubclass(type(value), kind)


def methods_in(path: Path) -> dict[str, frozenset[str]]:
    """Which methods a module calls on which of its names; a loop over patterns searches."""
    found: dict[str, set[str]] = {}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.attr in METHODS:
            found.setdefault(node.value.id, set()).add(node.attr)
    if "pattern" in found:
        found["_PATTERNS"] = found["pattern"]
    return {name: frozenset(methods) for name, methods in found.items()}


METHODS = ("fullmatch", "match", "search", "sub", "split", "findall", "finditer")
PATTERNS = patterns()
BOUNDED = {
    "invoicepay.adapters.http.redaction._NUMBERS[0]": 2_000,
    "invoicepay.client.trial._CAPITAL[0]": 1_000,
    "invoicepay.errors._SECRET_NAMES[0]": 1_000,
}
"""Texts that are cut before the pattern sees them, or names of classes of ours."""
PUMPS = (
    *"aAfFzZ0159 -_.:/+=~!\"'\\[]{}()<>@?&#%",
    "\n",
    "\x00",
    "\u00e9",
    "\u0661",
    *(
        "a-",
        "-a",
        "0.",
        "0 ",
        "0-",
        "00 ",
        "A0 ",
        "DE00 ",
        "a.",
        "\\\\",
        '\\"',
        '"a',
        "~0",
        "/~1",
        "/a",
        "ab",
    ),
    *("aa0", "0x", "us-", "already ", "rel=", "rel = ", "0000 ", "T00", "{a", "{a}", "sns.us-", "a_b"),
)
STARTS = (
    "",
    "0x",
    "ip1.k.",
    '"',
    "rel=",
    "sns.",
    "https://",
    "arn:aws:sns:",
    "-----BEGIN PUBLIC KEY-----",
    "0.",
    "inv_",
)
ENDS = ("", "!")


def texts() -> list[str]:
    made = [pump * (LENGTH // len(pump)) for pump in PUMPS]
    return [start + body + end for body in made for start in STARTS[:1] for end in ENDS] + [
        start + body + "!" for body in made[:24] for start in STARTS[1:]
    ]


TEXTS = texts()


@pytest.mark.parametrize("name", PATTERNS)
def test_a_pattern_takes_linear_time(name: str) -> None:
    slow = {}
    for text in TEXTS:
        given: Any = text[: BOUNDED.get(name, LENGTH)]
        if isinstance(PATTERNS[name].pattern.pattern, bytes):
            given = given.encode()
        if (spent := _seconds(PATTERNS[name], given)) > SECONDS:
            slow[text[:40]] = spent
            break

    assert slow == {}


def _seconds(used: Used, text: Any) -> float:
    """How long the pattern looks at a text, the best of three: this machine does other things, too."""
    best = float("inf")
    for _ in range(3):
        start = thread_time()
        for method in used.methods:
            _look(used.pattern, method, text)
        best = min(best, thread_time() - start)
        if best <= SECONDS:
            break
    return best


def _look(pattern: re.Pattern[Any], method: str, text: Any) -> None:
    match method:
        case "sub":
            pattern.sub(text[:0], text)
        case "finditer":
            list(pattern.finditer(text))
        case _:
            getattr(pattern, method)(text)


def test_patterns_are_compiled_where_they_are_found() -> None:
    inline = [
        f"{path.relative_to(PACKAGE)}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.relative_to(PACKAGE).parts[0] not in ("demo", "testing")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "re"
        and node.func.attr not in ("compile", "escape")
    ]

    assert inline == INLINE


INLINE = ["adapters/circle/wire.py", "errors.py"]
"""A provider's instant, which is measured first, and the name of a class of ours."""


@pytest.mark.parametrize("method", ["match", "search"])
def test_text_from_outside_is_matched_whole(method: str) -> None:
    """`match` and `search` let anything follow or precede; where they are used, that is what is wanted."""
    used = {
        path.relative_to(PACKAGE).as_posix()
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.relative_to(PACKAGE).parts[0] not in ("demo", "testing")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == method
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id.lstrip("_").isupper()
    }

    assert used <= PARTIAL[method]


PARTIAL: dict[str, set[str]] = {
    "match": set(),
    "search": {"domain/strict_json.py", "errors.py", "adapters/tempo/errors.py", "cli/machine.py"},
}
