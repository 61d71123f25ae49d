# The rules decide what is followed at all. A wrong pattern is silent: nothing arrives, or failed calls do.

mock_provider "aws" {
  source = "./tests/terraform/mocks"
}

variables {
  name    = "demo"
  senders = { worker = "arn:aws:iam::123456789012:role/demo-restore-worker" }
}

run "the_rules_take_successful_restore_calls_and_running_or_completed_jobs_and_nothing_else" {
  module {
    source = "./modules/restore-events"
  }

  assert {
    condition = jsondecode(aws_cloudwatch_event_rule.restores["calls"].event_pattern) == {
      source      = ["aws.dynamodb"]
      detail-type = ["AWS API Call via CloudTrail"]
      detail = {
        eventSource = ["dynamodb.amazonaws.com"]
        eventName   = ["RestoreTableToPointInTime", "RestoreTableFromBackup", "RestoreTableFromAwsBackup"]
        errorCode   = [{ exists = false }]
      }
    }
    error_message = "Event pattern: ${aws_cloudwatch_event_rule.restores["calls"].event_pattern}"
  }

  assert {
    condition = jsondecode(aws_cloudwatch_event_rule.restores["services"].event_pattern) == {
      source      = ["aws.dynamodb"]
      detail-type = ["AWS Service Event via CloudTrail"]
      detail = {
        eventSource = ["dynamodb.amazonaws.com"]
        eventName   = ["RestoreTableFromAwsBackup"]
        errorCode   = [{ exists = false }]
      }
    }
    error_message = "Event pattern: ${aws_cloudwatch_event_rule.restores["services"].event_pattern}"
  }

  assert {
    condition = jsondecode(aws_cloudwatch_event_rule.restores["jobs"].event_pattern) == {
      source      = ["aws.backup"]
      detail-type = ["Restore Job State Change"]
      detail = {
        resourceType = [{ prefix = "DynamoDB" }]
        "$or"        = [{ status = ["RUNNING", "COMPLETED"] }, { state = ["RUNNING", "COMPLETED"] }]
      }
    }
    error_message = "Event pattern: ${aws_cloudwatch_event_rule.restores["jobs"].event_pattern}"
  }

  assert {
    condition     = { for kind, target in aws_cloudwatch_event_target.restore_queue : kind => "${target.rule} ${target.target_id}" } == { calls = "demo-restore-requested restore-queue", jobs = "demo-restore-job restore-queue", services = "demo-restore-by-service restore-queue" }
    error_message = "Targets: ${jsonencode({ for kind, target in aws_cloudwatch_event_target.restore_queue : kind => "${target.rule} ${target.target_id}" })}"
  }

  assert {
    condition     = { for kind, rule in output.rules : kind => rule.name } == { calls = "demo-restore-requested", jobs = "demo-restore-job", services = "demo-restore-by-service" } && output.rules.jobs.event_pattern == aws_cloudwatch_event_rule.restores["jobs"].event_pattern
    error_message = "Output: ${jsonencode(output.rules)}"
  }

  assert {
    condition     = output.rehearse_command == null
    error_message = "Without an event source of one's own nothing can be rehearsed, and the output says: ${jsonencode(output.rehearse_command)}"
  }
}

# --- follow

run "without_points_in_time_their_call_is_not_followed" {
  module {
    source = "./modules/restore-events"
  }

  variables {
    follow        = { point_in_time = false }
    event_sources = ["com.example.rehearsal"]
  }

  assert {
    condition     = jsondecode(output.rules.calls.event_pattern).detail.eventName == ["RestoreTableFromBackup", "RestoreTableFromAwsBackup"] && keys(output.rules) == ["calls", "jobs", "services"]
    error_message = "Rules: ${jsonencode(output.rules)}"
  }

  # The command would put an event that no rule takes.
  assert {
    condition     = output.rehearse_command == null
    error_message = "Command: ${jsonencode(output.rehearse_command)}"
  }
}

run "without_backups_their_calls_are_not_followed" {
  module {
    source = "./modules/restore-events"
  }

  variables {
    follow = { backups = false }
  }

  assert {
    condition     = jsondecode(output.rules.calls.event_pattern).detail.eventName == ["RestoreTableToPointInTime"] && keys(output.rules) == ["calls", "jobs"]
    error_message = "Rules: ${jsonencode(output.rules)}"
  }
}

run "without_backup_jobs_there_is_no_rule_for_them" {
  module {
    source = "./modules/restore-events"
  }

  variables {
    follow = { backup_jobs = false }
  }

  assert {
    condition     = keys(output.rules) == ["calls", "services"] && keys(aws_cloudwatch_event_target.restore_queue) == ["calls", "services"]
    error_message = "Rules: ${join(", ", keys(output.rules))}; targets: ${join(", ", keys(aws_cloudwatch_event_target.restore_queue))}"
  }
}

run "with_backup_jobs_alone_there_is_one_rule_and_the_queues_know_no_other" {
  module {
    source = "./modules/restore-events"
  }

  override_resource {
    target = aws_cloudwatch_event_rule.restores["jobs"]
    values = { arn = "arn:aws:events:us-east-1:123456789012:rule/demo-restore-job" }
  }

  variables {
    follow = { point_in_time = false, backups = false }
  }

  assert {
    condition     = keys(output.rules) == ["jobs"]
    error_message = "Rules: ${join(", ", keys(output.rules))}"
  }

  assert {
    condition = alltrue([
      for document in data.aws_iam_policy_document.queue :
      one(document.statement[0].condition).values == tolist(["arn:aws:events:us-east-1:123456789012:rule/demo-restore-job"])
    ])
    error_message = "Queue policies: ${jsonencode([for document in data.aws_iam_policy_document.queue : document.statement[0].condition])}"
  }
}

run "following_nothing_fails" {
  command = plan

  module {
    source = "./modules/restore-events"
  }

  variables {
    follow = { point_in_time = false, backups = false, backup_jobs = false }
  }

  expect_failures = [var.follow]
}

run "what_the_worker_may_ask_of_backups_goes_by_what_is_followed" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    follow = { backups = false, backup_jobs = false }
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

  assert {
    condition     = !contains(data.aws_iam_policy_document.worker.statement[*].sid, "AskForRestoreJobs") && !contains(data.aws_iam_policy_document.worker.statement[*].sid, "ReadBackups")
    error_message = "Statements: ${join(", ", data.aws_iam_policy_document.worker.statement[*].sid)}"
  }

  assert {
    condition     = jsondecode(local.configuration).follow_terraform
    error_message = "The worker is told: ${local.configuration}"
  }
}

run "a_job_can_be_of_a_backup_of_dynamodbs_own" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    follow = { point_in_time = false, backups = false, terraform = false }
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

  assert {
    condition     = contains(data.aws_iam_policy_document.worker.statement[*].sid, "AskForRestoreJobs") && contains(data.aws_iam_policy_document.worker.statement[*].sid, "ReadBackups")
    error_message = "Statements: ${join(", ", data.aws_iam_policy_document.worker.statement[*].sid)}"
  }

  assert {
    condition     = !jsondecode(local.configuration).follow_terraform
    error_message = "The worker is told: ${local.configuration}"
  }
}

run "a_backup_without_its_job_needs_no_aws_backup" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    follow = { backup_jobs = false }
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

  assert {
    condition     = !contains(data.aws_iam_policy_document.worker.statement[*].sid, "AskForRestoreJobs") && contains(data.aws_iam_policy_document.worker.statement[*].sid, "ReadBackups")
    error_message = "Statements: ${join(", ", data.aws_iam_policy_document.worker.statement[*].sid)}"
  }
}

# --- rehearsals

run "extra_event_sources_stand_beside_awss_own_in_every_rule" {
  module {
    source = "./modules/restore-events"
  }

  variables {
    event_sources = ["com.example.rehearsal", "com.example.replay"]
  }

  assert {
    condition = { for kind, rule in aws_cloudwatch_event_rule.restores : kind => jsondecode(rule.event_pattern).source } == {
      calls    = ["aws.dynamodb", "com.example.rehearsal", "com.example.replay"]
      services = ["aws.dynamodb", "com.example.rehearsal", "com.example.replay"]
      jobs     = ["aws.backup", "com.example.rehearsal", "com.example.replay"]
    }
    error_message = "Event patterns: ${jsonencode([for rule in aws_cloudwatch_event_rule.restores : rule.event_pattern])}"
  }

  assert {
    condition     = startswith(output.rehearse_command, "aws events put-events --region us-east-1 --entries '[{")
    error_message = "Command: ${output.rehearse_command}"
  }

  # What the command puts on the bus must be what the rule takes.
  assert {
    condition = jsondecode(trimsuffix(trimprefix(output.rehearse_command, "aws events put-events --region us-east-1 --entries '"), "'")) == [{
      Source     = "com.example.rehearsal"
      DetailType = "AWS API Call via CloudTrail"
      Detail     = "{\"awsRegion\":\"us-east-1\",\"eventID\":\"EVENT_ID\",\"eventName\":\"RestoreTableToPointInTime\",\"eventSource\":\"dynamodb.amazonaws.com\",\"eventTime\":\"EVENT_TIME\",\"recipientAccountId\":\"123456789012\",\"requestParameters\":{\"sourceTableName\":\"SOURCE_TABLE\",\"targetTableName\":\"TARGET_TABLE\",\"useLatestRestorableTime\":true}}"
    }]
    error_message = "Command: ${output.rehearse_command}"
  }
}
