# Input that cannot work must fail at plan time, at the variable that is wrong, and not as a deployment that loses
# restores. Each run has one fault; the neighbours of each limit that must pass are in the last runs.

mock_provider "aws" {
  source = "./tests/terraform/mocks"
}

variables {
  senders = { worker = "arn:aws:iam::123456789012:role/demo-restore-worker" }
}
# --- the root: what goes to several modules

run "an_empty_name_fails" {
  command = plan

  variables {
    name = ""
  }

  expect_failures = [var.name]
}

run "a_name_with_two_hyphens_beside_each_other_fails" {
  command = plan

  variables {
    name = "team--restore"
  }

  expect_failures = [var.name]
}

run "a_name_of_25_characters_fails" {
  command = plan

  variables {
    name = "nnnnnnnnnnnnnnnnnnnnnnnnn"
  }

  expect_failures = [var.name]
}

run "a_pattern_with_a_space_fails" {
  command = plan

  variables {
    table_patterns = { source = ["prod orders"] }
  }

  expect_failures = [var.table_patterns]
}

run "a_pattern_with_a_slash_fails" {
  command = plan

  variables {
    table_patterns = { target = ["table/orders"] }
  }

  expect_failures = [var.table_patterns]
}

run "an_empty_pattern_fails" {
  command = plan

  variables {
    table_patterns = { target = [""] }
  }

  expect_failures = [var.table_patterns]
}

run "a_pattern_with_consecutive_wildcards_fails" {
  command = plan

  variables {
    table_patterns = { source = ["prod-**"] }
  }

  expect_failures = [var.table_patterns]
}

run "an_empty_list_of_patterns_fails" {
  command = plan

  variables {
    table_patterns = { target = [] }
  }

  expect_failures = [var.table_patterns]
}

# --- the events

run "the_events_refuse_an_illegal_name" {
  command = plan

  module {
    source = "./modules/restore-events"
  }

  variables {
    name = "a.b"
  }

  expect_failures = [var.name]
}

run "the_events_refuse_an_illegal_pattern" {
  command = plan

  module {
    source = "./modules/restore-events"
  }

  variables {
    name           = "demo"
    table_patterns = { source = ["a:b"] }
  }

  expect_failures = [var.table_patterns]
}

run "the_events_refuse_consecutive_wildcards" {
  command = plan

  module {
    source = "./modules/restore-events"
  }

  variables {
    name           = "demo"
    table_patterns = { source = ["a**b"] }
  }

  expect_failures = [var.table_patterns]
}

run "an_event_source_of_aws_fails" {
  command = plan

  module {
    source = "./modules/restore-events"
  }

  variables {
    name          = "demo"
    event_sources = ["aws.dynamodb"]
  }

  expect_failures = [var.event_sources]
}

run "an_empty_event_source_fails" {
  command = plan

  module {
    source = "./modules/restore-events"
  }

  variables {
    name          = "demo"
    event_sources = [""]
  }

  expect_failures = [var.event_sources]
}

run "a_visibility_beyond_twelve_hours_fails" {
  command = plan

  module {
    source = "./modules/restore-events"
  }

  variables {
    name  = "demo"
    queue = { visibility_timeout_seconds = 43201 }
  }

  expect_failures = [var.queue]
}

run "a_retention_beyond_fourteen_days_fails" {
  command = plan

  module {
    source = "./modules/restore-events"
  }

  variables {
    name  = "demo"
    queue = { message_retention_seconds = 1209601 }
  }

  expect_failures = [var.queue]
}

run "a_dlq_that_forgets_before_the_queue_fails" {
  command = plan

  module {
    source = "./modules/restore-events"
  }

  variables {
    name  = "demo"
    queue = { message_retention_seconds = 604800, dead_letter_retention_seconds = 604799 }
  }

  expect_failures = [var.queue]
}

run "more_receives_than_sqs_counts_fail" {
  command = plan

  module {
    source = "./modules/restore-events"
  }

  variables {
    name  = "demo"
    queue = { max_receive_count = 1001 }
  }

  expect_failures = [var.queue]
}

run "a_given_topic_and_a_made_one_fail" {
  command = plan

  module {
    source = "./modules/notifications"
  }

  variables {
    name      = "demo"
    topic_arn = "arn:aws:sns:us-east-1:123456789012:oncall"
  }

  expect_failures = [var.topic_arn]
}

run "a_pattern_that_is_too_long_for_eventbridge_fails" {
  command = plan

  module {
    source = "./modules/restore-events"
  }

  variables {
    name           = "demo"
    table_patterns = { source = [for number in range(40) : "prod-orders-${number}-*"] }
  }

  expect_failures = [aws_cloudwatch_event_rule.restores]
}

# --- the worker

run "the_worker_refuses_an_illegal_name" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    name = "a b"
    restore_queue = {
      url                        = "https://sqs.example/demo-restores"
      arn                        = "arn:aws:sqs:us-east-1:123456789012:demo-restores"
      visibility_timeout_seconds = 720
      message_retention_seconds  = 604800
    }
    dead_letter_queue = {
      url = "https://sqs.example/demo-restores-dlq"
      arn = "arn:aws:sqs:us-east-1:123456789012:demo-restores-dlq"
    }
  }

  expect_failures = [var.name]
}

run "the_worker_refuses_an_illegal_pattern" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    name = "demo"
    restore_queue = {
      url                        = "https://sqs.example/demo-restores"
      arn                        = "arn:aws:sqs:us-east-1:123456789012:demo-restores"
      visibility_timeout_seconds = 720
      message_retention_seconds  = 604800
    }
    dead_letter_queue = {
      url = "https://sqs.example/demo-restores-dlq"
      arn = "arn:aws:sqs:us-east-1:123456789012:demo-restores-dlq"
    }
    table_patterns = { source = ["a?b"] }
  }

  expect_failures = [var.table_patterns]
}

run "one_attempt_is_too_few" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    name = "demo"
    restore_queue = {
      url                        = "https://sqs.example/demo-restores"
      arn                        = "arn:aws:sqs:us-east-1:123456789012:demo-restores"
      visibility_timeout_seconds = 720
      message_retention_seconds  = 604800
    }
    dead_letter_queue = {
      url = "https://sqs.example/demo-restores-dlq"
      arn = "arn:aws:sqs:us-east-1:123456789012:demo-restores-dlq"
    }
    polling = { max_attempts = 1 }
  }

  expect_failures = [var.polling]
}

run "more_attempts_than_sqs_counts_fail" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    name = "demo"
    restore_queue = {
      url                        = "https://sqs.example/demo-restores"
      arn                        = "arn:aws:sqs:us-east-1:123456789012:demo-restores"
      visibility_timeout_seconds = 720
      message_retention_seconds  = 604800
    }
    dead_letter_queue = {
      url = "https://sqs.example/demo-restores-dlq"
      arn = "arn:aws:sqs:us-east-1:123456789012:demo-restores-dlq"
    }
    polling = { max_attempts = 991, max_delay_seconds = 30 }
  }

  expect_failures = [var.polling]
}

run "half_an_attempt_fails" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    name = "demo"
    restore_queue = {
      url                        = "https://sqs.example/demo-restores"
      arn                        = "arn:aws:sqs:us-east-1:123456789012:demo-restores"
      visibility_timeout_seconds = 720
      message_retention_seconds  = 604800
    }
    dead_letter_queue = {
      url = "https://sqs.example/demo-restores-dlq"
      arn = "arn:aws:sqs:us-east-1:123456789012:demo-restores-dlq"
    }
    polling = { max_attempts = 2.5 }
  }

  expect_failures = [var.polling]
}

run "no_delay_at_all_fails" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    name = "demo"
    restore_queue = {
      url                        = "https://sqs.example/demo-restores"
      arn                        = "arn:aws:sqs:us-east-1:123456789012:demo-restores"
      visibility_timeout_seconds = 720
      message_retention_seconds  = 604800
    }
    dead_letter_queue = {
      url = "https://sqs.example/demo-restores-dlq"
      arn = "arn:aws:sqs:us-east-1:123456789012:demo-restores-dlq"
    }
    polling = { base_delay_seconds = 0 }
  }

  expect_failures = [var.polling]
}

run "a_base_delay_above_the_cap_fails" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    name = "demo"
    restore_queue = {
      url                        = "https://sqs.example/demo-restores"
      arn                        = "arn:aws:sqs:us-east-1:123456789012:demo-restores"
      visibility_timeout_seconds = 720
      message_retention_seconds  = 604800
    }
    dead_letter_queue = {
      url = "https://sqs.example/demo-restores-dlq"
      arn = "arn:aws:sqs:us-east-1:123456789012:demo-restores-dlq"
    }
    polling = { base_delay_seconds = 301 }
  }

  expect_failures = [var.polling]
}

run "a_rate_below_one_fails" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    name = "demo"
    restore_queue = {
      url                        = "https://sqs.example/demo-restores"
      arn                        = "arn:aws:sqs:us-east-1:123456789012:demo-restores"
      visibility_timeout_seconds = 720
      message_retention_seconds  = 604800
    }
    dead_letter_queue = {
      url = "https://sqs.example/demo-restores-dlq"
      arn = "arn:aws:sqs:us-east-1:123456789012:demo-restores-dlq"
    }
    polling = { backoff_rate = 0.9 }
  }

  expect_failures = [var.polling]
}

run "a_rate_above_ten_fails" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    name = "demo"
    restore_queue = {
      url                        = "https://sqs.example/demo-restores"
      arn                        = "arn:aws:sqs:us-east-1:123456789012:demo-restores"
      visibility_timeout_seconds = 720
      message_retention_seconds  = 604800
    }
    dead_letter_queue = {
      url = "https://sqs.example/demo-restores-dlq"
      arn = "arn:aws:sqs:us-east-1:123456789012:demo-restores-dlq"
    }
    polling = { backoff_rate = 10.1 }
  }

  expect_failures = [var.polling]
}

run "a_delay_beyond_what_sqs_hides_fails" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    name = "demo"
    restore_queue = {
      url                        = "https://sqs.example/demo-restores"
      arn                        = "arn:aws:sqs:us-east-1:123456789012:demo-restores"
      visibility_timeout_seconds = 720
      message_retention_seconds  = 604800
    }
    dead_letter_queue = {
      url = "https://sqs.example/demo-restores-dlq"
      arn = "arn:aws:sqs:us-east-1:123456789012:demo-restores-dlq"
    }
    polling = { max_attempts = 3, max_delay_seconds = 42001 }
  }

  expect_failures = [var.polling]
}

run "a_negative_jitter_fails" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    name = "demo"
    restore_queue = {
      url                        = "https://sqs.example/demo-restores"
      arn                        = "arn:aws:sqs:us-east-1:123456789012:demo-restores"
      visibility_timeout_seconds = 720
      message_retention_seconds  = 604800
    }
    dead_letter_queue = {
      url = "https://sqs.example/demo-restores-dlq"
      arn = "arn:aws:sqs:us-east-1:123456789012:demo-restores-dlq"
    }
    polling = { jitter = -0.1 }
  }

  expect_failures = [var.polling]
}

run "a_jitter_above_one_fails" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    name = "demo"
    restore_queue = {
      url                        = "https://sqs.example/demo-restores"
      arn                        = "arn:aws:sqs:us-east-1:123456789012:demo-restores"
      visibility_timeout_seconds = 720
      message_retention_seconds  = 604800
    }
    dead_letter_queue = {
      url = "https://sqs.example/demo-restores-dlq"
      arn = "arn:aws:sqs:us-east-1:123456789012:demo-restores-dlq"
    }
    polling = { jitter = 1.1 }
  }

  expect_failures = [var.polling]
}

run "a_visibility_below_six_timeouts_fails" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    name = "demo"
    restore_queue = {
      url                        = "https://sqs.example/demo-restores"
      arn                        = "arn:aws:sqs:us-east-1:123456789012:demo-restores"
      visibility_timeout_seconds = 719
      message_retention_seconds  = 604800
    }
    dead_letter_queue = {
      url = "https://sqs.example/demo-restores-dlq"
      arn = "arn:aws:sqs:us-east-1:123456789012:demo-restores-dlq"
    }
  }

  expect_failures = [var.restore_queue]
}

run "a_visibility_below_six_longer_timeouts_fails" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    name = "demo"
    restore_queue = {
      url                        = "https://sqs.example/demo-restores"
      arn                        = "arn:aws:sqs:us-east-1:123456789012:demo-restores"
      visibility_timeout_seconds = 720
      message_retention_seconds  = 604800
    }
    dead_letter_queue = {
      url = "https://sqs.example/demo-restores-dlq"
      arn = "arn:aws:sqs:us-east-1:123456789012:demo-restores-dlq"
    }
    lambda = { timeout = 121 }
  }

  expect_failures = [var.restore_queue]
}

run "a_worker_without_time_for_work_fails" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    name = "demo"
    restore_queue = {
      url                        = "https://sqs.example/demo-restores"
      arn                        = "arn:aws:sqs:us-east-1:123456789012:demo-restores"
      visibility_timeout_seconds = 720
      message_retention_seconds  = 604800
    }
    dead_letter_queue = {
      url = "https://sqs.example/demo-restores-dlq"
      arn = "arn:aws:sqs:us-east-1:123456789012:demo-restores-dlq"
    }
    lambda = { timeout = 89 }
  }

  expect_failures = [var.lambda]
}

run "a_longest_wait_that_outlives_the_message_fails" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    name = "demo"
    restore_queue = {
      url                        = "https://sqs.example/demo-restores"
      arn                        = "arn:aws:sqs:us-east-1:123456789012:demo-restores"
      visibility_timeout_seconds = 720
      message_retention_seconds  = 111749
    }
    dead_letter_queue = {
      url = "https://sqs.example/demo-restores-dlq"
      arn = "arn:aws:sqs:us-east-1:123456789012:demo-restores-dlq"
    }
  }

  expect_failures = [var.restore_queue]
}

run "a_concurrency_of_one_fails" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    name = "demo"
    restore_queue = {
      url                        = "https://sqs.example/demo-restores"
      arn                        = "arn:aws:sqs:us-east-1:123456789012:demo-restores"
      visibility_timeout_seconds = 720
      message_retention_seconds  = 604800
    }
    dead_letter_queue = {
      url = "https://sqs.example/demo-restores-dlq"
      arn = "arn:aws:sqs:us-east-1:123456789012:demo-restores-dlq"
    }
    lambda = { maximum_concurrency = 1 }
  }

  expect_failures = [var.lambda]
}

run "a_reserve_below_the_concurrency_fails" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    name = "demo"
    restore_queue = {
      url                        = "https://sqs.example/demo-restores"
      arn                        = "arn:aws:sqs:us-east-1:123456789012:demo-restores"
      visibility_timeout_seconds = 720
      message_retention_seconds  = 604800
    }
    dead_letter_queue = {
      url = "https://sqs.example/demo-restores-dlq"
      arn = "arn:aws:sqs:us-east-1:123456789012:demo-restores-dlq"
    }
    lambda = { reserved_concurrency = 9 }
  }

  expect_failures = [var.lambda]
}

run "a_record_that_is_not_kept_fails" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    name = "demo"
    restore_queue = {
      url                        = "https://sqs.example/demo-restores"
      arn                        = "arn:aws:sqs:us-east-1:123456789012:demo-restores"
      visibility_timeout_seconds = 720
      message_retention_seconds  = 604800
    }
    dead_letter_queue = {
      url = "https://sqs.example/demo-restores-dlq"
      arn = "arn:aws:sqs:us-east-1:123456789012:demo-restores-dlq"
    }
    restore_table = { record_retention_days = 0 }
  }

  expect_failures = [var.restore_table]
}

# --- the function

run "a_runtime_that_is_not_supported_fails" {
  command = plan

  module {
    source = "./modules/lambda"
  }

  variables {
    function = {
      name        = "demo"
      role_name   = "demo"
      description = "demo"
      handler     = "demo.handler"
      code        = { filename = "./dist/dynamodb_restore.zip" }
      runtime     = "python3.11"
    }
  }

  expect_failures = [var.function]
}

run "a_runtime_of_another_language_fails" {
  command = plan

  module {
    source = "./modules/lambda"
  }

  variables {
    function = {
      name        = "demo"
      role_name   = "demo"
      description = "demo"
      handler     = "demo.handler"
      code        = { filename = "./dist/dynamodb_restore.zip" }
      runtime     = "nodejs22.x"
    }
  }

  expect_failures = [var.function]
}

run "an_unknown_architecture_fails" {
  command = plan

  module {
    source = "./modules/lambda"
  }

  variables {
    function = {
      name         = "demo"
      role_name    = "demo"
      description  = "demo"
      handler      = "demo.handler"
      code         = { filename = "./dist/dynamodb_restore.zip" }
      architecture = "arm"
    }
  }

  expect_failures = [var.function]
}

run "too_little_memory_fails" {
  command = plan

  module {
    source = "./modules/lambda"
  }

  variables {
    function = {
      name        = "demo"
      role_name   = "demo"
      description = "demo"
      handler     = "demo.handler"
      code        = { filename = "./dist/dynamodb_restore.zip" }
      memory_size = 127
    }
  }

  expect_failures = [var.function]
}

run "a_timeout_beyond_fifteen_minutes_fails" {
  command = plan

  module {
    source = "./modules/lambda"
  }

  variables {
    function = {
      name        = "demo"
      role_name   = "demo"
      description = "demo"
      handler     = "demo.handler"
      code        = { filename = "./dist/dynamodb_restore.zip" }
      timeout     = 901
    }
  }

  expect_failures = [var.function]
}

run "a_reserve_of_nothing_fails" {
  command = plan

  module {
    source = "./modules/lambda"
  }

  variables {
    function = {
      name                 = "demo"
      role_name            = "demo"
      description          = "demo"
      handler              = "demo.handler"
      code                 = { filename = "./dist/dynamodb_restore.zip" }
      reserved_concurrency = 0
    }
  }

  expect_failures = [var.function]
}

run "an_unknown_log_level_fails" {
  command = plan

  module {
    source = "./modules/lambda"
  }

  variables {
    function = {
      name        = "demo"
      role_name   = "demo"
      description = "demo"
      handler     = "demo.handler"
      code        = { filename = "./dist/dynamodb_restore.zip" }
      log_level   = "TRACE"
    }
  }

  expect_failures = [var.function]
}

run "a_retention_that_cloudwatch_does_not_offer_fails" {
  command = plan

  module {
    source = "./modules/lambda"
  }

  variables {
    function = {
      name               = "demo"
      role_name          = "demo"
      description        = "demo"
      handler            = "demo.handler"
      code               = { filename = "./dist/dynamodb_restore.zip" }
      log_retention_days = 10
    }
  }

  expect_failures = [var.function]
}

run "code_from_two_places_fails" {
  command = plan

  module {
    source = "./modules/lambda"
  }

  variables {
    function = {
      name        = "demo"
      role_name   = "demo"
      description = "demo"
      handler     = "demo.handler"
      code        = { filename = "./dist/dynamodb_restore.zip", s3 = { bucket = "b", key = "k", source_hash = "h" } }

    }
  }

  expect_failures = [var.function]
}

run "code_from_nowhere_fails" {
  command = plan

  module {
    source = "./modules/lambda"
  }

  variables {
    function = {
      name        = "demo"
      role_name   = "demo"
      description = "demo"
      handler     = "demo.handler"
      code        = {}

    }
  }

  expect_failures = [var.function]
}

# --- the neighbours that must pass
run "the_numbers_at_their_limits_pass" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    name = "demo"
    polling = {
      max_attempts       = 990
      base_delay_seconds = 1
      backoff_rate       = 10
      max_delay_seconds  = 1
      jitter             = 1
    }
    lambda = { timeout = 900, maximum_concurrency = 1000, reserved_concurrency = 1000 }
    restore_queue = {
      url                        = "https://sqs.example/demo-restores"
      arn                        = "arn:aws:sqs:us-east-1:123456789012:demo-restores"
      visibility_timeout_seconds = 5400
      message_retention_seconds  = 891990
    }
    dead_letter_queue = {
      url = "https://sqs.example/demo-restores-dlq"
      arn = "arn:aws:sqs:us-east-1:123456789012:demo-restores-dlq"
    }
  }

  assert {
    condition     = output.wait.longest.seconds == 989
    error_message = "Longest wait: ${output.wait.longest.seconds}"
  }
}

run "a_delay_at_what_sqs_hides_passes" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    name    = "demo"
    polling = { max_attempts = 3, base_delay_seconds = 42000, max_delay_seconds = 42000 }
    restore_queue = {
      url                        = "https://sqs.example/demo-restores"
      arn                        = "arn:aws:sqs:us-east-1:123456789012:demo-restores"
      visibility_timeout_seconds = 720
      message_retention_seconds  = 84361
    }
    dead_letter_queue = {
      url = "https://sqs.example/demo-restores-dlq"
      arn = "arn:aws:sqs:us-east-1:123456789012:demo-restores-dlq"
    }
  }

  assert {
    condition     = output.wait.longest.seconds == 84000
    error_message = "Longest wait: ${output.wait.longest.seconds}"
  }
}
