"""Subscribing to webhooks of either version, and the keys they are signed with."""

from __future__ import annotations

from invoicepay.testing.simulators.circle.notifications import Subscription
from invoicepay.testing.simulators.circle.refusals import Refusal, not_found
from invoicepay.testing.simulators.circle.requests import Ask, Json, Reply
from invoicepay.testing.simulators.circle.state import World, whole_seconds

MOST_V2, MOST_V1 = 20, 3
"""How many endpoints an environment may have."""


def subscribe(world: World, ask: Ask) -> Reply:
    """Subscribe an endpoint to the wallets product's webhooks."""
    fields = ask.fields()
    endpoint, types = fields.text("endpoint"), fields.texts("notificationTypes")
    fields.check()
    _refuse_beyond(world, 2, MOST_V2)
    return Reply(_wire(world.postbox.subscribe(2, endpoint, types)))


def list_all(world: World, _ask: Ask) -> Reply:
    """Every subscription of the wallets product."""
    return Reply([_wire(one) for one in world.postbox.subscriptions.values() if one.version == 2])


def get(world: World, ask: Ask) -> Reply:
    """One subscription."""
    return Reply(_wire(_found(world, ask, 2)))


def update(world: World, ask: Ask) -> Reply:
    """Rename a subscription, or switch it on or off."""
    one, fields = _found(world, ask, 2), ask.fields()
    name, is_enabled = fields.text("name"), fields.flag("enabled")
    fields.check()
    one.name, one.is_enabled, one.updated = name, is_enabled, world.now()
    return Reply(_wire(one))


def delete(world: World, ask: Ask) -> Reply:
    """End a subscription."""
    del world.postbox.subscriptions[_found(world, ask, 2).id]
    return Reply(status=204)


def public_key(world: World, ask: Ask) -> Reply:
    """The public key under the id that a delivery named."""
    id = ask.path["id"]
    key = world.notification_keys.public_key(id)
    if key is None:
        raise Refusal(400, 2, "There is no notification public key with this id")
    return Reply(
        {
            "id": id,
            "algorithm": world.notification_keys.algorithm,
            "publicKey": key,
            "createDate": whole_seconds(world.now()),
        }
    )


def subscribe_v1(world: World, ask: Ask) -> Reply:
    """Subscribe an endpoint to Mint's webhooks; two confirmations follow."""
    fields = ask.fields()
    endpoint = fields.text("endpoint")
    fields.check()
    _refuse_beyond(world, 1, MOST_V1)
    return Reply(_wire_v1(world.postbox.subscribe(1, endpoint)))


def list_v1(world: World, _ask: Ask) -> Reply:
    """Every subscription of Mint."""
    return Reply([_wire_v1(one) for one in world.postbox.subscriptions.values() if one.version == 1])


def delete_v1(world: World, ask: Ask) -> Reply:
    """End a subscription; not while a confirmation is open."""
    one = _found(world, ask, 1)
    if "pending" in one.arns.values():
        raise Refusal(400, 2, "A subscription with a pending confirmation cannot be removed")
    del world.postbox.subscriptions[one.id]
    return Reply({})


def _found(world: World, ask: Ask, version: int) -> Subscription:
    one = world.postbox.subscriptions.get(ask.path["id"])
    if one is None or one.version != version:
        raise not_found(404, "Subscription not found")
    return one


def _refuse_beyond(world: World, version: int, most: int) -> None:
    if sum(one.version == version for one in world.postbox.subscriptions.values()) >= most:
        raise Refusal(429 if version == 1 else 400, 5, "There are too many subscriptions")


def _wire(one: Subscription) -> Json:
    return {
        "id": one.id,
        "name": one.name,
        "endpoint": one.endpoint,
        "enabled": one.is_enabled,
        "notificationTypes": list(one.types or ("*",)),
        "restricted": bool(one.types) and "*" not in one.types,
        "createDate": whole_seconds(one.created),
        "updateDate": whole_seconds(one.updated),
    }


def _wire_v1(one: Subscription) -> Json:
    details = [{"url": arn, "status": status} for arn, status in one.arns.items()]
    return {"id": one.id, "endpoint": one.endpoint, "subscriptionDetails": details}
