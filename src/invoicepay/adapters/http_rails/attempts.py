"""What is known of one run of a bank's own code, so that its end says whether money may have moved."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar

from invoicepay.adapters.hosts import is_blocking
from invoicepay.adapters.http import together
from invoicepay.errors import ProviderError, ProviderRejected, ProviderUnavailable, ProviderUnknown

T = TypeVar("T")


@dataclass(slots=True)
class Attempt:
    """How far one run came.

    Attributes:
        may_have_left: an order, or another call that is no question, may have reached the bank.
        was_taken: the bank has answered the order with success.
    """

    may_have_left: bool = False
    was_taken: bool = False


class Unseen(ProviderUnavailable):
    """The bank answered that it has never seen what was asked about."""


_current: ContextVar[Attempt | None] = ContextVar("invoicepay_http_rails", default=None)


def attempt() -> Attempt:
    """The run that goes on; outside of one, nobody looks at what it says."""
    return _current.get() or Attempt()


@contextmanager
def _running(seconds: float) -> Iterator[Attempt]:
    run = Attempt()
    before = _current.set(run)
    try:
        with together(seconds):
            yield run
    finally:
        _current.reset(before)


def ordered(name: str, seconds: float, kind: type[T], hook: Callable[[], T]) -> T:
    """Run the code that sends an order, and end in one of the four ways that the port knows.

    Once the bank has taken the order, nothing that happens afterwards says that it did not.

    Raises:
        ProviderRejected: refused for good.
        ProviderUnavailable: it did not leave.
        ProviderUnknown: it may have arrived.
    """
    with _running(seconds) as run:
        try:
            made = hook()
            if isinstance(made, kind):
                return made
            raise TypeError(f"made {type(made).__name__}, not {kind.__name__}")
        except ProviderUnknown:
            raise
        except (ProviderRejected, ProviderUnavailable) as error:
            if not run.was_taken:
                raise
            raise ProviderUnknown(f"{name} took the order, then: {error.message}") from error
        except Exception as error:
            if run.may_have_left:
                raise ProviderUnknown(f"{name} answered what is not read: {reason(error)}") from error
            raise ProviderUnavailable(f"nothing was sent to {name}: {reason(error)}") from error


def asked(name: str, seconds: float, hook: Callable[[], T]) -> T:
    """Run the code that puts a question.

    Raises:
        Unseen: the bank says that it has never seen it.
        ProviderUnavailable: whatever else went wrong, the question is not answered.
    """
    with _running(seconds):
        try:
            return hook()
        except ProviderUnavailable:
            raise
        except ProviderError as error:
            raise ProviderUnavailable(error.message) from error
        except Exception as error:
            raise ProviderUnavailable(f"{name} answered what is not read: {reason(error)}") from error


def reason(error: Exception) -> str:
    """What broke, without a word of what was answered; a missing key is named, for the code names it."""
    name = type(error).__name__
    if isinstance(error, KeyError) and error.args and str(error.args[0])[:40].isidentifier():
        return f"{name} {str(error.args[0])[:40]!r}"
    return name


async def beside(hook: Callable[[], T]) -> T:
    """Run code that blocks: here where the host blocks, in a thread beside the loop where it awaits."""
    return hook() if is_blocking() else await asyncio.to_thread(hook)
