"""A bank of your own in under forty lines, and a stand-in for it on this machine that it talks to.

Run it with: python examples/acme_bank.py
"""

import hmac
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from invoicepay import InvoicePay
from invoicepay.adapters.http_rails import HttpRails
from invoicepay.ports.rails import RailEvent, RailOrder, RailTransfer


class AcmeBank(HttpRails):
    """Everything that is particular to Acme."""

    name, base_url = "acmebank", "https://api.acmebank.example/v2"
    statuses = {"created": "pending", "done": "settled", "bounced": "returned"}  # noqa: RUF012
    deduplicates = True  # Acme's guide: a key is remembered for ever
    unseen_status = 404  # and this of a reference says that it was never seen

    def start_deposit(self, order: RailOrder, key: str) -> RailTransfer:
        """Collect from the party's account."""
        return self._start("/collections", order, key)

    def start_withdrawal(self, order: RailOrder, key: str) -> RailTransfer:
        """Pay out to the party's account."""
        return self._start("/payouts", order, key)

    def _start(self, path: str, order: RailOrder, key: str) -> RailTransfer:
        body = {
            "amount": order.amount.amount_text,
            "currency": order.currency,
            "account": order.account_token,
        }
        return self._read(
            self.call("POST", path, json={**body, "reference": order.reference}, idempotency_key=key)
        )

    def look_up(self, reference: str) -> RailTransfer:
        """Ask by our reference."""
        return self._read(self.call("GET", f"/transfers/{reference}"))

    def read_webhook(self, document: Any) -> list[RailEvent]:
        """One event in each delivery, whose signature is checked by now."""
        return [self.event(document["event"], self._read(document["transfer"]))]

    def _read(self, found: Mapping[str, Any]) -> RailTransfer:
        return self.transfer(
            "deposit" if found["kind"] == "collections" else "withdrawal",
            id=found["id"],
            status=found["state"],
            amount=self.money(found["amount"], found["currency"]),
            reference=found["reference"],
            return_code=found.get("return_code", ""),
        )


SECRET = "acme-signs-with-this"


class StandIn(ThreadingHTTPServer):
    """Plays Acme: takes orders, and signs what it tells."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Counter)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.transfers = dict[str, dict[str, str]]()
        self.told = list[tuple[dict[str, str], bytes]]()

    def take(self, kind: str, order: dict[str, str]) -> dict[str, str]:
        """Carry an order out; one that it has already is answered alike."""
        made = {**order, "id": f"acme-{len(self.transfers) + 1}", "kind": kind, "state": "created"}
        return self.transfers.setdefault(order["reference"], made)

    def move(self, reference: str, state: str, **more: str) -> None:
        """Something happens to a transfer, and Acme tells of it."""
        self.transfers[reference].update(state=state, **more)
        event = {"event": f"evt-{len(self.told) + 1}", "transfer": self.transfers[reference]}
        body = json.dumps(event).encode()
        self.told.append(({"X-Signature": hmac.new(SECRET.encode(), body, "sha256").hexdigest()}, body))


class Counter(BaseHTTPRequestHandler):
    """Where Acme's orders and questions arrive."""

    server: StandIn
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """An order."""
        order = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.answer(200, self.server.take(self.path.strip("/"), order))

    def do_GET(self) -> None:
        """A question about a reference."""
        found = self.server.transfers.get(self.path.rpartition("/")[2])
        self.answer(200 if found else 404, found or {})

    def answer(self, status: int, document: dict[str, str]) -> None:
        """Send JSON."""
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""


@contextmanager
def serving() -> Iterator[StandIn]:
    """A stand-in that answers while the block runs."""
    with StandIn() as bank:
        thread = threading.Thread(target=bank.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield bank
        finally:
            bank.shutdown()
            thread.join()


def main() -> None:
    """Collect money over Acme, and hear by a signed delivery that it came."""
    with serving() as bank:
        rails = AcmeBank(key="test", base_url=bank.url, webhook_secret=SECRET)
        with InvoicePay(rails=rails) as pay:
            deposit = pay.deposits.initiate("ann", "25.00 USD", account_token="ba_ann")
            print("asked     ", pay.deposits.get(deposit.id).status)
            (reference,) = bank.transfers
            bank.move(reference, "done")
            for headers, body in bank.told:  # your web host receives this
                pay.webhooks.receive("acmebank", headers=headers, body=body)
            print(
                "told      ",
                pay.deposits.get(deposit.id).status,
                "| ann has",
                pay.wallets.get("ann").available,
            )
            print("it can    ", ", ".join(sorted(rails.capabilities().deposit_rails)))
        rails.close()


if __name__ == "__main__":
    main()
