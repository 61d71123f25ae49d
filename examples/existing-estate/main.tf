# The submodules, composed by hand: what an estate has already (estate.tf) is used and not made again.

module "restore_events" {
  source = "../../modules/restore-events"

  name           = var.name
  tags           = var.tags
  table_patterns = local.table_patterns
  follow         = local.follow
  event_sources  = var.event_sources
  topic_arn      = aws_sns_topic.oncall.arn

  # The module's own functions, and the people who redrive a restore.
  senders = {
    worker     = module.restore_worker.role.arn
    reconciler = module.reconciler.role.arn
  }
  redrivers = var.redrivers
}

module "restore_worker" {
  source = "../../modules/restore-worker"

  name              = var.name
  tags              = var.tags
  table_patterns    = local.table_patterns
  follow            = local.follow
  settings          = { kinesis_destination = false, warm_throughput = true }
  drill_patterns    = ["${var.name}-orders-drill-*"]
  restore_queue     = module.restore_events.queue
  dead_letter_queue = module.restore_events.dead_letter_queue

  # Where the pipeline below keeps what capture gave up.
  failure_buckets             = [aws_s3_bucket.failures.arn]
  failure_bucket_kms_key_arns = [aws_kms_key.buckets.arn]

  # Copies for the analysts: nothing of them is to act on anything, and on-call is not told.
  overrides = [
    {
      target   = "${var.name}-orders-copy-*"
      settings = { deletion_protection = false, stream_triggers = false, cloudwatch_alarms = false, warm_throughput = false }
      replay   = false
      notify   = false
    },
  ]

  # An example is to go in one step. Leave this out of what you keep: docs/changing.md.
  restore_table = { deletion_protection = false }

  notifications = {
    topic_arn         = aws_sns_topic.oncall.arn
    topic_kms_key_arn = aws_kms_key.oncall.arn
    event_bus_name    = aws_cloudwatch_event_bus.platform.arn
  }
}

module "reconciler" {
  source = "../../modules/reconciler"

  name          = var.name
  tags          = var.tags
  follow        = local.follow
  binding       = module.restore_worker.binding
  restore_queue = module.restore_events.queue
}

# Could as well stand in the configuration of the team that owns the table: all it needs is the binding.
module "orders_pipeline" {
  source = "../../modules/change-pipeline"

  tags            = var.tags
  table           = aws_dynamodb_table.orders.name
  stream          = { arn = aws_dynamodb_table.orders.stream_arn, view_type = aws_dynamodb_table.orders.stream_view_type }
  binding         = module.restore_worker.binding
  target_patterns = local.table_patterns.target

  failure_bucket = {
    create      = false
    arn         = aws_s3_bucket.failures.arn
    kms_key_arn = aws_kms_key.buckets.arn
  }
}

locals {
  table_patterns = {
    source = ["${var.name}-orders"]
    target = ["${var.name}-orders-*"]
  }

  # A table that a configuration restores is that configuration's own.
  follow = { terraform = false }
}
