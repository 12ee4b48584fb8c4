"""Statements on their way to the database: on PostgreSQL in one round trip, large sets through COPY.

SQLAlchemy owns the pool, the transaction and SQLite. Pipelines and COPY it does not know, so PostgreSQL's
driver is asked itself; whoever listens to the engine's statements hears of these, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, NamedTuple

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.util import await_only

Values = Sequence[Any]


class Ask(NamedTuple):
    """A statement with its values; several sets of values where it runs many times on SQLite."""

    statement: str
    values: Values
    is_many: bool = False


class Answer(NamedTuple):
    """The rows of a statement, or how many it touched."""

    rows: Sequence[Sequence[Any]]
    touched: int


def ask(connection: Connection, asks: Sequence[Ask], *, then_commit: bool = False) -> list[Answer]:
    """The answers to statements that do not depend on each other; they run one after the other.

    Args:
        then_commit: let PostgreSQL commit in the same round trip; SQLAlchemy's own commit finds it done.
    """
    if not asks and not then_commit:
        return []
    if connection.dialect.name != "postgresql":
        return [_through_sqlalchemy(connection, each) for each in asks]
    with _heard(connection, asks), _errors_wrapped(connection):
        driver: Any = connection.connection.driver_connection
        if connection.dialect.is_async:
            answers: list[Answer] = await_only(_asked_awaiting(driver, asks, then_commit))
            return answers
        return _asked(driver, asks, then_commit)


def copy(connection: Connection, statement: str, blocks: Iterable[str]) -> None:
    """Send blocks of rows to PostgreSQL."""
    with _heard(connection, [Ask(statement, ())]), _errors_wrapped(connection):
        driver: Any = connection.connection.driver_connection
        if connection.dialect.is_async:
            await_only(_copied_awaiting(driver, statement, blocks))
            return
        with driver.cursor() as cursor, cursor.copy(statement) as sink:
            for block in blocks:
                sink.write(block)


async def _copied_awaiting(driver: Any, statement: str, blocks: Iterable[str]) -> None:
    async with driver.cursor() as cursor, cursor.copy(statement) as sink:
        for block in blocks:
            await sink.write(block)


def _through_sqlalchemy(connection: Connection, ask: Ask) -> Answer:
    values = list(ask.values) if ask.is_many else tuple(ask.values)
    result = connection.exec_driver_sql(ask.statement, values)
    return Answer(result.all() if result.returns_rows else (), result.rowcount)


def _asked(driver: Any, asks: Sequence[Ask], then_commit: bool) -> list[Answer]:
    if len(asks) == 1 and not then_commit and _is_begun(driver):
        return [_answer(driver.execute(asks[0].statement, asks[0].values, prepare=True))]
    with driver.pipeline() as pipeline:
        _begin_with_the_first(driver, pipeline)
        cursors = [driver.execute(each.statement, each.values, prepare=True) for each in asks]
        if then_commit:  # the driver's own commit would wait for itself, and leaving the pipeline once more
            driver.execute("COMMIT", prepare=False)
    return [_answer(cursor) for cursor in cursors]


async def _asked_awaiting(driver: Any, asks: Sequence[Ask], then_commit: bool) -> list[Answer]:
    async with driver.pipeline() as pipeline:
        _begin_with_the_first(driver, pipeline)
        cursors = [await driver.execute(each.statement, each.values, prepare=True) for each in asks]
        if then_commit:
            await driver.execute("COMMIT", prepare=False)
    return [
        Answer(await cursor.fetchall() if _has_rows(cursor) else (), cursor.rowcount) for cursor in cursors
    ]


def _answer(cursor: Any) -> Answer:
    return Answer(cursor.fetchall() if _has_rows(cursor) else (), cursor.rowcount)


def _has_rows(cursor: Any) -> bool:
    """Whether the statement returns any; the cursor's own description would be made for each column."""
    return bool(cursor.pgresult.nfields)


def _is_begun(driver: Any) -> bool:
    """Whether a transaction is open; else BEGIN shares the round trip of a pipeline."""
    return bool(driver.pgconn.transaction_status)


def _begin_with_the_first(driver: Any, pipeline: Any) -> None:
    """Send BEGIN ahead of what follows in the pipeline.

    The driver would begin by itself before the first statement, and wait for that. Once something is under
    way it leaves that be; the pipeline then expects one answer more, which nobody looks at unless it is an
    error.
    """
    if driver.autocommit or _is_begun(driver):
        return
    driver.pgconn.send_query_params(_begin_statement(driver), None)
    pipeline.result_queue.append(None)


def _begin_statement(driver: Any) -> bytes:
    """The BEGIN that the driver would send: it is set up by SQLAlchemy, or by the host's engine."""
    parts = ["BEGIN"]
    if driver.isolation_level is not None:
        parts.append(f"ISOLATION LEVEL {driver.isolation_level.name.replace('_', ' ')}")
    if driver.read_only is not None:
        parts.append("READ ONLY" if driver.read_only else "READ WRITE")
    if driver.deferrable is not None:
        parts.append("DEFERRABLE" if driver.deferrable else "NOT DEFERRABLE")
    return " ".join(parts).encode()


@contextmanager
def _errors_wrapped(connection: Connection) -> Iterator[None]:
    """Errors as SQLAlchemy raises them; a connection that is lost or was left in the middle is given up."""
    import psycopg

    try:
        yield
    except psycopg.Error as raised:
        error = _cause(raised)
        is_lost = bool(_driver_of(connection).closed)
        if is_lost:
            connection.invalidate(error)
        raise DBAPIError.instance(
            None, None, error, psycopg.Error, hide_parameters=True, connection_invalidated=is_lost
        ) from error
    except Exception:
        raise
    except BaseException as error:  # Ctrl-C, or a task that was cancelled: an answer may be on its way
        connection.invalidate(error)
        raise


def _cause(error: Any) -> Any:
    """What went wrong in a pipeline, where the driver tells of a statement that was passed over for it."""
    import psycopg

    before = error.__context__
    return before if isinstance(error, psycopg.errors.PipelineAborted) and before else error


def _driver_of(connection: Connection) -> Any:
    return connection.connection.driver_connection


@contextmanager
def _heard(connection: Connection, asks: Sequence[Ask]) -> Iterator[None]:
    """Tell the listeners of the engine before and after, as they are told of SQLAlchemy's own statements."""
    before: Sequence[Callable[..., Any]] = tuple(connection.dispatch.before_cursor_execute)
    after: Sequence[Callable[..., Any]] = tuple(connection.dispatch.after_cursor_execute)
    if not before and not after:
        yield
        return
    told = [(connection, None, each.statement, each.values, SimpleNamespace(), False) for each in asks]
    for one in told:
        for listener in before:
            listener(*one)
    yield
    for one in told:
        for listener in after:
            listener(*one)
