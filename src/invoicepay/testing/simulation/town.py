"""Who lives in the standard simulation, what they know, and how they choose amounts and partners."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from invoicepay.awaiting import AsyncInvoicePay
from invoicepay.domain.accounts import available
from invoicepay.domain.money import Money
from invoicepay.testing.simulation.facts import FactBook
from invoicepay.testing.simulation.mirror import Mirror
from invoicepay.testing.simulation.ports import Answer

if TYPE_CHECKING:
    from invoicepay.testing.simulation.chooser import Draw
    from invoicepay.testing.simulation.hand import Hand

T = TypeVar("T")

KeyedCall = Callable[[AsyncInvoicePay, str], Awaitable[T]]
"""Something to ask of a client under an idempotency key."""

CENT = 10_000
USERS = ("ann", "bob", "cho", "dan", "eve")
SELLERS = ("acme", "beta")
PLATFORM = "platform"
IN_BOOK = ("USD", "USD.held")
ON_CHAIN = ("USD.chain", "USD.net")
MOST_REMEMBERED = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How one run's people live; drawn once.

    Attributes:
        assets: what they use, the usual one first.
        most_cents: the most that a usual amount comes to; small against it, balances are near zero.
        think_seconds: the longest pause between two commands of one person.
        weights: how often each act is chosen, by its name; acts that are left out never are.
    """

    users: tuple[str, ...]
    sellers: tuple[str, ...]
    assets: tuple[str, ...]
    most_cents: int
    think_seconds: int
    weights: Mapping[str, int]

    @property
    def everybody(self) -> tuple[str, ...]:
        """Users and sellers."""
        return (*self.users, *self.sellers)


@dataclass(frozen=True, slots=True)
class Asked:
    """A command that was answered, so that it can come again under its key."""

    key: str
    what: str
    call: KeyedCall[Any]

    def again(self, pay: AsyncInvoicePay) -> Awaitable[Any]:
        """The same command under the same key."""
        return self.call(pay, self.key)


class Town:
    """What actors see of the world: what was committed, and what they asked for themselves."""

    plan: Plan
    mirror: Mirror
    facts: FactBook

    def __init__(self, plan: Plan, mirror: Mirror, facts: FactBook) -> None:
        self.plan, self.mirror, self.facts = plan, mirror, facts
        self.asked: list[Asked] = []

    def asset(self, draw: Draw) -> str:
        """One of the assets, the usual one more often."""
        return draw.weighted(
            [(asset, 3 if place == 0 else 1) for place, asset in enumerate(self.plan.assets)]
        )

    def is_in_book(self, asset: str) -> bool:
        """Whether tokens of an asset move in the book only, so that the library decides what moved."""
        return asset in IN_BOOK

    def spendable(self, party: str, asset: str) -> int:
        """What a party could spend, in cents."""
        return max(self.mirror.balances.get(available(party, asset), 0), 0) // CENT

    def price(self, draw: Draw, asset: str) -> Money:
        """A usual amount: mostly any, sometimes a round one."""
        cents = draw.whole(1, self.plan.most_cents)
        if draw.chance(300):
            cents = max(cents // 1_000, 1) * 1_000
        return cents_of(cents, asset)

    def affordable(self, draw: Draw, party: str, asset: str) -> Money:
        """What a party can just spend: often all of it, so that two of them do not fit together."""
        whole = self.spendable(party, asset)
        if whole < 1 or draw.chance(60):
            return self.price(draw, asset)
        if draw.chance(350):
            return cents_of(whole, asset)
        return cents_of(draw.whole(1, whole), asset)

    def part_of(self, draw: Draw, whole: Money) -> Money:
        """All of an amount, a part of it, or more."""
        cents = max(whole.micros // CENT, 1)
        way = draw.weighted([("whole", 4), ("part", 4), ("more", 2)])
        if way == "part":
            cents = draw.whole(1, cents)
        elif way == "more":
            cents += draw.whole(1, cents)
        return cents_of(cents, whole.asset)

    def other(self, draw: Draw, me: str) -> str:
        """Somebody else."""
        return draw.one_of([id for id in self.plan.everybody if id != me])

    def later(self, hand: Hand) -> datetime:
        """An instant by which some more will have happened, at the pace of the town."""
        return hand.now + timedelta(seconds=hand.draw.whole(5, 100) * (self.plan.think_seconds + 1))

    async def insist(self, hand: Hand, what: str, call: KeyedCall[T]) -> Answer[T]:
        """Ask until there is a definite answer, and remember what was asked."""
        asked = Asked(hand.key, what, call)
        answer = await hand.insist(what, asked.again)
        self.asked.append(asked)
        del self.asked[:-MOST_REMEMBERED]
        return answer

    async def repeat(self, hand: Hand) -> None:
        """Ask something again that was answered, under its key, as an impatient client does."""
        if self.asked:
            asked = hand.draw.one_of(self.asked[::-1])
            await hand.insist(f"again: {asked.what}", asked.again, key=asked.key)


ActOf = Callable[[Town, "Hand", str], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Act:
    """One kind of thing that somebody does.

    Attributes:
        weight: how often it is done in an ordinary run, compared with others of the same people.
    """

    name: str
    weight: int
    run: ActOf


class Acts:
    """The acts of one kind of people, by name."""

    def __init__(self) -> None:
        self.by_name: dict[str, Act] = {}

    def __call__(self, weight: int = 2) -> Callable[[ActOf], ActOf]:
        """Add a function as an act under its own name."""

        def add(run: ActOf) -> ActOf:
            self.by_name[run.__name__] = Act(run.__name__, weight, run)
            return run

        return add


def cents_of(cents: int, asset: str) -> Money:
    """An amount of whole cents."""
    return Money.from_micros(cents * CENT, asset)
