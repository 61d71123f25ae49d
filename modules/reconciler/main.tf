data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  partition = data.aws_partition.current.partition
  account   = data.aws_caller_identity.current.account_id
  region    = data.aws_region.current.id

  names = module.names.names
  tags  = merge(module.names.tags, var.tags)

  function = {
    name        = local.names.function
    role_name   = local.names.role
    description = "Finds DynamoDB restores whose event never arrived, or whose message was lost"
    handler     = "dynamodb_restore.handlers.reconciler.handler"
    layers      = [var.binding.layer_arn]

    code = {
      filename = var.artifacts.code == null ? "${path.module}/../../dist/dynamodb_restore.zip" : null
      s3       = var.artifacts.code
    }

    environment = {
      RESTORE_TABLE_NAME           = var.binding.restore_table.name
      RESTORE_QUEUE_URL            = var.restore_queue.url
      CONFIGURATION                = var.binding.configuration
      FOLLOW                       = jsonencode(var.follow)
      LONGEST_SILENCE_SECONDS      = tostring(var.binding.longest_silence_seconds)
      POWERTOOLS_SERVICE_NAME      = var.name
      POWERTOOLS_METRICS_NAMESPACE = "DynamoDBRestore"
    }

    # It checks every table of the region.
    timeout = 300

    runtime              = var.lambda.runtime
    architecture         = var.lambda.architecture
    memory_size          = var.lambda.memory_size
    log_level            = var.lambda.log_level
    log_retention_days   = var.lambda.log_retention_days
    tracing              = var.lambda.tracing
    permissions_boundary = var.lambda.permissions_boundary
    role_path            = var.lambda.role_path
    vpc                  = var.lambda.vpc
    kms_key_arn          = var.kms_key_arn
  }
}

module "names" {
  source = "../names"

  name = var.name

  # IAM is global in an account: its names carry the region, so that one account can have the module in several.
  wanted = {
    function = { suffix = "reconciler", limit = 64 }
    role     = { suffix = "reconciler-${local.region}", limit = 64 }
    rule     = { suffix = "reconciler", limit = 64 }
    alarm    = { suffix = "reconciler-failing", limit = 255 }
    unseen   = { suffix = "reconciler-tables-unseen", limit = 255 }
  }
}

module "function" {
  source = "../lambda"

  function = local.function
  tags     = local.tags
}
