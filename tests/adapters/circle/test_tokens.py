"""What the port's contract does not ask: keys, ciphertexts, states, wallets and searches at Circle."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from invoicepay.adapters.circle import CircleTokens
from invoicepay.adapters.circle.finding import Finder
from invoicepay.domain.ids import typeid, uuid7_bytes
from invoicepay.domain.money import Money
from invoicepay.errors import (
    IdempotencyConflict,
    ProviderRejected,
    ProviderUnavailable,
    ProviderUnknown,
    WebhookSignatureInvalid,
)
from invoicepay.ports.tokens import TokenEvent, TokenOrder, TokenStatus, TokenTransfer
from invoicepay.testing.simulators.circle import Delivery
from invoicepay.testing.simulators.circle.chains import TOKENS
from invoicepay.testing.simulators.circle.transactions import change, receive
from invoicepay.testing.simulators.faults import Fault
from invoicepay.testing.simulators.server import App, Message, Receive, Scope, Send
from tests.adapters.circle.stage import ASSET, CHAIN, HOOKS, TRANSFER, Stage, planted, staged

TRANSACTIONS = "GET /v1/w3s/transactions"
WALLETS = "POST /v1/w3s/developer/wallets"


@pytest.fixture
def stage() -> Iterator[Stage]:
    with staged() as stage:
        yield stage


def mint(
    stage: Stage, amount: str = "10.00", *, key: str = "k", by: CircleTokens | None = None
) -> TokenTransfer:
    order = stage.order("mint", amount)
    told: TokenTransfer = stage.run((by or stage.tokens).mint(order, idempotency_key=key))
    return told


def found(
    stage: Stage, reference: str = "eff_mint", *, by: CircleTokens | None = None
) -> TokenTransfer | None:
    seen: TokenTransfer | None = stage.run((by or stage.tokens).find(reference))
    return seen


def answering(status: int, code: int) -> Fault:
    """A fault: Circle's own error envelope in place of the answer."""
    return answering_with(status, {"code": code, "message": "refused"})


def answering_data(data: object) -> Fault:
    """A fault: something else than what is there."""
    return answering_with(200, {"data": data})


def answering_with(status: int, told: object) -> Fault:
    """A fault: an answer in place of the service's."""

    async def fault(_app: App, _scope: Scope, _receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"application/json"), (b"x-request-id", b"0b1f-77")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(told).encode()})

    return fault


def sent_bodies(stage: Stage) -> list[dict[str, object]]:
    """The bodies of transfers from now on, as they arrive."""
    bodies = list[dict[str, object]]()

    async def noting(app: App, scope: Scope, receive: Receive, send: Send) -> None:
        async def heard() -> Message:
            message = await receive()
            bodies.append(json.loads(message["body"]))
            return message

        await app(scope, heard, send)

    stage.faults.order(noting, times=99, on=TRANSFER)
    return bodies


# keys and ciphertexts


def test_a_retry_has_the_same_key_and_a_fresh_ciphertext(stage: Stage) -> None:
    bodies = sent_bodies(stage)

    first, again = mint(stage), mint(stage, by=stage.again())

    assert first.provider_ref == again.provider_ref
    assert len({str(body["idempotencyKey"]) for body in bodies}) == 1
    assert len({str(body["entitySecretCiphertext"]) for body in bodies}) == 2
    assert {len(str(body["entitySecretCiphertext"])) for body in bodies} == {684}


def test_the_legs_of_one_operation_have_keys_of_their_own(stage: Stage) -> None:
    mint(stage)

    stage.run(stage.tokens.burn(stage.order("burn"), idempotency_key="k"))

    assert stage.circle.outbound() == 2


def test_a_ciphertext_that_was_seen_before_is_replaced_once_under_the_same_key(stage: Stage) -> None:
    bodies = list[dict[str, object]]()

    async def seen_before(_app: App, scope: Scope, receive: Receive, send: Send) -> None:
        bodies.append(json.loads((await receive())["body"]))
        await answering(400, 156004)(_app, scope, receive, send)

    stage.faults.order(seen_before, on=TRANSFER)
    bodies_after = sent_bodies(stage)

    told = mint(stage)

    (first,), (second,) = bodies, bodies_after
    assert told.status is TokenStatus.PENDING
    assert first["idempotencyKey"] == second["idempotencyKey"]
    assert first["entitySecretCiphertext"] != second["entitySecretCiphertext"]


@pytest.mark.parametrize("code", [156013, 177604])
def test_the_key_for_ciphertexts_is_asked_for_again_after_one_that_circle_cannot_read(
    stage: Stage, code: int
) -> None:
    mint(stage)
    stage.faults.order(answering(400, code), on=TRANSFER)
    with pytest.raises(ProviderUnavailable):
        mint(stage)

    assert mint(stage).status is TokenStatus.PENDING
    assert stage.asked("GET /v1/w3s/config/entity/publicKey") == 2


def test_a_second_used_ciphertext_is_told_as_not_done(stage: Stage) -> None:
    stage.faults.order(answering(400, 156004), times=2, on=TRANSFER)

    with pytest.raises(ProviderUnavailable):
        mint(stage)

    assert (stage.asked(TRANSFER), stage.circle.outbound()) == (2, 0)


def test_a_key_that_was_sent_with_another_amount_is_refused_before_anything_is_sent(stage: Stage) -> None:
    mint(stage)

    with pytest.raises(IdempotencyConflict):
        mint(stage, "11.00")

    assert stage.asked(TRANSFER) == 1


def test_after_a_restart_a_key_of_another_amount_is_told_as_it_was_used(stage: Stage) -> None:
    mint(stage)

    told = mint(stage, "11.00", by=stage.again())

    assert (told.status, told.amount) == (TokenStatus.NEEDS_REVIEW, Money("10.00", ASSET))
    assert stage.circle.outbound() == 1


def test_after_a_restart_a_key_of_another_party_is_told_as_it_was_used(stage: Stage) -> None:
    mint(stage)
    other = TokenOrder(reference="eff_mint", amount=Money("10.00", ASSET), to_party="bob")

    told = stage.run(stage.again().mint(other, idempotency_key="k"))

    assert told.status is TokenStatus.NEEDS_REVIEW


def test_a_repeated_key_whose_transfer_is_not_told_is_unknown(stage: Stage) -> None:
    mint(stage)
    stage.faults.fail_before(503, on=f"{TRANSACTIONS}/")

    with pytest.raises(ProviderUnknown):
        mint(stage, by=stage.again())


# states


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("INITIATED", TokenStatus.PENDING),
        ("CLEARED", TokenStatus.PENDING),
        ("QUEUED", TokenStatus.PENDING),
        ("SENT", TokenStatus.PENDING),
        ("STUCK", TokenStatus.PENDING),
        ("CONFIRMED", TokenStatus.PENDING),
        ("COMPLETE", TokenStatus.FINAL),
        ("FAILED", TokenStatus.FAILED),
        ("DENIED", TokenStatus.FAILED),
        ("CANCELLED", TokenStatus.FAILED),
        ("TELEPORTED", TokenStatus.NEEDS_REVIEW),
    ],
)
def test_only_complete_is_money_and_an_unknown_word_needs_a_person(
    stage: Stage, state: str, status: TokenStatus
) -> None:
    told = mint(stage)
    stage.circle.world.transactions[told.provider_ref].state = state

    seen = found(stage)

    assert seen is not None
    assert (seen.status, seen.provider_status) == (status, state)


def test_a_confirmed_transfer_whose_block_vanished_failed(stage: Stage) -> None:
    stage.circle.reorganise_next()
    mint(stage)
    stage.circle.finish()

    seen = found(stage)

    assert seen is not None
    assert (seen.status, seen.reason) == (TokenStatus.FAILED, "FAILED_REORG")
    assert stage.run(stage.tokens.balance("ann", ASSET)) == Money("100.00", ASSET)


def test_what_screening_denies_failed_and_says_so(stage: Stage) -> None:
    stage.circle.deny_next()
    mint(stage)
    stage.circle.finish()

    seen = found(stage)

    assert seen is not None
    assert seen.status is TokenStatus.FAILED
    assert "screening" in seen.reason


def test_a_stuck_transfer_waits_and_asks_for_attention(stage: Stage) -> None:
    stage.circle.stick_next()
    mint(stage)
    stage.circle.finish()

    seen = found(stage)

    assert seen is not None
    assert (seen.status, "stuck" in seen.reason) == (TokenStatus.PENDING, True)


def test_an_operator_accelerates_what_is_stuck(stage: Stage) -> None:
    stage.circle.stick_next()
    told = mint(stage)
    stage.circle.finish()

    stage.run(stage.tokens.accelerate(told.provider_ref, idempotency_key="once"))
    stage.circle.finish()

    seen = found(stage)
    assert seen is not None
    assert seen.status is TokenStatus.FINAL


def test_what_is_taken_back_in_time_failed_and_what_is_final_stays(stage: Stage) -> None:
    told = mint(stage)
    stage.run(stage.tokens.cancel(told.provider_ref, idempotency_key="once"))
    seen = found(stage)
    assert seen is not None
    assert (seen.status, seen.provider_status) == (TokenStatus.FAILED, "CANCELLED")

    with pytest.raises(ProviderRejected):
        stage.run(stage.tokens.cancel(told.provider_ref, idempotency_key="twice"))
    with pytest.raises(ProviderRejected):
        stage.run(stage.tokens.accelerate("../walletSets", idempotency_key="k"))
    assert stage.run(stage.tokens.balance("ann", ASSET)) == Money("100.00", ASSET)


def test_an_amount_that_is_not_ours_to_read_needs_a_person(stage: Stage) -> None:
    told = mint(stage)
    stage.circle.world.transactions[told.provider_ref].token = None

    seen = found(stage)

    assert seen is not None
    assert (seen.status, seen.amount) == (TokenStatus.NEEDS_REVIEW, Money.zero(ASSET))


# refusals


def test_a_float_that_is_too_low_lets_the_mint_wait(stage: Stage) -> None:
    with pytest.raises(ProviderUnavailable) as refused:
        mint(stage, "1000000.00")

    assert refused.value.details["cause"] == "funds"
    assert stage.circle.outbound() == 0


def test_a_party_without_enough_is_refused_for_good(stage: Stage) -> None:
    with pytest.raises(ProviderRejected) as refused:
        stage.run(stage.tokens.burn(stage.order("burn", "100.01"), idempotency_key="k"))

    assert refused.value.details["code"] == 155205


def test_a_frozen_wallet_is_refused_for_good(stage: Stage) -> None:
    ann = stage.run(stage.tokens.wallets.purse_of("ann", CHAIN))
    stage.circle.freeze(ann.wallet_id)

    with pytest.raises(ProviderRejected) as refused:
        stage.run(stage.tokens.transfer(stage.order("transfer"), idempotency_key="k"))

    assert refused.value.details["cause"] == "frozen"


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, 2, ProviderRejected),
        (400, 155206, ProviderRejected),
        (404, 156012, ProviderRejected),
        (401, 401, ProviderUnavailable),
        (403, 3, ProviderUnavailable),
        (400, 156013, ProviderUnavailable),
        (400, 155201, ProviderUnavailable),
        (400, 155264, ProviderUnavailable),
        (409, 175403, IdempotencyConflict),
        (403, 156020, IdempotencyConflict),
        (400, -1, ProviderUnknown),
        (500, -1, ProviderUnknown),
        (503, 175406, ProviderUnknown),
        (400, 999999, ProviderUnknown),
    ],
)
def test_a_refusal_is_one_of_three_answers(
    stage: Stage, status: int, code: int, kind: type[Exception]
) -> None:
    stage.faults.order(answering(status, code), on=TRANSFER)

    with pytest.raises(kind) as refused:
        mint(stage)

    assert refused.value.details["request_id"] == "0b1f-77"  # type: ignore[attr-defined]
    assert refused.value.details["code"] == code  # type: ignore[attr-defined]


def test_orders_that_are_refused_by_403_let_others_go_on(stage: Stage) -> None:
    stage.faults.order(answering(403, 155501), times=6, on=TRANSFER)
    for _ in range(6):
        with pytest.raises(ProviderRejected):
            mint(stage)

    assert mint(stage).status is TokenStatus.PENDING


def test_a_key_that_is_refused_by_403_rests(stage: Stage) -> None:
    stage.faults.order(answering(403, 3), times=6, on=TRANSFER)
    for _ in range(6):
        with pytest.raises(ProviderUnavailable):
            mint(stage)

    assert stage.asked(TRANSFER) == 2


def test_a_rate_limit_tells_how_long_to_wait(stage: Stage) -> None:
    stage.faults.fail_before(429, retry_after=7, on=TRANSFER)

    with pytest.raises(ProviderUnavailable) as refused:
        mint(stage)

    assert refused.value.details["retry_after_seconds"] == 7


def test_an_answer_that_cannot_be_read_is_unknown(stage: Stage) -> None:
    async def page(_app: App, _scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 201, "headers": []})
        await send({"type": "http.response.body", "body": b"<html>"})

    stage.faults.order(page, on=TRANSFER)

    with pytest.raises(ProviderUnknown):
        mint(stage)


def test_an_asset_that_is_not_held_here_is_refused(stage: Stage) -> None:
    order = TokenOrder(reference="eff_1", amount=Money("1.00", "EUR.eurc"), to_party="ann")

    with pytest.raises(ProviderRejected):
        stage.run(stage.tokens.mint(order, idempotency_key="k"))


@pytest.mark.parametrize(("source", "target"), [("", "ann"), ("ann", "")])
def test_an_order_that_names_no_party_moves_nothing(stage: Stage, source: str, target: str) -> None:
    planted(stage.circle, "")[""].set_id = stage.config.wallet_set_id
    order = TokenOrder(reference="eff_1", amount=Money("1.00", ASSET), from_party=source, to_party=target)

    with pytest.raises(ProviderRejected):
        stage.run(stage.tokens.transfer(order, idempotency_key="k"))
    assert stage.circle.outbound() == 0


def test_nothing_moves_from_a_wallet_to_itself(stage: Stage) -> None:
    order = TokenOrder(reference="eff_1", amount=Money("1.00", ASSET), from_party="ann", to_party="ann")

    with pytest.raises(ProviderRejected):
        stage.run(stage.tokens.transfer(order, idempotency_key="k"))


# wallets


def test_a_party_gets_its_wallet_when_first_needed_and_keeps_it(stage: Stage) -> None:
    order = TokenOrder(reference="eff_1", amount=Money("1.00", ASSET), to_party="zoë & sons")
    stage.run(stage.tokens.mint(order, idempotency_key="k"))
    stage.circle.finish()

    assert stage.run(stage.again().balance("zoë & sons", ASSET)) == Money("1.00", ASSET)
    assert stage.asked(WALLETS) == stage.asked(f"{WALLETS}/") + 1


def test_two_processes_that_find_no_wallet_make_one(stage: Stage) -> None:
    one = stage.run(stage.tokens.wallets.purse_of("cy", CHAIN))
    stage.faults.order(answering_data({"wallets": []}), on="GET /v1/w3s/wallets")

    other = stage.run(stage.again().wallets.purse_of("cy", CHAIN))

    assert one == other
    assert stage.asked(WALLETS) == 2


def test_a_wallet_of_another_party_is_never_taken_for_the_partys_own(stage: Stage) -> None:
    stage.run(stage.tokens.wallets.purse_of("ann-2", CHAIN))
    listed = [w.wire() for w in stage.circle.world.wallets.values() if w.reference == "ann-2"]
    stage.faults.order(answering_data({"wallets": listed}), on="GET /v1/w3s/wallets")

    assert stage.run(stage.again().wallets.known_purse("ann", CHAIN)) is None


def test_a_wallet_that_was_made_for_somebody_else_is_not_used(stage: Stage) -> None:
    stage.faults.change(lambda body: body.replace(b"cy", b"dy"), on=WALLETS)

    with pytest.raises(ProviderUnavailable, match="another wallet"):
        stage.run(stage.tokens.wallets.purse_of("cy", CHAIN))


def test_two_wallets_of_one_party_stop_its_money_until_a_person_has_chosen(stage: Stage) -> None:
    doubled = planted(stage.circle, "ann")["ann"]
    doubled.set_id = stage.config.wallet_set_id

    with pytest.raises(ProviderUnavailable, match="several wallets"):
        mint(stage)


def test_a_wallet_whose_making_was_not_answered_stops_the_mint_before_it_is_sent(stage: Stage) -> None:
    stage.faults.drop_answer(on=WALLETS)
    order = TokenOrder(reference="eff_1", amount=Money("1.00", ASSET), to_party="dee")

    with pytest.raises(ProviderUnavailable):
        stage.run(stage.tokens.mint(order, idempotency_key="k"))

    assert stage.run(stage.tokens.mint(order, idempotency_key="k")).status is TokenStatus.PENDING
    assert stage.circle.outbound() == 1


def test_a_party_without_a_wallet_has_nothing_and_gets_none_by_being_asked_about(stage: Stage) -> None:
    assert stage.run(stage.tokens.balance("nobody", ASSET)) == Money.zero(ASSET)
    assert stage.asked(WALLETS) == 0


def test_the_supply_is_what_parties_hold_over_all_pages(stage: Stage) -> None:
    for number, wallet in enumerate(planted(stage.circle, *[f"p{n}" for n in range(120)]).values()):
        wallet.set_id = stage.config.wallet_set_id
        stage.circle.fund(CHAIN, wallet.address, usdc=1_000_000 + number)

    supply = stage.run(stage.tokens.supply(ASSET))

    assert supply == Money("100.00", ASSET) + Money.from_micros(120 * 1_000_000 + sum(range(120)), ASSET)


def test_a_list_that_begins_again_and_again_is_not_read_for_ever(stage: Stage) -> None:
    for wallet in planted(stage.circle, *[f"p{n}" for n in range(60)]).values():
        wallet.set_id = stage.config.wallet_set_id

    async def from_the_start(app: App, scope: Scope, receive: Receive, send: Send) -> None:
        kept = [part for part in scope["query_string"].split(b"&") if not part.startswith(b"pageAfter")]
        await app({**scope, "query_string": b"&".join(kept)}, receive, send)

    stage.faults.order(from_the_start, times=9, on="GET /v1/w3s/developer/wallets/balances")

    with pytest.raises(ProviderUnavailable, match="again"):
        stage.run(stage.tokens.supply(ASSET))

    assert stage.asked("GET /v1/w3s/developer/wallets/balances") == 2


def test_a_treasury_in_the_parties_set_is_no_supply(stage: Stage) -> None:
    stage.circle.world.wallets[stage.made.treasury_wallet_id].set_id = stage.config.wallet_set_id

    assert stage.run(stage.tokens.supply(ASSET)) == Money("100.00", ASSET)


# searches


def test_another_process_finds_a_transfer_by_our_reference(stage: Stage) -> None:
    told = mint(stage)

    seen = found(stage, by=stage.again())

    assert seen is not None
    assert (seen.provider_ref, seen.amount) == (told.provider_ref, told.amount)


def test_a_search_begins_at_the_time_of_the_reference_and_reads_every_page_behind_it(stage: Stage) -> None:
    reference = reference_of(stage)
    remembered(stage, 120)
    order = stage.order("mint", reference=reference)
    told = stage.run(stage.tokens.mint(order, idempotency_key="last"))
    asked = stage.asked(TRANSACTIONS)

    seen = found(stage, reference, by=stage.again())

    assert seen is not None
    assert seen.provider_ref == told.provider_ref
    assert stage.asked(TRANSACTIONS) - asked == 3


def test_a_search_does_not_read_what_is_older_than_the_reference(stage: Stage) -> None:
    remembered(stage, 60)
    stage.circle.advance(2 * 3600)
    asked = stage.asked(TRANSACTIONS)

    assert found(stage, reference_of(stage), by=stage.again()) is None
    assert stage.asked(TRANSACTIONS) - asked == 1


def test_one_search_spares_the_next(stage: Stage) -> None:
    remembered(stage, 3)
    fresh = stage.again()
    found(stage, "x0", by=fresh)
    asked = stage.asked(TRANSACTIONS)

    assert found(stage, "x1", by=fresh) is not None
    assert stage.asked(f"{TRANSACTIONS}/") == 1
    assert stage.asked(TRANSACTIONS) - asked == 1


def test_a_list_without_end_is_not_taken_for_an_absence(stage: Stage) -> None:
    remembered(stage, 120)
    finder = Finder(stage.tokens.api, most_pages=2)

    with pytest.raises(ProviderUnavailable, match="pages"):
        stage.run(finder.find("eff_never_sent"))


def remembered(stage: Stage, count: int) -> None:
    """So many transfers that were sent before, named x0, x1 and on."""
    told, world = mint(stage, "0.01"), stage.circle.world
    stage.circle.finish()
    original = world.transactions[told.provider_ref]
    for number in range(count):
        copy = replace(original, id=world.ids.new(), reference=f"x{number}")
        world.transactions[copy.id] = copy


def reference_of(stage: Stage) -> str:
    """An id of ours that is made now."""
    return typeid("eff", uuid7_bytes(int(stage.circle.now().timestamp() * 1000), bytes(10)))


# deliveries


def told_by(stage: Stage, *types: str) -> None:
    stage.circle.subscribe(2, HOOKS).types = types
    stage.circle.deliveries()


def read(stage: Stage, delivery: Delivery) -> tuple[TokenEvent, ...]:
    at = stage.circle.now()
    stage.run(stage.tokens.prepare_webhook(delivery.body, delivery.headers, received_at=at))
    return stage.tokens.parse_webhook(delivery.body, delivery.headers, received_at=at)


def test_a_transfer_between_our_wallets_is_told_by_the_sending_side_alone(stage: Stage) -> None:
    told_by(stage, "transactions.*")
    mint(stage)
    stage.circle.finish()

    events = [event for delivery in stage.circle.deliveries() for event in read(stage, delivery)]

    assert [event.transfer.provider_status for event in events] == ["QUEUED", "SENT", "CONFIRMED", "COMPLETE"]
    assert {event.transfer.reference for event in events} == {"eff_mint"}


def test_what_came_from_elsewhere_is_told_and_belongs_to_nobody(stage: Stage) -> None:
    told_by(stage, "transactions.inbound")
    world = stage.circle.world
    ann = next(wallet for wallet in world.wallets.values() if wallet.reference == "ann")
    token = TOKENS[stage.config.assets[0].token_id]
    arrived = receive(world, ann, token, 5_000_000, source="0x" + "ab" * 20, hash="0x" + "cd" * 32)
    arrived.reference = "eff_mint"  # whatever a sender may call it
    change(world, arrived, "COMPLETE")

    events = [event for delivery in stage.circle.deliveries() for event in read(stage, delivery)]

    assert len(events) == 2
    for event in events:
        assert (event.transfer.amount, event.transfer.reference) == (Money("5.00", ASSET), "")
        assert (event.from_party, event.to_party) == ("", "")


def test_what_funds_the_treasury_is_told_by_the_treasury(stage: Stage) -> None:
    told_by(stage, "transactions.inbound")
    world = stage.circle.world
    own, token = world.wallets[stage.made.treasury_wallet_id], TOKENS[stage.config.assets[0].token_id]
    receive(world, own, token, 5_000_000, source="0x" + "ab" * 20, hash="0x" + "cd" * 32)

    assert [read(stage, delivery) for delivery in stage.circle.deliveries()] == [()]


def test_another_token_tells_nothing(stage: Stage) -> None:
    told_by(stage, "transactions.outbound")
    mint(stage)
    (sent,) = stage.circle.world.transactions.values()
    sent.token = next(token for token in TOKENS.values() if token.id != stage.config.assets[0].token_id)
    change(stage.circle.world, sent, "CONFIRMED")

    assert [read(stage, delivery) for delivery in stage.circle.deliveries()] == [()]


def test_the_test_delivery_of_a_subscription_tells_nothing(stage: Stage) -> None:
    stage.circle.subscribe(2, HOOKS)

    assert [read(stage, delivery) for delivery in stage.circle.deliveries()] == [()]


def test_a_rotated_key_is_fetched_when_it_is_first_named(stage: Stage) -> None:
    told_by(stage, "transactions.outbound")
    mint(stage)
    stage.circle.advance(10)
    stage.circle.world.notification_keys.rotate()
    stage.circle.finish()

    assert all(read(stage, delivery) for delivery in stage.circle.deliveries())
    assert stage.asked("GET /v2/notifications/publicKey/") == 2


def test_a_delivery_whose_key_cannot_be_asked_for_is_not_refused_for_good(stage: Stage) -> None:
    told_by(stage, "transactions.outbound")
    mint(stage)
    stage.circle.finish()
    first, *_ = stage.circle.deliveries()
    stage.faults.fail_before(503, on="GET /v2/notifications/publicKey/")

    with pytest.raises(ProviderUnavailable):
        read(stage, first)

    assert read(stage, first)


def test_a_delivery_that_names_an_unknown_key_is_refused(stage: Stage) -> None:
    told_by(stage, "transactions.outbound")
    mint(stage)
    stage.circle.finish()
    first, *_ = stage.circle.deliveries()
    headers = {**first.headers, "X-Circle-Key-Id": "00000000-0000-4000-8000-000000000000"}

    stage.run(stage.tokens.prepare_webhook(first.body, headers, received_at=stage.circle.now()))
    with pytest.raises(WebhookSignatureInvalid):
        stage.tokens.parse_webhook(first.body, headers, received_at=stage.circle.now())


def test_a_delivery_of_yesterday_is_taken(stage: Stage) -> None:
    told_by(stage, "transactions.outbound")
    mint(stage)
    stage.circle.finish()
    first, *_ = stage.circle.deliveries()
    late = stage.circle.now() + timedelta(days=1)

    stage.run(stage.tokens.prepare_webhook(first.body, first.headers, received_at=late))

    assert stage.tokens.parse_webhook(first.body, first.headers, received_at=late)
