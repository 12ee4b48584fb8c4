"""Where Django keeps its data, for the client's own connections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import URL

from invoicepay.errors import ConfigurationError, MissingExtra

DJANGOS_OWN = frozenset({"assume_role", "isolation_level", "pool", "server_side_binding"})
"""Options of Django's on PostgreSQL that the driver knows nothing of."""


def database_url(using: str = "default") -> URL:
    """The database of an alias as a store for a client; while Django's tests run, the tests' own.

    Ask when the client is first used, not when a module is imported: Django names the tests' database only
    after it has imported the tests.

    Args:
        using: the alias in Django's `DATABASES`.

    Raises:
        MissingExtra: Django is not installed.
        ConfigurationError: the database is neither SQLite in a file nor PostgreSQL.

    Examples:
        ::

            @functools.cache
            def pay() -> InvoicePay:
                return InvoicePay(database_url(), dispatch="deferred")
    """
    try:
        from django.db import connections
    except ImportError as error:
        raise MissingExtra("django", needed_for="database_url()") from error
    own = connections[using]
    return url_of(own.vendor, own.settings_dict)


def url_of(vendor: str, settings: Mapping[str, Any]) -> URL:
    """The URL of a database that Django describes.

    Examples:
        >>> str(url_of("sqlite", {"NAME": "shop.db"}))
        'sqlite:///shop.db'
        >>> repr(url_of("postgresql", {"NAME": "shop", "USER": "web", "PASSWORD": "hush", "HOST": "db"}))
        'postgresql+psycopg://web:***@db/shop'
    """
    name = str(settings["NAME"])
    if vendor == "sqlite":
        return _file(name)
    if vendor != "postgresql":
        raise ConfigurationError(f"Django's database is {vendor}: only SQLite and PostgreSQL are supported")
    given = {key: settings.get(key) or None for key in ("USER", "PASSWORD", "HOST", "PORT")}
    options = settings.get("OPTIONS") or {}
    query = {key: str(value) for key, value in options.items() if key not in DJANGOS_OWN}
    host, is_socket = given["HOST"], str(given["HOST"] or "").startswith("/")
    return URL.create(
        "postgresql+psycopg",
        username=given["USER"],
        password=given["PASSWORD"],
        host=None if is_socket else host,
        port=int(given["PORT"]) if given["PORT"] else None,
        database=name,
        query=query | ({"host": str(host)} if is_socket else {}),
    )


def _file(name: str) -> URL:
    if name == ":memory:" or name.startswith("file:"):
        raise ConfigurationError(
            "Django keeps this SQLite database in memory, where a client cannot work beside it",
            hint='For tests name a file: DATABASES["default"]["TEST"] = {"NAME": BASE_DIR / "test.db"}.',
        )
    return URL.create("sqlite", database=name)
