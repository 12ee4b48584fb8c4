"""How the store and the providers are, asked one after the other; nothing is moved or written."""

from __future__ import annotations

from dataclasses import replace

from invoicepay.errors import InvoicePayError
from invoicepay.ports.health import NOT_TOLD, Check, Health, SystemHealth, TellsHealth
from invoicepay.use_cases.inside import require_outside
from invoicepay.use_cases.looking import allow
from invoicepay.use_cases.perform import Deps
from invoicepay.use_cases.providers import banks, issuers


async def system_health(deps: Deps) -> SystemHealth:
    """Ask every part; a part that cannot be asked is reported as not told, one that fails as not ok.

    Raises:
        NotAllowed: the actor is a party.
    """
    require_outside(deps, "health")
    await allow(deps, "health")
    screening = deps.screening
    return SystemHealth(
        store=await _told(deps.repository, type(deps.repository).__name__),
        rails=_one(*[await _told(bank, bank.name) for bank in banks(deps)]),
        token=_one(*[await _told(issuer, issuer.name) for issuer in issuers(deps)]),
        screening=None if screening is None else await _told(screening, type(screening).__name__),
    )


def _one(*several: Health) -> Health:
    """What several providers told as one, each check under the name of its provider."""
    if len(several) == 1:
        return several[0]
    checks = (replace(check, name=f"{one.provider}.{check.name}") for one in several for check in one.checks)
    return Health(", ".join(one.provider for one in several), tuple(checks))


async def _told(part: object, name: str) -> Health:
    if not isinstance(part, TellsHealth):
        return Health(name, (Check("health", True, NOT_TOLD),))
    try:
        return await part.health()
    except InvoicePayError as error:
        return Health(name, (Check("health", False, error.message),))
    except Exception as error:  # noqa: BLE001 - a probe that breaks must not hide how the other parts are
        return Health(name, (Check("health", False, f"the look failed with {type(error).__name__}"),))
