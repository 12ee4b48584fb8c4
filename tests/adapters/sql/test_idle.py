"""Connections out of the pool lead somewhere, also after the server has sent them away."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import event, text

from invoicepay.adapters.sql import idle
from invoicepay.adapters.sql.connect import open_async_engine
from tests.support.sql import engine_for, execute

SEND_AWAY = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


def test_whoever_was_sent_away_comes_back_without_being_told(postgres_url: str) -> None:
    with engine_for(postgres_url) as engine:
        with engine.connect() as connection:
            first = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        execute(postgres_url, SEND_AWAY)

        with engine.connect() as connection:
            second = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()

    assert first != second


def test_an_awaiting_connection_comes_back_as_well(postgres_url: str) -> None:
    async def twice() -> list[int]:
        engine = open_async_engine(postgres_url)
        found = []
        for _ in range(2):
            async with engine.connect() as connection:
                found.append((await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one())
            await asyncio.to_thread(execute, postgres_url, SEND_AWAY)
        await engine.dispose()
        return found

    first, second = asyncio.run(twice())
    assert first != second


@pytest.mark.parametrize("seconds", [0.0, 60.0])
def test_a_connection_is_used_again_while_it_leads_somewhere(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    monkeypatch.setattr(idle, "IDLE_SECONDS", seconds)
    made: list[object] = []
    with engine_for(postgres_url) as engine:
        event.listen(engine, "connect", lambda connection, _: made.append(connection))
        for _ in range(3):
            with engine.connect() as connection:
                connection.execute(text("SELECT 1"))

    assert len(made) == 1
