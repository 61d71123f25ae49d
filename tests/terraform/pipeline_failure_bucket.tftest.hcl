# The bucket is the last place where a change can be that could not be sent. It must be private, encrypted and emptied in
# time, but keep an image for as long as a message can name it; and where one is given, none may be made.

mock_provider "aws" {
  source = "./tests/terraform/mocks"
}

variables {
  table = "orders"
  binding = {
    name          = "demo"
    restore_table = { name = "demo-restores", arn = "arn:aws:dynamodb:us-east-1:123456789012:table/demo-restores" }
    functions     = { operator = { name = "demo-operator" } }
    layer_arn     = "arn:aws:lambda:us-east-1:123456789012:layer:demo-dependencies:1"
  }
}

override_resource {
  target = aws_s3_bucket.failures[0]
  values = { arn = "arn:aws:s3:::demo--orders-12a74127-failures-123456789012" }
}

run "a_bucket_is_made_private_encrypted_and_emptied" {
  module {
    source = "./modules/change-pipeline"
  }

  assert {
    condition     = aws_s3_bucket.failures[0].bucket == "demo--orders-12a74127-failures-123456789012" && aws_s3_bucket.failures[0].force_destroy == false && output.failure_bucket_arn == "arn:aws:s3:::demo--orders-12a74127-failures-123456789012"
    error_message = "Bucket: ${aws_s3_bucket.failures[0].bucket}, ${output.failure_bucket_arn}"
  }

  assert {
    condition     = alltrue([aws_s3_bucket_public_access_block.failures[0].block_public_acls, aws_s3_bucket_public_access_block.failures[0].block_public_policy, aws_s3_bucket_public_access_block.failures[0].ignore_public_acls, aws_s3_bucket_public_access_block.failures[0].restrict_public_buckets])
    error_message = "Public access: ${jsonencode(aws_s3_bucket_public_access_block.failures[0])}"
  }

  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.failures[0].rule).apply_server_side_encryption_by_default).sse_algorithm == "AES256"
    error_message = "Encryption: ${jsonencode(aws_s3_bucket_server_side_encryption_configuration.failures[0].rule)}"
  }

  assert {
    condition     = { for rule in aws_s3_bucket_lifecycle_configuration.failures[0].rule : one(rule.filter).prefix => one(rule.expiration).days if rule.status == "Enabled" && length(rule.expiration) > 0 } == { "aws/lambda/" = 30, "images/" = 15 }
    error_message = "Lifecycle: ${jsonencode(aws_s3_bucket_lifecycle_configuration.failures[0].rule)}"
  }

  assert {
    condition     = [for statement in data.aws_iam_policy_document.failure_bucket[0].statement : "${statement.effect} ${join(" ", statement.actions)} ${join(" ", sort(statement.resources))} ${one(statement.condition).variable}"] == ["Deny s3:* arn:aws:s3:::demo--orders-12a74127-failures-123456789012 arn:aws:s3:::demo--orders-12a74127-failures-123456789012/* aws:SecureTransport"]
    error_message = "Statements: ${jsonencode(data.aws_iam_policy_document.failure_bucket[0].statement)}"
  }
}

run "a_given_key_encrypts_it" {
  module {
    source = "./modules/change-pipeline"
  }

  variables {
    kms_key_arn    = "arn:aws:kms:us-east-1:123456789012:key/demo"
    failure_bucket = { expire_after_days = 7, force_destroy = true }
  }

  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.failures[0].rule).apply_server_side_encryption_by_default).kms_master_key_id == "arn:aws:kms:us-east-1:123456789012:key/demo" && one(aws_s3_bucket_server_side_encryption_configuration.failures[0].rule).bucket_key_enabled
    error_message = "Encryption: ${jsonencode(aws_s3_bucket_server_side_encryption_configuration.failures[0].rule)}"
  }

  assert {
    condition     = { for rule in aws_s3_bucket_lifecycle_configuration.failures[0].rule : one(rule.filter).prefix => one(rule.expiration).days if length(rule.expiration) > 0 } == { "aws/lambda/" = 7, "images/" = 15 } && aws_s3_bucket.failures[0].force_destroy
    error_message = "Lifecycle: ${jsonencode(aws_s3_bucket_lifecycle_configuration.failures[0].rule)}"
  }
}

run "a_given_bucket_is_used_and_none_is_made" {
  module {
    source = "./modules/change-pipeline"
  }

  variables {
    failure_bucket = { create = false, arn = "arn:aws:s3:::estate-failures" }
  }

  assert {
    condition     = length(aws_s3_bucket.failures) == 0 && one(one(aws_lambda_event_source_mapping.stream.destination_config).on_failure).destination_arn == "arn:aws:s3:::estate-failures" && output.failure_bucket_arn == "arn:aws:s3:::estate-failures"
    error_message = "Destination: ${jsonencode(aws_lambda_event_source_mapping.stream.destination_config)}"
  }

  assert {
    condition     = [for statement in data.aws_iam_policy_document.capture.statement : one(statement.resources) if startswith(join("", statement.actions), "s3:")] == ["arn:aws:s3:::estate-failures/*", "arn:aws:s3:::estate-failures/images/demo--orders/*", "arn:aws:s3:::estate-failures"]
    error_message = "Statements: ${jsonencode(data.aws_iam_policy_document.capture.statement)}"
  }
}

# Lambda puts what capture gives up with the function's own role: without its key those changes would be lost.
run "the_key_of_a_given_bucket_may_be_used_through_s3_alone" {
  module {
    source = "./modules/change-pipeline"
  }

  variables {
    failure_bucket = {
      create      = false
      arn         = "arn:aws:s3:::estate-failures"
      kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/estate"
    }
  }

  assert {
    condition = {
      for role, document in {
        capture = data.aws_iam_policy_document.capture
        replay  = data.aws_iam_policy_document.replay
        upkeep  = data.aws_iam_policy_document.upkeep
      } : role => [for statement in document.statement : statement.actions if statement.sid == "UseTheKeyOfTheBucket"]
      } == {
      capture = [toset(["kms:Decrypt", "kms:GenerateDataKey"])]
      replay  = [toset(["kms:Decrypt"])]
      upkeep  = [toset(["kms:Decrypt"])]
    }
    error_message = "Statements: ${jsonencode([data.aws_iam_policy_document.capture.statement, data.aws_iam_policy_document.replay.statement, data.aws_iam_policy_document.upkeep.statement])}"
  }

  assert {
    condition = alltrue([
      for statement in flatten([data.aws_iam_policy_document.capture.statement, data.aws_iam_policy_document.replay.statement, data.aws_iam_policy_document.upkeep.statement]) :
      one(statement.resources) == "arn:aws:kms:us-east-1:123456789012:key/estate" && [for condition in statement.condition : [condition.test, condition.variable, one(condition.values)]] == [["StringEquals", "kms:ViaService", "s3.us-east-1.amazonaws.com"]] if statement.sid == "UseTheKeyOfTheBucket"
    ])
    error_message = "Statements: ${jsonencode([data.aws_iam_policy_document.capture.statement, data.aws_iam_policy_document.replay.statement, data.aws_iam_policy_document.upkeep.statement])}"
  }
}
