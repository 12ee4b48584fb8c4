"""Whether the time of a refusal tells what was wrong (S-23): `python -m tests.security.timing [--json]`.

Two kinds of wrong code or signature are refused in turn, in random order, and the two samples are compared:
the difference of their medians against the spread of what chance alone makes of it.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from math import sqrt
from statistics import median
from time import perf_counter_ns

from invoicepay.adapters.signatures import STANDARD_V1, Secret
from invoicepay.domain.qr_payload import QrKeys, QrKind, QrPayload, sign, verify
from invoicepay.errors import InvoicePayError

TRIALS = 100_000
RESAMPLES = 200
NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
KEYS = QrKeys("k1", {"k1": b"1" * 32})
TEXT = sign(
    QrPayload(kind=QrKind.STATIC_PAYEE, tenant="north", payee="acme", asset="USD", nonce="n" * 22), KEYS
)


@dataclass(frozen=True, slots=True)
class Result:
    """Two ways of being wrong, in nanoseconds.

    Attributes:
        noise: the larger of what 99 of 100 random splits of the same times differ by, and a hundredth of the
            whole: some fifty nanoseconds, which nobody sees through a network or another process.
    """

    name: str
    first: float
    second: float
    noise: float

    @property
    def tells(self) -> bool:
        """Whether the two can be told apart."""
        return abs(self.first - self.second) > self.noise


def compared(name: str, first: Callable[[], object], second: Callable[[], object], trials: int) -> Result:
    """Time both, taking turns by chance, so that whatever else the machine does meets both alike."""
    chance, times = random.Random(name), ([], [])  # type: tuple[random.Random, tuple[list[int], list[int]]]
    calls = (first, second)
    for _ in range(2 * trials):
        which = chance.getrandbits(1)
        start = perf_counter_ns()
        with suppress(InvoicePayError):
            calls[which]()
        times[which].append(perf_counter_ns() - start)
    both = [*times[0], *times[1]]
    noise = max(_noise(both, chance), median(both) / 100)
    return Result(name, median(times[0]), median(times[1]), noise)


def _noise(times: Sequence[int], chance: random.Random) -> float:
    """What medians of random halves differ by."""
    sample = chance.sample(times, min(len(times), 20_000))
    scale, gaps = sqrt(len(sample) / len(times)), list[float]()
    for _ in range(RESAMPLES):
        chance.shuffle(sample)
        half = len(sample) // 2
        gaps.append(abs(median(sample[:half]) - median(sample[half:])) * scale)
    return sorted(gaps)[RESAMPLES * 99 // 100]


def pairs() -> list[tuple[str, Callable[[], object], Callable[[], object]]]:
    """What could be told apart if comparing stopped at the first difference, or a look-up came first."""
    head, _, mac = TEXT.rpartition(".")
    early, late = f"{head}.{_other(mac, 0)}", f"{head}.{_other(mac, 41)}"
    unknown = TEXT.replace(".k1.", ".k2.", 1)
    secret, body = Secret(b"s" * 32), b'{"id":1}'
    good = STANDARD_V1.signed(secret, body, id="m1", at=NOW)

    def scan(text: str) -> Callable[[], object]:
        return lambda: verify(text, KEYS, now=NOW, tenant="north")

    def receive(at: int) -> Callable[[], object]:
        headers = {**good, "webhook-signature": _other(good["webhook-signature"], at)}
        return lambda: STANDARD_V1.verified([secret], body, headers, received_at=NOW)

    return [
        ("code: first or last character of the MAC", scan(early), scan(late)),
        ("code: unknown key or wrong MAC", scan(unknown), scan(early)),
        ("webhook: first or last character of the signature", receive(3), receive(44)),
    ]


def _other(text: str, at: int) -> str:
    """The text with another letter there."""
    return text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare each pair and say whether time tells them apart."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=TRIALS, help="refusals of each kind")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args(arguments)
    results = []
    for name, first, second in pairs():
        result = compared(name, first, second, chosen.trials)
        results.append(result)
        if not chosen.json:
            gap = abs(result.first - result.second)
            told = "TELLS" if result.tells else "tells nothing"
            sys.stdout.write(
                f"{name}: {result.first:.0f} and {result.second:.0f} ns, apart {gap:.0f}, {told} "
                f"(noise {result.noise:.0f})\n"
            )
    if chosen.json:
        told_by = [result.name for result in results if result.tells]
        sys.stdout.write(json.dumps({"trials": chosen.trials, "told": told_by}) + "\n")
    return 1 if any(result.tells for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
