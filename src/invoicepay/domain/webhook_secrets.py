"""Secrets of endpoints: made from one secret of the installation when they are needed, kept nowhere."""

from __future__ import annotations

import base64
import hmac
import json
from dataclasses import dataclass, field

_LABEL = "invoicepay webhook secret 1"
_MARK = "whsec_"


@dataclass(frozen=True, slots=True)
class WebhookKeys:
    """The secrets of an installation; those before the first one also sign until they are left out.

    Attributes:
        secrets: at least 32 bytes each, the one in use first; none where the host gave none.
    """

    secrets: tuple[bytes, ...] = field(default=(), repr=False)

    def secrets_of(self, tenant_id: str, endpoint_id: str, generations: tuple[int, ...]) -> tuple[str, ...]:
        """What an endpoint's deliveries are signed with, as `whsec_…`, the newest first."""
        return tuple(
            endpoint_secret(secret, tenant_id, endpoint_id, generation)
            for secret in self.secrets
            for generation in generations
        )


NO_KEYS = WebhookKeys()
"""Nothing can be signed."""


def endpoint_secret(secret: bytes, tenant_id: str, endpoint_id: str, generation: int) -> str:
    """One endpoint's secret, 256 bits, in the spelling of Standard Webhooks.

    Whoever knows it learns nothing of the installation's secret or of another endpoint's (HMAC-SHA-256).

    Examples:
        >>> endpoint_secret(b"k" * 32, "default", "whe_1", 1)
        'whsec_vqmW4PLMv4xjwA8DblbAyGRxSZZVUrHPnaXclR2NMnw='
    """
    named = json.dumps([_LABEL, tenant_id, endpoint_id, generation], separators=(",", ":")).encode()
    return _MARK + base64.b64encode(hmac.digest(secret, named, "sha256")).decode()
