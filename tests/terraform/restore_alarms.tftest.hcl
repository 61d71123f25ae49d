# What the worker cannot tell by itself: that it was killed, or nearly, and that yet another restore was given up while an
# older message still lies in the DLQ.

mock_provider "aws" {
  source = "./tests/terraform/mocks"
}

variables {
  name    = "demo"
  senders = { worker = "arn:aws:iam::123456789012:role/demo-restore-worker" }
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
}

run "each_give_up_raises_the_alarm_anew" {
  module {
    source = "./modules/restore-events"
  }

  variables {
    topic_arn = "arn:aws:sns:us-east-1:123456789012:demo-notifications"
  }

  # Not the depth of the queue: while that stays above nothing, the alarm stays as it is, and acts on nothing.
  assert {
    condition     = [aws_cloudwatch_metric_alarm.given_up.namespace, aws_cloudwatch_metric_alarm.given_up.metric_name, aws_cloudwatch_metric_alarm.given_up.statistic, aws_cloudwatch_metric_alarm.given_up.dimensions["QueueName"]] == ["AWS/SQS", "NumberOfMessagesSent", "Sum", "demo-restores-dlq"]
    error_message = "Alarm: ${jsonencode(aws_cloudwatch_metric_alarm.given_up)}"
  }

  # It is over within a minute, whatever still lies there.
  assert {
    condition     = [aws_cloudwatch_metric_alarm.given_up.period, aws_cloudwatch_metric_alarm.given_up.evaluation_periods, aws_cloudwatch_metric_alarm.given_up.threshold] == [60, 1, 0] && aws_cloudwatch_metric_alarm.given_up.comparison_operator == "GreaterThanThreshold" && aws_cloudwatch_metric_alarm.given_up.treat_missing_data == "notBreaching"
    error_message = "Alarm: ${jsonencode(aws_cloudwatch_metric_alarm.given_up)}"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.given_up.alarm_actions == toset(["arn:aws:sns:us-east-1:123456789012:demo-notifications"]) && aws_cloudwatch_metric_alarm.given_up.ok_actions == null
    error_message = "Actions: ${jsonencode([aws_cloudwatch_metric_alarm.given_up.alarm_actions, aws_cloudwatch_metric_alarm.given_up.ok_actions])}"
  }

  assert {
    condition     = output.alarms.given_up.name == "demo-restore-given-up"
    error_message = "Output: ${jsonencode(output.alarms.given_up)}"
  }
}

run "a_worker_that_is_killed_or_nearly_so_raises_an_alarm" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    notifications = { topic_arn = "arn:aws:sns:us-east-1:123456789012:demo-notifications" }
  }

  assert {
    condition = {
      for kind, alarm in aws_cloudwatch_metric_alarm.worker :
      kind => "${alarm.namespace} ${alarm.statistic} ${alarm.metric_name} of ${alarm.dimensions["FunctionName"]} ${alarm.comparison_operator} ${alarm.threshold}, ${alarm.treat_missing_data}"
      } == {
      failing = "AWS/Lambda Sum Errors of demo-restore-worker GreaterThanThreshold 0, notBreaching"
      slow    = "AWS/Lambda Maximum Duration of demo-restore-worker GreaterThanThreshold 96000, notBreaching"
    }
    error_message = "Alarms: ${jsonencode(aws_cloudwatch_metric_alarm.worker)}"
  }

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.worker : alarm.alarm_actions == toset(["arn:aws:sns:us-east-1:123456789012:demo-notifications"]) && alarm.ok_actions == alarm.alarm_actions])
    error_message = "Actions: ${jsonencode({ for kind, alarm in aws_cloudwatch_metric_alarm.worker : kind => [alarm.alarm_actions, alarm.ok_actions] })}"
  }

  assert {
    condition     = { for kind, alarm in output.alarms : kind => alarm.name } == { failing = "demo-restore-worker-failing", slow = "demo-restore-worker-slow" }
    error_message = "Output: ${jsonencode(output.alarms)}"
  }
}

# A message whose function died comes back after the visibility timeout: an alarm that was over by then would act each time.
run "deliveries_that_die_one_after_another_are_one_alarm" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    lambda = { timeout = 600 }
    restore_queue = {
      url                        = "https://sqs.us-east-1.amazonaws.com/123456789012/demo-restores"
      arn                        = "arn:aws:sqs:us-east-1:123456789012:demo-restores"
      visibility_timeout_seconds = 3700
      message_retention_seconds  = 1209600
    }
  }

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.worker : alarm.period * alarm.evaluation_periods == 4200 && alarm.datapoints_to_alarm == 1])
    error_message = "Alarms: ${jsonencode(aws_cloudwatch_metric_alarm.worker)}"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.worker["slow"].threshold == 576000
    error_message = "Threshold: ${aws_cloudwatch_metric_alarm.worker["slow"].threshold}"
  }

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.worker : length(alarm.alarm_actions) == 0])
    error_message = "Nobody is to be told, and yet: ${jsonencode(aws_cloudwatch_metric_alarm.worker)}"
  }
}

# CloudWatch looks back one day at most.
run "the_longest_visibility_timeout_is_within_what_cloudwatch_looks_back" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    restore_queue = {
      url                        = "https://sqs.us-east-1.amazonaws.com/123456789012/demo-restores"
      arn                        = "arn:aws:sqs:us-east-1:123456789012:demo-restores"
      visibility_timeout_seconds = 43200
      message_retention_seconds  = 604800
    }
  }

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.worker : alarm.period * alarm.evaluation_periods <= 86400])
    error_message = "Alarms: ${jsonencode(aws_cloudwatch_metric_alarm.worker)}"
  }
}
