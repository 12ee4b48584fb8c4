"""ACH return codes as data: what a returned entry means and what follows from it (Nacha rules)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class ReturnGroup(StrEnum):
    """Why an entry came back."""

    FUNDS = "funds"
    ACCOUNT = "account"
    STOPPED = "stopped"
    UNAUTHORISED_CONSUMER = "unauthorised_consumer"
    UNAUTHORISED_BUSINESS = "unauthorised_business"
    BY_AGREEMENT = "by_agreement"
    LEGAL = "legal"
    CREDIT_REFUSED = "credit_refused"
    ENTRY_ERROR = "entry_error"
    ENROLMENT = "enrolment"
    DISHONOURED = "dishonoured"
    CONTESTED = "contested"
    INTERNATIONAL = "international"


@dataclass(frozen=True, slots=True)
class Consequences:
    """What a return of one group asks for.

    Attributes:
        banking_days: until the return may arrive after settlement; None where no banking-day limit holds.
        calendar_days: for returns that count in calendar days instead.
        disables_account: the bank account's token is not used again.
        freezes_party: somebody has to look at the party before it goes on.
        may_represent: a new attempt on the same account is allowed, as an explicit one.
    """

    banking_days: int | None = None
    calendar_days: int | None = None
    disables_account: bool = False
    freezes_party: bool = False
    may_represent: bool = False


CONSEQUENCES: Mapping[ReturnGroup, Consequences] = {
    ReturnGroup.FUNDS: Consequences(banking_days=2, may_represent=True),
    ReturnGroup.ACCOUNT: Consequences(banking_days=2, disables_account=True),
    ReturnGroup.STOPPED: Consequences(banking_days=2),
    ReturnGroup.UNAUTHORISED_CONSUMER: Consequences(
        calendar_days=60, disables_account=True, freezes_party=True
    ),
    ReturnGroup.UNAUTHORISED_BUSINESS: Consequences(
        banking_days=2, disables_account=True, freezes_party=True
    ),
    ReturnGroup.BY_AGREEMENT: Consequences(),
    ReturnGroup.LEGAL: Consequences(banking_days=2, disables_account=True, freezes_party=True),
    ReturnGroup.CREDIT_REFUSED: Consequences(),
    ReturnGroup.ENTRY_ERROR: Consequences(banking_days=2),
    ReturnGroup.ENROLMENT: Consequences(),
    ReturnGroup.DISHONOURED: Consequences(banking_days=5),
    ReturnGroup.CONTESTED: Consequences(banking_days=2),
    ReturnGroup.INTERNATIONAL: Consequences(),
}


@dataclass(frozen=True, slots=True)
class ReturnCode:
    """One code, for example R01."""

    code: str
    group: ReturnGroup
    title: str

    @property
    def consequences(self) -> Consequences:
        """What follows from it."""
        return CONSEQUENCES[self.group]


_G = ReturnGroup
_TITLES: Mapping[ReturnGroup, Mapping[str, str]] = {
    _G.FUNDS: {"R01": "insufficient funds", "R09": "uncollected funds"},
    _G.ACCOUNT: {
        "R02": "account closed",
        "R03": "no account, or it could not be found",
        "R04": "invalid account number",
        "R12": "account sold to another bank",
        "R13": "invalid routing number",
        "R17": "edit criteria not met, or suspicious entry",
        "R20": "account takes no transactions",
        "R28": "wrong check digit in the routing number",
    },
    _G.STOPPED: {"R08": "payment stopped"},
    _G.UNAUTHORISED_CONSUMER: {
        "R05": "consumer debit under a business entry class, not authorised",
        "R07": "authorisation revoked by the customer",
        "R10": "customer says: not authorised",
        "R11": "entry does not follow the authorisation",
        "R33": "truncated check entry returned",
        "R37": "source document was also presented",
        "R38": "stop payment on the source document",
        "R51": "re-presented check entry ineligible",
        "R52": "stop payment on a re-presented check",
        "R53": "check and its entry both presented",
    },
    _G.UNAUTHORISED_BUSINESS: {"R29": "business says: not authorised"},
    _G.BY_AGREEMENT: {
        "R06": "returned at the request of the originator's bank",
        "R31": "late return allowed",
    },
    _G.LEGAL: {
        "R14": "representative payee deceased or unable to continue",
        "R15": "beneficiary or account holder deceased",
        "R16": "account frozen, or returned on an official's order",
    },
    _G.CREDIT_REFUSED: {"R23": "credit refused by the receiver"},
    _G.ENTRY_ERROR: {
        "R18": "wrong effective date",
        "R19": "wrong amount field",
        "R21": "wrong company identification",
        "R22": "wrong individual identification",
        "R24": "duplicate entry",
        "R25": "addenda error",
        "R26": "mandatory field error",
        "R27": "trace number error",
        "R30": "bank takes no truncated checks",
        "R32": "bank does not settle",
        "R34": "bank's participation limited",
        "R35": "debit not allowed for this entry",
        "R36": "credit not allowed for this entry",
        "R39": "improper source document",
    },
    _G.ENROLMENT: {f"R{number}": "federal enrolment entry returned" for number in range(40, 48)},
    _G.DISHONOURED: {
        "R61": "misrouted return",
        "R62": "return of an erroneous or reversing debit",
        "R67": "duplicate return",
        "R68": "untimely return",
        "R69": "field error in the return",
        "R70": "return was not agreed to",
    },
    _G.CONTESTED: {
        "R71": "misrouted dishonoured return",
        "R72": "untimely dishonoured return",
        "R73": "original return was timely",
        "R74": "corrected return",
        "R75": "return was no duplicate",
        "R76": "no errors found",
        "R77": "dishonour of a return not accepted",
    },
    _G.INTERNATIONAL: {f"R{number}": "international entry returned" for number in range(80, 86)},
}

RETURN_CODES: Mapping[str, ReturnCode] = {
    code: ReturnCode(code, group, title)
    for group, titles in _TITLES.items()
    for code, title in sorted(titles.items())
}
"""Every code by its name."""
