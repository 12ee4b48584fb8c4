"""What is wrong with a bank is said where its class is written."""

from collections.abc import Mapping
from typing import Any

import pytest

from invoicepay.adapters.http_rails import HttpRails
from invoicepay.errors import ConfigurationError
from invoicepay.ports.rails import RailStatus


def a_hook(self: Any, *args: Any) -> Any:
    raise AssertionError(f"{self} is defined, not asked")


async def an_awaiting_hook(self: Any, order: Any, key: Any) -> Any:
    raise AssertionError(f"{self} is defined, not asked")


GOOD: Mapping[str, Any] = {
    "name": "bank",
    "base_url": "https://bank.example",
    "statuses": {"done": "settled", "kept": RailStatus.PENDING},
    "start_deposit": a_hook,
    "look_up": a_hook,
}


def defined(**changes: Any) -> type[HttpRails]:
    return type("Bank", (HttpRails,), {**GOOD, **changes})


def test_capabilities_follow_from_what_is_written() -> None:
    can = defined(deposit_rails={"wire"}, deduplicates=True, cash=a_hook)().capabilities()

    assert (can.deposit_rails, can.withdrawal_rails) == (frozenset({"wire"}), frozenset())
    assert (can.finds_by_reference, can.cancels, can.tells_balance, can.deduplicates) == (
        True,
        False,
        True,
        True,
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "Acme Bank"}, "name is small letters, digits, - and _, not 'Acme Bank'"),
        ({"name": "rails"}, "name is rails, which is what its side is called"),
        ({"base_url": "http://bank.example"}, "a provider is reached by https"),
        ({"statuses": {}}, "statuses maps each word of the bank"),
        ({"statuses": {"done": "setled"}}, "statuses has setled; ours are pending"),
        ({"deposit_rails": "instant"}, "deposit_rails lists rails"),
        ({"absent_grace_seconds": 0.5}, "absent_grace_seconds is whole seconds"),
        ({"unseen_status": 200}, "unseen_status is a 4xx"),
        ({"deduplicates": "yes"}, "deduplicates is True or False"),
        ({"start_deposit": an_awaiting_hook}, "start_deposit is async: write it plainly"),
        ({"look_up": lambda self: None}, r"look_up is called as look_up\(reference\)"),
        ({"initiate_deposit": a_hook}, "initiate_deposit is answered by HttpRails: write start_deposit"),
        ({"get_status": a_hook}, "get_status is answered by HttpRails: write look_up"),
        ({"start_withdrawl": a_hook}, "start_withdrawl means nothing here, and start_withdrawal does"),
        ({"status": {}}, "status means nothing here, and statuses does"),
    ],
)
def test_what_cannot_work_is_refused_where_it_is_written(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        defined(**changes)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(ConfigurationError) as refusal:
        type("Bank", (HttpRails,), {"name": "bank"})

    assert refusal.value.message == (
        'Bank cannot work: statuses maps each word of the bank to one of ours: {"done": "settled"}; '
        "it moves nothing: write start_deposit or start_withdrawal; "
        "nothing tells how a transfer ends: write look_up or read_webhook"
    )


def test_a_base_of_several_banks_needs_no_name_and_makes_no_bank() -> None:
    shared = type("Shared", (HttpRails,), {"start_deposit": a_hook, "look_up": a_hook})

    with pytest.raises(ConfigurationError, match="Shared has no name"):
        shared()


def test_a_bank_without_an_address_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="Bank has no base_url"):
        defined(base_url="")()


def test_helpers_of_ones_own_are_ones_own() -> None:
    assert defined(read=a_hook, account_number=a_hook, _status=a_hook)
