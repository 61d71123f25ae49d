# Stands for a table that is there before this module, where none is named: with a stream, and with point-in-time
# recovery, so that it can be restored.
resource "aws_dynamodb_table" "orders" {
  # checkov:skip=CKV_AWS_119:It stands for a table that is there already, encrypted as it may be.

  count = var.table == null ? 1 : 0

  name             = "${var.name}-orders"
  billing_mode     = "PAY_PER_REQUEST"
  hash_key         = "customer"
  range_key        = "order"
  stream_enabled   = true
  stream_view_type = "NEW_AND_OLD_IMAGES"
  tags             = var.tags

  attribute {
    name = "customer"
    type = "S"
  }

  attribute {
    name = "order"
    type = "S"
  }

  point_in_time_recovery {
    enabled = true
  }
}
