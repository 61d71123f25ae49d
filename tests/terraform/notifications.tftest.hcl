# Somebody must hear of a restore that failed: by the topic that is made, by one that is given, and by choice by nobody.

mock_provider "aws" {
  source = "./tests/terraform/mocks"
}

variables {
  name    = "demo"
  senders = { worker = "arn:aws:iam::123456789012:role/demo-restore-worker" }
}

run "a_topic_is_made_and_the_alarm_publishes_to_it" {
  module {
    source = "./modules/restore-events"
  }

  override_resource {
    target = aws_sns_topic.notifications
    values = { arn = "arn:aws:sns:us-east-1:123456789012:demo-notifications" }
  }
  override_resource {
    target = aws_cloudwatch_metric_alarm.dead_letters
    values = { arn = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:demo-restores-dlq-not-empty" }
  }
  override_resource {
    target = aws_cloudwatch_metric_alarm.given_up
    values = { arn = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:demo-restore-given-up" }
  }

  assert {
    condition     = aws_sns_topic.notifications[0].name == "demo-notifications" && output.topic_arn == "arn:aws:sns:us-east-1:123456789012:demo-notifications"
    error_message = "Topic: ${jsonencode(output.topic_arn)}"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.dead_letters.alarm_actions == toset(["arn:aws:sns:us-east-1:123456789012:demo-notifications"])
    error_message = "The alarm tells: ${join(", ", aws_cloudwatch_metric_alarm.dead_letters.alarm_actions)}"
  }

  assert {
    condition     = aws_sns_topic_policy.notifications[0].arn == "arn:aws:sns:us-east-1:123456789012:demo-notifications"
    error_message = "The topic policy is on ${aws_sns_topic_policy.notifications[0].arn}"
  }

  assert {
    condition = [for statement in data.aws_iam_policy_document.topic[0].statement : {
      sid       = statement.sid
      effect    = coalesce(statement.effect, "Allow")
      resource  = one(statement.resources)
      who       = one(one(statement.principals).identifiers)
      condition = join(" ", one(statement.condition).values)
      }] == [
      { sid = "OnlyTheseAlarmsPublish", effect = "Allow", resource = "arn:aws:sns:us-east-1:123456789012:demo-notifications", who = "cloudwatch.amazonaws.com", condition = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:demo-restores-dlq-not-empty arn:aws:cloudwatch:us-east-1:123456789012:alarm:demo-restore-given-up" },
      { sid = "DenyPlainText", effect = "Deny", resource = "arn:aws:sns:us-east-1:123456789012:demo-notifications", who = "*", condition = "false" },
    ]
    error_message = "Topic policy: ${jsonencode(data.aws_iam_policy_document.topic[0].statement)}"
  }
}

run "alarms_that_are_named_publish_too_and_no_others" {
  module {
    source = "./modules/restore-events"
  }

  override_resource {
    target = aws_cloudwatch_metric_alarm.dead_letters
    values = { arn = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:demo-restores-dlq-not-empty" }
  }
  override_resource {
    target = aws_cloudwatch_metric_alarm.given_up
    values = { arn = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:demo-restore-given-up" }
  }

  variables {
    alarm_arns = ["arn:aws:cloudwatch:us-east-1:123456789012:alarm:demo-reconciler-failing"]
  }

  assert {
    condition = one(data.aws_iam_policy_document.topic[0].statement[0].condition).values == tolist([
      "arn:aws:cloudwatch:us-east-1:123456789012:alarm:demo-restores-dlq-not-empty",
      "arn:aws:cloudwatch:us-east-1:123456789012:alarm:demo-restore-given-up",
      "arn:aws:cloudwatch:us-east-1:123456789012:alarm:demo-reconciler-failing",
    ])
    error_message = "Topic policy: ${jsonencode(data.aws_iam_policy_document.topic[0].statement)}"
  }
}

run "a_given_topic_is_used_and_none_is_made" {
  module {
    source = "./modules/restore-events"
  }

  variables {
    notifications = {
      create_topic = false
      topic_arn    = "arn:aws:sns:us-east-1:123456789012:oncall"
    }
  }

  assert {
    condition     = length(aws_sns_topic.notifications) == 0 && length(aws_sns_topic_policy.notifications) == 0
    error_message = "Topics made: ${length(aws_sns_topic.notifications)}, policies made: ${length(aws_sns_topic_policy.notifications)}"
  }

  assert {
    condition     = output.topic_arn == "arn:aws:sns:us-east-1:123456789012:oncall" && aws_cloudwatch_metric_alarm.dead_letters.alarm_actions == toset(["arn:aws:sns:us-east-1:123456789012:oncall"])
    error_message = "Topic ${jsonencode(output.topic_arn)}, alarm tells ${join(", ", aws_cloudwatch_metric_alarm.dead_letters.alarm_actions)}"
  }
}

run "nobody_is_told_where_no_topic_is_wanted" {
  module {
    source = "./modules/restore-events"
  }

  variables {
    notifications = { create_topic = false }
  }

  assert {
    condition     = output.topic_arn == null && length(aws_cloudwatch_metric_alarm.dead_letters.alarm_actions) == 0
    error_message = "Topic ${jsonencode(output.topic_arn)}, alarm tells ${join(", ", aws_cloudwatch_metric_alarm.dead_letters.alarm_actions)}"
  }
}

run "without_a_topic_the_worker_may_not_publish_and_is_told_so" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
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
    notifications = { event_bus_name = "reports" }
  }

  assert {
    condition     = !contains(concat(data.aws_iam_policy_document.records.statement[*].sid, data.aws_iam_policy_document.operator.statement[*].sid), "Notify") && local.environment.NOTIFICATION_TOPIC_ARN == ""
    error_message = "Statements ${join(", ", data.aws_iam_policy_document.records.statement[*].sid)}; topic \"${local.environment.NOTIFICATION_TOPIC_ARN}\""
  }

  assert {
    condition     = local.environment.EVENT_BUS_NAME == "reports" && contains(flatten(data.aws_iam_policy_document.records.statement[*].resources), "arn:aws:events:us-east-1:123456789012:event-bus/reports")
    error_message = "Bus ${local.environment.EVENT_BUS_NAME}; resources ${join(", ", flatten(data.aws_iam_policy_document.records.statement[*].resources))}"
  }
}
