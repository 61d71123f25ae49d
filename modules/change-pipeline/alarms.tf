# Problems that are not visible on the table: changes that were given up, set aside, or wait for too long; a stream that is
# no longer read; functions that fail.
#
# Two metrics of the mapping tell of changes that capture gave up: one counts what was put into the failure bucket, the
# other what could not even be put there (docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html). There is no single
# alarm on their sum: either metric may have no data, and filling the gaps can hide the latest value
# (docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html, FILL).
locals {
  # The functions' own metrics are published with these two dimensions.
  own_metrics = { namespace = "DynamoDBRestore", dimensions = { service = var.binding.name, table = var.table } }

  capture_metrics = { namespace = "AWS/Lambda", dimensions = { EventSourceMappingUUID = aws_lambda_event_source_mapping.stream.uuid } }

  # Two intervals of upkeep, so that an alarm stays as long as each run finds the same, however the runs fall into periods.
  each_run = { period = 60 * var.upkeep_interval_minutes, evaluation_periods = 2, datapoints = 1 }
  at_once  = { period = 60, evaluation_periods = 1, datapoints = 1 }

  alarms = merge(
    {
      given_up = merge(local.capture_metrics, local.at_once, {
        metric      = "OnFailureDestinationDeliveredEventCount"
        statistic   = "Sum"
        threshold   = 0
        ends        = false
        description = "Capture of ${var.table} gave up changes, so a table that is being restored may lack them. They are in the bucket ${local.failure_bucket_name} under ${local.failure_prefix}. Repair the cause, which is in the log of ${local.names.capture}. Then run the operator action bring_in. Runbook: docs/operating.md#changes-given-up"
      })
      lost = merge(local.capture_metrics, local.at_once, {
        metric      = "DroppedEventCount"
        statistic   = "Sum"
        threshold   = 0
        ends        = false
        description = "Capture of ${var.table} gave up changes, and they could not be put into the bucket ${local.failure_bucket_name} either. Only the table itself has them. Cutover cannot see this: abandon the restore, and restore to a point after this alarm. Runbook: docs/operating.md#changes-lost"
      })
      set_aside = merge(local.at_once, {
        namespace   = "AWS/SQS"
        dimensions  = { QueueName = aws_sqs_queue.dead_letters.name }
        metric      = "ApproximateNumberOfMessagesVisible"
        statistic   = "Maximum"
        threshold   = 0
        ends        = true
        description = "Changes of ${var.table} were moved to the FIFO DLQ ${aws_sqs_queue.dead_letters.name}. The table that is being restored lacks them, and cutover is refused. Repair the cause, which is in the log of ${local.names.replay}. Then run the operator action bring_in. Do not redrive the queue. Runbook: docs/operating.md#changes-set-aside"
      })
      replay_refused = merge(local.own_metrics, {
        period             = 60
        evaluation_periods = 5
        datapoints         = 1
        metric             = "ReplayRefused"
        statistic          = "Sum"
        threshold          = 0
        ends               = true
        description        = "Replay of ${var.table} fails for a reason that no retry can repair, such as a missing permission or key. The log of ${local.names.replay} says which. Its messages are delivered again until it is repaired. After 1000 deliveries SQS moves them to the FIFO DLQ. Runbook: docs/operating.md#replay-refused"
      })
      misdirected = merge(local.own_metrics, local.each_run, {
        metric      = "CaptureMisdirected"
        statistic   = "Sum"
        threshold   = 0
        ends        = true
        description = "Capture of ${var.table} does not read the stream that the table has now, or is not as Terraform created it, so changes are not captured. The log of ${local.names.upkeep} says what differs. Run terraform apply. Runbook: docs/operating.md#capture-misdirected"
      })
      after_cutover = merge(local.own_metrics, local.each_run, {
        metric      = "ChangesAfterCutover"
        statistic   = "Sum"
        threshold   = 0
        ends        = false
        description = "${var.table} was written to after cutover, and the new table does not have these changes. Find out what still writes to ${var.table} and point it to the new table. The log of ${local.names.upkeep} says how many changes there were, and when. Runbook: docs/operating.md#changes-after-cutover"
      })
      upkeep_failing = {
        namespace          = "AWS/Lambda"
        dimensions         = { FunctionName = module.upkeep.function.name }
        period             = 60 * var.upkeep_interval_minutes
        evaluation_periods = 3
        datapoints         = 3
        metric             = "Errors"
        statistic          = "Sum"
        threshold          = 0
        ends               = true
        description        = "The upkeep function of ${var.table} fails each time, so nobody would notice that capture reads the wrong stream. The log group ${module.upkeep.log_group.name} says why. Runbook: docs/operating.md#upkeep-failing"
      }
    },
    # With capture = "always" the buffer always holds messages as old as SQS keeps them, so their age says nothing.
    var.capture == "always" ? {} : {
      waiting_long = {
        namespace          = "AWS/SQS"
        dimensions         = { QueueName = aws_sqs_queue.buffer.name }
        period             = 300
        evaluation_periods = 1
        datapoints         = 1
        metric             = "ApproximateAgeOfOldestMessage"
        statistic          = "Maximum"
        threshold          = 86400 * var.buffer.alarm_after_days
        ends               = true
        description        = "Changes of ${var.table} have waited in the buffer for ${var.buffer.alarm_after_days} days. SQS drops them after 14 days, and the restored table would lack them. Run the operator action status, then cut over or abandon the restore. If it says idle, no restore needs them. Runbook: docs/operating.md#changes-waiting-long"
      }
    },
  )
}

resource "aws_cloudwatch_metric_alarm" "pipeline" {
  for_each = local.alarms

  alarm_name          = local.names["alarm_${each.key}"]
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  period              = each.value.period
  evaluation_periods  = each.value.evaluation_periods
  datapoints_to_alarm = each.value.datapoints
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.threshold
  # There is no data if nothing happens, and while capture is off.
  treat_missing_data = "notBreaching"
  alarm_actions      = compact([var.binding.topic_arn])
  # No OK notification for problems that do not end by themselves: changes that were given up are still missing.
  ok_actions = each.value.ends ? compact([var.binding.topic_arn]) : []
  tags       = local.tags
}
