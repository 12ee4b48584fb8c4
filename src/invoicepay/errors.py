"""Every error that leaves the library: one tree, drawn here.

    InvoicePayError
    ├── InvalidInput (also ValueError): what was handed in cannot be understood or used as it is
    │   ├── InvalidAmount, FloatAmount (also TypeError), AmountNotPositive, AmountPrecision, AmountOutOfRange
    │   ├── CurrencyMismatch, AssetNotAccepted, UnknownAsset, InvalidLine, SelfPayment
    │   ├── InvalidText, InvalidTime, InvalidKey, InvalidIdentifier, MalformedData
    │   └── QrSignatureInvalid
    ├── StateError: the thing exists, and its state forbids the command
    │   ├── InvalidTransition, InvoiceAlreadyPaid, InvoiceExpired, InvoiceHasPayments
    │   ├── RequestExpired, RequestAlreadyResolved, RequestInFlight, QrExpired
    │   ├── CreditConsumed, CreditNotRefundable, PartyHasBalances, BankAccountDisabled
    │   └── PositionsNotOpen
    ├── MoneyError: the amount does not fit what is there
    │   ├── InsufficientFunds, InsufficientEnterpriseFunds
    │   ├── OverpaymentRefused, PartialPaymentRefused, BelowMinimumPartial
    │   ├── RefundExceedsPaid, CreditNoteExceedsInvoice, AllocationIncomplete
    │   └── MintExceedsReserve, ReserveNotConfirmed, ReserveDeficit, ReserveStale, PayoutAccountShort
    ├── IdentityError: who asked, or which thing is meant
    │   ├── NotFound, TenantMismatch, IdempotencyConflict, DuplicateProviderReference
    │   └── NotAllowed, NotThePayer, SecondActorRequired, AuthorizerUnavailable
    ├── ComplianceError: ComplianceBlocked, ComplianceReview, LimitExceeded, WalletFrozen,
    │     FundsNotSeasoned
    ├── ProviderError: ProviderRejected, ProviderUnavailable, ProviderUnknown, WebhookSignatureInvalid
    ├── ConcurrencyError: ConcurrentUpdate, StoreBusy
    ├── StoreError: StoreUnreachable, StoreBehind, StoreReadOnly, StoreFull, OutcomeUnknown
    ├── ConfigurationError: MissingExtra, SuspendedInBlockingHost, InsideTransaction
    └── InvariantViolated: the books contradict themselves

The class says what happened: the first line of its docstring is the default message, `hint` is the next step.
`code` is stable, `message` may change. Money calls end in three ways: done, refused, or unknown
(`ProviderUnknown`, `OutcomeUnknown`); unknown is never folded into the other two.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

if TYPE_CHECKING:
    from pydantic_core import CoreSchema

E = TypeVar("E", bound="InvoicePayError")

_LONGEST_TEXT = 1_000
_LONGEST_QUOTE, _FEWEST_DIGITS_OF_AN_ACCOUNT = 12, 8
_LARGEST_QUOTE = 10**_FEWEST_DIGITS_OF_AN_ACCOUNT
_SECRET_NAMES = re.compile(
    r"secret|passw|passphrase|authori[sz]ation|credential|bearer|api_?key|private_?key|signing_?key|signature"
    r"|account_?(number|token)|routing_?number|card_?number|iban|\bpan\b|\bcvc\b|\bcvv\b",
    re.IGNORECASE,
)


class InvoicePayError(Exception):
    """The request could not be carried out.

    Attributes:
        code: stable name of the class in snake_case; hosts may branch on it.
        retryable: the same call with the same idempotency key may succeed later.
        http_status: what a web host answers.
        message: what happened, for the person who can fix it.
        hint: the next step.
        details: JSON-ready facts (ids, amounts as text, allowed options); never a secret.
    """

    code: ClassVar[str] = "invoice_pay_error"
    retryable: ClassVar[bool] = False
    http_status: ClassVar[int] = 500
    hint: str = "Read the message and the details; repeat the call only after the cause is gone."

    def __init_subclass__(
        cls, *, hint: str | None = None, http_status: int | None = None, retryable: bool | None = None
    ) -> None:
        super().__init_subclass__()
        cls.code = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()
        cls.hint = cls.hint if hint is None else hint
        cls.http_status = cls.http_status if http_status is None else http_status
        cls.retryable = cls.retryable if retryable is None else retryable

    def __init__(self, message: str | None = None, *, hint: str | None = None, **details: object) -> None:
        self._tell(message, hint, details)

    def _tell(self, message: str | None, hint: str | None, details: Mapping[str, object]) -> None:
        self.message: str = _visible(self.title() if message is None else str(message))
        self.details: dict[str, object] = {
            _visible(name): _detail(name, value) for name, value in details.items()
        }
        if hint is not None:
            self.hint = _visible(hint)
        super().__init__(self.message)
        # Tracebacks and notebooks print it below the message.
        self.__notes__: list[str] = [f"hint: {self.hint}"]

    @classmethod
    def title(cls) -> str:
        """The default message: the first line of the class docstring."""
        return (cls.__doc__ or cls.code.replace("_", " ")).strip().partition("\n")[0]

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[object, ...]:
        return _retold, (type(self), self.message, self.hint, self.details)

    def to_problem(self) -> dict[str, object]:
        """The RFC 9457 body a web host sends as `application/problem+json`."""
        return {
            "type": f"urn:invoicepay:error:{self.code}",
            "title": self.title(),
            "status": self.http_status,
            "detail": self.message,
            "code": self.code,
            "retryable": self.retryable,
            "hint": self.hint,
            "details": self.details,
        }

    def to_record(self) -> dict[str, object]:
        """The stored form of a refusal; `error_from` reads it back, so a replayed key answers alike."""
        return {"code": self.code, "message": self.message, "hint": self.hint, "details": self.details}

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: object) -> "CoreSchema":
        """Let a result that holds errors be a response model: they are written and read as records."""
        from pydantic_core import PydanticCustomError, core_schema

        def read(record: dict[str, Any]) -> InvoicePayError:
            error = error_from(**record)
            if not isinstance(error, cls):
                raise PydanticCustomError("other_error", "not one of {kind}", {"kind": cls.__name__})
            return error

        record = core_schema.typed_dict_schema(
            {name: core_schema.typed_dict_field(part) for name, part in _record_parts().items()},
            extra_behavior="forbid",
            ref="invoicepay.ErrorRecord",
        )
        reading = core_schema.no_info_after_validator_function(read, record)
        return core_schema.json_or_python_schema(
            json_schema=reading,
            python_schema=core_schema.union_schema([core_schema.is_instance_schema(cls), reading]),
            serialization=core_schema.plain_serializer_function_ser_schema(
                InvoicePayError.to_record, return_schema=record, when_used="json"
            ),
        )


def _record_parts() -> dict[str, "CoreSchema"]:
    from pydantic_core import core_schema

    text = core_schema.str_schema()
    return {"code": text, "message": text, "hint": text, "details": core_schema.dict_schema(text)}


def error_from(
    code: str,
    message: str | None = None,
    details: Mapping[str, object] | None = None,
    hint: str | None = None,
) -> InvoicePayError:
    """Rebuild a recorded refusal: `error_from(**error.to_record())`.

    A code that this version does not know comes back as the root class, with the code among its details.
    """
    for kind in _tree(InvoicePayError):
        if kind.code == code:
            return _retold(kind, message, hint, details or {})
    return _retold(InvoicePayError, message, hint, {**(details or {}), "code": code})


def _tree(kind: type[InvoicePayError]) -> Iterator[type[InvoicePayError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _tree(below)


def _retold(kind: type[E], message: str | None, hint: str | None, details: Mapping[str, object]) -> E:
    """An error from its parts, past any constructor that takes something else."""
    error = kind.__new__(kind)
    error._tell(message, hint, details)
    return error


def _detail(name: str, value: object) -> object:
    """A JSON-ready value, or a placeholder where the name says that it is a secret."""
    if _SECRET_NAMES.search(name):
        return "[redacted]"
    if value is None or type(value) in (bool, int, float):
        return value
    if isinstance(value, Mapping):
        return {_visible(str(key)): _detail(str(key), inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_detail(name, inner) for inner in value]
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"<{len(value)} bytes>"
    return _visible(str(value))


def _visible(text: str) -> str:
    """Bounded text whose control, bidi and surrogate characters are written as escapes (S-18)."""
    if len(text) > _LONGEST_TEXT:
        text = f"{text[: _LONGEST_TEXT - 1]}…"
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def quoted(given: object) -> str:
    """What was given, for a message, where it is short; anything else is left out, with nothing in its place.

    A longer text, or one with as many digits as an account has, could be an IBAN, a card or a token (S-17).

    Examples:
        >>> quoted("usd"), quoted("1,500.00"), quoted("DE89370400440532013000"), quoted("4711 0815 12")
        ("'usd'", "'1,500.00'", '', '')
    """
    if isinstance(given, int) and not -_LARGEST_QUOTE < given < _LARGEST_QUOTE:
        return ""
    if not isinstance(given, str | int) or len(text := str(given)) > _LONGEST_QUOTE:
        return ""
    return "" if sum(char.isdigit() for char in text) >= _FEWEST_DIGITS_OF_AN_ACCOUNT else repr(given)


def not_what(given: object) -> str:
    """`quoted` behind what would have been right: `, not 'usd'`, or nothing."""
    text = quoted(given)
    return f", not {text}" if text else ""


class InvalidInput(InvoicePayError, ValueError, http_status=400, hint="Correct the value and call again."):
    """A value cannot be used as it is."""


class InvalidAmount(InvalidInput, hint='Write amounts as text, for example "12.50 USD".'):
    """The amount is not a plain decimal number of at most 6 decimals."""


class FloatAmount(InvalidAmount, TypeError, hint='Write the amount as text or Decimal: "12.50 USD".'):
    """A float is not an amount: it cannot hold cents exactly."""


class AmountNotPositive(InvalidInput, hint="Pass an amount above zero; the command gives the direction."):
    """The amount must be greater than zero."""


class AmountPrecision(InvalidInput, hint="Round the amount to the currency's decimals before the call."):
    """The amount has more decimals than its currency allows here."""


class AmountOutOfRange(InvalidInput, hint="Amounts go up to 9,000,000,000 of an asset; split larger ones."):
    """The amount is larger than the books can hold."""


class CurrencyMismatch(InvalidInput, hint="Convert before the call; assets never add, not even 1:1."):
    """Two different assets were used together."""


class AssetNotAccepted(InvalidInput, hint="Pay in one of the accepted assets listed in the details."):
    """The asset is not accepted here."""


class UnknownAsset(InvalidInput, hint='Use an ISO 4217 currency, "USD", or an asset of one, "USD.tempo".'):
    """The asset is not known."""


class InvalidLine(InvalidInput, hint="Check description, quantity, price and tax rate of the line."):
    """An invoice line is not valid."""


class SelfPayment(InvalidInput, hint="Name another payer or payee."):
    """Payer and payee are the same party."""


class InvalidText(InvalidInput, hint="Remove control and direction-override characters, or shorten it."):
    """The text contains characters that are refused, or is too long."""


class InvalidTime(InvalidInput, hint="Pass an aware datetime: datetime(2026, 1, 31, 9, tzinfo=UTC)."):
    """The instant has no time zone or cannot be read."""


class InvalidKey(InvalidInput, hint="Use 1 to 255 printable ASCII characters, such as your order number."):
    """The idempotency key is missing or not valid."""


class InvalidIdentifier(InvalidInput, hint="Pass the identifier exactly as it was given out or registered."):
    """The identifier is not valid."""


class MalformedData(InvalidInput, hint="Compare the data with the documented shape of this type."):
    """The data does not have the expected shape."""


class QrSignatureInvalid(InvalidInput, hint="Ask the payee for a fresh code; do not pay this one."):
    """The QR code was not issued here or was changed."""


class StateError(InvoicePayError, http_status=409, hint="Read its state, then choose what it allows."):
    """The current state forbids the command."""


class InvalidTransition(StateError):
    """The command is not allowed in this state."""

    def __init__(
        self,
        entity: str,
        state: str | None,
        command: str,
        allowed: Iterable[str] = (),
        *,
        hint: str | None = None,
        **details: object,
    ) -> None:
        options = [str(option) for option in allowed]
        super().__init__(
            f"{entity} is {state or 'absent'}: cannot {command} (allowed: {', '.join(options) or 'nothing'})",
            hint=hint,
            entity=entity,
            state=state,
            command=command,
            allowed=options,
            **details,
        )


class InvoiceAlreadyPaid(StateError, hint="Nothing is due. To pay in advance, let the customer hold credit."):
    """The invoice is already paid."""


class InvoiceExpired(StateError, hint="Reopen the invoice with a new expiry, or issue another."):
    """The invoice has expired."""


class InvoiceHasPayments(StateError, hint='Void with disposition="credit" or "refund", or credit it.'):
    """The invoice has payments."""


class RequestExpired(StateError, hint="Ask the requester for a new request."):
    """The payment request has expired."""


class RequestAlreadyResolved(StateError, hint="Nothing is left to do; create a new request if more is owed."):
    """The payment request was already resolved."""


class RequestInFlight(StateError, hint="Wait until the payment in flight has ended, then call again."):
    """A payment of this request is in flight."""


class QrExpired(StateError, hint="Ask the payee for a fresh code."):
    """The QR code has expired."""


class CreditConsumed(StateError, hint="Unwind what the credit paid for first."):
    """The credit has been used."""


class CreditNotRefundable(StateError, hint="Apply it to an invoice; only credit from money is refunded."):
    """The credit did not come from money and cannot be refunded."""


class PartyHasBalances(StateError, hint="Empty its wallets and settle what is owed, then close it."):
    """The party still has balances."""


class BankAccountDisabled(StateError, hint="Use another account, or verify it anew and have it enabled."):
    """The bank account must not be used any more."""


class PositionsNotOpen(StateError, hint="Two operators open them once: pay.tokens.open_positions(...)."):
    """The asset has tokens from before it was netted, and nobody said yet what the chain holds of them."""


class MoneyError(InvoicePayError, http_status=409, hint="Compare the amount with the balances."):
    """The amount does not fit what is there."""


class InsufficientFunds(MoneyError, http_status=402, hint="Deposit more, or pay a smaller amount."):
    """The available balance is smaller than the amount."""


class InsufficientEnterpriseFunds(MoneyError, hint="Fund the enterprise's wallet, or refund less."):
    """The enterprise's available balance is smaller than the amount."""


class OverpaymentRefused(MoneyError, hint="Pay at most what is due, counting payments still in flight."):
    """The payment is larger than what is due, and this invoice takes no overpayment."""


class PartialPaymentRefused(MoneyError, hint="Pay the whole remaining amount."):
    """The payment is smaller than what is due, and this invoice takes no partial payment."""


class BelowMinimumPartial(MoneyError, hint="Pay at least the minimum in the details, or the whole rest."):
    """The partial payment is smaller than the minimum."""


class RefundExceedsPaid(MoneyError, hint="Refund at most what was paid and not yet refunded."):
    """The refund is larger than what was paid."""


class CreditNoteExceedsInvoice(MoneyError, hint="Credit at most what remains plus what was paid."):
    """The credit note is larger than the invoice."""


class AllocationIncomplete(MoneyError, hint="Name invoices of one enterprise that take the whole transfer."):
    """The transfer cannot be allocated completely."""


class MintExceedsReserve(MoneyError, hint="Mint at most the reserve net of its fee."):
    """The mint is larger than its reserve."""


class ReserveNotConfirmed(MoneyError, hint="Wait for the reserve's confirmation; then the mint follows."):
    """The reserve is not confirmed."""


class ReserveDeficit(MoneyError, hint="Top up the reserve; mints and withdrawals wait, payments go on."):
    """The reserve does not cover what is owed."""


class ReserveStale(MoneyError, hint="Reconcile the reserve with the bank, then call again."):
    """The last tie-out of the reserve with the bank is too old."""


class PayoutAccountShort(
    MoneyError, hint="Fund the payout account; payouts leave in order once it covers them."
):
    """The payout account does not cover the payout."""


class IdentityError(InvoicePayError, http_status=409, hint="Check who acts and which object is meant."):
    """The caller or the object is not the right one."""


class NotFound(IdentityError, http_status=404, hint="Check the identifier and the tenant."):
    """There is nothing with this identifier."""


class TenantMismatch(IdentityError, http_status=404, hint="Use the client of the tenant that owns it."):
    """The object belongs to another tenant."""


class IdempotencyConflict(IdentityError, http_status=422, hint="Use a new key for a new request."):
    """The idempotency key was used for a different request."""


class DuplicateProviderReference(IdentityError, hint="It is booked already; do not book it twice."):
    """The provider's reference is already recorded."""


class NotAllowed(IdentityError, http_status=403, hint="Act as somebody who may; the details say who."):
    """The actor may not do this."""


class NotThePayer(IdentityError, http_status=403, hint="Act as the payer whom the request names."):
    """The actor is not the payer."""


class SecondActorRequired(IdentityError, http_status=403, hint="Have a different person approve it."):
    """A second actor must approve this."""


class AuthorizerUnavailable(
    IdentityError,
    http_status=503,
    retryable=True,
    hint="Repair the authoriser; until then nobody may.",
):
    """The host's authoriser did not answer; nothing was done."""


class ComplianceError(InvoicePayError, http_status=403, hint="Ask the compliance officer of the programme."):
    """Compliance does not let this through."""


class ComplianceBlocked(ComplianceError):
    """Screening blocked this; nothing was moved."""


class ComplianceReview(ComplianceError, hint="Wait for the review; its decision continues or ends this."):
    """Screening put this under review."""


class LimitExceeded(ComplianceError, hint="Use a smaller amount, wait for the next period, or raise it."):
    """The amount exceeds a limit of the party."""


class WalletFrozen(ComplianceError, hint="The operator must lift the freeze first."):
    """The wallet is frozen."""


class FundsNotSeasoned(
    ComplianceError, hint="Withdraw to the account that they came from, or wait until then."
):
    """The tokens come from a deposit that the bank may still take back."""


class ProviderError(InvoicePayError, http_status=502, hint="Look at the provider and our effect record."):
    """A provider could not do what was asked."""


class ProviderRejected(ProviderError, hint="Correct what was refused; a retry gives the same answer."):
    """The provider refused for good; no money moved."""


class ProviderUnavailable(ProviderError, http_status=503, retryable=True, hint="Retry with the same key."):
    """The provider was not reached; no money moved."""


class ProviderUnknown(ProviderError, hint="Do not send again; it is looked up under the same reference."):
    """The provider did not answer; whether money moved is not known yet."""


class WebhookSignatureInvalid(ProviderError, http_status=400, hint="Pass the raw body and the right secret."):
    """The webhook's signature is not valid."""


class ConcurrencyError(InvoicePayError, http_status=409, retryable=True, hint="Repeat with the same key."):
    """Somebody else was faster."""


class ConcurrentUpdate(ConcurrencyError):
    """The rows changed while the command ran."""


class StoreBusy(ConcurrentUpdate, http_status=503, hint="Call again with the same key after a moment."):
    """The store is busy with other writers."""


class StoreError(InvoicePayError, http_status=503, hint="Ask whoever runs the database."):
    """The store cannot be used."""


class StoreUnreachable(StoreError, retryable=True, hint="Check that the database runs and the URL is right."):
    """The store was not reached; nothing was recorded."""


class StoreBehind(
    StoreError,
    hint="Run: invoicepay migrate; or call invoicepay.migrate(url), or do it in a migration of yours.",
):
    """The store's tables are older than this version needs."""


class StoreReadOnly(StoreError, hint="Connect to the primary, or give the role the right to write."):
    """The store takes no writes."""


class StoreFull(StoreError, hint="Free space; nothing of the command was recorded."):
    """The store has no space left."""


class OutcomeUnknown(StoreError, retryable=True, hint="Call again with the same key; it tells what it did."):
    """The commit was not acknowledged; whether the command happened is not known yet."""

    def __init__(self, message: str | None = None, *, retry_same_key: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint, retry_same_key=retry_same_key)


class ConfigurationError(InvoicePayError, hint="Correct the settings; the message names the contradiction."):
    """The configuration does not work."""


class MissingExtra(ConfigurationError, hint="Install the extra that the message names."):
    """An optional part of the library is not installed."""

    def __init__(self, extra: str, *, needed_for: str = "this") -> None:
        command = f'pip install "invoicepay[{extra}]"'
        super().__init__(f"{needed_for} needs {command}", hint=f"Run: {command}", extra=extra)


class SuspendedInBlockingHost(ConfigurationError, hint="Use AsyncInvoicePay, or only blocking adapters."):
    """An awaiting adapter was wired into a blocking host."""


class InsideTransaction(
    ConfigurationError, hint="Call it on the client itself, before the transaction or after its commit."
):
    """The call reaches outside the database, and a transaction is open that must not wait for it."""


class InvariantViolated(InvoicePayError, hint="Stop payouts, keep the database as it is, and run the audit."):
    """The books contradict themselves."""
