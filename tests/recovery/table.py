"""The recovery table: where a process can die, what is durable then, what follows, and which test shows it.

A test is named by its node id without parameters, with its class where it has one.
"""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """One place to die at, and what shows that nothing is lost there.

    Attributes:
        durable: what is in the store.
        then: what whoever comes next does.
    """

    durable: str
    then: str
    tests: tuple[str, ...]

    def line(self, name: str) -> str:
        """The row as the documentation shows it."""
        return f"| {name} | {self.durable} | {self.then} |"


HERE = "tests/recovery/test_crash_points.py::"
STEP = "tests/recovery/test_steps.py::test_whoever_dies_at_the_step_changes_nothing_of_the_end"
USE = "tests/use_cases/"
TEMPO = "tests/adapters/tempo/"

CRASH_POINTS: dict[str, Row] = {
    "C0": Row(
        "nothing: the call was not committed",
        "the same call runs as a new one",
        (f"{HERE}test_c0_before_the_commit_there_is_nothing",),
    ),
    "C1": Row(
        "the key, the hold, the planned intent, the audit record, the events",
        "the same key gives the stored answer; the worker claims the intent",
        (f"{HERE}test_c1_a_commit_without_an_answer_is_answered_under_its_key",),
    ),
    "C2": Row(
        "the intent is claimed and never left",
        "once the lease has ended it is claimed again and sent",
        (f"{HERE}test_c2_a_claim_whose_holder_died_lapses_and_is_sent",),
    ),
    "C3": Row(
        "the intent may have left",
        "the provider is asked; only a proven absence sends it again",
        (
            f"{HERE}test_c3_what_may_have_left_is_asked_about_first",
            f"{USE}test_recover.py::test_after_a_proven_absence_it_is_sent_again_under_the_same_key",
            f"{USE}test_recover.py::test_without_keys_absence_is_proven_twice_one_grace_apart",
        ),
    ),
    "C4": Row(
        "the same, and the provider has it",
        "the look-up finds it",
        (f"{HERE}test_c4_an_answer_that_was_read_and_not_recorded_is_found",),
    ),
    "C5": Row(
        "the intent is accepted, with the provider's name for it",
        "polls and webhooks bring the rest",
        (f"{HERE}test_c5_what_was_accepted_is_brought_to_its_end",),
    ),
    "C6": Row(
        "nothing of the webhook, which was not answered with 2xx",
        "it is delivered again, or a poll finds the news",
        (
            f"{HERE}test_c6_a_webhook_that_was_not_kept_comes_again",
            f"{USE}test_recover.py::test_with_every_webhook_lost_polling_finds_out",
        ),
    ),
    "C7": Row(
        "the webhook is kept as received",
        "the worker applies it",
        (f"{HERE}test_c7_a_webhook_that_was_kept_is_applied",),
    ),
    "C8": Row(
        "the webhook is kept, and nothing of what it means is booked",
        "it is applied as a whole",
        (f"{HERE}test_c8_applying_is_all_or_nothing",),
    ),
    "C9": Row(
        "what it means is booked, and the intent that follows is planned with it",
        "the worker claims that",
        (f"{HERE}test_c9_what_follows_was_planned_in_the_same_commit",),
    ),
    "C10": Row(
        "a handler took an event that is not marked as published",
        "the handler sees it again under the same id",
        (f"{HERE}test_c10_an_event_that_was_told_and_not_marked_is_told_again",),
    ),
    "C11": Row(
        "nobody knows: the commit was sent and its acknowledgement lost",
        "the caller learns that, asks again under the same key, and is told",
        (
            "tests/crashes/test_matrix.py::test_a_lost_acknowledgement_changes_nothing_of_the_end",
            "tests/adapters/sql/test_errors.py::"
            "test_a_connection_lost_during_the_commit_leaves_the_outcome_unknown",
            "tests/stores/test_group_commit.py::test_an_answer_that_got_lost_names_each_caller_s_own_key",
        ),
    ),
    "C12": Row(
        "everything, by another worker while this one slept past its lease",
        "its claim changes no row; the fact that it learned is kept",
        (
            f"{USE}test_observations.py::"
            "test_a_fact_learned_by_a_worker_that_lost_its_claim_is_kept_and_ends_no_claim",
            f"{USE}test_outbound.py::test_a_claim_that_lapsed_is_taken_over_and_may_not_send_any_more",
            f"{USE}test_outbound.py::test_a_worker_that_lost_its_claim_puts_nothing_off",
        ),
    ),
    "C13": Row(
        "the chain's slot and the signed bytes, which were not sent",
        "the same bytes are sent; once expired, others are signed for the same slot",
        (
            f"{TEMPO}test_kills.py::test_a_process_killed_at_any_point_leaves_every_order_once_on_the_chain",
            f"{TEMPO}test_recovery.py::test_a_transaction_that_the_network_dropped_is_sent_again",
            f"{TEMPO}test_recovery.py::test_expired_bytes_are_signed_anew_for_the_same_slot",
        ),
    ),
}
"""Points that every effect has in common."""

OPERATIONS: dict[str, Row] = {
    "deposit 1": Row("initiated, its intent planned", "it is sent", (STEP,)),
    "deposit 2": Row("sent, outcome unknown", "it is asked about; nothing is booked", (STEP,)),
    "deposit 3": Row("accepted", "polls and webhooks", (STEP,)),
    "deposit 4": Row("received (P-01)", "it waits until the rail calls it final", (STEP,)),
    "deposit 5": Row("confirmed (P-02), the mint planned with it", "the worker mints", (STEP,)),
    "deposit failed": Row("ended before any money came", "nothing is to be taken back", (STEP,)),
    "mint 1": Row(
        "planned",
        "guards are asked again when it is claimed, then it is sent",
        (
            STEP,
            f"{USE}test_pending.py::test_a_planned_mint_never_leaves_once_its_reserve_is_no_longer_confirmed",
            f"{USE}test_returns_before_sending.py::"
            "test_p04_a_claimed_mint_is_not_sent_once_its_deposit_returned",
        ),
    ),
    "mint 2": Row("sent, outcome unknown", "it is asked about; never a second mint", (STEP,)),
    "mint 3": Row("final (P-03)", "the owner has the tokens", (STEP,)),
    "mint diverted": Row(
        "other tokens than were ordered, or elsewhere",
        "a person looks; nothing is booked",
        (
            f"{TEMPO}test_logs.py::test_tokens_that_a_wallet_refuses_are_told_as_diverted",
            f"{USE}test_outbound.py::test_an_answer_that_does_not_fit_the_order_needs_a_person",
        ),
    ),
    "mint failed": Row(
        "failed for certain",
        "the same mint gets another intent",
        (f"{USE}test_tokens.py::test_a_failed_mint_is_submitted_again_under_the_same_id_with_a_new_intent",),
    ),
    "transfer 1": Row("the tokens are held (P-10), the intent planned", "it is sent", (STEP,)),
    "transfer 2": Row("sent, outcome unknown", "the hold stays; it is asked about", (STEP,)),
    "transfer 3": Row("delivered (P-11)", "split and settled under the invoice's lock", (STEP,)),
    "transfer failed": Row("failed for certain (P-12)", "the payer has the tokens again", (STEP,)),
    "transfer in the book": Row(
        "all of it or nothing: one transaction, no intent",
        "the same key is asked again",
        (f"{HERE}test_a_payment_in_the_book_has_no_intent_that_could_be_lost",),
    ),
    "burn 1": Row("the tokens are held (P-30), the burn planned", "it is sent", (STEP,)),
    "burn 2": Row(
        "sent, outcome unknown",
        "the hold stays, the owner cannot cancel, it is asked about",
        (STEP, f"{USE}test_withdrawals.py::test_what_may_be_burned_is_not_cancelled"),
    ),
    "burn 3": Row("final (P-31), the payout planned with it", "the worker pays out", (STEP,)),
    "burn failed": Row(
        "failed for certain (P-12)",
        "the owner has the tokens again",
        (f"{USE}test_withdrawals.py::test_p12_a_burn_that_failed_for_certain_gives_the_tokens_back",),
    ),
    "payout 1": Row("planned", "it is sent; P-32 once accepted", (STEP,)),
    "payout 2": Row(
        "sent, outcome unknown",
        "never a second one, never minted again",
        (
            STEP,
            f"{USE}test_withdrawals.py::test_an_unknown_payout_books_nothing_and_is_never_compensated",
        ),
    ),
    "payout 3": Row("settled (P-33)", "watched until no return can come", (STEP,)),
    "payout failed": Row("ended before it left (P-34)", "it waits for a command", (STEP,)),
    "returned deposit 1": Row(
        "the return is booked (P-05), the wallet frozen, the burn planned: one commit",
        "the worker burns",
        (STEP,),
    ),
    "returned deposit, not booked yet": Row(
        "nothing of the return", "the fact comes again, and counts once", (STEP,)
    ),
    "returned deposit, its mint under way": Row(
        "the return waits behind the mint",
        "both are booked with the mint's end",
        (
            f"{USE}test_returns.py::test_a_return_waits_for_a_mint_that_was_sent_and_is_booked_with_its_end",
            f"{USE}test_returns.py::test_a_return_that_waited_for_a_mint_that_failed_is_booked_before_tokens",
            f"{USE}test_returns.py::test_p04_a_planned_mint_is_taken_back_with_its_intent",
        ),
    ),
    "returned deposit, tokens in flight": Row(
        "holds of payments and withdrawals",
        "they are honoured; only what is free is taken",
        (
            f"{USE}test_returns.py::test_p05_only_free_tokens_are_taken_and_open_holds_are_honoured",
            f"{USE}test_returns.py::test_a_payout_in_flight_is_not_touched_by_a_return",
        ),
    ),
    "returned deposit 2": Row("the burn's outcome is unknown", "it is asked about", (STEP,)),
    "returned payout 1": Row("booked (P-35), the account ruled out", "it waits for a command", (STEP,)),
    "returned payout 2": Row("the remint is final (P-36)", "the owner has the tokens", (STEP,)),
    "returned payout 2'": Row("another payout, to another account", "as any payout", (STEP,)),
    "returned payout, contradicted": Row(
        "a return after the remint, or a second one",
        "a person looks; nothing is booked",
        (
            f"{USE}test_withdrawals.py::test_a_return_told_after_the_remint_is_left_to_a_person",
            f"{USE}test_returns.py::test_a_return_with_another_reason_is_left_to_a_person",
        ),
    ),
}
"""Points of each operation: its last durable step."""

TABLE: dict[str, Row] = {**CRASH_POINTS, **OPERATIONS}
