# Where Lambda puts records that capture could not send within the stream's life. A bucket stores them completely; a queue
# would only get their position in the stream. Capture itself puts images there that are too large for a message, under a
# prefix of their own.
locals {
  failure_bucket_arn = var.failure_bucket.create ? one(aws_s3_bucket.failures[*].arn) : var.failure_bucket.arn
  # The ARN of a bucket ends in its name and contains no region and no account.
  failure_bucket_name = element(split(":", local.failure_bucket_arn), 5)

  # Where Lambda puts what this pipeline's capture gives up
  # (docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html).
  failure_prefix = "aws/lambda/${aws_lambda_event_source_mapping.stream.uuid}/"

  # SQS keeps a message for 14 days, and an image must exist for as long as a message names it.
  image_days = 15
}

resource "aws_s3_bucket" "failures" {
  # checkov:skip=CKV_AWS_18:It would take a bucket more. Who reads this one is for the account's own trail to record; give a bucket of your own for more.
  # checkov:skip=CKV_AWS_21:What is written again under a name is the same, and versions would outlive expire_after_days.
  # checkov:skip=CKV_AWS_144:The changes in it belong to a restore in this region, and to no other.
  # checkov:skip=CKV2_AWS_62:Nothing has to act on an object at once: the mapping's own metrics raise the alarm, and cutover lists the bucket and is refused.

  count = var.failure_bucket.create ? 1 : 0

  bucket        = local.names.bucket
  force_destroy = var.failure_bucket.force_destroy
  tags          = local.tags
}

resource "aws_s3_bucket_public_access_block" "failures" {
  count = var.failure_bucket.create ? 1 : 0

  bucket                  = aws_s3_bucket.failures[0].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "failures" {
  count = var.failure_bucket.create ? 1 : 0

  bucket = aws_s3_bucket.failures[0].id

  rule {
    bucket_key_enabled = var.kms_key_arn != null

    apply_server_side_encryption_by_default {
      sse_algorithm     = var.kms_key_arn == null ? "AES256" : "aws:kms"
      kms_master_key_id = var.kms_key_arn
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "failures" {
  count = var.failure_bucket.create ? 1 : 0

  bucket = aws_s3_bucket.failures[0].id

  rule {
    id     = "abort-uploads"
    status = "Enabled"

    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }

  # Two prefixes that do not overlap: where rules do, S3 takes the shorter time.
  rule {
    id     = "expire"
    status = "Enabled"

    filter {
      prefix = "aws/lambda/"
    }

    expiration {
      days = var.failure_bucket.expire_after_days
    }
  }

  rule {
    id     = "expire-images"
    status = "Enabled"

    filter {
      prefix = "images/"
    }

    expiration {
      days = local.image_days
    }
  }
}

data "aws_iam_policy_document" "failure_bucket" {
  count = var.failure_bucket.create ? 1 : 0

  statement {
    sid    = "DenyPlainText"
    effect = "Deny"
    # Every action and every principal: what is denied is the transport, whoever uses it for whatever.
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.failures[0].arn, "${aws_s3_bucket.failures[0].arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_s3_bucket_policy" "failures" {
  count = var.failure_bucket.create ? 1 : 0

  bucket = aws_s3_bucket.failures[0].id
  policy = data.aws_iam_policy_document.failure_bucket[0].json

  # S3 takes one change of a bucket's access at a time.
  depends_on = [aws_s3_bucket_public_access_block.failures]
}
