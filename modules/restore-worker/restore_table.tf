# One item for each restore: the request, what AWS said of it while it ran, each state with its time, each outcome.
resource "aws_dynamodb_table" "restores" {
  name                        = local.names.table
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "pk"
  range_key                   = "sk"
  deletion_protection_enabled = var.restore_table.deletion_protection
  tags                        = local.tags

  attribute {
    name = "pk"
    type = "S"
  }

  attribute {
    name = "sk"
    type = "S"
  }

  ttl {
    attribute_name = "expires_at"
    enabled        = true
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled     = true
    kms_key_arn = var.kms_key_arn
  }

  # So that the queues are destroyed after it, or not at all: where a changed name would replace them all, AWS refuses to delete
  # a protected table, and the messages in the queues are spared too.
  depends_on = [var.restore_queue, var.dead_letter_queue]
}
