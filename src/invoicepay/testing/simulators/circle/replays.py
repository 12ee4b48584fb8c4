"""What was answered under which idempotency key, as each product remembers it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace

from invoicepay.testing.simulators.circle.refusals import Refusal
from invoicepay.testing.simulators.circle.requests import Ask, Json, Reply


@dataclass(frozen=True, slots=True)
class _Answered:
    fingerprint: str
    reply: Reply


class Replays:
    """One table of (endpoint, key) for a product.

    Args:
        replay_status: the status of a repeated answer; None repeats the first one's.
        compares: whether a key used for another body is refused with 409 and code 1083.
    """

    def __init__(self, *, replay_status: int | None, compares: bool) -> None:
        self._replay_status, self._compares = replay_status, compares
        self._answers: dict[tuple[str, str], _Answered] = {}

    def once(self, ask: Ask, key: str, act: Callable[[], Reply]) -> Reply:
        """Act, unless this endpoint was asked under this key before: then say again what was said.

        A refusal is not remembered: the key may be tried again.

        Raises:
            Refusal: the key was used for another body, where this is compared.
        """
        before = self._answers.get((ask.route, key))
        fingerprint = _fingerprint(ask.body)
        if before is None:
            reply = act()
            self._answers[ask.route, key] = _Answered(fingerprint, reply)
            return reply
        if self._compares and before.fingerprint != fingerprint:
            raise Refusal(409, 1083, "Idempotency key already used with a different request")
        return replace(before.reply, status=self._replay_status or before.reply.status)


def _fingerprint(body: Json) -> str:
    kept = {name: value for name, value in body.items() if name != "entitySecretCiphertext"}
    return json.dumps(kept, sort_keys=True)
