"""Who may do what, and which parties and wallets can take part (spec 10: authority, freeze, limits)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from invoicepay.domain import ids
from invoicepay.domain.accounts import Code
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.entity import Entity
from invoicepay.domain.money import Money
from invoicepay.domain.needs import NOTHING, Needs, RowKey, need
from invoicepay.domain.parties import (
    Actor,
    LimitCounter,
    Party,
    PartyKind,
    PartyStatus,
    Role,
    Wallet,
    WalletStatus,
    wallet_id,
)
from invoicepay.errors import (
    LimitExceeded,
    NotAllowed,
    NotFound,
    NotThePayer,
    SecondActorRequired,
    WalletFrozen,
)

SIDES = ("party_id", "enterprise_id", "customer_id", "payer_id", "payee_id", "requester_id", "owner_id")
"""Fields that name a row's parties."""


def payer_side(actor: Actor, party_id: str) -> None:
    """Let the party itself or an operator go on.

    Raises:
        NotThePayer: somebody else asks.
    """
    if actor.role is Role.PARTY and actor.subject != party_id:
        raise NotThePayer(f"{actor.subject} is not {party_id}", actor=actor.subject, payer=party_id)


def enterprise_side(actor: Actor, enterprise_id: str) -> None:
    """Let the enterprise itself or an operator go on.

    Raises:
        NotAllowed: somebody else asks.
    """
    if actor.role is Role.PARTY and actor.subject != enterprise_id:
        raise NotAllowed(f"{actor.subject} may not act for {enterprise_id}", actor=actor.subject)


def operator_only(actor: Actor) -> None:
    """Let operators and the library itself go on.

    Raises:
        NotAllowed: a party asks.
    """
    if actor.role is Role.PARTY:
        raise NotAllowed(f"{actor.subject} is not an operator", actor=actor.subject)


def second_actor(change: Change, approved_by: str) -> None:
    """Four eyes: an operator asks, another person approved, and the trail names both (spec 10).

    Raises:
        NotAllowed: a party asks.
        InvalidIdentifier: nobody can be called that.
        SecondActorRequired: nobody approved, or the same person did.
    """
    operator_only(change.actor)
    if not approved_by or ids.party_id(approved_by, "approved_by") == change.actor.subject:
        raise SecondActorRequired(actor=change.actor.subject)
    change.approve(approved_by)


def look_side(actor: Actor, party_id: str) -> None:
    """Let the party itself or an operator look at what it has.

    Raises:
        NotAllowed: another party asks.
    """
    if actor.role is Role.PARTY and actor.subject != party_id:
        raise NotAllowed(f"{actor.subject} may not look at what {party_id} has", actor=actor.subject)


def may_see(actor: Actor, row: Entity) -> bool:
    """Whether the actor is one of the row's parties, or no party at all (S-01)."""
    if actor.role is not Role.PARTY:
        return True
    sides = (row.id,) if isinstance(row, Party) else tuple(getattr(row, name, "") for name in SIDES)
    return actor.subject in sides


def require_own(actor: Actor, conditions: Mapping[str, object]) -> None:
    """Let a party search only among what it is a side of.

    Raises:
        NotAllowed: no condition names the party that asks.
    """
    if actor.role is Role.PARTY and actor.subject not in [conditions.get(name) for name in SIDES]:
        raise NotAllowed(
            f"{actor.subject} may only list what is its own",
            hint=f"Name {actor.subject} as one of the sides, such as the payer, the customer or the party.",
            actor=actor.subject,
        )


def party_needs(*party_ids: str, asset: str = "") -> Needs:
    """The rows that `known_party`, `payable` and `receiving_code` read; many may read them at once."""
    return need(reads=party_rows(*party_ids, asset=asset))


def party_rows(*party_ids: str, asset: str = "") -> list[RowKey]:
    """The same rows by name, for needs that are put together at once."""
    parties: list[RowKey] = [(Party, id) for id in party_ids]
    if asset:
        parties += [(Wallet, wallet_id(id, asset)) for id in party_ids]
    return parties


def customer_needs(customer_id: str) -> Needs:
    """The row that keeps a customer's invoices and credits in step.

    Whoever makes an invoice wait for money, opens a lot or brings the two together holds it for itself: so
    neither escapes a search that runs while the other is being written.
    """
    return need((Party, customer_id))


def owner_needs(party_id: str, asset: str = "") -> Needs:
    """The same rows for a command that changes them: while it does, nobody else reads them."""
    wallets = [(Wallet, wallet_id(party_id, asset))] if asset else []
    return need((Party, party_id), *wallets)


def known_party(change: Change, party_id: str, *, kind: PartyKind = PartyKind.USER) -> Party:
    """The party; made on first use where the programme registers unknown ones (decision D14).

    Args:
        kind: what an unknown party is made as; an enterprise is also required to be one.

    Raises:
        InvalidIdentifier: an id that no party can have.
        NotFound: unknown, closed, or asked to act as an enterprise without being one.
    """
    party = change.peek(Party, party_id)
    if party is None and change.programme.unknown_parties == "register":
        return change.add(Party(id=ids.party_id(party_id), kind=kind), "party.registered")
    if party is None:
        hint = f'Check the identifier; a new party is made known first: parties.register(id, kind="{kind}").'
        raise NotFound(f"there is no {kind} {party_id}", hint=hint, kind=kind, id=party_id)
    if party.status is not PartyStatus.ACTIVE:
        raise NotFound(f"{kind} {party_id} was closed", kind=kind, id=party_id)
    if kind is PartyKind.ENTERPRISE and party.kind is PartyKind.USER:
        hint = "Name an enterprise; the kind of a party is chosen when it is registered and stays."
        raise NotFound(f"{party_id} is no enterprise but a {party.kind}", hint=hint, kind=kind, id=party_id)
    return party


def payable(change: Change, party_id: str, asset: str) -> None:
    """Check that the party's wallet may pay.

    Raises:
        WalletFrozen: compliance blocked it.
    """
    wallet = change.peek(Wallet, wallet_id(party_id, asset))
    if wallet is not None and wallet.status is WalletStatus.FROZEN:
        raise WalletFrozen(f"the {asset} wallet of {party_id} is frozen", party=party_id, asset=asset)


def receiving_code(change: Change, party_id: str, asset: str) -> Code:
    """Where tokens for the party arrive: 2000, or 2030 while its wallet is frozen (spec 10)."""
    wallet = change.peek(Wallet, wallet_id(party_id, asset))
    is_frozen = wallet is not None and wallet.status is WalletStatus.FROZEN
    return Code.FROZEN if is_frozen else Code.AVAILABLE


def limit_needs(seen: Snapshot, party_id: str, asset: str) -> Needs:
    """The counter that `check_limit` reads and moves, where there is a daily limit."""
    if not seen.programme.limits.by_tier:
        return NOTHING
    return need((LimitCounter, counter_id(party_id, asset, seen.now.date())))


def counter_id(party_id: str, asset: str, day: date) -> str:
    """The id of a party's counter for one day."""
    return f"{day.isoformat()}/{asset}/{party_id}"


def check_limit(change: Change, party: Party, amount: Money) -> None:
    """Count the amount against the programme's limits; does nothing where none is set.

    Raises:
        LimitExceeded: more than the programme lets this party move per call or per UTC day.
    """
    limits = change.programme.limits
    if limits.per_call_micros is not None and amount.micros > limits.per_call_micros:
        raise LimitExceeded(party=party.id, limit_micros=limits.per_call_micros)
    daily = limits.by_tier.get(party.kyc_tier)
    if daily is None:
        return
    today = change.now.date()
    id = counter_id(party.id, amount.asset, today)
    counter = change.peek(LimitCounter, id)
    used = (counter.used if counter else Money.zero(amount.asset)) + amount
    if used.micros > daily:
        raise LimitExceeded(party=party.id, limit_micros=daily)
    if counter is None:
        change.add(LimitCounter(id=id, party_id=party.id, asset=amount.asset, day=today, used=used))
    else:
        change.put(replace(counter, used=used))
