locals {
  any_source = contains(var.table_patterns.source, "*")
  any_target = contains(var.table_patterns.target, "*")

  # CloudTrail records the source by name or by ARN, whichever the caller gave.
  source_pattern = local.any_source ? {} : {
    "$or" = [
      { sourceTableName = [for pattern in var.table_patterns.source : { wildcard = pattern }] },
      { sourceTableArn = [for pattern in var.table_patterns.source : { wildcard = "*:table/${pattern}" }] },
    ]
  }
  target_pattern = local.any_target ? {} : {
    targetTableName = [for pattern in var.table_patterns.target : { wildcard = pattern }]
  }
  table_pattern = local.any_source && local.any_target ? {} : {
    requestParameters = merge(local.source_pattern, local.target_pattern)
  }

  event_pattern = jsonencode({
    source      = concat(["aws.dynamodb"], var.event_sources)
    detail-type = ["AWS API Call via CloudTrail"]
    detail = merge({
      eventSource = ["dynamodb.amazonaws.com"]
      eventName   = ["RestoreTableToPointInTime"]
      # A restore call that AWS refused is recorded too, and restores nothing.
      errorCode = [{ exists = false }]
    }, local.table_pattern)
  })
}

# On the default bus: that is where AWS puts the events of its own services.
resource "aws_cloudwatch_event_rule" "restore_requested" {
  name          = local.names.rule
  description   = "A DynamoDB point-in-time restore was requested"
  event_pattern = local.event_pattern
  tags          = local.tags

  lifecycle {
    precondition {
      condition     = length(local.event_pattern) <= 2048
      error_message = "The rule's event pattern would have ${length(local.event_pattern)} characters and EventBridge takes 2048: use fewer or wider patterns in table_patterns, or fewer event_sources."
    }
  }
}

resource "aws_cloudwatch_event_target" "restore_queue" {
  rule      = aws_cloudwatch_event_rule.restore_requested.name
  target_id = "restore-queue"
  arn       = aws_sqs_queue.restores.arn

  # An event that cannot be delivered lands where failed restores land: one runbook, one alarm.
  dead_letter_config {
    arn = aws_sqs_queue.dead_letters.arn
  }
}
