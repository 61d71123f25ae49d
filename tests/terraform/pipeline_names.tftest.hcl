# Table names may be longer than those of functions, queues and buckets, and have characters that those refuse. Whatever a
# table is called, its names must fit, end in .fifo where SQS wants it, and not be another table's.

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

run "short_names_are_not_touched" {
  module {
    source = "./modules/change-pipeline"
  }

  assert {
    condition     = [local.names.capture, local.names.replay, local.names.upkeep, local.names.capture_role, local.names.replay_role, local.names.upkeep_role, local.names.policy, aws_sqs_queue.buffer.name, aws_sqs_queue.dead_letters.name, aws_s3_bucket.failures[0].bucket] == ["demo-orders-capture", "demo-orders-replay", "demo-orders-upkeep", "demo-orders-capture-us-east-1", "demo-orders-replay-us-east-1", "demo-orders-upkeep-us-east-1", "pipeline-orders", "demo-orders-changes.fifo", "demo-orders-changes-dlq.fifo", "demo-orders-failures-123456789012-us-east-1"]
    error_message = "Names: ${join(", ", [local.names.capture, local.names.replay, local.names.upkeep, local.names.capture_role, local.names.replay_role, local.names.upkeep_role, local.names.policy, aws_sqs_queue.buffer.name, aws_sqs_queue.dead_letters.name, aws_s3_bucket.failures[0].bucket])}"
  }
}

run "what_a_service_refuses_is_replaced_and_a_hash_tells_it_apart" {
  module {
    source = "./modules/change-pipeline"
  }

  variables {
    table = "Team.orders_v2"
  }

  assert {
    condition     = can(regex("^demo-Team-orders_v2-capture-[0-9a-f]{8}$", local.names.capture)) && can(regex("^demo-Team-orders_v2-replay-[0-9a-f]{8}$", local.names.replay))
    error_message = "Functions: ${local.names.capture} and ${local.names.replay}"
  }

  assert {
    condition     = can(regex("^demo-Team-orders_v2-changes-[0-9a-f]{8}\\.fifo$", aws_sqs_queue.buffer.name)) && can(regex("^demo-Team-orders_v2-changes-dlq-[0-9a-f]{8}\\.fifo$", aws_sqs_queue.dead_letters.name))
    error_message = "Queues: ${aws_sqs_queue.buffer.name} and ${aws_sqs_queue.dead_letters.name}"
  }

  assert {
    condition     = local.names.capture_role == "demo-Team.orders_v2-capture-us-east-1" && local.names.policy == "pipeline-Team.orders_v2"
    error_message = "IAM: ${local.names.capture_role} and ${local.names.policy}"
  }

  assert {
    condition     = can(regex("^demo-team-orders-v2-failures-[0-9a-z-]*-[0-9a-f]{8}$", aws_s3_bucket.failures[0].bucket)) && length(aws_s3_bucket.failures[0].bucket) <= 63
    error_message = "Bucket: ${aws_s3_bucket.failures[0].bucket}"
  }
}

run "the_longest_names_fill_their_limits_and_stay_apart" {
  module {
    source = "./modules/change-pipeline"
  }

  variables {
    name  = join("", [for number in range(100) : "n"])
    table = join("", [for number in range(255) : number % 2 == 0 ? "T" : "."])
  }

  assert {
    condition     = [for name in [local.names.capture, local.names.replay, local.names.upkeep, local.names.capture_role, local.names.replay_role, local.names.upkeep_role, local.names.policy, aws_sqs_queue.buffer.name, aws_sqs_queue.dead_letters.name, aws_s3_bucket.failures[0].bucket] : length(name)] == [64, 64, 64, 64, 64, 64, 128, 80, 80, 63]
    error_message = "Lengths: ${jsonencode([for name in [local.names.capture, local.names.replay, local.names.upkeep, local.names.capture_role, local.names.replay_role, local.names.upkeep_role, local.names.policy, aws_sqs_queue.buffer.name, aws_sqs_queue.dead_letters.name, aws_s3_bucket.failures[0].bucket] : length(name)])}"
  }

  assert {
    condition     = length(distinct([local.names.capture, local.names.replay, local.names.upkeep, local.names.capture_role, local.names.replay_role, local.names.upkeep_role, local.names.policy, aws_sqs_queue.buffer.name, aws_sqs_queue.dead_letters.name, aws_s3_bucket.failures[0].bucket])) == 10
    error_message = "Names: ${join(", ", [local.names.capture, local.names.replay, local.names.upkeep, local.names.capture_role, local.names.replay_role, local.names.upkeep_role, local.names.policy, aws_sqs_queue.buffer.name, aws_sqs_queue.dead_letters.name, aws_s3_bucket.failures[0].bucket])}"
  }

  assert {
    condition     = alltrue([for key in keys(local.wanted_alarm_names) : length(local.names[key]) == 255]) && length(distinct([for key in keys(local.wanted_alarm_names) : local.names[key]])) == 8
    error_message = "Alarms: ${jsonencode([for key in keys(local.wanted_alarm_names) : local.names[key]])}"
  }

  # The limits of a rule's name, a function's description and an alarm's.
  assert {
    condition     = length(aws_cloudwatch_event_rule.upkeep.name) == 64 && length(local.upkeep_function.description) <= 256 && alltrue([for alarm in values(aws_cloudwatch_metric_alarm.pipeline) : length(alarm.alarm_description) <= 1024])
    error_message = "Lengths: ${jsonencode([length(aws_cloudwatch_event_rule.upkeep.name), length(local.upkeep_function.description), [for alarm in values(aws_cloudwatch_metric_alarm.pipeline) : length(alarm.alarm_description)]])}"
  }

  assert {
    condition     = endswith(aws_sqs_queue.buffer.name, ".fifo") && endswith(aws_sqs_queue.dead_letters.name, ".fifo")
    error_message = "Queues: ${aws_sqs_queue.buffer.name} and ${aws_sqs_queue.dead_letters.name}"
  }

  assert {
    condition     = can(regex("^[a-z0-9][a-z0-9-]+[a-z0-9]$", aws_s3_bucket.failures[0].bucket)) && can(regex("^[A-Za-z0-9_-]+$", local.names.capture)) && can(regex("^[A-Za-z0-9_-]+\\.fifo$", aws_sqs_queue.buffer.name))
    error_message = "Names: ${join(", ", [local.names.capture, local.names.replay, local.names.upkeep, local.names.capture_role, local.names.replay_role, local.names.upkeep_role, local.names.policy, aws_sqs_queue.buffer.name, aws_sqs_queue.dead_letters.name, aws_s3_bucket.failures[0].bucket])}"
  }
}

# On the root, whose tables could be anything: these differ only in what is replaced, in case, or in what is cut.
run "pipelines_of_similar_tables_do_not_clash" {
  variables {
    name = "demo"
    tables = {
      "team.orders"                                                        = { target_patterns = ["*"] }
      "team.or.der"                                                        = { target_patterns = ["*"] }
      "team.or-der"                                                        = { target_patterns = ["*"] }
      "team-orders"                                                        = { target_patterns = ["*"] }
      "team_orders"                                                        = { target_patterns = ["*"] }
      "Team-orders"                                                        = { target_patterns = ["*"] }
      "team-orders-which-has-a-name-that-is-far-too-long-for-a-function-1" = { target_patterns = ["*"] }
      "team-orders-which-has-a-name-that-is-far-too-long-for-a-function-2" = { target_patterns = ["*"] }
    }
  }

  assert {
    condition = length(distinct(flatten([
      for table in values(output.tables) : [
        table.functions.capture.name, table.functions.replay.name, table.roles.capture.name, table.roles.replay.name,
        table.functions.upkeep.name, table.roles.upkeep.name, table.buffer.name, table.buffer_dead_letter_queue.name,
      ]
    ]))) == 8 * 8
    error_message = "Names: ${jsonencode({ for name, table in output.tables : name => [table.functions, table.roles, table.buffer.name, table.buffer_dead_letter_queue.name] })}"
  }

  assert {
    condition     = length(distinct([for commands in values(output.operator_commands) : commands.status])) == 8
    error_message = "Commands: ${jsonencode(output.operator_commands)}"
  }
}
