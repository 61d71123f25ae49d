# Table patterns must narrow the rule and the role alike: a rule wider than the role makes restores fail, a role wider
# than the rule is a permission nobody asked for.

mock_provider "aws" {
  source = "./tests/terraform/mocks"
}

run "patterns_narrow_the_calls_by_source_name_or_arn_or_backup_and_by_target_name" {
  module {
    source = "./modules/restore-events"
  }

  variables {
    name           = "demo"
    table_patterns = { source = ["prod-*", "orders"], target = ["prod-*-restored"] }
  }

  assert {
    condition = jsondecode(aws_cloudwatch_event_rule.restores["calls"].event_pattern).detail.requestParameters == {
      "$or" = [
        { sourceTableName = [{ wildcard = "prod-*" }, { wildcard = "orders" }] },
        { sourceTableArn = [{ wildcard = "*:table/prod-*" }, { wildcard = "*:table/orders" }] },
        { backupArn = [{ wildcard = "*:table/prod-*/backup/*" }, { wildcard = "*:table/orders/backup/*" }] },
        { backupArn = [{ wildcard = "arn:*:backup:*" }] },
      ]
      targetTableName = [{ wildcard = "prod-*-restored" }]
    }
    error_message = "Event pattern: ${aws_cloudwatch_event_rule.restores["calls"].event_pattern}"
  }

  # Narrowing must not lose what the rule says without it.
  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.restores["calls"].event_pattern).detail.errorCode == [{ exists = false }]
    error_message = "Event pattern: ${aws_cloudwatch_event_rule.restores["calls"].event_pattern}"
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
    condition     = keys(jsondecode(aws_cloudwatch_event_rule.restores["calls"].event_pattern).detail.requestParameters) == ["$or"]
    error_message = "Event pattern: ${aws_cloudwatch_event_rule.restores["calls"].event_pattern}"
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
    condition     = keys(jsondecode(aws_cloudwatch_event_rule.restores["calls"].event_pattern).detail.requestParameters) == ["targetTableName"]
    error_message = "Event pattern: ${aws_cloudwatch_event_rule.restores["calls"].event_pattern}"
  }
}

run "calls_for_backups_alone_are_narrowed_by_the_tables_in_their_arns" {
  module {
    source = "./modules/restore-events"
  }

  variables {
    name           = "demo"
    follow         = { point_in_time = false }
    table_patterns = { source = ["prod-*"] }
  }

  assert {
    condition = jsondecode(aws_cloudwatch_event_rule.restores["calls"].event_pattern).detail.requestParameters == {
      "$or" = [
        { backupArn = [{ wildcard = "*:table/prod-*/backup/*" }] },
        { backupArn = [{ wildcard = "arn:*:backup:*" }] },
      ]
    }
    error_message = "Event pattern: ${aws_cloudwatch_event_rule.restores["calls"].event_pattern}"
  }
}

run "calls_for_points_in_time_alone_ask_for_no_backup" {
  module {
    source = "./modules/restore-events"
  }

  variables {
    name           = "demo"
    follow         = { backups = false }
    table_patterns = { source = ["prod-*"] }
  }

  assert {
    condition     = [for alternative in jsondecode(aws_cloudwatch_event_rule.restores["calls"].event_pattern).detail.requestParameters["$or"] : one(keys(alternative))] == ["sourceTableName", "sourceTableArn"]
    error_message = "Event pattern: ${aws_cloudwatch_event_rule.restores["calls"].event_pattern}"
  }
}

run "jobs_are_narrowed_by_target_but_not_while_they_have_none" {
  module {
    source = "./modules/restore-events"
  }

  variables {
    name           = "demo"
    table_patterns = { source = ["prod-*"], target = ["prod-*", "restored"] }
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.restores["jobs"].event_pattern).detail.createdResourceArn == [{ exists = false }, { wildcard = "*:table/prod-*" }, { wildcard = "*:table/restored" }]
    error_message = "Event pattern: ${aws_cloudwatch_event_rule.restores["jobs"].event_pattern}"
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.restores["jobs"].event_pattern).detail.resourceType == [{ prefix = "DynamoDB" }]
    error_message = "Event pattern: ${aws_cloudwatch_event_rule.restores["jobs"].event_pattern}"
  }
}

run "jobs_are_narrowed_by_source_where_they_tell_it" {
  module {
    source = "./modules/restore-events"
  }

  variables {
    name           = "demo"
    table_patterns = { source = ["prod-*"] }
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.restores["jobs"].event_pattern).detail.sourceResourceArn == [{ exists = false }, { wildcard = "*:table/prod-*" }]
    error_message = "Event pattern: ${aws_cloudwatch_event_rule.restores["jobs"].event_pattern}"
  }

  assert {
    condition     = sort(keys(jsondecode(aws_cloudwatch_event_rule.restores["jobs"].event_pattern).detail)) == tolist(["$or", "resourceType", "sourceResourceArn"])
    error_message = "Event pattern: ${aws_cloudwatch_event_rule.restores["jobs"].event_pattern}"
  }

  # What an event of a service says of its source, and where, is not known.
  assert {
    condition     = sort(keys(jsondecode(aws_cloudwatch_event_rule.restores["services"].event_pattern).detail)) == tolist(["errorCode", "eventName", "eventSource"])
    error_message = "Event pattern: ${aws_cloudwatch_event_rule.restores["services"].event_pattern}"
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
  senders = { worker = "arn:aws:iam::123456789012:role/demo-restore-worker" }
}

run "patterns_narrow_what_the_role_may_read_and_change" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    table_patterns = { source = ["orders"], target = ["orders-*"] }
  }

  # Reads go to both tables, writes to the target alone; index and stream go with their table.
  assert {
    condition = {
      for statement in data.aws_iam_policy_document.settings["tables"].statement : statement.sid => tolist(statement.resources)
      } == {
      ReadTables   = tolist(["arn:aws:dynamodb:us-east-1:123456789012:table/orders", "arn:aws:dynamodb:us-east-1:123456789012:table/orders-*"])
      ReadIndexes  = tolist(["arn:aws:dynamodb:us-east-1:123456789012:table/orders-*/index/*", "arn:aws:dynamodb:us-east-1:123456789012:table/orders/index/*"])
      ReadStreams  = tolist(["arn:aws:dynamodb:us-east-1:123456789012:table/orders-*/stream/*", "arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/*"])
      WriteTables  = tolist(["arn:aws:dynamodb:us-east-1:123456789012:table/orders-*"])
      WriteIndexes = tolist(["arn:aws:dynamodb:us-east-1:123456789012:table/orders-*/index/*"])
      WriteStreams = tolist(["arn:aws:dynamodb:us-east-1:123456789012:table/orders-*/stream/*"])
    }
    error_message = "Resources: ${jsonencode({ for statement in data.aws_iam_policy_document.settings["tables"].statement : statement.sid => statement.resources })}"
  }

  assert {
    condition     = [for statement in data.aws_iam_policy_document.worker.statement : tolist(statement.resources) if statement.sid == "ReadBackups"] == [tolist(["arn:aws:dynamodb:us-east-1:123456789012:table/orders/backup/*"])]
    error_message = "Statements: ${jsonencode(data.aws_iam_policy_document.worker.statement)}"
  }

  # No statement changes what is not a target, whatever its name; reads are told by their verb.
  assert {
    condition = toset(flatten([
      for statement in data.aws_iam_policy_document.settings["tables"].statement : [
        for action in statement.actions : action if startswith(statement.sid, "Read") && !can(regex("^dynamodb:(Describe|List|Get)", action))
      ]
    ])) == toset([])
    error_message = "Statements: ${jsonencode(data.aws_iam_policy_document.settings["tables"].statement)}"
  }

  assert {
    condition     = jsondecode(local.configuration).table_patterns == { source = ["orders"], target = ["orders-*"] }
    error_message = "The worker is told: ${local.configuration}"
  }
}

run "replicas_are_made_under_the_names_of_targets_alone" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    settings       = { replicas = true }
    table_patterns = { source = ["orders"], target = ["orders-*", "drill-*"] }
  }

  assert {
    condition = [
      for statement in data.aws_iam_policy_document.settings["services"].statement : tolist(statement.resources) if statement.sid == "CreateReplicas"
    ] == [tolist(["arn:aws:dynamodb:*:123456789012:table/drill-*", "arn:aws:dynamodb:*:123456789012:table/orders-*"])]
    error_message = "Statements: ${jsonencode(data.aws_iam_policy_document.settings["services"].statement)}"
  }
}
