# Somebody must hear of a restore that failed: by the topic that is made, by one that is given, and by choice by nobody.

mock_provider "aws" {
  source = "./tests/terraform/mocks"
}

variables {
  name    = "demo"
  senders = { worker = "arn:aws:iam::123456789012:role/demo-restore-worker" }
}

run "a_topic_is_made_and_alarms_of_the_deployment_publish_to_it" {
  module {
    source = "./modules/notifications"
  }

  variables {
    tags = { team = "platform" }
  }

  override_resource {
    target = aws_sns_topic.notifications
    values = { arn = "arn:aws:sns:us-east-1:123456789012:demo-notifications" }
  }

  assert {
    condition     = aws_sns_topic.notifications[0].name == "demo-notifications" && output.topic_arn == "arn:aws:sns:us-east-1:123456789012:demo-notifications" && aws_sns_topic.notifications[0].kms_master_key_id == null
    error_message = "Topic: ${jsonencode(aws_sns_topic.notifications[0])}"
  }

  assert {
    condition     = aws_sns_topic.notifications[0].tags == tomap({ team = "platform", "dynamodb-restore" = "demo" })
    error_message = "Tags: ${jsonencode(aws_sns_topic.notifications[0].tags)}"
  }

  assert {
    condition     = aws_sns_topic_policy.notifications[0].arn == "arn:aws:sns:us-east-1:123456789012:demo-notifications"
    error_message = "The topic policy is on ${aws_sns_topic_policy.notifications[0].arn}"
  }

  # By name, of this account and region alone.
  assert {
    condition = [for statement in data.aws_iam_policy_document.topic[0].statement : {
      sid       = statement.sid
      effect    = coalesce(statement.effect, "Allow")
      resource  = one(statement.resources)
      who       = one(one(statement.principals).identifiers)
      condition = "${one(statement.condition).test} ${one(statement.condition).variable} ${join(" ", one(statement.condition).values)}"
      }] == [
      { sid = "AlarmsOfTheDeploymentPublish", effect = "Allow", resource = "arn:aws:sns:us-east-1:123456789012:demo-notifications", who = "cloudwatch.amazonaws.com", condition = "ArnLike aws:SourceArn arn:aws:cloudwatch:us-east-1:123456789012:alarm:demo-*" },
      { sid = "DenyPlainText", effect = "Deny", resource = "arn:aws:sns:us-east-1:123456789012:demo-notifications", who = "*", condition = "Bool aws:SecureTransport false" },
    ]
    error_message = "Topic policy: ${jsonencode(data.aws_iam_policy_document.topic[0].statement)}"
  }
}

run "a_given_topic_is_used_and_none_is_made" {
  module {
    source = "./modules/notifications"
  }

  variables {
    create_topic = false
    topic_arn    = "arn:aws:sns:us-east-1:123456789012:oncall"
  }

  assert {
    condition     = length(aws_sns_topic.notifications) == 0 && length(aws_sns_topic_policy.notifications) == 0 && output.topic_arn == "arn:aws:sns:us-east-1:123456789012:oncall"
    error_message = "Topics made: ${length(aws_sns_topic.notifications)}, policies made: ${length(aws_sns_topic_policy.notifications)}, topic ${jsonencode(output.topic_arn)}"
  }
}

run "the_alarms_of_the_events_tell_the_topic" {
  module {
    source = "./modules/restore-events"
  }

  variables {
    topic_arn = "arn:aws:sns:us-east-1:123456789012:oncall"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.dead_letters.alarm_actions == toset(["arn:aws:sns:us-east-1:123456789012:oncall"]) && aws_cloudwatch_metric_alarm.dead_letters.ok_actions == toset(["arn:aws:sns:us-east-1:123456789012:oncall"])
    error_message = "The alarm tells: ${join(", ", aws_cloudwatch_metric_alarm.dead_letters.alarm_actions)}"
  }
}

run "nobody_is_told_where_no_topic_is_wanted" {
  module {
    source = "./modules/restore-events"
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.dead_letters.alarm_actions) == 0 && length(aws_cloudwatch_metric_alarm.given_up.alarm_actions) == 0
    error_message = "The alarm tells ${join(", ", aws_cloudwatch_metric_alarm.dead_letters.alarm_actions)}"
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
    condition     = !contains(concat(data.aws_iam_policy_document.records["worker"].statement[*].sid, data.aws_iam_policy_document.records["operator"].statement[*].sid), "Notify") && local.environment.NOTIFICATION_TOPIC_ARN == ""
    error_message = "Statements ${join(", ", data.aws_iam_policy_document.records["worker"].statement[*].sid)}; topic \"${local.environment.NOTIFICATION_TOPIC_ARN}\""
  }

  assert {
    condition     = local.environment.EVENT_BUS_NAME == "reports" && contains(flatten(data.aws_iam_policy_document.records["worker"].statement[*].resources), "arn:aws:events:us-east-1:123456789012:event-bus/reports")
    error_message = "Bus ${local.environment.EVENT_BUS_NAME}; resources ${join(", ", flatten(data.aws_iam_policy_document.records["worker"].statement[*].resources))}"
  }
}
