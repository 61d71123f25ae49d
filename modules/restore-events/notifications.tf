locals {
  topic_arns = var.notifications.create_topic ? aws_sns_topic.notifications[*].arn : compact([var.notifications.topic_arn])
}

# Encrypted only with a customer key. With the AWS managed key (alias/aws/sns) the alarm below could not publish:
# CloudWatch needs a key policy that lets it use the key, and that key's policy cannot be changed
# (repost.aws/knowledge-center/cloudwatch-configure-alarm-sns). A topic without a key still travels over TLS and
# SNS keeps its messages on disks that AWS encrypts.
resource "aws_sns_topic" "notifications" {
  count = var.notifications.create_topic ? 1 : 0

  name              = local.names.topic
  kms_master_key_id = var.kms_key_arn
  tags              = local.tags
}

data "aws_iam_policy_document" "topic" {
  count = var.notifications.create_topic ? 1 : 0

  statement {
    sid       = "OnlyTheseAlarmsPublish"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.notifications[0].arn]

    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = concat([for alarm in [aws_cloudwatch_metric_alarm.dead_letters, aws_cloudwatch_metric_alarm.given_up] : alarm.arn], var.alarm_arns)
    }
  }

  statement {
    sid       = "DenyPlainText"
    effect    = "Deny"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.notifications[0].arn]

    # Every principal: what is denied is the transport.
    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_sns_topic_policy" "notifications" {
  count = var.notifications.create_topic ? 1 : 0

  arn    = aws_sns_topic.notifications[0].arn
  policy = data.aws_iam_policy_document.topic[0].json
}

# Whether anything is there. It acts when that changes: while one message stays, no later one is told of.
resource "aws_cloudwatch_metric_alarm" "dead_letters" {
  alarm_name          = local.names.alarm
  alarm_description   = "Messages are in the secondary DLQ ${local.names.dead_letter_queue}: a restore of a DynamoDB table was given up, or its event was not delivered. The attributes of the message say why. Runbook: docs/operating.md#restores-dlq-not-empty"
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
  alarm_actions      = local.topic_arns
  ok_actions         = local.topic_arns
  tags               = local.tags
}

# Each time that something is given up, whatever was there before: what was sent to the DLQ, a minute at a time, by the worker
# and by the rules. What SQS moves there by itself is not among it
# (docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html): that takes a
# worker that dies at each delivery, and has the alarm of restore-worker on its errors.
resource "aws_cloudwatch_metric_alarm" "given_up" {
  alarm_name          = local.names.given_up_alarm
  alarm_description   = "A restore of a DynamoDB table was given up, or its event could not be delivered, within the last minute. The attributes of the message in ${local.names.dead_letter_queue} say why. Runbook: docs/operating.md#restore-given-up"
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
  alarm_actions      = local.topic_arns
  # No OK notification: a minute later nothing is mended.
  tags = local.tags
}
