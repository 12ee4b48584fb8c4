"""The contract of notifiers catches those that break a promise: each wrong one here fails a named test."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

import pytest

from invoicepay.errors import ProviderRejected, ProviderUnavailable
from invoicepay.ports.notifier import Notice
from invoicepay.testing.hosts import AwaitingHost, Host
from invoicepay.testing.notifier_contract import NotifierBench, NotifierContract, Received
from tests.contracts.test_wrong_adapters import broken_promises


@dataclass
class Post:
    """A far side in memory."""

    taken: list[Received] = field(default_factory=list[Received])
    refusals: int = 0
    is_away: bool = False
    delay_seconds: float = 0

    def received(self) -> list[Received]:
        return self.taken

    def refuse_next(self) -> None:
        self.refusals += 1

    def be_unreachable(self) -> None:
        self.is_away = True

    def be_slow(self, seconds: float) -> None:
        self.delay_seconds = seconds


class Right:
    """Keeps every promise."""

    def __init__(self, post: Post) -> None:
        self._post = post

    def of(self, notice: Notice) -> Received:
        files = {file.name: file.content for file in notice.attachments}
        to = (notice.to.email,)
        return Received(notice.id, to, notice.subject, notice.text, notice.html, files)

    async def notify(self, notice: Notice) -> None:
        if self._post.is_away:
            raise ProviderUnavailable()
        if self._post.refusals:
            self._post.refusals -= 1
            raise ProviderRejected()
        if self._post.delay_seconds:
            import asyncio

            await asyncio.sleep(self._post.delay_seconds)
        self._post.taken.append(self.of(notice))


class NewIdEachTime(Right):
    def of(self, notice: Notice) -> Received:
        return replace(super().of(notice), id=str(len(self._post.taken)))


class EndsAtADot(Right):
    def of(self, notice: Notice) -> Received:
        text = notice.text.split("\n.\n")[0]
        return Received(notice.id, (notice.to.email,), notice.subject, text, notice.html)


class AsciiOnly(Right):
    def of(self, notice: Notice) -> Received:
        subject = notice.subject.encode("ascii", "replace").decode()
        return Received(notice.id, (notice.to.email,), subject, notice.text, notice.html)


class NamesThePerson(Right):
    async def notify(self, notice: Notice) -> None:
        try:
            await super().notify(notice)
        except (ProviderRejected, ProviderUnavailable) as error:
            raise type(error)(f"{notice.to.email} was not reached") from None


class SwallowsTrouble(Right):
    async def notify(self, notice: Notice) -> None:
        try:
            await super().notify(notice)
        except (ProviderRejected, ProviderUnavailable):
            return


class HoldsUpTheLoop(Right):
    async def notify(self, notice: Notice) -> None:
        time.sleep(self._post.delay_seconds)
        self._post.taken.append(self.of(notice))


class TestRight(NotifierContract):
    def make_bench(self, host: Host) -> NotifierBench:
        return bench_of(Right)


def bench_of(kind: type[Right]) -> NotifierBench:
    post = Post()
    return NotifierBench(kind(post), post)


@pytest.mark.parametrize(
    ("kind", "promise"),
    [
        (NewIdEachTime, "test_a_repeat_is_recognised_and_another_notice_is_not"),
        (EndsAtADot, "test_no_text_ends_the_message_or_begins_another"),
        (AsciiOnly, "test_words_of_every_script_come_out_as_they_were"),
        (NamesThePerson, "test_who_can_never_be_reached_is_rejected_and_not_named"),
        (NamesThePerson, "test_a_far_side_that_is_away_is_unavailable_and_nobody_is_named"),
        (SwallowsTrouble, "test_a_far_side_that_is_away_is_unavailable_and_nobody_is_named"),
    ],
)
def test_a_wrong_notifier_is_caught(kind: type[Right], promise: str) -> None:
    assert promise in broken_promises(NotifierContract(), lambda: bench_of(kind))


def test_one_that_holds_up_the_loop_is_caught() -> None:
    host = AwaitingHost()
    with pytest.raises(AssertionError):
        NotifierContract().test_an_awaiting_host_goes_on_while_the_far_side_is_slow(
            host, bench_of(HoldsUpTheLoop)
        )
    host.close()
