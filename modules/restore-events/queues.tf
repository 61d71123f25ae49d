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

# Redrive policies are separate resources: the two queues name each other, which would be a cycle inside the queues.
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

# Who may send, besides the rules. The worker acts on messages of the restore queue with all its permissions, and a redrive
# moves messages of the DLQ there.
locals {
  senders = {
    restores     = concat(compact([var.senders.reconciler]), var.redrivers)
    dead_letters = [var.senders.worker]
  }
}

# The same three statements on each queue, each written for its own queue: only these rules may send as a service (events
# to the queue, undeliverable ones to the DLQ), nobody else may send but who is named, and nobody may use either without TLS.
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

  # In one account a policy of the caller's own is enough to send, unless this one denies it. What SQS moves by itself, after
  # too many deliveries, is sent by nobody; a redrive by hand is sent by who starts it, and not by a service, although SQS
  # makes the calls (docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html,
  # aws:PrincipalIsAWSService).
  statement {
    sid       = "NobodyElseSends"
    effect    = "Deny"
    actions   = ["sqs:SendMessage"]
    resources = [each.value]

    # Every principal: the conditions name the exceptions.
    principals {
      type        = "*"
      identifiers = ["*"]
    }

    # A service has no such ARN, and would be denied too.
    condition {
      test     = "Bool"
      variable = "aws:PrincipalIsAWSService"
      values   = ["false"]
    }

    # IAM refuses a condition without a value. If nobody is named, everybody is denied.
    dynamic "condition" {
      for_each = length(local.senders[each.key]) == 0 ? [] : [local.senders[each.key]]

      content {
        test     = "ArnNotLikeIfExists"
        variable = "aws:PrincipalArn"
        values   = condition.value
      }
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
