"""What cannot be asked has not said yes: screening, authoriser, store, providers (S-30)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from invoicepay import InvoicePay
from invoicepay.adapters.checkpoint_keys import Ed25519Key
from invoicepay.errors import AuthorizerUnavailable, ComplianceError, InvoicePayError, ProviderUnavailable
from invoicepay.ports.screening import Screened, Subject, Verdict
from tests.input.calls import make
from tests.input.scene import PROGRAMME, QR_SECRET, Scene, changed, scene
from tests.security.cells import Ground, Recorder, calls

ALLOW = Screened(verdict=Verdict.ALLOW)


@dataclass
class Screens:
    """A compliance service that answers what it is told to."""

    answer: Any = ALLOW
    fails_with: Exception | None = None
    asked: list[Subject] = field(default_factory=list[Subject])

    async def screen(self, subject: Subject) -> Screened:
        self.asked.append(subject)
        if self.fails_with is not None:
            raise self.fails_with
        answer: Screened = self.answer
        return answer


@dataclass
class Said:
    """Something like a verdict, from a service with words of its own."""

    verdict: Any
    reason: str = ""


@pytest.fixture(scope="module")
def cells() -> Iterator[Ground]:
    with scene() as made:
        yield Ground(made, Recorder(), made.stored())


def screened_client(here: Scene, screens: Screens) -> InvoicePay:
    """Another client of the same books, with this screening."""
    return InvoicePay(
        repository=here.repository,
        rails=here.rails,
        token=here.tokens,
        clock=here.clock,
        screening=screens,
        programme=PROGRAMME,
        dispatch="deferred",
        qr_secret=QR_SECRET,
        webhook_secret=QR_SECRET,
        allow_local_webhooks=True,
        tenant="home",
        checkpoint_keys=(Ed25519Key(bytes(32)),),
    )


@pytest.fixture(scope="module")
def screened(cells: Ground) -> list[str]:
    """The calls that ask screening before they start."""
    found = []
    for call in [*calls(), "invoices.pay_many"]:
        with cells.fresh() as here:
            screens = Screens()
            make(here, call, screened_client(here, screens))
            found += [call] if screens.asked else []
    return found


def test_every_movement_is_screened(screened: list[str]) -> None:
    assert set(screened) >= {
        "deposits.initiate",
        "deposits.record",
        "withdrawals.initiate",
        "withdrawals.retry_payout",
        "invoices.pay",
        "invoices.pay_many",
        "invoices.pay_several",
        "requests.approve_scanned",
        "transfers.send",
        "transfers.send_scanned",
        "transfers.send_outside",
        "holds.place",
        "reserves.match",
    }


TROUBLE: dict[str, Screens] = {
    "is away": Screens(fails_with=ProviderUnavailable("screening is away")),
    "breaks": Screens(fails_with=ConnectionResetError("reset by peer")),
    "times out": Screens(fails_with=TimeoutError()),
    "says nothing": Screens(answer=None),
    "says true": Screens(answer=True),
    "has another word": Screens(answer=Said("maybe")),
    "has no word": Screens(answer=Said(None)),
}


@pytest.mark.parametrize("trouble", TROUBLE)
def test_without_a_verdict_nothing_starts(cells: Ground, screened: list[str], trouble: str) -> None:
    wrong = []
    for call in screened:
        with cells.fresh() as here:
            before = here.stored()
            refusal = refused(here, call, screened_client(here, TROUBLE[trouble]))
            left = changed(before, here.stored())
            if not isinstance(refusal, ProviderUnavailable) or not refusal.retryable or left:
                wrong.append(f"{call}: {refusal!r}, {left}")

    assert wrong == []


def refused(here: Scene, call: str, pay: InvoicePay) -> InvoicePayError | None:
    """Why a call, or the one call of a batch, was refused."""
    try:
        answer = make(here, call, pay)
    except InvoicePayError as error:
        return error
    first = answer[0] if isinstance(answer, list) else answer
    return first if isinstance(first, InvoicePayError) else None


def test_a_block_in_plain_words_is_a_block(cells: Ground, screened: list[str]) -> None:
    for call in screened:
        with cells.fresh() as here:
            screens = Screens(answer=Said("block", "listed"))

            assert isinstance(refused(here, call, screened_client(here, screens)), ComplianceError)


def test_what_was_set_for_later_waits_until_screening_answers(cells: Ground) -> None:
    with cells.fresh() as here:
        away = screened_client(here, TROUBLE["breaks"])
        here.clock.advance(days=40)
        before = here.pay.wallets.get("bob")
        (waiting,) = here.pay.transfers.list(payer="ann", status="scheduled")

        summary = away.run_pending()

        assert any(isinstance(refusal, ProviderUnavailable) for refusal in summary.refusals)
        assert here.pay.transfers.get(waiting).status == "scheduled"
        assert here.pay.wallets.get("bob").available == before.available
        here.pay.run_pending()
        assert here.pay.transfers.get(waiting).status == "completed"


def test_an_authoriser_that_is_away_keeps_what_waits_and_starts_nothing_new() -> None:
    recorder = Recorder()
    with scene(authorizer=recorder) as here:
        ground = Ground(here, recorder, here.stored())
        for call in (
            "deposits.initiate",
            "withdrawals.initiate",
            "transfers.send",
            "invoices.pay",
            "tokens.mint",
        ):
            with ground.fresh():
                before = here.stored()
                recorder.fails_with = TimeoutError()

                assert isinstance(refused(here, call, here.pay), AuthorizerUnavailable)

                assert changed(before, here.stored()) == ["home.audit"]
