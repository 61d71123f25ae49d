# Tags are how cost and ownership are told apart in an account; one resource without them is the one that is asked about.

mock_provider "aws" {
  source = "./tests/terraform/mocks"
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

run "everything_of_the_events_is_tagged" {
  module {
    source = "./modules/restore-events"
  }

  variables {
    tags = { team = "platform" }
  }

  assert {
    condition = alltrue([
      for tags in [
        aws_sqs_queue.restores.tags, aws_sqs_queue.dead_letters.tags, aws_cloudwatch_event_rule.restores["calls"].tags, aws_cloudwatch_event_rule.restores["jobs"].tags,
        aws_cloudwatch_metric_alarm.dead_letters.tags,
      ] : tags == tomap({ team = "platform", "dynamodb-restore" = "demo" })
    ])
    error_message = "Tags: ${jsonencode([aws_sqs_queue.restores.tags, aws_sqs_queue.dead_letters.tags, aws_cloudwatch_event_rule.restores["calls"].tags, aws_cloudwatch_event_rule.restores["jobs"].tags, aws_cloudwatch_metric_alarm.dead_letters.tags])}"
  }
}

run "everything_of_the_worker_is_tagged" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    tags = { team = "platform" }
  }

  assert {
    condition = alltrue([
      for tags in [aws_dynamodb_table.restores.tags, aws_lambda_event_source_mapping.restore_queue.tags, aws_iam_policy.settings["tables"].tags, aws_iam_policy.settings["services"].tags, aws_iam_policy.settings["keys"].tags, aws_iam_policy.settings["findings"].tags] :
      tags == tomap({ team = "platform", "dynamodb-restore" = "demo" })
    ])
    error_message = "Tags: ${jsonencode([aws_dynamodb_table.restores.tags, aws_lambda_event_source_mapping.restore_queue.tags, aws_iam_policy.settings["tables"].tags, aws_iam_policy.settings["services"].tags, aws_iam_policy.settings["keys"].tags, aws_iam_policy.settings["findings"].tags])}"
  }
}

run "a_function_its_role_and_its_logs_are_tagged" {
  module {
    source = "./modules/lambda"
  }

  variables {
    tags = { team = "platform" }
    function = {
      name        = "demo"
      role_name   = "demo"
      description = "demo"
      handler     = "demo.handler"
      code        = { filename = "./dist/dynamodb_restore.zip" }
    }
  }

  assert {
    condition = alltrue([
      for tags in [aws_lambda_function.this.tags, aws_iam_role.this.tags, aws_cloudwatch_log_group.this.tags] :
      tags == tomap({ team = "platform" })
    ])
    error_message = "Tags: ${jsonencode([aws_lambda_function.this.tags, aws_iam_role.this.tags, aws_cloudwatch_log_group.this.tags])}"
  }
}

run "everything_of_a_pipeline_is_tagged" {
  module {
    source = "./modules/change-pipeline"
  }

  variables {
    tags  = { team = "platform" }
    table = "orders"
    binding = {
      name          = "demo"
      restore_table = { name = "demo-restores", arn = "arn:aws:dynamodb:us-east-1:123456789012:table/demo-restores" }
      functions     = { operator = { name = "demo-operator" } }
      layer_arn     = "arn:aws:lambda:us-east-1:123456789012:layer:demo-dependencies:1"
    }
  }

  assert {
    condition = alltrue([
      for tags in [
        aws_sqs_queue.buffer.tags, aws_sqs_queue.dead_letters.tags, aws_lambda_event_source_mapping.stream.tags,
        aws_lambda_event_source_mapping.buffer.tags, aws_s3_bucket.failures[0].tags, aws_cloudwatch_event_rule.upkeep.tags,
        aws_cloudwatch_metric_alarm.pipeline["set_aside"].tags,
      ] : tags == tomap({ team = "platform", "dynamodb-restore" = "demo" })
    ])
    error_message = "Tags: ${jsonencode([aws_sqs_queue.buffer.tags, aws_sqs_queue.dead_letters.tags, aws_lambda_event_source_mapping.stream.tags, aws_lambda_event_source_mapping.buffer.tags, aws_s3_bucket.failures[0].tags, aws_cloudwatch_event_rule.upkeep.tags, aws_cloudwatch_metric_alarm.pipeline["set_aside"].tags])}"
  }
}
