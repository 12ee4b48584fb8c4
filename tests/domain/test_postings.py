"""The posting table P-01 … P-36: who is debited and credited with what, in every variant."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from invoicepay.domain import postings as p
from invoicepay.domain.accounts import Code, Posting, frozen

Made = Posting | tuple[Posting, ...]
D, F = Code.AVAILABLE, Code.FROZEN
MEMO = "cause_1"


def shown(made: Made) -> list[str]:
    """Each posting as `rule: D code/party amount … C code/party amount …`."""
    return [_line(one) for one in (made if isinstance(made, tuple) else (made,))]


def _line(posting: Posting) -> str:
    assert posting.is_sound
    assert posting.memo == MEMO
    assert {entry.account.asset for entry in posting.entries} == {"USD"}
    return f"{posting.rule}: " + ", ".join(_entries(posting))


def _entries(posting: Posting) -> Iterable[str]:
    for entry in posting.entries:
        party = f"/{entry.account.party_id}" if entry.account.party_id else ""
        yield f"{entry.side} {int(entry.account.code)}{party} {entry.amount}"


TABLE: list[tuple[Callable[[], Made], list[str]]] = [
    (lambda: p.deposit_received("ann", "USD", 100, memo=MEMO), ["P-01: D 1100 100, C 2100/ann 100"]),
    (
        lambda: p.reserve_confirmed("ann", "USD", 100, memo=MEMO),
        ["P-02: D 1050 100, C 1100 100, D 2100/ann 100, C 2110/ann 100"],
    ),
    (
        lambda: p.reserve_confirmed("ann", "USD", 100, fee=5, memo=MEMO),
        ["P-02: D 1050 100, C 1100 100, D 2100/ann 100, C 2110/ann 95, C 2410 5"],
    ),
    (
        lambda: p.reserve_confirmed("ann", "USD", 100, fee=5, processor_fee=3, memo=MEMO),
        ["P-02: D 1050 97, C 1100 100, D 2100/ann 100, C 2110/ann 92, C 2410 5"],
    ),
    (
        lambda: p.reserve_confirmed("ann", "USD", 100, fee=5, processor_fee=3, borne=True, memo=MEMO),
        ["P-02: D 1050 97, C 1100 100, D 2100/ann 100, C 2110/ann 95, D 5000 3, C 2410 5"],
    ),
    (
        lambda: p.reserve_confirmed("ann", "USD", 4, fee=3, processor_fee=2, borne=True, memo=MEMO),
        ["P-02: D 1050 2, C 1100 4, D 5000 2, C 2110/ann 1, C 2410 3, D 2100/ann 4"],
    ),
    (
        lambda: p.minted("ann", "USD", 100, custodied=False, memo=MEMO),
        ["P-03: D 1000 100, C 1050 100, D 2110/ann 100, C 2000/ann 100"],
    ),
    (
        lambda: p.minted("ann", "USD", 100, custodied=True, into=F, memo=MEMO),
        ["P-03: D 1010 100, C 1050 100, D 2110/ann 100, C 2030/ann 100"],
    ),
    (
        lambda: p.returned_before_mint("ann", "USD", 100, fee=5, confirmed=True, memo=MEMO),
        ["P-04: D 2110/ann 95, C 2330 100, D 2410 5", "P-04: D 2330 100, C 1050 100"],
    ),
    (
        lambda: p.returned_before_mint(
            "ann", "USD", 100, fee=5, confirmed=True, swept=True, lost=3, memo=MEMO
        ),
        ["P-04: D 2110/ann 92, C 2330 100, D 5000 8", "P-04: D 2330 100, C 1050 100"],
    ),
    (
        lambda: p.returned_before_mint("ann", "USD", 100, fee=0, confirmed=False, memo=MEMO),
        ["P-04: D 2100/ann 100, C 2330 100", "P-04: D 2330 100, C 1100 100"],
    ),
    (
        lambda: p.returned_after_mint("ann", "USD", 100, burned=60, custodied=False, memo=MEMO),
        [
            "P-05: D 2000/ann 60, C 2330 100, D 1200/ann 40",
            "P-05: D 1050 60, C 1000 60",
            "P-05: D 2330 100, C 1050 100",
        ],
    ),
    (
        lambda: p.returned_after_mint(
            "ann", "USD", 100, burned=60, top_up=40, custodied=True, out_of=F, memo=MEMO
        ),
        [
            "P-05: D 1050 40, C 3000 40",
            "P-05: D 2030/ann 60, C 2330 100, D 1200/ann 40",
            "P-05: D 1050 60, C 1010 60",
            "P-05: D 2330 100, C 1050 100",
        ],
    ),
    (
        lambda: p.returned_after_mint("ann", "USD", 100, burned=0, top_up=100, custodied=False, memo=MEMO),
        ["P-05: D 1050 100, C 3000 100", "P-05: D 1200/ann 100, C 2330 100", "P-05: D 2330 100, C 1050 100"],
    ),
    (
        lambda: p.returned_after_mint("ann", "USD", 100, burned=100, custodied=False, memo=MEMO),
        ["P-05: D 2000/ann 100, C 2330 100", "P-05: D 1050 100, C 1000 100", "P-05: D 2330 100, C 1050 100"],
    ),
    (lambda: p.buffer_topped_up("USD", 100, memo=MEMO), ["P-05: D 1050 100, C 3000 100"]),
    (
        lambda: p.receivable_recovered("ann", "USD", 100, custodied=False, memo=MEMO),
        ["P-06: D 2000/ann 100, C 1200/ann 100", "P-06: D 1050 100, C 1000 100"],
    ),
    (
        lambda: p.receivable_recovered("ann", "USD", 100, custodied=True, out_of=F, memo=MEMO),
        ["P-06: D 2030/ann 100, C 1200/ann 100", "P-06: D 1050 100, C 1010 100"],
    ),
    (lambda: p.receivable_written_off("ann", "USD", 100, memo=MEMO), ["P-06: D 5000 100, C 1200/ann 100"]),
    (lambda: p.unmatched_received("USD", 100, memo=MEMO), ["P-07: D 1050 100, C 2900 100"]),
    (lambda: p.unmatched_matched("ann", "USD", 100, memo=MEMO), ["P-07: D 2900 100, C 2110/ann 100"]),
    (lambda: p.unmatched_returned("USD", 100, memo=MEMO), ["P-07: D 2900 100, C 1050 100"]),
    (lambda: p.fees_swept("USD", 100, memo=MEMO), ["P-08: D 2410 100, C 1050 100"]),
    (lambda: p.interest_received("USD", 100, memo=MEMO), ["P-08: D 1050 100, C 2420 100"]),
    (lambda: p.interest_taken("USD", 100, memo=MEMO), ["P-08: D 2420 100, C 1050 100"]),
    (lambda: p.wallet_frozen("ann", "USD", 100, memo=MEMO), ["P-09: D 2000/ann 100, C 2030/ann 100"]),
    (lambda: p.wallet_unfrozen("ann", "USD", 100, memo=MEMO), ["P-09: D 2030/ann 100, C 2000/ann 100"]),
    (lambda: p.placed_on_hold("ann", "USD", 100, memo=MEMO), ["P-10: D 2000/ann 100, C 2010/ann 100"]),
    (
        lambda: p.placed_on_hold("ann", "USD", 100, rule="P-30", memo=MEMO),
        ["P-30: D 2000/ann 100, C 2010/ann 100"],
    ),
    (
        lambda: p.payment_settled("ann", "acme", "USD", applied=80, excess=20, memo=MEMO),
        ["P-11: D 2000/ann 100, C 2000/acme 80, C 2020/acme 20"],
    ),
    (
        lambda: p.payment_settled(
            "ann",
            "acme",
            "USD",
            applied=80,
            excess=20,
            source=Code.HELD,
            into=F,
            fee=2,
            platform_id="app",
            memo=MEMO,
        ),
        ["P-11: D 2010/ann 100, C 2030/acme 78, C 2000/app 2, C 2020/acme 20"],
    ),
    (
        lambda: p.payment_settled(
            "ann",
            "acme",
            "USD",
            applied=80,
            excess=20,
            source=Code.EXTERNAL_HOLDERS,
            ring_fenced=False,
            memo=MEMO,
        ),
        ["P-11: D 2050 100, C 2000/acme 100"],
    ),
    (
        lambda: p.payment_settled(
            "ann", "acme", "USD", applied=80, excess=20, into=F, ring_fenced=False, memo=MEMO
        ),
        ["P-11: D 2000/ann 100, C 2030/acme 100"],
    ),
    (lambda: p.hold_released("ann", "USD", 100, memo=MEMO), ["P-12: D 2010/ann 100, C 2000/ann 100"]),
    (lambda: p.hold_released("ann", "USD", 100, into=F, memo=MEMO), ["P-12: D 2010/ann 100, C 2030/ann 100"]),
    (lambda: p.credit_applied("acme", "USD", 100, memo=MEMO), ["P-13: D 2020/acme 100, C 2000/acme 100"]),
    (
        lambda: p.credit_applied("acme", "USD", 100, into=F, fee=2, platform_id="app", memo=MEMO),
        ["P-13: D 2020/acme 100, C 2030/acme 98, C 2000/app 2"],
    ),
    (lambda: p.credit_fee("acme", "app", "USD", 2, memo=MEMO), ["P-13: D 2000/acme 2, C 2000/app 2"]),
    (
        lambda: p.credit_refunded("acme", "ann", "USD", 100, memo=MEMO),
        ["P-15: D 2020/acme 100, C 2000/ann 100"],
    ),
    (
        lambda: p.credit_refunded("acme", "ann", "USD", 100, ring_fenced=False, into=F, memo=MEMO),
        ["P-15: D 2000/acme 100, C 2030/ann 100"],
    ),
    (lambda: p.credit_expired("acme", "USD", 100, memo=MEMO), ["P-16: D 2020/acme 100, C 2000/acme 100"]),
    (
        lambda: p.credit_expired("acme", "USD", 100, into=F, memo=MEMO),
        ["P-16: D 2020/acme 100, C 2030/acme 100"],
    ),
    (lambda: p.transferred("ann", "bob", "USD", 100, memo=MEMO), ["P-17: D 2000/ann 100, C 2000/bob 100"]),
    (
        lambda: p.transferred("ann", "bob", "USD", 100, source=Code.HELD, into=F, memo=MEMO),
        ["P-17: D 2010/ann 100, C 2030/bob 100"],
    ),
    (
        lambda: p.sent_outside("ann", "USD", 100, memo=MEMO),
        ["P-18: D 2010/ann 100, C 2040 100", "P-18: D 2040 100, C 2050 100"],
    ),
    (lambda: p.arrived_from_outside("ann", "USD", 100, memo=MEMO), ["P-18: D 2050 100, C 2000/ann 100"]),
    (
        lambda: p.arrived_from_outside("ann", "USD", 100, into=F, memo=MEMO),
        ["P-18: D 2050 100, C 2030/ann 100"],
    ),
    (
        lambda: p.fence_raised("acme", "USD", 100, rule="P-24", memo=MEMO),
        ["P-24: D 2000/acme 100, C 2020/acme 100"],
    ),
    (
        lambda: p.fence_lowered("acme", "USD", 100, rule="P-27", memo=MEMO),
        ["P-27: D 2020/acme 100, C 2000/acme 100"],
    ),
    (
        lambda: p.fence_lowered("acme", "USD", 100, into=F, rule="P-27", memo=MEMO),
        ["P-27: D 2020/acme 100, C 2030/acme 100"],
    ),
    (
        lambda: p.refunded(
            "acme", "USD", [(frozen("ann", "USD"), 40), (frozen("bob", "USD"), 60)], memo=MEMO
        ),
        ["P-27: D 2000/acme 100, C 2030/ann 40, C 2030/bob 60"],
    ),
    (
        lambda: p.burned("ann", "USD", 100, fee=2, custodied=False, memo=MEMO),
        ["P-31: D 2010/ann 100, C 2300/ann 98, C 2410 2, D 1050 100, C 1000 100"],
    ),
    (
        lambda: p.burned("ann", "USD", 100, fee=0, custodied=True, memo=MEMO),
        ["P-31: D 2010/ann 100, C 2300/ann 100, D 1050 100, C 1010 100"],
    ),
    (lambda: p.payout_submitted("ann", "USD", 100, memo=MEMO), ["P-32: D 2300/ann 100, C 2310/ann 100"]),
    (
        lambda: p.payout_submitted("ann", "USD", 100, again=True, memo=MEMO),
        ["P-32: D 2320/ann 100, C 2310/ann 100"],
    ),
    (lambda: p.payout_settled("ann", "USD", 100, memo=MEMO), ["P-33: D 2310/ann 100, C 1050 100"]),
    (lambda: p.payout_failed("ann", "USD", 100, memo=MEMO), ["P-34: D 2310/ann 100, C 2320/ann 100"]),
    (
        lambda: p.payout_failed("ann", "USD", 100, source=Code.REDEMPTION_PAYABLE, memo=MEMO),
        ["P-34: D 2300/ann 100, C 2320/ann 100"],
    ),
    (lambda: p.payout_returned("ann", "USD", 100, memo=MEMO), ["P-35: D 1050 100, C 2320/ann 100"]),
    (
        lambda: p.reminted("ann", "USD", 100, custodied=False, memo=MEMO),
        ["P-36: D 2320/ann 100, C 2000/ann 100, D 1000 100, C 1050 100"],
    ),
    (
        lambda: p.reminted("ann", "USD", 100, custodied=True, into=F, memo=MEMO),
        ["P-36: D 2320/ann 100, C 2030/ann 100, D 1010 100, C 1050 100"],
    ),
]


@pytest.mark.parametrize(("made", "lines"), TABLE)
def test_a_posting_debits_and_credits_as_the_table_says(made: Callable[[], Made], lines: list[str]) -> None:
    assert shown(made()) == lines


def test_every_posting_of_the_module_stands_in_the_table() -> None:
    made = {name for name, one in vars(p).items() if getattr(one, "__module__", "") == p.__name__}
    named = {name for call, _ in TABLE for name in call.__code__.co_names}

    assert made <= named | {"backing"}
