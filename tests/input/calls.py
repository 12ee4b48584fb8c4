"""Every public call of the client with arguments that work in the scene, and what each argument is."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

from invoicepay import Every, InvoicePay, Issue, Pay, Policy, Register
from invoicepay import blocking as faces
from invoicepay.domain.money import Money
from invoicepay.domain.reconciliation import StatementLine
from tests.input.scene import BANK, HOOKS, NETS, STOPPED, Scene

LATER = datetime(2026, 3, 1, tzinfo=UTC)
LINES = [("Goods", "10.00 USD")]


class Role(StrEnum):
    """What a parameter takes."""

    AMOUNT = "amount"
    THING = "thing"
    PARTY = "party"
    MANY = "many"
    TEXT = "text"
    WORD = "word"
    INSTANT = "instant"
    DATE = "date"
    WHOLE = "whole"
    FLAG = "flag"
    ASSET = "asset"
    CURSOR = "cursor"
    KEY = "key"
    OBJECT = "object"


ROLES: dict[Role, str] = {
    Role.AMOUNT: "amount processor_fee minimum maximum bank_balance fee",
    Role.THING: "invoice deposit reserve mint burn credit credit_note payment request transfer withdrawal "
    "hold unmatched account schedule run parent entity_id about effect cause endpoint delivery",
    Role.PARTY: "id subject party enterprise customer payer payee requester owner to on_behalf_of request_id",
    Role.MANY: "payers invoices",
    Role.TEXT: "note reason reference address provider provider_ref account_token series approved_by "
    "return_code text code",
    Role.WORD: "role kind status disposition uses catch_up rail timezone",
    Role.INSTANT: "expires_at pay_at at since until",
    Role.DATE: "due_on start_on ends_on on",
    Role.WHOLE: "due_in_days kyc_tier max_count limit delay_days after_position",
    Role.FLAG: "amount_editable out_of_band until_quiet",
    Role.ASSET: "asset",
    Role.CURSOR: "after",
    Role.KEY: "idempotency_key",
    Role.OBJECT: "lines every policy statement headers body items others anchors is_stopping url events",
}
BY_NAME = {name: role for role, names in ROLES.items() for name in names.split()}


class Id(str):
    """Stands for the id of a thing of the scene."""

    __slots__ = ()


I = Id  # noqa: E741 - read as: I("open_invoice") is the id of it
_RANGE = {"after": "", "limit": 5}

CALLS: dict[str, dict[str, Any]] = {
    "parties.register": {
        "id": "new",
        "kind": "enterprise",
        "kyc_tier": 1,
        "policy": Policy(),
        "timezone": "UTC",
    },
    "parties.register_many": {"items": [Register("new", kind="enterprise", kyc_tier=1)]},
    "parties.get": {"id": "ann"},
    "parties.list": {"kind": "user", **_RANGE},
    "parties.set_policy": {"id": "acme", "policy": Policy(fee_bps=10)},
    "parties.set_tier": {"id": "ann", "kyc_tier": 2},
    "parties.close": {"id": "idle"},
    "parties.erase": {"id": "gone"},
    "wallets.get": {"party": "ann", "asset": "USD", "at": LATER},
    "wallets.open": {"party": "idle", "asset": "USD"},
    "wallets.freeze": {"party": "ann", "asset": "USD", "reason": "looked at"},
    "wallets.unfreeze": {"party": "bob", "asset": "EUR", "reason": "cleared"},
    "deposits.initiate": {"party": "ann", "amount": "10.00 USD", "rail": "instant", "account_token": "ba_1"},
    "deposits.record": {
        "party": "ann",
        "amount": "10.00 USD",
        "provider": "box",
        "provider_ref": "b-2",
        "rail": "wire",
        "processor_fee": "1.00 USD",
    },
    "deposits.get": {"deposit": I("deposit")},
    "deposits.list": {"party": "ann", "status": "completed", **_RANGE},
    "deposits.confirm": {"deposit": I("unconfirmed"), "approved_by": "cfo", "reason": "seen at the bank"},
    "deposits.cancel": {"deposit": I("unsent_deposit")},
    "deposits.review": {"deposit": I("unconfirmed"), "reason": "odd"},
    "deposits.release": {"deposit": I("reviewed"), "reason": "known customer"},
    "deposits.reject": {"deposit": I("reviewed"), "reason": "fraud"},
    "deposits.record_return": {"deposit": I("by_hand"), "return_code": "R01", "amount": "39.75 USD"},
    "deposits.recover": {"deposit": I("returned"), "amount": "5.00 USD"},
    "deposits.write_off": {
        "deposit": I("returned"),
        "amount": "5.00 USD",
        "approved_by": "cfo",
        "reason": "gone abroad",
    },
    "reserves.get": {"reserve": I("reserve")},
    "reserves.list": {"party": "eve", "status": "confirmed", **_RANGE},
    "reserves.release": {"reserve": I("reserve")},
    "reserves.top_up": {"amount": "10.00 USD", "approved_by": "cfo", "reference": "b-2"},
    "reserves.sweep_fees": {"amount": "0.50 USD", "reference": "f-1"},
    "reserves.record_interest": {"amount": "1.00 USD", "reference": "i-2"},
    "reserves.take_interest": {"amount": "1.00 USD", "reference": "i-3"},
    "reserves.record_unmatched": {
        "amount": "8.00 USD",
        "provider": "box",
        "provider_ref": "u-2",
        "reason": "no reference",
    },
    "reserves.match": {"unmatched": I("unmatched"), "party": "ann"},
    "reserves.return_unmatched": {"unmatched": I("unmatched"), "reason": "nobody's"},
    "reserves.unmatched": {"status": "open", **_RANGE},
    "reserves.audit": {"asset": "USD"},
    "reserves.reconcile": {
        "asset": "USD",
        "statement": [StatementLine(ref="x", amount=Money.of("1.00 USD"), booked_on=date(2026, 1, 5))],
        "bank_balance": "1.00 USD",
    },
    "tokens.mint": {"reserve": I("reserve"), "amount": "10.00 USD"},
    "tokens.retry_mint": {"mint": I("failed_mint")},
    "tokens.retry_burn": {"burn": I("burn")},
    "tokens.validate_backing": {"asset": "USD"},
    "tokens.settle": {"asset": NETS},
    "tokens.open_positions": {"asset": NETS, "approved_by": "cfo"},
    "tokens.settlement": {"run": I("settlement")},
    "tokens.settlements": {"asset": NETS, "status": "settled", **_RANGE},
    "tokens.tie_out": {"asset": "USD"},
    "tokens.mints": {"party": "eve", "status": "failed", **_RANGE},
    "tokens.burns": {"party": "cho", "status": "completed", **_RANGE},
    "invoices.issue": {
        "enterprise": "acme",
        "customer": "ann",
        "lines": LINES,
        "due_on": date(2026, 2, 1),
        "expires_at": LATER,
        "series": "A",
        "note": "thanks",
        "reference": "po-2",
    },
    "invoices.issue_many": {"items": [Issue(enterprise="acme", customer="ann", lines=LINES)]},
    "invoices.draft": {
        "enterprise": "acme",
        "customer": "ann",
        "lines": LINES,
        "due_in_days": 14,
        "expires_at": LATER,
        "series": "A",
        "note": "thanks",
        "reference": "po-2",
    },
    "invoices.update": {
        "invoice": I("draft"),
        "lines": LINES,
        "due_in_days": 7,
        "expires_at": LATER,
        "note": "hello",
        "reference": "po-3",
    },
    "invoices.delete": {"invoice": I("draft")},
    "invoices.finalize": {"invoice": I("draft")},
    "invoices.finalize_many": {"items": [I("draft")]},
    "invoices.send": {"invoice": I("open_invoice")},
    "invoices.pay": {"invoice": I("open_invoice"), "payer": "ann", "amount": "10.00 USD"},
    "invoices.pay_many": {"items": [Pay(I("open_invoice"), payer="ann", amount="10.00 USD")]},
    "invoices.pay_several": {
        "payer": "ann",
        "amount": "120.00 USD",
        "invoices": [I("open_invoice"), I("other_open")],
    },
    "invoices.receive": {
        "invoice": I("open_invoice"),
        "payer": "ann",
        "amount": "10.00 USD",
        "provider": "chain",
        "provider_ref": "0x1",
        "enterprise": "acme",
    },
    "invoices.record_external": {
        "invoice": I("open_invoice"),
        "amount": "10.00 USD",
        "payer": "ann",
        "reference": "cash",
    },
    "invoices.refund": {"invoice": I("paid"), "amount": "10.00 USD", "reason": "late"},
    "invoices.credit_note": {
        "invoice": I("part"),
        "amount": "60.00 USD",
        "disposition": "refund",
        "reason": "late",
    },
    "invoices.void_credit_note": {"credit_note": I("note")},
    "invoices.void": {"invoice": I("part"), "disposition": "refund"},
    "invoices.mark_uncollectible": {"invoice": I("open_invoice")},
    "invoices.expire": {"invoice": I("overdue")},
    "invoices.reopen": {"invoice": I("expired"), "expires_at": LATER},
    "invoices.get": {"invoice": I("open_invoice")},
    "invoices.list": {"enterprise": "acme", "customer": "ann", "status": "open", **_RANGE},
    "invoices.credit_notes": {"invoice": I("part")},
    "invoices.overdue": {"enterprise": "acme"},
    "invoices.ageing": {"enterprise": "acme"},
    "invoices.qr": {"invoice": I("open_invoice")},
    "invoices.html": {"invoice": I("open_invoice")},
    "payments.get": {"payment": I("payment")},
    "payments.list": {
        "invoice": I("part"),
        "payer": "ann",
        "enterprise": "acme",
        "status": "completed",
        **_RANGE,
    },
    "payments.cancel": {"payment": I("unsent_payment"), "reason": "oops"},
    "payments.reverse": {"payment": I("payment"), "approved_by": "cfo", "reason": "court"},
    "credits.get": {"credit": I("lot")},
    "credits.list": {"enterprise": "acme", "customer": "ann", "status": "available", **_RANGE},
    "credits.apply": {"invoice": I("open_invoice"), "credit": I("lot"), "amount": "10.00 USD"},
    "credits.refund": {"credit": I("lot"), "amount": "10.00 USD", "to": "bob", "approved_by": "cfo"},
    "credits.grant": {
        "enterprise": "acme",
        "customer": "ann",
        "amount": "10.00 USD",
        "expires_at": LATER,
        "note": "sorry",
    },
    "credits.expire": {"credit": I("old_lot")},
    "schedules.create": {
        "enterprise": "acme",
        "customer": "ann",
        "lines": LINES,
        "every": Every.month(),
        "start_on": date(2026, 2, 1),
        "timezone": "UTC",
        "due_in_days": 14,
        "catch_up": "all",
        "ends_on": date(2027, 2, 1),
        "series": "A",
        "note": "thanks",
    },
    "schedules.run_due": {},
    "schedules.pause": {"schedule": I("schedule")},
    "schedules.resume": {"schedule": I("paused")},
    "schedules.cancel": {"schedule": I("schedule")},
    "schedules.get": {"schedule": I("schedule")},
    "schedules.list": {"enterprise": "globex", "customer": "ann", "status": "active", **_RANGE},
    "requests.create": {
        "requester": "bob",
        "payer": "ann",
        "asset": "USD",
        "minimum": "5.00 USD",
        "maximum": "50.00 USD",
        "uses": "one",
        "note": "lunch",
        "expires_at": LATER,
    },
    "requests.split": {
        "requester": "bob",
        "amount": "30.00 USD",
        "payers": ["ann", "cho"],
        "note": "lunch",
        "expires_at": LATER,
    },
    "requests.approve": {"request": I("request"), "payer": "ann", "amount": "12.00 USD", "pay_at": LATER},
    "requests.decline": {"request": I("request"), "reason": "no"},
    "requests.revoke": {"request": I("approved"), "reason": "no"},
    "requests.cancel": {"request": I("request")},
    "requests.get": {"request": I("request")},
    "requests.list": {
        "requester": "bob",
        "payer": "ann",
        "parent": I("request"),
        "status": "pending",
        **_RANGE,
    },
    "requests.qr": {"request": I("request")},
    "requests.payee_qr": {"payee": "bob", "amount": "10.00 USD", "asset": "USD"},
    "requests.scan": {"text": I("request_code")},
    "requests.approve_scanned": {
        "text": I("request_code"),
        "payer": "ann",
        "amount": "12.00 USD",
        "pay_at": LATER,
    },
    "transfers.send": {"payer": "ann", "payee": "bob", "amount": "10.00 USD", "note": "tea"},
    "transfers.send_scanned": {
        "text": I("payee_code"),
        "payer": "ann",
        "amount": "10.00 USD",
        "note": "tea",
    },
    "transfers.send_outside": {
        "payer": "ann",
        "amount": "10.00 USD",
        "address": "0x1",
        "note": "tea",
    },
    "transfers.receive_from_outside": {
        "payee": "ann",
        "amount": "10.00 USD",
        "provider": "chain",
        "provider_ref": "0x2",
        "address": "0x1",
    },
    "transfers.get": {"transfer": I("transfer")},
    "transfers.list": {"payer": "ann", "payee": "bob", "status": "completed", **_RANGE},
    "withdrawals.initiate": {
        "party": "ann",
        "amount": "10.00 USD",
        "account_token": "ba_1",
        "rail": "instant",
    },
    "withdrawals.cancel": {"withdrawal": I("unsent_withdrawal")},
    "withdrawals.release": {"withdrawal": I("reviewed_withdrawal"), "reason": "known customer"},
    "withdrawals.reject": {"withdrawal": I("reviewed_withdrawal"), "reason": "fraud"},
    "withdrawals.remint": {"withdrawal": I("returned_withdrawal")},
    "withdrawals.retry_payout": {"withdrawal": I("returned_withdrawal"), "account_token": "ba_2"},
    "withdrawals.get": {"withdrawal": I("returned_withdrawal")},
    "withdrawals.list": {"party": "ann", "status": "returned", **_RANGE},
    "holds.place": {"owner": "ann", "amount": "10.00 USD", "payee": "acme", "expires_at": LATER},
    "holds.capture": {"hold": I("hold"), "amount": "5.00 USD", "payee": "acme"},
    "holds.release": {"hold": I("hold"), "reason": "done"},
    "holds.get": {"hold": I("hold")},
    "holds.list": {"owner": "ann", "status": "active", **_RANGE},
    "bank_accounts.get": {"account": I("bad_account")},
    "bank_accounts.list": {"party": "ann", "status": "disabled", **_RANGE},
    "bank_accounts.disable": {"account_token": "ba_odd", "reason": "looked at", "party": "ann"},
    "bank_accounts.enable": {"account": I("bad_account"), "reason": "verified", "approved_by": "cfo"},
    "effects.get": {"effect": I("doubtful")},
    "effects.list": {"cause": I("doubtful_deposit"), "status": "needs_review", **_RANGE},
    "effects.observations": {"effect": I("doubtful"), **_RANGE},
    "effects.resolve": {
        "effect": I("doubtful"),
        "status": "settled",
        "amount": "7.00 USD",
        "reason": "asked the bank",
        "provider_ref": "d-1",
        "approved_by": "cfo",
    },
    "effects.resend": {"effect": I("unanswered"), "reason": "the bank has nothing", "approved_by": "cfo"},
    "effects.stop": {"provider": BANK, "reason": "status page is red"},
    "effects.stop_everywhere": {"provider": BANK, "reason": "status page is red"},
    "effects.resume": {"provider": STOPPED, "reason": "green again", "approved_by": "cfo"},
    "effects.resume_everywhere": {"provider": STOPPED, "reason": "green again", "approved_by": "cfo"},
    "effects.switches": {"status": "stopped", **_RANGE},
    "audit.trail": {"entity_id": I("open_invoice")},
    "audit.findings": {"on": date(2026, 1, 5), "others": []},
    "audit.operations": {"after_position": 0, "limit": 5},
    "audit.verify": {},
    "audit.seal": {},
    "audit.anchor": {},
    "audit.history": {"entity_id": I("open_invoice")},
    "ledger.balances": {"party": "ann", "at": LATER},
    "ledger.transactions": {"about": I("payment"), **_RANGE},
    "ledger.enterprise_book": {"enterprise": "acme", "asset": "USD"},
    "ledger.enterprise_csv": {"enterprise": "acme", "asset": "USD"},
    "invariants.check": {},
    "webhooks.receive": {"provider": "rails", "headers": {}, "body": b""},
    "webhook_endpoints.create": {"url": HOOKS, "events": ["invoice.*", "payment.completed"]},
    "webhook_endpoints.get": {"endpoint": I("endpoint")},
    "webhook_endpoints.list": {"status": "enabled", **_RANGE},
    "webhook_endpoints.update": {"endpoint": I("endpoint"), "url": HOOKS, "events": ["invoice.paid"]},
    "webhook_endpoints.disable": {"endpoint": I("endpoint"), "reason": "moving house"},
    "webhook_endpoints.enable": {"endpoint": I("disabled_endpoint")},
    "webhook_endpoints.rotate_secret": {"endpoint": I("endpoint")},
    "webhook_endpoints.secret": {"endpoint": I("endpoint")},
    "webhook_endpoints.test": {"endpoint": I("endpoint")},
    "webhook_deliveries.get": {"delivery": I("dead_delivery")},
    "webhook_deliveries.list": {"endpoint": I("endpoint"), "status": "dead", **_RANGE},
    "webhook_deliveries.replay": {"delivery": I("dead_delivery")},
    "webhook_deliveries.replay_range": {
        "endpoint": I("endpoint"),
        "since": datetime(2026, 1, 5, tzinfo=UTC),
        "until": LATER,
    },
    "sim.settle": {"deposit": I("unconfirmed"), "amount": "5.00 USD", "fee": "1.00 USD", "delay_days": 0},
    "sim.finalize": {"deposit": I("unconfirmed")},
    "sim.fail": {"deposit": I("unconfirmed"), "reason": "failed"},
    "sim.return_deposit": {"deposit": I("unconfirmed"), "code": "R01"},
    "sim.settle_payout": {"withdrawal": I("returned_withdrawal")},
    "sim.fail_payout": {"withdrawal": I("returned_withdrawal"), "reason": "failed"},
    "sim.return_payout": {"withdrawal": I("returned_withdrawal"), "code": "R03"},
    "sim.hold_tokens": {},
    "sim.release_tokens": {},
    "sim.deliver": {},
    "tenant": {"id": "home"},
    "acting_as": {"subject": "ann", "role": "party", "on_behalf_of": "acme", "request_id": "req-1"},
    "run_pending": {"limit": 10, "until_quiet": True},
    "run_pending_everywhere": {"limit": 10, "is_stopping": None},
    "health": {},
}
"""Arguments of every call that do what it is for."""


INSTEAD: dict[tuple[str, str], dict[str, Any]] = {
    ("deposits.record", "amount"): {"processor_fee": None},
    ("invoices.pay_several", "enterprise"): {"invoices": ()},
    ("invoices.issue", "due_in_days"): {"due_on": None},
    ("invoices.draft", "due_on"): {"due_in_days": None},
    ("invoices.update", "due_on"): {"due_in_days": None},
    ("invoices.credit_note", "lines"): {"amount": None},
    ("requests.create", "amount"): {"minimum": None, "maximum": None},
}
"""What else changes where a parameter stands in for another one."""

NO_REQUESTS = ("on", "close", "worker", "transaction", "bind", "dry_run", "explain")
"""Methods of a client that ask nothing of the books."""


def methods() -> Iterator[tuple[str, inspect.Signature]]:
    """Every public call of the client by its dotted name, found by looking at the classes."""
    for name, member in vars(InvoicePay).items():
        if isinstance(member, property):
            group = getattr(faces, member.fget.__annotations__["return"])
            for call, function in vars(group).items():
                if not call.startswith("_"):
                    yield f"{name}.{call}", inspect.signature(function)
        elif inspect.isfunction(member) and not name.startswith("_") and name not in NO_REQUESTS:
            yield name, inspect.signature(member)


def parameters() -> Iterator[tuple[str, str, Role]]:
    """Every parameter of every call, with what it takes; one test alone tells of a call without a row."""
    for call, signature in methods():
        for name in signature.parameters if call in CALLS else ():
            if name != "self":
                yield call, name, role_of(call, name)


def role_of(call: str, name: str) -> Role:
    """What a parameter takes; most names mean the same everywhere."""
    if call == "webhooks.receive":
        return Role.WORD if name == "provider" else Role.OBJECT
    return BY_NAME[name]


def taking(*roles: Role) -> list[tuple[str, str]]:
    """Calls and their parameters of some roles."""
    return [(call, name) for call, name, role in parameters() if role in roles]


def arguments(scene: Scene, call: str) -> dict[str, Any]:
    """What a call is made with, ids looked up."""
    return {name: looked_up(scene, value) for name, value in CALLS[call].items()}


def looked_up(scene: Scene, value: Any) -> Any:
    if isinstance(value, Id):
        return scene.things[value]
    if isinstance(value, Pay):
        return replace(value, invoice=looked_up(scene, value.invoice))
    return [looked_up(scene, one) for one in value] if isinstance(value, list) else value


def make(scene: Scene, call: str, pay: InvoicePay | None = None, /, **other: Any) -> Any:
    """Make a call, with some arguments other than those that work."""
    target: Any = pay or scene.pay
    for part in call.split("."):
        target = getattr(target, part)
    asked = arguments(scene, call)
    for name in other:
        asked |= INSTEAD.get((call, name), {})
    return target(**(asked | other))
