# The reconciler is the net under the events: it must run, be told what the worker is told, touch next to nothing, and be
# missed when it fails.

mock_provider "aws" {
  source = "./tests/terraform/mocks"
}

variables {
  name = "demo"
  binding = {
    restore_table           = { name = "demo-restores", arn = "arn:aws:dynamodb:us-east-1:123456789012:table/demo-restores" }
    layer_arn               = "arn:aws:lambda:us-east-1:123456789012:layer:demo-dependencies:1"
    longest_silence_seconds = 1920
    table_patterns          = { source = ["orders"], target = ["orders-*"] }
    configuration           = "0f1e"
    topic_arn               = "arn:aws:sns:us-east-1:123456789012:demo-notifications"
  }
  restore_queue = {
    url = "https://sqs.us-east-1.amazonaws.com/123456789012/demo-restores"
    arn = "arn:aws:sqs:us-east-1:123456789012:demo-restores"
  }
}

override_resource {
  target = module.function.aws_lambda_function.this
  values = { arn = "arn:aws:lambda:us-east-1:123456789012:function:demo-reconciler" }
}

override_resource {
  target = aws_cloudwatch_event_rule.schedule
  values = { arn = "arn:aws:events:us-east-1:123456789012:rule/demo-reconciler" }
}

run "a_rule_invokes_it_every_quarter_of_an_hour_and_only_that_rule_may" {
  module {
    source = "./modules/reconciler"
  }

  assert {
    condition     = aws_cloudwatch_event_rule.schedule.schedule_expression == "rate(15 minutes)" && output.rule.schedule == "rate(15 minutes)"
    error_message = "Schedule: ${aws_cloudwatch_event_rule.schedule.schedule_expression}"
  }

  assert {
    condition     = aws_cloudwatch_event_target.function.rule == "demo-reconciler" && aws_cloudwatch_event_target.function.arn == "arn:aws:lambda:us-east-1:123456789012:function:demo-reconciler"
    error_message = "Rule ${aws_cloudwatch_event_target.function.rule} invokes ${aws_cloudwatch_event_target.function.arn}"
  }

  assert {
    condition     = [aws_lambda_permission.schedule.action, aws_lambda_permission.schedule.function_name, aws_lambda_permission.schedule.principal, aws_lambda_permission.schedule.source_arn] == ["lambda:InvokeFunction", "demo-reconciler", "events.amazonaws.com", "arn:aws:events:us-east-1:123456789012:rule/demo-reconciler"]
    error_message = "Permission: ${jsonencode(aws_lambda_permission.schedule)}"
  }
}

run "every_minute_is_written_as_eventbridge_wants_it" {
  module {
    source = "./modules/reconciler"
  }

  variables {
    interval_minutes = 1
  }

  assert {
    condition     = aws_cloudwatch_event_rule.schedule.schedule_expression == "rate(1 minute)"
    error_message = "Schedule: ${aws_cloudwatch_event_rule.schedule.schedule_expression}"
  }
}

run "it_is_told_all_that_it_reads" {
  module {
    source = "./modules/reconciler"
  }

  variables {
    follow = { backups = false }
    lambda = { memory_size = 512, runtime = "python3.12", log_level = "DEBUG" }
  }

  assert {
    condition = local.function.environment == {
      RESTORE_TABLE_NAME           = "demo-restores"
      RESTORE_QUEUE_URL            = "https://sqs.us-east-1.amazonaws.com/123456789012/demo-restores"
      CONFIGURATION                = "0f1e"
      FOLLOW                       = "{\"backup_jobs\":true,\"backups\":false,\"point_in_time\":true}"
      LONGEST_SILENCE_SECONDS      = "1920"
      POWERTOOLS_SERVICE_NAME      = "demo"
      POWERTOOLS_METRICS_NAMESPACE = "DynamoDBRestore"
    }
    error_message = "Environment: ${jsonencode(local.function.environment)}"
  }

  assert {
    condition     = [local.function.handler, one(local.function.layers), tostring(local.function.timeout)] == ["dynamodb_restore.handlers.reconciler.handler", "arn:aws:lambda:us-east-1:123456789012:layer:demo-dependencies:1", "300"] && endswith(local.function.code.filename, "modules/reconciler/../../dist/dynamodb_restore.zip")
    error_message = "Function: ${jsonencode(local.function)}"
  }

  assert {
    condition     = [local.function.memory_size, local.function.runtime, local.function.log_level] == [512, "python3.12", "DEBUG"]
    error_message = "Function: ${jsonencode(local.function)}"
  }

  assert {
    condition     = [output.function.name, output.role.name, output.log_group.name, output.rule.name, output.alarm.name] == ["demo-reconciler", "demo-reconciler-us-east-1", "/aws/lambda/demo-reconciler", "demo-reconciler", "demo-reconciler-failing"]
    error_message = "Outputs: ${jsonencode([output.function, output.role, output.log_group, output.rule, output.alarm])}"
  }
}

run "it_may_do_these_things_with_these_things_and_nothing_else" {
  module {
    source = "./modules/reconciler"
  }

  assert {
    condition = {
      for statement in data.aws_iam_policy_document.reconciler.statement :
      statement.sid => { actions = sort(statement.actions), resources = tolist(statement.resources) }
      } == {
      ListTables                         = { actions = tolist(["dynamodb:ListTables"]), resources = tolist(["*"]) }
      DescribeTargets                    = { actions = tolist(["dynamodb:DescribeTable"]), resources = tolist(["arn:aws:dynamodb:us-east-1:123456789012:table/orders-*"]) }
      ReadRestoreRecordsAndConfiguration = { actions = tolist(["dynamodb:GetItem"]), resources = tolist(["arn:aws:dynamodb:us-east-1:123456789012:table/demo-restores"]) }
      KeepItsOwnNotes                    = { actions = tolist(["dynamodb:PutItem"]), resources = tolist(["arn:aws:dynamodb:us-east-1:123456789012:table/demo-restores"]) }
      AskForTheRestoreToBeFollowed       = { actions = tolist(["sqs:SendMessage"]), resources = tolist(["arn:aws:sqs:us-east-1:123456789012:demo-restores"]) }
    }
    error_message = "Statements: ${jsonencode(data.aws_iam_policy_document.reconciler.statement)}"
  }

  # Of the restore table it reads records of restores, and writes its own alone.
  assert {
    condition = {
      for statement in data.aws_iam_policy_document.reconciler.statement :
      statement.sid => "${one(statement.condition).test} ${one(statement.condition).variable} ${join(" ", sort(one(statement.condition).values))}" if length(statement.condition) > 0
      } == {
      ReadRestoreRecordsAndConfiguration = "ForAllValues:StringLike dynamodb:LeadingKeys configuration reconciler target#*"
      KeepItsOwnNotes                    = "ForAllValues:StringEquals dynamodb:LeadingKeys reconciler"
    }
    error_message = "Conditions: ${jsonencode({ for statement in data.aws_iam_policy_document.reconciler.statement : statement.sid => statement.condition })}"
  }

  assert {
    condition     = aws_iam_role_policy.reconciler.role == "demo-reconciler-us-east-1"
    error_message = "The policy is on ${aws_iam_role_policy.reconciler.role}"
  }
}

run "keys_are_usable_only_through_the_services_that_hold_the_data" {
  module {
    source = "./modules/reconciler"
  }

  variables {
    binding = {
      restore_table           = { name = "demo-restores", arn = "arn:aws:dynamodb:us-east-1:123456789012:table/demo-restores" }
      layer_arn               = "arn:aws:lambda:us-east-1:123456789012:layer:demo-dependencies:1"
      longest_silence_seconds = 1920
      table_patterns          = { source = ["orders"], target = ["orders-*"] }
      configuration           = "0f1e"
      kms_key_arn             = "arn:aws:kms:us-east-1:123456789012:key/worker"
    }
    kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/own"
  }

  assert {
    condition = [for statement in data.aws_iam_policy_document.reconciler.statement : {
      actions   = sort(statement.actions)
      resources = sort(statement.resources)
      variable  = one(statement.condition).variable
      services  = sort(one(statement.condition).values)
      } if statement.sid == "UseTheKey"] == [{
      actions   = tolist(["kms:Decrypt", "kms:GenerateDataKey"])
      resources = tolist(["arn:aws:kms:us-east-1:123456789012:key/own", "arn:aws:kms:us-east-1:123456789012:key/worker"])
      variable  = "kms:ViaService"
      services  = tolist(["dynamodb.us-east-1.amazonaws.com", "lambda.us-east-1.amazonaws.com", "sqs.us-east-1.amazonaws.com"])
    }]
    error_message = "Statements: ${jsonencode(data.aws_iam_policy_document.reconciler.statement)}"
  }

  assert {
    condition     = local.function.kms_key_arn == "arn:aws:kms:us-east-1:123456789012:key/own"
    error_message = "Key of the function: ${jsonencode(local.function.kms_key_arn)}"
  }

  # This binding has no topic: nobody is told, and the alarm shows it all the same.
  assert {
    condition     = length(aws_cloudwatch_metric_alarm.failing.alarm_actions) == 0 && length(aws_cloudwatch_metric_alarm.failing.ok_actions) == 0
    error_message = "The alarm tells ${jsonencode(aws_cloudwatch_metric_alarm.failing.alarm_actions)}"
  }
}

run "its_failing_sets_off_an_alarm" {
  module {
    source = "./modules/reconciler"
  }

  variables {
    interval_minutes = 20
  }

  assert {
    condition = {
      metric    = "${aws_cloudwatch_metric_alarm.failing.namespace} ${aws_cloudwatch_metric_alarm.failing.metric_name} ${aws_cloudwatch_metric_alarm.failing.statistic}"
      function  = aws_cloudwatch_metric_alarm.failing.dimensions["FunctionName"]
      above     = "${aws_cloudwatch_metric_alarm.failing.comparison_operator} ${aws_cloudwatch_metric_alarm.failing.threshold}"
      looks     = "${aws_cloudwatch_metric_alarm.failing.datapoints_to_alarm} of ${aws_cloudwatch_metric_alarm.failing.evaluation_periods} in ${aws_cloudwatch_metric_alarm.failing.period} s"
      otherwise = aws_cloudwatch_metric_alarm.failing.treat_missing_data
      } == {
      metric    = "AWS/Lambda AsyncEventsDropped Sum"
      function  = "demo-reconciler"
      above     = "GreaterThanThreshold 0"
      looks     = "1 of 2 in 1200 s"
      otherwise = "notBreaching"
    }
    error_message = "Alarm: ${jsonencode(aws_cloudwatch_metric_alarm.failing)}"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.failing.alarm_actions == toset(["arn:aws:sns:us-east-1:123456789012:demo-notifications"])
    error_message = "The alarm tells ${join(", ", aws_cloudwatch_metric_alarm.failing.alarm_actions)}"
  }
}

run "a_table_that_it_cannot_see_sets_off_an_alarm" {
  module {
    source = "./modules/reconciler"
  }

  variables {
    interval_minutes = 20
  }

  assert {
    condition = {
      metric    = "${aws_cloudwatch_metric_alarm.unseen.namespace} ${aws_cloudwatch_metric_alarm.unseen.metric_name} ${aws_cloudwatch_metric_alarm.unseen.statistic}"
      of        = aws_cloudwatch_metric_alarm.unseen.dimensions
      above     = "${aws_cloudwatch_metric_alarm.unseen.comparison_operator} ${aws_cloudwatch_metric_alarm.unseen.threshold}"
      looks     = "${aws_cloudwatch_metric_alarm.unseen.datapoints_to_alarm} of ${aws_cloudwatch_metric_alarm.unseen.evaluation_periods} in ${aws_cloudwatch_metric_alarm.unseen.period} s"
      otherwise = aws_cloudwatch_metric_alarm.unseen.treat_missing_data
      } == {
      metric    = "DynamoDBRestore TablesUnseen Maximum"
      of        = tomap({ service = "demo" })
      above     = "GreaterThanThreshold 0"
      looks     = "2 of 2 in 2400 s"
      otherwise = "notBreaching"
    }
    error_message = "Alarm: ${jsonencode(aws_cloudwatch_metric_alarm.unseen)}"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.unseen.alarm_actions == toset(["arn:aws:sns:us-east-1:123456789012:demo-notifications"]) && output.unseen_alarm.name == "demo-reconciler-tables-unseen"
    error_message = "The alarm ${output.unseen_alarm.name} tells ${join(", ", aws_cloudwatch_metric_alarm.unseen.alarm_actions)}"
  }
}

run "its_code_may_come_from_a_bucket" {
  module {
    source = "./modules/reconciler"
  }

  variables {
    artifacts = { code = { bucket = "builds", key = "code.zip", source_hash = "VpTQii5T/8rgwxA+Wtb2B2q9lg6x+KVldwQLwQKPcCs=" } }
  }

  assert {
    condition     = local.function.code.filename == null && local.function.code.s3.bucket == "builds"
    error_message = "Code: ${jsonencode(local.function.code)}"
  }
}

run "everything_of_the_reconciler_is_tagged" {
  module {
    source = "./modules/reconciler"
  }

  variables {
    tags = { team = "platform" }
  }

  assert {
    condition     = alltrue([for tags in [aws_cloudwatch_event_rule.schedule.tags, aws_cloudwatch_metric_alarm.failing.tags] : tags == tomap({ team = "platform", "dynamodb-restore" = "demo" })])
    error_message = "Tags: ${jsonencode([aws_cloudwatch_event_rule.schedule.tags, aws_cloudwatch_metric_alarm.failing.tags])}"
  }
}

# --- input that cannot work

run "the_reconciler_refuses_an_illegal_name" {
  command = plan

  module {
    source = "./modules/reconciler"
  }

  variables {
    name = "a b"
  }

  expect_failures = [var.name]
}

run "looking_all_the_time_fails" {
  command = plan

  module {
    source = "./modules/reconciler"
  }

  variables {
    interval_minutes = 0
  }

  expect_failures = [var.interval_minutes]
}

run "looking_less_often_than_every_hour_fails" {
  command = plan

  module {
    source = "./modules/reconciler"
  }

  variables {
    interval_minutes = 61
  }

  expect_failures = [var.interval_minutes]
}

run "looking_every_minute_and_a_half_fails" {
  command = plan

  module {
    source = "./modules/reconciler"
  }

  variables {
    interval_minutes = 1.5
  }

  expect_failures = [var.interval_minutes]
}

run "looking_for_no_kind_fails" {
  command = plan

  module {
    source = "./modules/reconciler"
  }

  variables {
    follow = { point_in_time = false, backups = false, backup_jobs = false }
  }

  expect_failures = [var.follow]
}
