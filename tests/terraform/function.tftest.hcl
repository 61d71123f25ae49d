# How the worker runs decides whether a restore is followed to its end: one message an invocation, partial failures
# reported, no more at once than the function takes.

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

run "the_worker_is_told_all_that_it_reads" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    polling       = { max_attempts = 5, base_delay_seconds = 1, backoff_rate = 2, max_delay_seconds = 8, jitter = 0.5 }
    restore_table = { record_retention_days = 30 }
    notifications = { topic_arn = "arn:aws:sns:us-east-1:123456789012:demo-notifications" }
  }

  assert {
    condition = local.environment == {
      RESTORE_TABLE_NAME           = "demo-restores"
      RESTORE_QUEUE_URL            = "https://sqs.us-east-1.amazonaws.com/123456789012/demo-restores"
      DEAD_LETTER_QUEUE_URL        = "https://sqs.us-east-1.amazonaws.com/123456789012/demo-restores-dlq"
      NOTIFICATION_TOPIC_ARN       = "arn:aws:sns:us-east-1:123456789012:demo-notifications"
      EVENT_BUS_NAME               = "default"
      CONFIGURATION                = sha256(local.configuration)
      RECORD_RETENTION_DAYS        = "30"
      POWERTOOLS_SERVICE_NAME      = "demo"
      POWERTOOLS_METRICS_NAMESPACE = "DynamoDBRestore"
    }
    error_message = "Environment: ${jsonencode(local.environment)}"
  }

  assert {
    condition = jsondecode(aws_dynamodb_table_item.configuration.item) == {
      pk       = { S = "configuration" }
      sk       = { S = local.environment.CONFIGURATION }
      document = { S = local.configuration }
    }
    error_message = "Item: ${aws_dynamodb_table_item.configuration.item}"
  }

  assert {
    condition = { for key, value in jsondecode(local.configuration) : key => value if !contains(["settings", "findings"], key) } == {
      drills               = { keeps = ["indexes", "on_demand_throughput", "stream", "table_class", "tags"], targets = [] }
      overrides            = []
      attachable           = { functions = ["*"], kinesis_streams = ["*"] }
      control_tag          = "dynamodb-restore:settings"
      control_tag_excludes = ["point_in_time_recovery", "deletion_protection", "encryption", "resource_policy"]
      follow_terraform     = true
      source_regions       = []
      polling              = { max_attempts = 5, base_delay_seconds = 1, backoff_rate = 2, max_delay_seconds = 8, jitter = 0.5 }
      table_patterns       = { source = ["*"], target = ["*"] }
    }
    error_message = "Configuration: ${local.configuration}"
  }
}

run "the_queue_feeds_it_one_restore_at_a_time" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    lambda = { maximum_concurrency = 7 }
  }

  assert {
    condition     = aws_lambda_event_source_mapping.restore_queue.event_source_arn == "arn:aws:sqs:us-east-1:123456789012:demo-restores" && aws_lambda_event_source_mapping.restore_queue.batch_size == 1
    error_message = "Mapping of ${aws_lambda_event_source_mapping.restore_queue.event_source_arn} with batches of ${aws_lambda_event_source_mapping.restore_queue.batch_size}"
  }

  assert {
    condition     = aws_lambda_event_source_mapping.restore_queue.function_response_types == toset(["ReportBatchItemFailures"])
    error_message = "Response types: ${join(", ", aws_lambda_event_source_mapping.restore_queue.function_response_types)}"
  }

  assert {
    condition     = one(aws_lambda_event_source_mapping.restore_queue.scaling_config).maximum_concurrency == 7
    error_message = "Concurrency: ${one(aws_lambda_event_source_mapping.restore_queue.scaling_config).maximum_concurrency}"
  }
}

run "the_restore_table_is_keyed_expires_and_is_backed_up" {
  module {
    source = "./modules/restore-worker"
  }

  assert {
    condition     = [aws_dynamodb_table.restores.billing_mode, aws_dynamodb_table.restores.hash_key, aws_dynamodb_table.restores.range_key, one(aws_dynamodb_table.restores.ttl).attribute_name] == ["PAY_PER_REQUEST", "pk", "sk", "expires_at"] && one(aws_dynamodb_table.restores.ttl).enabled && one(aws_dynamodb_table.restores.point_in_time_recovery).enabled
    error_message = "Table: ${jsonencode([aws_dynamodb_table.restores.billing_mode, aws_dynamodb_table.restores.hash_key, aws_dynamodb_table.restores.range_key, aws_dynamodb_table.restores.ttl, aws_dynamodb_table.restores.point_in_time_recovery])}"
  }

  # Or a changed name would replace it, and with it the records of restores that are under way.
  assert {
    condition     = aws_dynamodb_table.restores.deletion_protection_enabled == true
    error_message = "Deletion protection: ${aws_dynamodb_table.restores.deletion_protection_enabled}"
  }

  # What the functions write there is not Terraform's to undo.
  assert {
    condition     = jsondecode(aws_dynamodb_table_item.owned_pipelines.item) == { pk = { S = "pipelines" }, sk = { S = "owned" }, owned = { M = {} } } && output.owned_pipelines == aws_dynamodb_table_item.owned_pipelines.item
    error_message = "Item: ${jsonencode([aws_dynamodb_table_item.owned_pipelines.item, output.owned_pipelines])}"
  }
}

run "the_restore_tables_protection_can_be_switched_off_for_a_destroy" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    restore_table = { deletion_protection = false }
  }

  assert {
    condition     = aws_dynamodb_table.restores.deletion_protection_enabled == false
    error_message = "Deletion protection: ${aws_dynamodb_table.restores.deletion_protection_enabled}"
  }
}

run "a_function_has_the_defaults_of_the_house" {
  module {
    source = "./modules/lambda"
  }

  variables {
    function = {
      name        = "demo"
      role_name   = "demo-role"
      description = "demo"
      handler     = "demo.handler"
      environment = { COLOUR = "green" }
      layers      = ["arn:aws:lambda:us-east-1:123456789012:layer:demo:1"]
      code        = { filename = "./dist/dynamodb_restore.zip" }
    }
  }

  assert {
    condition = {
      runtime     = aws_lambda_function.this.runtime
      arch        = one(aws_lambda_function.this.architectures)
      memory      = aws_lambda_function.this.memory_size
      timeout     = aws_lambda_function.this.timeout
      layers      = join(" ", aws_lambda_function.this.layers)
      reserved    = aws_lambda_function.this.reserved_concurrent_executions
      tracing     = one(aws_lambda_function.this.tracing_config).mode
      environment = tomap(one(aws_lambda_function.this.environment).variables)
      retention   = aws_cloudwatch_log_group.this.retention_in_days
      log_group   = one(aws_lambda_function.this.logging_config).log_group
      } == {
      runtime     = "python3.13"
      arch        = "arm64"
      memory      = 256
      timeout     = 120
      layers      = "arn:aws:lambda:us-east-1:123456789012:layer:demo:1"
      reserved    = -1
      tracing     = "PassThrough"
      environment = tomap({ COLOUR = "green", POWERTOOLS_LOG_LEVEL = "INFO" })
      retention   = 30
      log_group   = "/aws/lambda/demo"
    }
    error_message = "Function: ${jsonencode([aws_lambda_function.this.runtime, aws_lambda_function.this.architectures, aws_lambda_function.this.memory_size, aws_lambda_function.this.timeout, aws_lambda_function.this.layers, aws_lambda_function.this.reserved_concurrent_executions, aws_lambda_function.this.environment])}"
  }

  assert {
    condition     = data.aws_iam_policy_document.runtime.statement[*].sid == tolist(["WriteLogs"]) && data.aws_iam_policy_document.runtime.statement[0].resources == toset(["arn:aws:logs:us-east-1:123456789012:log-group:mocked:*"])
    error_message = "Statements: ${jsonencode(data.aws_iam_policy_document.runtime.statement)}"
  }

  assert {
    condition     = aws_iam_role.this.name == "demo-role" && aws_iam_role.this.permissions_boundary == null
    error_message = "Role: ${aws_iam_role.this.name}"
  }
}

run "a_function_can_be_told_otherwise" {
  module {
    source = "./modules/lambda"
  }

  variables {
    function = {
      name                 = "demo"
      role_name            = "demo"
      description          = "demo"
      handler              = "demo.handler"
      code                 = { filename = "./dist/dynamodb_restore.zip" }
      runtime              = "python3.12"
      architecture         = "x86_64"
      memory_size          = 512
      timeout              = 60
      reserved_concurrency = 20
      log_level            = "DEBUG"
      log_retention_days   = 0
      tracing              = true
      permissions_boundary = "arn:aws:iam::123456789012:policy/boundary"
    }
  }

  assert {
    condition = {
      runtime   = aws_lambda_function.this.runtime
      arch      = one(aws_lambda_function.this.architectures)
      memory    = aws_lambda_function.this.memory_size
      timeout   = aws_lambda_function.this.timeout
      reserved  = aws_lambda_function.this.reserved_concurrent_executions
      tracing   = one(aws_lambda_function.this.tracing_config).mode
      level     = one(aws_lambda_function.this.environment).variables.POWERTOOLS_LOG_LEVEL
      retention = aws_cloudwatch_log_group.this.retention_in_days
      boundary  = aws_iam_role.this.permissions_boundary
      } == {
      runtime   = "python3.12"
      arch      = "x86_64"
      memory    = 512
      timeout   = 60
      reserved  = 20
      tracing   = "Active"
      level     = "DEBUG"
      retention = 0
      boundary  = "arn:aws:iam::123456789012:policy/boundary"
    }
    error_message = "Function: ${jsonencode([aws_lambda_function.this.runtime, aws_lambda_function.this.architectures, aws_lambda_function.this.memory_size, aws_lambda_function.this.timeout, aws_lambda_function.this.tracing_config, aws_lambda_function.this.environment])}"
  }

  assert {
    condition     = data.aws_iam_policy_document.runtime.statement[*].sid == tolist(["WriteLogs", "SendTraces"])
    error_message = "Statements: ${join(", ", data.aws_iam_policy_document.runtime.statement[*].sid)}"
  }
}

run "a_function_outside_a_vpc_may_nothing_in_ec2" {
  module {
    source = "./modules/lambda"
  }

  variables {
    function = {
      name        = "demo"
      role_name   = "demo"
      description = "demo"
      handler     = "demo.handler"
      code        = { filename = "./dist/dynamodb_restore.zip" }
    }
  }

  assert {
    condition     = length(aws_iam_role_policy.vpc) == 0 && length(aws_lambda_function.this.vpc_config) == 0 && aws_iam_role.this.path == "/"
    error_message = "VPC: ${jsonencode([aws_iam_role_policy.vpc, aws_lambda_function.this.vpc_config, aws_iam_role.this.path])}"
  }
}

# Lambda attaches the function with the function's role; the function itself is denied what Lambda needs for that.
run "a_function_in_a_vpc_has_what_lambda_needs_and_may_not_use_it" {
  module {
    source = "./modules/lambda"
  }

  variables {
    function = {
      name        = "demo"
      role_name   = "demo"
      description = "demo"
      handler     = "demo.handler"
      code        = { filename = "./dist/dynamodb_restore.zip" }
      role_path   = "/service/"
      vpc         = { subnet_ids = ["subnet-0123abcd"], security_group_ids = ["sg-0123abcd"] }
    }
  }

  assert {
    condition     = one(aws_lambda_function.this.vpc_config).subnet_ids == toset(["subnet-0123abcd"]) && one(aws_lambda_function.this.vpc_config).security_group_ids == toset(["sg-0123abcd"]) && aws_iam_role.this.path == "/service/"
    error_message = "VPC: ${jsonencode([aws_lambda_function.this.vpc_config, aws_iam_role.this.path])}"
  }

  # AWSLambdaVPCAccessExecutionRole, but for its logs.
  assert {
    condition = [for statement in data.aws_iam_policy_document.vpc[0].statement : statement.actions if statement.effect != "Deny"] == [toset([
      "ec2:AssignPrivateIpAddresses",
      "ec2:CreateNetworkInterface",
      "ec2:DeleteNetworkInterface",
      "ec2:DescribeNetworkInterfaces",
      "ec2:DescribeSubnets",
      "ec2:UnassignPrivateIpAddresses",
    ])]
    error_message = "Statements: ${jsonencode(data.aws_iam_policy_document.vpc[0].statement)}"
  }

  assert {
    condition = alltrue([
      for statement in data.aws_iam_policy_document.vpc[0].statement :
      length(setsubtract(data.aws_iam_policy_document.vpc[0].statement[0].actions, statement.actions)) == 0 && one(one(statement.condition).values) == "arn:aws:lambda:us-east-1:123456789012:function:demo" && one(statement.condition).variable == "lambda:SourceFunctionArn" if statement.effect == "Deny"
    ]) && length(data.aws_iam_policy_document.vpc[0].statement) == 2
    error_message = "Statements: ${jsonencode(data.aws_iam_policy_document.vpc[0].statement)}"
  }
}
