"""Sends to Circle's wallet API: questions freely, orders with a fresh ciphertext and one key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Generic, TypeVar

from pydantic import SecretStr, ValidationError

from invoicepay.adapters.circle import wire
from invoicepay.adapters.circle.entity_secret import ciphertext, entity_key
from invoicepay.adapters.circle.errors import UNDECRYPTABLE, Cause, cause_of, require_done, unreadable
from invoicepay.adapters.circle.ids import SECRET_FIELD, KeysUsed
from invoicepay.adapters.circle.wallets import Pairs, next_page, page_of, question
from invoicepay.adapters.http import Answer, Request, Sender, together
from invoicepay.errors import ConfigurationError, ProviderUnavailable

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

M = TypeVar("M", bound=wire.Wire)
L = TypeVar("L", bound=wire.Listed)
P = TypeVar("P", bound=wire.Wire)


LONGEST_SECONDS = 25
"""Asking for the key, an order, and the order again; less than the 30 that a worker allows for one."""


class Data(wire.Wire, Generic[P]):
    """The envelope of an answer."""

    data: P


def data_of(answer: Answer, kind: type[M], *, operation: str, is_order: bool = False) -> M:
    """What stands in the envelope.

    Raises:
        ProviderUnavailable, ProviderUnknown: it cannot be read; the second for an order.
    """
    try:
        return Data[kind].model_validate_json(answer.body).data  # type: ignore[valid-type]
    except ValidationError:
        pass
    raise unreadable(operation, answer, is_order=is_order)


class WalletsApi:
    """One account at the wallet API."""

    def __init__(self, api_key: SecretStr, entity_secret: SecretStr, sender: Sender) -> None:
        self._secret, self._sender, self._used = entity_secret, sender, KeysUsed()
        self._bearer = SecretStr(f"Bearer {api_key.get_secret_value()}")
        self._key: RSAPublicKey | None = None

    async def ask(self, path: str, kind: type[M], *, operation: str, query: Pairs = ()) -> M:
        """The answer to a question.

        Raises:
            ProviderUnavailable: not answered, or refused; ask again.
        """
        found = await self.ask_for(path, kind, operation=operation, query=query)
        if found is None:
            raise ProviderUnavailable(f"Circle knows nothing of {operation}", operation=operation)
        return found

    async def ask_for(self, path: str, kind: type[M], *, operation: str, query: Pairs = ()) -> M | None:
        """The same, or None where Circle has no such thing, or says that nothing can have such an id."""
        answer = await self.send(question(path, operation=operation, query=query))
        if not answer.is_success and cause_of(answer)[0] in (Cause.NOT_FOUND, Cause.INVALID):
            return None
        require_done(answer, operation=operation, is_order=False)
        return data_of(answer, kind, operation=operation)

    async def page(
        self, path: str, kind: type[L], *, operation: str, query: Pairs = (), after: str = ""
    ) -> tuple[L, str]:
        """One page of a list, and the id behind which the next one begins; empty after the last.

        Raises:
            ProviderUnavailable: not answered, or refused; ask again.
        """
        answer = await self.send(page_of(path, operation=operation, query=query, after=after))
        require_done(answer, operation=operation, is_order=False)
        page = data_of(answer, kind, operation=operation)
        return page, next_page(answer, page.ids, after=after)

    async def send(self, request: Request) -> Answer:
        """Send a question with our credentials."""
        return await self._sender.ask(self._signed(request))

    async def order(
        self,
        path: str,
        body: Mapping[str, object],
        *,
        operation: str,
        key: str,
        waits_for_funds: bool = False,
    ) -> Answer:
        """Send what changes something; a used ciphertext (156004) is replaced once, under the same key.

        Raises:
            ProviderRejected: refused for good; nothing was done.
            ProviderUnavailable: surely not done; send it again under the same key.
            ProviderUnknown: it may have been done.
            IdempotencyConflict: the key belongs to another request.
        """
        asked = {**body, "idempotencyKey": key}
        self._used.check(key, asked)
        with together(LONGEST_SECONDS):
            answer = await self._ordered(path, asked, operation, key)
            if not answer.is_success and cause_of(answer)[0] is Cause.CIPHERTEXT:
                answer = await self._ordered(path, asked, operation, key)
        if not answer.is_success and cause_of(answer)[1] in UNDECRYPTABLE:
            self._key = None  # Circle may have replaced it: the next order asks for it again
        require_done(answer, operation=operation, is_order=True, waits_for_funds=waits_for_funds)
        return answer

    async def _ordered(self, path: str, asked: Mapping[str, object], operation: str, key: str) -> Answer:
        sealed = {**asked, SECRET_FIELD: ciphertext(self._secret, await self._entity_key())}
        request = Request("POST", path, operation=operation, headers=(("X-Request-Id", key),), json=sealed)
        return await self._sender.order(self._signed(request))

    async def _entity_key(self) -> RSAPublicKey:
        """Circle's key for entity secrets, asked once; two that ask at the same time get the same one."""
        if self._key is None:
            found = await self.ask("/v1/w3s/config/entity/publicKey", wire.PublicKey, operation="entity key")
            try:
                self._key = entity_key(found.public_key)
            except ConfigurationError as error:
                raise ProviderUnavailable(error.message, operation="entity key") from error
        return self._key

    def _signed(self, request: Request) -> Request:
        headers = (("Authorization", self._bearer), *request.headers)
        return Request(
            request.method,
            request.path,
            operation=request.operation,
            query=request.query,
            headers=headers,
            json=request.json,
        )
