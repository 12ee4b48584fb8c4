"""Whether the actor may, and which parties and wallets can take part (spec 10: authority, freeze, limits)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from invoicepay.domain import ids
from invoicepay.domain.accounts import Code
from invoicepay.domain.authority import RULES, Access, Authorize, Permission, Rule, SecondPerson, Side
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
    AuthorizerUnavailable,
    LimitExceeded,
    NotAllowed,
    NotFound,
    NotThePayer,
    SecondActorRequired,
    WalletFrozen,
)

SIDES: Mapping[str, Side] = {
    "party_id": Side.OWNER,
    "enterprise_id": Side.ENTERPRISE,
    "customer_id": Side.CUSTOMER,
    "payer_id": Side.PAYER,
    "payee_id": Side.PAYEE,
    "requester_id": Side.PAYEE,
    "owner_id": Side.OWNER,
}
"""Fields that name a row's parties, and what these are to it."""


def authorise(change: Change, row: Entity | None = None, /, **sides: str) -> None:
    """Let the actor go on with the command, or refuse; every decision asks once the row is known (S-01).

    Args:
        row: what the command is about, as it is locked; None for what is made anew.
        sides: the parties whose side counts, by the names of `Side`: `payer=payment.payer_id`.

    Raises:
        NotThePayer: only the payer may, and somebody else asks.
        NotAllowed: the actor is on no side that may, or the host's authoriser says no.
        SecondActorRequired: the host's authoriser wants another person to approve it.
        AuthorizerUnavailable: the host's authoriser does not answer.
    """
    context = change.context
    rule = RULES.get(context.operation)
    if rule is None or context.authorizer is not None or not rule.allows(context.actor, sides):
        _permitted(change, row, {Side(name): id for name, id in sides.items() if id})
    change.is_authorised = True


def _permitted(change: Change, row: Entity | None, sides: Mapping[Side, str]) -> None:
    """The same with everything that a host's authoriser or a refusal tells of."""
    context = change.context
    access = Access(
        tenant_id=context.tenant_id,
        actor=context.actor,
        operation=context.operation,
        kind=row.KIND if row is not None else "",
        sides=sides,
        row=row,
        command=context.command,
        approved_by=getattr(context.command, "approved_by", ""),
    )
    if permit(access, context.authorizer) is Permission.SECOND_PERSON:
        change.approve(second_person(change.actor, access.approved_by))


def permit(access: Access, authorizer: Authorize | None) -> Permission:
    """What the rules and then the host's authoriser say; the host cannot allow what a rule does not.

    Raises:
        NotThePayer, NotAllowed, AuthorizerUnavailable: no.
    """
    rule = RULES.get(access.operation)
    if rule is None or not rule.allows(access.actor, access.sides):
        raise _refusal(rule, access)
    if authorizer is None or access.actor.role is Role.SYSTEM:
        return Permission.ALLOW
    try:
        answer = authorizer(access)
    except Exception as error:
        raise AuthorizerUnavailable(operation=access.operation, reason=type(error).__name__) from error
    if answer not in (Permission.ALLOW, Permission.SECOND_PERSON):
        raise NotAllowed(
            f"{access.actor} may not: {access.operation}",
            hint="The authoriser of this installation decides; ask whoever keeps it.",
            actor=access.actor.subject,
        )
    return Permission(answer)


def _refusal(rule: Rule | None, access: Access) -> NotAllowed | NotThePayer:
    """Why the rules say no, in words that name who may."""
    actor = access.actor
    if rule is None or actor.role is not Role.PARTY:
        return NotAllowed(f"{actor} may not: {access.operation}", actor=actor.subject)
    if access.operation == "rows.list":
        hint = f"Name {actor.party_id} as one of the sides, such as the payer, the customer or the party."
        return NotAllowed(f"{actor} may only list what is its own", hint=hint, actor=actor.subject)
    if not rule.sides or not access.sides:
        return NotAllowed(f"{actor} is not an operator", actor=actor.subject)
    who = " or ".join(access.sides.values())
    if access.sides.keys() == {Side.PAYER}:
        return NotThePayer(f"{actor} is not {who}", actor=actor.subject, payer=who)
    return NotAllowed(f"{actor} may not act for {who}", actor=actor.subject)


def require_authorised(change: Change) -> None:
    """Refuse a decision that asked nobody, or that wants two people and has one: the default is no (S-01).

    Raises:
        NotAllowed: the command has no rule, or its decision never asked whether the actor may.
        SecondActorRequired: its rule wants a second person, and none was named.
    """
    actor, rule = change.actor, RULES.get(change.context.operation)
    is_own = actor.role is Role.SYSTEM and rule is not None and rule.system
    if rule is None or not (change.is_authorised or is_own):
        raise NotAllowed(f"{actor} may not: {change.context.operation}", actor=actor.subject)
    if rule.second is SecondPerson.ALWAYS and not change.approved_by:
        raise SecondActorRequired(actor=actor.subject)


def is_noted(change: Change) -> bool:
    """Whether the log of operations keeps the decision: two people made it, or its rule says so (S-36)."""
    rule = RULES.get(change.context.operation)
    is_own = change.actor.role is Role.SYSTEM
    return bool(change.approved_by) or (rule is not None and rule.is_noted and not is_own)


def second_actor(change: Change, approved_by: str) -> None:
    """Four eyes of the operator: one person asks, another approved, the trail names both (spec 10, S-03).

    Raises:
        NotAllowed: a party asks.
        InvalidIdentifier: nobody can be called that.
        SecondActorRequired: nobody approved, or somebody who stands behind the call.
    """
    if change.actor.role is Role.PARTY:
        raise NotAllowed(f"{change.actor} is not an operator", actor=change.actor.subject)
    change.approve(second_person(change.actor, approved_by))


def second_person(actor: Actor, approved_by: str) -> str:
    """The person who approved, and who is none of those behind the call, however the name is written.

    Who acts in another's place is never the second person to that one, nor the other way round.

    Raises:
        InvalidIdentifier: nobody can be called that.
        SecondActorRequired: nobody approved, or somebody who stands behind the call.
    """
    if not approved_by:
        raise SecondActorRequired(actor=actor.subject)
    second = ids.party_id(approved_by, "approved_by").casefold()
    if second in {person.casefold() for person in actor.persons}:
        raise SecondActorRequired(actor=actor.subject)
    return approved_by


def sides_of(row: Entity) -> dict[Side, str]:
    """The parties of a row by what they are to it; a party is its own owner."""
    if isinstance(row, Party):
        return {Side.OWNER: row.id}
    return {side: id for name, side in SIDES.items() if (id := getattr(row, name, ""))}


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
