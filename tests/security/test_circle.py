"""A canary in every secret that Circle is given: none is seen again, whatever goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from invoicepay import Programme
from invoicepay.adapters.circle import CircleScreening
from invoicepay.adapters.http import Limits
from invoicepay.adapters.simulated import SimulatedRails
from invoicepay.domain.money import Money
from invoicepay.domain.policies import Asset, Custody, Settlement
from invoicepay.ports.screening import Subject
from invoicepay.testing.simulators.faults import Faults
from tests.adapters.circle.stage import ASSET, HOOKS, SimulatedClock, Stage, staged
from tests.security.canaries import Trap, bytes_canary
from tests.security.drive import Drive, driving

PROGRAMME = Programme(assets={ASSET: Asset(ASSET, custody=Custody.CUSTODIED, settlement=Settlement.ONCHAIN)})
CODES = bytes_canary("codes")
LIMITS = Limits(tries=1, failures=1_000, total_seconds=5)

TROUBLE: tuple[Callable[[Faults, str], object], ...] = (
    lambda faults, on: None,
    lambda faults, on: faults.drop_request(on=on),
    lambda faults, on: faults.drop_answer(on=on),
    lambda faults, on: faults.fail_after(500, on=on),
    lambda faults, on: faults.fail_before(503, on=on),
    lambda faults, on: faults.too_many(retry_after=0, on=on),
    lambda faults, on: faults.fail_before(401, on=on),
    lambda faults, on: faults.fail_before(302, on=on),
    lambda faults, on: faults.change(lambda body: body[:-2], on=on),
    lambda faults, on: faults.change(lambda body: body.replace(b"a", b"b"), on=on),
    lambda faults, on: faults.change(lambda _: b'{"data": null}', on=on),
)
WHERE = ("POST /v1/w3s/developer/transactions", "GET /v1/w3s")


@pytest.fixture
def trap() -> Trap:
    made = Trap()
    made.plant("key of payment codes", CODES)
    return made


@pytest.fixture
def stage(trap: Trap) -> Iterator[Stage]:
    with staged() as made:
        key = made.config.api_key.get_secret_value()
        trap.plant("api key", key)
        trap.plant("secret part of the api key", key.rpartition(":")[2])
        trap.plant("entity secret", made.config.entity_secret.get_secret_value())
        trap.plant("entity secret as bytes", bytes.fromhex(made.config.entity_secret.get_secret_value()))
        yield made


def test_nothing_that_circle_is_given_is_seen_again(stage: Stage, trap: Trap, tmp_path: Path) -> None:
    clock = SimulatedClock(stage.circle)
    rails, tokens = SimulatedRails(clock), _patient(stage)
    screening = CircleScreening(stage.config, clock=clock, limits=LIMITS)
    stage.circle.subscribe(2, HOOKS)
    parts: dict[str, Any] = {"rails": rails, "token": tokens, "clock": clock, "programme": PROGRAMME}
    with driving(trap, tmp_path, qr_secret=CODES, **parts) as drive:
        drive.attempt("register", lambda: drive.pay.parties.register("acme", kind="enterprise"))
        drive.attempt("register", lambda: drive.pay.parties.register("ann"))
        for place, ordered in enumerate((*TROUBLE, *TROUBLE[1:6])):
            ordered(stage.faults, WHERE[place % len(WHERE)])
            _once(stage, drive, tokens, screening)
            stage.faults.clear()
        stage.circle.finish()
        drive.deliver("tokens", [(one.headers, one.body) for one in stage.circle.deliveries()[:3]])
        for thing in (tokens, screening, stage.config):
            trap.see("an adapter", thing)
        drive.end()
    stage.run(tokens.aclose())
    stage.run(screening.aclose())

    assert trap.found() == []
    assert drive.scenarios > 150
    assert drive.failures > 25


def _patient(stage: Stage) -> Any:
    """The stage's adapter, which never leaves the provider alone."""
    return type(stage.tokens)(stage.config, clock=SimulatedClock(stage.circle), limits=LIMITS)


def _once(stage: Stage, drive: Drive, tokens: Any, screening: CircleScreening) -> None:
    """One call of each kind, and what the core makes of it."""
    pay, n = drive.pay, drive.scenarios
    subject = Subject(
        action="transfer", party_id="ann", counterparty_id="0x" + "a" * 40, amount=Money("1.00", ASSET)
    )
    for where, call in {
        "mint": lambda: tokens.mint(stage.order("mint", reference=f"eff_{n}"), idempotency_key=f"m{n}"),
        "transfer": lambda: tokens.transfer(
            stage.order("transfer", "0.01", reference=f"eff_t{n}"), idempotency_key=f"t{n}"
        ),
        "find": lambda: tokens.find(f"eff_{n}"),
        "supply": lambda: tokens.supply(ASSET),
        "balance": lambda: tokens.balance("ann", ASSET),
        "screen": lambda: screening.screen(subject),
        "health": lambda: tokens.health(),
    }.items():
        drive.attempt(where, lambda call=call: stage.run(call()))  # type: ignore[misc]
    drive.attempt("deposit", lambda: pay.deposits.initiate("ann", f"5.00 {ASSET}"))
    drive.run()
    stage.circle.advance(60)
