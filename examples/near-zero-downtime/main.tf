provider "aws" {
  region = var.region
}

module "dynamodb_restore" {
  source = "../.."

  name           = var.name
  tags           = var.tags
  drill_patterns = var.drill_patterns
  event_sources  = var.event_sources

  # An example is to go in one step. Leave this out of what you keep: docs/changing.md.
  restore_table = { deletion_protection = false }

  change_pipelines = {
    (local.table) = {
      stream                 = local.stream
      capture                = var.capture
      target_patterns        = var.target_patterns
      write_units_per_second = var.write_units_per_second
      failure_bucket         = var.failure_bucket
    }
  }
}

locals {
  table = var.table == null ? "${var.name}-orders" : var.table

  # A table that is made here cannot be looked up before the first apply.
  stream = var.table == null ? {
    arn       = aws_dynamodb_table.orders[0].stream_arn
    view_type = aws_dynamodb_table.orders[0].stream_view_type
  } : null
}

# Reports and the alarm by mail, once the receiver confirms.
resource "aws_sns_topic_subscription" "email" {
  count = var.email == null ? 0 : 1

  topic_arn = module.dynamodb_restore.notifications.topic_arn
  protocol  = "email"
  endpoint  = var.email
}
