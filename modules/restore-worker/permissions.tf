locals {
  roles = {
    worker   = module.function.role
    operator = module.operator.role
  }

  services_of_own_data = [
    for service in ["dynamodb", "lambda", "sns", "sqs"] :
    "${service}.${local.region}.${data.aws_partition.current.dns_suffix}"
  ]
}

# The worker's own needs: its queue and its DLQ.
data "aws_iam_policy_document" "worker" {
  statement {
    sid = "WorkOnTheRestoreQueue"
    actions = [
      "sqs:ReceiveMessage",
      "sqs:DeleteMessage",
      "sqs:GetQueueAttributes",
      "sqs:ChangeMessageVisibility",
    ]
    resources = [var.restore_queue.arn]
  }

  statement {
    sid       = "GiveUpToTheDeadLetterQueue"
    actions   = ["sqs:SendMessage"]
    resources = [var.dead_letter_queue.arn]
  }

  dynamic "statement" {
    for_each = var.follow.backup_jobs ? [true] : []

    content {
      sid     = "AskForRestoreJobs"
      actions = ["backup:DescribeRestoreJob", "backup:GetRestoreJobMetadata"]
      # The actions know no resource to name (docs.aws.amazon.com/service-authorization/latest/reference/list_awsbackup.html).
      resources = ["*"]
    }
  }

  statement {
    # An event is no evidence of a restore: CloudTrail is asked whether the call was made.
    sid     = "LookUpRestoreCalls"
    actions = ["cloudtrail:LookupEvents"]
    # The action knows no resource to name (docs.aws.amazon.com/service-authorization/latest/reference/list_awscloudtrail.html).
    resources = ["*"]
  }

  dynamic "statement" {
    for_each = var.follow.backups || var.follow.backup_jobs ? [true] : []

    content {
      # When a backup was made. Its name is a time and a random id.
      sid       = "ReadBackups"
      actions   = ["dynamodb:DescribeBackup"]
      resources = [for arn in local.source_arns : "${arn}/backup/*"]
    }
  }
}

resource "aws_iam_role_policy" "worker" {
  name   = "worker"
  role   = module.function.role.name
  policy = data.aws_iam_policy_document.worker.json
}

# What both functions do besides: keep the records of restores and pipelines, and report. What settings take, and the reading
# of tables, the policies of the settings have.
locals {
  # What statements are about, by the names that actions.json has for it.
  record_resources = {
    restore_table = [aws_dynamodb_table.restores.arn]
    event_bus     = [local.event_bus_arn]
    topic         = var.notifications.topic_arn == null ? [] : [var.notifications.topic_arn]
  }

  record_statements = {
    worker = [
      {
        sid       = "KeepRestoreRecords"
        actions   = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:Query"]
        resources = ["restore_table"]
      },
      { sid = "ReportToTheEventBus", actions = ["events:PutEvents"], resources = ["event_bus"] },
      { sid = "Notify", actions = ["sns:Publish"], resources = ["topic"] },
    ]

    # The operator function, what the operator actions need.
    operator = [
      for statement in local.operator_actions.statements.deployment :
      { sid = statement.sid, actions = statement.actions, resources = statement.resources }
    ]
  }
}

data "aws_iam_policy_document" "records" {
  for_each = local.record_statements

  dynamic "statement" {
    for_each = [
      for statement in each.value : statement
      if length(flatten([for resource in statement.resources : local.record_resources[resource]])) > 0
    ]

    content {
      sid       = statement.value.sid
      actions   = statement.value.actions
      resources = flatten([for resource in statement.value.resources : local.record_resources[resource]])
    }
  }

  # What SNS asks of who publishes to an encrypted topic (docs.aws.amazon.com/sns/latest/dg/sns-key-management.html).
  dynamic "statement" {
    for_each = var.notifications.topic_kms_key_arn == null ? [] : [var.notifications.topic_kms_key_arn]

    content {
      sid       = "UseTheKeyOfTheTopic"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [statement.value]

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = ["sns.${local.region}.${data.aws_partition.current.dns_suffix}"]
      }
    }
  }

  dynamic "statement" {
    for_each = var.kms_key_arn == null ? [] : [var.kms_key_arn]

    content {
      sid       = "UseTheKey"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [statement.value]

      # Only through the services that hold the module's own data.
      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = local.services_of_own_data
      }
    }
  }
}

resource "aws_iam_role_policy" "records" {
  for_each = local.roles

  name   = "records"
  role   = each.value.name
  policy = data.aws_iam_policy_document.records[each.key].json
}
