locals {
  any_source = contains(local.table_patterns.source, "*")
  any_target = contains(local.table_patterns.target, "*")

  restore_calls = concat(
    var.follow.point_in_time ? ["RestoreTableToPointInTime"] : [],
    # The second is AWS Backup's own: it calls DynamoDB for a restore job.
    var.follow.backups ? ["RestoreTableFromBackup", "RestoreTableFromAwsBackup"] : [],
  )

  # Where a call tells its source: by name or by ARN, whichever the caller gave, and in the ARN of a backup of
  # DynamoDB's own.
  call_sources = concat(
    var.follow.point_in_time ? [
      { sourceTableName = [for pattern in local.table_patterns.source : { wildcard = pattern }] },
      { sourceTableArn = [for pattern in local.table_patterns.source : { wildcard = "*:table/${pattern}" }] },
    ] : [],
    var.follow.backups ? [
      { backupArn = [for pattern in local.table_patterns.source : { wildcard = "*:table/${pattern}/backup/*" }] },
      # A recovery point with AWS Backup's advanced features has an ARN that names no table. All of those match, and the
      # worker checks the source once it knows it.
      { backupArn = [{ wildcard = "arn:*:backup:*" }] },
    ] : [],
  )
  source_pattern = { "$or" = local.call_sources }
  target_pattern = { targetTableName = [for pattern in local.table_patterns.target : { wildcard = pattern }] }

  request_pattern = merge(
    local.any_source ? {} : local.source_pattern,
    local.any_target ? {} : local.target_pattern,
  )

  # One rule for each kind of event, so that each pattern can be read and has the 2048 characters for itself.
  rules = {
    calls = {
      name        = local.names.calls_rule
      description = "A restore of a DynamoDB table was requested"
      wanted      = length(local.restore_calls) > 0
      pattern = jsonencode({
        source      = concat(["aws.dynamodb"], var.event_sources)
        detail-type = ["AWS API Call via CloudTrail"]
        detail = merge(
          {
            eventSource = ["dynamodb.amazonaws.com"]
            eventName   = local.restore_calls
            # A restore call that AWS refused is recorded too, and restores nothing.
            errorCode = [{ exists = false }]
          },
          length(local.request_pattern) == 0 ? {} : { requestParameters = local.request_pattern },
        )
      })
    }

    # RestoreTableFromAwsBackup is no operation of the public API, and CloudTrail records what is none as an event of the
    # service (docs.aws.amazon.com/awscloudtrail/latest/userguide/non-api-aws-service-events.html). What such an event says
    # about the tables, and where, is not documented: all match, and the worker checks.
    services = {
      name        = local.names.services_rule
      description = "AWS Backup had DynamoDB restore a table"
      wanted      = var.follow.backups
      pattern = jsonencode({
        source      = concat(["aws.dynamodb"], var.event_sources)
        detail-type = ["AWS Service Event via CloudTrail"]
        detail = {
          eventSource = ["dynamodb.amazonaws.com"]
          eventName   = ["RestoreTableFromAwsBackup"]
          errorCode   = [{ exists = false }]
        }
      })
    }

    # Straight from AWS Backup, without a trail (docs.aws.amazon.com/aws-backup/latest/devguide/eventbridge.html). It
    # names its table only once there is one, so what names none passes.
    jobs = {
      name        = local.names.jobs_rule
      description = "AWS Backup restores, or has restored, a DynamoDB table"
      wanted      = var.follow.backup_jobs
      pattern = jsonencode({
        source      = concat(["aws.backup"], var.event_sources)
        detail-type = ["Restore Job State Change"]
        detail = merge(
          {
            # A table with AWS Backup's advanced features is "DynamoDB.FullyManaged".
            resourceType = [{ prefix = "DynamoDB" }]
            # AWS Backup's events say the one or the other.
            "$or" = [
              { status = ["RUNNING", "COMPLETED"] },
              { state = ["RUNNING", "COMPLETED"] },
            ]
          },
          # An event need not name the source.
          local.any_source ? {} : {
            sourceResourceArn = concat(
              [{ exists = false }],
              [for pattern in local.table_patterns.source : { wildcard = "*:table/${pattern}" }],
            )
          },
          local.any_target ? {} : {
            createdResourceArn = concat(
              [{ exists = false }],
              [for pattern in local.table_patterns.target : { wildcard = "*:table/${pattern}" }],
            )
          },
        )
      })
    }
  }
}

# On the default bus: that is where AWS puts the events of its own services.
resource "aws_cloudwatch_event_rule" "restores" {
  for_each = { for kind, rule in local.rules : kind => rule if rule.wanted }

  name          = each.value.name
  description   = each.value.description
  event_pattern = each.value.pattern
  tags          = local.tags

  lifecycle {
    precondition {
      condition     = length(each.value.pattern) <= 2048
      error_message = "The event pattern of the rule ${each.value.name} would have ${length(each.value.pattern)} characters and EventBridge takes 2048: use fewer or wider patterns in table_patterns, or fewer event_sources."
    }
  }
}

resource "aws_cloudwatch_event_target" "restore_queue" {
  for_each = aws_cloudwatch_event_rule.restores

  rule      = each.value.name
  target_id = "restore-queue"
  arn       = aws_sqs_queue.restores.arn

  # Events that cannot be delivered go to the same DLQ as failed restores: one runbook, one alarm.
  dead_letter_config {
    arn = aws_sqs_queue.dead_letters.arn
  }

  # Both queues let the rules send before there is anything to send: EventBridge does not retry what is refused, and what
  # the DLQ refuses too is lost (docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html).
  depends_on = [aws_sqs_queue_policy.restores, aws_sqs_queue_policy.dead_letters]
}
