# Stands for what is there before this module: a table with a stream, the topic that wakes whoever is on call, the bus
# that the platform's tools listen on, a bucket for what failed, and the keys of topic and bucket.

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

# The estate's own keys: one for what its alarms publish, one for its buckets. Their policies leave it to IAM who in the
# account may use them, so each role that publishes to the topic or uses the bucket needs a statement of its own: the
# module has it where it is told of the key (main.tf).
resource "aws_kms_key" "oncall" {
  description         = "Encrypts the topic ${var.name}-oncall"
  enable_key_rotation = true
  policy              = data.aws_iam_policy_document.oncall_key.json
  tags                = var.tags
}

resource "aws_kms_key" "buckets" {
  description         = "Encrypts the buckets of ${var.name}"
  enable_key_rotation = true
  policy              = data.aws_iam_policy_document.buckets_key.json
  tags                = var.tags
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_iam_policy_document" "oncall_key" {
  # checkov:skip=CKV_AWS_109,CKV_AWS_111,CKV_AWS_356:In a key's policy "*" is this key, and the account's own policies say who may use it.

  statement {
    sid       = "LeaveItToIam"
    actions   = ["kms:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:root"]
    }
  }

  # An alarm publishes to an encrypted topic only where the key lets CloudWatch use it
  # (docs.aws.amazon.com/sns/latest/dg/sns-key-management.html).
  statement {
    sid       = "AlarmsPublish"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey*"]
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
}

data "aws_iam_policy_document" "buckets_key" {
  # checkov:skip=CKV_AWS_109,CKV_AWS_111,CKV_AWS_356:In a key's policy "*" is this key, and the account's own policies say who may use it.

  statement {
    sid       = "LeaveItToIam"
    actions   = ["kms:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:root"]
    }
  }
}

resource "aws_sns_topic" "oncall" {
  name              = "${var.name}-oncall"
  kms_master_key_id = aws_kms_key.oncall.arn
  tags              = var.tags
}

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

resource "aws_s3_bucket_server_side_encryption_configuration" "failures" {
  bucket = aws_s3_bucket.failures.id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.buckets.arn
    }
  }
}

resource "aws_s3_bucket_public_access_block" "failures" {
  bucket                  = aws_s3_bucket.failures.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}
