"""Numbers and SQL at their bounds: nothing wraps, nothing is formatted unchecked (S-05, S-07, S-19)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from time import thread_time

import pytest

from invoicepay import Money
from invoicepay.adapters.sql import migrate_url
from invoicepay.adapters.sql.schema import LARGEST_ENTRY
from invoicepay.domain.money import COLUMN_MAX
from invoicepay.errors import AmountOutOfRange, InvalidAmount, InvoicePayError, StoreError
from invoicepay.testing.trail_contract import ANN, BANK
from tests.support.sql import Stores, execute

SOURCES = sorted((Path(__file__).parents[2] / "src" / "invoicepay").rglob("*.py"))

COMPOSED = {
    ("migrate.py", "_make_views"): "names of tables, which `named_schema` checked",
    ("migrate.py", "_present"): "one of two constants",
    ("joined.py", "_look_at_postgres"): "a constant",
    ("roles.py", "restrict"): "names of tables and of a role, which were checked",
    ("suspects.py", "rows"): "names of tables in constants; the tenant is bound",
    ("connect.py", "begin"): "one of three constants",
    ("violations.py", "_take_time"): "names of two settings, constants",
    ("wire.py", "_through_sqlalchemy"): "the composer's parametrised statement",
    ("schema.py", "index"): "conditions of indexes, which are constants",
}
"""Where SQL is put together, and of what: our own words. Everywhere else it is a constant."""


SQL_TEXTS = ("text", "exec_driver_sql", "literal_column", "DDL", "TextClause")
OTHER_TEXTS = {"apply.py": "canonical.text", "erase.py": "canonical.text", "writing.py": "statements.text"}
"""Files in which `text` is another function: JSON, or the composer of parametrised statements."""


def calls() -> Iterator[tuple[Path, str, ast.Call]]:
    """Every call of the library with the function that it stands in."""
    for path in SOURCES:
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                for node in ast.walk(function):
                    if isinstance(node, ast.Call):
                        yield path, function.name, node


def name_of(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def test_sql_is_constant_or_made_of_our_own_words() -> None:
    found = {
        (path.name, function)
        for path, function, call in calls()
        if "sql" in path.parts and name_of(call) in SQL_TEXTS
        if not (name_of(call) == "text" and path.name in OTHER_TEXTS)
        if not (call.args and isinstance(call.args[0], ast.Constant))
    }

    assert found == set(COMPOSED), "say above of what it is made, or bind its parameters"


def test_no_decimal_is_made_whole_or_rounded_before_its_size_is_known() -> None:
    """`int(Decimal("1E+1000000"))` takes most of a minute; amounts are read by pattern and digit."""
    rounding = {"quantize", "to_integral_value", "to_integral_exact", "to_integral"}
    risky = {
        f"{path.name}: {function} calls {name_of(call)}"
        for path, function, call in calls()
        if (name_of(call) in rounding and isinstance(call.func, ast.Attribute))
        or (name_of(call) in ("int", "round") and any("Decimal" in ast.dump(part) for part in call.args))
    }

    assert risky == set(), risky


@pytest.mark.parametrize("text", ["1E+1000000", "1E-1000000", "9" * 4_000, "0." + "1" * 4_000])
def test_a_decimal_beyond_all_measure_is_refused_at_once(text: str) -> None:
    started = thread_time()  # of this thread alone: on a busy machine others go first for longer

    for _ in range(20):
        with pytest.raises(InvalidAmount):
            Money(Decimal(text), "USD")

    assert (thread_time() - started) / 20 < 0.001


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    is_sqlite = request.param == "sqlite"
    made: str = f"sqlite:///{tmp_path / 'pay.db'}" if is_sqlite else request.getfixturevalue("postgres_url")
    migrate_url(made)
    return made


@pytest.fixture
def stores() -> Iterator[Stores]:
    stores = Stores()
    yield stores
    stores.close()


def test_a_balance_at_the_bound_takes_no_micro_more(stores: Stores, url: str) -> None:
    store = stores.made(url)
    store.move(BANK, ANN, 5)
    execute(url, f"UPDATE ledger_accounts SET balance = {COLUMN_MAX - 2} WHERE id = '{ANN.id}'")

    with pytest.raises(InvoicePayError):
        store.move(BANK, ANN, 5)

    kind = "typeof" if url.startswith("sqlite") else "pg_typeof"
    stored = f"SELECT balance, {kind}(balance) FROM ledger_accounts WHERE id = '{ANN.id}'"
    ((balance, told),) = execute(url, stored)
    assert balance == COLUMN_MAX - 2
    assert str(told) in ("integer", "bigint")
    assert execute(url, "SELECT count(*) FROM ledger_transactions") == [(1,)]


def test_sums_beyond_the_bound_end_the_check_and_never_wrap(stores: Stores, url: str) -> None:
    """Entries of more than a column holds: no check takes them for less, or for a fraction."""
    store = stores.made(url)
    first = store.move(BANK, ANN, 5).id
    columns = "group_id, rule, memo, reverses, effective_at, recorded_at FROM ledger_transactions"
    booked = "INSERT INTO ledger_transactions SELECT tenant_id, 'ltx_{}', {} WHERE id = '{}'"
    rows = [
        f"('{store.tenant_id}', 'ltx_{number}', {place}, '{account.id}', '{side}', {LARGEST_ENTRY}, 'USD')"
        for number in range(1_030)
        for place, account, side in ((0, BANK, "D"), (1, ANN, "C"))
    ]
    names = "tenant_id, tx_id, position, account_id, side, amount, asset"
    execute(
        url,
        *(booked.format(number, columns, first) for number in range(1_030)),
        f"INSERT INTO ledger_entries ({names}) VALUES {', '.join(rows)}",
    )

    with pytest.raises((StoreError, AmountOutOfRange)):
        store.look(lambda reader: reader.violations())
