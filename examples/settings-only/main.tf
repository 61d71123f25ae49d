provider "aws" {
  region = var.region
}

module "dynamodb_restore" {
  source = "../.."

  name           = var.name
  tags           = var.tags
  settings       = var.settings
  overrides      = var.overrides
  drill_patterns = var.drill_patterns
  table_patterns = var.table_patterns
  trail          = var.trail
  event_sources  = var.event_sources
  redrivers      = var.redrivers

  # An example is to go in one step. Leave this out of what you keep: docs/changing.md.
  restore_table = { deletion_protection = false }
}

# Reports and the alarm by mail, once the receiver confirms.
resource "aws_sns_topic_subscription" "email" {
  count = var.email == null ? 0 : 1

  topic_arn = module.dynamodb_restore.notifications.topic_arn
  protocol  = "email"
  endpoint  = var.email
}
