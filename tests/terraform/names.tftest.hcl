# AWS refuses a name that is one character too long, and does it in the middle of an apply. Names are cut to each
# service's limit and end in a hash of the whole, so that what differs only in the part that is cut stays apart.

mock_provider "aws" {
  source = "./tests/terraform/mocks"
}

variables {
  name = "demo"
  restore_queue = {
    url                        = "https://sqs.us-east-1.amazonaws.com/123456789012/demo-restores"
    arn                        = "arn:aws:sqs:us-east-1:123456789012:demo-restores"
    visibility_timeout_seconds = 720
    message_retention_seconds  = 604800
  }
  dead_letter_queue = {
    url = "https://sqs.us-east-1.amazonaws.com/123456789012/demo-restores-dlq"
    arn = "arn:aws:sqs:us-east-1:123456789012:demo-restores-dlq"
  }
  senders = { worker = "arn:aws:iam::123456789012:role/demo-restore-worker" }
}

run "short_names_are_not_touched" {
  module {
    source = "./modules/restore-events"
  }

  assert {
    condition = [
      aws_sqs_queue.restores.name, aws_sqs_queue.dead_letters.name, aws_cloudwatch_event_rule.restores["calls"].name, aws_cloudwatch_event_rule.restores["jobs"].name, aws_cloudwatch_event_rule.restores["services"].name,
      aws_sns_topic.notifications[0].name, aws_cloudwatch_metric_alarm.dead_letters.alarm_name,
    ] == ["demo-restores", "demo-restores-dlq", "demo-restore-requested", "demo-restore-job", "demo-restore-by-service", "demo-notifications", "demo-restores-dlq-not-empty"]
    error_message = "Names: ${join(", ", [aws_sqs_queue.restores.name, aws_sqs_queue.dead_letters.name, aws_cloudwatch_event_rule.restores["calls"].name, aws_cloudwatch_event_rule.restores["jobs"].name, aws_cloudwatch_event_rule.restores["services"].name, aws_sns_topic.notifications[0].name, aws_cloudwatch_metric_alarm.dead_letters.alarm_name])}"
  }
}

run "short_names_of_the_worker_are_not_touched_and_what_is_iams_carries_the_region" {
  module {
    source = "./modules/restore-worker"
  }

  assert {
    condition     = [module.function.function.name, module.function.role.name, module.function.log_group.name, module.operator.function.name, module.operator.role.name, aws_iam_policy.settings["tables"].name, aws_iam_policy.settings["services"].name, aws_iam_policy.settings["keys"].name, aws_iam_policy.settings["findings"].name, aws_lambda_layer_version.dependencies.layer_name, aws_dynamodb_table.restores.name] == ["demo-restore-worker", "demo-restore-worker-us-east-1", "/aws/lambda/demo-restore-worker", "demo-operator", "demo-operator-us-east-1", "demo-settings-tables-us-east-1", "demo-settings-services-us-east-1", "demo-settings-keys-us-east-1", "demo-settings-findings-us-east-1", "demo-dependencies", "demo-restores"]
    error_message = "Names: ${join(", ", [module.function.function.name, module.function.role.name, module.function.log_group.name, module.operator.function.name, module.operator.role.name, aws_iam_policy.settings["tables"].name, aws_iam_policy.settings["services"].name, aws_iam_policy.settings["keys"].name, aws_iam_policy.settings["findings"].name, aws_lambda_layer_version.dependencies.layer_name, aws_dynamodb_table.restores.name])}"
  }
}

run "long_names_fill_their_limits_and_stay_apart" {
  module {
    source = "./modules/restore-events"
  }

  variables {
    name = join("", [for number in range(300) : "n"])
  }

  assert {
    condition = [
      length(aws_sqs_queue.restores.name), length(aws_sqs_queue.dead_letters.name), length(aws_cloudwatch_event_rule.restores["calls"].name), length(aws_cloudwatch_event_rule.restores["jobs"].name), length(aws_cloudwatch_event_rule.restores["services"].name),
      length(aws_sns_topic.notifications[0].name), length(aws_cloudwatch_metric_alarm.dead_letters.alarm_name),
    ] == [80, 80, 64, 64, 64, 256, 255]
    error_message = "Lengths: ${join(", ", [length(aws_sqs_queue.restores.name), length(aws_sqs_queue.dead_letters.name), length(aws_cloudwatch_event_rule.restores["calls"].name), length(aws_cloudwatch_event_rule.restores["jobs"].name), length(aws_cloudwatch_event_rule.restores["services"].name), length(aws_sns_topic.notifications[0].name), length(aws_cloudwatch_metric_alarm.dead_letters.alarm_name)])}"
  }

  assert {
    condition     = aws_sqs_queue.restores.name != aws_sqs_queue.dead_letters.name
    error_message = "Queue and DLQ are both called ${aws_sqs_queue.restores.name}"
  }
}

run "long_names_of_the_worker_fill_their_limits" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    name = join("", [for number in range(300) : "n"])
  }

  assert {
    condition     = [length(module.function.function.name), length(module.function.role.name), length(module.operator.function.name), length(module.operator.role.name), length(aws_iam_policy.settings["tables"].name), length(aws_iam_policy.settings["services"].name), length(aws_iam_policy.settings["keys"].name), length(aws_iam_policy.settings["findings"].name), length(aws_lambda_layer_version.dependencies.layer_name), length(aws_dynamodb_table.restores.name)] == [64, 64, 64, 64, 128, 128, 128, 128, 140, 255]
    error_message = "Lengths: ${join(", ", [length(module.function.function.name), length(module.function.role.name), length(module.operator.function.name), length(module.operator.role.name), length(aws_iam_policy.settings["tables"].name), length(aws_iam_policy.settings["services"].name), length(aws_iam_policy.settings["keys"].name), length(aws_iam_policy.settings["findings"].name), length(aws_lambda_layer_version.dependencies.layer_name), length(aws_dynamodb_table.restores.name)])}"
  }
}

# "-restore-worker" has 15 characters: 49 are the last that fit a function name, 50 the first that do not.
run "a_name_that_just_fits_is_not_cut" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    name = join("", [for number in range(49) : "n"])
  }

  assert {
    condition     = module.function.function.name == "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn-restore-worker"
    error_message = "Function: ${module.function.function.name}"
  }
}

run "a_name_one_longer_is_cut_to_the_limit" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    name = join("", [for number in range(50) : "n"])
  }

  assert {
    condition     = can(regex("^n{50}-rest-[0-9a-f]{8}$", module.function.function.name))
    error_message = "Function: ${module.function.function.name}"
  }
}
