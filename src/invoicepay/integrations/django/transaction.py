"""Inside Django's transaction: its connection, its commit, its rollback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from invoicepay.errors import ConfigurationError, MissingExtra
from invoicepay.integrations.django.borrowing import borrowed_engine

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from invoicepay.blocking import InvoicePay


@contextmanager
def atomic(pay: InvoicePay, using: str = "default") -> Iterator[InvoicePay]:
    """Django's `transaction.atomic()`, with a client whose calls are parts of it.

    Leaving the block commits what Django wrote and what the client wrote, or neither. Inside another
    `atomic()` the block is a savepoint of that, as always in Django. Provider work waits for `run_pending`.

    Args:
        pay: a client whose tables are in Django's database.
        using: the database's alias in Django's settings.

    Raises:
        MissingExtra: Django is not installed.
        ConfigurationError: the client keeps its tables elsewhere, or Django's database is none we know.
        ConcurrentUpdate: somebody else was faster; run the whole block again.

    Examples:
        ::

            with atomic(pay) as tx:
                order.save()
                tx.invoices.issue(enterprise="acme", customer="ann", lines=[("Order", "49.00 USD")])
    """
    try:
        from django.db import transaction
    except ImportError as error:
        raise MissingExtra("django", needed_for="atomic()") from error
    with (
        transaction.atomic(using=using),
        sqlalchemy_connection(using) as connection,
        pay.bind(connection) as bound,
    ):
        yield bound


@contextmanager
def sqlalchemy_connection(using: str = "default") -> Iterator[Connection]:
    """Django's connection as one of SQLAlchemy's, for as long as Django's transaction is open.

    For migrations in a `RunPython`, and for whatever else takes a connection of SQLAlchemy's. Its commit,
    rollback and close do nothing: they are Django's.

    Raises:
        ConfigurationError: no `transaction.atomic()` is open, or Django's database is none we know.

    Examples:
        ::

            def forwards(apps, schema_editor):
                with sqlalchemy_connection(schema_editor.connection.alias) as connection:
                    migrations.upgrade(connection, to=3)
    """
    from django.db import connections

    own = connections[using]
    if not own.in_atomic_block:
        raise ConfigurationError(
            "no transaction of Django's is open: each statement would be committed by itself",
            hint="Enter django.db.transaction.atomic() first, or use atomic(pay), which does.",
        )
    with borrowed_engine(own.vendor, own.Database.__name__, using).connect() as connection:
        yield connection
