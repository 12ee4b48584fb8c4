"""The rules by which provider work is executed, each with the tests that show it (reliability 1.3 to 1.7).

`test_engine_table.py` holds every row to tests that exist.
"""

from __future__ import annotations

_OUT = "tests/use_cases/test_outbound.py::test_"
_RECOVER = "tests/use_cases/test_recover.py::test_"
_SEEN = "tests/use_cases/test_observations.py::test_"
_EFFECT = "tests/domain/test_effects.py::test_"
_HTTP = "tests/adapters/http/test_"
_STOP = "tests/use_cases/test_emergency_stop.py::test_"
_SKEW = "tests/use_cases/test_skewed_workers.py::test_"
_CLOCK = "tests/adapters/sql/test_store_clock.py::test_"
_PENDING = "tests/use_cases/test_pending.py::test_"

TURN: dict[str, tuple[str, ...]] = {
    "the longest waiting are claimed first, and no intent is claimed by two": (
        f"{_OUT}the_longest_waiting_go_first",
        f"{_OUT}two_workers_never_claim_the_same_intent",
        f"{_PENDING}many_workers_at_once_send_each_intent_once",
    ),
    "a new intent is due at once, so that nothing new overtakes what waits": (
        f"{_EFFECT}a_planned_intent_is_due_at_once_under_a_key_of_its_own",
        f"{_OUT}who_was_put_off_waits_behind_who_came_before_its_new_time",
    ),
    "what may have left is looked up before anything else": (
        f"{_OUT}a_lost_answer_is_unknown_and_only_asked_about",
        f"{_RECOVER}an_unknown_outcome_of_every_kind_is_found_by_our_reference",
    ),
    "an absence proves something only past the provider's grace": (
        f"{_RECOVER}absence_proves_nothing_before_the_provider_had_its_time",
        f"{_RECOVER}absences_before_the_last_sending_prove_nothing_about_it",
    ),
    "a claim with too little time left does not send": (
        f"{_OUT}a_claim_with_too_little_time_left_does_not_send",
    ),
    "that bytes leave is durable before they leave": (
        f"{_OUT}that_bytes_leave_is_durable_before_they_leave",
        f"{_RECOVER}a_worker_that_died_while_sending_leaves_an_unknown_intent",
    ),
    "what was seen is recorded and folded in one transaction, under the fence": (
        f"{_SEEN}a_fact_learned_by_a_worker_that_lost_its_claim_is_kept_and_ends_no_claim",
        f"{_OUT}a_worker_that_lost_its_claim_puts_nothing_off",
    ),
    "an intent that breaks keeps no neighbour waiting": (
        f"{_OUT}one_broken_intent_does_not_keep_its_neighbours_waiting",
        "tests/use_cases/test_neighbours.py::test_a_refusal_is_told_and_the_others_are_served",
    ),
}
"""1.3: one turn of the worker."""

CLASSES: dict[str, tuple[str, ...]] = {
    "no connection, no name, no handshake, no room in the pool: it did not leave": (
        f"{_HTTP}classes.py::test_a_refused_connection_is_begun_again_and_then_unavailable",
        f"{_HTTP}classes.py::test_an_unknown_name_is_unavailable",
        f"{_HTTP}classes.py::test_a_tls_handshake_that_comes_to_nothing_is_unavailable_in_time",
        f"{_HTTP}classes.py::test_a_pool_that_is_in_use_makes_an_order_unavailable",
        f"{_OUT}what_never_left_is_planned_again_as_if_it_was_never_tried",
        f"{_OUT}what_never_left_goes_out_later_under_the_same_key",
    ),
    "429 and refused credentials: it did not leave, and the operation rests": (
        f"{_HTTP}judging.py::test_a_status_means_the_same_everywhere",
        f"{_HTTP}repeating.py::test_an_operation_rests_as_long_as_retry_after_says_and_others_go_on",
        f"{_HTTP}repeating.py::test_refused_credentials_and_a_rest_are_warnings_in_the_log",
    ),
    "silence after sending, 5xx, 408, 3xx, an answer that cannot be read: unknown": (
        f"{_HTTP}classes.py::test_an_order_that_left_and_came_to_nothing_is_unknown_in_time_and_sent_once",
        f"{_HTTP}judging.py::test_a_status_means_the_same_everywhere",
        f"{_HTTP}sender.py::test_a_redirect_is_an_answer_and_is_not_followed",
        f"{_OUT}whatever_breaks_after_bytes_may_have_left_is_unknown",
    ),
    "another amount, asset or reference than was sent: a person looks": (
        f"{_OUT}an_answer_that_does_not_fit_the_order_needs_a_person",
        f"{_OUT}one_reference_for_two_orders_needs_a_person",
    ),
    "a refusal for good ends the intent, unless an earlier attempt may have left": (
        f"{_OUT}a_refusal_for_good_ends_the_intent",
        f"{_OUT}a_second_attempt_that_is_refused_needs_a_person_because_the_first_may_have_left",
    ),
    "an order is repeated within one claim only when it did not leave": (
        f"{_HTTP}repeating.py::test_an_order_that_may_have_arrived_is_never_sent_again",
        f"{_HTTP}classes.py::test_an_order_reaches_a_server_that_comes_up_between_two_tries",
    ),
}
"""1.4: what a signal of the outside says."""

RESENDING: dict[str, tuple[str, ...]] = {
    "keys and look-ups: looked up, and sent again under the same key once absent": (
        f"{_RECOVER}after_a_proven_absence_it_is_sent_again_under_the_same_key",
        f"{_EFFECT}the_resend_table",
    ),
    "keys and no look-ups: sent again while the provider knows the key": (
        f"{_RECOVER}without_look_ups_a_provider_that_knows_keys_is_sent_the_same_again",
        "tests/use_cases/test_resend.py::test_a_key_is_as_old_as_its_first_use_and_not_as_the_intent",
    ),
    "keys and no look-ups, too late: a person looks": (
        f"{_RECOVER}once_the_key_is_forgotten_nothing_is_sent_again",
        f"{_EFFECT}a_key_dies_a_tenth_before_its_lifetime",
    ),
    "no keys but look-ups: absent twice, one grace apart": (
        f"{_RECOVER}without_keys_absence_is_proven_twice_one_grace_apart",
        f"{_RECOVER}an_absence_that_comes_too_soon_after_another_is_not_counted",
    ),
    "neither: never sent twice": (
        f"{_RECOVER}without_keys_and_look_ups_a_person_decides",
        "tests/use_cases/test_resend.py::test_a_provider_that_forgets_and_cannot_be_asked_is_never_sent_to_twice",
    ),
    "another intent takes its place only once it ended for certain": (
        f"{_EFFECT}an_open_intent_is_never_replaced_by_another",
    ),
    "two persons may send once more what nobody is known to have carried out": (
        "tests/use_cases/test_resend.py::test_it_leaves_once_more_under_its_own_key",
        "tests/use_cases/test_resend.py::test_what_the_provider_has_told_of_is_settled_and_not_sent",
        "tests/use_cases/test_resend.py::test_it_takes_an_operator_and_somebody_else",
    ),
}
"""1.5: whether an unanswered intent may be sent again."""

TIME: dict[str, tuple[str, ...]] = {
    "a lease outlasts three calls": (
        f"{_SKEW}a_lease_outlasts_three_calls_and_no_call_begins_that_could_outlast_it",
    ),
    "leases go by the database's clock on PostgreSQL and by the client's elsewhere": (
        f"{_CLOCK}a_worker_whose_machine_is_ahead_takes_no_claim_that_still_holds",
        f"{_CLOCK}a_worker_whose_machine_is_behind_makes_claims_that_hold_for_everybody",
        f"{_CLOCK}sqlite_leaves_the_time_to_its_one_machine",
        f"{_CLOCK}a_clock_that_the_host_brings_is_the_clock_of_its_workers",
    ),
    "clocks six seconds apart and workers that sleep past their lease move nothing twice": (
        f"{_SKEW}workers_six_seconds_apart_each_way_move_each_intent_once",
        f"{_SKEW}a_worker_that_is_paused_past_its_lease_while_sending_changes_nothing_when_it_wakes",
    ),
    "who lost its claim changes nothing, and what it learned is kept": (
        f"{_SKEW}what_the_sleeper_learned_is_kept_although_its_claim_is_lost",
        f"{_OUT}a_claim_that_lapsed_is_taken_over_and_may_not_send_any_more",
    ),
    "waits double up to an hour, and longer where the provider asks for it": (
        f"{_EFFECT}backoff_doubles_up_to_an_hour_and_takes_a_fraction",
        f"{_OUT}a_provider_that_names_a_time_is_not_asked_before",
    ),
    "look-ups never stop": (f"{_RECOVER}look_ups_never_stop_while_nobody_answers",),
    "an unknown outcome is told of after 15 minutes and again after four hours": (
        "tests/use_cases/test_alarms.py::test_each_alarm_is_raised_once_at_its_time",
        "tests/use_cases/test_alarms.py::test_alarms_are_raised_while_the_provider_is_stopped",
    ),
    "after eight sends without an answer a person looks": (
        f"{_RECOVER}after_many_sends_without_an_answer_a_person_looks",
    ),
    "an operation of a provider rests after failures, and calls are bounded in number": (
        f"{_HTTP}repeating.py::test_failures_in_a_row_let_an_operation_rest_until_one_trial_succeeds",
        f"{_HTTP}classes.py::test_a_pool_that_is_in_use_makes_an_order_unavailable",
    ),
    "the emergency switch stops sends, while look-ups, polls and webhooks go on": (
        f"{_STOP}what_never_left_stays_as_it_is_until_the_provider_is_let_go_on",
        f"{_STOP}an_unknown_outcome_is_still_found_out",
        f"{_STOP}polls_and_webhooks_go_on",
        f"{_STOP}a_stop_that_comes_after_the_claim_holds_back_what_was_claimed",
    ),
}
"""1.6: leases, fences, waiting and the switches."""

REDUCER: dict[str, tuple[str, ...]] = {
    "facts that agree end alike in any order, and twice": (
        f"{_EFFECT}facts_that_agree_end_alike_in_any_order_and_twice",
        f"{_EFFECT}not_knowing_never_undoes_knowing",
    ),
    "a fact counts once, whoever tells it": (
        f"{_SEEN}a_fact_that_comes_by_call_poll_and_webhook_is_kept_once",
        "tests/use_cases/test_inbox.py::test_a_repeated_delivery_changes_nothing",
    ),
    "failed after settled, another amount, a second reference, success after failure: a person looks": (
        f"{_EFFECT}success_and_failure_of_one_intent_go_to_review",
        f"{_EFFECT}a_fact_that_was_not_asked_for_goes_to_review",
        f"{_SEEN}failed_after_settled_needs_a_person_and_says_why",
    ),
    "everything open is polled, so that lost webhooks cost only time": (
        f"{_PENDING}with_every_webhook_lost_everything_still_converges",
        "tests/processes/test_deliveries.py::test_without_webhooks_a_settlement_is_heard_of_within_two_poll_periods",
    ),
    "what settled is watched while it may come back": (
        f"{_RECOVER}a_settled_payout_is_watched_until_a_return_is_no_longer_possible",
        f"{_EFFECT}what_settled_long_ago_is_asked_about_less_and_less_and_never_given_up",
    ),
}
"""1.7: what facts do to an intent."""
