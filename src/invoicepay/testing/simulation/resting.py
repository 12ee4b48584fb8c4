"""What must be so once a run has healed: books, providers, answers and the plain model agree."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from invoicepay.domain.accounts import TOKEN_CODES, Account
from invoicepay.domain.effects import Effect, EffectKind, EffectStatus, InboxMessage, InboxStatus, slot_of
from invoicepay.domain.entity import Entity
from invoicepay.domain.needs import find
from invoicepay.domain.policies import Settlement
from invoicepay.domain.tokens import Burn, BurnStatus, Mint, MintStatus
from invoicepay.ports.rails import RailStatus
from invoicepay.ports.repository import Reader
from invoicepay.ports.tokens import TokenStatus
from invoicepay.testing.simulation.facts import CASH, booked_cash, unlike
from invoicepay.testing.simulation.ports import Rest
from invoicepay.use_cases.providers import RAIL_WORDS, TOKEN_WORDS

if TYPE_CHECKING:
    from invoicepay.testing.simulation.oracle import StandardOracle

Found = tuple[str, str]
"""Name and detail of something that is wrong."""

S = EffectStatus
FROM_OUTSIDE = frozenset({"INV-04"})
"""What a returned deposit may break: it is told to the operator, and nothing can refuse it."""
REFUSED = (S.FAILED, S.REJECTED)
ENDED = (S.FINAL, S.RETURNED, S.RETURN_REVERSED)
"""An intent in one of these is not asked about any more: later news comes by webhook or statement."""


async def everything_at_rest(oracle: StandardOracle, rest: Rest) -> AsyncIterator[Found]:
    """Everything that is wrong; whether the run came to rest at all is looked at first."""
    for left in oracle.unsettled():
        yield "never came to rest", left
    for violation in await rest.pay.invariants.check():
        if violation.rule not in FROM_OUTSIDE:
            yield violation.rule, f"{violation.subject}: {violation.message} (at rest)"
    if not (verification := await rest.pay.audit.verify()):
        yield "audit", str(verification)
    async with rest.pay._core.deps.repository.reader(rest.mix.tenant) as reader:
        async for wrong in _store(oracle, reader, rest):
            yield wrong
    for wrong in _answers(oracle, rest):
        yield wrong
    async for wrong in _providers(oracle, rest):
        yield wrong
    for difference in oracle.model.differences(oracle.mirror.balances, oracle.mirror.balances):
        yield "sequential model", difference


async def _store(oracle: StandardOracle, reader: Reader, rest: Rest) -> AsyncIterator[Found]:
    """The store has every row and balance that was committed, each as it was committed, and no other."""
    committed: dict[type[Entity], dict[str, Entity]] = {}
    for (kind, id), row in oracle.mirror.rows.items():
        committed.setdefault(kind, {})[id] = row
    for kind, rows in committed.items():
        stored = {row.id: row for row in await reader.find(find(kind))}
        for id in sorted({*rows, *stored}):
            if rows.get(id) != stored.get(id):
                what = "is gone" if id not in stored else "was never committed so"
                yield "store", f"{kind.KIND} {id} {what}"
    balances = {account: micros for account, micros in (await reader.balances()).items() if micros}
    for account, micros in _unequal(balances, oracle.mirror.balances):
        yield "store", f"{account.name} differs from its entries by {micros} micros"
    waiting = await reader.find(find(InboxMessage, status=InboxStatus.RECEIVED))
    for message in waiting:
        yield "never came to rest", f"delivery {message.id} was kept and never applied"
    if rest.mix.handlers and (untold := await reader.events(unpublished=True, limit=5)):
        yield "never came to rest", f"{untold[0].name} of {untold[0].entity_id} was never told to the host"


def _unequal(one: Mapping[Account, int], other: Mapping[Account, int]) -> Iterator[tuple[Account, int]]:
    for account in sorted({*one, *other}, key=lambda account: account.id):
        difference = one.get(account, 0) - other.get(account, 0)
        if difference:
            yield account, difference


def _answers(oracle: StandardOracle, rest: Rest) -> Iterator[Found]:
    """Every row that a client was told of is there."""
    for answer in rest.answers:
        row: Any = answer.result
        if isinstance(row, Entity) and (type(row), row.id) not in oracle.mirror.rows:
            yield "acknowledged and not kept", f"{answer.what}: there is no {row.KIND} {row.id}"


async def _providers(oracle: StandardOracle, rest: Rest) -> AsyncIterator[Found]:
    missed = {
        each.reference for each in rest.happenings if each.kind == "webhook" and each.name != "delivered"
    }
    unheard = {id for id in missed if _is_behind(oracle, id)}
    contested = oracle.contested() | {
        effect.cause_id for id in unheard if (effect := oracle.mirror.get(Effect, id)) is not None
    }
    for effect in oracle.mirror.of(Effect):
        if effect.id not in unheard and effect.cause_id not in contested:
            told = _told(oracle, effect)
            if effect.status in (S.SETTLED, *ENDED) and told is not effect.status:
                yield "books and provider", f"{effect.kind} {effect.id} is {effect.status}, the truth {told}"
    for name, detail in unlike(oracle.facts, oracle.mirror, contested):
        yield name, detail
    for asset in sorted({account.asset for account in oracle.mirror.balances}):
        for wrong in (*await _cash(oracle, rest, asset), *await _supply(oracle, rest, asset)):
            yield wrong
        by_party = rest.mix.programme.asset(asset).settlement is not Settlement.LEDGER
        if by_party and not _is_open(oracle, asset, contested):
            tie_out = await rest.pay.tokens.tie_out(asset)
            if not tie_out.is_tied_out:
                yield "books and chain", str(tie_out)


def _is_open(oracle: StandardOracle, asset: str, contested: Collection[str]) -> bool:
    """Whether the chain differs from the books for a reason that is named by itself.

    A person has to look at an intent, or a burn that the books had first was refused.
    """
    return any(
        effect.cause_id in contested or (effect.kind is EffectKind.BURN and effect.status in REFUSED)
        for effect in oracle.mirror.of(Effect)
        if effect.asset == asset
    )


def _told(oracle: StandardOracle, effect: Effect) -> EffectStatus | None:
    """What the provider said last, in our words."""
    several = oracle.facts.of(effect.id)
    told = [status for movement in several for status in movement.told]
    if not told:
        return None
    is_rails = slot_of(effect.kind) == "rails"
    return RAIL_WORDS[RailStatus(told[-1])] if is_rails else TOKEN_WORDS[TokenStatus(told[-1])]


def _is_behind(oracle: StandardOracle, effect_id: str) -> bool:
    """Whether an intent had ended for us before its provider said something else, of which no word came."""
    effect = oracle.mirror.get(Effect, effect_id)
    return effect is not None and effect.status in ENDED and _told(oracle, effect) is not effect.status


async def _cash(oracle: StandardOracle, rest: Rest, asset: str) -> list[Found]:
    """The bank's cash of an asset is the books', but for orders whose difference is named by itself."""
    bank = (await rest.rails.balance(asset)).micros
    mirror, books = oracle.mirror, 0
    for account, micros in mirror.balances.items():
        if account.asset == asset and account.code in CASH:
            books += micros
    causes: dict[str, int] = {}
    for effect in mirror.of(Effect):
        if effect.asset == asset and slot_of(effect.kind) == "rails":
            causes[effect.cause_id] = causes.get(effect.cause_id, 0) + oracle.facts.moved(effect.id)
    named = sum(moved - booked_cash(mirror, cause) for cause, moved in causes.items())
    if bank - books != named:
        message = f"the bank has {bank} micros of {asset}, the books {books}; orders explain {named}"
        return [("books and bank", message)]
    return []


async def _supply(oracle: StandardOracle, rest: Rest, asset: str) -> list[Found]:
    """The issuer's supply is the books' tokens, but for mints and burns that are named by themselves."""
    supply = (await rest.tokens.supply(asset)).micros
    mirror = oracle.mirror
    tokens = sum(n for a, n in mirror.balances.items() if a.asset == asset and a.code in TOKEN_CODES)
    named = 0
    for effect in mirror.of(Effect):
        if effect.asset != asset:
            continue
        if effect.kind is EffectKind.MINT:
            named += oracle.facts.moved(effect.id)
        elif effect.kind is EffectKind.BURN:
            named -= oracle.facts.moved(effect.id)
    for mint in mirror.of(Mint):
        named -= mint.amount.micros if mint.asset == asset and mint.status is MintStatus.COMPLETED else 0
    for burn in mirror.of(Burn):
        named += burn.amount.micros if burn.asset == asset and burn.status is BurnStatus.COMPLETED else 0
    if supply - tokens != named:
        message = f"the issuer has {supply} micros of {asset} out, the books {tokens}; orders explain {named}"
        return [("books and issuer", message)]
    return []
