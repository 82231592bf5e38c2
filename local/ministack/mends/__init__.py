"""What MiniStack 1.5.33 needs to carry Headwater, one named function for each mend.

Each function's docstring begins with the symptom that it removes. `tests/local/ministack/` holds a contract test for
each and checks that unmended MiniStack still has the symptom: a test that fails there says that the mend can go.
"""

from __future__ import annotations

from collections.abc import Callable

from local.ministack.mends import (
    appsync,
    cloudformation,
    cognito,
    cognito_pools,
    durability,
    dynamodb,
    http_api_stages,
    http_apis,
    iam,
    kinesis,
    lambda_functions,
    queries,
    serving,
    sqs,
    unknown_types,
)

MENDS: tuple[Callable[[], None], ...] = (
    serving.keep_process_file_out_of_tmp,
    serving.stop_quickly,
    serving.save_in_background,
    serving.announce_changes,
    serving.serve_endpoints,
    iam.evaluate_policy_variables,
    iam.know_dynamodb_condition_keys,
    iam.word_denials,
    unknown_types.record_unknown_types,
    appsync.record_appsync_resources,
    cloudformation.transform_nested_templates,
    cloudformation.keep_attributes_of_unchanged_resources,
    cloudformation.keep_retained_resources_of_nested_stacks,
    cloudformation.remove_nested_stacks_that_failed_to_create,
    cloudformation.resolve_dynamic_references_of_nested_stacks,
    cloudformation.answer_templates_with_s3_urls,
    dynamodb.apply_table_settings,
    dynamodb.never_create_over_a_table,
    dynamodb.stop_stock_ttl_sweep,
    dynamodb.sweep_expired_items,
    dynamodb.load_stream_records,
    dynamodb.find_lost_sequence_numbers,
    durability.write_tables_to_journal,
    durability.save_tables_without_items,
    durability.keep_sessions,
    durability.load_saved_state,
    dynamodb.announce_stream_records,
    kinesis.announce_records,
    kinesis.keep_closed_shards,
    kinesis.keep_iterators_in_place,
    sqs.announce_messages,
    queries.validate_expressions_once,
    queries.narrow_partitions,
    lambda_functions.forward_invocations,
    lambda_functions.forward_websocket_routes,
    cognito.report_failing_triggers,
    cognito.issue_codes,
    cognito.check_user_attributes,
    cognito.bind_challenges_to_their_sessions,
    cognito.fire_missing_triggers,
    cognito_pools.date_tokens,
    cognito_pools.add_missing_actions,
    cognito_pools.provision_users,
    lambda_functions.turn_event_source_pollers_off,
    lambda_functions.keep_event_source_mapping_properties,
    lambda_functions.keep_function_properties,
    lambda_functions.serve_the_code_of_versions,
    http_apis.import_open_api_definitions,
    http_apis.invoke_as_api_gateway,
    http_apis.evaluate_actions_of_authorizers,
    http_apis.refuse_what_is_no_jwt,
    http_apis.limit_requests_to_http_apis,
    http_api_stages.throttle_stages,
    http_api_stages.write_access_logs,
)


def apply() -> None:
    """Apply every mend, in order. Call once, after MiniStack's environment is set and before its `main`."""
    for mend in MENDS:
        mend()
