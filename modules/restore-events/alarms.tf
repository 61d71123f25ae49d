# Whether anything is there. It acts when that changes: while one message stays, no later one is told of.
resource "aws_cloudwatch_metric_alarm" "dead_letters" {
  alarm_name          = local.names.alarm
  alarm_description   = "Messages are in the secondary DLQ ${local.names.dead_letter_queue}: a restore of a DynamoDB table was given up, or its event or its report was not delivered. The attributes of the message say why. Runbook: docs/operating.md#restores-dlq-not-empty"
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.dead_letters.name }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  # SQS sends no figures for a queue that has been idle for six hours: idle is empty.
  treat_missing_data = "notBreaching"
  alarm_actions      = compact([var.topic_arn])
  ok_actions         = compact([var.topic_arn])
  tags               = local.tags
}

# Each time that something is given up, whatever was there before: what was sent to the DLQ, a minute at a time, by the worker
# and by the rules. What SQS moves there by itself is not among it
# (docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html): that takes a
# worker that dies at each delivery, and has the alarm of restore-worker on its errors.
resource "aws_cloudwatch_metric_alarm" "given_up" {
  alarm_name          = local.names.given_up_alarm
  alarm_description   = "A restore of a DynamoDB table was given up, or its event or its report could not be delivered, within the last minute. The attributes of the message in ${local.names.dead_letter_queue} say why. Runbook: docs/operating.md#restore-given-up"
  namespace           = "AWS/SQS"
  metric_name         = "NumberOfMessagesSent"
  dimensions          = { QueueName = aws_sqs_queue.dead_letters.name }
  statistic           = "Sum"
  period              = 60
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  # No figures mean that nothing was sent. So it is ready for the next a minute later.
  treat_missing_data = "notBreaching"
  alarm_actions      = compact([var.topic_arn])
  # No OK notification: a minute later nothing is mended.
  tags = local.tags
}
