# Capture must cost nothing until a restore is requested, then reach back as far as the stream does, and give no change up
# while the stream still has it. That a plan leaves a mapping alone which the worker has enabled (`ignore_changes`) cannot be
# seen here, for mocks compute no drift: tests/local enables both mappings and plans again.

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

override_data {
  target = data.aws_dynamodb_table.source[0]
  values = {
    stream_enabled = true
    stream_arn     = "arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/2026-01-31T03:00:00.000"
    ttl            = [{ attribute_name = "expires", enabled = true }]
  }
}

override_resource {
  target = terraform_data.buffer
  values = { id = "buffer-1" }
}

override_resource {
  target = aws_sqs_queue.buffer
  values = {
    arn = "arn:aws:sqs:us-east-1:123456789012:demo--orders-changes.fifo"
    url = "https://sqs.example/demo--orders-changes.fifo"
  }
}

override_resource {
  target = aws_sqs_queue.dead_letters
  values = {
    arn = "arn:aws:sqs:us-east-1:123456789012:demo--orders-changes-dlq.fifo"
    url = "https://sqs.example/demo--orders-changes-dlq.fifo"
  }
}

override_resource {
  target = aws_s3_bucket.failures[0]
  values = { arn = "arn:aws:s3:::demo--orders-12a74127-failures-123456789012" }
}

# First, while nothing is there: of a mapping that exists, what is enabled is left to the functions.
run "captured_always_it_is_enabled" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    capture = "always"
  }

  assert {
    condition     = aws_lambda_event_source_mapping.stream.enabled == true
    error_message = "Enabled: ${aws_lambda_event_source_mapping.stream.enabled}"
  }
}

run "until_a_restore_the_stream_mapping_is_disabled" {
  module {
    source = "./modules/change-pipeline"
  }

  assert {
    condition     = aws_lambda_event_source_mapping.stream.enabled == false
    error_message = "Enabled: ${aws_lambda_event_source_mapping.stream.enabled}"
  }

  assert {
    condition     = aws_lambda_event_source_mapping.stream.starting_position == "TRIM_HORIZON"
    error_message = "From: ${aws_lambda_event_source_mapping.stream.starting_position}"
  }
}

run "the_tables_own_stream_is_read_and_nothing_is_given_up_while_the_stream_has_it" {
  module {
    source = "./modules/change-pipeline"
  }

  assert {
    condition     = aws_lambda_event_source_mapping.stream.event_source_arn == "arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/2026-01-31T03:00:00.000"
    error_message = "Stream: ${aws_lambda_event_source_mapping.stream.event_source_arn}"
  }

  assert {
    condition = {
      batch_size  = aws_lambda_event_source_mapping.stream.batch_size
      window      = aws_lambda_event_source_mapping.stream.maximum_batching_window_in_seconds
      parallel    = aws_lambda_event_source_mapping.stream.parallelization_factor
      bisect      = aws_lambda_event_source_mapping.stream.bisect_batch_on_function_error
      retries     = aws_lambda_event_source_mapping.stream.maximum_retry_attempts
      age         = aws_lambda_event_source_mapping.stream.maximum_record_age_in_seconds
      partial     = one(aws_lambda_event_source_mapping.stream.function_response_types)
      destination = one(one(aws_lambda_event_source_mapping.stream.destination_config).on_failure).destination_arn
      } == {
      batch_size  = 1000
      window      = 1
      parallel    = 1
      bisect      = true
      retries     = -1
      age         = 82800
      partial     = "ReportBatchItemFailures"
      destination = "arn:aws:s3:::demo--orders-12a74127-failures-123456789012"
    }
    error_message = "Mapping: ${jsonencode([aws_lambda_event_source_mapping.stream.batch_size, aws_lambda_event_source_mapping.stream.maximum_batching_window_in_seconds, aws_lambda_event_source_mapping.stream.parallelization_factor, aws_lambda_event_source_mapping.stream.bisect_batch_on_function_error, aws_lambda_event_source_mapping.stream.maximum_retry_attempts, aws_lambda_event_source_mapping.stream.maximum_record_age_in_seconds, aws_lambda_event_source_mapping.stream.function_response_types, aws_lambda_event_source_mapping.stream.destination_config])}"
  }

  assert {
    condition     = length(aws_lambda_event_source_mapping.stream.filter_criteria) == 0
    error_message = "Filter: ${jsonencode(aws_lambda_event_source_mapping.stream.filter_criteria)}"
  }
}

run "the_reader_can_be_told_otherwise" {
  module {
    source = "./modules/change-pipeline"
  }

  variables {
    stream_reader = { batch_size = 10000, batching_window_seconds = 300, parallelization_factor = 10, maximum_record_age_seconds = 82800 }
  }

  assert {
    condition     = [aws_lambda_event_source_mapping.stream.batch_size, aws_lambda_event_source_mapping.stream.maximum_batching_window_in_seconds, aws_lambda_event_source_mapping.stream.parallelization_factor, aws_lambda_event_source_mapping.stream.maximum_record_age_in_seconds] == [10000, 300, 10, 82800]
    error_message = "Mapping: ${jsonencode([aws_lambda_event_source_mapping.stream.batch_size, aws_lambda_event_source_mapping.stream.maximum_batching_window_in_seconds, aws_lambda_event_source_mapping.stream.parallelization_factor, aws_lambda_event_source_mapping.stream.maximum_record_age_in_seconds])}"
  }
}

run "filters_are_lambdas_own" {
  module {
    source = "./modules/change-pipeline"
  }

  variables {
    filter = [
      "{\"eventName\":[\"INSERT\"]}",
      "{\"dynamodb\":{\"Keys\":{\"pk\":{\"S\":[{\"prefix\":\"order#\"}]}}}}",
    ]
  }

  assert {
    condition     = toset([for filter in one(aws_lambda_event_source_mapping.stream.filter_criteria).filter : filter.pattern]) == toset(var.filter)
    error_message = "Filter: ${jsonencode(aws_lambda_event_source_mapping.stream.filter_criteria)}"
  }
}

run "the_capture_function_is_told_all_that_it_reads" {
  module {
    source = "./modules/change-pipeline"
  }

  variables {
    keep_expiries = false
    group_count   = 7
    byte_limit    = 65536
  }

  assert {
    condition = local.capture_function.environment == {
      SOURCE_TABLE_NAME            = "orders"
      RESTORE_TABLE_NAME           = "demo-restores"
      BUFFER_ID                    = "buffer-1"
      BUFFER_URL                   = "https://sqs.example/demo--orders-changes.fifo"
      GROUP_COUNT                  = "7"
      BYTE_LIMIT                   = "65536"
      KEEP_EXPIRIES                = "false"
      TTL_ATTRIBUTE                = "expires"
      FAILURE_BUCKET               = "demo--orders-12a74127-failures-123456789012"
      IMAGE_PREFIX                 = "images/demo--orders/"
      POWERTOOLS_SERVICE_NAME      = "demo"
      POWERTOOLS_METRICS_NAMESPACE = "DynamoDBRestore"
    }
    error_message = "Environment: ${jsonencode(local.capture_function.environment)}"
  }

  assert {
    condition     = local.capture_function.handler == "dynamodb_restore.handlers.capture.handler" && local.capture_function.layers == ["arn:aws:lambda:us-east-1:123456789012:layer:demo-dependencies:1"] && endswith(local.capture_function.code.filename, "dist/dynamodb_restore.zip")
    error_message = "Function: ${jsonencode([local.capture_function.handler, local.capture_function.layers, local.capture_function.code])}"
  }
}

run "expiries_are_kept_by_default" {
  module {
    source = "./modules/change-pipeline"
  }

  assert {
    condition     = local.capture_function.environment.KEEP_EXPIRIES == "true" && local.capture_function.environment.GROUP_COUNT == "16"
    error_message = "Environment: ${jsonencode(local.capture_function.environment)}"
  }
}

run "a_time_to_live_that_is_given_is_believed" {
  module {
    source = "./modules/change-pipeline"
  }

  variables {
    stream        = { arn = "arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/2026-01-31T03:00:00.000", view_type = "NEW_IMAGE" }
    ttl_attribute = "deleted_at"
  }

  assert {
    condition     = local.capture_function.environment.TTL_ATTRIBUTE == "deleted_at"
    error_message = "Attribute: ${local.capture_function.environment.TTL_ATTRIBUTE}"
  }
}

# A table that is made in the same configuration cannot be asked.
run "where_the_stream_is_given_and_the_attribute_is_not_there_is_none" {
  module {
    source = "./modules/change-pipeline"
  }

  variables {
    stream = { arn = "arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/2026-01-31T03:00:00.000", view_type = "NEW_IMAGE" }
  }

  assert {
    condition     = local.capture_function.environment.TTL_ATTRIBUTE == ""
    error_message = "Attribute: ${local.capture_function.environment.TTL_ATTRIBUTE}"
  }
}

# DynamoDB remembers the attribute of a time to live that was switched off.
run "a_time_to_live_that_is_off_is_none" {
  module {
    source = "./modules/change-pipeline"
  }

  override_data {
    target = data.aws_dynamodb_table.source[0]
    values = {
      stream_enabled = true
      stream_arn     = "arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/2026-01-31T03:00:00.000"
      ttl            = [{ attribute_name = "expires", enabled = false }]
    }
  }

  assert {
    condition     = local.capture_function.environment.TTL_ATTRIBUTE == ""
    error_message = "Attribute: ${local.capture_function.environment.TTL_ATTRIBUTE}"
  }
}

run "nothing_is_reserved_unless_asked_for_and_there_is_time_to_wait_for_sends" {
  module {
    source = "./modules/change-pipeline"
  }

  assert {
    condition     = local.capture_function.reserved_concurrency == null && local.capture_function.timeout == 240 && local.replay_function.timeout == 60
    error_message = "Function: ${jsonencode([local.capture_function.reserved_concurrency, local.capture_function.timeout, local.replay_function.timeout])}"
  }
}

run "invocations_are_reserved_for_capture_alone" {
  module {
    source = "./modules/change-pipeline"
  }

  variables {
    capture_reserved_concurrency = 20
    lambda                       = { timeout = 300 }
  }

  assert {
    condition     = local.capture_function.reserved_concurrency == 20 && !can(local.replay_function.reserved_concurrency) && local.capture_function.timeout == 300
    error_message = "Function: ${jsonencode([local.capture_function, local.replay_function])}"
  }
}
