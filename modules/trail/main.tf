data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  partition = data.aws_partition.current.partition
  account   = data.aws_caller_identity.current.account_id
  region    = data.aws_region.current.id

  names = module.names.names

  # Put together here, because the bucket must let the trail in before there is one.
  trail_arn = "arn:${local.partition}:cloudtrail:${local.region}:${local.account}:trail/${local.names.trail}"

  tags = merge(module.names.tags, var.tags)
}

module "names" {
  source = "../names"

  name = var.name

  # A bucket's name is taken in the whole world, so it carries the account, and a hash for the region.
  wanted = {
    trail  = { suffix = "trail", limit = 128 }
    bucket = { suffix = "trail-${local.account}", limit = 63, characters = "bucket", hashed = local.region }
  }
}

resource "aws_cloudtrail" "this" {
  # checkov:skip=CKV_AWS_67:A rule hears of its own region only. `multi_region` makes it one for all, where several deployments share it.
  # checkov:skip=CKV_AWS_252:Nothing waits for a log: EventBridge hears of the call itself.
  # checkov:skip=CKV2_AWS_10:The same. A log group would hold every call of the account once more, at a price.

  name           = local.names.trail
  s3_bucket_name = aws_s3_bucket.logs.id
  kms_key_id     = var.kms_key_arn
  tags           = local.tags

  is_multi_region_trail = var.multi_region
  # Calls to IAM and other services without a region are no restores; CloudTrail wants them of a trail of all regions.
  include_global_service_events = var.multi_region
  enable_log_file_validation    = true

  # Calls that change something, among them restores; no reads, and none of the data events that cost.
  event_selector {
    read_write_type           = "WriteOnly"
    include_management_events = true
  }

  # CloudTrail writes to the bucket as it makes the trail.
  depends_on = [aws_s3_bucket_policy.logs]
}
