"""Moves of parties, wallets, requests and transfers between people, holds."""

from __future__ import annotations

from datetime import timedelta

from invoicepay.domain.holds import Hold, HoldPurpose, HoldStatus
from invoicepay.domain.parties import Party, PartyKind, PartyStatus, Wallet, WalletStatus
from invoicepay.domain.policies import (
    AutoApply,
    CreditBacking,
    Late,
    Numbering,
    Overpay,
    Partial,
    Policy,
)
from invoicepay.domain.requests import PaymentRequest, RequestStatus, Uses
from invoicepay.use_cases import erasure, holds, parties, requests
from tests.walks.draw import Draw
from tests.walks.moves.registry import (
    ENTERPRISES,
    EVERYBODY,
    USERS,
    acting,
    amount,
    asset,
    move,
    part_of,
    some,
)
from tests.walks.world import OPERATOR, World, party

UNDECIDED = (RequestStatus.PENDING, RequestStatus.PARTIALLY_PAID)


@move(1)
def register_party(world: World, draw: Draw) -> None:
    id = draw.one_of((*EVERYBODY, "dan", "eve"))
    kind = PartyKind.ENTERPRISE if id in ENTERPRISES else PartyKind.USER
    world.ask(parties.register_party, parties.RegisterParty(party_id=id, kind=kind))


@move(3)
def update_policy(world: World, draw: Draw) -> None:
    policy = Policy(
        overpay=draw.one_of((*Overpay, Overpay.CREDIT, Overpay.CREDIT)),
        partial=draw.one_of((Partial.ALLOW, Partial.ALLOW, Partial.REFUSE)),
        min_partial_micros=draw.one_of((0, 0, 500_000)),
        tolerance_micros=draw.one_of((0, 50_000, 2_000_000)),
        tolerance_bps=draw.one_of((0, 100, 1_000)),
        late=draw.one_of(tuple(Late)),
        auto_apply=draw.one_of(tuple(AutoApply)),
        credit_backing=draw.one_of((*CreditBacking, CreditBacking.RING_FENCED, CreditBacking.RING_FENCED)),
        cash_credit_expiry_days=draw.one_of((None, None, 1, 30)),
        numbering=draw.one_of((Numbering.GAPLESS, Numbering.GAPLESS, Numbering.BLOCK)),
        fee_bps=draw.one_of((0, 0, 100, 290)),
    )
    command = parties.UpdatePolicy(party_id=draw.one_of(ENTERPRISES), policy=policy)
    world.ask(parties.update_policy, command)


@move(1)
def set_tier(world: World, draw: Draw) -> None:
    command = parties.SetTier(party_id=draw.one_of(EVERYBODY), kyc_tier=draw.whole(0, 2))
    world.ask(parties.set_tier, command)


@move(1)
def close_party(world: World, draw: Draw) -> None:
    someone = some(world, draw, Party, status=PartyStatus.ACTIVE, id__in=("dan", "eve"))
    if someone is not None:
        world.ask(parties.close_party, parties.CloseParty(party_id=someone.id))


@move(1)
def erase_party(world: World, draw: Draw) -> None:
    someone = some(world, draw, Party, status__in=(PartyStatus.CLOSED, PartyStatus.ERASED))
    if someone is not None:
        world.ask(erasure.erase_party, erasure.EraseParty(party_id=someone.id))


@move(1)
def open_wallet(world: World, draw: Draw) -> None:
    command = parties.OpenWallet(party_id=draw.one_of(EVERYBODY), asset=asset(draw))
    world.ask(parties.open_wallet, command)


@move(1)
def freeze_wallet(world: World, draw: Draw) -> None:
    command = parties.FreezeWallet(party_id=draw.one_of(EVERYBODY), asset=asset(draw), reason="court order")
    world.ask(parties.freeze_wallet, command)


@move(4)
def unfreeze_wallet(world: World, draw: Draw) -> None:
    wallet = some(world, draw, Wallet, status=WalletStatus.FROZEN)
    if wallet is not None:
        command = parties.UnfreezeWallet(party_id=wallet.party_id, asset=wallet.asset, reason="lifted")
        world.ask(parties.unfreeze_wallet, command)


@move(3)
def send_transfer(world: World, draw: Draw) -> None:
    payer = draw.one_of(EVERYBODY)
    command = requests.SendTransfer(
        payer_id=payer, payee_id=draw.one_of((*EVERYBODY, "fay")), amount=amount(draw, asset(draw), 8_000)
    )
    world.ask(requests.send_transfer, command, actor=acting(draw, payer))


@move(2)
def send_outside(world: World, draw: Draw) -> None:
    payer = draw.one_of(EVERYBODY)
    command = requests.SendOutside(payer_id=payer, amount=amount(draw, asset(draw), 5_000), address="0x01")
    world.ask(requests.send_outside, command, actor=acting(draw, payer))


@move(2)
def receive_from_outside(world: World, draw: Draw) -> None:
    command = requests.ReceiveFromOutside(
        payee_id=draw.one_of(EVERYBODY),
        amount=amount(draw, asset(draw), 1_000),
        provider="scan",
        provider_ref=f"in-{draw.whole(1, 500)}",
    )
    world.ask(requests.receive_from_outside, command)


@move(4)
def create_request(world: World, draw: Draw) -> None:
    requester, code = draw.one_of(EVERYBODY), asset(draw)
    fixed = amount(draw, code, 9_000) if draw.chance(75) else None
    command = requests.CreateRequest(
        requester_id=requester,
        asset=code,
        payer_id=draw.one_of((*USERS, *USERS, "")),
        amount=fixed,
        amount_editable=draw.chance(30) and fixed is not None,
        uses=draw.one_of((Uses.ONE, Uses.ONE, Uses.MANY)),
        expires_at=world.clock.now() + timedelta(hours=draw.whole(1, 60)) if draw.chance(60) else None,
    )
    world.ask(requests.create_request, command, actor=acting(draw, requester))


@move(2)
def split_request(world: World, draw: Draw) -> None:
    requester = draw.one_of(EVERYBODY)
    payers = tuple(id for id in USERS if id != requester and draw.chance(70)) or ("ann",)
    command = requests.SplitRequest(
        requester_id=requester,
        amount=amount(draw, asset(draw), 9_000),
        payer_ids=payers,
        amount_editable=draw.chance(20),
        expires_at=world.clock.now() + timedelta(hours=40) if draw.chance(50) else None,
    )
    world.ask(requests.split_request, command, actor=acting(draw, requester))


@move(8)
def approve_request(world: World, draw: Draw) -> None:
    request = some(world, draw, PaymentRequest, status__in=UNDECIDED, is_split=False)
    if request is None:
        return
    payer = request.payer_id or draw.one_of(USERS)
    is_free = request.amount is None or request.amount_editable
    pay_at = world.clock.now() + timedelta(hours=draw.whole(1, 30)) if draw.chance(20) else None
    command = requests.ApproveRequest(
        request_id=request.id,
        payer_id=payer,
        amount=part_of(draw, request.amount or amount(draw, request.asset, 5_000)) if is_free else None,
        pay_at=pay_at,
    )
    world.ask(requests.approve_request, command, actor=acting(draw, payer))


@move(2)
def decline_request(world: World, draw: Draw) -> None:
    request = some(world, draw, PaymentRequest, status__in=UNDECIDED)
    if request is not None:
        command = requests.DeclineRequest(request_id=request.id, reason="no")
        world.ask(requests.decline_request, command, actor=acting(draw, request.payer_id or "ann"))


@move(2)
def revoke_approval(world: World, draw: Draw) -> None:
    request = some(world, draw, PaymentRequest, status=RequestStatus.ACCEPTED)
    if request is not None:
        command = requests.RevokeApproval(request_id=request.id)
        world.ask(requests.revoke_approval, command, actor=acting(draw, request.payer_id or "ann"))


@move(2)
def cancel_request(world: World, draw: Draw) -> None:
    request = some(world, draw, PaymentRequest, status__in=UNDECIDED)
    if request is not None:
        command = requests.CancelRequest(request_id=request.id)
        world.ask(requests.cancel_request, command, actor=acting(draw, request.requester_id))


@move(1)
def expire_request(world: World, draw: Draw) -> None:
    request = some(world, draw, PaymentRequest, status__in=UNDECIDED, expires_at__le=world.clock.now())
    if request is not None:
        world.ask(requests.expire_request, requests.ExpireRequest(request_id=request.id))


@move(3)
def scan_and_approve(world: World, draw: Draw) -> None:
    request = some(world, draw, PaymentRequest, status=RequestStatus.PENDING, is_split=False)
    if request is None:
        return
    payer, key = request.payer_id or draw.one_of(USERS), f"walk-{world.number + 1}"
    chosen = amount(draw, request.asset, 4_000) if request.amount is None else None

    async def approve(inside: World) -> object:
        text = await requests.request_code(inside.deps, request.id)
        return await requests.approve_scanned(
            inside.as_(party(payer)), text, payer_id=payer, amount=chosen, key=key
        )

    world.do("requests.approve_scanned", lambda inside: inside.run(approve(inside)))


@move(2)
def scan_and_send(world: World, draw: Draw) -> None:
    payee, payer, code = draw.one_of(EVERYBODY), draw.one_of(USERS), asset(draw)
    fixed, key = amount(draw, code, 4_000), f"walk-{world.number + 1}"

    async def send(inside: World) -> object:
        text = await requests.payee_code(inside.deps, payee, asset=code, amount=fixed)
        return await requests.send_scanned(inside.as_(party(payer)), text, payer_id=payer, key=key)

    world.do("requests.send_scanned", lambda inside: inside.run(send(inside)))


@move(4)
def place_hold(world: World, draw: Draw) -> None:
    owner = draw.one_of(EVERYBODY)
    command = holds.PlaceHold(
        owner_id=owner,
        amount=amount(draw, asset(draw), 6_000),
        payee_id=draw.one_of(("", "acme", "bob")),
        expires_at=world.clock.now() + timedelta(hours=draw.whole(1, 40)) if draw.chance(60) else None,
    )
    world.ask(holds.place_hold, command, actor=acting(draw, owner))


@move(4)
def capture_hold(world: World, draw: Draw) -> None:
    hold = some(world, draw, Hold, status=HoldStatus.ACTIVE, purpose=HoldPurpose.AUTHORIZATION)
    if hold is not None:
        command = holds.CaptureHold(
            hold_id=hold.id,
            amount=part_of(draw, hold.amount) if draw.chance(60) else None,
            payee_id="" if hold.payee_id else draw.one_of(EVERYBODY),
        )
        world.ask(holds.capture_hold, command, actor=OPERATOR if draw.chance(70) else party("acme"))


@move(2)
def release_hold(world: World, draw: Draw) -> None:
    hold = some(world, draw, Hold, status=HoldStatus.ACTIVE, purpose=HoldPurpose.AUTHORIZATION)
    if hold is not None:
        world.ask(holds.release_hold, holds.ReleaseHold(hold_id=hold.id, reason="not needed"))


@move(1)
def expire_hold(world: World, draw: Draw) -> None:
    hold = some(world, draw, Hold, status=HoldStatus.ACTIVE, expires_at__le=world.clock.now())
    if hold is not None:
        world.ask(holds.expire_hold, holds.ExpireHold(hold_id=hold.id))
