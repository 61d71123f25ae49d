locals {
  visibility_timeout_seconds = coalesce(var.buffer.visibility_timeout_seconds, 6 * var.lambda.timeout)

  # What every SQS takes; a higher byte limit needs a provider that knows SQS's larger messages.
  largest_message_bytes = max(262144, var.byte_limit)
  # A bundle that is set aside keeps its body and carries the reason as an attribute, which SQS counts too.
  bundle_byte_limit = min(var.byte_limit, local.largest_message_bytes - 4096)
}

# FIFO in high-throughput mode: quotas are of a message group and not of the queue, and a group is what keeps order.
resource "aws_sqs_queue" "buffer" {
  name                       = "${local.names.buffer}.fifo"
  fifo_queue                 = true
  deduplication_scope        = "messageGroup"
  fifo_throughput_limit      = "perMessageGroupId"
  visibility_timeout_seconds = local.visibility_timeout_seconds
  message_retention_seconds  = 1209600
  max_message_size           = local.largest_message_bytes
  kms_master_key_id          = var.kms_key_arn
  sqs_managed_sse_enabled    = var.kms_key_arn == null ? true : null
  tags                       = local.tags
}

# An id of this very queue. SQS numbers the messages of a queue that is made anew under the same name from the
# beginning again, and progress noted for the old one must not hold for the new.
resource "terraform_data" "buffer" {
  triggers_replace = aws_sqs_queue.buffer.id
}

# The same throughput as the buffer; FIFO, as SQS asks of the DLQ of a FIFO queue.
resource "aws_sqs_queue" "dead_letters" {
  name                      = "${local.names.dead_letter_queue}.fifo"
  fifo_queue                = true
  deduplication_scope       = "messageGroup"
  fifo_throughput_limit     = "perMessageGroupId"
  message_retention_seconds = 1209600
  max_message_size          = local.largest_message_bytes
  kms_master_key_id         = var.kms_key_arn
  sqs_managed_sse_enabled   = var.kms_key_arn == null ? true : null
  tags                      = local.tags
}

# The largest value that SQS takes, as a safety net. A message that SQS moves to the DLQ loses its place in the order: moved
# back later, it would write images that are older than those of the target. So the replay function itself moves messages
# that can never be replayed, and all others are delivered again until they are.
resource "aws_sqs_queue_redrive_policy" "buffer" {
  queue_url = aws_sqs_queue.buffer.url
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letters.arn
    maxReceiveCount     = 1000
  })
}

resource "aws_sqs_queue_redrive_allow_policy" "dead_letters" {
  queue_url = aws_sqs_queue.dead_letters.url
  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.buffer.arn]
  })
}

# The roles say who may use the queues. These policies only deny requests without TLS.
data "aws_iam_policy_document" "queue" {
  for_each = {
    buffer       = aws_sqs_queue.buffer.arn
    dead_letters = aws_sqs_queue.dead_letters.arn
  }

  statement {
    sid    = "DenyPlainText"
    effect = "Deny"
    # Every action and every principal, because the statement denies a transport.
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

resource "aws_sqs_queue_policy" "buffer" {
  queue_url = aws_sqs_queue.buffer.url
  policy    = data.aws_iam_policy_document.queue["buffer"].json
}

resource "aws_sqs_queue_policy" "dead_letters" {
  queue_url = aws_sqs_queue.dead_letters.url
  policy    = data.aws_iam_policy_document.queue["dead_letters"].json
}
