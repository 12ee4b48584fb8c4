"""What a database says, in our words: one table for each backend, and the next step in every message."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy.exc import DBAPIError, SQLAlchemyError, StatementError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from invoicepay.errors import (
    AmountOutOfRange,
    ConcurrentUpdate,
    DuplicateProviderReference,
    InvalidText,
    InvariantViolated,
    InvoicePayError,
    OutcomeUnknown,
    StoreBehind,
    StoreBusy,
    StoreError,
    StoreFull,
    StoreReadOnly,
    StoreUnreachable,
)

Said = Callable[[], InvoicePayError]

BEHIND = "the store's tables are missing or older than this version: call invoicepay.migrate(url) once"
_LOST = "the connection to the store was lost before the commit; nothing was recorded, call again"
_NO_ANSWER = "no database answers: check that it runs, that the URL names it and that the login is right"
_NO_LOGIN = "the database refused the login: check user and password in the URL"
_NO_DATABASE = "the server answers, but has no such database or role: check the names in the URL"
_NO_FILE = "the file cannot be opened: check that its folder exists and that you may write there"
_BUSY = "the store was busy with other writers for too long; call again with the same key"
_POOL = "every connection of the pool is in use: give the engine a larger pool, or call from fewer threads"
_READ_ONLY = "the store takes no writes: connect to the primary, or let the role or the user write there"
_NO_RIGHT = "the role may not use the tables: grant it SELECT, INSERT, UPDATE and DELETE there"
_FILE_READ_ONLY = "the file takes no writes: let this user write the file and its folder"
_FILE_HINT = "Give this user the right to write there, or name a file in another folder."
_DISK = "the disk did not read or write: check that it is healthy and has space left"
_FULL = "the store has no space left; nothing was recorded, free space and call again"
_DAMAGED = "the file is damaged or no database: keep it as it is and restore a backup elsewhere"
_TEXT = "a text holds characters that the store cannot keep; nothing was recorded"
_RANGE = "a number is larger than the store can hold; nothing was recorded"

_POSTGRES: tuple[tuple[tuple[str, ...], Said], ...] = (
    (("40001", "40P01", "55P03"), ConcurrentUpdate),
    (("57014", "53300", "25P03"), lambda: StoreBusy(_BUSY)),
    (("42P01", "42703", "3F000"), lambda: StoreBehind(BEHIND)),
    (("25006",), lambda: StoreReadOnly(_READ_ONLY)),
    (("42501",), lambda: StoreReadOnly(_NO_RIGHT)),
    (("53100", "53200"), lambda: StoreFull(_FULL)),
    (("22003",), lambda: AmountOutOfRange(_RANGE)),
    (("3D000", "28", "57P03"), lambda: StoreUnreachable(_NO_ANSWER)),
    (("08", "57P01", "57P02"), lambda: StoreUnreachable(_LOST)),
)
"""SQLSTATEs, or their classes, and what they mean here."""

_SQLITE: dict[int, Said] = {
    sqlite3.SQLITE_BUSY: lambda: StoreBusy(_BUSY),
    sqlite3.SQLITE_LOCKED: lambda: StoreBusy(_BUSY),
    sqlite3.SQLITE_READONLY: lambda: StoreReadOnly(_FILE_READ_ONLY, hint=_FILE_HINT),
    sqlite3.SQLITE_FULL: lambda: StoreFull(_FULL),
    sqlite3.SQLITE_CANTOPEN: lambda: StoreUnreachable(_NO_FILE),
    sqlite3.SQLITE_PERM: lambda: StoreUnreachable(_NO_FILE),
    sqlite3.SQLITE_IOERR: lambda: StoreError(_DISK),
    sqlite3.SQLITE_CORRUPT: lambda: StoreError(_DAMAGED),
    sqlite3.SQLITE_NOTADB: lambda: StoreError(_DAMAGED),
}
"""Primary result codes and what they mean here."""


@contextmanager
def our_errors() -> Iterator[None]:
    """Raise what a step of SQL raises as one of our errors."""
    try:
        yield
    except SQLAlchemyError as error:
        ours = translated(error)
        if isinstance(ours, StoreUnreachable):
            _forget_frames(error)
        raise ours from error
    except OverflowError as error:  # sqlite3 refuses numbers beyond 64 bits before the database sees them
        raise AmountOutOfRange(_RANGE) from error
    except UnicodeEncodeError as error:  # both drivers refuse half of a surrogate pair
        raise InvalidText(_TEXT) from error


def _forget_frames(error: BaseException) -> None:
    """Keep what was said on the way to a database, and nothing that holds its password (S-16).

    The frames have it in their variables, and psycopg hangs the parameters of the connection on its error.
    """
    at: BaseException | None = error
    while at is not None:
        at.__traceback__ = None
        if "_pgconn" in vars(at):
            vars(at)["_pgconn"] = None
        at = at.__cause__ or at.__context__


@contextmanager
def our_commit_errors(keys: Sequence[str]) -> Iterator[None]:
    """The same for a commit, where a lost answer means that the outcome is unknown.

    Args:
        keys: idempotency keys of the commands that the commit would make durable.
    """
    try:
        yield
    except SQLAlchemyError as error:
        ours = translated(error)
        if isinstance(ours, StoreUnreachable) or type(ours) is StoreError:
            raise OutcomeUnknown(retry_same_key=", ".join(keys)) from error
        raise ours from error


def translated(error: SQLAlchemyError) -> InvoicePayError:
    """Our error for the database's; its text holds no statement, no value and no password.

    Neither does the text of the database's own, which a logged traceback shows below ours (S-17).
    """
    if isinstance(error, StatementError):
        error.hide_parameters = True  # a host's engine may show them
    if isinstance(error, PoolExhausted):
        return StoreBusy(_POOL)
    if not isinstance(error, DBAPIError):
        return StoreError(f"SQLAlchemy refused: {type(error).__name__}")
    if isinstance(error.orig, sqlite3.Error):
        return _from_sqlite(error.orig)
    return _from_postgres(error.orig)


def _from_sqlite(error: sqlite3.Error) -> InvoicePayError:
    code = getattr(error, "sqlite_errorcode", None) or sqlite3.SQLITE_ERROR
    said = str(error)
    if code & 0xFF == sqlite3.SQLITE_CONSTRAINT:
        return _from_sqlite_constraint(code, said)
    if said.startswith(("no such table", "no such column")) or "has no column" in said:
        return StoreBehind(BEHIND)
    ours = _SQLITE.get(code & 0xFF)
    return ours() if ours else StoreError(f"SQLite refused with code {code}")


def _from_sqlite_constraint(code: int, said: str) -> InvoicePayError:
    if code in (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY):
        return _from_repetition(said)
    if said.startswith("cannot store REAL"):
        return AmountOutOfRange(_RANGE)
    return _from_broken_rule(said)


def _from_postgres(error: Any) -> InvoicePayError:
    state = getattr(error, "sqlstate", None)
    if state is None:
        return _from_driver(error)
    rule = error.diag.constraint_name or error.diag.message_primary or state
    if state == "23505":
        return _from_repetition(rule)
    if state.startswith("23"):
        return _from_broken_rule(rule)
    for states, ours in _POSTGRES:
        if state.startswith(states):
            return ours()
    return StoreError(f"the database refused with SQLSTATE {state}")


def _from_driver(error: Any) -> InvoicePayError:
    """What psycopg says itself: it could not connect, or a text holds a NUL; else we asked it wrongly."""
    names = {kind.__name__ for kind in type(error).__mro__}
    if "OperationalError" in names:
        return StoreUnreachable(_unconnected(str(error)))
    return (
        InvalidText(_TEXT) if "DataError" in names else StoreError(f"psycopg refused: {type(error).__name__}")
    )


def _unconnected(said: str) -> str:
    """Why there is no connection, as far as a server that speaks English tells."""
    if "authentication failed" in said or "no password supplied" in said:
        return _NO_LOGIN
    return _NO_DATABASE if "does not exist" in said and "FATAL" in said else _NO_ANSWER


def _from_repetition(rule: str) -> InvoicePayError:
    """A provider's reference came twice; anything else that came twice was a race we lost."""
    if "provider_ref" in rule:
        return DuplicateProviderReference()
    return ConcurrentUpdate()


def _from_broken_rule(rule: str) -> InvoicePayError:
    return InvariantViolated(f"the store refused a row: {rule}; nothing was recorded")
