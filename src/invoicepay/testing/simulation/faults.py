"""What goes wrong in a simulated run, as data with names (the fault model), and how a swarm is drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from invoicepay.testing.simulation.chooser import Draw, Weights


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of trouble.

    Attributes:
        title: what happens, for people.
        rates: lowest and highest per-mille chance that a swarm draws, for each opportunity.
        contradicts: whether a provider contradicts itself, so that an intent may need a person.
    """

    title: str
    rates: tuple[int, int]
    contradicts: bool = False


FAULTS: Mapping[str, Fault] = MappingProxyType(
    {
        "call.lost": Fault("the order never arrives, and nobody says so", (10, 120)),
        "call.answer_lost": Fault("the order is carried out, the answer lost", (10, 120)),
        "call.late": Fault("the order arrives 10 to 60 s after the caller gave up", (10, 120)),
        "call.slow": Fault("the answer comes after the lease has ended", (5, 40)),
        "call.refused": Fault("no connection", (10, 150)),
        "call.limited": Fault("too many requests: come again later", (10, 100)),
        "call.wrong_echo": Fault("the answer states another amount", (2, 20), contradicts=True),
        "call.outage": Fault("the provider is away for minutes to hours", (2, 15)),
        "provider.fails": Fault("an order fails before it settles", (20, 200)),
        "provider.returns": Fault("a settled order comes back", (20, 200)),
        "provider.returns_late": Fault("an order comes back after it was final", (10, 100)),
        "provider.returns_unsettled": Fault("an order comes back that never settled", (10, 100)),
        "provider.return_reversed": Fault("a return is dishonoured", (50, 400)),
        "provider.partial": Fault("a deposit settles in two parts", (20, 150)),
        "provider.fee": Fault("the processor keeps a fee of a deposit", (20, 200)),
        "provider.odd_word": Fault("a status that no table knows", (5, 40), contradicts=True),
        "provider.stale_look": Fault("look-ups lag behind orders for some seconds", (50, 400)),
        "provider.key_forgotten": Fault("keys are forgotten after their lifetime", (500, 1000)),
        "chain.late": Fault("a token order becomes final late", (50, 400)),
        "chain.fails": Fault("a token order fails for certain", (10, 100)),
        "webhook.lost": Fault("never delivered", (50, 1000)),
        "webhook.repeated": Fault("delivered three times", (50, 400)),
        "webhook.reordered": Fault("delivered behind later ones", (50, 400)),
        "webhook.late": Fault("delivered hours to days late", (20, 200)),
        "webhook.early": Fault("delivered before the call was answered", (50, 500)),
        "webhook.forged": Fault("somebody else signed a copy", (10, 100)),
        "webhook.unknown": Fault("about an object that we never asked for", (5, 40)),
        "process.crash": Fault("the process ends at once", (1, 4)),
        "process.pause": Fault("a task stands still past its lease", (1, 3)),
        "process.skew": Fault("a clock up to 6 s off", (500, 1000)),
        "process.jump": Fault("a clock is set anew, within 6 s of the truth", (1, 3)),
        "database.busy": Fault("no lock in time", (2, 20)),
        "database.conflict": Fault("the transaction is aborted while it reads", (2, 20)),
        "database.conflict_at_commit": Fault("the transaction is aborted at COMMIT", (2, 20)),
        "database.ack_lost": Fault("COMMIT was done, its acknowledgement lost", (2, 20)),
        "database.nack_lost": Fault("COMMIT was not done, and nobody says so", (2, 20)),
        "database.dropped": Fault("the connection breaks", (1, 10)),
    }
)
"""By name; the first word says where."""

NUMBERS: Mapping[str, int] = MappingProxyType({name: at for at, name in enumerate(FAULTS, start=1)})
"""Each fault as the number that decisions are made of."""

NAMES = ("", *FAULTS)
"""The fault of each number."""


def swarm(draw: Draw) -> dict[str, int]:
    """Half of the faults, each with a rate of its own: runs with few kinds of trouble go deeper into each."""
    return {name: draw.whole(*fault.rates) for name, fault in FAULTS.items() if draw.chance(500)}


def weights(rates: Mapping[str, int], names: Iterable[str]) -> Weights:
    """The chances of some faults, for `Chooser.rare`."""
    return Weights({NUMBERS[name]: rates[name] for name in names if rates.get(name)})
