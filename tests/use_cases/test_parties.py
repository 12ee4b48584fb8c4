"""Parties and wallets: registering, verifying, closing, freezing."""

import pytest

from invoicepay.domain.accounts import available, frozen, held
from invoicepay.domain.money import Money
from invoicepay.domain.parties import Party, PartyKind, PartyStatus, Wallet, WalletStatus
from invoicepay.domain.policies import Policy, Programme
from invoicepay.errors import (
    InvalidInput,
    InvalidText,
    InvalidTime,
    InvalidTransition,
    NotAllowed,
    NotFound,
    PartyHasBalances,
    UnknownAsset,
)
from invoicepay.use_cases.parties import (
    CloseParty,
    FreezeWallet,
    OpenWallet,
    RegisterParty,
    SetTier,
    UnfreezeWallet,
    UpdatePolicy,
    close_party,
    freeze_wallet,
    open_wallet,
    register_party,
    set_tier,
    unfreeze_wallet,
    update_policy,
)
from tests.support.desk import Desk

ACME = RegisterParty(
    party_id="acme",
    kind=PartyKind.ENTERPRISE,
    kyc_tier=2,
    policy=Policy(fee_bps=50),
    timezone="Europe/Berlin",
)


def usd(text: str) -> Money:
    return Money(text, "USD")


class TestRegister:
    def test_a_party_keeps_what_it_was_registered_with(self) -> None:
        desk = Desk()

        acme = desk.run(register_party(desk.deps, ACME))

        assert (acme.id, acme.kind, acme.kyc_tier) == ("acme", PartyKind.ENTERPRISE, 2)
        assert (acme.policy.fee_bps, acme.timezone) == (50, "Europe/Berlin")
        assert acme.status is PartyStatus.ACTIVE

    def test_what_is_left_out_takes_its_default(self) -> None:
        desk = Desk()

        ann = desk.run(register_party(desk.deps, RegisterParty(party_id="ann", kind=PartyKind.USER)))

        assert (ann.kyc_tier, ann.policy, ann.timezone) == (0, Policy(), "UTC")

    def test_registering_alike_again_answers_with_the_same(self) -> None:
        desk = Desk()
        first = desk.run(register_party(desk.deps, ACME))

        again = desk.run(register_party(desk.deps, ACME))

        assert again == first
        assert desk.rows(Party) == (first,)

    def test_a_later_tier_does_not_stop_a_registration_that_names_none(self) -> None:
        desk = Desk()
        plain = RegisterParty(party_id="ann", kind=PartyKind.USER)
        desk.run(register_party(desk.deps, plain))
        desk.run(set_tier(desk.deps, SetTier(party_id="ann", kyc_tier=3)))

        assert desk.run(register_party(desk.deps, plain)).kyc_tier == 3

    @pytest.mark.parametrize(
        "other",
        [
            RegisterParty(party_id="acme", kind=PartyKind.USER),
            RegisterParty(party_id="acme", kind=PartyKind.ENTERPRISE, kyc_tier=1),
            RegisterParty(party_id="acme", kind=PartyKind.ENTERPRISE, policy=Policy()),
            RegisterParty(party_id="acme", kind=PartyKind.ENTERPRISE, timezone="UTC"),
        ],
    )
    def test_registering_otherwise_is_refused(self, other: RegisterParty) -> None:
        desk = Desk()
        desk.run(register_party(desk.deps, ACME))

        with pytest.raises(InvalidInput, match="acme is registered with another"):
            desk.run(register_party(desk.deps, other))

    def test_an_unknown_time_zone_is_refused(self) -> None:
        desk = Desk()
        command = RegisterParty(party_id="ann", kind=PartyKind.USER, timezone="Mars/Olympus")

        with pytest.raises(InvalidTime):
            desk.run(register_party(desk.deps, command))

    def test_an_id_that_cannot_be_kept_as_it_is_is_refused(self) -> None:
        desk = Desk()

        with pytest.raises(InvalidInput):
            desk.run(register_party(desk.deps, RegisterParty(party_id=" ann", kind=PartyKind.USER)))

    def test_only_operators_register(self) -> None:
        desk = Desk()

        with pytest.raises(NotAllowed):
            desk.run(register_party(desk.acting_as("acme"), ACME))


class TestChange:
    def test_a_new_policy_replaces_the_old(self) -> None:
        desk = Desk()
        desk.enterprise("acme")

        acme = desk.run(
            update_policy(desk.deps, UpdatePolicy(party_id="acme", policy=Policy(micro_payments=True)))
        )

        assert acme.policy.micro_payments

    def test_an_enterprise_does_not_set_its_own_fee(self) -> None:
        desk = Desk()
        desk.enterprise("acme")

        with pytest.raises(NotAllowed):
            desk.run(
                update_policy(desk.acting_as("acme"), UpdatePolicy(party_id="acme", policy=Policy(fee_bps=0)))
            )

    def test_a_party_does_not_verify_itself(self) -> None:
        desk = Desk()
        desk.user("ann")

        with pytest.raises(NotAllowed):
            desk.run(set_tier(desk.acting_as("ann"), SetTier(party_id="ann", kyc_tier=3)))

    def test_an_unknown_party_has_no_policy(self) -> None:
        desk = Desk()

        with pytest.raises(NotFound):
            desk.run(update_policy(desk.deps, UpdatePolicy(party_id="nobody", policy=Policy())))


class TestClose:
    def test_a_party_that_holds_nothing_is_closed(self) -> None:
        desk = Desk()
        desk.user("ann")

        closed = desk.run(close_party(desk.deps, CloseParty(party_id="ann")))

        assert closed.status is PartyStatus.CLOSED

    def test_a_party_with_tokens_is_not_closed(self) -> None:
        desk = Desk()
        desk.fund("ann", "20.00 USD")

        with pytest.raises(PartyHasBalances) as refusal:
            desk.run(close_party(desk.deps, CloseParty(party_id="ann")))

        assert str(refusal.value) == "ann still has 20.00 USD"
        assert refusal.value.details["balances"] == {"wallet:available:ann": "20.00 USD"}

    def test_a_closed_party_is_not_registered_again(self) -> None:
        desk = Desk()
        desk.user("ann")
        desk.run(close_party(desk.deps, CloseParty(party_id="ann")))

        with pytest.raises(InvalidTransition):
            desk.run(register_party(desk.deps, RegisterParty(party_id="ann", kind=PartyKind.USER)))

    def test_a_repeated_key_answers_as_before_whatever_arrived_since(self) -> None:
        desk = Desk()
        desk.user("ann")
        closed = desk.run(close_party(desk.deps, CloseParty(party_id="ann"), "close-ann"))
        desk.fund("bob", "5.00 EUR")

        again = desk.run(close_party(desk.deps, CloseParty(party_id="ann"), "close-ann"))

        assert again == closed
        assert again.replayed

    def test_only_operators_close(self) -> None:
        desk = Desk()
        desk.user("ann")

        with pytest.raises(NotAllowed):
            desk.run(close_party(desk.acting_as("ann"), CloseParty(party_id="ann")))


class TestWallet:
    def test_a_party_opens_its_own_wallet_once(self) -> None:
        desk = Desk()
        desk.user("ann")
        first = desk.run(open_wallet(desk.acting_as("ann"), OpenWallet(party_id="ann", asset="USD")))

        again = desk.run(open_wallet(desk.acting_as("ann"), OpenWallet(party_id="ann", asset="USD")))

        assert again == first
        assert first.status is WalletStatus.ACTIVE

    def test_nobody_opens_the_wallet_of_another(self) -> None:
        desk = Desk()
        desk.user("ann")

        with pytest.raises(NotAllowed):
            desk.run(open_wallet(desk.acting_as("bob"), OpenWallet(party_id="ann", asset="USD")))

    def test_a_wallet_is_of_an_asset_that_the_programme_has(self) -> None:
        desk = Desk(Programme(only_listed_assets=True))
        desk.user("ann")

        with pytest.raises(UnknownAsset):
            desk.run(open_wallet(desk.deps, OpenWallet(party_id="ann", asset="USD")))


FREEZE = FreezeWallet(party_id="ann", asset="USD", reason="court order 12")
UNFREEZE = UnfreezeWallet(party_id="ann", asset="USD", reason="order lifted")


class TestFreeze:
    def test_p09_a_freeze_blocks_everything_available(self) -> None:
        desk = Desk()
        desk.fund("ann", "30.00 USD")

        wallet = desk.run(freeze_wallet(desk.deps, FREEZE))

        assert (wallet.status, wallet.reason) == (WalletStatus.FROZEN, "court order 12")
        assert desk.balance(frozen("ann", "USD")) == usd("30.00")
        assert desk.balance(available("ann", "USD")) == usd("0")
        assert desk.balance(held("ann", "USD")) == usd("0")

    def test_p09_reversed_gives_everything_back(self) -> None:
        desk = Desk()
        desk.fund("ann", "30.00 USD")
        desk.run(freeze_wallet(desk.deps, FREEZE))

        wallet = desk.run(unfreeze_wallet(desk.deps, UNFREEZE))

        assert wallet.status is WalletStatus.ACTIVE
        assert desk.balance(frozen("ann", "USD")) == usd("0")
        assert desk.available("ann") == usd("30.00")

    def test_an_empty_wallet_is_frozen_without_a_posting(self) -> None:
        desk = Desk()
        desk.user("ann")

        desk.run(freeze_wallet(desk.deps, FREEZE))

        assert desk.balances() == {}
        assert [wallet.status for wallet in desk.rows(Wallet)] == [WalletStatus.FROZEN]

    def test_a_frozen_wallet_is_not_frozen_again(self) -> None:
        desk = Desk()
        desk.user("ann")
        desk.run(freeze_wallet(desk.deps, FREEZE))

        with pytest.raises(InvalidTransition):
            desk.run(freeze_wallet(desk.deps, FREEZE))

    def test_a_wallet_that_is_not_frozen_is_not_unfrozen(self) -> None:
        desk = Desk()
        desk.user("ann")

        with pytest.raises(InvalidTransition):
            desk.run(unfreeze_wallet(desk.deps, UNFREEZE))

    @pytest.mark.parametrize("reason", ["", "   "])
    def test_a_freeze_without_a_reason_is_refused(self, reason: str) -> None:
        desk = Desk()
        desk.user("ann")

        with pytest.raises(InvalidText):
            desk.run(freeze_wallet(desk.deps, FreezeWallet(party_id="ann", asset="USD", reason=reason)))

    def test_only_operators_freeze(self) -> None:
        desk = Desk()
        desk.user("ann")

        with pytest.raises(NotAllowed):
            desk.run(freeze_wallet(desk.acting_as("ann"), FREEZE))

    def test_a_party_with_frozen_tokens_is_not_closed(self) -> None:
        desk = Desk()
        desk.fund("ann", "30.00 USD")
        desk.run(freeze_wallet(desk.deps, FREEZE))

        with pytest.raises(PartyHasBalances):
            desk.run(close_party(desk.deps, CloseParty(party_id="ann")))
