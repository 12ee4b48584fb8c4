"""The standard simulation: a small town of users, sellers and operators that is drawn anew for each seed."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from invoicepay.adapters.simulated import bank, chain
from invoicepay.domain.parties import PartyKind
from invoicepay.domain.policies import (
    DEFAULT_FINALITY,
    Asset,
    AutoApply,
    CreditBacking,
    Custody,
    Finality,
    Limits,
    Overpay,
    Policy,
    Programme,
    Settlement,
)
from invoicepay.ports.screening import Screened, Subject, Verdict
from invoicepay.testing.simulation.customers import customer
from invoicepay.testing.simulation.faults import swarm
from invoicepay.testing.simulation.operators import operator
from invoicepay.testing.simulation.oracle import StandardOracle
from invoicepay.testing.simulation.ports import Actor, Mix, Reach, Scene
from invoicepay.testing.simulation.reach import Counts
from invoicepay.testing.simulation.sellers import seller
from invoicepay.testing.simulation.town import (
    CENT,
    IN_BOOK,
    ON_CHAIN,
    PLATFORM,
    SELLERS,
    USERS,
    Act,
    Acts,
    Plan,
    Town,
    cents_of,
)

if TYPE_CHECKING:
    from invoicepay.testing.simulation.chooser import Draw
    from invoicepay.testing.simulation.hand import Hand

ASSETS = {
    "USD": Asset("USD"),
    "USD.held": Asset("USD.held", custody=Custody.CUSTODIED),
    "USD.chain": Asset("USD.chain", settlement=Settlement.ONCHAIN),
    "USD.net": Asset("USD.net", settlement=Settlement.NETTED),
}
LOW, HIGH = 2_000, 60_000
"""Cents that a usual amount comes to at most."""
PACES: Mapping[int, tuple[tuple[int, int], ...]] = {
    4: ((1, 60), (1, 10)),
    12: ((1, 60), (5, 300)),
    60: ((10, 600), (1, 60)),
    1_800: ((600, 172_800), (10, 7_200)),
}
"""Seconds that somebody waits at most before the next command, and between which banks settle meanwhile."""
CASTS = (customer, seller, operator)
NEVER_LEFT_OUT = ("deposits", "issues", "pays", "sends", "resolves")
"""Without these there is soon nothing left to do."""
GRACE_SECONDS = 120
"""After so long an order that a provider does not know will not arrive any more: it may travel for 60 s."""


class ByTheCents:
    """A compliance check that blocks amounts of 66 cents and wants a person for some others."""

    async def screen(self, subject: Subject) -> Screened:
        """The verdict, always the same for an amount."""
        cents = subject.amount.micros // CENT % 100
        verdict = Verdict.REVIEW if cents in (13, 26, 39) else Verdict.ALLOW
        if cents == 66:
            verdict = Verdict.BLOCK
        return Screened(verdict=verdict, reason=f"{cents} cents")


@dataclass
class StandardWorkload:
    """Draws a town, prepares it, and lets everybody act on what was committed.

    Attributes:
        plan: how this run's people live; known once `mix` was called.
    """

    oracle: StandardOracle
    plan: Plan = field(init=False)
    town: Town = field(init=False)

    def settle(self, plan: Plan) -> None:
        """Let people live so."""
        self.plan = plan
        self.town = Town(plan, self.oracle.mirror, self.oracle.facts)

    def mix(self, draw: Draw) -> Mix:
        """A programme, providers with some abilities, half of the faults, and a plan for the people."""
        is_on_chain = draw.chance(450)
        self.settle(_plan(draw, ON_CHAIN if is_on_chain else IN_BOOK))
        faults, rails, tokens = swarm(draw), _abilities(draw), _abilities(draw)
        if not (rails["finds_by_reference"] and tokens["finds_by_reference"]):
            faults.pop("webhook.lost", None)  # whoever cannot be asked has to be heard
        return Mix(
            programme=_programme(draw, self.plan.assets),
            processes=draw.one_of((2, 3)),
            worker_seconds=draw.one_of((30, 5, 300)),
            rails=replace(bank.CAPABILITIES, **rails),
            tokens=replace(chain.CAPABILITIES, **tokens),
            custody="wallets" if is_on_chain else "omnibus",
            token_finality="manual" if draw.chance(600) else "immediate",
            settle_seconds=draw.one_of(PACES[self.plan.think_seconds]),
            faults=faults,
            screening=ByTheCents() if draw.chance(300) else None,
            group_commit=draw.chance(300),
        )

    async def prepare(self, hand: Hand) -> None:
        """Parties with policies, each with some money in every asset."""
        kinds = {
            PLATFORM: PartyKind.PLATFORM,
            **dict.fromkeys(self.plan.users, PartyKind.USER),
            **dict.fromkeys(self.plan.sellers, PartyKind.ENTERPRISE),
        }
        policies = {id: _policy(hand.draw) for id in self.plan.sellers}
        for id, kind in kinds.items():
            await self._told(hand, f"register {id}", _register(id, kind, policies.get(id)))
        for asset in self.plan.assets:
            for id in self.plan.everybody:
                amount = cents_of(hand.draw.whole(1, 3 * self.plan.most_cents), asset)
                if await self._told(hand, f"{id} begins with {amount}", _fund(id, amount)):
                    hand.rails.add_cash(amount)
        await hand.ask(lambda pay: pay.run_pending())

    async def _told(self, hand: Hand, what: str, call: Any) -> bool:
        """Whether it was done."""
        hand.begins()
        answer = await hand.insist(what, partial(call, key=hand.key))
        return answer.refusal is None

    def actors(self, mix: Mix, reach: Reach) -> Sequence[Actor]:  # noqa: ARG002 - the port names both
        """Every user, every seller, and an operator."""
        casts = [
            *((id, customer) for id in self.plan.users),
            *((id, seller) for id in self.plan.sellers),
            ("operator", operator),
        ]
        return [Actor(id, partial(self._live, id, self._likely(acts))) for id, acts in casts]

    def _likely(self, acts: Acts) -> list[tuple[Act, int]]:
        weighed = [(act, self.plan.weights.get(name, 0)) for name, act in acts.by_name.items()]
        return [(act, weight) for act, weight in weighed if weight]

    def _live(self, me: str, acts: list[tuple[Act, int]], hand: Hand) -> Coroutine[Any, Any, None]:
        return _live(self.town, me, acts, hand)


async def _live(town: Town, me: str, acts: list[tuple[Act, int]], hand: Hand) -> None:
    """One command after another, with pauses, until the run heals."""
    while hand.is_open:
        if not hand.begins():
            continue
        await hand.sleep(hand.draw.whole(0, town.plan.think_seconds))
        if hand.is_open and acts:
            act = hand.draw.weighted(acts)
            await act.run(town, hand, me)


def _abilities(draw: Draw) -> dict[str, Any]:
    """What a provider promises: it keeps one movement for a key, or can be asked, or both."""
    finds = not draw.chance(150)
    return {
        "finds_by_reference": finds,
        "deduplicates": not (finds and draw.chance(250)),
        "key_lifetime_seconds": draw.one_of((0, 86_400, 120)),
        "absent_grace_seconds": GRACE_SECONDS,
    }


def _plan(draw: Draw, assets: tuple[str, ...]) -> Plan:
    """Few people and little money: what defects of lost updates need to show (reliability 5.3)."""
    names = {name: act for acts in CASTS for name, act in acts.by_name.items()}
    return Plan(
        users=USERS[: draw.whole(1, len(USERS))],
        sellers=SELLERS[: draw.whole(1, len(SELLERS))],
        assets=assets[:1] if draw.chance(500) else assets,
        most_cents=draw.one_of((LOW, 500, HIGH)),
        think_seconds=draw.one_of(tuple(PACES)),
        weights=_weights(draw, names),
    )


def _weights(draw: Draw, acts: Mapping[str, Act]) -> dict[str, int]:
    """Some acts are left out, some are done much more often than usual."""
    weights = {
        name: act.weight * draw.weighted(((2, 5), (0, 2), (1, 1), (8, 2))) for name, act in acts.items()
    }
    return {name: weight or int(name in NEVER_LEFT_OUT) for name, weight in weights.items()}


def _programme(draw: Draw, assets: tuple[str, ...]) -> Programme:
    """Fees, limits and finality as operators choose them, in some runs."""
    finality = dict(DEFAULT_FINALITY)
    if draw.chance(200):
        finality["instant"] = Finality(business_days=1, needs_buffer=True)
    return Programme(
        assets={code: ASSETS[code] for code in assets},
        only_listed_assets=True,
        finality=finality,
        limits=Limits(by_tier={0: 900_000_000}) if draw.chance(200) else Limits(),
        deposit_fee_micros=250_000 if draw.chance(250) else 0,
        withdrawal_fee_micros=250_000 if draw.chance(250) else 0,
        bears_processor_fee=draw.chance(250),
        platform_id=PLATFORM,
    )


def _policy(draw: Draw) -> Policy:
    """How a seller takes payments."""
    return Policy(
        overpay=draw.weighted(((Overpay.CREDIT, 5), *((way, 1) for way in Overpay))),
        credit_backing=draw.weighted(((CreditBacking.RING_FENCED, 3), *((way, 1) for way in CreditBacking))),
        auto_apply=draw.one_of(tuple(AutoApply)),
        fee_bps=draw.one_of((0, 100, 290)),
        cash_credit_expiry_days=draw.one_of((None, None, 2)),
    )


def _register(id: str, kind: PartyKind, policy: Policy | None) -> Any:
    return lambda pay, key: pay.parties.register(id, kind=kind, policy=policy, idempotency_key=key)


def _fund(id: str, amount: Any) -> Any:
    return lambda pay, key: pay.deposits.record(
        id, amount, provider="lockbox", provider_ref=f"first {id} {amount}", idempotency_key=key
    )


def stage() -> Scene:
    """A fresh standard scene."""
    reach = Counts()
    oracle = StandardOracle(reach, PLATFORM)
    return Scene(StandardWorkload(oracle), oracle, reach)
