"""Public types are plain dataclasses that FastAPI reads, writes and describes without a second model (D3)."""

import inspect
import pkgutil
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from importlib import import_module
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import pytest
from fastapi import Body, FastAPI
from fastapi.testclient import TestClient
from openapi_spec_validator import validate
from pydantic import TypeAdapter, ValidationError

import invoicepay.domain
from invoicepay import (
    AsyncPage,
    Contact,
    Every,
    Finalize,
    Invoice,
    InvoicePay,
    Issue,
    Letter,
    Money,
    Notices,
    Occasion,
    Page,
    Pay,
    Payment,
    PendingSummary,
    Programme,
    Register,
    Settings,
    Template,
)
from invoicepay.domain.codec import from_dict, to_dict
from invoicepay.domain.entity import Entity
from invoicepay.errors import InsufficientFunds, InvalidInput, InvoicePayError, MoneyError, StateError

DOMAIN = [
    import_module(f"invoicepay.domain.{module.name}")
    for module in pkgutil.iter_modules(invoicepay.domain.__path__)
]
ENTITIES = [
    kind
    for module in DOMAIN
    for _, kind in inspect.getmembers(module, inspect.isclass)
    if issubclass(kind, Entity) and kind is not Entity and kind.__module__ == module.__name__
]
# What a host configures is given to the client and never sent to anybody.
CONFIGURATION = {Contact, Letter, Notices, Occasion, Programme, Settings, Template}
# What a host asks with takes friendly values, such as an invoice or its id; it is never an answer.
ASKED = {Finalize, Issue, Pay, Register}
VALUES = {
    value
    for name in invoicepay.__all__
    if isinstance(value := getattr(invoicepay, name), type) and is_dataclass(value)
}
PUBLIC = sorted({*ENTITIES, *VALUES} - CONFIGURATION - ASKED, key=lambda kind: kind.__qualname__)

PLAIN: dict[Any, Any] = {
    str: "text",
    int: 3,
    bool: True,
    Decimal: Decimal("0.19"),
    date: date(2026, 1, 31),
    datetime: datetime(2026, 1, 31, 9, 30, 15, 123456, tzinfo=UTC),
    Money: Money("12.345678", "USD"),
    Any: "anything",
    Every: Every.month(day=31),  # a day goes with months only
    InvoicePayError: InsufficientFunds("too little", available="1.00 USD"),
}


def example(annotation: Any) -> Any:
    """A value of an annotation; everything optional is present, every collection holds something."""
    if annotation in PLAIN:
        return PLAIN[annotation]
    origin, args = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        return example(next(choice for choice in args if choice is not NoneType))
    if origin is tuple:
        return (example(args[0]), example(args[0]))
    if origin is not None and issubclass(origin, Mapping):
        return {key_of(args[0]): example(args[1])}
    if is_dataclass(annotation):
        assert isinstance(annotation, type)
        return filled(annotation)
    assert issubclass(annotation, Enum), annotation
    return list(annotation)[-1]


def key_of(annotation: Any) -> Any:
    return {str: "name", int: 1}[annotation]


def filled(kind: type) -> Any:
    """An instance whose every field differs from its default where it can."""
    if kind in PLAIN:
        return PLAIN[kind]
    hints = get_type_hints(kind)
    values = {part.name: example(hints[part.name]) for part in fields(kind) if part.init}
    return kind(**{**values, **({"asset": "USD"} if hints.get("asset") is str else {})})


def least(kind: type) -> Any:
    """An instance of only what must be given."""
    hints = get_type_hints(kind)
    required = [
        part.name for part in fields(kind) if part.default is MISSING and part.default_factory is MISSING
    ]
    return kind(**{name: example(hints[name]) for name in required})


def serving(kind: type) -> TestClient:
    """An application that answers with what it was sent."""
    app = FastAPI()

    @app.post("/echo", response_model=kind)
    def echo(value: kind) -> Any:  # type: ignore[valid-type]
        return value

    return TestClient(app)


# Only of PendingSummary the written forms are compared: it holds errors, and two of them are never equal.
@pytest.mark.parametrize("make", [filled, least])
@pytest.mark.parametrize("kind", PUBLIC, ids=lambda kind: kind.__qualname__)
def test_a_public_type_goes_through_fastapi_and_back(kind: type, make: Any) -> None:
    value = make(kind)

    response = serving(kind).post("/echo", json=to_dict(value))

    assert response.status_code == 200, response.text
    assert response.json().keys() == to_dict(value).keys()
    back: Any = from_dict(kind, response.json())
    assert back == value or (kind is PendingSummary and to_dict(back) == to_dict(value))


@pytest.mark.parametrize("kind", PUBLIC, ids=lambda kind: kind.__qualname__)
def test_fastapi_writes_what_to_dict_writes(kind: type) -> None:
    value = filled(kind)

    assert TypeAdapter(kind).dump_python(value, mode="json") == to_dict(value)


@pytest.mark.parametrize("kind", PUBLIC, ids=lambda kind: kind.__qualname__)
def test_the_json_schema_names_every_field_and_says_how_money_is_written(kind: type) -> None:
    schema = serving(kind).get("/openapi.json").json()["components"]["schemas"]
    names = [name for name in schema if name.split("-")[0] == kind.__qualname__]
    hints = get_type_hints(kind)

    for name in names:
        assert schema[name]["properties"].keys() == to_dict(filled(kind)).keys()
        for part, written in schema[name]["properties"].items():
            if hints[part] is Money:
                assert "amount" in str(written), (part, written)
    assert names


def test_a_host_that_answers_with_every_public_type_describes_itself_in_valid_openapi() -> None:
    app = FastAPI()
    for kind in PUBLIC:
        app.get(f"/{kind.__qualname__}", response_model=kind)(lambda: None)
        app.get(f"/{kind.__qualname__}/pages", response_model=Page[kind])(lambda: None)  # type: ignore[valid-type]

    validate(app.openapi())


@pytest.mark.parametrize(
    ("kind", "body", "item"),
    [
        (
            Pay,
            {"invoice": "inv_1", "payer": "ann", "amount": "12.00 USD"},
            Pay("inv_1", payer="ann", amount=Money.of("12.00 USD")),
        ),
        (Register, {"id": "ann", "kyc_tier": 2}, Register("ann", kyc_tier=2)),
        (Finalize, {"invoice": "inv_1", "idempotency_key": "k"}, Finalize("inv_1", idempotency_key="k")),
        (
            Issue,
            {"enterprise": "acme", "customer": "ann", "lines": [["Seat", "9.00 USD"]], "due_in_days": 14},
            Issue(enterprise="acme", customer="ann", lines=[("Seat", Money.of("9.00 USD"))], due_in_days=14),
        ),
    ],
)
def test_what_a_host_asks_with_is_read_from_a_request(kind: type, body: dict[str, Any], item: Any) -> None:
    assert TypeAdapter(kind).validate_python(body) == item
    assert TypeAdapter(kind).json_schema()["properties"].keys() == {part.name for part in fields(kind)}


def test_what_a_batch_answers_is_a_response_model() -> None:
    paid, refused = filled(Payment), InsufficientFunds("too little", available="1.00 USD")
    app = FastAPI()

    @app.post("/payments")
    def pay_many() -> list[Payment | InvoicePayError]:
        return [paid, refused]

    answered = TestClient(app).post("/payments").json()
    again = TypeAdapter(list[Payment | InvoicePayError]).validate_python(answered)

    assert answered == [to_dict(paid), refused.to_record()]
    assert again[0] == paid
    assert isinstance(again[1], InsufficientFunds) and again[1].details == refused.details


@pytest.mark.parametrize("face", [Page, AsyncPage])
def test_a_page_is_a_response_model_and_is_read_back_with_its_rows_and_its_cursor(face: Any) -> None:
    pay = InvoicePay()
    for n in range(3):
        pay.invoices.issue(enterprise="acme", customer="ann", lines=[(f"Seat {n}", "9.00 USD")])
    made = pay.invoices.list(limit=2)
    app = FastAPI()

    @app.get("/invoices", response_model=face[Invoice])
    def invoices() -> Any:
        return made if face is Page else made._page

    answered = TestClient(app).get("/invoices").json()
    again = TypeAdapter(face[Invoice]).validate_python(answered)

    assert answered == {"items": [to_dict(one) for one in made.items], "next_cursor": made.next_cursor}
    assert (type(again), again.items, again.next_cursor) == (face, made.items, made.next_cursor)
    assert {"PageOf_Invoice_", "Invoice"} <= app.openapi()["components"]["schemas"].keys()


def test_a_page_that_was_read_back_says_how_to_go_on() -> None:
    page: Page[Invoice] = TypeAdapter(Page[Invoice]).validate_python({"items": [], "next_cursor": "inv_1"})

    with pytest.raises(InvalidInput) as refused:
        page.next_page()
    assert refused.value.hint == "Call list again with after=page.next_cursor."
    assert refused.value.details == {"after": "inv_1"}


def test_an_error_is_read_as_one_of_the_kind_that_is_meant() -> None:
    record = InsufficientFunds().to_record()

    assert isinstance(TypeAdapter(MoneyError).validate_python(record), InsufficientFunds)
    with pytest.raises(ValidationError, match="not one of StateError"):
        TypeAdapter(StateError).validate_python(record)


def test_a_float_never_enters_through_a_web_host() -> None:
    app = FastAPI()

    @app.post("/amounts", response_model=Money)
    def amounts(value: Annotated[Money, Body()]) -> Any:
        return value

    client = TestClient(app)

    assert client.post("/amounts", json="12.30 USD").json() == {"amount": "12.30", "asset": "USD"}
    assert client.post("/amounts", json=12.3).status_code == 422
    assert client.post("/amounts", json={"amount": 12.3, "asset": "USD"}).status_code == 422
