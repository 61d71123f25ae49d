data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  partition = data.aws_partition.current.partition
  account   = data.aws_caller_identity.current.account_id
  region    = data.aws_region.current.id

  # CloudTrail takes no two of . _ - beside each other, buckets no capital and no underscore.
  wanted_names = {
    trail = {
      text  = "${var.name}-trail"
      legal = replace("${var.name}-trail", "/[_-]{2,}/", "-")
      limit = 128
    }
    # A bucket's name is taken in the whole world, so it carries account and region.
    bucket = {
      text  = "${var.name}-trail-${local.account}-${local.region}"
      legal = "${lower(replace(var.name, "_", "-"))}-trail-${local.account}-${local.region}"
      limit = 63
    }
  }

  # The hash is of the whole name as it was wanted, so that names that differ only in what is cut or replaced stay
  # apart.
  names = {
    for key, name in local.wanted_names :
    key => name.legal == name.text && length(name.text) <= name.limit ? name.text : "${trimsuffix(trimsuffix(substr(name.legal, 0, name.limit - 9), "-"), "_")}-${substr(sha256(name.text), 0, 8)}"
  }

  # Put together here, because the bucket must let the trail in before there is one.
  trail_arn = "arn:${local.partition}:cloudtrail:${local.region}:${local.account}:trail/${local.names.trail}"

  tags = merge({ "dynamodb-restore" = var.name }, var.tags)
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
