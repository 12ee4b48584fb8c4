"""One life of a walk: steps with checks in between, an end that comes to rest, a replay in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from importlib import import_module
from pkgutil import walk_packages
from typing import Any

from invoicepay import use_cases
from invoicepay.domain.accounts import Code
from invoicepay.domain.allocations import Allocation, SourceKind
from invoicepay.domain.books import Books, Violation
from invoicepay.domain.credit_notes import CreditNote, CreditNoteDisposition
from invoicepay.domain.deposits import Deposit
from invoicepay.domain.effects import Effect, EffectStatus, slot_of
from invoicepay.domain.enterprise_book import BookAccount, balances
from invoicepay.domain.invariants import CHECKS
from invoicepay.domain.money import Money
from invoicepay.domain.parties import PartyKind
from invoicepay.domain.payments import Channel, Payment
from invoicepay.domain.provider_switches import ProviderStatus, ProviderSwitch
from invoicepay.domain.sums import summed
from invoicepay.errors import InvoicePayError
from invoicepay.use_cases import deposits, parties
from invoicepay.use_cases.books import enterprise_book
from invoicepay.use_cases.pending import run_pending
from invoicepay.use_cases.perform import UseCase
from invoicepay.use_cases.providers import RAIL_WORDS, TOKEN_WORDS, abilities, banks, issuers
from invoicepay.use_cases.queries import violations
from tests.walks.draw import Draw, RandomDraw
from tests.walks.moves import MOVES, Move
from tests.walks.moves.registry import ENTERPRISES, USERS
from tests.walks.moves.switching import let_go_on
from tests.walks.world import ASSETS, SETTINGS, Setting, World, cents, everything, replayed

FROM_OUTSIDE = frozenset({"INV-04"})
"""What a returned deposit may break; it is reported to the operator, and nothing can refuse it."""

COSTLY = frozenset({"INV-01", "INV-09", "INV-13", "INV-15", "INV-19", "INV-20", "INV-22"})
"""Checks that read the whole ledger, history or audit trail; in memory the others run after every step."""

EVERY = {"memory": 40, "sqlite": 60}
"""Steps between two runs of all checks."""


@dataclass
class Broken(Exception):
    """A walk found something wrong.

    Attributes:
        what: one sentence for each fault.
        recent: the last steps before it was noticed.
    """

    what: tuple[str, ...]
    recent: tuple[str, ...] = field(default=())

    def __str__(self) -> str:
        return "\n".join([*self.what, "after: " + " · ".join(self.recent)])


def started(store: str, setting: Setting = SETTINGS[0]) -> World:
    """A world with its parties, each with some tokens of each asset."""
    world = World(setting, store)
    people = [(id, PartyKind.USER) for id in USERS]
    sellers = [(id, PartyKind.ENTERPRISE) for id in ENTERPRISES]
    for id, kind in (*people, *sellers, ("platform", PartyKind.PLATFORM), ("dan", PartyKind.USER)):
        world.ask(parties.register_party, parties.RegisterParty(party_id=id, kind=kind))
    for place, (id, _) in enumerate((*people, *sellers)):
        for asset in dict.fromkeys(ASSETS):
            _fund(world, id, cents(100_000 if place < len(people) else 20_000, asset))
    world.must("run_pending", lambda inside: inside.run(run_pending(inside.deps)))
    return world


def _fund(world: World, party_id: str, amount: Money) -> None:
    command = deposits.RecordDeposit(
        party_id=party_id, amount=amount, rail="wire", provider="lockbox", provider_ref=f"{party_id}/{amount}"
    )
    world.ask(deposits.record_deposit, command)


def step(world: World, move: Move, draw: Draw) -> None:
    """Make a move and check what it left.

    Raises:
        Broken: an invariant does not hold, or our own code failed.
    """
    try:
        move.make(world, draw)
    except Exception as fault:  # what is refused never comes out here, so it is our own code that failed
        raise Broken((f"{move.name}: {type(fault).__name__}: {fault}",), recent(world)) from fault
    if world.is_memory:
        _require(_quickly(world), world, move.name)


def check(world: World) -> None:
    """Run every check.

    Raises:
        Broken: an invariant does not hold.
    """
    _require(world.run(violations(world.deps)), world, "all checks")


def _quickly(world: World) -> tuple[Violation, ...]:
    books = _books(world)
    return tuple(
        violation for rule, checked in CHECKS.items() if rule not in COSTLY for violation in checked(books)
    )


def _require(found: tuple[Violation, ...], world: World, where: str) -> None:
    wrong = [violation for violation in found if violation.rule not in FROM_OUTSIDE]
    if wrong:
        raise Broken(
            tuple(f"{where}: {each.rule} {each.subject}: {each.message}" for each in wrong), recent(world)
        )


def recent(world: World, count: int = 12) -> tuple[str, ...]:
    """Names of the last accepted steps."""
    return tuple(each.name for each in world.steps[-count:])


def come_to_rest(world: World) -> None:
    """Good weather, prompt providers and time enough for everything that is due."""
    world.do("weather.be_reachable", _clear)
    for switch in world.rows(ProviderSwitch, status=ProviderStatus.STOPPED):
        let_go_on(world, switch)
    world.do("sim.release_tokens", lambda inside: inside.sim.tokens.release())
    for _ in range(4):
        world.clock.advance(hours=timedelta(days=2) / timedelta(hours=1))
        world.must("run_pending", lambda inside: inside.run(run_pending(inside.deps, 200, until_quiet=True)))


def _clear(world: World) -> None:
    world.sim.rails.weather.be_reachable()
    world.sim.tokens.weather.be_reachable()


def check_outside(world: World) -> None:
    """At rest, nothing is in flight, and each open intent is where its provider has it.

    Left aside: what a person resolved, a return after the last look whose webhook was lost (the statement
    tells it), providers that cannot be asked, mints that wait for a wallet or the reserve, and deposits in
    parts, of which the bank says settled only once the whole is.

    Raises:
        Broken: the provider did something that the books do not know.
    """
    in_parts = {deposit.id for deposit in world.rows(Deposit) if deposit.parts}
    wrong = [
        f"at rest: {effect.kind} {effect.id} is {effect.status}, its provider says {told}"
        for effect in world.rows(Effect)
        if effect.status in _IN_MOTION
        and abilities(world.deps, effect).finds_by_reference
        and not effect.review_reason
        and effect.cause_id not in in_parts
        and (told := _told(world, effect)) is not effect.status
    ]
    if wrong:
        raise Broken(tuple(wrong), recent(world))


_IN_MOTION = (
    EffectStatus.SENDING,
    EffectStatus.UNKNOWN,
    EffectStatus.ACCEPTED,
    EffectStatus.SETTLED,
)


def _told(world: World, effect: Effect) -> EffectStatus:
    if slot_of(effect.kind) == "rails":
        (bank,) = banks(world.deps)
        found = world.run(bank.find(effect.id))
        return RAIL_WORDS[found.status] if found else EffectStatus.REJECTED
    (issuer,) = issuers(world.deps)
    token = world.run(issuer.find(effect.id))
    return TOKEN_WORDS[token.status] if token else EffectStatus.REJECTED


def check_refunds(world: World) -> None:
    """The tokens of every refund went to whoever had paid them (spec 6, P-27).

    Raises:
        Broken: somebody else has them.
    """
    books = _books(world) if world.is_memory else Books(tenant_id="")
    payments, allocations = books.by_id(Payment), books.by_id(Allocation)
    refunds = {n.id: n for n in books.of(CreditNote) if n.disposition is CreditNoteDisposition.REFUND}
    taken_off = [allocations[id] for note in refunds.values() for id in note.allocation_ids]
    paid = [(payments[a.source_id], a) for a in taken_off if a.source_kind is SourceKind.PAYMENT]
    owed = summed(
        (payment.payer_id or payment.customer_id, -allocation.amount.micros)
        for payment, allocation in paid
        if payment.channel is not Channel.EXTERNAL
    )
    given = summed(
        (entry.account.party_id, entry.amount)
        for booked in books.ledger
        if booked.posting.memo in refunds and booked.posting.entries[0].account.code is Code.AVAILABLE
        for entry in booked.posting.entries
        if entry.side == "C" and entry.account.code in (Code.AVAILABLE, Code.FROZEN)
    )
    if owed != given:
        raise Broken((f"refunds: {owed} were owed, {given} were given",), recent(world))


def check_replay(world: World) -> None:
    """What was accepted, done again one by one in an empty memory store, leaves the same books.

    Raises:
        Broken: a balance, a row or an enterprise's book differs.
    """
    try:
        twin = replayed(world)
    except InvoicePayError as refusal:
        raise Broken((f"replay: something accepted was refused: {refusal!r}",), recent(world)) from refusal
    books = _books(twin)
    wrong = [
        *_unlike("balance", world.balances(), twin.balances()),
        *_unlike("row", everything(world, books.rows), everything(twin, books.rows)),
        *_unlike("enterprise book", _trial_balances(world), balances(books.journal)),
    ]
    twin.close()
    if wrong:
        raise Broken(tuple(wrong[:10]), recent(world))


def _unlike(what: str, found: Mapping[Any, object], again: Mapping[Any, object]) -> list[str]:
    keys = sorted({*found, *again}, key=str)
    return [
        f"replay: {what} {key} is {found.get(key)}, then {again.get(key)}"
        for key in keys
        if found.get(key) != again.get(key)
    ]


def _trial_balances(world: World) -> dict[BookAccount, Money]:
    """What each enterprise is shown as its own book."""
    shown = [
        world.run(enterprise_book(world.deps, owner, asset))
        for owner in (*ENTERPRISES, "platform")
        for asset in dict.fromkeys(ASSETS)
    ]
    return {account: money for book in shown for account, money in book.trial_balance.items()}


def _books(world: World) -> Books:
    async def look() -> Books:
        async with world.deps.repository.reader(world.deps.tenant_id) as reader:
            found: Books = reader.books()  # type: ignore[attr-defined]  # memory only
            return found

    return world.run(look())


@dataclass
class Tally:
    """What a walk came to."""

    commands: int = 0
    refused: int = 0
    lives: int = 0
    broken: list[str] = field(default_factory=list[str])
    accepted: Counter[str] = field(default_factory=Counter[str])

    def add(self, world: World) -> None:
        """Count a life."""
        self.commands += world.number
        self.refused += world.refused
        self.lives += 1
        self.accepted.update(world.actions())

    def never(self) -> list[str]:
        """Operations that no life carried out."""
        return sorted(operations() - self.accepted.keys())


def operations() -> set[str]:
    """The name of every use case that writes."""
    modules = [
        import_module(found.name) for found in walk_packages(use_cases.__path__, f"{use_cases.__name__}.")
    ]
    return {value.name for module in modules for value in vars(module).values() if isinstance(value, UseCase)}


def live(store: str, seed: int, steps: int, tally: Tally | None = None) -> World:
    """One life of so many commands, added to `tally`.

    Raises:
        Broken: something went wrong; it says what, and after which steps.
    """
    draw, world = RandomDraw(seed), started(store, SETTINGS[seed % len(SETTINGS)])
    moves, weights = list(MOVES.values()), [move.weight for move in MOVES.values()]
    checked, tally = 0, tally or Tally()
    try:
        while world.number < steps:
            (move,) = draw.random.choices(moves, weights)
            step(world, move, draw)
            if world.number - checked >= EVERY[store]:
                checked = world.number
                check(world)
        come_to_rest(world)
        check(world)
        check_outside(world)
        check_refunds(world)
        check_replay(world)
        tally.add(world)
    finally:
        world.close()
    return world
