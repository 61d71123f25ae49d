# What the worker itself cannot report, because it is killed: its time is over, and its message is delivered again after the
# visibility timeout of the queue. There is no report, no message in the DLQ and no log line of its own.
locals {
  alarms = {
    failing = {
      metric      = "Errors"
      statistic   = "Sum"
      threshold   = 0
      description = "An invocation of the restore worker of ${var.name} was killed or failed as a whole. The restore continues with the next delivery of its message, if there is one. The log group ${module.function.log_group.name} has its last lines. Runbook: docs/operating.md#restore-worker-failing"
    }
    # The worker waits for nothing in its last 48 seconds. So a run that goes on into the last 24 was delayed by slow calls.
    slow = {
      metric      = "Duration"
      statistic   = "Maximum"
      threshold   = 1000 * (var.lambda.timeout - 24)
      description = "An invocation of the restore worker of ${var.name} took nearly all of its ${var.lambda.timeout} seconds (lambda.timeout). An AWS service answers slowly or not at all, and the next invocation may be killed. The log group ${module.function.log_group.name} says what it was doing. Runbook: docs/operating.md#restore-worker-slow"
    }
  }

  # Several killed deliveries in a row are one alarm: it lasts until the next delivery, and one period more.
  alarm_period  = 300
  alarm_periods = ceil(var.restore_queue.visibility_timeout_seconds / local.alarm_period) + 1
}

resource "aws_cloudwatch_metric_alarm" "worker" {
  for_each = local.alarms

  alarm_name          = local.names["${each.key}_alarm"]
  alarm_description   = each.value.description
  namespace           = "AWS/Lambda"
  metric_name         = each.value.metric
  dimensions          = { FunctionName = module.function.function.name }
  statistic           = each.value.statistic
  period              = local.alarm_period
  evaluation_periods  = local.alarm_periods
  datapoints_to_alarm = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.threshold
  # No run, no data.
  treat_missing_data = "notBreaching"
  alarm_actions      = compact([var.notifications.topic_arn])
  ok_actions         = compact([var.notifications.topic_arn])
  tags               = local.tags
}
