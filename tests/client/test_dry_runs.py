"""Dry runs: real calls that leave nothing, and what they tell of states, money, rules and refusals."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from invoicepay import (
    Asset,
    AsyncInvoicePay,
    Event,
    Every,
    Explanation,
    InvoicePay,
    InvoicePayError,
    Pay,
    Policy,
    Programme,
    Refusal,
    errors,
    migrate,
)
from invoicepay.adapters.sealed import FieldKeys
from invoicepay.domain.policies import Finality, Limits, Settlement
from invoicepay.errors import (
    BelowMinimumPartial,
    ConfigurationError,
    FloatAmount,
    FundsNotSeasoned,
    IdempotencyConflict,
    InsideTransaction,
    InsufficientFunds,
    InvoiceAlreadyPaid,
    LimitExceeded,
    NotAllowed,
    NotFound,
    OverpaymentRefused,
    PartialPaymentRefused,
    ReserveStale,
)
from invoicepay.ports.screening import Screened, Subject, Verdict
from invoicepay.testing import FrozenClock


def open_client(policy: Policy | None = None, **options: Any) -> InvoicePay:
    """A client with an enterprise, and ann with 200 USD."""
    pay = InvoicePay(clock=FrozenClock("2026-01-05T09:00:00Z"), **options)
    pay.parties.register("acme", kind="enterprise", policy=policy or Policy())
    pay.parties.register("ann")
    asset = next(iter(options["programme"].assets), "USD") if "programme" in options else "USD"
    pay.sim.settle(pay.deposits.initiate("ann", f"200.00 {asset}", rail="instant"))
    return pay


def issue(pay: InvoicePay, total: str = "120.00 USD", **terms: Any) -> str:
    return pay.invoices.issue(enterprise="acme", customer="ann", lines=[("Hosting", total)], **terms).id


def rules(told: Explanation) -> list[tuple[str, str, str]]:
    """Owner, name and value of every rule that was applied."""
    return [(rule.owner, rule.name, rule.value) for call in told.calls for rule in call.rules]


@pytest.fixture
def pay() -> Iterator[InvoicePay]:
    with open_client() as client:
        yield client


def test_a_call_answers_as_always_and_later_calls_see_it(pay: InvoicePay) -> None:
    invoice = issue(pay)

    with pay.dry_run() as trial:
        payment = trial.invoices.pay(invoice, payer="ann", amount="150.00 USD")
        assert str(payment.credit) == "30.00 USD"
        assert trial.invoices.get(invoice).status == "paid"
        assert str(trial.wallets.get("ann").available) == "50.00 USD"
        with pytest.raises(InvoiceAlreadyPaid):
            trial.invoices.pay(invoice, payer="ann")

    assert pay.invoices.get(invoice).status == "open"
    assert str(pay.wallets.get("ann").available) == "200.00 USD"


def test_an_overpayment_is_explained_with_states_postings_and_policy(pay: InvoicePay) -> None:
    invoice = issue(pay)

    with pay.dry_run() as trial:
        trial.invoices.pay(invoice, payer="ann", amount="150.00 USD")
    (call,) = trial.explain().calls

    changes = {change.kind: change for change in call.changes}
    assert (changes["invoice"].from_status, changes["invoice"].to_status) == ("open", "paid")
    assert changes["invoice"].difference == (
        "remaining 120.00 → 0.00 USD; applied 0.00 → 120.00 USD; overpaid 0.00 → 30.00 USD"
    )
    assert changes["credit"].is_new and changes["credit"].to_status == "available"
    (posted,) = call.postings
    assert (posted.rule, posted.about) == ("P-11", changes["payment"].id)
    assert [(line.side, str(line.growth), line.meaning, line.account) for line in posted.lines] == [
        ("debit", "-150.00 USD", "spendable tokens of ann", "wallet:available:ann"),
        ("credit", "120.00 USD", "spendable tokens of acme", "wallet:available:acme"),
        ("credit", "30.00 USD", "tokens of acme behind its customers' credits", "wallet:credit_reserve:acme"),
    ]
    assert sorted(call.events) == ["credit.opened", "invoice.paid", "payment.completed"]


def test_an_explanation_reads_from_top_to_bottom(pay: InvoicePay) -> None:
    invoice = issue(pay)

    with pay.dry_run() as trial:
        trial.invoices.pay(invoice, payer="ann", amount="150.00 USD")
    lines = str(trial.explain()).splitlines()

    assert lines[0] == "invoices.pay by host"
    assert lines[1].startswith(f"  invoice {invoice}: open → paid; remaining 120.00 → 0.00 USD")
    assert "  P-11 a payment settles" in lines
    assert "    debit   spendable tokens of ann                          -150.00 USD" in lines
    assert "  policy of acme: overpay=credit, 30.00 USD above what is due becomes credit of ann" in lines
    assert lines[-1] == "  events withheld: invoice.paid, credit.opened, payment.completed"


OUTCOMES: list[tuple[Policy, str, list[tuple[str, str, str]]]] = [
    (
        Policy(),
        "150.00 USD",
        [("acme", "overpay", "credit"), ("acme", "credit_backing", "ring_fenced")],
    ),
    (Policy(overpay="cap"), "150.00 USD", [("acme", "overpay", "cap")]),  # type: ignore[arg-type]
    (Policy(), "50.00 USD", [("acme", "partial", "allow")]),
    (Policy(), "120.00 USD", []),
    (Policy(fee_bps=100), "120.00 USD", [("acme", "fee_bps", "100")]),
    (
        Policy(credit_backing="unsecured", cash_credit_expiry_days=30),  # type: ignore[arg-type]
        "150.00 USD",
        [
            ("acme", "overpay", "credit"),
            ("acme", "credit_backing", "unsecured"),
            ("acme", "cash_credit_expiry_days", "30"),
        ],
    ),
]


@pytest.mark.parametrize(("policy", "amount", "wanted"), OUTCOMES)
def test_the_policy_that_shaped_a_payment_is_named(
    policy: Policy, amount: str, wanted: list[tuple[str, str, str]]
) -> None:
    with open_client(policy) as pay:
        invoice = issue(pay)
        with pay.dry_run() as trial:
            trial.invoices.pay(invoice, payer="ann", amount=amount)

        assert rules(trial.explain()) == wanted


REFUSALS: list[tuple[Policy, str, type[InvoicePayError], tuple[str, str, str]]] = [
    (Policy(overpay="refuse"), "150.00 USD", OverpaymentRefused, ("acme", "overpay", "refuse")),  # type: ignore[arg-type]
    (Policy(partial="refuse"), "50.00 USD", PartialPaymentRefused, ("acme", "partial", "refuse")),  # type: ignore[arg-type]
    (
        Policy(min_partial_micros=60_000_000),
        "50.00 USD",
        BelowMinimumPartial,
        ("acme", "min_partial_micros", "60000000"),
    ),
]


@pytest.mark.parametrize(("policy", "amount", "refusal", "wanted"), REFUSALS)
def test_the_policy_that_refused_a_payment_is_named(
    policy: Policy, amount: str, refusal: type[InvoicePayError], wanted: tuple[str, str, str]
) -> None:
    with open_client(policy) as pay:
        invoice = issue(pay)
        with pay.dry_run() as trial, pytest.raises(refusal):
            trial.invoices.pay(invoice, payer="ann", amount=amount)
        told = trial.explain()

        assert [one.code for one in told.refusals] == [refusal.code]
        assert rules(told) == [wanted]


def test_a_refusal_is_told_with_hint_and_details_and_raised_as_always(pay: InvoicePay) -> None:
    invoice = issue(pay, "500.00 USD")

    with pay.dry_run() as trial, pytest.raises(InsufficientFunds) as caught:
        trial.invoices.pay(invoice, payer="ann")
    (refusal,) = trial.explain().refusals

    assert (refusal.message, refusal.hint) == (caught.value.message, caught.value.hint)
    assert refusal.details == caught.value.details
    assert "next step: Deposit more" in str(trial.explain())


def test_what_is_no_command_at_all_is_a_refusal_too(pay: InvoicePay) -> None:
    with pay.dry_run() as trial:
        with pytest.raises(FloatAmount):
            trial.deposits.initiate("ann", 1.5)  # type: ignore[arg-type]
        with pytest.raises(NotFound):
            trial.invoices.get("inv_01hzzzzzzzzzzzzzzzzzzzzzzz")

    assert [(call.name, call.refusal and call.refusal.code) for call in trial.explain().calls] == [
        ("deposits.initiate", "float_amount"),
        ("invoices.get", "not_found"),
    ]


def test_each_call_of_a_batch_is_told_in_its_order(pay: InvoicePay) -> None:
    first, second = issue(pay, "150.00 USD"), issue(pay, "100.00 USD")

    with pay.dry_run() as trial:
        answers = trial.invoices.pay_many(
            [Pay(second, payer="eve"), Pay(first, payer="ann"), Pay(second, payer="ann")]
        )
    told = trial.explain()

    assert [isinstance(answer, InvoicePayError) for answer in answers] == [True, False, True]
    assert [call.refusal.code if call.refusal else "done" for call in told.calls] == [
        "insufficient_funds",
        "done",
        "insufficient_funds",
    ]


def test_who_may_not_is_told_so_and_nothing_of_it_is_kept(pay: InvoicePay) -> None:
    with pay.dry_run() as trial, pytest.raises(NotAllowed):
        trial.acting_as("ann").wallets.freeze("ann", "USD", reason="no")

    (call,) = trial.explain().calls
    assert (call.name, call.actor) == ("parties.freeze_wallet", "ann")
    assert pay.audit.operations() == ()


def test_a_stored_answer_is_told_as_such(pay: InvoicePay) -> None:
    invoice = issue(pay)
    pay.invoices.pay(invoice, payer="ann", idempotency_key="k")

    with pay.dry_run() as trial:
        assert trial.invoices.pay(invoice, payer="ann", idempotency_key="k").replayed

    (call,) = trial.explain().calls
    assert call.is_replayed and not call.changes and not call.refusal
    assert "nothing is done again" in str(call)


def test_a_stored_refusal_is_told_as_such_and_a_conflict_of_keys_is_not(pay: InvoicePay) -> None:
    invoice = issue(pay, "500.00 USD")
    with pytest.raises(InsufficientFunds):
        pay.invoices.pay(invoice, payer="ann", idempotency_key="k")

    with pay.dry_run() as trial:
        with pytest.raises(InsufficientFunds):
            trial.invoices.pay(invoice, payer="ann", idempotency_key="k")
        with pytest.raises(IdempotencyConflict):
            trial.invoices.pay(invoice, payer="ann", amount="1.00 USD", idempotency_key="k")

    told = [(call.refusal and call.refusal.code, call.is_replayed) for call in trial.explain().calls]
    assert told == [("insufficient_funds", True), ("idempotency_conflict", False)]


def test_a_key_and_a_number_that_a_dry_run_used_are_free_afterwards(pay: InvoicePay) -> None:
    with pay.dry_run() as trial:
        tried = trial.invoices.issue(
            enterprise="acme", customer="ann", lines=[("A", "9.00 USD")], idempotency_key="k"
        )

    done = pay.invoices.issue(
        enterprise="acme", customer="ann", lines=[("B", "7.00 USD")], idempotency_key="k"
    )
    assert (tried.number, done.number) == ("A-0001", "A-0001")
    assert not done.replayed and str(done.total) == "7.00 USD"


def test_no_handler_is_told_and_none_is_left_behind(pay: InvoicePay) -> None:
    told: list[Event] = []
    pay.on("invoice.*")(told.append)

    with pay.dry_run() as trial:
        trial.on("payment.*")(told.append)
        trial.invoices.pay(issue(trial), payer="ann")
    told.clear()
    pay.invoices.pay(issue(pay), payer="ann")

    assert {event.kind for event in told} == {"invoice"}


def test_no_provider_is_asked_and_what_it_would_be_asked_is_told(pay: InvoicePay) -> None:
    with pay.dry_run() as trial:
        deposit = trial.deposits.initiate("ann", "75.00 USD")
        with pytest.raises(InsideTransaction):
            trial.run_pending()
        with pytest.raises(InsideTransaction):
            _ = trial.sim
    told = trial.explain()

    assert [(effect.kind, effect.about, str(effect.amount)) for effect in told.effects] == [
        ("rails.deposit", deposit.id, "75.00 USD")
    ]
    assert ("", "finality", "instant") in rules(told)
    assert "effect withheld: rails.deposit of 75.00 USD" in str(told)
    assert pay.run_pending().moved == 0


class Blocks:
    """Screening that would let nothing pass, and counts who asks."""

    asked = 0

    async def screen(self, subject: Subject) -> Screened:
        self.asked += 1
        return Screened(verdict=Verdict.BLOCK)


def test_screening_is_not_asked_and_that_is_told_as_an_assumption() -> None:
    screening = Blocks()
    with InvoicePay(screening=screening) as pay, pay.dry_run() as trial:
        trial.deposits.initiate("ann", "75.00 USD")

        assert screening.asked == 0
        assert trial.explain().assumptions == ("screening allows the deposit of 75.00 USD (ann)",)
        assert "assumed: screening allows" in str(trial.explain())


def test_choices_of_the_programme_are_named() -> None:
    programme = Programme(
        assets={"USD.tempo": Asset("USD.tempo", settlement=Settlement.ONCHAIN)},
        deposit_fee_micros=250_000,
        withdrawal_fee_micros=500_000,
        unknown_parties="register",
    )
    with open_client(programme=programme) as pay:
        invoice = issue(pay, "12.00 USD.tempo")
        with pay.dry_run() as trial:
            trial.invoices.pay(invoice, payer="ann")
            trial.deposits.initiate("new", "9.00 USD")
            trial.withdrawals.initiate("ann", "9.00 USD.tempo", account_token="ba_1")
        told = trial.explain()

    assert rules(told) == [
        ("", "settlement", "onchain"),
        ("", "unknown_parties", "register"),
        ("", "finality", "instant"),
        ("", "deposit_fee_micros", "0.25 USD"),
        ("", "withdrawal_fee_micros", "0.50 USD.tempo"),
    ]
    assert [effect.kind for effect in told.effects] == ["token.transfer", "rails.deposit", "token.burn"]


def test_limits_and_unknown_parties_that_refuse_are_named() -> None:
    programme = Programme(limits=Limits(per_call_micros=100_000_000), unknown_parties="refuse")
    with open_client(programme=programme) as pay:
        invoice = issue(pay)
        with pay.dry_run() as trial:
            with pytest.raises(LimitExceeded):
                trial.invoices.pay(invoice, payer="ann")
            with pytest.raises(NotFound):
                trial.invoices.pay(invoice, payer="nobody")
        told = trial.explain()

    assert rules(told) == [("", "limits", "100000000"), ("", "unknown_parties", "refuse")]


def test_young_money_that_refuses_names_its_rail_rule() -> None:
    programme = Programme(finality={"instant": Finality(seasoning_days=5)}, unknown_parties="register")
    with open_client(programme=programme) as pay:
        with pay.dry_run() as trial, pytest.raises(FundsNotSeasoned):
            trial.withdrawals.initiate("ann", "9.00 USD", account_token="ba_other")
        (rule,) = trial.explain().calls[0].rules

    assert (rule.name, rule.value[:10]) == ("finality", "2026-01-12")


def test_an_old_tie_out_that_refuses_names_the_programmes_bound() -> None:
    with InvoicePay(programme=Programme(attestation_max_age_hours=1, unknown_parties="register")) as pay:
        reserve = pay.sim.settle(pay.deposits.initiate("ann", "9.00 USD", rail="instant")).reserve_id
        with pay.dry_run() as trial, pytest.raises(ReserveStale):
            trial.tokens.mint(reserve)

        assert rules(trial.explain()) == [("", "attestation_max_age_hours", "1")]


def test_a_policy_can_be_tried_before_it_is_set(pay: InvoicePay) -> None:
    invoice = issue(pay)

    taken = []
    for overpay in ("credit", "cap"):
        with pay.dry_run() as trial:
            trial.parties.set_policy("acme", Policy(overpay=overpay))  # type: ignore[arg-type]
            taken.append(str(trial.invoices.pay(invoice, payer="ann", amount="150.00 USD").amount))

    assert taken == ["150.00 USD", "120.00 USD"]
    assert pay.parties.get("acme").policy == Policy()


def test_a_credit_that_pays_by_itself_names_the_policy(pay: InvoicePay) -> None:
    pay.invoices.pay(issue(pay), payer="ann", amount="150.00 USD")

    with pay.dry_run() as trial:
        trial.invoices.pay(issue(trial, "50.00 USD"), payer="ann")
    issued, paid = trial.explain().calls

    assert [(rule.name, rule.value) for rule in issued.rules] == [("auto_apply", "on_finalize")]
    assert [posted.rule for posted in issued.postings] == ["P-13"]
    assert str(paid.postings[0].lines[0].growth) == "-20.00 USD"


def test_pushes_name_tolerance_and_lateness() -> None:
    policy = Policy(tolerance_micros=50_000, tolerance_bps=100, late="credit")  # type: ignore[arg-type]
    clock = FrozenClock("2026-01-05T09:00:00Z")
    with InvoicePay(clock=clock) as pay:
        pay.parties.register("acme", kind="enterprise", policy=policy)
        pay.sim.settle(pay.deposits.initiate("ann", "200.00 USD"))
        small = issue(pay)
        late = issue(pay, expires_at=clock.now().replace(day=6))
        clock.advance(days=2)
        with pay.dry_run() as trial:
            for n, (invoice, amount) in enumerate([(small, "119.99 USD"), (late, "50.00 USD")]):
                trial.invoices.receive(
                    invoice, amount=amount, payer="ann", provider="chain", provider_ref=f"0x{n}"
                )
        told = trial.explain()

    assert ("acme", "tolerance_micros", "0.05 USD") in rules(told)
    assert ("acme", "late", "credit") in rules(told)


def test_a_run_of_schedules_is_told_invoice_by_invoice(pay: InvoicePay) -> None:
    for customer in ("ann", "ben"):
        pay.schedules.create(
            enterprise="acme",
            customer=customer,
            lines=[("Plan", "9.00 USD")],
            every=Every.month(),
            start_on=date(2026, 1, 1),
        )

    with pay.dry_run() as trial:
        issued = trial.schedules.run_due()

    assert len(issued) == 2
    assert trial.explain().events.count("invoice.finalized") == 2
    assert len(pay.schedules.run_due()) == 2


def test_an_error_that_leaves_the_block_is_raised_and_explained(pay: InvoicePay) -> None:
    invoice = issue(pay)

    trials: list[InvoicePay] = []

    def twice() -> None:
        with pay.dry_run() as trial:
            trials.append(trial)
            trial.invoices.pay(invoice, payer="ann")
            trial.invoices.pay(invoice, payer="ann")

    with pytest.raises(InvoiceAlreadyPaid):
        twice()

    assert [one.code for one in trials[0].explain().refusals] == ["invoice_already_paid"]
    assert pay.invoices.get(invoice).status == "open"


def test_a_dry_run_that_is_over_takes_no_calls_and_still_explains(pay: InvoicePay) -> None:
    with pay.dry_run() as trial:
        issue(trial)

    with pytest.raises(ConfigurationError, match="this dry run is closed"):
        trial.invoices.list()
    assert trial.explain().events[0] == "invoice.created"


def test_copies_inside_are_part_of_the_same_dry_run(pay: InvoicePay) -> None:
    with pay.dry_run() as trial:
        trial.tenant("other").parties.register("zoe")
        trial.acting_as("ann").deposits.initiate("ann", "9.00 USD")
        copied = trial.tenant("other").explain()

    assert [(call.name, call.actor) for call in trial.explain().calls] == [
        ("parties.register", "host"),
        ("deposits.initiate", "ann"),
    ]
    assert copied == trial.explain()
    assert pay.tenant("other").parties.list().items == ()


def test_a_dry_run_within_a_dry_run_sees_it_and_leaves_it_as_it_was(pay: InvoicePay) -> None:
    with pay.dry_run() as outer:
        invoice = issue(outer)
        with outer.dry_run() as inner:
            inner.invoices.pay(invoice, payer="ann")
        assert outer.invoices.get(invoice).status == "open"

    assert [call.name for call in inner.explain().calls] == ["invoices.pay"]
    assert [call.name for call in outer.explain().calls] == ["invoices.issue"]


def test_only_a_dry_run_can_be_explained(pay: InvoicePay) -> None:
    with pytest.raises(ConfigurationError, match="only a dry run"):
        pay.explain()


def test_looking_alone_tells_nothing(pay: InvoicePay) -> None:
    with pay.dry_run() as trial:
        trial.invoices.list()
        trial.wallets.get("ann")

    assert trial.explain() == Explanation(calls=())
    assert str(trial.explain()) == "nothing would change"
    assert trial.explain()._repr_html_() == "<p>nothing would change</p>"


def test_hostile_text_is_drawn_as_text(pay: InvoicePay) -> None:
    with pay.dry_run() as trial, pytest.raises(NotFound):
        trial.parties.set_tier("<script>", kyc_tier=1)

    assert "<script" not in trial.explain()._repr_html_()


def test_an_awaiting_host_tries_in_the_same_words(tmp_path: Path) -> None:
    async def main() -> tuple[Explanation, str]:
        url = f"sqlite+aiosqlite:///{tmp_path / 'pay.db'}"
        async with AsyncInvoicePay(url, programme=Programme(unknown_parties="register")) as pay:
            invoice = await pay.invoices.issue(
                enterprise="acme", customer="ann", lines=[("Seat", "9.00 USD")]
            )
            async with pay.dry_run() as trial:
                await trial.invoices.record_external(invoice, "9.00 USD")
            return trial.explain(), (await pay.invoices.get(invoice)).status

    told, status = asyncio.run(main())

    assert "invoice.paid" in told.events
    assert status == "open"


def test_somebody_elses_commit_meanwhile_disturbs_no_dry_run_in_memory(pay: InvoicePay) -> None:
    invoice = issue(pay)

    with pay.dry_run() as trial:
        trial.invoices.pay(invoice, payer="ann")
        pay.invoices.pay(invoice, payer="ann", amount="20.00 USD")

    assert pay.invoices.get(invoice).remaining.amount == Decimal("100.00")


def test_locks_of_a_dry_run_end_with_it(postgres_url: str) -> None:
    migrate(postgres_url)
    with InvoicePay(postgres_url, programme=Programme(unknown_parties="register")) as pay:
        pay.sim.settle(pay.deposits.initiate("ann", "200.00 USD"))
        invoice = issue(pay)
        with pay.dry_run() as trial:
            trial.invoices.pay(invoice, payer="ann", amount="150.00 USD")

        assert pay.invoices.pay(invoice, payer="ann").payment_type == "EXACT"
        assert pay.invariants.check() == ()
        assert pay.audit.verify()


def test_every_error_of_the_library_can_be_told() -> None:

    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, InvoicePayError)
    ]
    made = [errors.error_from(kind.code, details={"ratio": 0.5, "inner": {"all": [1.5]}}) for kind in kinds]

    assert all(Refusal.of(error).to_dict()["details"]["inner"] == {"all": ["1.5"]} for error in made)


def test_a_dry_run_inside_the_hosts_transaction_takes_back_its_own_part_only(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'pay.db'}"
    with open_client(store=url, programme=Programme(unknown_parties="register")) as pay:
        engine = create_engine(url)
        with Session(engine) as session, session.begin():
            tx = pay.bind(session)
            invoice = issue(tx)
            with tx.dry_run() as trial:
                trial.invoices.pay(invoice, payer="ann")
            assert tx.invoices.get(invoice).status == "open"
        engine.dispose()

        assert [call.name for call in trial.explain().calls] == ["invoices.pay"]
        assert pay.invoices.get(invoice).status == "open"


def test_sealed_texts_are_read_and_left_alone_by_a_dry_run() -> None:
    cipher = FieldKeys("2026", {"2026": bytes(range(32))})
    with open_client(cipher=cipher) as pay:
        request = pay.requests.create("acme", payer="ann", amount="9.00 USD", note="Dinner")
        with pay.dry_run() as trial:
            assert trial.requests.get(request).note == "Dinner"
            assert trial.requests.approve(request).status == "paid"

        assert (pay.requests.get(request).note, pay.requests.get(request).status) == ("Dinner", "pending")
        assert "Dinner" not in str(trial.explain().to_dict())
