# Input that cannot work must fail at plan time, at the variable that is wrong, and not as changes that are lost while a
# restore runs. Each run has one fault; the neighbours of each limit that must pass are in the last runs.

mock_provider "aws" {
  source = "./tests/terraform/mocks"
}

variables {
  table = "orders"
  binding = {
    name          = "demo"
    restore_table = { name = "demo-restores", arn = "arn:aws:dynamodb:us-east-1:123456789012:table/demo-restores" }
    functions     = { operator = { name = "demo-operator" } }
    layer_arn     = "arn:aws:lambda:us-east-1:123456789012:layer:demo-dependencies:1"
  }
}

run "an_illegal_label_fails" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    label = "a b"
  }

  expect_failures = [var.label]
}

run "a_table_given_by_its_arn_fails" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    table = "arn:aws:dynamodb:us-east-1:123456789012:table/orders"
  }

  expect_failures = [var.table]
}

run "a_table_name_that_is_too_long_fails" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    table = join("", [for number in range(256) : "t"])
  }

  expect_failures = [var.table]
}

run "a_stream_that_is_no_arn_fails" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    stream = { arn = "orders", view_type = "NEW_AND_OLD_IMAGES" }
  }

  expect_failures = [var.stream]
}

run "an_empty_stream_arn_fails" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    stream = { arn = "", view_type = "NEW_AND_OLD_IMAGES" }
  }

  expect_failures = [var.stream]
}

run "a_stream_of_another_table_fails" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    stream = { arn = "arn:aws:dynamodb:us-east-1:123456789012:table/customers/stream/2026-01-31T03:00:00.000", view_type = "NEW_AND_OLD_IMAGES" }
  }

  expect_failures = [var.stream]
}

run "an_unknown_view_type_fails" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    stream = { arn = "arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/2026-01-31T03:00:00.000", view_type = "ALL" }
  }

  expect_failures = [var.stream]
}

run "upkeep_every_other_hour_fails" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    upkeep_interval_minutes = 120
  }

  expect_failures = [var.upkeep_interval_minutes]
}

run "upkeep_every_minute_and_a_half_fails" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    upkeep_interval_minutes = 1.5
  }

  expect_failures = [var.upkeep_interval_minutes]
}

run "an_alarm_on_messages_that_sqs_has_dropped_by_then_fails" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    buffer = { alarm_after_days = 14 }
  }

  expect_failures = [var.buffer]
}

run "an_unknown_capture_mode_fails" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    capture = "sometimes"
  }

  expect_failures = [var.capture]
}

run "a_filter_that_is_not_json_fails" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    filter = ["eventName = INSERT"]
  }

  expect_failures = [var.filter]
}

run "a_filter_that_is_json_but_no_object_fails" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    filter = ["[\"INSERT\"]"]
  }

  expect_failures = [var.filter]
}

run "a_filter_on_a_field_that_no_record_has_fails" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    filter = ["{\"body\":{\"a\":[1]}}"]
  }

  expect_failures = [var.filter]
}

run "a_filter_that_filters_nothing_fails" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    filter = ["{}"]
  }

  expect_failures = [var.filter]
}

run "more_filters_than_lambda_takes_fails" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    filter = [for number in range(11) : "{\"eventName\":[\"INSERT\"]}"]
  }

  expect_failures = [var.filter]
}

run "a_group_count_of_none_fails" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    group_count = 0
  }

  expect_failures = [var.group_count]
}

run "a_group_count_above_the_limit_fails" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    group_count = 1001
  }

  expect_failures = [var.group_count]
}

run "half_a_group_fails" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    group_count = 1.5
  }

  expect_failures = [var.group_count]
}

run "a_byte_limit_over_sqss_fails" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    byte_limit = 1048577
  }

  expect_failures = [var.byte_limit]
}

run "a_byte_limit_too_small_for_a_bundle_fails" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    byte_limit = 1023
  }

  expect_failures = [var.byte_limit]
}

run "no_target_pattern_fails" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    target_patterns = []
  }

  expect_failures = [var.target_patterns]
}

run "an_illegal_target_pattern_fails" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    target_patterns = ["orders restored"]
  }

  expect_failures = [var.target_patterns]
}

run "a_replay_concurrency_below_lambdas_fails" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    replay_concurrency = 1
  }

  expect_failures = [var.replay_concurrency]
}

run "a_replay_concurrency_above_lambdas_fails" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    replay_concurrency = 1001
  }

  expect_failures = [var.replay_concurrency]
}

run "a_write_limit_of_nothing_fails" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    write_units_per_second = 0
  }

  expect_failures = [var.write_units_per_second]
}

run "a_read_limit_of_nothing_fails" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    read_units_per_second = 0
  }

  expect_failures = [var.read_units_per_second]
}

run "a_batch_above_lambdas_fails" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    stream_reader = { batch_size = 10001 }
  }

  expect_failures = [var.stream_reader]
}

run "a_window_above_lambdas_fails" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    stream_reader = { batching_window_seconds = 301 }
  }

  expect_failures = [var.stream_reader]
}

run "a_parallelization_above_lambdas_fails" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    stream_reader = { parallelization_factor = 11 }
  }

  expect_failures = [var.stream_reader]
}

run "a_record_age_below_lambdas_fails" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    stream_reader = { maximum_record_age_seconds = 59 }
  }

  expect_failures = [var.stream_reader]
}

run "a_record_age_that_the_stream_does_not_keep_fails" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    stream_reader = { maximum_record_age_seconds = 82801 }
  }

  expect_failures = [var.stream_reader]
}

run "a_visibility_below_six_timeouts_fails" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    buffer = { visibility_timeout_seconds = 359 }
  }

  expect_failures = [var.buffer]
}

run "a_visibility_above_sqss_fails" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    buffer = { visibility_timeout_seconds = 43201 }
  }

  expect_failures = [var.buffer]
}

run "a_timeout_too_short_to_write_fails" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    lambda = { timeout = 44 }
  }

  expect_failures = [var.lambda]
}

run "a_bucket_that_is_given_and_made_fails" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    failure_bucket = { arn = "arn:aws:s3:::estate-failures" }
  }

  expect_failures = [var.failure_bucket]
}

run "no_bucket_at_all_fails" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    failure_bucket = { create = false }
  }

  expect_failures = [var.failure_bucket]
}

run "a_bucket_with_a_path_fails" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    failure_bucket = { create = false, arn = "arn:aws:s3:::estate-failures/orders" }
  }

  expect_failures = [var.failure_bucket]
}

run "an_expiry_of_no_days_fails" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    failure_bucket = { expire_after_days = 0 }
  }

  expect_failures = [var.failure_bucket]
}

run "an_empty_time_to_live_attribute_fails" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    ttl_attribute = ""
  }

  expect_failures = [var.ttl_attribute]
}

run "a_reserved_concurrency_that_switches_capture_off_fails" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    capture_reserved_concurrency = 0
  }

  expect_failures = [var.capture_reserved_concurrency]
}

run "a_reserved_concurrency_of_half_an_invocation_fails" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    capture_reserved_concurrency = 1.5
  }

  expect_failures = [var.capture_reserved_concurrency]
}

# --- the root: what a pipeline needs of the rest

run "a_table_whose_restores_would_not_be_seen_fails" {
  command = plan

  variables {
    table_patterns   = { source = ["prod.*"] }
    change_pipelines = { prod-orders = {} }
  }

  expect_failures = [var.change_pipelines]
}

run "a_table_that_a_pattern_covers_passes" {
  command = plan

  variables {
    table_patterns   = { source = ["customers", "prod.*"] }
    change_pipelines = { "prod.orders" = {} }
  }

  assert {
    condition     = keys(output.change_pipelines) == ["prod.orders"]
    error_message = "Pipelines: ${join(", ", keys(output.change_pipelines))}"
  }
}

run "two_pipelines_of_one_table_fail" {
  command = plan

  variables {
    change_pipelines = { orders = {}, again = { name = "orders" } }
  }

  expect_failures = [var.change_pipelines]
}

# --- the neighbours that must pass
run "the_numbers_at_their_lower_limits_pass" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    table                  = "abc"
    group_count            = 1
    byte_limit             = 1024
    replay_concurrency     = 2
    write_units_per_second = 0.5
    lambda                 = { timeout = 45 }
    buffer                 = { visibility_timeout_seconds = 270 }
    stream_reader          = { batch_size = 1, batching_window_seconds = 0, parallelization_factor = 1, maximum_record_age_seconds = 60 }
    failure_bucket         = { expire_after_days = 1 }
    ttl_attribute          = "t"

    capture_reserved_concurrency = 1
  }

  assert {
    condition     = local.replay_function.environment.WRITE_UNITS_PER_SECOND == "0.5"
    error_message = "Limit: ${local.replay_function.environment.WRITE_UNITS_PER_SECOND}"
  }
}

run "the_numbers_at_their_upper_limits_pass" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    table              = join("", [for number in range(255) : "t"])
    group_count        = 1000
    byte_limit         = 262144
    ttl_attribute      = join("", [for number in range(255) : "t"])
    replay_concurrency = 1000
    lambda             = { timeout = 900 }
    buffer             = { visibility_timeout_seconds = 43200 }
    stream_reader      = { batch_size = 10000, batching_window_seconds = 300, parallelization_factor = 10, maximum_record_age_seconds = 82800 }
    filter             = [for number in range(10) : "{\"eventName\":[\"INSERT\"]}"]
  }

  assert {
    condition     = local.capture_function.environment.GROUP_COUNT == "1000"
    error_message = "Groups: ${local.capture_function.environment.GROUP_COUNT}"
  }
}
