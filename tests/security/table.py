"""The security table S-01 … S-36: each control in a sentence, and the tests that show it.

A test is named by its node id without parameters, with its class where it has one.
`docs/explanation/threat-model.md` shows this table (`python -m tools.gen_docs` after a change), and
`test_table.py` holds both to the tests that exist.
"""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """One control and what shows it.

    Attributes:
        control: what the library does, in the reader's words.
        tests: node ids, without parameters.
        not_ours: what only the host or its deployment can do, where the row has such a part.
    """

    control: str
    tests: tuple[str, ...] = ()
    not_ours: str = ""


TABLE: dict[str, Row] = {
    "S-01": Row(
        "Who may do what is data: role, command, ownership and state; the default is no.",
        (
            "tests/security/test_authority.py::test_every_command_has_a_rule_and_every_rule_a_command",
            "tests/security/test_authority.py::test_roles_and_sides_are_as_the_rule_says",
            "tests/security/test_authority.py::test_every_call_answers_every_actor_as_the_rules_say",
            "tests/security/test_authority.py::test_a_decision_that_asks_nobody_is_refused",
            "tests/security/test_authority.py::test_what_has_no_rule_is_refused_to_everybody",
            "tests/security/test_authority.py::test_who_may_not_is_told_nothing_of_the_state",
            "tests/security/test_authority.py::test_the_host_can_forbid_everything",
            "tests/security/test_authority.py::test_the_host_cannot_allow_what_the_rules_forbid",
            "tests/security/test_authority.py::test_the_host_is_shown_the_locked_row_and_the_command",
            "tests/security/test_authority.py::test_a_denied_call_leaves_its_record_and_nothing_else_in_a_database",
            "tests/input/test_actors.py::test_a_party_does_not_do_what_operators_do",
            "tests/input/test_actors.py::test_nobody_moves_what_is_anothers",
            "tests/input/test_actors.py::test_nobody_acts_for_an_enterprise",
            "tests/input/test_actors.py::test_a_party_sees_what_it_is_a_side_of_and_nothing_else",
        ),
    ),
    "S-02": Row(
        "A tenant sees, changes and refers to its own rows only; a foreign id is a missing one.",
        (
            "tests/input/test_ids.py::test_another_tenants_thing_is_answered_like_a_missing_one",
            "tests/input/test_ids.py::test_another_tenants_party_is_answered_like_a_missing_one",
            "tests/input/test_ids.py::test_another_tenants_code_is_answered_like_a_forged_one",
            "tests/input/test_ids.py::test_every_statement_names_the_tenant",
            "tests/scale/test_portable_sql.py::test_every_statement_keeps_the_rules",
            "tests/scale/test_portable_sql.py::test_every_key_and_index_starts_with_the_tenant",
            "tests/security/test_tenants.py::test_a_forged_reference_reaches_nothing_of_the_other_tenant",
            "tests/security/test_tenants.py::test_the_audit_tells_of_a_forged_reference",
            "tests/security/test_tenants.py::test_a_party_of_another_tenant_under_the_same_id_is_another_party",
        ),
    ),
    "S-03": Row(
        "Adjustments, write-offs, manual confirmations and emergency resends take two people.",
        (
            "tests/security/test_four_eyes.py::test_nobody_who_stands_behind_the_call_approves_it",
            "tests/security/test_four_eyes.py::test_the_record_names_who_asked_for_whom_and_who_approved",
            "tests/security/test_four_eyes.py::test_a_party_cannot_bring_a_second_person",
            "tests/security/test_authority.py::test_a_rule_that_wants_two_people_does_not_pass_with_one",
            "tests/security/test_authority.py::test_second_people_are_those_of_the_specification",
            "tests/input/test_actors.py::test_two_people_are_two_people",
            "tests/input/test_actors.py::test_a_disguised_name_is_nobody",
            "tests/use_cases/test_resend.py::test_it_takes_an_operator_and_somebody_else",
            "tests/use_cases/test_emergency_stop.py::test_a_provider_is_stopped_by_one_operator_and_goes_on_by_two",
        ),
    ),
    "S-04": Row(
        "Amounts come as whole micros, plain decimal text or short Decimals; all else is refused fast.",
        (
            "tests/domain/test_money.py::test_hostile_text_is_refused_at_once",
            "tests/domain/test_money.py::test_hostile_decimals_are_refused_at_once",
            "tests/domain/test_money.py::test_other_types_are_refused_at_once",
            "tests/domain/test_money.py::test_floats_are_refused_with_the_right_spelling",
            "tests/domain/test_money.py::test_every_digit_outside_ascii_is_refused",
            "tests/domain/test_money.py::test_amounts_above_nine_thousand_million_are_out_of_range",
            "tests/input/test_amounts.py::test_what_is_no_amount_is_refused",
            "tests/input/test_amounts.py::test_a_float_is_refused_with_the_right_spelling",
            "tests/input/test_amounts.py::test_a_part_of_a_cent_is_refused",
            "tests/input/test_amounts.py::test_a_hostile_amount_costs_no_time",
        ),
    ),
    "S-05": Row(
        "No Decimal is made an integer, rounded or formatted before its size is known.",
        (
            "tests/security/test_bounds.py"
            "::test_no_decimal_is_made_whole_or_rounded_before_its_size_is_known",
            "tests/security/test_bounds.py::test_a_decimal_beyond_all_measure_is_refused_at_once",
        ),
    ),
    "S-06": Row(
        "Amounts in JSON are text or integers, never JSON floats; a doubled key is refused.",
        (
            "tests/security/test_json.py::test_numbers_and_texts_are_read_exactly",
            "tests/security/test_json.py::test_an_amount_survives_json_to_the_micro",
            "tests/domain/test_money.py::test_json_written_by_pydantic_is_read_back",
            "tests/domain/test_money.py::test_json_in_another_form_is_a_validation_error",
            "tests/domain/test_money.py::test_reading_what_was_written_gives_the_same_money",
        ),
    ),
    "S-07": Row(
        "No sum wraps or turns into a float: 64-bit columns with checks, wide sums, strict tables.",
        (
            "tests/security/test_bounds.py::test_a_balance_at_the_bound_takes_no_micro_more",
            "tests/security/test_bounds.py::test_sums_beyond_the_bound_end_the_check_and_never_wrap",
            "tests/domain/test_money.py::test_a_sum_beyond_64_bits_is_refused_and_never_wraps",
            "tests/adapters/sql/test_schema.py::test_sqlite_tables_refuse_values_of_another_type",
            "tests/adapters/sql/test_migrate.py"
            "::test_stored_numbers_outside_the_rules_are_refused_by_the_store",
        ),
    ),
    "S-08": Row(
        "JSON from outside is measured as bytes before anything is built from it.",
        (
            "tests/security/test_json.py::test_a_hostile_body_is_refused_and_costs_nothing",
            "tests/security/test_json.py"
            "::test_a_body_above_the_cap_is_refused_before_anything_is_built_of_it",
            "tests/domain/test_strict_json.py"
            "::test_a_body_of_brackets_is_refused_whatever_others_did_to_the_recursion_limit",
            "tests/domain/test_strict_json.py::test_any_mebibyte_is_answered_quickly",
        ),
    ),
    "S-09": Row(
        "A webhook is verified over its raw bytes by one verifier, with one error for every fault.",
        (
            "tests/adapters/test_signatures.py::test_the_published_vectors_hold",
            "tests/adapters/test_signatures.py::test_a_timestamp_is_ascii_digits_and_nothing_else",
            "tests/adapters/test_signatures.py::test_each_header_comes_exactly_once",
            "tests/adapters/test_signatures.py::test_both_secrets_pass_while_they_overlap_and_none_other",
            "tests/adapters/test_signatures.py::test_a_body_beyond_the_cap_is_refused_although_it_was_signed",
            "tests/adapters/test_signatures.py"
            "::test_ten_thousand_mutations_are_all_refused_with_the_one_error",
            "tests/adapters/circle/test_mutated_deliveries.py::test_circle_deliveries",
            "tests/adapters/tillipay/test_webhooks.py"
            "::test_ten_thousand_mutated_deliveries_are_refused_with_the_one_error",
        ),
    ),
    "S-10": Row(
        "A webhook's id counts once for ever, bound to its provider and environment.",
        (
            "tests/use_cases/test_inbox.py::test_a_repeated_delivery_changes_nothing",
            "tests/use_cases/test_inbox.py::test_a_delivery_repeated_months_later_is_still_known",
            "tests/use_cases/test_inbox.py::test_one_id_with_two_bodies_raises_an_alarm_and_moves_nothing",
            "tests/use_cases/test_inbox.py::test_a_delivery_for_the_other_endpoint_is_refused",
            "tests/security/test_webhooks.py"
            "::test_a_delivery_of_the_test_environment_is_refused_by_the_live_one",
            "tests/security/test_webhooks.py::test_one_id_of_two_providers_is_two_messages",
        ),
    ),
    "S-11": Row(
        "A certificate is fetched from the provider's own hosts only; no subscription is confirmed unasked.",
        (
            "tests/adapters/circle/test_webhooks_v1.py::test_no_other_place_is_ever_asked_for_a_certificate",
            "tests/adapters/circle/test_webhooks_v1.py"
            "::test_a_host_is_refused_by_who_reads_and_by_who_fetches",
            "tests/adapters/circle/test_webhooks_v1.py"
            "::test_another_topic_is_refused_before_anything_is_fetched",
            "tests/adapters/circle/test_webhooks_v1.py::test_a_certificate_is_a_pem_file_and_is_fetched_once",
            "tests/adapters/circle/test_webhooks_v1.py"
            "::test_a_signature_of_one_version_is_no_signature_of_the_other",
            "tests/adapters/circle/test_webhooks_v1.py::test_a_subscription_is_confirmed_by_an_operator_only",
        ),
    ),
    "S-12": Row(
        "A webhook never moves an amount by itself: what it says is compared with what was asked.",
        (
            "tests/use_cases/test_inbox.py::test_a_signed_event_about_another_amount_needs_a_person",
            "tests/use_cases/test_inbox.py::test_an_event_whose_body_was_not_signed_is_only_a_hint_to_ask",
            "tests/adapters/tillipay/test_webhooks.py"
            "::test_an_event_whose_amount_cannot_be_read_needs_a_person",
        ),
    ),
    "S-13": Row(
        "A URL of a customer is resolved once, every address checked, and that address connected to.",
        (
            "tests/client/test_outgoing_webhooks.py::test_a_name_that_leads_inside_is_not_connected_to",
            "tests/client/test_outgoing_webhooks.py::test_a_redirect_is_not_followed",
            "tests/client/test_outgoing_webhooks.py::test_an_inside_address_is_no_endpoint",
            "tests/adapters/http/test_outside.py::test_no_spelling_of_this_machine_is_a_callback_url",
            "tests/adapters/http/test_outside.py"
            "::test_what_is_no_public_https_url_is_refused_without_repeating_it",
            "tests/adapters/http/test_outside.py::test_an_address_that_not_everybody_may_reach_is_not_public",
            "tests/adapters/http/test_outside.py"
            "::test_nothing_is_connected_to_when_one_of_several_addresses_is_not_public",
            "tests/adapters/http/test_outside.py"
            "::test_a_name_that_changes_its_answer_is_asked_once_and_the_checked_address_is_connected_to",
            "tests/adapters/http/test_outside.py::test_the_name_stays_in_tls_and_in_the_host_header",
            "tests/adapters/http/test_outside.py::test_a_redirect_is_an_answer_and_leads_nowhere",
            "tests/adapters/http/test_outside.py::test_proxies_of_the_environment_are_not_asked",
            "tests/adapters/http/test_sender.py::test_a_base_url_that_is_not_https_or_here_is_refused",
            "tests/adapters/http/test_sender.py::test_an_absolute_url_of_a_request_is_held_to_the_same_rule",
        ),
    ),
    "S-14": Row(
        "Payment links and QR codes carry a MAC over their kind, tenant, payee, asset, amount and expiry.",
        (
            "tests/domain/test_qr_payload.py::test_every_flipped_bit_is_refused",
            "tests/domain/test_qr_payload.py::test_every_truncation_deletion_insertion_and_swap_is_refused",
            "tests/domain/test_qr_payload.py::test_a_code_of_another_tenant_is_refused_by_its_signature",
            "tests/domain/test_qr_payload.py::test_a_key_derived_for_one_tenant_signs_nothing_for_another",
            "tests/domain/test_qr_payload.py::test_another_known_key_does_not_verify",
            "tests/domain/test_qr_payload.py"
            "::test_an_unknown_key_is_refused_even_when_the_active_secret_made_the_mac",
            "tests/domain/test_qr_payload.py::test_the_kind_cannot_be_exchanged_under_one_signature",
            "tests/domain/test_qr_payload.py::test_a_code_is_refused_from_its_expiry_on",
            "tests/use_cases/test_request_codes.py"
            "::TestRequestCode::test_figures_come_from_the_store_not_from_the_code",
            "tests/use_cases/test_request_codes.py::TestApproveScanned::test_a_changed_code_pays_nothing",
        ),
    ),
    "S-15": Row(
        "EIP-681 texts have whole amounts, a chain and a checksummed address, or are refused.",
        (
            "tests/documents/test_eip681.py::test_published_addresses_have_their_published_checksum",
            "tests/documents/test_eip681.py"
            "::test_the_published_request_is_written_with_its_chain_and_checksums",
            "tests/documents/test_eip681.py::test_one_letter_of_another_case_is_a_wrong_checksum",
            "tests/documents/test_eip681.py::test_what_could_ask_for_something_else_is_refused",
            "tests/documents/test_eip681.py::test_a_request_that_no_wallet_should_read_is_not_made",
        ),
    ),
    "S-16": Row(
        "No secret is shown in a repr, an error, a log, an audit record or a stored row.",
        (
            "tests/security/test_disclosure.py::test_no_secret_is_told_anywhere",
            "tests/security/test_disclosure.py"
            "::test_no_word_about_a_person_is_told_in_logs_errors_or_the_database",
            "tests/security/test_core.py::test_keys_of_codes_and_webhooks_are_not_seen_again",
            "tests/security/test_core.py"
            "::test_the_password_of_a_database_is_not_told_when_it_cannot_be_reached",
            "tests/security/test_core.py::test_settings_hide_what_they_hold",
            "tests/security/test_sender.py::test_nothing_is_told_of_a_call_that_goes_wrong",
            "tests/security/test_circle.py::test_nothing_that_circle_is_given_is_seen_again",
            "tests/security/test_tempo.py::test_no_key_and_no_credential_is_seen_again",
            "tests/security/test_tillipay.py::test_nothing_that_the_gateway_is_given_is_seen_again",
            "tests/domain/test_qr_payload.py::test_keys_cannot_be_serialised",
            "tests/security/test_sealed_texts.py"
            "::TestKeys::test_keys_show_their_names_and_never_their_secrets",
        ),
    ),
    "S-17": Row(
        "Errors do not echo what was sent: no input, no SQL parameter, no provider's body.",
        (
            "tests/security/test_echoes.py::test_a_refused_value_is_not_repeated",
            "tests/security/test_echoes.py::test_a_refused_line_is_not_repeated",
            "tests/security/test_echoes.py::test_a_database_that_fails_repeats_no_parameter",
            "tests/security/test_echoes.py::test_no_account_card_iban_or_token_is_quoted",
            "tests/security/test_sender.py::test_nothing_is_told_of_a_call_that_never_left",
            "tests/adapters/http/test_messages.py"
            "::test_a_redactor_takes_out_account_and_card_numbers_that_nobody_told_it",
        ),
    ),
    "S-18": Row(
        "Names, memos and provider texts cannot forge a log line.",
        (
            "tests/security/test_echoes.py::test_what_a_handler_says_is_one_printable_line_of_the_log",
            "tests/security/test_echoes.py::test_what_a_bank_says_is_printable_wherever_it_is_told",
            "tests/input/test_texts.py::test_a_hostile_text_is_refused_everywhere",
        ),
    ),
    "S-19": Row(
        "SQL has bound parameters only; sorting, filters and cursors are chosen from our own words.",
        (
            "tests/security/test_bounds.py::test_sql_is_constant_or_made_of_our_own_words",
            "tests/input/test_texts.py::test_text_that_means_something_elsewhere_is_only_text",
            "tests/input/test_texts.py::test_a_cursor_that_is_none_is_refused",
            "tests/input/test_texts.py::test_a_word_that_is_not_on_the_list_is_refused",
            "src/invoicepay/testing/repository_contract.py"
            "::RepositoryContract::test_text_comes_back_letter_by_letter",
        ),
    ),
    "S-20": Row(
        "Text is normal, bounded in characters and bytes, and stored as it is read back.",
        (
            "tests/security/test_texts.py"
            "::test_the_longest_texts_come_back_whole_however_many_bytes_they_take",
            "tests/security/test_texts.py::test_one_character_more_is_refused",
            "tests/security/test_texts.py::test_texts_are_stored_in_one_form_and_found_in_it",
            "tests/input/test_texts.py::test_a_hostile_text_is_refused_everywhere",
            "tests/input/test_texts.py::test_no_store_is_given_a_hostile_text",
            "tests/input/test_texts.py::test_text_is_returned_as_it_is_stored",
        ),
    ),
    "S-21": Row(
        "Patterns are linear and read bounded text whole.",
        (
            "tests/security/test_patterns.py::test_a_pattern_takes_linear_time",
            "tests/security/test_patterns.py::test_patterns_are_compiled_where_they_are_found",
            "tests/security/test_patterns.py::test_text_from_outside_is_matched_whole",
        ),
    ),
    "S-22": Row(
        "Exported CSV follows RFC 4180, and no text cell can be a spreadsheet formula.",
        (
            "tests/domain/test_sheets.py::test_a_text_comes_back_as_it_was_or_with_a_quote_in_front",
            "tests/domain/test_sheets.py::test_every_table_comes_back_without_a_formula",
            "tests/domain/test_sheets.py::test_numbers_stay_numbers_and_only_text_is_quoted",
            "tests/client/test_pages.py::test_csv_of_a_list_has_every_row_and_no_formula",
            "tests/documents/test_folder.py::test_a_name_that_could_lead_elsewhere_is_refused",
            "tests/documents/test_folder.py::test_a_link_is_not_followed",
            "tests/documents/test_folder.py::test_an_export_is_as_written_and_for_its_owner_alone",
        ),
    ),
    "S-23": Row(
        "MACs, tokens and link codes are compared in constant time; unknown and wrong look alike.",
        (
            "tests/security/test_timing.py"
            "::test_time_does_not_tell_what_was_wrong_with_a_code_or_a_signature",
            "tests/security/test_timing.py::test_no_module_that_makes_macs_compares_them_with_equals",
            "tests/domain/test_qr_payload.py"
            "::test_unknown_key_wrong_mac_foreign_tenant_and_wrong_shape_answer_alike",
        ),
    ),
    "S-24": Row(
        "Links hold 192 random bits and a MAC, a guessed id opens nothing, and scanning can be limited.",
        (
            "tests/security/test_boundaries.py::test_a_nonce_has_at_least_128_random_bits",
            "tests/security/test_boundaries.py::test_a_guessed_id_is_answered_alike_whether_it_is_somebodys_or_nobodys",
            "tests/security/test_boundaries.py::test_a_forged_code_is_answered_alike_whatever_it_is_about",
            "tests/security/test_boundaries.py::test_a_host_can_limit_how_often_somebody_scans_and_approves",
        ),
    ),
    "S-25": Row(
        "A chain's key signs only what its policy allows, is held by a signer, and can be replaced.",
        (
            "tests/adapters/tempo/test_limits.py::test_everything_else_is_refused_before_any_key_is_used",
            "tests/adapters/tempo/test_limits.py"
            "::test_bytes_that_are_none_of_ours_are_refused_whatever_they_claim",
            "tests/adapters/tempo/test_limits.py"
            "::test_what_the_signer_denies_needs_a_person_and_its_neighbours_go",
            "tests/adapters/tempo/test_limits.py::test_keys_are_replaced_during_load_and_nothing_is_lost",
            "tests/adapters/tempo/test_keys.py::test_nothing_shows_a_key",
            "tests/adapters/tempo/test_keys.py::test_accounts_and_seeds_have_keys_of_their_own",
        ),
        not_ours="Run the signer with its policy where the keys are, apart from the programme.",
    ),
    "S-26": Row(
        "Personal fields can be encrypted, each bound to its tenant, table, row and column.",
        (
            "tests/security/test_sealed_texts.py::test_no_text_of_any_call_lies_open_in_the_store",
            "tests/security/test_sealed_texts.py::test_a_dump_of_a_database_has_no_word_about_a_person",
            "tests/security/test_sealed_texts.py"
            "::TestAnInvoice::test_a_seal_that_is_moved_or_changed_does_not_open",
            "tests/security/test_sealed_texts.py"
            "::TestAnInvoice::test_what_an_old_key_sealed_opens_after_a_rotation_and_new_texts_use_the_new_key",
            "tests/security/test_sealed_texts.py::test_every_field_for_words_is_sealed",
            "tests/security/test_sealed_texts.py::test_no_sealed_field_is_searched_or_unique",
        ),
        not_ours="Where the secret is kept, apart from the database and its backups.",
    ),
    "S-27": Row(
        "A person's data can be erased without touching ledger and audit trail.",
        (
            "tests/security/test_erasure.py"
            "::test_the_words_about_a_person_are_gone_and_books_and_trail_still_verify",
            "tests/security/test_erasure.py::test_what_was_booked_and_the_lines_of_documents_are_still_there",
            "tests/security/test_erasure.py::test_a_repeated_key_still_answers_after_an_erasure",
            "tests/security/test_erasure.py::test_hosts_are_told_of_the_past_without_the_words",
            "tests/security/test_erasure.py::test_words_about_others_stay",
        ),
        not_ours="Backups, and what handlers took elsewhere, are the host's to clean.",
    ),
    "S-28": Row(
        "Entries, audit records and observations are append-only in the database itself.",
        (
            "tests/security/test_append_only.py"
            "::test_the_store_refuses_every_change_of_what_is_written_once_even_to_its_owner",
            "tests/security/test_append_only.py"
            "::test_the_programmes_role_does_the_programmes_work_and_nothing_else",
            "tests/security/test_tampering.py::test_every_column_of_ledger_and_trail_is_checked",
            "tests/adapters/sql/test_violations.py::test_tampering_is_found_as_the_domain_finds_it",
        ),
        not_ours="Give the programme the role of `restrict`, and the owner's password to migrations only.",
    ),
    "S-29": Row(
        "The audit trail is chained, its checkpoints signed with another key and anchored outside.",
        (
            "tests/security/test_tampering.py"
            "::test_the_chain_alone_shows_edits_deletions_insertions_and_another_order",
            "tests/security/test_tampering.py"
            "::test_only_an_anchor_shows_a_cut_end_and_a_past_that_was_written_anew",
            "tests/security/test_tampering.py::test_an_anchor_of_a_key_that_is_not_ours_proves_nothing",
            "tests/security/test_tampering.py::test_an_anchor_outlives_the_rotation_of_its_key",
            "tests/security/test_tampering.py::test_a_trail_of_many_pages_is_verified_page_by_page",
        ),
        not_ours="Keep anchors and the signing key where the database's owner cannot reach them.",
    ),
    "S-30": Row(
        "When screening, authoriser, limits or signer cannot answer, nothing is sent.",
        (
            "tests/security/test_fail_closed.py::test_every_movement_is_screened",
            "tests/security/test_fail_closed.py::test_without_a_verdict_nothing_starts",
            "tests/security/test_fail_closed.py::test_what_was_set_for_later_waits_until_screening_answers",
            "tests/security/test_fail_closed.py::test_an_authoriser_that_is_away_keeps_what_waits_and_starts_nothing_new",
            "tests/security/test_authority.py::test_an_authoriser_that_fails_lets_nothing_through",
            "tests/security/test_authority.py::test_only_a_yes_is_a_yes",
        ),
    ),
    "S-31": Row(
        "Pages, statements and queues are bounded, and no tenant holds up another's work.",
        (
            "tests/input/test_sizes.py::test_a_page_has_at_least_one_row_and_at_most_two_hundred",
            "tests/use_cases/test_fairness.py::test_a_single_intent_leaves_within_seconds_beside_a_long_queue",
            "tests/use_cases/test_fairness.py::test_nothing_is_claimed_that_there_is_no_time_for",
        ),
    ),
    "S-32": Row(
        "Nothing is unpickled or evaluated; unknown fields are refused in every command.",
        (
            "tests/security/test_boundaries.py::test_nothing_is_unpickled_evaluated_or_read_as_yaml",
            "tests/security/test_boundaries.py::test_no_command_takes_a_field_that_it_does_not_declare",
            "tests/security/test_boundaries.py::test_no_public_call_takes_what_a_rows_own_life_decides",
            "tests/security/test_boundaries.py::test_a_body_with_an_unknown_field_is_refused",
            "tests/domain/test_codec.py::test_data_of_another_shape_is_refused_with_its_place",
        ),
    ),
    "S-33": Row(
        "Packages are pinned with hashes and audited; importing the library does no I/O.",
        (
            "tests/security/test_supply_chain.py"
            "::test_importing_any_module_opens_no_socket_writes_no_file_and_starts_no_process",
            "tests/security/test_supply_chain.py"
            "::test_the_lock_holds_every_pin_with_hashes_and_no_other_version",
            "tests/security/test_supply_chain.py::test_a_tampered_wheel_is_refused",
            "tests/security/test_supply_chain.py::test_two_builds_of_one_checkout_are_the_same_file",
            "tests/security/test_supply_chain.py"
            "::test_the_bill_of_materials_names_all_that_a_host_installs_and_nothing_of_the_tests",
            "tests/security/test_supply_chain.py::test_a_known_vulnerability_fails_the_audit_and_is_named",
        ),
        not_ours="Install with `--require-hashes` from a lock of your own; run the audit where a network is.",
    ),
    "S-34": Row(
        "Every instant is aware UTC, and a provider's clock orders no money.",
        (
            "tests/security/test_boundaries.py::test_a_providers_clock_orders_no_money_and_changes_no_state",
            "tests/security/test_boundaries.py::test_every_instant_of_a_row_is_aware_utc",
            "tests/input/test_times.py::test_an_instant_without_a_zone_is_refused",
        ),
    ),
    "S-35": Row(
        "In production, test keys, http, unchecked certificates, memory stores and simulators are refused.",
        (
            "tests/security/test_production.py::test_each_thing_that_is_not_is_refused_by_name",
            "tests/security/test_production.py::test_a_store_in_memory_is_refused",
            "tests/security/test_production.py::test_what_is_real_is_taken",
            "tests/security/test_production.py::test_certificates_that_nobody_checks_are_told",
            "tests/adapters/tillipay/test_production.py::test_accepting_all_but_one_still_refuses_and_names_the_one",
        ),
    ),
    "S-36": Row(
        "Each review decision, denied call and emergency switch is one record with actor and reason.",
        (
            "tests/security/test_operations_log.py::test_each_decision_of_the_operators_people_is_one_record_with_actor_and_reason",
            "tests/security/test_operations_log.py::test_denied_calls_and_looks_are_told_with_their_code",
            "tests/use_cases/test_emergency_stop.py::test_who_stopped_and_resumed_and_why_is_in_the_trail",
            "tests/security/test_operations_log.py::test_the_log_is_read_page_by_page_and_is_part_of_the_chained_trail",
            "tests/security/test_operations_log.py::test_a_database_keeps_the_log_beside_each_writers_own_stream",
        ),
    ),
}
"""Every row of the security table; the builders of a control add the tests that show it."""
