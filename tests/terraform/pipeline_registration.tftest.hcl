# The registration is all that the worker and the operator function know of a pipeline. A field that is missing or named
# otherwise shows only at three in the morning.

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
  target = aws_lambda_event_source_mapping.stream
  values = {
    arn  = "arn:aws:lambda:us-east-1:123456789012:event-source-mapping:11111111-1111-4111-8111-111111111111"
    uuid = "11111111-1111-4111-8111-111111111111"
  }
}

override_resource {
  target = aws_lambda_event_source_mapping.buffer
  values = {
    arn  = "arn:aws:lambda:us-east-1:123456789012:event-source-mapping:22222222-2222-4222-8222-222222222222"
    uuid = "22222222-2222-4222-8222-222222222222"
  }
}

override_resource {
  target = aws_s3_bucket.failures[0]
  values = { arn = "arn:aws:s3:::demo--orders-12a74127-failures-123456789012" }
}

override_resource {
  target = module.capture.aws_lambda_function.this
  values = { arn = "arn:aws:lambda:us-east-1:123456789012:function:demo--orders-capture" }
}

override_resource {
  target = module.replay.aws_lambda_function.this
  values = { arn = "arn:aws:lambda:us-east-1:123456789012:function:demo--orders-replay" }
}

override_resource {
  target = module.upkeep.aws_lambda_function.this
  values = { arn = "arn:aws:lambda:us-east-1:123456789012:function:demo--orders-upkeep" }
}

run "the_registration_says_what_the_functions_read" {
  module {
    source = "./modules/change-pipeline"
  }

  variables {
    target_patterns = ["orders-*", "restored-orders"]
    filter          = ["{\"eventName\":[\"INSERT\"]}", "{\"eventName\":[\"MODIFY\"]}"]
    stream_reader   = { batching_window_seconds = 300 }
    lambda          = { timeout = 90 }
    stream          = { arn = "arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/2026-02-28T03:00:00.000", view_type = "NEW_IMAGE" }
  }

  assert {
    condition     = [aws_dynamodb_table_item.registration.table_name, aws_dynamodb_table_item.registration.hash_key, aws_dynamodb_table_item.registration.range_key] == ["demo-restores", "pk", "sk"]
    error_message = "In ${aws_dynamodb_table_item.registration.table_name} by ${aws_dynamodb_table_item.registration.hash_key} and ${aws_dynamodb_table_item.registration.range_key}"
  }

  assert {
    condition = jsondecode(aws_dynamodb_table_item.registration.item) == {
      pk                      = { S = "pipeline#orders" }
      sk                      = { S = "registration" }
      capture                 = { S = "on_restore" }
      capture_mapping         = { S = "11111111-1111-4111-8111-111111111111" }
      replay_mapping          = { S = "22222222-2222-4222-8222-222222222222" }
      buffer_url              = { S = "https://sqs.example/demo--orders-changes.fifo" }
      buffer_dead_letter_url  = { S = "https://sqs.example/demo--orders-changes-dlq.fifo" }
      buffer_id               = { S = "buffer-1" }
      target_patterns         = { L = [{ S = "orders-*" }, { S = "restored-orders" }] }
      failure_bucket          = { S = "demo--orders-12a74127-failures-123456789012" }
      image_prefix            = { S = "images/demo--orders/" }
      capture_function        = { S = "arn:aws:lambda:us-east-1:123456789012:function:demo--orders-capture" }
      replay_function         = { S = "arn:aws:lambda:us-east-1:123456789012:function:demo--orders-replay" }
      upkeep_function         = { S = "arn:aws:lambda:us-east-1:123456789012:function:demo--orders-upkeep" }
      stream_arn              = { S = "arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/2026-02-28T03:00:00.000" }
      stream_has_new_images   = { BOOL = true }
      filters                 = { L = [{ S = "{\"eventName\":[\"INSERT\"]}" }, { S = "{\"eventName\":[\"MODIFY\"]}" }] }
      batching_window_seconds = { N = "300" }
      replay_timeout_seconds  = { N = "90" }
      in_root_module          = { BOOL = false }
    }
    error_message = "Item: ${aws_dynamodb_table_item.registration.item}"
  }
}

run "it_says_when_capture_runs_always" {
  module {
    source = "./modules/change-pipeline"
  }

  variables {
    capture = "always"
  }

  assert {
    condition     = jsondecode(aws_dynamodb_table_item.registration.item).capture.S == "always"
    error_message = "Item: ${aws_dynamodb_table_item.registration.item}"
  }
}

# Read as they were typed where somebody looks at them: an empty list and a stream that was looked up.
run "without_a_filter_the_list_is_empty" {
  module {
    source = "./modules/change-pipeline"
  }

  assert {
    condition     = jsondecode(aws_dynamodb_table_item.registration.item).filters == { L = [] }
    error_message = "Item: ${aws_dynamodb_table_item.registration.item}"
  }

  assert {
    condition     = jsondecode(aws_dynamodb_table_item.registration.item).stream_arn.S == "arn:aws:dynamodb:us-east-1:123456789012:table/mocked/stream/2026-01-31T03:00:00.000" && jsondecode(aws_dynamodb_table_item.registration.item).stream_has_new_images.BOOL
    error_message = "Item: ${aws_dynamodb_table_item.registration.item}"
  }
}

run "a_stream_of_keys_has_no_new_images" {
  module {
    source = "./modules/change-pipeline"
  }

  override_data {
    target = data.aws_dynamodb_table.source[0]
    values = { stream_enabled = true, stream_view_type = "KEYS_ONLY" }
  }

  assert {
    condition     = jsondecode(aws_dynamodb_table_item.registration.item).stream_has_new_images == { BOOL = false }
    error_message = "Item: ${aws_dynamodb_table_item.registration.item}"
  }
}

run "a_stream_of_old_images_has_no_new_images" {
  module {
    source = "./modules/change-pipeline"
  }

  variables {
    stream = { arn = "arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/2026-02-28T03:00:00.000", view_type = "OLD_IMAGE" }
  }

  assert {
    condition     = jsondecode(aws_dynamodb_table_item.registration.item).stream_has_new_images == { BOOL = false }
    error_message = "Item: ${aws_dynamodb_table_item.registration.item}"
  }
}

run "it_names_the_bucket_that_was_given" {
  module {
    source = "./modules/change-pipeline"
  }

  variables {
    failure_bucket = { create = false, arn = "arn:aws-us-gov:s3:::estate.failures" }
  }

  assert {
    condition     = jsondecode(aws_dynamodb_table_item.registration.item).failure_bucket.S == "estate.failures"
    error_message = "Item: ${aws_dynamodb_table_item.registration.item}"
  }
}

run "by_default_names_that_begin_with_the_sources_may_claim_it" {
  module {
    source = "./modules/change-pipeline"
  }

  assert {
    condition     = jsondecode(aws_dynamodb_table_item.registration.item).target_patterns == { L = [{ S = "orders-*" }] }
    error_message = "Item: ${aws_dynamodb_table_item.registration.item}"
  }
}

run "the_commands_are_ready_to_paste" {
  module {
    source = "./modules/change-pipeline"
  }

  assert {
    condition = {
      for action, command in output.commands : action => jsondecode(regex("--payload '(.*)' /dev/stdout$", command)[0])
      } == {
      for action, arguments in jsondecode(file("modules/restore-worker/actions.json")).pipeline_commands : action => merge({ action = action, table = "orders" }, arguments)
    }
    error_message = "Commands: ${jsonencode(output.commands)}"
  }

  assert {
    condition     = jsondecode(regex("--payload '(.*)' /dev/stdout$", output.commands.window)[0]) == { action = "window", table = "orders", start = "START", end = null }
    error_message = "Command: ${output.commands.window}"
  }

  assert {
    condition     = alltrue([for command in values(output.commands) : startswith(command, "aws lambda invoke --region us-east-1 --function-name demo-operator --cli-read-timeout 0 --cli-binary-format raw-in-base64-out --payload ")])
    error_message = "Commands: ${jsonencode(output.commands)}"
  }
}
