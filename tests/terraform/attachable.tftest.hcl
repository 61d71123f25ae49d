# Whoever may restore a table into a name that they can write to feeds what is attached to it. What may be attached is narrowed
# here, and for whom by overrides that match who asked.

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

run "everything_may_be_attached_unless_somebody_says_otherwise" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  assert {
    condition     = jsondecode(local.configuration).attachable == { functions = ["*"], kinesis_streams = ["*"] }
    error_message = "The worker is told: ${local.configuration}"
  }
}

run "the_worker_is_told_the_patterns_and_its_role_reaches_no_other_stream" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    attachable = {
      functions       = ["dev-*"]
      kinesis_streams = ["dev-*", "arn:aws:kinesis:us-east-1:210987654321:stream/shared"]
    }
  }

  assert {
    condition     = jsondecode(local.configuration).attachable == { functions = ["dev-*"], kinesis_streams = ["dev-*", "arn:aws:kinesis:us-east-1:210987654321:stream/shared"] }
    error_message = "The worker is told: ${local.configuration}"
  }

  assert {
    condition = toset(flatten([
      for document in data.aws_iam_policy_document.settings : [
        for statement in document.statement : statement.resources if statement.sid == "UseKinesisStreams"
      ]
      ])) == toset([
      "arn:aws:kinesis:us-east-1:123456789012:stream/dev-*",
      "arn:aws:kinesis:us-east-1:210987654321:stream/shared",
    ])
    error_message = "Resources: ${jsonencode([for document in data.aws_iam_policy_document.settings : [for statement in document.statement : statement.resources if statement.sid == "UseKinesisStreams"]])}"
  }
}

run "its_role_makes_triggers_of_no_other_function" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    attachable = { functions = ["dev-*", "arn:aws:lambda:us-east-1:210987654321:function:shared"] }
  }

  # A trigger may be of an alias or a version.
  assert {
    condition = flatten([
      for statement in data.aws_iam_policy_document.settings["services"].statement :
      [for condition in statement.condition : concat([condition.test, condition.variable], tolist(condition.values))] if contains(statement.actions, "lambda:CreateEventSourceMapping")
      ]) == [
      "ArnLike", "lambda:FunctionArn",
      "arn:aws:lambda:us-east-1:123456789012:function:dev-*", "arn:aws:lambda:us-east-1:123456789012:function:dev-*:*",
      "arn:aws:lambda:us-east-1:210987654321:function:shared", "arn:aws:lambda:us-east-1:210987654321:function:shared:*",
    ]
    error_message = "Statements: ${jsonencode(data.aws_iam_policy_document.settings["services"].statement)}"
  }
}

run "where_every_function_is_admitted_no_condition_says_which" {
  module {
    source = "./modules/restore-worker"
  }

  assert {
    condition     = sum([for statement in data.aws_iam_policy_document.settings["services"].statement : length(statement.condition) if statement.sid == "CreateTriggers"]) == 0
    error_message = "Statements: ${jsonencode(data.aws_iam_policy_document.settings["services"].statement)}"
  }
}

run "a_pattern_with_an_illegal_character_is_refused" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    attachable = { functions = ["dev-?"] }
  }

  expect_failures = [var.attachable]
}

run "an_empty_list_is_refused" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    attachable = { kinesis_streams = [] }
  }

  expect_failures = [var.attachable]
}

run "an_override_may_hold_for_certain_callers_and_leaves_the_others_to_what_comes_after_it" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    overrides = [
      { target = "dev-*", requested_by = "arn:aws:sts::*:assumed-role/operators/*" },
      { target = "dev-1-*", settings = { stream_triggers = false } },
    ]
  }

  assert {
    condition = slice(jsondecode(local.configuration).overrides, 0, 2) == [
      { target = "dev-*", requested_by = "arn:aws:sts::*:assumed-role/operators/*" },
      { target = "dev-1-*", settings = { stream_triggers = false } },
    ]
    error_message = "The worker is told: ${local.configuration}"
  }
}

run "one_for_all_callers_hides_one_for_certain_callers_after_it" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    overrides = [
      { target = "dev-*", settings = { stream_triggers = false } },
      { target = "dev-*", requested_by = "arn:aws:sts::*:assumed-role/operators/*" },
    ]
  }

  expect_failures = [var.overrides]
}

run "a_caller_with_an_illegal_character_is_refused" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    overrides = [{ requested_by = "ana or ben" }]
  }

  expect_failures = [var.overrides]
}
