"""Risk screening of addresses: by the suffixes that Circle's test rules react to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from invoicepay.testing.simulators.circle.requests import Ask, Reply
from invoicepay.testing.simulators.circle.state import World, whole_seconds

_DENY = ("DENY", "REVIEW")
_FREEZE = ("FREEZE_WALLET", "DENY", "REVIEW")

CHAINS = [
    "ETH",
    "ETH-SEPOLIA",
    "AVAX",
    "AVAX-FUJI",
    "MATIC",
    "MATIC-AMOY",
    "ALGO",
    "ATOM",
    "ARB",
    "ARB-SEPOLIA",
    "HBAR",
    "SOL",
    "SOL-DEVNET",
    "UNI",
    "UNI-SEPOLIA",
    "TRX",
    "XLM",
    "BCH",
    "BTC",
    "BSV",
    "ETC",
    "LTC",
    "XMR",
    "XRP",
    "ZRX",
    "OP",
    "DOT",
    "BASE",
    "BASE-SEPOLIA",
]
"""The chains whose addresses are screened."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that an address can fall under."""

    name: str
    actions: tuple[str, ...]
    score: str
    category: str

    def reasons(self, address: str) -> list[dict[str, Any]]:
        """The signals found."""
        return [
            {
                "source": "ADDRESS",
                "sourceValue": address,
                "riskScore": self.score,
                "riskCategories": [self.category],
                "type": "OWNERSHIP",
            }
        ]


RULES: Mapping[str, Rule] = {
    "9999": Rule("Circle's Sanctions Blocklist", _FREEZE, "BLOCKLIST", "SANCTIONS"),
    "8888": Rule("Frozen User Wallet", _DENY, "BLOCKLIST", "FROZEN"),
    "7777": Rule("Your blocklist", _DENY, "BLOCKLIST", "OTHER"),
    "8999": Rule("Severe Sanctions Risk (Owner)", _FREEZE, "SEVERE", "SANCTIONS"),
    "8899": Rule("Severe Terrorist Financing Risk (Owner)", _FREEZE, "SEVERE", "TERRORIST_FINANCING"),
    "8889": Rule("Severe CSAM Risk (Owner)", _FREEZE, "SEVERE", "CSAM"),
    "7779": Rule("Severe Illicit Behavior Risk (Owner)", _DENY, "SEVERE", "ILLICIT_BEHAVIOR"),
    "7666": Rule("High Illicit Behavior Risk (Owner)", ("REVIEW",), "HIGH", "ILLICIT_BEHAVIOR"),
    "7766": Rule("High Gambling Risk (Owner)", ("REVIEW",), "HIGH", "GAMBLING"),
}
"""By the last four characters of an address."""


def rule_for(address: str) -> Rule | None:
    """The rule that an address falls under, if any."""
    return RULES.get(address[-4:])


def evaluation(rule: Rule, address: str, at: datetime) -> dict[str, Any]:
    """The decision as a transaction carries it."""
    return {
        "ruleName": rule.name,
        "actions": list(rule.actions),
        "screeningDate": whole_seconds(at),
        "reasons": rule.reasons(address),
    }


def screen(world: World, ask: Ask) -> Reply:
    """Screen one address."""
    fields = ask.fields()
    key, address, chain = fields.key(), fields.text("address"), fields.word("chain", CHAINS)
    fields.check()
    return world.wallets_replays.once(ask, key, lambda: _reply(world, address, chain))


def _reply(world: World, address: str, chain: str) -> Reply:
    return Reply(_screened(world, address, chain), is_bare=not world.knobs.wraps_screening)


def _screened(world: World, address: str, chain: str) -> dict[str, Any]:
    rule, now = rule_for(address), whole_seconds(world.now())
    vendor = world.ids.new()
    decision: dict[str, Any] = {"screeningDate": now, "actions": ["APPROVE"], "reasons": []}
    if rule is not None:
        signal = {"rowId": vendor, "pointer": "/addressRiskIndicators/0"}
        reasons = [{**reason, "signalSource": signal} for reason in rule.reasons(address)]
        decision = {
            "ruleName": rule.name,
            "actions": list(rule.actions),
            "reasons": reasons,
            "screeningDate": now,
        }
    is_denied = rule is not None and "DENY" in rule.actions
    return {
        "result": "DENIED" if is_denied else "APPROVED",
        "decision": decision,
        "id": world.ids.new(),
        "address": address,
        "chain": chain,
        "details": [{"id": vendor, "vendor": "SIMULATED", "response": {}, "createDate": now}],
        **({"alertId": world.ids.new()} if rule is not None else {}),
    }
