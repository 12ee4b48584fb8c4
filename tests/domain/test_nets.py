"""Nets: few transfers, the same ones every time, each within what its wallet has too much."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from invoicepay.domain.nets import Leg, Standing, nets

PARTIES = [f"p{number:02}" for number in range(12)]


def moved(*nets_by_party: tuple[str, int], aside: str = "") -> list[tuple[str, str, int]]:
    """The legs for wallets with these nets."""
    standings = [
        Standing(party_id=party, wanted=1_000 + net, held=1_000, stands_aside=party == aside)
        for party, net in nets_by_party
    ]
    return [(leg.from_party, leg.to_party, leg.micros) for leg in nets(standings)]


def test_who_has_too_much_sends_it_to_who_has_too_little() -> None:
    assert moved(("ann", -70), ("acme", 80), ("bob", -10)) == [("ann", "acme", 70), ("bob", "acme", 10)]


def test_a_wallet_that_is_where_it_should_be_moves_nothing() -> None:
    assert moved(("ann", -70), ("acme", 70), ("bob", 0)) == [("ann", "acme", 70)]


def test_the_largest_go_first_and_ties_by_name() -> None:
    legs = moved(("b", -5), ("a", -5), ("c", -9), ("x", 9), ("z", 5), ("y", 5))

    assert legs == [("c", "x", 9), ("a", "y", 5), ("b", "z", 5)]


def test_a_wallet_that_stands_aside_neither_gives_nor_takes() -> None:
    legs = moved(("ann", -70), ("acme", 80), ("bob", -10), aside="ann")

    assert legs == [("bob", "acme", 10)]


@st.composite
def standings(draw: st.DrawFn) -> list[Standing]:
    """Wallets whose books and chain hold the same in total."""
    held = draw(st.lists(st.integers(0, 50), min_size=2, max_size=len(PARTIES)))
    moves = draw(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11), st.integers(1, 30)), max_size=20))
    wanted = list(held)
    for giver, taker, micros in moves:
        giver, taker = giver % len(held), taker % len(held)
        taken = min(micros, wanted[giver])
        wanted[giver] -= taken
        wanted[taker] += taken
    return [
        Standing(party_id=party, wanted=after, held=before)
        for party, after, before in zip(PARTIES, wanted, held, strict=False)
    ]


def after(wallets: list[Standing], legs: tuple[Leg, ...]) -> dict[str, int]:
    """What the chain holds once every leg arrived."""
    held = {wallet.party_id: wallet.held for wallet in wallets}
    for leg in legs:
        held[leg.from_party] -= leg.micros
        held[leg.to_party] += leg.micros
    return held


@given(standings())
def test_every_wallet_ends_where_the_books_are(wallets: list[Standing]) -> None:
    assert after(wallets, nets(wallets)) == {wallet.party_id: wallet.wanted for wallet in wallets}


@given(standings())
def test_there_are_fewer_transfers_than_wallets_with_a_net(wallets: list[Standing]) -> None:
    with_net = [wallet for wallet in wallets if wallet.net]

    assert len(nets(wallets)) <= max(len(with_net) - 1, 0)


@given(standings(), st.randoms())
def test_the_order_in_which_wallets_are_read_changes_nothing(wallets: list[Standing], chance: object) -> None:
    shuffled = list(wallets)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]

    assert nets(shuffled) == nets(wallets)


@given(standings(), st.sets(st.sampled_from(PARTIES)))
def test_no_wallet_gives_or_takes_more_than_its_net_whoever_stands_aside(
    wallets: list[Standing], aside: set[str]
) -> None:
    wallets = [
        Standing(party_id=w.party_id, wanted=w.wanted, held=w.held, stands_aside=w.party_id in aside)
        for w in wallets
    ]

    ends = after(wallets, nets(wallets))

    for wallet in wallets:
        end = ends[wallet.party_id]
        assert min(wallet.held, wallet.wanted) <= end <= max(wallet.held, wallet.wanted)
        assert end == wallet.held or not wallet.stands_aside
