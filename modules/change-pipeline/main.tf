data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  stream_reader_limits = {
    batch_size                 = { default = 1000, least = 1, most = 10000 }
    batching_window_seconds    = { default = 1, least = 0, most = 300 }
    parallelization_factor     = { default = 1, least = 1, most = 10 }
    maximum_record_age_seconds = { default = 82800, least = 60, most = 82800 }
  }
  stream_reader = {
    for key, limits in local.stream_reader_limits : key => coalesce(lookup(var.stream_reader, key, null), limits.default)
  }

  partition = data.aws_partition.current.partition
  account   = data.aws_caller_identity.current.account_id
  region    = data.aws_region.current.id

  table_arn_prefix = "arn:${local.partition}:dynamodb:${local.region}:${local.account}:table"
  source_arn       = "${local.table_arn_prefix}/${var.table}"
  # The name of a restored table is chosen when it is restored, so there is a wildcard: the user's own, or after the source's
  # name.
  target_patterns = var.target_patterns == null ? ["${var.table}-*"] : distinct(var.target_patterns)
  target_arns     = [for pattern in local.target_patterns : "${local.table_arn_prefix}/${pattern}"]

  look_up_stream = var.look_up_stream == null ? var.stream == null : var.look_up_stream

  label = var.label == null ? var.table : var.label
  names = module.names.names

  # A table's name has up to 255 characters, and a function's description takes no more than 256.
  short_table = substr(var.table, 0, 180)

  # Prefix of objects in the failure bucket that hold images too large for a message. Several pipelines may share a bucket
  # that the user gives.
  image_prefix = "images/${var.binding.name}--${local.label}/"

  tags = merge(module.names.tags, var.tags)

  # What a filter pattern can begin with
  # (docs.aws.amazon.com/lambda/latest/dg/with-ddb-filtering.html).
  record_fields = ["awsRegion", "dynamodb", "eventID", "eventName", "eventSource", "eventSourceARN", "eventVersion", "userIdentity"]

  code = {
    filename = var.artifacts.code == null ? "${path.module}/../../dist/dynamodb_restore.zip" : null
    s3       = var.artifacts.code
  }

  # The environment that all three functions share.
  environment = {
    SOURCE_TABLE_NAME            = var.table
    RESTORE_TABLE_NAME           = var.binding.restore_table.name
    BUFFER_ID                    = terraform_data.buffer.id
    FAILURE_BUCKET               = local.failure_bucket_name
    IMAGE_PREFIX                 = local.image_prefix
    POWERTOOLS_SERVICE_NAME      = var.binding.name
    POWERTOOLS_METRICS_NAMESPACE = "DynamoDBRestore"
  }
}

module "names" {
  source = "../names"

  name  = var.binding.name
  label = local.label

  # What the roles of the worker and the operator function go by is in modules/restore-worker/pipelines.tf: suffixes are the
  # same there. IAM is global in an account, so its names carry the region. A bucket's is taken in the whole world: it carries
  # the account, and a hash for the region. Queues leave room for the suffix that SQS wants of a FIFO queue.
  wanted = merge(
    {
      capture           = { suffix = "capture", limit = 64, characters = "function" }
      replay            = { suffix = "replay", limit = 64, characters = "function" }
      upkeep            = { suffix = "upkeep", limit = 64, characters = "function" }
      capture_role      = { suffix = "capture-${local.region}", limit = 64, characters = "iam" }
      replay_role       = { suffix = "replay-${local.region}", limit = 64, characters = "iam" }
      upkeep_role       = { suffix = "upkeep-${local.region}", limit = 64, characters = "iam" }
      upkeep_rule       = { suffix = "upkeep", limit = 64 }
      buffer            = { suffix = "changes", limit = 80 - length(".fifo"), characters = "function" }
      dead_letter_queue = { suffix = "changes-dlq", limit = 80 - length(".fifo"), characters = "function" }
      bucket            = { suffix = "failures-${local.account}", limit = 63, characters = "bucket", hashed = local.region }
    },
    {
      for key, suffix in {
        given_up       = "changes-given-up"
        lost           = "changes-lost"
        set_aside      = "changes-set-aside"
        waiting_long   = "changes-waiting-long"
        replay_refused = "replay-refused"
        misdirected    = "capture-misdirected"
        after_cutover  = "changes-after-cutover"
        upkeep_failing = "upkeep-failing"
      } : "alarm_${key}" => { suffix = suffix, limit = 255 }
    },
  )
}
