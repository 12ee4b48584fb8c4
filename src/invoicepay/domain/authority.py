"""Who may give which command: roles and sides as data; what is not written here is refused (S-01)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

from invoicepay.domain.entity import Entity
from invoicepay.domain.parties import Actor, Role


class Side(StrEnum):
    """What a party is to the thing that a command is about."""

    OWNER = "owner"
    PAYER = "payer"
    PAYEE = "payee"
    ENTERPRISE = "enterprise"
    CUSTOMER = "customer"


class SecondPerson(StrEnum):
    """Whether a command takes two people (S-03); `sometimes` depends on what is asked and on the state."""

    NEVER = "never"
    SOMETIMES = "sometimes"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may give one command.

    Attributes:
        sides: which sides a party may give it as; with none, no party may.
        operator: whether people and services of the operator may.
        system: whether the library itself may: workers, due dates, what providers told.
        second: whether another person has to approve it.
        is_noted: it goes into the log of operations when the operator gives it (S-36).
    """

    sides: frozenset[Side] = frozenset()
    operator: bool = True
    system: bool = False
    second: SecondPerson = SecondPerson.NEVER
    is_noted: bool = False

    def allows(self, actor: Actor, sides: Mapping[Side, str] | Mapping[str, str]) -> bool:
        """Whether the actor may, towards a thing with these sides; an empty id is nobody's."""
        if actor.role is Role.OPERATOR:
            return self.operator
        if actor.role is Role.SYSTEM:
            return self.system
        return any(side in self.sides and id == actor.party_id for side, id in sides.items())


class Permission(StrEnum):
    """What an authoriser answers; `second_person`: yes, once somebody else has approved it."""

    ALLOW = "allow"
    DENY = "deny"
    SECOND_PERSON = "second_person"


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """One question to an authoriser: may this actor do that to this thing, as it is now?

    Attributes:
        operation: as the audit trail names it, for example `invoices.void`; looks are `rows.get`, `rows.list`
            and those of `LOOKS`.
        kind: what the thing is, for example `invoice`; empty where it is no single kind of row.
        sides: the parties of the thing, by what they are to it.
        row: the thing itself; locked, when a command is about to change it. None for what is made anew.
        command: what is asked, with its amounts and reasons; None for a look.
        approved_by: the second person, where the call names one.
    """

    tenant_id: str
    actor: Actor
    operation: str
    kind: str = ""
    sides: Mapping[Side, str] = field(default_factory=dict[Side, str])
    row: Entity | None = None
    command: Any = None
    approved_by: str = ""


Authorize: TypeAlias = Callable[[Access], Permission]
"""What a host's authoriser is asked; inside the transaction, so it neither waits nor looks elsewhere."""

_EVERY_SIDE = frozenset(Side)
_ANYBODY = Rule(frozenset({Side.OWNER}))
_PAYER = Rule(frozenset({Side.PAYER}))
_PAYEE = Rule(frozenset({Side.PAYEE}))
_ENTERPRISE = Rule(frozenset({Side.ENTERPRISE}))
_ENTERPRISE_OR_TIME = Rule(frozenset({Side.ENTERPRISE}), system=True)
_OPERATOR = Rule()
_OPERATOR_OR_TIME = Rule(system=True)
_NOTED = Rule(is_noted=True)
_TWO_PEOPLE = Rule(second=SecondPerson.ALWAYS)
_SYSTEM = Rule(operator=False, system=True)

COMMANDS: Mapping[str, Rule] = {
    "parties.register": _OPERATOR,
    "parties.update_policy": _OPERATOR,
    "parties.set_tier": _OPERATOR,
    "parties.close": _NOTED,
    "parties.erase": _NOTED,
    "parties.open_wallet": Rule(frozenset({Side.OWNER})),
    "parties.freeze_wallet": _NOTED,
    "parties.unfreeze_wallet": _NOTED,
    "bank_accounts.disable": _NOTED,
    "bank_accounts.enable": _TWO_PEOPLE,
    "deposits.initiate": _PAYER,
    "deposits.record": _OPERATOR,
    "deposits.review": _NOTED,
    "deposits.release": _NOTED,
    "deposits.reject": _NOTED,
    "deposits.cancel": _PAYER,
    "deposits.expire": _OPERATOR_OR_TIME,
    "deposits.confirm": Rule(system=True, second=SecondPerson.SOMETIMES),
    "deposits.record_return": _OPERATOR,
    "deposits.recover": _OPERATOR,
    "deposits.write_off": _TWO_PEOPLE,
    "reserves.release": _OPERATOR,
    "reserves.top_up": _TWO_PEOPLE,
    "reserves.sweep_fees": _OPERATOR,
    "reserves.record_interest": _OPERATOR,
    "reserves.take_interest": _OPERATOR,
    "reserves.unmatched_received": _OPERATOR_OR_TIME,
    "reserves.unmatched_taken_back": _SYSTEM,
    "reserves.match_unmatched": _OPERATOR,
    "reserves.return_unmatched": _NOTED,
    "reserves.attest": _OPERATOR,
    "tokens.mint": _OPERATOR_OR_TIME,
    "tokens.retry_mint": _OPERATOR,
    "tokens.retry_burn": _OPERATOR,
    "tokens.settle": _OPERATOR,
    "tokens.open_positions": _TWO_PEOPLE,
    "invoices.create": _ENTERPRISE,
    "invoices.update": _ENTERPRISE,
    "invoices.delete": _ENTERPRISE,
    "invoices.issue": _ENTERPRISE,
    "invoices.finalize": _ENTERPRISE,
    "invoices.send": _ENTERPRISE,
    "invoices.void": _ENTERPRISE,
    "invoices.mark_uncollectible": _ENTERPRISE,
    "invoices.expire": _ENTERPRISE_OR_TIME,
    "invoices.reopen": _ENTERPRISE,
    "invoices.tell_overdue": _SYSTEM,
    "invoices.credit_note": _ENTERPRISE,
    "invoices.refund": _ENTERPRISE,
    "invoices.void_credit_note": _ENTERPRISE,
    "invoices.pay": _PAYER,
    "invoices.pay_several": _PAYER,
    "payments.receive": Rule(frozenset({Side.PAYER}), system=True),
    "payments.record_external": _ENTERPRISE,
    "payments.cancel": _PAYER,
    "payments.reverse": _TWO_PEOPLE,
    "credits.apply": Rule(frozenset({Side.ENTERPRISE, Side.CUSTOMER})),
    "credits.refund": Rule(frozenset({Side.ENTERPRISE}), second=SecondPerson.SOMETIMES),
    "credits.grant": _ENTERPRISE,
    "credits.expire": _ENTERPRISE_OR_TIME,
    "requests.create": _PAYEE,
    "requests.split": _PAYEE,
    "requests.approve": _PAYER,
    "requests.revoke": _PAYER,
    "requests.decline": _PAYER,
    "requests.cancel": _PAYEE,
    "requests.expire": _OPERATOR_OR_TIME,
    "requests.execute": _OPERATOR_OR_TIME,
    "requests.send": _PAYER,
    "requests.send_outside": _PAYER,
    "requests.receive_from_outside": _OPERATOR,
    "holds.place": _PAYER,
    "holds.capture": Rule(frozenset({Side.PAYER, Side.PAYEE})),
    "holds.release": Rule(frozenset({Side.PAYER, Side.PAYEE})),
    "holds.expire": _OPERATOR_OR_TIME,
    "withdrawals.initiate": _PAYER,
    "withdrawals.cancel": _PAYER,
    "withdrawals.remint": _PAYER,
    "withdrawals.retry_payout": _PAYER,
    "withdrawals.release": _NOTED,
    "withdrawals.reject": _NOTED,
    "withdrawals.wait_for_cash": _SYSTEM,
    "schedules.create": _ENTERPRISE,
    "schedules.pause": _ENTERPRISE,
    "schedules.resume": _ENTERPRISE,
    "schedules.cancel": _ENTERPRISE,
    "schedules.issue": _SYSTEM,
    "schedules.skip": _SYSTEM,
    "schedules.fail": _SYSTEM,
    "effects.claim": _SYSTEM,
    "effects.mark_sent": _SYSTEM,
    "effects.postpone": _SYSTEM,
    "effects.make_up": _SYSTEM,
    "effects.resolve_review": _TWO_PEOPLE,
    "effects.resend": _TWO_PEOPLE,
    "effects.stop": _NOTED,
    "effects.resume": _TWO_PEOPLE,
    "observations.record": _SYSTEM,
    "inbox.keep": _SYSTEM,
    "inbox.set_aside": _SYSTEM,
    "rails.tell_overdue": _SYSTEM,
    "webhook_endpoints.create": _NOTED,
    "webhook_endpoints.update": _NOTED,
    "webhook_endpoints.disable": _NOTED,
    "webhook_endpoints.enable": _NOTED,
    "webhook_endpoints.rotate_secret": _NOTED,
    "webhook_deliveries.plan": _SYSTEM,
    "webhook_deliveries.claim": _SYSTEM,
    "webhook_deliveries.record": _SYSTEM,
    "webhook_deliveries.replay": _OPERATOR,
    "webhook_deliveries.replay_range": _OPERATOR,
}
"""Every command, by the name under which the audit trail and the idempotency keys know it."""

LOOKS: Mapping[str, Rule] = {
    "rows.get": Rule(_EVERY_SIDE),
    "rows.list": Rule(_EVERY_SIDE),
    "wallets.get": Rule(frozenset({Side.OWNER})),
    "ledger.balances": Rule(frozenset({Side.OWNER})),
    "ledger.transactions": _OPERATOR,
    "ledger.enterprise_book": _ENTERPRISE,
    "invoices.overdue": _ENTERPRISE,
    "invoices.qr": Rule(frozenset({Side.ENTERPRISE, Side.CUSTOMER})),
    "requests.qr": _PAYEE,
    "requests.payee_qr": _PAYEE,
    "requests.scan": _PAYER,
    "schedules.run_due": _ENTERPRISE,
    "reserves.audit": _ANYBODY,
    "reserves.reconcile": _OPERATOR,
    "tokens.tie_out": _OPERATOR,
    "tokens.validate_backing": _ANYBODY,
    "audit.history": _OPERATOR,
    "audit.trail": _OPERATOR,
    "audit.operations": _OPERATOR,
    "audit.verify": _OPERATOR,
    "audit.seal": _OPERATOR,
    "audit.anchor": _OPERATOR,
    "audit.findings": _OPERATOR,
    "invariants.check": _OPERATOR,
    "webhook_endpoints.secret": _OPERATOR,
    "webhook_endpoints.test": _OPERATOR,
    "health": _OPERATOR,
    "run_pending": _OPERATOR,
    "run_pending_everywhere": _OPERATOR,
    "effects.stop_everywhere": _OPERATOR,
    "effects.resume_everywhere": _TWO_PEOPLE,
}
"""Every way of looking, and what asks for several commands or tenants at once."""

RULES: Mapping[str, Rule] = {**COMMANDS, **LOOKS}
