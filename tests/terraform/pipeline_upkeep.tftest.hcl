# Upkeep is what touches items for a person, and what notices that capture reads a stream that is no longer the table's. It
# must run by itself, be told what it reads, and be invoked by nobody but its rule and the operator function.

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
  target = terraform_data.buffer
  values = { id = "buffer-1" }
}

override_resource {
  target = module.upkeep.aws_lambda_function.this
  values = { arn = "arn:aws:lambda:us-east-1:123456789012:function:demo--orders-upkeep" }
}

override_resource {
  target = aws_cloudwatch_event_rule.upkeep
  values = { arn = "arn:aws:events:us-east-1:123456789012:rule/demo--orders-upkeep" }
}

run "a_rule_invokes_it_every_five_minutes_and_only_that_rule_may" {
  module {
    source = "./modules/change-pipeline"
  }

  assert {
    condition     = aws_cloudwatch_event_rule.upkeep.schedule_expression == "rate(5 minutes)"
    error_message = "Schedule: ${aws_cloudwatch_event_rule.upkeep.schedule_expression}"
  }

  assert {
    condition     = [aws_cloudwatch_event_target.upkeep.rule, aws_cloudwatch_event_target.upkeep.arn, aws_cloudwatch_event_target.upkeep.input] == ["demo--orders-upkeep", "arn:aws:lambda:us-east-1:123456789012:function:demo--orders-upkeep", "{\"action\":\"upkeep\"}"]
    error_message = "Target: ${jsonencode(aws_cloudwatch_event_target.upkeep)}"
  }

  assert {
    condition     = [aws_lambda_permission.upkeep.action, aws_lambda_permission.upkeep.function_name, aws_lambda_permission.upkeep.principal, aws_lambda_permission.upkeep.source_arn] == ["lambda:InvokeFunction", "demo--orders-upkeep", "events.amazonaws.com", "arn:aws:events:us-east-1:123456789012:rule/demo--orders-upkeep"]
    error_message = "Permission: ${jsonencode(aws_lambda_permission.upkeep)}"
  }

  assert {
    condition     = [output.functions.upkeep.name, output.roles.upkeep.name, output.log_groups.upkeep.name, output.upkeep_rule.name] == ["demo--orders-upkeep", "demo--orders-upkeep-us-east-1", "/aws/lambda/demo--orders-upkeep", "demo--orders-upkeep"]
    error_message = "Outputs: ${jsonencode([output.functions, output.roles, output.log_groups, output.upkeep_rule])}"
  }
}

run "every_minute_is_written_as_eventbridge_wants_it" {
  module {
    source = "./modules/change-pipeline"
  }

  variables {
    upkeep_interval_minutes = 1
  }

  assert {
    condition     = aws_cloudwatch_event_rule.upkeep.schedule_expression == "rate(1 minute)"
    error_message = "Schedule: ${aws_cloudwatch_event_rule.upkeep.schedule_expression}"
  }
}

run "it_is_told_all_that_it_reads" {
  module {
    source = "./modules/change-pipeline"
  }

  variables {
    group_count = 32
    byte_limit  = 100000
    lambda      = { memory_size = 1024, timeout = 45, runtime = "python3.12", log_level = "DEBUG" }
  }

  assert {
    condition = local.upkeep_function.environment == {
      SOURCE_TABLE_NAME            = "orders"
      RESTORE_TABLE_NAME           = "demo-restores"
      BUFFER_ID                    = "buffer-1"
      GROUP_COUNT                  = "32"
      BYTE_LIMIT                   = "100000"
      FAILURE_BUCKET               = "mocked"
      IMAGE_PREFIX                 = "images/demo--orders/"
      POWERTOOLS_SERVICE_NAME      = "demo"
      POWERTOOLS_METRICS_NAMESPACE = "DynamoDBRestore"
    }
    error_message = "Environment: ${jsonencode(local.upkeep_function.environment)}"
  }

  # It groups as capture does, or the changes of an item could overtake each other.
  assert {
    condition     = [local.upkeep_function.environment.GROUP_COUNT, local.upkeep_function.environment.BYTE_LIMIT] == [local.capture_function.environment.GROUP_COUNT, local.capture_function.environment.BYTE_LIMIT]
    error_message = "Environments: ${jsonencode([local.upkeep_function.environment, local.capture_function.environment])}"
  }

  # The timeout is not the others': the operator function waits for it.
  assert {
    condition     = [local.upkeep_function.handler, local.upkeep_function.runtime, local.upkeep_function.log_level, one(local.upkeep_function.layers)] == ["dynamodb_restore.handlers.upkeep.handler", "python3.12", "DEBUG", "arn:aws:lambda:us-east-1:123456789012:layer:demo-dependencies:1"] && [local.upkeep_function.memory_size, local.upkeep_function.timeout] == [1024, 300] && endswith(local.upkeep_function.code.filename, "modules/change-pipeline/../../dist/dynamodb_restore.zip")
    error_message = "Function: ${jsonencode(local.upkeep_function)}"
  }
}
