"""Whether Circle can do its work for us now: reached, let in, and enough in the treasury."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from invoicepay.adapters.circle import wire
from invoicepay.errors import ProviderError
from invoicepay.ports.health import Check, Health

if TYPE_CHECKING:
    from invoicepay.adapters.circle.config import CircleAsset, CircleConfig, MintConfig
    from invoicepay.adapters.circle.mint import MintApi
    from invoicepay.adapters.circle.w3s import WalletsApi
    from invoicepay.domain.money import Money

Look = Callable[[], Awaitable[Check]]
BalanceOf = Callable[[str, "CircleAsset"], Awaitable["Money"]]


async def of_tokens(config: CircleConfig, api: WalletsApi, balance_of: BalanceOf) -> Health:
    """Let in; for each asset the treasury wallet alive, its float and its gas above their marks."""
    checks = [await _looked("access", lambda: _access(api))]
    for asset in config.assets:
        checks += await _treasury(asset, api, balance_of)
    return Health(config.name, tuple(checks))


async def of_treasury(config: MintConfig, api: MintApi) -> Health:
    """Let in; of what is configured: recipient approved, bank linked, notifications confirmed."""
    checks = [await _looked("access", lambda: _mint_access(api))]
    if config.recipient_id:
        checks.append(await _looked("recipient", lambda: _recipient(config, api)))
    if config.bank_id:
        checks.append(await _looked("bank", lambda: _bank(config, api)))
    if config.topics:
        checks.append(await _looked("notifications", lambda: _subscription(api)))
    return Health(config.name, tuple(checks))


async def _looked(name: str, look: Look) -> Check:
    """A look that fails is a check that is not ok."""
    try:
        return await look()
    except ProviderError as error:
        return Check(name, False, error.message)


async def _access(api: WalletsApi) -> Check:
    await api.ask("/v1/w3s/config/entity", wire.Entity, operation="access")
    return Check("access", True, "the key is accepted")


async def _treasury(asset: CircleAsset, api: WalletsApi, balance_of: BalanceOf) -> list[Check]:
    async def wallet() -> Check:
        path = f"/v1/w3s/wallets/{asset.treasury_wallet_id}"
        box = await api.ask(path, wire.WalletBox, operation="treasury wallet")
        is_right = box.wallet.blockchain == asset.blockchain
        state = box.wallet.state if is_right else f"on {box.wallet.blockchain}, not {asset.blockchain}"
        return Check(f"treasury {asset.asset}", is_right and box.wallet.state == "LIVE", state)

    async def float_() -> Check:
        left = await balance_of(asset.treasury_wallet_id, asset)
        is_ok = asset.low_float is None or left >= asset.low_float
        return Check(f"float {asset.asset}", is_ok, f"{left} left")

    async def gas() -> Check:
        left = await _native(asset, api)
        return Check(f"gas {asset.asset}", left >= Decimal(asset.low_gas), f"{left} left")

    looks: list[tuple[str, Look]] = [("treasury", wallet), ("float", float_)]
    if asset.low_gas:
        looks.append(("gas", gas))
    return [await _looked(f"{name} {asset.asset}", look) for name, look in looks]


async def _native(asset: CircleAsset, api: WalletsApi) -> Decimal:
    """The chain's coin in the treasury wallet; nothing where none is listed or it cannot be read."""
    path = f"/v1/w3s/wallets/{asset.treasury_wallet_id}/balances"
    query = (("includeAll", "true"),)
    held, _ = await api.page(path, wire.Balances, operation="balance", query=query)
    coins = [balance.amount for balance in held.token_balances if balance.token.is_native]
    try:
        return sum(map(Decimal, coins), Decimal(0))
    except InvalidOperation:
        return Decimal(0)


async def _mint_access(api: MintApi) -> Check:
    await api.ask("/v1/configuration", wire.Configuration, operation="access")
    return Check("access", True, "the key is accepted")


async def _recipient(config: MintConfig, api: MintApi) -> Check:
    """The list has approved recipients only, so one that is not in it waits for an administrator."""
    known = await api.listed(
        "/v1/businessAccount/wallets/addresses/recipient", wire.Recipient, operation="recipients"
    )
    found = next((each for each in known if each.id == config.recipient_id), None)
    is_ok = found is not None and found.status in ("", *wire.APPROVED)
    return Check("recipient", is_ok, "not approved yet" if found is None else found.status or "approved")


async def _bank(config: MintConfig, api: MintApi) -> Check:
    path = f"/v1/businessAccount/banks/{'wires' if config.bank_kind == 'wire' else config.bank_kind}"
    seen = await api.ask(f"{path}/{config.bank_id}", wire.Bank, operation="bank")
    return Check("bank", seen.status == "complete", seen.status)


async def _subscription(api: MintApi) -> Check:
    """Any subscription whose parts are all confirmed."""
    seen = await api.listed("/v1/notifications/subscriptions", wire.Subscription, operation="subscriptions")
    details = [[part.status for part in each.subscription_details] for each in seen]
    is_ok = any(parts and set(parts) <= {"confirmed"} for parts in details)
    return Check("notifications", is_ok, "confirmed" if is_ok else "no confirmed subscription")
