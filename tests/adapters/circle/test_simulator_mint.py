"""The simulator's Mint account behaves as Circle's pages say: wires, transfers, payouts, replays."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from invoicepay.testing.simulators.circle import CircleSimulator
from tests.adapters.circle.caller import ACCOUNT, CHAIN, US_BANK, Caller, Json, calling, fresh_key

THOUSAND = 1_000_000_000
RECIPIENTS = f"{ACCOUNT}/wallets/addresses/recipient"


@pytest.fixture
def caller() -> Iterator[Caller]:
    circle = CircleSimulator()
    with calling(circle) as caller:
        yield caller
    assert circle.violations() == []


def usd(amount: str) -> Json:
    return {"amount": amount, "currency": "USD"}


def available(caller: Caller) -> str:
    return str(caller.get(f"{ACCOUNT}/balances")["available"][0]["amount"])


def recipient(caller: Caller, address: str) -> str:
    wanted = {"address": address, "chain": "BASE", "currency": "USD", "description": "treasury"}
    return str(caller.post(RECIPIENTS, **wanted).json()["data"]["id"])


def send(caller: Caller, id: str, amount: str = "100.00", **fields: object) -> Json:
    target = {"type": "verified_blockchain", "addressId": id}
    answer: Json = caller.post(
        f"{ACCOUNT}/transfers", destination=target, amount=usd(amount), **fields
    ).json()
    return answer


def pay_out(caller: Caller, bank: Json, amount: str = "100.00", **fields: object) -> Json:
    target = {"type": "wire", "id": bank["id"]}
    answer: Json = caller.post(f"{ACCOUNT}/payouts", destination=target, amount=usd(amount), **fields).json()
    return answer


def test_a_mock_wire_becomes_a_deposit_with_the_next_batch_and_settles(caller: Caller) -> None:
    bank = caller.bank()
    told = caller.get(f"{ACCOUNT}/banks/wires/{bank['id']}/instructions")
    number = told["beneficiaryBank"]["accountNumber"]
    wire = {"trackingRef": told["trackingRef"], "amount": usd("500.00")}
    wire["beneficiaryBank"] = {"accountNumber": number}

    sent = caller.call("POST", "/v1/mocks/payments/wire", wire).json()["data"]
    before = caller.get(f"{ACCOUNT}/deposits")
    caller.circle.advance(600)
    (pending,) = caller.get(f"{ACCOUNT}/deposits")
    unsettled = caller.get(f"{ACCOUNT}/balances")["unsettled"][0]["amount"]
    caller.circle.finish()
    (done,) = caller.get(f"{ACCOUNT}/deposits")

    assert (sent["status"], before) == ("pending", [])
    assert (pending["status"], unsettled) == ("pending", "500.00")
    assert (done["status"], done["source"]["id"], available(caller)) == ("complete", bank["id"], "500.00")


def test_a_denied_deposit_gives_nothing(caller: Caller) -> None:
    bank = caller.bank()
    caller.circle.fail_next_at_mint("deposit", "3100")

    id = caller.circle.wire_in(bank["id"], THOUSAND)
    caller.circle.finish()

    told = caller.get(f"{ACCOUNT}/deposits/{id}")
    assert (told["status"], told["riskEvaluation"]["reason"], available(caller)) == ("failed", "3100", "0.00")


def test_the_account_number_is_never_told_again(caller: Caller) -> None:
    caller.bank()

    assert US_BANK["accountNumber"] not in caller.call("GET", f"{ACCOUNT}/banks/wires").text


def test_a_recipient_must_be_approved_by_a_person_before_anything_is_sent_to_it(caller: Caller) -> None:
    caller.circle.fund_mint(THOUSAND)
    id = recipient(caller, f"0x{'AB' * 20}")

    refused = send(caller, id)
    listed = caller.get(RECIPIENTS)
    caller.circle.approve_recipient(id)
    taken = send(caller, id)

    assert (refused["code"], listed) == (2004, [])
    assert taken["data"]["status"] == "pending"
    assert taken["data"]["destination"]["address"] == f"0x{'ab' * 20}"


def test_the_same_recipient_is_not_added_twice(caller: Caller) -> None:
    address = f"0x{'ab' * 20}"
    recipient(caller, address)

    again = caller.post(
        RECIPIENTS, address=address.upper().replace("0X", "0x"), chain="BASE", description="x"
    )

    assert again.json()["code"] == 2003


def test_a_transfer_arrives_in_a_wallet_of_the_same_entity(caller: Caller) -> None:
    caller.circle.fund_mint(THOUSAND)
    (wallet,) = caller.wallets(1, usdc=0)
    id = recipient(caller, wallet["address"])
    caller.circle.approve_recipient(id)

    sent = send(caller, id, "250.50")["data"]
    caller.circle.advance(6)
    running = caller.get(f"{ACCOUNT}/transfers/{sent['id']}")
    caller.circle.finish()
    done = caller.get(f"{ACCOUNT}/transfers/{sent['id']}")

    assert (running["status"], bool(running["transactionHash"])) == ("running", True)
    assert (done["status"], available(caller)) == ("complete", "749.50")
    assert caller.circle.holds(CHAIN, wallet["address"]) == 250_500_000
    inbound = caller.get("/v1/w3s/transactions", txType="INBOUND")["transactions"]
    assert [(one["state"], one["amounts"], one["txHash"]) for one in inbound] == [
        ("COMPLETE", ["250.5"], done["transactionHash"])
    ]


def test_usdc_sent_to_the_deposit_address_becomes_an_inbound_transfer(caller: Caller) -> None:
    first = caller.wallets(1)[0]
    made = caller.post(f"{ACCOUNT}/wallets/addresses/deposit", currency="USD", chain="BASE").json()["data"]

    caller.transfer(first, made["address"], "40")
    caller.circle.finish()

    (arrived,) = caller.get(f"{ACCOUNT}/transfers")
    assert (arrived["status"], arrived["source"]) == ("complete", {"type": "blockchain", "chain": "BASE"})
    assert (arrived["destination"]["type"], available(caller)) == ("wallet", "40.00")


def test_a_reorganised_sweep_gives_the_account_nothing(caller: Caller) -> None:
    first = caller.wallets(1)[0]
    made = caller.post(f"{ACCOUNT}/wallets/addresses/deposit", currency="USD", chain="BASE").json()["data"]
    caller.circle.reorganise_next()
    caller.circle.knobs.delays["complete"] = 60

    caller.transfer(first, made["address"], "40")
    caller.circle.finish()

    (arrived,) = caller.get(f"{ACCOUNT}/transfers")
    assert (arrived["status"], available(caller)) == ("failed", "0.00")
    assert caller.circle.holds(CHAIN, first["address"]) == 100_000_000


@pytest.mark.parametrize("reason", ["transfer_denied", "transfer_failed", "blockchain_error"])
def test_a_failed_transfer_gives_the_money_back(caller: Caller, reason: str) -> None:
    caller.circle.fund_mint(THOUSAND)
    id = recipient(caller, f"0x{'ab' * 20}")
    caller.circle.approve_recipient(id)
    caller.circle.fail_next_at_mint("transfer", reason)

    sent = send(caller, id)["data"]
    caller.circle.finish()

    told = caller.get(f"{ACCOUNT}/transfers/{sent['id']}")
    assert (told["status"], told["errorCode"], available(caller)) == ("failed", reason, "1000.00")


def test_a_repeated_key_answers_201_with_the_first_result_and_409_for_another_body(caller: Caller) -> None:
    bank = caller.bank()
    caller.circle.fund_mint(THOUSAND)
    key = fresh_key()

    first = pay_out(caller, bank, idempotencyKey=key)
    again = pay_out(caller, bank, idempotencyKey=key)
    other = pay_out(caller, bank, "101.00", idempotencyKey=key)

    assert again == first
    assert other["code"] == 1083
    assert available(caller) == "900.00"


def test_a_payout_reaches_the_bank_and_may_come_back_less_a_fee(caller: Caller) -> None:
    bank = caller.bank()
    caller.circle.fund_mint(THOUSAND)
    id = pay_out(caller, bank)["data"]["id"]
    caller.circle.finish()
    done = caller.get(f"{ACCOUNT}/payouts/{id}")

    caller.circle.return_payout(id, "R03", fee=15_000_000)

    back = caller.get(f"{ACCOUNT}/payouts/{id}")
    assert (done["status"], done["trackingRef"][:3]) == ("complete", "CIR")
    assert back["errorCode"] == "transaction_returned"
    assert (back["return"]["amount"], back["return"]["fees"]) == (usd("85.00"), usd("15.00"))
    assert available(caller) == "985.00"


def test_more_than_the_account_has_is_refused_by_each_with_its_code(caller: Caller) -> None:
    bank = caller.bank()
    id = recipient(caller, f"0x{'ab' * 20}")
    caller.circle.approve_recipient(id)
    caller.circle.fund_mint(THOUSAND)

    caller.circle.knobs.payout_limit = THOUSAND
    codes = [
        send(caller, id, "1000.01")["code"],
        pay_out(caller, bank, "1000.01")["code"],
    ]
    caller.circle.knobs.payout_limit = None
    codes.append(pay_out(caller, bank, "1000.01")["code"])

    assert codes == [5006, 1107, 1093]


@pytest.mark.parametrize("amount", ["1.001", "0.00", "-1.00", "1e2", "1,000.00", ""])
def test_an_amount_that_is_no_whole_number_of_cents_is_refused(caller: Caller, amount: str) -> None:
    refused = pay_out(caller, {"id": fresh_key()}, amount)

    assert refused["code"] == 2
    assert [one["location"] for one in refused["errors"]] == ["amount.amount"]


def test_lists_are_bounded_in_time_and_their_links_have_no_brackets(caller: Caller) -> None:
    bank = caller.bank()
    for _ in range(3):
        caller.circle.wire_in(bank["id"], THOUSAND)
        caller.circle.advance(1000)
    middle = caller.get(f"{ACCOUNT}/deposits")[1]

    answer = caller.call(
        "GET", f"{ACCOUNT}/deposits", None, **{"from": middle["createDate"], "to": middle["createDate"]}
    )
    paged = caller.call("GET", f"{ACCOUNT}/deposits", pageSize="2").headers["Link"]

    assert [one["id"] for one in answer.json()["data"]] == [middle["id"]]
    assert paged.startswith("http")
    assert 'rel="next"' in paged


def test_each_host_may_have_a_port_of_its_own_over_the_same_books() -> None:
    circle = CircleSimulator()
    circle.fund_mint(THOUSAND)

    with calling(circle, circle.app(["wallets"])) as wallets, calling(circle, circle.app(["mint"])) as mint:
        assert available(mint) == "1000.00"
        assert wallets.get("/v1/w3s/config/entity")["appId"]
        for caller, path in ((wallets, f"{ACCOUNT}/balances"), (mint, "/v1/w3s/config/entity")):
            assert caller.call("GET", path).status_code == 404
            assert caller.call("GET", "/ping").json() == {"message": "pong"}
