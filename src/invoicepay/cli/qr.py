"""The command `qr`: payment codes drawn and verified."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

from invoicepay.awaiting import AsyncInvoicePay
from invoicepay.cli.clients import answered, require_tables_of, tenants_of
from invoicepay.cli.loading import Client
from invoicepay.cli.output import Answer, Misuse, printable, table
from invoicepay.documents.qr import QrCode
from invoicepay.errors import InvoicePayError, QrSignatureInvalid, StateError
from invoicepay.settings import PREFIX
from invoicepay.use_cases.requests import Scanned


def run(options: Namespace, given: Callable[[], Client] | None) -> Answer:
    """Draw or verify."""
    what = sys.stdin.read().strip() if options.what == "-" else options.what
    if options.action == "draw":
        return _drawn(QrCode(what), options)
    _require_secret(options, given)
    if options.action == "verify":
        return answered(options, given, lambda pay: _verified(pay, options, what))
    return answered(options, given, lambda pay: _signed(pay, options, what))


def _require_secret(options: Namespace, given: Callable[[], Client] | None) -> None:
    """A client made here without a secret would sign with one that ends with this process."""
    is_own = options.app or (given is not None and not options.store)
    if not is_own and not os.environ.get(f"{PREFIX}QR_SECRET"):
        raise Misuse(f"set {PREFIX}QR_SECRET to the secret of your clients, or name your client with --app")


async def _signed(pay: AsyncInvoicePay, options: Namespace, what: str) -> Answer:
    pay = await _of_tenant(pay, options.tenant)
    if options.action == "invoice":
        return _drawn(await pay.invoices.qr(what), options)
    if options.action == "request":
        return _drawn(await pay.requests.qr(what), options)
    return _drawn(await pay.requests.payee_qr(what, options.amount, asset=options.asset), options)


async def _verified(pay: AsyncInvoicePay, options: Namespace, text: str) -> Answer:
    pay = await _of_tenant(pay, options.tenant)
    try:
        return _genuine(await pay.requests.scan(text))
    except (QrSignatureInvalid, StateError) as refusal:
        told = {"is_payable": False, "refusal": refusal.to_record()}
        return Answer(ok=False, told=told, text=_refused(refusal))


async def _of_tenant(pay: AsyncInvoicePay, named: str | None) -> AsyncInvoicePay:
    await require_tables_of(pay)
    return pay if named is None else pay.tenant((await tenants_of(pay, named))[0])


def _genuine(scanned: Scanned) -> Answer:
    facts = {
        "pays": scanned.kind,
        "id": scanned.id,
        "payee": scanned.payee_id,
        "amount": scanned.amount or f"the payer's choice of {scanned.asset}",
        "note": scanned.note,
        "expires at": scanned.expires_at or "",
    }
    rows = [(name, value) for name, value in facts.items() if value]
    told = {"is_payable": True, "code": scanned.to_dict()}
    return Answer(ok=True, told=told, text=table(("genuine", "yes"), rows))


def _refused(refusal: InvoicePayError) -> str:
    return printable(f"Not payable: {refusal.message} {refusal.hint}")


def _drawn(code: QrCode, options: Namespace) -> Answer:
    """On the terminal, unless files were asked for."""
    files: dict[str, bytes] = {}
    if options.svg:
        files[options.svg] = code.svg().encode()
    if options.png:
        files[options.png] = code.png()
    for name, content in files.items():
        try:
            Path(name).write_bytes(content)
        except OSError as error:
            raise Misuse(f"{name} cannot be written: {error.strerror}") from error
    told: dict[str, Any] = {"payload": code.payload, "svg": code.svg(), "files": list(files)}
    shown = "\n".join(f"Wrote {printable(name)}" for name in files)
    return Answer(
        ok=True, told=told, text=shown or f"{code.text(invert=options.invert)}\n{printable(code.payload)}"
    )
