# DynamoDB refuses an item of more than 400 KB in the middle of an apply; the plan must say it first. What is left in the
# environment must fit Lambda's 4 KB whatever the inputs are.

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

run "the_environment_has_room_for_the_longest_names" {
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
    condition     = length(jsonencode(merge(local.environment, { POWERTOOLS_LOG_LEVEL = "INFO" }))) < 2048
    error_message = "The environment has ${length(jsonencode(local.environment))} bytes"
  }
}

run "an_estate_of_hundreds_of_tables_fits" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    overrides      = [for number in range(100) : { source = "a-table-with-a-name-${number}", settings = { stream_triggers = false } }]
    drill_patterns = [for number in range(500) : "drill-${number}-*"]
  }

  assert {
    condition     = length(jsondecode(local.configuration).overrides) == 100 && length(jsondecode(local.configuration).drills.targets) == 500
    error_message = "The configuration has ${length(local.configuration)} characters"
  }
}

run "more_than_an_item_holds_fails" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    drill_patterns = [for pair in setproduct(range(2), range(1024)) : format("%d-%0240d*", pair[0], pair[1])]
  }

  expect_failures = [aws_dynamodb_table_item.configuration]
}
