"""Writes those parts of the documentation that the code knows; `--check` fails when they are out of date.

A page holds generated text between `<!-- generated: name -->` and `<!-- end of generated: name -->`; the rest
of it is written by hand. Run: python -m tools.gen_docs [--check]
"""

from __future__ import annotations

import re
import sys
from argparse import Action, ArgumentParser
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from importlib import import_module
from inspect import getdoc
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, get_type_hints

import invoicepay.domain
from bench import page
from invoicepay import InvoicePay
from invoicepay.adapters.tillipay import Fact, TilliPayProfile
from invoicepay.cli.options import COMMANDS
from invoicepay.domain.accounts import NAMES, PER_PARTY, Account, Code
from invoicepay.domain.entity import Entity
from invoicepay.domain.invariants import RULES
from invoicepay.domain.lifecycle import Lifecycle
from invoicepay.errors import InvoicePayError
from invoicepay.use_cases.perform import RECORDED_REFUSALS
from tests.security.table import TABLE

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "invoicepay"
DOCS = ROOT / "docs"
MODULES = [
    import_module(f"invoicepay.domain.{module.name}") for module in iter_modules(invoicepay.domain.__path__)
]
SNIPPETS = sorted((ROOT / "examples" / "snippets").glob("*.py"))
BLOCK = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end of generated: \2 -->\n)", re.DOTALL)
MOST_CALLS = 4
TYPES = {"A": "asset", "L": "liability", "Q": "equity", "I": "income", "X": "expense"}


def states() -> str:
    """A picture and a heading for each state machine of the domain."""
    return "\n".join(_machine(lifecycle) for lifecycle in lifecycles())


def lifecycles() -> list[Lifecycle[Any, Any]]:
    """Every table of transitions in the domain, by the name of its entity."""
    found = {
        value.entity: value
        for module in MODULES
        for value in vars(module).values()
        if isinstance(value, Lifecycle)
    }
    return [found[name] for name in sorted(found)]


def _machine(lifecycle: Lifecycle[Any, Any]) -> str:
    title = lifecycle.entity.replace("_", " ").capitalize()
    about = _first_line(type(lifecycle.states[0]))
    return f"## {title}\n\n{about}\n\n```mermaid\n{lifecycle.mermaid()}\n```\n"


def errors() -> str:
    """A chapter for each family of errors: what happened, what to do next, and which calls raise it."""
    told = _told_by()
    chapters = [_chapter(family, told) for family in InvoicePayError.__subclasses__() if _is_ours(family)]
    return _table([InvoicePayError], told) + "\n" + "\n".join(chapters)


def _chapter(family: type[InvoicePayError], told: dict[str, list[str]]) -> str:
    kept = "Kept under the key." if issubclass(family, RECORDED_REFUSALS) else "Not kept under the key."
    return f"## {family.__name__}\n\n{family.title()} {kept}\n\n{_table(_tree(family), told)}"


def _table(kinds: Iterable[type[InvoicePayError]], told: dict[str, list[str]]) -> str:
    lines = [
        "| Code | Class | HTTP | Again | What happened | What to do next | Raised by |",
        "|---|---|---|---|---|---|---|",
    ]
    for kind in kinds:
        again = "same key" if kind.retryable else "–"
        name = f"[`{kind.__name__}`][invoicepay.errors.{kind.__name__}]"
        calls = _shortened(told.get(kind.__name__, []))
        facts = [f"`{kind.code}`", name, str(kind.http_status), again, kind.title(), kind.hint, calls]
        lines.append(f"| {' | '.join(facts)} |")
    return "\n".join(lines) + "\n"


def _shortened(calls: list[str]) -> str:
    named = ", ".join(f"`{call}`" for call in calls[:MOST_CALLS])
    return f"{named} and {len(calls) - MOST_CALLS} more" if len(calls) > MOST_CALLS else named or "–"


def _told_by() -> dict[str, list[str]]:
    """The calls whose docstring says that they raise an error, by the error's name."""
    found: dict[str, list[str]] = {}
    for group, calls in groups().items():
        for name, call in vars(calls).items():
            _, _, raises = (getdoc(call) or "").partition("Raises:\n")
            for line in raises.partition("\n\n")[0].splitlines():
                for error in re.findall(r"\w+", line.partition(":")[0]) if line[4:5] != " " else ():
                    found.setdefault(error, []).append(f"{group}.{name}")
    return found


def groups() -> dict[str, type]:
    """The groups of calls of a client, by the name of the property that gives them."""
    return {
        name: get_type_hints(member.fget)["return"]
        for name, member in vars(InvoicePay).items()
        if isinstance(member, property)
    }


def _is_ours(kind: type[InvoicePayError]) -> bool:
    return kind.__module__ == InvoicePayError.__module__


def _tree(kind: type[InvoicePayError]) -> Iterator[type[InvoicePayError]]:
    yield kind
    for below in filter(_is_ours, kind.__subclasses__()):
        yield from _tree(below)


def accounts() -> str:
    """The chart of accounts."""
    lines = ["| Code | Account | Type | One for each party |", "|---|---|---|---|"]
    for code in Code:
        kind = TYPES[Account(code, "USD").type.value]
        lines.append(f"| {code.value} | `{NAMES[code]}` | {kind} | {'yes' if code in PER_PARTY else '–'} |")
    return "\n".join(lines) + "\n"


def invariants() -> str:
    """A sentence for each invariant."""
    return (
        "\n".join(
            ["| Rule | Holds |", "|---|---|", *(f"| {rule} | {text} |" for rule, text in RULES.items())]
        )
        + "\n"
    )


def events() -> str:
    """The event names of each kind of entity, as the code spells them."""
    source = "".join(
        path.read_text(encoding="utf-8")
        for layer in ("domain", "use_cases")
        for path in sorted((PACKAGE / layer).rglob("*.py"))
    )
    kinds = sorted({kind.KIND for kind in _entities(Entity)})
    rows = [f"| `{kind}` | {', '.join(names)} |" for kind in kinds if (names := _event_names(kind, source))]
    return "\n".join(["| Entity | Events |", "|---|---|", *rows]) + "\n"


def _event_names(kind: str, source: str) -> list[str]:
    """Names written out, then the one that is made of the new state."""
    written = sorted(set(re.findall(rf'"({kind}\.[a-z_]+)"', source)))
    by_state = [f"`{kind}.` and its new state"] if re.search(rf'f"{kind}\.{{[^}}]+}}"', source) else []
    return [f"`{name}`" for name in written] + by_state


def _entities(kind: type[Entity]) -> Iterator[type[Entity]]:
    for below in kind.__subclasses__():
        if below.__module__.startswith("invoicepay.") and "KIND" in vars(below):
            yield below
            yield from _entities(below)


def _first_line(thing: type) -> str:
    return (thing.__doc__ or "").strip().partition("\n")[0]


def tillipay_assumptions() -> str:
    """The unconfirmed facts of the known TilliPay profile."""
    return _facts(TilliPayProfile.known().unconfirmed())


def tillipay_imagined() -> str:
    """What the assumed profile claims beyond or instead of the known one."""
    claims = {fact.claim for fact in TilliPayProfile.known().unconfirmed()}
    return _facts(fact for fact in TilliPayProfile.assumed().unconfirmed() if fact.claim not in claims)


def tillipay_known() -> str:
    """The confirmed facts of the known TilliPay profile."""
    profile = TilliPayProfile.known()
    return _facts(fact for fact in profile.facts if fact not in profile.unconfirmed())


def _facts(facts: Iterable[Fact]) -> str:
    names = ["Fact", "Grade", "What it claims", "Known from", "Entries", "Written down"]
    rows = [names, ["---"] * len(names)]
    for fact in facts:
        entries = ", ".join(f"`{path}`" for path in fact.covers)
        rows.append([f"`{fact.id}`", fact.grade, fact.claim, fact.source, entries, str(fact.date)])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def security_table() -> str:
    """Each row of the security table: its control, the files of its tests, and what is left to the host."""
    lines = ["| Row | Control | Shown by | Left to the host |", "|---|---|---|---|"]
    for id, row in TABLE.items():
        files = Counter(test.partition("::")[0] for test in row.tests)
        shown = ", ".join(f"`{path}` ({count})" for path, count in files.items())
        lines.append(f"| {id} | {row.control} | {shown} | {row.not_ours} |")
    return "\n".join(lines) + "\n"


def snippet(script: Path) -> str:
    """An example as a block: its code, without the sentence that says what it is."""
    _, _, code = script.read_text(encoding="utf-8").partition('"""\n\n')
    return f"```python\n{code.strip()}\n```\n"


def command(name: str) -> str:
    """What a command does, and a row for each of its options."""
    _, about, add = COMMANDS[name]
    parser = ArgumentParser(prog=f"invoicepay {name}", add_help=False)
    add(parser)
    rows = [f"| {_spelt(option)} | {option.help} |" for option in parser._actions]
    return "\n".join([about, "", "| Option | Meaning |", "|---|---|", *rows]) + "\n"


def _spelt(option: Action) -> str:
    """As it is typed."""
    if not option.option_strings:
        return f"`{'`, `'.join(option.choices)}`" if option.choices else f"`{option.dest.upper()}`"
    word = option.metavar or ("" if option.nargs == 0 else option.dest.upper())
    return f"`{f'{option.option_strings[0]} {word}'.strip()}`"


BLOCKS: dict[str, Callable[[], str]] = {
    **{f"command_{name}": partial(command, name) for name in COMMANDS},
    **{f"snippet_{script.stem}": partial(snippet, script) for script in SNIPPETS},
    "accounts": accounts,
    "errors": errors,
    "events": events,
    "invariants": invariants,
    "security_table": security_table,
    "speed_chart": page.speed_chart,
    "speed_figures": page.speed_figures,
    "speed_machine": page.speed_machine,
    "speed_targets": page.speed_targets,
    "states": states,
    "tillipay_assumptions": tillipay_assumptions,
    "tillipay_imagined": tillipay_imagined,
    "tillipay_known": tillipay_known,
}


def outdated() -> dict[Path, str]:
    """Pages whose generated parts differ from the code, each with its right text."""
    pages = {page: page.read_text(encoding="utf-8") for page in sorted(DOCS.rglob("*.md"))}
    fresh = {page: BLOCK.sub(_filled, text) for page, text in pages.items()}
    return {page: text for page, text in fresh.items() if text != pages[page]}


def _filled(match: re.Match[str]) -> str:
    return f"{match[1]}\n{BLOCKS[match[2]]()}\n{match[3]}"


def main() -> int:
    """Write the pages, or compare them."""
    wrong = outdated()
    if "--check" in sys.argv[1:]:
        for page in wrong:
            print(f"{page.relative_to(ROOT)} is out of date: run python -m tools.gen_docs")
        return 1 if wrong else 0
    for page, text in wrong.items():
        page.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
