# Table patterns must narrow the rule and the role alike: a rule wider than the role makes restores fail, a role wider
# than the rule is a permission nobody asked for.

mock_provider "aws" {
  source = "./tests/terraform/mocks"
}

run "patterns_narrow_the_rule_by_source_name_or_arn_and_by_target_name" {
  module {
    source = "./modules/restore-events"
  }

  variables {
    name           = "demo"
    table_patterns = { source = ["prod-*", "orders"], target = ["prod-*-restored"] }
  }

  assert {
    condition = jsondecode(aws_cloudwatch_event_rule.restore_requested.event_pattern).detail.requestParameters == {
      "$or" = [
        { sourceTableName = [{ wildcard = "prod-*" }, { wildcard = "orders" }] },
        { sourceTableArn = [{ wildcard = "*:table/prod-*" }, { wildcard = "*:table/orders" }] },
      ]
      targetTableName = [{ wildcard = "prod-*-restored" }]
    }
    error_message = "Event pattern: ${aws_cloudwatch_event_rule.restore_requested.event_pattern}"
  }

  # Narrowing must not lose what the rule says without it.
  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.restore_requested.event_pattern).detail.errorCode == [{ exists = false }]
    error_message = "Event pattern: ${aws_cloudwatch_event_rule.restore_requested.event_pattern}"
  }
}

run "a_pattern_for_the_source_alone_says_nothing_of_the_target" {
  module {
    source = "./modules/restore-events"
  }

  variables {
    name           = "demo"
    table_patterns = { source = ["prod-*"] }
  }

  assert {
    condition     = keys(jsondecode(aws_cloudwatch_event_rule.restore_requested.event_pattern).detail.requestParameters) == ["$or"]
    error_message = "Event pattern: ${aws_cloudwatch_event_rule.restore_requested.event_pattern}"
  }
}

run "a_pattern_for_the_target_alone_says_nothing_of_the_source" {
  module {
    source = "./modules/restore-events"
  }

  variables {
    name           = "demo"
    table_patterns = { target = ["prod-*"] }
  }

  assert {
    condition     = keys(jsondecode(aws_cloudwatch_event_rule.restore_requested.event_pattern).detail.requestParameters) == ["targetTableName"]
    error_message = "Event pattern: ${aws_cloudwatch_event_rule.restore_requested.event_pattern}"
  }
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

run "patterns_narrow_what_the_role_may_read_and_change" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    table_patterns = { source = ["orders"], target = ["orders-*"] }
  }

  # Reads go to both tables, writes to the target alone.
  assert {
    condition = {
      for statement in data.aws_iam_policy_document.settings.statement :
      statement.sid => tolist(statement.resources) if anytrue([for action in statement.actions : startswith(action, "dynamodb:")])
      } == {
      DescribeTables            = tolist(["arn:aws:dynamodb:us-east-1:123456789012:table/orders", "arn:aws:dynamodb:us-east-1:123456789012:table/orders-*"])
      ReadTags                  = tolist(["arn:aws:dynamodb:us-east-1:123456789012:table/orders", "arn:aws:dynamodb:us-east-1:123456789012:table/orders-*"])
      ReadTimeToLive            = tolist(["arn:aws:dynamodb:us-east-1:123456789012:table/orders", "arn:aws:dynamodb:us-east-1:123456789012:table/orders-*"])
      ReadKinesisDestinations   = tolist(["arn:aws:dynamodb:us-east-1:123456789012:table/orders", "arn:aws:dynamodb:us-east-1:123456789012:table/orders-*"])
      ReadPointInTimeRecovery   = tolist(["arn:aws:dynamodb:us-east-1:123456789012:table/orders", "arn:aws:dynamodb:us-east-1:123456789012:table/orders-*"])
      WriteTags                 = tolist(["arn:aws:dynamodb:us-east-1:123456789012:table/orders-*"])
      WriteTimeToLive           = tolist(["arn:aws:dynamodb:us-east-1:123456789012:table/orders-*"])
      EnableStream              = tolist(["arn:aws:dynamodb:us-east-1:123456789012:table/orders-*"])
      EnableKinesisDestination  = tolist(["arn:aws:dynamodb:us-east-1:123456789012:table/orders-*"])
      EnablePointInTimeRecovery = tolist(["arn:aws:dynamodb:us-east-1:123456789012:table/orders-*"])
      ScaleTables               = tolist(["arn:aws:dynamodb:us-east-1:123456789012:table/orders-*"])
    }
    error_message = "Resources: ${jsonencode({ for statement in data.aws_iam_policy_document.settings.statement : statement.sid => statement.resources })}"
  }
}
