"""The simulator's wallets behave as Circle's pages say: keys, ciphertexts, states, balances, pages."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from invoicepay.testing.simulators.circle import CircleSimulator
from tests.adapters.circle.caller import CHAIN, W3S, Caller, Json, calling, fresh_key

ONE = 1_000_000


@pytest.fixture
def caller() -> Iterator[Caller]:
    circle = CircleSimulator()
    with calling(circle) as caller:
        yield caller
    assert circle.violations() == []


def states_of(caller: Caller, id: str) -> list[str]:
    """The states that a transaction shows while virtual time passes."""
    seen = list[str]()
    for _ in range(300):
        state = caller.circle.state_of(id)
        if not seen or seen[-1] != state:
            seen.append(state)
        caller.circle.advance(1)
    return seen


def test_a_transfer_goes_through_every_state_and_moves_money_once(caller: Caller) -> None:
    first, second = caller.wallets()

    id = caller.transfer(first, second, "1.5").json()["data"]["id"]

    assert states_of(caller, id) == ["INITIATED", "CLEARED", "QUEUED", "SENT", "CONFIRMED", "COMPLETE"]
    assert caller.circle.holds(CHAIN, second["address"]) == 1_500_000
    assert caller.circle.holds(CHAIN, first["address"]) == 98_500_000


def test_a_repeated_key_answers_200_with_the_first_transfer_whatever_the_body_says(caller: Caller) -> None:
    first, second = caller.wallets()
    key = fresh_key()
    once = caller.transfer(first, second, "1", idempotencyKey=key)

    again = caller.transfer(first, second, "7", idempotencyKey=key)

    assert (once.status_code, again.status_code) == (201, 200)
    assert again.json() == once.json()
    assert caller.circle.outbound() == 1


def test_the_same_key_at_another_endpoint_is_another_request(caller: Caller) -> None:
    key = fresh_key()

    made = [caller.order("/developer/walletSets", name="one", idempotencyKey=key) for _ in range(2)]
    group = made[0].json()["data"]["walletSet"]["id"]
    wallets = caller.order("/developer/wallets", walletSetId=group, blockchains=[CHAIN], idempotencyKey=key)

    assert [one.status_code for one in [*made, wallets]] == [201, 200, 201]


def test_a_refused_request_does_not_use_its_key_up(caller: Caller) -> None:
    first, second = caller.wallets()
    key = fresh_key()
    refused = caller.transfer(first, second, "1000", idempotencyKey=key)

    caller.circle.fund(CHAIN, first["address"], usdc=2000 * ONE)
    done = caller.transfer(first, second, "1000", idempotencyKey=key)

    assert (refused.status_code, done.status_code) == (400, 201)


def test_a_ciphertext_is_taken_once_even_for_a_replay(caller: Caller) -> None:
    first, second = caller.wallets()
    key, ciphertext = fresh_key(), caller.ciphertext()
    caller.transfer(first, second, idempotencyKey=key, entitySecretCiphertext=ciphertext)

    again = caller.transfer(first, second, idempotencyKey=key, entitySecretCiphertext=ciphertext)

    assert (again.status_code, again.json()["code"]) == (400, 156004)
    assert caller.circle.outbound() == 1


@pytest.mark.parametrize("wrong", ["#REFILL_PLACEHOLDER", "AAAA" * 171, "secret", "é" * 684])
def test_what_is_no_ciphertext_is_refused(caller: Caller, wrong: str) -> None:
    first, second = caller.wallets()

    refused = caller.transfer(first, second, entitySecretCiphertext=wrong)

    assert (refused.status_code, refused.json()["code"]) == (400, 156013)


def test_another_secret_is_refused(caller: Caller) -> None:
    first, second = caller.wallets()

    refused = caller.transfer(first, second, entitySecretCiphertext=caller.ciphertext(b"\1" * 32))

    assert refused.json()["code"] == 156013


VERSION_1 = "a9dab364-e93b-11f1-a3a9-02fc00000001"


@pytest.mark.parametrize("key", ["", "order-1", VERSION_1, str(uuid.UUID(int=7))])
def test_a_key_that_is_no_uuid_of_version_4_is_refused(caller: Caller, key: str) -> None:
    first, second = caller.wallets()

    refused = caller.transfer(first, second, idempotencyKey=key).json()

    assert refused["code"] == 2
    assert [one["location"] for one in refused["errors"]] == ["idempotencyKey"]


def test_without_the_products_own_key_nothing_is_told(caller: Caller) -> None:
    keys = caller.circle.keys

    for path, authorization in (
        (f"{W3S}/wallets", ""),
        (f"{W3S}/wallets", f"Bearer {keys.mint}"),
        (f"{W3S}/wallets", f"Basic {keys.wallets}"),
        ("/v1/businessAccount/balances", f"Bearer {keys.wallets}"),
    ):
        assert caller.bare("GET", path, authorization=authorization).json()["code"] == 401
    assert caller.bare("GET", "/ping").json() == {"message": "pong"}


def test_every_answer_names_its_request_and_repeats_a_uuid_that_was_sent(caller: Caller) -> None:
    anonymous = caller.call("GET", f"{W3S}/nowhere")

    assert anonymous.status_code == 404
    assert uuid.UUID(anonymous.headers["X-Request-Id"]).version == 4
    assert anonymous.headers["Content-Type"] == "application/json"


def test_more_than_the_wallet_has_is_refused_counting_what_is_under_way(caller: Caller) -> None:
    first, second = caller.wallets(usdc=3 * ONE)
    caller.transfer(first, second, "2")

    refused = caller.transfer(first, second, "1.000001")

    assert refused.json()["code"] == 155205
    assert caller.transfer(first, second, "1").status_code == 201


def test_a_wallet_without_the_native_coin_cannot_send_unless_it_is_a_sponsored_contract(
    caller: Caller,
) -> None:
    first, second = caller.wallets()
    (contract,) = caller.wallets(1, kind="SCA")
    caller.circle.fund(CHAIN, second["address"], usdc=ONE)

    assert caller.transfer(second, first, "1").json()["code"] == 155201
    assert caller.transfer(contract, first, "1").status_code == 201


def test_an_unsponsored_contract_wallet_fails_with_the_paymasters_reason(caller: Caller) -> None:
    (contract,) = caller.wallets(1, kind="SCA")
    caller.circle.knobs.sponsors_gas = False

    id = caller.transfer(contract, f"0x{'1' * 40}").json()["data"]["id"]

    told = caller.get(f"{W3S}/transactions/{id}")["transaction"]
    assert (told["state"], told["errorReason"]) == ("FAILED", "PAYMASTER_POLICY_NOT_ACTIVATED")


def test_a_test_key_is_refused_on_a_live_network(caller: Caller) -> None:
    made = caller.order("/developer/walletSets", name="x").json()["data"]["walletSet"]

    refused = caller.order("/developer/wallets", walletSetId=made["id"], blockchains=["BASE"])

    assert refused.json()["code"] == 156006


def test_a_failed_transfer_moves_nothing_and_tells_its_reason(caller: Caller) -> None:
    first, second = caller.wallets()
    caller.circle.fail_next("A_REASON_OF_TOMORROW", after="QUEUED")

    id = caller.transfer(first, second).json()["data"]["id"]
    caller.circle.finish()

    told = caller.get(f"{W3S}/transactions/{id}")["transaction"]
    assert (told["state"], told["errorReason"]) == ("FAILED", "A_REASON_OF_TOMORROW")
    assert caller.circle.holds(CHAIN, second["address"]) == 0


def test_a_reorganised_chain_takes_the_money_and_the_arrival_back(caller: Caller) -> None:
    first, second = caller.wallets()
    caller.circle.reorganise_next()

    id = caller.transfer(first, second).json()["data"]["id"]
    seen = states_of(caller, id)

    assert seen[-2:] == ["CONFIRMED", "FAILED"]
    assert caller.circle.holds(CHAIN, second["address"]) == 0
    inbound = caller.get(f"{W3S}/transactions", walletIds=second["id"])["transactions"]
    assert [one["state"] for one in inbound] == ["FAILED"]


def test_a_stuck_transfer_holds_up_the_next_and_goes_on_when_accelerated(caller: Caller) -> None:
    first, second = caller.wallets()
    caller.circle.stick_next()
    stuck = caller.transfer(first, second, "1").json()["data"]["id"]
    waiting = caller.transfer(first, second, "2").json()["data"]["id"]
    caller.circle.finish()
    assert [caller.circle.state_of(id) for id in (stuck, waiting)] == ["STUCK", "SENT"]

    accelerated = caller.order(f"/developer/transactions/{stuck}/accelerate")
    caller.circle.finish()

    assert accelerated.json()["data"] == {"id": stuck}
    assert [caller.circle.state_of(id) for id in (stuck, waiting)] == ["COMPLETE", "COMPLETE"]
    assert caller.get(f"{W3S}/transactions/{stuck}")["transaction"]["feeLevel"] == "HIGH"


def test_a_contract_wallet_sends_one_at_a_time(caller: Caller) -> None:
    (contract,) = caller.wallets(1, kind="SCA")
    ids = [caller.transfer(contract, f"0x{'1' * 40}").json()["data"]["id"] for _ in range(2)]

    caller.circle.advance(10)

    assert [caller.circle.state_of(id) for id in ids] == ["SENT", "QUEUED"]
    caller.circle.finish()
    assert [caller.circle.state_of(id) for id in ids] == ["COMPLETE", "COMPLETE"]


def test_only_what_is_in_no_block_is_cancelled_or_accelerated(caller: Caller) -> None:
    first, second = caller.wallets()
    early, late = (caller.transfer(first, second, "1").json()["data"]["id"] for _ in range(2))
    cancelled = caller.order(f"/developer/transactions/{early}/cancel").json()["data"]
    caller.circle.finish()

    too_late = [
        caller.order(f"/developer/transactions/{late}/{what}").json()["code"]
        for what in ("cancel", "accelerate")
    ]

    assert cancelled == {"id": early, "state": "CANCELLED"}
    assert too_late == [155215, 155229]
    assert caller.circle.holds(CHAIN, second["address"]) == ONE


@pytest.mark.parametrize(("suffix", "state"), [("9999", "FROZEN"), ("7777", "LIVE"), ("7666", "LIVE")])
def test_screening_reacts_to_the_published_suffixes(caller: Caller, suffix: str, state: str) -> None:
    first = caller.wallets(1)[0]

    id = caller.transfer(first, f"0x{'c' * 36}{suffix}").json()["data"]["id"]
    caller.circle.finish()

    told = caller.get(f"{W3S}/transactions/{id}")["transaction"]
    assert told["state"] == ("COMPLETE" if suffix == "7666" else "DENIED")
    assert told["transactionScreeningEvaluation"]["ruleName"]
    assert caller.get(f"{W3S}/wallets/{first['id']}")["wallet"]["state"] == state


def test_a_frozen_wallet_sends_nothing(caller: Caller) -> None:
    first, second = caller.wallets()
    caller.circle.freeze(first["id"])

    assert caller.transfer(first, second).json()["code"] == 155501


def test_a_full_queue_refuses_more(caller: Caller) -> None:
    first, second = caller.wallets()
    codes = [caller.transfer(first, second, "0.01").status_code for _ in range(32)]

    refused = caller.transfer(first, second, "0.01")

    assert set(codes) == {201}
    assert refused.json()["code"] == 155264


def test_pages_follow_one_another_by_links_and_never_exceed_the_cap(caller: Caller) -> None:
    first, second = caller.wallets()
    ids = [caller.transfer(first, second, "0.01").json()["data"]["id"] for _ in range(5)]
    seen, query = list[str](), {"pageSize": "2"}

    while True:
        answer = caller.call("GET", f"{W3S}/transactions", None, **query)
        seen += [one["id"] for one in answer.json()["data"]["transactions"]]
        if 'rel="next"' not in answer.headers["Link"]:
            break
        query["pageAfter"] = seen[-1]

    assert seen == list(reversed(ids))
    assert answer.headers["Link"].startswith("<http")
    back = caller.get(f"{W3S}/transactions", pageBefore=seen[2], pageSize="50")["transactions"]
    assert [one["id"] for one in back] == seen[:2]


def test_both_cursors_at_once_are_refused(caller: Caller) -> None:
    refused = caller.call("GET", f"{W3S}/wallets", pageBefore=fresh_key(), pageAfter=fresh_key())

    assert (refused.status_code, refused.json()["code"]) == (400, 2)


def test_another_vocabulary_is_told_when_it_is_turned_on(caller: Caller) -> None:
    first, second = caller.wallets()
    caller.circle.knobs.words["COMPLETE"] = "SETTLED_AND_SEALED"

    id = caller.transfer(first, second).json()["data"]["id"]
    caller.circle.finish()

    assert caller.get(f"{W3S}/transactions/{id}")["transaction"]["state"] == "SETTLED_AND_SEALED"


def test_a_call_of_transfer_on_the_usdc_contract_moves_usdc(caller: Caller) -> None:
    first, second = caller.wallets()
    call: Json = {
        "walletId": first["id"],
        "contractAddress": "0x036cbd53842c5426634e7929541ec2318f3dcf7e",
        "abiFunctionSignature": "transfer(address,uint256)",
        "abiParameters": [second["address"], "2500000"],
        "feeLevel": "LOW",
    }

    caller.order("/developer/transactions/contractExecution", **call)
    caller.circle.finish()

    assert caller.circle.holds(CHAIN, second["address"]) == 2_500_000


def test_an_entity_secret_is_registered_once() -> None:
    from invoicepay.testing.simulators.circle import Keys

    with calling(CircleSimulator(Keys(entity_secret=None))) as caller:
        before = caller.order("/developer/walletSets", name="x").json()["code"]
        path = f"{W3S}/config/entity/entitySecret"
        answers = [
            caller.call("POST", path, {"entitySecretCiphertext": caller.ciphertext()}) for _ in range(2)
        ]
        after = caller.order("/developer/walletSets", name="x").status_code

    assert before == 156016
    assert [answer.status_code for answer in answers] == [201, 409]
    assert after == 201
