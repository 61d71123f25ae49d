# Without a trail nothing arrives, and nothing complains. A trail that CloudTrail cannot write to is made all the same, or
# refused in the middle of an apply; and one that records too much costs.

mock_provider "aws" {
  source = "./tests/terraform/mocks"
}

variables {
  name = "demo"
}

override_resource {
  target = aws_s3_bucket.logs
  values = { id = "demo-trail-123456789012-us-east-1", arn = "arn:aws:s3:::demo-trail-123456789012-us-east-1" }
}

run "it_records_management_writes_of_its_region_and_nothing_else" {
  module {
    source = "./modules/trail"
  }

  assert {
    condition = [for selector in aws_cloudtrail.this.event_selector : {
      kind       = selector.read_write_type
      management = selector.include_management_events
      data       = length(selector.data_resource)
    }] == [{ kind = "WriteOnly", management = true, data = 0 }]
    error_message = "Event selectors: ${jsonencode(aws_cloudtrail.this.event_selector)}"
  }

  assert {
    condition     = [aws_cloudtrail.this.is_multi_region_trail, aws_cloudtrail.this.include_global_service_events, aws_cloudtrail.this.enable_log_file_validation] == [false, false, true]
    error_message = "Multi-region, global, validation: ${jsonencode([aws_cloudtrail.this.is_multi_region_trail, aws_cloudtrail.this.include_global_service_events, aws_cloudtrail.this.enable_log_file_validation])}"
  }

  assert {
    condition     = aws_cloudtrail.this.name == "demo-trail" && aws_cloudtrail.this.s3_bucket_name == "demo-trail-123456789012-us-east-1"
    error_message = "Trail ${aws_cloudtrail.this.name} into ${aws_cloudtrail.this.s3_bucket_name}"
  }
}

run "cloudtrail_may_write_for_this_trail_and_nobody_may_without_tls" {
  module {
    source = "./modules/trail"
  }

  assert {
    condition = [for statement in data.aws_iam_policy_document.bucket.statement : {
      sid       = statement.sid
      effect    = coalesce(statement.effect, "Allow")
      actions   = join(" ", statement.actions)
      resources = join(" ", sort(statement.resources))
      who       = one(one(statement.principals).identifiers)
      when      = join(", ", [for condition in statement.condition : "${condition.test} ${condition.variable} ${one(condition.values)}"])
      }] == [
      {
        sid       = "TrailLooksAtTheBucket"
        effect    = "Allow"
        actions   = "s3:GetBucketAcl"
        resources = "arn:aws:s3:::demo-trail-123456789012-us-east-1"
        who       = "cloudtrail.amazonaws.com"
        when      = "StringEquals aws:SourceArn arn:aws:cloudtrail:us-east-1:123456789012:trail/demo-trail"
      },
      {
        sid       = "TrailWritesItsLogs"
        effect    = "Allow"
        actions   = "s3:PutObject"
        resources = "arn:aws:s3:::demo-trail-123456789012-us-east-1/AWSLogs/123456789012/*"
        who       = "cloudtrail.amazonaws.com"
        when      = "StringEquals aws:SourceArn arn:aws:cloudtrail:us-east-1:123456789012:trail/demo-trail, StringEquals s3:x-amz-acl bucket-owner-full-control"
      },
      {
        sid       = "DenyPlainText"
        effect    = "Deny"
        actions   = "s3:*"
        resources = "arn:aws:s3:::demo-trail-123456789012-us-east-1 arn:aws:s3:::demo-trail-123456789012-us-east-1/*"
        who       = "*"
        when      = "Bool aws:SecureTransport false"
      },
    ]
    error_message = "Bucket policy: ${jsonencode(data.aws_iam_policy_document.bucket.statement)}"
  }

  # The name that the bucket lets in is the name of the trail.
  assert {
    condition     = endswith(local.trail_arn, ":trail/${aws_cloudtrail.this.name}") && aws_s3_bucket_policy.logs.bucket == "demo-trail-123456789012-us-east-1"
    error_message = "The policy of ${aws_s3_bucket_policy.logs.bucket} lets ${local.trail_arn} in, and the trail is ${aws_cloudtrail.this.name}"
  }
}

run "the_bucket_is_private_owned_encrypted_and_expires" {
  module {
    source = "./modules/trail"
  }

  assert {
    condition     = [aws_s3_bucket_public_access_block.logs.block_public_acls, aws_s3_bucket_public_access_block.logs.block_public_policy, aws_s3_bucket_public_access_block.logs.ignore_public_acls, aws_s3_bucket_public_access_block.logs.restrict_public_buckets] == [true, true, true, true]
    error_message = "Public access: ${jsonencode(aws_s3_bucket_public_access_block.logs)}"
  }

  assert {
    condition     = one(aws_s3_bucket_ownership_controls.logs.rule).object_ownership == "BucketOwnerEnforced"
    error_message = "Ownership: ${jsonencode(aws_s3_bucket_ownership_controls.logs.rule)}"
  }

  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.logs.rule).apply_server_side_encryption_by_default).sse_algorithm == "AES256" && aws_cloudtrail.this.kms_key_id == null
    error_message = "Encryption: ${jsonencode(aws_s3_bucket_server_side_encryption_configuration.logs.rule)}, key of the trail ${jsonencode(aws_cloudtrail.this.kms_key_id)}"
  }

  assert {
    condition     = one(one(aws_s3_bucket_lifecycle_configuration.logs.rule).expiration).days == 90 && one(aws_s3_bucket_lifecycle_configuration.logs.rule).status == "Enabled" && !aws_s3_bucket.logs.force_destroy
    error_message = "Lifecycle: ${jsonencode(aws_s3_bucket_lifecycle_configuration.logs.rule)}, force_destroy ${aws_s3_bucket.logs.force_destroy}"
  }

  assert {
    condition     = output.trail.name == "demo-trail" && output.bucket == { name = "demo-ce57fa88-trail-123456789012", arn = "arn:aws:s3:::demo-trail-123456789012-us-east-1" }
    error_message = "Outputs: ${jsonencode([output.trail, output.bucket])}"
  }
}

run "it_can_be_told_otherwise" {
  module {
    source = "./modules/trail"
  }

  variables {
    multi_region      = true
    expire_after_days = 7
    force_destroy     = true
    kms_key_arn       = "arn:aws:kms:us-east-1:123456789012:key/demo"
  }

  # CloudTrail refuses a trail of all regions without the events of services that have none.
  assert {
    condition     = aws_cloudtrail.this.is_multi_region_trail && aws_cloudtrail.this.include_global_service_events
    error_message = "Multi-region ${aws_cloudtrail.this.is_multi_region_trail}, global ${aws_cloudtrail.this.include_global_service_events}"
  }

  assert {
    condition     = one(one(aws_s3_bucket_lifecycle_configuration.logs.rule).expiration).days == 7 && aws_s3_bucket.logs.force_destroy
    error_message = "Lifecycle: ${jsonencode(aws_s3_bucket_lifecycle_configuration.logs.rule)}, force_destroy ${aws_s3_bucket.logs.force_destroy}"
  }

  assert {
    condition = [
      aws_cloudtrail.this.kms_key_id,
      one(one(aws_s3_bucket_server_side_encryption_configuration.logs.rule).apply_server_side_encryption_by_default).kms_master_key_id,
      one(one(aws_s3_bucket_server_side_encryption_configuration.logs.rule).apply_server_side_encryption_by_default).sse_algorithm,
    ] == ["arn:aws:kms:us-east-1:123456789012:key/demo", "arn:aws:kms:us-east-1:123456789012:key/demo", "aws:kms"]
    error_message = "Encryption: ${jsonencode(aws_s3_bucket_server_side_encryption_configuration.logs.rule)}, key of the trail ${jsonencode(aws_cloudtrail.this.kms_key_id)}"
  }
}

run "the_partition_and_region_are_the_callers" {
  module {
    source = "./modules/trail"
  }

  override_data {
    target = data.aws_partition.current
    values = { partition = "aws-cn", dns_suffix = "amazonaws.com.cn" }
  }
  override_data {
    target = data.aws_region.current
    values = { id = "cn-north-1" }
  }

  assert {
    condition     = local.trail_arn == "arn:aws-cn:cloudtrail:cn-north-1:123456789012:trail/demo-trail" && aws_s3_bucket.logs.bucket == "demo-${substr(sha256("demo-trail-123456789012cn-north-1"), 0, 8)}-trail-123456789012"
    error_message = "Trail ${local.trail_arn}, bucket ${aws_s3_bucket.logs.bucket}"
  }
}

run "everything_of_the_trail_is_tagged" {
  module {
    source = "./modules/trail"
  }

  variables {
    tags = { team = "platform" }
  }

  assert {
    condition     = alltrue([for tags in [aws_cloudtrail.this.tags, aws_s3_bucket.logs.tags] : tags == tomap({ team = "platform", "dynamodb-restore" = "demo" })])
    error_message = "Tags: ${jsonencode([aws_cloudtrail.this.tags, aws_s3_bucket.logs.tags])}"
  }
}

# --- input that cannot work

run "an_illegal_name_fails" {
  command = plan

  module {
    source = "./modules/trail"
  }

  variables {
    name = "a.b"
  }

  expect_failures = [var.name]
}

run "expiring_at_once_fails" {
  command = plan

  module {
    source = "./modules/trail"
  }

  variables {
    expire_after_days = 0
  }

  expect_failures = [var.expire_after_days]
}

run "expiring_within_a_day_fails" {
  command = plan

  module {
    source = "./modules/trail"
  }

  variables {
    expire_after_days = 1.5
  }

  expect_failures = [var.expire_after_days]
}
