locals {
  # What is not named, or null, is all tables.
  table_patterns = {
    for kind in ["source", "target"] : kind => coalesce(lookup(var.table_patterns, kind, null), ["*"])
  }
}

module "notifications" {
  source = "./modules/notifications"
  count  = var.create ? 1 : 0

  name         = var.name
  tags         = var.tags
  create_topic = var.notifications.create_topic
  topic_arn    = var.notifications.topic_arn
  kms_key_arn  = var.encryption.kms_key_arn
}

module "restore_events" {
  source = "./modules/restore-events"
  count  = var.create ? 1 : 0

  name           = var.name
  tags           = var.tags
  table_patterns = var.table_patterns
  event_sources  = var.event_sources
  follow         = var.follow
  redrivers      = var.redrivers
  kms_key_arn    = var.encryption.kms_key_arn

  queue = {
    # AWS's advice for a queue that feeds a function.
    visibility_timeout_seconds    = coalesce(var.queue.visibility_timeout_seconds, 6 * var.lambda.timeout)
    message_retention_seconds     = var.queue.message_retention_seconds
    dead_letter_retention_seconds = var.queue.dead_letter_retention_seconds
    # A net under the worker, which itself gives up at max_attempts and says why. SQS counts to 1000; attempts that
    # come near it are refused where they are used.
    max_receive_count = min(var.polling.max_attempts + 5, 1000)
  }

  topic_arn = module.notifications[0].topic_arn

  senders = {
    worker     = module.restore_worker[0].role.arn
    reconciler = one(module.reconciler[*].role.arn)
  }
}

module "restore_worker" {
  source = "./modules/restore-worker"
  count  = var.create ? 1 : 0

  name              = var.name
  tags              = var.tags
  settings          = var.settings
  overrides         = var.overrides
  drill_patterns    = var.drill_patterns
  control_tag       = var.control_tag
  follow            = var.follow
  findings          = var.findings
  polling           = var.polling
  table_patterns    = var.table_patterns
  source_regions    = var.source_regions
  lambda            = var.lambda
  restore_table     = var.restore_table
  artifacts         = var.artifacts
  kms_key_arn       = var.encryption.kms_key_arn
  restore_queue     = module.restore_events[0].queue
  dead_letter_queue = module.restore_events[0].dead_letter_queue

  control_tag_excludes = var.control_tag_excludes
  attachable           = var.attachable
  failure_bucket_kms_key_arns = concat(
    [for pipeline in var.change_pipelines : pipeline.failure_bucket.kms_key_arn if pipeline.failure_bucket.kms_key_arn != null],
    var.failure_bucket_kms_key_arns,
  )
  failure_buckets = distinct(concat(compact([for pipeline in var.change_pipelines : pipeline.failure_bucket.arn]), var.failure_buckets))

  notifications = {
    topic_arn         = module.notifications[0].topic_arn
    topic_kms_key_arn = var.notifications.topic_kms_key_arn
    event_bus_name    = var.notifications.event_bus_name
  }

  pipeline_sources = [for label, pipeline in var.change_pipelines : pipeline.name == null ? label : pipeline.name]
}

module "reconciler" {
  source = "./modules/reconciler"
  count  = var.create && var.reconciler.enabled ? 1 : 0

  name             = var.name
  tags             = merge(var.tags, var.reconciler.tags)
  binding          = module.restore_worker[0].binding
  restore_queue    = module.restore_events[0].queue
  follow           = var.follow
  interval_minutes = var.reconciler.interval_minutes
  artifacts        = { code = var.artifacts.code }
  kms_key_arn      = var.encryption.kms_key_arn

  lambda = {
    runtime              = var.lambda.runtime
    architecture         = var.lambda.architecture
    log_level            = var.lambda.log_level
    log_retention_days   = var.lambda.log_retention_days
    tracing              = var.lambda.tracing
    permissions_boundary = var.lambda.permissions_boundary
    role_path            = var.lambda.role_path
    vpc                  = var.lambda.vpc
  }
}

module "trail" {
  source = "./modules/trail"
  count  = var.create && var.trail.enabled ? 1 : 0

  name              = var.name
  tags              = merge(var.tags, var.trail.tags)
  multi_region      = var.trail.multi_region
  expire_after_days = var.trail.expire_after_days
  force_destroy     = var.trail.force_destroy
  kms_key_arn       = var.encryption.kms_key_arn
}

module "change_pipelines" {
  source   = "./modules/change-pipeline"
  for_each = var.create ? var.change_pipelines : {}

  tags                         = merge(var.tags, each.value.tags)
  label                        = each.key
  table                        = each.value.name == null ? each.key : each.value.name
  in_root_module               = true
  stream                       = each.value.stream
  look_up_stream               = each.value.look_up_stream
  binding                      = module.restore_worker[0].binding
  capture                      = each.value.capture
  filter                       = each.value.filter
  keep_expiries                = each.value.keep_expiries
  ttl_attribute                = each.value.ttl_attribute
  target_patterns              = each.value.target_patterns
  group_count                  = each.value.group_count
  byte_limit                   = each.value.byte_limit
  replay_concurrency           = each.value.replay_concurrency
  write_units_per_second       = each.value.write_units_per_second
  read_units_per_second        = each.value.read_units_per_second
  stream_reader                = each.value.stream_reader
  buffer                       = each.value.buffer
  failure_bucket               = each.value.failure_bucket
  table_kms_key_arns           = each.value.table_kms_key_arns
  capture_reserved_concurrency = each.value.capture_reserved_concurrency
  upkeep_interval_minutes      = each.value.upkeep_interval_minutes
  artifacts                    = { code = var.artifacts.code }
  kms_key_arn                  = var.encryption.kms_key_arn

  lambda = {
    runtime              = var.lambda.runtime
    architecture         = var.lambda.architecture
    memory_size          = each.value.lambda.memory_size
    timeout              = each.value.lambda.timeout
    log_level            = var.lambda.log_level
    log_retention_days   = var.lambda.log_retention_days
    tracing              = var.lambda.tracing
    permissions_boundary = var.lambda.permissions_boundary
    role_path            = var.lambda.role_path
    vpc                  = var.lambda.vpc
  }
}

module "owned_pipelines" {
  source = "./modules/owned-pipelines"
  count  = var.create ? 1 : 0

  item      = module.restore_worker[0].owned_pipelines
  pipelines = { for pipeline in module.change_pipelines : pipeline.source => { stream_arn = pipeline.stream_arn } }
}
