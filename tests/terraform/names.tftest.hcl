# AWS refuses a name that is one character too long or has a character that the service does not take, and does it in the
# middle of an apply. A deployment's name and the suffix always stay as they are, since policies go by them; no two
# deployments or pipelines may come to the same name.

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
      aws_cloudwatch_metric_alarm.dead_letters.alarm_name,
    ] == ["demo-restores", "demo-restores-dlq", "demo-restore-requested", "demo-restore-job", "demo-restore-by-service", "demo-restores-dlq-not-empty"]
    error_message = "Names: ${join(", ", [aws_sqs_queue.restores.name, aws_sqs_queue.dead_letters.name, aws_cloudwatch_event_rule.restores["calls"].name, aws_cloudwatch_event_rule.restores["jobs"].name, aws_cloudwatch_event_rule.restores["services"].name, aws_cloudwatch_metric_alarm.dead_letters.alarm_name])}"
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

run "names_of_pipelines_are_legal_and_policies_find_them" {
  command = plan

  module {
    source = "./tests/terraform/fixtures/names"
  }

  variables {
    pipelines = {
      "x" = ["y-orders", "orders", "-y--orders", "orders-changes", "ORDERS", "Orders"]
      # What is replaced, what is cut, and a label that looks like what is made of another.
      "x-y"                      = ["orders", "team.orders", "team-orders", "team_orders", "team-orders-1a2b3c4d"]
      "nnnnnnnnnnnnnnnnnnnnnnnn" = [join("", [for number in range(255) : "t"]), join("", [for number in range(255) : number == 254 ? "u" : "t"]), join("", [for number in range(255) : number % 2 == 0 ? "T" : "."])]
    }
  }

  # Each kind by itself, and without regard to case, by which IAM tells no names apart.
  assert {
    condition     = alltrue([for kind in keys(values(output.names)[0]) : length(distinct([for names in values(output.names) : lower(names[kind])])) == 14 || !contains(["role", "bucket"], kind)]) && length(distinct(flatten([for names in values(output.names) : values(names)]))) == 14 * 7
    error_message = "Names: ${jsonencode(output.names)}"
  }

  assert {
    condition     = alltrue([for names in values(output.names) : length(names.function) <= 64 && length(names.role) <= 64 && length(names.rule) <= 64 && length(names.queue) <= 75 && length(names.dlq) <= 75 && length(names.bucket) <= 63 && length(names.alarm) <= 255])
    error_message = "Names: ${jsonencode(output.names)}"
  }

  assert {
    condition     = alltrue([for names in values(output.names) : can(regex("^[A-Za-z0-9_-]+$", names.function)) && can(regex("^[A-Za-z0-9_-]+$", names.queue)) && can(regex("^[a-z0-9][a-z0-9-]+[a-z0-9]$", names.bucket))])
    error_message = "Names: ${jsonencode(output.names)}"
  }

  # What a policy of the deployment covers, and of no other: x does not reach into x-y.
  assert {
    condition = alltrue(flatten([
      for pipeline, names in output.names : [
        for other, patterns in output.patterns : [
          for kind, name in names :
          can(regex("^${replace(replace(patterns[kind], ".", "\\."), "*", ".*")}$", name)) == (split(" ", pipeline)[0] == split(" ", other)[0])
        ]
      ]
    ]))
    error_message = "Names ${jsonencode(output.names)} and patterns ${jsonencode(output.patterns)}"
  }

  assert {
    condition     = [output.names["x orders"].function, output.names["x orders"].role, output.names["x-y team.orders"].rule, output.names["x-y team.orders"].alarm] == ["x--orders-capture", "x--orders-capture-ap-southeast-99", "x-y--team.orders-upkeep", "x-y--team.orders-changes-waiting-long"]
    error_message = "What fits is not touched: ${jsonencode(output.names)}"
  }

  assert {
    condition = (
      can(regex("^x-y--team-orders-[0-9a-f]{8}-capture$", output.names["x-y team.orders"].function)) &&
      can(regex("^x-y--team-orders-1a2b3c4d-[0-9a-f]{8}-capture$", output.names["x-y team-orders-1a2b3c4d"].function)) &&
      can(regex("^x--Orders-[0-9a-f]{8}-capture-ap-southeast-99$", output.names["x Orders"].role)) &&
      can(regex("^x--orders-[0-9a-f]{8}-failures-123456789012$", output.names["x orders"].bucket)) &&
      can(regex("^n{24}--t{21}-[0-9a-f]{8}-capture$", output.names["nnnnnnnnnnnnnnnnnnnnnnnn ${join("", [for number in range(255) : "t"])}"].function))
    )
    error_message = "The name or the suffix was cut, or a hash is missing: ${jsonencode(output.names)}"
  }
}

# --- what no name can be made of

run "a_name_that_s3_keeps_for_itself_fails" {
  command = plan

  module {
    source = "./modules/names"
  }

  variables {
    name   = "sthree"
    wanted = {}
  }

  expect_failures = [var.name]
}

run "a_label_with_a_slash_fails" {
  command = plan

  module {
    source = "./modules/names"
  }

  variables {
    label  = "team/orders"
    wanted = {}
  }

  expect_failures = [var.label]
}

# 24 characters of the name, two hyphens, one of the label, the hash with its hyphens.
run "a_suffix_that_leaves_no_room_fails" {
  command = plan

  module {
    source = "./modules/names"
  }

  variables {
    label  = "orders"
    wanted = { function = { suffix = join("", [for number in range(28) : "s"]), limit = 64 } }
  }

  expect_failures = [var.wanted]
}
