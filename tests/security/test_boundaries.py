"""Known fields only, aware times of our own clock, nothing to guess (S-24, S-32, S-34)."""

from __future__ import annotations

import ast
import inspect
import json
import math
from dataclasses import fields, is_dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from invoicepay import Every, Finalize, InvoicePay, Issue, Line, Pay, Policy, Register, Settings
from invoicepay.adapters.simulated import SimulatedRails, SimulatedTokens
from invoicepay.adapters.system import SystemIds
from invoicepay.domain.authority import Access, Permission
from invoicepay.domain.monitoring import Movement
from invoicepay.domain.reconciliation import StatementLine
from invoicepay.errors import InvalidInput, NotAllowed, NotFound, QrSignatureInvalid
from invoicepay.ports.rails import RailEvent, RailOrder, RailTransfer
from invoicepay.ports.tokens import TokenEvent, TokenOrder, TokenTransfer
from invoicepay.testing.clock import FrozenClock
from tests.input.calls import methods
from tests.security.test_authority import use_cases

PACKAGE = Path(__file__).parents[2] / "src" / "invoicepay"
OF_THE_LIBRARY = {
    "status",
    "version",
    "balance",
    "tenant_id",
    "created_at",
    "updated_at",
    "applied",
    "remaining",
    "received",
    "recoverable",
    "replayed",
    "fence",
}
"""What a row's own life decides and nobody sets from outside."""


GENERATED = {"domain/canonical.py", "domain/quick.py", "adapters/sql/forms.py"}
"""Write functions once from the names of our own fields; nothing from outside is among them."""


# S-32


def test_nothing_is_unpickled_evaluated_or_read_as_yaml() -> None:
    forbidden = {"pickle", "marshal", "shelve", "dill", "yaml", "xml", "jsonpickle"}
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            named = imported(node)
            called = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
            if named & forbidden or called in {"eval", "exec", "compile", "__import__"}:
                found.add(path.relative_to(PACKAGE).as_posix())

    assert found == GENERATED


def imported(node: ast.AST) -> set[str]:
    """The packages that a statement imports."""
    if isinstance(node, ast.Import):
        return {alias.name.partition(".")[0] for alias in node.names}
    if isinstance(node, ast.ImportFrom) and node.module:
        return {node.module.partition(".")[0]}
    return set()


def commands() -> set[type]:
    """The command class of every use case."""
    found = set()
    for use_case in use_cases().values():
        (command, *_) = inspect.signature(use_case.decide).parameters.values()
        module = inspect.getmodule(use_case.decide)
        kind = eval(command.annotation, vars(module)) if module else None
        found |= {kind} if is_dataclass(kind) and isinstance(kind, type) else set()
    return found


def test_no_command_takes_a_field_that_it_does_not_declare() -> None:
    kinds = commands()
    taken = []
    for kind in kinds:
        declared = {part.name: None for part in fields(kind)}
        for extra in ("tenant_id", "balance", "is_admin", "__class__", "actor"):
            if extra not in declared:
                try:
                    kind(**declared, **{extra: "x"})
                except TypeError:
                    continue
                taken.append(f"{kind.__name__}({extra})")

    assert taken == []
    assert len(kinds) > 60


def test_no_public_call_takes_what_a_rows_own_life_decides() -> None:
    searched = ("list", "mints", "burns", "settlements", "unmatched", "switches")
    taken = {
        f"{call}({name})"
        for call, signature in methods()
        for name in signature.parameters
        if name in OF_THE_LIBRARY and not call.endswith(searched)
    }

    assert taken == {"effects.resolve(status)"}


JSON: dict[Any, dict[str, Any]] = {
    Pay: {"invoice": "inv_1", "payer": "ann", "amount": "1.00 USD"},
    Issue: {"enterprise": "acme", "customer": "ann", "lines": [["Goods", "1.00 USD"]]},
    Finalize: {"invoice": "inv_1"},
    Register: {"id": "ann"},
    Policy: {"fee_bps": 10},
    Settings: {"store": "memory://"},
    Every: {"interval": "month", "count": 1},
    Line: {"description": "Goods", "unit_price": {"amount": "1.00", "asset": "USD"}},
    StatementLine: {"ref": "x", "amount": {"amount": "1.00", "asset": "USD"}, "booked_on": "2026-01-05"},
}
"""What a web host may read from a request, and a body of it."""


@pytest.mark.parametrize("kind", JSON, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("extra", sorted({*OF_THE_LIBRARY, "is_admin", "total"}))
def test_a_body_with_an_unknown_field_is_refused(kind: Any, extra: str) -> None:
    reader = TypeAdapter(kind)
    assert reader.validate_json(json.dumps(JSON[kind]))

    with pytest.raises((ValidationError, InvalidInput)):
        reader.validate_json(json.dumps(JSON[kind] | {extra: "paid"}))


def test_every_input_of_the_public_face_is_among_them() -> None:
    asked = {Finalize, Issue, Pay, Register, Policy, Settings, Every, Line, StatementLine, Movement}

    for kind in asked:
        assert getattr(kind, "__pydantic_config__", {}).get("extra") == "forbid", kind


# S-34


class SkewedRails(SimulatedRails):
    """A bank whose clock is years off."""

    skew = timedelta()

    async def initiate_deposit(self, order: RailOrder, *, idempotency_key: str) -> RailTransfer:
        return self._off(await super().initiate_deposit(order, idempotency_key=idempotency_key))

    async def initiate_withdrawal(self, order: RailOrder, *, idempotency_key: str) -> RailTransfer:
        return self._off(await super().initiate_withdrawal(order, idempotency_key=idempotency_key))

    async def find(self, reference: str) -> RailTransfer | None:
        found = await super().find(reference)
        return found and self._off(found)

    def parse_webhook(
        self, body: bytes, headers: dict[str, str], *, received_at: datetime
    ) -> tuple[RailEvent, ...]:
        events = super().parse_webhook(body, headers, received_at=received_at)
        return tuple(
            replace(event, occurred_at=event.occurred_at + self.skew, transfer=self._off(event.transfer))
            for event in events
        )

    def _off(self, transfer: RailTransfer) -> RailTransfer:
        return replace(transfer, observed_at=transfer.observed_at + self.skew)


class SkewedTokens(SimulatedTokens):
    """A token network whose clock is years off."""

    skew = timedelta()

    async def mint(self, order: TokenOrder, *, idempotency_key: str) -> TokenTransfer:
        return self._off(await super().mint(order, idempotency_key=idempotency_key))

    async def burn(self, order: TokenOrder, *, idempotency_key: str) -> TokenTransfer:
        return self._off(await super().burn(order, idempotency_key=idempotency_key))

    async def find(self, reference: str) -> TokenTransfer | None:
        found = await super().find(reference)
        return found and self._off(found)

    def parse_webhook(
        self, body: bytes, headers: dict[str, str], *, received_at: datetime
    ) -> tuple[TokenEvent, ...]:
        events = super().parse_webhook(body, headers, received_at=received_at)
        return tuple(
            replace(event, occurred_at=event.occurred_at + self.skew, transfer=self._off(event.transfer))
            for event in events
        )

    def _off(self, transfer: TokenTransfer) -> TokenTransfer:
        return replace(transfer, observed_at=transfer.observed_at + self.skew)


def business(skew: timedelta) -> dict[str, Any]:
    """Deposits, a return, payments and payouts with providers whose clocks are off; what came of it."""
    clock = FrozenClock()
    rails, tokens = SkewedRails(clock), SkewedTokens(clock)
    rails.skew = tokens.skew = skew
    pay = InvoicePay(rails=rails, token=tokens, clock=clock)
    pay.parties.register("acme", kind="enterprise")
    deposits = []
    for rail in ("instant", "bank_debit"):
        deposits.append(pay.deposits.initiate("ann", "200.00 USD", rail=rail, account_token="ba_1"))
        pay.sim.deliver()
        clock.advance(hours=1)
        pay.sim.settle(deposits[-1])
    pay.sim.return_deposit(deposits[-1], code="R01")
    clock.advance(days=8)
    pay.run_pending()
    invoice = pay.invoices.issue(enterprise="acme", customer="ann", lines=[("Goods", "50.00 USD")])
    pay.invoices.pay(invoice, payer="ann")
    payout = pay.withdrawals.initiate("acme", "20.00 USD", account_token="ba_2")
    pay.sim.settle_payout(payout)
    clock.advance(days=1)
    pay.run_pending()
    assert pay.invariants.check() == ()
    booked = pay.ledger.transactions()
    return {
        "balances": pay.ledger.balances(),
        "deposits": [(row.status, row.received, row.received_at) for row in pay.deposits.list()],
        "payouts": [(row.status, row.paid_at) for row in pay.withdrawals.list()],
        "rules": [(one.posting.rule, one.effective_at, one.recorded_at) for one in booked],
        "effects": [(row.kind, row.status, row.due_at) for row in pay.effects.list(limit=200)],
    }


@pytest.mark.parametrize("days", [-36_500, -1, 1, 36_500])
def test_a_providers_clock_orders_no_money_and_changes_no_state(days: int) -> None:
    assert business(timedelta(days=days)) == business(timedelta())


def test_every_instant_of_a_row_is_aware_utc() -> None:
    pay = InvoicePay(clock=FrozenClock())
    pay.sim.settle(pay.deposits.initiate("ann", "5.00 USD"))
    rows: list[Any] = [*pay.deposits.list(), *pay.effects.list(), *pay.reserves.list(), *pay.parties.list()]

    for row in rows:
        for part in fields(row):
            value = getattr(row, part.name)
            if isinstance(value, datetime):
                assert value.utcoffset() == timedelta(), f"{part.name} of {row.id}"


# S-24


def test_a_nonce_has_at_least_128_random_bits() -> None:
    nonces = [SystemIds().nonce() for _ in range(2_000)]

    assert len(set(nonces)) == len(nonces)
    assert all(len(nonce) * 6 >= 128 for nonce in nonces)
    for position in range(len(nonces[0])):
        assert entropy([nonce[position] for nonce in nonces]) > 5.5


def entropy(letters: list[str]) -> float:
    """Bits that one letter holds, of at most 6."""
    shares = [letters.count(letter) / len(letters) for letter in set(letters)]
    return -sum(share * math.log2(share) for share in shares)


@pytest.fixture
def pay() -> InvoicePay:
    pay = InvoicePay(clock=FrozenClock())
    pay.parties.register("acme", kind="enterprise")
    pay.parties.register("ann")
    return pay


def test_a_guessed_id_is_answered_alike_whether_it_is_somebodys_or_nobodys(pay: InvoicePay) -> None:
    invoice = pay.invoices.issue(enterprise="acme", customer="ann", lines=[("Goods", "5.00 USD")])
    eve = pay.acting_as("eve")
    problems = []
    for id in (invoice.id, invoice.id[:-6] + "zzzzzz"):
        with pytest.raises(NotFound) as caught:
            eve.invoices.get(id)
        problems.append(json.dumps(caught.value.to_problem()).replace(id, "<id>"))

    assert problems[0] == problems[1]
    assert pay.audit.operations() == ()


def test_a_forged_code_is_answered_alike_whatever_it_is_about(pay: InvoicePay) -> None:
    request = pay.requests.create("ann", "5.00 USD")
    genuine = pay.requests.qr(request).payload
    head, payload, _ = genuine.rsplit(".", 2)
    problems = []
    for text in (f"{head}.{payload}.{'A' * 43}", f"{head}.{payload[:-8]}AAAAAAAA.{'A' * 43}", "v1.x.y.z"):
        with pytest.raises(QrSignatureInvalid) as caught:
            pay.acting_as("bob").requests.scan(text)
        problems.append(caught.value.to_problem())

    assert problems[0] == problems[1] == problems[2]


class ThreeAMinute:
    """A host's limit on scanning and approving, in the place where it is asked anyway."""

    def __init__(self) -> None:
        self.left = 3

    def authorize(self, access: Access) -> Permission:
        is_limited = access.operation in ("requests.scan", "requests.approve")
        self.left -= is_limited
        return Permission.DENY if is_limited and self.left < 0 else Permission.ALLOW


def test_a_host_can_limit_how_often_somebody_scans_and_approves() -> None:
    pay = InvoicePay(clock=FrozenClock(), authorizer=ThreeAMinute())
    code = pay.requests.qr(pay.requests.create("ann", "5.00 USD")).payload
    bob = pay.acting_as("bob")
    for _ in range(3):
        assert bob.requests.scan(code).payee_id == "ann"

    with pytest.raises(NotAllowed):
        bob.requests.scan(code)
    assert [entry.action for entry in pay.audit.operations()] == ["requests.scan"]
