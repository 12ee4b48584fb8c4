"""Drives a client and a provider while a trap listens, and takes down all that a host can read or export."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from invoicepay import InvoicePay
from invoicepay.errors import InvoicePayError
from tests.security.canaries import Trap, dump

MANGLED = (b"", b"{", b"[]", b'{"id": 1}', b"\xff\xfe\x00")
"""Bodies that no provider sends."""


class Drive:
    """A client over SQLite, and the trap that sees what becomes of every call.

    Attributes:
        scenarios: how many calls were made, those that failed included.
    """

    def __init__(self, pay: InvoicePay, trap: Trap, store: str, folder: Path) -> None:
        self.pay, self.trap, self._store, self._folder = pay, trap, store, folder
        self.scenarios = self.failures = 0

    def attempt(self, where: str, call: Callable[[], Any]) -> Any:
        """What a call gives back, or None when it fails; both are kept."""
        self.scenarios += 1
        try:
            result = call()
        except InvoicePayError as error:
            self.failures += 1
            self.trap.see_error(f"an error of {where}", error)
            return None
        self.trap.see(f"the result of {where}", result)
        return result

    def deliver(self, slot: str, deliveries: Sequence[tuple[dict[str, str], bytes]]) -> None:
        """Hand deliveries in: as they are, mangled, and with each header spoiled."""
        for headers, body in deliveries:
            for wrong in (*MANGLED, body + b" ", body[:-1]):
                self._receive(slot, headers, wrong)
            for name in headers:
                self._receive(slot, {**headers, name: headers[name][::-1]}, body)
                self._receive(slot, {key: value for key, value in headers.items() if key != name}, body)
            self._receive(slot, headers, body)

    def _receive(self, slot: str, headers: dict[str, str], body: bytes) -> None:
        receive = self.pay.webhooks.receive
        self.attempt(f"a delivery to {slot}", lambda: receive(slot, headers=headers, body=body))

    def run(self) -> None:
        """Do what waits."""
        self.attempt("run_pending", self.pay.run_pending)

    def export(self) -> None:
        """Take down everything that a host can read: things, trails, journals, exports, health."""
        pay, trap = self.pay, self.trap
        trap.see("a client", pay)
        for effect in pay.effects.list():
            trap.see("an effect", effect)
            trap.see("observations", pay.effects.observations(effect))
            trap.see("an audit trail", pay.audit.trail(effect.id))
        for group in (pay.deposits, pay.withdrawals, pay.invoices, pay.parties):
            for row in group.list():
                trap.see("a thing", row)
                trap.see("a history", pay.audit.history(row.id))
                trap.see("an audit trail", pay.audit.trail(row.id))
        trap.see("transactions", pay.ledger.transactions())
        trap.see("balances", pay.ledger.balances())
        trap.see("the journal", pay.ledger.enterprise_csv("acme"))
        trap.see("health", pay.health())
        for invoice in pay.invoices.list(status="open"):
            code = pay.invoices.qr(invoice)
            for text in (code.payload, code.text(), code.svg(), invoice._repr_html_()):
                trap.see("a document", text)

    def end(self) -> None:
        """Export, close, and take down the whole database: rows by table, and the files byte by byte."""
        self.export()
        self.pay.close()
        for table, row in dump(self._store):
            self.trap.see(f"the table {table}", row)
        for path in self._folder.rglob("pay.db*"):
            self.trap.see(f"the file {path.name}", path.read_bytes())


@contextmanager
def driving(trap: Trap, folder: Path, **parts: Any) -> Iterator[Drive]:
    """A client over a database of its own, heard down to DEBUG from first to last."""
    store = f"sqlite:///{folder}/pay.db"
    with trap.listening():
        pay = InvoicePay(store, **parts)
        try:
            yield Drive(pay, trap, store, folder)
        finally:
            pay.close()
