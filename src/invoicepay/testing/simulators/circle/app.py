"""The simulator over HTTP: keys, envelopes, request ids and links around what the endpoints say."""

from __future__ import annotations

import hmac
import json
import uuid
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from invoicepay.testing.simulators.circle.keys import sns_certificate_pem
from invoicepay.testing.simulators.circle.refusals import INVALID, Refusal, not_authorized, not_found
from invoicepay.testing.simulators.circle.requests import Ask, Fields, Json, Reply, is_uuid
from invoicepay.testing.simulators.circle.routes import ENTRIES, Entry
from invoicepay.testing.simulators.circle.state import World

PRODUCTS = ("wallets", "mint")


def circle_app(world: World, products: Iterable[str] = PRODUCTS) -> Starlette:
    """An application that speaks as Circle's two hosts do.

    Args:
        products: which hosts it plays; both share no path but `/ping`, so one application can be both.
    """
    played = {"open", *products}
    routes = [
        Route(entry.path, _endpoint(world, entry), methods=[entry.method])
        for entry in ENTRIES
        if entry.product in played
    ]
    routes.append(Route("/sns/certificate.pem", _certificate))
    routes.append(Route("/{path:path}", _nowhere, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]))
    return Starlette(routes=routes)


def _endpoint(world: World, entry: Entry) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        raw = await request.body()
        request_id = _request_id(request)
        with world.lock:
            world.clock.catch_up()
            world.clock.advance(0)
            try:
                _check_key(world, entry, request)
                reply = entry.handler(world, _ask(entry, request, raw))
            except Refusal as refusal:
                return _json(refusal.envelope(), refusal.status, {"X-Request-Id": request_id})
        return _answer(entry, reply, request_id)

    return answer


def _request_id(request: Request) -> str:
    sent = request.headers.get("x-request-id", "")
    return sent if is_uuid(sent) else str(uuid.uuid4())


def _check_key(world: World, entry: Entry, request: Request) -> None:
    """Let in who has the product's key.

    Raises:
        Refusal: 401.
    """
    if entry.product == "open":
        return
    wanted = world.keys.wallets if entry.product == "wallets" else world.keys.mint
    scheme, _, sent = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(sent.encode(), wanted.encode()):
        raise not_authorized()


def _ask(entry: Entry, request: Request, raw: bytes) -> Ask:
    """The request as endpoints read it.

    Raises:
        Refusal: the body is no JSON object, or an id in the path is none.
    """
    body: Any = {}
    if entry.method in ("POST", "PUT", "PATCH") and raw:
        try:
            body = json.loads(raw)
        except (ValueError, RecursionError) as error:
            raise Refusal(400, INVALID, "The request body is no JSON") from error
    if not isinstance(body, dict):
        raise Refusal(400, INVALID, "The request body is no JSON object")
    path = Fields(request.path_params)
    if "id" in request.path_params:
        path.uuid("id")
    path.check()
    url = str(request.url.replace(query=""))
    return Ask(
        f"{entry.method} {entry.path}", url, dict(request.path_params), dict(request.query_params), body
    )


def _answer(entry: Entry, reply: Reply, request_id: str) -> Response:
    headers = {"X-Request-Id": request_id}
    if reply.links:
        is_bracketed = entry.product == "wallets"
        headers["Link"] = ", ".join(
            f'{f"<{url}>" if is_bracketed else url}; rel="{rel}"' for rel, url in reply.links.items()
        )
    if reply.status == 204:
        return Response(status_code=204, headers=headers)
    return _json(reply.data if reply.is_bare else {"data": reply.data}, reply.status, headers)


def _json(body: Json, status: int, headers: dict[str, str]) -> Response:
    return Response(json.dumps(body), status, headers, "application/json")


async def _certificate(_request: Request) -> Response:
    """The certificate of the SNS messages; the real one is Amazon's."""
    return Response(sns_certificate_pem(), media_type="application/x-pem-file")


async def _nowhere(request: Request) -> Response:
    refusal = not_found()
    return _json(refusal.envelope(), refusal.status, {"X-Request-Id": _request_id(request)})
