# IAM refuses a managed policy of more than 6144 characters in the middle of an apply; the plan must say it first. This is
# the one file with the real provider, which alone puts policies into JSON. Nothing is made and nobody is asked.

provider "aws" {
  region                      = "us-east-1"
  access_key                  = "none"
  secret_key                  = "none"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
}

override_data {
  target = data.aws_caller_identity.current
  values = { account_id = "123456789012" }
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

run "every_setting_and_a_few_patterns_leave_room" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    table_patterns = { source = ["prod-orders-*"], target = ["prod-orders-*", "restored-orders-*"] }
  }

  assert {
    condition     = local.settings_policy_size > 3000 && local.settings_policy_size < 5200
    error_message = "The settings policy has ${local.settings_policy_size} characters"
  }
}

run "more_patterns_than_a_policy_holds_fail" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    table_patterns = { target = [for number in range(10) : "a-long-pattern-for-restored-tables-${number}-*"] }
  }

  expect_failures = [aws_iam_policy.settings]
}
