data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  partition = data.aws_partition.current.partition
  account   = data.aws_caller_identity.current.account_id
  region    = data.aws_region.current.id

  table_arn_prefix = "arn:${local.partition}:dynamodb:${local.region}:${local.account}:table"
  source_arn       = "${local.table_arn_prefix}/${var.table}"
  # The name of a restored table is chosen when it is restored, so there is a wildcard: the user's own, or after the source's
  # name.
  target_patterns = var.target_patterns == null ? ["${var.table}-*"] : distinct(var.target_patterns)
  target_arns     = [for pattern in local.target_patterns : "${local.table_arn_prefix}/${pattern}"]

  prefix = "${var.name}-${var.table}"
  # Functions and queues may have no dot in their names, which tables may; buckets no capital and no underscore either.
  flat_prefix   = replace(local.prefix, ".", "-")
  bucket_prefix = lower(replace(local.flat_prefix, "_", "-"))

  # IAM is global in an account and buckets are in the world: their names carry the region, and the account. Queues
  # leave room for the suffix that SQS wants of a FIFO queue.
  wanted_names = merge(local.wanted_alarm_names, {
    capture           = { text = "${local.prefix}-capture", legal = "${local.flat_prefix}-capture", limit = 64 }
    replay            = { text = "${local.prefix}-replay", legal = "${local.flat_prefix}-replay", limit = 64 }
    upkeep            = { text = "${local.prefix}-upkeep", legal = "${local.flat_prefix}-upkeep", limit = 64 }
    capture_role      = { text = "${local.prefix}-capture-${local.region}", legal = "${local.prefix}-capture-${local.region}", limit = 64 }
    replay_role       = { text = "${local.prefix}-replay-${local.region}", legal = "${local.prefix}-replay-${local.region}", limit = 64 }
    upkeep_role       = { text = "${local.prefix}-upkeep-${local.region}", legal = "${local.prefix}-upkeep-${local.region}", limit = 64 }
    upkeep_rule       = { text = "${local.prefix}-upkeep", legal = "${local.prefix}-upkeep", limit = 64 }
    buffer            = { text = "${local.prefix}-changes", legal = "${local.flat_prefix}-changes", limit = 80 - length(".fifo") }
    dead_letter_queue = { text = "${local.prefix}-changes-dlq", legal = "${local.flat_prefix}-changes-dlq", limit = 80 - length(".fifo") }
    policy            = { text = "pipeline-${var.table}", legal = "pipeline-${var.table}", limit = 128 }
    bucket = {
      text  = "${local.prefix}-failures-${local.account}-${local.region}"
      legal = "${local.bucket_prefix}-failures-${local.account}-${local.region}"
      limit = 63
    }
  })

  wanted_alarm_names = {
    for key, suffix in {
      given_up       = "changes-given-up"
      lost           = "changes-lost"
      set_aside      = "changes-set-aside"
      waiting_long   = "changes-waiting-long"
      replay_refused = "replay-refused"
      misdirected    = "capture-misdirected"
      after_cutover  = "changes-after-cutover"
      upkeep_failing = "upkeep-failing"
    } : "alarm_${key}" => { text = "${local.prefix}-${suffix}", legal = "${local.prefix}-${suffix}", limit = 255 }
  }

  # The hash is of the whole name as it was wanted, so that names that differ only in what is cut or replaced stay
  # apart.
  names = {
    for key, name in local.wanted_names :
    key => name.legal == name.text && length(name.text) <= name.limit ? name.text : "${substr(name.legal, 0, name.limit - 9)}-${substr(sha256(name.text), 0, 8)}"
  }

  # Of objects in the failure bucket that hold images too large for a message. In a bucket of the estate's own, several
  # pipelines may keep theirs.
  image_prefix = "images/${local.prefix}/"

  tags = merge({ "dynamodb-restore" = var.name }, var.tags)

  # What a filter pattern can begin with
  # (docs.aws.amazon.com/lambda/latest/dg/with-ddb-filtering.html).
  record_fields = ["awsRegion", "dynamodb", "eventID", "eventName", "eventSource", "eventSourceARN", "eventVersion", "userIdentity"]

  code = {
    filename = var.artifacts.code == null ? "${path.module}/../../dist/dynamodb_restore.zip" : null
    s3       = var.artifacts.code
  }

  # What all three functions are told.
  environment = {
    SOURCE_TABLE_NAME            = var.table
    RESTORE_TABLE_NAME           = var.binding.restore_table.name
    BUFFER_ID                    = terraform_data.buffer.id
    FAILURE_BUCKET               = local.failure_bucket_name
    IMAGE_PREFIX                 = local.image_prefix
    POWERTOOLS_SERVICE_NAME      = var.name
    POWERTOOLS_METRICS_NAMESPACE = "DynamoDBRestore"
  }
}
