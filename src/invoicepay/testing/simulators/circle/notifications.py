"""Webhooks: subscriptions of both versions, and signed deliveries that wait to be carried over."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from invoicepay.testing.simulators.circle.keys import sns_signed

if TYPE_CHECKING:
    from invoicepay.testing.simulators.circle.state import World

TOPIC = "arn:aws:sns:us-west-2:908968368384:sandbox_platform-notifications-topic"
CERTIFICATE_URL = "https://sns.us-west-2.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"
CONFIRM_URL = "https://sns.us-west-2.amazonaws.com/"
ZERO = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One webhook on its way.

    Attributes:
        version: 2 is signed by ECDSA (wallets), 1 is an SNS message (Mint).
        id: `notificationId` or `MessageId`; the same on a retry.
    """

    version: int
    id: str
    endpoint: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Subscription:
    """An endpoint that wants to be told.

    Attributes:
        types: what it wants; empty is everything.
        tokens: open confirmations of version 1: token to the ARN it confirms.
    """

    id: str
    version: int
    endpoint: str
    created: datetime
    updated: datetime
    name: str = "Webhook"
    is_enabled: bool = True
    types: tuple[str, ...] = ()
    arns: dict[str, str] = field(default_factory=dict[str, str])
    tokens: dict[str, str] = field(default_factory=dict[str, str])

    def wants(self, type: str) -> bool:
        """Whether this kind of news is subscribed."""
        if not self.is_enabled:
            return False
        family = f"{type.split('.', maxsplit=1)[0]}.*"
        return not self.types or bool({"*", family, type} & set(self.types))


class Postbox:
    """Subscriptions and what waits to be delivered.

    Attributes:
        copies: how often each delivery is queued; 0 loses it.
        sns_version: the signature version of SNS messages.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self.subscriptions: dict[str, Subscription] = {}
        self.copies = 1
        self.sns_version = "1"
        self._queue: list[Delivery] = []

    def subscribe(self, version: int, endpoint: str, types: tuple[str, ...] = ()) -> Subscription:
        """Take an endpoint, and send what is sent on that occasion."""
        now = self._world.now()
        subscription = Subscription(self._world.ids.new(), version, endpoint, now, now, types=types)
        self.subscriptions[subscription.id] = subscription
        if version == 2:
            hello = {"hello": "world"}
            self._queue.append(self._signed(subscription, "webhooks.test", hello, zero=True))
        else:
            self._ask_to_confirm(subscription)
        return subscription

    def told(self, type: str, notification: Mapping[str, Any]) -> None:
        """Queue news of the wallets product for whoever wants it."""
        for subscription in self._of(2):
            if subscription.wants(type):
                self._add(self._signed(subscription, type, notification))

    def told_by_sns(self, type: str, resource: str, value: Mapping[str, Any]) -> None:
        """Queue news of Mint for every endpoint with a confirmed topic; which of its two is not known."""
        message = {
            "clientId": self._world.entity_id,
            "notificationType": type,
            "version": 1,
            "customAttributes": {"clientId": self._world.entity_id},
            resource: value,
        }
        for subscription in self._of(1):
            confirmed = [arn for arn, status in subscription.arns.items() if status == "confirmed"]
            if confirmed:
                self._add(self._sns(subscription, "Notification", confirmed[0], Message=json.dumps(message)))

    def confirm(self, url: str) -> bool:
        """What a visit of a SubscribeURL does; whether its token was known."""
        token = parse_qs(urlsplit(url).query).get("Token", [""])[0]
        for subscription in self._of(1):
            if token in subscription.tokens:
                subscription.arns[subscription.tokens.pop(token)] = "confirmed"
                return True
        return False

    def drain(self, reorder: Callable[[list[Delivery]], list[Delivery]] = list) -> list[Delivery]:
        """Take what waits; the host, or a test, carries it."""
        waiting, self._queue = self._queue, []
        return reorder(waiting)

    def put_back(self, deliveries: list[Delivery]) -> None:
        """Queue again what was not taken, before what came since."""
        self._queue[:0] = deliveries

    def _of(self, version: int) -> list[Subscription]:
        return [one for one in self.subscriptions.values() if one.version == version]

    def _add(self, delivery: Delivery) -> None:
        self._queue.extend([delivery] * self.copies)

    def _signed(
        self, subscription: Subscription, type: str, notification: Mapping[str, Any], *, zero: bool = False
    ) -> Delivery:
        id = ZERO if zero else self._world.ids.new()
        body = json.dumps(
            {
                "subscriptionId": ZERO if zero else subscription.id,
                "notificationId": id,
                "notificationType": type,
                "notification": notification,
                "timestamp": f"{self._world.now().strftime('%Y-%m-%dT%H:%M:%S.%f')}000Z",
                "version": 2,
            },
            separators=(",", ":"),
        ).encode()
        headers = {"Content-Type": "application/json", **self._world.notification_keys.headers(body)}
        return Delivery(2, id, subscription.endpoint, headers, body)

    def _ask_to_confirm(self, subscription: Subscription) -> None:
        """Two confirmations, as Circle sends them: one per topic."""
        for number in (1, 2):
            arn, token = f"{TOPIC}:{self._world.ids.new()}", self._world.ids.digest()
            subscription.arns[arn], subscription.tokens[token] = "pending", arn
            self._queue.append(
                self._sns(
                    subscription,
                    "SubscriptionConfirmation",
                    arn,
                    Message=f"You have chosen to subscribe to topic {TOPIC} ({number} of 2).",
                    Token=token,
                    SubscribeURL=f"{CONFIRM_URL}?Action=ConfirmSubscription&TopicArn={TOPIC}&Token={token}",
                )
            )

    def _sns(self, subscription: Subscription, type: str, arn: str, **fields: str) -> Delivery:
        id, now = self._world.ids.new(), self._world.now()
        message = sns_signed(
            {
                "Type": type,
                "MessageId": id,
                "TopicArn": TOPIC,
                "Timestamp": f"{now.strftime('%Y-%m-%dT%H:%M:%S')}.{now.microsecond // 1000:03d}Z",
                "SigningCertURL": CERTIFICATE_URL,
                **fields,
            },
            self.sns_version,
        )
        headers = {
            "Content-Type": "text/plain; charset=UTF-8",
            "x-amz-sns-message-type": type,
            "x-amz-sns-message-id": id,
            "x-amz-sns-topic-arn": TOPIC,
            "x-amz-sns-subscription-arn": arn,
        }
        return Delivery(1, id, subscription.endpoint, headers, json.dumps(message, indent=2).encode())
