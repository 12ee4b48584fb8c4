"""Orders become movements between wallets, and movements become calls."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from invoicepay.adapters.tempo import calls
from invoicepay.adapters.tempo.network import TempoAccounts, TempoToken
from invoicepay.adapters.tempo.transaction import Call
from invoicepay.errors import ConfigurationError, ProviderRejected
from invoicepay.ports.signing import ForeseesRefusals, Signer
from invoicepay.ports.slots import Move
from invoicepay.ports.tokens import MoveKind, TokenMove, TokenOrder

Custody = Literal["wallets", "omnibus"]
"""One wallet for each party; or one for all, whose shares only our books know."""

_DIGEST = re.compile(r"(?:0x)?([0-9a-fA-F]{64})")


class Wallets:
    """Whose wallet is where, and which token is which; every wallet is an account of the signer.

    Args:
        tokens: by asset.
        tenant_id: part of each wallet's account, so that tenants with one signer stay apart.
    """

    accounts: TempoAccounts
    tokens: Mapping[str, TempoToken]

    def __init__(
        self,
        signer: Signer,
        accounts: TempoAccounts,
        tokens: Mapping[str, TempoToken],
        *,
        custody: Custody,
        tenant_id: str,
    ) -> None:
        self.accounts, self.tokens, self.custody = accounts, tokens, custody
        self._signer, self._tenant_id = signer, tenant_id

    def token(self, asset: str) -> TempoToken:
        """The token of an asset.

        Raises:
            ConfigurationError: there is none.
        """
        if asset not in self.tokens:
            raise ConfigurationError("no token is configured for this asset", asset=asset)
        return self.tokens[asset]

    def account_of(self, party_id: str) -> str:
        """The name of a party's account at the signer."""
        if self.custody == "omnibus":
            return f"omnibus:{self._tenant_id}"
        return f"wallet:{self._tenant_id}:{party_id}"

    async def address_of(self, party_id: str) -> str:
        """The address of a party's wallet; that of the one wallet where there is one for all."""
        return await self._signer.address(self.account_of(party_id))

    async def issuer(self) -> str:
        """The address that mints and burns."""
        return await self._signer.address(self.accounts.issuer)

    async def operator(self) -> str:
        """The address that moves tokens of wallets that approved it."""
        return await self._signer.address(self.accounts.operator)

    async def sender(self, kind: MoveKind) -> str:
        """The address that sends movements of a kind."""
        return await self.operator() if kind is MoveKind.TRANSFER else await self.issuer()

    async def refusal(self, move: Move) -> str:
        """Why the signer would not sign for a movement, if it can tell; empty when it would.

        Raises:
            ProviderUnavailable: the key service was not reached.
        """
        if not isinstance(self._signer, ForeseesRefusals):
            return ""
        account = self.accounts.operator if move.kind is MoveKind.TRANSFER else self.accounts.issuer
        made = self.calls_of(move, await self.sender(move.kind))
        return await self._signer.refusal(account, [(call.to, call.data) for call in made])

    def calls_of(self, move: Move, sender: str) -> tuple[Call, ...]:
        """The calls by which `sender` carries a movement out; an issuer burns only what it holds itself."""
        token, memo, amount = (
            self.token(move.amount.asset).address,
            bytes.fromhex(move.memo),
            move.amount.micros,
        )
        if move.kind is MoveKind.MINT:
            return (calls.mint(token, move.target, amount, memo),)
        if move.kind is MoveKind.BURN:
            return calls.pull(token, move.source, sender, amount, memo), calls.burn(token, amount, memo)
        return (calls.pull(token, move.source, move.target, amount, memo),)

    async def movement_of(self, asked: TokenMove) -> Move:
        """The movement that an order asks for.

        Raises:
            ProviderRejected: it asks for what this chain, or this custody, does not have.
            ProviderUnavailable, NotFound: the signer does not tell an address.
        """
        self._refuse_impossible(asked)
        order, has_source = asked.order, asked.kind is not MoveKind.MINT
        has_target = asked.kind is not MoveKind.BURN
        return replace(
            bare_movement(asked),
            source=await self.address_of(order.from_party) if has_source else "",
            target=await self.address_of(order.to_party) if has_target else "",
        )

    def _refuse_impossible(self, asked: TokenMove) -> None:
        amount, reason = asked.order.amount, "configuration"
        if amount.asset not in self.tokens:
            raise ProviderRejected("there is no such token here", reason=reason, asset=amount.asset)
        if amount.micros <= 0:  # the chain would carry out a movement of nothing
            raise ProviderRejected("an amount is above zero", reason=reason, amount=str(amount))
        if asked.kind is MoveKind.TRANSFER and self.custody == "omnibus":
            raise ProviderRejected(
                "one wallet holds all tokens: between parties they move in the books only", reason=reason
            )


def bare_movement(asked: TokenMove) -> Move:
    """What an order asks for without the addresses, which it may not have."""
    order = asked.order
    return Move(
        reference=order.reference,
        idempotency_key=asked.idempotency_key,
        kind=asked.kind,
        amount=order.amount,
        from_party="" if asked.kind is MoveKind.MINT else order.from_party,
        to_party="" if asked.kind is MoveKind.BURN else order.to_party,
        memo=memo_of(order),
    )


def memo_of(order: TokenOrder) -> str:
    """32 bytes as hexadecimal text: the order's digest, or one of its reference; never anything readable.

    Examples:
        >>> from invoicepay.domain.money import Money
        >>> memo_of(TokenOrder(reference="eff_1", amount=Money.of("1.00 USD")))[:16]
        '8d2b7ae62ba477c8'
    """
    if found := _DIGEST.fullmatch(order.memo):
        return found[1].lower()
    return _digest(order.memo or order.reference)


def provider_ref_of(reference: str) -> str:
    """A movement's name at this provider; it stays the same whatever transaction carries the movement."""
    return f"0x{_digest(reference)}"


def is_same(bound: Move, asked: Move) -> bool:
    """Whether a movement that was bound is the one that is asked for now."""
    return _meaning(bound) == _meaning(asked)


def call_count(kind: MoveKind) -> int:
    """How many calls a movement of a kind takes."""
    return 2 if kind is MoveKind.BURN else 1


def _meaning(move: Move) -> tuple[object, ...]:
    return move.kind, move.amount, move.from_party, move.to_party, move.memo, move.idempotency_key


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
