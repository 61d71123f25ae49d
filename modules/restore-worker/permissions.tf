locals {
  roles = {
    worker   = module.function.role
    operator = module.operator.role
  }
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

# What the worker and the operator function both do: keep the records of restores and pipelines, and report.
data "aws_iam_policy_document" "records" {
  statement {
    sid = "KeepRestoreRecords"
    actions = [
      "dynamodb:GetItem",
      "dynamodb:PutItem",
      "dynamodb:UpdateItem",
      "dynamodb:DeleteItem",
      "dynamodb:Query",
    ]
    resources = [aws_dynamodb_table.restores.arn]
  }

  statement {
    sid       = "ReportToTheEventBus"
    actions   = ["events:PutEvents"]
    resources = [local.event_bus_arn]
  }

  dynamic "statement" {
    for_each = var.notifications.topic_arn == null ? [] : [var.notifications.topic_arn]

    content {
      sid       = "Notify"
      actions   = ["sns:Publish"]
      resources = [statement.value]
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
        values = [
          for service in ["dynamodb", "lambda", "sns", "sqs"] :
          "${service}.${local.region}.${data.aws_partition.current.dns_suffix}"
        ]
      }
    }
  }
}

resource "aws_iam_role_policy" "records" {
  for_each = local.roles

  name   = "records"
  role   = each.value.name
  policy = data.aws_iam_policy_document.records.json
}
