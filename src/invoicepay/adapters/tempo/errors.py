"""What Tempo says when it refuses, in our words: reverts by selector, refusals to send by their text."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final

from invoicepay.adapters.tempo import calls
from invoicepay.errors import (
    ComplianceBlocked,
    ComplianceError,
    InsufficientFunds,
    InvoicePayError,
    MoneyError,
    ProviderRejected,
    ProviderUnavailable,
    ProviderUnknown,
)

PAUSE_SECONDS: Final = 60
"""How long to leave a paused token, or a fee wallet that is short, before trying again."""

_REJECTED: Final[dict[str, tuple[str, str, str]]] = {
    "f58f733a": ("SupplyCapExceeded", "cap", "the token's supply cap does not allow it"),
    "82b42900": ("Unauthorized", "configuration", "the account lacks the role for it"),
    "9c8d2cd2": ("InvalidRecipient", "bad_address", "the token does not go to this address"),
    "da56842c": ("VirtualAddressUnregistered", "bad_address", "the virtual address stands for nobody"),
    "13be252b": ("InsufficientAllowance", "allowance", "the holder has not approved as much"),
    "2c5211c6": ("InvalidAmount", "configuration", "the amount does not fit"),
    "c0d76d92": ("InvalidSupplyCap", "configuration", "the cap is below the supply or too high"),
    "7b94a16b": ("InvalidTransferPolicyId", "configuration", "there is no such transfer policy"),
    "720caa4f": ("PolicyNotFound", "configuration", "there is no such transfer policy"),
    "d15b4fe2": ("InvalidQuoteToken", "configuration", "the quote token does not fit"),
    "f5993428": ("InvalidCurrency", "configuration", "the currency does not fit"),
    "e1320079": ("ProtectedAddress", "configuration", "the address is protected"),
    "15ef3a57": ("TokenAlreadyExists", "exists", "the token exists already"),
    "aa4bc69a": ("UnknownFunctionSelector", "unsupported", "the chain's fork does not know this call"),
    "8a9e71ea": ("SpendingLimitExceeded", "limit", "the key's spending limit does not allow it"),
    "1a15a3cc": ("PermitExpired", "permit", "the permit has expired"),
    "8baa579f": ("InvalidSignature", "permit", "the permit's signature is not valid"),
}
"""Selector of a revert that is for good: its name, our word for the reason, what it means."""


def revert_error(data: bytes) -> InvoicePayError:
    """The error for a call that reverted; `data` is the revert's selector and arguments.

    A paused token is a moment's matter, the rest is for good. An error we have no word for is for good too:
    the call was carried out in full and undone, so nothing moved.
    """
    selector = data[:4].hex()
    if selector in _REJECTED:
        name, reason, meaning = _REJECTED[selector]
        return ProviderRejected(meaning, reason=reason, revert=name)
    return _OTHERS.get(selector, _unnamed)(data)


def _short(data: bytes) -> InvoicePayError:
    text = "the wallet on the chain holds less than the amount"
    try:
        available, required, token = calls.words(data[4:], "uint256", "uint256", "address")
    except ValueError:
        return InsufficientFunds(text, revert="InsufficientBalance")
    return InsufficientFunds(
        text, revert="InsufficientBalance", available=str(available), required=str(required), token=token
    )


def _paused(_data: bytes) -> InvoicePayError:
    return ProviderUnavailable(
        "the token is paused", reason="paused", revert="ContractPaused", retry_after_seconds=PAUSE_SECONDS
    )


def _forbidden(_data: bytes) -> InvoicePayError:
    return ComplianceBlocked("the token's transfer policy refuses a party", revert="PolicyForbids")


def _unnamed(data: bytes) -> InvoicePayError:
    return ProviderRejected("the call reverted", reason="reverted", revert=f"0x{data[:4].hex()}")


_OTHERS: Final[dict[str, Callable[[bytes], InvoicePayError]]] = {
    "832f98b5": _short,
    "ab35696f": _paused,
    "54cfe659": _forbidden,
}


class Refusal(StrEnum):
    """Why a node did not take a transaction, by what is to be done about it."""

    NONCE_USED = "nonce_used"
    """Something was mined in this slot: look for the receipts of all its attempts."""
    NONCE_AHEAD = "nonce_ahead"
    """An earlier nonce of the lane is missing: send that one first."""
    REPLACES = "replaces"
    """Another attempt of the slot is pending: wait, or offer at least a tenth more."""
    EXPIRED = "expired"
    """Its `valid_before` is near or past: sign it anew for the same slot."""
    FEE_TOO_LOW = "fee_too_low"
    """The base fee is above `max_fee`: sign it anew for the same slot, offering more."""
    GAS_TOO_LOW = "gas_too_low"
    """It offers less gas than it needs: sign it anew for the same slot, offering more."""
    FEES_SHORT = "fees_short"
    """Whoever pays the fee does not hold it: top up, then send the same bytes."""
    POOL_FULL = "pool_full"
    """Send the same bytes later."""
    FEE_TOKEN = "fee_token"  # noqa: S105 - a word for a fault
    """The fee token cannot pay here: configure another one."""
    MALFORMED = "malformed"
    """Wrong chain, too many calls, or bytes that are no transaction: ours to mend."""
    REVERTS = "reverts"
    """The node tried it, and it reverts."""
    UNCLEAR = "unclear"
    """Words we do not know: it may be on its way; look it up."""


_ALREADY = re.compile(r"already (?:known|imported)|already exists in (?:the )?pool", re.IGNORECASE)
_TEXTS: Final[tuple[tuple[Refusal, str], ...]] = (
    (Refusal.NONCE_USED, r"nonce.*too low|nonce already used"),
    (Refusal.NONCE_AHEAD, r"nonce.*too high|nonce gap"),
    (Refusal.REPLACES, r"replacement transaction underpriced"),
    (Refusal.EXPIRED, r"valid_?before.*must be|transaction expired"),
    (
        Refusal.FEE_TOO_LOW,
        r"max ?fee per gas less than block base fee|transaction underpriced|fee ?cap less than",
    ),
    (Refusal.GAS_TOO_LOW, r"insufficient gas for|intrinsic gas too low"),
    (
        Refusal.FEE_TOKEN,
        r"insufficient liquidity in fee ?amm|fee token.*(?:paused|not a tip-?20|not usd|invalid)",
    ),
    (Refusal.FEES_SHORT, r"insufficient fee token balance|insufficient funds for gas"),
    (Refusal.POOL_FULL, r"txpool is full|pool is full|too many pending"),
    (
        Refusal.MALFORMED,
        r"too many calls|invalid chain ?id|failed to decode|failed to recover|calls? cannot be empty",
    ),
    (Refusal.MALFORMED, r"exceeds (?:block|transaction) gas limit|fee payer.*(?:sender|same)"),
    (Refusal.REVERTS, r"execution reverted"),
)
_PATTERNS: Final = tuple((refusal, re.compile(text, re.IGNORECASE)) for refusal, text in _TEXTS)


def is_already_known(message: str) -> bool:
    """Whether the node has these very bytes already, which is as good as taking them."""
    return _ALREADY.search(message) is not None


def refusal_of(message: str) -> Refusal:
    """The refusal behind a node's words; codes differ from node to node and are not looked at.

    Examples:
        >>> refusal_of("nonce too low: next nonce 8, tx nonce 7").value
        'nonce_used'
        >>> refusal_of("the moon is full").value
        'unclear'
    """
    for refusal, pattern in _PATTERNS:
        if pattern.search(message):
            return refusal
    return Refusal.UNCLEAR


def refusal_error(refusal: Refusal, message: str) -> InvoicePayError:
    """The error of a refusal that the slot's owner does not mend itself.

    Args:
        message: the node's own words; they hold no secret of ours.
    """
    said: dict[str, Any] = {"refusal": refusal.value, "node_said": message}
    if refusal is Refusal.FEES_SHORT:
        text = "the wallet that pays the fees is short: top it up"
        return ProviderUnavailable(text, retry_after_seconds=PAUSE_SECONDS, **said)
    if refusal in (Refusal.POOL_FULL, Refusal.NONCE_AHEAD, Refusal.FEE_TOO_LOW):
        return ProviderUnavailable("the node does not take the transaction now", **said)
    if refusal in (Refusal.FEE_TOKEN, Refusal.MALFORMED, Refusal.GAS_TOO_LOW, Refusal.REVERTS):
        return ProviderRejected("the node refuses the transaction", reason="configuration", **said)
    return ProviderUnknown("the node did not take the transaction now; it may know it from before", **said)


def provider_answer(error: InvoicePayError) -> InvoicePayError:
    """The same refusal as one of the three answers that a provider gives; `reason` keeps what it was."""
    if isinstance(error, MoneyError | ComplianceError):
        details: dict[str, Any] = {"reason": error.code, **error.details}
        return ProviderRejected(error.message, **details)
    return error
