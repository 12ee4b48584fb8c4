"""A client of Django's goes where Django's settings say."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url, text

from invoicepay.errors import ConfigurationError, MissingExtra
from invoicepay.integrations.django import database_url
from invoicepay.integrations.django.places import url_of


@pytest.mark.parametrize(
    ("vendor", "settings", "url"),
    [
        ("sqlite", {"NAME": Path("/srv/shop.db")}, "sqlite:////srv/shop.db"),
        ("postgresql", {"NAME": "shop", "USER": "", "HOST": "", "PORT": ""}, "postgresql+psycopg:///shop"),
        (
            "postgresql",
            {"NAME": "shop", "USER": "web", "PASSWORD": "a/b@c", "HOST": "db", "PORT": "5433"},
            "postgresql+psycopg://web:a%2Fb%40c@db:5433/shop",
        ),
        (
            "postgresql",
            {"NAME": "shop", "OPTIONS": {"sslmode": "verify-full", "pool": True, "isolation_level": 3}},
            "postgresql+psycopg:///shop?sslmode=verify-full",
        ),
        (
            "postgresql",
            {"NAME": "shop", "USER": "web", "HOST": "/run/postgresql"},
            "postgresql+psycopg://web@/shop?host=%2Frun%2Fpostgresql",
        ),
    ],
)
def test_a_database_of_djangos_has_a_url(vendor: str, settings: dict[str, Any], url: str) -> None:
    assert url_of(vendor, settings).render_as_string(hide_password=False) == url


def test_another_database_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="mysql"):
        url_of("mysql", {"NAME": "shop"})


def test_without_django_the_error_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "django.db", None)

    with pytest.raises(MissingExtra, match=r'pip install "invoicepay\[django\]"'):
        database_url()


@pytest.mark.parametrize("name", [":memory:", "file:memorydb_default?mode=memory&cache=shared"])
def test_a_database_in_memory_is_refused_with_what_to_write_for_tests(name: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        url_of("sqlite", {"NAME": name})

    assert '["TEST"]' in refused.value.hint


def test_the_url_of_a_socket_leads_to_the_database(postgres_url: str) -> None:
    there = make_url(postgres_url)
    settings = {"NAME": there.database, "USER": there.username, "HOST": there.query["host"]}

    engine = create_engine(url_of("postgresql", settings))
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT current_database()")) == there.database
    engine.dispose()
