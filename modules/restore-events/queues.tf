resource "aws_sqs_queue" "restores" {
  name                       = local.names.queue
  visibility_timeout_seconds = var.queue.visibility_timeout_seconds
  message_retention_seconds  = var.queue.message_retention_seconds
  kms_master_key_id          = var.kms_key_arn
  sqs_managed_sse_enabled    = var.kms_key_arn == null ? true : null
  tags                       = local.tags
}

resource "aws_sqs_queue" "dead_letters" {
  name                      = local.names.dead_letter_queue
  message_retention_seconds = var.queue.dead_letter_retention_seconds
  kms_master_key_id         = var.kms_key_arn
  sqs_managed_sse_enabled   = var.kms_key_arn == null ? true : null
  tags                      = local.tags
}

# Redrive in resources of its own: the two queues name each other, which inside the queues would be a cycle.
resource "aws_sqs_queue_redrive_policy" "restores" {
  queue_url = aws_sqs_queue.restores.url
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letters.arn
    maxReceiveCount     = var.queue.max_receive_count
  })
}

resource "aws_sqs_queue_redrive_allow_policy" "dead_letters" {
  queue_url = aws_sqs_queue.dead_letters.url
  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.restores.arn]
  })
}

# The same two statements on each queue, each written for its own queue: only these rules may send as a
# service (events to the queue, undeliverable ones to the DLQ), and nobody may use either without TLS.
data "aws_iam_policy_document" "queue" {
  for_each = {
    restores     = aws_sqs_queue.restores.arn
    dead_letters = aws_sqs_queue.dead_letters.arn
  }

  statement {
    sid       = "OnlyTheseRulesSend"
    actions   = ["sqs:SendMessage"]
    resources = [each.value]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = values(aws_cloudwatch_event_rule.restores)[*].arn
    }
  }

  statement {
    sid    = "DenyPlainText"
    effect = "Deny"
    # Every action and every principal: what is denied is the transport, whoever uses it for whatever.
    actions   = ["sqs:*"]
    resources = [each.value]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_sqs_queue_policy" "restores" {
  queue_url = aws_sqs_queue.restores.url
  policy    = data.aws_iam_policy_document.queue["restores"].json
}

resource "aws_sqs_queue_policy" "dead_letters" {
  queue_url = aws_sqs_queue.dead_letters.url
  policy    = data.aws_iam_policy_document.queue["dead_letters"].json
}
