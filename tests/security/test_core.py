"""The library's own secrets: keys of payment codes, a database's password, a simulated bank's key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from invoicepay import InvoicePay, Settings
from invoicepay.adapters.simulated import SimulatedRails, SimulatedTokens
from invoicepay.adapters.simulated.bank import BankCommand
from invoicepay.adapters.system import SystemClock
from invoicepay.errors import InvoicePayError
from tests.security.canaries import Trap, bytes_canary, text_canary
from tests.security.drive import driving

CODES, OLD_CODES = bytes_canary("codes"), bytes_canary("old codes")
PASSWORD, BANK = text_canary("database password"), text_canary("bank")


@pytest.fixture
def trap() -> Trap:
    made = Trap()
    secrets: dict[str, str | bytes] = {
        "codes": CODES,
        "old codes": OLD_CODES,
        "password": PASSWORD,
        "bank": BANK,
    }
    for name, value in secrets.items():
        made.plant(name, value)
    return made


def test_keys_of_codes_and_webhooks_are_not_seen_again(trap: Trap, tmp_path: Path) -> None:
    clock = SystemClock()
    rails = SimulatedRails(clock, webhook_key=BANK.encode())
    parts: dict[str, Any] = {"rails": rails, "token": SimulatedTokens(clock), "clock": clock}
    with driving(trap, tmp_path, qr_secret=CODES, qr_old_secrets=(OLD_CODES,), **parts) as drive:
        pay = drive.pay
        drive.attempt("register", lambda: pay.parties.register("acme", kind="enterprise"))
        drive.attempt("register", lambda: pay.parties.register("ann"))
        deposit = drive.attempt("deposit", lambda: pay.deposits.initiate("ann", "50.00 USD"))
        (effect,) = pay.effects.list(cause=deposit.id)
        rails.move(effect.id, BankCommand.SETTLE)
        drive.deliver("rails", [(one.headers, one.body) for one in rails.drain()])
        drive.run()
        lines = [("Seat", "9.00 USD")]
        invoice = drive.attempt(
            "issue", lambda: pay.invoices.issue(enterprise="acme", customer="ann", lines=lines)
        )
        code = drive.attempt("code", lambda: pay.invoices.qr(invoice))
        for spoiled in (code.payload[:-2], code.payload[::-1], code.payload.replace("v1", "v2"), "v1.x.y.z"):
            drive.attempt("scan", lambda spoiled=spoiled: pay.requests.scan(spoiled))  # type: ignore[misc]
        drive.attempt("pay", lambda: pay.invoices.pay(invoice, payer="ann"))
        drive.end()

    assert trap.found() == []
    assert drive.failures > 10


@pytest.mark.parametrize("port", ["1", "9"])
def test_the_password_of_a_database_is_not_told_when_it_cannot_be_reached(trap: Trap, port: str) -> None:
    url = f"postgresql+psycopg://shop:{PASSWORD}@127.0.0.1:{port}/shop?connect_timeout=1"
    with trap.listening():
        settings = Settings(store=url)
        with InvoicePay.from_settings(settings) as pay:
            trap.see("a client", pay)
            with pytest.raises(InvoicePayError) as caught:
                pay.parties.register("ann")
            trap.see_error("an error", caught.value)
            trap.see("health", pay.health())

    assert trap.found() == []


def test_settings_hide_what_they_hold(trap: Trap) -> None:
    settings = Settings(qr_secret=CODES, qr_old_secrets=(OLD_CODES,))

    trap.see("settings", settings)

    assert trap.found() == []
