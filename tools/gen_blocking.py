"""Writes src/invoicepay/blocking.py from the awaiting client; `--check` fails when it is out of date.

Every `async def` of a group becomes a plain method of the same signature and docstring that drives the
awaiting one in a single step. Run: python -m tools.gen_blocking [--check]
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "invoicepay"
TARGET = PACKAGE / "blocking.py"
# What the groups have in common: nothing to generate from it.
SHARED = ("base", "batches", "dry_runs", "events", "notices", "pages", "trial")
PARTS = ("invoice_batches", "invoice_endings", "scopes")  # bases whose calls stand in a file of their own

ONLY_FOR_TYPES = (
    "from invoicepay.domain.explanation import Explanation",
    "from sqlalchemy import Connection, Engine",
    "from sqlalchemy.ext.asyncio import AsyncEngine",
    "from sqlalchemy.orm import Session, scoped_session",
)
AWAITING_HOST = "AsyncSession | AsyncConnection | async_scoped_session[Any]"
BLOCKING_HOST = "Session | Connection | scoped_session[Any]"

HEAD = '''"""The blocking client: generated from the awaiting one by tools/gen_blocking.py; do not edit."""

'''


def generate() -> str:
    """The text of blocking.py."""
    modules = sorted(
        path for path in (PACKAGE / "client").glob("[a-z]*.py") if path.stem not in (*SHARED, *PARTS)
    )
    imports: dict[str, set[str]] = {
        "collections.abc": {"Iterator"},
        "contextlib": {"AbstractContextManager", "contextmanager"},
        "typing": {"Self", "cast"},
        "invoicepay.bridge": {"run_blocking", "within"},
        "invoicepay.awaiting": {"AsyncInvoicePay", "EventHandler", "_BlockingLeaves"},
        "invoicepay.client.pages": {"Page"},
    }
    plain: set[str] = set()
    classes: list[str] = []
    parts = _parts(imports, plain)
    facade = ast.parse((PACKAGE / "awaiting.py").read_text())
    for path in [*modules, PACKAGE / "awaiting.py"]:
        tree = facade if path.stem == "awaiting" else ast.parse(path.read_text())
        _collect(tree, imports, plain)
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and _is_public(node):
                if path.stem == "awaiting":
                    classes.append(_facade(node, parts))
                else:
                    module = f"invoicepay.client.{path.stem}"
                    imports.setdefault(module, set()).add(f"{node.name} as _{node.name}")
                    classes.append(_group(node, parts))
    body = "\n\n".join(classes)
    lines = ["from __future__ import annotations", *sorted(plain)]
    for module, names in sorted(imports.items()):
        lines += [f"from {module} import {name}" for name in sorted(names)]
    lines += ["if TYPE_CHECKING:", *(f"    {line}" for line in ONLY_FOR_TYPES)]
    return HEAD + "\n".join(lines) + "\n\n" + body + "\n"


def _parts(imports: dict[str, set[str]], plain: set[str]) -> dict[str, list[ast.stmt]]:
    """The bodies of the groups' bases, by the base's name."""
    trees = [ast.parse((PACKAGE / "client" / f"{stem}.py").read_text()) for stem in PARTS]
    for tree in trees:
        _collect(tree, imports, plain)
    return {node.name: node.body for tree in trees for node in tree.body if isinstance(node, ast.ClassDef)}


def _is_public(node: ast.ClassDef) -> bool:
    return not node.name.startswith("_")


def _collect(tree: ast.Module, imports: dict[str, set[str]], plain: set[str]) -> None:
    """Every import of the source; the formatter's `F401` fix drops what the generated file does not use."""
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module and _is_wanted(node.module):
            for alias in node.names:
                name = f"{alias.name} as {alias.asname}" if alias.asname else alias.name
                imports.setdefault(node.module, set()).add(name)
        elif isinstance(node, ast.Import):
            plain.update(f"import {alias.name}" for alias in node.names)


def _is_wanted(module: str) -> bool:
    """The awaiting groups come in under other names; the future import stands on top."""
    is_group = module.startswith("invoicepay.client.") and module.rpartition(".")[2] not in SHARED
    return module != "__future__" and not is_group


def _group(node: ast.ClassDef, parts: dict[str, list[ast.stmt]]) -> str:
    """A blocking class around the awaiting group; the calls of its bases come after its own."""
    lines = [f"class {node.name}:", f"    {_doc(node)}", ""]
    lines += ["    __slots__ = ('_group',)", ""]
    lines += [f"    def __init__(self, group: _{node.name}) -> None:", "        self._group = group", ""]
    for item in [*node.body, *_inherited(node, parts)]:
        if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef) and not item.name.startswith("_"):
            lines += _method(item, "self._group")
    return "\n".join(lines)


def _inherited(node: ast.ClassDef, parts: dict[str, list[ast.stmt]]) -> list[ast.stmt]:
    """What stands in the bases of a class."""
    return [item for base in node.bases for item in parts.get(ast.unparse(base), [])]


def _facade(node: ast.ClassDef, parts: dict[str, list[ast.stmt]]) -> str:
    """InvoicePay: the awaiting client with blocking leaves inside, its groups wrapped."""
    name = node.name.removeprefix("Async")
    lines = [f"class {name}:", f"    {_doc(node)}", ""]
    for item in [*node.body, *_inherited(node, parts)]:
        if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef):
            lines += _member(item)
    lines += [
        "    def __repr__(self) -> str:",
        f"        return repr(self._pay).replace('AsyncInvoicePay', '{name}')",
        "",
        f"    def __enter__(self) -> {name}:",
        "        return self",
        "",
        "    def __exit__(self, *error: object) -> None:",
        "        self.close()",
        "",
    ]
    return "\n".join(lines)


def _member(item: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """One call of the facade; nothing for what only the awaiting one has."""
    if item.name == "__init__":
        return _constructor(item)
    if item.name.startswith("_"):
        return []
    if _is_group(item):
        return _property(item)
    if _returns(item, "Self"):
        return _copy(item)
    if _returns(item, "AbstractAsyncContextManager[Self]"):
        return _scope(item)
    if item.name == "worker":
        return _made(item)
    return _other_constructor(item) if _is_marked(item, "classmethod") else _method(item, "self._pay")


def _is_group(item: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return _is_marked(item, "property")


def _is_marked(item: ast.FunctionDef | ast.AsyncFunctionDef, decorator: str) -> bool:
    return any(isinstance(mark, ast.Name) and mark.id == decorator for mark in item.decorator_list)


def _constructor(item: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    passed = _passed(item)
    return [
        f"    def __init__({_signature(item)}) -> None:",
        f"        self._pay: AsyncInvoicePay = _BlockingLeaves({passed})",
        "",
        "    @classmethod",
        "    def _around(cls, pay: AsyncInvoicePay) -> Self:",
        "        made = cls.__new__(cls)",
        "        made._pay = pay",
        "        return made",
        "",
        "    @contextmanager",
        "    def _inside(self, scope: AbstractAsyncContextManager[AsyncInvoicePay]) -> Iterator[Self]:",
        "        with within(scope) as pay:",
        "            yield self._around(pay)",
        "",
    ]


def _property(item: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    assert item.returns is not None
    kind = ast.unparse(item.returns)
    return [
        "    @property",
        f"    def {item.name}(self) -> {kind}:",
        f"        {_doc(item)}",
        f"        return {kind}(self._pay.{item.name})",
        "",
    ]


def _returns(item: ast.FunctionDef | ast.AsyncFunctionDef, kind: str) -> bool:
    return item.returns is not None and ast.unparse(item.returns) == kind


def _copy(item: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """A copy; what the host opened is of this face's kind, and typed as the other's."""
    passed = 'cast("Any", host)' if item.name == "bind" else _passed(item)
    return [
        f"    def {item.name}({_signature(item)}) -> Self:",
        f"        {_doc(item)}",
        f"        return self._around(self._pay.{item.name}({passed}))",
        "",
    ]


def _scope(item: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """A copy for the length of a `with`."""
    return [
        f"    def {item.name}({_signature(item)}) -> AbstractContextManager[Self]:",
        f"        {_doc(item)}",
        f"        return self._inside(self._pay.{item.name}({_passed(item)}))",
        "",
    ]


def _made(item: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """What the client makes, wrapped as its groups are."""
    assert item.returns is not None
    kind = ast.unparse(item.returns)
    return [
        f"    def {item.name}({_signature(item)}) -> {kind}:",
        f"        {_doc(item)}",
        f"        return {kind}(self._pay.{item.name}({_passed(item)}))",
        "",
    ]


def _other_constructor(item: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    return [
        "    @classmethod",
        f"    def {item.name}({_signature(item)}) -> InvoicePay:",
        f"        {_doc(item)}",
        f"        return cls._around(_BlockingLeaves.{item.name}({_passed(item)}))",
        "",
    ]


def _method(item: ast.FunctionDef | ast.AsyncFunctionDef, target: str) -> list[str]:
    call = f"{target}.{item.name}({_passed(item)})"
    returns = f" -> {ast.unparse(item.returns)}" if item.returns else ""
    if isinstance(item, ast.AsyncFunctionDef):
        call = f"run_blocking({call})"
    if returns.startswith(" -> AsyncPage["):
        returns = returns.replace("AsyncPage", "Page")
        call = f"Page({call})"
    is_void = returns == " -> None"
    return [
        f"    def {item.name}({_signature(item)}){returns}:",
        f"        {_doc(item)}",
        f"        {call}" if is_void else f"        return {call}",
        "",
    ]


def _signature(item: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    return ast.unparse(item.args).replace(AWAITING_HOST, BLOCKING_HOST)


def _passed(item: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    args = item.args
    names = [arg.arg for arg in [*args.posonlyargs, *args.args][1:]]
    parts = list(names)
    if args.vararg:
        parts.append(f"*{args.vararg.arg}")
    parts += [f"{arg.arg}={arg.arg}" for arg in args.kwonlyargs]
    if args.kwarg:
        parts.append(f"**{args.kwarg.arg}")
    return ", ".join(parts)


def _doc(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    text = ast.get_docstring(node, clean=False) or ""
    for a, b in (
        ("await ", ""),
        ("async for", "for"),
        ("async with", "with"),
        ("AsyncInvoicePay", "InvoicePay"),
    ):
        text = text.replace(a, b)
    return f'"""{text}"""'


def formatted(text: str) -> str:
    """The text as ruff writes it, unused imports removed."""
    ruff = [sys.executable, "-m", "ruff"]
    name = ["--stdin-filename", str(PACKAGE / "_generated.py")]
    fixed = subprocess.run(
        [*ruff, "check", "--fix-only", "--quiet", "--select", "F401,I", *name, "-"],
        input=text,
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    ).stdout
    return subprocess.run(
        [*ruff, "format", *name, "-"], input=fixed, capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout


def main() -> int:
    """Write the file, or compare it."""
    text = formatted(generate())
    if "--check" in sys.argv[1:]:
        if not TARGET.exists() or TARGET.read_text() != text:
            print("src/invoicepay/blocking.py is out of date: run python -m tools.gen_blocking")
            return 1
        return 0
    TARGET.write_text(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
