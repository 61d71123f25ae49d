# A table restored into another region keeps its settings in its own. The role must be able to read there what it reads here,
# of sources and of nothing else, and must change nothing there.

mock_provider "aws" {
  source = "./tests/terraform/mocks"
}

variables {
  name           = "demo"
  table_patterns = { source = ["orders"], target = ["orders-*"] }
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

run "other_regions_widen_what_is_read_and_nothing_that_is_written" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    # This region too, as where several deployments share their variables, and one of them twice.
    source_regions = ["eu-west-1", "us-east-1", "eu-west-1"]
  }

  assert {
    condition = {
      for statement in data.aws_iam_policy_document.settings["tables"].statement : statement.sid => tolist(statement.resources)
      } == {
      ReadTables   = tolist(["arn:aws:dynamodb:eu-west-1:123456789012:table/orders", "arn:aws:dynamodb:us-east-1:123456789012:table/orders", "arn:aws:dynamodb:us-east-1:123456789012:table/orders-*"])
      ReadIndexes  = tolist(["arn:aws:dynamodb:eu-west-1:123456789012:table/orders/index/*", "arn:aws:dynamodb:us-east-1:123456789012:table/orders-*/index/*", "arn:aws:dynamodb:us-east-1:123456789012:table/orders/index/*"])
      ReadStreams  = tolist(["arn:aws:dynamodb:eu-west-1:123456789012:table/orders/stream/*", "arn:aws:dynamodb:us-east-1:123456789012:table/orders-*/stream/*", "arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/*"])
      WriteTables  = tolist(["arn:aws:dynamodb:us-east-1:123456789012:table/orders-*"])
      WriteIndexes = tolist(["arn:aws:dynamodb:us-east-1:123456789012:table/orders-*/index/*"])
      WriteStreams = tolist(["arn:aws:dynamodb:us-east-1:123456789012:table/orders-*/stream/*"])
    }
    error_message = "Resources: ${jsonencode({ for statement in data.aws_iam_policy_document.settings["tables"].statement : statement.sid => statement.resources })}"
  }

  assert {
    condition     = [for statement in data.aws_iam_policy_document.worker.statement : tolist(statement.resources) if statement.sid == "ReadBackups"] == [tolist(["arn:aws:dynamodb:eu-west-1:123456789012:table/orders/backup/*", "arn:aws:dynamodb:us-east-1:123456789012:table/orders/backup/*"])]
    error_message = "Statements: ${jsonencode(data.aws_iam_policy_document.worker.statement)}"
  }

  assert {
    condition = {
      for statement in concat(data.aws_iam_policy_document.settings["services"].statement, data.aws_iam_policy_document.settings["keys"].statement, data.aws_iam_policy_document.settings["findings"].statement) :
      statement.sid => sort(statement.actions) if anytrue([for resource in statement.resources : strcontains(resource, ":eu-west-1:")])
      } == {
      ReadTriggers          = tolist(["lambda:GetEventSourceMapping", "lambda:ListTags"])
      ReadFiltersOfTriggers = tolist(["kms:Decrypt"])
      DescribeKeysOfFilters = tolist(["kms:DescribeKey"])
      ReadTagsOfAlarms      = tolist(["cloudwatch:ListTagsForResource"])
      FindBackupSelections  = tolist(["backup:GetBackupSelection", "backup:ListBackupSelections"])
    }
    error_message = "Statements: ${jsonencode([for document in data.aws_iam_policy_document.settings : document.statement])}"
  }

  assert {
    condition     = jsondecode(local.configuration).source_regions == ["eu-west-1"]
    error_message = "The worker is told: ${local.configuration}"
  }
}

run "the_control_tag_is_read_there_too" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    source_regions = ["eu-west-1"]
    settings       = { tags = false }
    findings       = { for finding in jsondecode(file("modules/restore-worker/findings.json")) : finding.name => false }
  }

  assert {
    condition = [
      for statement in data.aws_iam_policy_document.settings["tables"].statement : tolist(statement.resources) if statement.sid == "ReadControlTag"
    ] == [tolist(["arn:aws:dynamodb:eu-west-1:123456789012:table/orders", "arn:aws:dynamodb:us-east-1:123456789012:table/orders"])]
    error_message = "Statements: ${jsonencode(data.aws_iam_policy_document.settings["tables"].statement)}"
  }
}

run "without_other_regions_everything_is_in_this_one" {
  module {
    source = "./modules/restore-worker"
  }

  assert {
    condition = alltrue([
      for resource in flatten([for document in data.aws_iam_policy_document.settings : document.statement[*].resources]) :
      can(regex("^arn:aws:[a-z-]+:us-east-1:", resource)) || can(regex("^arn:aws:(iam|cloudwatch)::|^arn:aws:cloudtrail:\\*:", resource)) || resource == "*"
    ])
    error_message = "Resources: ${join(", ", distinct(flatten([for document in data.aws_iam_policy_document.settings : document.statement[*].resources])))}"
  }

  assert {
    condition     = length(jsondecode(local.configuration).source_regions) == 0
    error_message = "The worker is told: ${local.configuration}"
  }
}

run "what_is_no_region_fails" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    source_regions = ["eu-west-1", "Ireland"]
  }

  expect_failures = [var.source_regions]
}
