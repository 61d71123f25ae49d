# Stands for what is there before this module: a table with a stream, the topic that wakes whoever is on call, the bus
# that the platform's tools listen on, and a bucket for what failed.

provider "aws" {
  region = var.region
}

resource "aws_dynamodb_table" "orders" {
  # checkov:skip=CKV_AWS_119:It stands for a table that is there already, encrypted as it may be.

  name             = "${var.name}-orders"
  billing_mode     = "PAY_PER_REQUEST"
  hash_key         = "customer"
  range_key        = "order"
  stream_enabled   = true
  stream_view_type = "NEW_IMAGE"
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

resource "aws_sns_topic" "oncall" {
  # checkov:skip=CKV_AWS_26:With the AWS managed key no alarm could publish here; a customer key would be one more thing to make.

  name = "${var.name}-oncall"
  tags = var.tags
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

# A topic that is given must let the alarms publish: all those of the module are called after its name.
data "aws_iam_policy_document" "oncall" {
  statement {
    sid       = "AlarmsPublish"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.oncall.arn]

    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com"]
    }

    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = ["arn:${data.aws_partition.current.partition}:cloudwatch:${var.region}:${data.aws_caller_identity.current.account_id}:alarm:${var.name}-*"]
    }
  }
}

resource "aws_sns_topic_policy" "oncall" {
  arn    = aws_sns_topic.oncall.arn
  policy = data.aws_iam_policy_document.oncall.json
}

resource "aws_cloudwatch_event_bus" "platform" {
  name = "${var.name}-platform"
  tags = var.tags
}

resource "aws_s3_bucket" "failures" {
  # checkov:skip=CKV_AWS_18,CKV_AWS_21,CKV_AWS_144,CKV2_AWS_62:It stands for a bucket that is there already, with the estate's own rules.

  bucket_prefix = "failed-changes-"
  tags          = var.tags
}

resource "aws_s3_bucket_public_access_block" "failures" {
  bucket                  = aws_s3_bucket.failures.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}
