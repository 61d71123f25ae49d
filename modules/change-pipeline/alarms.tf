# By the time that records are given up they have failed for as long as the stream had them, and the mapping reads on as if
# all were well. So two metrics of the mapping itself raise an alarm: one counts what was put into the failure bucket, the
# other what could not even be put there (docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html). Not one alarm
# on their sum: either may have no figures, and filling the gaps can hide the latest
# (docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html, FILL).
locals {
  alarms = {
    given_up = {
      name        = local.names.alarm_given_up
      metric      = "OnFailureDestinationDeliveredEventCount"
      description = "Capture of ${var.table} gave up changes, so a table that is being restored may lack them. They lie in ${local.failure_bucket_name} under ${local.failure_prefix}. README.md says under \"What capture gave up\" how to bring them in."
    }
    lost = {
      name        = local.names.alarm_lost
      metric      = "DroppedEventCount"
      description = "Capture of ${var.table} gave up changes, and they could not be put into ${local.failure_bucket_name} either: nothing has them but the table. Cutover cannot know of them: abandon the restore, and restore to a point after this alarm."
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "capture" {
  for_each = local.alarms

  alarm_name          = each.value.name
  alarm_description   = each.value.description
  namespace           = "AWS/Lambda"
  metric_name         = each.value.metric
  dimensions          = { EventSourceMappingUUID = aws_lambda_event_source_mapping.stream.uuid }
  statistic           = "Sum"
  period              = 60
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  # Nothing is reported while capture is off.
  treat_missing_data = "notBreaching"
  # No word when it is over: what was given up is still missing.
  alarm_actions = compact([var.binding.topic_arn])
  tags          = local.tags
}
