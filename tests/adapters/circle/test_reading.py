"""Amounts, pages, instants and states as Circle writes them."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoicepay.adapters.circle import wire
from invoicepay.adapters.circle.movements import WALLET_STATUS
from invoicepay.adapters.circle.movements import status_of as treasury_status_of
from invoicepay.adapters.circle.wallets import STATUS, instant, next_page, status_of
from invoicepay.adapters.http import Answer
from invoicepay.domain.effects import Effect, EffectKind, EffectStatus, Observation, Source
from invoicepay.domain.money import MAX_MICROS, Money
from invoicepay.domain.reducer import reduce
from invoicepay.errors import ProviderUnavailable
from invoicepay.ports.tokens import TokenStatus
from invoicepay.ports.treasury import TreasuryStatus
from invoicepay.use_cases.providers import TOKEN_WORDS

ASSET = "USD.usdc"
IDS = ("a", "b")
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


@given(st.integers(0, MAX_MICROS), st.integers(0, 12))
def test_an_amount_is_read_exactly_whatever_zeros_follow(micros: int, zeros: int) -> None:
    text = f"{micros // 10**6}.{micros % 10**6:06}{'0' * zeros}"

    assert wire.money_from(text, ASSET) == Money.from_micros(micros, ASSET)


@pytest.mark.parametrize(
    "text", ["", "-1", "+1", "1.", ".5", "1e3", " 1", "1,5", "NaN", "Infinity", "0.0000001", "9" * 14, "١"]
)
def test_what_our_books_cannot_hold_exactly_is_not_read(text: str) -> None:
    with pytest.raises(ValueError, match="amount"):
        wire.money_from(text, ASSET)


@pytest.mark.parametrize(
    ("link", "ids", "size", "after"),
    [
        ('<https://api.circle.com/x?pageAfter=b>; rel="next"', IDS, 50, "b"),
        (
            'https://api.circle.com/x?pageAfter=b; rel="next", https://api.circle.com/x; rel="self"',
            IDS,
            50,
            "b",
        ),
        ('<https://api.circle.com/x>; rel="self"', IDS, 2, ""),
        (None, IDS, 2, "b"),
        (None, IDS, 50, ""),
        ("<https://api.circle.com/x>; rel=next", IDS, 50, "b"),
        ("<https://api.circle.com/x>; rel='next'", IDS, 50, "b"),
        ('<https://api.circle.com/x>; rel="prev next"', IDS, 50, "b"),
        ('<https://api.circle.com/x>; rel="following"', IDS, 2, "b"),
        ('<https://api.circle.com/x>; rel="following"', IDS, 50, ""),
        ("<https://api.circle.com/x>", IDS, 2, "b"),
        ('<https://api.circle.com/x>; rel="prev", <https://api.circle.com/x>; rel="self"', IDS, 2, ""),
        ('<https://api.circle.com/x>; rel="next"', (), 50, ""),
    ],
)
def test_the_next_page_begins_behind_the_last_id(
    link: str | None, ids: tuple[str, ...], size: int, after: str
) -> None:
    headers = {} if link is None else {"link": link}

    assert next_page(Answer(200, headers, b""), ids, size=size) == after


@pytest.mark.parametrize("again", IDS)
def test_a_page_that_does_not_begin_behind_the_last_one_ends_the_reading(again: str) -> None:
    with pytest.raises(ProviderUnavailable):
        next_page(Answer(200, {}, b""), IDS, after=again)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2024-01-26T18:22:19Z", datetime(2024, 1, 26, 18, 22, 19, tzinfo=UTC)),
        ("2024-01-26T18:22:19.779834211Z", datetime(2024, 1, 26, 18, 22, 19, 779834, tzinfo=UTC)),
        ("2024-01-26T19:22:19.779+01:00", datetime(2024, 1, 26, 18, 22, 19, 779000, tzinfo=UTC)),
    ],
)
def test_instants_are_read_with_up_to_nine_decimals(text: str, at: datetime) -> None:
    told = {"notificationId": "n", "notificationType": "t", "notification": {}, "version": 2}

    assert wire.Notification.model_validate({**told, "timestamp": text}).timestamp == at
    assert datetime.fromisoformat(instant(at)) == at.replace(microsecond=at.microsecond // 1000 * 1000)


def test_null_and_absent_texts_are_read_alike() -> None:
    told = {"id": "d", "amount": {"amount": "1.00", "currency": "USD"}, "status": "complete"}
    told |= {"createDate": "2026-01-31T09:00:00Z"}
    old = wire.MintDeposit.model_validate({**told, "sourceWalletId": "bank", "fee": told["amount"]})
    new = wire.MintDeposit.model_validate(
        {**told, "source": {"id": "bank", "type": "wire"}, "sourceWalletId": None}
    )

    assert (old.bank_id, new.bank_id) == ("bank", "bank")
    assert (old.fees is None, new.fees is None) == (False, True)


# states

WAYS = (
    ("INITIATED", "CLEARED", "QUEUED", "SENT", "CONFIRMED", "COMPLETE"),
    ("INITIATED", "QUEUED", "CLEARED", "SENT", "STUCK", "SENT", "CONFIRMED", "COMPLETE"),
    ("INITIATED", "QUEUED", "CANCELLED"),
    ("INITIATED", "SENT", "STUCK", "CANCELLED"),
    ("INITIATED", "CLEARED", "QUEUED", "SENT", "CONFIRMED", "FAILED"),
    ("INITIATED", "FAILED"),
    ("INITIATED", "DENIED"),
)
"""Ways through Circle's states, to each end that there is."""


def test_both_ports_agree_about_every_state_of_a_wallets_transfer() -> None:
    final = {state for state, status in WALLET_STATUS.items() if status is TreasuryStatus.FINAL}

    assert WALLET_STATUS.keys() == STATUS.keys()
    assert final == {state for state, status in STATUS.items() if status is TokenStatus.FINAL} == {"COMPLETE"}
    for state, status in WALLET_STATUS.items():
        is_over = status in (TreasuryStatus.FAILED, TreasuryStatus.DENIED, TreasuryStatus.CANCELLED)
        assert (STATUS[state] is TokenStatus.FAILED) == is_over


def test_no_way_leaves_a_state_that_is_over() -> None:
    for way in WAYS:
        for earlier, later in pairwise(way):
            assert status_of(earlier) is TokenStatus.PENDING, (way, earlier, later)
        assert status_of(way[-1]) in (TokenStatus.FINAL, TokenStatus.FAILED)


@given(st.data(), st.sampled_from(WAYS))
def test_news_in_any_order_and_number_fold_to_the_end_of_the_way(
    data: st.DataObject, way: tuple[str, ...]
) -> None:
    shuffled = data.draw(st.permutations(way))
    repeated = data.draw(st.lists(st.sampled_from(way), max_size=6))
    effect = an_effect()

    for state in [*repeated, *shuffled, *repeated]:
        effect = reduce(effect, seen(effect, state)).effect

    assert effect.status == TOKEN_WORDS[status_of(way[-1])]


@pytest.mark.parametrize(
    ("word", "code", "status"),
    [
        ("pending", "", TreasuryStatus.PENDING),
        ("created", "", TreasuryStatus.PENDING),
        ("running", "", TreasuryStatus.SENT),
        ("complete", "", TreasuryStatus.FINAL),
        ("completed", "", TreasuryStatus.FINAL),
        ("failed", "blockchain_error", TreasuryStatus.FAILED),
        ("failed", "invalid_wire_rtn", TreasuryStatus.FAILED),
        ("failed", "transfer_denied", TreasuryStatus.DENIED),
        ("failed", "transaction_denied", TreasuryStatus.DENIED),
        ("failed", "transaction_returned", TreasuryStatus.RETURNED),
        ("complete", "transaction_returned", TreasuryStatus.FINAL),
        ("teleported", "", TreasuryStatus.NEEDS_REVIEW),
    ],
)
def test_words_of_mint_are_read_in_ours(word: str, code: str, status: TreasuryStatus) -> None:
    assert treasury_status_of(word, code) is status


def an_effect() -> Effect:
    """A mint that Circle has taken in."""
    return Effect(
        id="eff_1",
        kind=EffectKind.MINT,
        provider="circle",
        cause_kind="token_mint",
        cause_id="mnt_1",
        asset=ASSET,
        amount=Money("10.00", ASSET),
        request={},
        provider_key="eff_1",
        due_at=NOON,
        status=EffectStatus.SENDING,
    )


def seen(effect: Effect, state: str) -> Observation:
    """What a delivery or an answer says of it."""
    return Observation(
        id=f"circle/{state}",
        effect_id=effect.id,
        provider="circle",
        fact_id=state,
        source=Source.WEBHOOK,
        status=TOKEN_WORDS[status_of(state)],
        provider_status=state,
        provider_ref="tx",
        asset=ASSET,
        amount=effect.amount,
        fee=Money.zero(ASSET),
    )
