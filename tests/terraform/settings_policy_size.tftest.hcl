# IAM refuses a managed policy of more than 6144 characters, and inline policies of more than 10240 together, in the middle
# of an apply; the plan must say it first. This is
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

override_data {
  target = module.function.data.aws_caller_identity.current
  values = { account_id = "123456789012" }
}

override_data {
  target = module.operator.data.aws_caller_identity.current
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

run "everything_on_with_a_few_patterns_and_two_more_regions_leaves_room" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    name           = "nnnnnnnnnnnnnnnnnnnnnnnn"
    settings       = { warm_throughput = true, replicas = true, encryption = true, billing_mode = true }
    findings       = { for finding in jsondecode(file("modules/restore-worker/findings.json")) : finding.name => true }
    source_regions = ["eu-central-1", "ap-southeast-2"]
    # As many buckets of the estate's own as may be named, with the longest names.
    failure_buckets = [for number in range(20) : "arn:aws:s3:::${join("", [for character in range(61) : "b"])}${10 + number}"]
    table_patterns  = { source = ["prod-orders-*", "prod-customers-*"], target = ["prod-orders-*", "prod-customers-*", "restored-*", "drill-*"] }
  }

  assert {
    condition     = local.settings_policy_sizes["tables"] > 3000 && local.settings_policy_sizes["tables"] < 5200
    error_message = "The policy for tables has ${local.settings_policy_sizes["tables"]} characters"
  }

  assert {
    condition     = local.settings_policy_sizes["services"] > 4000 && local.settings_policy_sizes["services"] < 5200
    error_message = "The policy for services has ${local.settings_policy_sizes["services"]} characters"
  }

  assert {
    condition     = local.settings_policy_sizes["keys"] > 1500 && local.settings_policy_sizes["keys"] < 2500
    error_message = "The policy for keys has ${local.settings_policy_sizes["keys"]} characters"
  }

  assert {
    condition     = local.settings_policy_sizes["findings"] > 1000 && local.settings_policy_sizes["findings"] < 3000
    error_message = "The policy for findings has ${local.settings_policy_sizes["findings"]} characters"
  }

  # Of the 10240 characters that IAM allows a role inline, 3000 are more than all else takes that the roles have inline. How
  # many pipelines there are makes no difference.
  assert {
    condition     = length(data.aws_iam_policy_document.pipelines["operator"].minified_json) < 7240 && length(data.aws_iam_policy_document.pipelines["worker"].minified_json) < 600
    error_message = "What concerns pipelines has ${length(data.aws_iam_policy_document.pipelines["operator"].minified_json)} and ${length(data.aws_iam_policy_document.pipelines["worker"].minified_json)} characters"
  }

  assert {
    condition     = length(data.aws_iam_policy_document.worker.minified_json) < 1500 && length(local.settings_policies) <= 10
    error_message = "The worker's own policy has ${length(data.aws_iam_policy_document.worker.minified_json)} characters, and ${length(local.settings_policies)} policies are attached"
  }
}

run "more_patterns_than_a_policy_holds_fail" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    table_patterns = { target = [for number in range(20) : "a-long-pattern-for-restored-tables-${number}-*"] }
  }

  expect_failures = [aws_iam_policy.settings["tables"]]
}

# Replicas are made under the names of targets in any region: the one statement on services that grows with patterns.
run "more_targets_than_replicas_leave_room_for_fail" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    # The policy for tables has room for these.
    settings       = { replicas = true, contributor_insights = false, resource_policy = false }
    source_regions = ["eu-west-1", "eu-west-2", "eu-west-3", "eu-central-1", "eu-north-1", "ap-southeast-1", "ap-southeast-2"]
    table_patterns = { source = ["orders"], target = [for number in range(27) : "a-long-pattern-for-restored-tables-${number}-*"] }
  }

  expect_failures = [aws_iam_policy.settings["services"]]
}
