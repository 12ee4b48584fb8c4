"""What the samples for type checkers show also runs; mypy checks them with the rest of the tests."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from invoicepay import AsyncInvoicePay, InvoicePay
from tests.house import typing_samples as samples


def test_the_plain_samples_run(capsys: pytest.CaptureFixture[str]) -> None:
    samples.quickstart()
    samples.recurring()
    samples.month_end_billing()

    assert samples.refused()["code"] == "insufficient_funds"
    assert samples.webhooks() == 400
    assert samples.audited() == 0
    assert "void" in samples.tried()
    assert samples.worker().moved == 0
    assert "A-0001 34.51 USD 2026-02-14" in capsys.readouterr().out


def test_a_code_is_drawn_to_a_file(tmp_path: Path) -> None:
    assert samples.dinner(tmp_path).startswith("<svg")
    assert (tmp_path / "dinner.png").read_bytes().startswith(b"\x89PNG")


def test_the_awaited_sample_runs_on_the_host_s_engine(tmp_path: Path) -> None:
    async def run() -> str:
        engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'pay.db'}")
        try:
            return await samples.awaited(engine)
        finally:
            await engine.dispose()

    assert asyncio.run(run()) == "A-0001"


def test_what_a_checker_refuses_is_refused_too() -> None:
    pay, later = InvoicePay(), AsyncInvoicePay()

    with pytest.raises((TypeError, ValueError)):
        next(samples.mistakes(pay, later))
