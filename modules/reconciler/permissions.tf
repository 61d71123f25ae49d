locals {
  own_record    = "reconciler"
  configuration = "configuration"

  # A wildcard here is the user's own pattern: the name of a restored table is chosen when it is restored.
  target_arns = [
    for pattern in distinct(var.binding.table_patterns.target) :
    "arn:${local.partition}:dynamodb:${local.region}:${local.account}:table/${pattern}"
  ]

  # The key of the restore table and the queue, and the key of what is made here; they may be the same.
  key_arns = distinct(compact([var.binding.kms_key_arn, var.kms_key_arn]))
}

data "aws_iam_policy_document" "reconciler" {
  statement {
    sid     = "ListTables"
    actions = ["dynamodb:ListTables"]
    # The action knows no resource to name; it gives names only.
    resources = ["*"]
  }

  statement {
    sid       = "DescribeTargets"
    actions   = ["dynamodb:DescribeTable"]
    resources = local.target_arns
  }

  statement {
    sid       = "ReadRestoreRecordsAndConfiguration"
    actions   = ["dynamodb:GetItem"]
    resources = [var.binding.restore_table.arn]

    # Records are kept by target, and which targets there will be is not known here.
    condition {
      test     = "ForAllValues:StringLike"
      variable = "dynamodb:LeadingKeys"
      values   = ["target#*", local.own_record, local.configuration]
    }
  }

  statement {
    # Where it stopped, and what it has put on the queue.
    sid       = "KeepItsOwnNotes"
    actions   = ["dynamodb:PutItem"]
    resources = [var.binding.restore_table.arn]

    condition {
      test     = "ForAllValues:StringEquals"
      variable = "dynamodb:LeadingKeys"
      values   = [local.own_record]
    }
  }

  statement {
    # The queue's policy lets it too.
    sid       = "AskForTheRestoreToBeFollowed"
    actions   = ["sqs:SendMessage"]
    resources = [var.restore_queue.arn]
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
}

resource "aws_iam_role_policy" "reconciler" {
  name   = "reconciler"
  role   = module.function.role.name
  policy = data.aws_iam_policy_document.reconciler.json
}
