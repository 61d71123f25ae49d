# The registration is all that the worker and the operator function know of a pipeline. A field that is missing or named
# otherwise shows only at three in the morning.

mock_provider "aws" {
  source = "./tests/terraform/mocks"
}

variables {
  name  = "demo"
  table = "orders"
  binding = {
    restore_table = { name = "demo-restores", arn = "arn:aws:dynamodb:us-east-1:123456789012:table/demo-restores" }
    functions     = { operator = { name = "demo-operator" } }
    roles = {
      worker   = { name = "demo-restore-worker-us-east-1" }
      operator = { name = "demo-operator-us-east-1" }
    }
    layer_arn = "arn:aws:lambda:us-east-1:123456789012:layer:demo-dependencies:1"
  }
}

override_resource {
  target = terraform_data.buffer
  values = { id = "buffer-1" }
}

override_resource {
  target = aws_sqs_queue.buffer
  values = {
    arn = "arn:aws:sqs:us-east-1:123456789012:demo-orders-changes.fifo"
    url = "https://sqs.example/demo-orders-changes.fifo"
  }
}

override_resource {
  target = aws_sqs_queue.dead_letters
  values = {
    arn = "arn:aws:sqs:us-east-1:123456789012:demo-orders-changes-dlq.fifo"
    url = "https://sqs.example/demo-orders-changes-dlq.fifo"
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
  values = { arn = "arn:aws:s3:::demo-orders-failures-123456789012-us-east-1" }
}

run "the_registration_says_what_the_functions_read" {
  module {
    source = "./modules/change-pipeline"
  }

  variables {
    target_patterns = ["orders-*", "restored-orders"]
  }

  assert {
    condition     = [aws_dynamodb_table_item.registration.table_name, aws_dynamodb_table_item.registration.hash_key, aws_dynamodb_table_item.registration.range_key] == ["demo-restores", "pk", "sk"]
    error_message = "In ${aws_dynamodb_table_item.registration.table_name} by ${aws_dynamodb_table_item.registration.hash_key} and ${aws_dynamodb_table_item.registration.range_key}"
  }

  assert {
    condition = jsondecode(aws_dynamodb_table_item.registration.item) == {
      pk                     = { S = "pipeline#orders" }
      sk                     = { S = "registration" }
      capture                = { S = "on_restore" }
      capture_mapping        = { S = "11111111-1111-4111-8111-111111111111" }
      replay_mapping         = { S = "22222222-2222-4222-8222-222222222222" }
      buffer_url             = { S = "https://sqs.example/demo-orders-changes.fifo" }
      buffer_dead_letter_url = { S = "https://sqs.example/demo-orders-changes-dlq.fifo" }
      buffer_id              = { S = "buffer-1" }
      target_patterns        = { L = [{ S = "orders-*" }, { S = "restored-orders" }] }
      failure_bucket         = { S = "demo-orders-failures-123456789012-us-east-1" }
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

run "by_default_every_target_may_claim_it" {
  module {
    source = "./modules/change-pipeline"
  }

  assert {
    condition     = jsondecode(aws_dynamodb_table_item.registration.item).target_patterns == { L = [{ S = "*" }] }
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
      status  = { action = "status", table = "orders" }
      cutover = { action = "cutover", table = "orders" }
      abandon = { action = "abandon", table = "orders" }
      repair  = { action = "repair", table = "orders" }
      window  = { action = "window", table = "orders", start = "START", end = null }
    }
    error_message = "Commands: ${jsonencode(output.commands)}"
  }

  assert {
    condition     = alltrue([for command in values(output.commands) : startswith(command, "aws lambda invoke --region us-east-1 --function-name demo-operator --cli-read-timeout 0 --cli-binary-format raw-in-base64-out --payload ")])
    error_message = "Commands: ${jsonencode(output.commands)}"
  }
}
