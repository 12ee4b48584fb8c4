"""Sharing transactions is one setting: left alone it is on in databases and off in memory."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine

from invoicepay import AsyncInvoicePay, InvoicePay, Settings
from invoicepay.adapters.group_commit.tasks import TaskGroupCommit
from invoicepay.adapters.group_commit.threads import ThreadGroupCommit
from invoicepay.adapters.memory import MemoryRepository
from invoicepay.adapters.system import SystemIds
from invoicepay.errors import ConfigurationError


def kind(pay: InvoicePay | AsyncInvoicePay) -> type:
    """What lets the calls of this client share transactions."""
    inner = pay._pay if isinstance(pay, InvoicePay) else pay
    return type(inner._core.wired.group_commit)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'pay.db'}"


@pytest.mark.parametrize(
    ("face", "shared"), [(InvoicePay, ThreadGroupCommit), (AsyncInvoicePay, TaskGroupCommit)]
)
def test_left_alone_it_is_on_in_a_database_and_off_in_memory(face: Any, shared: type, url: str) -> None:
    assert kind(face(url)) is shared
    assert kind(face("memory://")) is type(None)
    assert kind(face(repository=MemoryRepository(SystemIds().new))) is type(None)


def test_an_engine_of_the_host_s_counts_as_a_database(url: str) -> None:
    engine = create_engine(url)

    assert kind(InvoicePay(engine)) is ThreadGroupCommit
    engine.dispose()


@pytest.mark.parametrize(("spelt", "shared"), [("on", ThreadGroupCommit), ("off", type(None))])
@pytest.mark.parametrize(
    "made",
    [
        lambda store, spelt: InvoicePay(store, group_commit=spelt),
        lambda store, spelt: InvoicePay.from_settings(Settings(store=store, group_commit=spelt)),
        lambda store, spelt: InvoicePay.from_env(
            {"INVOICEPAY_STORE": store, "INVOICEPAY_GROUP_COMMIT": spelt}
        ),
    ],
    ids=["constructor", "settings", "environment"],
)
def test_the_setting_decides_everywhere(
    made: Callable[[str, str], InvoicePay], spelt: str, shared: type, url: str
) -> None:
    assert kind(made(url, spelt)) is shared
    assert kind(made("memory://", spelt)) is shared


@pytest.mark.parametrize("wrong", ["yes", "", True, None])
def test_another_spelling_is_refused(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="group_commit is one of auto, on, off"):
        Settings(group_commit=wrong)


def test_copies_share_transactions_with_each_other_and_tenants_do_not(url: str) -> None:
    with InvoicePay(url) as pay:
        copies = [pay, pay.acting_as("ann"), pay.tenant("shop")]

        cores = [copy._pay._core for copy in copies]
        assert len({id(core.wired.group_commit) for core in cores}) == 1
        assert [core.wired.tenant_id for core in cores] == ["default", "default", "shop"]


def test_in_memory_it_works_where_somebody_asks_for_it() -> None:
    with InvoicePay(group_commit="on") as pay:
        pay.sim.settle(pay.deposits.initiate("ann", "20.00 USD"))
        invoice = pay.invoices.issue(enterprise="acme", customer="ann", lines=[("Seat", "9.00 USD")])

        assert pay.invoices.pay(invoice, payer="ann").amount == invoice.total


def test_a_blocking_client_loads_no_event_loop_for_it() -> None:
    script = (
        "import sys; from invoicepay import InvoicePay\n"
        "InvoicePay(group_commit='on').parties.register('ann')\n"
        "sys.exit('asyncio' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
