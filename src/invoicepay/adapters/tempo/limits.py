"""What each account may sign: a policy that reads the very bytes before it lets a signer sign them (S-25)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from invoicepay.adapters.tempo import addresses
from invoicepay.adapters.tempo.extra import keccak, tempo_extra
from invoicepay.adapters.tempo.network import TempoAccounts, TempoNetwork, TempoToken
from invoicepay.domain.money import Money
from invoicepay.errors import ProviderRejected
from invoicepay.ports.signing import Signature, Signer

SENDER, FEE_PAYER = 0x76, 0x78
"""The first byte of what a sender signs, and of what signs who pays the fee for another."""
_FIELDS: Final = 13


@dataclass(frozen=True, slots=True)
class Function:
    """How a call is spelled: its selector, and which of its words tell whom it favours and how much."""

    selector: str
    target: int | None = None
    amount: int | None = None
    words: int = 0


FUNCTIONS: Final[Mapping[str, Function]] = {
    "mint": Function("e44f0b12", target=0, amount=1, words=3),
    "burn": Function("38f23b0b", amount=0, words=2),
    "pull": Function("929c2539", target=1, amount=2, words=4),
    "approve": Function("095ea7b3", target=0, words=2),
    "pause": Function("8456cb59"),
    "unpause": Function("3f4ba83a"),
    "blacklist": Function("c62b27d4", words=3),
}
"""Calls that a running programme signs; those of set-up (roles, caps, policies of a token) are not here."""

_NAMES: Final = {function.selector: name for name, function in FUNCTIONS.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """Within which bounds an account may sign one function.

    Attributes:
        contracts: addresses that may be called.
        most: the largest amount of one call, in base units; None where the function moves no amount.
        targets: who may receive or be approved; None lets it be anybody.
    """

    contracts: frozenset[str]
    most: int | None = None
    targets: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningPolicy:
    """What may be signed; whatever it does not name is refused.

    Attributes:
        chain_id: the one network.
        most_fee: the most that a transaction may cost, gas times price, in 10^-18 of the fee token's unit.
        accounts: what each account may sign, by function; a name that ends with a colon stands for every
            account that begins so, as `wallet:` does for all wallets.
        fee_payers: accounts that pay fees for others.
    """

    chain_id: int
    most_fee: int
    accounts: Mapping[str, Mapping[str, Allowed]]
    fee_payers: frozenset[str] = field(default_factory=frozenset[str])

    def allowed(self, account: str) -> Mapping[str, Allowed]:
        """What an account may sign."""
        found = self.accounts.get(account)
        return self.accounts.get(f"{account.partition(':')[0]}:", {}) if found is None else found


class LimitedSigner:
    """A `Signer` in front of another one that signs what a policy allows, and nothing else.

    It reads the transaction out of the bytes that are signed, not out of what the caller says about them. Run
    it where the keys are; in the process of the programme it stops mistakes, not an intruder.

    Examples:
        policy = await standard_policy(keys, network, [token], most=Money.of("5000.00 USD.tempo"))
        signer = LimitedSigner(keys, policy)
        tempo = Tempo(rpc, signer, network, [token], slots=slots)
    """

    def __init__(self, signer: Signer, policy: SigningPolicy) -> None:
        self._signer, self._policy = signer, policy

    async def address(self, account: str) -> str:
        return await self._signer.address(account)

    async def sign(self, account: str, digest: bytes, *, payload: bytes) -> Signature:
        why = self._refusal_of(account, digest, payload)
        if why:
            raise ProviderRejected(f"the signer refuses it: {why}", reason="signing_policy", account=account)
        return await self._signer.sign(account, digest, payload=payload)

    async def refusal(self, account: str, calls: Sequence[tuple[str, bytes]]) -> str:
        return _refused_calls(self._policy.allowed(account), calls)

    def _refusal_of(self, account: str, digest: bytes, payload: bytes) -> str:
        if keccak(payload) != digest:
            return "the digest is not the hash of the payload"
        told = _decoded(payload[1:])
        if told is None or payload[0] not in (SENDER, FEE_PAYER):
            return "this is no transaction that we make"
        if _number(told[0]) != self._policy.chain_id:
            return f"it is for chain {_number(told[0])}"
        if _number(told[2]) * _number(told[3]) > self._policy.most_fee:
            return "its fee is above the limit"
        if payload[0] == FEE_PAYER:
            return "" if account in self._policy.fee_payers else "the account pays no fees for others"
        if any(_number(value) for _, value, _ in told[4]):
            return "it moves the chain's own money"
        calls = [(f"0x{to.hex()}", data) for to, _, data in told[4]]
        return _refused_calls(self._policy.allowed(account), calls)


async def standard_policy(
    signer: Signer,
    network: TempoNetwork,
    tokens: Iterable[TempoToken],
    *,
    most: Money,
    accounts: TempoAccounts | None = None,
    most_fee: int | None = None,
) -> SigningPolicy:
    """What a running programme has to sign: mints, burns, transfers, approvals, freezes; nothing of set-up.

    The account admin may sign nothing: keep its key offline.

    Args:
        most: the largest amount of one movement.
        most_fee: the largest fee of a transaction; ten times the configured price for the most gas when left
            out, which is what is offered at most.
    """
    from invoicepay.adapters.tempo.lanes import MOST_RAISED
    from invoicepay.adapters.tempo.transaction import MOST_GAS

    roles = accounts or TempoAccounts()
    contracts = frozenset(token.address.lower() for token in tokens)
    issuer, operator = await signer.address(roles.issuer), await signer.address(roles.operator)
    move, anywhere = Allowed(contracts=contracts, most=most.micros), Allowed(contracts=contracts)
    into_issuer = Allowed(contracts=contracts, most=most.micros, targets=frozenset({issuer}))
    registry = Allowed(contracts=frozenset({addresses.REGISTRY}))
    approval = {"approve": Allowed(contracts=contracts, targets=frozenset({issuer, operator}))}
    allowed: dict[str, Mapping[str, Allowed]] = {
        **{account: {"mint": move, "burn": move, "pull": move} for account in roles.retired},
        roles.issuer: {"mint": move, "burn": move, "pull": into_issuer},
        roles.operator: {"pull": move},
        roles.guard: {"pause": anywhere, "unpause": anywhere, "blacklist": registry},
        "wallet:": approval,
        "omnibus:": approval,
    }
    return SigningPolicy(
        chain_id=network.chain_id,
        most_fee=MOST_GAS * MOST_RAISED * network.max_fee if most_fee is None else most_fee,
        accounts=allowed,
        fee_payers=frozenset({roles.fees}),
    )


def _refused_calls(allowed: Mapping[str, Allowed], calls: Sequence[tuple[str, bytes]]) -> str:
    return next((why for to, data in calls if (why := _refused_call(allowed, to.lower(), data))), "")


def _refused_call(allowed: Mapping[str, Allowed], to: str, data: bytes) -> str:
    name = _NAMES.get(data[:4].hex(), "")
    bounds = allowed.get(name)
    if bounds is None:
        return f"the account may not sign {name or 'a function that we do not use'}"
    function = FUNCTIONS[name]
    if to not in bounds.contracts:
        return f"{name} is not for the contract {to}"
    if len(data) != 4 + 32 * function.words:
        return f"{name} has another length"
    if bounds.targets is not None and function.target is not None:
        target = f"0x{_word(data, function.target)[-20:].hex()}"
        if target not in bounds.targets:
            return f"{name} may not favour {target}"
    if function.amount is not None:
        amount = int.from_bytes(_word(data, function.amount))
        if bounds.most is None or amount > bounds.most:
            return f"{name} of {amount} base units is above the limit of {bounds.most}"
    return ""


def _word(data: bytes, place: int) -> bytes:
    return data[4 + 32 * place : 36 + 32 * place]


def _decoded(payload: bytes) -> Any:
    """The fields of a transaction; None when it is none, or has more in it than ours have."""
    with tempo_extra():
        import rlp  # type: ignore[import-untyped] # it ships no types
    try:
        told = rlp.decode(payload)
        plain = [len(call) for call in told[4]] == [3] * len(told[4])
    except (rlp.exceptions.RLPException, TypeError, IndexError):
        return None
    is_ours = len(told) == _FIELDS and plain and told[4] != [] and told[5] == [] and told[12] == []
    return told if is_ours else None


def _number(told: bytes) -> int:
    return int.from_bytes(told)
