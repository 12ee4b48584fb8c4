"""What is changed in Circle's OpenAPI documents before anything is held against them, each with its reason.

The documents are of November 2025. They contradict Circle's own pages, SDKs and answers in these places and
no others that we met; everything else is held against them as it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Document = dict[str, Any]

WALLETS = "circle-w3s-developer-controlled-wallets.2025-11.yaml"
CONFIGURATIONS = "circle-w3s-configurations.2025-11.yaml"
COMPLIANCE = "circle-w3s-compliance.2025-11.yaml"
MINT = "circle-mint.2025-11.yaml"
DOCUMENTS = (WALLETS, CONFIGURATIONS, COMPLIANCE, MINT)

ERROR_STATUSES = ("400", "401", "403", "404", "409", "429", "500", "503")

NOT_DESCRIBED = {
    "POST /v1/w3s/config/entity/entitySecret": "registering the entity secret; on the pages and in the SDKs",
    "GET /v1/businessAccount/deposits/{id}": "one deposit by its id; on the pages since 2026",
}
"""Endpoints that exist and that no document has."""


@dataclass(frozen=True, slots=True)
class Patch:
    """One change.

    Attributes:
        documents: the files it is made in.
        reason: what the document says, and what is true instead.
    """

    documents: tuple[str, ...]
    reason: str
    apply: Callable[[Document], None]


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for inner in node.values():
            yield from _nodes(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from _nodes(inner)


def _operations(document: Document) -> Iterator[dict[str, Any]]:
    for item in document["paths"].values():
        for method, operation in item.items():
            if method in ("get", "post", "put", "patch", "delete"):
                yield operation


def _drop_discriminators(document: Document) -> None:
    for node in _nodes(document):
        if "propertyName" in (node.get("discriminator") or {}):
            del node["discriminator"]


def _declare_errors(document: Document) -> None:
    fault = {"type": "object", "required": ["error", "message", "location"]}
    error = {
        "type": "object",
        "required": ["code", "message"],
        "properties": {
            "code": {"type": "integer"},
            "message": {"type": "string"},
            "errors": {"type": "array", "items": fault},
        },
    }
    answer = {"description": "Refused", "content": {"application/json": {"schema": error}}}
    for operation in _operations(document):
        for status in ERROR_STATUSES:
            operation["responses"].setdefault(status, answer)


def _body(document: Document, path: str) -> dict[str, Any]:
    schema: dict[str, Any] = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
    return schema


def _let_wire_bodies_overlap(document: Document) -> None:
    schema = _body(document, "/v1/businessAccount/banks/wires")["schema"]
    while "oneOf" not in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    schema["anyOf"] = schema.pop("oneOf")


def _enums(document: Document, having: str, lacking: str) -> Iterator[list[str]]:
    for node in _nodes(document):
        words = node.get("enum")
        if isinstance(words, list) and having in words and lacking not in words:
            yield words


def _add_running(document: Document) -> None:
    for node in _nodes(document):
        status = node.get("status")
        if isinstance(status, dict) and "transactionHash" in node:
            schemas = document["components"]["schemas"]
            target = schemas[status["$ref"].rsplit("/", 1)[1]] if "$ref" in status else status
            if "running" not in target["enum"]:
                target["enum"] = [*target["enum"], "running"]


def _add_stuck(document: Document) -> None:
    words = document["components"]["schemas"]["TransactionState"]["enum"]
    words.append("STUCK")


def _allow_source_by_address(document: Document) -> None:
    bodies = document["components"]["requestBodies"]
    for name in ("CreateTransferTransactionForDeveloper", "CreateContractExecutionTransactionForDeveloper"):
        schema = bodies[name]["content"]["application/json"]["schema"]
        schema["required"].remove("walletId")
        schema["properties"]["walletAddress"] = {"type": "string"}


def _screen_newer_chains(document: Document) -> None:
    for words in _enums(document, "ETH-SEPOLIA", "BASE-SEPOLIA"):
        words.extend(["BASE", "BASE-SEPOLIA", "APTOS", "APTOS-TESTNET"])


PATCHES = (
    Patch(
        DOCUMENTS,
        "discriminators name values (`EOA`) that are no names of schemas, so every wallet would be refused",
        _drop_discriminators,
    ),
    Patch(
        DOCUMENTS,
        "most operations declare no 403, 409, 429 or 5xx and some none but success; the envelope is the same "
        "everywhere, with `errors` as the pages describe it",
        _declare_errors,
    ),
    Patch(
        (MINT,),
        "a US bank fits the US and the non-US branch of the `oneOf`, so no US bank could be linked",
        _let_wire_bodies_overlap,
    ),
    Patch(
        (MINT,),
        "transfers are `running` between broadcast and finality, as the pages say since 2026",
        _add_running,
    ),
    Patch(
        (WALLETS,),
        "transactions can be `STUCK`, as SDK 9.6.0 has it",
        _add_stuck,
    ),
    Patch(
        (WALLETS,),
        "`walletAddress` and `blockchain` may name the source instead of `walletId`, as SDK 9.6.0 has it",
        _allow_source_by_address,
    ),
    Patch(
        (COMPLIANCE,),
        "the chains of screening lack those that wallets were added on since",
        _screen_newer_chains,
    ),
)
