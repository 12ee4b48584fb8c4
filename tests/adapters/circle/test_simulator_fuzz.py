"""Whatever is sent to the simulator, it answers in Circle's envelope and its books add up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from invoicepay.testing.simulators.circle import CircleSimulator
from invoicepay.testing.simulators.circle.chains import TOKENS
from invoicepay.testing.simulators.circle.routes import ENTRIES, Entry
from tests.adapters.circle.caller import ACCOUNT, CHAIN, US_BANK, USDC, Caller, Json, calling, fresh_key

WRITING = [entry for entry in ENTRIES if entry.method in ("POST", "PUT", "PATCH")]
QUESTIONS = [entry for entry in ENTRIES if entry.method == "GET"]

WORDS = st.sampled_from(
    ["", "1", "-1", "1.5", "1e9", CHAIN, "BASE", "USD", "SCA", USDC, f"0x{'1' * 40}", "é", "0" * 40]
)
LEAVES = st.none() | st.booleans() | st.integers(-5, 300) | WORDS | st.text(max_size=8)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
USD = {"amount": "1.00", "currency": "USD"}
ADDRESS = f"0x{'1' * 40}"


def right_bodies(caller: Caller) -> dict[str, Json]:
    """A body that is taken, by the end of the path; each is then bent in places."""
    world = caller.circle.world
    first, second, *_ = world.wallets.values()
    bank, recipient = next(iter(world.wires)), next(iter(world.recipients))
    source = {"walletId": first.id, "feeLevel": "LOW"}
    transfer = {"destinationAddress": second.address, "amounts": ["0.000001"], "tokenId": USDC}
    call: Json = {
        "contractAddress": TOKENS[USDC].address,
        "abiFunctionSignature": "transfer(address,uint256)",
    }
    call |= {"abiParameters": [second.address, "1"]}
    mock: Json = {"trackingRef": world.wires[bank].reference, "amount": USD}
    mock["beneficiaryBank"] = {"accountNumber": world.wires[bank].virtual_account}
    wallets = {"walletSetId": first.set_id, "blockchains": [CHAIN], "metadata": [{"name": "x"}], "count": 1}
    return {
        "/developer/walletSets": {"name": "x"},
        "/developer/wallets": wallets,
        "/wallets/{id}": {"name": "x", "refId": "x"},
        "/blockchains/{blockchain}": {"metadata": {"name": "x"}},
        "/transactions/transfer": source | transfer,
        "/transactions/contractExecution": source | call,
        "/transfer/estimateFee": source | transfer,
        "/contractExecution/estimateFee": source | call,
        "/validateAddress": {"address": ADDRESS, "blockchain": CHAIN},
        "/screening/addresses": {"address": ADDRESS, "chain": CHAIN},
        "/drips": {"address": ADDRESS, "blockchain": CHAIN, "usdc": True},
        "/v2/notifications/subscriptions": {"endpoint": "https://h.example", "notificationTypes": ["*"]},
        "/v2/notifications/subscriptions/{id}": {"name": "x", "enabled": True},
        "/banks/wires": US_BANK,
        "/mocks/payments/wire": mock,
        "/addresses/deposit": {"currency": "USD", "chain": "BASE"},
        "/addresses/recipient": {"address": ADDRESS, "chain": "BASE", "description": "x"},
        "/businessAccount/transfers": {
            "destination": {"type": "verified_blockchain", "addressId": recipient},
            "amount": USD,
        },
        "/businessAccount/payouts": {"destination": {"type": "wire", "id": bank}, "amount": USD},
    }


def right_body(entry: Entry, caller: Caller) -> Json:
    """The longest end of the path decides."""
    bodies = right_bodies(caller)
    ends = [end for end in bodies if entry.path.endswith(end)]
    return bodies[max(ends, key=len)] if ends else {}


def bent(draw: st.DataObject, body: Json) -> Json:
    """The body with some of its values, also inside, replaced by anything or left out."""
    made = dict(body)
    for name in draw.draw(st.sets(st.sampled_from(sorted(body)), max_size=2)) if body else ():
        value = made[name]
        if isinstance(value, dict) and draw.draw(st.booleans()):
            made[name] = bent(draw, value)
        elif isinstance(value, list) and value and draw.draw(st.booleans()):
            made[name] = [draw.draw(VALUES), *value[1:]]
        elif draw.draw(st.integers(0, 4)):
            made[name] = draw.draw(VALUES)
        else:
            del made[name]
    return made


@pytest.fixture(scope="module")
def caller() -> Iterator[Caller]:
    circle = CircleSimulator()
    with calling(circle) as caller:
        caller.wallets()
        caller.bank()
        wanted = {"address": f"0x{'2' * 40}", "chain": "BASE", "description": "x"}
        recipient = caller.post(f"{ACCOUNT}/wallets/addresses/recipient", **wanted).json()["data"]["id"]
        circle.approve_recipient(recipient)
        circle.fund_mint(10**15)
        yield caller
    assert circle.violations() == []


def path_of(entry: Entry, caller: Caller) -> str:
    """The entry's path, with the id of something that is there where it wants one."""
    world = caller.circle.world
    kinds = {"wallets": [*world.wallets], "transactions": [*world.transactions]}
    named = next((there for name, there in kinds.items() if f"/{name}/" in entry.path), [])
    id = next(iter(named), fresh_key())
    return entry.path.replace("{id}", id).replace("{blockchain}", "ETH-SEPOLIA")


def is_enveloped(caller: Caller, status: int, body: Json) -> bool:
    return "data" in body if status < 300 else isinstance(body.get("code"), int) and "message" in body


@pytest.mark.parametrize("entry", WRITING, ids=lambda entry: f"{entry.method} {entry.path}")
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(draw=st.data())
def test_a_bent_body_is_answered_in_the_envelope(entry: Entry, caller: Caller, draw: st.DataObject) -> None:
    body = bent(draw, right_body(entry, caller))
    keys = {"idempotencyKey": fresh_key()}
    if entry.path.startswith("/v1/w3s/developer"):
        keys["entitySecretCiphertext"] = caller.ciphertext()

    answer = caller.call(entry.method, path_of(entry, caller), {**body, **keys})

    assert answer.status_code in (200, 201, 204, 400, 404, 409, 429), answer.text
    if answer.status_code != 204 and "screening" not in entry.path:
        assert is_enveloped(caller, answer.status_code, answer.json())


@pytest.mark.parametrize("entry", QUESTIONS, ids=lambda entry: entry.path)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    query=st.dictionaries(
        st.sampled_from(
            [
                "from",
                "to",
                "pageSize",
                "pageBefore",
                "pageAfter",
                "order",
                "walletIds",
                "state",
                "amount__gte",
                "blockchain",
            ]
        ),
        st.text(max_size=12) | WORDS,
        max_size=4,
    )
)
def test_any_question_is_answered(entry: Entry, caller: Caller, query: dict[str, str]) -> None:
    answer = caller.call("GET", path_of(entry, caller), None, **query)

    assert answer.status_code in (200, 400, 404), answer.text


@pytest.mark.parametrize("raw", [b"", b"[]", b"1", b"{", b"\xff", b'{"a":' * 2000])
def test_what_is_no_object_is_refused(caller: Caller, raw: bytes) -> None:
    answer = caller.raw("POST", "/v1/businessAccount/payouts", raw)

    assert (answer.status_code, answer.json()["code"]) == (400, 2)


@pytest.mark.parametrize("chains", [[], [""], [CHAIN, ""], [None], CHAIN, {"a": "b"}])
def test_networks_without_a_name_are_refused(caller: Caller, chains: object) -> None:
    own = next(iter(caller.circle.world.wallet_sets))

    answer = caller.order("/developer/wallets", walletSetId=own, blockchains=chains)

    assert (answer.status_code, answer.json()["code"]) == (400, 2)


@pytest.mark.parametrize("types", [1, "transactions", {"a": "b"}, [1], [None]])
def test_kinds_of_news_that_are_no_list_of_texts_are_refused(caller: Caller, types: object) -> None:
    endpoint = "https://hooks.example.com/circle"

    answer = caller.call(
        "POST", "/v2/notifications/subscriptions", {"endpoint": endpoint, "notificationTypes": types}
    )

    assert answer.status_code == 400, answer.text
