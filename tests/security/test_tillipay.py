"""A canary in every secret and number that TilliPay is given: none is seen again, whatever goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from invoicepay.adapters.http import Limits
from invoicepay.adapters.simulated import SimulatedTokens
from invoicepay.adapters.tillipay import BankDetails, CardDetails, TilliPay
from invoicepay.bridge import run_blocking
from invoicepay.ports.rails import RailStatus
from invoicepay.testing.clock import FrozenClock
from invoicepay.testing.simulators.faults import Faults
from invoicepay.testing.simulators.tillipay import TilliPaySimulator
from tests.security.canaries import Trap, bytes_canary, digits_canary, routing_canary, text_canary
from tests.security.drive import Drive, driving

PAN, ACCOUNT, ROUTING = digits_canary("card", 16), digits_canary("bank account"), routing_canary("bank")
FINGERPRINT, WEBHOOKS, CODES = text_canary("fingerprint"), text_canary("webhooks"), bytes_canary("codes")
CARD = CardDetails(number=SecretStr(PAN), expiry_month="07", expiry_year="31", cvv=SecretStr("7394"[:3]))
BANK = BankDetails(routing_number=SecretStr(ROUTING), account_number=SecretStr(ACCOUNT))
ECHO = f'{{"statusCode": "422", "statusDesc": "no {PAN} {ACCOUNT} {ROUTING}", "x": "{PAN}"}}'.encode()

TROUBLE: dict[str, Callable[[Faults, str], object]] = {
    "nothing": lambda faults, on: None,
    "lost before": lambda faults, on: faults.drop_request(on=on),
    "lost after": lambda faults, on: faults.drop_answer(on=on),
    "500": lambda faults, on: faults.fail_after(500, on=on),
    "503": lambda faults, on: faults.fail_before(503, retry_after=0, on=on),
    "429": lambda faults, on: faults.too_many(retry_after=0, on=on),
    "401": lambda faults, on: faults.fail_before(401, times=2, on=on),
    "403": lambda faults, on: faults.fail_before(403, on=on),
    "302": lambda faults, on: faults.fail_before(302, on=on),
    "repeats what it got": lambda faults, on: faults.change(lambda _: ECHO, on=on),
    "repeats it in bad JSON": lambda faults, on: faults.change(lambda _: ECHO[:-3], on=on),
    "no JSON": lambda faults, on: faults.change(lambda _: b"<html>" + ECHO, on=on),
    "answers its request": lambda faults, on: faults.change(lambda body: body + ECHO, on=on),
    "empty": lambda faults, on: faults.change(lambda _: b"", on=on),
}


@dataclass
class Scene:
    drive: Drive
    gateway: TilliPaySimulator
    rails: TilliPay
    clock: FrozenClock

    def deposit(self, rail: str, account_token: str) -> None:
        initiate = self.drive.pay.deposits.initiate
        self.drive.attempt(
            "deposit", lambda: initiate("ann", "20.00 USD", rail=rail, account_token=account_token)
        )

    def do(self, where: str, call: Any) -> Any:
        return self.drive.attempt(where, lambda: run_blocking(call))


@pytest.fixture
def scene(tmp_path: Path, trap: Trap) -> Iterator[Scene]:
    clock = FrozenClock()
    with TilliPaySimulator(clock=clock, webhook_secret=WEBHOOKS) as gateway:
        for channel, known in gateway.credentials.items():
            trap.plant(f"api key of {channel}", known.api_key.get_secret_value())
            trap.plant(f"secret key of {channel}", known.secret_key.get_secret_value())
        rails = TilliPay(
            gateway.profile,
            gateway.credentials,
            environment="simulator",
            base_url=gateway.url,
            clock=clock,
            webhook_secrets=gateway.webhook_secrets,
            fingerprint_key=SecretStr(FINGERPRINT),
            limits=Limits(tries=1, failures=1_000, total_seconds=5),
        )
        with driving(
            trap, tmp_path, rails=rails, token=SimulatedTokens(clock), clock=clock, qr_secret=CODES
        ) as drive:
            yield Scene(drive, gateway, rails, clock)
        rails.close()


@pytest.fixture
def trap() -> Trap:
    made = Trap()
    secrets: dict[str, str | bytes] = {
        "card number": PAN,
        "account number": ACCOUNT,
        "routing number": ROUTING,
        "fingerprint key": FINGERPRINT,
        "webhook secret": WEBHOOKS,
        "key of payment codes": CODES,
    }
    for name, value in secrets.items():
        made.plant(name, value)
    return made


def test_nothing_that_the_gateway_is_given_is_seen_again(scene: Scene, trap: Trap) -> None:
    drive, gateway = scene.drive, scene.gateway
    for ordered in TROUBLE.values():
        for account, rail in ((CARD, "card"), (BANK, "bank_debit")):
            for on in ("token/save", "POST /gps", "login", ""):
                ordered(gateway.faults, on)
                scene.do("tokenise", scene.rails.tokenise(account, party_id="ann"))
                gateway.faults.clear()
            token = scene.do("tokenise", scene.rails.tokenise(account, party_id="ann"))
            ordered(gateway.faults, "POST /gps")
            scene.deposit(rail, token.token)
            gateway.faults.clear()
            gateway.end_sessions()
            scene.clock.advance(days=1)
            drive.run()
            scene.do("health", scene.rails.health())
    for payment in gateway.payments()[:4]:
        gateway.move(payment.reference, RailStatus.RETURNED, return_code="R02")
    drive.deliver("rails", gateway.webhooks()[:6])
    _buy(scene)
    for secret in gateway_tokens(gateway):
        trap.plant(f"session {secret[:4]}", secret)
    trap.see("an adapter", scene.rails)
    drive.end()

    assert trap.found() == []
    assert drive.scenarios > 200
    assert drive.failures > 100


def gateway_tokens(gateway: TilliPaySimulator) -> list[str]:
    """The session tokens that the gateway has given."""
    return [str(token) for token in gateway._calls.sessions]


def _buy(scene: Scene) -> None:
    pay = scene.drive.pay
    scene.drive.attempt("register", lambda: pay.parties.register("acme", kind="enterprise"))
    issue = pay.invoices.issue
    invoice = scene.drive.attempt(
        "issue", lambda: issue(enterprise="acme", customer="ann", lines=[("Seat", "9.00 USD")])
    )
    scene.drive.attempt("pay", lambda: pay.invoices.pay(invoice, payer="ann"))
