# A person calls the operator function once and in haste. It must know all that the worker knows, have time for a cutover,
# and leave the worker's reserved concurrency alone.

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
}

run "the_operator_function_has_the_workers_environment_and_code" {
  module {
    source = "./modules/restore-worker"
  }

  assert {
    condition     = local.operator.environment == local.environment && local.operator.code == local.function.code && local.operator.layers == local.function.layers
    error_message = "Environment: ${jsonencode(local.operator.environment)}"
  }

  assert {
    condition     = local.operator.handler == "dynamodb_restore.handlers.operator.handler" && output.operator.function.name == "demo-operator" && output.operator.log_group.name == "/aws/lambda/demo-operator"
    error_message = "Handler ${local.operator.handler} of ${jsonencode(output.operator)}"
  }
}

run "it_has_five_minutes_and_no_share_of_the_workers_concurrency" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    lambda = { timeout = 100, reserved_concurrency = 20, memory_size = 512, runtime = "python3.12", log_level = "DEBUG" }
  }

  assert {
    condition     = local.operator.timeout == 300 && local.operator.reserved_concurrency == null
    error_message = "Timeout ${local.operator.timeout}, reserved ${jsonencode(local.operator.reserved_concurrency)}"
  }

  assert {
    condition     = [local.operator.memory_size, local.operator.runtime, local.operator.log_level] == [512, "python3.12", "DEBUG"]
    error_message = "Function: ${jsonencode(local.operator)}"
  }
}

run "the_command_that_releases_settings_is_ready_to_paste" {
  module {
    source = "./modules/restore-worker"
  }

  assert {
    condition     = output.commands.release == "aws lambda invoke --region us-east-1 --function-name demo-operator --cli-read-timeout 0 --cli-binary-format raw-in-base64-out --payload '{\"action\":\"release\",\"settings\":[\"ttl\"],\"target\":\"TARGET_TABLE\"}' /dev/stdout"
    error_message = "Command: ${output.commands.release}"
  }
}

run "its_command_is_ready_to_paste" {
  module {
    source = "./modules/restore-worker"
  }

  assert {
    condition     = output.operator_command == "aws lambda invoke --region us-east-1 --function-name demo-operator --cli-read-timeout 0 --cli-binary-format raw-in-base64-out --payload '{\"action\":\"status\",\"table\":\"SOURCE_TABLE\"}' /dev/stdout"
    error_message = "Command: ${output.operator_command}"
  }
}
