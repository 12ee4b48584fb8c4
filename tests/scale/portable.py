"""Rules for SQL that runs unchanged on one PostgreSQL server, on many, or on an engine that speaks alike."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from invoicepay.adapters.sql.migrate import views
from invoicepay.adapters.sql.schema import schema_of

logging.getLogger("sqlglot").setLevel(logging.ERROR)

SCHEMA = schema_of()
TENANT_TABLES = {table.name for table in SCHEMA.metadata.sorted_tables if "tenant_id" in table.c}
TENANT_SOURCES = TENANT_TABLES | views(SCHEMA).keys()
"""Tables and views whose rows belong to a tenant: all but the number of the last migration."""

WORK_QUEUES = {"effects", "webhook_inbox", "webhook_deliveries"}
OWN_FUNCTIONS = {"clock_timestamp", "unnest"}
"""Functions that the parser does not know by itself and every engine has; there may be none of ours."""

LIST_OF_TENANTS = (
    "SELECT DISTINCT audit_streams.tenant_id FROM audit_streams ORDER BY audit_streams.tenant_id"
)
"""The one statement over all tenants: it reads their ids and nothing of theirs, for workers."""

WRITES = (exp.Insert, exp.Update, exp.Delete, exp.Merge)
CHANGES = (exp.Create, exp.Drop, exp.Alter, exp.TruncateTable)

_TEXTS = re.compile(r"'(?:[^']|'')*'|\$\$.*?\$\$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Rule:
    """What no statement may do.

    Attributes:
        why: which kind of engine, or which promise, it would break.
        breaks: whether a statement does it, by its tree and by its text without literals.
    """

    name: str
    why: str
    breaks: Callable[[exp.Expr, str], bool]


def _says(pattern: str) -> Callable[[exp.Expr, str], bool]:
    wanted = re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE)
    return lambda _tree, text: wanted.search(text) is not None


def _skips_locked_rows(tree: exp.Expr, _text: str) -> bool:
    """SKIP LOCKED over anything but a work queue: a command would decide without rows that are there."""
    return any(
        lock.args.get("wait") is False and not _tables(lock.parent_select or tree) <= WORK_QUEUES
        for lock in tree.find_all(exp.Lock)
    )


def _calls_strange_function(tree: exp.Expr, _text: str) -> bool:
    return any(call.name.lower() not in OWN_FUNCTIONS for call in tree.find_all(exp.Anonymous))


def _writes_twice(tree: exp.Expr, _text: str) -> bool:
    written = [write.find(exp.Table) for write in tree.find_all(*WRITES)]
    names = [table.name for table in written if table]
    return len(names) > len(set(names))


def _writes_from_a_union(tree: exp.Expr, _text: str) -> bool:
    return tree.find(*WRITES) is not None and tree.find(exp.SetOperation) is not None


def _changes_tables(tree: exp.Expr, _text: str) -> bool:
    return isinstance(tree, CHANGES)


def _forgets_the_tenant(tree: exp.Expr, _text: str) -> bool:
    return tree.sql("postgres") != LIST_OF_TENANTS and next(_tenantless(tree), None) is not None


EVERYWHERE = (
    Rule(
        "advisory locks",
        "no table, so no shard, owns them",
        _says(r"pg_(?:try_)?advisory\w*"),
    ),
    Rule("LISTEN and NOTIFY", "they reach one server", _says(r"LISTEN|UNLISTEN|NOTIFY|pg_notify")),
    Rule("LOCK TABLE", "it stops every tenant", _says(r"LOCK\s+(?:TABLE|ONLY|\w+\s+IN)")),
    Rule("deferrable constraints", "distributed engines check at once", _says("DEFERRABLE|DEFERRED")),
    Rule("exclusion constraints", "they need an index over all shards", _says("EXCLUDE")),
    Rule("stored generated columns", "some engines have none", _says(r"GENERATED\s+ALWAYS\s+AS\s+\(")),
    Rule(
        "numbers drawn by the store",
        "every writer would meet at one sequence",
        _says(r"(?:big|small)?serial|IDENTITY|SEQUENCE|nextval|currval|lastval"),
    ),
    Rule(
        "stored procedures and blocks",
        "the money path has no code in the store",
        _says(r"CALL|DO|PROCEDURE|EXTENSION"),
    ),
    Rule("system columns", "other engines keep no such versions", _says("ctid|xmin|xmax|tableoid")),
    Rule(
        "placement",
        "some sharded services refuse it",
        _says(r"TABLESPACE|UNLOGGED|PARTITION\s+(?:OF|BY\s+(?:RANGE|LIST|HASH))"),
    ),
)
"""Rules for statements and table definitions alike."""

STATEMENTS = (
    Rule("a forgotten tenant", "one shard could not answer it alone", _forgets_the_tenant),
    Rule("definitions while money moves", "they lock what others use", _changes_tables),
    Rule("SKIP LOCKED outside of work queues", "a command must see what is there", _skips_locked_rows),
    Rule("strange functions", "other engines do not have them", _calls_strange_function),
    Rule("two writes to one table in one statement", "which one wins is not defined", _writes_twice),
    Rule("writing from a union", "hot rows lose updates under READ COMMITTED", _writes_from_a_union),
)
"""Rules for statements of commands, workers, lists and checks."""


def broken(statement: str, rules: tuple[Rule, ...] = EVERYWHERE + STATEMENTS) -> list[str]:
    """Names of the rules that a statement breaks; one that cannot be read breaks them all."""
    try:
        tree = _tree(statement)
    except SqlglotError as error:
        return [f"cannot be read: {error}"]
    said = _TEXTS.sub("''", statement).replace("ON CONFLICT DO ", "ON CONFLICT ")
    return [rule.name for rule in rules if rule.breaks(tree, said)]


def tables(statement: str) -> set[str]:
    """The tables that a statement names."""
    return _tables(_tree(statement))


def _tree(statement: str) -> exp.Expr:
    return sqlglot.parse_one(f"{statement}\n", read="postgres")  # at the very end '' would not be read


def _tables(tree: exp.Expr) -> set[str]:
    return {table.name for table in tree.find_all(exp.Table)}


def _tenantless(tree: exp.Expr) -> Iterator[str]:
    """Sources of tenants' rows that a statement neither narrows to one tenant nor passes on with its id."""
    for table in tree.find_all(exp.Table):
        owner = table.find_ancestor(exp.Select, *WRITES, exp.Copy)
        if table.name in TENANT_SOURCES and owner and not _names_tenant(owner, table, tree):
            yield table.alias_or_name
    for derived in tree.find_all(exp.Subquery):
        owner = derived.parent_select
        if "tenant_id" in derived.named_selects and owner and not _names_tenant(owner, derived, tree):
            yield derived.alias_or_name


def _names_tenant(owner: exp.Expr, source: exp.Expr, tree: exp.Expr) -> bool:
    if isinstance(owner, exp.Copy | exp.Insert):
        return isinstance(owner.this, exp.Schema) and any(
            column.name == "tenant_id" for column in owner.this.expressions
        )
    if isinstance(where := owner.args.get("where"), exp.Where) and where.this == exp.false():
        return True  # an empty list was asked for: nothing is read
    is_one = len(list(_sources(owner))) == 1
    names = {source.alias_or_name, *([""] if is_one else [])}
    wanted = [
        side
        for condition in _conditions(owner)
        if isinstance(condition, exp.EQ)
        for side in (condition.this, condition.expression)
    ]
    if isinstance(owner, exp.Select) and owner is not tree:
        wanted += [shown.unalias() for shown in owner.expressions]
    return any(
        isinstance(column, exp.Column) and column.name == "tenant_id" and column.table in names
        for column in wanted
    )


def _sources(owner: exp.Expr) -> Iterator[exp.Expr]:
    if not isinstance(owner, exp.Select):
        yield owner.this
    if found := owner.args.get("from_"):
        yield found.this
    yield from (join.this for join in owner.args.get("joins") or ())


def _conditions(owner: exp.Expr) -> Iterator[exp.Expr]:
    """What must all hold: the parts of WHERE and of every ON."""
    given = [where.this] if (where := owner.args.get("where")) else []
    given += [join.args["on"] for join in owner.args.get("joins") or () if join.args.get("on")]
    while given:
        condition = given.pop().unnest()
        if isinstance(condition, exp.And):
            given += [condition.left, condition.right]
        else:
            yield condition
