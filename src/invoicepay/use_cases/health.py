"""How the store and the providers are, asked one after the other; nothing is moved or written."""

from __future__ import annotations

from invoicepay.errors import InvoicePayError
from invoicepay.ports.health import NOT_TOLD, Check, Health, SystemHealth, TellsHealth
from invoicepay.use_cases.looking import allow
from invoicepay.use_cases.perform import Deps


async def system_health(deps: Deps) -> SystemHealth:
    """Ask every part; a part that cannot be asked is reported as not told, one that fails as not ok.

    Raises:
        NotAllowed: the actor is a party.
    """
    await allow(deps, "health")
    screening = deps.screening
    return SystemHealth(
        store=await _told(deps.repository, type(deps.repository).__name__),
        rails=await _told(deps.rails, deps.rails.name),
        token=await _told(deps.tokens, deps.tokens.name),
        screening=None if screening is None else await _told(screening, type(screening).__name__),
    )


async def _told(part: object, name: str) -> Health:
    if not isinstance(part, TellsHealth):
        return Health(name, (Check("health", True, NOT_TOLD),))
    try:
        return await part.health()
    except InvoicePayError as error:
        return Health(name, (Check("health", False, error.message),))
    except Exception as error:  # noqa: BLE001 - a probe that breaks must not hide how the other parts are
        return Health(name, (Check("health", False, f"the look failed with {type(error).__name__}"),))
