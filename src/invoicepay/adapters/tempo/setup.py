"""Set-up of a token: made, roles given, policy bound; run it as often as you like."""

from __future__ import annotations

from dataclasses import dataclass

from invoicepay.adapters.system import SystemClock
from invoicepay.adapters.tempo import addresses, calls
from invoicepay.adapters.tempo.addresses import PATH_USD
from invoicepay.adapters.tempo.desk import Desk
from invoicepay.adapters.tempo.extra import keccak
from invoicepay.adapters.tempo.network import TempoAccounts, TempoNetwork, TempoToken
from invoicepay.adapters.tempo.rpc import TempoRpc
from invoicepay.adapters.tempo.transaction import Call
from invoicepay.adapters.tempo.wire import Receipt
from invoicepay.domain.money import Money
from invoicepay.errors import ConfigurationError, ProviderRejected, ProviderUnknown
from invoicepay.ports.runtime import Clock
from invoicepay.ports.signing import Signer

UNMADE = (0, 1)
"""Policies that every network has: 0 refuses everybody, 1 lets everybody through."""
_SALT = b"invoicepay token 1\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPlan:
    """What a token is to be.

    Attributes:
        asset: as our books name it; `USD.tempo` becomes a token of currency USD.
        tenant: whose token; with the asset and the admin's key it decides the address.
        name, symbol: shown by wallets and explorers.
        cap: the most that may be outstanding; None leaves it as it is (at first 2^128 − 1 base units).
        quote_token: a dollar token is quoted in pathUSD.
    """

    asset: str
    tenant: str
    name: str
    symbol: str
    cap: Money | None = None
    quote_token: str = PATH_USD

    @property
    def currency(self) -> str:
        """The currency of the token, which is for ever."""
        return self.asset.partition(".")[0]

    @property
    def salt(self) -> bytes:
        """What makes the address one of this tenant and asset."""
        return keccak(_SALT + f"{self.tenant}\n{self.asset}".encode())


async def set_up(
    rpc: TempoRpc,
    signer: Signer,
    network: TempoNetwork,
    plan: TokenPlan,
    *,
    accounts: TempoAccounts | None = None,
    clock: Clock | None = None,
) -> TempoToken:
    """Make the token, give its roles, bind its policy; run it as often as you like (see `set_up_token`).

    Signs for the accounts admin, guard and fees.
    """
    roles = accounts or TempoAccounts()
    desk = Desk(rpc, signer, network, roles, clock=clock or SystemClock())
    return await set_up_token(rpc, desk, roles, plan)


async def predicted_address(desk: Desk, accounts: TempoAccounts, plan: TokenPlan) -> str:
    """Where the token stands, or will stand; nothing is sent."""
    return calls.token_address(await desk.address(accounts.admin), plan.salt)


async def set_up_token(rpc: TempoRpc, desk: Desk, accounts: TempoAccounts, plan: TokenPlan) -> TempoToken:
    """Bring the chain to the plan: each step looks first and does only what is missing.

    Killed at any moment, run twice, or run by two at once, the next run goes on from what is there: the
    address follows from the admin's key and the plan, roles and policy are read from the chain. A policy that
    was made and not bound stays behind, empty and unused.

    Raises:
        ProviderRejected: the chain refuses a step, `reason` says why.
        ProviderUnavailable, ProviderUnknown: run it again.
        ConfigurationError: the node is of another network, or the token has a policy that is not ours.
    """
    await desk.check_network()
    address = await predicted_address(desk, accounts, plan)
    await _make(rpc, desk, accounts, plan, address)
    policy = await _bind_policy(rpc, desk, accounts, address)
    return TempoToken(asset=plan.asset, address=address, policy=policy)


async def _make(rpc: TempoRpc, desk: Desk, accounts: TempoAccounts, plan: TokenPlan, address: str) -> None:
    """The token with its roles and its cap, in one transaction while nothing of it is there."""
    missing = await _missing(rpc, desk, accounts, plan, address)
    if not missing:
        return
    try:
        await desk.carry_out(accounts.admin, *missing)
    except ProviderRejected:
        if await _missing(rpc, desk, accounts, plan, address):
            raise  # else somebody else was faster


async def _missing(
    rpc: TempoRpc, desk: Desk, accounts: TempoAccounts, plan: TokenPlan, address: str
) -> list[Call]:
    """Calls of the admin that bring the token to the plan."""
    steps = list[Call]()
    exists = await rpc.number(calls.is_token(address)) == 1
    if not exists:
        admin = await desk.address(accounts.admin)
        steps.append(
            calls.create_token(plan.name, plan.symbol, plan.currency, plan.quote_token, admin, plan.salt)
        )
    for role, account in roles_of(accounts):
        holder = await desk.address(account)
        if not exists or await rpc.number(calls.has_role(address, holder, role)) == 0:
            steps.append(calls.grant_role(address, role, holder))
    cap = plan.cap.micros if plan.cap is not None else None
    if cap is not None and (not exists or await rpc.number(calls.supply_cap(address)) != cap):
        steps.append(calls.set_supply_cap(address, cap))
    return steps


def roles_of(accounts: TempoAccounts) -> tuple[tuple[bytes, str], ...]:
    """Every role that set-up gives, and the account that gets it."""
    return (
        (addresses.ISSUER_ROLE, accounts.issuer),
        (addresses.PAUSE_ROLE, accounts.guard),
        (addresses.UNPAUSE_ROLE, accounts.guard),
    )


async def _bind_policy(rpc: TempoRpc, desk: Desk, accounts: TempoAccounts, token: str) -> int:
    """A blacklist of the guard's, bound to the token; returns its number."""
    bound = await rpc.number(calls.policy_of(token))
    if bound in UNMADE:
        made = policy_made(
            await desk.carry_out(accounts.guard, calls.create_policy(await desk.address(accounts.guard)))
        )
        await desk.carry_out(accounts.admin, calls.change_policy(token, made))
        bound = await rpc.number(calls.policy_of(token))
    kind, owner = calls.words(await rpc.call(calls.policy_data(bound)), "uint8", "address")
    if (kind, owner) != (calls.BLACKLIST, await desk.address(accounts.guard)):
        raise ConfigurationError(
            f"policy {bound} of the token is not a blacklist of the account {accounts.guard}",
            hint="Name the account that made it as guard, or bind another policy with the admin's key.",
            token=token,
        )
    return bound


def policy_made(receipt: Receipt) -> int:
    """The number of the policy that a transaction made."""
    for log in receipt.logs:
        if log.address == addresses.REGISTRY and log.topics[0] == addresses.POLICY_CREATED:
            return int(log.topics[1], 16)
    raise ProviderUnknown("the chain does not tell which policy was made", hash=receipt.transaction_hash)
