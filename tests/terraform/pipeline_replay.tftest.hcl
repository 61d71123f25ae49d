# Replay must not run before the restored table is ready, must not keep whole batches back for one message, and must not
# take more of the table than it was given.

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

run "until_the_table_is_ready_the_buffer_mapping_is_disabled" {
  module {
    source = "./modules/change-pipeline"
  }

  assert {
    condition     = aws_lambda_event_source_mapping.buffer.enabled == false
    error_message = "Enabled: ${aws_lambda_event_source_mapping.buffer.enabled}"
  }
}

run "captured_always_it_is_disabled_all_the_same" {
  module {
    source = "./modules/change-pipeline"
  }

  variables {
    capture = "always"
  }

  assert {
    condition     = aws_lambda_event_source_mapping.buffer.enabled == false
    error_message = "Enabled: ${aws_lambda_event_source_mapping.buffer.enabled}"
  }
}

run "the_buffer_feeds_it_ten_messages_at_a_time" {
  module {
    source = "./modules/change-pipeline"
  }

  variables {
    replay_concurrency = 12
  }

  assert {
    condition     = aws_lambda_event_source_mapping.buffer.event_source_arn == "arn:aws:sqs:us-east-1:123456789012:demo--orders-changes.fifo" && aws_lambda_event_source_mapping.buffer.batch_size == 10 && aws_lambda_event_source_mapping.buffer.function_response_types == toset(["ReportBatchItemFailures"]) && one(aws_lambda_event_source_mapping.buffer.scaling_config).maximum_concurrency == 12
    error_message = "Mapping: ${jsonencode([aws_lambda_event_source_mapping.buffer.event_source_arn, aws_lambda_event_source_mapping.buffer.batch_size, aws_lambda_event_source_mapping.buffer.function_response_types, aws_lambda_event_source_mapping.buffer.scaling_config])}"
  }
}

run "the_replay_function_is_told_all_that_it_reads" {
  module {
    source = "./modules/change-pipeline"
  }

  assert {
    condition = local.replay_function.environment == {
      SOURCE_TABLE_NAME            = "orders"
      RESTORE_TABLE_NAME           = "demo-restores"
      BUFFER_ID                    = "buffer-1"
      BUFFER_URL                   = "https://sqs.example/demo--orders-changes.fifo"
      FAILURE_BUCKET               = "demo--orders-12a74127-failures-123456789012"
      IMAGE_PREFIX                 = "images/demo--orders/"
      BUFFER_DEAD_LETTER_URL       = "https://sqs.example/demo--orders-changes-dlq.fifo"
      WRITE_UNITS_PER_SECOND       = ""
      READ_UNITS_PER_SECOND        = ""
      POWERTOOLS_SERVICE_NAME      = "demo"
      POWERTOOLS_METRICS_NAMESPACE = "DynamoDBRestore"
    }
    error_message = "Environment: ${jsonencode(local.replay_function.environment)}"
  }

  assert {
    condition     = local.replay_function.handler == "dynamodb_restore.handlers.replay.handler" && local.replay_function.layers == ["arn:aws:lambda:us-east-1:123456789012:layer:demo-dependencies:1"] && local.replay_function.timeout == 60 && local.replay_function.memory_size == 512
    error_message = "Function: ${jsonencode([local.replay_function.handler, local.replay_function.layers, local.replay_function.timeout, local.replay_function.memory_size])}"
  }
}

run "the_limits_are_shared_out_among_the_invocations" {
  module {
    source = "./modules/change-pipeline"
  }

  variables {
    write_units_per_second = 1000
    read_units_per_second  = 400
    replay_concurrency     = 8
  }

  assert {
    condition     = local.replay_function.environment.READ_UNITS_PER_SECOND == "50"
    error_message = "Limit of one invocation: ${local.replay_function.environment.READ_UNITS_PER_SECOND}"
  }

  assert {
    condition     = local.replay_function.environment.WRITE_UNITS_PER_SECOND == "125"
    error_message = "Limit of one invocation: ${local.replay_function.environment.WRITE_UNITS_PER_SECOND}"
  }
}

run "no_more_invocations_than_groups_share_it" {
  module {
    source = "./modules/change-pipeline"
  }

  variables {
    write_units_per_second = 1000
    replay_concurrency     = 100
    group_count            = 4
  }

  assert {
    condition     = local.replay_function.environment.WRITE_UNITS_PER_SECOND == "250"
    error_message = "Limit of one invocation: ${local.replay_function.environment.WRITE_UNITS_PER_SECOND}"
  }
}

run "both_functions_run_as_they_are_told" {
  module {
    source = "./modules/change-pipeline"
  }

  variables {
    lambda    = { runtime = "python3.12", architecture = "x86_64", memory_size = 1024, timeout = 300, log_level = "DEBUG", log_retention_days = 7, tracing = true, permissions_boundary = "arn:aws:iam::123456789012:policy/boundary" }
    artifacts = { code = { bucket = "builds", key = "code.zip", source_hash = "VpTQii5T/8rgwxA+Wtb2B2q9lg6x+KVldwQLwQKPcCs=" } }
  }

  assert {
    condition = alltrue([
      for function in [local.capture_function, local.replay_function] :
      [function.runtime, function.architecture, function.memory_size, function.timeout, function.log_level, function.log_retention_days, function.tracing, function.permissions_boundary, function.code.s3.key] ==
      ["python3.12", "x86_64", 1024, 300, "DEBUG", 7, true, "arn:aws:iam::123456789012:policy/boundary", "code.zip"] && function.code.filename == null
    ])
    error_message = "Functions: ${jsonencode([local.capture_function, local.replay_function])}"
  }
}
