"""A client is made from settings that a host nests in its own, or from the environment when asked to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, Field, ValidationError

from invoicepay import AsyncInvoicePay, InvoicePay, Programme, Settings
from invoicepay.adapters.simulated import SimulatedRails
from invoicepay.errors import ConfigurationError
from invoicepay.testing.clock import FrozenClock


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("STORE", "TENANT", "DISPATCH", "QR_SECRET"):
        monkeypatch.delenv(f"INVOICEPAY_{name}", raising=False)


def test_the_environment_is_read_when_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVOICEPAY_STORE", f"sqlite:///{tmp_path / 'pay.db'}")
    monkeypatch.setenv("INVOICEPAY_TENANT", "shop")

    with InvoicePay.from_env() as pay:
        pay.parties.register("ann")
        assert "tenant shop" in repr(pay)

    assert (tmp_path / "pay.db").exists()
    assert "memory://" in repr(InvoicePay())  # the plain constructor reads nothing


@pytest.mark.parametrize("face", [InvoicePay, AsyncInvoicePay])
def test_a_mapping_is_read_instead_of_the_environment(face: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INVOICEPAY_STORE", "mysql://elsewhere/pay")

    assert "tenant shop" in repr(
        face.from_env({"INVOICEPAY_STORE": "memory://", "INVOICEPAY_TENANT": "shop"})
    )


@pytest.mark.parametrize("face", [InvoicePay, AsyncInvoicePay])
@pytest.mark.parametrize("environ", [None, {}, {"INVOICEPAY_STORE": ""}, {"STORE": "memory://"}])
def test_an_environment_without_a_store_is_refused_rather_than_forgetful(face: Any, environ: Any) -> None:
    with pytest.raises(ConfigurationError, match="INVOICEPAY_STORE is not set") as caught:
        face.from_env(environ)

    assert "sqlite:///pay.db" in caught.value.hint


def test_a_misspelt_variable_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="unknown setting INVOICEPAY_TENNANT"):
        InvoicePay.from_env({"INVOICEPAY_STORE": "memory://", "INVOICEPAY_TENNANT": "shop"})


@pytest.mark.parametrize(
    "made",
    [
        lambda **parts: InvoicePay.from_env({"INVOICEPAY_STORE": "memory://"}, **parts),
        lambda **parts: InvoicePay.from_settings(Settings(), **parts),
    ],
    ids=["from_env", "from_settings"],
)
def test_what_a_host_brings_itself_goes_beside_the_settings(made: Callable[..., InvoicePay]) -> None:
    clock = FrozenClock("2026-01-05T09:00:00Z")
    pay = made(rails=SimulatedRails(clock, name="acmebank"), clock=clock)

    deposit = pay.sim.settle(pay.deposits.initiate("ann", "1.00 USD"))

    assert deposit.created_at == clock.now()
    assert deposit.status == "completed"


def test_a_programme_goes_beside_the_environment() -> None:
    programme = Programme(unknown_parties="refuse", deposit_fee_micros=250_000)

    pay = InvoicePay.from_env({"INVOICEPAY_STORE": "memory://"}, programme=programme)

    pay.parties.register("ann")
    pay.sim.settle(pay.deposits.initiate("ann", "1.00 USD"))
    assert str(pay.wallets.get("ann").available) == "0.75 USD"


class HostSettings(BaseModel):
    """A host's own settings with ours inside."""

    debug: bool = False
    invoicepay: Settings = Field(default_factory=Settings)


def test_settings_nest_in_a_host_s_own_model() -> None:
    host = HostSettings.model_validate(
        {"invoicepay": {"store": "memory://", "tenant": "shop", "programme": {"deposit_fee_micros": 250_000}}}
    )

    assert host.invoicepay == Settings(tenant="shop", programme=Programme(deposit_fee_micros=250_000))
    assert "tenant shop" in repr(InvoicePay.from_settings(host.invoicepay))


@pytest.mark.parametrize(
    "wrong", [{"stoer": "memory://"}, {"dispatch": "sometimes"}, {"tenant": ""}, {"qr_secret": "short"}]
)
def test_wrong_settings_are_refused_inside_a_host_s_model(wrong: dict[str, str]) -> None:
    with pytest.raises((ValidationError, ConfigurationError)):
        HostSettings.model_validate({"invoicepay": wrong})
