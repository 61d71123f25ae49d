# One customer key must reach everything that keeps data; without one everything has the best that costs nothing, and
# the topic has no key, since alarms could not publish to a topic with AWS's own.

mock_provider "aws" {
  source = "./tests/terraform/mocks"
}

run "without_a_key_queues_use_sqs_encryption" {
  module {
    source = "./modules/restore-events"
  }

  variables {
    name = "demo"
  }

  assert {
    condition     = aws_sqs_queue.restores.sqs_managed_sse_enabled == true && aws_sqs_queue.dead_letters.sqs_managed_sse_enabled == true
    error_message = "SSE-SQS: ${aws_sqs_queue.restores.sqs_managed_sse_enabled} and ${aws_sqs_queue.dead_letters.sqs_managed_sse_enabled}"
  }

  assert {
    condition     = aws_sqs_queue.restores.kms_master_key_id == null && aws_sqs_queue.dead_letters.kms_master_key_id == null
    error_message = "Keys: ${jsonencode([aws_sqs_queue.restores.kms_master_key_id, aws_sqs_queue.dead_letters.kms_master_key_id])}"
  }
}

run "a_given_key_is_on_both_queues" {
  module {
    source = "./modules/restore-events"
  }

  variables {
    name        = "demo"
    kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/demo"
  }

  assert {
    condition = (
      aws_sqs_queue.restores.kms_master_key_id == "arn:aws:kms:us-east-1:123456789012:key/demo" &&
      aws_sqs_queue.dead_letters.kms_master_key_id == "arn:aws:kms:us-east-1:123456789012:key/demo"
    )
    error_message = "Keys: ${jsonencode([aws_sqs_queue.restores.kms_master_key_id, aws_sqs_queue.dead_letters.kms_master_key_id])}"
  }
}

variables {
  name = "demo"
  restore_queue = {
    url                        = "https://sqs.us-east-1.amazonaws.com/123456789012/demo-restores"
    arn                        = "arn:aws:sqs:us-east-1:123456789012:demo-restores"
    visibility_timeout_seconds = 720
    message_retention_seconds  = 604800
  }
  dead_letter_queue = {
    url = "https://sqs.us-east-1.amazonaws.com/123456789012/demo-restores-dlq"
    arn = "arn:aws:sqs:us-east-1:123456789012:demo-restores-dlq"
  }
  senders = { worker = "arn:aws:iam::123456789012:role/demo-restore-worker" }
}

run "a_given_key_is_on_the_topic" {
  command = plan

  module {
    source = "./modules/notifications"
  }

  variables {
    kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/demo"
  }

  assert {
    condition     = aws_sns_topic.notifications[0].kms_master_key_id == "arn:aws:kms:us-east-1:123456789012:key/demo"
    error_message = "Key: ${jsonencode(aws_sns_topic.notifications[0].kms_master_key_id)}"
  }
}

run "without_a_key_the_functions_may_use_none_and_the_restore_table_is_encrypted" {
  module {
    source = "./modules/restore-worker"
  }

  assert {
    condition     = !contains(data.aws_iam_policy_document.records["worker"].statement[*].sid, "UseTheKey")
    error_message = "Statements: ${join(", ", data.aws_iam_policy_document.records["worker"].statement[*].sid)}"
  }

  assert {
    condition     = one(aws_dynamodb_table.restores.server_side_encryption).enabled == true
    error_message = "Encryption of the restore table: ${jsonencode(aws_dynamodb_table.restores.server_side_encryption)}"
  }
}

run "a_given_key_is_on_the_restore_table_and_usable_only_through_the_services_that_hold_the_data" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/demo"
  }

  assert {
    condition     = one(aws_dynamodb_table.restores.server_side_encryption).kms_key_arn == "arn:aws:kms:us-east-1:123456789012:key/demo"
    error_message = "Encryption of the restore table: ${jsonencode(aws_dynamodb_table.restores.server_side_encryption)}"
  }

  assert {
    condition = [for statement in data.aws_iam_policy_document.records["worker"].statement : {
      actions  = sort(statement.actions)
      resource = one(statement.resources)
      variable = one(statement.condition).variable
      services = sort(one(statement.condition).values)
      } if statement.sid == "UseTheKey"] == [{
      actions  = tolist(["kms:Decrypt", "kms:GenerateDataKey"])
      resource = "arn:aws:kms:us-east-1:123456789012:key/demo"
      variable = "kms:ViaService"
      services = tolist(["dynamodb.us-east-1.amazonaws.com", "lambda.us-east-1.amazonaws.com", "sns.us-east-1.amazonaws.com", "sqs.us-east-1.amazonaws.com"])
    }]
    error_message = "Statements: ${jsonencode(data.aws_iam_policy_document.records["worker"].statement)}"
  }
}

run "a_given_key_is_on_the_functions_environment_and_logs" {
  module {
    source = "./modules/lambda"
  }

  variables {
    function = {
      name        = "demo"
      role_name   = "demo"
      description = "demo"
      handler     = "demo.handler"
      code        = { s3 = { bucket = "builds", key = "code.zip", source_hash = "VpTQii5T/8rgwxA+Wtb2B2q9lg6x+KVldwQLwQKPcCs=" } }
      kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/demo"
    }
  }

  assert {
    condition     = aws_lambda_function.this.kms_key_arn == "arn:aws:kms:us-east-1:123456789012:key/demo" && aws_cloudwatch_log_group.this.kms_key_id == "arn:aws:kms:us-east-1:123456789012:key/demo"
    error_message = "Keys: ${aws_lambda_function.this.kms_key_arn} and ${aws_cloudwatch_log_group.this.kms_key_id}"
  }
}
