"""Parties and their wallets: register, verify, close; freeze and unfreeze (spec 10, P-09)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from invoicepay.domain import wallets
from invoicepay.domain.access import authorise, known_party, owner_needs
from invoicepay.domain.accounts import PER_PARTY, Account, available, frozen
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.ids import clean_text, party_id
from invoicepay.domain.money import Money
from invoicepay.domain.needs import Needs, need
from invoicepay.domain.parties import (
    PARTY,
    Party,
    PartyCommand,
    PartyKind,
    Wallet,
    checked_tier,
)
from invoicepay.domain.policies import Policy
from invoicepay.domain.shape import identifier
from invoicepay.domain.time import zone
from invoicepay.errors import InvalidInput, InvalidText, InvoicePayError, PartyHasBalances
from invoicepay.use_cases.batches import Asked, in_batches
from invoicepay.use_cases.perform import Deps, UseCase, perform

LONGEST_REASON = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterParty:
    """Make a party known under the host's id; what is left out takes its default."""

    party_id: str
    kind: PartyKind
    kyc_tier: int | None = None
    policy: Policy | None = None
    timezone: str | None = None


def _needs_register(command: RegisterParty, _seen: Snapshot) -> Needs:
    return owner_needs(command.party_id)


def decide_register_party(command: RegisterParty, change: Change) -> Party:
    """Add the party, or answer with the one that was registered alike (D14)."""
    asked = _asked(command)
    authorise(change)
    known = change.peek(Party, command.party_id)
    status = PARTY.after(known.status if known else None, PartyCommand.REGISTER)
    if known is None:
        return change.add(Party(id=party_id(command.party_id), status=status, **asked), "party.registered")
    differing = [name for name, value in asked.items() if getattr(known, name) != value]
    if differing:
        raise InvalidInput(
            f"{known.id} is registered with another {' and '.join(differing)}",
            hint="The kind is fixed; tier and policy have their own calls.",
            party=known.id,
            fields=differing,
        )
    return known


def _asked(command: RegisterParty) -> dict[str, Any]:
    """What was named, each checked."""
    asked: dict[str, Any] = {"kind": command.kind}
    if command.kyc_tier is not None:
        asked["kyc_tier"] = checked_tier(command.kyc_tier)
    if command.policy is not None:
        asked["policy"] = command.policy
    if command.timezone is not None:
        asked["timezone"] = zone(command.timezone).key
    return asked


REGISTER = UseCase("parties.register", Party, _needs_register, decide_register_party)


async def register_party(deps: Deps, command: RegisterParty, key: str | None = None) -> Party:
    """Make a party known; registering it again alike answers with the same.

    Raises:
        NotAllowed: the actor is no operator.
        InvalidTransition: it was closed.
        InvalidInput: it is registered with another kind, tier, policy or time zone.
    """
    return await perform(deps, REGISTER, command, key)


async def register_many(deps: Deps, asked: Sequence[Asked[RegisterParty]]) -> list[Party | InvoicePayError]:
    """Make many parties known in order, each with its own outcome."""
    return await in_batches(deps, REGISTER, asked)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdatePolicy:
    """Change how an enterprise treats payments from now on."""

    party_id: str
    policy: Policy


def decide_update_policy(command: UpdatePolicy, change: Change) -> Party:
    """Put the new policy in place; what was settled stays settled."""
    party = _active(change, command.party_id)
    return change.put(replace(party, policy=command.policy), "party.policy_updated")


UPDATE_POLICY = UseCase(
    "parties.update_policy",
    Party,
    lambda command, _: owner_needs(command.party_id),
    decide_update_policy,
)


async def update_policy(deps: Deps, command: UpdatePolicy, key: str | None = None) -> Party:
    """Change how an enterprise treats payments (spec 6); operators only, for it names the platform's fee.

    Raises:
        NotFound: no such party.
        NotAllowed: the actor is no operator.
    """
    return await perform(deps, UPDATE_POLICY, command, key)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTier:
    """Record how far the host has verified a party."""

    party_id: str
    kyc_tier: int


def decide_set_tier(command: SetTier, change: Change) -> Party:
    """Put the new tier in place; limits follow from it at the next movement."""
    tier = checked_tier(command.kyc_tier)
    party = _active(change, command.party_id)
    return change.put(replace(party, kyc_tier=tier), "party.tier_set")


SET_TIER = UseCase(
    "parties.set_tier", Party, lambda command, _: owner_needs(command.party_id), decide_set_tier
)


async def set_tier(deps: Deps, command: SetTier, key: str | None = None) -> Party:
    """Record how far the host has verified a party.

    Raises:
        InvalidInput: not a whole number from 0 to 99.
        NotFound: no such party.
        NotAllowed: the actor is no operator.
    """
    return await perform(deps, SET_TIER, command, key)


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseParty:
    """End a party that holds and owes nothing.

    Attributes:
        assets: those that it ever had; put in by the use case.
    """

    party_id: str
    assets: tuple[str, ...] = field(default=(), compare=False)


def _owned(command: CloseParty) -> list[Account]:
    return [Account(code, asset, command.party_id) for code in PER_PARTY for asset in command.assets]


def _needs_close(command: CloseParty, _seen: Snapshot) -> Needs:
    return owner_needs(command.party_id) | need(accounts=_owned(command))


def decide_close_party(command: CloseParty, change: Change) -> Party:
    """Close the party, unless an account of its own still holds something."""
    party = _active(change, command.party_id, then=PartyCommand.CLOSE)
    left = {account: change.balance(account) for account in _owned(command)}
    shown = {a.name: str(Money.from_micros(n, a.asset)) for a, n in left.items() if n}
    if shown:
        raise PartyHasBalances(f"{party.id} still has {', '.join(sorted(shown.values()))}", balances=shown)
    return change.put(replace(party, status=PARTY.after(party.status, PartyCommand.CLOSE)), "party.closed")


CLOSE = UseCase("parties.close", Party, _needs_close, decide_close_party)


async def close_party(deps: Deps, command: CloseParty, key: str | None = None) -> Party:
    """End a party: it starts nothing new, and nobody sends to it any more.

    Raises:
        InvalidIdentifier: nobody can be called that.
        NotFound: no such party.
        NotAllowed: the actor is no operator.
        PartyHasBalances: it still holds, or is owed, or owes something.
    """
    identifier(command.party_id, "the party")
    async with deps.repository.reader(deps.tenant_id) as reader:
        accounts = await reader.balances(party_id=command.party_id)
    assets = {account.asset for account in accounts} | deps.programme.assets.keys()
    return await perform(deps, CLOSE, replace(command, assets=tuple(sorted(assets))), key)


def _active(change: Change, id: str, *, then: PartyCommand = PartyCommand.UPDATE) -> Party:
    """The party, for an operator's command that its state allows."""
    party = change.get(Party, id)
    authorise(change, party)
    PARTY.after(party.status, then)
    return party


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenWallet:
    """Give a party a wallet for an asset, before anything arrives in it."""

    party_id: str
    asset: str


def decide_open_wallet(command: OpenWallet, change: Change) -> Wallet:
    """Add the wallet, or answer with the one that is open."""
    asset = change.programme.asset(command.asset).code
    known_party(change, command.party_id)
    authorise(change, owner=command.party_id)
    return wallets.opened(change, command.party_id, asset)


OPEN_WALLET = UseCase(
    "parties.open_wallet",
    Wallet,
    lambda command, _: owner_needs(command.party_id, asset=command.asset),
    decide_open_wallet,
)


async def open_wallet(deps: Deps, command: OpenWallet, key: str | None = None) -> Wallet:
    """Give a party a wallet for an asset; it may also be left to the first token that arrives.

    Raises:
        UnknownAsset: the programme does not have it.
        NotFound: no such party.
        NotAllowed: the actor is somebody else.
    """
    return await perform(deps, OPEN_WALLET, command, key)


@dataclass(frozen=True, slots=True, kw_only=True)
class FreezeWallet:
    """Block a party's spendable tokens of an asset, and whatever arrives later."""

    party_id: str
    asset: str
    reason: str


def _needs_freeze(command: FreezeWallet, _seen: Snapshot) -> Needs:
    accounts = [available(command.party_id, command.asset)]
    return owner_needs(command.party_id, asset=command.asset) | need(accounts=accounts)


def decide_freeze_wallet(command: FreezeWallet, change: Change) -> Wallet:
    """Move everything available to 2030 (P-09); held tokens go there when their hold ends."""
    reason, asset = _stated(command.reason), change.programme.asset(command.asset).code
    _operated(change, command.party_id)
    return wallets.freeze(change, command.party_id, asset, reason=reason)


FREEZE = UseCase("parties.freeze_wallet", Wallet, _needs_freeze, decide_freeze_wallet)


async def freeze_wallet(deps: Deps, command: FreezeWallet, key: str | None = None) -> Wallet:
    """Block a wallet: its tokens are neither spendable nor payable, and new ones land in 2030 (P-09).

    Raises:
        InvalidText: no reason was stated.
        NotFound: no such party.
        NotAllowed: the actor is no operator.
        InvalidTransition: it is frozen already.
    """
    return await perform(deps, FREEZE, command, key)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnfreezeWallet:
    """Let a party's blocked tokens of an asset go."""

    party_id: str
    asset: str
    reason: str


def _needs_unfreeze(command: UnfreezeWallet, _seen: Snapshot) -> Needs:
    accounts = [frozen(command.party_id, command.asset)]
    return owner_needs(command.party_id, asset=command.asset) | need(accounts=accounts)


def decide_unfreeze_wallet(command: UnfreezeWallet, change: Change) -> Wallet:
    """Move everything from 2030 back to available (P-09 reversed)."""
    reason, asset = _stated(command.reason), change.programme.asset(command.asset).code
    _operated(change, command.party_id)
    return wallets.unfreeze(change, command.party_id, asset, reason=reason)


UNFREEZE = UseCase("parties.unfreeze_wallet", Wallet, _needs_unfreeze, decide_unfreeze_wallet)


async def unfreeze_wallet(deps: Deps, command: UnfreezeWallet, key: str | None = None) -> Wallet:
    """Let blocked tokens go, those included that arrived during the freeze (P-09 reversed).

    Raises:
        InvalidText: no reason was stated.
        NotFound: no such party.
        NotAllowed: the actor is no operator.
        InvalidTransition: it is not frozen.
    """
    return await perform(deps, UNFREEZE, command, key)


def _stated(reason: str) -> str:
    text = clean_text(reason, LONGEST_REASON, "the reason")
    if not text.strip():
        raise InvalidText("state a reason; it goes into the audit trail")
    return text


def _operated(change: Change, id: str) -> None:
    known_party(change, id)
    authorise(change)
