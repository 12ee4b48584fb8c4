"""How a Tempo network and our tokens on it are: everything that money movements there need."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from invoicepay.adapters.tempo import addresses, calls
from invoicepay.adapters.tempo.network import TempoAccounts, TempoNetwork, TempoToken
from invoicepay.adapters.tempo.rpc import TempoRpc
from invoicepay.adapters.tempo.transaction import MOST_CALLS, gas_for
from invoicepay.adapters.tempo.wire import Block
from invoicepay.errors import ProviderError
from invoicepay.ports.health import Check, Health
from invoicepay.ports.runtime import Clock
from invoicepay.ports.signing import Signer

NEWEST_FORK: Final = 12
"""The newest fork of the protocol whose notes this version follows."""
LONGEST_LAG_SECONDS: Final = 10
FEES_FOR: Final = 100
"""For how many full transactions the fee wallet must hold enough at once."""

_FORK = re.compile(r"[Tt](\d{1,3})\w?")

Look = Callable[[], Awaitable[tuple[bool, str]]]


class TempoHealth:
    """Looks at the network, the tokens and the fee wallet; moves nothing."""

    def __init__(
        self,
        rpc: TempoRpc,
        signer: Signer,
        network: TempoNetwork,
        accounts: TempoAccounts,
        tokens: Sequence[TempoToken],
        *,
        clock: Clock,
    ) -> None:
        self._rpc, self._signer, self._network = rpc, signer, network
        self._accounts, self._tokens, self._clock = accounts, tokens, clock

    async def look(self, provider: str = "tempo") -> Health:
        """Every check; where the node is not reached at all, that one alone."""
        reached = await _checked("chain_id", self._chain)
        if not reached.is_ok:
            return Health(provider, (reached,))
        checks = [reached]
        for name, look in self._looks():
            checks.append(await _checked(name, look))
        return Health(provider, tuple(checks))

    def _looks(self) -> list[tuple[str, Look]]:
        looks: list[tuple[str, Look]] = [
            ("head", self._head),
            ("finality", self._finality),
            ("fork", self._fork),
            ("fee_wallet", self._fee_wallet),
        ]
        for token in self._tokens:
            looks += [
                (f"{token.asset}.roles", _about(self._roles, token)),
                (f"{token.asset}.running", _about(self._running, token)),
                (f"{token.asset}.policy", _about(self._policy, token)),
                (f"{token.asset}.cap", _about(self._cap, token)),
            ]
        return looks

    async def _chain(self) -> tuple[bool, str]:
        found, wanted = await self._rpc.chain_id(), self._network.chain_id
        return found == wanted, f"chain {found}" if found == wanted else f"chain {found}, not {wanted}"

    async def _head(self) -> tuple[bool, str]:
        block = await self._rpc.block()
        age = max(0, int(self._clock.now().timestamp()) - block.timestamp)
        longest = self._network.longest_silence_seconds
        return longest is None or age <= longest, f"block {block.number} is {age} s old"

    async def _finality(self) -> tuple[bool, str]:
        final, head = await self._rpc.block("finalized"), await self._rpc.block()
        lag = head.timestamp - final.timestamp
        return lag <= LONGEST_LAG_SECONDS, f"{_blocks(head, final)} and {lag} s behind the head"

    async def _fork(self) -> tuple[bool, str]:
        """A newer fork is no failure: it is told, so that somebody reads its notes."""
        fork = await self._rpc.fork()
        number = _FORK.fullmatch(fork)
        is_newer = number is not None and int(number[1]) > NEWEST_FORK
        known = f"; this version knows forks up to T{NEWEST_FORK}" if is_newer else ""
        return True, f"{fork or 'not told'}{known}"

    async def _fee_wallet(self) -> tuple[bool, str]:
        wallet = await self._signer.address(self._accounts.fees)
        held = await self._rpc.number(calls.balance_of(self._network.fee_token, wallet))
        needed = FEES_FOR * gas_for(MOST_CALLS) * self._network.max_fee // 10**12
        return held >= needed, f"{_units(held)} of the fee token; {_units(needed)} are wanted"

    async def _roles(self, token: TempoToken) -> tuple[bool, str]:
        wanted = {
            "issuer": (addresses.ISSUER_ROLE, self._accounts.issuer),
            "pause": (addresses.PAUSE_ROLE, self._accounts.guard),
            "unpause": (addresses.UNPAUSE_ROLE, self._accounts.guard),
        }
        missing = [
            name
            for name, (role, account) in wanted.items()
            if not await self._rpc.number(
                calls.has_role(token.address, await self._signer.address(account), role)
            )
        ]
        return not missing, f"missing: {', '.join(missing)}" if missing else "all given"

    async def _running(self, token: TempoToken) -> tuple[bool, str]:
        is_paused = await self._rpc.number(calls.is_paused(token.address)) == 1
        return not is_paused, "paused" if is_paused else "not paused"

    async def _policy(self, token: TempoToken) -> tuple[bool, str]:
        bound = await self._rpc.number(calls.policy_of(token.address))
        return bound == token.policy, f"policy {bound}" + (
            "" if bound == token.policy else f", not {token.policy}"
        )

    async def _cap(self, token: TempoToken) -> tuple[bool, str]:
        supply = await self._rpc.number(calls.total_supply(token.address))
        room = await self._rpc.number(calls.supply_cap(token.address)) - supply
        return room > 0, f"{_units(supply)} outstanding, room for {_units(room)}"


def _about(look: Callable[[TempoToken], Awaitable[tuple[bool, str]]], token: TempoToken) -> Look:
    return lambda: look(token)


async def _checked(name: str, look: Look) -> Check:
    """A look that fails is a check that is not ok."""
    try:
        is_ok, seen = await look()
    except ProviderError as error:
        is_ok, seen = False, error.message
    return Check(name, is_ok, seen)


def _blocks(head: Block, final: Block) -> str:
    return f"{head.number - final.number} blocks"


def _units(units: int) -> str:
    """Base units of a token, of which a whole one has a million."""
    return f"{units // 10**6}.{units % 10**6:06d}"
