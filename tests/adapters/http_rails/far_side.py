"""The bank of the example on the other side of real sockets, with what goes wrong there."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime

from examples.acme_bank import SECRET, AcmeBank, Counter, StandIn
from invoicepay.adapters.http import Limits
from invoicepay.ports.health import Health
from invoicepay.testing.contracts import Webhook

LIMITS = Limits(total_seconds=15.0, tries=2, failures=50)


class Troubled(Counter):
    """Answers as it was told to, once."""

    server: FarSide

    def do_POST(self) -> None:
        order = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.heard.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        answer, self.server.next = self.server.next, ""
        if answer.isdigit() and answer != "200":
            self.answer(int(answer), {"error": "no"})
            return
        taken = self.server.take(self.path.strip("/"), order)
        if answer == "lose":
            self.close_connection = True
        elif answer == "200":
            self.answer(200, {"unlike": "what was agreed"})
        elif answer == "slow":
            self.server.may_answer.wait(LIMITS.total_seconds)
            self.answer(200, taken)
        else:
            self.answer(200, taken)


class FarSide(StandIn):
    """Plays the bank for the contract, and for the tests of what it answers.

    Attributes:
        may_answer: what the next answer waits for, where `next` is "slow".
    """

    def __init__(self) -> None:
        super().__init__()
        self.RequestHandlerClass = Troubled
        self.heard = list[tuple[str, dict[str, str]]]()
        self.next = ""
        self.may_answer = threading.Event()
        self.made = list[AcmeBank]()
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def rails(self, kind: type[AcmeBank] = AcmeBank, *, limits: Limits = LIMITS) -> AcmeBank:
        made = kind(key="test-key-of-acme", base_url=self.url, webhook_secret=SECRET, limits=limits)
        self.made.append(made)
        return made

    def settle(self, reference: str) -> None:
        self.move(reference, "done")

    def return_(self, reference: str) -> None:
        self.move(reference, "bounced", return_code="R01")

    def now(self) -> datetime:
        return datetime.now(UTC)

    def movements(self) -> int:
        return len(self.transfers)

    def lose_next_answer(self) -> None:
        self.next = "lose"

    def reject_next(self) -> None:
        self.next = "422"

    def be_unreachable(self) -> None:
        self.end()

    def webhooks(self) -> list[Webhook]:
        told, self.told = self.told, []
        return told

    def end(self) -> None:
        for rails in self.made:
            rails.close()
        if self._thread.is_alive():
            self.shutdown()
            self._thread.join()
            self.server_close()


def detail(health: Health) -> dict[str, tuple[bool, str]]:
    return {check.name: (check.is_ok, check.detail) for check in health.checks}
