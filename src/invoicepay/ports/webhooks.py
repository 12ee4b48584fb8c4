"""What a delivery comes with, and what a provider may need to fetch before it can read one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Protocol, runtime_checkable


@runtime_checkable
class RequestHeaders(Protocol):
    """The headers of a request as a web framework has them: a mapping, or anything else with its `items`."""

    def items(self) -> Iterable[tuple[str, str]]:
        """Names and values; a name that came twice may be there twice."""
        ...


@runtime_checkable
class PreparesWebhooks(Protocol):
    """A provider whose webhooks are verified with keys that it has to ask for; a provider need not be one.

    `parse_webhook` of a port asks nobody. Where a delivery names a public key that is not at hand yet, this
    call fetches it first.
    """

    async def prepare_webhook(
        self, body: bytes, headers: Mapping[str, str], *, received_at: datetime
    ) -> None:
        """Have at hand what `parse_webhook` needs for this delivery, which is not verified yet.

        Nothing in the delivery is trusted: a forged one costs few requests at most, and is not refused here.

        Raises:
            ProviderUnavailable: the key cannot be had now; answer 503, and the provider delivers again.
        """
        ...
