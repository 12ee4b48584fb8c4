"""Circle's address screening as a compliance adapter: outside addresses are asked about, nothing else is."""

from __future__ import annotations

import re

from pydantic import SecretStr, ValidationError

from invoicepay.adapters.circle import wire
from invoicepay.adapters.circle.config import CircleConfig
from invoicepay.adapters.circle.errors import require_done, unreadable
from invoicepay.adapters.circle.ids import leg_key
from invoicepay.adapters.http import Answer, Limits, Request, Sender
from invoicepay.adapters.system import SystemClock
from invoicepay.errors import ConfigurationError
from invoicepay.ports.runtime import Clock
from invoicepay.ports.screening import Screened, Subject, Verdict

PATH = "/v1/w3s/compliance/screening/addresses"
OPERATION = "screening"

EVM_CHAINS = frozenset({"ARB", "AVAX", "BASE", "ETC", "ETH", "MATIC", "OP", "UNI"})
"""The chains, and their test networks, whose addresses have the form below."""
EVM_ADDRESS = re.compile(r"0[xX][0-9a-fA-F]{40}")

NO_ADDRESS = Screened(verdict=Verdict.ALLOW, reason="no address outside to screen")


class CircleScreening:
    """Asks Circle about the address at the other end of a movement, as a Screening.

    Parties are the host's to know: a counterparty that is no address is let through here, so put a screening
    of persons in front of this one where the programme needs it. Every question is a fresh one.

    Args:
        chain: Circle's word for the blockchain of the addresses; its list has more chains than wallets have.
            Where it is left out, it is the one of all assets.
        address: what an address looks like there; everything else is taken for the id of a party. It may be
            left out for EVM chains.

    Raises:
        ConfigurationError: the chain or the form of its addresses cannot be told.
    """

    def __init__(
        self,
        config: CircleConfig,
        *,
        chain: str = "",
        address: re.Pattern[str] | None = None,
        clock: Clock | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._chain = chain or _chain_of(config)
        self._address = address or _form_of_addresses(self._chain)
        self._clock = clock or SystemClock()
        self._bearer = SecretStr(f"Bearer {config.api_key.get_secret_value()}")
        self._faults = config.production_faults()
        secrets = (config.api_key,)
        self._sender = Sender(config.name, config.base_url, limits=limits or Limits(), secrets=secrets)

    def production_faults(self) -> tuple[str, ...]:
        """A key of test networks, which no real address is known to."""
        return (*self._faults, *self._sender.production_faults())

    async def screen(self, subject: Subject) -> Screened:
        address = subject.counterparty_id.strip()
        if not self._address.fullmatch(address):
            return NO_ADDRESS
        body = {
            "idempotencyKey": leg_key(f"{address}/{self._clock.now().isoformat()}", OPERATION),
            "address": address,
            "chain": self._chain,
        }
        headers = (("Authorization", self._bearer),)
        request = Request("POST", PATH, operation=OPERATION, headers=headers, json=body)
        return screened_from(await self._sender.ask(request))

    def close(self) -> None:
        """End the connections of a blocking host."""
        self._sender.close()

    async def aclose(self) -> None:
        """End the connections."""
        await self._sender.aclose()


def _chain_of(config: CircleConfig) -> str:
    chains = {asset.blockchain for asset in config.assets}
    if len(chains) != 1:
        raise ConfigurationError("the assets are on several blockchains: name the one to screen as chain")
    return chains.pop()


def _form_of_addresses(chain: str) -> re.Pattern[str]:
    """A form that fits no address of the chain would let every one of them through."""
    if chain.partition("-")[0] not in EVM_CHAINS:
        raise ConfigurationError(f"tell CircleScreening the form of an address on {chain}")
    return EVM_ADDRESS


def screened_from(answer: Answer) -> Screened:
    """The verdict: what Circle denies or freezes is blocked; anything but a plain approval is looked at.

    Raises:
        ProviderUnavailable: refused or unreadable; the movement does not start.
    """
    require_done(answer, operation=OPERATION, is_order=False)
    seen = _read(answer)
    actions = set(seen.decision.actions)
    reason = f"Circle screening: {seen.decision.rule_name or seen.result}"[:500]
    if seen.result == "DENIED" or actions & {"DENY", "FREEZE_WALLET"}:
        return Screened(verdict=Verdict.BLOCK, reason=reason)
    if seen.result == "APPROVED" and actions <= {"APPROVE"}:
        return Screened(verdict=Verdict.ALLOW)
    return Screened(verdict=Verdict.REVIEW, reason=reason)


class _Enveloped(wire.Wire):
    data: wire.AddressScreening


def _read(answer: Answer) -> wire.AddressScreening:
    """Circle writes this answer with and without its envelope."""
    for kind in (_Enveloped, wire.AddressScreening):
        try:
            seen = kind.model_validate_json(answer.body)
        except ValidationError:
            continue
        return seen.data if isinstance(seen, _Enveloped) else seen
    raise unreadable(OPERATION, answer, is_order=False)
