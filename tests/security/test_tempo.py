"""A canary in every key that Tempo is given: none is seen again, whatever goes wrong on the way."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from invoicepay import Asset, Programme, migrate
from invoicepay.adapters.http import Limits, Sender
from invoicepay.adapters.sql.slots import SqlSlots
from invoicepay.adapters.tempo import LOCAL, LocalKeys, Tempo, TempoRpc, TokenPlan, set_up
from invoicepay.bridge import run_blocking
from invoicepay.domain.policies import Settlement
from invoicepay.errors import InvoicePayError
from invoicepay.testing.tempo_node import FUNDED_KEY, TempoNode
from tests.adapters.tempo.chain import SEND, Wire, no_wait
from tests.security.canaries import Trap, bytes_canary, text_canary
from tests.security.drive import Drive, driving
from tests.support.tempo import tempo_node

__all__ = ["tempo_node"]

SEED, BEARER = bytes_canary("seed of Tempo"), text_canary("bearer of a node")
ONCHAIN = Programme(assets={"USD.tempo": Asset("USD.tempo", settlement=Settlement.ONCHAIN)})
ECHO = f"no: {BEARER}"
"""What a node says that repeats what it was sent."""

TROUBLE: dict[str, Callable[[Wire], object]] = {
    "nothing": lambda wire: None,
    "lost before": lambda wire: setattr(wire, "lost_requests", 1),
    "lost after": lambda wire: setattr(wire, "lost_answers", 1),
    "refused": lambda wire: wire.refuse("insufficient fee token balance"),
    "in strange words": lambda wire: wire.refuse(f"the moon is full {BEARER}"),
    "repeats a credential": lambda wire: wire.refuse(f"nonce too low {BEARER}"),
    "reverts": lambda wire: wire.refuse("execution reverted", method="eth_call"),
    "cut": lambda wire: setattr(wire, "is_cut", True),
}


def _drive(drive: Drive, tempo: Tempo, wire: Wire) -> None:
    pay = drive.pay
    pay.parties.register("acme", kind="enterprise")
    pay.parties.register("ann")
    _one_of_each_key_signed(drive, tempo)
    for number, (name, ordered) in enumerate(TROUBLE.items()):
        for what, call in _calls(pay, tempo, f"wire {number}").items():
            if (what, name) == ("a freeze", "lost before"):
                continue  # it would wait for half a minute whether it was carried out after all
            ordered(wire)
            drive.attempt(f"{what} ({name})", call)
            wire.is_cut, wire.lost_answers, wire.lost_requests = False, 0, 0
            wire.answers.clear()
        drive.attempt("an unfreeze", lambda: run_blocking(tempo.unfreeze("ann", "USD.tempo")))
        drive.run()


def _one_of_each_key_signed(drive: Drive, tempo: Tempo) -> None:
    """Before any trouble, a deposit reaches the chain and pays an invoice there: all keys were in use."""
    pay = drive.pay
    pay.deposits.record("ann", "20.00 USD.tempo", provider="bank", provider_ref="wire before")
    _run_until(drive, lambda: str(pay.wallets.get("ann", "USD.tempo").available) == "20.00 USD.tempo")
    _paid(pay)
    _run_until(drive, lambda: str(pay.wallets.get("acme", "USD.tempo").available) == "1.00 USD.tempo")


def _run_until(drive: Drive, is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline, "the chain did not confirm within a minute"
        drive.run()
        time.sleep(0.05)


def _calls(pay: Any, tempo: Tempo, wire_reference: str) -> dict[str, Callable[[], Any]]:
    """What is tried in each trouble."""
    deposit = {"provider": "bank", "provider_ref": wire_reference}
    return {
        "a deposit": lambda: pay.deposits.record("ann", "20.00 USD.tempo", **deposit),
        "an invoice": lambda: _paid(pay),
        "health": lambda: run_blocking(tempo.health()),
        "a balance": lambda: run_blocking(tempo.balance("ann", "USD.tempo")),
        "a freeze": lambda: run_blocking(tempo.freeze("ann", "USD.tempo")),
    }


def _paid(pay: Any) -> Any:
    invoice = pay.invoices.issue(enterprise="acme", customer="ann", lines=[("Goods", "1.00 USD.tempo")])
    return pay.invoices.pay(invoice, payer="ann")


def test_no_key_and_no_credential_is_seen_again(tempo_node: TempoNode, tmp_path: Path) -> None:
    trap = Trap()
    trap.plant("seed", SEED)
    trap.plant("bearer", BEARER)
    wire, keys = Wire(), LocalKeys(SEED, fixed={"fees": SecretStr(FUNDED_KEY)})
    bearer = SecretStr(f"Bearer {BEARER}")
    limits = replace(Limits(), tries=1, failures=1_000)
    sender = Sender(
        "tempo",
        tempo_node.url,
        limits=limits,
        transport=wire,
        secrets=[bearer, SecretStr(BEARER)],
        sleep=no_wait,
    )
    rpc = TempoRpc(sender, headers={"Authorization": bearer})
    plan = TokenPlan(asset="USD.tempo", tenant="main", name="Canary", symbol="CNRY")
    store = f"sqlite:///{tmp_path}/pay.db"
    migrate(store)
    with trap.listening():
        token = run_blocking(set_up(rpc, keys, LOCAL, plan))
        slots = SqlSlots(store)
        tempo = Tempo(rpc, keys, LOCAL, [token], slots=slots)
    with driving(trap, tmp_path, token=tempo, programme=ONCHAIN) as drive:
        _drive(drive, tempo, wire)
        run_blocking(slots.close())
        drive.end()
    rpc.close()
    for account, key in keys._loaded.items():
        trap.plant(f"key of {account}", key.secret)

    assert drive.failures > 3
    assert SEND in wire.methods
    assert {"wallet:main:ann", "wallet:main:acme", "operator", "issuer", "fees"} <= set(keys._loaded)
    assert trap.found() == []


def test_a_refusal_that_repeats_a_credential_is_told_without_it(tempo_node: TempoNode) -> None:
    wire = Wire()
    sender = Sender("tempo", tempo_node.url, transport=wire, secrets=[SecretStr(BEARER)], sleep=no_wait)
    rpc = TempoRpc(sender)
    wire.refuse(ECHO)

    refused = run_blocking(rpc.send(b"\x76"))

    assert refused is not None
    assert BEARER not in refused.said
    wire.refuse(ECHO, method="eth_chainId")
    with pytest.raises(InvoicePayError) as told:
        run_blocking(rpc.chain_id())
    assert BEARER not in repr(told.value.details)
    rpc.close()
