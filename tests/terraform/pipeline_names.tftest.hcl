# Table names may be longer than those of functions, queues and buckets, and have characters that those refuse. Whatever a
# table is called, its names must fit, keep the deployment's name and the suffix by which policies find them, and end in
# .fifo where SQS wants it. That no two are the same is shown in names.tftest.hcl.

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

run "short_names_are_not_touched" {
  module {
    source = "./modules/change-pipeline"
  }

  assert {
    condition     = [local.names.capture, local.names.replay, local.names.upkeep, local.names.capture_role, local.names.replay_role, local.names.upkeep_role, aws_sqs_queue.buffer.name, aws_sqs_queue.dead_letters.name] == ["demo--orders-capture", "demo--orders-replay", "demo--orders-upkeep", "demo--orders-capture-us-east-1", "demo--orders-replay-us-east-1", "demo--orders-upkeep-us-east-1", "demo--orders-changes.fifo", "demo--orders-changes-dlq.fifo"]
    error_message = "Names: ${jsonencode(local.names)}"
  }

  # There is one bucket of a name in the world: the account stands in it, and the hash for the region.
  assert {
    condition     = aws_s3_bucket.failures[0].bucket == "demo--orders-${substr(sha256("demo--orders-failures-123456789012us-east-1"), 0, 8)}-failures-123456789012"
    error_message = "Bucket: ${aws_s3_bucket.failures[0].bucket}"
  }
}

run "a_label_stands_for_the_table_in_names_and_nowhere_else" {
  module {
    source = "./modules/change-pipeline"
  }

  variables {
    table  = "orders-4f2a"
    label  = "orders"
    stream = { arn = "arn:aws:dynamodb:us-east-1:123456789012:table/orders-4f2a/stream/2026-01-31T03:00:00.000", view_type = "NEW_AND_OLD_IMAGES" }
  }

  assert {
    condition     = local.names.capture == "demo--orders-capture" && local.image_prefix == "images/demo--orders/" && aws_sqs_queue.buffer.name == "demo--orders-changes.fifo"
    error_message = "Names: ${jsonencode(local.names)}, images under ${local.image_prefix}"
  }

  assert {
    condition     = local.capture_function.environment.SOURCE_TABLE_NAME == "orders-4f2a" && jsondecode(aws_dynamodb_table_item.registration.item).pk.S == "pipeline#orders-4f2a" && output.table == "orders-4f2a" && strcontains(output.commands.status, "\"table\":\"orders-4f2a\"")
    error_message = "Registration ${aws_dynamodb_table_item.registration.item}, command ${output.commands.status}"
  }
}

run "the_longest_names_fit_with_suffix_and_stay_apart" {
  module {
    source = "./modules/change-pipeline"
  }

  variables {
    table  = join("", [for number in range(255) : number % 2 == 0 ? "T" : "."])
    stream = { arn = "arn:aws:dynamodb:us-east-1:123456789012:table/${join("", [for number in range(255) : number % 2 == 0 ? "T" : "."])}/stream/2026-01-31T03:00:00.000", view_type = "NEW_AND_OLD_IMAGES" }
    binding = {
      name          = "nnnnnnnnnnnnnnnnnnnnnnnn"
      restore_table = { name = "demo-restores", arn = "arn:aws:dynamodb:us-east-1:123456789012:table/demo-restores" }
      functions     = { operator = { name = "demo-operator" } }
      layer_arn     = "arn:aws:lambda:us-east-1:123456789012:layer:demo-dependencies:1"
    }
  }

  assert {
    condition     = [for name in [local.names.capture, local.names.replay, local.names.upkeep, local.names.capture_role, local.names.replay_role, local.names.upkeep_role, aws_sqs_queue.buffer.name, aws_sqs_queue.dead_letters.name, aws_s3_bucket.failures[0].bucket, aws_cloudwatch_event_rule.upkeep.name] : length(name)] == [64, 64, 64, 64, 64, 64, 80, 80, 63, 64]
    error_message = "Names: ${jsonencode(local.names)}"
  }

  assert {
    condition     = alltrue([for key, name in local.names : startswith(name, "nnnnnnnnnnnnnnnnnnnnnnnn--") && can(regex("-[0-9a-f]{8}-[a-z]+", name))]) && length(distinct([for key, name in local.names : name if key != "upkeep_rule"])) == 17
    error_message = "Names: ${jsonencode(local.names)}"
  }

  # The limits of a function's description, a rule's and an alarm's.
  assert {
    condition     = alltrue([for function in [local.capture_function, local.replay_function, local.upkeep_function] : length(function.description) <= 256]) && length(aws_cloudwatch_event_rule.upkeep.description) <= 512 && alltrue([for alarm in values(aws_cloudwatch_metric_alarm.pipeline) : length(alarm.alarm_description) <= 1024 && length(alarm.alarm_name) == 255])
    error_message = "Lengths: ${jsonencode([[for function in [local.capture_function, local.replay_function, local.upkeep_function] : length(function.description)], [for alarm in values(aws_cloudwatch_metric_alarm.pipeline) : length(alarm.alarm_description)]])}"
  }
}
