"""Finds the client of a host by the name of its module, as web servers find an application."""

from __future__ import annotations

import importlib
import sys
from typing import TypeAlias

from invoicepay.awaiting import AsyncInvoicePay
from invoicepay.blocking import InvoicePay
from invoicepay.cli.output import Misuse
from invoicepay.errors import InvoicePayError

Client: TypeAlias = InvoicePay | AsyncInvoicePay


class AppNotFound(Misuse):
    """There is no client where the command line says; the message says what is missing."""


def client_at(place: str) -> Client:
    """The client at `module:name`, or what the function of that name makes.

    Modules of the working directory are found, too.

    Raises:
        AppNotFound: no such module or name, or something else than a client.

    Examples:
        >>> client_at("shop")
        Traceback (most recent call last):
        invoicepay.cli.loading.AppNotFound: write module:name, such as shop.money:pay, not 'shop'
    """
    module_name, colon, name = place.partition(":")
    if not (module_name and colon and name):
        raise AppNotFound(f"write module:name, such as shop.money:pay, not {place!r}")
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        found = getattr(importlib.import_module(module_name), name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise  # the module is there, and something that it imports is not
        raise AppNotFound(f"there is no module {error.name}") from error
    except AttributeError as error:
        raise AppNotFound(f"{module_name} has no {name}") from error
    return _client(found, place)


def _client(found: object, place: str) -> Client:
    try:
        made = found() if callable(found) else found
    except InvoicePayError as error:
        raise AppNotFound(f"{place} makes no client: {error.message}") from error
    if not isinstance(made, Client):
        raise AppNotFound(f"{place} is no InvoicePay and makes none, but {type(made).__name__}")
    return made
