"""`invoicepay doctor` says of each thing whether it is well, and what to do where it is not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from invoicepay import AsyncInvoicePay, InvoicePay
from invoicepay.adapters.simulated import SimulatedRails
from invoicepay.adapters.sql.migrate import LATEST
from invoicepay.adapters.system import SystemClock
from invoicepay.cli.doctor import skew
from invoicepay.cli.machine import needed_packages
from invoicepay.errors import ProviderUnknown
from invoicepay.ports.health import Check, Health
from invoicepay.testing.clock import FrozenClock
from tests.cli.books import Shell
from tests.support.sql import execute

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


def checks(answer: dict[str, Any]) -> dict[str, dict[str, str]]:
    return {check["name"]: check for check in answer["checks"]}


def statuses(answer: dict[str, Any], *names: str) -> list[str]:
    return [checks(answer)[name]["status"] for name in names]


class OwnRails:
    """A bank of the host's own that says it is down."""

    name = "acme"

    def __init__(self) -> None:
        self._inner = SimulatedRails(SystemClock())

    async def health(self) -> Health:
        return Health("acme", (Check("reachable", False, "503 since ten minutes"),))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def test_what_is_well_needs_nothing(shell: Shell) -> None:
    code, answer = shell.json("doctor", "--store", shell.url)

    assert code == 0
    assert {check["status"] for check in answer["checks"]} == {"ok"}
    assert {check["next_step"] for check in answer["checks"]} == {""}
    assert f"tables at version {LATEST}" in checks(answer)["store"]["detail"]


def test_without_a_store_the_machine_is_looked_at(shell: Shell) -> None:
    code, answer = shell.json("doctor")

    assert code == 0
    assert statuses(answer, "python", "sqlite", "libraries", "extras", "settings") == ["ok"] * 5
    assert statuses(answer, "store") == ["warn"]
    assert "--app module:name" in checks(answer)["store"]["next_step"]


def test_people_see_a_line_for_each_and_the_next_step_below(shell: Shell) -> None:
    code, out, err = shell.text("doctor")

    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert [line.split()[:2] for line in lines[:2]] == [["ok", "python"], ["ok", "sqlite"]]
    assert lines[-1] == "0 failed, 1 to look at soon."
    assert any(line.strip().startswith("→ ") for line in lines)


def test_a_misspelt_setting_is_found_and_its_text_is_not_told(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVOICEPAY_QR_SECRT", "hunter2hunter2")

    code, answer = shell.json("doctor")

    assert (code, statuses(answer, "settings")) == (1, ["fail"])
    assert "INVOICEPAY_QR_SECRT" in checks(answer)["settings"]["detail"]
    assert "hunter2" not in str(answer)


@pytest.mark.parametrize(
    ("url", "name", "step"),
    [
        ("sqlite:///nowhere.db", "store", "invoicepay migrate"),
        ("postgresql://shop@127.0.0.1:9/shop", "store", "database runs"),
        ("mysql://db/shop", "client", ""),
    ],
)
def test_a_store_that_is_away_fails_with_a_next_step(shell: Shell, url: str, name: str, step: str) -> None:
    code, answer = shell.json("doctor", "--store", url)

    assert (code, statuses(answer, name)) == (1, ["fail"])
    assert step in checks(answer)[name]["next_step"]
    assert checks(answer)["python"]["status"] == "ok"


@pytest.mark.parametrize(("version", "status"), [(LATEST + 1, "warn"), (LATEST - 1, "fail")])
def test_tables_of_another_release_are_told(shell: Shell, version: int, status: str) -> None:
    url = shell.url
    execute(f"sqlite:///{shell.folder / 'pay.db'}", "DELETE FROM schema_version")
    execute(f"sqlite:///{shell.folder / 'pay.db'}", f"INSERT INTO schema_version VALUES ({version}, 'x')")

    _, answer = shell.json("doctor", client=lambda: InvoicePay(url))

    assert statuses(answer, "store") == [status]
    assert "invoicepay" in checks(answer)["store"]["next_step"]


def test_a_provider_that_says_it_is_down_fails(shell: Shell) -> None:
    code, answer = shell.json("doctor", client=lambda: InvoicePay(rails=OwnRails()))

    assert (code, statuses(answer, "rails", "token")) == (1, ["fail", "ok"])
    assert checks(answer)["rails"]["detail"] == "acme: reachable: 503 since ten minutes"
    assert 'pay.effects.stop("acme", ...)' in checks(answer)["rails"]["next_step"]


@pytest.mark.parametrize(("age", "status"), [(1, "ok"), (6, "warn"), (61, "fail")])
@pytest.mark.parametrize("face", [InvoicePay, AsyncInvoicePay])
def test_provider_work_that_nobody_does_is_told_by_its_age(
    shell: Shell, face: type[InvoicePay] | type[AsyncInvoicePay], age: int, status: str
) -> None:
    clock = FrozenClock(NOW)
    with InvoicePay(shell.url, tenant="north", clock=clock, dispatch="deferred") as pay:
        pay.deposits.initiate("ann", "5.00 USD")
    clock.advance(minutes=age)

    _, answer = shell.json("doctor", client=lambda: face(shell.url, clock=clock))

    assert statuses(answer, "provider work", "received webhooks") == [status, "ok"]
    assert ("invoicepay worker" in checks(answer)["provider work"]["next_step"]) == (status != "ok")


def test_events_that_handlers_did_not_take_are_told_by_their_age(shell: Shell) -> None:
    clock = FrozenClock(NOW)
    pay = InvoicePay(clock=clock, dispatch="deferred")
    pay.on("*")(print)
    pay.parties.register("ann")
    clock.advance(minutes=10)

    _, answer = shell.json("doctor", client=lambda: pay)

    assert checks(answer)["events for handlers"]["detail"] == "the oldest has waited 10 minutes"


def test_a_stopped_provider_and_an_unknown_outcome_are_told(shell: Shell) -> None:
    clock = FrozenClock(NOW)
    rails = SilentRails(clock)
    pay = InvoicePay(clock=clock, rails=rails)
    pay.parties.register("ann")
    pay.deposits.initiate("ann", "5.00 USD")
    clock.advance(hours=5)
    pay.effects.stop("simulated-bank", reason="status page is red")

    code, answer = shell.json("doctor", client=lambda: pay)

    assert (code, statuses(answer, "alarms", "switches")) == (1, ["fail", "warn"])
    assert "eff_" in checks(answer)["alarms"]["detail"]
    assert checks(answer)["switches"]["detail"] == "stopped: simulated-bank"


class SilentRails(SimulatedRails):
    """A bank that never answers."""

    async def initiate_deposit(self, *_: Any, **__: Any) -> Any:
        raise ProviderUnknown

    async def find(self, *_: Any, **__: Any) -> Any:
        raise ProviderUnknown


@pytest.mark.parametrize(
    ("hours", "name", "step"), [(4, "dead letters", "replay"), (24, "webhook endpoints", "enable")]
)
def test_webhooks_that_were_sent_in_vain_are_told(shell: Shell, hours: int, name: str, step: str) -> None:
    clock = FrozenClock(NOW)
    pay = InvoicePay(clock=clock, dispatch="deferred", allow_local_webhooks=True)
    pay.webhook_endpoints.create(url="http://127.0.0.1:9/hooks", events=["party.*"])
    pay.parties.register("ann")
    for _ in range(40):
        pay.run_pending()
        clock.advance(hours=hours)

    code, answer = shell.json("doctor", client=lambda: pay)

    assert (code, statuses(answer, name)) == (0, ["warn"])
    assert step in checks(answer)[name]["next_step"]


def test_what_is_not_fit_for_production_is_told(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INVOICEPAY_ENVIRONMENT", "production")

    code, answer = shell.json("doctor", "--store", shell.url)

    assert (code, statuses(answer, "production", "store")) == (1, ["fail", "ok"])
    assert "not for production" in checks(answer)["production"]["detail"]


@pytest.mark.parametrize(("seconds", "status"), [(0.4, "ok"), (-2, "warn"), (45, "fail")])
def test_clocks_that_are_apart_are_told(seconds: float, status: str) -> None:
    found = skew(NOW + timedelta(seconds=seconds), NOW)

    assert found.status == status
    assert bool(found.next_step) == (status != "ok")


def test_the_clock_of_postgresql_is_compared(shell: Shell, postgres_url: str) -> None:
    shell.json("migrate", "--store", postgres_url)

    code, answer = shell.json("doctor", "--store", postgres_url)

    assert code == 0
    assert "the store" in checks(answer)["clock"]["detail"]


def test_the_packages_of_each_extra_are_known() -> None:
    needed = needed_packages()

    assert "sqlalchemy" in needed[""]
    assert needed["postgres"] == ["psycopg"]
    assert needed["png"] == ["pillow"]


def test_a_module_that_breaks_is_told_without_its_words(shell: Shell) -> None:
    Path("broken.py").write_text("def pay():\n    raise RuntimeError('hunter2hunter2')\n")

    code, answer = shell.json("doctor", "--app", "broken:pay")

    assert (code, checks(answer)["client"]["detail"]) == (1, "RuntimeError was raised on the way")
    assert "hunter2" not in str(answer)


def test_the_app_is_found_by_its_name(shell: Shell) -> None:
    Path("clinic.py").write_text(
        "from invoicepay import InvoicePay\n\n\ndef pay():\n    return InvoicePay()\n"
    )

    code, answer = shell.json("doctor", "--app", "clinic:pay")

    assert (code, checks(answer)["store"]["detail"]) == (0, "memory://")
