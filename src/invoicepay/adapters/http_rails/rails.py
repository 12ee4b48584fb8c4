"""`HttpRails`: a bank behind an HTTP interface, in the few lines that are particular to it."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import SecretStr

from invoicepay.adapters.http import Answer, Limits, Request, Sender
from invoicepay.adapters.http_rails.attempts import Unseen, asked, beside, ordered
from invoicepay.adapters.http_rails.calls import order, question, reachable
from invoicepay.adapters.http_rails.definition import check
from invoicepay.adapters.http_rails.deliveries import read_delivery
from invoicepay.adapters.signatures import BODY_HMAC_SHA256_HEX, Scheme
from invoicepay.adapters.system import SystemClock
from invoicepay.domain.money import Money, MoneyLike, currency_of, scale_of
from invoicepay.errors import (
    ConfigurationError,
    InvalidAmount,
    ProviderError,
    ProviderRejected,
    ProviderUnavailable,
    ProviderUnknown,
)
from invoicepay.ports.health import Check, Health
from invoicepay.ports.rails import (
    Direction,
    RailEvent,
    RailOrder,
    RailsCapabilities,
    RailStatus,
    RailTransfer,
)
from invoicepay.ports.runtime import Clock

if TYPE_CHECKING:
    import httpx

LONGEST = 255


class HttpRails:
    """A bank that is reached by HTTP and answers in JSON, as a RailsProvider; derive from it.

    A bank is some names and a few plain methods. They may block: where the host awaits, they run in a thread.
    What they raise, and what the bank answers, is told in the port's words: refused, not sent, not known.
    What the bank can do follows from the methods that are there.

    - `start_deposit(order, key)`, `start_withdrawal(order, key)`: send it with `call`, read it with
      `transfer`.
    - `look_up(reference)`: the transfer under our reference.
    - `read_webhook(document)`: the events of a delivery whose signature is good.
    - `stop(provider_ref, key)`: cancel a transfer. `cash(asset)`: what the paying account holds.

    Attributes:
        name: stable, part of every provider reference: small letters, digits, `-` and `_`.
        base_url: `https://…`, what the paths of `call` follow.
        statuses: each word of the bank and ours (`RailStatus`); any other word needs a person.
        deposit_rails, withdrawal_rails: of the methods that are there.
        deduplicates: two orders under one key move money once; say so only if the bank promises it.
        absent_grace_seconds: after so long `look_up` sees every order that arrived.
        key_lifetime_seconds: how long a key is remembered; 0 means for ever.
        unseen_status: how `look_up` is answered about a reference that the bank has never seen, such as 404;
            say so only if the bank promises it, for what was never seen may be sent again. 0 is no answer.
        idempotency_header: where the key of an order goes; empty where the bank takes none.
        signature: how deliveries are signed; see `invoicepay.adapters.signatures`.
        health_path: asked by `health`; any answer says that the bank is there.

    Args:
        key: what the bank knows us by, kept as a secret; sent as `Authorization: Bearer …` unless `headers`
            says otherwise.
        base_url: instead of the class's, such as a sandbox.
        webhook_secret: what deliveries are signed with; several while one replaces another.
        assets: what this bank's money becomes, such as `USD.tempo`, one for a currency; a currency without
            one stands for itself.
        transport: of httpx, instead of sockets.

    Raises:
        ConfigurationError: the class, where it is defined, or the base URL cannot work; the message says why.

    Examples:
        >>> class AcmeBank(HttpRails):
        ...     name, base_url = "acmebank", "https://api.acmebank.example/v2"
        ...     statuses = {"created": "pending", "done": "settled"}
        ...     unseen_status = 404  # promised in the bank's guide
        ...
        ...     def start_deposit(self, order: RailOrder, key: str) -> RailTransfer:
        ...         body = {"amount": order.amount.amount_text, "reference": order.reference}
        ...         return self._read(self.call("POST", "/collections", json=body, idempotency_key=key))
        ...
        ...     def look_up(self, reference: str) -> RailTransfer:
        ...         return self._read(self.call("GET", f"/collections/{reference}"))
        ...
        ...     def _read(self, found) -> RailTransfer:
        ...         amount = self.money(found["amount"], "USD")
        ...         return self.transfer(
        ...             "deposit", id=found["id"], status=found["state"], amount=amount,
        ...             reference=found["reference"],
        ...         )
        >>> can = AcmeBank(key="test").capabilities()
        >>> can.finds_by_reference, sorted(can.withdrawal_rails)
        (True, [])
    """

    name: str = ""
    base_url: str = ""
    statuses: ClassVar[Mapping[str, str]] = {}
    deposit_rails: ClassVar[Collection[str]] = ("instant",)
    withdrawal_rails: ClassVar[Collection[str]] = ("instant",)
    deduplicates: ClassVar[bool] = False
    absent_grace_seconds: ClassVar[int] = 60
    key_lifetime_seconds: ClassVar[int] = 0
    unseen_status: ClassVar[int] = 0
    idempotency_header: ClassVar[str] = "Idempotency-Key"
    signature: ClassVar[Scheme] = BODY_HMAC_SHA256_HEX
    health_path: ClassVar[str] = "/"

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        check(cls, HttpRails)

    def __init__(
        self,
        *,
        key: str | SecretStr = "",
        base_url: str = "",
        webhook_secret: str | Sequence[str] = (),
        assets: Collection[str] = (),
        limits: Limits | None = None,
        tls: ssl.SSLContext | None = None,
        transport: httpx.BaseTransport | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.base_url = base_url or type(self).base_url
        if not self.name or not self.base_url:
            lacking = "base_url" if self.name else "name"
            raise ConfigurationError(f"{type(self).__name__} has no {lacking}", hint=f"Write {lacking} = …")
        texts = [webhook_secret] if isinstance(webhook_secret, str) else webhook_secret
        self.key: SecretStr = key if isinstance(key, SecretStr) else SecretStr(key)
        self._clock, self._limits = clock or SystemClock(), limits or Limits()
        self._assets = {currency_of(asset): asset for asset in assets}
        self._secrets = [self.signature.secret(text) for text in texts if text]
        self._sender = Sender(
            self.name,
            self.base_url,
            limits=self._limits,
            secrets=[*([self.key] if self.key else []), *(text for text in texts if text)],
            tls=tls,
            transport=transport,
        )

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> HttpRails:
        """The bank as the environment describes it: `ACMEBANK_KEY`, `…_BASE_URL`, `…_WEBHOOK_SECRET`.

        Several webhook secrets are parted by spaces. This is what an entry point of `invoicepay.rails` names.
        """
        prefix = cls.name.upper().replace("-", "_")
        return cls(
            key=environ.get(f"{prefix}_KEY", ""),
            base_url=environ.get(f"{prefix}_BASE_URL", ""),
            webhook_secret=environ.get(f"{prefix}_WEBHOOK_SECRET", "").split(),
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} at {self.base_url}>"

    # What a bank writes.

    def start_deposit(self, order: RailOrder, key: str) -> RailTransfer:  # noqa: ARG002
        """Ask the party's bank for `order.amount`; `key` is the same whenever this order is sent again."""
        raise ProviderRejected(f"{self.name} takes no deposits")

    def start_withdrawal(self, order: RailOrder, key: str) -> RailTransfer:  # noqa: ARG002
        """Pay `order.amount` out to the party's account."""
        raise ProviderRejected(f"{self.name} pays nothing out")

    def look_up(self, reference: str) -> RailTransfer | None:
        """The transfer under our reference; None where the bank has never seen it."""
        raise ProviderUnavailable(f"{self.name} cannot be asked by reference", reference=reference)

    def stop(self, provider_ref: str, key: str) -> RailTransfer:  # noqa: ARG002
        """Cancel a transfer that was not sent yet."""
        raise ProviderRejected(f"{self.name} cancels nothing", provider_ref=provider_ref)

    def cash(self, asset: str) -> Money:
        """What the account holds that payouts are paid from."""
        raise ProviderUnavailable(f"{self.name} tells no balance", asset=asset)

    def read_webhook(self, document: Any) -> Iterable[RailEvent]:  # noqa: ARG002
        """The events of a delivery; it comes from the bank, and its JSON is read already."""
        raise ProviderUnavailable(f"{self.name} sends no webhooks")

    def headers(self) -> Mapping[str, str | SecretStr]:
        """What every call says of us; a value made of `key` is a secret again, so that no trace shows it."""
        return {"Authorization": SecretStr(f"Bearer {self.key.get_secret_value()}")} if self.key else {}

    def refusal(self, answer: Answer) -> ProviderError:
        """What a 4xx on an order means; by default it is refused for good, and after 409 not known.

        A bank answers 409 while a first order under this key is still at work, so money may move.
        """
        if answer.status == 409:
            return ProviderUnknown(f"{self.name} has this key already: 409 to {answer.operation}")
        return ProviderRejected(
            f"{self.name} refused {answer.operation} ({answer.status})", status=answer.status
        )

    # What a bank calls.

    def call(
        self,
        method: str,
        path: str,
        *,
        json: object | None = None,
        query: Mapping[str, str] | None = None,
        idempotency_key: str = "",
        operation: str = "",
    ) -> Any:
        """Send one request and return the JSON of its answer; fractions are Decimal.

        GET is a question, and asked again where that helps. Everything else is an order, and begun again
        only while it surely has not left.

        Args:
            path: below the base URL.
            idempotency_key: marks the call that moves the money; pass it even to a bank that takes no keys.
            operation: names the call in errors and logs; by default the method and the path's first part.

        Raises:
            ProviderRejected, ProviderUnavailable, ProviderUnknown: what the failure means; let them pass.
        """
        if not path.startswith("/"):
            raise ConfigurationError(f"a path of {self.name} begins with a slash, below its base_url")
        named = operation or f"{method} {path.strip('/').partition('/')[0].partition('?')[0]}"
        own = (
            {self.idempotency_header: idempotency_key} if self.idempotency_header and idempotency_key else {}
        )
        request = Request(
            method, path, operation=named, query=query or {}, json=json, headers={**self.headers(), **own}
        )
        if method == "GET":
            return question(self._sender, request, unseen_status=self.unseen_status)
        return order(self._sender, request, self.refusal, moves_money=bool(idempotency_key))

    def money(self, amount: str | Decimal | int, currency: str) -> Money:
        """An amount that the bank states in whole units and decimals, in the asset that its currency is here.

        Raises:
            InvalidAmount, UnknownAsset: it is none; let it pass, and the answer counts as not read.
        """
        if isinstance(amount, bool):
            raise InvalidAmount("yes and no are no amounts")
        exact = Decimal(amount) if isinstance(amount, int) else amount
        return Money(exact, self._assets.get(currency, currency))

    def minor(self, units: int, currency: str) -> Money:
        """The same for a bank that counts cents, or whatever the smallest unit of the currency is.

        Raises:
            InvalidAmount, UnknownAsset: as of `money`.
        """
        if type(units) is not int:
            raise InvalidAmount(f"the smallest units are whole numbers, not {type(units).__name__}")
        return self.money(Decimal(units).scaleb(-scale_of(currency)), currency)

    def transfer(
        self,
        direction: Direction | str,
        *,
        id: str | int,
        status: str,
        amount: MoneyLike,
        reference: str = "",
        fee: MoneyLike | None = None,
        return_code: str = "",
        reason: str = "",
        part: str = "",
    ) -> RailTransfer:
        """What the bank says of a transfer, in our words.

        Args:
            direction: `deposit` or `withdrawal`.
            id: the bank's name for it.
            status: the bank's word, one of `statuses`; any other needs a person.
            amount: as the bank states it, see `money`; never the order's, with which it is compared.
            reference: ours, as the bank repeats it; empty where it does not.
            fee: what the processor kept of `amount`.
            part: see `RailTransfer.part`.
        """
        stated = Money.parse(amount)
        if not str(id):
            raise ValueError("a transfer has a name at its bank")
        return RailTransfer(
            provider_ref=str(id),
            reference=reference,
            direction=Direction(direction),
            status=RailStatus(self.statuses.get(status, RailStatus.NEEDS_REVIEW)),
            provider_status=self._sender.scrub(str(status)[:LONGEST]),
            amount=stated,
            fee=Money.zero(stated.asset) if fee is None else Money.parse(fee, asset=stated.asset),
            observed_at=self._clock.now(),
            return_code=return_code or "",
            reason=self._sender.scrub(str(reason or "")[:LONGEST]),
            part=part,
        )

    def event(self, id: str | int, transfer: RailTransfer) -> RailEvent:
        """A fact that a webhook tells; `id` is the bank's, the same whenever it is delivered again."""
        return RailEvent(event_id=str(id), occurred_at=transfer.observed_at, transfer=transfer)

    def verify_hmac(self, body: bytes, signature: str | None) -> None:
        """Check the hex HMAC-SHA256 of a body, for a bank that reads its deliveries in `parse_webhook`.

        Raises:
            WebhookSignatureInvalid: it is not signed with one of our secrets.
        """
        scheme = BODY_HMAC_SHA256_HEX
        headers = {scheme.headers[0]: signature or ""}
        scheme.verified(self._secrets, body, headers, received_at=self._clock.now())

    def close(self) -> None:
        """End the connections; a later call opens new ones."""
        self._sender.close()

    # The port.

    def production_faults(self) -> tuple[str, ...]:
        """What the sender says, and a bank whose deliveries nobody can verify."""
        is_told = type(self).read_webhook is not HttpRails.read_webhook
        unsigned = (f"{self.name} has no webhook_secret",) if is_told and not self._secrets else ()
        return (*self._sender.production_faults(), *unsigned)

    def capabilities(self) -> RailsCapabilities:
        return RailsCapabilities(
            deposit_rails=frozenset(self.deposit_rails if self._has("start_deposit") else ()),
            withdrawal_rails=frozenset(self.withdrawal_rails if self._has("start_withdrawal") else ()),
            deduplicates=self.deduplicates,
            finds_by_reference=self._has("look_up"),
            absent_grace_seconds=self.absent_grace_seconds,
            key_lifetime_seconds=self.key_lifetime_seconds,
            cancels=self._has("stop"),
            tells_balance=self._has("cash"),
        )

    async def initiate_deposit(self, order: RailOrder, *, idempotency_key: str) -> RailTransfer:
        self._require(order, self.capabilities().deposit_rails)
        return await self._ordered(lambda: self.start_deposit(order, idempotency_key))

    async def initiate_withdrawal(self, order: RailOrder, *, idempotency_key: str) -> RailTransfer:
        self._require(order, self.capabilities().withdrawal_rails)
        return await self._ordered(lambda: self.start_withdrawal(order, idempotency_key))

    async def cancel(self, provider_ref: str, *, idempotency_key: str) -> RailTransfer:
        return await self._ordered(lambda: self.stop(provider_ref, idempotency_key))

    async def find(self, reference: str) -> RailTransfer | None:
        seconds = self._limits.total_seconds
        try:
            return await beside(lambda: asked(self.name, seconds, lambda: self.look_up(reference)))
        except Unseen:
            return None

    async def balance(self, asset: str) -> Money:
        seconds = self._limits.total_seconds
        return await beside(lambda: asked(self.name, seconds, lambda: self.cash(asset)))

    def parse_webhook(
        self, body: bytes, headers: dict[str, str], *, received_at: datetime
    ) -> tuple[RailEvent, ...]:
        """Check the signature, then let `read_webhook` read.

        Raises:
            WebhookSignatureInvalid: not from the bank, replayed or mangled.
            ProviderUnavailable: it is from the bank and cannot be read; once it can, it is delivered again.
        """
        proof = self.signature.verified(self._secrets, body, headers, received_at=received_at)
        return read_delivery(self.name, proof, body, self.read_webhook)

    async def health(self) -> Health:
        """Ask whether the bank is there and takes our key, and say how its news reach us."""
        request = Request("GET", self.health_path, operation="health", headers=self.headers())
        found = await beside(lambda: reachable(self._sender, request))
        ways = {"webhooks": bool(self._secrets), "look-ups": self._has("look_up")}
        news = [way for way, is_there in ways.items() if is_there]
        heard = Check("news", bool(news), ", ".join(news) or "nothing tells how a transfer ends")
        return Health(self.name, (*found, heard))

    async def _ordered(self, hook: Callable[[], RailTransfer]) -> RailTransfer:
        return await beside(lambda: ordered(self.name, self._limits.total_seconds, RailTransfer, hook))

    def _has(self, hook: str) -> bool:
        return getattr(type(self), hook) is not getattr(HttpRails, hook)

    def _require(self, order: RailOrder, rails: Collection[str]) -> None:
        if order.rail not in rails:
            raise ProviderRejected(f"{self.name} has no rail {order.rail} this way", rail=order.rail)
        here = self._assets.get(order.currency, order.currency)
        if order.amount.asset != here:
            raise ProviderRejected(f"{self.name} moves {here} here, not {order.amount.asset}")
