"""Clients of the library under load: each asks for one command after another until it knows the answer."""

from __future__ import annotations

import time
import traceback
from collections import deque
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from invoicepay import InvoicePay, InvoicePayError
from invoicepay.errors import ConcurrencyError, StoreError
from tests.processes.diary import Asked, Diary, asked_in, entries
from tests.processes.outside import ASSET

USERS = tuple(f"user-{number}" for number in range(6))
SHOPS = ("acme", "bolt")
THINK_SECONDS = 0.05
"""The longest that a client waits between two commands; half of that on average."""
PATIENCE_SECONDS = 0.03
"""How long it waits before it asks again."""

CALM, FULL = "calm", "full"
"""Flags: end, and wait until less is to be done."""
WEIGHTS = {"deposit": 2, "withdrawal": 3, "transfer": 5, "invoice": 5, "request": 2, "hold": 1}
Wanted = tuple[str, dict[str, Any]]


class Client:
    """One caller with a key for every command, as a host with a queue of its own would be.

    A new process of the same name first asks again for what its predecessor got no answer to.

    Args:
        has: whether a flag is up.
    """

    def __init__(self, pay: InvoicePay, name: str, folder: Path, has: Callable[[str], bool]) -> None:
        path = folder / f"{name}.diary"
        known = asked_in(entries(path))
        self._pay, self._name, self._has = pay, name, has
        self._diary, self._count = Diary(path), len(known)
        self._unanswered = [asked for asked in known.values() if not asked.is_answered]
        self._chance = Random(f"{name}/{len(known)}")
        self._next: deque[Wanted] = deque(maxlen=20)

    def live(self) -> None:
        """Ask until it is over; a fault that nobody should see ends it, and is noted."""
        try:
            for asked in self._unanswered:
                self._diary.note(again=asked.key)
                self._insist(asked)
            while not self._has(CALM):
                time.sleep(self._chance.random() * THINK_SECONDS)
                if self._has(FULL):
                    continue
                self._ask(*(self._next.popleft() if self._next else self._begin()))
        except Exception:  # noqa: BLE001 - told at the end
            self._diary.note(fault=traceback.format_exc(limit=-8))

    def _ask(self, call: str, arguments: dict[str, Any]) -> None:
        self._count += 1
        asked = Asked(f"{self._name}-{self._count}", call, arguments)
        self._diary.note(asked=asked.key, call=call, arguments=arguments)
        row = self._insist(asked)
        if row is not None:
            self._next.extend(self._follow(call, arguments, row))

    def _insist(self, asked: Asked) -> Any:
        """Ask until there is an answer; None where it is a refusal."""
        while True:
            try:
                row = ask(self._pay, asked)
            except (ConcurrencyError, StoreError) as trouble:
                self._diary.note(trouble=trouble.code, key=asked.key)
                time.sleep(PATIENCE_SECONDS)
            except InvoicePayError as refusal:
                self._diary.note(refused=asked.key, code=refusal.code)
                return None
            else:
                self._diary.note(answered=asked.key, id=row.id, replayed=row.replayed)
                return row

    def _begin(self) -> Wanted:
        """Something new."""
        one, other = self._chance.sample(USERS, 2)
        match self._chance.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]:
            case "deposit":
                return "deposits.initiate", {"party": one, "amount": self._money(10, 40)}
            case "withdrawal":
                account = f"ba-{self._name}-{self._count}"
                return "withdrawals.initiate", {
                    "party": one,
                    "amount": self._money(1, 20),
                    "account_token": account,
                }
            case "transfer":
                return "transfers.send", {"payer": one, "payee": other, "amount": self._money(1, 15)}
            case "invoice":
                lines = [["Seats", self._money(5, 30)]]
                return "invoices.issue", {
                    "enterprise": self._chance.choice(SHOPS),
                    "customer": one,
                    "lines": lines,
                }
            case "request":
                return "requests.create", {"requester": other, "payer": one, "amount": self._money(1, 10)}
            case _:
                payee = self._chance.choice(SHOPS)
                return "holds.place", {"owner": one, "payee": payee, "amount": self._money(1, 10)}

    def _follow(self, call: str, arguments: dict[str, Any], row: Any) -> list[Wanted]:
        """What comes next."""
        if call == "invoices.issue":
            amounts: list[str | None] = [self._money(1, 9), None, self._money(20, 50)]
            payments = self._chance.sample(amounts, self._chance.choice([1, 1, 2]))
            payer = arguments["customer"]
            return [
                ("invoices.pay", {"invoice": row.id, "payer": payer, "amount": amount}) for amount in payments
            ]
        if call == "requests.create":
            return [("requests.approve", {"request": row.id, "payer": arguments["payer"]})]
        if call == "holds.place":
            return [(self._chance.choice(["holds.capture", "holds.release"]), {"hold": row.id})]
        return []

    def _money(self, least: int, most: int) -> str:
        return f"{self._chance.randint(least, most)}.{self._chance.randrange(100):02d} {ASSET}"


def ask(pay: InvoicePay, asked: Asked) -> Any:
    """Call the library once."""
    group, verb = asked.call.split(".")
    return getattr(getattr(pay, group), verb)(**asked.arguments, idempotency_key=asked.key)
