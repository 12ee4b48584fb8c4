"""Options that contradict each other are refused before anything is opened; the refusal says what to do."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import create_async_engine

from invoicepay import AsyncInvoicePay, InvoicePay, Programme, migrate
from invoicepay.adapters.memory import MemoryRepository
from invoicepay.adapters.simulated import SimulatedRails
from invoicepay.adapters.system import SystemClock, SystemIds
from invoicepay.errors import ConfigurationError, InvoicePayError, MissingExtra
from invoicepay.testing.clock import FrozenClock

REPOSITORY = MemoryRepository(SystemIds().new)
CONTRADICTIONS: list[tuple[dict[str, Any], str]] = [
    ({"store": Path("pay.db")}, "write sqlite:///pay.db"),
    ({"store": "pay.db"}, "write sqlite:///pay.db"),
    ({"store": ""}, "write sqlite:///pay.db"),
    ({"store": "memory"}, "is written memory://"),
    ({"store": "sqlite://"}, "use memory:// to keep nothing"),
    ({"store": "mysql://localhost/pay"}, "mysql is not supported: use sqlite:///file or postgresql://"),
    ({"store": 5}, "a URL or an engine, not int"),
    ({"store": "sqlite:///pay.db", "schema": "pay"}, "use table_prefix"),
    ({"schema": "pay"}, "memory:// has no tables"),
    ({"table_prefix": "pay_"}, "memory:// has no tables"),
    ({"store": "sqlite:///pay.db", "repository": REPOSITORY}, "repository brings its own store"),
    ({"repository": REPOSITORY, "table_prefix": "pay_"}, "repository brings its own store"),
    ({"rails": 7}, "int lacks name, capabilities, initiate_deposit"),
    ({"rails": SimulatedRails}, "the class SimulatedRails: pass an instance"),
    ({"token": 5}, "token is no TokenProvider: int lacks"),
    ({"clock": lambda: None}, "clock is no Clock: function lacks now"),
    ({"clock": FrozenClock}, "the class FrozenClock: pass an instance"),
    ({"screening": object()}, "lacks screen"),
    ({"programme": {"deposit_fee_micros": 5}}, "a Programme, not dict"),
    ({"dispatch": "sometimes"}, "inline, deferred"),
    ({"tenant": ""}, "the tenant has 1 to 128 characters"),
    ({"qr_secret": "k" * 32}, "at least 32 bytes, as bytes"),
    ({"qr_secret": b"short"}, "at least 32 bytes"),
    ({"qr_old_secrets": b"k" * 32}, "a tuple of secrets"),
    ({"qr_secret": b"k" * 32, "qr_old_secrets": (b"short",)}, "at least 32 bytes"),
]


@pytest.mark.parametrize("face", [InvoicePay, AsyncInvoicePay])
@pytest.mark.parametrize(("options", "says"), CONTRADICTIONS, ids=[case[1][:40] for case in CONTRADICTIONS])
def test_a_contradiction_is_refused_by_both_faces(
    face: Callable[..., object], options: dict[str, Any], says: str
) -> None:
    with pytest.raises(InvoicePayError) as caught:
        face(**options)

    assert says in caught.value.message
    assert caught.value.hint


def test_an_engine_goes_with_the_face_that_can_use_it(tmp_path: Path) -> None:
    url = tmp_path / "pay.db"
    plain, awaited = create_engine(f"sqlite:///{url}"), create_async_engine(f"sqlite+aiosqlite:///{url}")

    with pytest.raises(ConfigurationError, match="or use AsyncInvoicePay"):
        InvoicePay(awaited)
    with pytest.raises(ConfigurationError, match="or use InvoicePay"):
        AsyncInvoicePay(plain)
    with InvoicePay(plain) as pay:
        assert pay.parties.register("ann").id == "ann"
    plain.dispose()


def test_options_that_agree_are_taken(tmp_path: Path) -> None:
    with InvoicePay(
        f"sqlite:///{tmp_path / 'pay.db'}",
        table_prefix="pay_",
        rails=SimulatedRails(SystemClock()),
        programme=Programme(unknown_parties="register"),
    ) as pay:
        assert pay.sim.settle(pay.deposits.initiate("ann", "1.00 USD")).status == "completed"


@pytest.mark.parametrize(
    ("missing", "use", "extra"),
    [
        ("psycopg", lambda: InvoicePay("postgresql://localhost/pay"), "postgres"),
        ("psycopg", lambda: AsyncInvoicePay("postgresql://localhost/pay"), "postgres,async"),
        ("aiosqlite", lambda: AsyncInvoicePay("sqlite:///pay.db"), "async"),
        ("PIL", lambda: png(), "png"),
    ],
    ids=["psycopg", "psycopg awaited", "aiosqlite", "pillow"],
)
def test_a_missing_package_is_named_with_the_command_that_installs_it(
    missing: str, use: Callable[[], object], extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)

    with pytest.raises(MissingExtra) as caught:
        use()

    assert f'pip install "invoicepay[{extra}]"' in caught.value.message


def png() -> bytes:
    pay = InvoicePay()
    request = pay.requests.create(requester="ann", payer="ben", amount="18.50 USD")
    return pay.requests.qr(request).png()


@pytest.mark.parametrize("url", ["memory://", "pay.db", None, "mysql://localhost/pay"])
def test_only_databases_are_migrated(url: Any) -> None:
    with pytest.raises(ConfigurationError):
        migrate(url)


def test_a_client_says_where_it_is_and_for_whom_but_no_password() -> None:
    pay = InvoicePay("postgresql://ann:s3cret@db.example/pay?sslkey=x", tenant="shop")

    assert repr(pay) == (
        "<InvoicePay on postgresql://ann:***@db.example/pay, tenant shop, acting as host (operator)>"
    )
    assert "tenant other, acting as ben (party)" in repr(pay.tenant("other").acting_as("ben"))
    assert repr(AsyncInvoicePay()).startswith("<AsyncInvoicePay on memory://")
