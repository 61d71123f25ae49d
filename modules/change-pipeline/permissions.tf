locals {
  own_records        = "pipeline#${var.table}"
  quarantine_records = "quarantine#*"
  doubt_records      = "doubt#${var.table}"

  # The key of the restore table and the key of what is made here; they may be the same.
  key_arns = distinct(compact([var.binding.kms_key_arn, var.kms_key_arn]))
}

data "aws_iam_policy_document" "capture" {
  statement {
    sid       = "ReadTheStream"
    actions   = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"]
    resources = [local.stream_arn]
  }

  statement {
    sid     = "ListTheStreamsOfTheTable"
    actions = ["dynamodb:ListStreams"]
    # Which streams a table has, or had, is what the action answers.
    resources = ["${local.source_arn}/stream/*"]
  }

  statement {
    sid       = "FillTheBuffer"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.buffer.arn]
  }

  statement {
    sid       = "NoteProgress"
    actions   = ["dynamodb:UpdateItem"]
    resources = [var.binding.restore_table.arn]

    condition {
      test     = "ForAllValues:StringEquals"
      variable = "dynamodb:LeadingKeys"
      values   = [local.own_records]
    }
  }

  # Lambda itself writes what it gives up, with the function's role
  # (docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html).
  statement {
    sid       = "KeepWhatCannotBeSent"
    actions   = ["s3:PutObject"]
    resources = ["${local.failure_bucket_arn}/*"]
  }

  statement {
    sid       = "FindTheBucket"
    actions   = ["s3:ListBucket"]
    resources = [local.failure_bucket_arn]
  }

  dynamic "statement" {
    for_each = length(local.key_arns) == 0 ? [] : [local.key_arns]

    content {
      sid       = "UseTheKey"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = statement.value

      # Only through the services that hold the module's own data.
      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values = [
          for service in ["dynamodb", "lambda", "s3", "sqs"] :
          "${service}.${local.region}.${data.aws_partition.current.dns_suffix}"
        ]
      }
    }
  }

  dynamic "statement" {
    for_each = length(var.table_kms_key_arns) == 0 ? [] : [var.table_kms_key_arns]

    content {
      sid       = "ReadEncryptedChanges"
      actions   = ["kms:Decrypt"]
      resources = statement.value

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = ["dynamodb.${local.region}.${data.aws_partition.current.dns_suffix}"]
      }
    }
  }
}

resource "aws_iam_role_policy" "capture" {
  name   = "capture"
  role   = module.capture.role.name
  policy = data.aws_iam_policy_document.capture.json
}

data "aws_iam_policy_document" "replay" {
  statement {
    sid = "EmptyTheBuffer"
    actions = [
      "sqs:ReceiveMessage",
      "sqs:DeleteMessage",
      "sqs:GetQueueAttributes",
      "sqs:ChangeMessageVisibility",
    ]
    resources = [aws_sqs_queue.buffer.arn]
  }

  statement {
    sid       = "SetBundlesAside"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.dead_letters.arn]
  }

  statement {
    sid       = "WriteTheTarget"
    actions   = ["dynamodb:BatchWriteItem", "dynamodb:PutItem", "dynamodb:DeleteItem"]
    resources = local.target_arns
  }

  statement {
    sid       = "ReadItemsThatDidNotTravel"
    actions   = ["dynamodb:BatchGetItem", "dynamodb:GetItem"]
    resources = [local.source_arn]
  }

  statement {
    sid       = "FollowTheClaimAndNoteProgress"
    actions   = ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:UpdateItem"]
    resources = [var.binding.restore_table.arn]

    condition {
      test     = "ForAllValues:StringEquals"
      variable = "dynamodb:LeadingKeys"
      values   = [local.own_records]
    }
  }

  statement {
    sid       = "NoteWhatIsInDoubt"
    actions   = ["dynamodb:Query", "dynamodb:UpdateItem", "dynamodb:DeleteItem"]
    resources = [var.binding.restore_table.arn]

    condition {
      test     = "ForAllValues:StringEquals"
      variable = "dynamodb:LeadingKeys"
      values   = [local.doubt_records]
    }
  }

  statement {
    sid       = "KeepTheQuarantine"
    actions   = ["dynamodb:BatchGetItem", "dynamodb:BatchWriteItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"]
    resources = [var.binding.restore_table.arn]

    # Quarantine is kept by restore, and which restores there will be is not known here.
    condition {
      test     = "ForAllValues:StringLike"
      variable = "dynamodb:LeadingKeys"
      values   = [local.quarantine_records]
    }
  }

  # A pattern for targets may cover the source and the restore table too; these two hold whatever it says.
  statement {
    sid       = "NeverWriteTheSource"
    effect    = "Deny"
    actions   = ["dynamodb:BatchWriteItem", "dynamodb:PutItem", "dynamodb:DeleteItem"]
    resources = [local.source_arn]
  }

  statement {
    sid       = "KeepToItsOwnRecords"
    effect    = "Deny"
    actions   = ["dynamodb:BatchWriteItem", "dynamodb:PutItem", "dynamodb:DeleteItem"]
    resources = [var.binding.restore_table.arn]

    condition {
      test     = "ForAnyValue:StringNotLike"
      variable = "dynamodb:LeadingKeys"
      values   = [local.quarantine_records, local.doubt_records]
    }
  }

  dynamic "statement" {
    for_each = length(local.key_arns) == 0 ? [] : [local.key_arns]

    content {
      sid       = "UseTheKey"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = statement.value

      # Only through the services that hold the module's own data.
      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values = [
          for service in ["dynamodb", "lambda", "sqs"] :
          "${service}.${local.region}.${data.aws_partition.current.dns_suffix}"
        ]
      }
    }
  }

  dynamic "statement" {
    for_each = length(var.table_kms_key_arns) == 0 ? [] : [var.table_kms_key_arns]

    content {
      sid       = "UseEncryptedTables"
      actions   = ["kms:Decrypt"]
      resources = statement.value

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = ["dynamodb.${local.region}.${data.aws_partition.current.dns_suffix}"]
      }
    }
  }
}

resource "aws_iam_role_policy" "replay" {
  name   = "replay"
  role   = module.replay.role.name
  policy = data.aws_iam_policy_document.replay.json
}

locals {
  # IAM allows the inline policies of one role 10240 characters together, and every pipeline of a worker attaches its
  # own: so short sids, and nothing that another policy of the role says already.
  switch_mappings = {
    sid       = "Switch"
    actions   = ["lambda:GetEventSourceMapping", "lambda:UpdateEventSourceMapping"]
    resources = [aws_lambda_event_source_mapping.stream.arn, aws_lambda_event_source_mapping.buffer.arn]
  }
}

# The worker starts capture and replay, and ends them for a restore that came to nothing.
data "aws_iam_policy_document" "worker" {
  statement {
    sid       = local.switch_mappings.sid
    actions   = local.switch_mappings.actions
    resources = local.switch_mappings.resources
  }
}

resource "aws_iam_role_policy" "worker" {
  name   = local.names.policy
  role   = var.binding.roles.worker.name
  policy = data.aws_iam_policy_document.worker.json
}

# The operator function ends them too, looks how far they are, and repairs items that the target refused.
data "aws_iam_policy_document" "operator" {
  statement {
    sid       = local.switch_mappings.sid
    actions   = local.switch_mappings.actions
    resources = local.switch_mappings.resources
  }

  statement {
    sid       = "Watch"
    actions   = ["sqs:GetQueueAttributes"]
    resources = [aws_sqs_queue.buffer.arn, aws_sqs_queue.dead_letters.arn]
  }

  # Before cutover, whether capture gave up anything; in a bucket of the estate's own, nothing of what others keep there.
  statement {
    sid       = "Failures"
    actions   = ["s3:ListBucket"]
    resources = [local.failure_bucket_arn]

    condition {
      test     = "StringEquals"
      variable = "s3:prefix"
      values   = [local.failure_prefix]
    }
  }

  statement {
    sid       = "ReadSource"
    actions   = ["dynamodb:GetItem"]
    resources = [local.source_arn]
  }

  statement {
    sid       = "RepairTarget"
    actions   = ["dynamodb:PutItem", "dynamodb:DeleteItem"]
    resources = local.target_arns
  }

  dynamic "statement" {
    for_each = length(var.table_kms_key_arns) == 0 ? [] : [var.table_kms_key_arns]

    content {
      sid       = "UseTableKeys"
      actions   = ["kms:Decrypt"]
      resources = statement.value

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = ["dynamodb.${local.region}.${data.aws_partition.current.dns_suffix}"]
      }
    }
  }
}

resource "aws_iam_role_policy" "operator" {
  name   = local.names.policy
  role   = var.binding.roles.operator.name
  policy = data.aws_iam_policy_document.operator.json
}
