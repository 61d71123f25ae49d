locals {
  own_records        = "pipeline#${var.table}"
  quarantine_records = "quarantine#*"
  restore_records    = "target#*"
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

  # The item is read for where capture is stuck, and for the mapping's id when a record has to be discarded.
  statement {
    sid       = "NoteProgress"
    actions   = ["dynamodb:GetItem", "dynamodb:UpdateItem"]
    resources = [var.binding.restore_table.arn]

    condition {
      test     = "ForAllValues:StringEquals"
      variable = "dynamodb:LeadingKeys"
      values   = [local.own_records]
    }
  }

  # Lambda itself writes what it gives up, with the function's role, and AWS's page names no narrower resource
  # (docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html).
  statement {
    sid       = "KeepWhatCannotBeSent"
    actions   = ["s3:PutObject"]
    resources = ["${local.failure_bucket_arn}/*"]
  }

  statement {
    sid       = "StoreLargeImages"
    actions   = ["s3:PutObject"]
    resources = ["${local.failure_bucket_arn}/${local.image_prefix}*"]
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

  # Lambda puts what capture gives up with this role, and asks for GenerateDataKey
  # (docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html); Decrypt is for objects that are put in parts.
  dynamic "statement" {
    for_each = var.failure_bucket.kms_key_arn == null ? [] : [var.failure_bucket.kms_key_arn]

    content {
      sid       = "UseTheKeyOfTheBucket"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [statement.value]

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = ["s3.${local.region}.${data.aws_partition.current.dns_suffix}"]
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
    sid       = "ReadLargeImages"
    actions   = ["s3:GetObject"]
    resources = ["${local.failure_bucket_arn}/${local.image_prefix}*"]
  }

  # Never called: without it S3 answers AccessDenied, and not NoSuchKey, if an image has expired
  # (docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html).
  statement {
    sid       = "TellImagesThatAreGone"
    actions   = ["s3:ListBucket"]
    resources = [local.failure_bucket_arn]
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

    # Quarantine items are keyed by restore, and future restores are not known here.
    condition {
      test     = "ForAllValues:StringLike"
      variable = "dynamodb:LeadingKeys"
      values   = [local.quarantine_records]
    }
  }

  # A target pattern may also match the source and the restore table. These two statements protect them in any case.
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
          for service in ["dynamodb", "lambda", "s3", "sqs"] :
          "${service}.${local.region}.${data.aws_partition.current.dns_suffix}"
        ]
      }
    }
  }

  # It only gets images.
  dynamic "statement" {
    for_each = var.failure_bucket.kms_key_arn == null ? [] : [var.failure_bucket.kms_key_arn]

    content {
      sid       = "UseTheKeyOfTheBucket"
      actions   = ["kms:Decrypt"]
      resources = [statement.value]

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = ["s3.${local.region}.${data.aws_partition.current.dns_suffix}"]
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

data "aws_iam_policy_document" "upkeep" {
  # The claim, how far the pipeline has come, and what else is noted about it.
  statement {
    sid       = "KeepThePipelinesRecords"
    actions   = ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:UpdateItem", "dynamodb:DeleteItem"]
    resources = [var.binding.restore_table.arn]

    condition {
      test     = "ForAllValues:StringEquals"
      variable = "dynamodb:LeadingKeys"
      values   = [local.own_records]
    }
  }

  # What it is about to write, and what replay left without a certain answer.
  statement {
    sid       = "SettleWhatIsInDoubt"
    actions   = ["dynamodb:Query", "dynamodb:UpdateItem", "dynamodb:DeleteItem"]
    resources = [var.binding.restore_table.arn]

    condition {
      test     = "ForAllValues:StringEquals"
      variable = "dynamodb:LeadingKeys"
      values   = [local.doubt_records]
    }
  }

  statement {
    sid       = "ResolveTheQuarantine"
    actions   = ["dynamodb:Query", "dynamodb:BatchGetItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem"]
    resources = [var.binding.restore_table.arn]

    # Quarantine items are keyed by restore, and future restores are not known here.
    condition {
      test     = "ForAllValues:StringLike"
      variable = "dynamodb:LeadingKeys"
      values   = [local.quarantine_records]
    }
  }

  # A late change is noted in the record of the restore that was cut over.
  statement {
    sid       = "NoteInTheRestoreRecord"
    actions   = ["dynamodb:UpdateItem"]
    resources = [var.binding.restore_table.arn]

    # Records are kept by target, and the name of a restored table is chosen when it is restored.
    condition {
      test     = "ForAllValues:StringLike"
      variable = "dynamodb:LeadingKeys"
      values   = [local.restore_records]
    }
  }

  # Which restore owns the pipeline, for Terraform's plan to read: one item for all pipelines.
  statement {
    sid       = "NoteWhoOwnsIt"
    actions   = ["dynamodb:UpdateItem"]
    resources = [var.binding.restore_table.arn]

    condition {
      test     = "ForAllValues:StringEquals"
      variable = "dynamodb:LeadingKeys"
      values   = ["pipelines"]
    }
  }

  statement {
    sid       = "SwitchTheMappings"
    actions   = ["lambda:GetEventSourceMapping", "lambda:UpdateEventSourceMapping"]
    resources = [aws_lambda_event_source_mapping.stream.arn, aws_lambda_event_source_mapping.buffer.arn]
  }

  statement {
    sid       = "LookAtTheStream"
    actions   = ["dynamodb:DescribeTable"]
    resources = [local.source_arn]
  }

  statement {
    sid       = "FillTheBuffer"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.buffer.arn]
  }

  statement {
    sid       = "EmptyTheDeadLetterQueue"
    actions   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"]
    resources = [aws_sqs_queue.dead_letters.arn]
  }

  statement {
    # In a bucket of the estate's own, nothing of what others keep there.
    sid       = "FindWhatWasGivenUp"
    actions   = ["s3:ListBucket"]
    resources = [local.failure_bucket_arn]

    condition {
      test     = "StringEquals"
      variable = "s3:prefix"
      values   = [local.failure_prefix]
    }
  }

  statement {
    sid     = "BringInWhatWasGivenUp"
    actions = ["s3:GetObject", "s3:DeleteObject"]
    # Lambda names the objects after the shard and the time.
    resources = ["${local.failure_bucket_arn}/${local.failure_prefix}*"]
  }

  statement {
    sid       = "ReadTheSource"
    actions   = ["dynamodb:GetItem"]
    resources = [local.source_arn]
  }

  statement {
    sid       = "WriteTheTarget"
    actions   = ["dynamodb:PutItem", "dynamodb:DeleteItem"]
    resources = local.target_arns
  }

  # A target pattern may also match the source and the restore table. These two statements protect them in any case.
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
      values   = [local.own_records, local.doubt_records, local.quarantine_records]
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
          for service in ["dynamodb", "lambda", "s3", "sqs"] :
          "${service}.${local.region}.${data.aws_partition.current.dns_suffix}"
        ]
      }
    }
  }

  # It only gets what was given up.
  dynamic "statement" {
    for_each = var.failure_bucket.kms_key_arn == null ? [] : [var.failure_bucket.kms_key_arn]

    content {
      sid       = "UseTheKeyOfTheBucket"
      actions   = ["kms:Decrypt"]
      resources = [statement.value]

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = ["s3.${local.region}.${data.aws_partition.current.dns_suffix}"]
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

resource "aws_iam_role_policy" "upkeep" {
  name   = "upkeep"
  role   = module.upkeep.role.name
  policy = data.aws_iam_policy_document.upkeep.json
}
