"""Whether a profile may be used where: production refuses what nobody confirmed and nobody accepted."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from invoicepay.errors import ConfigurationError

if TYPE_CHECKING:
    from invoicepay.adapters.tillipay.credentials import Credentials
    from invoicepay.adapters.tillipay.profile import TilliPayProfile

PRODUCTION = "production"
ENVIRONMENTS = ("simulator", "qa", "staging", PRODUCTION)


def check_accepted(profile: TilliPayProfile, environment: str, accepted: Collection[str]) -> None:
    """Refuse production on assumptions that were not accepted by name.

    Raises:
        ConfigurationError: some were not, listed in the message and the details; or a name is no assumption.
    """
    unconfirmed = {fact.id: fact.claim for fact in profile.unconfirmed()}
    if isinstance(accepted, str) or (unknown := sorted(set(accepted) - unconfirmed.keys())):
        named = accepted if isinstance(accepted, str) else ", ".join(unknown)
        raise ConfigurationError(f"accept_assumptions names what is no assumption of the profile: {named}")
    open_ones = sorted(unconfirmed.keys() - set(accepted))
    if environment == PRODUCTION and open_ones:
        raise ConfigurationError(
            f"production is refused; neither confirmed nor accepted: {', '.join(open_ones)}",
            hint="Correct them in the profile from the gateway's guide, or name each in accept_assumptions.",
            unconfirmed={id: unconfirmed[id] for id in open_ones},
        )


def check_credentials(profile: TilliPayProfile, credentials: Credentials) -> None:
    """Refuse credentials of no channel.

    Raises:
        ConfigurationError: there are none, or the profile has no such channel.
    """
    unknown = sorted(credentials.keys() - profile.channels.keys())
    if unknown or not credentials:
        raise ConfigurationError(
            f"credentials are given by channel: {', '.join(profile.channels)}", unknown=unknown
        )


def base_url_of(profile: TilliPayProfile, environment: str, base_url: str | None) -> str:
    """Where the gateway is.

    Raises:
        ConfigurationError: nobody said where; or it is the production host under another environment's name.
    """
    hosts = {str(name): url for name, url in profile.base_urls.items()}
    chosen = base_url or hosts.get(environment)
    if environment not in ENVIRONMENTS or not chosen:
        raise ConfigurationError(
            f"the profile has no base URL for {environment}",
            hint=f"Environments are {', '.join(ENVIRONMENTS)}; pass base_url=, or name it in the profile.",
        )
    if environment != PRODUCTION and _host(chosen) == _host(hosts.get(PRODUCTION, "")):
        raise ConfigurationError(f"the host of {environment} is the one of production: name it so")
    return chosen


def _host(url: str) -> str:
    return (urlsplit(url).hostname or url).lower()
