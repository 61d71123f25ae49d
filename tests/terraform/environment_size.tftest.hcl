# Lambda refuses an environment of more than 4 KB in the middle of an apply; the plan must say it first, also before there
# is a queue whose URL is known.

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

run "everything_that_is_usual_leaves_half_of_it" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    overrides      = [for number in range(4) : { source = "prod-orders-${number}-*", settings = { stream_triggers = false, warm_throughput = true } }]
    drill_patterns = ["drill-*"]
    source_regions = ["eu-west-1", "eu-central-1"]
    table_patterns = { source = ["prod-orders-*", "prod-customers-*"], target = ["prod-orders-*", "prod-customers-*", "drill-*"] }
  }

  assert {
    condition     = local.environment_size > 2000 && local.environment_size < 3000
    error_message = "The environment has ${local.environment_size} bytes"
  }
}

# What is not known in a plan is counted by the longest that it can be.
run "what_is_kept_free_is_enough_for_the_longest_names" {
  module {
    source = "./modules/restore-worker"
  }

  override_data {
    target = data.aws_region.current
    values = { id = "ap-southeast-99" }
  }

  variables {
    restore_queue = {
      url                        = "https://sqs.ap-southeast-99.amazonaws.com.cn/123456789012/${join("", [for number in range(80) : "q"])}"
      arn                        = "arn:aws:sqs:ap-southeast-99:123456789012:demo-restores"
      visibility_timeout_seconds = 720
      message_retention_seconds  = 604800
    }
    dead_letter_queue = {
      url = "https://sqs.ap-southeast-99.amazonaws.com.cn/123456789012/${join("", [for number in range(80) : "q"])}"
      arn = "arn:aws:sqs:ap-southeast-99:123456789012:demo-restores-dlq"
    }
    notifications = { topic_arn = "arn:aws-us-gov:sns:ap-southeast-99:123456789012:${join("", [for number in range(256) : "t"])}" }
  }

  assert {
    condition     = length(jsonencode(merge(local.environment, { POWERTOOLS_LOG_LEVEL = "INFO" }))) <= local.environment_size
    error_message = "The environment has ${length(jsonencode(local.environment))} bytes and is reckoned as ${local.environment_size}"
  }
}

run "more_overrides_than_an_environment_holds_fail" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    overrides = [for number in range(40) : { source = "a-table-with-a-name-${number}", settings = { stream_triggers = false } }]
  }

  expect_failures = [aws_lambda_event_source_mapping.restore_queue]
}

run "more_drills_than_an_environment_holds_fail" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    drill_patterns = [for number in range(200) : "drill-${number}-*"]
  }

  expect_failures = [aws_lambda_event_source_mapping.restore_queue]
}
