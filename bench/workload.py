"""What is asked: payments of open invoices, about six in a hundred of them not plain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random

from invoicepay import Money, Pay

PLAIN, SHORT, OVER, PART, AGAIN, TWICE = "plain", "short", "over", "part", "again", "twice"
SHARES = {PLAIN: 94.0, SHORT: 1.2, OVER: 1.2, PART: 1.2, AGAIN: 1.2, TWICE: 1.2}
"""In a hundred: paid as is, by an empty wallet, too much, a part, the invoice again, the key again."""

POOR = 64
"""Payers with empty wallets. A power of two, so that they keep to the lane of whom they stand in for."""


@dataclass(frozen=True, slots=True)
class Due:
    """An open invoice: who is to pay how many micros."""

    invoice_id: str
    payer: int
    micros: int


def payer(number: int) -> str:
    """A payer's id."""
    return f"payer-{number}"


def poor(number: int) -> str:
    """The id of a payer who has nothing, in the same lane as the payer with this number."""
    return f"poor-{number % POOR}"


def all_requests(dues: Iterable[Due], *, seed: int = 1) -> list[Pay]:
    """Payments of these invoices, the same ones for the same seed."""
    random = Random(seed)
    return [one for number, due in enumerate(dues) for one in _asked(due, f"{seed}-{number}", random)]


def _asked(due: Due, key: str, random: Random) -> Iterator[Pay]:
    (kind,) = random.choices(list(SHARES), list(SHARES.values()))
    plain = Pay(due.invoice_id, payer=payer(due.payer), idempotency_key=key)
    if kind == SHORT:
        yield replace(plain, payer=poor(due.payer))
    elif kind in (OVER, PART):
        micros = due.micros + 1_000_000 if kind == OVER else due.micros // 2_000_000 * 1_000_000
        yield replace(plain, amount=Money.from_micros(micros, "USD"))
    else:
        yield plain
    if kind == AGAIN:
        yield replace(plain, idempotency_key=f"{key}-again")
    elif kind == TWICE:
        yield plain


def lanes(asked: Iterable[Pay], count: int) -> list[list[Pay]]:
    """The payments by payer in so many lanes, so that two workers never wait for one wallet."""
    split: list[list[Pay]] = [[] for _ in range(count)]
    for one in asked:
        split[int(one.payer.rpartition("-")[2]) % count].append(one)
    return split


def batches(asked: Sequence[Pay], size: int) -> list[Sequence[Pay]]:
    """The payments in batches of this size; the last one may be smaller."""
    return [asked[start : start + size] for start in range(0, len(asked), size)]
