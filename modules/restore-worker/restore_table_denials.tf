# What holds for the worker and the operator function whatever table_patterns and settings say: the restore table is no
# target. A pattern may cover it, and then what the settings grant on targets would be granted on it too: its resource policy
# could open it to another account, its deletion protection could be switched off, and replicas bring actions on items.
locals {
  # What the two write there: records of restores, pins of events, the claims and notes of pipelines, and what the root's check
  # reads. Not what capture, replay and upkeep keep for themselves (doubt#, quarantine#), nor the reconciler's notes.
  written_partitions = ["target#*", "event#*", "pipeline#*", "pipelines"]
}

data "aws_iam_policy_document" "restore_table_denials" {
  statement {
    sid    = "ChangeNoSettingOfTheRestoreTable"
    effect = "Deny"
    actions = [
      "dynamodb:CreateTableReplica",
      "dynamodb:EnableKinesisStreamingDestination",
      "dynamodb:PutResourcePolicy",
      "dynamodb:TagResource",
      "dynamodb:UpdateContinuousBackups",
      "dynamodb:UpdateContributorInsights",
      "dynamodb:UpdateTable",
      "dynamodb:UpdateTimeToLive",
    ]
    # A table's indexes and streams are parts of it.
    resources = [aws_dynamodb_table.restores.arn, "${aws_dynamodb_table.restores.arn}/*"]
  }

  statement {
    sid       = "WriteNoRecordsOfOthers"
    effect    = "Deny"
    actions   = ["dynamodb:BatchWriteItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"]
    resources = [aws_dynamodb_table.restores.arn]

    condition {
      test     = "ForAnyValue:StringNotLike"
      variable = "dynamodb:LeadingKeys"
      # Records are kept by target, pins by event, claims by source: which there will be is not known here.
      values = local.written_partitions
    }
  }
}

# A policy of its own: the inline policies of a role have 10240 characters together.
resource "aws_iam_policy" "restore_table_denials" {
  name        = local.names.denials_policy
  description = "What ${var.name} never does to its restore table, whatever its patterns cover"
  policy      = data.aws_iam_policy_document.restore_table_denials.json
  tags        = local.tags
}

resource "aws_iam_role_policy_attachment" "restore_table_denials" {
  for_each = local.roles

  role       = each.value.name
  policy_arn = aws_iam_policy.restore_table_denials.arn
}
