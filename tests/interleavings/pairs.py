"""Which operations meet on which rows: families of calls about one thing, every two of them a pair."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations_with_replacement
from typing import Any

from invoicepay import Issue, Pay
from tests.input.calls import CALLS, Id
from tests.input.scene import CHAIN, NETS

I = Id  # noqa: E741 - read as: I("open_invoice") is the id of it


@dataclass(frozen=True)
class Op:
    """A public call with some arguments other than those of the table of calls."""

    call: str
    other: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def name(self) -> str:
        """For people."""
        other = ", ".join(f"{name}={value}" for name, value in self.other.items() if name != "items")
        return f"{self.call}({other})" if other else self.call

    @property
    def is_work(self) -> bool:
        """Whether it is several transactions of the worker, which are one step each half."""
        return self.call in WORK


WORK = ("run_pending", "schedules.run_due", "webhooks.receive", "reserves.audit", "tokens.tie_out")


@dataclass(frozen=True, slots=True)
class Pair:
    """Two operations that meet.

    Attributes:
        resting: begins when the worker has done what waited.
        before: what is done first, by itself.
    """

    family: str
    first: Op
    second: Op
    resting: bool
    before: tuple[Op, ...] = ()

    @property
    def has_work(self) -> bool:
        """Whether the worker takes part."""
        return self.first.is_work or self.second.is_work

    @property
    def name(self) -> str:
        """For people and for `--only`."""
        return f"{self.family}: {self.first.name} | {self.second.name}"


@dataclass(frozen=True, slots=True)
class Family:
    """Calls about one thing."""

    name: str
    ops: tuple[Op, ...]
    resting: bool = False
    before: tuple[Op, ...] = ()

    def pairs(self) -> Iterator[Pair]:
        """Every two of them, each with itself, too."""
        for first, second in combinations_with_replacement(self.ops, 2):
            yield Pair(self.name, first, second, self.resting, self.before)


def op(call: str, /, **other: Any) -> Op:
    """A call of the table, with some arguments changed."""
    return Op(call, other)


def _about(invoice: str, *ops: Op) -> tuple[Op, ...]:
    """The same calls about another invoice."""
    named = I(invoice)
    return tuple(
        replace(one, other={"invoice": named, **one.other}) if "invoice" in CALLS[one.call] else one
        for one in ops
    )


ALL_OF_IT = op("invoices.pay", amount="100.00 USD")
BOBS = op("invoices.pay", payer="bob", amount="70.00 USD")
SEND = op("transfers.send", amount="600.00 USD")
"""More than half of what ann has: two of these do not go together."""

FAMILIES = (
    Family(
        "an open invoice",
        _about(
            "open_invoice",
            ALL_OF_IT,
            BOBS,
            op("invoices.pay_many", items=[Pay(I("open_invoice"), payer="ann", amount="60.00 USD")]),
            op("invoices.pay_several"),
            op("invoices.receive"),
            op("invoices.record_external"),
            op("invoices.credit_note", amount="40.00 USD", disposition="credit"),
            op("invoices.void", disposition="credit"),
            op("invoices.mark_uncollectible"),
            op("invoices.send"),
            op("credits.apply"),
        ),
    ),
    Family(
        "an invoice that is paid in part",
        _about(
            "part",
            op("invoices.pay", amount="50.00 USD"),
            op("invoices.credit_note"),
            op("invoices.void"),
            op("invoices.void_credit_note"),
            op("invoices.refund"),
            op("payments.reverse"),
        ),
    ),
    Family(
        "a paid invoice with an excess",
        _about(
            "paid",
            op("invoices.refund", amount="30.00 USD"),
            op("invoices.credit_note", amount="20.00 USD"),
            op("payments.reverse", payment=I("overpayment")),
            op("credits.apply", invoice=I("open_invoice"), amount="20.00 USD"),
            op("credits.refund", amount="20.00 USD"),
        ),
    ),
    Family(
        "a draft",
        (
            op("invoices.update"),
            op("invoices.delete"),
            op("invoices.finalize"),
            op("invoices.finalize_many"),
            op("invoices.issue"),
            op("invoices.issue_many"),
        ),
    ),
    Family(
        "an offer that ran out",
        (
            *_about(
                "overdue",
                op("invoices.expire"),
                op("invoices.pay", amount="35.00 USD"),
                op("invoices.void", disposition="credit"),
            ),
            op("invoices.reopen"),
            op("invoices.void", invoice=I("expired"), disposition="credit"),
        ),
    ),
    Family(
        "a payment that was not sent",
        (
            op("payments.cancel"),
            op("payments.reverse", payment=I("unsent_payment")),
            op("invoices.void", invoice=I("chain_invoice"), disposition="credit"),
            op("invoices.pay", invoice=I("chain_invoice"), amount=f"70.00 {CHAIN}"),
            op("transfers.send", amount=f"150.00 {CHAIN}"),
        ),
    ),
    Family(
        "the tokens of one person",
        (
            SEND,
            op("withdrawals.initiate", amount="600.00 USD"),
            op("holds.place", amount="600.00 USD"),
            op("holds.capture"),
            op("holds.release"),
            op("transfers.send_outside", amount="600.00 USD"),
            op("transfers.receive_from_outside"),
            op("invoices.pay_several"),
            op("requests.approve", pay_at=None),
            op("wallets.freeze"),
            op("withdrawals.cancel"),
            op("withdrawals.reject"),
            op("credits.refund", to="ann"),
            op("transfers.send", payer="bob", payee="ann", amount="100.00 USD"),
        ),
    ),
    Family(
        "a hold",
        (
            op("holds.capture"),
            op("holds.release"),
            op("holds.capture", amount="9.00 USD"),
            op("wallets.freeze"),
        ),
    ),
    Family(
        "a request",
        (
            op("requests.approve", pay_at=None),
            op("requests.approve_scanned", pay_at=None),
            op("requests.approve"),
            op("requests.decline"),
            op("requests.cancel"),
        ),
    ),
    Family(
        "an approval for later",
        (
            op("requests.revoke"),
            op("requests.cancel", request=I("approved")),
            op("requests.decline", request=I("approved")),
        ),
    ),
    Family(
        "a withdrawal",
        (
            op("withdrawals.cancel"),
            op("withdrawals.release"),
            op("withdrawals.reject"),
            op("withdrawals.cancel", withdrawal=I("reviewed_withdrawal")),
        ),
    ),
    Family(
        "a returned payout",
        (
            op("withdrawals.remint"),
            op("withdrawals.retry_payout"),
            op("bank_accounts.enable"),
            op("bank_accounts.disable"),
        ),
    ),
    Family(
        "a deposit",
        (
            op("deposits.confirm"),
            op("deposits.review"),
            op("deposits.reject", deposit=I("unconfirmed")),
            op("deposits.release"),
            op("deposits.reject"),
            op("deposits.cancel"),
            op("deposits.record", provider="box", provider_ref="same"),
        ),
    ),
    Family(
        "a deposit that came back",
        (
            op("deposits.recover"),
            op("deposits.write_off"),
            op("transfers.send", payer="cho", payee="bob", amount="21.00 USD"),
            op("tokens.retry_burn"),
            op("deposits.record_return"),
        ),
    ),
    Family(
        "a reserve",
        (
            op("reserves.release"),
            op("tokens.mint"),
            op("tokens.retry_mint"),
            op("tokens.mint", amount="30.00 USD"),
        ),
    ),
    Family(
        "the operator's money",
        (
            op("reserves.top_up"),
            op("reserves.sweep_fees"),
            op("reserves.record_interest"),
            op("reserves.take_interest"),
            op("reserves.record_unmatched"),
            op("reserves.match"),
            op("reserves.return_unmatched"),
        ),
    ),
    Family(
        "a credit",
        (
            op("credits.apply", amount="20.00 USD"),
            op("credits.refund", amount="20.00 USD"),
            op("credits.grant"),
            op("credits.expire"),
            op("invoices.issue"),
        ),
    ),
    Family(
        "a schedule",
        (
            op("schedules.pause"),
            op("schedules.cancel"),
            op("schedules.resume"),
            op("schedules.cancel", schedule=I("paused")),
            op("schedules.run_due"),
        ),
    ),
    Family(
        "a party",
        (
            op("parties.close"),
            op("wallets.open"),
            op("parties.set_tier", id="idle"),
            op("transfers.send", payee="idle"),
            op("parties.register", id="idle", kind="user", policy=None, timezone=None),
            op("wallets.freeze", party="idle"),
        ),
    ),
    Family(
        "somebody who leaves or is stopped",
        (
            op("wallets.freeze"),
            op("parties.close", id="ann"),
            op("deposits.initiate"),
            op("requests.create"),
            op("requests.split"),
            op("schedules.create"),
            op("invoices.draft"),
            op("transfers.send_scanned"),
        ),
    ),
    Family(
        "the reserve as a whole",
        (
            op("reserves.reconcile"),
            op("tokens.tie_out"),
            op("reserves.top_up"),
            op("tokens.mint"),
        ),
    ),
    Family(
        "a party that is new",
        (
            op("parties.register"),
            op("parties.register_many"),
            op("parties.set_policy"),
            op(
                "invoices.issue_many",
                items=[Issue(enterprise="acme", customer="bob", lines=[("A", "1.00 USD")])],
            ),
        ),
    ),
    Family("a doubtful intent", (op("effects.resolve"), op("effects.resolve", status="failed", amount=None))),
    Family(
        "nets",
        (op("tokens.settle"), op("tokens.open_positions"), op("transfers.send", amount=f"1.00 {NETS}")),
    ),
    Family(
        "a wallet in another currency",
        (op("wallets.unfreeze"), op("wallets.freeze", party="bob", asset="EUR")),
    ),
    Family(
        "what the worker sends",
        (
            op("run_pending", limit=5, until_quiet=False),
            op("withdrawals.cancel"),
            op("payments.cancel"),
            op("deposits.cancel"),
            op("invoices.expire"),
            op("credits.expire"),
        ),
    ),
    Family(
        "what a bank tells",
        (
            op("webhooks.receive", headers=0, body=0),
            op("webhooks.receive", headers=1, body=1),
            op("run_pending", limit=5, until_quiet=False),
        ),
        resting=True,
    ),
    Family(
        "what the worker learns",
        (
            op("run_pending", limit=5, until_quiet=False),
            op("webhooks.receive", headers=0, body=0),
            op("deposits.review", deposit=I("unsent_deposit")),
            op("withdrawals.cancel"),
        ),
        resting=True,
        before=(op("webhooks.receive", headers=0, body=0), op("webhooks.receive", headers=1, body=1)),
    ),
)


def pairs() -> list[Pair]:
    """All of them; what several families share, once."""
    found: dict[tuple[str, str, bool], Pair] = {}
    for family in FAMILIES:
        for pair in family.pairs():
            found.setdefault((pair.first.name, pair.second.name, pair.resting), pair)
    return list(found.values())
