output "queue" {
  description = "The restore queue: name, URL, ARN, visibility timeout and message retention."
  value = {
    name                       = aws_sqs_queue.restores.name
    url                        = aws_sqs_queue.restores.url
    arn                        = aws_sqs_queue.restores.arn
    visibility_timeout_seconds = var.queue.visibility_timeout_seconds
    message_retention_seconds  = var.queue.message_retention_seconds
  }
}

output "dead_letter_queue" {
  description = "The secondary DLQ, where restores end that could not be followed and events that could not be delivered: name, URL, ARN."
  value = {
    name = aws_sqs_queue.dead_letters.name
    url  = aws_sqs_queue.dead_letters.url
    arn  = aws_sqs_queue.dead_letters.arn
  }
}

output "rules" {
  description = "The EventBridge rules on the default bus, `calls` for restore calls, `services` for those that AWS Backup makes by itself, and `jobs` for its restore jobs: name, ARN and event pattern of each that `follow` asks for."
  value = {
    for kind, rule in aws_cloudwatch_event_rule.restores : kind => {
      name          = rule.name
      arn           = rule.arn
      event_pattern = rule.event_pattern
    }
  }
}

output "alarms" {
  description = "The alarms: `dead_letters` on the secondary DLQ, and `given_up`, which counts what is given up, each time anew; each with name and ARN."
  value = {
    for kind, alarm in { dead_letters = aws_cloudwatch_metric_alarm.dead_letters, given_up = aws_cloudwatch_metric_alarm.given_up } :
    kind => { name = alarm.alarm_name, arn = alarm.arn }
  }
}

output "rehearse_command" {
  description = "Command that puts the event of a point-in-time restore on the bus, to rehearse a restore or to put in a missed event. Replace SOURCE_TABLE, TARGET_TABLE, EVENT_ID (new for each event) and EVENT_TIME (UTC, such as 2026-01-31T03:00:00Z: when the restore was called, within a minute of the target table's creation). The target has to be a restored table: what neither it nor CloudTrail bears out is not followed. Null while `event_sources` is empty or `follow.point_in_time` is off."
  value = length(var.event_sources) == 0 || !var.follow.point_in_time ? null : format(
    "aws events put-events --region %s --entries '%s'",
    local.region,
    jsonencode([{
      Source     = var.event_sources[0]
      DetailType = "AWS API Call via CloudTrail"
      Detail = jsonencode({
        eventSource        = "dynamodb.amazonaws.com"
        eventName          = "RestoreTableToPointInTime"
        eventID            = "EVENT_ID"
        eventTime          = "EVENT_TIME"
        awsRegion          = local.region
        recipientAccountId = data.aws_caller_identity.current.account_id
        requestParameters = {
          sourceTableName         = "SOURCE_TABLE"
          targetTableName         = "TARGET_TABLE"
          useLatestRestorableTime = true
        }
      })
    }]),
  )
}

output "redrive_command" {
  description = "Command that redrives all messages of the secondary DLQ, for the callers named in `redrivers`; null if none are named. It names the destination: messages that the worker or EventBridge put there have no source queue on record for SQS to go by."
  value       = length(var.redrivers) == 0 ? null : "aws sqs start-message-move-task --region ${local.region} --source-arn ${aws_sqs_queue.dead_letters.arn} --destination-arn ${aws_sqs_queue.restores.arn}"
}
