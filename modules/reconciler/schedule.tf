# A rule and not EventBridge Scheduler, which needs a role to invoke the function with.
resource "aws_cloudwatch_event_rule" "schedule" {
  name        = local.names.rule
  description = "Looks for restores of DynamoDB tables whose event never came"
  # EventBridge refuses "1 minutes" (docs.aws.amazon.com/eventbridge/latest/userguide/eb-rate-expressions.html).
  schedule_expression = var.interval_minutes == 1 ? "rate(1 minute)" : "rate(${var.interval_minutes} minutes)"
  tags                = local.tags
}

resource "aws_cloudwatch_event_target" "function" {
  rule      = aws_cloudwatch_event_rule.schedule.name
  target_id = "reconciler"
  arn       = module.function.function.arn

  # The function may be invoked, and its logs are kept, before the first look.
  depends_on = [aws_lambda_permission.schedule, aws_iam_role_policy.reconciler]
}

resource "aws_lambda_permission" "schedule" {
  statement_id  = "OnlyThisRuleInvokes"
  action        = "lambda:InvokeFunction"
  function_name = module.function.function.name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.schedule.arn
}

# Lambda retries a failed run twice and then drops it. A run that succeeds in the end raises no alarm
# (docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html).
resource "aws_cloudwatch_metric_alarm" "failing" {
  alarm_name          = local.names.alarm
  alarm_description   = "The reconciler of ${var.name} fails, so a restore whose event was lost would not be noticed. The log group ${module.function.log_group.name} says why. Runbook: docs/operating.md#reconciler-failing"
  namespace           = "AWS/Lambda"
  metric_name         = "AsyncEventsDropped"
  dimensions          = { FunctionName = module.function.function.name }
  statistic           = "Sum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0

  # Two intervals, so that the alarm stays where it is as long as each look fails, however the looks fall into periods.
  period              = 60 * var.interval_minutes
  evaluation_periods  = 2
  datapoints_to_alarm = 1
  # Nothing is reported where nothing was dropped.
  treat_missing_data = "notBreaching"

  alarm_actions = compact([var.binding.topic_arn])
  ok_actions    = compact([var.binding.topic_arn])
  tags          = local.tags
}

# A table that may not be described (because of the policy of its owner, for example) does not hide other tables, and the run
# succeeds. Two runs in a row, because a throttled table is seen by the next run.
resource "aws_cloudwatch_metric_alarm" "unseen" {
  alarm_name          = local.names.unseen
  alarm_description   = "The reconciler of ${var.name} may not describe some tables that match table_patterns.target. A restore into one of these names whose event was lost would not be noticed. The log group ${module.function.log_group.name} names them, with the reasons. Allow its role dynamodb:DescribeTable on them, or take them out of table_patterns.target. Runbook: docs/operating.md#reconciler-tables-unseen"
  namespace           = "DynamoDBRestore"
  metric_name         = "TablesUnseen"
  dimensions          = { service = var.name }
  statistic           = "Maximum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0

  # Two intervals a period, so that each has a run however they fall into periods.
  period              = 120 * var.interval_minutes
  evaluation_periods  = 2
  datapoints_to_alarm = 2
  treat_missing_data  = "notBreaching"

  alarm_actions = compact([var.binding.topic_arn])
  ok_actions    = compact([var.binding.topic_arn])
  tags          = local.tags
}
